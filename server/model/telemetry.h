/* model/telemetry.h
 * What the Telemetry objects that apply to the asking proxy come to, merged with the default providers of the mesh
 * (translation.md 9.1, 9.2).
 *
 * Functions of the running query: they ask for the proxy's namespace and for selectors. Call them from a query that is
 * asked for by value (the translation's Q_ACCESS_LOGS, Q_STATS, Q_TRACING), so that all proxies for which the outcome is the
 * same share what is made with it. What they return lives in the run's arena or in objects.
 */
#pragma once
#include "types.h"
#include "world/graph.h"

/* Of a connection: outbound and gateway listeners speak as clients, inbound ones as servers. */
enum telemetry_side { TELEMETRY_CLIENT, TELEMETRY_SERVER };

/* ---- metrics ---- */
struct metric_tag {
	const char *name;
	const char *value; /* NULL: the tag is removed */
};
struct metric_change {
	const char *name; /* of the API, "REQUEST_COUNT", or of a custom metric */
	bool drop;
	struct metric_tag *tags; /* sorted by name */
	uint32_t n_tags, c_tags;
};
struct provider_metrics {
	const struct extension_provider *provider;
	struct opt_duration interval;  /* of reports */
	struct metric_change *changes; /* sorted by name */
	uint32_t n_changes, c_changes;
};
/* The providers that get metrics of that side, sorted by the names that they are asked for with. */
const struct provider_metrics *telemetry_metrics(struct run *, enum telemetry_side,
						 uint32_t *ret_n);

/* ---- access logs ---- */
struct provider_log {
	const struct extension_provider *provider;
	const char *filter; /* a CEL expression; NULL: none, "" is a user's mistake */
	bool disabled;      /* it says that there is to be no log, also none of the mesh config's */
};
/* Sorted by name; none: the mesh config's own settings hold. */
const struct provider_log *telemetry_logs(struct run *, enum telemetry_side, uint32_t *ret_n);

/* ---- tracing ---- */
struct trace_policy {
	const struct extension_provider *provider;
	struct opt_double sampling; /* percent */
	const struct custom_tag_entry *tags;
	uint32_t n_tags;
	bool request_id; /* decides on sampling */
	bool istio_tags;
	bool no_propagation;
};
enum trace_outcome { TRACE_LEGACY /* nothing is said */, TRACE_OFF, TRACE_ON };
enum trace_outcome telemetry_tracing(struct run *, enum telemetry_side, struct trace_policy *ret);
