/* Reading the traces: downwards, what a result was made from; upwards, what a cell reaches; and the problems that
 * queries found on the way. Nothing here changes the graph. */
#include "world/graph_impl.h"
#include <stdlib.h>

struct step {
	uint32_t memo, depth;
	bool taken; /* below something that is wanted whole */
};

struct walk {
	const struct graph *g;
	const struct binding *b;
	wanted_fn *wanted;
	trace_fn *fn;        /* NULL: cells are of no interest */
	problem_fn *problem; /* NULL: problems are not */
	void *ctx;
	uint8_t *seen_memo, *seen_cell;
	struct step *todo; /* a stack */
	uint32_t n, cap;
};

static void walk_push(struct walk *w, uint32_t memo, uint32_t depth, bool taken)
{
	if (w->seen_memo[memo])
		return;
	VEC_ROOM(w->todo, w->n, w->cap);
	w->todo[w->n++] = (struct step){ .memo = memo, .depth = depth, .taken = taken };
}

bool path_asks(const struct graph *g, uint32_t path, uint32_t question)
{
	const struct edges *e;

	if (!path)
		return false;
	e = &path_at(g, path)->v;
	for (uint32_t i = 0; i < e->n; i += 2) {
		if (edges_cv(e)[i] == question)
			return true;
	}
	return false;
}

bool memo_asks(const struct graph *g, const struct memo *m, uint32_t question)
{
	const uint32_t *v = edges_cv(&m->trace);

	if (!path_asks(g, m->path, question))
		return false;
	for (uint32_t i = 0; i < m->trace.n; i++) {
		if ((v[i] & EDGE_MEMO) && path_asks(g, memo_at(g, v[i] & EDGE_ID)->path, question))
			return false;
	}
	return true;
}

/* A source is left out when it only decided what there is, unless all is asked for. */
static bool is_left_out(const struct walk *w, uint32_t memo)
{
	return w->wanted && w->g->queries[memo_at(w->g, memo)->query]->selects;
}

/* What decided derived questions that the memo asked itself, that is, none of its callees: theirs are met below. */
static void push_derived(struct walk *w, const struct memo *m, uint32_t depth)
{
	const struct graph *g = w->g;

	if (!path_is_derived(g, m->path))
		return;
	for (uint32_t i = 0; i < w->b->derived.n; i++) {
		uint32_t id = edges_cv(&w->b->derived)[i], question;
		const struct memo *d = memo_at(g, id);

		question = question_find(g, QUESTION_DERIVED | d->query, d->key);
		if (question && !is_left_out(w, id) && memo_asks(g, m, question))
			walk_push(w, id, depth, true);
	}
}

/* Last first, so that they come off the stack in order. */
static void push_below(struct walk *w, const struct memo *m, uint32_t depth, bool taken)
{
	const uint32_t *v = edges_cv(&m->trace);

	for (uint32_t i = m->trace.n; i-- > 0;) {
		if (!(v[i] & EDGE_MEMO) || (!taken && !(v[i] & EDGE_MEMBER)))
			continue;
		if (!taken || !is_left_out(w, v[i] & EDGE_ID))
			walk_push(w, v[i] & EDGE_ID, depth, taken);
	}
}

static void visit_cells(struct walk *w, const struct memo *m, uint32_t depth)
{
	const uint32_t *v = edges_cv(&m->trace);

	for (uint32_t i = 0; i < m->trace.n; i++) {
		uint32_t id = v[i] & EDGE_ID;
		const struct cell *c;

		if (v[i] & EDGE_MEMO)
			continue;
		c = cell_at(w->g, id);
		/* A bucket says that something was absent, not what. */
		if (w->seen_cell[id] || (c->kind & CELL_ABSENT))
			continue;
		w->seen_cell[id] = 1;
		w->fn(w->ctx, depth, c->kind & CELL_NAME, c->key);
	}
}

/* False: not wanted, at least not from where it was come upon. */
static bool visit(struct walk *w, struct step s)
{
	const struct graph *g = w->g;
	const struct memo *m = memo_at(g, s.memo);
	enum want want = s.taken ? WANT_WHOLE : w->wanted(w->ctx, m->query, m->key, m->result);

	if (want == WANT_NONE)
		return false;
	if (want == WANT_MEMBERS) {
		push_below(w, m, s.depth + 1, false);
		return true;
	}
	if (w->problem && m->diag)
		w->problem(w->ctx, m->query, m->key, &g->diags[m->diag]->diag);
	if (w->fn)
		visit_cells(w, m, s.depth);
	push_derived(w, m, s.depth + 1);
	push_below(w, m, s.depth + 1, true);
	return true;
}

