/* An object is one block of memory: this struct, then everything decoded, packed. It is decoded into a scratch arena
 * first, so that nothing but the finished content stays.
 */
#include "schema/object.h"

#include "base/clock.h"
#include "doc/write.h"
#include "schema/check.h"
#include "schema/interpret.h"
#include "types.h"

#include <stdio.h>
#include <string.h>

const struct object *object_ref(const struct object *o)
{
	ref_get(&o->ref);
	return o;
}

/* The last owner may undo what publication made immutable. */
static struct object *object_mutable(const struct object *o)
{
	return (struct object *)(uintptr_t)o;
}

void object_unref(const struct object *o)
{
	if (o && ref_put(&o->ref)) {
		struct object *gone = object_mutable(o);

		arena_fini(&gone->arena);
		xfree(gone);
	}
}

void object_unref_p(const struct object **p)
{
	object_unref(*p);
}

/* ---- names ---- */

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Labels of a-z, 0-9 and "-" inside, joined by dots unless it is to be one label. */
static bool name_ok(const char *s, enum name_rule rule)
{
	size_t max = rule == NAME_LABEL ? 63 : 253, i;

	for (i = 0; s[i] && i <= max; i++) {
		bool at_edge = !i || s[i - 1] == '.' || !s[i + 1] || s[i + 1] == '.';

		if (is_lower_alnum(s[i]))
			continue;
		if (s[i] == '-' && !at_edge)
			continue;
		if (s[i] == '.' && rule == NAME_SUBDOMAIN && !at_edge)
			continue;
		return false;
	}
	return i && i <= max;
}

static void check_name(const struct decode *d, const struct node *meta, const char *field,
		       enum name_rule rule)
{
	const struct node *n = node_get(meta, field);
	struct path up = { .name = "metadata" }, p = { .up = &up, .name = field };

	if (!n || n->type != NODE_STRING || name_ok(n->s, rule))
		return;
	decode_problem(d, n, &p, "%.70s is no name: up to %d lower-case letters, digits, \"-\"%s",
		       n->s, rule == NAME_LABEL ? 63 : 253, rule == NAME_LABEL ? "" : " and \".\"");
}

/* ---- decode ---- */

/* A document on its way to an object. */
struct draft {
	struct decode decode;
	const struct node *doc;
	const struct kind *kind;
	const char *api_version, *cluster, *ns;
	struct object_meta meta;
	void *body;
};

static void decode_meta(struct draft *d, const char *default_ns)
{
	static const struct path path = { .name = "metadata" };
	const struct node *meta = node_get(d->doc, "metadata");
	const char *path_name = "metadata.name";

	if (!meta || meta->type == NODE_NULL) {
		diag_error(d->decode.diag, d->doc->place, path_name, "required, but not there");
		return;
	}
	if (!decode_struct(&d->decode, &object_meta_type, meta, &path, &d->meta))
		return;
	if (str_empty(d->meta.name))
		diag_error(d->decode.diag, meta->place, path_name, "required, but not there");
	else
		check_name(&d->decode, meta, "name", kind_name_rule(d->kind));
	if (d->kind->cluster_scoped)
		d->meta.namespace = NULL;
	else if (str_empty(d->meta.namespace))
		d->meta.namespace = str_or(default_ns, "default");
	else
		check_name(&d->decode, meta, "namespace", NAME_LABEL);
}

/* Of ObjectMeta what is not content: bookkeeping of the API server. */
static struct hash128 content_hash(const struct draft *d)
{
	struct object_meta meta = d->meta;

	meta.uid = meta.resource_version = NULL;
	meta.generation.set = false;
	return hash128_fold(struct_hash(&object_meta_type, &meta),
			    struct_hash(d->kind->type, d->body));
}

/* One walk for both passes: what it returns counts only in the second. */
struct packed {
	const char *file, *api_version, *cluster;
	const struct object_meta *meta;
	const void *body;
};
static struct packed pack_all(struct pack *p, const struct draft *d)
{
	struct packed out;

