/* world/graph_impl.h
 * The inside of the query graph, shared by the files that implement it and by its tests. Everybody else uses graph.h.
 *
 * Who is where:
 *	edge.c		arrays of ids with size classes
 *	cell.c		the world as cells: interning, values, absence, marks of change
 *	path.c		questions, values, paths
 *	scope.c		interned facts, and which paths they match
 *	memo.c		results with their traces, edges in both directions, collection
 *	verify.c	fetch, verify, execute: the algorithm
 *	run.c		what a query may do
 *	graph.c		bindings and commits
 *	explain.c	reading the traces; reach.c the other way; stats.c figures; check.c invariants
 *
 * Names of things are ids into paged arrays. Pointers into pages are valid until something is allocated: after a call
 * that may run a query, look up again. All owned by the model thread.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "world/graph.h"
#include "world/mutate.h"
#include <assert.h>

enum {
	PAGE_BITS = 10,
	PAGE_SIZE = 1 << PAGE_BITS,
	ABSENCE_BUCKETS = 1024,
	KIND_MAX = 1 << 15,
	RECENT = 256,
	RUN_DEPTH_MAX = 512, /* running queries above one another */
};

/* Entries of traces: a cell, read or cited, or a memo, looked at or as member of a list. */
#define EDGE_MEMO 0x80000000u
#define EDGE_MEMBER 0x40000000u
#define EDGE_CITED EDGE_MEMBER
#define EDGE_ID 0x3fffffffu
/* Entries of reverse lists: a memo, or a binding. */
#define EDGE_BINDING 0x80000000u

/* An array of words: two inline, else a pointer in the same eight bytes. */
struct edges {
	uint32_t in[2];
	uint32_t n : 27, cls : 5;
};

enum { EDGE_CLASSES = 15 };
struct pool {
	uint32_t *free[EDGE_CLASSES];
	char *chunk;
	uint32_t left;
	char **chunks;
	uint32_t n_chunks, cap_chunks;
	size_t big_bytes;
};
void pool_fini(struct pool *);
size_t pool_bytes(const struct pool *);
enum { EDGES_BIG = 31 }; /* cls of a heap block, which begins with its size */
static inline uint32_t *edges_outside(const struct edges *e)
{
	uint32_t *p;

	__builtin_memcpy(&p, e->in, sizeof p);
	return p;
}
static inline const uint32_t *edges_cv(const struct edges *e)
{
	if (!e->cls)
		return e->in;
	return edges_outside(e) + (e->cls == EDGES_BIG ? 2 : 0);
}
/* Either way until the next change of these edges. */
static inline uint32_t *edges_v(struct edges *e)
{
	if (!e->cls)
		return e->in;
	return edges_outside(e) + (e->cls == EDGES_BIG ? 2 : 0);
}
size_t edges_bytes(const struct edges *); /* outside of the struct */
void edges_push(struct pool *, struct edges *, uint32_t);
void edges_set(struct pool *, struct edges *, const uint32_t *, uint32_t n);
void edges_fini(struct pool *, struct edges *);

/* A growing vector of ids, for work lists. */
struct ids {
	uint32_t *v;
	uint32_t n, cap;
};
static inline void ids_push(struct ids *a, uint32_t x)
{
	VEC_ROOM(a->v, a->n, a->cap);
	a->v[a->n++] = x;
}

/* An array that grows by pages, so that growing moves nothing; freed slots are used again. From 1. */
struct pages {
	char **v;
	uint32_t n, cap_v; /* slots given out, plus one */
	struct ids free;
	uint32_t size; /* of a slot */
};
void pages_init(struct pages *, uint32_t slot_size);
void pages_fini(struct pages *);
uint32_t pages_take(struct pages *); /* zeroed */
void pages_give(struct pages *, uint32_t id);
size_t pages_bytes(const struct pages *);
static inline void *pages_at(const struct pages *p, uint32_t id)
{
	return p->v[id >> PAGE_BITS] + (size_t)(id & (PAGE_SIZE - 1)) * p->size;
}

enum {
	CELL_ABSENT =
		1 << 16, /* an absence bucket of the kind; part of the identity, as the kind is */
	CELL_NAME = (1 << 17) - 1,
	CELL_FILLED = 1 << 17, /* set, or asked of its miss_fn */
	CELL_IDLE = 1 << 18,   /* in idle_cells */
	CELL_FREE = 1 << 19,
};
struct cell {
	const void *value;
	struct edges readers;
	uint32_t next, key, changed_at, n_readers;
	uint32_t kind; /* and flags */
};
_Static_assert(sizeof(struct cell) == 40, "the figure of the spec");

