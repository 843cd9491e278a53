/* base/ref.h
 * The reference count of shared, immutable things. Any thread; the last ref_put sees all that others wrote.
 */
#pragma once
#include "base/lang.h"

struct ref {
	uint32_t n;
};

void ref_init(struct ref *); /* one reference, the caller's */
void ref_get(
	const struct ref *); /* the count is not part of the thing's value: const is no obstacle */
bool ref_put(const struct ref *) must_check; /* true: that was the last one, the caller destroys */
uint32_t ref_count(const struct ref *);      /* a snapshot, for tests and statistics */
