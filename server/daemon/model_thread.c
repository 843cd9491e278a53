/* The model thread: takes all events that wait, applies them as one edit, commits, and tells connections of their new
 * snapshots.
 */
#include "daemon/model_thread.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/queue.h"
#include "daemon/connection.h"
#include "daemon/metrics.h"
#include "doc/node.h"
#include "model/proxy.h"
#include "source/batch.h"
#include "translate/engine.h"
#include "types.h"
#include "world/world.h"
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { EVENTS_MAX = 65536 };

enum event_type { EVENT_BATCH, EVENT_MESH, EVENT_NETWORKS, EVENT_JOIN, EVENT_LEAVE, EVENT_CALL };

struct call {
	void (*fn)(void *, struct engine *);
	void *ctx;
	struct queue *done;
};
struct event {
	enum event_type type;
	int64_t at_ns;
	struct arena arena; /* of node, doc */
	struct source_batch *batch;
	struct connection *connection;
	struct proxy_node_text node;
	const struct node *doc;
	struct call *call;
	struct event *next; /* joins that wait for their turn */
};

struct model_thread {
	struct model_options_run options;
	struct engine *engine;
	struct queue *events;
	pthread_t thread;
	bool started;
	/* The thread's own. */
	int64_t oldest_ns; /* of the changes in the edit; 0: none */
	bool changed;
	struct event *waiting, **waiting_end; /* joins over the rate */
	double join_credit;
	int64_t credit_ns;
	uint32_t n_problem_errors;
	/* Shared. */
	struct lock lock;              /* LOCK_STATUS */
	struct source_batch *problems; /* the newest batch, for its problems */
	bool synced;
};

struct model_thread *model_thread_new(const struct model_options_run *options)
{
	struct model_thread *m = xcalloc(1, sizeof *m);

	m->options = *options;
	m->engine = engine_new();
	m->events = queue_new(EVENTS_MAX);
	m->waiting_end = &m->waiting;
	lock_init(&m->lock, LOCK_STATUS);
	return m;
}

void model_thread_free(struct model_thread *m)
{
	if (!m)
		return;
	assert(!m->started);
	engine_free(m->engine);
	queue_free(m->events);
	source_batch_free(m->problems);
	lock_fini(&m->lock);
	xfree(m);
}

struct xds_cache *model_thread_cache(struct model_thread *m)
{
	return engine_cache(m->engine);
}

/* ---- posting ---- */

static struct event *event_new(enum event_type type)
{
	struct event *ev = xcalloc(1, sizeof *ev);

	ev->type = type;
	ev->at_ns = clock_mono_ns();
	return ev;
}

static void event_free(struct event *ev)
{
	source_batch_free(ev->batch);
	connection_unref(ev->connection);
	arena_fini(&ev->arena);
	xfree(ev);
}

static void post(struct model_thread *m, struct event *ev)
{
	if (!queue_push(m->events, ev))
		event_free(ev);
}

void model_post_batch(struct model_thread *m, struct source_batch *b)
{
	struct event *ev = event_new(EVENT_BATCH);

	ev->batch = b;
	ev->at_ns = b->seen_ns;
	post(m, ev);
}

static void post_document(struct model_thread *m, enum event_type type, const struct node *doc)
{
	struct event *ev = event_new(type);

	ev->doc = doc ? node_copy(&ev->arena, doc) : NULL;
	post(m, ev);
}

void model_post_mesh(struct model_thread *m, const struct node *doc)
{
	post_document(m, EVENT_MESH, doc);
}

void model_post_networks(struct model_thread *m, const struct node *doc)
{
	post_document(m, EVENT_NETWORKS, doc);
}

void model_post_join(struct model_thread *m, struct connection *c, struct arena *take,
		     const struct proxy_node_text *node)
{
	struct event *ev = event_new(EVENT_JOIN);

	ev->arena = *take;
	*take = ARENA_INIT;
	ev->node = *node;
	ev->connection = connection_ref(c);
	post(m, ev);
}

void model_post_leave(struct model_thread *m, struct connection *c)
{
	struct event *ev = event_new(EVENT_LEAVE);

	ev->connection = connection_ref(c);
	post(m, ev);
}

bool model_call(struct model_thread *m, void (*fn)(void *, struct engine *), void *ctx)
{
	struct call call = { fn, ctx, queue_new(1) };
	struct event *ev = event_new(EVENT_CALL);
	bool ran;

	ev->call = &call;
	if (!queue_push(m->events, ev)) {
		event_free(ev);
		queue_free(call.done);
		return false;
	}
	/* The thread answers, or closes the queue when it stops. */
	ran = queue_wait(call.done, -1) && queue_pop(call.done) == &call;
	queue_free(call.done);
	return ran;
}

