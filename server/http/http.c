/* The server: libmicrohttpd moves the bytes, one thread a listener; everything that may take time is handed to workers.
 *
 * An exchange is made when the request line is there and dies when libmicrohttpd is done with the request. On the way to
 * a worker and back its connection is suspended, and then the listener's thread does not touch it: so an exchange belongs
 * to one thread at a time, and the queue of those that wait is all that has a lock.
 */
#include "http/http.h"
#include "base/lock.h"
#include "http/listen.h"
#include "http/request.h"
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { N_WORKERS = 2 };

struct listener {
	struct http_server *server;
	struct MHD_Daemon *daemon;
	uint32_t index;
	uint16_t port;
};

struct http_server {
	const struct http_path *paths;
	uint32_t n_paths;
	struct listener listeners[HTTP_LISTENERS_MAX];
	pthread_t workers[N_WORKERS];
	uint32_t n_workers;
	sem_t ready; /* one for each exchange that waits, and one for each worker that is to end */

	struct lock lock; /* LOCK_QUEUE, of the rest */
	struct exchange *first, **last;
	uint32_t n_waiting;
	bool stopping;
};

/* ---- responses ---- */

void http_response_header(struct http_response *r, const char *name, const char *value)
{
	char *to;

	assert(r->n_headers < HTTP_HEADERS_MAX);
	r->headers[r->n_headers].name = name;
	to = r->headers[r->n_headers++].value;
	for (size_t n = 0; *value && n + 1 < sizeof r->headers->value; value++)
		if ((unsigned char)*value >= 0x20 && (unsigned char)*value != 0x7f)
			to[n++] = *value;
}

void http_respond(struct http_response *r, uint32_t status, const char *fmt, ...)
{
	va_list ap;

	r->status = status;
	r->type = HTTP_TEXT;
	buf_reset(&r->body);
	va_start(ap, fmt);
	buf_vprintf(&r->body, fmt, ap);
	va_end(ap);
}

static bool has_body(const struct exchange *x)
{
	const char *length = MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_CONTENT_LENGTH);

	return (length && !str_eq(length, "0")) ||
	       MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND,
					   MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

static struct MHD_Response *make_response(struct http_response *from)
{
	struct MHD_Response *r;
	size_t n = from->body.len;

	if (n)
		r = MHD_create_response_from_buffer_with_free_callback(n, buf_take(&from->body),
								       xfree);
	else
		r = MHD_create_response_from_buffer(0, (char[1]){ 0 }, MHD_RESPMEM_MUST_COPY);
	if (!r)
		return NULL;
	if (from->type)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, from->type);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	for (uint32_t i = 0; i < from->n_headers; i++)
		MHD_add_response_header(r, from->headers[i].name, from->headers[i].value);
	return r;
}

static enum MHD_Result answer(struct exchange *x)
{
	struct http_response *from = &x->response;
	struct MHD_Response *r;
	enum MHD_Result ok;

	if (from->body.overflow) {
		from->body.max = HTTP_BODY_MAX;
		http_respond(from, 500, "the answer is too long\n");
	}
	r = make_response(from);
	if (!r)
		return MHD_NO;
	/* A body that was not read may still be on its way: it must not be taken for the next request. */
	if (x->refused && has_body(x))
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	ok = MHD_queue_response(x->connection, from->status, r);
	MHD_destroy_response(r);
	return ok;
}

/* ---- workers ---- */

static void run_handler(struct exchange *x)
{
	x->request.body = buf_str(&x->body);
	x->request.body_len = x->body.len;
	x->row->handler(x->row->ctx, &x->request, &x->response);
}

/* False: no room, or too late. */
static bool enqueue(struct http_server *s, struct exchange *x)
{
	bool ok = false;

	with_lock(&s->lock) {
		ok = !s->stopping && s->n_waiting < HTTP_WAITING_MAX;
		if (ok) {
			x->next = NULL;
			*s->last = x;
			s->last = &x->next;
			s->n_waiting++;
		}
	}
	if (ok)
		sem_post(&s->ready);
	return ok;
}

