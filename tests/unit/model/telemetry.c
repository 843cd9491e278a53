/* Telemetry: which objects apply to a proxy, and what they come to together. Outcomes are written as short texts. */
#include "model/telemetry.h"
#include "base/buf.h"
#include "harness.h"

#include <stdio.h>

#define MESH \
	"extensionProviders:\n" \
	"- {name: file, envoyFileAccessLog: {path: /f}}\n" \
	"- {name: other, envoyFileAccessLog: {path: /o}}\n" \
	"- {name: zip, zipkin: {service: z.x, port: 9411}}\n" \
	"- {name: dd, datadog: {service: d.x, port: 8126}}\n"
#define DEFAULTS \
	MESH "defaultProviders: {metrics: [prometheus], accessLogging: [file], tracing: [zip]}\n"
#define T(name, ns, day, spec) \
	"---\napiVersion: telemetry.istio.io/v1\nkind: Telemetry\n" \
	"metadata: {name: " name ", namespace: " ns ", creationTimestamp: '2024-01-0" day \
	"T00:00:00Z'}\nspec: " spec "\n"
#define ROOT(spec) T("root", "istio-system", "1", spec)
#define NS(spec) T("ns", "app", "1", spec)
#define WORK(spec) T("work", "app", "1", "{selector: {matchLabels: {app: a}}, " spec "}")

struct outcome {
	enum telemetry_side side;
	struct buf text;
};

static void put_metrics(struct run *r, struct outcome *o)
{
	uint32_t n;
	const struct provider_metrics *v = telemetry_metrics(r, o->side, &n);

	for (uint32_t i = 0; i < n; i++) {
		buf_printf(&o->text, "%s", v[i].provider->name);
		if (v[i].interval.set)
			buf_printf(&o->text, "@%d", (int)(v[i].interval.v / 1000000000));
		for (uint32_t j = 0; j < v[i].n_changes; j++) {
			const struct metric_change *c = &v[i].changes[j];

			buf_printf(&o->text, " %s%s", c->drop ? "-" : "", c->name);
			for (uint32_t k = 0; k < c->n_tags; k++)
				buf_printf(&o->text, ",%s=%s", c->tags[k].name,
					   str_or(c->tags[k].value, "!"));
		}
		buf_puts(&o->text, ";");
	}
}

static void put_logs(struct run *r, struct outcome *o)
{
	uint32_t n;
	const struct provider_log *v = telemetry_logs(r, o->side, &n);

	for (uint32_t i = 0; i < n; i++)
		buf_printf(&o->text, "%s%s%s%s;", v[i].disabled ? "-" : "", v[i].provider->name,
			   v[i].filter ? "?" : "", str_or(v[i].filter, ""));
}

static void put_tracing(struct run *r, struct outcome *o)
{
	static const char *const names[] = { "legacy", "off", "on" };
	struct trace_policy p;
	enum trace_outcome what = telemetry_tracing(r, o->side, &p);

	buf_puts(&o->text, names[what]);
	if (what != TRACE_ON)
		return;
	buf_printf(&o->text, " %s", p.provider->name);
	if (p.sampling.set)
		buf_printf(&o->text, " %g%%", p.sampling.v);
	for (uint32_t i = 0; i < p.n_tags; i++)
		buf_printf(&o->text, " %s", p.tags[i].key);
	buf_printf(&o->text, "%s%s%s", p.request_id ? "" : " no-id", p.istio_tags ? "" : " no-tags",
		   p.no_propagation ? " no-propagation" : "");
}

static void metrics(struct run *r, void *ctx)
{
	put_metrics(r, ctx);
}
static void logs(struct run *r, void *ctx)
{
	put_logs(r, ctx);
}
static void tracing(struct run *r, void *ctx)
{
	put_tracing(r, ctx);
}

static uint32_t proxy(struct harness *h, const char *ns, const char *labels)
{
	char json[400];

	snprintf(json, sizeof json,
		 "{\"id\": \"sidecar~10.0.0.1~p.%s~%s.svc.cluster.local\", \"metadata\": "
		 "{\"NAMESPACE\": \"%s\", \"LABELS\": {%s}}}",
		 ns, ns, ns, labels);
	return harness_proxy(h, json);
}

static void check(harness_fn *fn, const char *mesh, const char *objects, enum telemetry_side side,
		  const char *want, int line)
{
	struct harness *h = harness_new(objects, mesh);
	struct outcome o = { .side = side, .text = BUF_INIT };

	harness_run(h, proxy(h, "app", "\"app\": \"a\""), fn, &o);
	test_check_str(buf_str(&o.text), want, __FILE__, line, "outcome");
	buf_fini(&o.text);
	harness_free(h);
}
#define CLIENT(fn, mesh, objects, want) check(fn, mesh, objects, TELEMETRY_CLIENT, want, __LINE__)
#define SERVER(fn, mesh, objects, want) check(fn, mesh, objects, TELEMETRY_SERVER, want, __LINE__)

