/* The server over loopback: what it serves, what it refuses, and that nothing slow holds up what is not. */
#include "base/clock.h"
#include "fetch/fetch.h"
#include "http/http.h"
#include "http/request.h"
#include "test.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct bed {
	struct http_server *server;
	sem_t gate;
	uint32_t n_running; /* handlers behind the gate */
};

static void say(void *ctx, const struct http_request *r, struct http_response *out)
{
	char ip[IP_TEXT];

	ip_format(&r->peer, ip);
	out->type = HTTP_TEXT;
	buf_printf(&out->body, "%s a=%s b=%s accept=%u/%u peer=%s body=%s", r->path,
		   str_or(http_query(r, "a"), "(none)"), str_or(http_query(r, "b"), "(none)"),
		   http_accept(r, "application/json"), http_accept(r, "text/plain"), ip, r->body);
	http_response_header(out, "X-Header", str_or(http_header(r, "x-echo"), ""));
}

static void wait_at_gate(void *ctx, const struct http_request *r, struct http_response *out)
{
	struct bed *b = ctx;

	__atomic_add_fetch(&b->n_running, 1, __ATOMIC_SEQ_CST);
	while (sem_wait(&b->gate))
		;
	buf_puts(&out->body, "through");
}

static void too_long(void *ctx, const struct http_request *r, struct http_response *out)
{
	out->body.max = 10;
	buf_puts(&out->body, "more than ten");
}

static void empty(void *ctx, const struct http_request *r, struct http_response *out)
{
	out->status = 204;
}

static bool start(struct bed *b)
{
	static struct http_path paths[6];
	struct err e = ERR_INIT;
	struct http_options o = { .listeners = { "127.0.0.1:0", "", ":0" },
				  .n_listeners = 3,
				  .paths = paths,
				  .n_paths = ARRAY_LEN(paths) };
	const struct http_path rows[] = {
		{ "/say", HTTP_GET, false, 5, 0, say, b },
		{ "/slow", HTTP_GET, true, 1, 0, wait_at_gate, b },
		{ "/long", HTTP_GET, true, 1, 0, too_long, b },
		{ "/empty", HTTP_GET, false, 1, 0, empty, b },
		{ "/post", HTTP_POST | HTTP_PUT, true, 1, 8, say, b },
		{ "/a b", HTTP_GET, true, 1, 0, say, b },
	};

	memcpy(paths, rows, sizeof rows);
	sem_init(&b->gate, 0, 0);
	if (http_server_start(&o, &b->server, &e))
		return true;
	printf("%s\n", e.text);
	return CHECK(!"started");
}

static void stop(struct bed *b)
{
	http_server_stop(b->server);
	sem_destroy(&b->gate);
}

static bool get(struct bed *b, const char *path, const char *header, struct fetch_response *ret)
{
	char *url = xasprintf("http://127.0.0.1:%d%s", http_server_port(b->server, 0), path);
	struct fetch_options o = { .url = url,
				   .headers = (const char *const[]){ header, NULL },
				   .timeout_ns = 10 * NS_PER_S };
	struct err e = ERR_INIT;
	bool ok = fetch_get(&o, ret, &e);

	if (!ok)
		printf("%s\n", e.text);
	xfree(url);
	return CHECK(ok);
}

/* Status and body of a GET as one text, in the caller's arena of one: the next call frees it. */
static const char *got(struct bed *b, const char *path, const char *header)
{
	static char text[1024];
	struct fetch_response r;

	if (!get(b, path, header, &r))
		return NULL;
	snprintf(text, sizeof text, "%u %s", r.status, buf_str(&r.body));
	fetch_response_fini(&r);
	return text;
}

static int dial(struct bed *b)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(http_server_port(b->server, 0)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(!connect(fd, (const struct sockaddr *)&a, sizeof a));
	return fd;
}

