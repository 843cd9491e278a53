/* The invariants of spec/tracked-reads.md section 10, checked by recounting everything. For tests after each step, and on
 * demand in the daemon. */
#include "base/err.h"
#include "world/graph_impl.h"

struct recount {
	uint32_t *memo_refs, *cell_readers, *path_refs, *question_refs, *value_refs;
};

static bool has(const struct edges *e, uint32_t x)
{
	for (uint32_t i = 0; i < e->n; i++) {
		if (edges_cv(e)[i] == x)
			return true;
	}
	return false;
}

static bool path_says(const struct graph *g, uint32_t path, uint32_t question, uint32_t answer)
{
	const struct edges *e;

	if (!path)
		return false;
	e = &path_at(g, path)->v;
	for (uint32_t i = 0; i < e->n; i += 2) {
		if (edges_cv(e)[i] == question)
			return edges_cv(e)[i + 1] == answer;
	}
	return false;
}

static const char *name_of(const struct graph *g, const struct memo *m)
{
	return g->queries[m->query]->name;
}

static bool check_edge(const struct graph *g, uint32_t id, uint32_t i, struct recount *r,
		       struct err *e)
{
	const struct memo *m = memo_at(g, id), *callee;
	const uint32_t *v = edges_cv(&m->trace);
	const struct edges *path;
	bool again = false;

	for (uint32_t j = 0; j < i; j++) {
		if (v[j] == v[i])
			return err(e, "%s: a trace names one thing twice", name_of(g, m));
		again |= (v[j] & ~EDGE_MEMBER) == (v[i] & ~EDGE_MEMBER);
	}
	if (again && !(m->flags & MEMO_TWICE))
		return err(e, "%s: looked at and member, but not flagged", name_of(g, m));
	if (!(v[i] & EDGE_MEMO)) {
		const struct cell *c = cell_at(g, v[i] & EDGE_ID);

		if (!again)
			r->cell_readers[v[i] & EDGE_ID]++;
		if (c->kind & CELL_FREE)
			return err(e, "%s: reads a freed cell", name_of(g, m));
		return has(&c->readers, id) ||
		       err(e, "%s: a cell does not know its reader", name_of(g, m));
	}
	callee = memo_at(g, v[i] & EDGE_ID);
	if (!again)
		r->memo_refs[v[i] & EDGE_ID]++;
	if (callee->state >= MEMO_DEAD)
		return err(e, "%s: calls what is gone", name_of(g, m));
	if (!has(&callee->parents, id))
		return err(e, "%s: %s does not know its caller", name_of(g, m), name_of(g, callee));
	if (!callee->path)
		return true;
	path = &path_at(g, callee->path)->v;
	for (uint32_t j = 0; j < path->n; j += 2) {
		if (!path_says(g, m->path, edges_cv(path)[j], edges_cv(path)[j + 1]))
			return err(e, "%s: its path lacks a question of its callee %s",
				   name_of(g, m), name_of(g, callee));
	}
	return true;
}

static bool check_memo(const struct graph *g, uint32_t id, struct recount *r, struct err *e)
{
	const struct memo *m = memo_at(g, id);

	if (m->state == MEMO_FREE)
		return true;
	if (m->state != MEMO_CLEAN)
		return err(e, "%s: not clean after a commit", name_of(g, m));
	if (m->path) {
		r->path_refs[m->path]++;
		if (!(path_at(g, m->path)->flags & PATH_USED))
			return err(e, "%s: its path is gone", name_of(g, m));
	}
	for (uint32_t i = 0; i < m->trace.n; i++) {
		if (!check_edge(g, id, i, r, e))
			return false;
	}
	for (uint32_t i = m->next; i; i = memo_at(g, i)->next) {
		const struct memo *o = memo_at(g, i);

		if (o->query == m->query && o->key == m->key && o->path == m->path)
			return err(e, "%s: two results for one path", name_of(g, m));
	}
	return true;
}

