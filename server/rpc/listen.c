/* Listeners: what may be written as an address, and binding it. gRPC says no more than "0" when it cannot bind, so the
 * reason is found by trying the same once more. */
#include "rpc/listen.h"
#include "base/ip.h"
#include <arpa/inet.h>
#include <errno.h>
#include <grpc/grpc_security.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ADDRESS_MAX = 128 };
struct address {
	char host[ADDRESS_MAX]; /* an IP, or empty: any */
	bool v6;
	uint16_t port;
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

	if (!colon || !parse_port(colon + 1, &a->port))
		return err(e, "listen on %s: not IP:PORT", s);
	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
		a->v6 = true;
	}
	if (len >= ADDRESS_MAX)
		return err(e, "listen on %s: not IP:PORT", s);
	memcpy(a->host, host, len);
	a->host[len] = '\0';
	if (str_eq(a->host, "localhost"))
		snprintf(a->host, sizeof a->host, "127.0.0.1");
	if (a->v6 ? !ip_is_v6(a->host) : len && !ip_is_v4(a->host))
		return err(e, "listen on %s: %s is not an IP address", s, a->host);
	return true;
}

/* Why binding failed, as errno; 0 if it works now. */
static int bind_errno(const struct address *a)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(a->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port) };
	int fd = socket(a->v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc, on = 1;

	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (a->v6)
		inet_pton(AF_INET6, a->host, &v6.sin6_addr);
	else if (a->host[0])
		inet_pton(AF_INET, a->host, &v4.sin_addr);
	rc = a->v6 ? bind(fd, (const struct sockaddr *)&v6, sizeof v6)
		   : bind(fd, (const struct sockaddr *)&v4, sizeof v4);
	rc = rc < 0 || listen(fd, 1) < 0 ? errno : 0;
	close(fd);
	return rc;
}

/* The place for TLS: credentials whose certificates a fetcher supplies. */
static grpc_server_credentials *credentials(const struct rpc_listener *l)
{
	return grpc_insecure_server_credentials_create();
}

bool listen_add(grpc_server *server, const struct rpc_listener *l, int *ret_port, struct err *e)
{
	grpc_server_credentials *creds;
	struct address a = { .port = 0 };
	char target[ADDRESS_MAX + 16];
	bool is_unix = str_starts(l->address, "unix:");
	int port;

	if (!is_unix) {
		if (!parse(l->address, &a, e))
			return false;
		snprintf(target, sizeof target, "[%s]:%u", a.host[0] ? a.host : "::", a.port);
		if (a.host[0] && !a.v6)
			snprintf(target, sizeof target, "%s:%u", a.host, a.port);
	}
	creds = credentials(l);
	port = grpc_server_add_http2_port(server, is_unix ? l->address : target, creds);
	grpc_server_credentials_release(creds);
	if (port <= 0) {
		int why = is_unix ? 0 : bind_errno(&a);

		return err(e, "listen on %s: %s", l->address,
			   why ? strerror(why) : "gRPC cannot bind it");
	}
	*ret_port = is_unix ? 0 : port;
	return true;
}
