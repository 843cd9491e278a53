/* Tests of world/world.h: the store, the indexes, keysets and values, over the toy mesh's objects. */
#include "world/world.h"
#include "base/buf.h"
#include "base/err.h"
#include "test.h"
#include "toy.h"
#include "types.h"
#include <stdio.h>
#include <string.h>

enum {
	C_NS = KIND_COUNT, /* services by namespace: shallow */
	C_HOST,            /* by host: deep */
	C_SUFFIX,          /* under "*.suffix": lazy */
	C_BOTH,            /* routes (shallow) and rules (deep) of a host */
	C_HALF,            /* policies of a namespace: deep, but who reads it sees only half of v */
	V_VALUE,
	C_COUNT,
};
enum {
	Q_LIST_NS,
	Q_LIST_HOST,
	Q_LIST_SUFFIX,
	Q_LIST_BOTH,
	Q_LIST_HALF,
	Q_KEYS,
	Q_HOSTS,
	Q_VALUE,
	Q_OBJECT,
	Q_COUNT
};

static void by_ns(const struct object *o, struct index_out *out)
{
	index_add(out, key_str(index_keys(out), o->ns));
}

static void by_host(const struct object *o, struct index_out *out)
{
	const struct toy *t = o->body;

	/* Twice: an entry has each member once. */
	index_add(out, key_str(index_keys(out), t->host));
	index_add(out, key_str(index_keys(out), t->host));
}

static void by_suffix(const struct object *o, struct index_out *out)
{
	const struct toy *t = o->body;
	const char *dot = strchr(t->host, '.');
	char buf[100];

	snprintf(buf, sizeof buf, "*%s", dot ? dot : "");
	index_add(out, key_find(index_keys(out), buf));
}

static bool same_half(const struct object *old, const struct object *now)
{
	const struct toy *a = old->body, *b = now->body;

	return a->v / 2 == b->v / 2;
}

static const struct index indexes[] = {
	{ "ns", C_NS, TOY_SERVICE, false, false, by_ns, NULL },
	{ "both", C_BOTH, TOY_ROUTE, false, false, by_host, NULL },
	{ "host", C_HOST, TOY_SERVICE, true, false, by_host, NULL },
	{ "suffix", C_SUFFIX, TOY_SERVICE, false, true, by_suffix, NULL },
	{ "both", C_BOTH, TOY_RULE, true, false, by_host, NULL },
	{ "half", C_HALF, TOY_POLICY, true, false, by_ns, same_half },
};

/* Members with v, or what `part` leaves of it. */
static void list(struct run *r, unsigned cell, uint32_t key, uint32_t part)
{
	const struct entry *e = read_entry(r, cell, key);

	for (uint32_t i = 0; i < e->n; i++) {
		const struct toy *t = e->v[i]->body;
		const char *s = arena_printf(run_arena(r), "%s/%s=%u ", e->v[i]->ns, e->v[i]->name,
					     t->v / part);

		run_emit(r, s, strlen(s));
	}
}

static void q_list_ns(struct run *r, uint32_t key)
{
	list(r, C_NS, key, 1);
}

static void q_list_host(struct run *r, uint32_t key)
{
	list(r, C_HOST, key, 1);
}

static void q_list_suffix(struct run *r, uint32_t key)
{
	list(r, C_SUFFIX, key, 1);
}

static void q_list_both(struct run *r, uint32_t key)
{
	list(r, C_BOTH, key, 1);
}

static void q_list_half(struct run *r, uint32_t key)
{
	list(r, C_HALF, key, 2);
}

static void keys_of(struct run *r, unsigned cell)
{
	const struct keyset *s = read_keyset(r, cell);

	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t key = s->v[i];

		if (key_is_pair(run_keys(r), key))
			key = key_second(run_keys(r), key);
		run_emit(r, run_text(r, key), strlen(run_text(r, key)));
		run_emit(r, " ", 1);
	}
}

