/* tests/envoy/peer.h
 * What the files of `peer` share: blocking sockets, a target, and one connection to it. Each connection belongs to the
 * thread that opened it.
 */
#pragma once
#include "base/lang.h"
#include <netinet/in.h>
#include <nghttp2/nghttp2.h>
#include <sys/types.h>

enum { PEER_HEAD_MAX = 16 << 10, PEER_WHAT_MAX = 64 };

struct peer_connection;
/* Sends one request and waits for its answer. Writes who answered into `what`, or why nobody did and returns false. */
typedef bool peer_ask_fn(struct peer_connection *, char *what);

struct peer_target {
	struct sockaddr_in address;
	char authority[256], path[128];
	bool by_proxy, grpc;
	peer_ask_fn *ask;
	int64_t pause_ns; /* between the beginnings of two requests of a connection */
};
struct peer_connection {
	const struct peer_target *target;
	int fd;       /* -1: closed */
	bool used_up; /* no further request on this connection */
	struct peer_h2 *h2;
};

bool peer_write(int fd, const void *, size_t n); /* all of it */
ssize_t peer_read(int fd, void *, size_t n);     /* as recv */
void peer_serve_h2(int fd, const char *name);    /* until the client goes */
peer_ask_fn peer_ask_h2;
void peer_close_h2(struct peer_connection *);
