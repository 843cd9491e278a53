/* Proxies, their classes, and the snapshot of each class.
 *
 * Every proxy has one binding of its own, of its facts; everything else is bound per class. A commit first brings the
 * graph up to date; then proxies whose facts came out different move to another class; then classes with a changed root
 * get a new snapshot, and their proxies are told.
 */
#include "base/clock.h"
#include "base/err.h"
#include "doc/node.h"
#include "model/discovery.h"
#include "model/mesh.h"
#include "model/queries.h"
#include "translate/engine_impl.h"
#include "translate/queries.h"
#include "world/world.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_LINGER_NS (60 * NS_PER_S)

const struct engine_root engine_roots[ENGINE_ROOTS] = {
	{ XDS_CDS, Q_CDS }, { XDS_EDS, Q_EDS }, { XDS_LDS, Q_LDS },
	{ XDS_RDS, Q_RDS }, { XDS_NDS, Q_NDS },
};

struct engine *engine_new(void)
{
	struct engine *e = xcalloc(1, sizeof *e);
	struct world_tables tables = {
		.indexes = model_indexes,
		.n_indexes = model_n_indexes,
		.n_cell_kinds = CELL_COUNT,
		.answer = proxy_answer,
		.door = DISCOVERY_DOOR,
	};
	struct diag diag = DIAG_INIT;

	tables.queries = translate_queries(&tables.n_queries);
	e->world = world_new(&tables);
	e->graph = world_graph(e->world);
	e->cache = xds_cache_new();
	e->no_scope = graph_scope(e->graph, NULL, 0);
	diag_init(&diag);
	bool ok =
		mesh_config_set(e->world, NULL, &diag) && mesh_networks_set(e->world, NULL, &diag);
	assert(ok);
	diag_fini(&diag);
	graph_commit(e->graph, 0, NULL, NULL);
	return e;
}

static void class_free(struct engine *e, struct engine_class *c)
{
	for (size_t i = 0; i < ENGINE_ROOTS; i++)
		graph_unbind(e->graph, c->bindings[i]);
	scope_unref(e->graph, c->scope);
	snapshot_unref(c->snapshot);
	*(c->prev ? &c->prev->next : &e->classes) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	e->n_classes--;
	xfree(c);
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	while (e->proxies)
		engine_leave(e, e->proxies);
	while (e->classes)
		class_free(e, e->classes);
	scope_unref(e->graph, e->no_scope);
	mesh_free(e->world);
	world_free(e->world);
	xds_cache_free(e->cache);
	arena_fini(&e->mesh_arena);
	arena_fini(&e->networks_arena);
	xfree(e->joined);
	xfree(e);
}

struct world *engine_world(struct engine *e)
{
	return e->world;
}

struct xds_cache *engine_cache(struct engine *e)
{
	return e->cache;
}

static void keep_document(struct arena *a, const struct node **kept, const struct node *doc)
{
	struct arena fresh = ARENA_INIT;

	*kept = doc ? node_copy(&fresh, doc) : NULL;
	arena_fini(a);
	*a = fresh;
}

bool engine_set_mesh(struct engine *e, const struct node *doc, struct diag *diag)
{
	if (!mesh_config_set(e->world, doc, diag))
		return false;
	keep_document(&e->mesh_arena, &e->mesh, doc);
	return true;
}

bool engine_set_networks(struct engine *e, const struct node *doc, struct diag *diag)
{
	if (!mesh_networks_set(e->world, doc, diag))
		return false;
	keep_document(&e->networks_arena, &e->networks, doc);
	return true;
}

/* ---- classes ---- */

static const struct snapshot *class_snapshot(struct engine *e, const struct engine_class *c)
{
	const struct result *results[XDS_N] = { 0 };

	for (size_t i = 0; i < ENGINE_ROOTS; i++)
		results[engine_roots[i].type] = graph_bound(e->graph, c->bindings[i]);
	return snapshot_get(e->cache, results);
}

static struct engine_class *class_of_facts(struct engine *e, const struct result *facts)
{
	struct scope *scope = graph_scope(e->graph, facts->bytes, facts->n);
	struct engine_class *c;

	for (c = e->classes; c; c = c->next)
		if (c->scope == scope) {
			scope_unref(e->graph, scope);
			return c;
		}
	c = xcalloc(1, sizeof *c);
	c->owner.kind = OWNER_CLASS;
	c->scope = scope;
	c->next = e->classes;
	if (c->next)
		c->next->prev = c;
	e->classes = c;
	e->n_classes++;
	for (size_t i = 0; i < ENGINE_ROOTS; i++)
		c->bindings[i] = graph_bind(e->graph, scope, engine_roots[i].query, 0, &c->owner);
	c->snapshot = class_snapshot(e, c);
	return c;
}

static void leave_class(struct engine_proxy *p)
{
	*p->at_in_class = p->next_in_class;
	if (p->next_in_class)
		p->next_in_class->at_in_class = p->at_in_class;
	p->class = NULL;
}

static void enter_class(struct engine_proxy *p, struct engine_class *c)
{
	p->class = c;
	p->next_in_class = c->proxies;
	p->at_in_class = &c->proxies;
	if (c->proxies)
		c->proxies->at_in_class = &p->next_in_class;
	c->proxies = p;
	c->idle_since = 0;
}

/* ---- proxies ---- */

static void mark_dirty(struct engine *e, struct owner *o)
{
	if (o->dirty)
		return;
	o->dirty = true;
	if (o->kind == OWNER_PROXY) {
		struct engine_proxy *p = container_of(o, struct engine_proxy, owner);

		p->next_dirty = e->dirty_proxies;
		e->dirty_proxies = p;
	} else {
		struct engine_class *c = container_of(o, struct engine_class, owner);

		c->next_dirty = e->dirty_classes;
		e->dirty_classes = c;
	}
}

