/* What a client must not get away with: filling memory before a message is complete, using up descriptors, hiding. */
#include "base/clock.h"
#include "bed.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

TEST(rpc_flood)
{
	static const uint8_t prefix[5] = { 0, 0xff, 0, 0, 0 };
	static uint8_t chunk[1 << 20];
	struct rpc_stats before, stats;
	struct call bad, good;
	struct bed b;
	unsigned sent_mb = 0;

	bed_init(&b, NULL, NULL);
	rpc_server_stats(b.server, &before);
	call_open(&b, &good, ECHO);
	call_open(&b, &bad, ECHO);
	CHECK_UNTIL(&b, good.opened && bad.opened);
	h2c_send_raw(bad.conn, prefix, sizeof prefix);
	bed_begin(&b);
	while (sent_mb < 400 && bed_turn(&b) && bad.conn) {
		h2c_send_raw(bad.conn, chunk, sizeof chunk);
		sent_mb++;
	}
	CHECK_UNTIL(&b, bad.ended);
	rpc_server_stats(b.server, &stats);
	CHECK_INT(stats.connections_cut - before.connections_cut, 1);
	CHECK(stats.bytes_held < sizeof chunk);
	h2c_send(good.conn, "still here", 10);
	CHECK_UNTIL(&b, good.n_messages == 1);
	call_fini(&bad);
	call_fini(&good);
	bed_fini(&b);
}

/* Ten times what a connection may hold, in messages: nobody minds. */
TEST(rpc_many_bytes_are_no_flood)
{
	static uint8_t chunk[4 << 20];
	struct rpc_stats before, stats;
	struct bed b;
	struct call c;

	bed_init(&b, NULL, NULL);
	rpc_server_stats(b.server, &before);
	call_open(&b, &c, PUSH);
	for (unsigned i = 1; i <= 60; i++) {
		h2c_send(c.conn, chunk, sizeof chunk);
		CHECK_UNTIL(&b, seen(SEEN_MESSAGE) == i);
	}
	rpc_server_stats(b.server, &stats);
	CHECK_INT(stats.connections_cut, before.connections_cut);
	CHECK(!c.ended);
	CHECK(stats.bytes_held < sizeof chunk);
	call_fini(&c);
	bed_fini(&b);
}

