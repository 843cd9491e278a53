/* The queue: order, bounds, bell, closing, and many writers. */
#include "base/queue.h"
#include "base/clock.h"
#include "test.h"
#include <poll.h>
#include <pthread.h>

static bool bell_rings(const struct queue *q)
{
	struct pollfd p = { .fd = queue_fd(q), .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

static void *as_item(uintptr_t v)
{
	return (void *)v;
}

TEST(queue_is_first_in_first_out_and_bounded)
{
	struct queue *q = queue_new(3);

	for (int round = 0; round < 5; round++) {
		CHECK(queue_try_push(q, as_item(1)));
		CHECK(queue_push(q, as_item(2)));
		CHECK(queue_try_push(q, as_item(3)));
		CHECK(!queue_try_push(q, as_item(4)));
		CHECK_INT(queue_len(q), 3);
		CHECK(queue_pop(q) == as_item(1));
		CHECK(queue_try_push(q, as_item(5)));
		CHECK(queue_pop(q) == as_item(2));
		CHECK(queue_pop(q) == as_item(3));
		CHECK(queue_pop(q) == as_item(5));
		CHECK(!queue_pop(q));
	}
	queue_free(q);
	queue_free(NULL);
}

TEST(queue_bell_rings_until_found_empty)
{
	struct queue *q = queue_new(8);

	CHECK(!bell_rings(q));
	CHECK(queue_push(q, as_item(1)));
	CHECK(queue_push(q, as_item(2)));
	CHECK(bell_rings(q));
	CHECK(queue_pop(q));
	CHECK(queue_pop(q));
	CHECK(bell_rings(q));
	CHECK(!queue_pop(q));
	CHECK(!bell_rings(q));
	CHECK(queue_push(q, as_item(3)));
	CHECK(bell_rings(q));
	CHECK(queue_pop(q));
	queue_free(q);
}

TEST(queue_close_refuses_and_drains)
{
	struct queue *q = queue_new(8);

	CHECK(queue_push(q, as_item(1)));
	CHECK(!queue_is_closed(q));
	queue_close(q);
	CHECK(queue_is_closed(q));
	CHECK(bell_rings(q));
	CHECK(!queue_push(q, as_item(2)));
	CHECK(!queue_try_push(q, as_item(2)));
	CHECK(queue_wait(q, -1));
	CHECK(queue_pop(q) == as_item(1));
	CHECK(!queue_wait(q, -1));
	CHECK(!queue_pop(q));
	CHECK(!bell_rings(q));
	queue_free(q);
}

TEST(queue_wait_ends_with_its_time)
{
	struct queue *q = queue_new(1);
	int64_t start = clock_mono_ns();

	CHECK(!queue_wait(q, 0));
	CHECK(!queue_wait(q, 20 * NS_PER_MS));
	CHECK(clock_mono_ns() - start >= 20 * NS_PER_MS);
	CHECK(queue_push(q, as_item(1)));
	CHECK(queue_wait(q, INT64_MAX));
	CHECK(queue_pop(q));
	queue_free(q);
}

enum { WRITERS = 3, EACH = 5000 };

struct writer {
	struct queue *q;
	uintptr_t first;
};

static void *write_all(void *arg)
{
	const struct writer *w = arg;

	for (uintptr_t i = 0; i < EACH; i++)
		if (!queue_push(w->q, as_item(w->first + i)))
			return arg;
	return NULL;
}

TEST(queue_many_writers_one_reader)
{
	struct queue *q = queue_new(16);
	struct writer w[WRITERS];
	pthread_t t[WRITERS];
	uintptr_t next[WRITERS];
	int n = 0;

	for (int i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ q, (uintptr_t)(i + 1) * 100000 };
		next[i] = w[i].first;
		pthread_create(&t[i], NULL, write_all, &w[i]);
	}
	while (n < WRITERS * EACH) {
		void *item = queue_pop(q);
		int from;

		if (!item) {
			if (!CHECK(queue_wait(q, 10 * NS_PER_S)))
				break;
			continue;
		}
		from = (int)((uintptr_t)item / 100000) - 1;
		if (!CHECK(item == as_item(next[from])))
			break;
		next[from]++;
		n++;
	}
	CHECK_INT(n, WRITERS * EACH);
	for (int i = 0; i < WRITERS; i++) {
		void *failed;

		pthread_join(t[i], &failed);
		CHECK(!failed);
	}
	queue_free(q);
}

static void *push_into_full(void *arg)
{
	return as_item(queue_push(arg, as_item(9)) ? 1 : 2);
}

TEST(queue_close_wakes_who_waits)
{
	struct queue *q = queue_new(1);
	pthread_t t;
	void *result;

	CHECK(queue_push(q, as_item(1)));
	pthread_create(&t, NULL, push_into_full, q);
	queue_wait(q, -1);
	queue_close(q);
	pthread_join(t, &result);
	CHECK(result == as_item(2));
	CHECK(queue_pop(q) == as_item(1));
	queue_free(q);
}
