/* translate/rds.h
 * Route configurations of sidecars: which there are and how they are put together (translation.md 5.1). Keys are interned
 * names of route configurations; what a name means is worked out again where it is needed.
 */
#pragma once
#include "pb/pb.h"
#include "world/graph.h"

struct rc {
	uint16_t port;       /* 0: all ports */
	uint32_t wrapper;    /* index of the egress listener that it belongs to; 0: none */
	const char *sniffed; /* the one host of a "host:port" configuration; NULL: all hosts */
};
struct rc rc_of(struct run *, uint32_t name);

enum { RC_VIRTUAL_HOSTS = 2 }; /* number of the field */
/* Does each virtual host tell servers how often a request was tried? */
bool vhost_counts_attempts(struct run *);
struct lone_host;
struct route_context;
/* Does the VirtualService yield routes for this proxy and port? Else it has no virtual host, and the next one with the host
 * may have it. */
bool vhost_lone_has_routes(const struct route_context *, const struct lone_host *);
/* Appends a virtual host to the result as a field of RouteConfiguration. */
void vhost_emit(struct run *, Route__VirtualHost *);

/* The queries; keys as said at each. */
void vhost_service_run(struct run *, uint32_t key);
void vhost_lone_run(struct run *, uint32_t key);
void vhost_catch_all_run(struct run *, uint32_t name);
void rds_ports_run(struct run *, uint32_t key);
void rc_ns_run(struct run *, uint32_t key);
void rc_run(struct run *, uint32_t name);
void rds_run(struct run *, uint32_t key);
