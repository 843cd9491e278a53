/* The algorithm: fetch finds the result of a query for a scope, verify asks whether one still holds, execute makes it.
 *
 * A mark says only "perhaps". verify goes through what the result was made from in the order in which it was read, so
 * it asks for nothing that the query itself would not ask for now; the first thing that really changed ends it. A
 * callee is brought up to date by fetch, never run in place: another scope may have made the right variant already. In
 * lists, members whose bytes changed are not a reason to run again: the list is put together anew from its trace, which
 * is sound because list_add lets the query see nothing of a member.
 *
 * All results of one (query, key) form a decision tree by the questions asked, so at most one valid path matches a
 * scope. During a commit old and new worlds are side by side: a fresh result goes before a stale one. */
#include "world/graph_impl.h"

static uint32_t execute(struct graph *, struct scope *, uint16_t query, uint32_t key, uint32_t old);

static bool is_list(const struct graph *g, uint16_t query)
{
	return g->queries[query]->shape != RESULT_BYTES;
}

static void add_child(struct graph *g, const struct result *r)
{
	VEC_ROOM(g->children, g->n_children, g->cap_children);
	g->children[g->n_children++] = r;
}

/* `head` is what the query emitted itself, or NULL. */
static const struct result *list_build(struct graph *g, uint16_t query, const struct result *head,
				       const uint32_t *trace, uint32_t n)
{
	g->n_children = 0;
	if (head)
		add_child(g, head);
	for (uint32_t i = 0; i < n; i++) {
		if ((trace[i] & EDGE_MEMO) && (trace[i] & EDGE_MEMBER))
			add_child(g, memo_at(g, trace[i] & EDGE_ID)->result);
	}
	return result_list(g->queries[query]->shape, g->children, g->n_children);
}

/* Equal content of one key is one buffer. Takes r. */
static const struct result *take_sibling(const struct memo *m, const struct memo *o,
					 const struct result *r)
{
	const struct result *shared;

	if (o == m || o->state >= MEMO_DEAD || o->query != m->query || o->key != m->key ||
	    !result_equal(o->result, r))
		return r;
	shared = result_ref(o->result);
	result_unref(r);
	return shared;
}

/* When a result changes in place, which is often, one other is looked at: the last with such a hash. */
static const struct result *share_recent(struct graph *g, uint32_t id, const struct result *r)
{
	uint32_t *recent = &g->recent[r->hash.h[0] % RECENT], other = *recent;

	*recent = id;
	return other ? take_sibling(memo_at(g, id), memo_at(g, other), r) : r;
}

/* A new one is compared with all. */
static const struct result *share(struct graph *g, uint32_t id, const struct result *r)
{
	const struct memo *m = memo_at(g, id);
	const struct result *shared = r;

	for (uint32_t i = *memo_bucket(g, m->query, m->key); i && shared == r;
	     i = memo_at(g, i)->next)
		shared = take_sibling(m, memo_at(g, i), r);
	g->recent[shared->hash.h[0] % RECENT] = id;
	return shared;
}

/* Takes r. */
static void set_result(struct graph *g, uint32_t id, const struct result *r)
{
	struct memo *m = memo_at(g, id);

	if (result_equal(m->result, r)) {
		result_unref(r);
		return;
	}
	result_unref(m->result);
	m->result = share_recent(g, id, r);
	m->changed_at = g->now;
}

static void patch(struct graph *g, uint32_t id)
{
	struct memo *m = memo_at(g, id);
	const struct result *head =
		g->queries[m->query]->shape == RESULT_CONCAT ? m->result->child[0] : NULL;

	g->n_patches++;
	set_result(g, id, list_build(g, m->query, head, edges_cv(&m->trace), m->trace.n));
}

