/* tests/bench/reader.h
 * Reads one discovery response of either protocol from pieces as they arrive, without gathering it: names, versions and
 * hashes of all resources are known when its last byte is. Only what a cluster or listener needs looking into is kept,
 * and only if it lies across two pieces.
 *
 * One thread. Anything that is not such a response ends the program: a load test has no use for half a result.
 */
#pragma once
#include "base/buf.h"

enum ads_kind { ADS_CDS, ADS_EDS, ADS_LDS, ADS_RDS, ADS_N };
extern const char *const ads_urls[ADS_N];

/* A resource; pointers hold during the call. */
struct seen {
	enum ads_kind kind;
	const char *name, *version; /* SotW: the version is "" */
	uint64_t hash;              /* of the body */
	const uint8_t
		*body; /* of clusters and listeners whose hash is not known; else may be NULL */
	size_t len;
};
struct reader_events {
	bool (*is_known)(void *user, enum ads_kind, uint64_t hash);
	void (*on_resource)(void *user, const struct seen *);
	void (*on_removed)(void *user, const char *name); /* delta */
	/* The end. `kind` is ADS_N if it is of none of the four. */
	void (*on_response)(void *user, enum ads_kind, const char *version, const char *nonce);
};

enum { READER_TEXT_MAX = 1024, READER_LANES = 8 };
struct reader {
	const struct reader_events *events;
	void *user;
	bool is_sotw;
	/* private */
	uint64_t at, end[3], field_left;
	unsigned level;
	uint8_t head[20];
	unsigned n_head;
	uint32_t field;
	bool in_field, has_len; /* has_len: of the wire type with a length */
	struct text {
		char s[READER_TEXT_MAX];
		size_t n;
	} name, version, response_version, type, nonce, any_type, removed;
	uint64_t lanes[READER_LANES];
	uint8_t tail[8 * READER_LANES];
	size_t n_tail, keep, len;
	uint64_t hash;
	const uint8_t *whole;
	struct buf body;
};
void reader_init(struct reader *, bool is_sotw, const struct reader_events *, void *user);
void reader_fini(struct reader *);
void reader_feed(struct reader *, const uint8_t *, size_t n);
void reader_end(
	struct reader *); /* the message is complete: on_response, and ready for the next one */

/* One field of a message in memory. False at the end. */
struct wire {
	const uint8_t *p, *end;
};
struct wire_field {
	uint32_t number;
	uint64_t value;   /* varints */
	struct wire data; /* everything with a length */
};
bool wire_next(struct wire *, struct wire_field *);
bool wire_is(struct wire, const char *);
