/* One allocation each. Lists hold references of their children, so two versions of a long list share all that did not
 * change, and dropping a list is as deep as lists nest. */
#include "world/result.h"
#include <assert.h>
#include <string.h>

const struct result *result_ref(const struct result *r)
{
	ref_get(&r->ref);
	return r;
}

void result_unref(const struct result *r)
{
	if (!r || !ref_put(&r->ref))
		return;
	if (r->shape != RESULT_BYTES) {
		for (uint32_t i = 0; i < r->n; i++)
			result_unref(r->child[i]);
	}
	/* The last reference makes it ours alone. */
	xfree((void *)(uintptr_t)r);
}

const struct result *result_bytes(const void *bytes, size_t n)
{
	struct result *r;

	assert(n < UINT32_MAX);
	r = xmalloc(sizeof *r + n);
	ref_init(&r->ref);
	r->shape = RESULT_BYTES;
	r->reserved = 0;
	r->n = r->total = (uint32_t)n;
	r->hash = hash128(bytes, n);
	if (n)
		memcpy(r->bytes, bytes, n);
	return r;
}

/* By chunks, because one hash of many hashes costs a third of folding each in. */
static struct hash128 hash_children(const struct result *r)
{
	enum { CHUNK = 64 };
	const struct hash128 start = { { r->shape, r->n } };
	struct hash128 h = hash128_fold(HASH128_INIT, start), chunk[CHUNK];

	for (uint32_t i = 0; i < r->n; i += CHUNK) {
		uint32_t n = MIN(r->n - i, (uint32_t)CHUNK);

		for (uint32_t j = 0; j < n; j++)
			chunk[j] = r->child[i + j]->hash;
		h = hash128_fold(h, hash128(chunk, n * sizeof *chunk));
	}
	return h;
}

const struct result *result_list(enum result_shape shape, const struct result *const *v, size_t n)
{
	struct result *r;
	uint64_t total = 0;

	assert(shape != RESULT_BYTES && n < UINT32_MAX / sizeof *v);
	r = xmalloc(sizeof *r + n * sizeof *v);
	ref_init(&r->ref);
	r->shape = (uint16_t)shape;
	r->reserved = 0;
	r->n = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		r->child[i] = result_ref(v[i]);
		total += v[i]->total;
	}
	assert(total < UINT32_MAX);
	r->total = (uint32_t)total;
	r->hash = hash_children(r);
	return r;
}

bool result_equal(const struct result *a, const struct result *b)
{
	if (a == b)
		return true;
	if (!hash128_eq(a->hash, b->hash) || a->shape != b->shape || a->n != b->n ||
	    a->total != b->total)
		return false;
	return a->shape != RESULT_BYTES || !memcmp(a->bytes, b->bytes, a->n);
}

void result_each(const struct result *r, void (*fn)(void *ctx, const void *bytes, size_t n),
		 void *ctx)
{
	if (r->shape == RESULT_BYTES) {
		if (r->n)
			fn(ctx, r->bytes, r->n);
		return;
	}
	for (uint32_t i = 0; i < r->n; i++)
		result_each(r->child[i], fn, ctx);
}