static struct exchange *dequeue(struct http_server *s, bool *ret_stopping)
{
	struct exchange *x = NULL;

	while (sem_wait(&s->ready))
		assert(errno == EINTR);
	with_lock(&s->lock) {
		*ret_stopping = s->stopping;
		x = s->first;
		if (x) {
			s->first = x->next;
			if (!x->next)
				s->last = &s->first;
			s->n_waiting--;
		}
	}
	return x;
}

static void *work(void *arg)
{
	struct http_server *s = arg;

	for (;;) {
		bool stopping = false;
		struct exchange *x = dequeue(s, &stopping);

		if (!x && stopping)
			return NULL;
		if (!x)
			continue;
		if (stopping)
			http_respond(&x->response, 503, "stopping\n");
		else
			run_handler(x);
		x->answered = true;
		MHD_resume_connection(x->connection);
	}
}

/* ---- requests ---- */

static const struct {
	const char *name;
	enum http_method method;
} methods[] = {
	{ "GET", HTTP_GET }, { "HEAD", HTTP_GET },      { "POST", HTTP_POST },
	{ "PUT", HTTP_PUT }, { "DELETE", HTTP_DELETE },
};

static enum http_method method_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_eq(methods[i].name, name))
			return methods[i].method;
	return 0;
}

static void *on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
	struct listener *l = cls;
	struct exchange *x = xcalloc(1, sizeof *x);

	x->request.listener = l->index;
	x->request.x = x;
	x->connection = connection;
	x->target = xstrdup(target);
	x->response.status = 200;
	x->response.body.max = HTTP_BODY_MAX;
	return x;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **ctx,
			 enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *ctx;

	if (!x)
		return;
	xfree(x->target);
	buf_fini(&x->body);
	buf_fini(&x->response.body);
	xfree(x);
	*ctx = NULL;
}

static void read_peer(struct exchange *x)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info ? info->client_addr : NULL;
	struct ip *ip = &x->request.peer;

	if (sa && sa->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)sa;

		*ip = (struct ip){ .family = 4, .prefix = 32 };
		memcpy(ip->b, &v4->sin_addr, 4);
		x->request.peer_port = ntohs(v4->sin_port);
	} else if (sa && sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const void *)sa;
		const uint8_t *b = v6->sin6_addr.s6_addr;
		bool is_v4 = !memcmp(b, mapped, sizeof mapped);

		*ip = (struct ip){ .family = is_v4 ? 4 : 6, .prefix = is_v4 ? 32 : 128 };
		memcpy(ip->b, is_v4 ? b + 12 : b, is_v4 ? 4 : 16);
		x->request.peer_port = ntohs(v6->sin6_port);
	}
}

static void refuse(struct exchange *x, uint32_t status, const char *text)
{
	x->refused = status;
	http_respond(&x->response, status, "%s\n", text);
}

static void list_methods(struct exchange *x, const struct http_path *r)
{
	char text[64] = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (r->methods & methods[i].method)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "",
					      methods[i].name);
	http_response_header(&x->response, MHD_HTTP_HEADER_ALLOW, text);
}

/* The head of the request is there: what is it for, and may it go on? */
static void begin(const struct listener *l, struct exchange *x, const char *method)
{
	const struct http_server *s = l->server;

	x->begun = true;
	read_peer(x);
	x->request.method = method_of(method);
	if (!exchange_parse_target(x)) {
		refuse(x, 400, "bad request");
		return;
	}
	for (uint32_t i = 0; i < s->n_paths && !x->row; i++)
		if (s->paths[i].listeners >> l->index & 1 &&
		    str_eq(s->paths[i].path, x->request.path))
			x->row = &s->paths[i];
	if (!x->row) {
		refuse(x, 404, "404 page not found");
	} else if (!(x->row->methods & x->request.method)) {
		refuse(x, 405, "method not allowed");
		list_methods(x, x->row);
	} else if (!x->row->max_body && has_body(x)) {
		refuse(x, 413, "no body is expected");
	}
	if (x->row)
		x->body.max = x->row->max_body;
}