static void q_keys(struct run *r, uint32_t key)
{
	(void)key;
	keys_of(r, C_NS);
}

static void q_hosts(struct run *r, uint32_t key)
{
	(void)key;
	keys_of(r, TOY_ROUTE);
	keys_of(r, V_VALUE);
}

static void q_value(struct run *r, uint32_t key)
{
	size_t len;
	const void *v = read_value(r, V_VALUE, key, &len);

	run_emit(r, v ? "+" : "-", 1);
	run_emit(r, v, len);
}

static void q_object(struct run *r, uint32_t key)
{
	const struct object *o = read_object(r, TOY_SERVICE, run_key(r, "shop"), key);

	if (o)
		run_emit(r, o->name, strlen(o->name));
}

#define ROW(id, fn) \
	[id] = &(const struct query) \
	{ \
#id, RESULT_BYTES, 0, false, fn, false \
	}
static const struct query *const queries[Q_COUNT] = {
	ROW(Q_LIST_NS, q_list_ns),
	ROW(Q_LIST_HOST, q_list_host),
	ROW(Q_LIST_SUFFIX, q_list_suffix),
	ROW(Q_LIST_BOTH, q_list_both),
	ROW(Q_LIST_HALF, q_list_half),
	ROW(Q_KEYS, q_keys),
	ROW(Q_HOSTS, q_hosts),
	ROW(Q_VALUE, q_value),
	ROW(Q_OBJECT, q_object),
};

static uint32_t answer(const struct keys *k, const void *facts, unsigned question, uint32_t arg)
{
	(void)k;
	(void)facts;
	return question + arg;
}

static const struct world_tables tables = {
	.indexes = indexes,
	.n_indexes = ARRAY_LEN(indexes),
	.n_cell_kinds = C_COUNT,
	.queries = queries,
	.n_queries = Q_COUNT,
	.answer = answer,
};

static bool put(struct world *w, enum toy_kind kind, const char *ns, const char *name,
		int64_t created, const char *host, uint32_t v)
{
	return world_put(
		w, toy_object(kind, ns, name, created, &(struct toy){ .host = host, .v = v }));
}

static uint32_t bind(struct world *w, unsigned query, const char *key)
{
	struct scope *s = graph_scope(world_graph(w), NULL, 0);
	uint32_t b;

	b = graph_bind(world_graph(w), s, query, key_str(world_keys(w), key), NULL);
	scope_unref(world_graph(w), s);
	return b;
}

static void count(void *ctx, void *owner, uint32_t binding, const struct result *now)
{
	(void)owner;
	(void)binding;
	(void)now;
	++*(unsigned *)ctx;
}

static unsigned commit(struct world *w)
{
	struct err e = ERR_INIT;
	unsigned n = 0;

	graph_commit(world_graph(w), 0, count, &n);
	if (!CHECK(graph_check(world_graph(w), &e)))
		printf("\t%s\n", e.text);
	return n;
}

static const char *bound(struct world *w, uint32_t binding, char *buf, size_t size)
{
	const struct result *r = graph_bound(world_graph(w), binding);

	snprintf(buf, size, "%.*s", (int)r->n, (const char *)r->bytes);
	return buf;
}
#define CHECK_BOUND(b, text) CHECK_STR(bound(w, (b), (char[300]){ 0 }, 300), (text))

static uint64_t n_runs(struct world *w)
{
	struct graph_stats s;

	graph_stats(world_graph(w), &s);
	return s.n_runs;
}

