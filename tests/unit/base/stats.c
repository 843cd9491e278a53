/* Metrics in Prometheus' text format. */
#include "base/stats.h"
#include "test.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const double bounds[] = { 0.1, 1, 2.5 };
static struct metric pushes = {
	.name = "t_pushes", .help = "Pushes.", .type = METRIC_COUNTER, .labels = { "type", "why" }
};
static struct metric conns = { .name = "t_conns", .help = "Connections.", .type = METRIC_GAUGE };
static struct metric times = { .name = "t_times",
			       .type = METRIC_HISTOGRAM,
			       .labels = { "type" },
			       .buckets = bounds,
			       .n_buckets = ARRAY_LEN(bounds) };
static struct metric many = { .name = "t_many", .type = METRIC_COUNTER, .labels = { "id" } };
static struct metric shared = { .name = "t_shared", .type = METRIC_COUNTER };

/* The lines of one metric; the others belong to other tests. */
static void print_only(const char *name, char *ret, size_t size)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	char *line, *rest;

	stats_print(&b);
	ret[0] = 0;
	for (line = strtok_r(b.p, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!strstr(line, name))
			continue;
		strncat(ret, line, size - strlen(ret) - 2);
		strncat(ret, "\n", 2);
	}
}

TEST(stats_counter_and_gauge)
{
	char text[2000];

	metric_reset(&pushes);
	metric_register(&conns);
	metric_add(&pushes, 1, LABELS("rds", "plain"));
	metric_add(&pushes, 2, LABELS("cds", "a\"b\\c\nd"));
	metric_add(&pushes, 0.5, LABELS("rds", "plain"));
	print_only("t_pushes", text, sizeof text);
	CHECK_STR(text, "# HELP t_pushes Pushes.\n"
			"# TYPE t_pushes counter\n"
			"t_pushes{type=\"cds\",why=\"a\\\"b\\\\c\\nd\"} 2\n"
			"t_pushes{type=\"rds\",why=\"plain\"} 1.5\n");
	CHECK(metric_value(&pushes, LABELS("rds", "plain")) == 1.5);
	CHECK(metric_value(&pushes, LABELS("rds", "none")) == 0);
	print_only("t_conns", text, sizeof text);
	CHECK_STR(text, "# HELP t_conns Connections.\n# TYPE t_conns gauge\nt_conns 0\n");
	metric_set(&conns, 7, NULL);
	metric_add(&conns, -2, NULL);
	CHECK(metric_value(&conns, NULL) == 5);
	metric_reset(&conns);
	CHECK(metric_value(&conns, NULL) == 0);
}

TEST(stats_histogram)
{
	static const double values[] = { 0.05, 0.1, 0.5, 3, 1 };
	char text[2000];

	metric_reset(&times);
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		metric_observe(&times, values[i], LABELS("eds"));
	print_only("t_times", text, sizeof text);
	CHECK_STR(text, "# TYPE t_times histogram\n"
			"t_times_bucket{type=\"eds\",le=\"0.1\"} 2\n"
			"t_times_bucket{type=\"eds\",le=\"1\"} 4\n"
			"t_times_bucket{type=\"eds\",le=\"2.5\"} 4\n"
			"t_times_bucket{type=\"eds\",le=\"+Inf\"} 5\n"
			"t_times_sum{type=\"eds\"} 4.65\n"
			"t_times_count{type=\"eds\"} 5\n");
	CHECK(metric_value(&times, LABELS("eds")) == 5);
	metric_reset(&times);
	print_only("t_times", text, sizeof text);
	CHECK_STR(text, "");
}

TEST(stats_label_sets_are_capped)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	char id[300];
	unsigned lines = 0;

	metric_reset(&many);
	for (int i = 0; i < STATS_LABELS_MAX + 100; i++) {
		snprintf(id, sizeof id, "%d", i);
		metric_add(&many, 1, LABELS(id));
	}
	CHECK(metric_value(&many, LABELS("5")) == 1);
	CHECK(metric_value(&many, LABELS("other")) == 100);
	stats_print(&b);
	for (const char *p = buf_str(&b); (p = strstr(p, "t_many{")); p++)
		lines++;
	CHECK_INT(lines, STATS_LABELS_MAX + 1);
	metric_reset(&many);
	memset(id, 'x', sizeof id - 1);
	id[sizeof id - 1] = 0;
	metric_add(&many, 1, LABELS(id));
	metric_add(&many, 1, LABELS("\xff\xc3\xa4"));
	buf_reset(&b);
	stats_print(&b);
	CHECK(!strstr(buf_str(&b), id));
	CHECK(strstr(buf_str(&b), "xxx"));
	CHECK(strstr(buf_str(&b), "t_many{id=\"?\xc3\xa4\"} 1\n"));
}

TEST(stats_are_sorted_by_name)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	const char *a, *z;

	metric_register(&shared);
	metric_register(&conns);
	stats_print(&b);
	a = strstr(buf_str(&b), "t_conns");
	z = strstr(buf_str(&b), "t_shared");
	CHECK(a && z && a < z);
}

static void *count(void *arg)
{
	for (int i = 0; i < 5000; i++) {
		metric_add(&shared, 1, NULL);
		metric_observe(&times, i, LABELS(arg));
		if (i % 1000 == 0) {
			struct buf b cleanup(buf_fini) = BUF_INIT;

			stats_print(&b);
		}
	}
	return NULL;
}

TEST(stats_from_many_threads)
{
	static char names[3][2] = { "a", "b", "a" };
	pthread_t t[3];

	metric_reset(&shared);
	metric_reset(&times);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, count, names[i]);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK(metric_value(&shared, NULL) == 15000);
	CHECK(metric_value(&times, LABELS("a")) == 10000);
	CHECK(metric_value(&times, LABELS("b")) == 5000);
}
