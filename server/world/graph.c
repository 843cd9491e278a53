/* Bindings and commits. A binding is what keeps a root result alive and current for a scope; a commit marks what the
 * touched cells may have made stale, up to the bindings, and then brings each marked binding up to date by pulling. */
#include "base/clock.h"
#include "world/graph_impl.h"

struct graph *graph_new(struct keys *keys, const struct query *const *queries, size_t n,
			answer_fn *answer)
{
	struct graph *g = xcalloc(1, sizeof *g);

	assert(n < QUESTION_DERIVED);
	g->keys = keys;
	g->queries = queries;
	g->n_queries = (uint32_t)n;
	g->answer = answer;
	g->now = g->epoch = 1;
	pages_init(&g->cells, sizeof(struct cell));
	pages_init(&g->memos, sizeof(struct memo));
	pages_init(&g->questions, sizeof(struct question));
	pages_init(&g->values, sizeof(struct value));
	pages_init(&g->paths, sizeof(struct path));
	g->n_cell_buckets = g->n_memo_buckets = 1024;
	g->n_question_buckets = g->n_value_buckets = g->n_path_buckets = 256;
	g->cell_buckets = xcalloc(g->n_cell_buckets, sizeof(uint32_t));
	g->memo_buckets = xcalloc(g->n_memo_buckets, sizeof(uint32_t));
	g->question_buckets = xcalloc(g->n_question_buckets, sizeof(uint32_t));
	g->value_buckets = xcalloc(g->n_value_buckets, sizeof(uint32_t));
	g->path_buckets = xcalloc(g->n_path_buckets, sizeof(uint32_t));
	g->n_scope_buckets = 64;
	g->scope_buckets = xcalloc(g->n_scope_buckets, sizeof(struct scope *));
	g->counts = xcalloc(n + 1, sizeof *g->counts);
	g->urgent = xcalloc(n + 1, sizeof *g->urgent);
	/* 0 is none of them. */
	VEC_ROOM(g->bindings, g->n_bindings, g->cap_bindings);
	VEC_ROOM(g->diags, g->n_diags, g->cap_diags);
	g->n_bindings = g->n_diags = 1;
	return g;
}

static void runs_fini(struct graph *g)
{
	for (size_t i = 0; i < RUN_DEPTH_MAX && g->runs[i]; i++) {
		arena_fini(&g->runs[i]->arena);
		buf_fini(&g->runs[i]->out);
		xfree(g->runs[i]->trace.v);
		xfree(g->runs[i]->path.v);
		xfree(g->runs[i]->asked.v);
		xfree(g->runs[i]);
	}
}

static void lists_fini(struct graph *g)
{
	struct ids *const all[] = { &g->free_bindings,  &g->free_diags,  &g->touched,
				    &g->marking,        &g->dirty[0],    &g->dirty[1],
				    &g->idle_memos,     &g->idle_cells,  &g->idle_paths,
				    &g->idle_questions, &g->idle_values, &g->added,
				    &g->removed };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		xfree(all[i]->v);
	xfree(g->children);
	xfree(g->scratch.v);
}

void graph_free(struct graph *g)
{
	if (!g)
		return;
	assert(!g->depth);
	for (uint32_t i = 1; i < g->n_bindings; i++) {
		if (g->bindings[i].used)
			result_unref(g->bindings[i].published);
	}
	xfree(g->bindings);
	for (uint32_t i = 1; i < g->memos.n; i++) {
		if (memo_at(g, i)->state < MEMO_DEAD)
			result_unref(memo_at(g, i)->result);
	}
	for (uint32_t i = 1; i < g->n_diags; i++) {
		if (g->diags[i]) {
			diag_fini(&g->diags[i]->diag);
			xfree(g->diags[i]);
		}
	}
	xfree(g->diags);
	/* Traces, readers and paths that are too long for the pool have blocks of their own. */
	for (uint32_t i = 1; i < g->memos.n; i++) {
		edges_fini(&g->pool, &memo_at(g, i)->trace);
		edges_fini(&g->pool, &memo_at(g, i)->parents);
	}
	for (uint32_t i = 1; i < g->cells.n; i++)
		edges_fini(&g->pool, &cell_at(g, i)->readers);
	for (uint32_t i = 1; i < g->paths.n; i++)
		edges_fini(&g->pool, &path_at(g, i)->v);
	scopes_fini(g);
	runs_fini(g);
	lists_fini(g);
	pages_fini(&g->cells);
	pages_fini(&g->memos);
	pages_fini(&g->questions);
	pages_fini(&g->values);
	pages_fini(&g->paths);
	pool_fini(&g->pool);
	xfree(g->cell_buckets);
	xfree(g->memo_buckets);
	xfree(g->question_buckets);
	xfree(g->value_buckets);
	xfree(g->path_buckets);
	xfree(g->counts);
	xfree(g->urgent);
	xfree(g->hooks);
	xfree(g);
}

