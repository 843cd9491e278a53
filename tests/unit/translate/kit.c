#include "kit.h"
#include "base/buf.h"
#include "base/err.h"
#include "doc/read.h"
#include "pb/json.h"
#include "schema/object.h"
#include "test.h"
#include "translate/queries.h"
#include "types.h"
#include "world/world.h"
#include <stdio.h>
#include <string.h>

static const char *const *variables;

static const char *variable(const char *name)
{
	for (size_t i = 0; variables && variables[i]; i += 2)
		if (!strcmp(variables[i], name))
			return variables[i + 1];
	return NULL;
}

static bool is_clean(const struct diag *d, const char *what)
{
	char line[1024];

	for (uint32_t i = 0; i < d->n; i++) {
		diag_print(&d->v[i], line, sizeof line);
		printf("%s: %s\n", what, line);
	}
	return !d->n_errors;
}

void kit_init(struct kit *k, const char *const *env)
{
	static struct model_options o = { .domain = "cluster.local",
					  .system_namespace = "istio-system",
					  .cluster_id = "Kubernetes",
					  .env = variable };
	struct diag diag = DIAG_INIT;

	variables = env;
	diag_init(&diag);
	features_load(&o.features, variable, &diag);
	CHECK(is_clean(&diag, "environment"));
	diag_fini(&diag);
	model_setup(&o);
	*k = (struct kit){ .engine = engine_new() };
	arena_init(&k->arena);
}

void kit_fini(struct kit *k)
{
	engine_free(k->engine);
	arena_fini(&k->arena);
}

void kit_put(struct kit *k, const char *yaml)
{
	struct arena a = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	struct docs docs = { 0 };

	diag_init(&diag);
	CHECK(yaml_read(yaml, strlen(yaml), "test.yaml", &a, &docs, &diag));
	for (uint32_t i = 0; i < docs.n; i++) {
		struct decode_opts o = { 0 };
		const struct object *obj;

		if (CHECK(object_decode(docs.v[i], &o, &obj, &diag) == DECODE_OK))
			world_put(engine_world(k->engine), obj);
	}
	CHECK(is_clean(&diag, "objects"));
	CHECK(engine_commit(k->engine, 0, NULL, NULL));
	diag_fini(&diag);
	arena_fini(&a);
}

static void set_document(struct kit *k, const char *yaml,
			 bool (*set)(struct engine *, const struct node *, struct diag *))
{
	struct arena a = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	struct docs docs = { 0 };

	diag_init(&diag);
	CHECK(yaml_read(yaml, strlen(yaml), "mesh.yaml", &a, &docs, &diag));
	CHECK(set(k->engine, docs.v[0], &diag));
	CHECK(is_clean(&diag, "mesh"));
	CHECK(engine_commit(k->engine, 0, NULL, NULL));
	diag_fini(&diag);
	arena_fini(&a);
}

void kit_mesh(struct kit *k, const char *yaml)
{
	set_document(k, yaml, engine_set_mesh);
}

void kit_networks(struct kit *k, const char *yaml)
{
	set_document(k, yaml, engine_set_networks);
}

static const char *given(const char *s, const char *otherwise)
{
	return str_empty(s) ? otherwise : s;
}

struct engine_proxy *kit_join(struct kit *k, const struct kit_proxy *p)
{
	static const char *const stock[] = { "envoy.filters.http.router" };
	struct arena a = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	struct err e = ERR_INIT;
	struct proxy_node_text node;
	struct engine_proxy *out = NULL;
	struct proxy_node_input in = { 0 };
	const char *ns = given(p->ns, "default"), *text;

	diag_init(&diag);
	in.id = arena_printf(&a, "%s~%s~%s.%s~%s.svc.cluster.local", given(p->type, "sidecar"),
			     given(p->ip, "10.1.0.1"), given(p->name, "client"), ns, ns);
	text = arena_printf(&a,
			    "{\"CLUSTER_ID\":\"Kubernetes\",\"NAMESPACE\":\"%s\",\"LABELS\":%s,"
			    "\"ISTIO_VERSION\":\"%s\"%s%s}",
			    ns, given(p->labels, "{\"app\":\"client\"}"),
			    given(p->version, "1.32.0"), str_empty(p->metadata) ? "" : ",",
			    str_or(p->metadata, ""));
	in.metadata = json_read(text, strlen(text), NULL, &a, &diag);
	if (!str_empty(p->locality)) {
		char *parts = arena_strdup(&a, p->locality), *save = NULL;

		in.region = strtok_r(parts, "/", &save);
		in.zone = strtok_r(NULL, "/", &save);
		in.sub_zone = strtok_r(NULL, "/", &save);
	}
	if (p->stock) {
		in.extensions = stock;
		in.n_extensions = 1;
	}
	if (CHECK(is_clean(&diag, "node")) && CHECK(proxy_node_parse(&in, &a, &node, &e)))
		out = engine_join(k->engine, &node, NULL);
	else
		printf("%s\n", e.text);
	diag_fini(&diag);
	arena_fini(&a);
	return out;
}

const char *kit_json(struct kit *k, struct engine_proxy *p, enum xds_type type, const char *name)
{
	const struct root *root = snapshot_root(engine_snapshot(p), type);
	struct buf body = BUF_INIT, text = BUF_INIT;
	struct err e = ERR_INIT;
	struct resource r;
	ProtobufCMessage *msg;
	const char *out;

	if (!root_find(root, name, &r))
		return "";
	resource_body(&r, &body);
	msg = pb_unpack(&k->arena, pb_type_by_url(xds_types[type].url)->desc, body.p, body.len,
			1 << 24, &e);
	if (CHECK(msg))
		pb_print_buf(&text, msg, false);
	out = arena_strdup(&k->arena, buf_str(&text));
	buf_fini(&body);
	buf_fini(&text);
	return out;
}

uint64_t kit_runs(struct kit *k, unsigned query)
{
	struct query_stats s;

	graph_query_stats(world_graph(engine_world(k->engine)), query, &s);
	return s.n_runs;
}

uint32_t kit_memos(struct kit *k, unsigned query)
{
	struct query_stats s;

	graph_query_stats(world_graph(engine_world(k->engine)), query, &s);
	return s.n_memos;
}

static void add_problems(void *ctx, unsigned query, uint32_t key, const struct diag *d)
{
	struct buf *out = ctx;

	for (uint32_t i = 0; i < d->n; i++)
		buf_printf(out, "%s %s: %s\n", str_or(d->v[i].object, "-"), d->v[i].path,
			   d->v[i].reason);
}

const char *kit_problems(struct kit *k)
{
	struct buf out = BUF_INIT;
	const char *text;

	graph_problems(world_graph(engine_world(k->engine)), add_problems, &out);
	text = arena_strdup(&k->arena, buf_str(&out));
	buf_fini(&out);
	return text;
}
