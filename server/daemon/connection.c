/* From bytes on a gRPC stream to the protocol engine and back.
 *
 * Whatever happens (a message, a new snapshot, room to send, time) ends in pump(): take the engine's next response, hand
 * it to the transport, until either has no more. One message is on its way at most; meanwhile the engine conflates.
 */
#include "daemon/connection.h"
#include "ads/decode.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/metrics.h"
#include "daemon/model_thread.h"
#include "doc/node.h"
#include "model/proxy.h"
#include "pb/pb.h"
#include <string.h>

enum {
	REQUEST_MAX = 16 << 20,    /* bytes of one request */
	NODE_MEMORY_MAX = 8 << 20, /* of an unpacked Node */
};

struct connections {
	struct lock lock; /* LOCK_CONNECTIONS */
	struct connection *first;
	uint32_t n, last_id;
	struct model_thread *model;
	struct xds_cache *cache;
	struct rpc_method methods[2];
};

struct connection *connection_ref(struct connection *c)
{
	ref_get(&c->ref);
	return c;
}

void connection_unref(struct connection *c)
{
	if (!c || !ref_put(&c->ref))
		return;
	ads_stream_free(c->ads);
	rpc_stream_unref(c->stream);
	lock_fini(&c->lock);
	xfree(c->proxy_id);
	xfree(c->node_id);
	xfree(c->cluster_id);
	xfree(c->istio_version);
	xfree(c->proxy_type);
	xfree(c->ns);
	xfree(c->missing);
	xfree(c);
}

/* ---- sending ---- */

static void release_body(void *body)
{
	body_unref(body);
}

/* The pieces of a body as bodies of the transport; each keeps the whole. */
static bool hand_over(struct connection *c, const struct ads_send *s)
{
	struct rpc_body *bodies[RPC_SLICES_MAX];
	struct rpc_slices slices = { .bodies = bodies,
				     .tail = s->nonce_field,
				     .tail_len = s->nonce_len };
	bool sent;

	for (uint32_t i = 0; i < s->body->n_pieces; i++)
		bodies[slices.n_bodies++] =
			rpc_body_new(s->body->pieces[i].p, s->body->pieces[i].n, release_body,
				     (void *)(uintptr_t)body_ref(s->body));
	sent = rpc_send(c->stream, &slices);
	for (uint32_t i = 0; i < slices.n_bodies; i++)
		rpc_body_unref(bodies[i]);
	return sent;
}

/* Under the connection's lock. */
static void pump(struct connection *c, struct ads_events *ev)
{
	struct ads_send send;

	while (!c->sending && !c->closed && ads_next(c->ads, clock_mono_ns(), &send, ev)) {
		/* Only a stream that is ending refuses: then nothing matters any more. */
		c->sending = hand_over(c, &send);
		metrics_sent(send.type, send.body->total);
		ads_send_fini(&send);
		if (!c->sending)
			break;
	}
	c->deadline_ns = ads_deadline(c->ads, clock_mono_ns());
}

static void count(struct connection *c, const struct ads_events *ev)
{
	for (unsigned t = 0; t < XDS_N; t++) {
		if (ev->n_rejected[t])
			metrics_rejected(c, t, ev->n_rejected[t]);
		if (ev->n_expired[t])
			metrics_expired(t, ev->n_expired[t]);
	}
	if (ev->is_converged)
		metrics_converged(ev->converged_ns);
}

void connection_set_snapshot(struct connection *c, const struct snapshot *s, int64_t changed_ns)
{
	with_lock(&c->lock)
		ads_set_snapshot(c->ads, s, changed_ns);
	rpc_wake(c->stream);
}

static void on_wake(struct rpc_stream *stream)
{
	struct connection *c = rpc_stream_user(stream);
	struct ads_events ev = { 0 };

	with_lock(&c->lock)
		pump(c, &ev);
	count(c, &ev);
}

static void on_sendable(struct rpc_stream *stream)
{
	struct connection *c = rpc_stream_user(stream);
	struct ads_events ev = { 0 };

	with_lock(&c->lock) {
		c->sending = false;
		pump(c, &ev);
	}
	count(c, &ev);
}

