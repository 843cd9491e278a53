/* The door: objects of namespaces that are not to be seen are kept aside, out of cells and indexes, as if they had never
 * come. When a namespace opens, its objects are put; when it closes, they are deleted: edits like any others, so all that
 * follows from them is tracked. Kept by namespace, since that is how they come and go.
 */
#include "world/world_impl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept {
	const struct object *obj;
	char key[]; /* "kind name" */
};
struct ward {
	struct map objects; /* key -> struct kept */
	char ns[];
};

bool door_admits(const struct world *w, const char *ns)
{
	return !w->tables.door.admits || !*ns || w->tables.door.admits(w, ns);
}

static void kept_free(struct kept *k)
{
	object_unref(k->obj);
	xfree(k);
}

static void ward_free(struct ward *d)
{
	void *k;

	for (uint32_t i = 0; (i = map_next(&d->objects, i, NULL, &k));)
		kept_free(k);
	map_fini(&d->objects);
	xfree(d);
}

void door_fini(struct world *w)
{
	void *d;

	for (uint32_t i = 0; (i = map_next(&w->wards, i, NULL, &d));)
		ward_free(d);
	map_fini(&w->wards);
}

static struct ward *ward_make(struct world *w, const char *ns)
{
	struct ward *d = map_get(&w->wards, ns);
	size_t n = strlen(ns) + 1;

	if (!d) {
		d = xcalloc(1, sizeof *d + n);
		memcpy(d->ns, ns, n);
		map_set(&w->wards, d->ns, d);
	}
	return d;
}

void door_keep(struct world *w, const struct object *obj)
{
	struct ward *d = ward_make(w, obj->ns);
	char number[16];
	size_t n = (size_t)snprintf(number, sizeof number, "%u ", obj->kind);
	size_t len = strlen(obj->name) + 1;
	struct kept *k = xmalloc(sizeof *k + n + len), *old;

	k->obj = obj;
	memcpy(k->key, number, n);
	memcpy(k->key + n, obj->name, len);
	old = map_set(&d->objects, k->key, k);
	if (old)
		kept_free(old);
}

bool door_forget(struct world *w, unsigned kind, const char *ns, const char *name)
{
	struct ward *d = w->wards.n ? map_get(&w->wards, ns) : NULL;
	cleanup(xfree_p) char *key = d ? xasprintf("%u %s", kind, name) : NULL;
	struct kept *k = d ? map_del(&d->objects, key) : NULL;

	if (k)
		kept_free(k);
	return k != NULL;
}

/* ---- opening and closing ---- */

static bool open_ward(struct world *w, struct ward *d)
{
	void *at;
	bool any = false;

	map_del(&w->wards, d->ns);
	for (uint32_t i = 0; (i = map_next(&d->objects, i, NULL, &at));) {
		struct kept *k = at;

		any |= store_put(w, object_ref(k->obj));
	}
	ward_free(d);
	return any;
}

/* Those whose namespace has closed; of one namespace, or of any. */
struct closing {
	const struct world *w;
	const char *ns;      /* NULL: any */
	struct map verdicts; /* namespace -> &open or &shut */
	const struct object **v;
	uint32_t n, cap;
};

static void pick(void *ctx, unsigned kind, uint32_t key, const void *value)
{
	static char open, shut;
	struct closing *c = ctx;
	const struct object *o = value;
	void *verdict;

	(void)key;
	if (kind >= KIND_COUNT || !*o->ns || (c->ns && !str_eq(c->ns, o->ns)))
		return;
	verdict = map_get(&c->verdicts, o->ns);
	if (!verdict) {
		verdict = door_admits(c->w, o->ns) ? &open : &shut;
		map_set(&c->verdicts, o->ns, verdict);
	}
	if (verdict == &open)
		return;
	VEC_ROOM(c->v, c->n, c->cap);
	c->v[c->n++] = object_ref(o);
}

static bool close_namespaces(struct world *w, const char *ns)
{
	struct closing c = { .w = w, .ns = ns };

	graph_each_value(w->graph, pick, &c);
	for (uint32_t i = 0; i < c.n; i++) {
		store_delete(w, c.v[i]->kind, c.v[i]->ns, c.v[i]->name);
		door_keep(w, c.v[i]);
	}
	map_fini(&c.verdicts);
	xfree(c.v);
	return c.n > 0;
}

static int by_namespace(const void *a, const void *b)
{
	const struct ward *const *x = a, *const *y = b;

	return strcmp((*x)->ns, (*y)->ns);
}

static bool open_namespaces(struct world *w)
{
	struct ward **v = NULL;
	uint32_t n = 0, cap = 0;
	void *d;
	bool any = false;

	for (uint32_t i = 0; (i = map_next(&w->wards, i, NULL, &d));) {
		VEC_ROOM(v, n, cap);
		v[n++] = d;
	}
	if (n > 1)
		qsort(v, n, sizeof *v, by_namespace);
	for (uint32_t i = 0; i < n; i++)
		if (door_admits(w, v[i]->ns))
			any |= open_ward(w, v[i]);
	xfree(v);
	return any;
}

bool world_readmit(struct world *w, const char *ns)
{
	struct ward *d;

	assert(!w->graph->depth);
	if (!w->tables.door.admits)
		return false;
	if (!ns) {
		bool opened = open_namespaces(w);

		return close_namespaces(w, NULL) || opened;
	}
	if (!door_admits(w, ns))
		return close_namespaces(w, ns);
	d = map_get(&w->wards, ns);
	return d && open_ward(w, d);
}

void world_each_hidden(const struct world *w, void (*fn)(void *ctx, const struct object *),
		       void *ctx)
{
	void *d, *k;

	for (uint32_t i = 0; (i = map_next(&w->wards, i, NULL, &d));)
		for (uint32_t j = 0; (j = map_next(&((struct ward *)d)->objects, j, NULL, &k));)
			fn(ctx, ((struct kept *)k)->obj);
}