#define PROM "{metrics: [{providers: [{name: prometheus}]"

TEST(telemetry_metrics_providers)
{
	CLIENT(metrics, NULL, NULL, "");
	CLIENT(metrics, DEFAULTS, NULL, "prometheus;");
	CLIENT(metrics, NULL, ROOT(PROM "}]}"), "prometheus;");
	/* A Telemetry without metrics leaves the defaults; one with metrics, but no names, keeps them. */
	CLIENT(metrics, DEFAULTS, ROOT("{tracing: [{}]}"), "prometheus;");
	CLIENT(metrics, DEFAULTS, ROOT("{metrics: [{reportingInterval: 5s}]}"), "prometheus@5;");
	/* Names of a lower level replace those above, and what was said of others is dropped. */
	CLIENT(metrics, DEFAULTS,
	       ROOT(PROM ", reportingInterval: 5s}]}")
		       NS("{metrics: [{providers: [{name: zip}]}]}"),
	       "zip;");
	/* Unknown names are let go. */
	CLIENT(metrics, NULL, ROOT("{metrics: [{providers: [{name: nobody}]}]}"), "");
}

TEST(telemetry_metrics_overrides)
{
#define CHANGE(match, more) PROM ", overrides: [{match: {" match "}, " more "}]}]}"
	CLIENT(metrics, NULL,
	       ROOT(CHANGE("metric: REQUEST_COUNT", "tagOverrides: {b: {value: x}}"))
		       NS("{metrics: [{overrides: [{match: {metric: REQUEST_COUNT}, tagOverrides: "
			  "{a: {operation: REMOVE}, b: {value: yy}}}]}]}"),
	       "prometheus REQUEST_COUNT,a=!,b=yy;");
	CLIENT(metrics, NULL, ROOT(CHANGE("metric: REQUEST_SIZE, mode: SERVER", "disabled: true")),
	       "prometheus;");
	SERVER(metrics, NULL, ROOT(CHANGE("metric: REQUEST_SIZE, mode: SERVER", "disabled: true")),
	       "prometheus -REQUEST_SIZE;");
	SERVER(metrics, NULL, ROOT(CHANGE("customMetric: mine", "disabled: false")),
	       "prometheus mine;");
	/* All of them off takes the filter away, for that side, until somebody says something else. */
	CLIENT(metrics, NULL, ROOT(CHANGE("mode: CLIENT", "disabled: true")), "");
	SERVER(metrics, NULL, ROOT(CHANGE("mode: CLIENT", "disabled: true")), "prometheus;");
	CLIENT(metrics, NULL,
	       ROOT(CHANGE("metric: ALL_METRICS", "disabled: true"))
		       NS("{metrics: [{overrides: [{match: {metric: REQUEST_SIZE}, disabled: "
			  "false}]}]}"),
	       "prometheus REQUEST_SIZE;");
	CLIENT(metrics, NULL, ROOT(PROM ", overrides: [{tagOverrides: {a: {value: v}}}]}]}"),
	       "prometheus GRPC_REQUEST_MESSAGES,a=v GRPC_RESPONSE_MESSAGES,a=v REQUEST_COUNT,a=v "
	       "REQUEST_DURATION,a=v REQUEST_SIZE,a=v RESPONSE_SIZE,a=v "
	       "TCP_CLOSED_CONNECTIONS,a=v TCP_OPENED_CONNECTIONS,a=v TCP_RECEIVED_BYTES,a=v "
	       "TCP_SENT_BYTES,a=v;");
}

#define LOG(name, more) "{providers: [{name: " name "}]" more "}"

TEST(telemetry_logs)
{
	CLIENT(logs, MESH, NULL, "");
	CLIENT(logs, DEFAULTS, NULL, "file;");
	CLIENT(logs, DEFAULTS, ROOT("{accessLogging: [{disabled: true}]}"), "-file;");
	CLIENT(logs, MESH, ROOT("{accessLogging: [" LOG("other", "") ", " LOG("file", "") "]}"),
	       "file;other;");
	/* Off in the namespace, and on again for the workload. */
	CLIENT(logs, MESH,
	       ROOT("{accessLogging: [" LOG("file", "") "]}")
		       NS("{accessLogging: [{disabled: true}]}")
			       WORK("accessLogging: [" LOG("file", "") "]"),
	       "file;");
	/* The other side's names do not count. */
	CLIENT(logs, MESH,
	       ROOT("{accessLogging: [" LOG("file", "") "]}")
		       NS("{accessLogging: [" LOG("other", ", match: {mode: SERVER}") "]}"),
	       "file;");
	SERVER(logs, MESH,
	       ROOT("{accessLogging: [" LOG("file", "") "]}")
		       NS("{accessLogging: [" LOG("other", ", match: {mode: SERVER}") "]}"),
	       "other;");
	/* Of several filters of a provider the last. */
	CLIENT(logs, MESH,
	       ROOT("{accessLogging: [" LOG("file", ", filter: {expression: one}") "]}")
		       NS("{accessLogging: [" LOG("file", ", filter: {expression: two}") "]}"),
	       "file?two;");
	CLIENT(logs, MESH,
	       ROOT("{accessLogging: [" LOG("file", ", filter: {expression: one}") "]}")
		       NS("{accessLogging: [" LOG("file", "") "]}"),
	       "file;");
}

