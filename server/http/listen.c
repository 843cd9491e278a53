/* Listening sockets of our own, so that what may be written as an address is the same everywhere in the daemon and a port
 * chosen by the kernel can be read back. Every address is one IPv6 socket that takes IPv4 too, or an IPv4 socket where
 * there is no IPv6. */
#include "http/listen.h"
#include "base/ip.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_MAX = 64, BACKLOG = 512 };

struct address {
	char host[HOST_MAX]; /* an IP; "": any */
	uint16_t port;
};
union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool parse_port(const char *s, uint16_t *ret)
{
	char *end;
	unsigned long v;

	if (*s < '0' || *s > '9')
		return false;
	v = strtoul(s, &end, 10);
	if (*end || v > UINT16_MAX)
		return false;
	*ret = (uint16_t)v;
	return true;
}

static bool parse(const char *s, struct address *a, struct err *e)
{
	const char *colon = strrchr(s, ':'), *host = s;
	size_t len = colon ? (size_t)(colon - s) : 0;
	bool brackets;

	if (!colon || !parse_port(colon + 1, &a->port))
		return err(e, "not IP:PORT");
	brackets = len >= 2 && host[0] == '[' && host[len - 1] == ']';
	if (brackets) {
		host++;
		len -= 2;
	}
	if (len >= sizeof a->host)
		return err(e, "not IP:PORT");
	memcpy(a->host, host, len);
	a->host[len] = '\0';
	if (str_eq(a->host, "localhost"))
		snprintf(a->host, sizeof a->host, "127.0.0.1");
	if (brackets ? !ip_is_v6(a->host) : len && !ip_is_v4(a->host))
		return err(e, "%s is not an IP address", a->host);
	return true;
}

static socklen_t socket_address(const struct address *a, bool v6, union socket_address *ret)
{
	memset(ret, 0, sizeof *ret);
	if (v6) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(a->port);
		if (a->host[0])
			inet_pton(AF_INET6, a->host, &ret->v6.sin6_addr);
		return sizeof ret->v6;
	}
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons(a->port);
	if (a->host[0])
		inet_pton(AF_INET, a->host, &ret->v4.sin_addr);
	return sizeof ret->v4;
}

/* A bound and listening socket, or -1 with errno. */
static int open_socket(const struct address *a, bool v6)
{
	union socket_address sa;
	socklen_t len = socket_address(a, v6, &sa);
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
	    on = 1, off = 0, why;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (v6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, a->host[0] ? &on : &off, sizeof on);
	if (!bind(fd, &sa.any, len) && !listen(fd, BACKLOG))
		return fd;
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

static uint16_t bound_port(int fd)
{
	union socket_address sa;
	socklen_t len = sizeof sa;

	memset(&sa, 0, sizeof sa);
	getsockname(fd, &sa.any, &len);
	return ntohs(sa.any.sa_family == AF_INET6 ? sa.v6.sin6_port : sa.v4.sin_port);
}

bool listen_open(const char *address, int *ret_fd, uint16_t *ret_port, struct err *e)
{
	struct address a = { .port = 0 };
	int fd;

	if (!parse(address, &a, e))
		return err_wrap(e, "listen on %s", address);
	fd = open_socket(&a, !a.host[0] || strchr(a.host, ':'));
	if (fd < 0 && !a.host[0] && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		fd = open_socket(&a, false);
	if (fd < 0)
		return err(e, "listen on %s: %m", address);
	*ret_fd = fd;
	*ret_port = bound_port(fd);
	return true;
}
