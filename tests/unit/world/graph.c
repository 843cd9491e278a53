/* Tests of world/graph.h on its own, with a handful of queries over cells of numbers. */
#include "world/graph.h"
#include "base/clock.h"
#include "base/err.h"
#include "test.h"
#include "world/graph_impl.h"
#include <stdio.h>

enum { K_NUM, K_LIST, K_MODE, K_LAZY };
enum { A_LABEL, A_COLOUR };
enum {
	Q_NUM,     /* [key] the number, or "-" */
	Q_PARITY,  /* [key] number modulo 2 */
	Q_LABELS,  /* [key] derived: "own" when the proxy's label is the number, else "other" */
	Q_GROUP,   /* [key] derived: by Q_LABELS of the key, not by its questions */
	Q_USE,     /* [key] Q_PARITY and a word */
	Q_PICK,    /* [key] depending on K_MODE asks nothing, the label, or label and colour */
	Q_OVER,    /* [key] calls Q_PICK, emits only whether it is empty */
	Q_PROBLEM, /* [key] complains of 0 */
	Q_NUMS,    /* [list] LIST of Q_NUM */
	Q_CAT,     /* [list] CONCAT: "n=<length>:" and Q_NUM of each */
	Q_PEEK,    /* [list] LIST of Q_NUM, last first; looks at the first before */
	Q_BY_GROUP, /* [key] asks Q_GROUP */
	Q_LAZY,    /* [key] K_LAZY */
	Q_PICKS,   /* [list] LIST of Q_PICK */
	Q_TEST_COUNT,
};
struct numbers {
	uint32_t n, v[8];
};
struct facts {
	uint32_t label, colour;
};

static void put(struct run *r, const char *s)
{
	run_emit(r, s, __builtin_strlen(s));
}

static void q_num(struct run *r, uint32_t key)
{
	const uint32_t *n = read_cell(r, K_NUM, key);

	put(r, n ? arena_printf(run_arena(r), "%u;", *n) : "-;");
}

static void q_parity(struct run *r, uint32_t key)
{
	const uint32_t *n = read_cell(r, K_NUM, key);

	put(r, n && *n % 2 ? "odd" : "even");
}

static void q_use(struct run *r, uint32_t key)
{
	const struct result *parity = call_query(r, Q_PARITY, key);

	put(r, "is ");
	run_emit(r, parity->bytes, parity->n);
}

static void q_labels(struct run *r, uint32_t key)
{
	const uint32_t *n = read_cell(r, K_NUM, key);

	put(r, n && ask_is(r, A_LABEL, *n) ? "own" : "other");
}

static void q_group(struct run *r, uint32_t key)
{
	const struct result *labels = ask_query(r, Q_LABELS, key);

	run_emit(r, labels->bytes, labels->n);
}

static void q_by_group(struct run *r, uint32_t key)
{
	const struct result *group = ask_query(r, Q_GROUP, key);

	put(r, "group ");
	run_emit(r, group->bytes, group->n);
}

static void q_pick(struct run *r, uint32_t key)
{
	const uint32_t *mode = read_cell(r, K_MODE, key);

	if (!mode || !*mode)
		put(r, "any");
	else if (ask_is(r, A_LABEL, 1))
		put(r, *mode == 2 && ask_is(r, A_COLOUR, 1) ? "red" : "one");
	else
		put(r, *mode == 3 ? "one" : "none");
}

static void q_over(struct run *r, uint32_t key)
{
	put(r, call_query(r, Q_PICK, key)->n ? "full" : "empty");
}

static void q_problem(struct run *r, uint32_t key)
{
	const uint32_t *n = read_cell(r, K_NUM, key);

	if (n && !*n)
		diag_warn(run_diag(r), (struct place){ .file = "a.yaml", .line = 3 }, "spec.n",
			  "must not be 0");
}

static void q_nums(struct run *r, uint32_t key)
{
	const struct numbers *l = read_cell(r, K_LIST, key);

	for (uint32_t i = 0; l && i < l->n; i++)
		list_add(r, Q_NUM, l->v[i]);
}

static void q_picks(struct run *r, uint32_t key)
{
	const struct numbers *l = read_cell(r, K_LIST, key);

	for (uint32_t i = 0; l && i < l->n; i++)
		list_add(r, Q_PICK, l->v[i]);
}

