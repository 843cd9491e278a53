/* The tracers of a connection manager, one function for each kind of provider (translation.md 9.2). */
#include "base/clock.h"
#include "model/provider.h"
#include "model/proxy.h"
#include "translate/filters/telemetry.h"
#include <string.h>

#define AT_LEAST(r, major, minor) ask_is(r, ASK_VERSION, (major) << 16 | (minor))

/* NULL: it cannot be used. */
typedef Google__Any *tracer_fn(struct run *, const struct extension_provider *, struct tracer *);

static const char *meta(struct run *r, enum proxy_meta m)
{
	uint32_t key = ask(r, ASK_META, m);

	return key ? run_text(r, key) : "";
}

static uint32_t tag_length(const struct opt_int *v)
{
	return v->set ? (uint32_t)v->v : 0;
}

/* ---- HTTP services ---- */

/* "host/a/b" without empty and dot segments; a slash at the end stays. */
static const char *join_path(struct arena *a, const char *host, const char *path)
{
	const char *out = host;
	size_t base = strlen(host);

	path = str_or(path, "");
	for (const char *s = path; *s;) {
		size_t n = strcspn(s, "/");

		if (n == 2 && !strncmp(s, "..", 2)) {
			const char *slash = strrchr(out, '/');

			if (slash && (size_t)(slash - out) >= base)
				out = arena_strndup(a, out, (size_t)(slash - out));
		} else if (n && !(n == 1 && *s == '.')) {
			out = arena_printf(a, "%s/%.*s", out, (int)n, s);
		}
		s += n + (s[n] == '/');
	}
	return str_ends(path, "/") && !str_ends(out, "/") ? arena_printf(a, "%s/", out) : out;
}

static Core__HttpService *http_service(struct arena *a, const char *uri, const char *cluster,
				       const struct opt_duration *timeout,
				       const struct provider_http_header *headers, uint32_t n)
{
	Core__HttpUri *u =
		PB_NEW(a, Core__HttpUri, .uri = uri,
		       .http_upstream_type_case = CORE__HTTP_URI__HTTP_UPSTREAM_TYPE_CLUSTER,
		       .cluster = cluster);
	Core__HttpService *s = PB_NEW(a, Core__HttpService, .http_uri = u);

	/* Envoy takes no URI without a time-out. */
	u->timeout = pb_duration(a, timeout->set ? timeout->v : 5 * NS_PER_S);
	for (uint32_t i = 0; i < n; i++)
		PB_PUSH(a, s, request_headers_to_add,
			PB_NEW(a, Core__HeaderValueOption,
			       .append_action =
				       CORE__HEADER_VALUE_OPTION__HEADER_APPEND_ACTION__OVERWRITE_IF_EXISTS_OR_ADD,
			       .header = PB_NEW(a, Core__HeaderValue, .key = headers[i].name,
						.value = provider_header_value(&headers[i]))));
	return s;
}

/* ---- tracers ---- */

static Google__Any *zipkin(struct run *r, const struct extension_provider *p, struct tracer *t)
{
	struct arena *a = run_arena(r);
	const struct zipkin_tracing_provider *in = p->zipkin;
	const char *path = str_empty(in->path) ? "/api/v2/spans" : in->path;
	const char *host, *cluster = provider_cluster(r, p->name, in->service, &in->port, &host);
	Trace__ZipkinConfig *z;

	if (!cluster)
		return NULL;
	t->max_tag_length = tag_length(&in->max_tag_length);
	z = PB_NEW(a, Trace__ZipkinConfig,
		   .collector_endpoint_version =
			   TRACE__ZIPKIN_CONFIG__COLLECTOR_ENDPOINT_VERSION__HTTP_JSON,
		   .trace_id_128bit = !(in->enable64bit_trace_id.set && in->enable64bit_trace_id.v),
		   .shared_span_context = pb_bool(a, false));
	if (AT_LEAST(r, 1, 29)) {
		z->collector_service =
			http_service(a, arena_printf(a, "http://%s%s", host, path), cluster,
				     &in->timeout, in->headers.v, in->headers.n);
	} else {
		z->collector_cluster = cluster;
		z->collector_endpoint = path;
		z->collector_hostname = host;
		if (in->timeout.set || in->headers.n)
			provider_warn(r, p->name,
				      "proxies before 1.29 know no time-out and no headers");
	}
	if (in->trace_context_option ==
		    ZIPKIN_TRACING_PROVIDER_TRACE_CONTEXT_OPTION_USE_B3_WITH_W3C_PROPAGATION &&
	    AT_LEAST(r, 1, 28))
		z->trace_context_option =
			TRACE__ZIPKIN_CONFIG__TRACE_CONTEXT_OPTION__USE_B3_WITH_W3C_PROPAGATION;
	return PB_ANY(a, z);
}