/* What the server answers to these bytes before it closes the connection; "" if nothing. */
static const char *raw(struct bed *b, const char *bytes, size_t len)
{
	static char text[8192];
	int fd = dial(b);
	size_t n = 0;
	ssize_t got_n;

	for (size_t sent = 0; sent < len;) {
		ssize_t more = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL);

		if (more <= 0)
			break;
		sent += (size_t)more;
	}
	shutdown(fd, SHUT_WR);
	while (n + 1 < sizeof text && (got_n = read(fd, text + n, sizeof text - 1 - n)) > 0)
		n += (size_t)got_n;
	text[n] = '\0';
	close(fd);
	return text;
}

#define RAW(b, s) raw((b), (s), strlen(s))

TEST(requests)
{
	struct bed b = { .server = NULL };

	if (!start(&b))
		return;
	CHECK_STR(got(&b, "/say", "Accept:"),
		  "200 /say a=(none) b=(none) accept=1000/1000 peer=127.0.0.1 body=");
	CHECK_STR(got(&b, "/say?a=1&b", "Accept: */*"),
		  "200 /say a=1 b= accept=1000/1000 peer=127.0.0.1 body=");
	CHECK_STR(got(&b, "/say?&&a=x%20y+z%26&a=second&c=&=", "Accept: application/json"),
		  "200 /say a=x y z& b=(none) accept=1000/0 peer=127.0.0.1 body=");
	CHECK_STR(got(&b, "/%73ay", "Accept: text/*;q=0.5, application/json;q=0.25"),
		  "200 /say a=(none) b=(none) accept=250/500 peer=127.0.0.1 body=");
	CHECK_STR(got(&b, "/a%20b?a==", "Accept: text/html,*/*;q=0.8"),
		  "200 /a b a== b=(none) accept=800/800 peer=127.0.0.1 body=");
	CHECK_STR(got(&b, "/empty", NULL), "204 ");
	CHECK_STR(got(&b, "/long", NULL), "500 the answer is too long\n");
	stop(&b);
}

