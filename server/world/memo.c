/* Memos: results with what they were made from, and the edges between cells, memos and bindings.
 *
 * Forward traces are the truth. Reverse lists (readers of a cell, parents of a memo) may hold too much: up to
 * EXACT_MAX entries they are exact, in longer ones dead entries stay until half of them are dead, and then the list is
 * filtered against the traces. A false entry costs a mark and a check. The counts are exact always, so what nothing
 * needs any more is known at once; it is taken apart at the end of the commit, by a work list.
 *
 * A memo that is replaced while stale parents still name it stays as MEMO_DEAD, without result and out of its chain,
 * until the last of them has let go: else its slot could be reused and taken for the old one. */
#include "world/graph_impl.h"

enum { EXACT_MAX = 16 };

static void chain(struct graph *g, uint32_t id)
{
	struct memo *m = memo_at(g, id);
	uint32_t *head;

	if (m->state >= MEMO_DEAD)
		return;
	head = memo_bucket(g, m->query, m->key);
	m->next = *head;
	*head = id;
}

static void rehash(struct graph *g)
{
	g->n_memo_buckets *= 2;
	xfree(g->memo_buckets);
	g->memo_buckets = xcalloc(g->n_memo_buckets, sizeof *g->memo_buckets);
	for (uint32_t i = 1; i < g->memos.n; i++)
		chain(g, i);
}

#ifdef MAINSHEET_REHASH
/* Few buckets, so that chains are long, in one order and the other by turns. */
static void shuffle(struct graph *g)
{
	g->n_memo_buckets = g->n_memo_buckets == 8 ? 16 : 8;
	xfree(g->memo_buckets);
	g->memo_buckets = xcalloc(g->n_memo_buckets, sizeof *g->memo_buckets);
	for (uint32_t i = 1; i < g->memos.n; i++)
		chain(g, g->n_memo_buckets == 8 ? i : g->memos.n - i);
}
#endif

uint32_t memo_new(struct graph *g, uint16_t query, uint32_t key)
{
	uint32_t id = pages_take(&g->memos);
	struct memo *m = memo_at(g, id);

	/* Not in a chain yet, whatever happens to the chains. */
	m->state = MEMO_FREE;
#ifdef MAINSHEET_REHASH
	shuffle(g);
	(void)rehash;
#else
	if (g->n_memos >= g->n_memo_buckets)
		rehash(g);
#endif
	*m = (struct memo){ .query = query, .key = key, .state = MEMO_CLEAN };
	chain(g, id);
	g->n_memos++;
	g->generation++;
	return id;
}

static bool names(const struct edges *e, uint32_t target)
{
	const uint32_t *v = edges_cv(e);

	for (uint32_t i = 0; i < e->n; i++) {
		if ((v[i] & ~EDGE_MEMBER) == target)
			return true;
	}
	return false;
}

bool edge_is_live(const struct graph *g, uint32_t target, uint32_t from)
{
	if (from & EDGE_BINDING) {
		const struct binding *b = &g->bindings[from & EDGE_ID];

		return b->used &&
		       (b->root == (target & EDGE_ID) || names(&b->derived, target & EDGE_ID));
	}
	return memo_at(g, from)->state < MEMO_DEAD && names(&memo_at(g, from)->trace, target);
}

static void reverse_remove(struct graph *g, struct edges *e, uint32_t n_exact, uint32_t target,
			   uint32_t from)
{
	uint32_t *v = edges_v(e), n = 0;

	if (e->n <= EXACT_MAX) {
		for (uint32_t i = 0; i < e->n; i++) {
			if (v[i] == from) {
				v[i] = v[--e->n];
				break;
			}
		}
		return;
	}
	if (e->n < 2 * n_exact + EXACT_MAX)
		return;
	scratch_begin(&g->scratch, e->n);
	for (uint32_t i = 0; i < e->n; i++) {
		uint32_t *unused_value;

		if (edge_is_live(g, target, v[i]) && scratch_add(&g->scratch, v[i], &unused_value))
			v[n++] = v[i];
	}
	e->n = n;
}

void edge_add(struct graph *g, uint32_t target, uint32_t from)
{
	if (target & EDGE_MEMO) {
		struct memo *m = memo_at(g, target & EDGE_ID);

		m->n_refs++;
		edges_push(&g->pool, &m->parents, from);
	} else {
		struct cell *c = cell_at(g, target);

		c->n_readers++;
		edges_push(&g->pool, &c->readers, from);
	}
}

static void slot_free(struct graph *g, uint32_t id)
{
	struct memo *m = memo_at(g, id);

	edges_fini(&g->pool, &m->parents);
	m->state = MEMO_FREE;
	pages_give(&g->memos, id);
}

/* The forward edge is gone already. */
void edge_remove(struct graph *g, uint32_t target, uint32_t from)
{
	if (target & EDGE_MEMO) {
		uint32_t id = target & EDGE_ID;
		struct memo *m = memo_at(g, id);

		assert(m->n_refs);
		m->n_refs--;
		reverse_remove(g, &m->parents, m->n_refs, target & ~EDGE_MEMBER, from);
		if (m->n_refs)
			return;
		if (m->state == MEMO_DEAD)
			slot_free(g, id);
		else
			ids_push(&g->idle_memos, id);
	} else {
		uint32_t id = target & EDGE_ID;
		struct cell *c = cell_at(g, id);

		assert(c->n_readers);
		c->n_readers--;
		reverse_remove(g, &c->readers, c->n_readers, id, from);
		if (!c->n_readers)
			cell_idle(g, id);
	}
}

