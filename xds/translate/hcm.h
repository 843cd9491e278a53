/* translate/hcm.h
 * HTTP connection managers of sidecars (translation.md 4.7, 4.10, 4.11) and TCP proxies (4.7, 4.8).
 */
#pragma once
#include "model/destination_rule.h"
#include "model/virtual_service.h"
#include "translate/filters/filter.h"

Listener__Filter *hcm_make(struct run *, const struct chain_context *);
/* In two steps, for gateways, whose chains are alike but for their routes and statistics: what they share, encoded, and
 * one of them made of it. */
ProtobufCBinaryData hcm_common(struct run *, enum protocol, bool http3);
Listener__Filter *hcm_complete(struct run *, const char *stat_prefix, const char *rds,
			       const void *common, size_t n);

/* A bare TCP proxy to one cluster, as catch-all and blackhole chains have, appended to the chain with its metrics. `logged`:
 * with access logs and idle timeout. */
void tcp_chain_simple(struct run *, enum chain_kind, const char *cluster, bool logged,
		      Listener__FilterChain *);
/* Filters of an outbound TCP chain to one or more destinations of a route, appended to the chain. */
struct tcp_target {
	const struct route_destination *routes; /* NULL: the service itself */
	uint32_t n_routes;
	const struct route_source *source; /* whose routes; NULL: none */
	const struct service *service;     /* NULL: not known; then there are routes */
	uint16_t listen_port;
	enum protocol protocol;
	uint32_t wrapper;
	enum chain_kind kind;
	/* of gateways */
	const struct service_port_model
		*stat_port;           /* for statistics' names; NULL: the service's own */
	bool exchange;                /* peer metadata goes first */
	const char *cluster, *subset; /* the service's, by another name and without its tunnel */
};
void tcp_chain_outbound(struct run *, const struct tcp_target *, Listener__FilterChain *);
/* Filters of an inbound TCP chain. */
void tcp_chain_inbound(struct run *, const char *cluster, const char *stat_prefix, enum protocol,
		       Listener__FilterChain *);
