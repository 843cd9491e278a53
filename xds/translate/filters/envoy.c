/* Envoy's own HTTP filters that every connection manager carries. */
#include "model/proxy.h"
#include "translate/filters/filter.h"
#include "types.h"

Hcm__HttpFilter *filter_grpc_web(struct run *r, const struct chain_context *c)
{
	struct arena *a = run_arena(r);

	if (c->protocol != PROTOCOL_GRPC_WEB)
		return NULL;
	return http_filter(a, "envoy.filters.http.grpc_web",
			   PB_ANY(a, PB_NEW(a, GrpcWeb__GrpcWeb)));
}

Hcm__HttpFilter *filter_grpc_stats(struct run *r, const struct chain_context *c)
{
	struct arena *a = run_arena(r);
	GrpcStats__FilterConfig *config = PB_NEW(
		a, GrpcStats__FilterConfig, .emit_filter_state = true,
		.per_method_stat_specifier_case =
			GRPC_STATS__FILTER_CONFIG__PER_METHOD_STAT_SPECIFIER_STATS_FOR_ALL_METHODS,
		.stats_for_all_methods = pb_bool(a, false));

	return http_filter(a, "envoy.filters.http.grpc_stats", PB_ANY(a, config));
}

Hcm__HttpFilter *filter_fault(struct run *r, const struct chain_context *c)
{
	struct arena *a = run_arena(r);

	return http_filter(a, "envoy.filters.http.fault",
			   PB_ANY(a, PB_NEW(a, HttpFault__HTTPFault)));
}

Hcm__HttpFilter *filter_cors(struct run *r, const struct chain_context *c)
{
	struct arena *a = run_arena(r);

	return http_filter(a, "envoy.filters.http.cors", PB_ANY(a, PB_NEW(a, HttpCors__Cors)));
}

Hcm__HttpFilter *filter_router(struct run *r, const struct chain_context *c)
{
	struct arena *a = run_arena(r);
	const struct proxy_headers *h = proxy_config_of(r)->proxy_headers;

	return http_filter(
		a, "envoy.filters.http.router",
		PB_ANY(a, PB_NEW(a, HttpRouter__Router,
				 .suppress_envoy_headers = h && h->envoy_debug_headers &&
							   h->envoy_debug_headers->disabled.set &&
							   h->envoy_debug_headers->disabled.v)));
}
