/* HTTP/2 for `peer`: h2c with prior knowledge and gRPC, as server and as client with one stream at a time. nghttp2 is
 * fed from blocking reads; what it has to send is written before the next read. */
#include "tests/envoy/peer.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16 << 10, GRPC_PREFIX = 5 };

#define HEADER(n, v) \
	{ \
		.name = (uint8_t *)(uintptr_t)(n), .value = (uint8_t *)(uintptr_t)(v), \
		.namelen = strlen(n), .valuelen = strlen(v), .flags = NGHTTP2_NV_FLAG_NONE \
	}

struct peer_h2 {
	int fd;
	nghttp2_session *session;
	uint8_t body
		[GRPC_PREFIX +
		 PEER_WHAT_MAX]; /* a gRPC message; without its prefix the body of plain answers */
	size_t body_len;
	/* the client's one request */
	bool grpc, goaway;
	int32_t stream;
	int status, grpc_status; /* -1: not seen */
	char answer[GRPC_PREFIX + PEER_WHAT_MAX];
	size_t answer_len;
	uint32_t error;
};

static void set_body(struct peer_h2 *h, const char *text)
{
	size_t n = MIN(strlen(text), (size_t)PEER_WHAT_MAX);

	memset(h->body, 0, GRPC_PREFIX);
	h->body[GRPC_PREFIX - 1] = (uint8_t)n;
	memcpy(h->body + GRPC_PREFIX, text, n);
	h->body_len = GRPC_PREFIX + n;
}

static ssize_t send_bytes(nghttp2_session *s, const uint8_t *bytes, size_t n, int flags, void *user)
{
	const struct peer_h2 *h = user;

	return peer_write(h->fd, bytes, n) ? (ssize_t)n : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* False when the connection is over. */
static bool turn(struct peer_h2 *h)
{
	uint8_t in[CHUNK];
	ssize_t got;

	if (nghttp2_session_send(h->session))
		return false;
	got = peer_read(h->fd, in, sizeof in);
	return got > 0 && nghttp2_session_mem_recv(h->session, in, (size_t)got) == got;
}

static void free_session(struct peer_h2 *h)
{
	nghttp2_session_del(h->session);
	h->session = NULL;
}

/* ---- the server ---- */

static ssize_t read_answer(nghttp2_session *s, int32_t stream, uint8_t *out, size_t room,
			   uint32_t *flags, nghttp2_data_source *source, void *user)
{
	static const nghttp2_nv trailers[] = { HEADER("grpc-status", "0") };
	const struct peer_h2 *h = user;
	bool grpc = nghttp2_session_get_stream_user_data(s, stream);
	size_t skip = grpc ? 0 : GRPC_PREFIX;

	if (room < h->body_len)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	memcpy(out, h->body + skip, h->body_len - skip);
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (grpc) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(s, stream, trailers, ARRAY_LEN(trailers));
	}
	return (ssize_t)(h->body_len - skip);
}

static int on_server_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name,
			    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
			    void *user)
{
	const char *type = "application/grpc";

	if (name_len == 12 && !memcmp(name, "content-type", 12) && value_len >= strlen(type) &&
	    !memcmp(value, type, strlen(type)))
		nghttp2_session_set_stream_user_data(s, f->hd.stream_id, user);
	return 0;
}

static int on_server_frame(nghttp2_session *s, const nghttp2_frame *f, void *user)
{
	nghttp2_data_provider body = { .read_callback = read_answer };
	bool grpc;

	if ((f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA) ||
	    !(f->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	grpc = nghttp2_session_get_stream_user_data(s, f->hd.stream_id);
	return nghttp2_submit_response(
		s, f->hd.stream_id,
		(const nghttp2_nv[]){
			HEADER(":status", "200"),
			HEADER("content-type", grpc ? "application/grpc" : "text/plain") },
		2, &body);
}

void peer_serve_h2(int fd, const char *name)
{
	struct peer_h2 h = { .fd = fd };
	nghttp2_session_callbacks *callbacks;

	set_body(&h, name);
	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_send_callback(callbacks, send_bytes);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_server_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_server_frame);
	nghttp2_session_server_new(&h.session, callbacks, &h);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(h.session, NGHTTP2_FLAG_NONE, NULL, 0);
	while (turn(&h))
		;
	free_session(&h);
}

/* ---- the client ---- */

static ssize_t read_question(nghttp2_session *s, int32_t stream, uint8_t *out, size_t room,
			     uint32_t *flags, nghttp2_data_source *source, void *user)
{
	const struct peer_h2 *h = user;

	if (room < h->body_len)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	memcpy(out, h->body, h->body_len);
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)h->body_len;
}

