/* The HTTP connection manager, field by field, and the order of its filters. */
#include "translate/hcm.h"
#include "base/ip.h"
#include "model/mesh.h"
#include "model/options.h"
#include "translate/limits.h"
#include "translate/names.h"
#include "types.h"
#include <stdlib.h>
#include <string.h>

/* 4.11; the router is last. A row is one filter, or as many as there are of a kind. */
static const struct filter_row {
	http_filter_fn *one;
	http_filters_fn *several;
} filter_order[] = {
	{ filter_peer_metadata, NULL }, { filter_grpc_web, NULL },
	{ filter_grpc_stats, NULL },    { filter_alpn, NULL },
	{ filter_fault, NULL },         { filter_cors, NULL },
	{ NULL, filter_stats_http },    { NULL, filter_forward_proxy_http },
	{ filter_router, NULL },
};

static void add_filters(struct run *r, const struct chain_context *c, const struct filter_row *row,
			Hcm__HttpConnectionManager *h)
{
	Hcm__HttpFilter *f = row->one ? row->one(r, c) : NULL;

	if (f)
		PB_PUSH(run_arena(r), h, http_filters, f);
	if (row->several)
		row->several(r, c, h);
}

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

#define FORWARD(name) \
	[PROXY_HEADERS_FORWARDED_CLIENT_CERT_##name] = \
		HCM__HTTP_CONNECTION_MANAGER__FORWARD_CLIENT_CERT_DETAILS__##name
/* The gateways' topology numbers them alike. */
static const Hcm__HttpConnectionManager__ForwardClientCertDetails forward[] = {
	FORWARD(SANITIZE),     FORWARD(FORWARD_ONLY),        FORWARD(APPEND_FORWARD),
	FORWARD(SANITIZE_SET), FORWARD(ALWAYS_FORWARD_ONLY),
};
#undef FORWARD

static void set_client_cert(struct run *r, Hcm__HttpConnectionManager *h)
{
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

/* ---- gateways ---- */

static void set_topology(struct run *r, Hcm__HttpConnectionManager *h)
{
	struct arena *a = run_arena(r);
	const struct topology *t = proxy_config_of(r)->gateway_topology;
	Hcm__HttpConnectionManager__ForwardClientCertDetails details =
		HCM__HTTP_CONNECTION_MANAGER__FORWARD_CLIENT_CERT_DETAILS__SANITIZE_SET;

	if (t && t->forward_client_cert_details > TOPOLOGY_FORWARD_CLIENT_CERT_DETAILS_UNDEFINED)
		details = forward[t->forward_client_cert_details];
	if (t && t->num_trusted_proxies.set)
		h->xff_num_trusted_hops = (uint32_t)t->num_trusted_proxies.v;
	h->forward_client_cert_details = details;
	if (details == HCM__HTTP_CONNECTION_MANAGER__FORWARD_CLIENT_CERT_DETAILS__APPEND_FORWARD ||
	    details == HCM__HTTP_CONNECTION_MANAGER__FORWARD_CLIENT_CERT_DETAILS__SANITIZE_SET)
		h->set_current_client_cert_details =
			PB_NEW(a, Hcm__HttpConnectionManager__SetCurrentClientCertDetails,
			       .subject = pb_bool(a, true), .cert = true, .dns = true, .uri = true);
}

/* ---- common ---- */

static int by_range(const void *a, const void *b)
{
	const Core__CidrRange *const *x = a, *const *y = b;
	int c = strcmp((*x)->address_prefix, (*y)->address_prefix);

	return c ? c : (int)(*x)->prefix_len->value - (int)(*y)->prefix_len->value;
}

/* What counts as inside, for who believes addresses that others report. */
static void set_internal_addresses(struct run *r, Hcm__HttpConnectionManager *h)
{
	struct arena *a = run_arena(r);
	const struct mesh_networks *n = mesh_networks_read(r);
	Hcm__HttpConnectionManager__InternalAddressConfig *c =
		PB_NEW(a, Hcm__HttpConnectionManager__InternalAddressConfig);

	for (uint32_t i = 0; n && i < n->networks.n; i++) {
		const struct network *net = &n->networks.v[i].value;

		for (uint32_t j = 0; j < net->endpoints.n; j++) {
			struct ip ip;
			char text[IP_TEXT];

			if (str_empty(net->endpoints.v[j].from_cidr) ||
			    !cidr_parse(net->endpoints.v[j].from_cidr, &ip))
				continue;
			ip_format(&ip, text);
			PB_PUSH(a, c, cidr_ranges,
				PB_NEW(a, Core__CidrRange,
				       .address_prefix = arena_strndup(a, text, strcspn(text, "/")),
				       .prefix_len = pb_u32(a, ip.prefix)));
		}
	}
	if (!c->n_cidr_ranges)
		return;
	qsort(c->cidr_ranges, c->n_cidr_ranges, sizeof *c->cidr_ranges, by_range);
	h->internal_address_config = c;
}

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

	if (c->kind != CHAIN_GATEWAY && !http10 && !keep_case && !c->absolute_url)
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

/* All but where the routes come from and the name of its statistics. */
static void settle(struct run *r, const struct chain_context *c, Hcm__HttpConnectionManager *h)
{
	struct arena *a = run_arena(r);
	bool remote = c->kind == CHAIN_GATEWAY ||
		      (c->kind == CHAIN_OUTBOUND && FEATURE(sidecar_use_remote_address));

	h->use_remote_address = pb_bool(a, remote);
	if (c->kind == CHAIN_GATEWAY)
		set_topology(r, h);
	if (remote || FEATURE(hcm_internal_networks))
		set_internal_addresses(r, h);
	if (c->http3) {
		h->codec_type = HCM__HTTP_CONNECTION_MANAGER__CODEC_TYPE__HTTP3;
		h->http3_protocol_options = PB_NEW(a, Core__Http3ProtocolOptions);
	}
	h->proxy_100_continue = FEATURE(continue_100);
	set_paths(r, h);
	set_http1(r, c, h);
	set_server(r, c, h);
	limits_apply(r, c->kind == CHAIN_GATEWAY, h);
	PB_PUSH(a, h, upgrade_configs,
		PB_NEW(a, Hcm__HttpConnectionManager__UpgradeConfig, .upgrade_type = "websocket"));
	h->access_log = filter_access_logs(r, c->kind, LOG_HTTP, &h->n_access_log);
	filter_tracing(r, c->kind, h);
	for (size_t i = 0; i < ARRAY_LEN(filter_order); i++)
		add_filters(r, c, &filter_order[i], h);
}

#define HCM_FILTER "envoy.filters.network.http_connection_manager"

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
	} else if (c->routes) {
		h->route_specifier_case =
			HCM__HTTP_CONNECTION_MANAGER__ROUTE_SPECIFIER_ROUTE_CONFIG;
		h->route_config = arena_dup(a, c->routes, sizeof *c->routes);
	} else {
		h->route_specifier_case = HCM__HTTP_CONNECTION_MANAGER__ROUTE_SPECIFIER_RDS;
		h->rds = rds_of(a, c->rds);
	}
	settle(r, c, h);
	return network_filter(a, HCM_FILTER, PB_ANY(a, h));
}

ProtobufCBinaryData hcm_common(struct run *r, enum protocol protocol, bool http3)
{
	struct arena *a = run_arena(r);
	struct chain_context c = { .kind = CHAIN_GATEWAY, .protocol = protocol, .http3 = http3 };
	Hcm__HttpConnectionManager *h = PB_NEW(a, Hcm__HttpConnectionManager);

	settle(r, &c, h);
	return PB_PACK(a, h);
}

Listener__Filter *hcm_complete(struct run *r, const char *stat_prefix, const char *rds,
			       const void *common, size_t n)
{
	struct arena *a = run_arena(r);
	Google__Any *any = PB_ANY(
		a, PB_NEW(a, Hcm__HttpConnectionManager, .stat_prefix = stat_prefix,
			  .route_specifier_case = HCM__HTTP_CONNECTION_MANAGER__ROUTE_SPECIFIER_RDS,
			  .rds = rds_of(a, rds)));
	uint8_t *bytes = arena_alloc(a, any->value.len + n);

	memcpy(bytes, any->value.data, any->value.len);
	memcpy(bytes + any->value.len, common, n);
	any->value.data = bytes;
	any->value.len += n;
	return network_filter(a, HCM_FILTER, any);
}
