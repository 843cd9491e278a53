/* Sources of resources: the name is looked up in what the proxy has, down to the result that holds the resource; the trace
 * of that part, read downwards, gives cells; these give objects.
 *
 * Names may hold slashes themselves (binds on sockets, names of routes), so they are not split but held against what there
 * is.
 */
#include "translate/explain.h"
#include "base/buf.h"
#include "base/err.h"
#include "doc/write.h"
#include "model/queries.h"
#include "pb/pb.h"
#include "snapshot/wire.h"
#include "translate/engine_impl.h"
#include "translate/names.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

enum { VHOST_MEMORY = 256 << 20 };

const struct resource_type resource_types[RESOURCE_TYPES] = {
	{ "cluster", XDS_CDS }, { "endpoints", XDS_EDS }, { "listener", XDS_LDS },
	{ "vhost", XDS_RDS },   { "route", XDS_RDS },     { "nametable", XDS_NDS },
	{ "proxy", XDS_N },
};

/* ---- from a name to the part that holds the resource ---- */

/* A root of equal content may be shared with another class, so results are looked for in the binding's own. */
static uint32_t binding_of(const struct engine_proxy *p, enum xds_type type)
{
	for (size_t i = 0; i < ENGINE_ROOTS; i++)
		if (engine_roots[i].type == type)
			return p->class->bindings[i];
	return 0;
}

struct search {
	const char *name;
	bool route;                /* what follows the virtual host's name is a route's */
	const struct resource *r;  /* the one at hand */
	const struct result *part; /* found; NULL: not yet */
	/* Of a route: from which VirtualService, "" for none. */
	struct arena arena;
	const char *config;
};

static bool find_resource(void *ctx, const struct resource *r)
{
	struct search *s = ctx;

	if (!strcmp(r->name, s->name))
		s->part = r->at;
	return !s->part;
}

bool vhost_next(const uint8_t **at, const uint8_t *end, struct encoded_vhost *ret)
{
	enum { VIRTUAL_HOSTS = 2, NAME = 1 };
	struct wire_field f, in;

	while (*at && wire_next(at, end, &f)) {
		const uint8_t *p = f.bytes;

		if (f.number != VIRTUAL_HOSTS || f.type != WIRE_BYTES)
			continue;
		*ret = (struct encoded_vhost){ .bytes = f.bytes, .len = f.len, .name = "" };
		while (p && wire_next(&p, f.bytes + f.len, &in))
			if (in.number == NAME && in.type == WIRE_BYTES) {
				ret->name = (const char *)in.bytes;
				ret->name_len = in.len;
				break;
			}
		return true;
	}
	return false;
}

static bool is_index(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s) && strlen(s) < 10;
}

static const char *config_of(const Route__Route *r)
{
	for (size_t i = 0; r->metadata && i < r->metadata->n_filter_metadata; i++)
		if (str_eq(r->metadata->filter_metadata[i]->key, "istio"))
			return str_or(
				pb_struct_get_str(r->metadata->filter_metadata[i]->value, "config"),
				"");
	return "";
}

/* A route by its name, else by its number from 0. */
static bool find_route(struct search *s, const struct encoded_vhost *v, const char *name)
{
	const Route__VirtualHost *vhost =
		PB_UNPACK(&s->arena, Route__VirtualHost, v->bytes, v->len, VHOST_MEMORY, NULL);
	const Route__Route *found = NULL;

	for (size_t i = 0; vhost && i < vhost->n_routes && !found; i++)
		if (str_eq(vhost->routes[i]->name, name))
			found = vhost->routes[i];
	if (vhost && !found && is_index(name) && strtoul(name, NULL, 10) < vhost->n_routes)
		found = vhost->routes[strtoul(name, NULL, 10)];
	if (found)
		s->config = config_of(found);
	return found;
}

