/* Indexes: entries are sorted arrays of the objects that belong to them, found through an ordinary cell each, whose
 * value is the array. An array may change in place, because nothing is put or deleted while a query runs.
 *
 * A lazy entry exists only while somebody reads it. Like a keyset it is filled by a scan when first read, kept up to
 * date while it is there, and dropped with its last reader. */
#include "world/world_impl.h"
#include <stdlib.h>
#include <string.h>

/* The room for members is the next power of two, so that its size need not be kept. */
struct members {
	struct entry entry;
	const struct object *v[];
};

struct key_array {
	struct keyset set;
	uint32_t v[];
};

static const struct entry no_members;
static const struct keyset no_keys;

struct keys *index_keys(struct index_out *out)
{
	return out->keys;
}

void index_add(struct index_out *out, uint32_t key)
{
	/* 0 is what key_find gives for a key that nobody ever asked for. */
	if (!key)
		return;
	VEC_ROOM(out->v, out->n, out->cap);
	out->v[out->n++] = key;
}

int object_compare(const struct object *a, const struct object *b)
{
	int c;

	if (a->created_s != b->created_s)
		return a->created_s < b->created_s ? -1 : 1;
	c = strcmp(a->name, b->name);
	if (!c)
		c = strcmp(a->ns, b->ns);
	return c ? c : a->kind - b->kind;
}

static uint32_t room_for(uint32_t n)
{
	uint32_t room = 1;

	while (room < n)
		room *= 2;
	return room;
}

static struct members *members_alloc(struct members *old, uint32_t n)
{
	struct members *m;
	size_t size = sizeof *m + room_for(n) * sizeof *m->v;

	m = xrealloc_array(old, 1, size);
	if (!old)
		m->entry = no_members;
	m->entry.v = m->v;
	return m;
}

