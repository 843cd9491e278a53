/* base/stats.h
 * Counters, gauges and histograms in Prometheus' sense. Registered by static declaration at first use, never
 * unregistered. Any thread. Label sets per metric are capped (STATS_LABELS_MAX); beyond it they fall into one
 * series whose label values are all "other".
 */
#pragma once
#include "base/buf.h"

enum { STATS_LABELS_MAX = 2000, STATS_N_LABELS_MAX = 4 };

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
struct metric_series;
struct metric {
	const char *name, *help;
	enum metric_type type;
	const char *labels[STATS_N_LABELS_MAX]; /* names, NULL-terminated if fewer */
	const double *buckets; /* histograms: upper bounds, ascending; +Inf is implied */
	uint32_t n_buckets;
	/* private */
	struct metric_series *series;
	struct metric *next;
	bool registered;
};

/* Label values in the order of `labels`; as many as the metric has. */
void metric_add(struct metric *, double v, const char *const *values);
void metric_set(struct metric *, double v, const char *const *values);
void metric_observe(struct metric *, double v, const char *const *values);
void metric_register(
	struct metric *); /* so that it is printed before its first use (label-less ones: as 0) */
double metric_value(struct metric *,
		    const char *const *values); /* for tests and status; histograms: the count */
void metric_reset(struct metric *); /* forgets all series: for gauges that are rebuilt */
#define LABELS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* All registered metrics, Prometheus text format 0.0.4, sorted by name, then labels. */
void stats_print(struct buf *);
