/* snapshot/claims.h
 * What a client that comes back claims to hold (initial_resource_versions), and what there is to do about it.
 *
 * Any thread; a struct claims has one owner.
 */
#pragma once
#include "snapshot/snapshot.h"

struct claim {
	const char *name, *version;
};
struct claims;

/* Copies. Of a name claimed twice one version counts. */
struct claims *claims_new(struct xds_cache *, const struct claim *, size_t n) must_check;
void claims_free(struct claims *);
const struct names *claims_names(const struct claims *); /* borrowed; NULL for NULL */
size_t claims_memory(const struct claims *);

/* Compares with a root. `pair` as in response_key; or_none: versions that were made without one agree as well. `all`: the
 * client is to have everything of the root. The results are new references. */
struct claims_verdict {
	const struct names *send;   /* claimed in another version; with `all`, also not claimed */
	const struct names *remove; /* claimed, but not in the root */
};
struct claims_verdict claims_compare(struct xds_cache *, const struct claims *, const struct root *,
				     const struct root *pair, bool or_none, bool all) must_check;
