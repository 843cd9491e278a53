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
	/* Each but the first was sent from on_sendable, after one refusal each. */
	CHECK_UNTIL(&b, seen(SEEN_SENDABLE) == 50);
	CHECK_INT(seen(SEEN_REFUSED_SEND), 49);
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

/* One that keeps its window shut, one that does not even read the socket: both cost only themselves. */
static void slow_reader(size_t len, bool paused, const struct rpc_options *o)
{
	const struct h2c_options shut = { .window = 65535, .manual_window = true };
	struct h2c *other;
	struct rpc_stats stats;
	struct call slow, fast;
	struct bed b;

	bed_init(&b, o, NULL);
	push_set(len, 'x');
	other = b.client;
	b.client = paused ? other : h2c_new(&shut);
	call_open(&b, &slow, PUSH);
	CHECK_UNTIL(&b, slow.opened);
	if (paused) {
		h2c_pause(slow.conn);
	} else {
		struct h2c *shut_client = b.client;

		b.client = other;
		other = shut_client;
	}
	call_open(&b, &fast, PUSH);
	CHECK_UNTIL(&b, fast.opened);
	for (unsigned i = 1; i <= 5; i++) {
		rpc_server_wake(b.server, NULL);
		CHECK_UNTIL(&b, fast.n_messages == i);
		CHECK_UNTIL(&b, seen(SEEN_WAKE) == 2 * i && seen(SEEN_SENDABLE) == i);
	}
	/* The slow one has been offered five and has taken one, in part. */
	CHECK_INT(seen(SEEN_REFUSED_SEND), 4);
	CHECK_INT(slow.n_messages, 0);
	rpc_server_stats(b.server, &stats);
	CHECK_INT(stats.sends_in_flight, 1);
	if (paused) {
		h2c_resume(slow.conn);
		CHECK_UNTIL(&b, slow.n_messages == 1 && seen(SEEN_SENDABLE) == 6);
	}
	call_fini(&fast);
	call_fini(&slow);
	h2c_free(other);
	CHECK_UNTIL(&b, seen(SEEN_CLOSE) == 2);
	CHECK_INT(seen_last_code(), RPC_CANCELLED);
	CHECK_INT(seen(SEEN_RELEASE), 0);
	push_drop();
	CHECK_UNTIL(&b, seen(SEEN_RELEASE) == 1);
	if (!paused)
		other = NULL;
	bed_fini(&b);
}

TEST(rpc_window_shut)
{
	slow_reader(200000, false, NULL);
}