static void find_vhost(void *ctx, const void *bytes, size_t n, const struct result *owner)
{
	struct search *s = ctx;
	const char *name = s->name + s->r->name_len + 1;
	const uint8_t *at = bytes, *end = at + n;
	struct encoded_vhost v;

	while (!s->part && vhost_next(&at, end, &v)) {
		if (strncmp(name, v.name, v.name_len))
			continue;
		if (s->route ? name[v.name_len] == '/' && find_route(s, &v, name + v.name_len + 1)
			     : !name[v.name_len])
			s->part = owner;
	}
}

static bool find_in_routes(void *ctx, const struct resource *r)
{
	struct search *s = ctx;

	if (strncmp(s->name, r->name, r->name_len) || s->name[r->name_len] != '/')
		return true;
	s->r = r;
	resource_pieces(r, find_vhost, s);
	return !s->part;
}

/* ---- from the part to objects ---- */

/* Trees are a few levels deep. */
static bool holds(const struct result *r, const struct result *part)
{
	bool found = r == part;

	for (uint32_t i = 0; r->shape != RESULT_BYTES && i < r->n && !found; i++)
		found = holds(r->child[i], part);
	return found;
}

struct gathering {
	struct engine *e;
	const struct result *part; /* NULL: all */
	struct explanation *to;
};

static enum want want_part(void *ctx, unsigned query, uint32_t key, const struct result *r)
{
	const struct gathering *x = ctx;

	if (!x->part || r == x->part)
		return WANT_WHOLE;
	return holds(r, x->part) ? WANT_MEMBERS : WANT_NONE;
}

static void gather(struct explanation *x, const struct object *o)
{
	VEC_ROOM(x->v, x->n, x->cap);
	x->v[x->n++] = o;
}

static void on_cell(void *ctx, unsigned depth, unsigned kind, uint32_t key)
{
	struct gathering *x = ctx;
	const void *value = graph_get(x->e->graph, kind, key);

	if (!value)
		return;
	if (kind < KIND_COUNT) {
		gather(x->to, value);
	} else if (model_members_are_sources(kind)) {
		const struct entry *entry = world_entry(x->e->world, kind, key);

		for (uint32_t i = 0; i < entry->n; i++)
			gather(x->to, entry->v[i]);
	}
}

static int by_title(const void *a, const void *b)
{
	const struct object *x = *(const struct object *const *)a,
			    *y = *(const struct object *const *)b;
	int c = strcmp(kind_of(x)->name, kind_of(y)->name);

	c = c ? c : strcmp(x->ns, y->ns);
	return c ? c : strcmp(x->name, y->name);
}

/* Each once, in order; no references yet. */
static void gather_sources(struct engine *e, uint32_t binding, const struct result *part,
			   struct explanation *ret)
{
	struct gathering x = { e, part, ret };
	uint32_t n = 0;

	graph_explain(e->graph, binding, want_part, on_cell, &x);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof *ret->v, by_title);
	for (uint32_t i = 0; i < ret->n; i++)
		if (!n || ret->v[i] != ret->v[n - 1])
			ret->v[n++] = ret->v[i];
	ret->n = n;
}

static bool is_delegate(const struct object *vs)
{
	const struct virtual_service_spec *spec = ((const struct virtual_service *)vs->body)->spec;

	return spec && !spec->hosts.n;
}

/* A VirtualService without hosts is there for others to delegate to; which of them the route is from is not known. */
static void keep_of_route(struct search *s, struct explanation *x)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->n; i++) {
		const struct object *o = x->v[i];

		if (o->kind != KIND_VIRTUAL_SERVICE ||
		    (*s->config &&
		     (is_delegate(o) || str_eq(config_path(&s->arena, o), s->config))))
			x->v[n++] = o;
	}
	x->n = n;
}

bool engine_explain(struct engine *e, const struct engine_proxy *p, enum xds_type type,
		    const char *resource, engine_object_fn *fn, void *ctx)
{
	uint32_t binding = binding_of(p, type);
	struct search s = { .name = resource };
	struct explanation x = { 0 };

	if (!binding)
		return false;
	resource_each(graph_bound(e->graph, binding), find_resource, &s);
	if (!s.part)
		return false;
	gather_sources(e, binding, s.part, &x);
	for (uint32_t i = 0; i < x.n; i++)
		fn(ctx, x.v[i]);
	xfree(x.v);
	return true;
}