/* Whether callee `id` is still what the caller read; brings it up to date for that. */
static bool verify_callee(struct graph *g, struct scope *s, uint32_t id)
{
	const struct memo *m = memo_at(g, id);
	uint16_t query = m->query;
	uint32_t key = m->key;

	if (m->state != MEMO_MAYBE)
		return m->state == MEMO_CLEAN;
	if (MUTATED(MUTATE_DIRECT))
		return memo_verify(g, s, id) || execute(g, s, query, key, id) == id;
	return memo_fetch(g, s, query, key) == id;
}

bool memo_verify(struct graph *g, struct scope *s, uint32_t id)
{
	struct memo *m = memo_at(g, id);
	uint16_t query = m->query;
	bool list = is_list(g, query), members_changed = false;

	if (m->state != MEMO_MAYBE)
		return m->state == MEMO_CLEAN;
	for (uint32_t i = 0; m = memo_at(g, id), i < m->trace.n; i++) {
		uint32_t e = edges_cv(&m->trace)[i], verified_at = m->verified_at;

		if (!(e & EDGE_MEMO)) {
			if (e & EDGE_CITED)
				continue;
			if (cell_at(g, e)->changed_at > verified_at &&
			    !(MUTATED(MUTATE_PATCH) && list))
				return false;
			continue;
		}
		if (!verify_callee(g, s, e & EDGE_ID))
			return false;
		if (memo_at(g, e & EDGE_ID)->changed_at > verified_at) {
			if (!(e & EDGE_MEMBER))
				return false;
			members_changed = true;
		}
	}
	m->verified_at = g->now;
	m->state = MEMO_CLEAN;
	if (members_changed)
		patch(g, id);
	return true;
}

/* A clean result that the scope matches, or 0 and what stale ones it matches: the first in *ret_stale, and whether
 * there are more. */
static uint32_t lookup(struct graph *g, struct scope *s, uint16_t query, uint32_t key,
		       uint32_t *ret_stale, bool *ret_more)
{
	uint32_t generation, next;

again:
	generation = g->generation;
	*ret_stale = 0;
	*ret_more = false;
	for (uint32_t i = *memo_bucket(g, query, key); i; i = next) {
		const struct memo *m = memo_at(g, i);
		bool matches;

		next = m->next;
		if (m->query != query || m->key != key)
			continue;
		matches = scope_matches(g, s, m->path);
		/* A derived answer was made: the chain may be another one now. */
		if (generation != g->generation && !MUTATED(MUTATE_RESTART))
			goto again;
		if (!matches)
			continue;
		if (memo_at(g, i)->state == MEMO_CLEAN)
			return i;
		if (*ret_stale)
			*ret_more = true;
		else
			*ret_stale = i;
	}
	return 0;
}

/* After a commit that stopped half way a scope may match several stale results, of different revisions. */
static uint32_t verify_others(struct graph *g, struct scope *s, uint16_t query, uint32_t key)
{
	struct ids stale = { 0 };
	uint32_t found = 0;

	for (uint32_t i = *memo_bucket(g, query, key); i; i = memo_at(g, i)->next) {
		if (memo_at(g, i)->query == query && memo_at(g, i)->key == key)
			ids_push(&stale, i);
	}
	for (uint32_t i = 0; i < stale.n && !found; i++) {
		const struct memo *m = memo_at(g, stale.v[i]);

		/* The slot of one that has gone may be another's by now. */
		if (m->state < MEMO_DEAD && m->query == query && m->key == key &&
		    scope_matches(g, s, m->path) && memo_verify(g, s, stale.v[i]))
			found = stale.v[i];
	}
	xfree(stale.v);
	return found;
}

uint32_t memo_fetch(struct graph *g, struct scope *s, uint16_t query, uint32_t key)
{
	uint32_t stale, found;
	bool more;

	found = lookup(g, s, query, key, &stale, &more);
	if (found)
		return found;
	if (stale && memo_verify(g, s, stale))
		return stale;
	if (more && (found = verify_others(g, s, query, key)))
		return found;
	return execute(g, s, query, key, stale);
}

