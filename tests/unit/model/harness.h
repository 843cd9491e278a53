/* tests/unit/model/harness.h
 * Small worlds for tests of the model: objects and mesh config from YAML, proxies from node JSON, and code that runs as
 * a query, so that what it reads and asks is recorded as in the daemon.
 *
 * What a test writes is taken to be well formed: a problem in it fails the test with its text.
 */
#pragma once
#include "model/proxy.h"
#include "model/queries.h"
#include "test.h"
#include "types.h"
#include "world/world.h"

struct harness;

/* `mesh`: MeshConfig YAML; NULL: defaults. `objects` may be NULL. */
struct harness *harness_new(const char *objects, const char *mesh);
void harness_free(struct harness *);
struct world *harness_world(struct harness *);

/* Edits take effect with the next run, facts or commit. */
void harness_put(struct harness *, const char *objects); /* documents between "---" lines */
void harness_delete(struct harness *, unsigned kind, const char *ns, const char *name);
void harness_mesh(struct harness *, const char *yaml);
void harness_networks(struct harness *, const char *yaml);

/* A node message as protojson: id, cluster, locality { region zone subZone }, metadata, extensions [{ name }].
 * Returns the proxy's key. */
uint32_t harness_proxy(struct harness *, const char *node_json);
/* A plain sidecar "sidecar~<ip>~<pod>.<ns>~<ns>.svc.cluster.local" with NAMESPACE, CLUSTER_ID and no labels. */
uint32_t harness_sidecar(struct harness *, const char *pod, const char *ns, const char *ip);
/* NULL: no such proxy. Lives until the next call. */
const struct proxy_facts *harness_facts(struct harness *, uint32_t proxy);
const char *harness_text(struct harness *, uint32_t key); /* of a string key; "" for 0 */

/* Runs fn once, in a query of its own for that proxy (0: nobody asks, every answer is 0). */
typedef void harness_fn(struct run *, void *ctx);
void harness_run(struct harness *, uint32_t proxy, harness_fn *, void *ctx);
/* Runs fn now, and again in each commit after something changed that it read or asked. ctx must live on. */
void harness_watch(struct harness *, uint32_t proxy, harness_fn *, void *ctx);
/* Commits; returns how often watched functions ran in it. Answers that change since the proxy became another count. */
unsigned harness_commit(struct harness *);
/* Problems that queries reported, as text in one line each; lives until the next call. */
const char *harness_problems(struct harness *);
