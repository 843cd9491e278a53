/* A set is two arrays in one allocation, sorted by the names' 64-bit hashes: sorting and searching compare numbers and
 * look at a string only when these are equal, which matters when a few thousand names begin alike. Nothing trusts a
 * hash: equality of sets is decided by their strings.
 *
 * The set operations are remembered as (operation, a, b) -> result, so when all proxies of a class subscribe to the
 * same two new clusters, the first one computes and the others look up. */
#include "snapshot/cache.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct names {
	struct shared shared;
	uint32_t n;
	uint32_t memory;
	struct hashed v[]; /* the strings follow */
};

static const struct names *names_of(const struct shared *s)
{
	return (const struct names *)(const void *)s;
}

const struct names *names_ref(const struct names *s)
{
	if (s)
		shared_ref(&s->shared);
	return s;
}

void names_unref(const struct names *s)
{
	if (s)
		shared_unref(&s->shared);
}

uint32_t names_count(const struct names *s)
{
	return s ? s->n : 0;
}

const char *names_at(const struct names *s, uint32_t i)
{
	assert(i < names_count(s));
	return s->v[i].s;
}

const struct hashed *names_hashed(const struct names *s)
{
	return s ? s->v : NULL;
}

size_t names_memory(const struct names *s)
{
	return s ? s->memory : 0;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **names_sorted(const struct names *s)
{
	uint32_t n = names_count(s);
	const char **v = xmalloc(n * sizeof *v);

	for (uint32_t i = 0; i < n; i++)
		v[i] = s->v[i].s;
	qsort(v, n, sizeof *v, compare_strings);
	return v;
}

static int compare(const struct hashed *a, const struct hashed *b)
{
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->s == b->s ? 0 : strcmp(a->s, b->s);
}

static int compare_hashed(const void *a, const void *b)
{
	return compare(a, b);
}

bool names_find_hashed(const struct names *s, uint64_t hash, const char *name, size_t len,
		       uint32_t *ret)
{
	uint32_t lo = 0, hi = names_count(s);

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].hash < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < names_count(s) && s->v[lo].hash == hash; lo++) {
		if (!strncmp(s->v[lo].s, name, len) && !s->v[lo].s[len]) {
			*ret = lo;
			return true;
		}
	}
	return false;
}

bool names_has_hashed(const struct names *s, uint64_t hash, const char *name, size_t len)
{
	uint32_t at;

	return names_find_hashed(s, hash, name, len, &at);
}

bool names_find(const struct names *s, const char *name, uint32_t *ret_index)
{
	size_t len = strlen(name);

	return s && names_find_hashed(s, name_hash(name, len), name, len, ret_index);
}

bool names_has_n(const struct names *s, const char *name, size_t len)
{
	return s && names_has_hashed(s, name_hash(name, len), name, len);
}

bool names_has(const struct names *s, const char *name)
{
	return names_has_n(s, name, strlen(name));
}

/* ---- Interning ---- */

struct names_key {
	const struct hashed *v;
	uint32_t n;
};

bool names_equal(const struct shared *shared, const void *key)
{
	const struct names *s = names_of(shared);
	const struct names_key *k = key;

	if (s->n != k->n)
		return false;
	for (uint32_t i = 0; i < s->n; i++) {
		if (compare(&s->v[i], &k->v[i]))
			return false;
	}
	return true;
}

void names_destroy(struct shared *s)
{
	xfree(s);
}

size_t names_size(const struct shared *s)
{
	return names_of(s)->memory;
}

/* From a sorted array without duplicates. */
static const struct names *intern(struct xds_cache *c, const struct hashed *v, uint32_t n)
{
	struct names_key key = { v, n };
	const struct shared *found;
	struct names *s;
	uint64_t hash = n;
	size_t bytes = 0;
	char *text;

	if (!n)
		return NULL;
	for (uint32_t i = 0; i < n; i++)
		hash = (hash ^ v[i].hash) * UINT64_C(0x9fb21c651e98df25) + (hash >> 29);
	found = cache_find(c, SHELF_NAMES, hash, &key);
	if (found)
		return names_of(found);
	for (uint32_t i = 0; i < n; i++)
		bytes += strlen(v[i].s) + 1;
	bytes += sizeof *s + n * sizeof *v;
	assert(bytes < UINT32_MAX);
	s = xmalloc(bytes);
	shared_init(&s->shared, SHELF_NAMES, hash);
	s->n = n;
	s->memory = (uint32_t)bytes;
	text = (char *)&s->v[n];
	for (uint32_t i = 0; i < n; i++) {
		size_t len = strlen(v[i].s) + 1;

		memcpy(text, v[i].s, len);
		s->v[i] = (struct hashed){ v[i].hash, text };
		text += len;
	}
	return names_of(cache_add(c, &s->shared, &key));
}

/* Hashes are spread evenly, so dealing them into as many buckets as there are names leaves next to nothing to sort. Names
 * that were chosen to meet in one bucket are sorted there in earnest. */
