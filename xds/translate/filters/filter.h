/* translate/filters/filter.h
 * What makes one Envoy filter, one file each; the order of filters on a chain is a table in hcm.c and tcp_proxy.c
 * (translation.md 4.7, 4.11). A filter that is not wanted, or that this proxy does not have compiled in, is NULL.
 */
#pragma once
#include "model/proxy.h"
#include "model/service.h"
#include "pb/pb.h"

enum chain_kind { CHAIN_OUTBOUND, CHAIN_INBOUND, CHAIN_GATEWAY };

/* What an HTTP connection manager or TCP chain is for. */
struct chain_context {
	enum chain_kind kind;
	enum protocol protocol;                  /* of the (first) port */
	const char *stat_prefix;                 /* with its delimiter */
	const char *rds;                         /* outbound: the route configuration's name */
	const Route__RouteConfiguration *routes; /* outbound: itself, in place of a name */
	const char
		*dynamic_host; /* outbound: a wildcard whose hosts the request names; NULL: none */
	bool absolute_url;     /* an HTTP proxy listener */
	bool http3;            /* over QUIC */
	/* inbound */
	const char *cluster;
	uint16_t service_port;    /* 0: none in particular */
	const char *service_host; /* "": none */
};

Hcm__HttpFilter *http_filter(struct arena *, const char *name, Google__Any *config);
Listener__Filter *network_filter(struct arena *, const char *name, Google__Any *config);

typedef Hcm__HttpFilter *http_filter_fn(struct run *, const struct chain_context *);
/* Appends as many as there are. */
typedef void http_filters_fn(struct run *, const struct chain_context *,
			     Hcm__HttpConnectionManager *);
http_filters_fn filter_stats_http, filter_forward_proxy_http;
http_filter_fn filter_peer_metadata, filter_alpn, filter_grpc_stats, filter_grpc_web, filter_fault,
	filter_cors, filter_router;
/* istio.metadata_exchange on TCP; NULL if off or not compiled in. */
Listener__Filter *filter_metadata_exchange(struct run *);

/* ---- dynamic forward proxies ---- */
#define SNI_FORWARD_PROXY "envoy.extensions.filters.network.sni_dynamic_forward_proxy"
/* Is it a wildcard whose hosts are known only with the request? */
bool service_is_dynamic(const struct service *);
/* Looks up the server name before the proxy to the service's port. */
Listener__Filter *filter_forward_proxy_sni(struct run *, const struct service *, uint16_t port);

/* ---- telemetry: what providers say for that kind of chain ---- */
/* Sets tracing and the request id extension. */
void filter_tracing(struct run *, enum chain_kind, Hcm__HttpConnectionManager *);
/* Access logs of a connection manager, of a TCP proxy, or of a listener: there only of what no chain took. */
enum log_place { LOG_HTTP, LOG_TCP, LOG_LISTENER };
Accesslog__AccessLog **filter_access_logs(struct run *, enum chain_kind, enum log_place,
					  size_t *ret_n);
/* Appends istio.stats, one per provider, if there are metrics and the proxy has it compiled in. */
void filter_stats_tcp(struct run *, enum chain_kind, Listener__FilterChain *);
