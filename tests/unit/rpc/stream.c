/* One stream at a time: what each side does and what the other sees of it. */
#include "base/stats.h"
#include "bed.h"
#include <string.h>

static void send_text(struct call *c, const char *text)
{
	h2c_send(c->conn, text, strlen(text));
}

TEST(rpc_echo)
{
	struct bed b;
	struct call c;
	static char big[300000];

	bed_init(&b, NULL, NULL);
	call_open(&b, &c, ECHO);
	CHECK_UNTIL(&b, c.opened);
	send_text(&c, "hello");
	CHECK_UNTIL(&b, c.n_messages == 1);
	CHECK_STR(buf_str(&c.last), "hello");
	send_text(&c, "");
	CHECK_UNTIL(&b, c.n_messages == 2);
	CHECK_INT(c.last.len, 0);
	/* Longer than any piece that it is received in. */
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (char)('a' + i % 23);
	h2c_send(c.conn, big, sizeof big);
	CHECK_UNTIL(&b, c.n_messages == 3);
	CHECK_INT(c.last.len, sizeof big);
	CHECK(c.last.len == sizeof big && !memcmp(c.last.p, big, sizeof big));
	CHECK(!c.ended);
	h2c_half_close(c.conn);
	CHECK_UNTIL(&b, c.ended);
	CHECK_INT(c.status, RPC_OK);
	CHECK(!c.reset);
	CHECK_UNTIL(&b, seen(SEEN_CLOSE));
	CHECK_INT(seen_last_code(), RPC_OK);
	CHECK_INT(seen(SEEN_HALF_CLOSE), 1);
	call_fini(&c);
	bed_fini(&b);
}

TEST(rpc_end_by_client)
{
	static void (*const ends[])(struct h2c_conn *) = { h2c_close, h2c_abort, h2c_reset };
	struct bed b;
	struct call c;

	bed_init(&b, NULL, NULL);
	for (unsigned i = 0; i < ARRAY_LEN(ends); i++) {
		call_open(&b, &c, ECHO);
		send_text(&c, "x");
		CHECK_UNTIL(&b, c.n_messages == 1);
		ends[i](c.conn);
		if (ends[i] != h2c_reset)
			c.conn = NULL;
		CHECK_UNTIL(&b, seen(SEEN_CLOSE) == i + 1);
		CHECK_INT(seen_last_code(), RPC_CANCELLED);
		call_fini(&c);
	}
	/* That is not what a half-close is. */
	CHECK_INT(seen(SEEN_HALF_CLOSE), 0);
	bed_fini(&b);
}

TEST(rpc_refusals)
{
	static const struct {
		const char *path;
		int status;
		const char *text;
	} rows[] = {
		{ "/test.Test/Nothing", RPC_UNIMPLEMENTED, "unknown method" },
		{ "/test.Test/Ech", RPC_UNIMPLEMENTED, "unknown method" },
		{ "/test.Test/Echoo", RPC_UNIMPLEMENTED, "unknown method" },
		{ "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", RPC_UNIMPLEMENTED,
		  "unknown method" },
		{ REFUSE, RPC_PERMISSION_DENIED, "not for you" },
	};
	struct rpc_stats stats;
	struct bed b;
	struct call c;

	bed_init(&b, NULL, NULL);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		call_open(&b, &c, rows[i].path);
		send_text(&c, "x");
		CHECK_UNTIL(&b, c.ended);
		CHECK_INT(c.status, rows[i].status);
		CHECK_STR(c.text, rows[i].text);
		CHECK_INT(c.n_messages, 0);
		call_fini(&c);
	}
	CHECK_UNTIL(&b, seen(SEEN_CLOSE) == 1);
	CHECK_INT(seen_last_code(), RPC_PERMISSION_DENIED);
	CHECK_INT(seen(SEEN_MESSAGE), 0);
	rpc_server_stats(b.server, &stats);
	CHECK_INT(stats.streams_total, ARRAY_LEN(rows));
	bed_fini(&b);
}

TEST(rpc_unary)
{
	struct bed b;
	struct call c;

	bed_init(&b, NULL, NULL);
	call_open(&b, &c, ONCE);
	send_text(&c, "question");
	h2c_half_close(c.conn);
	CHECK_UNTIL(&b, c.ended);
	CHECK_STR(buf_str(&c.last), "question");
	CHECK_INT(c.n_messages, 1);
	CHECK_INT(c.status, RPC_OK);
	call_fini(&c);

	call_open(&b, &c, ONCE);
	h2c_half_close(c.conn);
	CHECK_UNTIL(&b, c.ended);
	CHECK_INT(c.status, RPC_INTERNAL);
	CHECK_STR(c.text, "no request message");
	CHECK_INT(c.n_messages, 0);
	call_fini(&c);
	CHECK_INT(seen(SEEN_HALF_CLOSE), 0);
	bed_fini(&b);
}