TEST(world_put_get_delete)
{
	struct world *w = world_new(&tables);

	CHECK(put(w, TOY_SERVICE, "shop", "a", 0, "a.x", 1));
	CHECK(!put(w, TOY_SERVICE, "shop", "a", 0, "a.x", 1));
	CHECK(put(w, TOY_SERVICE, "shop", "a", 0, "a.x", 2));
	CHECK(put(w, TOY_ROUTE, "shop", "a", 0, "a.x", 2));
	CHECK_INT(world_count(w, TOY_SERVICE), 1);
	CHECK_INT(((const struct toy *)world_get(w, TOY_SERVICE, "shop", "a")->body)->v, 2);
	CHECK(!world_get(w, TOY_SERVICE, "shop", "b"));
	CHECK(!world_get(w, TOY_SERVICE, "a", "shop"));
	CHECK(!world_delete(w, TOY_SERVICE, "shop", "never heard of"));
	CHECK(!world_delete(w, TOY_RULE, "shop", "a"));
	CHECK(world_delete(w, TOY_SERVICE, "shop", "a"));
	CHECK(!world_delete(w, TOY_SERVICE, "shop", "a"));
	CHECK(!world_get(w, TOY_SERVICE, "shop", "a"));
	CHECK_INT(world_count(w, TOY_SERVICE), 0);
	CHECK_INT(world_count(w, TOY_ROUTE), 1);
	world_free(w);
	world_free(NULL);
}

TEST(world_holds_one_reference)
{
	struct world *w = world_new(&tables);
	const struct object *a = toy_object(TOY_SERVICE, "shop", "a", 0, &(struct toy){ .v = 1 });

	CHECK(world_put(w, object_ref(a)));
	CHECK_INT(ref_count(&a->ref), 2);
	CHECK(!world_put(w, object_ref(a)));
	CHECK_INT(ref_count(&a->ref), 2);
	put(w, TOY_SERVICE, "shop", "a", 0, NULL, 2);
	CHECK_INT(ref_count(&a->ref), 1);
	world_put(w, object_ref(a));
	world_free(w);
	CHECK_INT(ref_count(&a->ref), 1);
	object_unref(a);
}

static void name_of(void *ctx, const struct object *o)
{
	buf_printf(ctx, "%u:%s/%s ", o->kind, o->ns, o->name);
}

TEST(world_each_is_sorted)
{
	struct world *w = world_new(&tables);
	cleanup(buf_fini) struct buf out = BUF_INIT;

	put(w, TOY_RULE, "b", "z", 0, "h", 0);
	put(w, TOY_SERVICE, "b", "a", 3, NULL, 0);
	put(w, TOY_SERVICE, "a", "z", 2, NULL, 0);
	put(w, TOY_SERVICE, "a", "b", 9, NULL, 0);
	put(w, TOY_NAMESPACE, "", "b", 0, NULL, 0);
	world_each(w, name_of, &out);
	CHECK_STR(buf_str(&out), "0:a/b 0:a/z 0:b/a 3:b/z 4:/b ");
	world_free(w);
}

TEST(world_entries_are_in_order_of_age)
{
	struct world *w = world_new(&tables);
	uint32_t b;

	put(w, TOY_SERVICE, "shop", "c", 5, NULL, 1);
	put(w, TOY_SERVICE, "shop", "a", 5, NULL, 2);
	put(w, TOY_SERVICE, "shop", "z", 1, NULL, 3);
	put(w, TOY_SERVICE, "shop", "m", 7, NULL, 4);
	put(w, TOY_SERVICE, "other", "b", 5, NULL, 5);
	commit(w);
	b = bind(w, Q_LIST_NS, "shop");
	CHECK_BOUND(b, "shop/z=3 shop/a=2 shop/c=1 shop/m=4 ");
	world_delete(w, TOY_SERVICE, "shop", "a");
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(b, "shop/z=3 shop/c=1 shop/m=4 ");
	/* Age is part of membership: the order changed. */
	put(w, TOY_SERVICE, "shop", "m", 0, NULL, 4);
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(b, "shop/m=4 shop/z=3 shop/c=1 ");
	world_free(w);
}

