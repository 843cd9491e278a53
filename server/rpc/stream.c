/* A stream: a small machine whose inputs are gRPC's completions, calls from above, and time; whose outputs are gRPC
 * operations and callbacks.
 *
 * Callbacks are serialised without a thread of their own (see `events` in internal.h) and called with no lock held, so
 * that they may send, finish, wake, or wait for locks of the layers above.
 *
 * Two life spans. gRPC's call lives until every operation has come back, even those of a closed stream: a send to a
 * peer that has stopped reading returns only when keepalive closes the connection. The struct lives as long as
 * anything refers to it. `closed` is the point after which no operation is started. */
#include "base/log.h"
#include "rpc/internal.h"
#include "rpc/tsan.h"
#include <assert.h>
#include <grpc/byte_buffer.h>
#include <string.h>

enum { STATUS_TEXT_MAX = 1024, PREFIX_LEN = 5 /* of a message on the wire */ };
static const size_t headers_allowance = 2048;
static const int64_t half_close_delay_ns = 100 * NS_PER_MS;

/* Whoever sends headers is allowed some bytes for them. */
static void find_connection(struct rpc_stream *s)
{
	char peer[RPC_PEER_TEXT];
	size_t n = 0;

	rpc_stream_peer(s, peer);
	s->conn_id = sockets_find(peer, &s->conn_fd);
	for (size_t i = 0; i < s->metadata.count; i++)
		n += GRPC_SLICE_LENGTH(s->metadata.metadata[i].key) +
		     GRPC_SLICE_LENGTH(s->metadata.metadata[i].value);
	sockets_delivered(s->conn_fd, s->conn_id, MIN(n, headers_allowance));
}

struct rpc_stream *stream_new(struct rpc_server *srv, const struct rpc_method *method,
			      grpc_call *call, grpc_metadata_array *take)
{
	struct rpc_stream *s = xcalloc(1, sizeof *s);

	ref_init(&s->ref);
	for (unsigned i = 0; i < N_TAGS; i++)
		s->tags[i] = (uint8_t)i;
	lock_init(&s->lock, LOCK_RPC_STREAM);
	s->server = srv;
	s->method = method;
	s->call = call;
	s->metadata = *take;
	grpc_metadata_array_init(take);
	find_connection(s);
	/* Once in the server's list it may be woken; nothing comes before on_open. */
	s->events = 1 << EVENT_OPEN;
	s->running = true;
	return s;
}

struct rpc_stream *rpc_stream_ref(struct rpc_stream *s)
{
	ref_get(&s->ref);
	return s;
}

void rpc_stream_unref(struct rpc_stream *s)
{
	if (!s || !ref_put(&s->ref))
		return;
	assert(!s->call && !s->parked && !s->received);
	xfree(s->text);
	lock_fini(&s->lock);
	xfree(s);
}

/* ---- operations; s->lock is held ---- */

/* False only if gRPC thinks that we made a mistake; the call is given up then. */
static bool start_op(struct rpc_stream *s, const grpc_op *ops, size_t n, enum rpc_tag tag)
{
	grpc_call_error rc;

	rpc_stream_ref(s);
	s->n_ops++;
	ANNOTATE_HAPPENS_BEFORE(&s->tags[tag]);
	rc = grpc_call_start_batch(s->call, ops, n, &s->tags[tag], NULL);
	if (rc == GRPC_CALL_OK)
		return true;
	log_error("gRPC refuses an operation", "error", grpc_call_error_to_string(rc), "operation",
		  LOG_FMT("%d", (int)tag));
	grpc_call_cancel(s->call, NULL);
	s->n_ops--;
	if (ref_put(&s->ref))
		assert(!"the caller has a reference");
	return false;
}

static void send_metadata(struct rpc_stream *s)
{
	grpc_op op = { .op = GRPC_OP_SEND_INITIAL_METADATA };

	if (s->metadata_sent)
		return;
	s->metadata_sent = true;
	start_op(s, &op, 1, TAG_METADATA);
}

static void receive(struct rpc_stream *s)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	if (s->receiving || s->closed || s->finishing || s->half_closed || s->n_holds ||
	    (s->events & 1 << EVENT_MESSAGE) || (s->got_message && s->method->kind == RPC_UNARY))
		return;
	op.data.recv_message.recv_message = &s->received;
	s->receiving = start_op(s, &op, 1, TAG_RECEIVE);
}

