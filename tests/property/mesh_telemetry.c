/* Telemetry objects: of each aspect a few settings, so that levels, sides and providers meet. */
#include "tests/property/mesh.h"
#include <string.h>

/* The providers that the mesh config has in one of its forms, and one that it never has. */
static void put_providers(struct sketch *s, const char *feature)
{
	if (some(s, feature, 4))
		return;
	put(s, "providers: [{name: %s}], ",
	    PICK(s, "provider", "log", "envoy", "prometheus", "trace", "otel", "nobody"));
}

static void put_match(struct sketch *s)
{
	if (some(s, "match", 3))
		put(s, "match: {mode: %s}, ",
		    PICK(s, "mode", "CLIENT", "SERVER", "CLIENT_AND_SERVER"));
}

static void put_tracing(struct sketch *s)
{
	put(s, "tracing: [{");
	put_match(s);
	put_providers(s, "trace providers");
	if (some(s, "sampling", 2))
		put(s, "randomSamplingPercentage: %s, ", PICK(s, "percent", "0", "5", "100"));
	if (some(s, "tags", 3))
		put(s, "customTags: {t: {%s}}, ",
		    PICK(s, "tag", "literal: {value: v}", "header: {name: x}",
			 "formatter: {value: '%PROTOCOL%'}"));
	if (some(s, "switch", 2))
		put(s, "%s, ",
		    PICK(s, "which switch", "disableSpanReporting: true", "enableIstioTags: false",
			 "useRequestIdForTraceSampling: false", "disableContextPropagation: true"));
	put(s, "}], ");
}

static void put_logging(struct sketch *s)
{
	put(s, "accessLogging: [{");
	put_match(s);
	put_providers(s, "log providers");
	if (some(s, "disabled", 4))
		put(s, "disabled: true, ");
	if (some(s, "filter", 3))
		put(s, "filter: {expression: '%s'}, ",
		    PICK(s, "expression", "response.code >= 400", "connection.mtls"));
	put(s, "}], ");
}

static void put_metrics(struct sketch *s)
{
	put(s, "metrics: [{");
	put_providers(s, "metric providers");
	if (some(s, "interval", 4))
		put(s, "reportingInterval: %s, ", PICK(s, "how long", "5s", "7s"));
	if (some(s, "overrides", 2))
		put(s, "overrides: [{match: {metric: %s, mode: %s}, %s}], ",
		    PICK(s, "metric", "ALL_METRICS", "REQUEST_COUNT", "TCP_SENT_BYTES"),
		    PICK(s, "metric mode", "CLIENT", "SERVER", "CLIENT_AND_SERVER"),
		    PICK(s, "override", "disabled: true", "disabled: false",
			 "tagOverrides: {a: {value: b}}",
			 "tagOverrides: {a: {operation: REMOVE}}"));
	put(s, "}], ");
}

void make_telemetry(struct sketch *s)
{
	put_head(s, "telemetry.istio.io/v1", "Telemetry");
	put(s, "}, spec: {");
	if (some(s, "selector", 3))
		put_selector(s, "which selector", "selector: {matchLabels"), put(s, "}, ");
	if (some(s, "tracing", 2))
		put_tracing(s);
	if (some(s, "logging", 2))
		put_logging(s);
	if (some(s, "metrics", 2))
		put_metrics(s);
	put(s, "}}");
}
