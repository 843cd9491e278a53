/* The difference of two trees. Whatever both hold is skipped by its hash, so the cost goes with the change and the
 * fan-out, not with the size: children that differ are paired by place when there are as many on both sides, else by
 * hash, and the records below those that are left over are collected from both sides and compared by name. A resource
 * that only moved to another leaf is therefore found equal in the end. */
#include "snapshot/cache.h"
#include <stdlib.h>
#include <string.h>

struct side {
	struct resource *v;
	uint32_t n, cap;
};
struct walk {
	struct side old, new;
};

static bool collect(void *ctx, const struct resource *r)
{
	struct side *s = ctx;

	VEC_ROOM(s->v, s->n, s->cap);
	s->v[s->n++] = *r;
	return true;
}

static bool same(const struct result *a, const struct result *b)
{
	return a == b || (hash128_eq(a->hash, b->hash) && a->shape == b->shape && a->n == b->n &&
			  a->total == b->total);
}

static int compare_hash(const void *pa, const void *pb)
{
	const struct result *a = *(const struct result *const *)pa,
			    *b = *(const struct result *const *)pb;

	if (a->hash.h[0] != b->hash.h[0])
		return a->hash.h[0] < b->hash.h[0] ? -1 : 1;
	return a->hash.h[1] < b->hash.h[1] ? -1 : a->hash.h[1] > b->hash.h[1];
}

/* Children of both sides in order of hash, those of equal hash dropped from both, the rest collected. */
static void match_by_hash(struct walk *w, const struct result *const *a, uint32_t na,
			  const struct result *const *b, uint32_t nb)
{
	const struct result **v = xmalloc(((size_t)na + nb) * sizeof *v), **va = v, **vb = v + na;
	uint32_t i = 0, j = 0;

	memcpy(va, a, na * sizeof *v);
	memcpy(vb, b, nb * sizeof *v);
	qsort(va, na, sizeof *v, compare_hash);
	qsort(vb, nb, sizeof *v, compare_hash);
	while (i < na || j < nb) {
		int side = i == na ? 1 : j == nb ? -1 : compare_hash(&va[i], &vb[j]);

		if (side < 0)
			resource_each(va[i], collect, &w->old);
		if (side > 0)
			resource_each(vb[j], collect, &w->new);
		i += side <= 0;
		j += side >= 0;
	}
	xfree(v);
}

/* As deep as lists nest, which is the query tables' choice. */
static void compare_trees(struct walk *w, const struct result *a, const struct result *b)
{
	uint32_t i = 0, na = a->n, nb = b->n;

	if (same(a, b))
		return;
	if (a->shape != RESULT_LIST || b->shape != RESULT_LIST) {
		resource_each(a, collect, &w->old);
		resource_each(b, collect, &w->new);
		return;
	}
	while (i < na && i < nb && same(a->child[i], b->child[i]))
		i++;
	while (na > i && nb > i && same(a->child[na - 1], b->child[nb - 1]))
		na--, nb--;
	if (na != nb) {
		match_by_hash(w, a->child + i, na - i, b->child + i, nb - i);
		return;
	}
	for (; i < na; i++)
		compare_trees(w, a->child[i], b->child[i]);
}

static int compare_name(const void *pa, const void *pb)
{
	const struct resource *a = pa, *b = pb;

	return strcmp(a->name, b->name);
}

static void sort(struct side *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof *s->v, compare_name);
}

static struct diff *diff_new(const struct root *from, const struct root *to, uint64_t hash)
{
	struct walk w = { 0 };
	struct diff *d = xcalloc(1, sizeof *d);
	struct diff_entry *changed;
	uint32_t n_gone = 0, i = 0, j = 0;

	compare_trees(&w, root_result(from), root_result(to));
	sort(&w.old);
	sort(&w.new);
	changed = xmalloc(w.new.n * sizeof *changed);
	while (i < w.old.n || j < w.new.n) {
		int side = i == w.old.n   ? 1
			   : j == w.new.n ? -1
					  : compare_name(&w.old.v[i], &w.new.v[j]);
		const struct resource *now = &w.new.v[j];

		if (side < 0)
			w.old.v[n_gone++] = w.old.v[i]; /* n_gone <= i */
		else if (side > 0 || !hash128_eq(w.old.v[i].hash, now->hash))
			changed[d->n_changed++] =
				(struct diff_entry){ now->at, now->offset, side > 0 };
		i += side <= 0;
		j += side >= 0;
	}
	shared_init(&d->shared, SHELF_DIFF, hash);
	d->from = root_ref(from);
	d->to = root_ref(to);
	d->changed = xrealloc_array(changed, d->n_changed, sizeof *changed);
	d->gone = xrealloc_array(w.old.v, n_gone, sizeof *w.old.v);
	d->n_gone = n_gone;
	xfree(w.new.v);
	return d;
}

bool diff_equal(const struct shared *s, const void *key)
{
	const struct diff *d = (const struct diff *)(const void *)s, *k = key;

	return d->from == k->from && d->to == k->to;
}

void diff_destroy(struct shared *s)
{
	struct diff *d = (struct diff *)(void *)s;

	root_unref(d->from);
	root_unref(d->to);
	xfree((void *)(uintptr_t)d->changed);
	xfree((void *)(uintptr_t)d->gone);
	xfree(d);
}

void diff_unref(const struct diff *d)
{
	if (d)
		shared_unref(&d->shared);
}

const struct diff *diff_get(struct xds_cache *c, const struct root *from, const struct root *to)
{
	const struct diff key = { .from = from, .to = to };
	const void *parts[] = { from, to };
	uint64_t hash = hash_pointers(parts, ARRAY_LEN(parts));
	const struct shared *s = cache_find(c, SHELF_DIFF, hash, &key);

	if (!s)
		s = cache_add(c, &diff_new(from, to, hash)->shared, &key);
	return (const struct diff *)(const void *)s;
}

const struct diff *diff_make(const struct root *from, const struct root *to)
{
	return diff_new(from, to, 0);
}
