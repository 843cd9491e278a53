/* The rows of istiod's metrics that Mainsheet has so far. */
#include "daemon/metrics.h"
#include "base/clock.h"
#include "base/stats.h"
#include "cli/command.h"
#include "daemon/connection.h"
#include "translate/engine.h"
#include "types.h"
#include "world/world.h"

static const double convergence_buckets[] = { .1, .5, 1, 3, 5, 10, 20, 30 };
static const double size_buckets[] = { 1, 1e4, 1e6, 4e6, 1e7, 4e7 };

#define HISTOGRAM(b) .type = METRIC_HISTOGRAM, .buckets = (b), .n_buckets = ARRAY_LEN(b)

static struct metric connected = {
	.name = "pilot_xds",
	.type = METRIC_GAUGE,
	.labels = { "version" },
	.help = "Number of endpoints connected to this pilot using XDS."
};
static struct metric pushes = { .name = "pilot_xds_pushes",
				.type = METRIC_COUNTER,
				.labels = { "type" },
				.help = "Responses sent, by type." };
static struct metric rejects = { .name = "pilot_total_xds_rejects",
				 .type = METRIC_COUNTER,
				 .labels = { "type" },
				 .help = "Responses that proxies rejected (NACK), by type." };
static struct metric expired = { .name = "pilot_xds_expired_nonce",
				 .type = METRIC_COUNTER,
				 .labels = { "type" },
				 .help = "Requests with an expired nonce." };
static struct metric convergence = {
	.name = "pilot_proxy_convergence_time",
	HISTOGRAM(convergence_buckets),
	.help = "Seconds from a change to its last response to a proxy."
};
static struct metric sizes = { .name = "pilot_xds_config_size_bytes",
			       HISTOGRAM(size_buckets),
			       .labels = { "type" },
			       .help = "Size of responses in bytes, by type URL." };
static struct metric rejected_configs = { .name = "pilot_total_rejected_configs",
					  .type = METRIC_COUNTER,
					  .labels = { "type", "name" },
					  .help = "Objects that are not in order." };
static struct metric triggers = { .name = "pilot_push_triggers",
				  .type = METRIC_COUNTER,
				  .labels = { "type" },
				  .help = "What led to pushes." };
static struct metric inbound = { .name = "pilot_inbound_updates",
				 .type = METRIC_COUNTER,
				 .labels = { "type" },
				 .help = "Updates received from sources." };
static struct metric services = { .name = "pilot_services",
				  .type = METRIC_GAUGE,
				  .help = "Services known." };
static struct metric virtual_services = { .name = "pilot_virt_services",
					  .type = METRIC_GAUGE,
					  .help = "Virtual services known." };
static struct metric info = { .name = "pilot_info",
			      .type = METRIC_GAUGE,
			      .labels = { "version" },
			      .help = "Version, always 1." };
static struct metric build = { .name = "istio_build",
			       .type = METRIC_GAUGE,
			       .labels = { "component", "tag" },
			       .help = "Build, always 1." };
static struct metric uptime = { .name = "istiod_uptime_seconds",
				.type = METRIC_GAUGE,
				.help = "Uptime in seconds." };
static struct metric nacks[] = {
	[XDS_CDS] = { .name = "pilot_xds_cds_reject",
		      .type = METRIC_GAUGE,
		      .labels = { "node", "err" },
		      .help = "Rejected clusters." },
	[XDS_EDS] = { .name = "pilot_xds_eds_reject",
		      .type = METRIC_GAUGE,
		      .labels = { "node", "err" },
		      .help = "Rejected endpoints." },
	[XDS_LDS] = { .name = "pilot_xds_lds_reject",
		      .type = METRIC_GAUGE,
		      .labels = { "node", "err" },
		      .help = "Rejected listeners." },
	[XDS_RDS] = { .name = "pilot_xds_rds_reject",
		      .type = METRIC_GAUGE,
		      .labels = { "node", "err" },
		      .help = "Rejected routes." },
};
static struct metric classes = { .name = "mainsheet_proxy_classes",
				 .type = METRIC_GAUGE,
				 .help = "Classes of proxies with equal facts." };
static struct metric bookkeeping = { .name = "mainsheet_graph_bookkeeping_bytes",
				     .type = METRIC_GAUGE,
				     .help = "Memory of traces and memos." };
static struct metric results = { .name = "mainsheet_graph_result_bytes",
				 .type = METRIC_GAUGE,
				 .help = "Memory of encoded results." };
static int64_t started_ns;

void metrics_register(void)
{
	struct metric *all[] = { &connected,   &pushes,   &rejects,          &expired,
				 &convergence, &sizes,    &rejected_configs, &triggers,
				 &inbound,     &services, &virtual_services };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		metric_register(all[i]);
	started_ns = clock_mono_ns();
	metric_set(&info, 1, LABELS(MAINSHEET_VERSION));
	metric_set(&build, 1, LABELS("pilot", MAINSHEET_VERSION));
}

void metrics_sent(enum xds_type t, size_t bytes)
{
	if (t >= XDS_N)
		return;
	metric_add(&pushes, 1, LABELS(xds_types[t].name));
	metric_observe(&sizes, (double)bytes, LABELS(xds_types[t].url));
}

void metrics_rejected(const struct connection *c, enum xds_type t, uint32_t n)
{
	metric_add(&rejects, n, LABELS(xds_types[t].name));
	if (t < ARRAY_LEN(nacks))
		metric_set(&nacks[t], 1, LABELS(str_or(c->proxy_id, ""), "INVALID_ARGUMENT"));
}

void metrics_expired(enum xds_type t, uint32_t n)
{
	metric_add(&expired, n, LABELS(xds_types[t].name));
}

void metrics_converged(int64_t ns)
{
	metric_observe(&convergence, (double)ns / 1e9, NULL);
}

void metrics_connected(const struct connection *c, int by)
{
	metric_add(&connected, by, LABELS(str_or(c->istio_version, "")));
}

void metrics_rejected_config(const char *type, const char *name)
{
	metric_add(&rejected_configs, 1, LABELS(type, name));
}

void metrics_trigger(const char *type)
{
	metric_add(&triggers, 1, LABELS(type));
}

void metrics_inbound(const char *type)
{
	metric_add(&inbound, 1, LABELS(type));
}

void metrics_world(struct engine *e)
{
	struct world *w = engine_world(e);
	struct engine_stats s;

	engine_stats(e, &s);
	metric_set(&services, world_count(w, KIND_SERVICE) + world_count(w, KIND_SERVICE_ENTRY),
		   NULL);
	metric_set(&virtual_services, world_count(w, KIND_VIRTUAL_SERVICE), NULL);
	metric_set(&classes, s.n_classes, NULL);
	metric_set(&bookkeeping, (double)s.bookkeeping_bytes, NULL);
	metric_set(&results, (double)s.result_bytes, NULL);
	metric_set(&uptime, (double)(clock_mono_ns() - started_ns) / 1e9, NULL);
}
