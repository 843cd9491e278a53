/* Is what grew edit by edit what a rebuild gives? Everything that was told is told to a second engine, each time in another
 * order; then every proxy must have the same there, byte for byte.
 */
#include "base/buf.h"
#include "base/err.h"
#include "translate/engine_impl.h"
#include "world/world.h"
#include <string.h>

struct gathered {
	const struct object **v;
	uint32_t n, cap;
};

static void gather(void *ctx, const struct object *o)
{
	struct gathered *g = ctx;

	VEC_ROOM(g->v, g->n, g->cap);
	g->v[g->n++] = o;
}

static uint32_t below(uint64_t *state, uint32_t n)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33) % n;
}

static void put_shuffled(struct engine *fresh, struct gathered *g, uint64_t *order)
{
	for (uint32_t i = g->n; i > 1; i--) {
		uint32_t j = below(order, i);
		const struct object *o = g->v[j];

		g->v[j] = g->v[i - 1];
		g->v[i - 1] = o;
	}
	for (uint32_t i = 0; i < g->n; i++)
		world_put(fresh->world, object_ref(g->v[i]));
}

static struct engine *rebuild(struct engine *e)
{
	struct engine *fresh = engine_new();
	struct gathered g = { 0 };
	struct diag diag = DIAG_INIT;
	bool mesh_first = below(&e->order, 2);

	world_each(e->world, gather, &g);
	world_each_hidden(e->world, gather, &g);
	if (!mesh_first)
		put_shuffled(fresh, &g, &e->order);
	diag_init(&diag);
	engine_set_mesh(fresh, e->mesh, &diag);
	engine_set_networks(fresh, e->networks, &diag);
	diag_fini(&diag);
	if (mesh_first)
		put_shuffled(fresh, &g, &e->order);
	xfree(g.v);
	engine_commit(fresh, 0, NULL, NULL);
	return fresh;
}

/* ---- comparing ---- */

struct search {
	const struct root *in;
	bool is_missing; /* looks for what is not there at all, not for what is different */
	const char *name;
};

static bool finds_difference(void *ctx, const struct resource *r)
{
	struct search *s = ctx;
	struct resource other;
	bool found = root_find(s->in, r->name, &other);

	if (s->is_missing ? !found : found && !hash128_eq(r->hash, other.hash))
		s->name = r->name;
	return !s->name;
}

static const char *first_difference(const struct root *was, const struct root *is,
				    const char **ret_how)
{
	struct search different = { .in = is }, extra = { is, true, NULL },
		      missing = { was, true, NULL };

	root_each(was, finds_difference, &different);
	root_each(was, finds_difference, &extra);
	root_each(is, finds_difference, &missing);
	*ret_how = different.name ? "is different" : extra.name ? "is not there" : "is there";
	return different.name ? different.name : extra.name ? extra.name : missing.name;
}

static void append(void *ctx, const void *bytes, size_t n)
{
	buf_append(ctx, bytes, n);
}

static bool same_bytes(const struct root *was, const struct root *is)
{
	cleanup(buf_fini) struct buf x = BUF_INIT, y = BUF_INIT;

	if (root_version(was) != root_version(is))
		return false;
	result_each(root_result(was), append, &x);
	result_each(root_result(is), append, &y);
	return x.len == y.len && !memcmp(buf_str(&x), buf_str(&y), x.len);
}

/* Of the bytes of one class, one of its proxies is enough; the versions count for each. */
static bool same_proxy(struct engine *e, struct engine *fresh, struct engine_proxy *p,
		       struct err *err_)
{
	struct engine_proxy *again =
		engine_join_key(fresh, proxy_copy(fresh->world, e->world, p->key), NULL);

	for (size_t i = 0; i < ENGINE_ROOTS; i++) {
		const struct root *was = snapshot_root(p->class->snapshot, engine_roots[i].type);
		const struct root *is = snapshot_root(again->class->snapshot, engine_roots[i].type);
		const char *how, *name;

		if (p->class->proxies == p ? same_bytes(was, is)
					   : root_version(was) == root_version(is))
			continue;
		name = first_difference(was, is, &how);
		return err(err_, "%s of %s: a rebuild says otherwise: there %s%s%s",
			   xds_types[engine_roots[i].type].name,
			   key_text(world_keys(e->world), p->key),
			   name ? name : "the order is different", name ? " " : "",
			   name ? how : "");
	}
	return true;
}

bool engine_verify(struct engine *e, struct err *err_)
{
	struct engine *fresh;
	bool ok = true;

	if (!graph_check(e->graph, err_))
		return err_wrap(err_, "the graph");
	fresh = rebuild(e);
	for (struct engine_proxy *p = e->proxies; p && ok; p = p->next)
		ok = same_proxy(e, fresh, p, err_);
	engine_free(fresh);
	return ok;
}