/* ---- by name ---- */

static const struct resource_type *type_of(const char *resource, const char **ret_name)
{
	for (size_t i = 0; i < RESOURCE_TYPES; i++) {
		const struct resource_type *t = &resource_types[i];
		size_t n = strlen(t->name);

		if (!strncmp(resource, t->name, n) && resource[n] == '/' && resource[n + 1]) {
			*ret_name = resource + n + 1;
			return t;
		}
	}
	return NULL;
}

static bool find(struct engine *e, const struct engine_proxy *p, const struct resource_type *t,
		 struct search *s, uint32_t *ret_binding)
{
	if (t->type == XDS_N) {
		*ret_binding = p->binding;
		return !strcmp(s->name, EXPLAIN_FACTS);
	}
	*ret_binding = binding_of(p, t->type);
	if (t->type == XDS_NDS)
		s->name = strcmp(s->name, EXPLAIN_TABLE) ? s->name : "";
	s->route = str_eq(t->name, "route");
	resource_each(graph_bound(e->graph, *ret_binding),
		      t->type == XDS_RDS ? find_in_routes : find_resource, s);
	return s->part;
}

enum explain_outcome explain(struct engine *e, const struct engine_proxy *p, const char *resource,
			     struct explanation *ret, struct err *why)
{
	struct search s = { .arena = ARENA_INIT };
	const struct resource_type *t = type_of(resource, &s.name);
	struct explanation x = { 0 };
	uint32_t binding;
	bool found;

	if (!t) {
		err(why,
		    "%s: a resource is cluster/NAME, endpoints/NAME, listener/NAME, "
		    "vhost/ROUTECONFIG/NAME or route/ROUTECONFIG/VHOST/NAME-or-INDEX",
		    resource);
		return EXPLAIN_BAD_NAME;
	}
	found = find(e, p, t, &s, &binding);
	if (found) {
		gather_sources(e, binding, s.part, &x);
		if (s.route)
			keep_of_route(&s, &x);
		for (uint32_t i = 0; i < x.n; i++)
			object_ref(x.v[i]);
		*ret = x;
	} else {
		err(why, "%s: the proxy has none of that name", resource);
	}
	arena_fini(&s.arena);
	return found ? EXPLAIN_FOUND : EXPLAIN_NOT_FOUND;
}

/* ---- printing ---- */

static const char *version_of(const struct object *o)
{
	return o->meta ? str_or(o->meta->resource_version, "") : "";
}

static void print_json(const struct explanation *x, bool pretty, struct buf *out)
{
	struct json j;

	json_init(&j, out, pretty);
	json_seq(&j);
	for (uint32_t i = 0; i < x->n; i++) {
		const struct object *o = x->v[i];

		json_map(&j);
		json_kv_str(&j, "kind", kind_of(o)->name);
		json_kv_str(&j, "namespace", o->ns);
		json_kv_str(&j, "name", o->name);
		json_kv_str(&j, "file", str_or(o->place.file, ""));
		json_kv_int(&j, "line", o->place.line);
		json_kv_int(&j, "column", o->place.column);
		json_kv_str(&j, "resourceVersion", version_of(o));
		json_map_end(&j);
	}
	json_seq_end(&j);
	buf_putc(out, '\n');
}

void explanation_print(const struct explanation *x, bool json, bool pretty, struct buf *out)
{
	char title[OBJECT_TITLE];

	if (json) {
		print_json(x, pretty, out);
		return;
	}
	for (uint32_t i = 0; i < x->n; i++) {
		const struct object *o = x->v[i];

		buf_puts(out, object_title(o, title));
		if (!str_empty(o->place.file))
			buf_printf(out, " %s:%u\n", o->place.file, o->place.line);
		else
			buf_printf(out, " rv=%s\n", version_of(o));
	}
}

void explanation_fini(struct explanation *x)
{
	for (uint32_t i = 0; i < x->n; i++)
		object_unref(x->v[i]);
	xfree(x->v);
	*x = (struct explanation){ 0 };
}
