/* Each connection is an nghttp2 session between a socket and the callbacks. nghttp2 hands DATA payload out as pointers
 * into the buffer that was received into, so a message byte is touched by the kernel's copy and by whoever looks at it.
 * What is to be sent is gathered per connection and written once per turn. A connection that ends inside a callback
 * is only marked; it is freed at the end of the turn. */
#include "tests/bench/h2client.h"
#include "base/buf.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	WINDOW = 256 << 20,
	RECEIVE_CHUNK = 1 << 20,
	N_EVENTS = 256,
	PREFIX_LEN = 5,
	HEADERS_MAX = 16,
	N_FIXED_HEADERS = 6,
	READS_PER_TURN = 4,
};

struct h2c {
	int epoll;
	struct h2c_options options;
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *session_options;
	uint8_t *chunk;
	struct h2c_conn *conns; /* all but the dead */
	struct h2c_conn *dead;  /* freed at the end of the turn */
	uint32_t n_conns;
	uint64_t n_received;
};

struct h2c_conn {
	struct h2c *loop;
	struct h2c_conn *prev, *next;
	const struct h2c_events *events;
	void *user;
	int fd;
	uint32_t watched; /* what epoll looks for */
	nghttp2_session *session;
	int32_t stream;
	bool connected, paused, in_callback, half_closed, dead, reset, ended;
	bool opened, goaway;

	char *authority, *path;
	char *headers[HEADERS_MAX][2];
	uint32_t n_headers;

	struct buf body; /* to be sent as DATA */
	size_t body_sent;
	struct buf out; /* bytes that the socket did not take */
	size_t out_sent;

	uint8_t prefix[PREFIX_LEN];
	uint32_t n_prefix;
	size_t message_len, message_left;

	int grpc_status;
	char grpc_message[256];
	char cause[128];
};

/* ---- the end of connections ---- */

static void unlink_conn(struct h2c_conn *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		c->loop->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->loop->n_conns--;
}

static void destroy(struct h2c_conn *c)
{
	nghttp2_session_del(c->session);
	buf_fini(&c->body);
	buf_fini(&c->out);
	xfree(c->authority);
	xfree(c->path);
	for (uint32_t i = 0; i < c->n_headers; i++) {
		xfree(c->headers[i][0]);
		xfree(c->headers[i][1]);
	}
	xfree(c);
}

static void bury(struct h2c_conn *c)
{
	if (c->dead)
		return;
	c->dead = true;
	close(c->fd);
	unlink_conn(c);
	c->next = c->loop->dead;
	c->loop->dead = c;
}

static void end(struct h2c_conn *c, const char *cause)
{
	struct h2c_end how = { c->grpc_status, c->grpc_message, c->cause, c->reset };

	if (c->dead)
		return;
	if (!c->cause[0])
		snprintf(c->cause, sizeof c->cause, "%s", cause);
	bury(c);
	if (c->events->on_close)
		c->events->on_close(c, &how);
}

/* ---- sending ---- */