TEST(rpc_message_too_long)
{
	static const char few[1001];
	uint8_t *bytes;
	struct bed b;
	struct call c;

	bed_init(&b, NULL, NULL);
	call_open(&b, &c, SMALL);
	h2c_send(c.conn, few, 1000);
	CHECK_UNTIL(&b, c.n_messages == 1);
	h2c_send(c.conn, few, 1001);
	CHECK_UNTIL(&b, c.ended);
	CHECK_INT(c.status, RPC_RESOURCE_EXHAUSTED);
	CHECK_STR(c.text, "received message larger than max (1001 vs. 1000)");
	call_fini(&c);

	call_open(&b, &c, ECHO);
	bytes = xcalloc(1, RPC_MESSAGE_LEN + 1);
	h2c_send(c.conn, bytes, RPC_MESSAGE_LEN);
	CHECK_UNTIL(&b, c.n_messages == 1);
	CHECK_INT(c.last.len, RPC_MESSAGE_LEN);
	h2c_send(c.conn, bytes, RPC_MESSAGE_LEN + 1);
	CHECK_UNTIL(&b, c.ended);
	CHECK_INT(c.status, RPC_RESOURCE_EXHAUSTED);
	CHECK_INT(seen(SEEN_MESSAGE), 2);
	xfree(bytes);
	call_fini(&c);
	bed_fini(&b);
}

TEST(rpc_no_compression)
{
	static const struct h2c_header gzip = { "grpc-encoding", "gzip" };
	static const uint8_t message[] = { 1, 0, 0, 0, 3, 'a', 'b', 'c' };
	struct bed b;
	struct call c;

	bed_init(&b, NULL, NULL);
	call_open_with(&b, &c, ECHO, &gzip, 1);
	h2c_send_raw(c.conn, message, sizeof message);
	CHECK_UNTIL(&b, c.ended);
	CHECK_INT(c.status, RPC_UNIMPLEMENTED);
	CHECK_INT(seen(SEEN_MESSAGE), 0);
	call_fini(&c);
	bed_fini(&b);
}

TEST(rpc_headers)
{
	static const struct h2c_header headers[] = { { "authorization", "Bearer abc" },
						     { "x-empty", "" } };
	struct bed b;
	struct call c;

	bed_init(&b, NULL, NULL);
	call_open_with(&b, &c, HEADER, headers, ARRAY_LEN(headers));
	send_text(&c, "authorization");
	CHECK_UNTIL(&b, c.n_messages == 1);
	CHECK_STR(buf_str(&c.last), "Bearer abc");
	/* They have been dropped after the first answer. */
	send_text(&c, "authorization");
	CHECK_UNTIL(&b, c.n_messages == 2);
	CHECK_STR(buf_str(&c.last), "none");
	call_fini(&c);

	call_open_with(&b, &c, HEADER, headers, ARRAY_LEN(headers));
	send_text(&c, "authorizatio");
	CHECK_UNTIL(&b, c.n_messages == 1);
	CHECK_STR(buf_str(&c.last), "none");
	send_text(&c, "peer");
	CHECK_UNTIL(&b, c.n_messages == 2);
	CHECK(str_starts(buf_str(&c.last), "127.0.0.1:"));
	call_fini(&c);

	call_open_with(&b, &c, HEADER, headers, ARRAY_LEN(headers));
	send_text(&c, "x-empty");
	CHECK_UNTIL(&b, c.n_messages == 1);
	CHECK_INT(c.last.len, 0);
	call_fini(&c);
	bed_fini(&b);
}

TEST(rpc_finish_after_send)
{
	struct bed b;
	struct call c;

	bed_init(&b, NULL, NULL);
	call_open(&b, &c, FINISH);
	send_text(&c, "last words");
	CHECK_UNTIL(&b, c.ended);
	CHECK_STR(buf_str(&c.last), "last words");
	CHECK_INT(c.n_messages, 1);
	CHECK_INT(c.status, RPC_ABORTED);
	CHECK_STR(c.text, "enough 100%25");
	CHECK_UNTIL(&b, seen(SEEN_CLOSE));
	CHECK_INT(seen(SEEN_REFUSED_SEND), 1);
	CHECK_INT(seen(SEEN_SENDABLE), 0);
	CHECK_INT(seen_last_code(), RPC_ABORTED);
	call_fini(&c);
	bed_fini(&b);
}

