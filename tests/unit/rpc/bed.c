/* The methods note what they see under one lock, and each stream carries a mark by which overlapping or late callbacks
 * are found. */
#include "bed.h"
#include "base/clock.h"
#include "base/lock.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_S = 10, BURST_LEN = 10000 };

static struct lock lock = LOCK_INIT(LOCK_STATUS); /* of what follows */
static unsigned counts[N_SEEN];
static enum rpc_code last_code;
static bool disorder;
static struct rpc_stream *last_stream;
static struct rpc_body *push_body;
static char *push_bytes;

/* Lives until the end of the test, since a stream can be asked for after its end. */
struct mark {
	struct mark *next;
	struct lock lock;
	bool inside, over;
	unsigned to_send;
	bool has_answer; /* that rpc_send refused: the client was faster than the completion */
	struct buf answer;
};
static struct mark *marks;

static void note(enum seen what)
{
	with_lock(&lock)
		counts[what]++;
}

static void enter(struct rpc_stream *s, enum seen what)
{
	struct mark *m = rpc_stream_user(s);
	bool wrong = false;

	with_lock(&m->lock) {
		wrong = m->inside || m->over;
		m->inside = true;
	}
	with_lock(&lock) {
		counts[what]++;
		disorder |= wrong;
	}
	sched_yield();
}

static void leave(struct rpc_stream *s)
{
	struct mark *m = rpc_stream_user(s);

	with_lock(&m->lock)
		m->inside = false;
}

static bool send_bytes(struct rpc_stream *s, const void *bytes, size_t len)
{
	struct rpc_slices m = { .head = bytes, .head_len = (uint32_t)len };
	bool ok = rpc_send(s, &m);

	if (!ok)
		note(SEEN_REFUSED_SEND);
	return ok;
}

static void answer(struct rpc_stream *s, const void *bytes, size_t len)
{
	struct mark *m = rpc_stream_user(s);

	if (send_bytes(s, bytes, len))
		return;
	m->has_answer = true;
	buf_reset(&m->answer);
	buf_append(&m->answer, bytes, len);
}

/* ---- callbacks ---- */

static void on_open(struct rpc_stream *s)
{
	struct mark *m = xcalloc(1, sizeof *m);
	struct rpc_stream *before = NULL;

	lock_init(&m->lock, LOCK_STATUS);
	rpc_stream_set_user(s, m);
	enter(s, SEEN_OPEN);
	with_lock(&lock) {
		before = last_stream;
		last_stream = rpc_stream_ref(s);
		m->next = marks;
		marks = m;
	}
	rpc_stream_unref(before);
	if (str_eq(rpc_stream_method(s)->path, REFUSE))
		rpc_stream_finish(s, RPC_PERMISSION_DENIED, "not for you");
	leave(s);
}

static void on_close(struct rpc_stream *s, enum rpc_code code)
{
	struct mark *m = rpc_stream_user(s);

	with_lock(&lock)
		last_code = code;
	enter(s, SEEN_CLOSE);
	with_lock(&m->lock) {
		m->inside = false;
		m->over = true;
	}
}

static void on_echo(struct rpc_stream *s, const void *bytes, size_t len)
{
	enter(s, SEEN_MESSAGE);
	answer(s, bytes, len);
	leave(s);
}

static void on_once(struct rpc_stream *s, const void *bytes, size_t len)
{
	enter(s, SEEN_MESSAGE);
	answer(s, bytes, len);
	rpc_stream_finish(s, RPC_OK, NULL);
	leave(s);
}

static void on_hold(struct rpc_stream *s, const void *bytes, size_t len)
{
	enter(s, SEEN_MESSAGE);
	rpc_stream_hold(s);
	answer(s, bytes, len);
	leave(s);
}

static void on_header(struct rpc_stream *s, const void *bytes, size_t len)
{
	char name[64] = "", peer[RPC_PEER_TEXT];
	const char *value;
	size_t n = 0;

	enter(s, SEEN_MESSAGE);
	memcpy(name, bytes, MIN(len, sizeof name - 1));
	if (str_eq(name, "peer")) {
		rpc_stream_peer(s, peer);
		answer(s, peer, strlen(peer));
	} else {
		value = rpc_stream_metadata(s, name, 0, &n);
		answer(s, value ? value : "none", value ? n : 4);
		rpc_stream_drop_metadata(s);
	}
	leave(s);
}

