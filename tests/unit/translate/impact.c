/* What objects reach: it is explain read backwards, and what explain leaves out changes nothing. */
#include "translate/impact.h"
#include "base/buf.h"
#include "base/err.h"
#include "kit.h"
#include "provenance_mesh.h"
#include "snapshot/snapshot.h"
#include "test.h"
#include "translate/explain.h"
#include "world/world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pairs {
	struct kit *k;
	const struct engine_proxy *proxy;
	const char *id;
	enum xds_type type;
	const struct resource *resource;
	char **v;
	uint32_t n, cap;
};

static void add_pair(struct pairs *x, const char *object, const char *rest)
{
	VEC_ROOM(x->v, x->n, x->cap);
	x->v[x->n++] = xasprintf("%s -> %s", object, rest);
}

static const char *const type_names[] = {
	[XDS_CDS] = "cluster", [XDS_EDS] = "endpoints", [XDS_LDS] = "listener",
	[XDS_RDS] = "vhost",   [XDS_NDS] = "nametable",
};

static void explain_one(struct pairs *x, const char *resource)
{
	struct explanation found = { 0 };
	struct err e = ERR_INIT;
	char title[OBJECT_TITLE];
	char *rest = xasprintf("%s %s", x->id, resource);

	CHECK_INT(explain(x->k->engine, x->proxy, resource, &found, &e), EXPLAIN_FOUND);
	*strchr(rest + strlen(x->id) + 1, '/') = ' ';
	for (uint32_t i = 0; i < found.n; i++)
		add_pair(x, object_title(found.v[i], title), rest);
	explanation_fini(&found);
	xfree(rest);
}

static void each_vhost(void *ctx, const void *bytes, size_t n, const struct result *owner)
{
	struct pairs *x = ctx;
	const uint8_t *at = bytes, *end = at + n;
	struct encoded_vhost v;

	while (vhost_next(&at, end, &v)) {
		char *name = xasprintf("vhost/%s/%.*s", x->resource->name, (int)v.name_len, v.name);

		explain_one(x, name);
		xfree(name);
	}
}

static bool each_resource(void *ctx, const struct resource *r)
{
	struct pairs *x = ctx;
	char *name;

	if (x->type == XDS_RDS) {
		x->resource = r;
		resource_pieces(r, each_vhost, x);
		return true;
	}
	name = xasprintf("%s/%s", type_names[x->type], x->type == XDS_NDS ? "all" : r->name);
	explain_one(x, name);
	xfree(name);
	return true;
}

static void explain_all(struct pairs *x)
{
	static const enum xds_type types[] = { XDS_CDS, XDS_EDS, XDS_LDS, XDS_RDS, XDS_NDS };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		x->type = types[i];
		root_each(snapshot_root(engine_snapshot(x->proxy), types[i]), each_resource, x);
	}
	explain_one(x, "proxy/facts");
}

struct impacts {
	struct pairs *pairs;
	struct engine_proxy *const *proxies;
};

