/* A server from its options to its end: what gRPC is told, the threads, the list of open streams, and stopping, which
 * is the hard part: gRPC has no call to close a connection, a peer that does not read holds the shutdown up, and
 * starting an operation on a queue that is shutting down aborts. So the queue goes only when all streams are closed,
 * all slots are back and gRPC has said that the server is down. */
#include "rpc/internal.h"
#include "rpc/listen.h"
#include "rpc/tsan.h"
#include <assert.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	LARGE_LEN = 256 << 10,
	LARGE_SLOTS = 8,
	LARGE_LEASE_MS = 2000,
	MAX_STREAMS = 65536,
	MIN_PING_INTERVAL_MS = 1000,
	READ_LEN = 2048,
	READ_MAX = 8192,
};
static const int64_t forced_wait_ns = NS_PER_S; /* between the steps of a forced stop */

static uint32_t or_default(uint32_t given, uint32_t otherwise)
{
	return given ? given : otherwise;
}

static uint32_t n_threads(uint32_t given)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (given)
		return MIN(given, (uint32_t)RPC_THREADS_MAX);
	return (uint32_t)MAX(1, MIN(cores, 4));
}

static size_t longest_message(const struct rpc_options *o)
{
	size_t longest = 0;

	for (uint32_t i = 0; i < o->n_methods; i++) {
		size_t max = o->methods[i].max_message_len;

		longest = MAX(longest, max ? MIN(max, (size_t)RPC_MESSAGE_LEN) : RPC_MESSAGE_LEN);
	}
	return longest;
}

static grpc_server *create(const struct rpc_options *o)
{
	/* The reason for each is in spec/grpc.md 5.2 and 6. Only the identity "compression": a small message that unpacks
	 * to gigabytes is not caught by the length limit. */
	const struct {
		const char *key;
		uint32_t value;
	} rows[] = {
		{ GRPC_ARG_ALLOW_REUSEPORT, 0 },
		{ GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (uint32_t)longest_message(o) },
		{ GRPC_ARG_MAX_METADATA_SIZE, or_default(o->max_metadata_len, 65536) },
		{ GRPC_ARG_KEEPALIVE_TIME_MS, or_default(o->keepalive_ms, 30000) },
		{ GRPC_ARG_KEEPALIVE_TIMEOUT_MS, or_default(o->keepalive_timeout_ms, 10000) },
		{ GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1 },
		{ GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, MIN_PING_INTERVAL_MS },
		{ GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0 },
		{ GRPC_ARG_HTTP2_BDP_PROBE, 0 },
		{ GRPC_ARG_ENABLE_CHANNELZ, 0 },
		/* An idle connection keeps a buffer of the size last read with. Needs the experiment in init.c. */
		{ GRPC_ARG_TCP_READ_CHUNK_SIZE, READ_LEN },
		{ GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, READ_MAX },
		{ GRPC_ARG_MAX_CONCURRENT_STREAMS, or_default(o->max_streams_per_connection, 100) },
		{ GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
		  or_default(o->handshake_timeout_ms, 10000) },
		{ GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE },
		/* last, and only if there is one */
		{ GRPC_ARG_MAX_CONNECTION_AGE_MS, o->max_connection_age_ms },
		{ GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
		  or_default(o->max_connection_age_grace_ms, 10000) },
	};
	grpc_arg args[ARRAY_LEN(rows)];
	grpc_channel_args list = { .args = args };

	list.num_args = ARRAY_LEN(rows) - (o->max_connection_age_ms ? 0 : 2);
	for (size_t i = 0; i < list.num_args; i++) {
		union {
			const char *c;
			char *p;
		} key = { rows[i].key };

		args[i] = (grpc_arg){ .type = GRPC_ARG_INTEGER, .key = key.p };
		args[i].value.integer = (int)MIN(rows[i].value, (uint32_t)INT32_MAX);
	}
	return grpc_server_create(&list, NULL);
}

static bool check(const struct rpc_options *o, struct err *e)
{
	if (!o->n_listeners || o->n_listeners > RPC_LISTENERS_MAX)
		return err(e, "%u listeners, not 1 to %d", o->n_listeners, RPC_LISTENERS_MAX);
	if (!o->n_methods || o->n_methods > RPC_METHODS_MAX)
		return err(e, "%u methods, not 1 to %d", o->n_methods, RPC_METHODS_MAX);
	for (uint32_t i = 0; i < o->n_methods; i++)
		assert(o->methods[i].path && o->methods[i].on_message);
	for (uint32_t i = 0; i < o->n_listeners; i++) {
		if (o->listeners[i].tls)
			return err(e, "listen on %s: TLS is not supported",
				   o->listeners[i].address);
	}
	return true;
}

