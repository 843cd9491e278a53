/* What a query may do. Everything it learns about the world or the proxy comes through here and is recorded, in order
 * and with repetitions; execute makes each once at the end, because runs nest and a mark on a question or cell would be
 * overwritten by the run inside. */
#include "world/graph_impl.h"

struct graph *run_graph(struct run *r)
{
	return r->g;
}

struct run *run_push(struct graph *g, struct scope *s, uint16_t query, uint32_t key)
{
	struct run *r;

	for (uint32_t i = 0; i < g->depth; i++)
		assert((g->runs[i]->query != query || g->runs[i]->key != key) && "query cycle");
	assert(g->depth < RUN_DEPTH_MAX && "queries nested too deep");
	if (!g->runs[g->depth])
		g->runs[g->depth] = xcalloc(1, sizeof **g->runs);
	r = g->runs[g->depth++];
	r->g = g;
	r->scope = s;
	r->query = query;
	r->key = key;
	r->trace.n = r->path.n = 0;
	for (size_t i = 0; i < ARRAY_LEN(r->merged); i++)
		r->merged[i] = 0;
	buf_reset(&r->out);
	diag_init(&r->diag);
	return r;
}

void run_pop(struct graph *g)
{
	enum { KEEP = 256 << 10 };
	struct run *r = g->runs[--g->depth];

	arena_reset(&r->arena);
	diag_fini(&r->diag);
	if (r->out.cap > KEEP)
		buf_fini(&r->out);
}

const void *read_cell(struct run *r, unsigned kind, uint32_t key)
{
	const void *value;
	uint32_t cell = cell_read(r->g, kind, key, &value);

	MUTATION_SAW_READ(r, kind);
	if (!MUTATED_PAIR(MUTATE_READ, r->query, kind) && !(!value && MUTATED(MUTATE_ABSENCE)))
		ids_push(&r->trace, cell);
	return value;
}

void cite_cell(struct run *r, unsigned kind, uint32_t key)
{
	uint32_t cell = cell_find(r->g, kind, key);

	if (cell && cell_at(r->g, cell)->value)
		ids_push(&r->trace, cell | EDGE_CITED);
}

static void push_answer(struct run *r, uint32_t question, uint32_t answer)
{
	ids_push(&r->path, question);
	ids_push(&r->path, answer);
}

uint32_t ask(struct run *r, unsigned question, uint32_t arg)
{
	uint32_t q, answer;

	assert(question < QUESTION_DERIVED);
	q = question_intern(r->g, (uint16_t)question, arg);
	answer = scope_answer(r->g, r->scope, q);
	MUTATION_SAW_QUESTION(r, q, question);
	if (!MUTATED_PAIR(MUTATE_ASK, r->query, question))
		push_answer(r, q, answer);
	return answer;
}

static uint16_t callee(struct run *r, unsigned query)
{
	const struct query *caller = r->g->queries[r->query], *q;

	assert(query < r->g->n_queries);
	q = r->g->queries[query];
	assert((q->level < caller->level || (q->level == caller->level && caller->recursive)) &&
	       "a query calls lower levels only");
	return (uint16_t)query;
}

const struct result *ask_query(struct run *r, unsigned query, uint32_t key)
{
	struct graph *g = r->g;
	uint16_t q = callee(r, query);
	uint32_t id = memo_fetch(g, r->scope, q, key);
	uint32_t value = value_intern(g, memo_at(g, id)->result->hash);
	uint32_t question = question_intern(g, QUESTION_DERIVED | q, key);

	MUTATION_SAW_QUESTION(r, question, MUTATE_DERIVED | query);
	if (!MUTATED_PAIR(MUTATE_ASK, r->query, MUTATE_DERIVED | query))
		push_answer(r, question, value);
	return memo_at(g, id)->result;
}

/* All that was asked below was asked on behalf of the caller. */
static void merge_path(struct run *r, uint32_t path)
{
	uint32_t *last = &r->merged[path % ARRAY_LEN(r->merged)];
	const struct edges *v;

	if (!path || *last == path || MUTATED(MUTATE_MERGE))
		return;
	*last = path;
	v = &path_at(r->g, path)->v;
	for (uint32_t i = 0; i < v->n; i += 2)
		push_answer(r, edges_cv(v)[i], edges_cv(v)[i + 1]);
}

static const struct result *call(struct run *r, unsigned query, uint32_t key, uint32_t how)
{
	struct graph *g = r->g;
	uint32_t id = memo_fetch(g, r->scope, callee(r, query), key);

	ids_push(&r->trace, id | EDGE_MEMO | how);
	merge_path(r, memo_at(g, id)->path);
	return memo_at(g, id)->result;
}

const struct result *call_query(struct run *r, unsigned query, uint32_t key)
{
	return call(r, query, key, 0);
}

void list_add(struct run *r, unsigned query, uint32_t key)
{
	assert(r->g->queries[r->query]->shape != RESULT_BYTES);
	call(r, query, key, EDGE_MEMBER);
}

void run_emit(struct run *r, const void *bytes, size_t n)
{
	assert(r->g->queries[r->query]->shape != RESULT_LIST);
	buf_append(&r->out, bytes, n);
}

struct arena *run_arena(struct run *r)
{
	return &r->arena;
}

struct diag *run_diag(struct run *r)
{
	return &r->diag;
}

struct keys *run_keys(struct run *r)
{
	return r->g->keys;
}
