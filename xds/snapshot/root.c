/* Roots and snapshots. A root is a result with its type; its index is made when somebody first looks for a name, and is
 * then shared by all streams of all classes that have this root. */
#include "snapshot/cache.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct root {
	struct shared shared;
	struct xds_cache *cache; /* NULL: personal */
	enum xds_type type;
	const struct result *result;
	const struct root_index *index; /* under the cache's lock until it is set */
};

struct root_key {
	enum xds_type type;
	const struct result *result;
};

static const struct root *root_of(const struct shared *s)
{
	return (const struct root *)(const void *)s;
}

bool same_content(const struct result *a, const struct result *b)
{
	return a == b || (hash128_eq(a->hash, b->hash) && a->shape == b->shape && a->n == b->n &&
			  a->total == b->total);
}

bool root_equal(const struct shared *s, const void *key)
{
	const struct root_key *k = key;
	const struct root *r = root_of(s);

	return r->type == k->type && same_content(r->result, k->result);
}

void root_destroy(struct shared *s)
{
	struct root *r = (struct root *)(void *)s;

	result_unref(r->result);
	xfree((void *)(uintptr_t)r->index);
	xfree(r);
}

/* With the cache's lock held. */
size_t root_size(const struct shared *s)
{
	const struct root_index *x = root_of(s)->index;

	return sizeof(struct root) + (x ? sizeof *x + x->n * sizeof x->v[0] : 0);
}

static struct root *root_new(struct xds_cache *c, enum xds_type type, const struct result *result,
			     uint64_t hash)
{
	struct root *r = xcalloc(1, sizeof *r);

	assert(type < XDS_N && result);
	shared_init(&r->shared, SHELF_ROOT, hash);
	r->cache = c;
	r->type = type;
	r->result = result_ref(result);
	return r;
}

const struct root *root_get(struct xds_cache *c, enum xds_type type, const struct result *result)
{
	struct root_key key = { type, result };
	uint64_t hash = result->hash.h[0] + type;
	const struct shared *s = cache_find(c, SHELF_ROOT, hash, &key);

	if (!s)
		s = cache_add(c, &root_new(c, type, result, hash)->shared, &key);
	return root_of(s);
}

const struct root *root_ref(const struct root *r)
{
	if (r)
		shared_ref(&r->shared);
	return r;
}

void root_unref(const struct root *r)
{
	if (r)
		shared_unref(&r->shared);
}

enum xds_type root_type(const struct root *r)
{
	return r->type;
}

const struct result *root_result(const struct root *r)
{
	return r->result;
}

bool root_is_personal(const struct root *r)
{
	return !r->cache;
}

uint64_t root_version(const struct root *r)
{
	return r ? r->result->hash.h[0] : 0;
}

/* ---- The index ---- */

struct sortable {
	struct index_entry entry;
	uint32_t order;
	const char *name;
};
struct sorting {
	struct sortable *v;
	uint32_t n, cap;
};

static bool collect(void *ctx, const struct resource *r)
{
	struct sorting *s = ctx;

	VEC_ROOM(s->v, s->n, s->cap);
	s->v[s->n] = (struct sortable){
		.entry = { name_hash(r->name, r->name_len), resource_version(r), r->at, r->offset },
		.order = s->n,
		.name = r->name,
	};
	s->n++;
	return true;
}

static int compare_sortable(const void *pa, const void *pb)
{
	const struct sortable *a = pa, *b = pb;
	int side;

	if (a->entry.hash != b->entry.hash)
		return a->entry.hash < b->entry.hash ? -1 : 1;
	side = strcmp(a->name, b->name);
	return side ? side : a->order < b->order ? -1 : a->order > b->order;
}

static struct root_index *index_new(const struct result *result)
{
	struct sorting s = { 0 };
	struct root_index *x;

	resource_each(result, collect, &s);
	if (s.n)
		qsort(s.v, s.n, sizeof *s.v, compare_sortable);
	x = xmalloc(sizeof *x + s.n * sizeof x->v[0]);
	x->n = x->n_duplicates = 0;
	for (uint32_t i = 0; i < s.n; i++) {
		if (i && s.v[i].entry.hash == s.v[i - 1].entry.hash &&
		    str_eq(s.v[i].name, s.v[i - 1].name))
			x->n_duplicates++;
		else
			x->v[x->n++] = s.v[i].entry;
	}
	xfree(s.v);
	return x;
}

