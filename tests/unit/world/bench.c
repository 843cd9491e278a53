/* The figures of spec/tracked-reads.md section 12, for comparison: WORLD_BENCH=1 runs it (MESH=small|large, SCOPED=1,
 * PRIVATE=1 for a private service in each namespace). Medians, from the changed object to all bindings current. */
#include "base/clock.h"
#include "base/err.h"
#include "test.h"
#include "toy.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct mesh {
	struct world *w;
	uint32_t n_services, n_routes, n_ns, n_classes;
	bool scoped, private;
	uint32_t (*bindings)[TOY_ROOTS];
};

static double rss_mb(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long all = 0, resident = 0;

	if (f && fscanf(f, "%ld %ld", &all, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static const char *name_ns(const struct mesh *m, uint32_t i, char buf[32])
{
	snprintf(buf, 32, "team-%u", i % m->n_ns);
	return buf;
}

static const char *name_host(const struct mesh *m, uint32_t i, char buf[64])
{
	snprintf(buf, 64, "service-%u.team-%u.local", i / m->n_ns, i % m->n_ns);
	return buf;
}

static bool put(struct mesh *m, enum toy_kind kind, uint32_t i, const char *prefix,
		const struct toy *t)
{
	char ns[32], name[32];

	snprintf(name, sizeof name, "%s-%u", prefix, kind == TOY_SERVICE ? i / m->n_ns : i);
	return world_put(m->w, toy_object(kind, name_ns(m, i, ns), name, 0, t));
}

static void put_service(struct mesh *m, uint32_t i)
{
	put(m, TOY_SERVICE, i, "service",
	    &(struct toy){ .v = 8000 + i % 3, .private = m->private && i / m->n_ns == 3 });
}

static void put_slice(struct mesh *m, uint32_t i, uint32_t version)
{
	char host[64];
	struct toy t = { .host = name_host(m, i, host), .n = 10 };

	for (uint32_t j = 0; j < t.n; j++) {
		t.ep[j].ip = 0x0a000000 + i * 16 + j + (j ? 0 : version << 20);
		t.ep[j].zone = (uint8_t)(j % 3);
		t.ep[j].healthy = 1;
	}
	put(m, TOY_SLICE, i, "slice", &t);
}

static bool put_route(struct mesh *m, uint32_t i, uint32_t version)
{
	char host[64], ns[32];
	struct toy t = { .host = name_host(m, i, host), .v = version };

	if (i % 20 == 3)
		t.only_ns = name_ns(m, i, ns);
	return put(m, TOY_ROUTE, i, "route", &t);
}

static void put_rule(struct mesh *m, uint32_t i, uint32_t version)
{
	char host[64];

	put(m, TOY_RULE, i, "rule",
	    &(struct toy){ .host = name_host(m, i, host), .v = version, .locality = i % 50 == 4 });
}

static void put_sidecar(struct mesh *m, uint32_t i, uint32_t version)
{
	struct toy t = { .n = 6 };
	char ns[6][32], host[6][64];

	t.egress[0].ns = name_ns(m, i, ns[0]);
	for (uint32_t j = 1; j < 6; j++) {
		uint32_t other = (i + j * 3) % m->n_ns + m->n_ns * ((i + version * 5 + j) % 20);

		t.egress[j].ns = name_ns(m, other, ns[j]);
		t.egress[j].host = name_host(m, other, host[j]);
	}
	put(m, TOY_SIDECAR, i % m->n_ns, "sidecar", &t);
}

static void populate(struct mesh *m)
{
	char ns[32];

	for (uint32_t i = 0; i < m->n_services; i++) {
		put_service(m, i);
		put_slice(m, i, 0);
	}
	for (uint32_t i = 0; i < m->n_routes; i++) {
		put_route(m, i, 0);
		put_rule(m, i, 0);
	}
	for (uint32_t i = 0; i < m->n_ns; i++) {
		world_put(m->w,
			  toy_object(TOY_NAMESPACE, "", name_ns(m, i, ns), 0, &(struct toy){ 0 }));
		for (uint32_t j = 0; j < 3; j++)
			put(m, TOY_POLICY, i, (const char *[]){ "a", "b", "c" }[j],
			    &(struct toy){ .selector = j, .v = j });
		if (m->scoped)
			put_sidecar(m, i, 0);
	}
	toy_set_value(m->w, TOY_MTLS, 1);
	graph_commit(world_graph(m->w), 0, NULL, NULL);
}

static struct toy_facts facts(const struct mesh *m, uint32_t cls)
{
	char ns[32];

	return (struct toy_facts){ .ns = key_str(world_keys(m->w), name_ns(m, cls, ns)),
				   .zone = m->n_classes <= m->n_ns ? cls % 3 : cls / m->n_ns % 3,
				   .label = cls / m->n_ns / 3 % 4 };
}

/* ---- edits ---- */
static void edit_nothing(struct mesh *m, uint32_t i)
{
	put_route(m, i % m->n_routes, 0);
}

static void edit_route(struct mesh *m, uint32_t i)
{
	put_route(m, 1 + i * 7 % (m->n_routes - 1), 7 + i);
}

static void edit_rule(struct mesh *m, uint32_t i)
{
	put_rule(m, 1 + i * 7 % (m->n_routes - 1), 7 + i);
}

static void edit_endpoint(struct mesh *m, uint32_t i)
{
	put_slice(m, m->n_routes + 3 + i * 13 % (m->n_services - m->n_routes - 3), 1 + i % 7);
}

static void edit_ten_endpoints(struct mesh *m, uint32_t i)
{
	for (uint32_t j = 0; j < 10; j++)
		put_slice(m, (i * 1313 + j * 977) % m->n_services, 8 + i % 100);
}

static void edit_new_service(struct mesh *m, uint32_t i)
{
	put_service(m, m->n_services + i * 3 + 1);
	put_slice(m, m->n_services + i * 3 + 1, 0);
}

static void edit_label(struct mesh *m, uint32_t i)
{
	char ns[32];

	world_put(m->w, toy_object(TOY_NAMESPACE, "", name_ns(m, i, ns), 0,
				   &(struct toy){ .v = i / m->n_ns + 1 }));
}

static void edit_policy(struct mesh *m, uint32_t i)
{
	put(m, TOY_POLICY, i % m->n_ns, "b", &(struct toy){ .selector = 1, .v = 10 + i });
}

static void edit_sidecar(struct mesh *m, uint32_t i)
{
	put_sidecar(m, i, 1 + i / m->n_ns);
}

static void edit_mtls(struct mesh *m, uint32_t i)
{
	toy_set_value(m->w, TOY_MTLS, 2 + i % 2);
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void count(void *ctx, void *owner, uint32_t binding, const struct result *now)
{
	(void)owner;
	(void)binding;
	(void)now;
	++*(uint64_t *)ctx;
}

static void measure(struct mesh *m, const char *name, uint32_t n,
		    void (*edit)(struct mesh *, uint32_t))
{
	int64_t *t = xcalloc(n, sizeof *t);
	struct graph_stats a, b;
	uint64_t changed = 0;

	graph_stats(world_graph(m->w), &a);
	for (uint32_t i = 0; i < n; i++) {
		t[i] = clock_thread_cpu_ns();
		edit(m, i);
		graph_commit(world_graph(m->w), 0, count, &changed);
		t[i] = clock_thread_cpu_ns() - t[i];
	}
	graph_stats(world_graph(m->w), &b);
	qsort(t, n, sizeof *t, compare);
	printf("\t%-22s %9.1f us  p99 %9.1f  marks %.0f runs %.1f patches %.1f changed %.1f\n",
	       name, (double)t[n / 2] / 1e3, (double)t[n * 99 / 100] / 1e3,
	       (double)(b.n_marks - a.n_marks) / n, (double)(b.n_runs - a.n_runs) / n,
	       (double)(b.n_patches - a.n_patches) / n, (double)changed / n);
	xfree(t);
}

static double connect_classes(struct mesh *m, uint32_t n,
			      struct toy_facts (*make)(struct mesh *, uint32_t))
{
	uint32_t b[TOY_ROOTS];
	int64_t start = clock_thread_cpu_ns();

	for (uint32_t i = 0; i < n; i++) {
		struct toy_facts f = make(m, i);

		toy_bind(m->w, &f, NULL, b);
	}
	return (double)(clock_thread_cpu_ns() - start) / 1e3 / n;
}

static struct toy_facts equal_answers(struct mesh *m, uint32_t i)
{
	struct toy_facts f = facts(m, i);

	f.label = 77 + i;
	return f;
}

static struct toy_facts new_namespace(struct mesh *m, uint32_t i)
{
	char ns[32];

	snprintf(ns, sizeof ns, "other-%u", i);
	return (struct toy_facts){ .ns = key_str(world_keys(m->w), ns) };
}

static struct toy_facts new_zone(struct mesh *m, uint32_t i)
{
	struct toy_facts f = facts(m, i);

	f.zone = 5 + i;
	return f;
}

static void report(struct mesh *m, double world_mb, double world_ms, double build_ms)
{
	struct graph_stats s;
	struct query_stats q;
	double rss = rss_mb();

	graph_stats(world_graph(m->w), &s);
	printf("\t%u services, %u routes and rules, %u namespaces, %u classes%s%s\n", m->n_services,
	       m->n_routes, m->n_ns, m->n_classes, m->scoped ? ", scoped" : "",
	       m->private ? ", private" : "");
	printf("\tworld %.1f ms, cold build %.1f ms; RSS %.1f MB, with results %.1f MB; keys %.2f "
	       "MB\n",
	       world_ms, build_ms, world_mb, rss, (double)keys_memory(world_keys(m->w)) / 1e6);
	printf("\tresults %.2f MB in %u memos; bookkeeping %.2f MB = %.1f %% of results, %.1f %% "
	       "of RSS growth, %.1f %% of both, %.0f B a memo\n",
	       (double)s.result_bytes / 1e6, s.n_memos, (double)s.bookkeeping_bytes / 1e6,
	       100.0 * (double)s.bookkeeping_bytes / (double)s.result_bytes,
	       100.0 * (double)s.bookkeeping_bytes / 1e6 / (rss - world_mb),
	       100.0 * (double)s.bookkeeping_bytes / (double)(s.bookkeeping_bytes + s.result_bytes),
	       (double)s.bookkeeping_bytes / s.n_memos);
	printf("\tpaths %u, questions %u, scopes %u, cells %u; root variants", s.n_paths,
	       s.n_questions, s.n_scopes, s.n_cells);
	for (unsigned i = 0; i < TOY_ROOTS; i++) {
		graph_query_stats(world_graph(m->w), toy_root_query(i), &q);
		printf(" %u", q.n_memos);
	}
	printf("\n");
}

static void bench(struct mesh *m)
{
	int64_t t0 = clock_thread_cpu_ns(), t1, t2;
	double world_mb;

	m->w = world_new(&toy_tables);
	populate(m);
	t1 = clock_thread_cpu_ns();
	world_mb = rss_mb();
	m->bindings = xcalloc(m->n_classes, sizeof *m->bindings);
	for (uint32_t i = 0; i < m->n_classes; i++) {
		struct toy_facts f = facts(m, i);

		toy_bind(m->w, &f, NULL, m->bindings[i]);
	}
	t2 = clock_thread_cpu_ns();
	report(m, world_mb, (double)(t1 - t0) / 1e6, (double)(t2 - t1) / 1e6);
	printf("\tnew class: equal answers %.1f us, new namespace %.1f us, new zone %.1f us\n",
	       connect_classes(m, 20, equal_answers), connect_classes(m, 20, new_namespace),
	       connect_classes(m, 5, new_zone));
	measure(m, "no-op", 1000, edit_nothing);
	measure(m, "route weight", 500, edit_route);
	measure(m, "rule", 500, edit_rule);
	measure(m, "one endpoint", 2000, edit_endpoint);
	measure(m, "ten endpoints", 500, edit_ten_endpoints);
	measure(m, "new service", 100, edit_new_service);
	measure(m, "namespace label", 2 * m->n_ns, edit_label);
	measure(m, "workload policy", 40, edit_policy);
	if (m->scoped)
		measure(m, "sidecar", 200, edit_sidecar);
	measure(m, "mesh-wide mTLS flip", 9, edit_mtls);
	CHECK(getenv("MESH") || graph_check(world_graph(m->w), NULL));
	world_free(m->w);
	xfree(m->bindings);
}

TEST(bench_edits)
{
	const char *size = getenv("MESH");
	struct mesh m = { .n_services = 1000, .n_routes = 200, .n_ns = 20, .n_classes = 20 };

	if (!getenv("WORLD_BENCH")) {
		/* A small one, so that the bench itself keeps working; its figures are of no interest. */
		m.n_services = 100;
		m.n_routes = 20;
		m.n_ns = 5;
		m.w = world_new(&toy_tables);
		populate(&m);
		edit_new_service(&m, 1);
		CHECK_INT(world_count(m.w, TOY_SERVICE), 101);
		world_free(m.w);
		return;
	}
	if (str_eq(size, "large"))
		m = (struct mesh){
			.n_services = 10000, .n_routes = 2000, .n_ns = 200, .n_classes = 200
		};
	m.scoped = getenv("SCOPED");
	m.private = getenv("PRIVATE");
	toy_fill_cluster = 1000;
	toy_fill_endpoints = 1300;
	toy_fill_route = 500;
	bench(&m);
	toy_fill_cluster = toy_fill_endpoints = toy_fill_route = 0;
}
