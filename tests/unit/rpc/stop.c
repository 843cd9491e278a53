/* The end of a server, with everything that can be in its way. */
#include "base/clock.h"
#include "bed.h"

static void stop(struct bed *b, uint32_t grace_ms, int64_t at_most_ms)
{
	int64_t began = clock_mono_ns(), took;
	bool ok = rpc_server_stop(b->server, grace_ms);

	took = (clock_mono_ns() - began) / NS_PER_MS;
	CHECK(ok);
	CHECK(took <= at_most_ms);
	if (ok)
		rpc_server_free(TAKE(b->server));
}

static void ignore(struct rpc_stream *s, const void *bytes, size_t len)
{
}

TEST(rpc_never_started)
{
	static const struct rpc_listener l = { .address = "127.0.0.1:0" };
	static const struct rpc_method m = { .path = "/a/b", .on_message = ignore };
	struct rpc_options o = { .listeners = &l, .n_listeners = 1, .methods = &m };
	struct rpc_server *srv = NULL;
	struct err e = ERR_INIT;

	CHECK(!rpc_server_new(&o, &srv, &e));
	CHECK_STR(e.text, "0 methods, not 1 to 32");
	rpc_server_free(srv);
}

TEST(rpc_tls_is_reported)
{
	const struct rpc_listener l = { "127.0.0.1:0", (const struct rpc_tls *)&l };
	static const struct rpc_method m = { .path = "/a/b", .on_message = ignore };
	struct rpc_options o = { .listeners = &l, .n_listeners = 1, .methods = &m, .n_methods = 1 };
	struct rpc_server *srv = NULL;
	struct err e = ERR_INIT;

	CHECK(!rpc_server_new(&o, &srv, &e));
	CHECK_STR(e.text, "listen on 127.0.0.1:0: TLS is not supported");
}

TEST(rpc_stop_idle)
{
	struct bed b;

	bed_init(&b, NULL, NULL);
	stop(&b, 5000, 1000);
	bed_fini(&b);
}

TEST(rpc_stop_with_streams)
{
	enum { N = 100 };
	static struct call calls[N];
	unsigned n_polite = 0;
	struct bed b;

	bed_init(&b, NULL, NULL);
	for (unsigned i = 0; i < N; i++)
		call_open(&b, &calls[i], ECHO);
	CHECK_UNTIL(&b, seen(SEEN_OPEN) == N);
	/* Asked to go, and gone, while the client looks on. */
	rpc_server_drain(b.server, 0);
	CHECK_UNTIL(&b, h2c_n_conns(b.client) == 0);
	for (unsigned i = 0; i < N; i++)
		n_polite += calls[i].status == RPC_UNAVAILABLE && calls[i].goaway &&
			    str_eq(calls[i].text, "server is shutting down");
	CHECK_INT(n_polite, N);
	stop(&b, 5000, 1000);
	CHECK_INT(seen_last_code(), RPC_UNAVAILABLE);
	for (unsigned i = 0; i < N; i++)
		call_fini(&calls[i]);
	bed_fini(&b);
}