void graph_set_urgent(struct graph *g, unsigned query)
{
	assert(query < g->n_queries);
	g->urgent[query] = true;
}

/* Adds the memos behind the derived questions of a path, callees first, each once by the stamp. */
static void collect_derived(struct graph *g, struct scope *s, uint32_t path, struct edges *ret)
{
	if (!path_is_derived(g, path))
		return;
	for (uint32_t i = 0; i < path_at(g, path)->v.n; i += 2) {
		uint32_t question = edges_cv(&path_at(g, path)->v)[i], id;
		struct question *q = question_at(g, question);

		if (!(q->kind & QUESTION_DERIVED) || q->stamp == g->question_stamp)
			continue;
		q->stamp = g->question_stamp;
		id = memo_fetch(g, s, q->kind & (QUESTION_DERIVED - 1), q->arg);
		collect_derived(g, s, memo_at(g, id)->path, ret);
		edges_push(&g->pool, ret, id);
	}
}

/* Finds the root by lookup, and ties the binding to it and to what decides that it is the right one. */
static void binding_resolve(struct graph *g, uint32_t at)
{
	struct binding *b = &g->bindings[at];
	uint32_t id = memo_fetch(g, b->scope, b->query, b->key), old = b->root;
	struct edges derived = { 0 }, old_derived = b->derived;
	uint32_t from = at | EDGE_BINDING;

	g->question_stamp++;
	collect_derived(g, b->scope, memo_at(g, id)->path, &derived);
	b->root = id;
	b->derived = derived;
	if (id != old)
		edge_add(g, id | EDGE_MEMO, from);
	for (uint32_t i = 0; i < derived.n; i++)
		edge_add(g, edges_cv(&derived)[i] | EDGE_MEMO, from);
	for (uint32_t i = 0; i < old_derived.n; i++)
		edge_remove(g, edges_cv(&old_derived)[i] | EDGE_MEMO, from);
	if (old && id != old)
		edge_remove(g, old | EDGE_MEMO, from);
	edges_fini(&g->pool, &old_derived);
}

/* While what answers the derived questions says the same, the scope matches the same path: no lookup. */
static bool binding_holds(struct graph *g, const struct binding *b)
{
	for (uint32_t i = 0; i < b->derived.n; i++) {
		uint32_t id = edges_cv(&b->derived)[i];

		if (!memo_verify(g, b->scope, id) || memo_at(g, id)->changed_at > b->seen)
			return false;
	}
	return memo_verify(g, b->scope, b->root);
}

/* True when the content is another one. */
static bool binding_refresh(struct graph *g, uint32_t at)
{
	struct binding *b = &g->bindings[at];
	const struct result *old;
	bool changed;

	if (!b->root || !binding_holds(g, b))
		binding_resolve(g, at);
	b->seen = g->now;
	b->dirty = false;
	old = b->published;
	b->published = result_ref(memo_at(g, b->root)->result);
	/* Another path to the same content is no news. */
	changed = !old || !result_equal(old, b->published);
	result_unref(old);
	return changed;
}

uint32_t graph_bind(struct graph *g, struct scope *s, unsigned query, uint32_t key, void *owner)
{
	uint32_t at;

	assert(!g->touched.n && !g->depth && !g->calling_out && query < g->n_queries);
	if (g->free_bindings.n) {
		at = g->free_bindings.v[--g->free_bindings.n];
	} else {
		assert(g->n_bindings <= EDGE_ID);
		VEC_ROOM(g->bindings, g->n_bindings, g->cap_bindings);
		at = g->n_bindings++;
	}
	s->refs++;
	g->bindings[at] = (struct binding){
		.scope = s, .query = (uint16_t)query, .key = key, .owner = owner, .used = true
	};
	g->n_bound++;
	binding_refresh(g, at);
	graph_collect(g);
	return at;
}