static void sort(struct hashed *v, size_t n)
{
	enum { SMALL = 64 };
	unsigned shift = 64;
	uint32_t *starts;
	struct hashed *out;
	size_t n_buckets;

	if (n <= SMALL) {
		qsort(v, n, sizeof *v, compare_hashed);
		return;
	}
	while (shift > 40 && (size_t)1 << (64 - shift) < n)
		shift--;
	n_buckets = (size_t)1 << (64 - shift);
	starts = xcalloc(n_buckets + 1, sizeof *starts);
	out = xmalloc(n * sizeof *out);
	for (size_t i = 0; i < n; i++)
		starts[(v[i].hash >> shift) + 1]++;
	for (size_t b = 0; b < n_buckets; b++)
		starts[b + 1] += starts[b];
	for (size_t i = 0; i < n; i++)
		out[starts[v[i].hash >> shift]++] = v[i];
	/* starts[b] is now the end of bucket b. */
	for (size_t b = 0, from = 0; b < n_buckets; from = starts[b++]) {
		if (starts[b] - from > 1)
			qsort(out + from, starts[b] - from, sizeof *out, compare_hashed);
	}
	memcpy(v, out, n * sizeof *v);
	xfree(out);
	xfree(starts);
}

const struct names *names_make_hashed(struct xds_cache *c, struct hashed *v, size_t n)
{
	uint32_t kept = 0;

	if (!n)
		return NULL;
	assert(n < UINT32_MAX / sizeof *v);
	sort(v, n);
	for (size_t i = 0; i < n; i++) {
		if (!kept || compare(&v[kept - 1], &v[i]))
			v[kept++] = v[i];
	}
	return intern(c, v, kept);
}

const struct names *names_make(struct xds_cache *c, const char *const *v, size_t n)
{
	struct hashed *h = xmalloc(n * sizeof *h);
	const struct names *s;

	for (size_t i = 0; i < n; i++)
		h[i] = (struct hashed){ name_hash(v[i], strlen(v[i])), v[i] };
	s = names_make_hashed(c, h, n);
	xfree(h);
	return s;
}

/* ---- Operations ---- */

/* Which elements stay, by where they are found. */
enum { KEEP_A = 1, KEEP_B = 2, KEEP_BOTH = 4 };
enum op { OP_UNION = KEEP_A | KEEP_B | KEEP_BOTH, OP_MINUS = KEEP_A, OP_BOTH = KEEP_BOTH };

struct names_op {
	struct shared shared;
	enum op op;
	const struct names *a, *b, *result;
};

bool names_op_equal(const struct shared *s, const void *key)
{
	const struct names_op *o = (const struct names_op *)(const void *)s, *k = key;

	return o->op == k->op && o->a == k->a && o->b == k->b;
}

void names_op_destroy(struct shared *s)
{
	struct names_op *o = (struct names_op *)(void *)s;

	names_unref(o->a);
	names_unref(o->b);
	names_unref(o->result);
	xfree(o);
}

static const struct names *merge(struct xds_cache *c, enum op op, const struct names *a,
				 const struct names *b)
{
	struct hashed *v = xmalloc((a->n + (size_t)b->n) * sizeof *v);
	uint32_t n = 0, i = 0, j = 0;
	const struct names *s;

	while (i < a->n || j < b->n) {
		int side = i == a->n ? 1 : j == b->n ? -1 : compare(&a->v[i], &b->v[j]);
		unsigned found = !side ? KEEP_BOTH : side < 0 ? KEEP_A : KEEP_B;

		if (op & found)
			v[n++] = side > 0 ? b->v[j] : a->v[i];
		i += side <= 0;
		j += side >= 0;
	}
	s = intern(c, v, n);
	xfree(v);
	return s;
}

static const struct names *operate(struct xds_cache *c, enum op op, const struct names *a,
				   const struct names *b)
{
	struct names_op key = { .op = op, .a = a, .b = b }, *o;
	const void *parts[] = { a, b, (const void *)(uintptr_t)op };
	uint64_t hash = hash_pointers(parts, ARRAY_LEN(parts));
	const struct shared *s = cache_find(c, SHELF_NAMES_OP, hash, &key);
	const struct names *result;

	if (!s) {
		o = xmalloc(sizeof *o);
		shared_init(&o->shared, SHELF_NAMES_OP, hash);
		o->op = op;
		o->a = names_ref(a);
		o->b = names_ref(b);
		o->result = merge(c, op, a, b);
		s = cache_add(c, &o->shared, &key);
	}
	result = names_ref(((const struct names_op *)(const void *)s)->result);
	shared_unref(s);
	return result;
}

const struct names *names_union(struct xds_cache *c, const struct names *a, const struct names *b)
{
	if (!b || a == b)
		return names_ref(a);
	if (!a)
		return names_ref(b);
	return operate(c, OP_UNION, a, b);
}

const struct names *names_minus(struct xds_cache *c, const struct names *a, const struct names *b)
{
	if (!a || a == b)
		return NULL;
	if (!b)
		return names_ref(a);
	return operate(c, OP_MINUS, a, b);
}

const struct names *names_both(struct xds_cache *c, const struct names *a, const struct names *b)
{
	if (!a || !b)
		return NULL;
	if (a == b)
		return names_ref(a);
	return operate(c, OP_BOTH, a, b);
}

bool names_subset(const struct names *sub, const struct names *of)
{
	if (sub == of)
		return true;
	if (names_count(sub) > names_count(of))
		return false;
	for (uint32_t i = 0; i < names_count(sub); i++) {
		if (!names_has_hashed(of, sub->v[i].hash, sub->v[i].s, strlen(sub->v[i].s)))
			return false;
	}
	return true;
}

bool names_meet(const struct names *a, const struct names *b)
{
	if (names_count(a) > names_count(b))
		return names_meet(b, a);
	for (uint32_t i = 0; b && i < names_count(a); i++) {
		if (names_has_hashed(b, a->v[i].hash, a->v[i].s, strlen(a->v[i].s)))
			return true;
	}
	return false;
}
