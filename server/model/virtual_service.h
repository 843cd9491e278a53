/* model/virtual_service.h
 * VirtualServices for a sidecar's routes: which ones, in which order, with delegates merged in (translation.md 1.6, 5.4,
 * 5.5, 5.11).
 */
#pragma once
#include "model/service.h"
#include "types.h"

/* A VirtualService ready to be translated. */
struct route_source {
	const struct object *object;
	/* Delegates merged; hosts, destinations and mirrors resolved to FQDNs, lower-case; gateways to "ns/name". */
	const struct virtual_service_spec *spec;
};
/* The VirtualServices with exactly this host that this proxy's wrapper `index` (0: any) sees, bound to the gateway
 * `mesh`, in order of precedence: the first one wins the host. */
const struct route_source *virtual_services_of_host(struct run *, uint32_t host, uint32_t index,
						    uint32_t *ret_n);
/* The one that a wildcard host gives to this service host: most specific first (mostSpecificWildcard, 1.6). NULL: none */
const struct route_source *virtual_service_of_wildcard(struct run *, uint32_t host, uint32_t index);
/* All that overlap the host (exact or wildcard), for tcp and tls routes, in order of precedence. */
const struct route_source *virtual_services_for(struct run *, uint32_t host, uint32_t index,
						uint32_t *ret_n);
/* Hosts of visible VirtualServices that no visible service with this port has (5.4, 5.5), in order of precedence and
 * with repetitions: the first whose VirtualService yields routes wins. On port 80 all of them; on others those of
 * VirtualServices that have another host on the port. Port 0 stands for all ports. */
struct lone_host {
	uint32_t vs_ns, vs_name, host;
};
const struct lone_host *lone_hosts_on(struct run *, uint16_t port, uint32_t index, uint32_t *ret_n);
/* For port 80. */
const struct lone_host *lone_hosts(struct run *, uint32_t index, uint32_t *ret_n);
const struct route_source *route_source_of(struct run *, uint32_t vs_ns, uint32_t vs_name);
