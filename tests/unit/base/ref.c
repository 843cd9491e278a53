/* Counts stay right when several threads take and drop. */
#include "base/ref.h"
#include "test.h"
#include <pthread.h>

struct thing {
	struct ref ref;
	int value;
	int *n_destroyed;
};

static void thing_unref(struct thing *t)
{
	if (ref_put(&t->ref)) {
		/* A plain write: the thread sanitizer tells if another's use could still be under way. */
		t->value = -1;
		__atomic_fetch_add(t->n_destroyed, 1, __ATOMIC_RELAXED);
		xfree(t);
	}
}

static void *user(void *arg)
{
	struct thing *t = arg;

	for (int i = 0; i < 10000; i++) {
		ref_get(&t->ref);
		if (t->value != 42)
			return t;
		if (ref_put(&t->ref))
			return t;
	}
	thing_unref(t);
	return NULL;
}

TEST(ref_last_put_says_so)
{
	struct ref r;

	ref_init(&r);
	CHECK_INT(ref_count(&r), 1);
	ref_get(&r);
	CHECK_INT(ref_count(&r), 2);
	CHECK(!ref_put(&r));
	CHECK(ref_put(&r));
}

TEST(ref_many_threads_destroy_once)
{
	pthread_t threads[4];
	int n_destroyed = 0;
	struct thing *t = xcalloc(1, sizeof *t);

	ref_init(&t->ref);
	t->value = 42;
	t->n_destroyed = &n_destroyed;
	for (int i = 0; i < 4; i++) {
		ref_get(&t->ref);
		pthread_create(&threads[i], NULL, user, t);
	}
	thing_unref(t);
	for (int i = 0; i < 4; i++) {
		void *bad;

		pthread_join(threads[i], &bad);
		CHECK(!bad);
	}
	CHECK_INT(n_destroyed, 1);
}