/* Sends the message, which it destroys. */
static void send_message(struct rpc_stream *s, grpc_byte_buffer *message)
{
	grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };

	op.data.send_message.send_message = message;
	s->sending = true;
	s->sent_ns = clock_mono_ns();
	stats_on_send(s->server);
	if (!start_op(s, &op, 1, TAG_SEND)) {
		s->sending = false;
		stats_on_sent(s->server, false, 0, 0);
	}
	grpc_byte_buffer_destroy(message);
}

static void drop_parked(struct rpc_stream *s)
{
	if (s->parked)
		grpc_byte_buffer_destroy(TAKE(s->parked));
}

/* The status, if it is time for it: after a send, and once. */
static void send_status(struct rpc_stream *s)
{
	grpc_op ops[2] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },
			   { .op = GRPC_OP_SEND_STATUS_FROM_SERVER } };
	grpc_slice text;
	unsigned first = s->metadata_sent ? 1 : 0;

	if (!s->finishing || s->status_sent || s->sending || s->closed)
		return;
	s->status_sent = s->metadata_sent = true;
	text = grpc_slice_from_copied_string(str_or(s->text, ""));
	ops[1].data.send_status_from_server.status = (grpc_status_code)s->code;
	ops[1].data.send_status_from_server.status_details = &text;
	start_op(s, ops + first, 2 - first, TAG_STATUS);
	grpc_slice_unref(text);
}

static void finish_locked(struct rpc_stream *s, enum rpc_code code, const char *message)
{
	if (s->finishing || s->closed)
		return;
	s->finishing = true;
	s->code = (uint8_t)code;
	if (!str_empty(message)) {
		s->text = xstrdup(message);
		if (strlen(s->text) > STATUS_TEXT_MAX)
			s->text[STATUS_TEXT_MAX] = '\0';
	}
	drop_parked(s);
	send_status(s);
}

/* gRPC's call, if nothing will need it again; to be released without the lock. */
static grpc_call *take_call(struct rpc_stream *s)
{
	if (s->n_ops || !s->husk)
		return NULL;
	return TAKE(s->call);
}

static void release_call(struct rpc_stream *s, grpc_call *call)
{
	if (!call)
		return;
	grpc_metadata_array_destroy(&s->metadata);
	grpc_call_unref(call);
}

/* ---- callbacks ---- */

static void on_open(struct rpc_stream *s)
{
	if (s->method->on_open)
		s->method->on_open(s);
	with_lock(&s->lock) {
		s->opened = true;
		if (s->closed)
			break;
		if (s->finishing) {
			send_status(s);
			break;
		}
		send_metadata(s);
		receive(s);
	}
}

static void deliver(struct rpc_stream *s, const void *bytes, size_t len)
{
	s->method->on_message(s, bytes, len);
}

static void on_message(struct rpc_stream *s)
{
	grpc_byte_buffer *message = TAKE(s->received);
	size_t len = grpc_byte_buffer_length(message);
	size_t max = s->method->max_message_len ? s->method->max_message_len : RPC_MESSAGE_LEN;

	stats_on_message(s->server, len);
	sockets_delivered(s->conn_fd, s->conn_id, len + PREFIX_LEN);
	if (len > max)
		rpc_stream_finish(
			s, RPC_RESOURCE_EXHAUSTED,
			LOG_FMT("received message larger than max (%zu vs. %zu)", len, max));
	else if (!message_read(message, s, deliver))
		rpc_stream_finish(s, RPC_UNIMPLEMENTED, "compressed messages are not accepted");
	grpc_byte_buffer_destroy(message);
	with_lock(&s->lock)
		receive(s);
}

static void on_half_close(struct rpc_stream *s)
{
	if (s->method->kind == RPC_BIDI && s->method->on_half_close)
		s->method->on_half_close(s);
	else if (s->method->kind == RPC_UNARY && !s->got_message)
		rpc_stream_finish(s, RPC_INTERNAL, "no request message");
}

