/* daemon/model_thread.h
 * The one thread that owns objects, indexes and query graph. Everything reaches it as an event through a bounded queue:
 * batches of sources, proxies that come and go, and calls of other threads that need to look inside.
 *
 * All events that are waiting are applied as one edit. istiod's debouncing is there but only when asked for: a change goes
 * out at once (design section 4).
 */
#pragma once
#include "base/err.h"
#include "snapshot/snapshot.h"

struct arena;
struct connection;
struct engine;
struct node;
struct source_batch;
struct proxy_node_text;
struct model_thread;

struct model_options_run {
	int64_t debounce_after_ns, debounce_max_ns; /* PILOT_DEBOUNCE_AFTER, _MAX; 0: none */
	double max_joins_per_second;                /* PILOT_MAX_REQUESTS_PER_SECOND; 0: no limit */
};
struct model_thread *model_thread_new(const struct model_options_run *);
bool model_thread_start(struct model_thread *, struct err *) must_check;
void model_thread_stop(struct model_thread *); /* joins; what still waits is dropped */
void model_thread_free(struct model_thread *);
struct xds_cache *model_thread_cache(struct model_thread *);

/* Events; any thread. Each takes what it is given. */
void model_post_batch(struct model_thread *, struct source_batch *);
/* Documents: copied. */
void model_post_mesh(struct model_thread *, const struct node *mesh);
void model_post_networks(struct model_thread *, const struct node *networks);
/* Takes the arena that the node lives in (it is empty afterwards); holds the connection until it has left. */
void model_post_join(struct model_thread *, struct connection *, struct arena *take,
		     const struct proxy_node_text *);
void model_post_leave(struct model_thread *, struct connection *);
/* Runs fn on the model thread, between two edits, and waits for it. False: the thread has stopped, fn did not run. */
bool model_call(struct model_thread *, void (*fn)(void *ctx, struct engine *),
		void *ctx) must_check;

/* All sources have delivered everything they have. */
bool model_is_synced(const struct model_thread *);
/* The problems of the sources now, as JSON text built by the model thread; yours. */
struct source_problem;
void model_each_problem(struct model_thread *, void (*fn)(void *ctx, const struct source_problem *),
			void *ctx);