static void burst(struct rpc_stream *s)
{
	static const char bytes[BURST_LEN];
	struct mark *m = rpc_stream_user(s);

	while (m->to_send && send_bytes(s, bytes, sizeof bytes))
		m->to_send--;
}

static void on_burst(struct rpc_stream *s, const void *bytes, size_t len)
{
	struct mark *m = rpc_stream_user(s);
	char n[16] = "";

	enter(s, SEEN_MESSAGE);
	memcpy(n, bytes, MIN(len, sizeof n - 1));
	m->to_send = (unsigned)strtoul(n, NULL, 10);
	burst(s);
	leave(s);
}

static void on_sendable(struct rpc_stream *s)
{
	struct mark *m = rpc_stream_user(s);

	enter(s, SEEN_SENDABLE);
	if (m->has_answer)
		m->has_answer = !send_bytes(s, buf_str(&m->answer), m->answer.len);
	if (str_eq(rpc_stream_method(s)->path, BURST))
		burst(s);
	leave(s);
}

static void on_finish(struct rpc_stream *s, const void *bytes, size_t len)
{
	enter(s, SEEN_MESSAGE);
	send_bytes(s, bytes, len);
	rpc_stream_finish(s, RPC_ABORTED, "enough 100%");
	rpc_stream_finish(s, RPC_INTERNAL, "the second does not count");
	send_bytes(s, bytes, len);
	leave(s);
}

static void on_cancel(struct rpc_stream *s, const void *bytes, size_t len)
{
	enter(s, SEEN_MESSAGE);
	rpc_stream_cancel(s, RPC_DATA_LOSS, "cancelled");
	leave(s);
}

static void on_ignore(struct rpc_stream *s, const void *bytes, size_t len)
{
	enter(s, SEEN_MESSAGE);
	leave(s);
}

static void on_wake(struct rpc_stream *s)
{
	struct rpc_slices m = { .tail = "!", .tail_len = 1, .n_bodies = 1 };
	struct rpc_body *body = NULL;

	enter(s, SEEN_WAKE);
	with_lock(&lock) {
		if (push_body)
			body = rpc_body_ref(push_body);
	}
	m.bodies = &body;
	if (body && !rpc_send(s, &m))
		note(SEEN_REFUSED_SEND);
	rpc_body_unref(body);
	leave(s);
}

static void on_half_close(struct rpc_stream *s)
{
	enter(s, SEEN_HALF_CLOSE);
	rpc_stream_finish(s, RPC_OK, NULL);
	leave(s);
}

#define METHOD(name, message) \
	{ \
		.path = name, .on_open = on_open, .on_message = message, \
		.on_sendable = on_sendable, .on_wake = on_wake, .on_half_close = on_half_close, \
		.on_close = on_close \
	}
static const struct rpc_method table[] = {
	METHOD(ECHO, on_echo),     METHOD(ONCE, on_once),   METHOD(REFUSE, on_ignore),
	METHOD(SMALL, on_echo),    METHOD(HOLD, on_hold),   METHOD(HEADER, on_header),
	METHOD(PUSH, on_ignore),   METHOD(BURST, on_burst), METHOD(FINISH, on_finish),
	METHOD(CANCEL, on_cancel),
};

/* ---- the bed ---- */

void bed_init(struct bed *b, const struct rpc_options *o, const struct h2c_options *client)
{
	static const struct rpc_listener any = { .address = "127.0.0.1:0" };
	struct rpc_method methods[ARRAY_LEN(table)];
	struct rpc_options options = o ? *o : (struct rpc_options){ 0 };
	struct err e = ERR_INIT;

	with_lock(&lock) {
		memset(counts, 0, sizeof counts);
		last_code = RPC_OK;
		disorder = false;
	}
	memcpy(methods, table, sizeof table);
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (str_eq(methods[i].path, ONCE))
			methods[i].kind = RPC_UNARY;
		if (str_eq(methods[i].path, SMALL))
			methods[i].max_message_len = 1000;
	}
	options.listeners = &any;
	options.n_listeners = 1;
	options.methods = methods;
	options.n_methods = ARRAY_LEN(methods);
	if (!CHECK(rpc_server_new(&options, &b->server, &e))) {
		printf("%s\n", e.text);
		exit(1);
	}
	b->port = (uint16_t)rpc_server_port(b->server, 0);
	b->client = h2c_new(client);
	rpc_server_start(b->server);
}