void connections_tick(struct connections *all, int64_t now_ns)
{
	struct connection **due = NULL;
	size_t n = 0, cap = 0;

	with_lock(&all->lock)
		for (struct connection *c = all->first; c; c = c->next) {
			bool is_due;

			with_lock(&c->lock)
				is_due = c->joined && c->deadline_ns <= now_ns;
			if (is_due) {
				VEC_ROOM(due, n, cap);
				due[n++] = connection_ref(c);
			}
		}
	for (size_t i = 0; i < n; i++) {
		rpc_wake(due[i]->stream);
		connection_unref(due[i]);
	}
	xfree(due);
}

/* ---- the first message ---- */

static const char *const type_names[] = { "",         "sidecar", "router",
					  "waypoint", "ztunnel", "agentgateway" };

/* What stays of the node lives in `keep`; the message itself, with its hundreds of extensions, goes with `scratch`. */
static bool parse_node(struct arena *scratch, struct arena *keep, const struct ads_request *req,
		       struct proxy_node_text *ret, const char **ret_missing, struct err *e)
{
	struct proxy_node_input in = { 0 };
	Core__Node *node;
	const char **names;

	if (!req->node)
		return err(e, "missing node information");
	node = PB_UNPACK(scratch, Core__Node, req->node, req->node_len, NODE_MEMORY_MAX, e);
	if (!node)
		return err_wrap(e, "node");
	in.id = arena_strdup(keep, node->id);
	in.cluster = arena_strdup(keep, node->cluster);
	if (node->metadata)
		in.metadata = node_copy(keep, pb_struct_to_node(scratch, node->metadata));
	if (node->locality) {
		in.region = arena_strdup(keep, node->locality->region);
		in.zone = arena_strdup(keep, node->locality->zone);
		in.sub_zone = arena_strdup(keep, node->locality->sub_zone);
	}
	if (node->n_extensions) {
		names = arena_array(scratch, const char *, node->n_extensions);
		for (size_t i = 0; i < node->n_extensions; i++)
			names[i] = str_or(node->extensions[i]->name, "");
		in.extensions = names;
		in.n_extensions = (uint32_t)node->n_extensions;
	}
	*ret_missing = proxy_missing_extension(&in);
	return proxy_node_parse(&in, keep, ret, e);
}

static void remember_node(struct connection *c, const struct proxy_node_text *node)
{
	c->node_id = xstrdup(node->id);
	c->proxy_id = xasprintf("%s.%s", node->pod, node->ns);
	c->cluster_id = xstrdup(node->cluster_id);
	c->istio_version = xstrdup(str_or(node->version_text, ""));
	c->proxy_type = xstrdup(node->type < ARRAY_LEN(type_names) ? type_names[node->type] : "");
	c->ns = xstrdup(node->ns);
}

static bool join(struct connection *c, struct arena *a, const struct ads_request *req,
		 struct err *e)
{
	cleanup(arena_fini) struct arena keep = ARENA_INIT;
	struct proxy_node_text node = { 0 };

	const char *missing = NULL;

	if (!parse_node(a, &keep, req, &node, &missing, e))
		return false;
	with_lock(&c->lock) {
		remember_node(c, &node);
		c->missing = missing ? xstrdup(missing) : NULL;
		c->joined = true;
	}
	metrics_connected(c, +1);
	log_info("proxy connected", "proxy", c->proxy_id, "node", c->node_id, "version",
		 c->istio_version, "peer", c->peer);
	/* Fail closed: a proxy that cannot do what it would be told gets nothing, and its status says why. */
	if (missing)
		log_error("proxy lacks an extension and is sent nothing", "proxy", c->proxy_id,
			  "extension", missing);
	else
		model_post_join(c->all->model, c, &keep, &node);
	return true;
}

/* ---- the stream ---- */

static void open_stream(struct rpc_stream *stream, enum xds_protocol protocol)
{
	struct connections *all = rpc_stream_method(stream)->service;
	struct connection *c = xcalloc(1, sizeof *c);

	ref_init(&c->ref);
	lock_init(&c->lock, LOCK_CONNECTION);
	c->stream = rpc_stream_ref(stream);
	c->all = all;
	c->deadline_ns = INT64_MAX;
	c->connected_wall_ns = clock_wall_ns();
	rpc_stream_peer(stream, c->peer);
	with_lock(&all->lock) {
		c->id = ++all->last_id;
		c->next = all->first;
		if (c->next)
			c->next->prev = c;
		all->first = c;
		all->n++;
	}
	c->ads = ads_stream_new(all->cache, protocol, c->id, clock_mono_ns());
	rpc_stream_drop_metadata(stream);
	rpc_stream_set_user(stream, c);
}