static enum MHD_Result dispatch(struct http_server *s, struct exchange *x)
{
	if (!x->row->slow) {
		run_handler(x);
		return answer(x);
	}
	/* Suspended before it is in the queue: a worker may be done with it at once. */
	MHD_suspend_connection(x->connection);
	if (!enqueue(s, x)) {
		http_respond(&x->response, 503, "too many requests are waiting\n");
		x->answered = true;
		MHD_resume_connection(x->connection);
	}
	return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_len, void **ctx)
{
	struct listener *l = cls;
	struct exchange *x = *ctx;

	if (!x->begun) {
		begin(l, x, method);
		return x->refused ? answer(x) : MHD_YES;
	}
	if (x->answered)
		return answer(x);
	if (*upload_len) {
		if (x->row->max_body)
			buf_append(&x->body, upload, *upload_len);
		/* libmicrohttpd takes no answer in the middle of a body. */
		if (x->body.overflow || !x->row->max_body)
			return MHD_NO;
		*upload_len = 0;
		return MHD_YES;
	}
	return dispatch(l->server, x);
}

/* ---- life ---- */

static bool start_listener(struct http_server *s, uint32_t i, const char *address, struct err *e)
{
	struct listener *l = &s->listeners[i];
	int fd;

	l->server = s;
	l->index = i;
	if (!listen_open(address, &fd, &l->port, e))
		return false;
	l->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
			MHD_USE_ITC,
		0, NULL, NULL, on_request, l, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, l, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, l, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEAD_MAX,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_PER_PEER_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S, MHD_OPTION_END);
	if (l->daemon)
		return true;
	close(fd);
	return err(e, "listen on %s: the HTTP server does not start", address);
}

static bool start_workers(struct http_server *s, struct err *e)
{
	for (; s->n_workers < N_WORKERS; s->n_workers++)
		if ((errno = pthread_create(&s->workers[s->n_workers], NULL, work, s)))
			return err(e, "start an HTTP worker: %m");
	return true;
}

bool http_server_start(const struct http_options *o, struct http_server **ret, struct err *e)
{
	struct http_server *s = xcalloc(1, sizeof *s);
	bool ok;

	assert(o->n_listeners <= HTTP_LISTENERS_MAX);
	s->paths = o->paths;
	s->n_paths = o->n_paths;
	s->last = &s->first;
	lock_init(&s->lock, LOCK_QUEUE);
	sem_init(&s->ready, 0, 0);
	ok = start_workers(s, e);
	for (uint32_t i = 0; ok && i < o->n_listeners; i++)
		if (!str_empty(o->listeners[i]))
			ok = start_listener(s, i, o->listeners[i], e);
	if (ok)
		*ret = s;
	else
		http_server_stop(s);
	return ok;
}

uint16_t http_server_port(const struct http_server *s, uint32_t listener)
{
	return listener < HTTP_LISTENERS_MAX ? s->listeners[listener].port : 0;
}

void http_server_stop(struct http_server *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < HTTP_LISTENERS_MAX; i++)
		if (s->listeners[i].daemon)
			close(MHD_quiesce_daemon(s->listeners[i].daemon));
	with_lock(&s->lock)
		s->stopping = true;
	for (uint32_t i = 0; i < s->n_workers; i++)
		sem_post(&s->ready);
	for (uint32_t i = 0; i < s->n_workers; i++)
		pthread_join(s->workers[i], NULL);
	/* Nothing is suspended any more: libmicrohttpd insists on that. */
	for (size_t i = 0; i < HTTP_LISTENERS_MAX; i++)
		if (s->listeners[i].daemon)
			MHD_stop_daemon(s->listeners[i].daemon);
	sem_destroy(&s->ready);
	lock_fini(&s->lock);
	xfree(s);
}