bool model_is_synced(const struct model_thread *cm)
{
	struct model_thread *m = (struct model_thread *)(uintptr_t)cm;
	bool synced = false;

	with_lock(&m->lock)
		synced = m->synced;
	return synced;
}

void model_each_problem(struct model_thread *m, void (*fn)(void *, const struct source_problem *),
			void *ctx)
{
	with_lock(&m->lock)
		for (uint32_t i = 0; m->problems && i < m->problems->n_problems; i++)
			fn(ctx, &m->problems->problems[i]);
}

/* ---- applying ---- */

static void on_changed(void *ctx, void *owner, const struct snapshot *now)
{
	struct model_thread *m = ctx;

	connection_set_snapshot(owner, now, m->oldest_ns);
}

static void commit(struct model_thread *m)
{
	engine_commit(m->engine, 0, on_changed, m);
	m->changed = false;
	m->oldest_ns = 0;
}

static void log_problem(const struct source_problem *p)
{
	char at[1024];
	const struct problem *q = &p->problem;

	snprintf(at, sizeof at, "%s:%u:%u", str_or(q->place.file, ""), q->place.line,
		 q->place.column);
	if (q->severity == SEVERITY_ERROR)
		log_error("object is not in order", "at", at, "object", str_or(q->object, ""),
			  "path", str_or(q->path, ""), "reason", q->reason, "in_force",
			  p->in_force ? "last good version" : "none");
	else
		log_warn("object has a problem", "at", at, "object", str_or(q->object, ""), "path",
			 str_or(q->path, ""), "reason", q->reason);
}

/* Problems that the batch before did not have are said once, in the log and in the metric. */
static void report_problems(struct model_thread *m, const struct source_batch *b)
{
	static struct log_limiter limiter;
	int64_t newest = 0;

	for (uint32_t i = 0; m->problems && i < m->problems->n_problems; i++)
		newest = MAX(newest, m->problems->problems[i].since_ns);
	for (uint32_t i = 0; i < b->n_problems; i++) {
		const struct source_problem *p = &b->problems[i];

		if (m->problems && p->since_ns <= newest)
			continue;
		if (p->problem.severity == SEVERITY_ERROR)
			metrics_rejected_config(p->kind, p->name);
		if (log_allow(&limiter, 200))
			log_problem(p);
	}
	for (uint32_t i = 0; i < b->n_unread_kinds; i++)
		log_info("objects of this kind are not read", "kind", b->unread_kinds[i]);
}

static void apply_batch(struct model_thread *m, struct event *ev)
{
	struct source_batch *b = ev->batch, *old = NULL;
	struct world *w = engine_world(m->engine);
	bool any = false, first = b->synced && !m->synced;

	for (uint32_t i = 0; i < b->n_deletes; i++)
		any |= world_delete(w, b->deletes[i].kind, b->deletes[i].ns, b->deletes[i].name);
	for (uint32_t i = 0; i < b->n_puts; i++)
		any |= world_put(w, TAKE(b->puts[i]));
	b->n_puts = 0;
	if (any) {
		metrics_inbound("config");
		metrics_trigger("config");
	}
	m->changed |= any;
	report_problems(m, b);
	if (first)
		log_info("sources have synced", "problems", LOG_FMT("%u", b->n_problems));
	with_lock(&m->lock) {
		old = m->problems;
		m->problems = TAKE(ev->batch);
	}
	source_batch_free(old);
	if (first) {
		commit(m); /* ready means that proxies can be answered */
		with_lock(&m->lock)
			m->synced = true;
	}
}

static void apply_document(struct model_thread *m, struct event *ev)
{
	struct diag diag = DIAG_INIT;
	bool mesh = ev->type == EVENT_MESH;

	diag_init(&diag);
	m->changed |= (mesh ? engine_set_mesh : engine_set_networks)(m->engine, ev->doc, &diag);
	for (uint32_t i = 0; i < diag.n; i++) {
		char line[1024];

		diag_print(&diag.v[i], line, sizeof line);
		if (diag.v[i].severity == SEVERITY_ERROR)
			log_error(mesh ? "mesh config is not in order; the last good one holds"
				       : "mesh networks are not in order; the last good ones hold",
				  "problem", line);
		else
			log_warn(mesh ? "mesh config" : "mesh networks", "problem", line);
	}
	diag_fini(&diag);
}

