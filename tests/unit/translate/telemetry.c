/* Telemetry on listeners: what providers become, by the version and the extensions of the proxy, and what is left out. */
#include "base/buf.h"
#include "kit.h"
#include "test.h"
#include "translate/queries.h"
#include <string.h>

#define SERVICE(name, ns, port) \
	"apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: " ns "}\n" \
	"spec: {clusterIP: 10.96.0.1, ports: [{name: http, port: " port "}]}\n---\n"
#define TELEMETRY(ns, spec) \
	"apiVersion: telemetry.istio.io/v1\nkind: Telemetry\n" \
	"metadata: {name: t, namespace: " ns "}\nspec: " spec "\n---\n"
#define TRACE "{tracing: [{providers: [{name: p}]}]}"
#define LOGS "{accessLogging: [{providers: [{name: p}]}]}"

/* The virtualOutbound or 0.0.0.0_80 of a proxy in a mesh with that one provider "p". */
static const char *listener(struct kit *k, const char *provider, const char *objects,
			    const struct kit_proxy *proxy, const char *name)
{
	static const char *const env[] = { "TOKEN", "secret", NULL };

	kit_init(k, env);
	kit_mesh(k, arena_printf(&k->arena, "extensionProviders: [{name: p, %s}]", provider));
	kit_put(k, SERVICE("a", "default", "80") SERVICE("sink", "obs", "4318"));
	kit_put(k, objects);
	return kit_json(k, kit_join(k, proxy), XDS_LDS, name);
}

static void has(const char *provider, const char *objects, const char *version,
		const char *metadata, const char *want, int line)
{
	struct kit k;
	struct kit_proxy proxy = {
		.name = "p", .ns = "default", .version = version, .metadata = metadata
	};
	const char *json = listener(&k, provider, objects, &proxy, "0.0.0.0_80");

	if (!strstr(json, want))
		test_check_str(json, want, __FILE__, line, "part of the listener");
	kit_fini(&k);
}
#define HAS(provider, objects, version, want) has(provider, objects, version, NULL, want, __LINE__)

#define OLD "1.27.0"
#define NEW "1.30.0"
#define SINK "service: sink.obs.svc.cluster.local, port: 4318"
#define CLUSTER "outbound|4318||sink.obs.svc.cluster.local"

TEST(telemetry_zipkin)
{
	const char *more = "zipkin: {" SINK ", timeout: 2s, traceContextOption: "
			   "USE_B3_WITH_W3C_PROPAGATION}";

	HAS(more, TELEMETRY("istio-system", TRACE), OLD,
	    "\"collectorCluster\":\"" CLUSTER "\",\"collectorEndpoint\":\"/api/v2/spans\"");
	HAS(more, TELEMETRY("istio-system", TRACE), NEW,
	    "\"traceContextOption\":\"USE_B3_WITH_W3C_PROPAGATION\",\"collectorService\":"
	    "{\"httpUri\":{\"uri\":\"http://sink.obs.svc.cluster.local/api/v2/spans\",\"cluster\":"
	    "\"" CLUSTER "\",\"timeout\":\"2s\"}}");
}

TEST(telemetry_opentelemetry)
{
	HAS("opentelemetry: {" SINK ", http: {path: //a/./b/../c/, headers: [{name: x, envName: "
	    "TOKEN}]}}",
	    TELEMETRY("istio-system", TRACE), NEW,
	    "\"uri\":\"sink.obs.svc.cluster.local/a/c/\",\"cluster\":\"" CLUSTER
	    "\",\"timeout\":\"5s\"},\"requestHeadersToAdd\":[{\"header\":{\"key\":\"x\",\"value\":"
	    "\"secret\"}");
	HAS("opentelemetry: {" SINK
	    ", grpc: {timeout: 3s, initialMetadata: [{name: k, value: v}]}}",
	    TELEMETRY("istio-system", TRACE), NEW,
	    "\"timeout\":\"3s\",\"initialMetadata\":[{\"key\":\"k\",\"value\":\"v\"}]");
	/* The sampler decides, so all spans reach it. */
	HAS("opentelemetry: {" SINK ", http: {path: /v1/traces, timeout: 1s}, dynatraceSampler: "
	    "{tenant: t, clusterId: 3}}",
	    TELEMETRY("istio-system", "{tracing: [{providers: [{name: p}], "
				      "randomSamplingPercentage: 7}]}"),
	    NEW, "\"randomSampling\":{\"value\":100}");
	/* Names by OpenTelemetry's conventions. */
	has("opentelemetry: {" SINK ", serviceAttributeEnrichment: OTEL_SEMANTIC_CONVENTIONS}",
	    TELEMETRY("istio-system", TRACE), NULL,
	    "\"WORKLOAD_NAME\":\"w\",\"ANNOTATIONS\":"
	    "{\"resource.opentelemetry.io/service.name\":\"annotated\"}",
	    "\"serviceName\":\"annotated\"", __LINE__);
	has("opentelemetry: {" SINK ", serviceAttributeEnrichment: OTEL_SEMANTIC_CONVENTIONS}",
	    TELEMETRY("istio-system", TRACE), NULL, "\"WORKLOAD_NAME\":\"w\"",
	    "\"serviceName\":\"w\"", __LINE__);
}

