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
	enum protocol protocol;  /* of the (first) port */
	const char *stat_prefix; /* with its delimiter */
	const char *rds;         /* outbound: the route configuration's name */
	bool absolute_url;       /* an HTTP proxy listener */
	/* inbound */
	const char *cluster;
	uint16_t service_port;    /* 0: none in particular */
	const char *service_host; /* "": none */
};

Hcm__HttpFilter *http_filter(struct arena *, const char *name, Google__Any *config);
Listener__Filter *network_filter(struct arena *, const char *name, Google__Any *config);

typedef Hcm__HttpFilter *http_filter_fn(struct run *, const struct chain_context *);
http_filter_fn filter_peer_metadata, filter_alpn, filter_grpc_stats, filter_grpc_web, filter_fault,
	filter_cors, filter_router;
/* istio.metadata_exchange on TCP; NULL if off or not compiled in. */
Listener__Filter *filter_metadata_exchange(struct run *);

/* HCM.tracing and the request id extension; *ret_use_request_id. NULL: no tracing. */
Hcm__HttpConnectionManager__Tracing *filter_tracing(struct run *);
/* Access logs of a connection manager or TCP proxy; of a listener (`for_listener`: with the filter for no route). */
Accesslog__AccessLog **filter_access_logs(struct run *, bool for_listener, size_t *ret_n);