static void q_cat(struct run *r, uint32_t key)
{
	const struct numbers *l = read_cell(r, K_LIST, key);

	put(r, arena_printf(run_arena(r), "n=%u:", l ? l->n : 0));
	q_nums(r, key);
}

static void q_peek(struct run *r, uint32_t key)
{
	const struct numbers *l = read_cell(r, K_LIST, key);

	if (!l || call_query(r, Q_NUM, l->v[0])->bytes[0] == '-')
		return;
	for (uint32_t i = l->n; i-- > 0;)
		list_add(r, Q_NUM, l->v[i]);
}

static void q_lazy(struct run *r, uint32_t key)
{
	const uint32_t *n = read_cell(r, K_LAZY, key);

	put(r, n ? arena_printf(run_arena(r), "%u", *n) : "none");
}

#define ROW(id, shape, level, fn) [id] = &(const struct query){ #id, shape, level, false, fn }
static const struct query *const table[Q_TEST_COUNT] = {
	ROW(Q_NUM, RESULT_BYTES, 0, q_num),	  ROW(Q_PARITY, RESULT_BYTES, 0, q_parity),
	ROW(Q_LABELS, RESULT_BYTES, 0, q_labels), ROW(Q_GROUP, RESULT_BYTES, 1, q_group),
	ROW(Q_USE, RESULT_BYTES, 1, q_use),	  ROW(Q_PICK, RESULT_BYTES, 1, q_pick),
	ROW(Q_OVER, RESULT_BYTES, 2, q_over),	  ROW(Q_PROBLEM, RESULT_BYTES, 1, q_problem),
	ROW(Q_NUMS, RESULT_LIST, 1, q_nums),	  ROW(Q_CAT, RESULT_CONCAT, 1, q_cat),
	ROW(Q_PEEK, RESULT_LIST, 1, q_peek),	  ROW(Q_BY_GROUP, RESULT_BYTES, 2, q_by_group),
	ROW(Q_LAZY, RESULT_BYTES, 0, q_lazy),	  ROW(Q_PICKS, RESULT_LIST, 2, q_picks),
};

static uint32_t answer(const struct keys *keys, const void *facts, unsigned question, uint32_t arg)
{
	const struct facts *f = facts;

	(void)keys;
	return question == A_LABEL ? f->label == arg : f->colour == arg;
}

/* ---- a graph with what a test needs around it ---- */
struct fixture {
	struct keys *keys;
	struct graph *g;
	uint32_t num[64];
	struct numbers list;
	unsigned n_changed;
	void *last_owner;
	struct buf text;
};

static struct fixture fixture_new(void)
{
	struct fixture f = { .keys = keys_new(), .text = BUF_INIT };

	f.g = graph_new(f.keys, table, Q_TEST_COUNT, answer);
	return f;
}

static void fixture_fini(struct fixture *f)
{
	graph_free(f->g);
	keys_free(f->keys);
	buf_fini(&f->text);
}

static void set(struct fixture *f, unsigned kind, uint32_t key, uint32_t n)
{
	f->num[kind * 16 + key] = n;
	graph_set(f->g, kind, key, &f->num[kind * 16 + key]);
}

static void on_changed(void *ctx, void *owner, uint32_t binding, const struct result *now)
{
	struct fixture *f = ctx;

	CHECK(now == graph_bound(f->g, binding));
	f->n_changed++;
	f->last_owner = owner;
}

/* Commits; the number of bindings that changed. */
static unsigned commit(struct fixture *f)
{
	struct err e = ERR_INIT;

	f->n_changed = 0;
	CHECK(graph_commit(f->g, 0, on_changed, f));
	if (!CHECK(graph_check(f->g, &e)))
		printf("\t%s\n", e.text);
	return f->n_changed;
}

static uint32_t bind(struct fixture *f, uint32_t label, uint32_t colour, unsigned query, uint32_t key)
{
	struct scope *s = graph_scope(f->g, &(struct facts){ label, colour }, sizeof(struct facts));
	uint32_t b = graph_bind(f->g, s, query, key, f);

	scope_unref(f->g, s);
	return b;
}

static void append(void *ctx, const void *bytes, size_t n)
{
	buf_append(ctx, bytes, n);
}

static const char *bound(struct fixture *f, uint32_t binding)
{
	buf_reset(&f->text);
	result_each(graph_bound(f->g, binding), append, &f->text);
	return buf_str(&f->text);
}

