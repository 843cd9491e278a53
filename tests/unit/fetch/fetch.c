/* Fetching from a server that is a thread with one canned answer. */
#include "fetch/fetch.h"
#include "base/clock.h"
#include "test.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct canned {
	const char *answer;
	int64_t delay_ns;
	int fd, port;
	pthread_t thread;
	char request[4096];
};

static void *serve(void *arg)
{
	struct canned *s = arg;
	int fd = accept(s->fd, NULL, NULL);
	size_t n = 0;
	ssize_t got;

	while (!strstr(s->request, "\r\n\r\n") && n + 1 < sizeof s->request &&
	       (got = read(fd, s->request + n, sizeof s->request - 1 - n)) > 0)
		n += (size_t)got;
	usleep((useconds_t)(s->delay_ns / NS_PER_US));
	send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

static bool start(struct canned *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(s->fd, (const struct sockaddr *)&a, sizeof a) || listen(s->fd, 4) ||
	    getsockname(s->fd, (struct sockaddr *)&a, &len))
		return CHECK(!"no server");
	s->port = ntohs(a.sin_port);
	return CHECK(!pthread_create(&s->thread, NULL, serve, s));
}

static void stop(struct canned *s)
{
	pthread_join(s->thread, NULL);
	close(s->fd);
}

/* Fetches the canned answer once. */
static bool fetch(struct canned *s, struct fetch_options o, struct fetch_response *ret,
		  struct err *e)
{
	char url[64];
	bool ok;

	if (!start(s))
		return false;
	snprintf(url, sizeof url, "http://127.0.0.1:%d/a?b=c", s->port);
	o.url = url;
	ok = fetch_get(&o, ret, e);
	stop(s);
	return ok;
}

TEST(get)
{
	struct canned s = { .answer =
				    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-One:  1 \r\n"
				    "x-one: 2\r\nConnection: close\r\n\r\nhello" };
	struct fetch_response r;
	struct err e = ERR_INIT;
	const char *const headers[] = { "Accept: text/plain", "X-Ask: why", NULL };

	if (!CHECK(fetch(&s, (struct fetch_options){ .headers = headers }, &r, &e)))
		return;
	CHECK_INT(r.status, 200);
	CHECK_STR(buf_str(&r.body), "hello");
	CHECK_STR(fetch_header(&r, "content-type"), "text/plain");
	CHECK_STR(fetch_header(&r, "x-one"), "1");
	CHECK(!fetch_header(&r, "x-two"));
	CHECK(str_starts(s.request, "GET /a?b=c HTTP/1.1\r\n"));
	CHECK(strstr(s.request, "\r\nAccept: text/plain\r\n"));
	CHECK(strstr(s.request, "\r\nX-Ask: why\r\n"));
	fetch_response_fini(&r);
}

TEST(status_is_no_failure)
{
	struct canned s = { .answer = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nlate" };
	struct fetch_response r;
	struct err e = ERR_INIT;

	if (!CHECK(fetch(&s, (struct fetch_options){ .url = NULL }, &r, &e)))
		return;
	CHECK_INT(r.status, 503);
	CHECK_STR(buf_str(&r.body), "late");
	fetch_response_fini(&r);
}

TEST(redirects_are_not_followed)
{
	struct canned s = { .answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\n"
				      "Content-Length: 0\r\n\r\n" };
	struct fetch_response r;
	struct err e = ERR_INIT;

	if (!CHECK(fetch(&s, (struct fetch_options){ .url = NULL }, &r, &e)))
		return;
	CHECK_INT(r.status, 302);
	CHECK_STR(fetch_header(&r, "location"), "http://127.0.0.1:1/x");
	fetch_response_fini(&r);
	struct canned again = { .answer = s.answer };
	CHECK(!fetch(&again, (struct fetch_options){ .max_redirects = 1 }, &r, &e));
}

TEST(too_long)
{
	struct canned known = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n123456" };
	struct canned unknown = { .answer = "HTTP/1.1 200 OK\r\n\r\n123456" };
	struct canned *v[] = { &known, &unknown };
	struct fetch_response r = { .status = 7 };
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		CHECK(!fetch(v[i], (struct fetch_options){ .max_body = 5 }, &r, &e));
		CHECK(strstr(e.text, "longer than 5 bytes"));
		CHECK_INT(r.status, 7);
	}
	struct canned fits = { .answer = known.answer };
	if (CHECK(fetch(&fits, (struct fetch_options){ .max_body = 6 }, &r, &e)))
		fetch_response_fini(&r);
}

TEST(cut_short)
{
	struct canned s = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123" };
	struct fetch_response r;
	struct err e = ERR_INIT;

	CHECK(!fetch(&s, (struct fetch_options){ .url = NULL }, &r, &e));
	CHECK(str_starts(e.text, "GET http://127.0.0.1:"));
}

TEST(timeout)
{
	struct canned s = { .answer = "HTTP/1.1 200 OK\r\n\r\n", .delay_ns = NS_PER_S / 2 };
	struct fetch_response r;
	struct err e = ERR_INIT;
	int64_t before = clock_mono_ns();

	CHECK(!fetch(&s, (struct fetch_options){ .timeout_ns = 50 * NS_PER_MS }, &r, &e));
	CHECK(clock_mono_ns() - before < 2 * NS_PER_S);
	CHECK(e.text[0]);
}

TEST(headers_are_capped)
{
	struct buf answer = BUF_INIT;
	struct fetch_response r;
	struct err e = ERR_INIT;

	buf_puts(&answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
	for (int i = 0; i < FETCH_HEADERS_MAX * 2; i++)
		buf_printf(&answer, "h%d: x\r\n", i);
	buf_puts(&answer, "\r\n");
	struct canned s = { .answer = buf_str(&answer) };
	if (CHECK(fetch(&s, (struct fetch_options){ .url = NULL }, &r, &e))) {
		CHECK_INT(r.n_headers, FETCH_HEADERS_MAX);
		fetch_response_fini(&r);
	}
	buf_fini(&answer);
}

TEST(what_is_refused)
{
	static const char *const urls[] = { "ftp://127.0.0.1/x",          "file:///etc/passwd",
					    "gopher://127.0.0.1:1/",      "http://a:b@127.0.0.1:1/",
					    "http://127.0.0.1:notaport/", "",
					    "http://127.0.0.1:1/" };
	const char *const injected[] = { "X: a\r\nY: b", NULL };
	struct fetch_response r;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		e = ERR_INIT;
		CHECK(!fetch_get(&(struct fetch_options){ .url = urls[i] }, &r, &e));
		CHECK(str_starts(e.text, "GET "));
	}
	CHECK(!fetch_get(
		&(struct fetch_options){ .url = "http://127.0.0.1:1/", .headers = injected }, &r,
		&e));
	CHECK(strstr(e.text, "line break"));
}