TEST(rpc_out_of_descriptors)
{
	enum { N = 20, HOLES = 4096 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct rlimit was, now;
	struct rpc_stats before, stats;
	int sockets[N], holes[HOLES], n_holes = 0;
	unsigned n_answered = 0, n_closed = 0;
	struct call c;
	struct bed b;

	bed_init(&b, NULL, NULL);
	rpc_server_stats(b.server, &before);
	for (int i = 0; i < N; i++)
		sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	getrlimit(RLIMIT_NOFILE, &was);
	now = (struct rlimit){ (rlim_t)sockets[N - 1] + 1, was.rlim_max };
	CHECK(!setrlimit(RLIMIT_NOFILE, &now));
	while (n_holes < HOLES && (holes[n_holes] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n_holes++;
	CHECK(n_holes < HOLES);
	to.sin_port = htons(b.port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < N; i++)
		CHECK(!connect(sockets[i], (const struct sockaddr *)&to, sizeof to));
	/* Each is taken and dropped, but for a few while descriptors of the test before are still being closed. */
	for (int i = 0; i < N; i++) {
		struct timeval patience = { 5, 0 };
		char byte;
		ssize_t n;

		setsockopt(sockets[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		n = recv(sockets[i], &byte, 1, 0);
		n_answered += n >= 0;
		n_closed += n == 0;
	}
	CHECK_INT(n_answered, N);
	CHECK(n_closed >= N / 2);
	for (int i = 0; i < N; i++)
		close(sockets[i]);
	while (n_holes)
		close(holes[--n_holes]);
	CHECK(!setrlimit(RLIMIT_NOFILE, &was));
	rpc_server_stats(b.server, &stats);
	CHECK_INT(stats.accepts_refused - before.accepts_refused, n_closed);
	/* The listener lives. */
	call_open(&b, &c, ECHO);
	h2c_send(c.conn, "x", 1);
	CHECK_UNTIL(&b, c.n_messages == 1);
	call_fini(&c);
	bed_fini(&b);
}

TEST(rpc_too_many_streams)
{
	const struct rpc_options o = { .max_streams = 2 };
	struct rpc_stats stats;
	struct call calls[3];
	struct bed b;

	bed_init(&b, &o, NULL);
	for (unsigned i = 0; i < 2; i++) {
		call_open(&b, &calls[i], ECHO);
		CHECK_UNTIL(&b, calls[i].opened);
	}
	call_open(&b, &calls[2], ECHO);
	CHECK_UNTIL(&b, calls[2].ended);
	CHECK_INT(calls[2].status, RPC_RESOURCE_EXHAUSTED);
	CHECK_STR(calls[2].text, "too many streams");
	call_fini(&calls[2]);
	call_fini(&calls[0]);
	CHECK_UNTIL(&b, (rpc_server_stats(b.server, &stats), stats.streams) == 1);
	call_open(&b, &calls[2], ECHO);
	CHECK_UNTIL(&b, calls[2].opened || calls[2].ended);
	CHECK(calls[2].opened);
	call_fini(&calls[1]);
	call_fini(&calls[2]);
	bed_fini(&b);
}

TEST(rpc_keepalive)
{
	const struct rpc_options o = { .keepalive_ms = 300, .keepalive_timeout_ms = 300 };
	struct bed b;
	struct call c;

	bed_init(&b, &o, NULL);
	call_open(&b, &c, PUSH);
	CHECK_UNTIL(&b, c.opened);
	/* Idle, but it answers pings: it stays, however many. */
	bed_run_ms(&b, 1500);
	CHECK(!c.ended);
	CHECK_INT(seen(SEEN_CLOSE), 0);
	/* It stops reading in the middle of a message: closed, and the message is let go. */
	h2c_pause(c.conn);
	push_set(20 << 20, 'x');
	rpc_server_wake(b.server, NULL);
	CHECK_UNTIL(&b, seen(SEEN_WAKE) == 1);
	push_drop();
	CHECK_UNTIL(&b, seen(SEEN_CLOSE) == 1 && seen(SEEN_RELEASE) == 1);
	CHECK_INT(seen_last_code(), RPC_CANCELLED);
	call_fini(&c);
	bed_fini(&b);
}

static void ignore(struct rpc_stream *s, const void *bytes, size_t len)
{
}

TEST(rpc_addresses)
{
	static const struct {
		const char *address, *error; /* "" = good */
	} rows[] = {
		{ "127.0.0.1:0", "" },
		{ "localhost:0", "" },
		{ ":0", "" },
		{ "[::1]:0", "" },
		{ "127.0.0.1", "listen on 127.0.0.1: not IP:PORT" },
		{ "127.0.0.1:", "listen on 127.0.0.1:: not IP:PORT" },
		{ "127.0.0.1:65536", "listen on 127.0.0.1:65536: not IP:PORT" },
		{ "127.0.0.1:80x", "listen on 127.0.0.1:80x: not IP:PORT" },
		{ "example.com:80", "listen on example.com:80: example.com is not an IP address" },
		{ "::1:80", "listen on ::1:80: ::1 is not an IP address" },
		{ "192.0.2.1:0", "listen on 192.0.2.1:0: Cannot assign requested address" },
	};
	static const struct rpc_method method = { .path = ECHO, .on_message = ignore };

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct rpc_listener l = { .address = rows[i].address };
		struct rpc_options o = { .n_listeners = 1, .n_methods = 1 };
		struct rpc_server *srv = NULL;
		struct err e = ERR_INIT;
		bool ok;

		o.listeners = &l;
		o.methods = &method;
		ok = rpc_server_new(&o, &srv, &e);
		CHECK_STR(ok ? "" : e.text, rows[i].error);
		CHECK(!ok || rpc_server_port(srv, 0) > 0);
		rpc_server_free(srv);
	}
}

TEST(rpc_address_in_use)
{
	struct rpc_options o = { .n_listeners = 1 };
	struct rpc_server *srv = NULL;
	struct rpc_listener l;
	static const struct rpc_method method = { .path = ECHO, .on_message = ignore };
	struct err e = ERR_INIT;
	char address[32], error[96];
	struct bed b;

	bed_init(&b, NULL, NULL);
	snprintf(address, sizeof address, "127.0.0.1:%u", b.port);
	snprintf(error, sizeof error, "listen on %s: Address already in use", address);
	l = (struct rpc_listener){ .address = address };
	o.listeners = &l;
	o.methods = &method;
	o.n_methods = 1;
	CHECK(!rpc_server_new(&o, &srv, &e));
	CHECK_STR(e.text, error);
	CHECK(!srv);
	bed_fini(&b);
}

TEST(rpc_unix_socket)
{
	static const struct rpc_method method = { .path = ECHO, .on_message = ignore };
	static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
	struct rpc_options o = { .n_listeners = 1, .methods = &method, .n_methods = 1 };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval patience = { 5, 0 };
	struct rpc_server *srv = NULL;
	struct rpc_listener l;
	struct err e = ERR_INIT;
	char address[128];
	uint8_t frame[9] = { 0 };
	int fd;

	snprintf(to.sun_path, sizeof to.sun_path, "/tmp/mainsheet-rpc-test-%d", (int)getpid());
	snprintf(address, sizeof address, "unix:%s", to.sun_path);
	l = (struct rpc_listener){ .address = address };
	o.listeners = &l;
	if (!CHECK(rpc_server_new(&o, &srv, &e)))
		return;
	CHECK_INT(rpc_server_port(srv, 0), 0);
	rpc_server_start(srv);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	CHECK(!connect(fd, (const struct sockaddr *)&to, sizeof to));
	CHECK_INT(send(fd, hello, sizeof hello, MSG_NOSIGNAL), sizeof hello);
	CHECK_INT(recv(fd, frame, sizeof frame, MSG_WAITALL), sizeof frame);
	CHECK_INT(frame[3], 4); /* SETTINGS */
	close(fd);
	CHECK(rpc_server_stop(srv, 1000));
	rpc_server_free(srv);
	unlink(to.sun_path);
}