static Google__Any *datadog(struct run *r, const struct extension_provider *p, struct tracer *t)
{
	struct arena *a = run_arena(r);
	const struct datadog_tracing_provider *in = p->datadog;
	const char *host, *cluster = provider_cluster(r, p->name, in->service, &in->port, &host);

	if (!cluster)
		return NULL;
	t->max_tag_length = tag_length(&in->max_tag_length);
	return PB_ANY(a, PB_NEW(a, Trace__DatadogConfig, .collector_cluster = cluster,
				.service_name = meta(r, META_NODE_CLUSTER),
				.collector_hostname = host));
}

static Google__Any *skywalking(struct run *r, const struct extension_provider *p, struct tracer *t)
{
	struct arena *a = run_arena(r);
	const struct sky_walking_tracing_provider *in = p->skywalking;
	const char *host, *cluster = provider_cluster(r, p->name, in->service, &in->port, &host);

	if (!cluster)
		return NULL;
	t->upstream_span = true;
	return PB_ANY(a, PB_NEW(a, Trace__SkyWalkingConfig,
				.grpc_service = grpc_to_cluster(a, cluster, host)));
}

/* ---- OpenTelemetry ---- */

static const char *label(struct run *r, const char *name)
{
	uint32_t v = ask(r, ASK_LABEL, run_key(r, name));

	return v ? run_text(r, v) : "";
}

/* The service's name as OpenTelemetry's conventions for Kubernetes have it: the first that there is. */
static const char *conventional_name(struct run *r)
{
	const char *name = meta(r, META_OTEL_SERVICE_NAME);
	uint32_t workload;

	if (str_empty(name))
		name = label(r, "app.kubernetes.io/instance");
	if (str_empty(name))
		name = label(r, "app.kubernetes.io/name");
	if (!str_empty(name))
		return name;
	workload = ask(r, ASK_WORKLOAD_NAME, 0);
	return workload && *run_text(r, workload) ? run_text(r, workload) : "unknown_service";
}

static void add_detectors(struct arena *a, const struct resource_detectors *in, bool environment,
			  Trace__OpenTelemetryConfig *o)
{
	if (environment || (in && in->environment))
		PB_PUSH(a, o, resource_detectors,
			PB_NEW(a, Core__TypedExtensionConfig,
			       .name = "envoy.tracers.opentelemetry.resource_detectors.environment",
			       .typed_config = PB_ANY(
				       a,
				       PB_NEW(a,
					      OtelDetectors__EnvironmentResourceDetectorConfig))));
	if (in && in->dynatrace)
		PB_PUSH(a, o, resource_detectors,
			PB_NEW(a, Core__TypedExtensionConfig,
			       .name = "envoy.tracers.opentelemetry.resource_detectors.dynatrace",
			       .typed_config = PB_ANY(
				       a,
				       PB_NEW(a, OtelDetectors__DynatraceResourceDetectorConfig))));
}

/* Where Dynatrace is asked what to sample: a service of its own, or the one that spans go to. NULL: neither. */
static Core__HttpService *sampler_service(struct run *r, const struct extension_provider *p,
					  const char *host, const char *cluster)
{
	struct arena *a = run_arena(r);
	const struct open_telemetry_tracing_provider *in = p->opentelemetry;
	const struct dynatrace_api *own = in->dynatrace_sampler->http_service;
	const struct http_service *http = own ? own->http : in->http;
	const char *path = own ? http ? http->path : "" : "api/v2/samplingConfiguration";
	static const struct http_service plain;

	if (!own && !http) {
		provider_warn(r, p->name, "the Dynatrace sampler needs an HTTP service");
		return NULL;
	}
	if (own)
		cluster = provider_cluster(r, p->name, own->service, &own->port, &host);
	if (!cluster)
		return NULL;
	http = http ? http : &plain;
	return http_service(a, join_path(a, host, path), cluster, &http->timeout, http->headers.v,
			    http->headers.n);
}