TEST(world_shallow_and_deep)
{
	struct world *w = world_new(&tables);
	uint64_t runs;

	put(w, TOY_SERVICE, "shop", "a", 0, "a.x", 1);
	put(w, TOY_SERVICE, "bank", "a", 0, "a.x", 1);
	commit(w);
	bind(w, Q_LIST_NS, "shop");
	bind(w, Q_LIST_HOST, "a.x");
	runs = n_runs(w);
	put(w, TOY_SERVICE, "shop", "a", 0, "a.x", 2);
	CHECK_INT(commit(w), 1);
	CHECK_INT(n_runs(w), runs + 1);
	/* From one host to another: one entry lost it, the other got it. */
	bind(w, Q_LIST_HOST, "b.x");
	put(w, TOY_SERVICE, "shop", "a", 0, "b.x", 2);
	CHECK_INT(commit(w), 2);
	world_free(w);
}

TEST(world_entry_of_several_kinds)
{
	struct world *w = world_new(&tables);
	uint32_t b;

	put(w, TOY_ROUTE, "shop", "same", 4, "h", 1);
	put(w, TOY_RULE, "shop", "same", 4, "h", 2);
	put(w, TOY_RULE, "shop", "first", 1, "h", 3);
	commit(w);
	b = bind(w, Q_LIST_BOTH, "h");
	CHECK_BOUND(b, "shop/first=3 shop/same=1 shop/same=2 ");
	put(w, TOY_RULE, "shop", "same", 4, "h", 5);
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(b, "shop/first=3 shop/same=1 shop/same=5 ");
	/* Shallow for routes. */
	put(w, TOY_ROUTE, "shop", "same", 4, "h", 6);
	CHECK_INT(commit(w), 0);
	world_delete(w, TOY_RULE, "shop", "same");
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(b, "shop/first=3 shop/same=6 ");
	world_free(w);
}

TEST(world_lazy_entries)
{
	struct world *w = world_new(&tables);
	uint32_t b, c;

	put(w, TOY_SERVICE, "shop", "a", 0, "a.x", 1);
	put(w, TOY_SERVICE, "shop", "b", 0, "b.y", 2);
	commit(w);
	/* Nobody knows of it. */
	CHECK_INT(key_find(world_keys(w), "*.x"), 0);
	b = bind(w, Q_LIST_SUFFIX, "*.x");
	CHECK_BOUND(b, "shop/a=1 ");
	put(w, TOY_SERVICE, "shop", "c", 0, "c.x", 3);
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(b, "shop/a=1 shop/c=3 ");
	world_delete(w, TOY_SERVICE, "shop", "a");
	world_delete(w, TOY_SERVICE, "shop", "c");
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(b, "");
	put(w, TOY_SERVICE, "shop", "c", 0, "c.x", 4);
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(b, "shop/c=4 ");
	c = bind(w, Q_LIST_SUFFIX, "*.nothing");
	CHECK_BOUND(c, "");
	graph_unbind(world_graph(w), b);
	graph_unbind(world_graph(w), c);
	CHECK(!graph_has_cell(world_graph(w), C_SUFFIX, key_str(world_keys(w), "*.x")));
	put(w, TOY_SERVICE, "shop", "d", 0, "d.x", 5);
	commit(w);
	b = bind(w, Q_LIST_SUFFIX, "*.x");
	CHECK_BOUND(b, "shop/c=4 shop/d=5 ");
	world_free(w);
}

