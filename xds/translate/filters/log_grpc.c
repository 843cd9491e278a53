/* Access logs that go to a service over gRPC: Envoy's own protocol for requests and connections, and OpenTelemetry
 * (translation.md 4.9, 9.1).
 */
#include "model/provider.h"
#include "translate/filters/telemetry.h"

/* The cluster that the bootstrap has for proxyConfig.envoyAccessLogService. */
#define MESH_SERVICE_CLUSTER "envoy_accesslog_service"

/* What peers said of themselves, by the names that proxies before and after Istio 1.24 keep it under. */
static const char *const peer_state[] = { "upstream_peer",        "downstream_peer",
					  "wasm.upstream_peer",   "wasm.upstream_peer_id",
					  "wasm.downstream_peer", "wasm.downstream_peer_id" };
enum { N_PEER_STATE_NEW = 2 };

static LogGrpc__CommonGrpcAccessLogConfig *common(struct arena *a, const char *name,
						  const char *cluster, const char *authority,
						  const char *const *state, size_t n)
{
	LogGrpc__CommonGrpcAccessLogConfig *c =
		PB_NEW(a, LogGrpc__CommonGrpcAccessLogConfig, .log_name = name,
		       .grpc_service = grpc_to_cluster(a, cluster, authority),
		       .transport_api_version = CORE__API_VERSION__V3);

	for (size_t i = 0; i < n; i++)
		PB_PUSH(a, c, filter_state_objects_to_log, state[i]);
	return c;
}

static Accesslog__AccessLog *logger(struct arena *a, const char *name, Google__Any *config)
{
	return PB_NEW(a, Accesslog__AccessLog, .name = name,
		      .config_type_case = ACCESSLOG__ACCESS_LOG__CONFIG_TYPE_TYPED_CONFIG,
		      .typed_config = config);
}

static Accesslog__AccessLog *http_logger(struct arena *a, LogGrpc__HttpGrpcAccessLogConfig *c)
{
	return logger(a, "envoy.access_loggers.http_grpc", PB_ANY(a, c));
}

static Accesslog__AccessLog *tcp_logger(struct arena *a, LogGrpc__CommonGrpcAccessLogConfig *c)
{
	LogGrpc__TcpGrpcAccessLogConfig *t =
		PB_NEW(a, LogGrpc__TcpGrpcAccessLogConfig, .common_config = c);

	return logger(a, "envoy.tcp_grpc_access_log", PB_ANY(a, t));
}

Accesslog__AccessLog *log_to_mesh_service(struct run *r, enum log_place place)
{
	static const char *const names[] = { [LOG_HTTP] = "http_envoy_accesslog",
					     [LOG_TCP] = "tcp_envoy_accesslog",
					     [LOG_LISTENER] = "listener_envoy_accesslog" };
	struct arena *a = run_arena(r);
	LogGrpc__CommonGrpcAccessLogConfig *c = common(a, names[place], MESH_SERVICE_CLUSTER, NULL,
						       peer_state, ARRAY_LEN(peer_state));

	if (place != LOG_HTTP)
		return tcp_logger(a, c);
	return http_logger(a, PB_NEW(a, LogGrpc__HttpGrpcAccessLogConfig, .common_config = c));
}

/* ---- providers ---- */

static LogGrpc__CommonGrpcAccessLogConfig *common_of(struct run *r, const char *provider,
						     const char *service,
						     const struct opt_int *port, const char *name,
						     const struct str_list *state)
{
	const char *host, *cluster = provider_cluster(r, provider, service, port, &host);

	if (!cluster)
		return NULL;
	return common(run_arena(r), name, cluster, host, state->n ? state->v : peer_state,
		      state->n ? state->n : N_PEER_STATE_NEW);
}

static const char *name_or(const char *name, const char *otherwise)
{
	return str_empty(name) ? otherwise : name;
}

Accesslog__AccessLog *log_to_http_als(struct run *r, const struct extension_provider *p)
{
	struct arena *a = run_arena(r);
	const struct envoy_http_grpc_v3_log_provider *in = p->envoy_http_als;
	LogGrpc__CommonGrpcAccessLogConfig *c = common_of(
		r, p->name, in->service, &in->port, name_or(in->log_name, "http_envoy_accesslog"),
		&in->filter_state_objects_to_log);
	LogGrpc__HttpGrpcAccessLogConfig *out;

	if (!c)
		return NULL;
	out = PB_NEW(a, LogGrpc__HttpGrpcAccessLogConfig, .common_config = c);
#define COPY(field) \
	for (uint32_t i = 0; i < in->field.n; i++) \
	PB_PUSH(a, out, field, in->field.v[i])
	COPY(additional_request_headers_to_log);
	COPY(additional_response_headers_to_log);
	COPY(additional_response_trailers_to_log);
#undef COPY
	return http_logger(a, out);
}

Accesslog__AccessLog *log_to_tcp_als(struct run *r, const struct extension_provider *p)
{
	const struct envoy_tcp_grpc_v3_log_provider *in = p->envoy_tcp_als;
	LogGrpc__CommonGrpcAccessLogConfig *c = common_of(
		r, p->name, in->service, &in->port, name_or(in->log_name, "tcp_envoy_accesslog"),
		&in->filter_state_objects_to_log);

	return c ? tcp_logger(run_arena(r), c) : NULL;
}

static OtelCommon__AnyValue *otel_text(struct arena *a, const char *text)
{
	return PB_NEW(a, OtelCommon__AnyValue,
		      .value_case = OTEL_COMMON__ANY_VALUE__VALUE_STRING_VALUE,
		      .string_value = text);
}

/* Only texts have a meaning here; what is none is sent as the empty one. */
static OtelCommon__KeyValueList *attributes(struct arena *a, const Google__Struct *labels)
{
	OtelCommon__KeyValueList *list = PB_NEW(a, OtelCommon__KeyValueList);

	for (size_t i = 0; i < labels->n_fields; i++) {
		const char *key = labels->fields[i]->key;

		PB_PUSH(a, list, values,
			PB_NEW(a, OtelCommon__KeyValue, .key = key,
			       .value = otel_text(a, str_or(pb_struct_get_str(labels, key), ""))));
	}
	return list;
}

Accesslog__AccessLog *log_to_otel(struct run *r, const struct extension_provider *p)
{
	struct arena *a = run_arena(r);
	const struct envoy_open_telemetry_log_provider *in = p->envoy_otel_als;
	const struct otel_log_format *format = in->log_format;
	const char *text = format && !str_empty(format->text) ? format->text : log_default_text;
	Google__Struct *labels =
		format && format->labels ? pb_struct_from_node(a, format->labels) : NULL;
	const char *host, *cluster = provider_cluster(r, p->name, in->service, &in->port, &host);
	LogOtel__OpenTelemetryAccessLogConfig *out;

	if (!cluster)
		return NULL;
	out = PB_NEW(a, LogOtel__OpenTelemetryAccessLogConfig,
		     .common_config = common(a, name_or(in->log_name, "otel_envoy_accesslog"),
					     cluster, host, peer_state, ARRAY_LEN(peer_state)),
		     .disable_builtin_labels = true, .body = otel_text(a, text));
	if (labels && labels->n_fields)
		out->attributes = attributes(a, labels);
	log_add_formatters(a, text, labels, &out->formatters, &out->n_formatters);
	return logger(a, "envoy.access_loggers.open_telemetry", PB_ANY(a, out));
}
