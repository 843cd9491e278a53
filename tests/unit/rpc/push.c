/* Sending: one message at a time per stream, bodies shared by many, peers that do not read, the limiter. */
#include "base/clock.h"
#include "bed.h"
#include <string.h>

TEST(rpc_one_send_at_a_time)
{
	struct bed b;
	struct call c;

	bed_init(&b, NULL, NULL);
	call_open(&b, &c, BURST);
	h2c_send(c.conn, "50", 2);
	CHECK_UNTIL(&b, c.n_messages == 50);
	/* Whenever one was refused, on_sendable followed, or the burst would have got stuck. */
	CHECK_UNTIL(&b, seen(SEEN_SENDABLE) >= 1);
	call_fini(&c);
	bed_fini(&b);
}

TEST(rpc_wake)
{
	struct rpc_stream *s;
	struct bed b;
	struct call c;

	bed_init(&b, NULL, NULL);
	call_open(&b, &c, PUSH);
	CHECK_UNTIL(&b, c.opened);
	s = seen_stream();
	rpc_wake(s);
	CHECK_UNTIL(&b, seen(SEEN_WAKE) == 1);
	for (unsigned i = 0; i < 1000; i++)
		rpc_wake(s);
	bed_run_ms(&b, 50);
	CHECK(seen(SEEN_WAKE) >= 2 && seen(SEEN_WAKE) <= 1001);
	rpc_server_wake(b.server, ECHO);
	bed_run_ms(&b, 50);
	{
		unsigned before = seen(SEEN_WAKE);

		rpc_server_wake(b.server, PUSH);
		CHECK_UNTIL(&b, seen(SEEN_WAKE) == before + 1);
		rpc_server_wake(b.server, NULL);
		CHECK_UNTIL(&b, seen(SEEN_WAKE) == before + 2);
	}
	rpc_stream_unref(s);
	call_fini(&c);
	bed_fini(&b);
}

static void push_to_all(uint32_t n, size_t len)
{
	struct call *calls = xcalloc(n, sizeof *calls);
	struct bed b;
	size_t done = 0;

	bed_init(&b, NULL, NULL);
	for (uint32_t i = 0; i < n; i++)
		call_open(&b, &calls[i], PUSH);
	CHECK_UNTIL(&b, seen(SEEN_OPEN) == n);
	for (char fill = 'a'; fill <= 'c'; fill++) {
		push_set(len, fill);
		rpc_server_wake(b.server, NULL);
		CHECK_UNTIL(&b, seen(SEEN_SENDABLE) == n * (unsigned)(fill - 'a' + 1));
		/* All streams are done with it, so ours is the last reference, and the end of the body is now. */
		CHECK_INT(seen(SEEN_RELEASE), fill - 'a');
		push_drop();
		CHECK_UNTIL(&b, seen(SEEN_RELEASE) == (unsigned)(fill - 'a' + 1));
		bed_begin(&b);
		do {
			done = 0;
			for (uint32_t i = 0; i < n; i++)
				done += calls[i].n_messages == (size_t)(fill - 'a' + 1);
		} while (done < n && bed_turn(&b));
		CHECK_INT(done, n);
		for (uint32_t i = 0; i < n; i++) {
			CHECK_INT(calls[i].last.len, len + 1);
			CHECK(calls[i].last.p[0] == fill && calls[i].last.p[len - 1] == fill &&
			      calls[i].last.p[len] == '!');
		}
	}
	CHECK_INT(seen(SEEN_REFUSED_SEND), 0);
	for (uint32_t i = 0; i < n; i++)
		call_fini(&calls[i]);
	bed_fini(&b);
	xfree(calls);
}

TEST(rpc_shared_body)
{
	push_to_all(200, 100000);
}

TEST(rpc_shared_body_large)
{
	push_to_all(30, 400000);
}

/* One that keeps its window shut, or does not even read the socket: either costs only itself. */
static void slow_reader(size_t len, bool paused, const struct rpc_options *o)
{
	const struct h2c_options shut = { .window = 65535, .manual_window = true };
	struct call slow, fast;
	struct rpc_stats stats;
	struct bed b, slow_side;

	bed_init(&b, o, NULL);
	push_set(len, 'x');
	slow_side = b;
	slow_side.client = h2c_new(paused ? NULL : &shut);
	call_open(&slow_side, &slow, PUSH);
	CHECK_UNTIL(&slow_side, slow.opened);
	if (paused)
		h2c_pause(slow.conn);
	call_open(&b, &fast, PUSH);
	CHECK_UNTIL(&b, fast.opened);
	for (unsigned i = 1; i <= 5; i++) {
		rpc_server_wake(b.server, NULL);
		CHECK_UNTIL(&b, fast.n_messages == i);
		CHECK_UNTIL(&b, seen(SEEN_WAKE) == 2 * i && seen(SEEN_SENDABLE) == i);
		bed_run_ms(&slow_side, 5);
	}
	/* The slow one has been offered five and has taken one, in part. */
	CHECK_INT(seen(SEEN_REFUSED_SEND), 4);
	CHECK_INT(slow.n_messages, 0);
	rpc_server_stats(b.server, &stats);
	CHECK_INT(stats.sends_in_flight, 1);
	if (paused)
		h2c_resume(slow.conn);
	else
		h2c_consume(slow.conn, 65535);
	bed_begin(&slow_side);
	while (!slow.n_messages && bed_turn(&slow_side)) {
		if (!paused)
			h2c_consume(slow.conn, 1000);
	}
	CHECK_INT(slow.n_messages, 1);
	CHECK_UNTIL(&b, seen(SEEN_SENDABLE) == 6);
	call_fini(&fast);
	call_fini(&slow);
	h2c_free(slow_side.client);
	CHECK_UNTIL(&b, seen(SEEN_CLOSE) == 2);
	CHECK_INT(seen_last_code(), RPC_CANCELLED);
	CHECK_INT(seen(SEEN_RELEASE), 0);
	push_drop();
	CHECK_UNTIL(&b, seen(SEEN_RELEASE) == 1);
	bed_fini(&b);
}

