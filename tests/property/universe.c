/* Which slots there are, and the way from text to the engine: through the readers and decoders of real files. */
#include "tests/property/universe.h"
#include "doc/read.h"
#include "tests/property/mesh.h"
#include "types.h"
#include "world/world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 20 };
struct slot_row {
	const char *title;
	enum slot_kind kind;
	unsigned object_kind;
	unsigned weight; /* how often it is edited */
	unsigned gone;   /* tenths of the edits of what is there take it away */
	unsigned
		kin; /* 0: slots have nothing in common at first; else in how many genes they differ */
	make_fn *make;
	const char *names[MAX_NAMES]; /* "ns/name" */
};
#define PODS(ns) ns "/p0", ns "/p1", ns "/p2", ns "/p3"

static const struct slot_row rows[] = {
	{ "Service",
	  SLOT_OBJECT,
	  KIND_SERVICE,
	  6,
	  2,
	  60,
	  make_service,
	  { "app/web", "app/api", "data/web", "data/db", "zoo/web", "zoo/hl", "lab/ext", "lab/gw",
	    "istio-system/gw", "istio-system/web" } },
	{ "EndpointSlice",
	  SLOT_OBJECT,
	  KIND_ENDPOINT_SLICE,
	  5,
	  2,
	  40,
	  make_slice,
	  { "app/web-1", "app/web-2", "app/api-1", "data/web-1", "data/db-1", "zoo/web-1",
	    "zoo/hl-1", "zoo/hl-2", "istio-system/web-1" } },
	{ "Pod",
	  SLOT_OBJECT,
	  KIND_POD,
	  5,
	  2,
	  25,
	  make_pod,
	  { PODS("app"), PODS("data"), PODS("zoo"), PODS("lab"), "istio-system/p2",
	    "istio-system/p3" } },
	{ "Node", SLOT_OBJECT, KIND_NODE, 2, 2, 0, make_node, { "/n0", "/n1", "/n2" } },
	{ "Namespace",
	  SLOT_OBJECT,
	  KIND_NAMESPACE,
	  2,
	  2,
	  0,
	  make_namespace,
	  { "/app", "/data", "/zoo", "/lab", "/istio-system" } },
	{ "ServiceEntry",
	  SLOT_OBJECT,
	  KIND_SERVICE_ENTRY,
	  8,
	  2,
	  60,
	  make_service_entry,
	  { "app/s1", "app/s2", "app/s3", "data/s1", "data/s2", "zoo/s1", "zoo/s2", "lab/s1",
	    "istio-system/s1" } },
	{ "WorkloadEntry",
	  SLOT_OBJECT,
	  KIND_WORKLOAD_ENTRY,
	  3,
	  3,
	  40,
	  make_workload_entry,
	  { "app/w1", "app/p3", "data/w1", "zoo/w1", "zoo/w2", "lab/p2" } },
	{ "VirtualService",
	  SLOT_OBJECT,
	  KIND_VIRTUAL_SERVICE,
	  6,
	  2,
	  60,
	  make_virtual_service,
	  { "app/v1", "app/v2", "data/v1", "data/leaf", "zoo/v1", "zoo/leaf", "lab/v1", "lab/v2",
	    "istio-system/v1" } },
	{ "DestinationRule",
	  SLOT_OBJECT,
	  KIND_DESTINATION_RULE,
	  6,
	  3,
	  50,
	  make_destination_rule,
	  { "app/d1", "app/d2", "app/d3", "data/d1", "zoo/d1", "zoo/d2", "lab/d1",
	    "istio-system/d1", "istio-system/d2" } },
	{ "Sidecar",
	  SLOT_OBJECT,
	  KIND_SIDECAR,
	  4,
	  5,
	  20,
	  make_sidecar,
	  { "app/c1", "app/c2", "zoo/c1", "lab/c1", "istio-system/c1" } },
	{ "Telemetry",
	  SLOT_OBJECT,
	  KIND_TELEMETRY,
	  3,
	  4,
	  20,
	  make_telemetry,
	  { "app/t1", "app/t2", "data/t1", "zoo/t1", "lab/t1", "istio-system/t1" } },
	{ "PeerAuthentication",
	  SLOT_OBJECT,
	  KIND_PEER_AUTHENTICATION,
	  3,
	  4,
	  20,
	  make_peer_authentication,
	  { "app/a1", "app/a2", "data/a1", "zoo/a1", "istio-system/a1", "lab/a1" } },
	{ "Gateway",
	  SLOT_OBJECT,
	  KIND_GATEWAY,
	  3,
	  3,
	  30,
	  make_gateway,
	  { "app/gw1", "istio-system/gw1", "istio-system/gw2" } },
	{ "Ingress",
	  SLOT_OBJECT,
	  KIND_INGRESS,
	  1,
	  3,
	  20,
	  make_ingress,
	  { "app/i1", "app/i2", "istio-system/i1" } },
	{ "IngressClass",
	  SLOT_OBJECT,
	  KIND_INGRESS_CLASS,
	  1,
	  2,
	  0,
	  make_ingress_class,
	  { "/c1", "/c2" } },
	{ "MeshConfig", SLOT_MESH_CONFIG, 0, 3, 1, 0, make_mesh_config, { "/mesh" } },
	{ "MeshNetworks", SLOT_NETWORKS, 0, 2, 2, 0, make_mesh_networks, { "/networks" } },
	{ "proxy",
	  SLOT_PROXY,
	  0,
	  0,
	  0,
	  12,
	  make_node_message,
	  { "app/p0", "data/p0", "zoo/p0", "lab/p0", "istio-system/p0",
	    "app/p1", "data/p1", "zoo/p1", "lab/p1", "istio-system/p1",
	    "app/p2", "data/p2", "zoo/p2", "lab/p2", "istio-system/p2",
	    "app/p3", "data/p3", "zoo/p3", "lab/p3", "istio-system/p3" } },
};

