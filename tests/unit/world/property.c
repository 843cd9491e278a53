/* The property test of the engine, over the toy mesh: whatever happened, the results are those of a rebuild. And, in the
 * build with deliberate mistakes, that this test would notice each of them. */
#include "test.h"
#include "tests/property/harness.h"
#include "toy.h"
#include <stdio.h>
#include <string.h>

enum { N_NS = 6, N_SERVICES = 8, N_CLASSES = 20 };

struct value {
	uint32_t which, v;
};
static void set_value(struct world *w, const void *payload)
{
	const struct value *v = payload;

	toy_set_value(w, v->which, v->v);
}

struct named_proxy {
	char name[16];
	struct toy_proxy proxy;
};
static void set_proxy(struct world *w, const void *payload)
{
	const struct named_proxy *p = payload;

	toy_set_proxy(w, p->name, &p->proxy);
}

struct names {
	char ns[16], name[32], host[64], only_ns[16], egress_ns[TOY_EGRESS][16],
		egress_host[TOY_EGRESS][64];
};

static void service_host(struct rng *r, char *buf, size_t size)
{
	if (rng_below(r, 6))
		snprintf(buf, size, "svc-%u.team-%u.local", rng_below(r, N_SERVICES),
			 rng_below(r, N_NS));
	else
		snprintf(buf, size, "h%u.%sa.com", rng_below(r, 3), rng_below(r, 2) ? "b." : "");
}

static void wildcard_host(struct rng *r, char *buf, size_t size)
{
	static const char *const others[] = { "*.local", "*.a.com", "*.b.a.com", "*.com" };

	if (rng_below(r, 2))
		snprintf(buf, size, "*.team-%u.local", rng_below(r, N_NS));
	else
		snprintf(buf, size, "%s", others[rng_below(r, ARRAY_LEN(others))]);
}

static void make_service(struct rng *r, struct names *n, struct toy *t)
{
	unsigned i = rng_below(r, N_SERVICES + 2);

	/* Namespaces with one service or none: these come into being and go. */
	if (!rng_below(r, 6)) {
		snprintf(n->ns, sizeof n->ns, "lone-%u", rng_below(r, 3));
		i = 0;
	}

	snprintf(n->name, sizeof n->name, "svc-%u", i);
	if (i >= N_SERVICES) {
		service_host(r, n->host, sizeof n->host);
		t->host = n->host;
	}
	t->private = !rng_below(r, 6);
	t->v = rng_below(r, 3);
}

static void make_slice(struct rng *r, struct names *n, struct toy *t)
{
	snprintf(n->name, sizeof n->name, "slice-%u", rng_below(r, 12));
	service_host(r, n->host, sizeof n->host);
	t->host = n->host;
	t->n = rng_below(r, TOY_ENDPOINTS + 1);
	for (uint32_t i = 0; i < t->n; i++) {
		t->ep[i].ip = rng_below(r, 50);
		t->ep[i].zone = (uint8_t)rng_below(r, 3);
		t->ep[i].healthy = rng_below(r, 4) > 0;
	}
}

static void make_route(struct rng *r, struct names *n, struct toy *t)
{
	snprintf(n->name, sizeof n->name, "route-%u", rng_below(r, 6));
	service_host(r, n->host, sizeof n->host);
	t->host = n->host;
	if (!rng_below(r, 3)) {
		snprintf(n->only_ns, sizeof n->only_ns, "team-%u", rng_below(r, N_NS));
		t->only_ns = n->only_ns;
	}
	t->v = rng_below(r, 4);
}

static void make_rule(struct rng *r, struct names *n, struct toy *t)
{
	snprintf(n->name, sizeof n->name, "rule-%u", rng_below(r, 6));
	if (rng_below(r, 3))
		service_host(r, n->host, sizeof n->host);
	else
		wildcard_host(r, n->host, sizeof n->host);
	t->host = n->host;
	t->private = !rng_below(r, 3);
	t->locality = rng_below(r, 2);
	t->v = rng_below(r, 3);
}

static void make_namespace(struct rng *r, struct names *n, struct toy *t)
{
	snprintf(n->name, sizeof n->name, "%s", n->ns);
	n->ns[0] = 0;
	t->v = rng_below(r, 16);
}

