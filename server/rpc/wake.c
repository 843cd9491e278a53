/* The pushing threads: a queue of streams that somebody woke, first come, first served. gRPC does the framing and the
 * sendmsg of a message on the thread that sends it, so these threads are what a push costs; with as many as cores the
 * one who woke them (the model, which has better things to do) only rings the bell. */
#include "rpc/internal.h"
#include <assert.h>

static void *run(void *arg)
{
	struct wakers *ws = arg;

	for (;;) {
		struct rpc_stream *s = NULL;

		with_lock(&ws->lock) {
			while (!ws->first && !ws->stopping)
				pthread_cond_wait(&ws->ready, &ws->lock.m);
			s = ws->first;
			if (s) {
				ws->first = s->next_woken;
				s->next_woken = NULL;
			}
		}
		if (!s)
			return NULL;
		/* Before it runs: a wake from now on queues it again. */
		with_lock(&s->lock)
			s->woken = false;
		stream_run(s);
		rpc_stream_unref(s);
	}
}

void wakers_start(struct wakers *ws, uint32_t n_threads)
{
	lock_init(&ws->lock, LOCK_RPC_LIMITER);
	cond_init(&ws->ready);
	ws->n_threads = n_threads;
	for (uint32_t i = 0; i < n_threads; i++) {
		int rc = pthread_create(&ws->threads[i], NULL, run, ws);

		assert(!rc);
		pthread_setname_np(ws->threads[i], "rpc-push");
	}
}

void wakers_stop(struct wakers *ws)
{
	with_lock(&ws->lock)
		ws->stopping = true;
	pthread_cond_broadcast(&ws->ready);
	for (uint32_t i = 0; i < ws->n_threads; i++)
		pthread_join(ws->threads[i], NULL);
	assert(!ws->first);
	pthread_cond_destroy(&ws->ready);
	lock_fini(&ws->lock);
}

void wakers_push(struct wakers *ws, struct rpc_stream *s)
{
	with_lock(&ws->lock) {
		if (ws->first)
			ws->last->next_woken = s;
		else
			ws->first = s;
		ws->last = s;
	}
	pthread_cond_signal(&ws->ready);
}
