/* Impact: the cells of the object are its own and the entries that stand for their members; what of a class is made from
 * them, the graph says (world/reach.c). Proxies of a class share the answer.
 */
#include "translate/impact.h"
#include "base/buf.h"
#include "base/err.h"
#include "doc/write.h"
#include "model/queries.h"
#include "snapshot/resource.h"
#include "translate/engine_impl.h"
#include "translate/explain.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct row {
	const char *type, *name;
};
/* What is reached of one class. */
struct rows {
	const void *class;
	struct row *v;
	size_t n, cap;
};
struct reached_proxy {
	const char *id;
	const struct rows *rows;
	bool facts;
};

struct impact {
	struct object_name object;
	struct arena arena;
	struct reached_proxy *proxies;
	size_t n, cap, n_lines;

	/* Of the look at hand. */
	struct engine *e;
	struct reach *reach;
	const struct rows **classes;
	size_t n_classes, c_classes;
	const struct resource_type *type; /* of the root at hand */
	struct rows *rows;
	bool facts;
};

/* ---- names of objects ---- */

static bool find_kind(const char *name, size_t len, uint16_t *ret)
{
	for (unsigned i = 0; i < KIND_COUNT; i++)
		if (strlen(kinds[i].name) == len && !strncasecmp(kinds[i].name, name, len)) {
			*ret = (uint16_t)i;
			return true;
		}
	return false;
}

bool object_name_parse(const char *text, struct arena *a, struct object_name *ret, struct err *e)
{
	const char *slash = strchr(text, '/'), *name = slash ? slash + 1 : NULL, *second;
	struct object_name o = { .ns = "" };

	if (!name)
		return err(e,
			   "%s: an object is KIND/NAMESPACE/NAME, or KIND/NAME where it has no "
			   "namespace",
			   text);
	if (!find_kind(text, (size_t)(slash - text), &o.kind))
		return err(e, "%.*s: no such kind", (int)(slash - text), text);
	second = strchr(name, '/');
	if (kinds[o.kind].cluster_scoped ? second != NULL : !second || second == name)
		return err(e, "%s: %s/%sNAME expected", text, kinds[o.kind].name,
			   kinds[o.kind].cluster_scoped ? "" : "NAMESPACE/");
	if (second)
		o.ns = arena_strndup(a, name, (size_t)(second - name));
	o.name = arena_strdup(a, second ? second + 1 : name);
	if (!*o.name || strchr(o.name, '/'))
		return err(e, "%s: that is no name", text);
	*ret = o;
	return true;
}

struct impact *impact_new(const struct object_name *object)
{
	struct impact *x = xcalloc(1, sizeof *x);

	x->object = *object;
	return x;
}

void impact_free(struct impact *x)
{
	if (!x)
		return;
	impact_end(x);
	arena_fini(&x->arena);
	xfree(x);
}

/* ---- rows ---- */

static void add_row(struct impact *x, const char *type, const char *name)
{
	*ARENA_PUSH(&x->arena, x->rows->v, x->rows->n, x->rows->cap) = (struct row){ type, name };
}

static bool add_resource(void *ctx, const struct resource *r)
{
	struct impact *x = ctx;

	add_row(x, x->type->name,
		x->type->type == XDS_NDS ? EXPLAIN_TABLE : arena_strdup(&x->arena, r->name));
	return true;
}

static void add_vhosts(struct impact *x, const char *rc, const uint8_t *bytes, size_t n)
{
	const uint8_t *at = bytes, *end = bytes + n;
	struct encoded_vhost v;

	while (vhost_next(&at, end, &v))
		add_row(x, x->type->name,
			arena_printf(&x->arena, "%s/%.*s", rc, (int)v.name_len, v.name));
}

/* A route configuration that is no concatenation. */
static bool add_whole(void *ctx, const struct resource *r)
{
	add_vhosts(ctx, r->name, r->head, r->head_len);
	return true;
}

static void on_part(void *ctx, unsigned query, const struct result *part,
		    const struct result *within)
{
	struct impact *x = ctx;

	if (x->type->type == XDS_N) {
		x->facts = true;
	} else if (x->type->type != XDS_RDS) {
		resource_each(part, add_resource, x);
	} else if (!within) {
		resource_each(part, add_whole, x);
	} else if (within->n && within->child[0]->n && part->shape == RESULT_BYTES) {
		struct resource rc = resource_at(within, 0);

		add_vhosts(x, rc.name, part->bytes, part->n);
	}
}

/* Parts are what has names of its own: leaves, and concatenations but those of virtual hosts. */
static enum want want_named(void *ctx, unsigned query, uint32_t key, const struct result *r)
{
	const struct impact *x = ctx;