/* Where o is, or should be. */
static uint32_t position(const struct members *m, const struct object *o)
{
	uint32_t low = 0, high = m ? m->entry.n : 0;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (object_compare(m->v[middle], o) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct members *m, uint32_t at, const struct object *o)
{
	return m && at < m->entry.n && !object_compare(m->v[at], o);
}

static struct members *members_of(const struct world *w, unsigned cell, uint32_t key)
{
	/* The graph keeps values as const; this file owns them. */
	return (struct members *)(uintptr_t)graph_get(w->graph, cell, key);
}

static bool is_lazy(const struct world *w, unsigned cell)
{
	return w->index_of[cell] && w->index_of[cell]->lazy;
}

static void member_add(struct world *w, unsigned cell, uint32_t key, const struct object *o)
{
	struct members *m;
	uint32_t at, n;

	if (is_lazy(w, cell) && !graph_has_cell(w->graph, cell, key))
		return;
	m = members_of(w, cell, key);
	n = m ? m->entry.n : 0;
	if (!m || room_for(n) < n + 1)
		m = members_alloc(m, n + 1);
	at = position(m, o);
	assert(!is_at(m, at, o));
	memmove(m->v + at + 1, m->v + at, (n - at) * sizeof *m->v);
	m->v[at] = o;
	m->entry.n = n + 1;
	graph_set(w->graph, cell, key, m);
	if (!n && !is_lazy(w, cell))
		keyset_update(w, cell, key, true);
}

static void member_remove(struct world *w, unsigned cell, uint32_t key, const struct object *o)
{
	struct members *m = members_of(w, cell, key);
	uint32_t at = position(m, o), n;

	if (!is_at(m, at, o)) {
		assert(is_lazy(w, cell) && !m);
		return;
	}
	n = --m->entry.n;
	memmove(m->v + at, m->v + at + 1, (n - at) * sizeof *m->v);
	if (!n && !is_lazy(w, cell)) {
		graph_set(w->graph, cell, key, NULL);
		xfree(m);
		keyset_update(w, cell, key, false);
		return;
	}
	if (n && room_for(n) < room_for(n + 1))
		m = members_alloc(m, n);
	graph_set(w->graph, cell, key, m);
}

static void member_replace(struct world *w, unsigned cell, uint32_t key, const struct object *old,
			   const struct object *new, bool touch)
{
	struct members *m = members_of(w, cell, key);
	uint32_t at = position(m, old);

	if (!is_at(m, at, old)) {
		assert(is_lazy(w, cell) && !m);
		return;
	}
	if (object_compare(old, new)) {
		member_remove(w, cell, key, old);
		member_add(w, cell, key, new);
		return;
	}
	m->v[at] = new;
	if (touch)
		graph_touch(w->graph, cell, key);
}

static int compare_words(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The entries of o, each once, ascending by number: only to compare two of these. */
static void entries_of(const struct index_group *group, const struct object *o,
		       struct index_out *out)
{
	uint32_t n = 0;

	out->n = 0;
	for (uint32_t i = 0; o && i < group->n_rows; i++)
		group->rows[i]->keys(o, out);
	if (out->n > 1)
		qsort(out->v, out->n, sizeof *out->v, compare_words);
	for (uint32_t i = 0; i < out->n; i++) {
		if (!n || out->v[n - 1] != out->v[i])
			out->v[n++] = out->v[i];
	}
	out->n = n;
}

void world_entries_of(struct world *w, const struct object *o, entry_fn *fn, void *ctx)
{
	for (uint32_t g = 0; g < w->n_groups; g++) {
		if (w->groups[g].kind != o->kind)
			continue;
		entries_of(&w->groups[g], o, &w->new_keys);
		for (uint32_t i = 0; i < w->new_keys.n; i++)
			fn(ctx, w->groups[g].cell, w->new_keys.v[i]);
	}
}

/* Does the change of content concern the readers of the group's entries? */
static bool is_touched(const struct index_group *group, const struct object *old,
		       const struct object *new)
{
	for (uint32_t i = 0; i < group->n_rows; i++)
		if (group->rows[i]->deep &&
		    (!group->rows[i]->same || !group->rows[i]->same(old, new)))
			return true;
	return false;
}

void indexes_update(struct world *w, const struct object *old, const struct object *new,
		    bool silent)
{
	unsigned kind = old ? old->kind : new->kind;
	struct index_out *a = &w->old_keys, *b = &w->new_keys;

	for (uint32_t g = 0; g < w->n_groups; g++) {
		const struct index_group *group = &w->groups[g];
		uint32_t i = 0, j = 0;
		bool touch;

		if (group->kind != kind)
			continue;
		touch = group->deep && !silent && old && new &&is_touched(group, old, new);
		entries_of(group, old, a);
		entries_of(group, new, b);
		while (i < a->n || j < b->n) {
			if (j == b->n || (i < a->n && a->v[i] < b->v[j])) {
				member_remove(w, group->cell, a->v[i++], old);
			} else if (i == a->n || b->v[j] < a->v[i]) {
				member_add(w, group->cell, b->v[j++], new);
			} else {
				member_replace(w, group->cell, a->v[i], old, new, touch);
				i++;
				j++;
			}
		}
	}
}

/* ---- Lazy entries and keysets: filled by a scan ---- */
struct fill {
	struct world *w;
	unsigned cell;
	uint32_t key;
	const struct object **objects;
	uint32_t *keys;
	uint32_t n, cap;
};

static void fill_object(void *ctx, unsigned kind, uint32_t key, const void *value)
{
	struct fill *f = ctx;
	struct world *w = f->w;

	(void)key;
	for (uint32_t g = 0; g < w->n_groups; g++) {
		const struct index_group *group = &w->groups[g];

		if (group->kind != kind || group->cell != f->cell)
			continue;
		entries_of(group, value, &w->new_keys);
		if (bsearch(&f->key, w->new_keys.v, w->new_keys.n, sizeof f->key, compare_words)) {
			VEC_ROOM(f->objects, f->n, f->cap);
			f->objects[f->n++] = value;
		}
	}
}

static int compare_objects(const void *a, const void *b)
{
	const struct object *const *x = a, *const *y = b;

	return object_compare(*x, *y);
}

static void fill_entry(void *ctx, unsigned cell, uint32_t key)
{
	struct world *w = ctx;
	struct fill f = { .w = w, .cell = cell, .key = key };
	struct members *m;

	graph_each_value(w->graph, fill_object, &f);
	if (f.n > 1)
		qsort(f.objects, f.n, sizeof *f.objects, compare_objects);
	m = members_alloc(NULL, f.n);
	if (f.n)
		memcpy(m->v, f.objects, f.n * sizeof *m->v);
	m->entry.n = f.n;
	xfree(f.objects);
	graph_set(w->graph, cell, key, m);
}

static void fill_key(void *ctx, unsigned kind, uint32_t key, const void *value)
{
	struct fill *f = ctx;

	(void)value;
	if (kind != f->cell)
		return;
	VEC_ROOM(f->keys, f->n, f->cap);
	f->keys[f->n++] = key;
}

static int compare_keys(const void *a, const void *b, void *keys)
{
	const uint32_t *x = a, *y = b;

	return key_compare(keys, *x, *y);
}

static struct key_array *keyset_alloc(struct key_array *old, uint32_t n)
{
	struct key_array *k = xrealloc_array(old, 1, sizeof *k + room_for(n) * sizeof *k->v);

	if (!old)
		k->set = no_keys;
	k->set.v = k->v;
	return k;
}

static void fill_keyset(void *ctx, unsigned kind, uint32_t key)
{
	struct world *w = ctx;
	struct fill f = { .w = w, .cell = kind - w->tables.n_cell_kinds };
	struct key_array *k;

	graph_each_value(w->graph, fill_key, &f);
	if (f.n > 1)
		qsort_r(f.keys, f.n, sizeof *f.keys, compare_keys, w->keys);
	k = keyset_alloc(NULL, f.n);
	if (f.n)
		memcpy(k->v, f.keys, f.n * sizeof *k->v);
	k->set.n = f.n;
	xfree(f.keys);
	graph_set(w->graph, kind, key, k);
}

static void drop(void *ctx, unsigned kind, uint32_t key, const void *value)
{
	(void)ctx;
	(void)kind;
	(void)key;
	/* Ours: a struct members or key_array. */
	xfree((void *)(uintptr_t)value);
}

void keyset_update(struct world *w, unsigned cell, uint32_t key, bool present)
{
	unsigned kind = w->tables.n_cell_kinds + cell;
	struct key_array *k = (struct key_array *)(uintptr_t)graph_get(w->graph, kind, KEY_EMPTY);
	uint32_t low = 0, high, n;

	if (!k)
		return;
	n = high = k->set.n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (key_compare(w->keys, k->v[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	assert((low < n && k->v[low] == key) != present);
	if (present) {
		if (room_for(n) < n + 1)
			k = keyset_alloc(k, n + 1);
		memmove(k->v + low + 1, k->v + low, (n - low) * sizeof *k->v);
		k->v[low] = key;
		k->set.n = n + 1;
	} else {
		memmove(k->v + low, k->v + low + 1, (n - low - 1) * sizeof *k->v);
		k->set.n = n - 1;
		if (n > 1 && room_for(n - 1) < room_for(n))
			k = keyset_alloc(k, n - 1);
	}
	graph_set(w->graph, kind, KEY_EMPTY, k);
}

static int compare_rows(const void *a, const void *b)
{
	const struct index *const *x = a, *const *y = b;

	if ((*x)->kind != (*y)->kind)
		return (*x)->kind - (*y)->kind;
	if ((*x)->cell != (*y)->cell)
		return (*x)->cell - (*y)->cell;
	return *x < *y ? -1 : *x > *y;
}

void indexes_init(struct world *w)
{
	size_t n = w->tables.n_indexes;
	unsigned n_cells = w->tables.n_cell_kinds;

	w->old_keys.keys = w->new_keys.keys = w->keys;
	w->rows = xcalloc(n + 1, sizeof *w->rows);
	w->groups = xcalloc(n + 1, sizeof *w->groups);
	w->index_of = xcalloc(n_cells + 1, sizeof *w->index_of);
	for (size_t i = 0; i < n; i++) {
		const struct index *row = &w->tables.indexes[i];

		assert(row->cell >= KIND_COUNT && row->cell < n_cells && row->kind < KIND_COUNT);
		assert(!w->index_of[row->cell] || w->index_of[row->cell]->lazy == row->lazy);
		if (!w->index_of[row->cell])
			w->index_of[row->cell] = row;
		w->rows[i] = row;
		if (row->lazy) {
			graph_on_miss(w->graph, row->cell, fill_entry, w);
			graph_on_idle(w->graph, row->cell, drop);
		}
	}
	if (n > 1)
		qsort(w->rows, n, sizeof *w->rows, compare_rows);
	for (size_t i = 0; i < n; i++) {
		struct index_group *g = w->n_groups ? &w->groups[w->n_groups - 1] : NULL;

		if (!g || g->kind != w->rows[i]->kind || g->cell != w->rows[i]->cell) {
			g = &w->groups[w->n_groups++];
			*g = (struct index_group){ .rows = w->rows + i,
						   .kind = w->rows[i]->kind,
						   .cell = w->rows[i]->cell };
		}
		g->n_rows++;
		g->deep |= w->rows[i]->deep;
	}
	for (unsigned kind = n_cells; kind < 2 * n_cells; kind++) {
		graph_on_miss(w->graph, kind, fill_keyset, w);
		graph_on_idle(w->graph, kind, drop);
	}
}

void indexes_fini(struct world *w)
{
	xfree(w->rows);
	xfree(w->groups);
	xfree(w->index_of);
	xfree(w->old_keys.v);
	xfree(w->new_keys.v);
}

const struct entry *read_entry(struct run *r, unsigned cell, uint32_t key)
{
	const struct members *m = read_cell(r, cell, key);

	return m ? &m->entry : &no_members;
}

const struct keyset *read_keyset(struct run *r, unsigned cell)
{
	const struct world *w = run_graph(r)->world;
	const struct key_array *k;

	assert(cell < w->tables.n_cell_kinds && !is_lazy(w, cell));
	k = read_cell(r, w->tables.n_cell_kinds + cell, KEY_EMPTY);
	return k ? &k->set : &no_keys;
}

const struct entry *world_entry(const struct world *w, unsigned cell, uint32_t key)
{
	const struct members *m = graph_get(w->graph, cell, key);

	return m ? &m->entry : &no_members;
}
