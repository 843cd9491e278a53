/* http/http.h
 * A small HTTP/1.1 server: listeners, a table of paths, requests in, whole responses out. The only room that uses
 * libmicrohttpd. It knows nothing of what it serves.
 *
 * Threads. Each listener has one thread that moves bytes for all its connections and runs the handlers of paths that
 * are not `slow`; these must not wait for anything. Handlers of slow paths run on two worker threads while their
 * connection is set aside, so that a page that takes its time, or many of them, never delays a probe (design section 4).
 *
 * Requests are untrusted. Request line and headers together are capped at HTTP_HEAD_MAX, the number of parameters at
 * HTTP_PARAMETERS_MAX, bodies at what the path takes (none by default), connections per listener and per peer, slow
 * requests waiting at HTTP_WAITING_MAX; what is over is answered 400, 413, 431 or 503, or cut off.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "base/ip.h"

struct http_server;
struct exchange;

enum {
	HTTP_HEAD_MAX = 32 << 10,
	HTTP_PARAMETERS_MAX = 64,
	HTTP_CONNECTIONS_MAX = 1024,
	HTTP_CONNECTIONS_PER_PEER_MAX = 256,
	HTTP_WAITING_MAX = 64,
	HTTP_IDLE_S = 60,
	HTTP_LISTENERS_MAX = 4,
	HTTP_HEADERS_MAX = 4, /* of a response, besides Content-Type and the like */
};
#define HTTP_BODY_MAX ((size_t)512 << 20) /* of a response; longer ones become a 500 */

enum http_method { HTTP_GET = 1, HTTP_POST = 2, HTTP_PUT = 4, HTTP_DELETE = 8 };

/* Valid during the handler's call. */
struct http_request {
	enum http_method method; /* HEAD is a GET whose answer has no body */
	const char *path;        /* without the query, percent-decoded */
	const char *body;        /* NUL-terminated behind its length */
	size_t body_len;
	struct ip peer;
	uint16_t peer_port;
	uint32_t listener; /* index in http_options */
	struct exchange *x;
};
/* The first parameter of the query with this name: "" when it has no value, NULL when it is not there. */
const char *http_query(const struct http_request *, const char *name);
const char *http_header(const struct http_request *, const char *name); /* NULL: not there */
/* How much the client wants this media type, 0 (not at all) to 1000, by its Accept header; 1000 without one. */
uint32_t http_accept(const struct http_request *, const char *media_type);

/* Starts as 200 without body. The handler writes into `body`. */
struct http_response {
	uint32_t status;
	const char *type; /* Content-Type; constant; NULL: none */
	struct buf body;
	struct {
		const char *name;
		char value[128];
	} headers[HTTP_HEADERS_MAX];
	uint32_t n_headers;
};
#define HTTP_TEXT "text/plain; charset=utf-8"
#define HTTP_HTML "text/html; charset=utf-8"
#define HTTP_JSON "application/json"

/* Another header. The name is a constant; of the value no more than fits is sent, and no control characters. */
void http_response_header(struct http_response *, const char *name, const char *value);
/* Replaces what there is by this status and a text. */
void http_respond(struct http_response *, uint32_t status, const char *fmt, ...) printf_like(3, 4);

typedef void http_handler_fn(void *ctx, const struct http_request *, struct http_response *);
/* One row of the table. Rows are borrowed for the server's life; of two equal ones on one listener the first counts. */
struct http_path {
	const char *path;   /* the whole of it */
	uint8_t methods;    /* bits of enum http_method; others are answered 405 */
	bool slow;          /* may wait or take long: runs on a worker */
	uint32_t listeners; /* 1 << index of each listener that has it */
	size_t max_body;    /* of a request */
	http_handler_fn *handler;
	void *ctx;
};

struct http_options {
	/* "IP:PORT", "[IP]:PORT", "localhost:PORT" (127.0.0.1) or ":PORT" (every address); port 0 is the kernel's choice.
	 * NULL or "": there is no such listener. */
	const char *listeners[HTTP_LISTENERS_MAX];
	uint32_t n_listeners;
	const struct http_path *paths;
	uint32_t n_paths;
};
bool http_server_start(const struct http_options *, struct http_server **ret,
		       struct err *) must_check;
/* 0: there is no such listener. */
uint16_t http_server_port(const struct http_server *, uint32_t listener);
/* Accepts nothing more, lets running handlers end, answers those that wait with 503, and frees the server. What handlers
 * wait for must still be there. NULL is fine. */
void http_server_stop(struct http_server *);
