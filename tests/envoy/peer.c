/* The two ends of the traffic that demo and Envoy tests send through a mesh: a server that answers with its name, in
 * whatever protocol it is spoken to, and a client that counts who answered.
 *
 *	peer serve NAME ADDRESS:PORT...
 *	peer load PROTOCOL ADDRESS:PORT AUTHORITY[/PATH] COUNT CONNECTIONS [PER_SECOND]
 *
 * The server tells HTTP/1.1, h2c with prior knowledge (gRPC included) and lines over raw TCP apart by the first bytes.
 * The client speaks http, proxy (HTTP/1.1 with absolute URIs), h2c, grpc or tcp, one request after the other on each
 * connection, a connection per request for tcp; COUNT 0 goes on until SIGTERM. It prints `ok N NAME` for each name that
 * answered and `error N REASON` for each kind of failure. A thread per connection, blocking calls throughout: what is
 * measured is the mesh, and this only has to keep up with it.
 */
#include "tests/envoy/peer.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 512, TIMEOUT_S = 10, RETRY_MS = 20, CONNECTIONS_MAX = 256, TALLY_MAX = 32 };

/* ---- sockets ---- */

bool peer_write(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

ssize_t peer_read(int fd, void *bytes, size_t n)
{
	ssize_t got;

	do
		got = recv(fd, bytes, n, 0);
	while (got < 0 && errno == EINTR);
	return got;
}

static bool parse_address(const char *text, struct sockaddr_in *ret)
{
	const char *colon = strrchr(text, ':');
	char host[INET_ADDRSTRLEN];

	if (!colon || (size_t)(colon - text) >= sizeof host)
		return false;
	snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
	*ret = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10)) };
	return inet_pton(AF_INET, host, &ret->sin_addr) == 1;
}

static void set_no_delay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* ---- serving ---- */

static const char *server_name;

/* Paths with a meaning: /show answers with the request's head, /fail with 503, /wait a second later. */
static bool answer_http(int fd, const char *head, size_t len)
{
	const char *path = head + strcspn(head, " ");
	bool show = str_starts(path, " /show"), fail = str_starts(path, " /fail");
	const char *body = show ? head : server_name;
	size_t body_len = show ? len : strlen(server_name);
	char out[PEER_HEAD_MAX + 256];
	int n = snprintf(
		out, sizeof out,
		"HTTP/1.1 %s\r\ncontent-type: text/plain\r\ncontent-length: %zu\r\n\r\n%.*s",
		fail ? "503 Failed" : "200 OK", body_len, (int)body_len, body);

	if (str_starts(path, " /wait"))
		sleep(1);
	return peer_write(fd, out, (size_t)n);
}

/* Requests have no bodies, so a request ends with its headers. */
static void serve_http(int fd)
{
	char in[PEER_HEAD_MAX];
	size_t len = 0;

	for (;;) {
		const char *end;
		ssize_t got = peer_read(fd, in + len, sizeof in - 1 - len);

		if (got <= 0)
			return;
		len += (size_t)got;
		in[len] = 0;
		while ((end = strstr(in, "\r\n\r\n"))) {
			size_t used = (size_t)(end + 4 - in);

			if (!answer_http(fd, in, used))
				return;
			memmove(in, in + used, len - used + 1);
			len -= used;
		}
	}
}

static void serve_lines(int fd)
{
	char in[256], out[256];
	int n = snprintf(out, sizeof out, "%s\n", server_name);

	for (;;) {
		ssize_t got = peer_read(fd, in, sizeof in);

		if (got <= 0)
			return;
		for (ssize_t i = 0; i < got; i++)
			if (in[i] == '\n' && !peer_write(fd, out, (size_t)n))
				return;
	}
}

static void *serve_connection(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char start[4];

	set_no_delay(fd);
	if (recv(fd, start, sizeof start, MSG_PEEK | MSG_WAITALL) == sizeof start) {
		if (!memcmp(start, "PRI ", 4))
			peer_serve_h2(fd, server_name);
		else if (!memcmp(start, "line", 4))
			serve_lines(fd);
		else
			serve_http(fd);
	}
	close(fd);
	return NULL;
}

static void start_thread(pthread_t *ret, void *(*run)(void *), void *arg)
{
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 256 << 10);
	if (pthread_create(ret, &small, run, arg)) {
		perror("peer: thread");
		exit(1);
	}
	pthread_attr_destroy(&small);
}

