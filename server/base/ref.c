/* An atomic count. Taking a reference needs no order, since whoever takes one already holds one; dropping releases
 * what this thread wrote and, for the last, acquires what all others wrote. */
#include "base/ref.h"
#include <assert.h>

static uint32_t *count(const struct ref *r)
{
	/* The count is the one mutable field of an otherwise constant thing. */
	return (uint32_t *)(uintptr_t)&r->n;
}

void ref_init(struct ref *r)
{
	__atomic_store_n(&r->n, 1, __ATOMIC_RELAXED);
}

void ref_get(const struct ref *r)
{
	uint32_t old = __atomic_fetch_add(count(r), 1, __ATOMIC_RELAXED);

	assert(old > 0 && old < UINT32_MAX / 2);
}

bool ref_put(const struct ref *r)
{
	uint32_t old = __atomic_fetch_sub(count(r), 1, __ATOMIC_ACQ_REL);

	assert(old > 0 && old <= UINT32_MAX / 2);
	return old == 1;
}

uint32_t ref_count(const struct ref *r)
{
	return __atomic_load_n(&r->n, __ATOMIC_RELAXED);
}
