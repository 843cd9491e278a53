/* world/graph.h
 * The query graph: results of pure functions of the world and of a proxy's facts, with what each was made from. A
 * change marks what may be stale, graph_commit brings every bound root up to date, and between commits nothing is
 * stale. (spec/tracked-reads.md is the idea and its proof; design section 1.)
 *
 * Owned by the model thread. Results are immutable and may be kept by any thread.
 */
#pragma once
#include "world/keys.h"
#include "world/result.h"

struct graph;
struct run;
struct scope;
struct arena;
struct diag;
struct err;

/* One row per query; the tables are constant. Queries are numbered across the layers: a layer's enum starts where the
 * one below ends (model/queries.h, translate/queries.h), and graph_new gets the concatenation. */
struct query {
	const char *name;
	enum result_shape shape;
	uint8_t level; /* calls lower levels only, and its own if recursive */
	bool recursive;
	void (*run)(struct run *, uint32_t key);
	bool selects; /* says what is there or seen: no source of what its callers make of that (graph_explain) */
};

/* A kind of question about the proxy. The answer must depend on the arguments only. */
typedef uint32_t answer_fn(const struct keys *, const void *facts, unsigned question, uint32_t arg);

struct graph *graph_new(struct keys *, const struct query *const *queries, size_t n,
			answer_fn *answer);
void graph_free(struct graph *);

/* Cells, written by store and indexes only. `value` is borrowed until the next set of the cell; NULL is absence. */
void graph_set(struct graph *, unsigned kind, uint32_t key, const void *value);
void graph_touch(struct graph *, unsigned kind, uint32_t key); /* the value was changed in place */
const void *graph_get(const struct graph *, unsigned kind, uint32_t key); /* outside of queries */
bool graph_has_cell(const struct graph *, unsigned kind, uint32_t key);
/* Called when a query first reads a cell of this kind that nobody has set: may set it (lazily filled ranges). */
typedef void miss_fn(void *ctx, unsigned kind, uint32_t key);
void graph_on_miss(struct graph *, unsigned kind, miss_fn *, void *ctx);

/* Scopes are interned: equal facts (as bytes) give the same scope, with one more reference. Facts are copied; they are
 * a plain struct without pointers. Without facts (len 0) every question is answered 0. */
struct scope *graph_scope(struct graph *, const void *facts, size_t len);
void scope_unref(struct graph *, struct scope *);
const void *scope_facts(const struct scope *, size_t *ret_len);

/* Keeps the result of (query, key) for `scope` up to date until unbound. No edit may be uncommitted. Takes its own
 * reference of scope. `owner` comes back in changed_fn. */
uint32_t graph_bind(struct graph *, struct scope *, unsigned query, uint32_t key, void *owner);
void graph_unbind(struct graph *, uint32_t binding);
const struct result *graph_bound(const struct graph *,
				 uint32_t binding); /* borrowed until the next commit */

/* Bindings of this root are brought up to date before all others: endpoints, so that a removal does not wait. */
void graph_set_urgent(struct graph *, unsigned query);
/* Ends an edit. Calls `changed` for each binding whose content is another one than before; where content is equal,
 * graph_bound may give another copy of it. With a deadline (monotonic ns, 0 none) it may stop between two bindings and
 * return false; call again to go on, also with more edits made meanwhile; until then binding and unbinding are allowed
 * unless there are such edits. Nothing may be bound, unbound or set inside `changed`. */
typedef void changed_fn(void *ctx, void *owner, uint32_t binding, const struct result *now);
bool graph_commit(struct graph *, int64_t deadline_ns, changed_fn *, void *ctx);

/* ---- Inside a query: the only ways to the world and to the proxy. Pointers live until the query returns. ---- */
const void *read_cell(struct run *, unsigned kind, uint32_t key);
uint32_t ask(struct run *, unsigned question, uint32_t arg);
static inline bool ask_is(struct run *r, unsigned question, uint32_t arg)
{
	return ask(r, question, arg) != 0;
}
const struct result *ask_query(struct run *, unsigned query, uint32_t key); /* derived: by value */
const struct result *call_query(struct run *, unsigned query, uint32_t key);
void list_add(struct run *, unsigned query,
	      uint32_t key); /* LIST and CONCAT only; nothing comes back */
