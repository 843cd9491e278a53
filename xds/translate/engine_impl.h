/* translate/engine_impl.h
 * What the files of the engine share: its parts. Private to them.
 */
#pragma once
#include "base/arena.h"
#include "translate/engine.h"
#include "world/graph.h"

/* Which query is the root of which type. */
enum { ENGINE_ROOTS = 5 };
struct engine_root {
	enum xds_type type;
	uint16_t query;
};
extern const struct engine_root engine_roots[ENGINE_ROOTS];

/* What owns a binding: the graph gives it back when the result has changed. */
enum owner_kind { OWNER_PROXY, OWNER_CLASS };
struct owner {
	enum owner_kind kind;
	bool dirty;
};

struct engine_class {
	struct owner owner; /* first: it is what the binding gives back */
	struct scope *scope;
	uint32_t bindings[ENGINE_ROOTS];
	const struct snapshot *snapshot;
	struct engine_proxy *proxies; /* by next_in_class */
	struct engine_class *next_dirty, *prev, *next;
	int64_t idle_since; /* 0: it has proxies, or nobody has looked yet */
};

struct engine_proxy {
	struct owner owner; /* first */
	uint32_t key, binding;
	void *user;
	struct engine_class *class;
	struct engine_proxy *next_in_class, **at_in_class;
	struct engine_proxy *next_dirty;
	struct engine_proxy *prev, *next;
};

struct engine {
	struct world *world;
	struct graph *graph;
	struct xds_cache *cache;
	struct scope *no_scope;
	struct engine_class *classes;
	struct engine_proxy *proxies;
	uint32_t n_classes, n_proxies;
	uint32_t *joined, c_joined; /* by proxy key: how many streams say they are it */
	struct engine_class *dirty_classes;
	struct engine_proxy *dirty_proxies;
	/* Documents in force, and what next orders a rebuild: for engine_verify. */
	struct arena mesh_arena, networks_arena;
	const struct node *mesh, *networks;
	uint64_t order;
};

/* engine_join of a proxy whose cell is there. */
struct engine_proxy *engine_join_key(struct engine *, uint32_t key, void *owner);