	if (r->shape == RESULT_LIST)
		return WANT_MEMBERS;
	return r->shape == RESULT_CONCAT && x->type->type == XDS_RDS ? WANT_MEMBERS : WANT_WHOLE;
}

static int by_name(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int c = strcmp(x->type, y->type);

	return c ? c : strcmp(x->name, y->name);
}

static const struct rows *rows_of(struct impact *x, const struct engine_proxy *p)
{
	struct rows *rows;

	for (size_t i = 0; i < x->n_classes; i++)
		if (x->classes[i]->class == p->class)
			return x->classes[i];
	rows = arena_new(&x->arena, struct rows);
	rows->class = p->class;
	x->rows = rows;
	for (size_t i = 0; i < ENGINE_ROOTS; i++) {
		x->type = resource_types;
		while (x->type->type != engine_roots[i].type)
			x->type++;
		reach_parts(x->reach, p->class->bindings[i], on_part, x);
	}
	if (rows->n)
		qsort(rows->v, rows->n, sizeof *rows->v, by_name);
	*ARENA_PUSH(&x->arena, x->classes, x->n_classes, x->c_classes) = rows;
	return rows;
}

/* ---- looking ---- */

static void on_entry(void *ctx, unsigned cell, uint32_t key)
{
	struct impact *x = ctx;

	if (model_members_are_sources(cell))
		reach_add(x->reach, cell, key);
}

bool impact_begin(struct impact *x, struct engine *e)
{
	const struct object *o = world_get(e->world, x->object.kind, x->object.ns, x->object.name);

	if (!o)
		return false;
	x->e = e;
	x->reach = reach_new(e->graph, want_named, x);
	reach_add(x->reach, o->kind, world_object_key(e->world, o->ns, o->name));
	world_entries_of(e->world, o, on_entry, x);
	return true;
}

bool impact_add(struct impact *x, const struct engine_proxy *p, const char *id)
{
	const struct rows *rows = rows_of(x, p);

	x->facts = false;
	x->type = &resource_types[RESOURCE_TYPES - 1];
	reach_parts(x->reach, p->binding, on_part, x);
	x->n_lines += rows->n + x->facts;
	if (x->n_lines > IMPACT_LINES_MAX)
		return false;
	if (rows->n || x->facts)
		*ARENA_PUSH(&x->arena, x->proxies, x->n, x->cap) =
			(struct reached_proxy){ arena_strdup(&x->arena, id), rows, x->facts };
	return true;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct reached_proxy *)a)->id, ((const struct reached_proxy *)b)->id);
}

void impact_end(struct impact *x)
{
	if (!x->reach)
		return;
	reach_free(TAKE(x->reach));
	/* Classes may be others the next time, at the same addresses. */
	x->n_classes = 0;
	if (x->n)
		qsort(x->proxies, x->n, sizeof *x->proxies, by_id);
}

/* ---- printing ---- */

static void put_row(struct json *j, struct buf *out, const char *proxy, const char *type,
		    const char *name)
{
	if (!j) {
		buf_printf(out, "%s %s %s\n", proxy, type, name);
		return;
	}
	json_map(j);
	json_kv_str(j, "proxy", proxy);
	json_kv_str(j, "type", type);
	json_kv_str(j, "name", name);
	json_map_end(j);
}

static void print_proxy(struct json *j, struct buf *out, const struct reached_proxy *p)
{
	const struct resource_type *facts = &resource_types[RESOURCE_TYPES - 1];
	bool done = !p->facts;

	for (size_t i = 0; i < p->rows->n; i++) {
		const struct row *r = &p->rows->v[i];

		if (!done && strcmp(facts->name, r->type) < 0) {
			put_row(j, out, p->id, facts->name, EXPLAIN_FACTS);
			done = true;
		}
		put_row(j, out, p->id, r->type, r->name);
	}
	if (!done)
		put_row(j, out, p->id, facts->name, EXPLAIN_FACTS);
}

void impact_print(const struct impact *x, bool as_json, bool pretty, struct buf *out)
{
	struct json j;

	if (as_json) {
		json_init(&j, out, pretty);
		json_seq(&j);
	}
	for (size_t i = 0; i < x->n && !out->overflow; i++)
		/* A proxy may be connected twice for a moment. */
		if (!i || strcmp(x->proxies[i - 1].id, x->proxies[i].id))
			print_proxy(as_json ? &j : NULL, out, &x->proxies[i]);
	if (as_json) {
		json_seq_end(&j);
		buf_putc(out, '\n');
	}
}
