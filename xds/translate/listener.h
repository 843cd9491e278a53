/* translate/listener.h
 * Outbound listeners of sidecars: chains of services on a bind and port, how several services share one, and the finished
 * message (translation.md 4.1, 4.8).
 */
#pragma once
#include "model/scope.h"
#include "translate/hcm.h"

/* An outbound listener under construction. */
struct outbound {
	struct run *r;
	struct arena *a;
	const struct wrapper *wrapper;
	const char *bind; /* address, or "unix://..." with port 0 */
	uint16_t port;
	bool wildcard; /* bind is the wildcard address */
	bool real_bind;
	enum protocol held;  /* of what is in it so far: HTTP, TCP or AUTO; UDP: nothing yet */
	enum protocol first; /* of the port that came first */
	Listener__FilterChain **chains;
	uint32_t n_chains, c_chains;
};
void outbound_init(struct outbound *, struct run *, const struct wrapper *, const char *bind,
		   uint16_t port);
/* Adds the chains of one service port, by the conflict rules. listen: number and protocol of the listener's port. cidrs:
 * destination ranges that stand for the service, or none. */
void outbound_add(struct outbound *, const struct service *, enum protocol listen,
		  const char *const *cidrs, uint32_t n_cidrs);
/* Emits it; nothing if it has no chain. */
void outbound_emit(struct outbound *);

/* Chains of a TCP-class or sniffed port, in order (listener_tcp.c). */
void outbound_tcp_chains(struct outbound *, const struct service *, enum protocol listen,
			 const char *const *cidrs, uint32_t n_cidrs, Listener__FilterChain ***v,
			 uint32_t *n, uint32_t *cap);

/* Does the port need a bind-to-port listener in this wrapper? */
bool wrapper_binds(struct run *, const struct wrapper *);
/* Ports that are never bound on the wildcard address: Envoy's own (4.8). */
bool port_is_reserved(struct run *, uint16_t port);
/* The listener's fields that follow from chains: inspectors, time-out, default chain. */
Listener__FilterChain *passthrough_chain(struct run *);
/* The catch-all filters of virtualOutbound and of listeners without a match-all chain, appended. */
void catch_all_add(struct run *, Listener__FilterChain *);
Google__UInt32Value *accept_limit(struct run *);
Listener__ListenerFilter *listener_filter(struct arena *, const char *name, Google__Any *config);
