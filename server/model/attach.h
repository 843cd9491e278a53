/* model/attach.h
 * Whether a policy is attached to the asking proxy: by labels, or by a reference to the Gateway that the proxy implements
 * (translation.md 8.1). The same for every kind of policy; the caller has picked the namespaces. Inside queries.
 */
#pragma once
#include "types.h"
#include "world/graph.h"

/* The fields of a policy that select. */
struct attachment {
	const struct str_map *labels; /* NULL or empty: no selector */
	const struct policy_target_reference *refs;
	uint32_t n_refs;
};
/* `one` is the older, single reference, which counts where the list is empty. Either may be NULL. */
struct attachment attachment_of(const struct type_workload_selector *,
				const struct policy_target_reference *one,
				const struct policy_target_reference *refs, uint32_t n_refs);
/* Neither labels nor references: it speaks for its namespace as a whole. */
bool attachment_is_empty(const struct attachment *);
/* Asks only where there is something to match. */
bool attachment_holds(struct run *, const struct attachment *);