TEST(world_keysets)
{
	struct world *w = world_new(&tables);
	uint32_t keys, hosts;

	put(w, TOY_SERVICE, "m", "a", 0, NULL, 1);
	put(w, TOY_SERVICE, "z", "a", 0, NULL, 1);
	commit(w);
	keys = bind(w, Q_KEYS, NULL);
	hosts = bind(w, Q_HOSTS, NULL);
	CHECK_BOUND(keys, "m z ");
	CHECK_BOUND(hosts, "");
	put(w, TOY_SERVICE, "a", "a", 0, NULL, 1);
	put(w, TOY_SERVICE, "b", "a", 0, NULL, 1);
	put(w, TOY_SERVICE, "c", "a", 0, NULL, 1);
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(keys, "a b c m z ");
	/* One more of a namespace that has some: the set is the same. */
	put(w, TOY_SERVICE, "m", "b", 0, NULL, 1);
	CHECK_INT(commit(w), 0);
	world_delete(w, TOY_SERVICE, "m", "a");
	CHECK_INT(commit(w), 0);
	world_delete(w, TOY_SERVICE, "m", "b");
	world_delete(w, TOY_SERVICE, "z", "a");
	world_delete(w, TOY_SERVICE, "a", "a");
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(keys, "b c ");
	/* Of objects and of values. */
	put(w, TOY_ROUTE, "x", "two", 0, "h", 1);
	put(w, TOY_ROUTE, "x", "one", 0, "h", 1);
	world_set_value(w, V_VALUE, key_str(world_keys(w), "v"), "1", 1);
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(hosts, "one two v ");
	world_delete(w, TOY_ROUTE, "x", "one");
	world_set_value(w, V_VALUE, key_str(world_keys(w), "v"), NULL, 0);
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(hosts, "two ");
	world_free(w);
}

TEST(world_values)
{
	struct world *w = world_new(&tables);
	uint32_t k = key_str(world_keys(w), "k"), b;

	b = bind(w, Q_VALUE, "k");
	CHECK_BOUND(b, "-");
	CHECK(!world_set_value(w, V_VALUE, k, NULL, 0));
	CHECK(world_set_value(w, V_VALUE, k, "abc", 3));
	CHECK(!world_set_value(w, V_VALUE, k, "abc", 3));
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(b, "+abc");
	CHECK(world_set_value(w, V_VALUE, k, "", 0));
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(b, "+");
	CHECK(!world_set_value(w, V_VALUE, k, "", 0));
	CHECK(world_set_value(w, V_VALUE, k, NULL, 0));
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(b, "-");
	world_free(w);
}

TEST(world_equal_content_from_another_place_changes_nothing)
{
	struct world *w = world_new(&tables);
	struct object *moved;
	uint32_t b, keys;
	struct graph_stats before, after;

	put(w, TOY_SERVICE, "shop", "a", 0, "a.x", 1);
	commit(w);
	b = bind(w, Q_LIST_HOST, "a.x");
	keys = bind(w, Q_LIST_NS, "shop");
	graph_stats(world_graph(w), &before);
	moved = (struct object *)(uintptr_t)toy_object(TOY_SERVICE, "shop", "a", 0,
						       &(struct toy){ .host = "a.x", .v = 1 });
	moved->place = (struct place){ .file = "mesh.yaml", .line = 12 };
	CHECK(!world_put(w, moved));
	CHECK_INT(commit(w), 0);
	graph_stats(world_graph(w), &after);
	CHECK_INT(after.n_marks, before.n_marks);
	/* But whoever asks where it was written hears the new place, through every way to it. */
	CHECK_INT(world_get(w, TOY_SERVICE, "shop", "a")->place.line, 12);
	put(w, TOY_SERVICE, "shop", "b", 0, "a.x", 2);
	CHECK_INT(commit(w), 2);
	CHECK_BOUND(b, "shop/a=1 shop/b=2 ");
	CHECK_BOUND(keys, "shop/a=1 shop/b=2 ");
	world_free(w);
}

TEST(world_deep_entry_with_a_sense_of_its_own)
{
	struct world *w = world_new(&tables);
	uint32_t b;

	put(w, TOY_POLICY, "shop", "a", 0, NULL, 2);
	commit(w);
	b = bind(w, Q_LIST_HALF, "shop");
	CHECK_BOUND(b, "shop/a=1 ");
	put(w, TOY_POLICY, "shop", "a", 0, NULL, 3);
	CHECK_INT(commit(w), 0);
	put(w, TOY_POLICY, "shop", "a", 0, NULL, 4);
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(b, "shop/a=2 ");
	/* Membership and age always count. */
	put(w, TOY_POLICY, "shop", "b", 5, NULL, 6);
	put(w, TOY_POLICY, "shop", "a", 9, NULL, 5);
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(b, "shop/b=3 shop/a=2 ");
	world_free(w);
}