static bool check_binding(const struct graph *g, uint32_t at, struct recount *r, struct err *e)
{
	const struct binding *b = &g->bindings[at];
	const struct memo *root;

	if (!b->used)
		return true;
	root = memo_at(g, b->root);
	r->memo_refs[b->root]++;
	if (b->dirty)
		return err(e, "%s: a binding is dirty after a commit", name_of(g, root));
	if (root->query != b->query || root->key != b->key || root->result != b->published)
		return err(e, "%s: a binding publishes something else", name_of(g, root));
	if (!has(&root->parents, at | EDGE_BINDING))
		return err(e, "%s: does not know its binding", name_of(g, root));
	for (uint32_t i = 0; i < b->derived.n; i++) {
		uint32_t id = edges_cv(&b->derived)[i];

		r->memo_refs[id]++;
		if (!has(&memo_at(g, id)->parents, at | EDGE_BINDING))
			return err(e, "%s: does not know its binding", name_of(g, memo_at(g, id)));
	}
	return true;
}

static bool check_path(const struct graph *g, uint32_t id, struct recount *r, struct err *e)
{
	const struct path *p = path_at(g, id);
	const uint32_t *v = edges_cv(&p->v);

	if (!(p->flags & PATH_USED))
		return true;
	for (uint32_t i = 0; i < p->v.n; i += 2) {
		r->question_refs[v[i]]++;
		if (question_at(g, v[i])->kind & QUESTION_DERIVED)
			r->value_refs[v[i + 1]]++;
		for (uint32_t j = 0; j < i; j += 2) {
			if (v[i] == v[j])
				return err(e, "a path asks one question twice");
		}
	}
	return true;
}

static bool check_counts(const struct graph *g, const struct recount *r, struct err *e)
{
	for (uint32_t i = 1; i < g->memos.n; i++) {
		const struct memo *m = memo_at(g, i);

		if (m->state != MEMO_FREE && (m->n_refs != r->memo_refs[i] || !m->n_refs))
			return err(e, "%s: %u references, %u counted", name_of(g, m), m->n_refs,
				   r->memo_refs[i]);
	}
	for (uint32_t i = 1; i < g->cells.n; i++) {
		const struct cell *c = cell_at(g, i);

		if (c->kind & CELL_FREE)
			continue;
		if (c->n_readers != r->cell_readers[i])
			return err(e, "cell %u.%u: %u readers, %u counted", c->kind & CELL_NAME,
				   c->key, c->n_readers, r->cell_readers[i]);
		/* Idle ones between an edit and its commit are still to be collected. */
		if (!c->n_readers && !c->value && !(c->kind & CELL_IDLE))
			return err(e, "cell %u.%u: nothing needs it", c->kind & CELL_NAME, c->key);
	}
	for (uint32_t i = 1; i < g->paths.n; i++) {
		if ((path_at(g, i)->flags & PATH_USED) && path_at(g, i)->refs != r->path_refs[i])
			return err(e, "a path: %u references, %u counted", path_at(g, i)->refs,
				   r->path_refs[i]);
	}
	for (uint32_t i = 1; i < g->questions.n; i++) {
		if (question_at(g, i)->kind != QUESTION_FREE &&
		    question_at(g, i)->refs != r->question_refs[i])
			return err(e, "a question: references miscounted");
	}
	for (uint32_t i = 1; i < g->values.n; i++) {
		if (value_at(g, i)->used && value_at(g, i)->refs != r->value_refs[i])
			return err(e, "a value: references miscounted");
	}
	return true;
}

/* What the bindings of a scope say about its derived questions. */
static void known_answers(const struct graph *g, const struct scope *s, struct ids *ret)
{
	ret->n = 0;
	for (uint32_t i = 1; i < g->n_bindings; i++) {
		const struct binding *b = &g->bindings[i];

		for (uint32_t j = 0; b->used && b->scope == s && j < b->derived.n; j++)
			ids_push(ret, edges_cv(&b->derived)[j]);
	}
}