static void make_sidecar(struct rng *r, struct names *n, struct toy *t)
{
	snprintf(n->name, sizeof n->name, "sidecar-%u", rng_below(r, 3));
	t->selector = rng_below(r, 4);
	t->v = rng_below(r, 4);
	t->n = 1 + rng_below(r, 4);
	for (uint32_t i = 0; i < t->n; i++) {
		if (rng_below(r, 2)) {
			/* Some of them empty. */
			snprintf(n->egress_ns[i], sizeof n->egress_ns[i], "%s-%u",
				 rng_below(r, 3) ? "team" : "lone", rng_below(r, N_NS));
			t->egress[i].ns = n->egress_ns[i];
		}
		if (!rng_below(r, 3))
			continue;
		if (rng_below(r, 2))
			service_host(r, n->egress_host[i], sizeof n->egress_host[i]);
		else
			wildcard_host(r, n->egress_host[i], sizeof n->egress_host[i]);
		t->egress[i].host = n->egress_host[i];
	}
}

static void make_policy(struct rng *r, struct names *n, struct toy *t)
{
	snprintf(n->name, sizeof n->name, "policy-%u", rng_below(r, 4));
	t->selector = rng_below(r, 4);
	t->v = rng_below(r, 3);
}

/* How often each kind is edited, and how many of these edits delete, in tenths. */
static const struct {
	enum toy_kind kind;
	unsigned weight, gone;
	void (*make)(struct rng *, struct names *, struct toy *);
} kinds[] = {
	{ TOY_SERVICE, 3, 2, make_service },     { TOY_SLICE, 3, 1, make_slice },
	{ TOY_ROUTE, 2, 2, make_route },         { TOY_RULE, 2, 3, make_rule },
	{ TOY_NAMESPACE, 1, 3, make_namespace }, { TOY_SIDECAR, 2, 5, make_sidecar },
	{ TOY_POLICY, 1, 3, make_policy },
};

static void edit_value(struct harness *h, struct rng *r)
{
	struct value v = { rng_below(r, TOY_VALUES), rng_below(r, 3) };
	struct named_proxy p = { 0 };
	char id[16];

	if (rng_below(r, 2)) {
		snprintf(id, sizeof id, "value-%u", v.which);
		harness_do(h, id, set_value, &v, sizeof v);
		return;
	}
	snprintf(p.name, sizeof p.name, "proxy-%u", rng_below(r, N_CLASSES));
	snprintf(p.proxy.ns, sizeof p.proxy.ns, "team-%u", rng_below(r, N_NS));
	p.proxy.zone = rng_below(r, 3);
	p.proxy.label = rng_below(r, 4);
	p.proxy.capability = rng_below(r, 4);
	harness_do(h, p.name, set_proxy, &p, sizeof p);
}

static void edit(struct harness *h, struct rng *r)
{
	unsigned total = 0, pick, i = 0;
	struct names n = { 0 };
	struct toy t = { 0 };

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		total += kinds[k].weight;
	pick = rng_below(r, total + 1);
	if (pick == total) {
		edit_value(h, r);
		return;
	}
	while (pick >= kinds[i].weight)
		pick -= kinds[i++].weight;
	snprintf(n.ns, sizeof n.ns, "team-%u", rng_below(r, N_NS));
	kinds[i].make(r, &n, &t);
	if (rng_below(r, 10) < kinds[i].gone)
		harness_delete(h, kinds[i].kind, n.ns, n.name);
	else
		harness_put(h, toy_object(kinds[i].kind, n.ns, n.name, rng_below(r, 3), &t));
}

/* Bindings: the roots with facts, the roots without, the query of the facts; then the facts that were used. */
enum { WITHOUT = TOY_ROOTS, FACTS = 2 * TOY_ROOTS, N_BINDINGS, USED = N_BINDINGS };
_Static_assert(USED + sizeof(struct toy_facts) / sizeof(uint32_t) <= PROPERTY_BINDINGS, "room");

static void use_facts(struct world *w, uint32_t *bindings)
{
	const struct result *facts = graph_bound(world_graph(w), bindings[FACTS]);
	struct toy_facts f;

	memcpy(&f, facts->bytes, sizeof f);
	memcpy(bindings + USED, &f, sizeof f);
	toy_bind(w, &f, NULL, bindings);
}

static void bind(struct world *w, unsigned cls, uint32_t *ret)
{
	char name[16];

	snprintf(name, sizeof name, "proxy-%u", cls);
	ret[FACTS] = toy_bind_facts(w, name);
	use_facts(w, ret);
	toy_bind(w, NULL, NULL, ret + WITHOUT);
}

