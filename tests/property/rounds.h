/* tests/property/rounds.h
 * Incremental equals full, over the real queries (spec/tracked-reads.md section 10): a random mesh is edited while
 * proxies come and go, and after each commit everything must be what a rebuild gives. One engine, one thread.
 */
#pragma once
#include "tests/property/universe.h"

struct rounds_figures {
	uint64_t n_edits, n_told, n_partial;
	uint32_t n_rounds; /* done; of a failure, the round in which it was noticed */
	uint32_t max_memos, max_classes;
};
struct joined {
	struct slot *slot; /* NULL: this proxy is not there */
	struct engine_proxy *proxy;
	const struct snapshot *held;
	bool told;
};
enum { MAX_PROXIES = 32 };
struct rounds {
	uint64_t seed;
	struct rng rng;
	struct engine *engine;
	struct universe universe;
	struct joined joined[MAX_PROXIES]; /* by the number of the slot */
	char **before;                     /* text of each slot before the edits of this round */
	struct rounds_figures figures;
	int64_t now_ns;
	/* A deliberate mistake in the engine, but not in the rebuild (world/mutate.h). */
	enum mutation mutation;
	unsigned query, what;
	uint32_t *progress; /* rounds, where another process can see them; or NULL */
	/* The versions that each proxy has after each round, told by a run without a mistake: what is drawn does not depend
	 * on what the engine does, so a run with one has them instead of a rebuild. */
	struct versions *expected;
	bool is_telling;
};
struct versions {
	uint64_t v[MAX_PROXIES][XDS_N];
};
void rounds_init(struct rounds *, uint64_t seed);
void rounds_fini(struct rounds *);
/* True when all rounds went well. Else err, and the state is that of the failure. */
bool rounds_run(struct rounds *, uint32_t n_rounds, struct err *) must_check;
/* engine_verify without the mistake. */
bool rounds_verify(const struct rounds *, struct engine *, struct err *) must_check;
void rounds_mutate(const struct rounds *, bool on);

/* Finds how little of the state before the failing round, and of its edits, still fails, and prints it. */
void rounds_shrink(const struct rounds *);

#ifdef MAINSHEET_MUTATE
/* The mistakes, each of which must be noticed but for those that the file lists: false if one was not. Prints what it
 * found. */
bool mutants_run(uint64_t seed, uint32_t n_rounds, unsigned n_workers, const char *equivalent);
#endif