	out.file = p->file = pack_str(p, d->doc->place.file);
	out.api_version = pack_str(p, d->api_version);
	out.cluster = pack_str(p, d->cluster);
	out.meta = pack_struct(p, &object_meta_type, &d->meta);
	out.body = pack_struct(p, d->kind->type, d->body);
	return out;
}

static const struct object *pack_object(const struct draft *d)
{
	struct pack p = { 0 };
	struct packed all;
	struct object *o;

	pack_all(&p, d);
	o = xmalloc(sizeof *o + p.n_words + p.n_chars);
	memset(o, 0, sizeof *o);
	pack_begin(&p, o + 1);
	all = pack_all(&p, d);
	ref_init(&o->ref);
	o->kind = (uint16_t)(d->kind - kinds);
	o->api_version = all.api_version;
	o->meta = all.meta;
	o->body = all.body;
	o->name = o->meta->name;
	o->ns = str_or(o->meta->namespace, "");
	o->cluster = all.cluster;
	o->created_s =
		o->meta->creation_timestamp.set ? o->meta->creation_timestamp.v / NS_PER_S : 0;
	o->place = d->doc->place;
	o->place.file = all.file;
	o->hash = content_hash(d);
	return o;
}

static const char *served_versions(struct arena *a, const struct kind *k)
{
	const char *out = k->versions[0];

	for (size_t i = 1; k->versions[i]; i++)
		out = arena_printf(a, "%s, %s", out, k->versions[i]);
	return out;
}

/* Finds the kind. False with the result when there is nothing to decode. */
static bool find_kind(struct draft *d, enum decode_result *ret)
{
	const char *kind = node_str(d->doc, "kind");
	const struct kind *other;

	d->api_version = node_str(d->doc, "apiVersion");
	*ret = DECODE_BAD;
	if (d->doc->type != NODE_MAP)
		diag_error(d->decode.diag, d->doc->place, "", "an object must be a map, not %s",
			   node_type_name(d->doc->type));
	else if (str_empty(d->api_version))
		diag_error(d->decode.diag, d->doc->place, "apiVersion", "required, but not there");
	else if (str_empty(kind))
		diag_error(d->decode.diag, d->doc->place, "kind", "required, but not there");
	else if (!(d->kind = kind_find(d->api_version, kind))) {
		other = kind_in_group(d->api_version, kind);
		if (other)
			diag_error(d->decode.diag, node_get(d->doc, "apiVersion")->place,
				   "apiVersion", "%s is served as %s%s%s, not as %.100s", kind,
				   other->group, *other->group ? "/" : "",
				   served_versions(d->decode.arena, other), d->api_version);
		else
			*ret = DECODE_UNKNOWN_KIND;
	}
	return d->kind;
}

/* "VirtualService shop/reviews", as far as it is known. */
static const char *draft_title(const struct draft *d, const char *default_ns)
{
	const struct node *meta = node_get(d->doc, "metadata");
	const char *ns = node_str(meta, "namespace"), *name = node_str(meta, "name");

	if (d->kind->cluster_scoped)
		return arena_printf(d->decode.arena, "%s %.253s", d->kind->name, str_or(name, "?"));
	return arena_printf(d->decode.arena, "%s %.253s/%.253s", d->kind->name,
			    str_empty(ns) ? str_or(default_ns, "default") : ns, str_or(name, "?"));
}

static enum decode_result decode(struct draft *d, const struct decode_opts *opts,
				 const struct object **ret)
{
	struct diag *diag = d->decode.diag;
	const char *outer = diag->object;
	uint32_t n_errors = diag->n_errors;
	enum decode_result result;

	if (!find_kind(d, &result))
		return result;
	diag->object = draft_title(d, opts->default_ns);
	d->cluster = str_or(opts->cluster, "");
	d->decode.is_object = true;
	d->decode.skip_status = !opts->keep_status && !kind_reads_status(d->kind);
	decode_meta(d, opts->default_ns);
	d->body = arena_alloc(d->decode.arena, d->kind->type->size);
	decode_struct(&d->decode, d->kind->type, d->doc, NULL, d->body);
	if (diag->n_errors == n_errors) {
		const struct object *o = pack_object(d);

		if (opts->admit)
			object_check(o, d->doc, diag);
		if (diag->n_errors == n_errors)
			*ret = o;
		else
			object_unref(o);
	}
	diag->object = outer;
	return diag->n_errors == n_errors ? DECODE_OK : DECODE_BAD;
}

