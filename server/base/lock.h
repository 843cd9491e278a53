/* base/lock.h
 * Mutexes with an order. A lock is declared beside the fields it protects, taken only by with_lock, and has a
 * rank; taking one while holding an equal or higher rank is a bug that asserts, in every build.
 */
#pragma once
#include "base/lang.h"
#include <pthread.h>

enum lock_order { /* outermost first */
		  LOCK_CONNECTIONS,
		  LOCK_CONNECTION,
		  LOCK_RPC_SERVER,
		  LOCK_RPC_STREAM,
		  LOCK_RPC_LIMITER,
		  LOCK_STATUS,
		  LOCK_SOURCE,
		  LOCK_CERTS,
		  LOCK_XDS_BUILD,
		  LOCK_XDS_CACHE,
		  LOCK_QUEUE,
		  LOCK_STATS,
		  LOCK_LOG,
		  LOCK_ORDER_MAX,
};

struct lock {
	pthread_mutex_t m;
	enum lock_order order;
};
#define LOCK_INIT(o) \
	{ \
		PTHREAD_MUTEX_INITIALIZER, (o) \
	} /* for static ones */
void lock_init(struct lock *, enum lock_order);
void lock_fini(struct lock *);
void lock_take(
	struct
	lock *); /* through with_lock; bare only where a callback API forces it, with a comment */
void lock_drop(struct lock *);

static inline void lock_drop_p(struct lock **p)
{
	if (*p)
		lock_drop(*p);
}
static inline struct lock *lock_scope(struct lock *l)
{
	lock_take(l);
	return l;
}
/* with_lock (&x->lock) { ... }: return, break and goto out of it release the lock. It is a loop of one round to the
 * compiler: break and continue inside mean it, not a loop around it. */
#define with_lock(l) LOCK_SCOPE_(l, __COUNTER__)
#define LOCK_SCOPE_(l, n) LOCK_SCOPE_NAMED_(l, n)
#define LOCK_SCOPE_NAMED_(l, n) \
	for (struct lock * scope_##n cleanup(lock_drop_p) = lock_scope(l), *once_##n = scope_##n; \
	     once_##n; once_##n = NULL)
