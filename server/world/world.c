/* The store. It has no table of its own: the cell of an object is found by kind and key in the graph, and its value is
 * the object, with the world's reference. */
#include "world/world_impl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world *world_new(const struct world_tables *tables)
{
	struct world *w = xcalloc(1, sizeof *w);

	assert(tables->n_cell_kinds >= KIND_COUNT && tables->n_cell_kinds < KIND_MAX / 2);
	w->tables = *tables;
	w->keys = keys_new();
	w->graph = graph_new(w->keys, tables->queries, tables->n_queries, tables->answer);
	w->graph->world = w;
	indexes_init(w);
	return w;
}

static void drop_value(void *ctx, unsigned kind, uint32_t key, const void *value)
{
	(void)ctx;
	(void)key;
	if (kind < KIND_COUNT)
		object_unref(value);
	else
		/* Entries, keysets and blobs are one block each, and ours. */
		xfree((void *)(uintptr_t)value);
}

void world_free(struct world *w)
{
	if (!w)
		return;
	door_fini(w);
	graph_each_value(w->graph, drop_value, w);
	graph_free(w->graph);
	indexes_fini(w);
	keys_free(w->keys);
	xfree(w);
}

struct graph *world_graph(struct world *w)
{
	return w->graph;
}

struct keys *world_keys(struct world *w)
{
	return w->keys;
}

uint32_t world_object_key(struct world *w, const char *ns, const char *name)
{
	return key_pair(w->keys, key_str(w->keys, ns), key_str(w->keys, name));
}

static uint32_t find_key(const struct world *w, const char *ns, const char *name)
{
	return key_find_pair(w->keys, key_find(w->keys, ns), key_find(w->keys, name));
}

static bool same_place(const struct object *a, const struct object *b)
{
	return a->place.line == b->place.line && a->place.column == b->place.column &&
	       str_eq(str_or(a->place.file, ""), str_or(b->place.file, ""));
}

bool store_put(struct world *w, const struct object *obj)
{
	const struct object *old;
	uint32_t key = world_object_key(w, obj->ns, obj->name);
	bool equal;

	assert(obj->kind < KIND_COUNT);
	old = graph_get(w->graph, obj->kind, key);
	equal = old && hash128_eq(old->hash, obj->hash) && old->created_s == obj->created_s;
	if (equal && same_place(old, obj)) {
		object_unref(obj);
		return false;
	}
	if (equal)
		graph_replace(w->graph, obj->kind, key, obj);
	else
		graph_set(w->graph, obj->kind, key, obj);
	indexes_update(w, old, obj, equal);
	if (!old) {
		w->n_objects[obj->kind]++;
		keyset_update(w, obj->kind, key, true);
	}
	object_unref(old);
	return !equal;
}

bool store_delete(struct world *w, unsigned kind, const char *ns, const char *name)
{
	uint32_t key = find_key(w, ns, name);
	const struct object *old = key ? graph_get(w->graph, kind, key) : NULL;

	assert(kind < KIND_COUNT);
	if (!old)
		return false;
	graph_set(w->graph, kind, key, NULL);
	indexes_update(w, old, NULL, false);
	w->n_objects[kind]--;
	keyset_update(w, kind, key, false);
	object_unref(old);
	return true;
}

/* What is of the door's kind decides about the namespace of its name. */
static bool decides(const struct world *w, unsigned kind)
{
	return w->tables.door.admits && kind == w->tables.door.kind;
}

bool world_put(struct world *w, const struct object *obj)
{
	const struct object *o = object_ref(obj);
	bool decider = decides(w, obj->kind), was = decider && door_admits(w, obj->name), changed;

	if (!door_admits(w, obj->ns)) {
		changed = store_delete(w, obj->kind, obj->ns, obj->name);
		door_keep(w, obj);
	} else {
		door_forget(w, obj->kind, obj->ns, obj->name);
		changed = store_put(w, obj);
		if (decider && door_admits(w, o->name) != was)
			world_readmit(w, o->name);
	}
	object_unref(o);
	return changed;
}

bool world_delete(struct world *w, unsigned kind, const char *ns, const char *name)
{
	bool decider = decides(w, kind), was = decider && door_admits(w, name), changed;

	if (door_forget(w, kind, ns, name))
		return false;
	changed = store_delete(w, kind, ns, name);
	if (decider && door_admits(w, name) != was)
		world_readmit(w, name);
	return changed;
}

const struct object *world_get(const struct world *w, unsigned kind, const char *ns,
			       const char *name)
{
	uint32_t key = find_key(w, ns, name);

	assert(kind < KIND_COUNT);
	return key ? graph_get(w->graph, kind, key) : NULL;
}

uint32_t world_count(const struct world *w, unsigned kind)
{
	assert(kind < KIND_COUNT);
	return w->n_objects[kind];
}