TEST(rpc_window_shut)
{
	slow_reader(200000, false, NULL);
}

/* Below and above what passes the limiter; the kernel takes some megabytes for one that does not read. */
TEST(rpc_not_reading)
{
	static const struct rpc_options none_large = { .large_len = UINT32_MAX };

	slow_reader(20 << 20, true, &none_large);
}

TEST(rpc_not_reading_large)
{
	static const struct rpc_options o = { .large_slots = 2 };

	slow_reader(20 << 20, true, &o);
}

/* One slot, held by a peer that does not read: the others get their turn when the lease is over, and then at once. */
TEST(rpc_limiter_lease)
{
	static const struct rpc_options o = { .large_slots = 1, .large_lease_ms = 400 };
	enum { N = 5 };
	struct rpc_stats stats;
	struct call stuck, calls[N];
	struct rpc_stream *s;
	int64_t began, took;
	struct bed b;

	bed_init(&b, &o, NULL);
	push_set(20 << 20, 'x');
	call_open(&b, &stuck, PUSH);
	CHECK_UNTIL(&b, stuck.opened);
	h2c_pause(stuck.conn);
	s = seen_stream();
	rpc_wake(s);
	CHECK_UNTIL(&b, (rpc_server_stats(b.server, &stats), stats.sends_in_flight) == 1);
	for (unsigned i = 0; i < N; i++) {
		call_open(&b, &calls[i], PUSH);
		CHECK_UNTIL(&b, calls[i].opened);
	}
	began = clock_mono_ns();
	rpc_server_wake(b.server, PUSH);
	CHECK_UNTIL(&b, seen(SEEN_WAKE) == N + 2);
	rpc_server_stats(b.server, &stats);
	CHECK_INT(stats.large_in_flight, 1);
	CHECK_INT(stats.large_waiting, N);
	CHECK_INT(stats.sends_in_flight, 1);
	bed_run_ms(&b, 150);
	for (unsigned i = 0; i < N; i++)
		CHECK_INT(calls[i].n_messages, 0);
	/* One that waits may go before its turn. */
	call_fini(&calls[2]);
	CHECK_UNTIL(&b, seen(SEEN_CLOSE) == 1);
	for (unsigned i = 0; i < N; i++) {
		if (i != 2)
			CHECK_UNTIL(&b, calls[i].n_messages == 1);
	}
	took = clock_mono_ns() - began;
	CHECK(took >= 300 * NS_PER_MS && took < 3000 * NS_PER_MS);
	CHECK_UNTIL(&b, seen(SEEN_SENDABLE) == N - 1);
	rpc_server_stats(b.server, &stats);
	CHECK(stats.large_expired >= 1);
	CHECK_INT(stats.large_waiting, 0);
	CHECK_INT(stats.large_in_flight, 0);
	CHECK_INT(stats.sends_in_flight, 1);
	rpc_stream_unref(s);
	for (unsigned i = 0; i < N; i++) {
		if (i != 2)
			call_fini(&calls[i]);
	}
	call_fini(&stuck);
	push_drop();
	CHECK_UNTIL(&b, seen(SEEN_RELEASE) == 1);
	bed_fini(&b);
}

/* Finishing drops a message that waits in the limiter: the status does not wait for it. */
TEST(rpc_finish_while_parked)
{
	static const struct rpc_options o = { .large_slots = 1, .large_lease_ms = 60000 };
	struct rpc_stream *s;
	struct rpc_stats stats;
	struct call stuck, c;
	struct bed b;

	bed_init(&b, &o, NULL);
	push_set(20 << 20, 'x');
	call_open(&b, &stuck, PUSH);
	CHECK_UNTIL(&b, stuck.opened);
	h2c_pause(stuck.conn);
	rpc_server_wake(b.server, NULL);
	CHECK_UNTIL(&b, (rpc_server_stats(b.server, &stats), stats.sends_in_flight) == 1);
	call_open(&b, &c, PUSH);
	CHECK_UNTIL(&b, c.opened);
	s = seen_stream();
	rpc_wake(s);
	CHECK_UNTIL(&b, (rpc_server_stats(b.server, &stats), stats.large_waiting) == 1);
	rpc_stream_finish(s, RPC_ABORTED, NULL);
	CHECK_UNTIL(&b, c.ended);
	CHECK_INT(c.status, RPC_ABORTED);
	CHECK_INT(c.n_messages, 0);
	rpc_stream_unref(s);
	call_fini(&c);
	call_fini(&stuck);
	push_drop();
	CHECK_UNTIL(&b, seen(SEEN_RELEASE) == 1);
	bed_fini(&b);
}