void bed_fini(struct bed *b)
{
	h2c_free(b->client);
	if (b->server && CHECK(rpc_server_stop(b->server, 2000)))
		rpc_server_free(b->server);
	rpc_stream_unref(TAKE(last_stream));
	while (marks) {
		struct mark *m = marks;

		marks = m->next;
		buf_fini(&m->answer);
		lock_fini(&m->lock);
		xfree(m);
	}
	CHECK(!seen_disorder());
	CHECK_INT(seen(SEEN_OPEN), seen(SEEN_CLOSE));
}

void bed_begin(struct bed *b)
{
	b->until_ns = clock_mono_ns() + TIMEOUT_S * NS_PER_S;
}

bool bed_turn(struct bed *b)
{
	h2c_run_once(b->client, 5);
	return clock_mono_ns() < b->until_ns;
}

void bed_run_ms(struct bed *b, int64_t ms)
{
	int64_t until = clock_mono_ns() + ms * NS_PER_MS;

	while (clock_mono_ns() < until)
		h2c_run_once(b->client, 5);
}

/* ---- the client's side ---- */

static void on_opened(struct h2c_conn *conn)
{
	struct call *c = h2c_user(conn);

	c->opened = true;
}

static void on_data(struct h2c_conn *conn, const uint8_t *p, size_t n)
{
	struct call *c = h2c_user(conn);

	c->n_bytes += n;
	buf_append(&c->now, p, n);
}

static void on_received(struct h2c_conn *conn, size_t len)
{
	struct call *c = h2c_user(conn);
	struct buf was = c->last;

	CHECK_INT(c->now.len, len);
	c->n_messages++;
	c->last = c->now;
	c->now = was;
	buf_reset(&c->now);
}

static void on_goaway(struct h2c_conn *conn)
{
	struct call *c = h2c_user(conn);

	c->goaway = true;
}

static void on_ended(struct h2c_conn *conn, const struct h2c_end *end)
{
	struct call *c = h2c_user(conn);

	c->conn = NULL;
	c->ended = true;
	c->status = end->grpc_status;
	c->reset = end->reset;
	snprintf(c->text, sizeof c->text, "%s", end->grpc_message);
	snprintf(c->cause, sizeof c->cause, "%s", end->cause);
}

static const struct h2c_events events = {
	.on_open = on_opened,
	.on_data = on_data,
	.on_message = on_received,
	.on_goaway = on_goaway,
	.on_close = on_ended,
};

void call_open_with(struct bed *b, struct call *c, const char *path,
		    const struct h2c_header *headers, uint32_t n_headers)
{
	struct h2c_target target = { "127.0.0.1", b->port, path, headers, n_headers };
	struct err e = ERR_INIT;

	*c = (struct call){ .status = -1 };
	c->conn = h2c_connect(b->client, &target, &events, c, &e);
	if (!CHECK(c->conn != NULL))
		printf("%s\n", e.text);
}

void call_open(struct bed *b, struct call *c, const char *path)
{
	call_open_with(b, c, path, NULL, 0);
}

void call_fini(struct call *c)
{
	if (c->conn)
		h2c_close(c->conn);
	buf_fini(&c->last);
	buf_fini(&c->now);
}

/* ---- what was seen ---- */

unsigned seen(enum seen what)
{
	unsigned n = 0;

	with_lock(&lock)
		n = counts[what];
	return n;
}

enum rpc_code seen_last_code(void)
{
	enum rpc_code code = RPC_OK;

	with_lock(&lock)
		code = last_code;
	return code;
}

bool seen_disorder(void)
{
	bool yes = false;

	with_lock(&lock)
		yes = disorder;
	return yes;
}

struct rpc_stream *seen_stream(void)
{
	struct rpc_stream *s = NULL;

	with_lock(&lock)
		s = last_stream ? rpc_stream_ref(last_stream) : NULL;
	return s;
}

static void released(void *bytes)
{
	xfree(bytes);
	note(SEEN_RELEASE);
}

void push_set(size_t len, char fill)
{
	push_drop();
	push_bytes = xmalloc(len);
	memset(push_bytes, fill, len);
	with_lock(&lock)
		push_body = rpc_body_new(push_bytes, len, released, push_bytes);
}

void push_drop(void)
{
	struct rpc_body *body = NULL;

	with_lock(&lock) {
		body = push_body;
		push_body = NULL;
	}
	rpc_body_unref(body);
}

/* gRPC is not instrumented: what ThreadSanitizer sees of it, through libc, makes no sense without the rest. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "ignore_noninstrumented_modules=1";
}