static void watch(struct h2c_conn *c)
{
	uint32_t want = (c->paused ? 0 : EPOLLIN);
	struct epoll_event ev = { .data.ptr = c };

	if (!c->connected || c->out.len > c->out_sent)
		want |= EPOLLOUT;
	if (want == c->watched)
		return;
	ev.events = c->watched = want;
	epoll_ctl(c->loop->epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

static void write_out(struct h2c_conn *c)
{
	while (c->out_sent < c->out.len) {
		ssize_t n =
			send(c->fd, c->out.p + c->out_sent, c->out.len - c->out_sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			end(c, strerror(errno));
			return;
		}
		c->out_sent += (size_t)n;
	}
	if (c->out_sent == c->out.len) {
		buf_reset(&c->out);
		c->out_sent = 0;
	}
	watch(c);
}

static void flush(struct h2c_conn *c)
{
	const uint8_t *p;
	ssize_t n;

	if (c->dead || !c->connected || c->in_callback)
		return;
	while ((n = nghttp2_session_mem_send(c->session, &p)) > 0)
		buf_append(&c->out, p, (size_t)n);
	assert(n == 0 && !c->out.overflow);
	write_out(c);
}

static ssize_t read_body(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room,
			 uint32_t *flags, nghttp2_data_source *source, void *user)
{
	struct h2c_conn *c = user;
	size_t n = MIN(room, c->body.len - c->body_sent);

	if (!n && !c->half_closed)
		return NGHTTP2_ERR_DEFERRED;
	if (n)
		memcpy(to, c->body.p + c->body_sent, n);
	c->body_sent += n;
	if (c->body_sent == c->body.len) {
		buf_reset(&c->body);
		c->body_sent = 0;
		if (c->half_closed)
			*flags |= NGHTTP2_DATA_FLAG_EOF;
	}
	return (ssize_t)n;
}

void h2c_send_raw(struct h2c_conn *c, const void *bytes, size_t len)
{
	if (c->dead)
		return;
	buf_append(&c->body, bytes, len);
	assert(!c->body.overflow);
	nghttp2_session_resume_data(c->session, c->stream);
	flush(c);
}

void h2c_send(struct h2c_conn *c, const void *bytes, size_t len)
{
	uint8_t prefix[PREFIX_LEN] = { 0, (uint8_t)(len >> 24), (uint8_t)(len >> 16),
				       (uint8_t)(len >> 8), (uint8_t)len };

	if (c->dead)
		return;
	buf_append(&c->body, prefix, sizeof prefix);
	h2c_send_raw(c, bytes, len);
}

void h2c_half_close(struct h2c_conn *c)
{
	if (c->dead)
		return;
	c->half_closed = true;
	nghttp2_session_resume_data(c->session, c->stream);
	flush(c);
}

/* ---- receiving ---- */

static void begin_message(struct h2c_conn *c)
{
	assert(c->prefix[0] == 0);
	c->message_len = (size_t)c->prefix[1] << 24 | (size_t)c->prefix[2] << 16 |
			 (size_t)c->prefix[3] << 8 | c->prefix[4];
	c->message_left = c->message_len;
}

/* From the bytes of DATA frames to those of messages. */
static int on_chunk(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *p,
		    size_t n, void *user)
{
	struct h2c_conn *c = user;

	while (n && !c->dead) {
		size_t take = MIN(n, c->message_left);

		if (c->n_prefix < PREFIX_LEN) {
			c->prefix[c->n_prefix++] = *p++;
			n--;
			if (c->n_prefix < PREFIX_LEN)
				continue;
			begin_message(c);
		} else {
			c->message_left -= take;
			if (c->events->on_data)
				c->events->on_data(c, p, take);
			p += take;
			n -= take;
		}
		if (c->message_left)
			continue;
		c->n_prefix = 0;
		if (c->events->on_message && !c->dead)
			c->events->on_message(c, c->message_len);
	}
	return c->dead ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *user)
{
	struct h2c_conn *c = user;
	const char *v = (const char *)value;

	if (name_len == 11 && !memcmp(name, "grpc-status", 11))
		c->grpc_status = (int)strtol(v, NULL, 10);
	else if (name_len == 12 && !memcmp(name, "grpc-message", 12))
		snprintf(c->grpc_message, sizeof c->grpc_message, "%s", v);
	else if (name_len == 7 && !memcmp(name, ":status", 7) && strcmp(v, "200") != 0)
		snprintf(c->cause, sizeof c->cause, "HTTP status %s", v);
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2c_conn *c = user;

	if (frame->hd.type == NGHTTP2_HEADERS && !c->opened) {
		c->opened = true;
		if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) && c->events->on_open)
			c->events->on_open(c);
	} else if (frame->hd.type == NGHTTP2_GOAWAY && !c->goaway) {
		c->goaway = true;
		if (c->events->on_goaway)
			c->events->on_goaway(c);
	} else if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code) {
		c->reset = true;
	}
	return c->dead ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code, void *user)
{
	struct h2c_conn *c = user;

	if (code)
		snprintf(c->cause, sizeof c->cause, "reset %u", code);
	c->ended = true;
	return 0;
}