TEST(rpc_drain_spreads)
{
	enum { N = 50 };
	static struct call calls[N];
	unsigned early, n_sorted = 0, n_ended, n_ended_before = 0;
	bool before[N] = { false };
	struct call late;
	struct bed b;

	bed_init(&b, NULL, NULL);
	for (unsigned i = 0; i < N; i++)
		call_open(&b, &calls[i], ECHO);
	CHECK_UNTIL(&b, seen(SEEN_OPEN) == N);
	rpc_server_drain(b.server, 1000);
	bed_run_ms(&b, 400);
	early = N - h2c_n_conns(b.client);
	CHECK(early >= 5 && early <= 40);
	/* Those that are open go on. */
	for (unsigned i = 0; i < N; i++) {
		before[i] = calls[i].ended;
		n_ended_before += before[i];
		if (calls[i].conn)
			h2c_send(calls[i].conn, "x", 1);
	}
	bed_run_ms(&b, 50);
	CHECK(seen(SEEN_MESSAGE) > 0);
	/* Not in the order in which they came. */
	for (unsigned i = 0; i < n_ended_before; i++)
		n_sorted += before[i];
	CHECK(n_sorted < n_ended_before);
	n_sorted = 0;
	for (unsigned i = 0; i < n_ended_before; i++)
		n_sorted += before[N - 1 - i];
	CHECK(n_sorted < n_ended_before);
	/* Nobody new. */
	call_open(&b, &late, ECHO);
	CHECK_UNTIL(&b, late.ended);
	CHECK_STR(late.cause, "Connection refused");
	CHECK_UNTIL(&b, h2c_n_conns(b.client) == 0);
	n_ended = 0;
	for (unsigned i = 0; i < N; i++)
		n_ended += calls[i].status == RPC_UNAVAILABLE;
	CHECK_INT(n_ended, N);
	for (unsigned i = 0; i < N; i++)
		call_fini(&calls[i]);
	call_fini(&late);
	stop(&b, 1000, 900);
	bed_fini(&b);
}

/* The grace ends before the spread: the rest is cut off. */
TEST(rpc_stop_after_grace)
{
	enum { N = 20 };
	static struct call calls[N];
	struct bed b;

	bed_init(&b, NULL, NULL);
	for (unsigned i = 0; i < N; i++)
		call_open(&b, &calls[i], ECHO);
	CHECK_UNTIL(&b, seen(SEEN_OPEN) == N);
	rpc_server_drain(b.server, 60000);
	stop(&b, 200, 2000);
	CHECK_INT(seen(SEEN_CLOSE), N);
	CHECK_UNTIL(&b, h2c_n_conns(b.client) == 0);
	for (unsigned i = 0; i < N; i++)
		call_fini(&calls[i]);
	bed_fini(&b);
}

/* Clients that have stopped reading, with sends that cannot end, one of them waiting in the limiter. */
TEST(rpc_stop_with_stuck_sends)
{
	static const struct rpc_options o = { .large_slots = 2, .large_lease_ms = 60000 };
	enum { N = 3 };
	struct call calls[N];
	struct rpc_stats stats;
	struct bed b;

	bed_init(&b, &o, NULL);
	push_set(20 << 20, 'x');
	for (unsigned i = 0; i < N; i++) {
		call_open(&b, &calls[i], PUSH);
		CHECK_UNTIL(&b, calls[i].opened);
		h2c_pause(calls[i].conn);
	}
	rpc_server_wake(b.server, NULL);
	CHECK_UNTIL(&b, (rpc_server_stats(b.server, &stats), stats.sends_in_flight) == 2 &&
				stats.large_waiting == 1);
	stop(&b, 200, 4000);
	push_drop();
	CHECK_INT(seen(SEEN_RELEASE), 1);
	for (unsigned i = 0; i < N; i++)
		call_fini(&calls[i]);
	bed_fini(&b);
}

/* While clients come, talk, and go without a word. */
TEST(rpc_stop_in_a_storm)
{
	enum { N = 60 };
	static struct call calls[N];
	struct bed b;

	for (unsigned round = 0; round < 5; round++) {
		bed_init(&b, NULL, NULL);
		push_set(1000, 'x');
		for (unsigned i = 0; i < N; i++) {
			call_open(&b, &calls[i], i % 3 ? PUSH : ECHO);
			h2c_send(calls[i].conn, "x", 1);
			if (i % 7 == 6)
				h2c_abort(TAKE(calls[i].conn));
			if (i % 5 == 4)
				rpc_server_wake(b.server, NULL);
			h2c_run_once(b.client, 0);
		}
		bed_run_ms(&b, round * 5);
		rpc_server_wake(b.server, NULL);
		stop(&b, round * 50, 3000);
		for (unsigned i = 0; i < N; i++)
			call_fini(&calls[i]);
		push_drop();
		bed_fini(&b);
	}
}