static void on_changed(void *ctx, void *owner, uint32_t binding, const struct result *now)
{
	mark_dirty(ctx, owner);
}

struct engine_proxy *engine_join_key(struct engine *e, uint32_t key, void *owner)
{
	struct engine_proxy *p = xcalloc(1, sizeof *p);

	p->owner.kind = OWNER_PROXY;
	p->user = owner;
	p->key = key;
	if (p->key >= e->c_joined) {
		uint32_t n = MAX(p->key + 1, e->c_joined * 2);

		e->joined = xrealloc_array(e->joined, n, sizeof *e->joined);
		memset(e->joined + e->c_joined, 0, (n - e->c_joined) * sizeof *e->joined);
		e->c_joined = n;
	}
	e->joined[p->key]++;
	/* A node that connects twice and says something else changes the facts of both. */
	graph_commit(e->graph, 0, on_changed, e);
	p->binding = graph_bind(e->graph, e->no_scope, Q_PROXY_FACTS, p->key, &p->owner);
	p->next = e->proxies;
	if (p->next)
		p->next->prev = p;
	e->proxies = p;
	e->n_proxies++;
	enter_class(p, class_of_facts(e, graph_bound(e->graph, p->binding)));
	return p;
}

struct engine_proxy *engine_join(struct engine *e, const struct proxy_node_text *node, void *owner)
{
	uint32_t key = proxy_put(e->world, node);

	return key ? engine_join_key(e, key, owner) : NULL;
}

void engine_leave(struct engine *e, struct engine_proxy *p)
{
	if (p->owner.dirty) {
		struct engine_proxy **at = &e->dirty_proxies;

		while (*at != p)
			at = &(*at)->next_dirty;
		*at = p->next_dirty;
	}
	leave_class(p);
	graph_unbind(e->graph, p->binding);
	*(p->prev ? &p->prev->next : &e->proxies) = p->next;
	if (p->next)
		p->next->prev = p->prev;
	e->n_proxies--;
	if (!--e->joined[p->key])
		proxy_delete(e->world, p->key);
	xfree(p);
}

const struct snapshot *engine_snapshot(const struct engine_proxy *p)
{
	return p->class->snapshot;
}

void *engine_owner(const struct engine_proxy *p)
{
	return p->user;
}

/* ---- commit ---- */

bool engine_commit(struct engine *e, int64_t deadline_ns, engine_changed_fn *changed, void *ctx)
{
	bool done = graph_commit(e->graph, deadline_ns, on_changed, e);

	if (!done && e->dirty_proxies)
		done = graph_commit(e->graph, 0, on_changed, e); /* binding needs a settled graph */
	while (e->dirty_proxies) {
		struct engine_proxy *p = e->dirty_proxies;
		struct engine_class *before = p->class;
		const struct snapshot *had = before->snapshot;

		e->dirty_proxies = p->next_dirty;
		p->owner.dirty = false;
		leave_class(p);
		enter_class(p, class_of_facts(e, graph_bound(e->graph, p->binding)));
		/* A class that is dirty itself tells all its proxies below. */
		if (p->class->snapshot != had && changed)
			changed(ctx, p->user, p->class->snapshot);
	}
	while (e->dirty_classes) {
		struct engine_class *c = e->dirty_classes;
		const struct snapshot *now = class_snapshot(e, c);

		e->dirty_classes = c->next_dirty;
		c->owner.dirty = false;
		if (now == c->snapshot) {
			snapshot_unref(now);
			continue;
		}
		snapshot_unref(c->snapshot);
		c->snapshot = now;
		for (struct engine_proxy *p = c->proxies; p && changed; p = p->next_in_class)
			changed(ctx, p->user, now);
	}
	return done;
}

void engine_tick(struct engine *e, int64_t mono_ns)
{
	for (struct engine_class *c = e->classes, *next; c; c = next) {
		next = c->next;
		if (c->proxies || c->owner.dirty)
			continue;
		if (!c->idle_since)
			c->idle_since = mono_ns;
		else if (mono_ns - c->idle_since >= CLASS_LINGER_NS)
			class_free(e, c);
	}
	xds_cache_tick(e->cache, mono_ns);
}

void engine_stats(struct engine *e, struct engine_stats *ret)
{
	struct graph_stats g;

	graph_stats(e->graph, &g);
	*ret = (struct engine_stats){ .n_proxies = e->n_proxies,
				      .n_classes = e->n_classes,
				      .bookkeeping_bytes = g.bookkeeping_bytes,
				      .result_bytes = g.result_bytes };
}

/* ---- what it tells ---- */

void engine_problems(struct engine *e, const struct engine_proxy *p, problem_fn *fn, void *ctx)
{
	for (size_t i = 0; i < ENGINE_ROOTS; i++)
		graph_problems_of(e->graph, p->class->bindings[i], fn, ctx);
}

const void *engine_class_of(const struct engine_proxy *p)
{
	return p->class;
}

void engine_shards(struct engine *e, const char *ns, engine_shards_fn *fn, void *ctx)
{
	uint32_t key = key_find(world_keys(e->world), ns), binding;
	const struct result *r;

	if (!key)
		return;
	binding = graph_bind(e->graph, e->no_scope, Q_SHARDS, key, NULL);
	r = graph_bound(e->graph, binding);
	for (const char *p = (const char *)r->bytes, *end = p + r->n; p < end;) {
		const char *json = p + strlen(p) + 1;
		size_t len = strlen(json);

		fn(ctx, p, json, len);
		p = json + len + 1;
	}
	graph_unbind(e->graph, binding);
}