static unsigned n_names(const struct slot_row *row)
{
	unsigned n = 0;

	while (n < MAX_NAMES && row->names[n])
		n++;
	return n;
}

void universe_init(struct universe *u, struct rng *r)
{
	unsigned total = 0, n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		total += n_names(&rows[i]);
	u->slots = xcalloc(total, sizeof *u->slots);
	u->n = total;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct genes kin;

		genes_init(&kin, r);
		if (rows[i].kind == SLOT_PROXY)
			u->first_proxy = n;
		for (unsigned j = 0; j < n_names(&rows[i]); j++, n++) {
			struct slot *s = &u->slots[n];
			char *both = xstrdup(rows[i].names[j]), *slash = strchr(both, '/');

			*slash = '\0';
			*s = (struct slot){
				.row = &rows[i], .ns = both, .name = slash + 1, .number = j
			};
			s->genes = kin;
			if (!rows[i].kin)
				genes_init(&s->genes, r);
			for (unsigned k = 0; k < rows[i].kin; k++)
				s->genes.v[rng_below(r, SKETCH_GENES)] = rng_below(r, 1 << 30);
		}
	}
}

void universe_fini(struct universe *u)
{
	for (unsigned i = 0; i < u->n; i++) {
		xfree((char *)(uintptr_t)u->slots[i].ns);
		xfree(u->slots[i].text);
	}
	xfree(u->slots);
}

enum slot_kind slot_kind(const struct slot *s)
{
	return s->row->kind;
}

const char *slot_title(const struct slot *s, char *buf, size_t size)
{
	snprintf(buf, size, "%s %s%s%s", s->row->title, s->ns, *s->ns ? "/" : "", s->name);
	return buf;
}

struct slot *universe_pick(struct universe *u, struct rng *r)
{
	unsigned total = 0, at, first = 0, i = 0;

	for (size_t k = 0; k < ARRAY_LEN(rows); k++)
		total += rows[k].weight;
	at = rng_below(r, total);
	while (at >= rows[i].weight) {
		at -= rows[i].weight;
		first += n_names(&rows[i++]);
	}
	return &u->slots[first + rng_below(r, n_names(&rows[i]))];
}

static char *draw(struct slot *s)
{
	struct sketch k = { .genes = &s->genes, .ns = s->ns, .name = s->name, .number = s->number };

	memset(s->genes.used, 0, sizeof s->genes.used);
	s->row->make(&k);
	return buf_take(&k.out);
}

