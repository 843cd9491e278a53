/* Problems of two origins as one list: what sources refused or doubted, and what queries met while they worked. */
#include "base/arena.h"
#include "daemon/model_thread.h"
#include "daemon/pages_impl.h"
#include "source/batch.h"
#include "translate/engine.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

static void add(struct problems *x, const struct problem *p, int64_t since_ns, bool in_force)
{
	struct arena *a = x->arena;

	if (x->n >= PAGE_PROBLEMS_MAX)
		return;
	*ARENA_PUSH(a, x->v, x->n, x->cap) = (struct client_problem){
		.problem = { .severity = p->severity,
			     .place = { arena_strdup(a, str_or(p->place.file, "")), p->place.line,
					p->place.column },
			     .object = arena_strdup(a, str_or(p->object, "")),
			     .path = arena_strdup(a, str_or(p->path, "")),
			     .reason = arena_strdup(a, str_or(p->reason, "")) },
		.since_ns = since_ns,
		.in_force = in_force,
	};
}

void problems_add(struct problems *x, const struct diag *d)
{
	for (uint32_t i = 0; i < d->n; i++)
		add(x, &d->v[i], 0, true);
}

static int by_place(const void *a, const void *b)
{
	const struct problem *x = &((const struct client_problem *)a)->problem,
			     *y = &((const struct client_problem *)b)->problem;
	int c = strcmp(x->place.file, y->place.file);

	if (!c && x->place.line != y->place.line)
		c = x->place.line < y->place.line ? -1 : 1;
	if (!c && x->place.column != y->place.column)
		c = x->place.column < y->place.column ? -1 : 1;
	c = c ? c : strcmp(x->object, y->object);
	c = c ? c : strcmp(x->path, y->path);
	c = c ? c : strcmp(x->reason, y->reason);
	return c ? c : (int)y->severity - (int)x->severity;
}

/* Many queries meet the same problem, and so may a source and a query. */
void problems_sort(struct problems *x)
{
	uint32_t n = 0;

	if (x->n)
		qsort(x->v, x->n, sizeof *x->v, by_place);
	for (uint32_t i = 0; i < x->n; i++)
		if (!n || by_place(&x->v[n - 1], &x->v[i]))
			x->v[n++] = x->v[i];
	x->n = n;
}

static void from_source(void *ctx, const struct source_problem *p)
{
	add(ctx, &p->problem, p->since_ns, p->in_force);
}

static void from_graph(void *ctx, unsigned query, uint32_t key, const struct diag *d)
{
	problems_add(ctx, d);
}

static void read_graph(void *ctx, struct engine *e)
{
	graph_problems(world_graph(engine_world(e)), from_graph, ctx);
}

bool pages_problems(struct pages *p, struct arena *a, struct problems *ret)
{
	*ret = (struct problems){ .arena = a };
	if (!model_call(p->model, read_graph, ret))
		return false;
	/* Second, so that they are of the same edit or a later one. */
	model_each_problem(p->model, from_source, ret);
	problems_sort(ret);
	return true;
}