enum decode_result object_decode(const struct node *doc, const struct decode_opts *opts,
				 const struct object **ret, struct diag *diag)
{
	static const struct decode_opts none = { 0 };
	cleanup(arena_fini) struct arena scratch = ARENA_INIT;
	struct draft d = { .decode = { .arena = &scratch, .diag = diag }, .doc = doc };

	return decode(&d, opts ? opts : &none, ret);
}

enum { LIST_MAX_DEPTH = 8 };

static bool is_list(const struct node *doc)
{
	const struct node *items = node_get(doc, "items");

	return str_eq(node_str(doc, "kind"), "List") && items && items->type == NODE_SEQ;
}

static void each(const struct node *doc, uint32_t depth, void (*fn)(void *, const struct node *),
		 void *ctx)
{
	const struct node *items = node_get(doc, "items");

	if (!is_list(doc) || depth == LIST_MAX_DEPTH) {
		fn(ctx, doc);
		return;
	}
	for (uint32_t i = 0; i < items->n; i++)
		each(items->seq[i], depth + 1, fn, ctx);
}

void object_each(const struct node *doc, void (*fn)(void *ctx, const struct node *item), void *ctx)
{
	each(doc, 0, fn, ctx);
}

bool object_equal(const struct object *a, const struct object *b)
{
	struct object_meta x = *a->meta, y = *b->meta;

	if (a == b)
		return true;
	if (a->kind != b->kind || !hash128_eq(a->hash, b->hash))
		return false;
	x.uid = y.uid = x.resource_version = y.resource_version = NULL;
	x.generation.set = y.generation.set = false;
	return struct_equal(&object_meta_type, &x, &y) &&
	       struct_equal(kind_of(a)->type, a->body, b->body);
}

const char *object_title(const struct object *o, char buf[OBJECT_TITLE])
{
	snprintf(buf, OBJECT_TITLE, "%s %s%s%s", kind_of(o)->name, o->ns, *o->ns ? "/" : "",
		 o->name);
	return buf;
}

void object_print(const struct object *o, struct buf *out, bool pretty)
{
	struct json j;

	json_init(&j, out, pretty);
	json_map(&j);
	json_kv_str(&j, "apiVersion", o->api_version);
	json_kv_str(&j, "kind", kind_of(o)->name);
	json_key(&j, "metadata");
	json_map(&j);
	struct_print_fields(&j, &object_meta_type, o->meta);
	json_map_end(&j);
	struct_print_fields(&j, kind_of(o)->type, o->body);
	json_map_end(&j);
}

/* ---- structs that are no objects ---- */

const void *struct_decode(const struct struct_type *t, const struct node *n, struct arena *a,
			  const char *path, bool lenient, struct diag *diag)
{
	cleanup(arena_fini) struct arena scratch = ARENA_INIT;
	struct decode d = { .arena = &scratch, .diag = diag, .lenient = lenient };
	struct path root = { .name = path };
	struct pack p = { 0 };
	void *v = arena_alloc(&scratch, t->size);
	uint32_t n_errors = diag->n_errors;

	if (!decode_struct(&d, t, n, &root, v) || diag->n_errors != n_errors)
		return NULL;
	pack_str(&p, n->place.file);
	pack_struct(&p, t, v);
	pack_begin(&p, arena_alloc(a, p.n_words + p.n_chars));
	p.file = pack_str(&p, n->place.file);
	return pack_struct(&p, t, v);
}
