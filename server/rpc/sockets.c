/* accept4() and recvmsg() of the whole program, in front of libc's, for two holes of gRPC 1.51 that cannot be closed
 * from above it.
 *
 * It gives a listener up for ever when accepting fails for want of file descriptors (spec/grpc.md, trap 4). Here such
 * a connection is taken with a spare descriptor and closed, so that the client sees an end and the listener lives;
 * what cannot be helped becomes EAGAIN, upon which gRPC waits for the next event.
 *
 * It looks at the length limit of a message only when all of it is there, and opens the window for as much as the
 * message claims to be: any client may fill four gigabytes with one stream, before anybody has seen the request. So
 * each connection keeps an account of what was read from it and not yet handed on as messages. What is no message
 * (headers, pings, window updates, framing) is let go at a slow constant rate and by a small allowance per stream. A
 * connection that holds more than a message may be long is cut, and so is one that holds more than its share when all
 * of them together hold too much.
 *
 * The symbols have to be visible to shared libraries, which the linker sees to as long as libgrpc is on its line. */
#include "base/log.h"
#include "base/map.h"
#include "rpc/internal.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SLACK_LEN = 16 << 20,     /* over the longest message: what other streams have under way */
	ALL_HELD_MAX = 256 << 20, /* by all connections together, beyond which ... */
	SHARE_LEN = 1 << 20,      /* ... each of them may hold no more than this */
	LEAK_PER_S = 64 << 10,
};

struct conn {
	int fd;
	uint32_t id; /* not 0 */
	char peer[RPC_PEER_TEXT];
	uint64_t held;
	int64_t leaked_ns;
};

static int (*real_accept4)(int, struct sockaddr *, socklen_t *, int);
static ssize_t (*real_recvmsg)(int, struct msghdr *, int);

static struct lock lock = LOCK_INIT(LOCK_RPC_LIMITER); /* of what follows */
static int spare = -1;
static struct conn **conns; /* by descriptor; gone ones stay until it is used again */
static size_t n_conns;
static struct map by_peer;
static uint64_t held_by_all, held_max = RPC_MESSAGE_LEN + SLACK_LEN;
static uint32_t last_id;
static uint64_t n_refused, n_cut;

static int open_spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void sockets_init(void)
{
	union {
		void *p;
		int (*accept4)(int, struct sockaddr *, socklen_t *, int);
		ssize_t (*recvmsg)(int, struct msghdr *, int);
	} found;

	found.p = dlsym(RTLD_NEXT, "accept4");
	real_accept4 = found.accept4;
	found.p = dlsym(RTLD_NEXT, "recvmsg");
	real_recvmsg = found.recvmsg;
	with_lock(&lock) {
		if (spare < 0)
			spare = open_spare();
	}
}

void sockets_expect(size_t longest_message)
{
	with_lock(&lock)
		held_max = longest_message + SLACK_LEN;
}

void sockets_stats(struct rpc_stats *ret)
{
	with_lock(&lock) {
		ret->accepts_refused = n_refused;
		ret->connections_cut = n_cut;
		ret->bytes_held = held_by_all;
	}
}

/* ---- the accounts ---- */

/* As rpc_stream_peer has it; empty for what is not TCP. */
static void peer_text(const struct sockaddr_storage *a, char ret[RPC_PEER_TEXT])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
	char ip[INET6_ADDRSTRLEN];

	ret[0] = '\0';
	if (a->ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof ip);
		snprintf(ret, RPC_PEER_TEXT, "%s:%u", ip, ntohs(v4->sin_port));
	} else if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], ip, sizeof ip);
		snprintf(ret, RPC_PEER_TEXT, "%s:%u", ip, ntohs(v6->sin6_port));
	} else if (a->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof ip);
		snprintf(ret, RPC_PEER_TEXT, "[%s]:%u", ip, ntohs(v6->sin6_port));
	}
}

static void let_go_locked(struct conn *c, uint64_t n)
{
	n = MIN(n, c->held);
	c->held -= n;
	held_by_all -= n;
}

static void leak_locked(struct conn *c)
{
	int64_t ms = (clock_mono_ns() - c->leaked_ns) / NS_PER_MS;

	let_go_locked(c, (uint64_t)ms * LEAK_PER_S / 1000);
	c->leaked_ns += ms * NS_PER_MS;
}

static void forget_locked(int fd)
{
	struct conn *c = (size_t)fd < n_conns ? TAKE(conns[fd]) : NULL;

	if (!c)
		return;
	let_go_locked(c, c->held);
	if (map_get(&by_peer, c->peer) == c)
		map_del(&by_peer, c->peer);
	xfree(c);
}