static void on_open_sotw(struct rpc_stream *stream)
{
	open_stream(stream, XDS_SOTW);
}

static void on_open_delta(struct rpc_stream *stream)
{
	open_stream(stream, XDS_DELTA);
}

static void on_request(struct rpc_stream *stream, enum xds_protocol protocol, const void *bytes,
		       size_t len)
{
	struct connection *c = rpc_stream_user(stream);
	struct arena arena = ARENA_INIT;
	struct ads_request req;
	struct ads_events ev = { 0 };
	struct err e = ERR_INIT;
	bool ok = ads_decode(&arena, protocol, bytes, len, &req, &e);

	if (ok && !c->joined)
		ok = join(c, &arena, &req, &e);
	if (ok)
		with_lock(&c->lock) {
			ok = ads_request(c->ads, &req, clock_mono_ns(), &ev, &e);
			if (ok)
				pump(c, &ev);
		}
	count(c, &ev);
	if (!ok) {
		log_warn("ending xDS stream", "proxy", str_or(c->proxy_id, ""), "peer", c->peer,
			 "reason", e.text);
		rpc_stream_finish(stream, RPC_INVALID_ARGUMENT, e.text);
	}
	arena_fini(&arena);
}

static void on_message_sotw(struct rpc_stream *stream, const void *bytes, size_t len)
{
	on_request(stream, XDS_SOTW, bytes, len);
}

static void on_message_delta(struct rpc_stream *stream, const void *bytes, size_t len)
{
	on_request(stream, XDS_DELTA, bytes, len);
}

static void on_half_close(struct rpc_stream *stream)
{
	rpc_stream_finish(stream, RPC_OK, "");
}

static void on_close(struct rpc_stream *stream, enum rpc_code code)
{
	struct connection *c = rpc_stream_user(stream);
	struct connections *all = c->all;

	with_lock(&c->lock)
		c->closed = true;
	with_lock(&all->lock) {
		*(c->prev ? &c->prev->next : &all->first) = c->next;
		if (c->next)
			c->next->prev = c->prev;
		all->n--;
	}
	if (c->joined) {
		metrics_connected(c, -1);
		log_info("proxy disconnected", "proxy", c->proxy_id, "status", rpc_code_name(code));
		model_post_leave(all->model, c);
	}
	connection_unref(c);
}

#define ADS_SERVICE "/envoy.service.discovery.v3.AggregatedDiscoveryService/"

struct connections *connections_new(struct model_thread *model, struct xds_cache *cache)
{
	struct connections *all = xcalloc(1, sizeof *all);
	struct rpc_method row = {
		.kind = RPC_BIDI,
		.max_message_len = REQUEST_MAX,
		.service = all,
		.on_wake = on_wake,
		.on_sendable = on_sendable,
		.on_half_close = on_half_close,
		.on_close = on_close,
	};

	lock_init(&all->lock, LOCK_CONNECTIONS);
	all->model = model;
	all->cache = cache;
	all->methods[0] = all->methods[1] = row;
	all->methods[0].path = ADS_SERVICE "StreamAggregatedResources";
	all->methods[0].on_open = on_open_sotw;
	all->methods[0].on_message = on_message_sotw;
	all->methods[1].path = ADS_SERVICE "DeltaAggregatedResources";
	all->methods[1].on_open = on_open_delta;
	all->methods[1].on_message = on_message_delta;
	return all;
}

void connections_free(struct connections *all)
{
	if (!all)
		return;
	lock_fini(&all->lock);
	xfree(all);
}

const struct rpc_method *connections_methods(struct connections *all, uint32_t *ret_n)
{
	*ret_n = ARRAY_LEN(all->methods);
	return all->methods;
}

struct connection **connections_list(struct connections *all, uint32_t *ret_n)
{
	struct connection **v = NULL;
	uint32_t n = 0;

	with_lock(&all->lock) {
		v = xcalloc(all->n, sizeof *v);
		for (struct connection *c = all->first; c; c = c->next)
			v[n++] = connection_ref(c);
	}
	/* The list is newest first. */
	for (uint32_t i = 0; i < n / 2; i++) {
		struct connection *c = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = c;
	}
	*ret_n = n;
	return v;
}