/* False: nothing more is there, or the connection is over. */
static bool receive(struct h2c_conn *c)
{
	ssize_t n = recv(c->fd, c->loop->chunk, c->loop->options.receive_chunk, 0), used;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		end(c, n ? strerror(errno) : "connection closed");
		return false;
	}
	c->loop->n_received += (uint64_t)n;
	c->in_callback = true;
	used = nghttp2_session_mem_recv(c->session, c->loop->chunk, (size_t)n);
	c->in_callback = false;
	if (c->dead)
		return false;
	if (used < 0)
		end(c, nghttp2_strerror((int)used));
	else if (c->ended)
		end(c, "end of stream");
	return !c->dead && n == c->loop->options.receive_chunk && !c->paused;
}

/* ---- connecting ---- */

static nghttp2_nv nv(const char *name, const char *value)
{
	union {
		const char *c;
		uint8_t *p;
	} n = { name }, v = { value };

	return (nghttp2_nv){ n.p, v.p, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE };
}

static void open_stream(struct h2c_conn *c)
{
	nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, c->loop->options.window },
	};
	nghttp2_nv headers[N_FIXED_HEADERS + HEADERS_MAX] = {
		nv(":method", "POST"), nv(":scheme", "http"),
		nv(":path", c->path),  nv(":authority", c->authority),
		nv("te", "trailers"),  nv("content-type", "application/grpc"),
	};
	nghttp2_data_provider body = { .read_callback = read_body };
	int rc;

	for (uint32_t i = 0; i < c->n_headers; i++)
		headers[N_FIXED_HEADERS + i] = nv(c->headers[i][0], c->headers[i][1]);
	rc = nghttp2_session_client_new2(&c->session, c->loop->callbacks, c,
					 c->loop->session_options);
	assert(!rc);
	nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings));
	nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0,
					      (int32_t)c->loop->options.window);
	c->stream = nghttp2_submit_request(c->session, NULL, headers,
					   N_FIXED_HEADERS + c->n_headers, &body, NULL);
	assert(c->stream > 0);
}

static bool parse_address(const struct h2c_target *t, struct sockaddr_storage *ret,
			  socklen_t *ret_len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	const char *host = str_eq(t->host, "localhost") ? "127.0.0.1" : t->host;

	memset(ret, 0, sizeof *ret);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(t->port);
		*ret_len = sizeof *v4;
		return true;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(t->port);
	*ret_len = sizeof *v6;
	return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
}

struct h2c_conn *h2c_connect(struct h2c *h, const struct h2c_target *t,
			     const struct h2c_events *events, void *user, struct err *e)
{
	struct sockaddr_storage addr;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT };
	struct h2c_conn *c;
	socklen_t len;
	int fd, on = 1;

	assert(t->n_headers <= HEADERS_MAX);
	if (!parse_address(t, &addr, &len)) {
		err(e, "%s is not an IP address", t->host);
		return NULL;
	}
	fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		err(e, "socket: %m");
		return NULL;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, (const struct sockaddr *)&addr, len) < 0 && errno != EINPROGRESS) {
		err(e, "connect to %s:%u: %m", t->host, t->port);
		close(fd);
		return NULL;
	}
	c = xcalloc(1, sizeof *c);
	*c = (struct h2c_conn){ .loop = h, .events = events, .user = user, .fd = fd };
	c->grpc_status = -1;
	c->watched = ev.events;
	c->authority = xasprintf("%s:%u", t->host, t->port);
	c->path = xstrdup(t->path);
	for (; c->n_headers < t->n_headers; c->n_headers++) {
		c->headers[c->n_headers][0] = xstrdup(t->headers[c->n_headers].name);
		c->headers[c->n_headers][1] = xstrdup(t->headers[c->n_headers].value);
	}
	open_stream(c);
	ev.data.ptr = c;
	epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &ev);
	c->next = h->conns;
	if (c->next)
		c->next->prev = c;
	h->conns = c;
	h->n_conns++;
	return c;
}

