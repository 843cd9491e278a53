/* translate/network_gateway.h
 * Gateways between networks (translation.md 3.8): who is behind one is reached through it.
 */
#pragma once
#include "translate/assignment.h"

struct network_gateway {
	const char *network, *cluster; /* cluster "": of any */
	const char *address;           /* an IP, or a name to resolve */
	uint16_t port;
};
/* All of the mesh, sorted by address and port; mostly none. Calls Q_NETWORK_GATEWAYS. */
const struct network_gateway *network_gateways(struct run *, uint32_t *ret_n);
void network_gateways_run(struct run *, uint32_t key); /* the row of the query */

/* Replaces endpoints in networks that this proxy does not reach by their gateways; weights keep their proportions. Asks
 * only when there are gateways. `host_names`: gateways may be names. */
void split_horizon(struct run *, struct locality_groups *, bool host_names);
