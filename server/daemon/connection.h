/* daemon/connection.h
 * One xDS stream: the transport's stream, the protocol engine's, and the proxy behind it.
 *
 * Three parties hold references: the transport (from open to close), the model thread (from join to leave) and whoever
 * lists connections. The protocol state is under the connection's lock.
 */
#pragma once
#include "ads/ads.h"
#include "base/lock.h"
#include "base/ref.h"
#include "rpc/rpc.h"

struct engine_proxy;
struct model_thread;

struct connection {
	struct ref ref;
	uint32_t id;
	struct rpc_stream
		*stream; /* a reference: the model thread may wake it after it has closed */
	struct connections *all;

	/* The model thread's alone. */
	struct engine_proxy *proxy;

	/* Constant once `joined` is set (under the lock). Strings are the connection's. */
	char *proxy_id; /* "pod.ns" */
	char *node_id, *cluster_id, *istio_version, *proxy_type, *ns;
	char *missing; /* mandatory extensions that the proxy lacks; NULL: none */
	char peer[RPC_PEER_TEXT];
	int64_t connected_wall_ns;

	struct lock lock; /* LOCK_CONNECTION, of the rest */
	struct ads_stream *ads;
	bool joined, sending, closed;
	int64_t deadline_ns; /* when time alone makes something due; INT64_MAX: never */

	struct connection *prev, *next; /* in the list, under its lock */
};

/* All open connections. */
struct connections;
struct connections *connections_new(struct model_thread *, struct xds_cache *);
void connections_free(struct connections *);
/* The rows of the service table; *ret_n of them. */
const struct rpc_method *connections_methods(struct connections *, uint32_t *ret_n);
/* References of all that are open now, by id; yours: connection_unref each, xfree the array. */
struct connection **connections_list(struct connections *, uint32_t *ret_n);
/* Sends what time alone makes due; call it every 50 ms or so. */
void connections_tick(struct connections *, int64_t now_ns);

struct connection *connection_ref(struct connection *);
void connection_unref(struct connection *);
/* The class of the proxy has this snapshot now: gives it to the protocol engine and wakes the sender. Model thread. */
void connection_set_snapshot(struct connection *, const struct snapshot *, int64_t changed_ns);