struct object_list {
	const struct object **v;
	uint32_t n, cap;
};

static void list_object(void *ctx, unsigned kind, uint32_t key, const void *value)
{
	struct object_list *l = ctx;

	(void)key;
	if (kind >= KIND_COUNT)
		return;
	VEC_ROOM(l->v, l->n, l->cap);
	l->v[l->n++] = value;
}

static int compare_listed(const void *a, const void *b)
{
	const struct object *x = *(const struct object *const *)a,
			    *y = *(const struct object *const *)b;
	int c = x->kind - y->kind;

	if (!c)
		c = strcmp(x->ns, y->ns);
	return c ? c : strcmp(x->name, y->name);
}

void world_each(const struct world *w, void (*fn)(void *ctx, const struct object *), void *ctx)
{
	struct object_list l = { 0 };

	assert(!w->graph->depth);
	graph_each_value(w->graph, list_object, &l);
	if (l.n > 1)
		qsort(l.v, l.n, sizeof *l.v, compare_listed);
	for (uint32_t i = 0; i < l.n; i++)
		fn(ctx, l.v[i]);
	xfree(l.v);
}

bool world_set_value(struct world *w, unsigned kind, uint32_t key, const void *value, size_t len)
{
	const struct blob *old = graph_get(w->graph, kind, key);
	struct blob *new = NULL;

	assert(kind >= KIND_COUNT && kind < w->tables.n_cell_kinds && !w->index_of[kind]);
	if (value) {
		if (old && old->len == len && (!len || !memcmp(old->bytes, value, len)))
			return false;
		new = xmalloc(sizeof *new + len);
		new->len = len;
		if (len)
			memcpy(new->bytes, value, len);
	}
	if (!old && !new)
		return false;
	graph_set(w->graph, kind, key, new);
	if (!old != !new)
		keyset_update(w, kind, key, new != NULL);
	/* Made above, a while ago. */
	xfree((void *)(uintptr_t)old);
	return true;
}

const void *world_value(const struct world *w, unsigned kind, uint32_t key, size_t *ret_len)
{
	const struct blob *b = graph_get(w->graph, kind, key);

	if (ret_len)
		*ret_len = b ? b->len : 0;
	return b ? b->bytes : NULL;
}

const struct object *read_object(struct run *r, unsigned kind, uint32_t ns, uint32_t name)
{
	assert(kind < KIND_COUNT);
	return read_cell(r, kind, run_pair(r, ns, name));
}

void cite_object(struct run *r, const struct object *obj)
{
	uint32_t key = run_pair(r, run_key(r, obj->ns), run_key(r, obj->name));

	if (graph_get(run_graph(r), obj->kind, key) == obj)
		cite_cell(r, obj->kind, key);
}

const void *read_value(struct run *r, unsigned cell, uint32_t key, size_t *ret_len)
{
	const struct blob *b = read_cell(r, cell, key);

	if (ret_len)
		*ret_len = b ? b->len : 0;
	return b ? b->bytes : NULL;
}

/* "a/b/c" for pairs however they nest; an empty first part is left out. */
static void append_key(const struct world *w, uint32_t key, struct buf *out)
{
	if (!key) {
		return;
	} else if (!key_is_pair(w->keys, key)) {
		buf_puts(out, key_text(w->keys, key));
	} else {
		size_t len = out->len;

		append_key(w, key_first(w->keys, key), out);
		if (out->len > len)
			buf_putc(out, '/');
		append_key(w, key_second(w->keys, key), out);
	}
}

static void append_title(const struct world *w, unsigned kind, uint32_t key, struct buf *out)
{
	if (kind < KIND_COUNT) {
		buf_printf(out, "%s ", kinds[kind].name);
		append_key(w, key, out);
	} else if (w->index_of[kind]) {
		buf_printf(out, "index %s ", w->index_of[kind]->name);
		append_key(w, key, out);
	} else if (w->tables.value_title) {
		w->tables.value_title(w->keys, kind, key, out);
	} else {
		buf_printf(out, "value %u.%u", kind - (unsigned)KIND_COUNT, key);
	}
}

const char *world_cell_title(const struct world *w, unsigned kind, uint32_t key, char *buf,
			     size_t size)
{
	cleanup(buf_fini) struct buf out = BUF_INIT;
	unsigned n = w->tables.n_cell_kinds;

	assert(kind < 2 * n);
	if (kind < n) {
		append_title(w, kind, key, &out);
	} else if (kind - n < KIND_COUNT) {
		buf_printf(&out, "list of %s", kinds[kind - n].name);
	} else {
		buf_printf(&out, "list of %s",
			   w->index_of[kind - n] ? w->index_of[kind - n]->name : "values");
	}
	if (size)
		snprintf(buf, size, "%s", buf_str(&out));
	return buf;
}