static struct graph_stats stats(struct fixture *f)
{
	struct graph_stats s;

	graph_stats(f->g, &s);
	return s;
}

TEST(graph_reads_and_changes)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b;

	set(&f, K_NUM, 1, 7);
	commit(&f);
	b = bind(&f, 1, 1, Q_NUM, 1);
	CHECK_STR(bound(&f, b), "7;");
	set(&f, K_NUM, 1, 8);
	CHECK_STR(bound(&f, b), "7;");
	CHECK_INT(commit(&f), 1);
	CHECK(f.last_owner == &f);
	CHECK_STR(bound(&f, b), "8;");
	graph_set(f.g, K_NUM, 1, NULL);
	CHECK_INT(commit(&f), 1);
	CHECK_STR(bound(&f, b), "-;");
	/* Now it is absent, and nothing but a bucket says so. */
	CHECK(!graph_has_cell(f.g, K_NUM, 1));
	set(&f, K_NUM, 1, 9);
	CHECK_INT(commit(&f), 1);
	CHECK_STR(bound(&f, b), "9;");
	f.num[1] = 10;
	graph_touch(f.g, K_NUM, 1);
	CHECK_INT(commit(&f), 1);
	CHECK_STR(bound(&f, b), "10;");
}

TEST(graph_change_back_reports_nothing)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b, runs;

	set(&f, K_NUM, 1, 7);
	set(&f, K_NUM, 2, 7);
	commit(&f);
	b = bind(&f, 1, 1, Q_NUM, 1);
	runs = (uint32_t)stats(&f).n_runs;
	/* Nobody reads it. */
	set(&f, K_NUM, 2, 8);
	CHECK_INT(commit(&f), 0);
	CHECK_INT(stats(&f).n_marks, 0);
	set(&f, K_NUM, 1, 8);
	set(&f, K_NUM, 1, 7);
	CHECK_INT(commit(&f), 0);
	CHECK_INT(stats(&f).n_runs, runs + 1);
	CHECK_STR(bound(&f, b), "7;");
}

TEST(graph_cutoff)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	struct query_stats use;
	uint32_t b;

	set(&f, K_NUM, 1, 7);
	commit(&f);
	b = bind(&f, 1, 1, Q_USE, 1);
	CHECK_STR(bound(&f, b), "is odd");
	set(&f, K_NUM, 1, 9);
	CHECK_INT(commit(&f), 0);
	graph_query_stats(f.g, Q_USE, &use);
	CHECK_INT(use.n_runs, 1);
	CHECK_INT(stats(&f).n_cutoffs, 1);
	CHECK_INT(stats(&f).n_marks, 2);
	set(&f, K_NUM, 1, 2);
	CHECK_INT(commit(&f), 1);
	CHECK_STR(bound(&f, b), "is even");
	graph_query_stats(f.g, Q_USE, &use);
	CHECK_INT(use.n_runs, 2);
	CHECK_INT(use.n_memos, 1);
	CHECK_INT(use.n_keys, 1);
}

TEST(graph_list_is_patched)
{
	static const unsigned queries[] = { Q_NUMS, Q_CAT };
	static const char *const before[] = { "1;2;3;", "n=3:1;2;3;" },
				*const after[] = { "1;5;3;", "n=3:1;5;3;" },
				*const less[] = { "1;5;", "n=2:1;5;" },
				*const twice[] = { "1;5;", "n=3:1;5;" };

	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		cleanup(fixture_fini) struct fixture f = fixture_new();
		const struct result *old;
		struct query_stats q;
		uint32_t b;

		for (uint32_t n = 1; n <= 3; n++)
			set(&f, K_NUM, n, n);
		f.list = (struct numbers){ 4, { 1, 2, 3, 2 } };
		f.list.n = 3;
		graph_set(f.g, K_LIST, 1, &f.list);
		commit(&f);
		b = bind(&f, 1, 1, queries[i], 1);
		CHECK_STR(bound(&f, b), before[i]);
		old = result_ref(graph_bound(f.g, b));
		set(&f, K_NUM, 2, 5);
		CHECK_INT(commit(&f), 1);
		CHECK_STR(bound(&f, b), after[i]);
		graph_query_stats(f.g, queries[i], &q);
		CHECK_INT(q.n_runs, 1);
		CHECK_INT(stats(&f).n_patches, 1);
		/* What did not change is the same memory. */
		CHECK(graph_bound(f.g, b)->child[0] == old->child[0]);
		result_unref(old);
		f.list.n = 2;
		graph_touch(f.g, K_LIST, 1);
		CHECK_INT(commit(&f), 1);
		CHECK_STR(bound(&f, b), less[i]);
		/* A member added twice counts once; only the head of the CONCAT knows better. */
		f.list = (struct numbers){ 3, { 1, 2, 1 } };
		graph_touch(f.g, K_LIST, 1);
		CHECK_INT(commit(&f), queries[i] == Q_CAT);
		CHECK_STR(bound(&f, b), twice[i]);
	}
}

