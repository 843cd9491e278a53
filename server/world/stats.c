/* What the graph costs. Counted by walking, so that edits pay nothing for it. A cell that has a value would be there
 * without any query and is counted to the store; all the rest is bookkeeping, room not used included. */
#include "world/graph_impl.h"

static size_t own_bytes(const struct result *r)
{
	return sizeof *r + (r->shape == RESULT_BYTES ? r->n : r->n * sizeof r->child[0]);
}

/* The result of a memo, unless another one further on in its chain is counted for it: only results of one key share
 * buffers. The head of a CONCAT is nobody else's. */
static size_t result_bytes_of(const struct graph *g, const struct memo *m, bool *ret_last_of_key)
{
	*ret_last_of_key = true;
	for (uint32_t i = m->next; i; i = memo_at(g, i)->next) {
		const struct memo *o = memo_at(g, i);

		if (o->query != m->query || o->key != m->key)
			continue;
		*ret_last_of_key = false;
		if (o->result == m->result)
			return 0;
	}
	return own_bytes(m->result) +
	       (m->result->shape == RESULT_CONCAT ? own_bytes(m->result->child[0]) : 0);
}

static size_t scopes_bytes(const struct graph *g)
{
	size_t bytes = g->n_scope_buckets * sizeof(struct scope *);

	for (uint32_t i = 0; i < g->n_scope_buckets; i++) {
		for (const struct scope *s = g->scope_buckets[i]; s; s = s->next)
			bytes += sizeof *s + s->len + s->n_match +
				 s->cap_answers * sizeof *s->answers;
	}
	return bytes;
}

static size_t lists_bytes(const struct graph *g)
{
	const struct ids *const all[] = { &g->free_bindings,  &g->free_diags,  &g->touched,
					  &g->marking,        &g->dirty[0],    &g->dirty[1],
					  &g->idle_memos,     &g->idle_cells,  &g->idle_paths,
					  &g->idle_questions, &g->idle_values, &g->added,
					  &g->removed };
	size_t words = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		words += all[i]->cap;
	return words * sizeof(uint32_t) + g->scratch.cap * sizeof *g->scratch.v +
	       g->cap_children * sizeof *g->children;
}

void graph_stats(const struct graph *g, struct graph_stats *ret)
{
	size_t bytes, n_store = 0, result_bytes = 0;
	bool last;

	for (uint32_t i = 1; i < g->cells.n; i++) {
		const struct cell *c = cell_at(g, i);

		n_store += !(c->kind & CELL_FREE) && c->value;
	}
	for (uint32_t i = 1; i < g->memos.n; i++) {
		if (memo_at(g, i)->state < MEMO_DEAD)
			result_bytes += result_bytes_of(g, memo_at(g, i), &last);
	}
	bytes = pages_bytes(&g->cells) + g->n_cell_buckets * sizeof(uint32_t);
	bytes -= n_store * (sizeof(struct cell) + sizeof(uint32_t));
	bytes += pages_bytes(&g->memos) + g->n_memo_buckets * sizeof(uint32_t);
	bytes += pages_bytes(&g->questions) + g->n_question_buckets * sizeof(uint32_t);
	bytes += pages_bytes(&g->values) + g->n_value_buckets * sizeof(uint32_t);
	bytes += pages_bytes(&g->paths) + g->n_path_buckets * sizeof(uint32_t);
	bytes += pool_bytes(&g->pool) + scopes_bytes(g) + lists_bytes(g);
	bytes += g->cap_bindings * sizeof *g->bindings;
	*ret = (struct graph_stats){
		.bookkeeping_bytes = bytes,
		.result_bytes = result_bytes,
		.n_cells = g->n_cells,
		.n_memos = g->n_memos,
		.n_bindings = g->n_bound,
		.n_scopes = g->n_scopes,
		.n_paths = g->n_paths,
		.n_questions = g->n_questions,
		.n_runs = g->n_runs,
		.n_cutoffs = g->n_cutoffs,
		.n_patches = g->n_patches,
		.n_marks = g->n_marks,
	};
}

void graph_query_stats(const struct graph *g, unsigned query, struct query_stats *ret)
{
	struct query_stats s = { 0 };

	assert(query < g->n_queries);
	for (uint32_t i = 1; i < g->memos.n; i++) {
		const struct memo *m = memo_at(g, i);
		bool last;

		if (m->state >= MEMO_DEAD || m->query != query)
			continue;
		s.n_memos++;
		s.bookkeeping_bytes += sizeof *m + sizeof(uint32_t) + edges_bytes(&m->trace) +
				       edges_bytes(&m->parents);
		s.result_bytes += result_bytes_of(g, m, &last);
		s.n_keys += last;
	}
	s.n_runs = g->counts[query].runs;
	*ret = s;
}