enum memo_state { MEMO_CLEAN, MEMO_MAYBE, MEMO_DEAD, MEMO_FREE };
enum {
	MEMO_TWICE = 1, /* the trace names a memo both as member and as looked at */
};
struct memo {
	const struct result *result;
	struct edges trace, parents;
	uint32_t next, key, path, changed_at, verified_at, n_refs;
	uint16_t query;
	uint8_t state, flags;
	uint32_t diag; /* slot in graph.diags, 0 none */
};
_Static_assert(sizeof(struct memo) == 64, "the figure of the spec");

struct memo_diag {
	struct diag diag;
	uint32_t memo;
};

enum { QUESTION_DERIVED = 0x8000, QUESTION_FREE = 0xffff };
struct question {
	uint32_t arg, refs, next; /* refs: paths */
	uint32_t stamp;           /* of collecting a binding's derived memos */
	uint16_t kind;            /* derived: QUESTION_DERIVED | query */
	uint16_t idle;
};

/* The value of a derived query as an answer: equal content, equal id. */
struct value {
	struct hash128 hash;
	uint32_t refs, next; /* refs: paths */
	bool idle, used;
};

enum { PATH_DERIVED = 1, PATH_IDLE = 2, PATH_USED = 4 };
struct path {
	struct edges v; /* question, answer, question, answer ... */
	uint32_t hash, refs, next, flags;
	uint32_t derived, derived_end; /* words of v that hold all its derived questions */
};

struct answer {
	uint32_t question, answer, epoch;
};
struct scope {
	struct scope *next;
	struct hash128 hash;
	uint32_t refs, len;
	uint8_t *match; /* per path, its intrinsic questions: 0 unknown, 1 yes, 2 no */
	uint32_t n_match;
	uint32_t n_answers, cap_answers; /* of derived questions, hashed; good for their epoch */
	struct answer *answers;
	_Alignas(16) uint8_t facts[];
};

struct binding {
	struct scope *scope;
	const struct result *published;
	void *owner;
	uint32_t root, key, seen;
	struct edges derived; /* memos that answer the path's derived questions, callees first */
	uint16_t query;
	bool used, dirty;
};

struct kind_hooks {
	miss_fn *miss;
	void (*idle)(void *ctx, unsigned kind, uint32_t key, const void *value);
	void *ctx;
};

struct run {
	struct graph *g;
	struct scope *scope;
	uint32_t query, key;
	struct ids trace, path; /* as they came; each once is made at the end */
	uint32_t merged[32];    /* paths of callees just merged */
	struct ids asked; /* in a build with mistakes: its own questions, each with its kind */
	struct buf out;
	struct arena arena;
	struct diag diag;
};

/* A scratch map from words to words, cleared by a serial. */
struct scratch {
	struct {
		uint32_t key, value, serial;
	} * v;
	uint32_t cap, serial;
};
void scratch_begin(struct scratch *, uint32_t n);
/* True when newly added; either way *ret_value is its place, until the next begin. */
bool scratch_add(struct scratch *, uint32_t key, uint32_t **ret_value);

struct query_count {
	uint64_t runs;
};

struct graph {
	struct keys *keys;
	const struct query *const *queries;
	uint32_t n_queries;
	answer_fn *answer;
	void *world; /* of world.c */

	uint32_t now, epoch; /* epoch: for which answers of derived questions are good */
	uint32_t generation; /* moves when a chain of memos does */

	struct pool pool;
	struct pages cells, memos, questions, values, paths;
	uint32_t *cell_buckets, *memo_buckets, *question_buckets, *value_buckets, *path_buckets;
	uint32_t n_cell_buckets, n_memo_buckets, n_question_buckets, n_value_buckets,
		n_path_buckets;
	uint32_t n_cells, n_memos, n_questions, n_values, n_paths; /* live */

	struct scope **scope_buckets;
	uint32_t n_scope_buckets, n_scopes;

	struct binding *bindings; /* from 1 */
	uint32_t n_bindings, cap_bindings, n_bound;
	struct ids free_bindings;

	struct memo_diag **diags; /* from 1; NULL: free */
	uint32_t n_diags, cap_diags;
	struct ids free_diags;
	uint64_t problem_generation;

	struct kind_hooks *hooks; /* by kind */
	uint32_t n_hooks;
	bool *urgent; /* by query */

	struct ids touched, marking;
	struct ids dirty[2]; /* urgent ones first; entries before dirty_at are done */
	uint32_t dirty_at[2];
	struct ids idle_memos, idle_cells, idle_paths, idle_questions, idle_values;
	struct ids added, removed; /* of edges, while a memo is replaced */
	const struct result **children;
	uint32_t n_children, cap_children;
	struct scratch scratch;
	uint32_t recent[RECENT]; /* memos whose result changed, by its hash; may be gone */
	uint32_t question_stamp;