const struct root_index *root_index(const struct root *root)
{
	/* The index is no part of the root's value. */
	struct root *r = (struct root *)(uintptr_t)root;
	const struct root_index *x = NULL;
	struct root_index *mine;

	if (!r->cache)
		return r->index;
	with_lock(&r->cache->lock)
		x = r->index;
	if (x)
		return x;
	mine = index_new(r->result);
	with_lock(&r->cache->lock) {
		if (!r->index)
			r->index = TAKE(mine);
		x = r->index;
	}
	xfree(mine);
	return x;
}

const struct root *root_personal(enum xds_type type, const struct result *result)
{
	struct root *r = root_new(NULL, type, result, 0);

	r->index = index_new(result);
	return r;
}

const struct index_entry *index_guess(const struct root_index *x, uint64_t hash)
{
	uint32_t lo = 0, hi = x->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (x->v[mid].hash < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < x->n && x->v[lo].hash == hash ? &x->v[lo] : NULL;
}

const struct index_entry *index_find(const struct root_index *x, uint64_t hash, const char *s,
				     size_t len)
{
	const struct index_entry *e = index_guess(x, hash);

	for (; e && e < x->v + x->n && e->hash == hash; e++) {
		struct resource r = resource_at(e->at, e->offset);

		if (r.name_len == len && !memcmp(r.name, s, len))
			return e;
	}
	return NULL;
}

bool root_find(const struct root *r, const char *name, struct resource *ret)
{
	size_t len = strlen(name);
	const struct index_entry *e =
		r ? index_find(root_index(r), name_hash(name, len), name, len) : NULL;

	if (!e)
		return false;
	*ret = resource_at(e->at, e->offset);
	return true;
}

bool root_each(const struct root *r, resource_fn *fn, void *ctx)
{
	const struct root_index *x = root_index(r);

	for (uint32_t i = 0; i < x->n; i++) {
		struct resource res = resource_at(x->v[i].at, x->v[i].offset);

		if (!fn(ctx, &res))
			return false;
	}
	return true;
}

const struct names *root_names(struct xds_cache *c, const struct root *r)
{
	const struct root_index *x = root_index(r);
	const char **v = xmalloc(x->n * sizeof *v);
	const struct names *names;

	for (uint32_t i = 0; i < x->n; i++)
		v[i] = resource_at(x->v[i].at, x->v[i].offset).name;
	names = names_make(c, v, x->n);
	xfree(v);
	return names;
}

uint32_t root_count(const struct root *r)
{
	return r ? root_index(r)->n : 0;
}

uint32_t root_n_duplicates(const struct root *r)
{
	return r ? root_index(r)->n_duplicates : 0;
}

/* ---- Snapshots ---- */

struct snapshot {
	struct shared shared;
	const struct root *roots[XDS_N];
};

static const struct snapshot *snapshot_of(const struct shared *s)
{
	return (const struct snapshot *)(const void *)s;
}

bool snapshot_equal(const struct shared *s, const void *key)
{
	return !memcmp(snapshot_of(s)->roots, key, sizeof snapshot_of(s)->roots);
}

void snapshot_destroy(struct shared *s)
{
	struct snapshot *x = (struct snapshot *)(void *)s;

	for (unsigned t = 0; t < XDS_N; t++)
		root_unref(x->roots[t]);
	xfree(x);
}

const struct snapshot *snapshot_get(struct xds_cache *c, const struct result *const results[XDS_N])
{
	const struct root *roots[XDS_N];
	const struct shared *s;
	struct snapshot *x;
	uint64_t hash;

	for (unsigned t = 0; t < XDS_N; t++)
		roots[t] = results[t] ? root_get(c, (enum xds_type)t, results[t]) : NULL;
	hash = hash64(roots, sizeof roots);
	s = cache_find(c, SHELF_SNAPSHOT, hash, roots);
	if (s) {
		for (unsigned t = 0; t < XDS_N; t++)
			root_unref(roots[t]);
		return snapshot_of(s);
	}
	x = xmalloc(sizeof *x);
	shared_init(&x->shared, SHELF_SNAPSHOT, hash);
	memcpy(x->roots, roots, sizeof roots);
	return snapshot_of(cache_add(c, &x->shared, roots));
}

const struct snapshot *snapshot_ref(const struct snapshot *s)
{
	if (s)
		shared_ref(&s->shared);
	return s;
}

void snapshot_unref(const struct snapshot *s)
{
	if (s)
		shared_unref(&s->shared);
}

const struct root *snapshot_root(const struct snapshot *s, enum xds_type type)
{
	assert(type < XDS_N);
	return s ? s->roots[type] : NULL;
}