TEST(graph_member_that_was_looked_at_is_not_patched)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b;

	set(&f, K_NUM, 1, 1);
	set(&f, K_NUM, 2, 2);
	f.list = (struct numbers){ 2, { 1, 2 } };
	graph_set(f.g, K_LIST, 1, &f.list);
	commit(&f);
	b = bind(&f, 1, 1, Q_PEEK, 1);
	CHECK_STR(bound(&f, b), "2;1;");
	set(&f, K_NUM, 2, 3);
	CHECK_INT(commit(&f), 1);
	CHECK_INT(stats(&f).n_patches, 1);
	CHECK_STR(bound(&f, b), "3;1;");
	graph_set(f.g, K_NUM, 1, NULL);
	CHECK_INT(commit(&f), 1);
	CHECK_INT(stats(&f).n_patches, 1);
	CHECK_STR(bound(&f, b), "");
	set(&f, K_NUM, 1, 4);
	CHECK_INT(commit(&f), 1);
	CHECK_STR(bound(&f, b), "3;4;");
	graph_unbind(f.g, b);
	CHECK_INT(stats(&f).n_memos, 0);
}

TEST(graph_paths_share_and_split)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t one_red, one_blue, two;
	struct query_stats q;

	set(&f, K_MODE, 1, 0);
	commit(&f);
	one_red = bind(&f, 1, 1, Q_OVER, 1);
	one_blue = bind(&f, 1, 2, Q_OVER, 1);
	two = bind(&f, 2, 1, Q_OVER, 1);
	graph_query_stats(f.g, Q_PICK, &q);
	CHECK_INT(q.n_memos, 1);
	CHECK_INT(q.n_runs, 1);
	CHECK(graph_bound(f.g, one_red) == graph_bound(f.g, two));

	/* Now the label is asked: two results; what is above splits too though its bytes are equal, and shares them. */
	set(&f, K_MODE, 1, 1);
	CHECK_INT(commit(&f), 0);
	graph_query_stats(f.g, Q_PICK, &q);
	CHECK_INT(q.n_memos, 2);
	CHECK_INT(q.n_runs, 3);
	graph_query_stats(f.g, Q_OVER, &q);
	CHECK_INT(q.n_memos, 2);
	CHECK(graph_bound(f.g, one_red) == graph_bound(f.g, two));
	CHECK_INT(stats(&f).n_paths, 2);

	set(&f, K_MODE, 1, 2);
	commit(&f);
	graph_query_stats(f.g, Q_PICK, &q);
	CHECK_INT(q.n_memos, 3);
	CHECK_INT(stats(&f).n_questions, 2);
	graph_unbind(f.g, one_blue);
	graph_query_stats(f.g, Q_PICK, &q);
	CHECK_INT(q.n_memos, 2);

	set(&f, K_MODE, 1, 0);
	commit(&f);
	graph_query_stats(f.g, Q_PICK, &q);
	CHECK_INT(q.n_memos, 1);
	CHECK_INT(stats(&f).n_paths, 0);
	CHECK_INT(stats(&f).n_questions, 0);
	graph_unbind(f.g, one_red);
	graph_unbind(f.g, two);
}

