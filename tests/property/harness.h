/* tests/property/harness.h
 * Incremental equals full: the property test of the query engine (spec/tracked-reads.md section 10) for any set of
 * queries. A world is edited at random while classes of proxies come and go; after each commit a second world is filled
 * from a shadow of the first in shuffled order, and each root of each class must be equal byte for byte.
 *
 * PROPERTY_ROUNDS and PROPERTY_SEED in the environment override what a test asks for.
 */
#pragma once
#include "base/err.h"
#include "world/mutate.h"
#include "world/world.h"

struct rng {
	uint64_t state; /* not 0 */
};
uint32_t rng_below(struct rng *, uint32_t n);

struct harness;
struct property {
	const struct world_tables *tables;
	unsigned n_classes;
	unsigned n_bindings; /* of a class, PROPERTY_BINDINGS at most ... */
	unsigned n_roots;    /* ... of which the first are compared */
	/* One random edit, by harness_put, harness_delete and harness_do. Also called `n_start` times at the start. */
	void (*edit)(struct harness *, struct rng *);
	unsigned n_start;
	/* Binds a class of proxies in either world; all of ret is set. Whatever differs between worlds, such as keys in
	 * facts, is made anew. */
	void (*bind)(struct world *, unsigned cls, uint32_t *ret);
	/* After a commit: binds anew what depends on a result, such as facts made by a query. NULL: nothing does. */
	void (*settle)(struct world *, unsigned cls, uint32_t *bindings);
};
enum { PROPERTY_BINDINGS = 16 };

/* For edit. Takes obj. */
void harness_put(struct harness *, const struct object *obj);
bool harness_delete(struct harness *, unsigned kind, const char *ns, const char *name);
/* Sets a value: fn(world, payload) is called now, and again for each second world. A later call with the same id takes
 * the place of this one. The payload is copied. */
void harness_do(struct harness *, const char *id, void (*fn)(struct world *, const void *payload),
		const void *payload, size_t len);

struct property_figures {
	uint64_t n_edits, n_compared, n_changed, n_partial;
	uint32_t n_rounds; /* done; when it fails, how many it took */
	uint32_t max_memos;
};
bool property_run(const struct property *, uint32_t n_rounds, uint64_t seed,
		  struct property_figures *ret, struct err *e);
uint32_t property_rounds(uint32_t otherwise);
uint64_t property_seed(uint64_t otherwise);

#ifdef MAINSHEET_MUTATE
/* Runs the property in a child process with a deliberate mistake: the rounds until it was noticed, by a difference, an
 * invariant or an assertion; 0 if it was not. */
uint32_t property_mutated(const struct property *, uint32_t n_rounds, uint64_t seed, enum mutation,
			  unsigned query, unsigned what);
#endif