static void impact_of(void *ctx, const struct object *o)
{
	struct impacts *x = ctx;
	struct object_name name = { .kind = o->kind, .ns = o->ns, .name = o->name };
	struct impact *m = impact_new(&name);
	struct buf b = BUF_INIT;
	char title[OBJECT_TITLE], *save = NULL;

	CHECK(impact_begin(m, x->pairs->k->engine));
	for (uint32_t i = 0; i < EVERY_PROXY; i++)
		CHECK(impact_add(m, x->proxies[i], every_id[i]));
	impact_end(m);
	impact_print(m, false, false, &b);
	for (char *line = b.len ? strtok_r(b.p, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		add_pair(x->pairs, object_title(o, title), line);
	impact_free(m);
	buf_fini(&b);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_pairs(struct pairs *x)
{
	if (x->n)
		qsort(x->v, x->n, sizeof *x->v, by_text);
}

static void pairs_fini(struct pairs *x)
{
	for (uint32_t i = 0; i < x->n; i++)
		xfree(x->v[i]);
	xfree(x->v);
}

TEST(impact_is_the_inverse_of_explain)
{
	struct kit k;
	struct engine_proxy *p[EVERY_PROXY];
	struct pairs down = { .k = &k }, up = { .k = &k };

	kit_init(&k, NULL);
	join_every(&k, p);
	for (uint32_t i = 0; i < EVERY_PROXY; i++) {
		down.proxy = p[i];
		down.id = every_id[i];
		explain_all(&down);
	}
	world_each(engine_world(k.engine), impact_of, &(struct impacts){ &up, p });
	sort_pairs(&down);
	sort_pairs(&up);
	CHECK(down.n > 100);
	for (uint32_t i = 0, j = 0; i < down.n || j < up.n;) {
		int c = i == down.n ? 1 : j == up.n ? -1 : strcmp(down.v[i], up.v[j]);

		if (c)
			printf("only by %s: %s\n", c < 0 ? "explain" : "impact",
			       c < 0 ? down.v[i] : up.v[j]);
		CHECK_INT(c, 0);
		i += c <= 0;
		j += c >= 0;
	}
	pairs_fini(&down);
	pairs_fini(&up);
	kit_fini(&k);
}

static void check_impact(struct kit *k, struct engine_proxy *p, const char *object, bool json,
			 const char *expected)
{
	struct arena a = ARENA_INIT;
	struct object_name name;
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	struct impact *x;

	if (CHECK(object_name_parse(object, &a, &name, &e))) {
		x = impact_new(&name);
		CHECK_INT(impact_begin(x, k->engine), expected != NULL);
		if (expected)
			CHECK(impact_add(x, p, "me.default"));
		impact_end(x);
		if (expected)
			impact_print(x, json, false, &b);
		CHECK_STR(buf_str(&b), str_or(expected, ""));
		impact_free(x);
	}
	buf_fini(&b);
	arena_fini(&a);
}

TEST(impact_of_objects)
{
	static const struct row rows[] = {
		{ "Service", "shop", "a",
		  "}\nspec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]}" },
		{ "Service", "shop", "b",
		  "}\nspec: {clusterIP: 10.96.0.2, ports: [{name: http, port: 80}]}" },
		{ "DestinationRule", "shop", "a",
		  "}\nspec: {host: a, subsets: [{name: v1, labels: {version: v1}}]}" },
		{ "VirtualService", "default", "a",
		  "}\nspec: {hosts: [a.shop.svc.cluster.local],\n  http: [{route: [{destination: "
		  "{host: a.shop.svc.cluster.local, subset: v1}}]}]}" },
		{ "VirtualService", "elsewhere", "b",
		  "}\nspec: {exportTo: [\".\"], hosts: [b.shop.svc.cluster.local],\n"
		  "  http: [{route: [{destination: {host: b.shop.svc.cluster.local}}]}]}" },
	};
	struct kit k;
	struct engine_proxy *p;

	kit_init(&k, NULL);
	put_rows(&k, rows, ARRAY_LEN(rows));
	p = kit_join(&k, &(struct kit_proxy){ .name = "me" });
	check_impact(&k, p, "VirtualService/default/a", false,
		     "me.default vhost 80/a.shop.svc.cluster.local:80\n");
	check_impact(&k, p, "destinationrule/shop/a", false,
		     "me.default cluster outbound|80|v1|a.shop.svc.cluster.local\n"
		     "me.default cluster outbound|80||a.shop.svc.cluster.local\n"
		     "me.default endpoints outbound|80|v1|a.shop.svc.cluster.local\n"
		     "me.default endpoints outbound|80||a.shop.svc.cluster.local\n"
		     "me.default vhost 80/a.shop.svc.cluster.local:80\n");
	check_impact(&k, p, "VirtualService/default/a", true,
		     "[{\"proxy\":\"me.default\",\"type\":\"vhost\","
		     "\"name\":\"80/a.shop.svc.cluster.local:80\"}]\n");
	check_impact(&k, p, "VirtualService/elsewhere/b", false, "");
	check_impact(&k, p, "VirtualService/elsewhere/b", true, "[]\n");
	check_impact(&k, p, "VirtualService/default/none", false, NULL);
	check_impact(&k, p, "Node/none", false, NULL);
	kit_fini(&k);
}

/* ---- what explain leaves out does not change the resource ---- */

/* A resource of a proxy as it was. */
struct known {
	char *name, *sources;
	struct hash128 hash;
};
struct listing {
	struct kit *k;
	const struct engine_proxy *proxy;
	const struct resource *resource; /* route configuration at hand */
	enum xds_type type;
	bool with_sources;
	struct known *v;
	uint32_t n, cap;
};

static char *sources_of(struct listing *l, const char *name)
{
	struct explanation x = { 0 };
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	char title[OBJECT_TITLE];

	CHECK_INT(explain(l->k->engine, l->proxy, name, &x, &e), EXPLAIN_FOUND);
	for (uint32_t i = 0; i < x.n; i++)
		buf_printf(&b, "%s;", object_title(x.v[i], title));
	explanation_fini(&x);
	return buf_take(&b);
}

static void list_one(struct listing *l, char *name, struct hash128 hash)
{
	VEC_ROOM(l->v, l->n, l->cap);
	l->v[l->n++] = (struct known){ name, l->with_sources ? sources_of(l, name) : NULL, hash };
}

static void list_vhosts(void *ctx, const void *bytes, size_t n, const struct result *owner)
{
	struct listing *l = ctx;
	const uint8_t *at = bytes, *end = at + n;
	struct encoded_vhost v;

	while (vhost_next(&at, end, &v))
		list_one(l, xasprintf("vhost/%s/%.*s", l->resource->name, (int)v.name_len, v.name),
			 hash128(v.bytes, v.len));
}

static bool list_resource(void *ctx, const struct resource *r)
{
	struct listing *l = ctx;

	l->resource = r;
	if (l->type == XDS_RDS)
		resource_pieces(r, list_vhosts, l);
	else
		list_one(l, xasprintf("%s/%s", type_names[l->type], r->name), r->hash);
	return true;
}

static struct listing list_all(struct kit *k, const struct engine_proxy *p, bool with_sources)
{
	static const enum xds_type types[] = { XDS_CDS, XDS_EDS, XDS_LDS, XDS_RDS };
	struct listing l = { .k = k, .proxy = p, .with_sources = with_sources };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		l.type = types[i];
		root_each(snapshot_root(engine_snapshot(p), types[i]), list_resource, &l);
	}
	return l;
}

static void listing_fini(struct listing *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		xfree(l->v[i].name);
		xfree(l->v[i].sources);
	}
	xfree(l->v);
}

/* The number of those that are there before and after, but not the same. */
static unsigned check_changes(const struct listing *before, const struct listing *after,
			      const char *title)
{
	char *source = xasprintf("%s;", title);
	unsigned n = 0;

	for (uint32_t i = 0; i < before->n; i++)
		for (uint32_t j = 0; j < after->n; j++) {
			if (strcmp(before->v[i].name, after->v[j].name) ||
			    hash128_eq(before->v[i].hash, after->v[j].hash))
				continue;
			n++;
			if (!CHECK(strstr(before->v[i].sources, source)))
				printf("%s without %s is another one; made from %s\n",
				       before->v[i].name, title, before->v[i].sources);
		}
	xfree(source);
	return n;
}

struct objects {
	const struct object *v[64];
	uint32_t n;
};

static void keep_object(void *ctx, const struct object *o)
{
	struct objects *x = ctx;

	x->v[x->n++] = object_ref(o);
}

/* Each object is taken away and put back. Where it was a source of the proxy's facts, all may be another. */
TEST(what_is_no_source_changes_nothing)
{
	struct kit k;
	struct engine_proxy *p[EVERY_PROXY];
	struct objects all = { .n = 0 };
	unsigned n_changed = 0;

	kit_init(&k, NULL);
	join_every(&k, p);
	world_each(engine_world(k.engine), keep_object, &all);
	for (uint32_t i = 0; i < all.n; i++) {
		const struct object *o = all.v[i];
		struct listing before[EVERY_PROXY];
		char title[OBJECT_TITLE], *facts[EVERY_PROXY];

		object_title(o, title);
		for (uint32_t j = 0; j < EVERY_PROXY; j++) {
			before[j] = list_all(&k, p[j], true);
			facts[j] = sources_of(&before[j], "proxy/facts");
		}
		CHECK(world_delete(engine_world(k.engine), o->kind, o->ns, o->name));
		CHECK(engine_commit(k.engine, 0, NULL, NULL));
		for (uint32_t j = 0; j < EVERY_PROXY; j++) {
			struct listing after = list_all(&k, p[j], false);

			if (!strstr(facts[j], title))
				n_changed += check_changes(&before[j], &after, title);
			listing_fini(&after);
			listing_fini(&before[j]);
			xfree(facts[j]);
		}
		CHECK(world_put(engine_world(k.engine), o));
		CHECK(engine_commit(k.engine, 0, NULL, NULL));
	}
	CHECK(n_changed > 50);
	kit_fini(&k);
}