static void *accept_loop(void *arg)
{
	int listener = (int)(intptr_t)arg;

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t t;

		if (fd < 0)
			continue;
		start_thread(&t, serve_connection, (void *)(intptr_t)fd);
		pthread_detach(t);
	}
	return NULL;
}

static int serve(int argc, char **argv)
{
	pthread_t t;

	server_name = argv[2];
	for (int i = 3; i < argc; i++) {
		struct sockaddr_in a;
		int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		if (!parse_address(argv[i], &a) || bind(fd, (struct sockaddr *)&a, sizeof a) ||
		    listen(fd, BACKLOG)) {
			fprintf(stderr, "peer: listen on %s: %s\n", argv[i], strerror(errno));
			return 1;
		}
		start_thread(&t, accept_loop, (void *)(intptr_t)fd);
	}
	pthread_join(t, NULL);
	return 0;
}

/* ---- the client's book-keeping ---- */

static struct {
	pthread_mutex_t lock;
	uint64_t left; /* requests still to begin */
	bool endless, stopping;
	struct {
		char what[PEER_WHAT_MAX];
		bool ok;
		uint64_t n;
	} rows[TALLY_MAX];
} tally = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool may_begin(void)
{
	bool may;

	pthread_mutex_lock(&tally.lock);
	may = !tally.stopping && (tally.endless || tally.left > 0);
	if (may && !tally.endless)
		tally.left--;
	pthread_mutex_unlock(&tally.lock);
	return may;
}

static void count(bool ok, const char *what)
{
	pthread_mutex_lock(&tally.lock);
	for (size_t i = 0; i < TALLY_MAX; i++) {
		if (tally.rows[i].n == 0) {
			snprintf(tally.rows[i].what, sizeof tally.rows[i].what, "%s", what);
			tally.rows[i].ok = ok;
		}
		if ((tally.rows[i].ok == ok && !strcmp(tally.rows[i].what, what)) ||
		    i == TALLY_MAX - 1) {
			tally.rows[i].n++;
			break;
		}
	}
	pthread_mutex_unlock(&tally.lock);
}

/* ---- the client's protocols ---- */

/* Reads one response with a content-length. Sets *ret_close when the server wants no more requests here. */
static bool read_response(int fd, char *what, bool *ret_close)
{
	char in[PEER_HEAD_MAX + 1];
	const char *end = NULL, *header;
	size_t len = 0, body;
	long status;

	do {
		ssize_t got =
			len < PEER_HEAD_MAX ? peer_read(fd, in + len, PEER_HEAD_MAX - len) : 0;

		if (got <= 0) {
			snprintf(what, PEER_WHAT_MAX, "%s",
				 got == 0 ? "connection closed" : strerror(errno));
			return false;
		}
		len += (size_t)got;
		in[len] = 0;
		if (!end && (end = strstr(in, "\r\n\r\n"))) {
			header = strcasestr(in, "\r\ncontent-length:");
			body = header && header < end ? strtoul(header + 17, NULL, 10) : 0;
			end += 4;
		}
	} while (!end || len < (size_t)(end - in) + body);
	header = strcasestr(in, "\r\nconnection: close");
	*ret_close = header && header < end;
	status = strtol(in + strcspn(in, " "), NULL, 10);
	if (status == 200)
		snprintf(what, PEER_WHAT_MAX, "%.*s", (int)body, end);
	else
		snprintf(what, PEER_WHAT_MAX, "%ld", status);
	return status == 200;
}

static bool ask_http(struct peer_connection *c, char *what)
{
	const struct peer_target *t = c->target;
	char out[512];
	bool close_it = true, ok;
	int n = snprintf(out, sizeof out, "GET %s%s%s HTTP/1.1\r\nhost: %s\r\n\r\n",
			 t->by_proxy ? "http://" : "", t->by_proxy ? t->authority : "", t->path,
			 t->authority);

	if (!peer_write(c->fd, out, (size_t)n)) {
		snprintf(what, PEER_WHAT_MAX, "write: %s", strerror(errno));
		c->used_up = true;
		return false;
	}
	ok = read_response(c->fd, what, &close_it);
	c->used_up = close_it;
	return ok;
}

static bool ask_lines(struct peer_connection *c, char *what)
{
	size_t len = 0;

	c->used_up = true;
	if (!peer_write(c->fd, "line\n", 5)) {
		snprintf(what, PEER_WHAT_MAX, "write: %s", strerror(errno));
		return false;
	}
	while (len < PEER_WHAT_MAX - 1) {
		ssize_t got = peer_read(c->fd, what + len, PEER_WHAT_MAX - 1 - len);

		if (got <= 0) {
			snprintf(what, PEER_WHAT_MAX, "%s",
				 got == 0 ? "connection closed" : strerror(errno));
			return false;
		}
		len += (size_t)got;
		what[len] = 0;
		if (what[len - 1] == '\n') {
			what[len - 1] = 0;
			return true;
		}
	}
	return false;
}