TEST(graph_derived_question_answers_by_value)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	struct query_stats q;
	uint32_t a, b, c;

	set(&f, K_NUM, 1, 5);
	commit(&f);
	a = bind(&f, 1, 1, Q_BY_GROUP, 1);
	b = bind(&f, 2, 1, Q_BY_GROUP, 1);
	c = bind(&f, 5, 1, Q_BY_GROUP, 1);
	CHECK_STR(bound(&f, a), "group other");
	CHECK_STR(bound(&f, c), "group own");
	CHECK(graph_bound(f.g, a) == graph_bound(f.g, b));
	graph_query_stats(f.g, Q_BY_GROUP, &q);
	CHECK_INT(q.n_memos, 2);

	/* The scope moves from one value to the other: no run of the asker, both variants are there. */
	set(&f, K_NUM, 1, 2);
	CHECK_INT(commit(&f), 2);
	CHECK_STR(bound(&f, a), "group other");
	CHECK_STR(bound(&f, b), "group own");
	CHECK_STR(bound(&f, c), "group other");
	graph_query_stats(f.g, Q_BY_GROUP, &q);
	CHECK_INT(q.n_runs, 2);

	/* One question of the derived query is asked through another derived query: that one has to be watched too. */
	set(&f, K_NUM, 1, 1);
	CHECK_INT(commit(&f), 2);
	CHECK_STR(bound(&f, a), "group own");
	graph_unbind(f.g, a);
	graph_unbind(f.g, b);
	graph_unbind(f.g, c);
	CHECK_INT(stats(&f).n_memos, 0);
	CHECK_INT(f.g->n_values, 0);
}

TEST(graph_unbind_leaves_nothing)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b[Q_TEST_COUNT * 3], n = 0;
	struct graph_stats s;

	for (uint32_t i = 1; i < 8; i++) {
		set(&f, K_NUM, i, i);
		set(&f, K_MODE, i, i % 4);
	}
	f.list = (struct numbers){ 8, { 1, 2, 3, 4, 5, 6, 7, 9 } };
	graph_set(f.g, K_LIST, 1, &f.list);
	commit(&f);
	s = stats(&f);
	CHECK_INT(s.n_cells, 15);
	for (unsigned q = 0; q < Q_TEST_COUNT; q++) {
		for (uint32_t label = 1; label <= 3; label++)
			b[n++] = bind(&f, label, label % 2, q, 1);
	}
	CHECK(stats(&f).n_memos > Q_TEST_COUNT);
	CHECK_INT(stats(&f).n_scopes, 3);
	commit(&f);
	for (uint32_t i = 0; i < n; i++)
		graph_unbind(f.g, b[(i * 5) % n]);
	s = stats(&f);
	CHECK_INT(s.n_memos, 0);
	CHECK_INT(s.result_bytes, 0);
	CHECK_INT(s.n_paths, 0);
	CHECK_INT(s.n_questions, 0);
	CHECK_INT(s.n_scopes, 0);
	CHECK_INT(s.n_bindings, 0);
	CHECK_INT(s.n_cells, 15);
	CHECK_INT(f.g->n_values, 0);
	commit(&f);
}

TEST(graph_scopes_are_interned)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	struct facts facts = { 1, 2 };
	struct scope *a = graph_scope(f.g, &facts, sizeof facts), *b, *none;
	size_t len;

	facts = (struct facts){ 1, 2 };
	b = graph_scope(f.g, &facts, sizeof facts);
	CHECK(a == b);
	CHECK_INT(((const struct facts *)scope_facts(a, &len))->colour, 2);
	CHECK_INT(len, sizeof facts);
	none = graph_scope(f.g, NULL, 0);
	CHECK(none != a && none == graph_scope(f.g, "", 0));
	CHECK_INT(stats(&f).n_scopes, 2);
	scope_unref(f.g, none);
	scope_unref(f.g, none);
	scope_unref(f.g, a);
	scope_unref(f.g, b);
	CHECK_INT(stats(&f).n_scopes, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		facts.label = i;
		scope_unref(f.g, graph_scope(f.g, &facts, sizeof facts));
		a = graph_scope(f.g, &facts, sizeof facts);
	}
	CHECK_INT(stats(&f).n_scopes, 1000);
	/* An empty scope answers 0 to everything. */
	set(&f, K_MODE, 1, 1);
	commit(&f);
	none = graph_scope(f.g, NULL, 0);
	CHECK_STR(bound(&f, graph_bind(f.g, none, Q_PICK, 1, NULL)), "none");
	scope_unref(f.g, none);
}

