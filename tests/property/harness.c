/* The shadow is what a world was told, in an order that says nothing: live objects by identity, and the last of each
 * kind of value. Filling the second world walks it in a random order. */
#include "tests/property/harness.h"
#include "base/buf.h"
#include "base/map.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct shadow_value {
	char *id;
	void (*fn)(struct world *, const void *payload);
	void *payload;
};

struct harness {
	const struct property *p;
	struct world *world;
	struct rng rng;
	const struct object **objects;
	uint32_t n_objects, cap_objects;
	struct shadow_value *values;
	uint32_t n_values, cap_values;
	bool *connected;
	uint32_t (*bindings)[PROPERTY_BINDINGS];
	struct property_figures figures;
	uint32_t *progress; /* rounds, where another process can see them; or NULL */
	enum mutation mutation;
	unsigned mutated_query, mutated_what;
};

uint32_t rng_below(struct rng *r, uint32_t n)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return (uint32_t)(r->state >> 11) % n;
}

static void mutate(const struct harness *h, bool on)
{
#ifdef MAINSHEET_MUTATE
	graph_mutate(on ? h->mutation : MUTATE_NONE, h->mutated_query, h->mutated_what);
#else
	(void)h;
	(void)on;
#endif
}

static uint32_t find(const struct harness *h, unsigned kind, const char *ns, const char *name)
{
	uint32_t i = 0;

	while (i < h->n_objects &&
	       (h->objects[i]->kind != kind || strcmp(h->objects[i]->name, name) != 0 ||
		strcmp(h->objects[i]->ns, ns) != 0))
		i++;
	return i;
}

void harness_put(struct harness *h, const struct object *obj)
{
	uint32_t i = find(h, obj->kind, obj->ns, obj->name);

	if (i == h->n_objects) {
		VEC_ROOM(h->objects, h->n_objects, h->cap_objects);
		h->n_objects++;
	} else {
		object_unref(h->objects[i]);
	}
	h->objects[i] = object_ref(obj);
	world_put(h->world, obj);
}

bool harness_delete(struct harness *h, unsigned kind, const char *ns, const char *name)
{
	uint32_t i = find(h, kind, ns, name);

	if (i < h->n_objects) {
		object_unref(h->objects[i]);
		h->objects[i] = h->objects[--h->n_objects];
	}
	return world_delete(h->world, kind, ns, name);
}

void harness_do(struct harness *h, const char *id, void (*fn)(struct world *, const void *payload),
		const void *payload, size_t len)
{
	uint32_t i = 0;

	while (i < h->n_values && strcmp(h->values[i].id, id) != 0)
		i++;
	if (i == h->n_values) {
		VEC_ROOM(h->values, h->n_values, h->cap_values);
		h->n_values++;
		h->values[i].id = xstrdup(id);
	} else {
		xfree(h->values[i].payload);
	}
	h->values[i].fn = fn;
	h->values[i].payload = xmalloc(len + 1);
	if (len)
		memcpy(h->values[i].payload, payload, len);
	fn(h->world, payload);
}

static uint32_t *shuffled(struct rng *r, uint32_t n)
{
	uint32_t *order = xcalloc(n + 1, sizeof *order);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = rng_below(r, i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	return order;
}

static struct world *rebuild(struct harness *h)
{
	struct world *w = world_new(h->p->tables);
	uint32_t n = h->n_objects + h->n_values, *order = shuffled(&h->rng, n);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = order[i];

		if (at < h->n_objects)
			world_put(w, object_ref(h->objects[at]));
		else
			h->values[at - h->n_objects].fn(w, h->values[at - h->n_objects].payload);
	}
	xfree(order);
	graph_commit(world_graph(w), 0, NULL, NULL);
	return w;
}

static void append(void *ctx, const void *bytes, size_t n)
{
	buf_append(ctx, bytes, n);
}

static bool same_bytes(const struct result *a, const struct result *b)
{
	cleanup(buf_fini) struct buf x = BUF_INIT, y = BUF_INIT;

	if (!hash128_eq(a->hash, b->hash))
		return false;
	result_each(a, append, &x);
	result_each(b, append, &y);
	return x.len == y.len && x.len == a->total && !memcmp(buf_str(&x), buf_str(&y), x.len);
}

