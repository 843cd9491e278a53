/* world/world.h
 * The world: the newest accepted version of every object, the indexes over them, and values such as mesh config, all
 * as cells of one query graph.
 *
 * Cell kinds: [0, KIND_COUNT) are objects, key = pair(namespace, name) (world_object_key); the rest are those of the
 * index and value tables given at world_new. Owned by the model thread. Objects inside are immutable and
 * reference-counted, so a result may outlive them in the store.
 */
#pragma once
#include "schema/object.h"
#include "world/graph.h"

struct buf;
struct world;

/* An index is a pure function of one object: the entries that it belongs to. On a change the difference of
 * keys(old) and keys(new) gives the entries whose membership changed. */
struct index_out;
void index_add(struct index_out *, uint32_t key); /* each key once or more, any order */
struct keys *index_keys(struct index_out *);
struct index {
	const char *name;
	uint16_t
		cell; /* kind of the entries' cells; two rows may share it (several object kinds in one entry) */
	uint16_t kind; /* of the objects it looks at */
	bool deep; /* an entry is also touched when a member's content changes; of the members of others, look only at
		    * names, or read_object each */
	bool lazy; /* entries exist only once read: a range, such as "services under *.a.com" */
	void (*keys)(const struct object *, struct index_out *);
	/* Of a deep row: do the two contents mean the same to the readers of the entry? Then it is not touched. Must be
	 * exact: what it leaves out may not be read through the entry. NULL: any difference counts. */
	bool (*same)(const struct object *old, const struct object *now);
};

/* The members of an entry, oldest first: by (created_s, name, namespace), then kind. */
struct entry {
	uint32_t n;
	const struct object *const *v;
};
/* The keys of the entries of one cell kind that have members, sorted by text. */
struct keyset {
	uint32_t n;
	const uint32_t *v;
};

/* Which namespaces are seen. Objects of others are kept aside, out of cells and indexes, as if they were not there. */
struct world_door {
	/* May look at values and at objects of `kind` with that name, which is all that it may depend on. NULL: all are. */
	bool (*admits)(const struct world *, const char *ns);
	uint16_t
		kind; /* cluster-scoped: a change of its object asks again about the namespace of that name */
};

struct world_tables {
	const struct index *indexes;
	size_t n_indexes;
	unsigned n_cell_kinds; /* all of them: objects, indexes, values */
	const struct query *const *queries;
	size_t n_queries;
	answer_fn *answer;
	/* Names a value cell for people, as "mesh config accessLog"; NULL: they are numbered. */
	void (*value_title)(const struct keys *, unsigned kind, uint32_t key, struct buf *out);
	struct world_door door;
};
struct world *world_new(const struct world_tables *);
void world_free(struct world *);
struct graph *world_graph(struct world *);
struct keys *world_keys(struct world *);

/* Takes the caller's reference. False when the store holds an object of the same kind, namespace, name and equal
 * content, or keeps it aside: then nothing has changed. */
bool world_put(struct world *, const struct object *obj);
bool world_delete(struct world *, unsigned kind, const char *ns,
		  const char *name); /* false: was not there, or not to be seen */
/* Asks the door again about a namespace, or about all (NULL), after a value that it looks at has changed. Objects come in
 * and go as if put and deleted; true: some did. Not from inside a query. */
bool world_readmit(struct world *, const char *ns);
/* Those kept aside, in no order. */
void world_each_hidden(const struct world *, void (*fn)(void *ctx, const struct object *),
		       void *ctx);
const struct object *world_get(const struct world *, unsigned kind, const char *ns,
			       const char *name);
uint32_t world_count(const struct world *, unsigned kind);
/* All objects, by kind, namespace, name. Not from inside a query. */
void world_each(const struct world *, void (*fn)(void *ctx, const struct object *), void *ctx);
/* A value cell: copied; equal bytes change nothing. len 0 with NULL removes it. */
bool world_set_value(struct world *, unsigned kind, uint32_t key, const void *value, size_t len);
/* The value of a value cell outside of queries; NULL: not set. */
const void *world_value(const struct world *, unsigned kind, uint32_t key, size_t *ret_len);
/* The members of an entry, outside of queries: what a trace that names it stands for. Never NULL. */
const struct entry *world_entry(const struct world *, unsigned cell, uint32_t key);
/* And back: all entries that the object is a member of. */
typedef void entry_fn(void *ctx, unsigned cell, uint32_t key);
void world_entries_of(struct world *, const struct object *, entry_fn *, void *ctx);
uint32_t world_object_key(struct world *, const char *ns, const char *name);

/* ---- Inside a query (each records what it reads) ---- */
const struct object *read_object(struct run *, unsigned kind, uint32_t ns,
				 uint32_t name); /* NULL: absent */
const struct entry *read_entry(struct run *, unsigned cell,
			       uint32_t key);                  /* never NULL; n == 0: empty */
const struct keyset *read_keyset(struct run *, unsigned cell); /* never NULL */
const void *read_value(struct run *, unsigned cell, uint32_t key,
		       size_t *ret_len); /* NULL: not set */
/* Cites a member of an entry that was read. Nothing when it is no object of the store, but made by the query. */
void cite_object(struct run *, const struct object *);

/* Name of a cell for people: "VirtualService shop/reviews", "index vs_by_host reviews.shop...". */
const char *world_cell_title(const struct world *, unsigned kind, uint32_t key, char *buf,
			     size_t size);