TEST(graph_deadline)
{
	enum { N = 12 };
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b[N], wrong = 0;
	unsigned steps = 0;
	char text[16];

	for (uint32_t i = 0; i < N; i++)
		set(&f, K_NUM, i, i);
	commit(&f);
	graph_set_urgent(f.g, Q_NUM);
	for (uint32_t i = 0; i < N; i++)
		b[i] = bind(&f, 1, 1, i == N - 1 ? Q_NUM : Q_USE, i);
	for (uint32_t i = 0; i < N; i++)
		set(&f, K_NUM, i, i + 1);
	CHECK(!graph_commit(f.g, 1, on_changed, &f));
	/* The urgent root is first although it was bound last. */
	CHECK_INT(f.n_changed, 1);
	CHECK_STR(bound(&f, b[N - 1]), "12;");
	CHECK(!graph_check(f.g, NULL));
	/* More edits meanwhile, also to what is still stale. */
	set(&f, K_NUM, 3, 1);
	set(&f, K_NUM, N - 1, 77);
	while (!graph_commit(f.g, 1, on_changed, &f) && steps < 100)
		steps++;
	CHECK(steps > N / 2 && steps < 2 * N);
	CHECK(graph_check(f.g, NULL));
	for (uint32_t i = 0; i < N - 1; i++) {
		snprintf(text, sizeof text, "is %s", (i == 3 ? 1 : i + 1) % 2 ? "odd" : "even");
		wrong += !str_eq(bound(&f, b[i]), text);
	}
	CHECK_INT(wrong, 0);
	CHECK_STR(bound(&f, b[N - 1]), "77;");
	/* Far away: all at once. */
	set(&f, K_NUM, 3, 2);
	CHECK(graph_commit(f.g, clock_mono_ns() + NS_PER_S * 60, on_changed, &f));
}

/* Two scopes that were one, seen at different revisions because a commit stopped between them. */
TEST(graph_deadline_between_two_worlds)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t n[4];

	set(&f, K_MODE, 1, 2);
	commit(&f);
	for (uint32_t i = 0; i < 4; i++)
		n[i] = bind(&f, 1 + i / 2, 1 + i % 2, Q_OVER, 1);
	for (uint32_t round = 0; round < 200; round++) {
		set(&f, K_MODE, 1, round * 7 % 5 % 4);
		/* Stops after one binding; then the next edit comes. */
		graph_commit(f.g, 1, NULL, NULL);
		if (round % 9 == 8) {
			graph_unbind(f.g, n[round % 4]);
			n[round % 4] = bind(&f, 1 + round % 4 / 2, 1 + round % 2, Q_OVER, 1);
		}
	}
	commit(&f);
	for (uint32_t i = 0; i < 4; i++)
		CHECK_STR(bound(&f, n[i]), "full");
}

TEST(graph_lazy_cells)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t a, b;

	graph_on_miss(f.g, K_LAZY, NULL, NULL);
	a = bind(&f, 1, 1, Q_LAZY, 1);
	CHECK_STR(bound(&f, a), "none");
	graph_unbind(f.g, a);
	CHECK(!graph_has_cell(f.g, K_LAZY, 1));
	(void)b;
}

static uint32_t seven = 7;
static unsigned n_filled, n_idle;
static void fill(void *ctx, unsigned kind, uint32_t key)
{
	n_filled++;
	if (key != 2)
		graph_set(ctx, kind, key, &seven);
}

static void on_idle(void *ctx, unsigned kind, uint32_t key, const void *value)
{
	n_idle += ctx && kind == K_LAZY && key == 1 && value == &seven;
}

TEST(graph_fills_on_miss_and_lets_go)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t a, b, c;

	n_filled = n_idle = 0;
	graph_on_miss(f.g, K_LAZY, fill, f.g);
	graph_on_idle(f.g, K_LAZY, on_idle);
	a = bind(&f, 1, 1, Q_LAZY, 1);
	b = bind(&f, 2, 1, Q_LAZY, 1);
	c = bind(&f, 1, 1, Q_LAZY, 2);
	CHECK_STR(bound(&f, a), "7");
	CHECK_STR(bound(&f, c), "none");
	CHECK_INT(n_filled, 2);
	/* Each key has its own cell here, filled or not. */
	CHECK(graph_has_cell(f.g, K_LAZY, 1) && graph_has_cell(f.g, K_LAZY, 2));
	CHECK(!graph_has_cell(f.g, K_LAZY, 3));
	set(&f, K_LAZY, 2, 8);
	CHECK_INT(commit(&f), 1);
	CHECK_STR(bound(&f, c), "8");
	CHECK_INT(n_filled, 2);
	graph_unbind(f.g, a);
	CHECK_INT(n_idle, 0);
	graph_unbind(f.g, b);
	CHECK_INT(n_idle, 1);
	CHECK(!graph_has_cell(f.g, K_LAZY, 1));
	a = bind(&f, 1, 1, Q_LAZY, 1);
	CHECK_INT(n_filled, 3);
	graph_unbind(f.g, a);
	graph_unbind(f.g, c);
}