TEST(telemetry_tracing)
{
	CLIENT(tracing, MESH, NULL, "legacy");
	CLIENT(tracing, DEFAULTS, NULL, "on zip");
	CLIENT(tracing, MESH, ROOT("{tracing: [{randomSamplingPercentage: 3}]}"), "off");
	CLIENT(tracing, MESH, ROOT("{tracing: [{providers: [{name: DD}, {name: zip}]}]}"), "on dd");
	CLIENT(tracing, DEFAULTS, ROOT("{tracing: [{disableSpanReporting: true}]}"), "off");
	CLIENT(tracing, DEFAULTS,
	       ROOT("{tracing: [{disableSpanReporting: true}]}")
		       WORK("tracing: [{disableSpanReporting: false}]"),
	       "on zip");
	CLIENT(tracing, DEFAULTS,
	       ROOT("{tracing: [{match: {mode: SERVER}, randomSamplingPercentage: 3}, "
		    "{match: {mode: CLIENT}, randomSamplingPercentage: 4}]}"),
	       "on zip 4%");
	/* Tags are replaced, not merged. */
	CLIENT(tracing, DEFAULTS,
	       ROOT("{tracing: [{customTags: {a: {literal: {value: v}}}, randomSamplingPercentage: "
		    "0}]}") NS("{tracing: [{customTags: {b: {literal: {value: v}}}, "
			       "useRequestIdForTraceSampling: false, enableIstioTags: false, "
			       "disableContextPropagation: true}]}"),
	       "on zip 0% b no-id no-tags no-propagation");
}

static const char *logs_of(struct harness *h, uint32_t key, struct outcome *o)
{
	buf_reset(&o->text);
	harness_run(h, key, logs, o);
	return buf_str(&o->text);
}

TEST(telemetry_selection)
{
	struct outcome o = { .side = TELEMETRY_CLIENT, .text = BUF_INIT };
	struct harness *h = harness_new(
		T("young", "app", "2", "{accessLogging: [" LOG("other", "") "]}")
			T("old", "app", "1", "{accessLogging: [" LOG("file", "") "]}") T(
				"edge", "gw", "1",
				"{targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, "
				"name: edge}], accessLogging: [" LOG("file", "") "]}")
				T("selected", "istio-system", "1",
				  "{selector: {matchLabels: {app: a}}, accessLogging: [" LOG(
					  "other", "") "]}"),
		MESH);

	/* The oldest speaks for its namespace; one of the root namespace with a selector only there. */
	CHECK_STR(logs_of(h, proxy(h, "app", "\"app\": \"a\""), &o), "file;");
	CHECK_STR(logs_of(h, proxy(h, "else", "\"app\": \"a\""), &o), "");
	CHECK_STR(logs_of(h, proxy(h, "istio-system", "\"app\": \"a\""), &o), "other;");
	/* A reference is to the proxy of a Gateway. */
	CHECK_STR(logs_of(h, proxy(h, "gw", "\"app\": \"edge\""), &o), "");
	CHECK_STR(logs_of(h, proxy(h, "gw", "\"gateway.networking.k8s.io/gateway-name\": \"edge\""),
			  &o),
		  "file;");
	buf_fini(&o.text);
	harness_free(h);
}

/* An edit of an object that does not apply is none for the proxy; one that does is seen. */
TEST(telemetry_is_tracked)
{
	struct outcome o = { .side = TELEMETRY_CLIENT, .text = BUF_INIT };
	struct harness *h = harness_new(ROOT("{accessLogging: [" LOG("file", "") "]}"), MESH);

	harness_watch(h, proxy(h, "app", ""), logs, &o);
	harness_commit(h);
	harness_put(h, T("x", "elsewhere", "1", "{accessLogging: [{disabled: true}]}"));
	harness_commit(h);
	harness_put(h, T("z", "elsewhere", "1", "{accessLogging: [{disabled: true}]}"));
	CHECK_INT(harness_commit(h), 0);
	buf_reset(&o.text);
	harness_put(h, NS("{accessLogging: [{disabled: true}]}"));
	CHECK_INT(harness_commit(h), 1);
	CHECK_STR(buf_str(&o.text), "-file;");
	buf_reset(&o.text);
	harness_delete(h, KIND_TELEMETRY, "app", "ns");
	CHECK_INT(harness_commit(h), 1);
	CHECK_STR(buf_str(&o.text), "file;");
	harness_free(h);
	buf_fini(&o.text);
}