TEST(telemetry_no_propagation)
{
	const char *objects = TELEMETRY("istio-system", "{tracing: [{providers: [{name: p}], "
							"disableContextPropagation: true}]}");

	HAS("datadog: {" SINK "}", objects, NEW, "\"noContextPropagation\":true");
	struct kit k;
	struct kit_proxy old = { .name = "p", .ns = "default", .version = OLD };
	const char *json = listener(&k, "datadog: {" SINK "}", objects, &old, "0.0.0.0_80");

	CHECK(strstr(json, "envoy.tracers.datadog") && !strstr(json, "noContextPropagation"));
	kit_fini(&k);
}

/* A provider whose service is unknown or ambiguous is named, and does nothing. */
TEST(telemetry_lost_service)
{
	struct kit k;
	struct kit_proxy p = { .name = "p", .ns = "default" };
	const char *json = listener(&k, "zipkin: {service: gone.obs, port: 1}",
				    TELEMETRY("istio-system", TRACE), &p, "0.0.0.0_80");

	CHECK(*json && !strstr(json, "\"tracing\""));
	CHECK(strstr(kit_problems(&k), "p: there is no service gone.obs"));
	kit_fini(&k);
}

TEST(telemetry_logs_of_providers)
{
	HAS("envoyHttpAls: {" SINK ", additionalRequestHeadersToLog: [x-a]}",
	    TELEMETRY("istio-system", LOGS), NULL,
	    "\"logName\":\"http_envoy_accesslog\",\"grpcService\":{\"envoyGrpc\":{\"clusterName\":"
	    "\"" CLUSTER "\",\"authority\":\"sink.obs.svc.cluster.local\"}}");
	HAS("envoyTcpAls: {" SINK ", filterStateObjectsToLog: [wasm.a]}",
	    TELEMETRY("istio-system", LOGS), NULL, "\"filterStateObjectsToLog\":[\"wasm.a\"]");
	HAS("envoyFileAccessLog: {logFormat: {labels: {q: \"%REQ_WITHOUT_QUERY(:PATH)%\"}}, "
	    "omitEmptyValues: true}",
	    TELEMETRY("istio-system", LOGS), NULL,
	    "\"omitEmptyValues\":true,\"formatters\":[{\"name\":\"envoy.formatter.req_without_"
	    "query\"");
	/* A provider that keeps no logs is as if none were named. */
	struct kit k;
	struct kit_proxy p = { .name = "p", .ns = "default" };
	const char *json = listener(&k, "zipkin: {" SINK "}", TELEMETRY("istio-system", LOGS), &p,
				    "virtualOutbound");

	CHECK(*json && !strstr(json, "accessLog"));
	kit_mesh(&k,
		 "accessLogFile: /dev/stdout\nextensionProviders: [{name: p, zipkin: {" SINK "}}]");
	kit_fini(&k);
}

/* Envoy would refuse the listener for a filter that it cannot read: the log is left out, and said so. */
TEST(telemetry_log_filters)
{
	static const struct {
		const char *expression, *problem; /* none: the log is there */
	} rows[] = {
		{ "response.code >= 400", NULL },
		{ "response.code >=", "column 17: there is no expression: no log of provider p" },
		{ "", "column 1: there is no expression: no log of provider p" },
		{ "a.matches('(')", "missing ): (: no log of provider p" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kit k;
		struct kit_proxy p = { .name = "p", .ns = "default" };
		cleanup(buf_fini) struct buf objects = BUF_INIT;
		const char *json;

		buf_printf(&objects,
			   TELEMETRY("istio-system", "{accessLogging: [{providers: [{name: p}], "
						     "filter: {expression: \"%s\"}}]}"),
			   rows[i].expression);
		json = listener(&k, "envoyFileAccessLog: {path: /dev/stdout}", buf_str(&objects),
				&p, "0.0.0.0_80");
		CHECK_INT(strstr(json, "\"path\":\"/dev/stdout\"") != NULL, !rows[i].problem);
		CHECK(strstr(json, "accessLog") || rows[i].problem);
		if (rows[i].problem && !strstr(kit_problems(&k), rows[i].problem))
			CHECK_STR(kit_problems(&k), rows[i].problem);
		kit_fini(&k);
	}
}

TEST(telemetry_stats_need_the_extension)
{
	const char *objects = TELEMETRY("istio-system", "{metrics: [{providers: [{name: p}]}]}");
	struct kit k;
	struct kit_proxy stock = { .name = "p", .ns = "default", .stock = true };

	HAS("prometheus: {}", objects, NULL, "\"name\":\"istio.stats\"");
	CHECK(!strstr(listener(&k, "prometheus: {}", objects, &stock, "0.0.0.0_80"),
		      "istio.stats"));
	kit_fini(&k);
}

/* Namespaces whose Telemetry comes to the same share their listeners. */
TEST(telemetry_shares_by_outcome)
{
	struct kit k;
	struct kit_proxy one = { .name = "p", .ns = "one" }, two = { .name = "q", .ns = "two" };
	uint32_t memos;

	kit_init(&k, NULL);
	kit_mesh(&k,
		 "enableTracing: false\nextensionProviders: [{name: p, envoyFileAccessLog: {}}]");
	kit_put(&k, SERVICE("a", "default", "80") TELEMETRY("one", LOGS) TELEMETRY("two", LOGS));
	kit_join(&k, &one);
	memos = kit_memos(&k, Q_LISTENER_SHARED);
	kit_join(&k, &two);
	CHECK(memos > 0);
	CHECK_INT(kit_memos(&k, Q_LISTENER_SHARED), memos);
	kit_put(&k, TELEMETRY("two", "{accessLogging: [{disabled: true}]}"));
	CHECK_INT(kit_memos(&k, Q_LISTENER_SHARED), 2 * memos);
	kit_fini(&k);
}
