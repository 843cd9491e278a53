/* Each thread remembers the ranks it holds, lowest first. Ranks only ever rise, so the list is sorted, its last is
 * the highest, and it is never longer than there are ranks. */
#include "base/lock.h"
#include <assert.h>
#include <string.h>

static __thread struct {
	enum lock_order rank[LOCK_ORDER_MAX];
	unsigned n;
} held;

void lock_init(struct lock *l, enum lock_order order)
{
	int rc = pthread_mutex_init(&l->m, NULL);

	assert(!rc && order < LOCK_ORDER_MAX);
	l->order = order;
}

void lock_fini(struct lock *l)
{
	int rc = pthread_mutex_destroy(&l->m);

	assert(!rc);
}

void lock_take(struct lock *l)
{
	int rc;

	/* Before waiting: a wrong order is found even when it happens not to deadlock this time. */
	assert(!held.n || held.rank[held.n - 1] < l->order);
	rc = pthread_mutex_lock(&l->m);
	assert(!rc);
	held.rank[held.n++] = l->order;
}

void lock_drop(struct lock *l)
{
	unsigned i = held.n;
	int rc;

	while (i && held.rank[i - 1] != l->order)
		i--;
	assert(i);
	memmove(&held.rank[i - 1], &held.rank[i], (held.n - i) * sizeof held.rank[0]);
	held.n--;
	rc = pthread_mutex_unlock(&l->m);
	assert(!rc);
}
