/* accept4() of the whole program, in front of libc's. gRPC 1.51 gives a listener up for ever when accepting fails for
 * want of file descriptors (spec/grpc.md, trap 4). Here such a connection is taken with a spare descriptor and closed,
 * so that the client sees an end and the listener lives; what cannot be helped becomes EAGAIN, upon which gRPC waits
 * for the next event.
 *
 * The symbol has to be visible to shared libraries, which the linker sees to as long as libgrpc is on its line. */
#include "rpc/internal.h"
#include "base/log.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int (*real_accept4)(int, struct sockaddr *, socklen_t *, int);
static struct lock lock = LOCK_INIT(LOCK_RPC_LIMITER);
static int spare = -1; /* under the lock, as is: */
static uint64_t n_refused;

static int open_spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void accept4_init(void)
{
	union {
		void *p;
		int (*fn)(int, struct sockaddr *, socklen_t *, int);
	} found = { dlsym(RTLD_NEXT, "accept4") };

	real_accept4 = found.fn;
	with_lock(&lock) {
		if (spare < 0)
			spare = open_spare();
	}
}

uint64_t accept4_refused(void)
{
	uint64_t n = 0;

	with_lock(&lock)
		n = n_refused;
	return n;
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

int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	static struct log_limiter limiter;

	if (!real_accept4)
		accept4_init();
	for (;;) {
		int s = real_accept4(fd, addr, len, flags);
		int why = errno;

		if (s >= 0)
			return s;
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
void accept4_shut_port(int port)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *d;

	if (!dir || !port) {
		if (dir)
			closedir(dir);
		return;
	}
	while ((d = readdir(dir))) {
		int fd = (int)strtol(d->d_name, NULL, 10);

		if (local_port(fd) == port)
			shutdown(fd, SHUT_RDWR);
	}
	closedir(dir);
}
