/* snapshot/cache.h
 * Private to this room: the table of interned things. Each begins with struct shared; the table holds one reference of
 * each, so a count of one means that nobody else does, and none can appear but through the table under its lock. That is
 * why dropping a reference needs no lock.
 */
#pragma once
#include "base/lock.h"
#include "base/ref.h"
#include "snapshot/snapshot.h"

enum shelf {
	SHELF_NAMES,
	SHELF_NAMES_OP,
	SHELF_ROOT,
	SHELF_SNAPSHOT,
	SHELF_DIFF,
	SHELF_RESPONSE,
	SHELF_CHUNK,
	SHELF_N
};

struct shared {
	struct ref ref;
	uint8_t shelf;
	bool interned;
	uint64_t hash;
	struct shared *next;
	int64_t used_ns;
};

/* One row per shelf, in cache.c. `key` is whatever the shelf's file passes to cache_find. */
struct shelf_row {
	bool (*equal)(const struct shared *, const void *key);
	void (*destroy)(struct shared *);
	size_t (*memory)(const struct shared *);
};
bool names_equal(const struct shared *, const void *key);
void names_destroy(struct shared *);
size_t names_size(const struct shared *);
bool names_op_equal(const struct shared *, const void *key);
void names_op_destroy(struct shared *);
bool root_equal(const struct shared *, const void *key);
void root_destroy(struct shared *);
size_t root_size(const struct shared *);
bool snapshot_equal(const struct shared *, const void *key);
void snapshot_destroy(struct shared *);
bool diff_equal(const struct shared *, const void *key);
void diff_destroy(struct shared *);
bool response_equal(const struct shared *, const void *key);
void response_destroy(struct shared *);
size_t response_size(const struct shared *);
bool chunk_equal(const struct shared *, const void *key);
void chunk_destroy(struct shared *);
size_t chunk_size(const struct shared *);

struct xds_cache {
	struct lock
		build; /* held while a response is made, so that many streams wait for one of them */
	struct lock lock; /* of all below, and of the indexes of roots */
	struct shared **buckets;
	uint32_t n_buckets, n;
	int64_t now_ns;
	size_t pressure; /* bytes added since the last sweep */
	uint64_t n_hits, n_misses;
};

/* A new reference, or NULL. */
const struct shared *cache_find(struct xds_cache *, enum shelf, uint64_t hash,
				const void *key) must_check;
/* Takes `mine`, which has one reference. If another thread was faster, its thing is returned instead and ours is gone. */
const struct shared *cache_add(struct xds_cache *, struct shared *mine, const void *key) must_check;
void shared_init(struct shared *, enum shelf, uint64_t hash);
void shared_ref(const struct shared *);
void shared_unref(const struct shared *);

static inline uint64_t hash_pointers(const void *const *v, size_t n)
{
	return hash64(v, n * sizeof *v);
}

/* Names with their hashes (names.c), for look-ups in roots and back. */
struct hashed {
	uint64_t hash;
	const char *s;
};
static inline uint64_t name_hash(const char *s, size_t len)
{
	return hash64(s, len);
}
const struct hashed *names_hashed(const struct names *);
/* Sorts v. */
const struct names *names_make_hashed(struct xds_cache *, struct hashed *v, size_t n) must_check;
bool names_find_hashed(const struct names *, uint64_t hash, const char *s, size_t len,
		       uint32_t *ret_index);
bool names_has_hashed(const struct names *, uint64_t hash, const char *s, size_t len);

bool root_is_personal(const struct root *);
/* Of lists, equal hashes are equality: their bytes are compared where they are made (world/result.h). */
bool same_content(const struct result *, const struct result *);
/* The index of a root (root.c): its resources without duplicates, by hash of the name. */
struct index_entry {
	uint64_t hash; /* name_hash */
	uint64_t version;
	const struct result *at;
	uint32_t offset;
};
struct root_index {
	uint32_t n, n_duplicates;
	struct index_entry v[];
};
const struct root_index *root_index(
	const struct root *); /* never NULL; lives as long as the root */
/* NULL when there is none. */
const struct index_entry *index_find(const struct root_index *, uint64_t hash, const char *s,
				     size_t len);
/* Without looking at the name, which lies elsewhere in memory: the first entry with this hash. For what may be wrong once
 * in 2^64 times. */
const struct index_entry *index_guess(const struct root_index *, uint64_t hash);

/* The version on the wire of a resource of this version by itself, and that of one that is not there (response.c). */
uint64_t paired_version(uint64_t version, uint64_t name_hash, const struct root_index *pair);
uint64_t empty_version(enum xds_type, const char *name, size_t len);

/* The difference of two roots of one type (diff.c). */
struct diff_entry {
	const struct result *at; /* in the tree of `to` */
	uint32_t offset;
	bool is_new; /* not in `from` at all */
};
struct diff {
	struct shared shared;
	const struct root *from, *to;
	uint32_t n_changed, n_gone;
	const struct diff_entry *changed; /* and added, sorted by name */
	const struct resource *gone;      /* sorted by name, in the tree of `from` */
};
const struct diff *diff_get(struct xds_cache *, const struct root *from,
			    const struct root *to) must_check;
/* Takes nothing from the cache: for personal roots. */
const struct diff *diff_make(const struct root *from, const struct root *to) must_check;
void diff_unref(const struct diff *);