TEST(rpc_cancel)
{
	struct bed b;
	struct call c;

	bed_init(&b, NULL, NULL);
	call_open(&b, &c, CANCEL);
	send_text(&c, "x");
	CHECK_UNTIL(&b, c.ended && seen(SEEN_CLOSE));
	CHECK(c.status != RPC_OK);
	CHECK_INT(seen_last_code(), RPC_DATA_LOSS);
	CHECK_INT(seen(SEEN_MESSAGE), 1);
	call_fini(&c);
	bed_fini(&b);
}

TEST(rpc_hold)
{
	struct rpc_stream *s;
	struct bed b;
	struct call c;

	bed_init(&b, NULL, NULL);
	call_open(&b, &c, HOLD);
	send_text(&c, "1");
	send_text(&c, "2");
	send_text(&c, "3");
	CHECK_UNTIL(&b, c.n_messages == 1);
	bed_run_ms(&b, 50);
	CHECK_INT(seen(SEEN_MESSAGE), 1);
	s = seen_stream();
	for (unsigned i = 2; i <= 3; i++) {
		rpc_stream_resume(s);
		CHECK_UNTIL(&b, c.n_messages == i);
		bed_run_ms(&b, 20);
		CHECK_INT(seen(SEEN_MESSAGE), i);
	}
	CHECK_STR(buf_str(&c.last), "3");
	rpc_stream_unref(s);
	call_fini(&c);
	bed_fini(&b);
}

/* Everything may be called on what is left of a stream, even after its server. */
TEST(rpc_husk)
{
	struct rpc_slices m = { .head = "x", .head_len = 1 };
	char peer[RPC_PEER_TEXT];
	struct rpc_stream *s;
	struct bed b;
	struct call c;

	bed_init(&b, NULL, NULL);
	call_open(&b, &c, ECHO);
	CHECK_UNTIL(&b, c.opened);
	s = seen_stream();
	rpc_stream_peer(s, peer);
	CHECK(str_starts(peer, "127.0.0.1:"));
	call_fini(&c);
	bed_fini(&b);
	CHECK(!rpc_send(s, &m));
	rpc_wake(s);
	rpc_stream_finish(s, RPC_OK, NULL);
	rpc_stream_cancel(s, RPC_OK, NULL);
	rpc_stream_peer(s, peer);
	CHECK_STR(peer, "");
	rpc_stream_unref(s);
}

TEST(rpc_many_streams)
{
	enum { N = 300, ROUNDS = 20 };
	static struct call calls[N];
	struct rpc_stats stats;
	unsigned n_done = 0;
	struct bed b;

	bed_init(&b, NULL, NULL);
	for (unsigned i = 0; i < N; i++) {
		call_open(&b, &calls[i], ECHO);
		send_text(&calls[i], "ball");
	}
	bed_begin(&b);
	while (n_done < N && bed_turn(&b)) {
		n_done = 0;
		for (unsigned i = 0; i < N; i++) {
			struct call *c = &calls[i];

			n_done += c->n_messages == ROUNDS;
			/* n_bytes counts what was sent back for. */
			if (c->n_messages && c->n_messages < ROUNDS && c->last.len) {
				buf_reset(&c->last);
				send_text(c, "ball");
			}
		}
	}
	CHECK_INT(n_done, N);
	rpc_server_stats(b.server, &stats);
	CHECK_INT(stats.streams, N);
	CHECK_INT(stats.received_messages, N * ROUNDS);
	for (unsigned i = 0; i < N; i++)
		call_fini(&calls[i]);
	CHECK_UNTIL(&b, seen(SEEN_CLOSE) == N);
	CHECK_UNTIL(&b, (rpc_server_stats(b.server, &stats), stats.streams) == 0);
	CHECK_INT(stats.sent_messages, N * ROUNDS);
	CHECK_INT(stats.sent_bytes, N * ROUNDS * 4);
	bed_fini(&b);
}

TEST(rpc_metrics)
{
	struct buf text = BUF_INIT;
	struct bed b;
	struct call c;

	bed_init(&b, NULL, NULL);
	call_open(&b, &c, ECHO);
	send_text(&c, "x");
	CHECK_UNTIL(&b, c.n_messages == 1);
	rpc_housekeeping(b.server);
	stats_print(&text);
	CHECK(strstr(buf_str(&text), "\nmainsheet_rpc_streams 1\n"));
	CHECK(strstr(buf_str(&text), "\nmainsheet_rpc_streams_total{method=\"" ECHO "\"} "));
	call_fini(&c);
	CHECK_UNTIL(&b, seen(SEEN_CLOSE) == 1);
	bed_fini(&b);
	buf_reset(&text);
	stats_print(&text);
	CHECK(strstr(buf_str(&text), "\nmainsheet_rpc_streams_closed_total{method=\"" ECHO
				     "\",code=\"Canceled\"} "));
	CHECK(strstr(buf_str(&text), "\nmainsheet_rpc_sent_message_bytes_count "));
	buf_fini(&text);
}