bool rpc_server_new(const struct rpc_options *o, struct rpc_server **ret, struct err *e)
{
	struct rpc_server *srv;
	bool ok;

	if (!check(o, e))
		return false;
	rpc_init();
	srv = xcalloc(1, sizeof *srv);
	lock_init(&srv->lock, LOCK_RPC_SERVER);
	lock_init(&srv->counts_lock, LOCK_STATS);
	cond_init(&srv->quiet);
	memcpy(srv->methods, o->methods, o->n_methods * sizeof *o->methods);
	srv->n_methods = o->n_methods;
	srv->n_listeners = o->n_listeners;
	srv->n_pollers = n_threads(o->n_pollers);
	srv->n_pushers = n_threads(o->n_pushers);
	srv->max_streams = or_default(o->max_streams, MAX_STREAMS);
	srv->large_len = or_default(o->large_len, LARGE_LEN);
	limiter_init(&srv->limiter, &srv->timers,
		     MIN(or_default(o->large_slots, LARGE_SLOTS), (uint32_t)LIMITER_SLOTS_MAX),
		     or_default(o->large_lease_ms, LARGE_LEASE_MS) * NS_PER_MS);
	srv->shutdown_tag = TAG_SHUTDOWN;
	srv->queue = grpc_completion_queue_create_for_next(NULL);
	srv->grpc = create(o);
	sockets_expect(longest_message(o));
	grpc_server_register_completion_queue(srv->grpc, srv->queue, NULL);
	ok = true;
	for (uint32_t i = 0; ok && i < o->n_listeners; i++)
		ok = listen_add(srv->grpc, &o->listeners[i], &srv->ports[i], e);
	if (!ok) {
		rpc_server_free(srv);
		return false;
	}
	*ret = srv;
	return true;
}

int rpc_server_port(const struct rpc_server *srv, uint32_t listener)
{
	assert(listener < srv->n_listeners);
	return srv->ports[listener];
}

static void *poll_queue(void *arg)
{
	struct rpc_server *srv = arg;

	for (;;) {
		grpc_event ev = grpc_completion_queue_next(
			srv->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
		uint8_t *tag = ev.tag;

		if (ev.type == GRPC_QUEUE_SHUTDOWN)
			return NULL;
		if (ev.type != GRPC_OP_COMPLETE)
			continue;
		ANNOTATE_HAPPENS_AFTER(tag);
		switch (*tag) {
		case TAG_ACCEPT:
			accept_on_tag(srv, container_of(tag, struct accept_slot, tag), ev.success);
			break;
		case TAG_SHUTDOWN:
			with_lock(&srv->lock)
				srv->shut_down = true;
			pthread_cond_signal(&srv->quiet);
			break;
		default: stream_on_tag(stream_of_tag(tag), (enum rpc_tag) * tag, ev.success);
		}
	}
}

void rpc_server_start(struct rpc_server *srv)
{
	assert(!srv->started);
	srv->started = true;
	timers_start(&srv->timers);
	wakers_start(&srv->wakers, srv->n_pushers);
	grpc_server_start(srv->grpc);
	accept_start(srv);
	for (uint32_t i = 0; i < srv->n_pollers; i++) {
		int rc = pthread_create(&srv->pollers[i], NULL, poll_queue, srv);

		assert(!rc);
		pthread_setname_np(srv->pollers[i], "rpc-poll");
	}
}

/* ---- the list of open streams ---- */

bool server_add(struct rpc_server *srv, struct rpc_stream *s, enum rpc_code *ret_code,
		const char **ret_why)
{
	bool added = false;

	with_lock(&srv->lock) {
		if (srv->draining) {
			*ret_code = RPC_UNAVAILABLE;
			*ret_why = "server is shutting down";
			break;
		}
		if (srv->n_streams >= srv->max_streams) {
			*ret_code = RPC_RESOURCE_EXHAUSTED;
			*ret_why = "too many streams";
			break;
		}
		rpc_stream_ref(s);
		s->next = srv->streams;
		if (s->next)
			s->next->prev = s;
		srv->streams = s;
		srv->n_streams++;
		added = true;
	}
	return added;
}

void server_remove(struct rpc_server *srv, struct rpc_stream *s)
{
	with_lock(&srv->lock) {
		if (s->prev)
			s->prev->next = s->next;
		else
			srv->streams = s->next;
		if (s->next)
			s->next->prev = s->prev;
		s->prev = s->next = NULL;
		srv->n_streams--;
		pthread_cond_signal(&srv->quiet);
	}
	rpc_stream_unref(s);
}

void server_slot_done(struct rpc_server *srv)
{
	with_lock(&srv->lock) {
		srv->n_slots--;
		pthread_cond_signal(&srv->quiet);
	}
}

void rpc_server_wake(struct rpc_server *srv, const char *path)
{
	with_lock(&srv->lock) {
		for (struct rpc_stream *s = srv->streams; s; s = s->next) {
			if (!path || str_eq(path, s->method->path))
				rpc_wake(s);
		}
	}
}

/* ---- the end ---- */

static struct rpc_stream **all_streams(struct rpc_server *srv, uint32_t *ret_n)
{
	struct rpc_stream **all = NULL;
	uint32_t n = 0;

	with_lock(&srv->lock) {
		all = xcalloc(srv->n_streams, sizeof(struct rpc_stream *));
		for (struct rpc_stream *s = srv->streams; s; s = s->next)
			all[n++] = rpc_stream_ref(s);
	}
	*ret_n = n;
	return all;
}

static void shuffle(struct rpc_stream **v, uint32_t n)
{
	uint64_t seed = (uint64_t)clock_mono_ns();

	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) < 0)
		seed ^= (uint64_t)getpid() << 32; /* the time has to do */
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j;
		struct rpc_stream *s = v[i - 1];

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		j = (uint32_t)((seed >> 32) % i);
		v[i - 1] = v[j];
		v[j] = s;
	}
}