void run_emit(struct run *, const void *bytes, size_t n); /* appends to the result's own bytes */
/* Names a cell that has a value as a source of the result: a member that the query has made use of, where the trace has
 * only the entry. graph_explain and graph_impact show it; it makes nothing stale and nothing may follow from it. */
void cite_cell(struct run *, unsigned kind, uint32_t key);
struct arena *run_arena(struct run *); /* emptied when the query returns */
struct diag *run_diag(struct run *);   /* kept with the result until it is run again */
struct keys *run_keys(struct run *);

static inline uint32_t run_key(struct run *r, const char *s)
{
	return key_str(run_keys(r), s);
}
static inline uint32_t run_pair(struct run *r, uint32_t a, uint32_t b)
{
	return key_pair(run_keys(r), a, b);
}
static inline const char *run_text(struct run *r, uint32_t key)
{
	return key_text(run_keys(r), key);
}

/* ---- Reading the traces. ---- */
/* What a binding was built from: each cell once, read or cited. With `wanted` only the sources of the parts that it picks:
 * it is asked of the root, and of the members of what it wants the members of, whose own reads do not count. What it wants
 * whole counts with all that is below, of which it is not asked, but for what queries that select have read. */
enum want { WANT_NONE, WANT_MEMBERS, WANT_WHOLE };
typedef enum want wanted_fn(void *ctx, unsigned query, uint32_t key, const struct result *);
typedef void trace_fn(void *ctx, unsigned depth, unsigned kind, uint32_t key);
void graph_explain(const struct graph *, uint32_t binding, wanted_fn *, trace_fn *, void *ctx);
/* The other way round: of which parts would graph_explain name one of some cells? For many bindings at once; no edit and no
 * commit in between. `within` is the CONCAT that the part is a piece of, or NULL. */
struct reach;
struct reach *reach_new(const struct graph *, wanted_fn *, void *ctx);
void reach_free(struct reach *);
void reach_add(struct reach *, unsigned kind, uint32_t key); /* before the first reach_parts */
typedef void part_fn(void *ctx, unsigned query, const struct result *part,
		     const struct result *within);
void reach_parts(struct reach *, uint32_t binding, part_fn *, void *ctx);
/* The bindings that (kind, key) reaches, each with the memos just above the cell: fn(query, key of the memo). */
typedef void impact_fn(void *ctx, void *owner, uint32_t binding, unsigned query, uint32_t key);
void graph_impact(const struct graph *, unsigned kind, uint32_t key, impact_fn *, void *ctx);
/* Problems found by queries whose results are live. */
typedef void problem_fn(void *ctx, unsigned query, uint32_t key, const struct diag *);
void graph_problems(const struct graph *, problem_fn *, void *ctx);
/* Of these, the ones below one binding, each once, in no particular order. */
void graph_problems_of(const struct graph *, uint32_t binding, problem_fn *, void *ctx);
uint64_t graph_problem_generation(
	const struct graph *); /* moves when graph_problems may answer otherwise */

bool graph_check(const struct graph *,
		 struct err *); /* the invariants of spec section 10; O(graph) */

struct graph_stats {
	size_t bookkeeping_bytes, result_bytes;
	uint32_t n_cells, n_memos, n_bindings, n_scopes, n_paths, n_questions;
	uint64_t n_runs, n_cutoffs, n_patches, n_marks;
};
void graph_stats(const struct graph *, struct graph_stats *ret);
struct query_stats {
	uint32_t n_memos, n_keys;
	uint64_t n_runs;
	size_t result_bytes, bookkeeping_bytes;
};
void graph_query_stats(const struct graph *, unsigned query, struct query_stats *ret);