static bool compare(struct harness *h, struct err *e)
{
	struct world *w = rebuild(h);
	uint32_t *order = shuffled(&h->rng, h->p->n_classes), bindings[PROPERTY_BINDINGS];
	bool ok = true;

	for (unsigned i = 0; ok && i < h->p->n_classes; i++) {
		unsigned cls = order[i];

		if (!h->connected[cls])
			continue;
		h->p->bind(w, cls, bindings);
		for (unsigned root = 0; ok && root < h->p->n_roots; root++) {
			h->figures.n_compared++;
			if (!same_bytes(graph_bound(world_graph(h->world), h->bindings[cls][root]),
					graph_bound(world_graph(w), bindings[root])))
				ok = err(e, "class %u, root %u differs from a rebuild", cls, root);
		}
	}
	xfree(order);
	world_free(w);
	return ok;
}

static void disconnect(struct harness *h, unsigned cls)
{
	for (unsigned i = 0; i < h->p->n_bindings; i++)
		graph_unbind(world_graph(h->world), h->bindings[cls][i]);
	h->connected[cls] = false;
}

static void come_and_go(struct harness *h, uint32_t one_in)
{
	for (unsigned cls = 0; cls < h->p->n_classes; cls++) {
		if (rng_below(&h->rng, one_in))
			continue;
		if (h->connected[cls]) {
			disconnect(h, cls);
		} else {
			h->p->bind(h->world, cls, h->bindings[cls]);
			h->connected[cls] = true;
		}
	}
}

static void settle(struct harness *h)
{
	for (unsigned cls = 0; h->p->settle && cls < h->p->n_classes; cls++) {
		if (h->connected[cls])
			h->p->settle(h->world, cls, h->bindings[cls]);
	}
}

static void on_changed(void *ctx, void *owner, uint32_t binding, const struct result *now)
{
	struct harness *h = ctx;

	(void)owner;
	(void)binding;
	(void)now;
	h->figures.n_changed++;
}

static void edit(struct harness *h)
{
	h->figures.n_edits++;
	h->p->edit(h, &h->rng);
}

/* Putting again what is there must not even mark anything. */
static bool put_equal(struct harness *h, struct err *e)
{
	struct graph_stats before, after;
	uint64_t changed = h->figures.n_changed;

	graph_stats(world_graph(h->world), &before);
	if (h->n_objects &&
	    world_put(h->world, object_ref(h->objects[rng_below(&h->rng, h->n_objects)])))
		return err(e, "an equal object was taken for a new one");
	graph_commit(world_graph(h->world), 0, on_changed, h);
	graph_stats(world_graph(h->world), &after);
	if (before.n_marks != after.n_marks || changed != h->figures.n_changed)
		return err(e, "an equal object marked results");
	return true;
}

/* ---- explain and impact are each other's inverse ---- */
struct reached {
	unsigned kind;
	uint32_t key, binding;
	uint32_t by_impact, by_explain; /* how often this binding */
};

static void on_impact(void *ctx, void *owner, uint32_t binding, unsigned query, uint32_t key)
{
	struct reached *r = ctx;

	(void)owner;
	(void)query;
	(void)key;
	r->by_impact += binding == r->binding;
}

static void on_cell(void *ctx, unsigned depth, unsigned kind, uint32_t key)
{
	struct reached *r = ctx;

	(void)depth;
	r->by_explain += kind == r->kind && key == r->key;
}

static bool check_traces(struct harness *h, struct err *e)
{
	const struct graph *g = world_graph(h->world);
	const struct object *o;
	struct reached r = { 0 };

	if (!h->n_objects)
		return true;
	o = h->objects[rng_below(&h->rng, h->n_objects)];
	r.kind = o->kind;
	r.key = world_object_key(h->world, o->ns, o->name);
	for (unsigned i = 0; i < h->p->n_classes * h->p->n_bindings; i++) {
		unsigned cls = i / h->p->n_bindings;

		if (!h->connected[cls])
			continue;
		r.binding = h->bindings[cls][i % h->p->n_bindings];
		r.by_impact = r.by_explain = 0;
		graph_impact(g, r.kind, r.key, on_impact, &r);
		graph_explain(g, r.binding, NULL, on_cell, &r);
		if (r.by_explain > 1 || !r.by_explain != !r.by_impact)
			return err(e, "%u %s/%s: explained %u times, impact %u times", o->kind,
				   o->ns, o->name, r.by_explain, r.by_impact);
	}
	return true;
}

