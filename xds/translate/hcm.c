/* The HTTP connection manager, field by field, and the order of its filters. */
#include "translate/hcm.h"
#include "model/mesh.h"
#include "model/options.h"
#include "translate/names.h"
#include "types.h"
#include <stdlib.h>
#include <string.h>

/* 4.11; the router is last. */
static http_filter_fn *const filter_order[] = {
	filter_peer_metadata, filter_grpc_web, filter_grpc_stats, filter_alpn,
	filter_fault,         filter_cors,     filter_router,
};

static Hcm__Rds *rds_of(struct arena *a, const char *name)
{
	return PB_NEW(a, Hcm__Rds, .route_config_name = name, .config_source = ads_source(a));
}

/* ---- inbound routes ---- */

static Route__RetryPolicy *inbound_retries(struct run *r, enum protocol p)
{
	struct arena *a = run_arena(r);
	const struct http_retry *in;
	Route__RetryPolicy *out;

	if (p == PROTOCOL_GRPC || p == PROTOCOL_GRPC_WEB)
		return NULL;
	in = mesh_get(r, default_inbound_http_retry_policy);
	if (in && in->attempts.set && in->attempts.v <= 0)
		return NULL;
	out = PB_NEW(a, Route__RetryPolicy, .retry_on = "reset-before-request",
		     .num_retries = pb_u32(a, 2));
	if (in && in->attempts.set)
		out->num_retries = pb_u32(a, (uint32_t)in->attempts.v);
	if (in && !str_empty(in->retry_on))
		out->retry_on = in->retry_on;
	if (in && in->backoff.set)
		out->retry_back_off = PB_NEW(a, Route__RetryPolicy__RetryBackOff,
					     .base_interval = pb_duration(a, in->backoff.v));
	return out;
}

static Route__RouteConfiguration *inbound_routes(struct run *r, const struct chain_context *c)
{
	struct arena *a = run_arena(r);
	Route__RouteConfiguration *rc = PB_NEW(a, Route__RouteConfiguration, .name = c->cluster,
					       .validate_clusters = pb_bool(a, false));
	Route__VirtualHost *v = PB_NEW(a, Route__VirtualHost,
				       .name = arena_printf(a, "inbound|http|%u", c->service_port));
	Route__RouteAction *action =
		PB_NEW(a, Route__RouteAction,
		       .cluster_specifier_case = ROUTE__ROUTE_ACTION__CLUSTER_SPECIFIER_CLUSTER,
		       .cluster = c->cluster, .timeout = pb_duration(a, 0),
		       .max_stream_duration = PB_NEW(a, Route__RouteAction__MaxStreamDuration,
						     .max_stream_duration = pb_duration(a, 0),
						     .grpc_timeout_header_max = pb_duration(a, 0)),
		       .retry_policy = inbound_retries(r, c->protocol));

	PB_PUSH(a, v, domains, "*");
	PB_PUSH(a, v, routes,
		PB_NEW(a, Route__Route, .name = "default",
		       .match = PB_NEW(a, Route__RouteMatch,
				       .path_specifier_case =
					       ROUTE__ROUTE_MATCH__PATH_SPECIFIER_PREFIX,
				       .prefix = "/"),
		       .decorator = PB_NEW(a, Route__Decorator,
					   .operation = arena_printf(a, "%s:%u/*", c->service_host,
								     c->service_port)),
		       .action_case = ROUTE__ROUTE__ACTION_ROUTE, .route = action));
	PB_PUSH(a, rc, virtual_hosts, v);
	return rc;
}

/* ---- client certificates (inbound) ---- */

static bool detail(const struct opt_bool *user, bool otherwise)
{
	return user && user->set ? user->v : otherwise;
}