static void remember(int fd, const struct sockaddr_storage *addr)
{
	struct conn *c = xcalloc(1, sizeof *c);

	peer_text(addr, c->peer);
	c->leaked_ns = clock_mono_ns();
	with_lock(&lock) {
		forget_locked(fd);
		if (!c->peer[0]) {
			xfree(c);
			break;
		}
		if ((size_t)fd >= n_conns) {
			size_t n = MAX((size_t)fd + 1, n_conns * 2);

			conns = xrealloc_array(conns, n, sizeof(struct conn *));
			memset(conns + n_conns, 0, (n - n_conns) * sizeof(struct conn *));
			n_conns = n;
		}
		last_id += last_id == UINT32_MAX ? 2 : 1;
		c->id = last_id;
		c->fd = fd;
		conns[fd] = c;
		map_set(&by_peer, c->peer, c);
	}
}

uint32_t sockets_find(const char *peer, int *ret_fd)
{
	uint32_t id = 0;

	with_lock(&lock) {
		const struct conn *c = map_get(&by_peer, peer);

		if (!c)
			break;
		id = c->id;
		*ret_fd = c->fd;
	}
	return id;
}

void sockets_delivered(int fd, uint32_t id, size_t n)
{
	with_lock(&lock) {
		struct conn *c = id && (size_t)fd < n_conns ? conns[fd] : NULL;

		if (c && c->id == id)
			let_go_locked(c, n);
	}
}

/* True: this is too much. */
static bool received(int fd, ssize_t n)
{
	bool cut = false;

	with_lock(&lock) {
		struct conn *c = (size_t)fd < n_conns ? conns[fd] : NULL;

		if (!c)
			break;
		if (n <= 0) {
			let_go_locked(c, c->held);
			break;
		}
		leak_locked(c);
		c->held += (uint64_t)n;
		held_by_all += (uint64_t)n;
		cut = c->held > held_max || (held_by_all > ALL_HELD_MAX && c->held > SHARE_LEN);
		if (cut) {
			n_cut++;
			forget_locked(fd);
		}
	}
	return cut;
}

/* ---- in front of libc ---- */

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	static struct log_limiter limiter;
	ssize_t n;

	if (!real_recvmsg)
		sockets_init();
	n = real_recvmsg(fd, msg, flags);
	if ((n < 0 && (errno == EAGAIN || errno == EINTR)) || flags & (MSG_ERRQUEUE | MSG_PEEK))
		return n;
	if (!received(fd, n))
		return n;
	if (log_allow(&limiter, 1))
		log_warn("a client sends more than a request can be, its connection is cut");
	shutdown(fd, SHUT_RDWR);
	return 0;
}

/* Takes one connection off the backlog and closes it. */
static bool refuse_one(int fd)
{
	bool refused = false;

	with_lock(&lock) {
		int s;

		if (spare >= 0)
			close(spare);
		s = real_accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (s >= 0)
			close(s);
		refused = s >= 0;
		n_refused += refused;
		spare = open_spare();
	}
	return refused;
}

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	static struct log_limiter limiter;

	if (!real_accept4)
		sockets_init();
	for (;;) {
		struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
		socklen_t from_len = sizeof from;
		int s = real_accept4(fd, (struct sockaddr *)&from, &from_len, flags);
		int why = errno;

		if (s >= 0) {
			remember(s, &from);
			if (addr) {
				memcpy(addr, &from, MIN(*len, from_len));
				*len = from_len;
			}
			return s;
		}
		if (why == ECONNABORTED || why == EPROTO)
			continue;
		if (why != EMFILE && why != ENFILE && why != ENOBUFS && why != ENOMEM)
			return s;
		if (log_allow(&limiter, 1))
			log_error("a connection is refused for want of resources", "error",
				  strerrordesc_np(why));
		if (!refuse_one(fd)) {
			errno = EAGAIN;
			return -1;
		}
	}
}

/* ---- by force ---- */

static int local_port(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof a;
	int listening = 0;

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return -1;
	len = sizeof listening;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 || listening)
		return -1;
	if (a.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&a)->sin_port);
	if (a.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&a)->sin6_port);
	return -1;
}

/* gRPC does not tell which descriptors are a server's connections; their local port does. */
void sockets_shut_port(int port)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *d;

	while (dir && port && (d = readdir(dir))) {
		int fd = (int)strtol(d->d_name, NULL, 10);

		if (local_port(fd) == port)
			shutdown(fd, SHUT_RDWR);
	}
	if (dir)
		closedir(dir);
}
