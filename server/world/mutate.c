/* The switches of the test build, and which (query, cell kind) and (query, question) pairs a run has seen, so that a
 * test can take each in turn. */
#include "world/graph_impl.h"

#ifdef MAINSHEET_MUTATE
enum { SEEN_MAX = 1 << 14 };
static struct {
	enum mutation mode;
	unsigned query, what;
	uint64_t seen[SEEN_MAX]; /* hashed; 0 is free */
	unsigned n_seen;
} mutation;

void graph_mutate(enum mutation mode, unsigned query, unsigned what)
{
	mutation.mode = mode;
	mutation.query = query;
	mutation.what = what;
}

static uint64_t pack(bool ask, unsigned query, unsigned what)
{
	return UINT64_C(1) << 63 | (uint64_t)ask << 62 | (uint64_t)query << 31 | what;
}

static void remember(bool ask, unsigned query, unsigned what)
{
	uint64_t pair = pack(ask, query, what);
	unsigned i = (unsigned)(pair * UINT64_C(0x9e3779b97f4a7c15) >> 50);

	for (; mutation.seen[i % SEEN_MAX]; i++) {
		if (mutation.seen[i % SEEN_MAX] == pair)
			return;
	}
	if (mutation.n_seen < SEEN_MAX / 2) {
		mutation.seen[i % SEEN_MAX] = pair;
		mutation.n_seen++;
	}
}

void graph_mutate_seen(void (*fn)(void *ctx, bool ask, unsigned query, unsigned what), void *ctx)
{
	for (unsigned i = 0; i < SEEN_MAX; i++) {
		uint64_t p = mutation.seen[i];

		if (p)
			fn(ctx, p >> 62 & 1, (unsigned)(p >> 31 & 0x7fffffff),
			   (unsigned)(p & 0x7fffffff));
	}
}

void graph_mutate_forget(void)
{
	for (unsigned i = 0; i < SEEN_MAX; i++)
		mutation.seen[i] = 0;
	mutation.n_seen = 0;
}

bool mutated(enum mutation m)
{
	return mutation.mode == m;
}

bool mutated_pair(enum mutation m, unsigned query, unsigned what)
{
	remember(m == MUTATE_ASK, query, what);
	return mutation.mode == m && (mutation.query == ~0u || mutation.query == query) &&
	       (mutation.what == ~0u || mutation.what == what);
}

void mutation_saw_read(const struct run *r, unsigned kind)
{
	remember(false, r->query, kind);
}

void mutation_saw_question(struct run *r, uint32_t question, unsigned what)
{
	ids_push(&r->asked, question);
	ids_push(&r->asked, what);
}

static bool is_in_path(const struct graph *g, uint32_t path, uint32_t question)
{
	const struct edges *v = path ? &path_at(g, path)->v : NULL;

	for (uint32_t i = 0; v && i < v->n; i += 2)
		if (edges_cv(v)[i] == question)
			return true;
	return false;
}

static bool is_asked_below(const struct run *r, uint32_t question)
{
	for (uint32_t i = 0; i < r->trace.n; i++) {
		uint32_t e = r->trace.v[i];

		if (e & EDGE_MEMO && is_in_path(r->g, memo_at(r->g, e & EDGE_ID)->path, question))
			return true;
	}
	return false;
}

void mutation_run_ends(struct run *r)
{
	for (uint32_t i = 0; i < r->asked.n; i += 2)
		if (!is_asked_below(r, r->asked.v[i]))
			remember(true, r->query, r->asked.v[i + 1]);
	r->asked.n = 0;
}
#endif