static void set_client_cert(struct run *r, Hcm__HttpConnectionManager *h)
{
	static const Hcm__HttpConnectionManager__ForwardClientCertDetails forward[] = {
		[PROXY_HEADERS_FORWARDED_CLIENT_CERT_SANITIZE] =
			HCM__HTTP_CONNECTION_MANAGER__FORWARD_CLIENT_CERT_DETAILS__SANITIZE,
		[PROXY_HEADERS_FORWARDED_CLIENT_CERT_FORWARD_ONLY] =
			HCM__HTTP_CONNECTION_MANAGER__FORWARD_CLIENT_CERT_DETAILS__FORWARD_ONLY,
		[PROXY_HEADERS_FORWARDED_CLIENT_CERT_APPEND_FORWARD] =
			HCM__HTTP_CONNECTION_MANAGER__FORWARD_CLIENT_CERT_DETAILS__APPEND_FORWARD,
		[PROXY_HEADERS_FORWARDED_CLIENT_CERT_SANITIZE_SET] =
			HCM__HTTP_CONNECTION_MANAGER__FORWARD_CLIENT_CERT_DETAILS__SANITIZE_SET,
		[PROXY_HEADERS_FORWARDED_CLIENT_CERT_ALWAYS_FORWARD_ONLY] =
			HCM__HTTP_CONNECTION_MANAGER__FORWARD_CLIENT_CERT_DETAILS__ALWAYS_FORWARD_ONLY,
	};
	struct arena *a = run_arena(r);
	const struct proxy_headers *p = proxy_config_of(r)->proxy_headers;
	const struct set_current_client_cert_details *s =
		p ? p->set_current_client_cert_details : NULL;

	h->forward_client_cert_details =
		HCM__HTTP_CONNECTION_MANAGER__FORWARD_CLIENT_CERT_DETAILS__APPEND_FORWARD;
	if (p && p->forwarded_client_cert > PROXY_HEADERS_FORWARDED_CLIENT_CERT_UNDEFINED)
		h->forward_client_cert_details = forward[p->forwarded_client_cert];
	h->set_current_client_cert_details = PB_NEW(
		a, Hcm__HttpConnectionManager__SetCurrentClientCertDetails,
		.subject = pb_bool(a, detail(s ? &s->subject : NULL, true)),
		.cert = detail(s ? &s->cert : NULL, false),
		.chain = detail(s ? &s->chain : NULL, false),
		.dns = detail(s ? &s->dns : NULL, true), .uri = detail(s ? &s->uri : NULL, true));
}

/* ---- common ---- */

static void set_paths(struct run *r, Hcm__HttpConnectionManager *h)
{
	const struct proxy_path_normalization *n = mesh_get(r, path_normalization);
	enum proxy_path_normalization_normalization how =
		n ? n->normalization : PROXY_PATH_NORMALIZATION_NORMALIZATION_DEFAULT;

	h->normalize_path =
		pb_bool(run_arena(r), how != PROXY_PATH_NORMALIZATION_NORMALIZATION_NONE);
	h->path_with_escaped_slashes_action =
		HCM__HTTP_CONNECTION_MANAGER__PATH_WITH_ESCAPED_SLASHES_ACTION__KEEP_UNCHANGED;
	if (how == PROXY_PATH_NORMALIZATION_NORMALIZATION_MERGE_SLASHES ||
	    how == PROXY_PATH_NORMALIZATION_NORMALIZATION_DECODE_AND_MERGE_SLASHES)
		h->merge_slashes = true;
	if (how == PROXY_PATH_NORMALIZATION_NORMALIZATION_DECODE_AND_MERGE_SLASHES)
		h->path_with_escaped_slashes_action =
			HCM__HTTP_CONNECTION_MANAGER__PATH_WITH_ESCAPED_SLASHES_ACTION__UNESCAPE_AND_FORWARD;
}

static void set_http1(struct run *r, const struct chain_context *c, Hcm__HttpConnectionManager *h)
{
	struct arena *a = run_arena(r);
	const struct proxy_headers *p = proxy_config_of(r)->proxy_headers;
	bool http10 = FEATURE(http10) || ask_is(r, ASK_FLAG, FLAG_HTTP10);
	bool keep_case = p && p->preserve_http1_header_case.set && p->preserve_http1_header_case.v;

	if (!http10 && !keep_case && !c->absolute_url)
		return;
	h->http_protocol_options = PB_NEW(a, Core__Http1ProtocolOptions, .accept_http_10 = http10);
	if (c->absolute_url)
		h->http_protocol_options->allow_absolute_url = pb_bool(a, true);
	if (keep_case)
		h->http_protocol_options->header_key_format = PB_NEW(
			a, Core__Http1ProtocolOptions__HeaderKeyFormat,
			.header_format_case =
				CORE__HTTP1_PROTOCOL_OPTIONS__HEADER_KEY_FORMAT__HEADER_FORMAT_STATEFUL_FORMATTER,
			.stateful_formatter = PB_NEW(
				a, Core__TypedExtensionConfig, .name = "preserve_case",
				.typed_config = PB_ANY(
					a, PB_NEW(a, PreserveCase__PreserveCaseFormatterConfig))));
}

static void set_server(struct run *r, const struct chain_context *c, Hcm__HttpConnectionManager *h)
{
	const struct proxy_headers *p = proxy_config_of(r)->proxy_headers;
	const struct proxy_server_header *s = p ? p->server : NULL;

	if (c->kind != CHAIN_OUTBOUND)
		h->server_name = "istio-envoy";
	if (s && s->disabled.set && s->disabled.v) {
		h->server_name = NULL;
		h->server_header_transformation =
			HCM__HTTP_CONNECTION_MANAGER__SERVER_HEADER_TRANSFORMATION__PASS_THROUGH;
	} else if (s && !str_empty(s->value)) {
		h->server_name = s->value;
	}
	if (p && p->request_id && p->request_id->disabled.set && p->request_id->disabled.v)
		h->generate_request_id = pb_bool(run_arena(r), false);
	h->append_x_forwarded_port = p && p->x_forwarded_port && p->x_forwarded_port->enabled.set &&
				     p->x_forwarded_port->enabled.v;
}

