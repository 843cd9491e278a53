/* A round: proxies come and go, a few edits, a commit (perhaps in parts), and the checks: the rebuild, who was told of a new
 * snapshot, and that putting again what is there does nothing at all.
 */
#include "tests/property/rounds.h"
#include "base/clock.h"
#include "world/world.h"
#include <stdio.h>
#include <string.h>

enum { START_EDITS = 150 };

void rounds_mutate(const struct rounds *r, bool on)
{
#ifdef MAINSHEET_MUTATE
	graph_mutate(on ? r->mutation : MUTATE_NONE, r->query, r->what);
#else
	(void)r;
	(void)on;
#endif
}

bool rounds_verify(const struct rounds *r, struct engine *engine, struct err *e)
{
	bool ok;

	rounds_mutate(r, false);
	ok = engine_verify(engine, e);
	rounds_mutate(r, true);
	return ok;
}

void rounds_init(struct rounds *r, uint64_t seed)
{
	*r = (struct rounds){ .seed = seed, .now_ns = NS_PER_S };
	r->rng.state = (seed * UINT64_C(0x9e3779b97f4a7c15)) | 1;
	universe_init(&r->universe, &r->rng);
	r->before = xcalloc(r->universe.n, sizeof *r->before);
	r->engine = engine_new();
}

/* ---- proxies ---- */

static bool leave(struct rounds *r, struct joined *j)
{
	engine_leave(r->engine, j->proxy);
	snapshot_unref(j->held);
	xfree(TAKE(j->slot->text));
	*j = (struct joined){ 0 };
	return true;
}

/* A node that is there already connects anew, as it is or as another, before the old connection is gone. */
static bool join(struct rounds *r, struct joined *j, struct slot *s, struct err *e)
{
	struct engine_proxy *old = j->proxy;
	char *text = slot_redraw(s, &r->rng);

	if (!text)
		text = xstrdup(str_or(s->text, "{}"));
	j->proxy = slot_join(r->engine, text, j, e);
	if (!j->proxy) {
		printf("%s\n", text);
		xfree(text);
		j->proxy = old;
		return false;
	}
	if (old) {
		engine_leave(r->engine, old);
		snapshot_unref(j->held);
		xfree(s->text);
	}
	s->text = text;
	j->slot = s;
	j->held = snapshot_ref(engine_snapshot(j->proxy));
	return true;
}

static bool come_and_go(struct rounds *r, uint32_t one_in, struct err *e)
{
	for (unsigned i = r->universe.first_proxy; i < r->universe.n; i++) {
		struct joined *j = &r->joined[i - r->universe.first_proxy];

		if (rng_below(&r->rng, one_in))
			continue;
		if (j->slot && rng_below(&r->rng, 2) ? !leave(r, j)
						     : !join(r, j, &r->universe.slots[i], e))
			return false;
	}
	return true;
}

/* ---- edits ---- */

static bool edit(struct rounds *r, struct err *e)
{
	struct slot *s = universe_pick(&r->universe, &r->rng);
	char *text = slot_redraw(s, &r->rng);
	char title[64];

	r->figures.n_edits++;
	if (!slot_apply(s, r->engine, text, NULL, e)) {
		err_wrap(e, "%s", slot_title(s, title, sizeof title));
		printf("%s\n", text);
		xfree(text);
		return false;
	}
	xfree(s->text);
	s->text = text;
	return true;
}

static void keep_before(struct rounds *r)
{
	for (unsigned i = 0; i < r->universe.n; i++) {
		const char *text = r->universe.slots[i].text;

		if (text && r->before[i] && !strcmp(text, r->before[i]))
			continue;
		xfree(r->before[i]);
		r->before[i] = text ? xstrdup(text) : NULL;
	}
}

static void on_changed(void *ctx, void *owner, const struct snapshot *now)
{
	struct rounds *r = ctx;
	struct joined *j = owner;

	(void)now;
	r->figures.n_told++;
	j->told = true;
}

/* ---- checks ---- */

/* Whoever has another snapshot was told, and nobody else: `partial`, a snapshot may have changed and changed back. */
static bool check_told(struct rounds *r, bool partial, struct err *e)
{
	for (unsigned i = 0; i < MAX_PROXIES; i++) {
		struct joined *j = &r->joined[i];
		const struct snapshot *now;

		if (!j->slot)
			continue;
		now = engine_snapshot(j->proxy);
		if (now != j->held && !j->told)
			return err(e, "proxy %s/%s has a new snapshot and was not told",
				   j->slot->ns, j->slot->name);
		if (now == j->held && j->told && !partial)
			return err(e, "proxy %s/%s was told of the snapshot that it has",
				   j->slot->ns, j->slot->name);
		j->told = false;
		snapshot_unref(j->held);
		j->held = snapshot_ref(now);
	}
	return true;
}

