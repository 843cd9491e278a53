/* translate/engine.h
 * The whole of the mesh as one machine: objects and proxies go in, snapshots come out. The daemon drives it from its
 * model thread, the command line from main.
 *
 * A proxy's facts are a query result (model/proxy.h); proxies with equal facts are one class, with one scope, one binding
 * per type and one snapshot. A class lingers for a minute after its last proxy has left, for proxies reconnect.
 *
 * Owned by one thread. Snapshots may be kept by any.
 */
#pragma once
#include "model/proxy.h"
#include "schema/object.h"
#include "snapshot/snapshot.h"

struct engine;
struct engine_proxy;
struct world;

struct engine *engine_new(void); /* model_setup has been called */
void engine_free(struct engine *);
struct world *engine_world(struct engine *);
struct xds_cache *engine_cache(struct engine *);

/* MeshConfig and MeshNetworks documents (NULL: the defaults). False: nothing has changed, see diag. */
bool engine_set_mesh(struct engine *, const struct node *doc, struct diag *);
bool engine_set_networks(struct engine *, const struct node *doc, struct diag *);

/* A proxy joins; its snapshot is there at once. No edit may be uncommitted. `owner` comes back in engine_changed_fn.
 * NULL: refused, there are too many different PROXY_CONFIGs. */
struct engine_proxy *engine_join(struct engine *, const struct proxy_node_text *, void *owner);
void engine_leave(struct engine *, struct engine_proxy *);
const struct snapshot *engine_snapshot(
	const struct engine_proxy *); /* borrowed until the next commit */
void *engine_owner(const struct engine_proxy *);

/* Ends an edit: brings all snapshots up to date and reports each proxy that has another one than before. With a deadline
 * (monotonic ns; 0: none) it may stop early and return false: call again, also with further edits. */
typedef void engine_changed_fn(void *ctx, void *owner, const struct snapshot *now);
bool engine_commit(struct engine *, int64_t deadline_ns, engine_changed_fn *, void *ctx);
/* Lets go of classes and cached encodings that nobody has used for a while; about once a second. */
void engine_tick(struct engine *, int64_t mono_ns);

/* Builds everything anew, from the objects in another order, and compares each class byte for byte; checks the graph's
 * invariants. False: the first difference is in e. */
bool engine_verify(struct engine *, struct err *e) must_check;

/* ---- provenance ---- */
/* The objects that a resource of the proxy was built from, each once, sorted by kind, namespace, name. */
typedef void engine_object_fn(void *ctx, const struct object *);
bool engine_explain(struct engine *, const struct engine_proxy *, enum xds_type,
		    const char *resource, engine_object_fn *, void *ctx);

/* The problems that queries found on the way to what the proxy is sent, in no particular order, perhaps one more than
 * once. Proxies of equal engine_class have the same. */
void engine_problems(struct engine *, const struct engine_proxy *, problem_fn *, void *ctx);
const void *engine_class_of(const struct engine_proxy *);
/* The hosts with endpoints that a namespace declares, each as a JSON object (translate/shards.h). No edit may be
 * uncommitted. */
typedef void engine_shards_fn(void *ctx, const char *host, const char *json, size_t len);
void engine_shards(struct engine *, const char *ns, engine_shards_fn *, void *ctx);

struct engine_stats {
	uint32_t n_proxies, n_classes;
	size_t bookkeeping_bytes, result_bytes;
};
void engine_stats(struct engine *, struct engine_stats *ret);