static const struct {
	const char *name;
	bool by_proxy, grpc;
	peer_ask_fn *ask;
} protocols[] = {
	{ "http", false, false, ask_http },   { "proxy", true, false, ask_http },
	{ "h2c", false, false, peer_ask_h2 }, { "grpc", false, true, peer_ask_h2 },
	{ "tcp", false, false, ask_lines },
};

static bool open_connection(struct peer_connection *c, char *what)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_S };

	c->used_up = false;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
	set_no_delay(c->fd);
	if (!connect(c->fd, (const struct sockaddr *)&c->target->address,
		     sizeof c->target->address))
		return true;
	snprintf(what, PEER_WHAT_MAX, "connect: %s", strerror(errno));
	close(c->fd);
	c->fd = -1;
	return false;
}

static void close_connection(struct peer_connection *c)
{
	peer_close_h2(c);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void sleep_until(int64_t ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void *load_loop(void *arg)
{
	const struct peer_target *t = arg;
	struct peer_connection c = { .target = t, .fd = -1 };
	int64_t due = now_ns();

	while (may_begin()) {
		char what[PEER_WHAT_MAX] = "";
		bool ok = (c.fd >= 0 || open_connection(&c, what)) && t->ask(&c, what);

		count(ok, what);
		if (c.fd < 0 || c.used_up)
			close_connection(&c);
		due = MAX(due + t->pause_ns, now_ns() - t->pause_ns);
		if (!ok)
			due = now_ns() + RETRY_MS * 1000000LL;
		sleep_until(due);
	}
	close_connection(&c);
	return NULL;
}

static void report(void)
{
	for (size_t i = 0; i < TALLY_MAX && tally.rows[i].n; i++)
		printf("%s %llu %s\n", tally.rows[i].ok ? "ok" : "error",
		       (unsigned long long)tally.rows[i].n, tally.rows[i].what);
}

static bool parse_target(struct peer_target *t, char **argv)
{
	char *slash = strchr(argv[4], '/');
	size_t i = 0;

	while (i < ARRAY_LEN(protocols) && strcmp(protocols[i].name, argv[2]))
		i++;
	if (i == ARRAY_LEN(protocols) || !parse_address(argv[3], &t->address))
		return false;
	t->by_proxy = protocols[i].by_proxy;
	t->grpc = protocols[i].grpc;
	t->ask = protocols[i].ask;
	snprintf(t->path, sizeof t->path, "%s", slash ? slash : "/");
	snprintf(t->authority, sizeof t->authority, "%.*s", (int)strcspn(argv[4], "/"), argv[4]);
	return true;
}

static int load(int argc, char **argv)
{
	struct peer_target t = { 0 };
	unsigned long n = argc >= 7 ? strtoul(argv[6], NULL, 10) : 0;
	unsigned long per_second = argc >= 8 ? strtoul(argv[7], NULL, 10) : 0;
	pthread_t threads[CONNECTIONS_MAX];
	sigset_t set;
	int got;

	if (n == 0 || n > CONNECTIONS_MAX || !parse_target(&t, argv)) {
		fputs("peer: bad arguments\n", stderr);
		return 2;
	}
	tally.left = strtoull(argv[5], NULL, 10);
	tally.endless = tally.left == 0;
	t.pause_ns = per_second ? 1000000000LL * (int64_t)n / (int64_t)per_second : 0;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	if (tally.endless)
		pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (unsigned long i = 0; i < n; i++)
		start_thread(&threads[i], load_loop, &t);
	if (tally.endless) {
		sigwait(&set, &got);
		pthread_mutex_lock(&tally.lock);
		tally.stopping = true;
		pthread_mutex_unlock(&tally.lock);
	}
	for (unsigned long i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	report();
	return 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc >= 4 && !strcmp(argv[1], "serve"))
		return serve(argc, argv);
	if (argc >= 7 && !strcmp(argv[1], "load"))
		return load(argc, argv);
	fputs("usage: peer serve NAME ADDRESS:PORT...\n"
	      "       peer load PROTOCOL ADDRESS:PORT AUTHORITY[/PATH] COUNT CONNECTIONS "
	      "[PER_SECOND]\n",
	      stderr);
	return 2;
}
