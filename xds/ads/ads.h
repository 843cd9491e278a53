/* ads/ads.h
 * The protocol engine of the aggregated discovery service, one stream at a time, state of the world and delta. It does
 * no I/O and knows no clock: requests, snapshots and the time go in; responses are pulled out by whoever can send.
 * (design section 3; spec/surface.md 2.4-2.9)
 *
 *	s = ads_stream_new(cache, XDS_DELTA, connection_number, now);
 *	ads_set_snapshot(s, snapshot, changed_at);	whenever the class's snapshot is another one
 *	ads_request(s, &request, now, &events, &e);	for each message of the client
 *	while (can send && ads_next(s, now, &send, &events))
 *		... send.body's pieces, then send.nonce_field; ads_send_fini(&send)
 *	ads_deadline(s, now): when to try ads_next again though nothing happened
 *
 * Call ads_next after each of the other calls, and whenever the transport can take the next message.
 *
 * A stream belongs to one thread or one lock at a time, its owner. What it shares with others (snapshots, sets of names,
 * responses) is immutable and lives in the cache. Other threads learn about it by ads_status_copy under the owner's lock.
 *
 * The rules it keeps:
 *  - At most one unacknowledged response per type. Changes meanwhile are conflated: the next response goes from what was
 *    sent to the newest.
 *  - Make before break. A generation of CDS, EDS, LDS and RDS is delivered as: new and changed clusters; endpoints; when
 *    the clusters are acknowledged and their endpoints too, new and changed listeners, then routes; when these are
 *    acknowledged, what has vanished: listeners, routes, clusters, endpoints. SotW, which removes by leaving out, sends
 *    old and new together until then. The next generation starts when this one is delivered, but changed endpoints
 *    alone never wait. A client that does not acknowledge holds things up for ADS_WAIT_NS at most, and one that never
 *    acknowledged anything not at all: it gets every first answer at once. What SotW cannot give: a client that comes
 *    back loses at once what has vanished meanwhile.
 *  - Endpoints follow every CDS response for the clusters that are new or changed in it, even if equal: Envoy warms
 *    those. For the same reason the version of an assignment covers its cluster: a connection that breaks between the
 *    two leaves a client with the new cluster and the old version of its endpoints, which are then sent again.
 *  - A client that comes back (initial_resource_versions) gets what differs, for every type, and what is gone removed.
 *  - A rejected (NACK) response is not sent again until something of its type changes; then what was rejected goes
 *    along (all of that response, unless the text says which resources, as Envoy's does for clusters and listeners).
 *  - Equal content is no change: nothing is sent.
 *
 * Not istiod's ways: versions are content hashes, nonces "<stream>-<number>"; a delta request with a stale nonce is no
 * acknowledgement, but its changes of the subscription count, since no client repeats them.
 */
#pragma once
#include "snapshot/claims.h"
#include "snapshot/response.h"

struct arena;
struct err;
struct ads_stream;

#define ADS_WAIT_NS (INT64_C(5) * 1000000000)
/* How long the removal of clusters in the answer to a returning client waits for its other subscriptions. */
#define ADS_GATHER_NS (INT64_C(100) * 1000000)
enum {
	ADS_ERROR_MAX = 2048, /* bytes kept of a NACK's text */
	ADS_ERROR_NAMES_MAX = 16,
	ADS_OTHER_MAX = 32,   /* watches of unknown types per stream; further ones are ignored */
	ADS_ANSWERS_MAX = 16, /* answers waiting to be sent per stream */
};

/* A request of either protocol, decoded (ads/decode.h). All borrowed for the call. */
struct ads_request {
	const char *type_url;
	const char *nonce;            /* "" if none */
	const char *version_info;     /* SotW */
	const char *const *subscribe; /* delta; SotW: resource_names */
	size_t n_subscribe;
	const char *const *unsubscribe;
	size_t n_unsubscribe;
	const struct claim *held; /* initial_resource_versions */
	size_t n_held;
	bool has_error; /* error_detail is there: a NACK */
	int32_t error_code;
	const char *error; /* its message */
	const void *node;  /* the encoded Node, for the caller: the engine does not look at it */
	size_t node_len;
};

/* What happened inside a call, for counters and for what only the caller can do. The caller zeroes it first; calls add. */
enum ads_action {
	ADS_ACTION_NONE,
	ADS_ACTION_SUBSCRIBED, /* the names of `type` changed: see ads_subscription; only for types whose root is the
				* stream's own (ads_set_root), so that the caller can bring the root */
	ADS_ACTION_QUERY,  /* XDS_DEBUG: answer with ads_answer; names are those of the request */
	ADS_ACTION_HEALTH, /* XDS_HEALTH: healthy unless the request has an error */
};
struct ads_events {
	enum ads_action action;
	enum xds_type type;     /* of the action */
	uint16_t n_sent[XDS_N]; /* responses given out by ads_next */
	uint16_t n_acked[XDS_N];
	uint16_t n_rejected[XDS_N]; /* NACKs: see the status for text and names */
	uint16_t n_expired[XDS_N];  /* stale nonces */
	bool is_converged;          /* all that the newest snapshot changed is sent */
	int64_t converged_ns;       /* how long that took, from the change on */
	bool is_synced;             /* and acknowledged */
	int64_t synced_ns;
};