static void settle(struct world *w, unsigned cls, uint32_t *bindings)
{
	const struct result *facts = graph_bound(world_graph(w), bindings[FACTS]);
	uint32_t old[TOY_ROOTS];

	(void)cls;
	if (!memcmp(facts->bytes, bindings + USED, sizeof(struct toy_facts)))
		return;
	memcpy(old, bindings, sizeof old);
	use_facts(w, bindings);
	for (unsigned i = 0; i < TOY_ROOTS; i++)
		graph_unbind(world_graph(w), old[i]);
}

static const struct property property = {
	.tables = &toy_tables,
	.n_classes = N_CLASSES,
	.n_bindings = N_BINDINGS,
	.n_roots = FACTS,
	.edit = edit,
	.n_start = 200,
	.bind = bind,
	.settle = settle,
};

TEST(property_incremental_equals_full)
{
	struct err e = ERR_INIT;
	struct property_figures f;

	if (!CHECK(property_run(&property, property_rounds(500), property_seed(1), &f, &e)))
		printf("\t%s\n", e.text);
	/* That it did something. */
	CHECK(f.n_compared > f.n_rounds * 20 && f.n_changed > f.n_rounds / 2 && f.max_memos > 300);
	CHECK(f.n_partial > f.n_rounds / 8);
	if (property_rounds(0))
		printf("\t%u rounds, %llu edits, %llu results compared, %llu changed, %llu partial "
		       "commits, at most %u results\n",
		       f.n_rounds, (unsigned long long)f.n_edits, (unsigned long long)f.n_compared,
		       (unsigned long long)f.n_changed, (unsigned long long)f.n_partial,
		       f.max_memos);
}

#ifdef MAINSHEET_MUTATE
static bool noticed(enum mutation m, unsigned query, unsigned what, const char *name)
{
	uint32_t n = property_rounds(2000), rounds = 0;

	for (uint64_t seed = 1; !rounds && seed <= 3; seed++)
		rounds = property_mutated(&property, n, property_seed(seed), m, query, what);
	if (rounds && property_rounds(0))
		printf("\t%s: noticed after %u rounds\n", name, rounds);
	if (!rounds)
		printf("\t%s: NOT noticed\n", name);
	return rounds;
}

TEST(property_notices_mistakes)
{
	static const struct {
		enum mutation m;
		const char *name;
	} mistakes[] = {
		{ MUTATE_ABSENCE, "reads of what is absent not recorded" },
		{ MUTATE_MERGE, "paths of callees not merged" },
		{ MUTATE_CUTOFF, "cutoff although the path changed" },
		{ MUTATE_RANGE, "ranges not touched" },
		{ MUTATE_MARKS, "marks lost" },
		{ MUTATE_PATCH, "lists patched although a cell changed" },
		{ MUTATE_DIRECT, "callees run in place" },
#ifdef MAINSHEET_REHASH
		{ MUTATE_RESTART, "lookup not restarted" },
#endif
	};

	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++)
		CHECK(noticed(mistakes[i].m, ~0u, ~0u, mistakes[i].name));
}

struct pairs {
	struct pair {
		bool ask;
		unsigned query, what;
	} v[512];
	unsigned n;
};
static void on_pair(void *ctx, bool ask, unsigned query, unsigned what)
{
	struct pairs *p = ctx;

	if (p->n < ARRAY_LEN(p->v))
		p->v[p->n++] = (struct pair){ ask, query, what };
}

/* Each read of a cell kind and each question of each query counts. */
TEST(property_notices_each_read_and_question)
{
	struct property_figures f;
	struct pairs pairs = { 0 };
	unsigned unnoticed = 0;

	graph_mutate_forget();
	CHECK(property_run(&property, 200, 7, &f, NULL));
	graph_mutate_seen(on_pair, &pairs);
	CHECK(pairs.n > 20 && pairs.n < ARRAY_LEN(pairs.v));
	for (unsigned i = 0; i < pairs.n; i++) {
		const struct pair *p = &pairs.v[i];
		const char *what = p->ask ? "question" : "read of kind";
		unsigned number = p->what & (MUTATE_DERIVED - 1);
		char name[100];

		snprintf(name, sizeof name, "%s: %s%s %u", toy_tables.queries[p->query]->name,
			 p->what & MUTATE_DERIVED ? "derived " : "", what, number);
		unnoticed += !noticed(p->ask ? MUTATE_ASK : MUTATE_READ, p->query, p->what, name);
	}
	CHECK_INT(unnoticed, 0);
}
#endif