struct problems {
	unsigned n;
	char text[200];
};
static void on_problem(void *ctx, unsigned query, uint32_t key, const struct diag *d)
{
	struct problems *p = ctx;

	CHECK_INT(query, Q_PROBLEM);
	p->n++;
	snprintf(p->text, sizeof p->text, "%u %s %s %s", key, d->v[0].place.file, d->v[0].path,
		 d->v[0].reason);
}

TEST(graph_problems_follow_the_results)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	struct problems p = { 0 };
	uint64_t generation = graph_problem_generation(f.g);
	uint32_t a, b;

	set(&f, K_NUM, 1, 1);
	set(&f, K_NUM, 2, 1);
	commit(&f);
	a = bind(&f, 1, 1, Q_PROBLEM, 1);
	b = bind(&f, 1, 1, Q_PROBLEM, 2);
	graph_problems(f.g, on_problem, &p);
	CHECK_INT(p.n, 0);
	CHECK_INT(graph_problem_generation(f.g), generation);
	set(&f, K_NUM, 2, 0);
	/* No part of the result. */
	CHECK_INT(commit(&f), 0);
	CHECK(graph_problem_generation(f.g) != generation);
	generation = graph_problem_generation(f.g);
	graph_problems(f.g, on_problem, &p);
	CHECK_INT(p.n, 1);
	CHECK_STR(p.text, "2 a.yaml spec.n must not be 0");
	/* Found again, word for word: nothing new to say. */
	set(&f, K_NUM, 2, 0);
	commit(&f);
	CHECK_INT(graph_problem_generation(f.g), generation);
	graph_unbind(f.g, b);
	CHECK(graph_problem_generation(f.g) != generation);
	p.n = 0;
	graph_problems(f.g, on_problem, &p);
	CHECK_INT(p.n, 0);
	set(&f, K_NUM, 1, 0);
	commit(&f);
	graph_problems(f.g, on_problem, &p);
	CHECK_INT(p.n, 1);
	(void)a;
}

static bool only(void *ctx, unsigned query, uint32_t key, const struct result *r)
{
	(void)ctx;
	return query != Q_NUM || (key == 2 && r->bytes[0] == '2');
}

static void on_cell(void *ctx, unsigned depth, unsigned kind, uint32_t key)
{
	struct fixture *f = ctx;

	buf_printf(&f->text, "%u:%u.%u ", depth, kind, key);
}

TEST(graph_explain_walks_the_trace)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b;

	for (uint32_t n = 1; n <= 3; n++)
		set(&f, K_NUM, n, n);
	f.list = (struct numbers){ 4, { 3, 1, 2, 9 } };
	graph_set(f.g, K_LIST, 1, &f.list);
	commit(&f);
	b = bind(&f, 1, 1, Q_NUMS, 1);
	graph_explain(f.g, b, NULL, on_cell, &f);
	CHECK_STR(buf_str(&f.text), "0:1.1 1:0.3 1:0.1 1:0.2 ");
	buf_reset(&f.text);
	graph_explain(f.g, b, only, on_cell, &f);
	CHECK_STR(buf_str(&f.text), "0:1.1 1:0.2 ");
	buf_reset(&f.text);
	/* What answers a derived question is a reason as well, through all levels. */
	b = bind(&f, 1, 1, Q_BY_GROUP, 3);
	graph_explain(f.g, b, NULL, on_cell, &f);
	CHECK_STR(buf_str(&f.text), "2:0.3 ");
}

static void on_impact(void *ctx, void *owner, uint32_t binding, unsigned query, uint32_t key)
{
	struct fixture *f = ctx;

	CHECK(owner == f);
	buf_printf(&f->text, "%u<%u.%u ", binding, query, key);
}