static bool step(struct harness *h, struct err *e)
{
	struct graph *g = world_graph(h->world);
	uint32_t n = rng_below(&h->rng, 10) ? 1 : 1 + rng_below(&h->rng, 8);
	struct graph_stats stats;

	come_and_go(h, 20);
	for (uint32_t i = 0; i < n; i++)
		edit(h);
	/* Sometimes commits stop half way, with edits and proxies coming in between. */
	while (!rng_below(&h->rng, 3) && !graph_commit(g, 1, on_changed, h)) {
		h->figures.n_partial++;
		come_and_go(h, 200);
		if (!rng_below(&h->rng, 4))
			edit(h);
	}
	while (!graph_commit(g, 0, on_changed, h))
		;
	settle(h);
	if (!graph_check(g, e))
		return err_wrap(e, "graph_check");
	if (!rng_below(&h->rng, 8) && !put_equal(h, e))
		return false;
	if (!rng_below(&h->rng, 16) && !check_traces(h, e))
		return false;
	graph_stats(g, &stats);
	h->figures.max_memos = MAX(h->figures.max_memos, stats.n_memos);
	mutate(h, false);
	if (!compare(h, e))
		return false;
	mutate(h, true);
	return true;
}

static bool all_gone(struct harness *h, struct err *e)
{
	struct graph_stats s;

	for (unsigned cls = 0; cls < h->p->n_classes; cls++) {
		if (h->connected[cls])
			disconnect(h, cls);
	}
	graph_stats(world_graph(h->world), &s);
	if (s.n_memos || s.result_bytes || s.n_paths || s.n_questions || s.n_bindings || s.n_scopes)
		return err(e, "with nobody connected %u results, %u paths, %u questions are left",
			   s.n_memos, s.n_paths, s.n_questions);
	return graph_check(world_graph(h->world), e) || err_wrap(e, "with nobody connected");
}

static bool run(struct harness *h, uint32_t n_rounds, struct err *e)
{
	mutate(h, true);
	for (uint32_t i = 0; i < h->p->n_start; i++)
		edit(h);
	graph_commit(world_graph(h->world), 0, NULL, NULL);
	while (h->figures.n_rounds < n_rounds) {
		h->figures.n_rounds++;
		if (h->progress)
			*h->progress = h->figures.n_rounds;
		if (!step(h, e))
			return false;
	}
	return all_gone(h, e);
}

static void harness_fini(struct harness *h)
{
	mutate(h, false);
	world_free(h->world);
	for (uint32_t i = 0; i < h->n_objects; i++)
		object_unref(h->objects[i]);
	xfree(h->objects);
	for (uint32_t i = 0; i < h->n_values; i++) {
		xfree(h->values[i].id);
		xfree(h->values[i].payload);
	}
	xfree(h->values);
	xfree(h->connected);
	xfree(h->bindings);
}

static struct harness harness(const struct property *p, uint64_t seed)
{
	struct harness h = { .p = p, .world = world_new(p->tables) };

	h.rng.state = (seed * UINT64_C(0x9e3779b97f4a7c15)) | 1;
	h.connected = xcalloc(p->n_classes, sizeof *h.connected);
	h.bindings = xcalloc(p->n_classes, sizeof *h.bindings);
	return h;
}

bool property_run(const struct property *p, uint32_t n_rounds, uint64_t seed,
		  struct property_figures *ret, struct err *e)
{
	cleanup(harness_fini) struct harness h = harness(p, seed);
	bool ok = run(&h, n_rounds, e);

	*ret = h.figures;
	return ok || err_wrap(e, "PROPERTY_SEED=%llu, round %u", (unsigned long long)seed,
			      h.figures.n_rounds);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s && *s ? strtoull(s, NULL, 10) : otherwise;
}

uint32_t property_rounds(uint32_t otherwise)
{
	return (uint32_t)from_environment("PROPERTY_ROUNDS", otherwise);
}

uint64_t property_seed(uint64_t otherwise)
{
	return from_environment("PROPERTY_SEED", otherwise);
}

#ifdef MAINSHEET_MUTATE
uint32_t property_mutated(const struct property *p, uint32_t n_rounds, uint64_t seed,
			  enum mutation m, unsigned query, unsigned what)
{
	/* The child may die of an assertion at any moment: it counts where the parent can see. */
	uint32_t *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t rounds;
	int status = 0;
	pid_t child;

	if (shared == MAP_FAILED)
		abort();
	fflush(NULL);
	child = fork();
	if (child < 0)
		abort();
	if (!child) {
		struct harness h = harness(p, seed);
		struct err e = ERR_INIT;

		h.mutation = m;
		h.mutated_query = query;
		h.mutated_what = what;
		h.progress = shared;
		/* Its last words are no news. */
		if (!freopen("/dev/null", "w", stderr))
			abort();
		_exit(!run(&h, n_rounds, &e));
	}
	while (waitpid(child, &status, 0) < 0)
		;
	rounds = *shared;
	munmap(shared, sizeof *shared);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : rounds;
}
#endif
