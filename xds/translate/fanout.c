/* Three levels of lists under every root, so that one changed leaf re-joins a few dozen pointers and not ten thousand. */
#include "base/hash.h"
#include "model/scope.h"
#include "translate/queries.h"
#include "world/world.h"

uint32_t fanout_bucket_of(struct run *r, uint32_t ns)
{
	/* By name: numbers of keys differ from process to process. */
	return hash_str(run_text(r, ns)) % FANOUT_BUCKETS;
}

void fanout_root(struct run *r, unsigned bucket_query, unsigned ns_query)
{
	bool all;
	uint32_t n;
	const uint32_t *ns = scope_namespaces(r, &n, &all);

	if (all)
		for (uint32_t b = 0; b < FANOUT_BUCKETS; b++)
			list_add(r, bucket_query, b + 1);
	else
		for (uint32_t i = 0; i < n; i++)
			list_add(r, ns_query, ns[i]);
}

void fanout_bucket(struct run *r, uint32_t bucket, unsigned ns_query)
{
	const struct keyset *all = read_keyset(r, CELL_SVC_NS);

	for (uint32_t i = 0; i < all->n; i++)
		if (fanout_bucket_of(r, all->v[i]) == bucket - 1)
			list_add(r, ns_query, all->v[i]);
}
