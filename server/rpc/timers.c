/* Timers of one server: few kinds, each with a constant delay, so a new one nearly always goes to the end of the
 * sorted ring, which is searched from there. */
#include "rpc/internal.h"
#include <assert.h>
#include <time.h>

void cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

static void unlink_locked(struct rpc_timer *t)
{
	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->prev = t->next = NULL;
}

/* The first that is due, off the ring; otherwise waits for it, or for a change. */
static struct rpc_timer *take_due_locked(struct timers *ts)
{
	struct rpc_timer *t = ts->head.next;
	struct timespec at;

	if (t == &ts->head) {
		pthread_cond_wait(&ts->changed, &ts->lock.m);
		return NULL;
	}
	if (t->due_ns <= clock_mono_ns()) {
		unlink_locked(t);
		return t;
	}
	at = (struct timespec){ t->due_ns / NS_PER_S, t->due_ns % NS_PER_S };
	pthread_cond_timedwait(&ts->changed, &ts->lock.m, &at);
	return NULL;
}

static void *run(void *arg)
{
	struct timers *ts = arg;

	for (;;) {
		/* `fire` is read with the lock held: it may be armed again before it fires. */
		void (*fire)(struct rpc_timer *) = NULL;
		struct rpc_timer *t = NULL;
		bool stopping = false;

		with_lock(&ts->lock) {
			stopping = ts->stopping;
			if (!stopping)
				t = take_due_locked(ts);
			if (t)
				fire = t->fire;
		}
		if (stopping)
			return NULL;
		if (t)
			fire(t);
	}
}

void timers_start(struct timers *ts)
{
	int rc;

	lock_init(&ts->lock, LOCK_RPC_LIMITER);
	cond_init(&ts->changed);
	ts->head.prev = ts->head.next = &ts->head;
	rc = pthread_create(&ts->thread, NULL, run, ts);
	assert(!rc);
	pthread_setname_np(ts->thread, "rpc-timers");
}

void timers_stop(struct timers *ts)
{
	struct rpc_timer *t;

	with_lock(&ts->lock)
		ts->stopping = true;
	pthread_cond_signal(&ts->changed);
	pthread_join(ts->thread, NULL);
	do {
		t = NULL;
		with_lock(&ts->lock) {
			if (ts->head.next != &ts->head) {
				t = ts->head.next;
				unlink_locked(t);
			}
		}
		if (t)
			t->fire(t);
	} while (t);
	pthread_cond_destroy(&ts->changed);
	lock_fini(&ts->lock);
}

bool timers_arm(struct timers *ts, struct rpc_timer *t, int64_t due_ns,
		void (*fire)(struct rpc_timer *))
{
	bool armed = false, first = false;

	with_lock(&ts->lock) {
		struct rpc_timer *after = ts->head.prev;

		if (t->next)
			break;
		while (after != &ts->head && after->due_ns > due_ns)
			after = after->prev;
		t->due_ns = due_ns;
		t->fire = fire;
		t->prev = after;
		t->next = after->next;
		t->prev->next = t->next->prev = t;
		armed = true;
		first = after == &ts->head;
	}
	if (first)
		pthread_cond_signal(&ts->changed);
	return armed;
}

bool timers_cancel(struct timers *ts, struct rpc_timer *t)
{
	bool was_armed = false;

	with_lock(&ts->lock) {
		was_armed = t->next != NULL;
		if (was_armed)
			unlink_locked(t);
	}
	return was_armed;
}
