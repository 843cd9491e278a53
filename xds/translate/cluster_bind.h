/* translate/cluster_bind.h
 * Addresses of clusters that lead to the proxy's own host; private to the cluster_*.c files.
 */
#pragma once
#include "pb/pb.h"
#include "world/graph.h"

/* The source of connections that must not be captured again: 127.0.0.6 or ::6; `both` families where the proxy has them. */
Core__BindConfig *passthrough_bind(struct run *, bool both);
/* One endpoint; port 0: the address is a path. */
Endpoint__ClusterLoadAssignment *single_endpoint(struct arena *, const char *cluster,
						 const char *address, uint16_t port);