/* Putting again what is there must not even mark anything. */
static bool check_equal(struct rounds *r, struct err *e)
{
	const struct slot *s = universe_pick(&r->universe, &r->rng);
	struct graph *g = world_graph(engine_world(r->engine));
	struct graph_stats before, after;
	uint64_t told = r->figures.n_told;
	bool changed = false;
	char title[64];

	if (!s->text)
		return true;
	graph_stats(g, &before);
	if (!slot_apply(s, r->engine, s->text, &changed, e))
		return false;
	engine_commit(r->engine, 0, on_changed, r);
	graph_stats(g, &after);
	if ((changed && slot_kind(s) == SLOT_OBJECT) || before.n_marks != after.n_marks ||
	    told != r->figures.n_told)
		return err(e, "%s, put again, changed something",
			   slot_title(s, title, sizeof title));
	return true;
}

/* Sometimes commits stop half way, with edits and proxies coming in between. */
static bool commit(struct rounds *r, bool *ret_partial, struct err *e)
{
	while (!rng_below(&r->rng, 4)) {
		if (!engine_commit(r->engine, 1, on_changed, r))
			r->figures.n_partial++;
		*ret_partial = true;
		if (!come_and_go(r, 200, e) || (!rng_below(&r->rng, 4) && !edit(r, e)))
			return false;
	}
	while (!engine_commit(r->engine, 0, on_changed, r))
		;
	return true;
}

static bool check_versions(struct rounds *r, struct err *e)
{
	struct versions *all = &r->expected[r->figures.n_rounds - 1];

	for (unsigned i = 0; i < MAX_PROXIES; i++)
		for (unsigned t = 0; r->joined[i].slot && t < XDS_N; t++) {
			const struct root *root = snapshot_root(engine_snapshot(r->joined[i].proxy),
								(enum xds_type)t);

			if (r->is_telling)
				all->v[i][t] = root_version(root);
			else if (all->v[i][t] != root_version(root))
				return err(e, "%s of %s/%s is not what was told", xds_types[t].name,
					   r->joined[i].slot->ns, r->joined[i].slot->name);
		}
	return true;
}

static bool check(struct rounds *r, struct err *e)
{
	enum { CHECK_GRAPH_EVERY = 8 };
	struct graph *g = world_graph(engine_world(r->engine));

	if (r->expected && !check_versions(r, e))
		return false;
	if (!r->expected || r->is_telling)
		return rounds_verify(r, r->engine, e);
	return r->figures.n_rounds % CHECK_GRAPH_EVERY || graph_check(g, e);
}

static bool step(struct rounds *r, struct err *e)
{
	uint32_t n = rng_below(&r->rng, 4) ? 1 + rng_below(&r->rng, 8) : 1;
	struct graph_stats stats;
	struct engine_stats engine;
	bool partial = false;

	keep_before(r);
	if (!come_and_go(r, 25, e))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!edit(r, e))
			return false;
	if (!commit(r, &partial, e) || !check_told(r, partial, e) || !check(r, e))
		return false;
	if (!rng_below(&r->rng, 8) && !check_equal(r, e))
		return false;
	/* Classes that nobody is in any more go after a minute. */
	r->now_ns += 10 * NS_PER_S;
	engine_tick(r->engine, r->now_ns);
	graph_stats(world_graph(engine_world(r->engine)), &stats);
	engine_stats(r->engine, &engine);
	r->figures.max_memos = MAX(r->figures.max_memos, stats.n_memos);
	r->figures.max_classes = MAX(r->figures.max_classes, engine.n_classes);
	return true;
}

/* With nobody connected nothing is left. */
static bool all_gone(struct rounds *r, struct err *e)
{
	struct graph *g = world_graph(engine_world(r->engine));
	struct graph_stats s;

	for (unsigned i = 0; i < MAX_PROXIES; i++)
		if (r->joined[i].slot)
			leave(r, &r->joined[i]);
	engine_commit(r->engine, 0, NULL, NULL);
	for (unsigned i = 0; i < 2; i++) {
		r->now_ns += 100 * NS_PER_S;
		engine_tick(r->engine, r->now_ns);
	}
	graph_stats(g, &s);
	if (s.n_memos || s.result_bytes || s.n_paths || s.n_questions || s.n_bindings)
		return err(e, "with nobody connected %u results, %u paths, %u questions are left",
			   s.n_memos, s.n_paths, s.n_questions);
	return graph_check(g, e) || err_wrap(e, "with nobody connected");
}

bool rounds_run(struct rounds *r, uint32_t n_rounds, struct err *e)
{
	rounds_mutate(r, true);
	for (uint32_t i = 0; i < START_EDITS; i++)
		if (!edit(r, e))
			return false;
	engine_commit(r->engine, 0, NULL, NULL);
	if (!come_and_go(r, 2, e))
		return false;
	while (r->figures.n_rounds < n_rounds) {
		r->figures.n_rounds++;
		if (r->progress)
			*r->progress = r->figures.n_rounds;
		if (!step(r, e))
			return err_wrap(e, "PROPERTY_SEED=%llu, round %u",
					(unsigned long long)r->seed, r->figures.n_rounds);
	}
	return all_gone(r, e);
}

void rounds_fini(struct rounds *r)
{
	rounds_mutate(r, false);
	for (unsigned i = 0; i < MAX_PROXIES; i++)
		snapshot_unref(r->joined[i].held);
	engine_free(r->engine);
	for (unsigned i = 0; i < r->universe.n; i++)
		xfree(r->before[i]);
	xfree(r->before);
	universe_fini(&r->universe);
}
