/* The world of model tests. Code under test runs as query Q_HARNESS, one key a callback; the callback of the moment is
 * looked up by the key in a table here, so callbacks need not be queries themselves.
 */
#include "harness.h"
#include "base/buf.h"
#include "base/err.h"
#include "doc/read.h"
#include "model/discovery.h"
#include "model/mesh.h"
#include "model/options.h"
#include "schema/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { Q_HARNESS = Q_MODEL_END, MAX_CALLS = 256 };

struct call {
	harness_fn *fn;
	void *ctx;
	uint32_t key, proxy, binding;
	struct scope *scope;
	bool is_bound;
};
struct harness {
	struct world *world;
	struct scope *nobody;
	struct call calls[MAX_CALLS];
	uint32_t n_calls;
	unsigned n_runs;
	struct proxy_facts facts;
	struct buf problems;
	const struct query *queries[Q_HARNESS + 1];
};
static struct harness *current;

static void run_call(struct run *run, uint32_t key)
{
	for (uint32_t i = 0; i < current->n_calls; i++) {
		if (current->calls[i].key != key)
			continue;
		current->n_runs++;
		current->calls[i].fn(run, current->calls[i].ctx);
	}
}

static const struct query harness_query = { "harness", RESULT_BYTES, 15, false, run_call, false };

/* Settings that have no effect are let pass: they may be what a test is not about. */
static void check_clean(struct diag *diag, const char *what)
{
	char line[512];
	bool clean = true;

	for (uint32_t i = 0; i < diag->n; i++) {
		if (str_starts(diag->v[i].reason, "no effect: "))
			continue;
		diag_print(&diag->v[i], line, sizeof line);
		printf("in the %s of a test: %s\n", what, line);
		clean = false;
	}
	CHECK(clean);
	diag_fini(diag);
}

static void put_item(void *ctx, const struct node *item)
{
	struct harness *h = ctx;
	struct diag diag = DIAG_INIT;
	const struct object *obj;

	if (object_decode(item, &(struct decode_opts){ 0 }, &obj, &diag) == DECODE_OK)
		world_put(h->world, obj);
	else
		diag_error(&diag, item->place, "", "no object");
	check_clean(&diag, "objects");
}

void harness_put(struct harness *h, const char *objects)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	struct docs docs;

	yaml_read(objects, strlen(objects), "test.yaml", &a, &docs, &diag);
	check_clean(&diag, "YAML");
	for (uint32_t i = 0; i < docs.n; i++)
		object_each(docs.v[i], put_item, h);
}

void harness_delete(struct harness *h, unsigned kind, const char *ns, const char *name)
{
	CHECK(world_delete(h->world, kind, ns, name));
}

static const struct node *read_one(const char *yaml, struct arena *a)
{
	struct diag diag = DIAG_INIT;
	struct docs docs = { 0 };

	if (yaml)
		yaml_read(yaml, strlen(yaml), "mesh.yaml", a, &docs, &diag);
	check_clean(&diag, "mesh config");
	return docs.n ? docs.v[0] : NULL;
}

void harness_mesh(struct harness *h, const char *yaml)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct diag diag = DIAG_INIT;

	CHECK(mesh_config_set(h->world, read_one(yaml, &a), &diag));
	check_clean(&diag, "mesh config");
}

void harness_networks(struct harness *h, const char *yaml)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct diag diag = DIAG_INIT;

	CHECK(mesh_networks_set(h->world, read_one(yaml, &a), &diag));
	check_clean(&diag, "mesh networks");
}

static void setup_options(void)
{
	static struct model_options options = {
		.domain = "cluster.local",
		.system_namespace = "istio-system",
		.cluster_id = "Kubernetes",
	};
	struct diag diag = DIAG_INIT;

	features_load(&options.features, NULL, &diag);
	check_clean(&diag, "features");
	model_setup(&options);
}

struct harness *harness_new(const char *objects, const char *mesh)
{
	struct harness *h = xcalloc(1, sizeof *h);
	struct world_tables tables = {
		.door = DISCOVERY_DOOR,
		.indexes = model_indexes,
		.n_indexes = model_n_indexes,
		.n_cell_kinds = CELL_COUNT,
		.queries = h->queries,
		.n_queries = Q_HARNESS + 1,
		.answer = proxy_answer,
		.value_title = model_value_title,
	};

	setup_options();
	for (unsigned i = 0; i < Q_MODEL_END; i++)
		h->queries[i] = &model_queries[i];
	h->queries[Q_HARNESS] = &harness_query;
	h->world = world_new(&tables);
	h->nobody = graph_scope(world_graph(h->world), NULL, 0);
	harness_mesh(h, mesh);
	if (objects)
		harness_put(h, objects);
	return h;
}

void harness_free(struct harness *h)
{
	harness_commit(h);
	for (uint32_t i = 0; i < h->n_calls; i++) {
		graph_unbind(world_graph(h->world), h->calls[i].binding);
		scope_unref(world_graph(h->world), h->calls[i].scope);
	}
	scope_unref(world_graph(h->world), h->nobody);
	mesh_free(h->world);
	world_free(h->world);
	buf_fini(&h->problems);
	xfree(h);
}