TEST(world_outside_of_queries)
{
	struct world *w = world_new(&tables);
	uint32_t shop = key_str(world_keys(w), "shop");
	size_t len = 99;

	CHECK_INT(world_entry(w, C_NS, shop)->n, 0);
	put(w, TOY_SERVICE, "shop", "b", 2, NULL, 1);
	put(w, TOY_SERVICE, "shop", "a", 2, NULL, 1);
	CHECK_INT(world_entry(w, C_NS, shop)->n, 2);
	CHECK_STR(world_entry(w, C_NS, shop)->v[0]->name, "a");
	CHECK(!world_value(w, V_VALUE, shop, &len));
	world_set_value(w, V_VALUE, shop, "abc", 3);
	CHECK(!memcmp(world_value(w, V_VALUE, shop, &len), "abc", 3));
	CHECK_INT(len, 3);
	world_free(w);
}

TEST(world_many_members)
{
	enum { N = 3000 };
	struct world *w = world_new(&tables);
	uint32_t b, n = 0;
	char name[32];

	for (uint32_t i = 0; i < N; i++) {
		snprintf(name, sizeof name, "svc-%u", i * 7 % N);
		put(w, TOY_SERVICE, "shop", name, i % 5, "one.host", i);
	}
	commit(w);
	b = bind(w, Q_LIST_NS, "shop");
	bind(w, Q_LIST_HOST, "one.host");
	CHECK(graph_bound(world_graph(w), b)->n > N * 10);
	for (uint32_t i = 0; i < N; i++) {
		snprintf(name, sizeof name, "svc-%u", i);
		n += world_delete(w, TOY_SERVICE, "shop", name);
	}
	CHECK_INT(n, N);
	CHECK_INT(commit(w), 2);
	CHECK_BOUND(b, "");
	world_free(w);
}

TEST(world_titles)
{
	struct world *w = world_new(&tables);
	struct keys *k = world_keys(w);
	char buf[100], expected[100];

	snprintf(expected, sizeof expected, "%s shop/reviews", kinds[TOY_ROUTE].name);
	CHECK_STR(world_cell_title(w, TOY_ROUTE, world_object_key(w, "shop", "reviews"), buf,
				   sizeof buf),
		  expected);
	snprintf(expected, sizeof expected, "%s shop", kinds[TOY_NAMESPACE].name);
	CHECK_STR(world_cell_title(w, TOY_NAMESPACE, world_object_key(w, "", "shop"), buf,
				   sizeof buf),
		  expected);
	CHECK_STR(world_cell_title(w, C_HOST, key_str(k, "a.x"), buf, sizeof buf),
		  "index host a.x");
	CHECK_STR(world_cell_title(w, C_COUNT + C_NS, KEY_EMPTY, buf, sizeof buf), "list of ns");
	CHECK_STR(world_cell_title(w, V_VALUE, 3, buf, sizeof buf), "value 5.3");
	CHECK_STR(world_cell_title(w, C_HOST, key_str(k, "a.x"), buf, 8), "index h");
	world_free(w);
}

TEST(world_objects_are_read_by_name)
{
	struct world *w = world_new(&tables);
	uint32_t b = bind(w, Q_OBJECT, "a");

	CHECK_BOUND(b, "");
	put(w, TOY_SERVICE, "bank", "a", 0, NULL, 1);
	CHECK_INT(commit(w), 0);
	put(w, TOY_SERVICE, "shop", "a", 0, NULL, 1);
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(b, "a");
	world_delete(w, TOY_SERVICE, "shop", "a");
	CHECK_INT(commit(w), 1);
	CHECK_BOUND(b, "");
	world_free(w);
}