static bool add_sampler(struct run *r, const struct extension_provider *p, const char *host,
			const char *cluster, Trace__OpenTelemetryConfig *o)
{
	struct arena *a = run_arena(r);
	const struct dynatrace_sampler *in = p->opentelemetry->dynatrace_sampler;
	Core__HttpService *service = sampler_service(r, p, host, cluster);

	if (!service)
		return false;
	o->sampler = PB_NEW(
		a, Core__TypedExtensionConfig,
		.name = "envoy.tracers.opentelemetry.samplers.dynatrace",
		.typed_config = PB_ANY(
			a, PB_NEW(a, OtelSamplers__DynatraceSamplerConfig, .tenant = in->tenant,
				  .cluster_id = (int32_t)in->cluster_id.v,
				  .root_spans_per_minute = (uint32_t)in->root_spans_per_minute.v,
				  .http_service = service)));
	return true;
}

static Core__GrpcService *grpc_exporter(struct arena *a, const struct grpc_service *in,
					const char *cluster, const char *host)
{
	Core__GrpcService *s = grpc_to_cluster(a, cluster, host);

	if (in && in->timeout.set)
		s->timeout = pb_duration(a, in->timeout.v);
	for (uint32_t i = 0; in && i < in->initial_metadata.n; i++)
		PB_PUSH(a, s, initial_metadata,
			PB_NEW(a, Core__HeaderValue, .key = in->initial_metadata.v[i].name,
			       .value = provider_header_value(&in->initial_metadata.v[i])));
	return s;
}

static Google__Any *opentelemetry(struct run *r, const struct extension_provider *p,
				  struct tracer *t)
{
	struct arena *a = run_arena(r);
	const struct open_telemetry_tracing_provider *in = p->opentelemetry;
	bool conventions =
		in->service_attribute_enrichment ==
		OPEN_TELEMETRY_TRACING_PROVIDER_SERVICE_ATTRIBUTE_ENRICHMENT_OTEL_SEMANTIC_CONVENTIONS;
	const char *host, *cluster = provider_cluster(r, p->name, in->service, &in->port, &host);
	Trace__OpenTelemetryConfig *o;

	if (!cluster)
		return NULL;
	o = PB_NEW(a, Trace__OpenTelemetryConfig,
		   .service_name = conventions ? conventional_name(r) : meta(r, META_NODE_CLUSTER));
	if (in->http)
		o->http_service =
			http_service(a, join_path(a, host, in->http->path), cluster,
				     &in->http->timeout, in->http->headers.v, in->http->headers.n);
	else
		o->grpc_service = grpc_exporter(a, in->grpc, cluster, host);
	add_detectors(a, in->resource_detectors, conventions, o);
	if (in->dynatrace_sampler && !add_sampler(r, p, host, cluster, o))
		return NULL;
	t->max_tag_length = tag_length(&in->max_tag_length);
	t->own_sampler = in->dynatrace_sampler != NULL;
	return PB_ANY(a, o);
}

/* ---- all ---- */

static const struct {
	size_t offset; /* of the provider's message */
	const char *name;
	tracer_fn *make;
} tracers[] = {
#define TRACER(field) \
	{ \
		offsetof(struct extension_provider, field), "envoy.tracers." #field, field \
	}
	TRACER(zipkin),
	TRACER(datadog),
	TRACER(skywalking),
	TRACER(opentelemetry),
};

bool tracer_make(struct run *r, const struct extension_provider *p, struct tracer *ret)
{
	struct arena *a = run_arena(r);

	for (size_t i = 0; i < ARRAY_LEN(tracers); i++) {
		struct tracer t = { 0 };
		Google__Any *config;

		if (!*(const void *const *)((const char *)p + tracers[i].offset))
			continue;
		config = tracers[i].make(r, p, &t);
		if (!config)
			return false;
		t.config =
			PB_NEW(a, Trace__Tracing__Http, .name = tracers[i].name,
			       .config_type_case = TRACE__TRACING__HTTP__CONFIG_TYPE_TYPED_CONFIG,
			       .typed_config = config);
		*ret = t;
		return true;
	}
	provider_warn(r, p->name, "it is named for tracing, which it does not do");
	return false;
}
