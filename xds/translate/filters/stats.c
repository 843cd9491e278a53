/* istio.stats: the metrics of the mesh, for each provider that is a Prometheus (translation.md 9.1). */
#include "base/clock.h"
#include "model/options.h"
#include "model/telemetry.h"
#include "translate/filters/telemetry.h"
#include "translate/queries.h"

#define STATS_FILTER "istio.stats"

/* The API's name of a metric and the filter's. Others are custom ones and have one name. */
static const char *const metric_names[][2] = {
	{ "REQUEST_COUNT", "requests_total" },
	{ "REQUEST_DURATION", "request_duration_milliseconds" },
	{ "REQUEST_SIZE", "request_bytes" },
	{ "RESPONSE_SIZE", "response_bytes" },
	{ "TCP_OPENED_CONNECTIONS", "tcp_connections_opened_total" },
	{ "TCP_CLOSED_CONNECTIONS", "tcp_connections_closed_total" },
	{ "TCP_SENT_BYTES", "tcp_sent_bytes_total" },
	{ "TCP_RECEIVED_BYTES", "tcp_received_bytes_total" },
	{ "GRPC_REQUEST_MESSAGES", "request_messages_total" },
	{ "GRPC_RESPONSE_MESSAGES", "response_messages_total" },
};

static const char *metric_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(metric_names); i++)
		if (str_eq(metric_names[i][0], name))
			return metric_names[i][1];
	return name;
}

static Stats__MetricConfig *change(struct arena *a, const struct metric_change *in)
{
	Stats__MetricConfig *m =
		PB_NEW(a, Stats__MetricConfig, .name = metric_name(in->name), .drop = in->drop);

	for (uint32_t i = 0; i < in->n_tags; i++) {
		const struct metric_tag *t = &in->tags[i];

		if (t->value)
			PB_PUSH(a, m, dimensions,
				PB_NEW(a, Stats__MetricConfig__DimensionsEntry, .key = t->name,
				       .value = t->value));
		else
			PB_PUSH(a, m, tags_to_remove, t->name);
	}
	return m;
}

static Stats__PluginConfig *config(struct arena *a, enum chain_kind kind,
				   const struct provider_metrics *in)
{
	Stats__PluginConfig *c = PB_NEW(a, Stats__PluginConfig,
					.disable_host_header_fallback = kind != CHAIN_OUTBOUND);

	if (in->interval.set)
		c->tcp_reporting_duration = pb_duration(a, in->interval.v);
	if (FEATURE(metric_rotation_ns))
		c->rotation_interval = pb_duration(a, FEATURE(metric_rotation_ns));
	if (FEATURE(metric_deletion_ns) != 300 * NS_PER_S)
		c->graceful_deletion_interval = pb_duration(a, FEATURE(metric_deletion_ns));
	for (uint32_t i = 0; i < in->n_changes; i++)
		PB_PUSH(a, c, metrics, change(a, &in->changes[i]));
	return c;
}

void stats_run(struct run *r, uint32_t key)
{
	struct arena *a = run_arena(r);
	enum chain_kind kind = telemetry_kind_of(r, key);
	Listener__FilterChain *out = PB_NEW(a, Listener__FilterChain);
	uint32_t n;
	const struct provider_metrics *v = telemetry_metrics(
		r, kind == CHAIN_INBOUND ? TELEMETRY_SERVER : TELEMETRY_CLIENT, &n);

	for (uint32_t i = 0; i < n; i++)
		if (v[i].provider->prometheus)
			PB_PUSH(a, out, filters,
				network_filter(a, STATS_FILTER, PB_ANY(a, config(a, kind, &v[i]))));
	telemetry_emit(r, &out->base);
}

/* NULL: none. */
static const Listener__FilterChain *stats_of(struct run *r, enum chain_kind kind)
{
	const struct result *res = ask_query(r, Q_STATS, telemetry_key(r, kind));

	if (!res->n || !ask_is(r, ASK_EXTENSION, EXT_STATS))
		return NULL;
	return TELEMETRY_UNPACK(r, Listener__FilterChain, res);
}

void filter_stats_http(struct run *r, const struct chain_context *cx, Hcm__HttpConnectionManager *h)
{
	const Listener__FilterChain *c = stats_of(r, cx->kind);

	for (size_t i = 0; c && i < c->n_filters; i++)
		PB_PUSH(run_arena(r), h, http_filters,
			http_filter(run_arena(r), STATS_FILTER, c->filters[i]->typed_config));
}

void filter_stats_tcp(struct run *r, enum chain_kind kind, Listener__FilterChain *to)
{
	const Listener__FilterChain *c = stats_of(r, kind);

	for (size_t i = 0; c && i < c->n_filters; i++)
		PB_PUSH(run_arena(r), to, filters, c->filters[i]);
}