TEST(graph_impact_climbs_to_the_bindings)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t list, use, group;
	char expected[100];

	for (uint32_t n = 1; n <= 3; n++)
		set(&f, K_NUM, n, n);
	f.list = (struct numbers){ 2, { 1, 2 } };
	graph_set(f.g, K_LIST, 1, &f.list);
	commit(&f);
	list = bind(&f, 1, 1, Q_NUMS, 1);
	use = bind(&f, 1, 1, Q_USE, 2);
	group = bind(&f, 1, 1, Q_BY_GROUP, 3);
	graph_impact(f.g, K_NUM, 2, on_impact, &f);
	snprintf(expected, sizeof expected, "%u<%u.2 %u<%u.2 ", list, Q_NUM, use, Q_PARITY);
	CHECK_STR(buf_str(&f.text), expected);
	buf_reset(&f.text);
	graph_impact(f.g, K_NUM, 3, on_impact, &f);
	snprintf(expected, sizeof expected, "%u<%u.3 ", group, Q_LABELS);
	CHECK_STR(buf_str(&f.text), expected);
	buf_reset(&f.text);
	graph_impact(f.g, K_NUM, 4, on_impact, &f);
	CHECK_STR(buf_str(&f.text), "");
	/* No longer in the list. */
	f.list.n = 1;
	graph_touch(f.g, K_LIST, 1);
	graph_unbind(f.g, use);
	commit(&f);
	graph_impact(f.g, K_NUM, 2, on_impact, &f);
	CHECK_STR(buf_str(&f.text), "");
}

/* Long reverse lists are kept loosely: many variants come and go below one member. */
TEST(graph_many_parents)
{
	enum { N = 300 };
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b[N], runs;

	set(&f, K_NUM, 1, 1);
	commit(&f);
	for (uint32_t i = 0; i < N; i++)
		b[i] = bind(&f, i, 1, Q_NUM, 1);
	CHECK_INT(stats(&f).n_memos, 1);
	for (uint32_t i = 0; i < N; i++) {
		if (i % 10)
			graph_unbind(f.g, b[i]);
	}
	runs = (uint32_t)stats(&f).n_runs;
	set(&f, K_NUM, 1, 2);
	CHECK_INT(commit(&f), N / 10);
	CHECK_INT(stats(&f).n_runs, runs + 1);
	for (uint32_t i = 0; i < N; i += 10)
		graph_unbind(f.g, b[i]);
	CHECK_INT(stats(&f).n_memos, 0);
}

TEST(graph_revisions_start_again)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t a, b, runs;

	set(&f, K_NUM, 1, 1);
	commit(&f);
	a = bind(&f, 1, 1, Q_USE, 1);
	b = bind(&f, 1, 1, Q_BY_GROUP, 1);
	f.g->now = 1u << 31;
	set(&f, K_NUM, 1, 2);
	CHECK_INT(commit(&f), 2);
	CHECK(f.g->now < 10);
	CHECK_STR(bound(&f, a), "is even");
	CHECK_STR(bound(&f, b), "group other");
	runs = (uint32_t)stats(&f).n_runs;
	set(&f, K_NUM, 2, 2);
	CHECK_INT(commit(&f), 0);
	CHECK_INT(stats(&f).n_runs, runs);
	set(&f, K_NUM, 1, 1);
	CHECK_INT(commit(&f), 2);
	CHECK_STR(bound(&f, b), "group own");
}

/* A list of results that differ by proxy: a change of path below makes a new list even where bytes are equal. */
TEST(graph_list_of_variants)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t one, two;

	set(&f, K_MODE, 1, 1);
	set(&f, K_MODE, 2, 0);
	f.list = (struct numbers){ 2, { 1, 2 } };
	graph_set(f.g, K_LIST, 1, &f.list);
	commit(&f);
	one = bind(&f, 1, 1, Q_PICKS, 1);
	two = bind(&f, 2, 1, Q_PICKS, 1);
	CHECK_STR(bound(&f, one), "oneany");
	CHECK_STR(bound(&f, two), "noneany");
	set(&f, K_MODE, 1, 3);
	CHECK_INT(commit(&f), 1);
	CHECK_STR(bound(&f, two), "oneany");
	set(&f, K_MODE, 1, 0);
	CHECK_INT(commit(&f), 2);
	CHECK_STR(bound(&f, one), "anyany");
	CHECK(graph_bound(f.g, one) == graph_bound(f.g, two));
	CHECK_INT(stats(&f).n_paths, 0);
	set(&f, K_MODE, 2, 2);
	CHECK_INT(commit(&f), 2);
	CHECK_STR(bound(&f, one), "anyred");
	CHECK_STR(bound(&f, two), "anynone");
}