/* A memo that was looked at and is a member too keeps both entries: then a change of it is seen as that of something
 * looked at, which no patch can answer. So does a cell that was read and is cited. */
static uint32_t drop_repetitions(struct graph *g, struct ids *trace, bool *ret_twice)
{
	enum { LOOKED_AT = 1, MEMBER = 2 };
	uint32_t n = 0, *seen;

	*ret_twice = false;
	if (trace->n < 2)
		return trace->n;
	scratch_begin(&g->scratch, trace->n);
	for (uint32_t i = 0; i < trace->n; i++) {
		uint32_t e = trace->v[i], how = e & EDGE_MEMBER ? MEMBER : LOOKED_AT;

		scratch_add(&g->scratch, e & ~EDGE_MEMBER, &seen);
		if (*seen & how)
			continue;
		*seen |= how;
		*ret_twice |= *seen == (LOOKED_AT | MEMBER);
		trace->v[n++] = e;
	}
	return n;
}

static const struct result *run_result(struct graph *g, struct run *r, const struct memo *old)
{
	uint16_t query = (uint16_t)r->query;
	const struct result *head, *all;

	assert(!r->out.overflow);
	switch (g->queries[query]->shape) {
	case RESULT_BYTES: return result_bytes(r->out.p, r->out.len);
	case RESULT_LIST: return list_build(g, query, NULL, r->trace.v, r->trace.n);
	case RESULT_CONCAT: break;
	}
	head = result_bytes(r->out.p, r->out.len);
	if (old && result_equal(old->result->child[0], head)) {
		result_unref(head);
		head = result_ref(old->result->child[0]);
	}
	all = list_build(g, query, head, r->trace.v, r->trace.n);
	result_unref(head);
	return all;
}

/* The memo that this run brings up to date: one with the same path. A clean one would be a second valid result for one
 * path, the sharpest alarm there is. */
static uint32_t same_path(const struct graph *g, uint16_t query, uint32_t key, uint32_t path)
{
	for (uint32_t i = *memo_bucket(g, query, key); i; i = memo_at(g, i)->next) {
		const struct memo *m = memo_at(g, i);

		if (m->query == query && m->key == key && m->path == path) {
			assert(m->state == MEMO_MAYBE);
			return i;
		}
	}
	return 0;
}

static uint32_t execute(struct graph *g, struct scope *s, uint16_t query, uint32_t key,
			uint32_t old)
{
	struct run *r = run_push(g, s, query, key);
	const struct result *result;
	uint32_t path, id;
	struct memo *m;
	bool twice;

	g->queries[query]->run(r, key);
	g->n_runs++;
	g->counts[query].runs++;
	MUTATION_RUN_ENDS(r);
	path = path_intern(g, r->path.v, r->path.n);
	r->trace.n = drop_repetitions(g, &r->trace, &twice);
	id = same_path(g, query, key, path);
	result = run_result(g, r, old ? memo_at(g, old) : NULL);
	if (MUTATED(MUTATE_CUTOFF) && !id && old && result_equal(memo_at(g, old)->result, result)) {
		path_unref(g, memo_at(g, old)->path);
		memo_at(g, old)->path = path;
		path_ref(g, path);
		id = old;
	}
	if (id) {
		m = memo_at(g, id);
		g->n_cutoffs += result_equal(m->result, result);
		set_result(g, id, result);
	} else {
		id = memo_new(g, query, key);
		m = memo_at(g, id);
		m->path = path;
		path_ref(g, path);
		m->result = share(g, id, result);
		m->changed_at = g->now;
		/* Unless somebody takes it before the commit ends. */
		ids_push(&g->idle_memos, id);
	}
	m->verified_at = g->now;
	m->state = MEMO_CLEAN;
	memo_set_trace(g, id, r->trace.v, r->trace.n, twice);
	memo_set_diag(g, id, &r->diag);
	run_pop(g);
	if (old && old != id)
		memo_kill(g, old);
	return id;
}
