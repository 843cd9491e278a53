/* world/mutate.h
 * Deliberate mistakes, so that the tests can prove that they would notice (spec/tracked-reads.md section 10). Only in a
 * build with -DMAINSHEET_MUTATE; in any other, MUTATED() is false at compile time and nothing of this exists.
 *
 * With -DMAINSHEET_REHASH all tables of the graph move at every allocation, which is what catches a pointer or a walk
 * kept too long (mistake 10).
 */
#pragma once
#include "base/lang.h"

enum mutation {
	MUTATE_NONE,
	MUTATE_READ,    /* reads of a cell kind by a query are not recorded */
	MUTATE_ABSENCE, /* reads of what is absent are not recorded */
	MUTATE_ASK,     /* a question by a query is not recorded */
	MUTATE_MERGE,   /* a callee's path is not merged into the caller's */
	MUTATE_CUTOFF,  /* cut off on equal bytes although the path changed */
	MUTATE_RANGE,   /* a lazy entry is not touched when it gets a new member */
	MUTATE_MARKS,   /* marks are lost on every 16th memo */
	MUTATE_PATCH,   /* a list is patched although a cell changed */
	MUTATE_DIRECT,  /* a stale callee is run again in place instead of looked up */
	MUTATE_RESTART, /* a lookup goes on in a chain that moved */
	MUTATE_COUNT,
};

#ifdef MAINSHEET_MUTATE
/* `query` and `what` (a cell kind or a question) choose the pair for MUTATE_READ and MUTATE_ASK; a derived question is
 * MUTATE_DERIVED | its query. ~0u is any. */
enum { MUTATE_DERIVED = 0x8000 };
void graph_mutate(enum mutation, unsigned query, unsigned what);
/* Pairs that occurred since the last graph_mutate_forget. A question counts where leaving it out would change a path: what
 * a callee asks too comes into the caller's path with the callee's. */
void graph_mutate_seen(void (*fn)(void *ctx, bool ask, unsigned query, unsigned what), void *ctx);
void graph_mutate_forget(void);

bool mutated(enum mutation);
bool mutated_pair(enum mutation, unsigned query, unsigned what);
struct run;
void mutation_saw_read(const struct run *, unsigned kind);
void mutation_saw_question(struct run *, uint32_t question, unsigned what);
void mutation_run_ends(struct run *); /* before its path and trace are settled */
#define MUTATED(m) mutated(m)
#define MUTATED_PAIR(m, query, what) mutated_pair((m), (query), (what))
#define MUTATION_SAW_READ(run, kind) mutation_saw_read((run), (kind))
#define MUTATION_SAW_QUESTION(run, question, what) mutation_saw_question((run), (question), (what))
#define MUTATION_RUN_ENDS(run) mutation_run_ends(run)
#else
#define MUTATED(m) false
#define MUTATED_PAIR(m, query, what) false
#define MUTATION_SAW_READ(run, kind) ((void)0)
#define MUTATION_SAW_QUESTION(run, question, what) ((void)0)
#define MUTATION_RUN_ENDS(run) ((void)0)
#endif