static void on_sendable(struct rpc_stream *s)
{
	if (s->method->on_sendable)
		s->method->on_sendable(s);
}

static void on_wake(struct rpc_stream *s)
{
	if (s->method->on_wake)
		s->method->on_wake(s);
}

static void on_close(struct rpc_stream *s)
{
	struct rpc_server *srv = s->server;
	enum rpc_code code = RPC_CANCELLED;
	grpc_call *call = NULL;

	if (!s->was_cancelled || s->code)
		code = s->code;
	if (s->method->on_close)
		s->method->on_close(s, code);
	if (s->received)
		grpc_byte_buffer_destroy(TAKE(s->received));
	stats_on_close(srv, s->method, code);
	with_lock(&s->lock) {
		s->husk = true;
		call = take_call(s);
	}
	release_call(s, call);
	server_remove(srv, s);
}

static void (*const callbacks[N_EVENTS])(struct rpc_stream *) = {
	[EVENT_OPEN] = on_open,         [EVENT_CLOSE] = on_close,
	[EVENT_MESSAGE] = on_message,   [EVENT_HALF_CLOSE] = on_half_close,
	[EVENT_SENDABLE] = on_sendable, [EVENT_WAKE] = on_wake,
};

/* The next event to handle, or N_EVENTS. The end of a stream, from either side, makes the others void. */
static unsigned take_event(struct rpc_stream *s)
{
	uint8_t mask = 0xff;

	if (s->closed || s->finishing)
		mask = 1 << EVENT_OPEN | 1 << EVENT_CLOSE;
	for (unsigned i = 0; i < N_EVENTS; i++) {
		if (s->events & mask & 1 << i) {
			s->events &= (uint8_t) ~(1 << i);
			return i;
		}
	}
	return N_EVENTS;
}

void stream_run(struct rpc_stream *s)
{
	bool mine = false;
	unsigned event;

	do {
		event = N_EVENTS;
		with_lock(&s->lock) {
			if (!mine && s->running)
				break;
			mine = true;
			event = take_event(s);
			s->running = event != N_EVENTS;
		}
		if (event != N_EVENTS)
			callbacks[event](s);
	} while (event != N_EVENTS);
}

/* ---- time ---- */

static void on_timer(struct rpc_timer *t)
{
	struct rpc_stream *s = container_of(t, struct rpc_stream, timer);

	with_lock(&s->lock) {
		if (s->half_closed)
			s->events |= 1 << EVENT_HALF_CLOSE;
		if (s->draining)
			finish_locked(s, RPC_UNAVAILABLE, "server is shutting down");
	}
	stream_run(s);
	rpc_stream_unref(s);
}

static void arm(struct rpc_stream *s, int64_t due_ns)
{
	rpc_stream_ref(s);
	if (!timers_arm(&s->server->timers, &s->timer, due_ns, on_timer))
		rpc_stream_unref(s);
}

/* One that has half-closed has its timer armed already, for sooner. */
void stream_drain_at(struct rpc_stream *s, int64_t due_ns)
{
	with_lock(&s->lock) {
		s->draining = true;
		if (!s->closed)
			arm(s, due_ns);
	}
}

/* ---- completions ---- */

static void close_locked(struct rpc_stream *s)
{
	s->closed = true;
	drop_parked(s);
	s->events |= 1 << EVENT_CLOSE;
	if (timers_cancel(&s->server->timers, &s->timer))
		rpc_stream_unref(s);
}

static void received_locked(struct rpc_stream *s)
{
	s->receiving = false;
	if (s->received) {
		s->got_message = true;
		s->events |= 1 << EVENT_MESSAGE;
	} else if (!s->closed && !s->finishing) {
		s->half_closed = true;
		arm(s, clock_mono_ns() + half_close_delay_ns);
	}
}

static void sent_locked(struct rpc_stream *s, bool ok)
{
	s->sending = false;
	stats_on_sent(s->server, ok, s->sent_len, clock_mono_ns() - s->sent_ns);
	send_status(s);
	if (ok)
		s->events |= 1 << EVENT_SENDABLE;
}

