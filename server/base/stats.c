/* All metrics hang in one list under one lock: they are touched thousands of times a second, not millions. A series
 * is found by its label text as it will be printed ({a="x",b="y"} without the braces), which is unique because values
 * are escaped, and makes printing a matter of sorting. */
#include "base/stats.h"
#include "base/lock.h"
#include "base/map.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STATS_VALUE_LEN = 256 }; /* longer label values are cut */

struct series {
	char *labels;
	double v; /* histograms: the sum */
	uint64_t count;
	uint64_t *buckets; /* not cumulative; one more than bounds, the last is +Inf */
};

struct metric_series {
	struct map by_labels; /* to struct series */
};

static struct lock stats_lock = LOCK_INIT(LOCK_STATS);
static struct metric *metrics;
static uint32_t n_metrics;

static void put_label_value(struct buf *b, const char *s)
{
	const char *end = s + strnlen(s, STATS_VALUE_LEN);

	while (s < end) {
		unsigned n = utf8_step(s, end);

		if (*s == '"' || *s == '\\')
			buf_printf(b, "\\%c", *s);
		else if (*s == '\n')
			buf_puts(b, "\\n");
		else if (n)
			buf_append(b, s, n);
		else
			buf_putc(b, '?');
		s += n ? n : 1;
	}
}

static void put_labels(struct buf *b, const struct metric *m, const char *const *values)
{
	for (int i = 0; i < STATS_N_LABELS_MAX && m->labels[i]; i++) {
		assert(values && values[i]);
		buf_printf(b, "%s%s=\"", i ? "," : "", m->labels[i]);
		put_label_value(b, values[i]);
		buf_putc(b, '"');
	}
}

static struct series *series_add(struct metric *m, const char *labels)
{
	struct series *s = xcalloc(1, sizeof *s);

	s->labels = xstrdup(labels);
	if (m->type == METRIC_HISTOGRAM)
		s->buckets = xcalloc(m->n_buckets + 1, sizeof *s->buckets);
	map_set(&m->series->by_labels, s->labels, s);
	return s;
}

static void register_locked(struct metric *m)
{
	if (m->registered)
		return;
	for (struct metric *other = metrics; other; other = other->next)
		assert(strcmp(other->name, m->name) != 0);
	m->series = xcalloc(1, sizeof *m->series);
	m->registered = true;
	m->next = metrics;
	metrics = m;
	n_metrics++;
	if (!m->labels[0])
		series_add(m, "");
}

/* The series of these values, made on first sight; NULL only if it may not be made. */
static struct series *series_of(struct metric *m, const char *const *values, bool make)
{
	static const char *const other[STATS_N_LABELS_MAX] = { "other", "other", "other", "other" };
	struct buf key cleanup(buf_fini) = BUF_INIT;
	struct series *s;

	put_labels(&key, m, values);
	s = map_get(&m->series->by_labels, buf_str(&key));
	if (s || !make)
		return s;
	if (m->series->by_labels.n >= STATS_LABELS_MAX) {
		buf_reset(&key);
		put_labels(&key, m, other);
		s = map_get(&m->series->by_labels, buf_str(&key));
		if (s)
			return s;
	}
	return series_add(m, buf_str(&key));
}

void metric_register(struct metric *m)
{
	with_lock(&stats_lock)
		register_locked(m);
}

void metric_add(struct metric *m, double v, const char *const *values)
{
	with_lock(&stats_lock) {
		register_locked(m);
		assert(m->type == METRIC_GAUGE || (m->type == METRIC_COUNTER && v >= 0));
		series_of(m, values, true)->v += v;
	}
}

void metric_set(struct metric *m, double v, const char *const *values)
{
	with_lock(&stats_lock) {
		register_locked(m);
		assert(m->type == METRIC_GAUGE);
		series_of(m, values, true)->v = v;
	}
}

void metric_observe(struct metric *m, double v, const char *const *values)
{
	with_lock(&stats_lock) {
		struct series *s;
		uint32_t i = 0;

		register_locked(m);
		assert(m->type == METRIC_HISTOGRAM);
		s = series_of(m, values, true);
		while (i < m->n_buckets && !(v <= m->buckets[i]))
			i++;
		s->buckets[i]++;
		s->count++;
		s->v += v;
	}
}