static bool answers(const struct graph *g, const struct scope *s, const struct ids *known,
		    uint32_t question, uint32_t expected)
{
	const struct question *q = question_at(g, question);

	if (!(q->kind & QUESTION_DERIVED))
		return (s->len ? g->answer(g->keys, s->facts, q->kind, q->arg) : 0) == expected;
	for (uint32_t i = 0; i < known->n; i++) {
		const struct memo *m = memo_at(g, known->v[i]);

		if ((QUESTION_DERIVED | m->query) == q->kind && m->key == q->arg)
			return value_find(g, m->result->hash) == expected;
	}
	return false;
}

static bool matches_path(const struct graph *g, const struct scope *s, const struct ids *known,
			 uint32_t path)
{
	const struct edges *e = &path_at(g, path)->v;

	for (uint32_t i = 0; i < e->n; i += 2) {
		if (!answers(g, s, known, edges_cv(e)[i], edges_cv(e)[i + 1]))
			return false;
	}
	return true;
}

/* At most one result of a key is for this scope. */
static bool check_scope(const struct graph *g, const struct scope *s, struct ids *known,
			struct err *e)
{
	uint8_t *matches = xcalloc(g->paths.n, 1);
	bool ok = true;

	known_answers(g, s, known);
	for (uint32_t i = 1; i < g->paths.n; i++)
		matches[i] = (path_at(g, i)->flags & PATH_USED) && matches_path(g, s, known, i);
	matches[0] = 1;
	for (uint32_t i = 1; ok && i < g->memos.n; i++) {
		const struct memo *m = memo_at(g, i);

		if (m->state == MEMO_FREE || !matches[m->path])
			continue;
		for (uint32_t j = m->next; ok && j; j = memo_at(g, j)->next) {
			const struct memo *o = memo_at(g, j);

			if (o->query == m->query && o->key == m->key && matches[o->path])
				ok = err(e, "%s: a proxy matches two results", name_of(g, m));
		}
	}
	xfree(matches);
	return ok;
}

static bool check_scopes(const struct graph *g, struct err *e)
{
	struct ids known = { 0 };
	bool ok = true;

	for (uint32_t i = 0; ok && i < g->n_scope_buckets; i++) {
		for (const struct scope *s = g->scope_buckets[i]; ok && s; s = s->next)
			ok = check_scope(g, s, &known, e);
	}
	xfree(known.v);
	return ok;
}

static bool check_all(const struct graph *g, struct recount *r, struct err *e)
{
	for (uint32_t i = 1; i < g->memos.n; i++) {
		if (!check_memo(g, i, r, e))
			return false;
	}
	for (uint32_t i = 1; i < g->n_bindings; i++) {
		if (!check_binding(g, i, r, e))
			return false;
	}
	for (uint32_t i = 1; i < g->paths.n; i++) {
		if (!check_path(g, i, r, e))
			return false;
	}
	return check_counts(g, r, e) && check_scopes(g, e);
}

bool graph_check(const struct graph *g, struct err *e)
{
	struct recount r;
	bool ok;

	if (g->dirty_at[0] < g->dirty[0].n || g->dirty_at[1] < g->dirty[1].n || g->touched.n)
		return err(e, "an edit is not committed");
	r.memo_refs = xcalloc(g->memos.n, sizeof(uint32_t));
	r.cell_readers = xcalloc(g->cells.n, sizeof(uint32_t));
	r.path_refs = xcalloc(g->paths.n, sizeof(uint32_t));
	r.question_refs = xcalloc(g->questions.n, sizeof(uint32_t));
	r.value_refs = xcalloc(g->values.n, sizeof(uint32_t));
	ok = check_all(g, &r, e);
	xfree(r.memo_refs);
	xfree(r.cell_readers);
	xfree(r.path_refs);
	xfree(r.question_refs);
	xfree(r.value_refs);
	return ok;
}