static void diag_drop(struct graph *g, struct memo *m)
{
	struct memo_diag *d;

	if (!m->diag)
		return;
	d = TAKE(g->diags[m->diag]);
	diag_fini(&d->diag);
	xfree(d);
	ids_push(&g->free_diags, m->diag);
	m->diag = 0;
	g->problem_generation++;
}

static bool place_equal(const struct place *a, const struct place *b)
{
	return a->line == b->line && a->column == b->column &&
	       str_eq(str_or(a->file, ""), str_or(b->file, ""));
}

static bool diag_equal(const struct diag *a, const struct diag *b)
{
	if (a->n != b->n || a->n_errors != b->n_errors || a->n_warnings != b->n_warnings)
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		const struct problem *p = &a->v[i], *q = &b->v[i];

		if (p->severity != q->severity || !place_equal(&p->place, &q->place) ||
		    !str_eq(p->object, q->object) || !str_eq(p->path, q->path) ||
		    !str_eq(p->reason, q->reason))
			return false;
	}
	return true;
}

/* Most runs find nothing to say: then there is nothing here. */
void memo_set_diag(struct graph *g, uint32_t id, struct diag *taken)
{
	struct memo *m = memo_at(g, id);
	struct memo_diag *d;

	if (!taken->n_errors && !taken->n_warnings) {
		diag_fini(taken);
		diag_drop(g, m);
		return;
	}
	if (m->diag && diag_equal(&g->diags[m->diag]->diag, taken)) {
		diag_fini(taken);
		return;
	}
	diag_drop(g, m);
	d = xmalloc(sizeof *d);
	d->diag = *taken;
	d->diag.object = NULL;
	d->memo = id;
	diag_init(taken);
	if (g->free_diags.n) {
		m->diag = g->free_diags.v[--g->free_diags.n];
	} else {
		VEC_ROOM(g->diags, g->n_diags, g->cap_diags);
		m->diag = g->n_diags++;
	}
	g->diags[m->diag] = d;
	g->problem_generation++;
}

/* One edge per memo however often the trace names it. */
static uint32_t unique_targets(struct graph *g, uint32_t *v, uint32_t n)
{
	uint32_t n_unique = 0, *unused_value;

	scratch_begin(&g->scratch, n);
	for (uint32_t i = 0; i < n; i++) {
		if (scratch_add(&g->scratch, v[i] & ~EDGE_MEMBER, &unused_value))
			v[n_unique++] = v[i] & ~EDGE_MEMBER;
	}
	return n_unique;
}

void memo_kill(struct graph *g, uint32_t id)
{
	struct memo *m = memo_at(g, id);
	uint32_t *at = memo_bucket(g, m->query, m->key), *v, n;
	struct edges trace = m->trace;

	assert(m->state < MEMO_DEAD);
	while (*at != id)
		at = &memo_at(g, *at)->next;
	*at = m->next;
	m->state = MEMO_DEAD;
	g->n_memos--;
	g->generation++;
	m->trace = (struct edges){ 0 };
	v = edges_v(&trace);
	n = m->flags & MEMO_TWICE ? unique_targets(g, v, trace.n) : trace.n;
	for (uint32_t i = 0; i < n; i++)
		edge_remove(g, v[i], id);
	edges_fini(&g->pool, &trace);
	diag_drop(g, m);
	path_unref(g, m->path);
	result_unref(TAKE(m->result));
	if (!m->n_refs)
		slot_free(g, id);
}

static bool same_trace(const struct edges *e, const uint32_t *v, uint32_t n)
{
	return e->n == n && (!n || !__builtin_memcmp(edges_cv(e), v, n * sizeof *v));
}

void memo_set_trace(struct graph *g, uint32_t id, const uint32_t *v, uint32_t n, bool twice)
{
	struct memo *m = memo_at(g, id);
	const uint32_t *old = edges_cv(&m->trace);
	uint32_t *mark, n_old = m->trace.n;
	enum { OLD = 1, KEPT, REMOVED };

	if (same_trace(&m->trace, v, n))
		return;
	/* First what differs, then the trace, then the edges: removing one may filter a list by the traces. */
	g->added.n = g->removed.n = 0;
	scratch_begin(&g->scratch, n + n_old);
	for (uint32_t i = 0; i < n_old; i++) {
		scratch_add(&g->scratch, old[i] & ~EDGE_MEMBER, &mark);
		*mark = OLD;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (scratch_add(&g->scratch, v[i] & ~EDGE_MEMBER, &mark))
			ids_push(&g->added, v[i] & ~EDGE_MEMBER);
		*mark = KEPT;
	}
	for (uint32_t i = 0; i < n_old; i++) {
		scratch_add(&g->scratch, old[i] & ~EDGE_MEMBER, &mark);
		if (*mark == OLD)
			ids_push(&g->removed, old[i] & ~EDGE_MEMBER);
		*mark = REMOVED;
	}
	edges_set(&g->pool, &m->trace, v, n);
	m->flags = twice ? m->flags | MEMO_TWICE : m->flags & ~MEMO_TWICE & 0xff;
	for (uint32_t i = 0; i < g->added.n; i++)
		edge_add(g, g->added.v[i], id);
	for (uint32_t i = 0; i < g->removed.n; i++)
		edge_remove(g, g->removed.v[i], id);
}

void graph_collect(struct graph *g)
{
	assert(!g->depth);
	while (g->idle_memos.n) {
		uint32_t id = g->idle_memos.v[--g->idle_memos.n];
		const struct memo *m = memo_at(g, id);

		if (m->state < MEMO_DEAD && !m->n_refs)
			memo_kill(g, id);
	}
	paths_collect(g);
	cells_collect(g);
}