double metric_value(struct metric *m, const char *const *values)
{
	double v = 0;

	with_lock(&stats_lock) {
		const struct series *s = NULL;

		if (m->registered)
			s = series_of(m, values, false);
		if (s)
			v = m->type == METRIC_HISTOGRAM ? (double)s->count : s->v;
	}
	return v;
}

void metric_reset(struct metric *m)
{
	with_lock(&stats_lock) {
		void *value;

		register_locked(m);
		for (uint32_t i = 0; (i = map_next(&m->series->by_labels, i, NULL, &value));) {
			struct series *s = value;

			xfree(s->labels);
			xfree(s->buckets);
			xfree(s);
		}
		map_clear(&m->series->by_labels);
		if (!m->labels[0])
			series_add(m, "");
	}
}

static void put_number(struct buf *b, double v)
{
	if (isinf(v))
		buf_puts(b, v < 0 ? "-Inf" : "+Inf");
	else if (isnan(v))
		buf_puts(b, "NaN");
	else
		buf_double(b, v);
}

static void put_sample(struct buf *out, const struct metric *m, const char *suffix,
		       const char *labels, double v)
{
	buf_printf(out, "%s%s", m->name, suffix);
	if (*labels)
		buf_printf(out, "{%s}", labels);
	buf_putc(out, ' ');
	put_number(out, v);
	buf_putc(out, '\n');
}

static void put_histogram(struct buf *out, const struct metric *m, const struct series *s)
{
	struct buf labels cleanup(buf_fini) = BUF_INIT;
	uint64_t n = 0;

	for (uint32_t i = 0; i <= m->n_buckets; i++) {
		n += s->buckets[i];
		buf_reset(&labels);
		buf_printf(&labels, "%s%sle=\"", s->labels, *s->labels ? "," : "");
		put_number(&labels, i < m->n_buckets ? m->buckets[i] : (double)INFINITY);
		buf_putc(&labels, '"');
		put_sample(out, m, "_bucket", buf_str(&labels), (double)n);
	}
	put_sample(out, m, "_sum", s->labels, s->v);
	put_sample(out, m, "_count", s->labels, (double)s->count);
}

static int by_labels(const void *a, const void *b)
{
	const struct series *const *x = a, *const *y = b;

	return strcmp((*x)->labels, (*y)->labels);
}

static int by_name(const void *a, const void *b)
{
	const struct metric *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void put_metric(struct buf *out, const struct metric *m)
{
	static const char *const type_names[] = { "counter", "gauge", "histogram" };
	const struct map *map = &m->series->by_labels;
	cleanup(xfree_p) const struct series **sorted = xcalloc(map->n, sizeof *sorted);
	uint32_t n = 0;
	void *value;

	if (!map->n)
		return;
	for (uint32_t i = 0; (i = map_next(map, i, NULL, &value));)
		sorted[n++] = value;
	qsort(sorted, n, sizeof *sorted, by_labels);
	if (!str_empty(m->help))
		buf_printf(out, "# HELP %s %s\n", m->name, m->help);
	buf_printf(out, "# TYPE %s %s\n", m->name, type_names[m->type]);
	for (uint32_t i = 0; i < n; i++) {
		if (m->type == METRIC_HISTOGRAM)
			put_histogram(out, m, sorted[i]);
		else
			put_sample(out, m, "", sorted[i]->labels, sorted[i]->v);
	}
}

void stats_print(struct buf *out)
{
	with_lock(&stats_lock) {
		cleanup(xfree_p) const struct metric **sorted = xcalloc(n_metrics, sizeof *sorted);
		uint32_t n = 0;

		for (const struct metric *m = metrics; m; m = m->next)
			sorted[n++] = m;
		qsort(sorted, n, sizeof *sorted, by_name);
		for (uint32_t i = 0; i < n; i++)
			put_metric(out, sorted[i]);
	}
}
