/* world/world_impl.h
 * The inside of the world: world.c keeps objects and values, index.c the entries over them. Model thread.
 */
#pragma once
#include "base/map.h"
#include "types.h"
#include "world/graph_impl.h"
#include "world/world.h"

/* The rows of one kind of object that feed one kind of entries. */
struct index_group {
	const struct index *const *rows;
	uint32_t n_rows;
	uint16_t kind, cell;
	bool deep;
};

struct index_out {
	struct keys *keys;
	uint32_t *v;
	uint32_t n, cap;
};

struct world {
	struct keys *keys;
	struct graph *graph;
	struct world_tables tables;
	const struct index **rows; /* sorted by kind, cell */
	struct index_group *groups;
	uint32_t n_groups;
	const struct index **index_of; /* by cell kind: a row that feeds it, or NULL */
	uint32_t n_objects[KIND_COUNT];
	struct index_out old_keys, new_keys;
	struct map wards; /* door.c: by namespace, what is kept aside */
};

/* A value cell: its bytes are aligned for any struct. */
struct blob {
	size_t len;
	_Alignas(16) uint8_t bytes[];
};

/* ---- door.c ---- */
bool door_admits(const struct world *, const char *ns);
/* Takes obj. */
void door_keep(struct world *, const struct object *obj);
bool door_forget(struct world *, unsigned kind, const char *ns, const char *name);
void door_fini(struct world *);

/* ---- world.c: put and delete behind the door ---- */
bool store_put(struct world *, const struct object *obj);
bool store_delete(struct world *, unsigned kind, const char *ns, const char *name);

/* ---- index.c ---- */
void indexes_init(struct world *);
void indexes_fini(struct world *);
/* Moves the entries from one version of an object to another; NULL is none. `silent`: equal content, only where it was
 * written differs, so no cell has changed. */
void indexes_update(struct world *, const struct object *old, const struct object *new,
		    bool silent);
/* The key of a cell kind begins or ceases to have a value. */
void keyset_update(struct world *, unsigned cell, uint32_t key, bool present);
/* Order of members in an entry. */
int object_compare(const struct object *, const struct object *);
