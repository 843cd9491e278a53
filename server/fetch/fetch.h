/* fetch/fetch.h
 * A request over HTTP or HTTPS that waits for its answer: for commands that ask a daemon and for documents such as key
 * sets. The only room that uses libcurl; a transfer (fetch/transfer.h) is what the blocking call and a client with many
 * requests at once have in common.
 *
 * Any thread. Answers are untrusted: their sizes are capped. Redirects are not followed unless asked for, proxies named
 * in the environment not used, and no other scheme than http and https is spoken.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"

enum {
	FETCH_HEADERS_MAX = 128,   /* kept of a response; further ones are dropped */
	FETCH_HEADER_LEN = 8 << 10 /* of one; longer ones are dropped */
};
#define FETCH_TIMEOUT_NS (INT64_C(30) * 1000000000)
#define FETCH_BODY_MAX ((size_t)64 << 20)

/* All borrowed for the call. */
struct fetch_options {
	const char *url;
	const char *const *headers; /* "Accept: text/plain" ..., NULL-terminated; NULL: none */
	int64_t timeout_ns;         /* for all of it; 0: FETCH_TIMEOUT_NS */
	size_t max_body;            /* 0: FETCH_BODY_MAX */
	uint32_t max_redirects;     /* 0: a redirect is an answer like any other */
	const char *ca_file;        /* PEM; NULL: the system's */
};
struct fetch_header {
	char *name, *value; /* the name in lower case */
};
struct fetch_response {
	uint32_t status;
	struct buf body;
	struct fetch_header *headers;
	uint32_t n_headers, c_headers;
};

/* True for any complete answer, whatever its status. False: nothing is in ret; e says what went wrong with which URL. */
bool fetch_get(const struct fetch_options *, struct fetch_response *ret, struct err *e) must_check;
/* The first header of that name (lower case), or NULL. */
const char *fetch_header(const struct fetch_response *, const char *name);
void fetch_response_fini(struct fetch_response *);