char *slot_redraw(struct slot *s, struct rng *r)
{
	enum { TRIES = 20 };
	char *text = draw(s);

	if (s->text && rng_below(r, 10) < s->row->gone) {
		xfree(text);
		return NULL;
	}
	for (unsigned i = 0; i < TRIES && s->text && !strcmp(text, s->text); i++) {
		genes_mutate(&s->genes, r);
		xfree(text);
		text = draw(s);
	}
	/* Now and then another one altogether. */
	if (!rng_below(r, 12)) {
		genes_init(&s->genes, r);
		xfree(text);
		text = draw(s);
	}
	return text;
}

static const struct node *read_text(const char *text, struct arena *a, struct err *e)
{
	cleanup(diag_fini) struct diag diag = DIAG_INIT;
	struct docs docs = { 0 };
	char line[400];

	yaml_read(text, strlen(text), "sketch.yaml", a, &docs, &diag);
	if (docs.n == 1)
		return docs.v[0];
	snprintf(line, sizeof line, "no document");
	if (diag.n)
		diag_print(&diag.v[0], line, sizeof line);
	err(e, "%s", line);
	return NULL;
}

static bool is_clean(struct diag *diag, struct err *e)
{
	char line[400];
	bool ok = !diag->n;

	if (!ok) {
		diag_print(&diag->v[0], line, sizeof line);
		err(e, "%s", line);
	}
	diag_fini(diag);
	return ok;
}

static bool apply_object(struct engine *engine, const struct node *n, bool *ret_changed,
			 struct err *e)
{
	struct diag diag = DIAG_INIT;
	const struct object *o = NULL;
	enum decode_result result = object_decode(n, &(struct decode_opts){ 0 }, &o, &diag);

	if (!is_clean(&diag, e) || result != DECODE_OK) {
		object_unref(o);
		return err_wrap(e, "not clean");
	}
	*ret_changed = world_put(engine_world(engine), o);
	return true;
}

bool slot_apply(const struct slot *s, struct engine *engine, const char *text, bool *ret_changed,
		struct err *e)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	const struct node *n = text ? read_text(text, &a, e) : NULL;
	bool changed = true, ok = true;

	if (text && !n)
		return false;
	switch (s->row->kind) {
	case SLOT_OBJECT:
		if (text)
			ok = apply_object(engine, n, &changed, e);
		else
			changed = world_delete(engine_world(engine), s->row->object_kind, s->ns,
					       s->name);
		break;
	case SLOT_MESH_CONFIG:
		ok = engine_set_mesh(engine, n, &diag);
		ok = is_clean(&diag, e) && ok;
		break;
	case SLOT_NETWORKS:
		ok = engine_set_networks(engine, n, &diag);
		ok = is_clean(&diag, e) && ok;
		break;
	case SLOT_PROXY: ok = err(e, "a proxy is no edit"); break;
	}
	if (ret_changed)
		*ret_changed = changed;
	return ok;
}

struct engine_proxy *slot_join(struct engine *engine, const char *text, void *owner, struct err *e)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	const struct node *n = read_text(text, &a, e), *locality, *list;
	struct proxy_node_text node;
	struct engine_proxy *p;
	const char **names;

	if (!n)
		return NULL;
	locality = node_get(n, "locality");
	list = node_get(n, "extensions");
	names = list ? arena_array(&a, const char *, list->n) : NULL;
	for (uint32_t i = 0; list && i < list->n; i++)
		names[i] = str_or(node_str(list->seq[i], "name"), "");
	if (!proxy_node_parse(
		    &(struct proxy_node_input){
			    .id = node_str(n, "id"),
			    .cluster = node_str(n, "cluster"),
			    .region = locality ? node_str(locality, "region") : NULL,
			    .zone = locality ? node_str(locality, "zone") : NULL,
			    .metadata = node_get(n, "metadata"),
			    .extensions = names,
			    .n_extensions = list ? list->n : 0,
		    },
		    &a, &node, e))
		return NULL;
	p = engine_join(engine, &node, owner);
	if (!p)
		err(e, "the engine refuses the proxy");
	return p;
}
