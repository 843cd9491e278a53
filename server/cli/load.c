/* Reading what a command is given: objects, mesh config, a proxy's node message. */
#include "cli/load.h"
#include "doc/read.h"
#include "model/options.h"
#include "model/proxy.h"
#include "source/dir.h"
#include "translate/engine.h"
#include "world/world.h"
#include <stdio.h>
#include <stdlib.h>

static const char *environment(const char *name)
{
	return getenv(name);
}

void load_environment(const char *domain, const char *cluster_id, const char *ns)
{
	static struct model_options options = { .domain = "cluster.local",
						.system_namespace = "istio-system",
						.cluster_id = "Kubernetes",
						.env = environment };
	struct diag diag = DIAG_INIT;

	diag_init(&diag);
	features_load(&options.features, environment, &diag);
	for (uint32_t i = 0; i < diag.n; i++)
		fprintf(stderr, "environment: %s: %s\n", diag.v[i].path, diag.v[i].reason);
	diag_fini(&diag);
	options.domain = str_or(domain, options.domain);
	options.cluster_id = str_or(cluster_id, str_or(getenv("CLUSTER_ID"), options.cluster_id));
	options.system_namespace =
		str_or(ns, str_or(getenv("POD_NAMESPACE"), options.system_namespace));
	model_setup(&options);
}

static void take_problems(struct diag *diag, const struct source_batch *b)
{
	for (uint32_t i = 0; i < b->n_problems; i++) {
		const struct problem *p = &b->problems[i].problem;

		diag->object = p->object;
		if (p->severity == SEVERITY_ERROR)
			diag_error(diag, p->place, p->path, "%s", p->reason);
		else
			diag_warn(diag, p->place, p->path, "%s", p->reason);
	}
	diag->object = NULL;
}

bool load_objects(struct engine *e, const struct flag_list *paths, struct diag *diag,
		  struct err *er)
{
	for (uint32_t i = 0; i < paths->n; i++) {
		struct dir_options o = { .path = paths->v[i] };
		struct dir_source *d;
		struct source_batch *b;

		if (!dir_source_new(&o, &d, er))
			return false;
		b = dir_source_scan(d);
		for (uint32_t j = 0; j < b->n_puts; j++)
			world_put(engine_world(e), TAKE(b->puts[j]));
		take_problems(diag, b);
		source_batch_free(b);
		dir_source_free(d);
	}
	return true;
}

/* The one document of a file. */
static const struct node *load_document(const char *file, struct arena *a, struct diag *diag)
{
	struct docs docs = { 0 };

	if (!docs_read_file(file, file, a, &docs, diag))
		return NULL;
	if (docs.n > 1) {
		diag_error(diag, docs.v[1]->place, "", "one document expected");
		return NULL;
	}
	return docs.n ? docs.v[0] : NULL;
}

bool load_mesh(struct engine *e, const char *mesh_file, const char *networks_file,
	       struct diag *diag, struct err *er)
{
	struct {
		const char *file;
		bool (*set)(struct engine *, const struct node *, struct diag *);
	} files[] = { { mesh_file, engine_set_mesh }, { networks_file, engine_set_networks } };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct arena arena = ARENA_INIT;
		uint32_t before = diag->n_errors;
		const struct node *doc;

		if (!files[i].file)
			continue;
		doc = load_document(files[i].file, &arena, diag);
		if (diag->n_errors == before)
			files[i].set(e, doc, diag);
		arena_fini(&arena);
		if (diag->n_errors > before)
			return err(er, "%s is not in order", files[i].file);
	}
	return true;
}

static void take_found(void *ctx, unsigned query, uint32_t key, const struct diag *found)
{
	diag_append(ctx, found);
}

void load_found(struct engine *e, struct diag *diag)
{
	graph_problems(world_graph(engine_world(e)), take_found, diag);
}

bool load_node(const char *file, struct arena *a, struct proxy_node_text *ret, struct err *er)
{
	struct diag diag = DIAG_INIT;
	const struct node *doc, *locality, *list;
	struct proxy_node_input in = { 0 };
	const char **names = NULL;
	bool ok = false;

	diag_init(&diag);
	doc = load_document(file, a, &diag);
	if (!doc || doc->type != NODE_MAP) {
		err(er, "%s: %s", file, diag.n ? diag.v[0].reason : "a JSON object expected");
		goto out;
	}
	in.id = node_str(doc, "id");
	in.cluster = node_str(doc, "cluster");
	in.metadata = node_get(doc, "metadata");
	if ((locality = node_get(doc, "locality"))) {
		in.region = node_str(locality, "region");
		in.zone = node_str(locality, "zone");
		in.sub_zone = node_str(locality, "subZone");
	}
	if ((list = node_get(doc, "extensions")) && list->type == NODE_SEQ) {
		names = arena_array(a, const char *, list->n);
		for (uint32_t i = 0; i < list->n; i++)
			names[i] = str_or(node_str(list->seq[i], "name"), "");
		in.extensions = names;
		in.n_extensions = list->n;
	}
	ok = proxy_node_parse(&in, a, ret, er);
	if (!ok)
		err_wrap(er, "%s", file);
out:
	diag_fini(&diag);
	return ok;
}

void load_print_problems(const struct diag *diag)
{
	char line[2048];

	for (uint32_t i = 0; i < diag->n; i++) {
		diag_print(&diag->v[i], line, sizeof line);
		fprintf(stderr, "%s\n", line);
	}
}

static bool join_all(const struct load_request *q, struct loaded *x, struct err *e)
{
	struct proxy_node_text *nodes = arena_array(&x->arena, struct proxy_node_text, q->nodes->n);

	for (uint32_t i = 0; i < q->nodes->n; i++)
		if (!load_node(q->nodes->v[i], &x->arena, &nodes[i], e))
			return false;
	x->proxies = arena_array(&x->arena, struct engine_proxy *, q->nodes->n);
	x->ids = arena_array(&x->arena, const char *, q->nodes->n);
	for (uint32_t i = 0; i < q->nodes->n; i++) {
		x->proxies[i] = engine_join(x->engine, &nodes[i], NULL);
		x->ids[i] = arena_printf(&x->arena, "%s.%s", nodes[i].pod, nodes[i].ns);
		if (!x->proxies[i])
			return err(e, "%s: too many different PROXY_CONFIGs", q->nodes->v[i]);
	}
	return true;
}

bool load_all(const struct load_request *q, struct loaded *ret, struct err *e)
{
	struct loaded x = { .arena = ARENA_INIT };
	struct diag diag = DIAG_INIT;
	bool ok;

	diag_init(&diag);
	load_environment(NULL, NULL, NULL);
	x.engine = engine_new();
	ok = load_mesh(x.engine, q->mesh, q->networks, &diag, e) &&
	     load_objects(x.engine, q->files, &diag, e);
	if (ok) {
		engine_commit(x.engine, 0, NULL, NULL);
		ok = join_all(q, &x, e);
	}
	if (ok)
		load_found(x.engine, &diag);
	load_print_problems(&diag);
	diag_fini(&diag);
	if (ok)
		*ret = x;
	else
		loaded_fini(&x);
	return ok;
}

void loaded_fini(struct loaded *x)
{
	engine_free(x->engine);
	arena_fini(&x->arena);
}