TEST(headers_of_responses)
{
	struct bed b = { .server = NULL };
	struct fetch_response r;
	const char *text;

	if (!start(&b))
		return;
	if (get(&b, "/say", "X-Echo: a\tb", &r)) {
		CHECK_STR(fetch_header(&r, "content-type"), "text/plain; charset=utf-8");
		CHECK_STR(fetch_header(&r, "x-content-type-options"), "nosniff");
		CHECK_STR(fetch_header(&r, "x-header"), "ab");
		fetch_response_fini(&r);
	}
	text = RAW(&b, "HEAD /say HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	CHECK(str_starts(text, "HTTP/1.1 200 "));
	CHECK(str_ends(text, "\r\n\r\n"));
	stop(&b);
}

TEST(listeners)
{
	struct bed b = { .server = NULL };
	struct fetch_response r;
	struct err e = ERR_INIT;
	char url[64];

	if (!start(&b))
		return;
	CHECK(http_server_port(b.server, 0));
	CHECK_INT(http_server_port(b.server, 1), 0);
	CHECK_INT(http_server_port(b.server, 9), 0);
	/* The socket for every address takes IPv4 as well, and shows such peers as what they are. */
	snprintf(url, sizeof url, "http://127.0.0.1:%d/say", http_server_port(b.server, 2));
	if (CHECK(fetch_get(&(struct fetch_options){ .url = url }, &r, &e))) {
		CHECK(strstr(buf_str(&r.body), " peer=127.0.0.1 "));
		fetch_response_fini(&r);
	}
	/* Other paths. */
	snprintf(url, sizeof url, "http://127.0.0.1:%d/empty", http_server_port(b.server, 2));
	if (CHECK(fetch_get(&(struct fetch_options){ .url = url }, &r, &e))) {
		CHECK_INT(r.status, 404);
		fetch_response_fini(&r);
	}
	stop(&b);
}

TEST(bad_addresses)
{
	static const struct {
		const char *address, *reason;
	} rows[] = {
		{ "8080", "listen on 8080: not IP:PORT" },
		{ ":", "listen on :: not IP:PORT" },
		{ ":99999", "listen on :99999: not IP:PORT" },
		{ ":80x", "listen on :80x: not IP:PORT" },
		{ "example.com:80", "listen on example.com:80: example.com is not an IP address" },
		{ "::1:80", "listen on ::1:80: ::1 is not an IP address" },
		{ "[127.0.0.1]:80", "listen on [127.0.0.1]:80: 127.0.0.1 is not an IP address" },
		{ "192.0.2.1:0", "listen on 192.0.2.1:0: Cannot assign requested address" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_options o = { .listeners = { rows[i].address }, .n_listeners = 1 };
		struct http_server *s = NULL;
		struct err e = ERR_INIT;

		CHECK(!http_server_start(&o, &s, &e));
		CHECK_STR(e.text, rows[i].reason);
		CHECK(!s);
	}
}

TEST(port_in_use)
{
	struct bed b = { .server = NULL };
	struct http_server *s = NULL;
	struct err e = ERR_INIT;
	char address[64];

	if (!start(&b))
		return;
	snprintf(address, sizeof address, "127.0.0.1:%d", http_server_port(b.server, 0));
	CHECK(!http_server_start(
		&(struct http_options){ .listeners = { address }, .n_listeners = 1 }, &s, &e));
	CHECK(str_ends(e.text, "Address already in use"));
	stop(&b);
}

TEST(refused)
{
	static const struct {
		const char *request, *status;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n", "404" },
		{ "GET /say/ HTTP/1.1\r\n", "404" },
		{ "GET /sayx HTTP/1.1\r\n", "404" },
		{ "POST /say HTTP/1.1\r\nContent-Length: 0\r\n", "405" },
		{ "PATCH /say HTTP/1.1\r\n", "405" },
		{ "GET /post HTTP/1.1\r\n", "405" },
		{ "GET /say?a=%zz HTTP/1.1\r\n", "400" },
		{ "GET /say?a=%0 HTTP/1.1\r\n", "400" },
		{ "GET /say?a=% HTTP/1.1\r\n", "400" },
		{ "GET /say?a=%00 HTTP/1.1\r\n", "400" },
		{ "GET /say?a=%0ab HTTP/1.1\r\n", "400" },
		{ "GET /say%00 HTTP/1.1\r\n", "400" },
		{ "GET /say%7f HTTP/1.1\r\n", "400" },
		{ "GET say HTTP/1.1\r\n", "400" },
		{ "OPTIONS * HTTP/1.1\r\n", "400" },
		{ "GET /say HTTP/1.1\r\nContent-Length: 5\r\n", "413" },
		{ "GET /say HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", "413" },
		{ "GET /say HTTP/1.1\r\nContent-Length: nonsense\r\n", "400" },
		{ "GET /say HTTP/3.7\r\n", "505" },
	};
	struct bed b = { .server = NULL };
	struct buf request = BUF_INIT;

	if (!start(&b))
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *text;

		buf_reset(&request);
		buf_printf(&request, "%sHost: x\r\nConnection: close\r\n\r\n", rows[i].request);
		text = RAW(&b, buf_str(&request));
		if (!CHECK(str_starts(text, "HTTP/1.1 ")) ||
		    !CHECK(str_starts(text + 9, rows[i].status)))
			printf("\t%s\t%.60s\n", rows[i].request, text);
	}
	CHECK(strstr(RAW(&b, "PUT /say HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
		     "\r\nAllow: GET, HEAD\r\n"));
	buf_fini(&request);
	stop(&b);
}

TEST(too_many_parameters)
{
	struct bed b = { .server = NULL };
	struct buf path = BUF_INIT;

	if (!start(&b))
		return;
	buf_puts(&path, "/say?");
	for (int i = 0; i < HTTP_PARAMETERS_MAX; i++)
		buf_printf(&path, "&a=%d", i);
	CHECK_STR(got(&b, buf_str(&path), "Accept: */*"),
		  "200 /say a=0 b=(none) accept=1000/1000 peer=127.0.0.1 body=");
	buf_puts(&path, "&a=");
	CHECK_STR(got(&b, buf_str(&path), NULL), "400 bad request\n");
	buf_fini(&path);
	stop(&b);
}

/* Whatever is too big is refused or cut off, and the server goes on. */
TEST(huge_heads)
{
	struct bed b = { .server = NULL };
	struct buf request = BUF_INIT;
	const char *text;

	if (!start(&b))
		return;
	for (int kind = 0; kind < 4; kind++) {
		buf_reset(&request);
		buf_puts(&request, "GET /say");
		for (int i = 0; i < HTTP_HEAD_MAX * 4 && kind == 0; i++)
			buf_putc(&request, 'x');
		buf_puts(&request, " HTTP/1.1\r\nHost: x\r\n");
		for (int i = 0; i < HTTP_HEAD_MAX && kind == 1; i++)
			buf_printf(&request, "H%d: x\r\n", i);
		for (int i = 0; i < HTTP_HEAD_MAX * 4 && kind >= 2; i++)
			buf_puts(&request, kind == 2 ? "y" : "y:");
		buf_puts(&request, "\r\n\r\n");
		text = raw(&b, buf_str(&request), request.len);
		CHECK(!*text || str_starts(text, "HTTP/1.1 4") || str_starts(text, "HTTP/1.1 5"));
		CHECK_STR(got(&b, "/empty", NULL), "204 ");
	}
	buf_fini(&request);
	stop(&b);
}

TEST(bodies)
{
	struct bed b = { .server = NULL };
	const char *text;

	if (!start(&b))
		return;
	text = RAW(&b, "POST /post?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n"
		       "Connection: close\r\n\r\n12345678");
	CHECK(strstr(text, "/post a=1 ") && str_ends(text, " body=12345678"));
	text = RAW(&b, "PUT /post HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
		       "Connection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
	CHECK(str_ends(text, " body=abcde"));
	/* One byte more than the path takes. */
	text = RAW(&b, "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
		       "Connection: close\r\n\r\n123456789");
	CHECK(!str_starts(text, "HTTP/1.1 200"));
	/* Two requests on one connection do not see each other's. */
	text = RAW(&b, "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
		       "GET /say HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	CHECK(strstr(text, " body=ab") && str_ends(text, " body="));
	stop(&b);
}

static void *get_slow(void *arg)
{
	struct bed *b = arg;
	const char *text = "GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	char *answer = xcalloc(1, 1024);
	int fd = dial(b);
	size_t n = 0;
	ssize_t more;

	send(fd, text, strlen(text), MSG_NOSIGNAL);
	while (n < 1023 && (more = read(fd, answer + n, 1023 - n)) > 0)
		n += (size_t)more;
	close(fd);
	return answer;
}

static bool wait_running(struct bed *b, uint32_t n)
{
	for (int i = 0; i < 1000; i++) {
		if (__atomic_load_n(&b->n_running, __ATOMIC_SEQ_CST) >= n)
			return true;
		usleep(5000);
	}
	return CHECK(!"the handlers run");
}

/* Both workers are stuck and more wait: what is not slow is answered at once. */
TEST(slow_pages_delay_no_probe)
{
	enum { N = 6 };
	struct bed b = { .server = NULL };
	pthread_t threads[N];
	int64_t before;

	if (!start(&b))
		return;
	for (int i = 0; i < N; i++)
		CHECK(!pthread_create(&threads[i], NULL, get_slow, &b));
	wait_running(&b, 2);
	before = clock_mono_ns();
	for (int i = 0; i < 20; i++)
		CHECK_STR(got(&b, "/empty", NULL), "204 ");
	CHECK(clock_mono_ns() - before < 5 * NS_PER_S);
	for (int i = 0; i < N; i++)
		sem_post(&b.gate);
	for (int i = 0; i < N; i++) {
		void *answer;

		pthread_join(threads[i], &answer);
		CHECK(str_ends(answer, "through"));
		xfree(answer);
	}
	stop(&b);
}

TEST(waiting_is_capped)
{
	enum { N = HTTP_WAITING_MAX + 12 };
	struct bed b = { .server = NULL };
	pthread_t threads[N];
	int n_through = 0, n_refused = 0;

	if (!start(&b))
		return;
	for (int i = 0; i < N; i++)
		CHECK(!pthread_create(&threads[i], NULL, get_slow, &b));
	wait_running(&b, 2);
	usleep(300000);
	for (int i = 0; i < N; i++)
		sem_post(&b.gate);
	for (int i = 0; i < N; i++) {
		void *answer;

		pthread_join(threads[i], &answer);
		n_through += str_ends(answer, "through");
		n_refused += str_starts(answer, "HTTP/1.1 503");
		xfree(answer);
	}
	CHECK_INT(n_through + n_refused, N);
	CHECK(n_refused > 0);
	CHECK(n_through >= HTTP_WAITING_MAX);
	stop(&b);
}

static void *stop_server(void *arg)
{
	struct bed *b = arg;

	http_server_stop(b->server);
	return NULL;
}

/* Those that run end well, those that wait are answered. */
TEST(stop_with_requests_waiting)
{
	enum { N = 5 };
	struct bed b = { .server = NULL };
	pthread_t threads[N], stopper;
	int n_through = 0, n_stopping = 0, idle;

	if (!start(&b))
		return;
	idle = dial(&b);
	for (int i = 0; i < N; i++)
		CHECK(!pthread_create(&threads[i], NULL, get_slow, &b));
	wait_running(&b, 2);
	usleep(200000);
	CHECK(!pthread_create(&stopper, NULL, stop_server, &b));
	usleep(100000);
	sem_post(&b.gate);
	sem_post(&b.gate);
	pthread_join(stopper, NULL);
	for (int i = 0; i < N; i++) {
		void *answer;

		pthread_join(threads[i], &answer);
		n_through += str_ends(answer, "through");
		n_stopping += str_ends(answer, "stopping\n");
		xfree(answer);
	}
	/* An answer may be lost when the connection is closed right behind it, but not one that was being made. */
	CHECK(n_through <= 2);
	CHECK(n_through + n_stopping <= N);
	CHECK_INT(__atomic_load_n(&b.n_running, __ATOMIC_SEQ_CST), 2);
	close(idle);
	sem_destroy(&b.gate);
}

TEST(accept)
{
	static const struct {
		const char *accept;
		uint32_t json, text;
	} rows[] = {
		{ "*/*", 1000, 1000 },
		{ "application/json", 1000, 0 },
		{ "Application/JSON", 1000, 0 },
		{ "text/plain", 0, 1000 },
		{ "text/*", 0, 1000 },
		{ "text/*, text/plain;q=0", 0, 0 },
		{ "text/plain;q=0, text/*", 0, 0 },
		{ "*/*;q=0.1, application/json", 1000, 100 },
		{ "application/json;v=1;q=0.123456 , text/plain;q=0.5", 123, 500 },
		{ "application/json;q=1.000", 1000, 0 },
		{ "application/json ; q=0.9", 900, 0 },
		{ "application/jsonx, application/jso", 0, 0 },
		{ "", 0, 0 },
		{ ",;,;q,;q=,/,*", 0, 0 },
		{ "text", 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!CHECK_INT(accept_quality(rows[i].accept, "application/json"), rows[i].json) ||
		    !CHECK_INT(accept_quality(rows[i].accept, "text/plain"), rows[i].text))
			printf("\t%s\n", rows[i].accept);
	}
}
