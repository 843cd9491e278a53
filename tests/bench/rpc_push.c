/* How fast, and at what cost in memory, server/rpc pushes one shared body to many streams.
 *
 *	rpc_push STREAMS BYTES [ROUNDS]
 *
 * Server and client are two processes, so that their memory can be told apart. One JSON object a line: the connect,
 * then each round, with the time from the first send to the last byte in the client. */
#include "base/clock.h"
#include "rpc/rpc.h"
#include "tests/bench/h2client.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const char path[] = "/bench.Bench/Push";
static uint32_t n_streams, n_rounds = 5;
static size_t body_len;

/* ---- the client ---- */

struct client {
	uint32_t n_opened, n_messages;
	uint64_t n_bytes;
};

static void on_open(struct h2c_conn *c)
{
	((struct client *)h2c_user(c))->n_opened++;
}

static void on_data(struct h2c_conn *c, const uint8_t *p, size_t n)
{
	((struct client *)h2c_user(c))->n_bytes += n;
}

static void on_message(struct h2c_conn *c, size_t len)
{
	((struct client *)h2c_user(c))->n_messages++;
}

static void on_close(struct h2c_conn *c, const struct h2c_end *end)
{
	fprintf(stderr, "stream ended: status %d, %s\n", end->grpc_status, end->cause);
	exit(1);
}

static int64_t cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_S +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * NS_PER_US;
}

struct report {
	int64_t at_ns, cpu_ns;
};

static void report(int fd)
{
	struct report r = { clock_mono_ns(), cpu_ns() };
	ssize_t n = write(fd, &r, sizeof r);

	assert(n == sizeof r);
}

static int client(int from, int to)
{
	static const struct h2c_events events = { .on_open = on_open,
						  .on_data = on_data,
						  .on_message = on_message,
						  .on_close = on_close };
	struct h2c_target target = { .host = "127.0.0.1", .path = path };
	struct h2c *h = h2c_new(NULL);
	struct client me = { 0 };

	if (read(from, &target.port, sizeof target.port) != sizeof target.port)
		return 1;
	for (uint32_t i = 0; i < n_streams; i++) {
		struct err e = ERR_INIT;

		if (!h2c_connect(h, &target, &events, &me, &e)) {
			fprintf(stderr, "%s\n", e.text);
			return 1;
		}
		while (i - MIN(me.n_opened, i) > 200)
			h2c_run_once(h, 100);
	}
	while (me.n_opened < n_streams)
		h2c_run_once(h, 100);
	report(to);
	for (uint32_t round = 1; round <= n_rounds; round++) {
		while (me.n_messages < n_streams * round)
			h2c_run_once(h, 100);
		report(to);
	}
	assert(me.n_bytes == (uint64_t)n_streams * n_rounds * body_len);
	h2c_free(h);
	return 0;
}

/* ---- the server ---- */

static struct rpc_body *body;

static void ignore(struct rpc_stream *s, const void *bytes, size_t len)
{
}

static void on_wake(struct rpc_stream *s)
{
	struct rpc_slices m = { .bodies = &body, .n_bodies = 1 };

	if (!rpc_send(s, &m))
		abort();
}

static double memory_mb(const char *key)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	double kb = 0;

	while (f && fgets(line, sizeof line, f)) {
		if (str_starts(line, key))
			kb = strtod(line + strlen(key), NULL);
	}
	if (f)
		fclose(f);
	return kb / 1024;
}

static void line(const char *what, const struct report *from, int fd, struct report *ret_client)
{
	struct report now;
	struct report was = *ret_client;
	double ms, mb = (double)n_streams * (double)body_len / 1e6;
	ssize_t n = read(fd, &now, sizeof now);

	if (n != sizeof now)
		exit(1);
	ms = (double)(now.at_ns - from->at_ns) / NS_PER_MS;
	printf("{\"bench\":\"rpc_push\",\"what\":\"%s\",\"streams\":%u,\"bytes\":%zu,\"ms\":%.1f,",
	       what, n_streams, body_len, ms);
	if (str_eq(what, "push"))
		printf("\"mb_per_s\":%.0f,", mb / ms * 1e3);
	printf("\"server_cpu_ms\":%.1f,\"client_cpu_ms\":%.1f,\"rss_mb\":%.1f,\"peak_mb\":%.1f}\n",
	       (double)(cpu_ns() - from->cpu_ns) / NS_PER_MS,
	       (double)(now.cpu_ns - was.cpu_ns) / NS_PER_MS, memory_mb("VmRSS:"),
	       memory_mb("VmHWM:"));
	fflush(stdout);
	*ret_client = now;
}

static int server(int from, int to)
{
	static const struct rpc_listener listener = { .address = "127.0.0.1:0" };
	static const struct rpc_method method = { .path = path,
						  .on_message = ignore,
						  .on_wake = on_wake };
	struct rpc_options o = {
		.listeners = &listener, .n_listeners = 1, .methods = &method, .n_methods = 1
	};
	struct report start = { 0, 0 }, theirs = { 0, 0 };
	struct rpc_stats stats;
	struct rpc_server *srv;
	struct err e = ERR_INIT;
	void *bytes = xcalloc(1, body_len);
	uint16_t port;

	memset(bytes, 'x', body_len);
	rpc_init();
	if (!rpc_server_new(&o, &srv, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	rpc_server_start(srv);
	port = (uint16_t)rpc_server_port(srv, 0);
	start = (struct report){ clock_mono_ns(), cpu_ns() };
	printf("{\"bench\":\"rpc_push\",\"what\":\"start\",\"rss_mb\":%.1f}\n",
	       memory_mb("VmRSS:"));
	if (write(to, &port, sizeof port) != sizeof port)
		return 1;
	line("connect", &start, from, &theirs);
	body = rpc_body_new(bytes, body_len, xfree, bytes);
	for (uint32_t i = 0; i < n_rounds; i++) {
		/* Until all of the last push have come back. */
		do {
			usleep(100000);
			rpc_server_stats(srv, &stats);
		} while (stats.sends_in_flight);
		start = (struct report){ clock_mono_ns(), cpu_ns() };
		rpc_server_wake(srv, path);
		line("push", &start, from, &theirs);
	}
	rpc_body_unref(body);
	rpc_housekeeping(srv);
	wait(NULL);
	usleep(200000);
	printf("{\"bench\":\"rpc_push\",\"what\":\"end\",\"rss_mb\":%.1f}\n", memory_mb("VmRSS:"));
	if (!rpc_server_stop(srv, 2000))
		return 1;
	rpc_server_free(srv);
	return 0;
}

int main(int argc, char **argv)
{
	int down[2], up[2], rc;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: rpc_push STREAMS BYTES [ROUNDS]\n");
		return 2;
	}
	n_streams = (uint32_t)strtoul(argv[1], NULL, 10);
	body_len = strtoul(argv[2], NULL, 10);
	if (argc > 3)
		n_rounds = (uint32_t)strtoul(argv[3], NULL, 10);
	rc = pipe(down) | pipe(up);
	assert(!rc);
	/* Before anything of gRPC, which does not survive it. */
	pid = fork();
	if (pid < 0)
		return 1;
	if (!pid)
		return client(down[0], up[1]);
	close(up[1]);
	return server(up[0], down[1]);
}