void stream_on_tag(struct rpc_stream *s, enum rpc_tag tag, bool ok)
{
	struct limiter *release = NULL;
	grpc_call *call = NULL;

	with_lock(&s->lock) {
		s->n_ops--;
		if (tag == TAG_CLOSE)
			close_locked(s);
		else if (tag == TAG_RECEIVE)
			received_locked(s);
		else if (tag == TAG_SEND) {
			if (s->large)
				release = &s->server->limiter;
			s->large = false;
			sent_locked(s, ok);
		}
		if (!s->method)
			s->husk = true;
		call = take_call(s);
	}
	release_call(s, call);
	if (release)
		limiter_release(release, s);
	if (s->method)
		stream_run(s);
	rpc_stream_unref(s);
}

void stream_start(struct rpc_stream *s)
{
	grpc_op op = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER };

	op.data.recv_close_on_server.cancelled = &s->was_cancelled;
	with_lock(&s->lock) {
		start_op(s, &op, 1, TAG_CLOSE);
		s->running = false;
	}
	stream_run(s);
	rpc_stream_unref(s);
}

void stream_refuse(struct rpc_stream *s, enum rpc_code code, const char *message)
{
	grpc_op ops[] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },
			  { .op = GRPC_OP_SEND_STATUS_FROM_SERVER },
			  { .op = GRPC_OP_RECV_CLOSE_ON_SERVER } };
	grpc_slice text = grpc_slice_from_copied_string(message);

	ops[1].data.send_status_from_server.status = (grpc_status_code)code;
	ops[1].data.send_status_from_server.status_details = &text;
	ops[2].data.recv_close_on_server.cancelled = &s->was_cancelled;
	with_lock(&s->lock) {
		s->method = NULL;
		start_op(s, ops, ARRAY_LEN(ops), TAG_CLOSE);
	}
	grpc_slice_unref(text);
	rpc_stream_unref(s);
}

/* ---- calls from above ---- */

bool rpc_send(struct rpc_stream *s, const struct rpc_slices *slices)
{
	bool accepted = false;

	with_lock(&s->lock) {
		grpc_byte_buffer *message;
		size_t len;

		if (s->closed || s->finishing || s->sending || s->parked)
			break;
		accepted = true;
		send_metadata(s);
		message = slices_join(slices, &len);
		s->sent_len = (uint32_t)len;
		s->large = len > s->server->large_len;
		if (s->large && !limiter_admit(&s->server->limiter, s))
			s->parked = message;
		else
			send_message(s, message);
	}
	return accepted;
}

bool stream_send_parked(struct rpc_stream *s)
{
	bool sent = false;

	with_lock(&s->lock) {
		if (!s->parked)
			break;
		send_message(s, TAKE(s->parked));
		sent = s->sending;
	}
	return sent;
}

void rpc_stream_finish(struct rpc_stream *s, enum rpc_code code, const char *message)
{
	with_lock(&s->lock)
		finish_locked(s, code, message);
}

void rpc_stream_cancel(struct rpc_stream *s, enum rpc_code code, const char *message)
{
	with_lock(&s->lock) {
		if (s->closed || s->status_sent)
			break;
		s->finishing = s->status_sent = true;
		s->code = (uint8_t)code;
		drop_parked(s);
		grpc_call_cancel_with_status(s->call, (grpc_status_code)code, str_or(message, ""),
					     NULL);
	}
}

void rpc_wake(struct rpc_stream *s)
{
	bool queue = false;

	with_lock(&s->lock) {
		if (s->closed || s->finishing)
			break;
		s->events |= 1 << EVENT_WAKE;
		queue = !s->running && !s->woken;
		if (queue) {
			s->woken = true;
			wakers_push(&s->server->wakers, rpc_stream_ref(s));
		}
	}
}

void rpc_stream_hold(struct rpc_stream *s)
{
	with_lock(&s->lock)
		s->n_holds++;
}

void rpc_stream_resume(struct rpc_stream *s)
{
	with_lock(&s->lock) {
		assert(s->n_holds);
		s->n_holds--;
		receive(s);
	}
}

void rpc_stream_set_user(struct rpc_stream *s, void *user)
{
	s->user = user;
}

void *rpc_stream_user(const struct rpc_stream *s)
{
	return s->user;
}

const struct rpc_method *rpc_stream_method(const struct rpc_stream *s)
{
	return s->method;
}
