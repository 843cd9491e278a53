/* From files to schemas: finds the CustomResourceDefinitions, checks that all served versions of a kind agree, and hands
 * the schema of each to the parser.
 */
#include "doc/read.h"
#include "schema/gen/gen.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static int by_string(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names in a directory, sorted; hidden ones are left out. */
static struct strings list_dir(struct gen *g, const char *dir)
{
	struct strings out = { 0 };
	DIR *d = opendir(dir);

	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.')
			gen_strings_add(&g->arena, &out, arena_strdup(&g->arena, e->d_name));
	if (d)
		closedir(d);
	if (out.n)
		qsort(out.v, out.n, sizeof *out.v, by_string);
	return out;
}

/* Equal apart from descriptions: two versions of one kind. */
static bool same_schema(const struct node *a, const struct node *b)
{
	uint32_t n = 0;

	if (a->type != b->type)
		return false;
	if (a->type == NODE_SEQ) {
		for (uint32_t i = 0; a->n == b->n && i < a->n; i++)
			if (!same_schema(a->seq[i], b->seq[i]))
				return false;
		return a->n == b->n;
	}
	if (a->type != NODE_MAP)
		return str_eq(a->text, b->text);
	for (uint32_t i = 0; i < a->n; i++) {
		const struct node *other = node_get(b, a->map[i].key);
		bool is_text = !strcmp(a->map[i].key, "description") &&
			       a->map[i].value->type == NODE_STRING;

		n += !is_text;
		if (!is_text && (!other || !same_schema(a->map[i].value, other)))
			return false;
	}
	for (uint32_t i = 0; i < b->n; i++)
		n -= strcmp(b->map[i].key, "description") || b->map[i].value->type != NODE_STRING;
	return !n;
}

static bool is_true(const struct node *map, const char *key)
{
	const struct node *v = node_get(map, key);

	return v && v->type == NODE_BOOL && v->b;
}

/* Served versions, the storage version first. Returns its schema. */
static const struct node *read_versions(struct gen *g, struct crd *c, const struct node *versions)
{
	const struct node *schema = NULL;

	for (int storage = 1; storage >= 0; storage--) {
		for (uint32_t i = 0; i < versions->n; i++) {
			const struct node *v = versions->seq[i], *s;

			if (is_true(v, "storage") != storage || !is_true(v, "served"))
				continue;
			s = node_get(node_get(v, "schema"), "openAPIV3Schema");
			if (!s || !node_str(v, "name"))
				diag_error(&g->diag, v->place, c->kind, "a version without schema");
			else if (schema && !same_schema(schema, s))
				diag_error(&g->diag, s->place, c->kind,
					   "version %s has another schema than %s",
					   node_str(v, "name"), c->versions.v[0]);
			else
				gen_strings_add(&g->arena, &c->versions, node_str(v, "name"));
			schema = schema ? schema : s;
		}
	}
	return schema;
}

void gen_load_crd(struct gen *g, const struct node *doc, bool pseudo)
{
	const struct node *spec = node_get(doc, "spec"), *names = node_get(spec, "names");
	const struct node *versions = node_get(spec, "versions"), *schema;
	struct crd c = {
		.kind = node_str(names, "kind"),
		.group = node_str(spec, "group"),
		.plural = node_str(names, "plural"),
		.cluster_scoped = str_eq(node_str(spec, "scope"), "Cluster"),
		.pseudo = pseudo,
		.place = doc->place,
	};

	if (!str_eq(node_str(doc, "kind"), "CustomResourceDefinition") || !c.kind || !c.group ||
	    !c.plural || !versions || versions->type != NODE_SEQ) {
		diag_error(&g->diag, doc->place, "", "not a CustomResourceDefinition");
		return;
	}
	c.pseudo = pseudo || !strcmp(c.kind, "ObjectMeta");
	schema = read_versions(g, &c, versions);
	if (!schema)
		diag_error(&g->diag, doc->place, c.kind, "no served version with a schema");
	else
		c.top = gen_schema_parse(g, schema, c.kind, !c.pseudo);
	if (c.top && c.top->type != SCHEMA_STRUCT)
		diag_error(&g->diag, schema->place, c.kind, "the top is no object");
	if (c.top)
		*ARENA_PUSH(&g->arena, g->crds, g->n_crds, g->cap_crds) = c;
}

static void read_folder(struct gen *g, const char *root, const char *folder)
{
	const char *dir = arena_printf(&g->arena, "%s/%s", root, folder);
	struct strings files = list_dir(g, dir);

	for (uint32_t i = 0; i < files.n; i++) {
		const char *path = arena_printf(&g->arena, "%s/%s", dir, files.v[i]);
		struct docs docs = { 0 };

		if (!str_ends(path, ".yaml"))
			continue;
		if (!docs_read_file(path, path, &g->arena, &docs, &g->diag))
			continue;
		for (uint32_t j = 0; j < docs.n; j++)
			gen_load_crd(g, docs.v[j], !strcmp(folder, "mesh"));
	}
}

static int by_kind(const void *a, const void *b)
{
	return strcmp(((const struct crd *)a)->kind, ((const struct crd *)b)->kind);
}

void gen_load_finish(struct gen *g, const struct node *overlay)
{
	if (g->n_crds)
		qsort(g->crds, g->n_crds, sizeof *g->crds, by_kind);
	for (uint32_t i = 0; i < g->n_crds; i++) {
		struct crd *c = &g->crds[i];

		if (i && !strcmp(c->kind, c[-1].kind))
			diag_error(&g->diag, c->place, c->kind, "a second kind of this name");
		gen_shape_schema(g, c->top, c->pseudo ? NULL : c->kind);
	}
	gen_shape_overlay(g, overlay);
	gen_shape_finish(g);
}

void gen_load_tree(struct gen *g, const char *root)
{
	struct strings folders = list_dir(g, root);
	struct docs docs = { 0 };
	const char *overlay = arena_printf(&g->arena, "%s/overlay.yaml", root);

	for (uint32_t i = 0; i < folders.n; i++)
		read_folder(g, root, folders.v[i]);
	if (!g->n_crds)
		diag_error(&g->diag, (struct place){ .file = root }, "", "no schemas");
	if (docs_read_file(overlay, overlay, &g->arena, &docs, &g->diag) && docs.n == 1)
		gen_load_finish(g, docs.v[0]);
	else
		diag_error(&g->diag, (struct place){ .file = overlay }, "", "not one document");
}