static void connected(struct h2c_conn *c)
{
	int error = 0;
	socklen_t len = sizeof error;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error) {
		end(c, strerror(error));
		return;
	}
	c->connected = true;
	flush(c);
}

void *h2c_user(const struct h2c_conn *c)
{
	return c->user;
}

/* ---- ending and pausing, from above ---- */

void h2c_close(struct h2c_conn *c)
{
	bury(c);
}

void h2c_abort(struct h2c_conn *c)
{
	struct linger now = { .l_onoff = 1 };

	if (!c->dead)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	bury(c);
}

void h2c_reset(struct h2c_conn *c)
{
	if (c->dead)
		return;
	nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, c->stream, NGHTTP2_CANCEL);
	flush(c);
	if (c->ended && !c->in_callback)
		end(c, "reset");
}

void h2c_pause(struct h2c_conn *c)
{
	c->paused = true;
	if (!c->dead)
		watch(c);
}

void h2c_resume(struct h2c_conn *c)
{
	c->paused = false;
	if (!c->dead)
		watch(c);
}

void h2c_consume(struct h2c_conn *c, size_t n)
{
	if (c->dead)
		return;
	nghttp2_session_consume(c->session, c->stream, n);
	flush(c);
}

/* ---- the loop ---- */

struct h2c *h2c_new(const struct h2c_options *o)
{
	struct h2c *h = xcalloc(1, sizeof *h);

	if (o)
		h->options = *o;
	if (!h->options.window)
		h->options.window = WINDOW;
	if (!h->options.receive_chunk)
		h->options.receive_chunk = RECEIVE_CHUNK;
	h->chunk = xmalloc(h->options.receive_chunk);
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	assert(h->epoll >= 0);
	nghttp2_session_callbacks_new(&h->callbacks);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(h->callbacks, on_chunk);
	nghttp2_session_callbacks_set_on_header_callback(h->callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(h->callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(h->callbacks, on_stream_close);
	nghttp2_option_new(&h->session_options);
	nghttp2_option_set_no_auto_window_update(h->session_options, h->options.manual_window);
	return h;
}

static void free_dead(struct h2c *h)
{
	struct h2c_conn *c;

	while ((c = h->dead)) {
		h->dead = c->next;
		destroy(c);
	}
}

void h2c_free(struct h2c *h)
{
	if (!h)
		return;
	while (h->conns)
		bury(h->conns);
	free_dead(h);
	nghttp2_option_del(h->session_options);
	nghttp2_session_callbacks_del(h->callbacks);
	close(h->epoll);
	xfree(h->chunk);
	xfree(h);
}

static void on_ready(struct h2c_conn *c, uint32_t events)
{
	if (c->dead)
		return;
	if (!c->connected)
		connected(c);
	else if (events & EPOLLOUT)
		write_out(c);
	if (c->dead)
		return;
	if (c->paused) {
		if (events & (EPOLLERR | EPOLLHUP))
			end(c, "connection closed");
		return;
	}
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
		for (int i = 0; i < READS_PER_TURN && receive(c); i++)
			;
	}
	flush(c);
	if (c->ended)
		end(c, "end of stream");
}

int h2c_run_once(struct h2c *h, int timeout_ms)
{
	struct epoll_event events[N_EVENTS];
	int n = epoll_wait(h->epoll, events, N_EVENTS, timeout_ms);

	for (int i = 0; i < n; i++)
		on_ready(events[i].data.ptr, events[i].events);
	free_dead(h);
	return MAX(n, 0);
}

uint32_t h2c_n_conns(const struct h2c *h)
{
	return h->n_conns;
}

uint64_t h2c_bytes_received(const struct h2c *h)
{
	return h->n_received;
}
