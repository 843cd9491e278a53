/* translate/hcm.h
 * HTTP connection managers of sidecars (translation.md 4.7, 4.10, 4.11) and TCP proxies (4.7, 4.8).
 */
#pragma once
#include "model/destination_rule.h"
#include "model/virtual_service.h"
#include "translate/filters/filter.h"

Listener__Filter *hcm_make(struct run *, const struct chain_context *);
/* Node metadata IDLE_TIMEOUT; NULL: none, or no duration. */
Google__Duration *idle_timeout_of(struct run *);

/* A bare TCP proxy to one cluster, as catch-all and blackhole chains have. `logged`: with access logs and idle timeout. */
Listener__Filter *tcp_proxy_simple(struct run *, const char *cluster, bool logged);
/* Filters of an outbound TCP chain to one or more destinations of a route, appended to the chain. */
struct tcp_target {
	const struct route_destination *routes; /* NULL: the service itself */
	uint32_t n_routes;
	const struct route_source *source; /* whose routes; NULL: none */
	const struct service *service;
	uint16_t listen_port;
	enum protocol protocol;
	uint32_t wrapper;
};
void tcp_chain_outbound(struct run *, const struct tcp_target *, Listener__FilterChain *);
/* Filters of an inbound TCP chain. */
void tcp_chain_inbound(struct run *, const char *cluster, const char *stat_prefix, enum protocol,
		       Listener__FilterChain *);