struct world *harness_world(struct harness *h)
{
	return h->world;
}

static void ignore_change(void *ctx, void *owner, uint32_t binding, const struct result *now)
{
}

static void commit(struct harness *h)
{
	current = h;
	CHECK(graph_commit(world_graph(h->world), 0, ignore_change, NULL));
}

const struct proxy_facts *harness_facts(struct harness *h, uint32_t proxy)
{
	const struct result *r;
	uint32_t binding;
	bool known;

	commit(h);
	binding = graph_bind(world_graph(h->world), h->nobody, Q_PROXY_FACTS, proxy, NULL);
	r = graph_bound(world_graph(h->world), binding);
	known = r->n == sizeof h->facts;
	if (known)
		memcpy(&h->facts, r->bytes, sizeof h->facts);
	graph_unbind(world_graph(h->world), binding);
	return known ? &h->facts : NULL;
}

const char *harness_text(struct harness *h, uint32_t key)
{
	return key ? key_text(world_keys(h->world), key) : "";
}

/* Binds the call for what its proxy is now; false if it is so bound already. */
static bool bind_call(struct harness *h, struct call *c)
{
	const struct proxy_facts *f = c->proxy ? harness_facts(h, c->proxy) : NULL;
	struct scope *scope = graph_scope(world_graph(h->world), f, f ? sizeof *f : 0);

	if (c->is_bound && scope == c->scope) {
		scope_unref(world_graph(h->world), scope);
		return false;
	}
	if (c->is_bound) {
		graph_unbind(world_graph(h->world), c->binding);
		scope_unref(world_graph(h->world), c->scope);
	}
	current = h;
	c->scope = scope;
	c->binding = graph_bind(world_graph(h->world), scope, Q_HARNESS, c->key, NULL);
	return c->is_bound = true;
}

void harness_watch(struct harness *h, uint32_t proxy, harness_fn *fn, void *ctx)
{
	struct call *c = &h->calls[h->n_calls++];
	char name[32];

	CHECK(h->n_calls <= MAX_CALLS);
	commit(h);
	snprintf(name, sizeof name, "call %u", h->n_calls);
	*c = (struct call){ fn, ctx, key_str(world_keys(h->world), name), proxy, 0, NULL, false };
	bind_call(h, c);
}

void harness_run(struct harness *h, uint32_t proxy, harness_fn *fn, void *ctx)
{
	struct call *c = &h->calls[h->n_calls];

	harness_watch(h, proxy, fn, ctx);
	graph_unbind(world_graph(h->world), c->binding);
	scope_unref(world_graph(h->world), c->scope);
	h->n_calls--;
}

unsigned harness_commit(struct harness *h)
{
	h->n_runs = 0;
	commit(h);
	for (uint32_t i = 0; i < h->n_calls; i++)
		bind_call(h, &h->calls[i]);
	return h->n_runs;
}

static void add_problems(void *ctx, unsigned query, uint32_t key, const struct diag *diag)
{
	struct harness *h = ctx;
	char line[512];

	for (uint32_t i = 0; i < diag->n; i++) {
		diag_print(&diag->v[i], line, sizeof line);
		buf_printf(&h->problems, "%s\n", line);
	}
}

const char *harness_problems(struct harness *h)
{
	commit(h);
	buf_reset(&h->problems);
	graph_problems(world_graph(h->world), add_problems, h);
	return buf_str(&h->problems);
}

/* ---- proxies ---- */

static const char *const *extension_list(const struct node *list, struct arena *a)
{
	const char **v = list ? arena_array(a, const char *, list->n) : NULL;

	for (uint32_t i = 0; list && i < list->n; i++)
		v[i] = str_or(node_str(list->seq[i], "name"), "");
	return v;
}

uint32_t harness_proxy(struct harness *h, const char *json)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	const struct node *n = json_read(json, strlen(json), "node.json", &a, &diag);
	const struct node *locality = node_get(n, "locality"), *list = node_get(n, "extensions");
	struct proxy_node_input in = {
		.id = node_str(n, "id"),
		.cluster = node_str(n, "cluster"),
		.region = node_str(locality, "region"),
		.zone = node_str(locality, "zone"),
		.sub_zone = node_str(locality, "subZone"),
		.metadata = node_get(n, "metadata"),
		.extensions = extension_list(list, &a),
		.n_extensions = list ? list->n : 0,
	};
	struct proxy_node_text t;
	struct err e = ERR_INIT;

	check_clean(&diag, "node");
	if (!CHECK(proxy_node_parse(&in, &a, &t, &e))) {
		printf("%s\n", e.text);
		return 0;
	}
	return proxy_put(h->world, &t);
}

uint32_t harness_sidecar(struct harness *h, const char *pod, const char *ns, const char *ip)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;

	return harness_proxy(
		h, arena_printf(&a,
				"{\"id\": \"sidecar~%s~%s.%s~%s.svc.cluster.local\", \"metadata\": "
				"{\"NAMESPACE\": \"%s\", \"CLUSTER_ID\": \"Kubernetes\"}}",
				ip, pod, ns, ns, ns));
}
