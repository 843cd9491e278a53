/* translate/shards.h
 * All endpoints as istiod's endpointShardz shows them (spec/surface.md 5.4): before any proxy's view of them.
 */
#pragma once
#include "world/graph.h"

/* [ns] For each host that the namespace declares and that has endpoints: the host, NUL, a JSON object, NUL; in the order
 * of hosts. Asks nothing of a proxy. Bound only while somebody looks. */
void shards_run(struct run *, uint32_t ns);