static bool is(const uint8_t *name, size_t n, const char *what)
{
	return n == strlen(what) && !memcmp(name, what, n);
}

static int on_client_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name,
			    size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
			    void *user)
{
	struct peer_h2 *h = user;

	/* nghttp2 ends header values with a NUL of its own */
	if (is(name, name_len, ":status"))
		h->status = (int)strtol((const char *)value, NULL, 10);
	else if (is(name, name_len, "grpc-status"))
		h->grpc_status = (int)strtol((const char *)value, NULL, 10);
	return 0;
}

static int on_client_data(nghttp2_session *s, uint8_t flags, int32_t stream, const uint8_t *bytes,
			  size_t n, void *user)
{
	struct peer_h2 *h = user;

	n = MIN(n, sizeof h->answer - h->answer_len);
	memcpy(h->answer + h->answer_len, bytes, n);
	h->answer_len += n;
	return 0;
}

static int on_client_frame(nghttp2_session *s, const nghttp2_frame *f, void *user)
{
	struct peer_h2 *h = user;

	h->goaway |= f->hd.type == NGHTTP2_GOAWAY;
	return 0;
}

static int on_client_close(nghttp2_session *s, int32_t stream, uint32_t error, void *user)
{
	struct peer_h2 *h = user;

	h->stream = 0;
	h->error = error;
	return 0;
}

static struct peer_h2 *open_h2(int fd)
{
	struct peer_h2 *h = xcalloc(1, sizeof *h);
	nghttp2_session_callbacks *callbacks;

	h->fd = fd;
	set_body(h, "question");
	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_send_callback(callbacks, send_bytes);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_client_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_client_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_client_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_client_close);
	nghttp2_session_client_new(&h->session, callbacks, h);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, NULL, 0);
	return h;
}

static bool judge(const struct peer_h2 *h, bool grpc, char *what)
{
	size_t skip = grpc ? GRPC_PREFIX : 0;

	if (h->error)
		snprintf(what, PEER_WHAT_MAX, "stream error %u", h->error);
	else if (h->status != 200)
		snprintf(what, PEER_WHAT_MAX, "%d", h->status);
	else if (grpc && h->grpc_status != 0)
		snprintf(what, PEER_WHAT_MAX, "grpc-status %d", h->grpc_status);
	else if (h->answer_len < skip)
		snprintf(what, PEER_WHAT_MAX, "short answer");
	else {
		snprintf(what, PEER_WHAT_MAX, "%.*s", (int)(h->answer_len - skip),
			 h->answer + skip);
		return true;
	}
	return false;
}

bool peer_ask_h2(struct peer_connection *c, char *what)
{
	const struct peer_target *t = c->target;
	nghttp2_data_provider question = { .read_callback = read_question };
	const nghttp2_nv headers[] = {
		HEADER(":method", t->grpc ? "POST" : "GET"), HEADER(":scheme", "http"),
		HEADER(":authority", t->authority),          HEADER(":path", t->path),
		HEADER("content-type", "application/grpc"),  HEADER("te", "trailers")
	};
	struct peer_h2 *h = c->h2 ? c->h2 : (c->h2 = open_h2(c->fd));

	h->status = h->grpc_status = -1;
	h->answer_len = 0;
	h->error = 0;
	h->stream = nghttp2_submit_request(h->session, NULL, headers, t->grpc ? 6 : 4,
					   t->grpc ? &question : NULL, NULL);
	while (h->stream > 0 && turn(h))
		;
	c->used_up = h->goaway || h->stream != 0;
	if (h->stream == 0)
		return judge(h, t->grpc, what);
	snprintf(what, PEER_WHAT_MAX, "connection lost%s", errno == EAGAIN ? " (timeout)" : "");
	return false;
}

void peer_close_h2(struct peer_connection *c)
{
	if (!c->h2)
		return;
	free_session(c->h2);
	xfree(c->h2);
	c->h2 = NULL;
}