	struct run *runs[RUN_DEPTH_MAX];
	uint32_t depth;
	bool calling_out; /* inside changed_fn */

	uint64_t n_runs, n_cutoffs, n_patches, n_marks;
	struct query_count *counts; /* by query */
};

static inline struct cell *cell_at(const struct graph *g, uint32_t id)
{
	return pages_at(&g->cells, id);
}
static inline struct memo *memo_at(const struct graph *g, uint32_t id)
{
	return pages_at(&g->memos, id);
}
static inline struct question *question_at(const struct graph *g, uint32_t id)
{
	return pages_at(&g->questions, id);
}
static inline struct path *path_at(const struct graph *g, uint32_t id)
{
	return pages_at(&g->paths, id);
}
static inline struct value *value_at(const struct graph *g, uint32_t id)
{
	return pages_at(&g->values, id);
}

/* cell.c */
uint32_t cell_find(const struct graph *, uint32_t kind, uint32_t key); /* 0: there is none */
uint32_t cell_intern(struct graph *, uint32_t kind, uint32_t key);
uint32_t cell_read(struct graph *, unsigned kind, uint32_t key, const void **ret_value);
void cells_collect(struct graph *);
void cell_idle(struct graph *, uint32_t id);
/* Called with the value of a cell of a kind with a miss_fn when nobody reads it any more; the cell is gone after. */
void graph_on_idle(struct graph *, unsigned kind,
		   void (*)(void *ctx, unsigned kind, uint32_t key, const void *value));
/* Another pointer to what is the same value for every reader: nothing has changed. */
void graph_replace(struct graph *, unsigned kind, uint32_t key, const void *value);
/* Calls fn for each cell that has a value, in no order. fn may not set any. */
void graph_each_value(const struct graph *,
		      void (*fn)(void *ctx, unsigned kind, uint32_t key, const void *value),
		      void *ctx);

/* path.c */
uint32_t question_intern(struct graph *, uint16_t kind, uint32_t arg);
uint32_t question_find(const struct graph *, uint16_t kind, uint32_t arg);
uint32_t value_intern(struct graph *, struct hash128);
uint32_t value_find(const struct graph *, struct hash128);
/* Takes pairs of question and answer with repetitions, which are dropped in place. 0 for none. */
uint32_t path_intern(struct graph *, uint32_t *pairs, uint32_t n_words);
void path_ref(struct graph *, uint32_t path);
void path_unref(struct graph *, uint32_t path);
static inline bool path_is_derived(const struct graph *g, uint32_t path)
{
	return path && (path_at(g, path)->flags & PATH_DERIVED);
}
void paths_collect(struct graph *);

/* scope.c */
bool scope_matches(struct graph *, struct scope *, uint32_t path); /* may run queries */
uint32_t scope_answer(struct graph *, struct scope *, uint32_t question);
void scopes_forget_path(struct graph *, uint32_t path);
void scopes_forget_answers(struct graph *);
void scopes_fini(struct graph *);

/* memo.c */
uint32_t memo_new(struct graph *, uint16_t query, uint32_t key);
static inline uint32_t *memo_bucket(const struct graph *g, uint16_t query, uint32_t key)
{
	return &g->memo_buckets[hash_u32(query, key) & (g->n_memo_buckets - 1)];
}
void memo_kill(struct graph *, uint32_t id);
void memo_set_trace(struct graph *, uint32_t id, const uint32_t *v, uint32_t n, bool twice);
void memo_set_diag(struct graph *, uint32_t id, struct diag *taken);
void edge_add(struct graph *, uint32_t target, uint32_t from);
void edge_remove(struct graph *, uint32_t target, uint32_t from);
/* Whether `from`, an entry of target's reverse list, is true: by the forward edges. */
bool edge_is_live(const struct graph *, uint32_t target, uint32_t from);
void graph_collect(struct graph *);

/* explain.c */
bool path_asks(const struct graph *, uint32_t path, uint32_t question);
/* Has the memo asked the derived question itself, and none of its callees? */
bool memo_asks(const struct graph *, const struct memo *, uint32_t question);

/* verify.c */
uint32_t memo_fetch(struct graph *, struct scope *, uint16_t query, uint32_t key);
bool memo_verify(struct graph *, struct scope *, uint32_t id);

/* run.c */
struct run *run_push(struct graph *, struct scope *, uint16_t query, uint32_t key);
void run_pop(struct graph *);
struct graph *run_graph(struct run *);
