/* The queries, and what each is there to show. */
#include "numbers.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "test.h"
#include <stdio.h>
#include <string.h>

static void put(struct run *r, const char *s)
{
	run_emit(r, s, strlen(s));
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

static void q_first(struct run *r, uint32_t key)
{
	const struct numbers *l = read_cell(r, K_LIST, key);

	put(r, "first");
	if (l && l->n)
		cite_cell(r, K_NUM, l->v[0]);
}

static void q_count(struct run *r, uint32_t key)
{
	const struct numbers *l = read_cell(r, K_LIST, key);

	put(r, arena_printf(run_arena(r), "%u", l ? l->n : 0));
}

static void q_counted(struct run *r, uint32_t key)
{
	const struct result *n = call_query(r, Q_NUM, key);

	run_emit(r, n->bytes, n->n);
	put(r, call_query(r, Q_COUNT, key)->bytes[0] == '0' ? "none" : "some");
}

static void q_grouped(struct run *r, uint32_t key)
{
	const struct numbers *l = read_cell(r, K_LIST, key);

	for (uint32_t i = 0; l && i < l->n; i++)
		list_add(r, Q_BY_GROUP, l->v[i]);
}

static void q_lazy(struct run *r, uint32_t key)
{
	const uint32_t *n = read_cell(r, K_LAZY, key);

	put(r, n ? arena_printf(run_arena(r), "%u", *n) : "none");
}

static void q_cycle(struct run *r, uint32_t key)
{
	call_query(r, Q_CYCLE, key);
}

static void q_upward(struct run *r, uint32_t key)
{
	call_query(r, Q_USE, key);
}

#define ROW(id, shape, level, fn) \
	[id] = &(const struct query) \
	{ \
#id, shape, level, false, fn, false \
	}
static const struct query *const table[Q_TEST_COUNT] = {
	ROW(Q_NUM, RESULT_BYTES, 0, q_num),
	ROW(Q_PARITY, RESULT_BYTES, 0, q_parity),
	ROW(Q_LABELS, RESULT_BYTES, 0, q_labels),
	ROW(Q_GROUP, RESULT_BYTES, 1, q_group),
	ROW(Q_USE, RESULT_BYTES, 1, q_use),
	ROW(Q_PICK, RESULT_BYTES, 1, q_pick),
	ROW(Q_OVER, RESULT_BYTES, 2, q_over),
	ROW(Q_PROBLEM, RESULT_BYTES, 1, q_problem),
	ROW(Q_NUMS, RESULT_LIST, 1, q_nums),
	ROW(Q_CAT, RESULT_CONCAT, 1, q_cat),
	ROW(Q_PEEK, RESULT_LIST, 1, q_peek),
	ROW(Q_BY_GROUP, RESULT_BYTES, 2, q_by_group),
	ROW(Q_LAZY, RESULT_BYTES, 0, q_lazy),
	ROW(Q_PICKS, RESULT_LIST, 2, q_picks),
	ROW(Q_FIRST, RESULT_BYTES, 0, q_first),
	[Q_COUNT] = &(const struct query){ "Q_COUNT", RESULT_BYTES, 0, false, q_count, true },
	ROW(Q_COUNTED, RESULT_BYTES, 1, q_counted),
	ROW(Q_GROUPED, RESULT_LIST, 3, q_grouped),
	[Q_CYCLE] = &(const struct query){ "Q_CYCLE", RESULT_BYTES, 1, true, q_cycle, false },
	ROW(Q_UPWARD, RESULT_BYTES, 0, q_upward),
};

static uint32_t answer(const struct keys *keys, const void *facts, unsigned question, uint32_t arg)
{
	const struct facts *f = facts;

	(void)keys;
	return question == A_LABEL ? f->label == arg : f->colour == arg;
}

struct fixture fixture_new(void)
{
	struct fixture f = { .keys = keys_new(), .text = BUF_INIT };

	f.g = graph_new(f.keys, table, Q_TEST_COUNT, answer);
	return f;
}

void fixture_fini(struct fixture *f)
{
	graph_free(f->g);
	keys_free(f->keys);
	buf_fini(&f->text);
}

void set(struct fixture *f, unsigned kind, uint32_t key, uint32_t n)
{
	f->num[kind * 16 + key] = n;
	graph_set(f->g, kind, key, &f->num[kind * 16 + key]);
}

void on_changed(void *ctx, void *owner, uint32_t binding, const struct result *now)
{
	struct fixture *f = ctx;

	CHECK(now == graph_bound(f->g, binding));
	f->n_changed++;
	f->last_owner = owner;
}

/* Commits; the number of bindings that changed. */
unsigned commit(struct fixture *f)
{
	struct err e = ERR_INIT;

	f->n_changed = 0;
	CHECK(graph_commit(f->g, 0, on_changed, f));
	if (!CHECK(graph_check(f->g, &e)))
		printf("\t%s\n", e.text);
	return f->n_changed;
}

uint32_t bind(struct fixture *f, uint32_t label, uint32_t colour, unsigned query, uint32_t key)
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

const char *bound(struct fixture *f, uint32_t binding)
{
	buf_reset(&f->text);
	result_each(graph_bound(f->g, binding), append, &f->text);
	return buf_str(&f->text);
}

struct graph_stats stats(struct fixture *f)
{
	struct graph_stats s;

	graph_stats(f->g, &s);
	return s;
}