static void join(struct model_thread *m, struct event *ev)
{
	struct connection *c = ev->connection;

	if (m->changed)
		commit(m); /* nothing is bound in the middle of an edit */
	c->proxy = engine_join(m->engine, &ev->node, c);
	if (!c->proxy) {
		log_warn("refusing proxy: too many different PROXY_CONFIGs", "proxy", c->proxy_id);
		rpc_stream_finish(c->stream, RPC_RESOURCE_EXHAUSTED,
				  "too many different PROXY_CONFIGs");
		return;
	}
	connection_ref(c); /* until it leaves */
	connection_set_snapshot(c, engine_snapshot(c->proxy), 0);
}

static void leave(struct model_thread *m, struct connection *c)
{
	/* It may still wait for its turn to join. */
	for (struct event **at = &m->waiting; *at; at = &(*at)->next)
		if ((*at)->connection == c) {
			struct event *ev = *at;

			*at = ev->next;
			if (!*at)
				m->waiting_end = at;
			event_free(ev);
			return;
		}
	if (!c->proxy)
		return;
	if (m->changed)
		commit(m);
	engine_leave(m->engine, TAKE(c->proxy));
	connection_unref(c);
	m->changed = true;
}

/* No stream is served before every source has synced; and PILOT_MAX_REQUESTS_PER_SECOND, where set, spaces joins. */
static void admit(struct model_thread *m)
{
	int64_t now = clock_mono_ns();
	double rate = m->options.max_joins_per_second;

	if (rate > 0) {
		m->join_credit = MIN(m->join_credit + rate * (double)(now - m->credit_ns) / 1e9,
				     MAX(rate, 1));
		m->credit_ns = now;
	}
	while (m->waiting && m->synced && (rate <= 0 || m->join_credit >= 1)) {
		struct event *ev = m->waiting;

		m->waiting = ev->next;
		if (!m->waiting)
			m->waiting_end = &m->waiting;
		m->join_credit -= rate > 0;
		join(m, ev);
		event_free(ev);
	}
}

static void apply(struct model_thread *m, struct event *ev)
{
	if (ev->type <= EVENT_NETWORKS && !m->oldest_ns)
		m->oldest_ns = ev->at_ns;
	switch (ev->type) {
	case EVENT_BATCH: apply_batch(m, ev); break;
	case EVENT_MESH:
	case EVENT_NETWORKS: apply_document(m, ev); break;
	case EVENT_JOIN:
		ev->next = NULL;
		*m->waiting_end = ev;
		m->waiting_end = &ev->next;
		admit(m);
		return;
	case EVENT_LEAVE: leave(m, ev->connection); break;
	case EVENT_CALL:
		if (m->changed)
			commit(m);
		ev->call->fn(ev->call->ctx, m->engine);
		if (!queue_push(ev->call->done, ev->call))
			assert(0);
		break;
	}
	event_free(ev);
}

/* With PILOT_DEBOUNCE_AFTER: waits until nothing has come for so long, PILOT_DEBOUNCE_MAX at most. */
static void debounce(struct model_thread *m)
{
	int64_t until = clock_mono_ns() +
			MAX(m->options.debounce_max_ns, m->options.debounce_after_ns),
		left;
	struct event *ev;

	while (m->changed && m->options.debounce_after_ns && (left = until - clock_mono_ns()) > 0 &&
	       queue_wait(m->events, MIN(left, m->options.debounce_after_ns)))
		while ((ev = queue_pop(m->events)))
			apply(m, ev);
}

static void *run(void *arg)
{
	struct model_thread *m = arg;
	int64_t ticked = 0;
	struct event *ev;

	pthread_setname_np(pthread_self(), "model");
	for (;;) {
		bool any =
			queue_wait(m->events, m->waiting && m->synced ? 10 * NS_PER_MS : NS_PER_S);
		int64_t now;

		while ((ev = queue_pop(m->events))) {
			apply(m, ev);
			any = true;
		}
		if (m->changed) {
			debounce(m);
			commit(m);
		}
		m->oldest_ns = 0; /* what changed nothing must not age the next change */
		admit(m);
		now = clock_mono_ns();
		if (now - ticked >= NS_PER_S) {
			engine_tick(m->engine, now);
			metrics_world(m->engine);
			ticked = now;
		}
		if (!any && queue_is_closed(m->events))
			break;
	}
	return NULL;
}

bool model_thread_start(struct model_thread *m, struct err *e)
{
	if ((errno = pthread_create(&m->thread, NULL, run, m)))
		return err(e, "start the model thread: %m");
	m->started = true;
	return true;
}

void model_thread_stop(struct model_thread *m)
{
	struct event *ev;

	queue_close(m->events);
	if (m->started)
		pthread_join(m->thread, NULL);
	m->started = false;
	while ((ev = queue_pop(m->events))) {
		if (ev->call)
			queue_close(ev->call->done);
		event_free(ev);
	}
	while ((ev = m->waiting)) {
		m->waiting = ev->next;
		event_free(ev);
	}
}