static void walk_down(struct walk *w, uint32_t binding)
{
	const struct graph *g = w->g;

	assert(binding && binding < g->n_bindings && g->bindings[binding].used);
	w->b = &g->bindings[binding];
	w->seen_memo = xcalloc(g->memos.n, 1);
	w->seen_cell = xcalloc(g->cells.n, 1);
	walk_push(w, w->b->root, 0, !w->wanted);
	while (w->n) {
		struct step s = w->todo[--w->n];

		if (w->seen_memo[s.memo])
			continue;
		/* Before a commit ends a trace may name what has been replaced. */
		w->seen_memo[s.memo] = memo_at(g, s.memo)->state >= MEMO_DEAD || visit(w, s);
	}
	xfree(w->todo);
	xfree(w->seen_memo);
	xfree(w->seen_cell);
}

void graph_explain(const struct graph *g, uint32_t binding, wanted_fn *wanted, trace_fn *fn,
		   void *ctx)
{
	walk_down(&(struct walk){ .g = g, .wanted = wanted, .fn = fn, .ctx = ctx }, binding);
}

void graph_problems_of(const struct graph *g, uint32_t binding, problem_fn *fn, void *ctx)
{
	walk_down(&(struct walk){ .g = g, .problem = fn, .ctx = ctx }, binding);
}

struct climb {
	const struct graph *g;
	uint32_t *seen_memo, *seen_binding; /* by number of the climb */
	struct ids todo;
};

/* All bindings above one memo. */
static void climb_from(struct climb *c, uint32_t start, uint32_t number, impact_fn *fn, void *ctx)
{
	const struct graph *g = c->g;
	const struct memo *first = memo_at(g, start);

	c->seen_memo[start] = number;
	ids_push(&c->todo, start);
	while (c->todo.n) {
		uint32_t id = c->todo.v[--c->todo.n];
		const struct edges *above = &memo_at(g, id)->parents;

		for (uint32_t i = 0; i < above->n; i++) {
			uint32_t from = edges_cv(above)[i], at = from & EDGE_ID;

			if (from & EDGE_BINDING) {
				if (c->seen_binding[at] == number ||
				    !edge_is_live(g, id | EDGE_MEMO, from))
					continue;
				c->seen_binding[at] = number;
				fn(ctx, g->bindings[at].owner, at, first->query, first->key);
			} else if (c->seen_memo[at] != number &&
				   edge_is_live(g, id | EDGE_MEMO, from)) {
				c->seen_memo[at] = number;
				ids_push(&c->todo, at);
			}
		}
	}
}

void graph_impact(const struct graph *g, unsigned kind, uint32_t key, impact_fn *fn, void *ctx)
{
	uint32_t cell = cell_find(g, kind, key), number = 0;
	struct climb c = { .g = g };
	const struct edges *readers;
	uint8_t *started;

	if (!cell)
		return;
	c.seen_memo = xcalloc(g->memos.n, sizeof *c.seen_memo);
	c.seen_binding = xcalloc(g->n_bindings, sizeof *c.seen_binding);
	started = xcalloc(g->memos.n, 1);
	readers = &cell_at(g, cell)->readers;
	for (uint32_t i = 0; i < readers->n; i++) {
		uint32_t reader = edges_cv(readers)[i];

		/* A long list may name one twice. */
		if (started[reader] || !edge_is_live(g, cell, reader))
			continue;
		started[reader] = 1;
		climb_from(&c, reader, ++number, fn, ctx);
	}
	xfree(started);
	xfree(c.seen_memo);
	xfree(c.seen_binding);
	xfree(c.todo.v);
}

static int compare_diags(const void *a, const void *b, void *ctx)
{
	const struct graph *g = ctx;
	const struct memo_diag *x = *(const struct memo_diag *const *)a,
			       *y = *(const struct memo_diag *const *)b;
	const struct memo *m = memo_at(g, x->memo), *n = memo_at(g, y->memo);

	if (m->query != n->query)
		return m->query - n->query;
	return key_compare(g->keys, m->key, n->key);
}

void graph_problems(const struct graph *g, problem_fn *fn, void *ctx)
{
	const struct memo_diag **v = xcalloc(g->n_diags, sizeof *v);
	uint32_t n = 0;

	for (uint32_t i = 1; i < g->n_diags; i++) {
		if (g->diags[i])
			v[n++] = g->diags[i];
	}
	if (n > 1)
		qsort_r(v, n, sizeof *v, compare_diags, (void *)(uintptr_t)g);
	for (uint32_t i = 0; i < n; i++)
		fn(ctx, memo_at(g, v[i]->memo)->query, memo_at(g, v[i]->memo)->key, &v[i]->diag);
	xfree(v);
}

uint64_t graph_problem_generation(const struct graph *g)
{
	return g->problem_generation;
}