void graph_unbind(struct graph *g, uint32_t at)
{
	struct binding b;

	assert(at && at < g->n_bindings && g->bindings[at].used && !g->depth && !g->calling_out);
	b = g->bindings[at];
	g->bindings[at] = (struct binding){ 0 };
	ids_push(&g->free_bindings, at);
	g->n_bound--;
	edge_remove(g, b.root | EDGE_MEMO, at | EDGE_BINDING);
	for (uint32_t i = 0; i < b.derived.n; i++)
		edge_remove(g, edges_cv(&b.derived)[i] | EDGE_MEMO, at | EDGE_BINDING);
	edges_fini(&g->pool, &b.derived);
	result_unref(b.published);
	scope_unref(g, b.scope);
	graph_collect(g);
}

const struct result *graph_bound(const struct graph *g, uint32_t at)
{
	assert(at && at < g->n_bindings && g->bindings[at].used);
	return g->bindings[at].published;
}

static void mark(struct graph *g, const struct edges *above)
{
	const uint32_t *v = edges_cv(above);

	for (uint32_t i = 0; i < above->n; i++) {
		struct memo *m;

		if (v[i] & EDGE_BINDING) {
			struct binding *b = &g->bindings[v[i] & EDGE_ID];

			if (b->used && !b->dirty) {
				b->dirty = true;
				ids_push(&g->dirty[!g->urgent[b->query]], v[i] & EDGE_ID);
			}
			continue;
		}
		m = memo_at(g, v[i]);
		if (m->state != MEMO_CLEAN)
			continue;
		m->state = MEMO_MAYBE;
		g->n_marks++;
		ids_push(&g->marking, v[i]);
	}
}

static void mark_all(struct graph *g)
{
	for (uint32_t i = 0; i < g->touched.n; i++)
		mark(g, &cell_at(g, g->touched.v[i])->readers);
	g->touched.n = 0;
	while (g->marking.n) {
		uint32_t id = g->marking.v[--g->marking.n];

		if (MUTATED(MUTATE_MARKS) && id % 16 == 3)
			continue;
		mark(g, &memo_at(g, id)->parents);
	}
}

/* Revisions are words. Long before they run out, when nothing is stale, all there is becomes revision 1. */
static void rebase(struct graph *g)
{
	for (uint32_t i = 1; i < g->cells.n; i++)
		cell_at(g, i)->changed_at = MIN(cell_at(g, i)->changed_at, 1u);
	for (uint32_t i = 1; i < g->memos.n; i++)
		memo_at(g, i)->changed_at = memo_at(g, i)->verified_at = 1;
	for (uint32_t i = 1; i < g->n_bindings; i++)
		g->bindings[i].seen = 1;
	scopes_forget_answers(g);
	g->now = g->epoch = 1;
	for (uint32_t i = 0; i < g->touched.n; i++)
		cell_at(g, g->touched.v[i])->changed_at = 2;
}

static bool is_pending(const struct graph *g)
{
	return g->dirty_at[0] < g->dirty[0].n || g->dirty_at[1] < g->dirty[1].n;
}

bool graph_commit(struct graph *g, int64_t deadline_ns, changed_fn *changed, void *ctx)
{
	enum { REVISIONS = 1u << 31 };

	assert(!g->depth && !g->calling_out);
	if ((g->now >= REVISIONS || g->epoch >= REVISIONS) && !is_pending(g))
		rebase(g);
	assert(g->now < UINT32_MAX - 1);
	if (g->touched.n) {
		g->now++;
		g->epoch++;
		mark_all(g);
	}
	for (unsigned q = 0; q < ARRAY_LEN(g->dirty);) {
		uint32_t at;

		if (g->dirty_at[q] == g->dirty[q].n) {
			g->dirty_at[q] = g->dirty[q].n = 0;
			q++;
			continue;
		}
		at = g->dirty[q].v[g->dirty_at[q]++];
		if (!g->bindings[at].used || !g->bindings[at].dirty)
			continue;
		if (binding_refresh(g, at) && changed) {
			g->calling_out = true;
			changed(ctx, g->bindings[at].owner, at, g->bindings[at].published);
			g->calling_out = false;
		}
		if (deadline_ns && is_pending(g) && clock_mono_ns() >= deadline_ns)
			break;
	}
	graph_collect(g);
	return !is_pending(g);
}