Google__Duration *idle_timeout_of(struct run *r)
{
	uint32_t key = ask(r, ASK_META, META_IDLE_TIMEOUT);
	int64_t ns;

	if (!key || !duration_parse(run_text(r, key), &ns))
		return NULL;
	return pb_duration(run_arena(r), ns);
}

static void set_connection_settings(struct run *r, Hcm__HttpConnectionManager *h)
{
	struct arena *a = run_arena(r);
	const struct connection_settings *s = proxy_config_of(r)->connection_settings;
	Google__Duration *idle = idle_timeout_of(r);

	if (idle)
		h->common_http_protocol_options =
			PB_NEW(a, Core__HttpProtocolOptions, .idle_timeout = idle);
	if (!s)
		return;
	if (s->http_idle_timeout.set || s->http_max_connection_duration.set ||
	    s->http_max_stream_duration.set) {
		if (!h->common_http_protocol_options)
			h->common_http_protocol_options = PB_NEW(a, Core__HttpProtocolOptions);
		if (s->http_idle_timeout.set)
			h->common_http_protocol_options->idle_timeout =
				pb_duration(a, s->http_idle_timeout.v);
		if (s->http_max_connection_duration.set)
			h->common_http_protocol_options->max_connection_duration =
				pb_duration(a, s->http_max_connection_duration.v);
		if (s->http_max_stream_duration.set)
			h->common_http_protocol_options->max_stream_duration =
				pb_duration(a, s->http_max_stream_duration.v);
	}
	if (s->http_stream_idle_timeout.set)
		h->stream_idle_timeout = pb_duration(a, s->http_stream_idle_timeout.v);
	if (s->http_request_timeout.set)
		h->request_timeout = pb_duration(a, s->http_request_timeout.v);
	if (s->http_request_headers_timeout.set)
		h->request_headers_timeout = pb_duration(a, s->http_request_headers_timeout.v);
	if (s->http_drain_timeout.set)
		h->drain_timeout = pb_duration(a, s->http_drain_timeout.v);
	if (s->http_merge_slashes.set)
		h->merge_slashes = s->http_merge_slashes.v;
}

Listener__Filter *hcm_make(struct run *r, const struct chain_context *c)
{
	struct arena *a = run_arena(r);
	Hcm__HttpConnectionManager *h =
		PB_NEW(a, Hcm__HttpConnectionManager, .stat_prefix = c->stat_prefix);

	if (c->kind == CHAIN_INBOUND) {
		h->route_specifier_case =
			HCM__HTTP_CONNECTION_MANAGER__ROUTE_SPECIFIER_ROUTE_CONFIG;
		h->route_config = inbound_routes(r, c);
		set_client_cert(r, h);
		if (protocol_is_http2(c->protocol))
			h->http2_protocol_options = PB_NEW(a, Core__Http2ProtocolOptions);
	} else {
		h->route_specifier_case = HCM__HTTP_CONNECTION_MANAGER__ROUTE_SPECIFIER_RDS;
		h->rds = rds_of(a, c->rds);
	}
	h->use_remote_address =
		pb_bool(a, c->kind == CHAIN_OUTBOUND && FEATURE(sidecar_use_remote_address));
	h->stream_idle_timeout = pb_duration(a, 0);
	h->proxy_100_continue = FEATURE(continue_100);
	set_paths(r, h);
	set_http1(r, c, h);
	set_server(r, c, h);
	set_connection_settings(r, h);
	PB_PUSH(a, h, upgrade_configs,
		PB_NEW(a, Hcm__HttpConnectionManager__UpgradeConfig, .upgrade_type = "websocket"));
	h->access_log = filter_access_logs(r, false, &h->n_access_log);
	h->tracing = filter_tracing(r);
	h->request_id_extension =
		PB_NEW(a, Hcm__RequestIDExtension,
		       .typed_config = PB_ANY(
			       a, PB_NEW(a, UuidRequestId__UuidRequestIdConfig,
					 .use_request_id_for_trace_sampling = pb_bool(a, true))));
	for (size_t i = 0; i < ARRAY_LEN(filter_order); i++) {
		Hcm__HttpFilter *f = filter_order[i](r, c);

		if (f)
			PB_PUSH(a, h, http_filters, f);
	}
	return network_filter(a, "envoy.filters.network.http_connection_manager", PB_ANY(a, h));
}
