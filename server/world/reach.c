/* Impact part by part: which parts of a binding are made from one of some marked cells, by the rules of graph_explain read
 * upside down. It goes down all the same, since nothing leads from the answer of a derived question up to those who asked;
 * but a memo is looked at once, however many bindings it is part of.
 *
 * What a memo reads by itself and through its callees is the same for all bindings. Who answers its derived questions is
 * not: these answers are looked at per binding, and they rarely have to do with the marked cells.
 */
#include "world/graph_impl.h"

enum { UNKNOWN, NO, YES };

struct reach {
	const struct graph *g;
	wanted_fn *wanted;
	void *ctx;
	uint8_t *cells; /* by id: marked */
	uint8_t *memos; /* by id: what it reads and calls */
	uint8_t *empty; /* by id: it has members, and none of them is a part to be told */

	/* Of the binding at hand. */
	struct ids asked; /* derived questions whose answers are made from marked cells */
	uint32_t *local;  /* by id, with the answers as well: round * 2 + yes */
	uint32_t round;   /* each has its own set of `asked` */
	part_fn *fn;
	void *fn_ctx;
};

struct reach *reach_new(const struct graph *g, wanted_fn *wanted, void *ctx)
{
	struct reach *r = xcalloc(1, sizeof *r);

	r->g = g;
	r->wanted = wanted;
	r->ctx = ctx;
	r->cells = xcalloc(g->cells.n, 1);
	r->memos = xcalloc(g->memos.n, 1);
	r->empty = xcalloc(g->memos.n, 1);
	r->local = xcalloc(g->memos.n, sizeof *r->local);
	return r;
}

void reach_free(struct reach *r)
{
	if (!r)
		return;
	xfree(r->cells);
	xfree(r->memos);
	xfree(r->empty);
	xfree(r->local);
	xfree(r->asked.v);
	xfree(r);
}

void reach_add(struct reach *r, unsigned kind, uint32_t key)
{
	uint32_t cell = cell_find(r->g, kind, key);

	if (cell)
		r->cells[cell] = 1;
}

static bool counts(const struct reach *r, uint32_t edge)
{
	const struct memo *m = memo_at(r->g, edge & EDGE_ID);

	return (edge & EDGE_MEMO) && m->state < MEMO_DEAD && !r->g->queries[m->query]->selects;
}

/* Recursion goes down the levels of the queries. */
static bool reads(struct reach *r, uint32_t id)
{
	const struct memo *m = memo_at(r->g, id);
	const uint32_t *v = edges_cv(&m->trace);
	bool yes = false;

	if (r->memos[id] != UNKNOWN)
		return r->memos[id] == YES;
	for (uint32_t i = 0; i < m->trace.n && !yes; i++)
		yes = !(v[i] & EDGE_MEMO) && r->cells[v[i] & EDGE_ID];
	for (uint32_t i = 0; i < m->trace.n && !yes; i++)
		yes = counts(r, v[i]) && reads(r, v[i] & EDGE_ID);
	r->memos[id] = yes ? YES : NO;
	return yes;
}

static bool asks(const struct reach *r, uint32_t path)
{
	for (uint32_t i = 0; i < r->asked.n; i++) {
		if (path_asks(r->g, path, r->asked.v[i]))
			return true;
	}
	return false;
}

/* By reads, or by an answer of the binding's. */
static bool is_made_from(struct reach *r, uint32_t id)
{
	const struct memo *m = memo_at(r->g, id);
	const uint32_t *v = edges_cv(&m->trace);
	bool yes = false;

	if (reads(r, id))
		return true;
	if (!path_is_derived(r->g, m->path) || !asks(r, m->path))
		return false;
	if (r->local[id] / 2 == r->round)
		return r->local[id] & 1;
	for (uint32_t i = 0; i < r->asked.n && !yes; i++)
		yes = memo_asks(r->g, m, r->asked.v[i]);
	for (uint32_t i = 0; i < m->trace.n && !yes; i++)
		yes = counts(r, v[i]) && is_made_from(r, v[i] & EDGE_ID);
	r->local[id] = r->round * 2 + yes;
	return yes;
}

/* Callees come first among a binding's answers. */
static void find_asked(struct reach *r, const struct binding *b)
{
	const uint32_t *v = edges_cv(&b->derived);

	r->asked.n = 0;
	r->round++;
	for (uint32_t i = 0; i < b->derived.n; i++) {
		const struct memo *m = memo_at(r->g, v[i]);
		uint32_t question;

		if (!counts(r, v[i] | EDGE_MEMO) || !is_made_from(r, v[i]))
			continue;
		question = question_find(r->g, QUESTION_DERIVED | m->query, m->key);
		if (question) {
			ids_push(&r->asked, question);
			r->round++;
		}
	}
}

/* False: there is no such part. */
static bool visit(struct reach *r, uint32_t id, const struct result *within)
{
	const struct memo *m = memo_at(r->g, id);
	const uint32_t *v = edges_cv(&m->trace);
	bool any = false;

	if (m->state >= MEMO_DEAD || (r->empty[id] && !r->asked.n))
		return false;
	switch (r->wanted(r->ctx, m->query, m->key, m->result)) {
	case WANT_NONE: return false;
	case WANT_WHOLE:
		any = is_made_from(r, id);
		if (any)
			r->fn(r->fn_ctx, m->query, m->result, within);
		return any;
	case WANT_MEMBERS: break;
	}
	if (!within && m->result->shape == RESULT_CONCAT)
		within = m->result;
	for (uint32_t i = 0; i < m->trace.n; i++) {
		if ((v[i] & EDGE_MEMO) && (v[i] & EDGE_MEMBER) && visit(r, v[i] & EDGE_ID, within))
			any = true;
	}
	if (!any && !r->asked.n)
		r->empty[id] = 1;
	return any;
}

void reach_parts(struct reach *r, uint32_t binding, part_fn *fn, void *ctx)
{
	const struct binding *b = &r->g->bindings[binding];

	assert(binding && binding < r->g->n_bindings && b->used);
	r->fn = fn;
	r->fn_ctx = ctx;
	find_asked(r, b);
	visit(r, b->root, NULL);
}
