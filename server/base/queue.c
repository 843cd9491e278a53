/* A ring under a lock, two conditions for who sleeps, and an eventfd for who polls. The bell is rung only when it is
 * silent and silenced only when the reader found nothing, so a thousand pushes cost one write. */
#include "base/queue.h"
#include "base/clock.h"
#include "base/lock.h"
#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct queue {
	struct lock lock;
	pthread_cond_t not_full, not_empty;
	void **ring;
	size_t cap, head;
	size_t n;    /* written under the lock, read anywhere */
	bool closed; /* likewise */
	bool rung;
	int fd;
};

struct queue *queue_new(size_t capacity)
{
	struct queue *q = xcalloc(1, sizeof *q);
	pthread_condattr_t attr;

	assert(capacity);
	lock_init(&q->lock, LOCK_QUEUE);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->not_full, NULL);
	pthread_cond_init(&q->not_empty, &attr);
	pthread_condattr_destroy(&attr);
	q->cap = capacity;
	q->ring = xcalloc(capacity, sizeof *q->ring);
	q->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert(q->fd >= 0); /* queues are made at the start, where descriptors are plenty */
	return q;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	close(q->fd);
	pthread_cond_destroy(&q->not_full);
	pthread_cond_destroy(&q->not_empty);
	lock_fini(&q->lock);
	xfree(q->ring);
	xfree(q);
}

static void ring_bell(struct queue *q)
{
	uint64_t one = 1;
	ssize_t rc;

	if (q->rung)
		return;
	q->rung = true;
	do
		rc = write(q->fd, &one, sizeof one);
	while (rc < 0 && errno == EINTR);
}

static void silence_bell(struct queue *q)
{
	uint64_t n;
	ssize_t rc;

	if (!q->rung)
		return;
	q->rung = false;
	do
		rc = read(q->fd, &n, sizeof n);
	while (rc < 0 && errno == EINTR);
}

static void put(struct queue *q, void *item)
{
	q->ring[(q->head + q->n) % q->cap] = item;
	__atomic_store_n(&q->n, q->n + 1, __ATOMIC_RELAXED);
	ring_bell(q);
	pthread_cond_signal(&q->not_empty);
}

bool queue_push(struct queue *q, void *item)
{
	with_lock(&q->lock) {
		while (q->n == q->cap && !q->closed)
			pthread_cond_wait(&q->not_full, &q->lock.m);
		if (q->closed)
			return false;
		put(q, item);
	}
	return true;
}

bool queue_try_push(struct queue *q, void *item)
{
	with_lock(&q->lock) {
		if (q->closed || q->n == q->cap)
			return false;
		put(q, item);
	}
	return true;
}

void *queue_pop(struct queue *q)
{
	void *item = NULL;

	with_lock(&q->lock) {
		if (!q->n) {
			silence_bell(q);
			return NULL;
		}
		item = q->ring[q->head];
		q->head = (q->head + 1) % q->cap;
		__atomic_store_n(&q->n, q->n - 1, __ATOMIC_RELAXED);
		pthread_cond_signal(&q->not_full);
	}
	return item;
}

bool queue_wait(struct queue *q, int64_t timeout_ns)
{
	int64_t end_ns;
	struct timespec end;
	bool some = false;

	if (__builtin_add_overflow(clock_mono_ns(), timeout_ns, &end_ns))
		timeout_ns = -1;
	end = (struct timespec){ .tv_sec = end_ns / NS_PER_S, .tv_nsec = end_ns % NS_PER_S };
	with_lock(&q->lock) {
		int rc = 0;

		while (!q->n && !q->closed && rc != ETIMEDOUT)
			rc = timeout_ns < 0
				     ? pthread_cond_wait(&q->not_empty, &q->lock.m)
				     : pthread_cond_timedwait(&q->not_empty, &q->lock.m, &end);
		some = q->n > 0;
	}
	return some;
}

int queue_fd(const struct queue *q)
{
	return q->fd;
}

void queue_close(struct queue *q)
{
	with_lock(&q->lock) {
		__atomic_store_n(&q->closed, true, __ATOMIC_RELAXED);
		ring_bell(q);
		pthread_cond_broadcast(&q->not_full);
		pthread_cond_broadcast(&q->not_empty);
	}
}

bool queue_is_closed(const struct queue *q)
{
	return __atomic_load_n(&q->closed, __ATOMIC_RELAXED);
}

size_t queue_len(const struct queue *q)
{
	return __atomic_load_n(&q->n, __ATOMIC_RELAXED);
}