void rpc_server_drain(struct rpc_server *srv, uint32_t spread_ms)
{
	struct rpc_stream **all;
	bool already = false;
	int64_t now = clock_mono_ns();
	uint32_t n;

	assert(srv->started);
	with_lock(&srv->lock) {
		already = srv->draining;
		srv->draining = true;
	}
	if (already)
		return;
	/* First, so that whoever is sent away does not come back on the connection it has. */
	grpc_server_shutdown_and_notify(srv->grpc, srv->queue, &srv->shutdown_tag);
	all = all_streams(srv, &n);
	shuffle(all, n);
	for (uint32_t i = 0; i < n; i++) {
		stream_drain_at(all[i], now + spread_ms * NS_PER_MS * i / n);
		rpc_stream_unref(all[i]);
	}
	xfree(all);
}

static bool wait_quiet(struct rpc_server *srv, int64_t until_ns)
{
	struct timespec at = { until_ns / NS_PER_S, until_ns % NS_PER_S };
	bool quiet = false;

	with_lock(&srv->lock) {
		int rc = 0;

		do {
			quiet = srv->shut_down && !srv->n_streams && !srv->n_slots;
			if (!quiet)
				rc = pthread_cond_timedwait(&srv->quiet, &srv->lock.m, &at);
		} while (!quiet && !rc);
	}
	return quiet;
}

bool rpc_server_stop(struct rpc_server *srv, uint32_t grace_ms)
{
	int64_t until = clock_mono_ns() + grace_ms * NS_PER_MS;

	assert(srv->started && !srv->stopped);
	rpc_server_drain(srv, 0);
	if (!wait_quiet(srv, until)) {
		grpc_server_cancel_all_calls(srv->grpc);
		if (!wait_quiet(srv, clock_mono_ns() + forced_wait_ns)) {
			/* Peers that have stopped reading: the send that is stuck returns only with the socket. */
			for (uint32_t i = 0; i < srv->n_listeners; i++)
				sockets_shut_port(srv->ports[i]);
			if (!wait_quiet(srv, clock_mono_ns() + 3 * forced_wait_ns))
				return false;
		}
	}
	grpc_server_destroy(srv->grpc);
	grpc_completion_queue_shutdown(srv->queue);
	for (uint32_t i = 0; i < srv->n_pollers; i++)
		pthread_join(srv->pollers[i], NULL);
	wakers_stop(&srv->wakers);
	timers_stop(&srv->timers);
	srv->stopped = true;
	return true;
}

void rpc_server_free(struct rpc_server *srv)
{
	if (!srv)
		return;
	assert(srv->stopped || !srv->started);
	if (!srv->stopped) {
		/* gRPC wants to be shut down even if it was never started. */
		grpc_server_shutdown_and_notify(srv->grpc, srv->queue, &srv->shutdown_tag);
		grpc_completion_queue_next(srv->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
		grpc_server_destroy(srv->grpc);
		grpc_completion_queue_shutdown(srv->queue);
		grpc_completion_queue_next(srv->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
	}
	grpc_completion_queue_destroy(srv->queue);
	limiter_fini(&srv->limiter);
	pthread_cond_destroy(&srv->quiet);
	lock_fini(&srv->counts_lock);
	lock_fini(&srv->lock);
	xfree(srv);
}