/* `id` tells streams apart within nonces: unique within the process. */
struct ads_stream *ads_stream_new(struct xds_cache *, enum xds_protocol, uint32_t id,
				  int64_t now_ns);
void ads_stream_free(struct ads_stream *);

/* False: the stream is to be ended with INVALID_ARGUMENT or RESOURCE_EXHAUSTED (too many names). */
bool ads_request(struct ads_stream *, const struct ads_request *, int64_t now_ns,
		 struct ads_events *, struct err *) must_check;

/* The newest snapshot of the stream's class; takes its own reference. changed_ns: when the change that led to it came
 * in (for the convergence time). Until the first call nothing is answered. */
void ads_set_snapshot(struct ads_stream *, const struct snapshot *, int64_t changed_ns);
/* The stream's own root of a type, instead of the snapshot's: secrets, and what depends on the subscription. Takes its
 * own reference; NULL goes back to the snapshot's. */
void ads_set_root(struct ads_stream *, enum xds_type, const struct root *, int64_t changed_ns);
/* Types whose root only ads_set_root gives; bit 1 << type. Each change of such a subscription is reported by
 * ADS_ACTION_SUBSCRIBED, and its answer waits for the ads_set_root that must follow. */
void ads_own_types(struct ads_stream *, uint32_t types);
/* Sends this body (answer_encode) once, with a nonce. Takes its own reference. False: too many are waiting. */
bool ads_answer(struct ads_stream *, const struct body *) must_check;

struct ads_send {
	const struct body *body; /* a reference of the caller's: ads_send_fini */
	enum xds_type type;
	uint8_t nonce_field[64]; /* the encoded field, to be sent after the body */
	uint8_t nonce_len;
	uint32_t n_resources, n_removed;
};
/* The next response, if one can be sent now. From here on it counts as sent. */
bool ads_next(struct ads_stream *, int64_t now_ns, struct ads_send *ret,
	      struct ads_events *) must_check;
void ads_send_fini(struct ads_send *);
/* When ads_next may give something by time alone (later than `now`); INT64_MAX: never. */
int64_t ads_deadline(const struct ads_stream *, int64_t now_ns);

/* The names that a type is subscribed to; false: not at all. ret_all: wildcard. Borrowed until the next request. */
bool ads_subscription(const struct ads_stream *, enum xds_type, bool *ret_all,
		      const struct names **ret_names);
const struct snapshot *ads_snapshot(const struct ads_stream *); /* the newest one; borrowed */

/* ---- Status ---- */
enum ads_state { ADS_NOT_SENT, ADS_SYNCED, ADS_STALE, ADS_NACK };
const char *ads_state_text(enum ads_state); /* "SYNCED" ... as `istioctl proxy-status` names them */

enum { ADS_NONCE_MAX = 48 };
struct ads_type_status {
	enum xds_type type;
	const char *type_url;
	enum ads_state state;
	bool is_current; /* acknowledged, and what was sent is the newest */
	bool all;
	const struct names *names;                                  /* subscribed by name */
	char sent_nonce[ADS_NONCE_MAX], acked_nonce[ADS_NONCE_MAX]; /* "" if none */
	char sent_version[VERSION_HEX], acked_version[VERSION_HEX];
	int64_t sent_ns, acked_ns;    /* 0: never; the caller's clock */
	const struct root *sent_root; /* what the client holds, if all is acknowledged */
	uint32_t n_sent, n_rejected;  /* responses */
	/* The last NACK, if it was not followed by an ACK. */
	const char *error; /* NULL: none */
	int64_t error_ns;
	char error_version[VERSION_HEX];
	const char *const *error_names; /* resources that the text names */
	uint32_t n_error_names;
};
struct ads_status {
	uint32_t id;
	enum xds_protocol protocol;
	int64_t connected_ns;
	const struct snapshot *snapshot; /* the newest */
	struct ads_type_status *v;       /* in push order */
	uint32_t n;
};
/* A consistent copy in the arena, which also keeps what it points to; under the owner's lock. */
void ads_status_copy(const struct ads_stream *, struct arena *, struct ads_status *ret);
size_t ads_stream_memory(const struct ads_stream *); /* its own bytes, shared things not counted */
