/* snapshot/snapshot.h
 * What the proxies of one class are to have: one root of resources per type. Snapshots, roots, sets of names and encoded
 * responses are interned in one cache: equal content is one pointer, so "has anything changed?" is a comparison of
 * pointers, and ten thousand streams share one encoding (design section 3, spec/tracked-reads.md 8).
 *
 * Any thread. ref and unref take no lock. The cache keeps what nobody refers to any more for a while
 * (XDS_CACHE_LINGER_NS, so that proxies that connect one after the other share the work) until xds_cache_tick.
 */
#pragma once
#include "snapshot/names.h"
#include "snapshot/resource.h"
#include "snapshot/types.h"

struct xds_cache;
struct xds_cache *xds_cache_new(void);
void xds_cache_free(struct xds_cache *); /* after all that came from it is dropped */
#define XDS_CACHE_LINGER_NS (INT64_C(10) * 1000000000)
/* Drops what has been idle for the linger; call about once a second. Any one thread. */
void xds_cache_tick(struct xds_cache *, int64_t mono_ns);

struct xds_cache_stats {
	uint32_t n_snapshots, n_roots, n_names, n_diffs, n_responses;
	size_t names_bytes, index_bytes, response_bytes;
	uint64_t n_hits, n_misses; /* of responses */
};
void xds_cache_stats(struct xds_cache *, struct xds_cache_stats *ret);

/* ---- A root: all resources of one type, for one class of proxies ---- */
struct root;
/* Interned by content; takes its own reference of the result. */
const struct root *root_get(struct xds_cache *, enum xds_type, const struct result *) must_check;
/* Outside of the cache: for what must not be shared (secrets). Never equal to another one by pointer. */
const struct root *root_personal(enum xds_type, const struct result *) must_check;
const struct root *root_ref(const struct root *); /* NULL is fine */
void root_unref(const struct root *);
enum xds_type root_type(const struct root *);
const struct result *root_result(const struct root *); /* lives as long as the root */
uint64_t root_version(const struct root *);            /* of its content; 0 for NULL */
/* Calls fn for each resource, without duplicates, in no particular order, until it returns false. */
bool root_each(const struct root *, resource_fn *, void *ctx);
/* By name. The first call builds an index; NULL root: nothing is there. */
bool root_find(const struct root *, const char *name, struct resource *ret);
/* The names in it: a new reference. */
const struct names *root_names(struct xds_cache *, const struct root *) must_check;
uint32_t root_count(const struct root *); /* resources, duplicates not counted */
uint32_t root_n_duplicates(
	const struct root *); /* names that a translator emitted twice: a bug to report */

/* ---- A snapshot: one root per type ---- */
struct snapshot;
/* results[t] NULL: the type is not served (a request for it stays unanswered); an empty list is served as empty. */
const struct snapshot *snapshot_get(struct xds_cache *,
				    const struct result *const results[XDS_N]) must_check;
const struct snapshot *snapshot_ref(const struct snapshot *); /* NULL is fine */
void snapshot_unref(const struct snapshot *);
const struct root *snapshot_root(const struct snapshot *,
				 enum xds_type); /* borrowed; NULL: not served */
