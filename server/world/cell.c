/* Cells: every fact of the world that a query can read, by kind and key, with its readers and when it last changed.
 *
 * Reading what is not there is a fact too. Most of these reads never see the thing come into being, so they share one
 * of ABSENCE_BUCKETS cells per kind instead of having a cell each; something new touches its bucket, and the few other
 * readers of the bucket find that nothing changed for them. Kinds with a miss_fn have no buckets: there each key that
 * is read gets a cell, filled at that moment, which goes when the last reader does. */
#include "world/graph_impl.h"

static uint32_t *bucket(const struct graph *g, uint32_t kind, uint32_t key)
{
	return &g->cell_buckets[hash_u32(kind, key) & (g->n_cell_buckets - 1)];
}

uint32_t cell_find(const struct graph *g, uint32_t kind, uint32_t key)
{
	for (uint32_t i = *bucket(g, kind, key); i; i = cell_at(g, i)->next) {
		const struct cell *c = cell_at(g, i);

		if (c->key == key && (c->kind & CELL_NAME) == kind)
			return i;
	}
	return 0;
}

static void rehash(struct graph *g)
{
	g->n_cell_buckets *= 2;
	xfree(g->cell_buckets);
	g->cell_buckets = xcalloc(g->n_cell_buckets, sizeof *g->cell_buckets);
	for (uint32_t i = 1; i < g->cells.n; i++) {
		struct cell *c = cell_at(g, i);
		uint32_t *head;

		if (c->kind & CELL_FREE)
			continue;
		head = bucket(g, c->kind & CELL_NAME, c->key);
		c->next = *head;
		*head = i;
	}
}

uint32_t cell_intern(struct graph *g, uint32_t kind, uint32_t key)
{
	uint32_t id = cell_find(g, kind, key), *head;
	struct cell *c;

	if (id)
		return id;
	if (g->n_cells >= g->n_cell_buckets)
		rehash(g);
	id = pages_take(&g->cells);
	c = cell_at(g, id);
	head = bucket(g, kind, key);
	c->kind = kind;
	c->key = key;
	c->next = *head;
	*head = id;
	g->n_cells++;
	return id;
}

static const struct kind_hooks *hooks_of(const struct graph *g, unsigned kind)
{
	return kind < g->n_hooks && g->hooks[kind].miss ? &g->hooks[kind] : NULL;
}

static struct kind_hooks *hooks_make(struct graph *g, unsigned kind)
{
	assert(kind < KIND_MAX);
	if (kind >= g->n_hooks) {
		uint32_t n = kind + 16;

		g->hooks = xrealloc_array(g->hooks, n, sizeof *g->hooks);
		while (g->n_hooks < n)
			g->hooks[g->n_hooks++] = (struct kind_hooks){ 0 };
	}
	return &g->hooks[kind];
}

void graph_on_miss(struct graph *g, unsigned kind, miss_fn *fn, void *ctx)
{
	struct kind_hooks *h = hooks_make(g, kind);

	h->miss = fn;
	h->ctx = ctx;
}

void graph_on_idle(struct graph *g, unsigned kind,
		   void (*fn)(void *ctx, unsigned kind, uint32_t key, const void *value))
{
	hooks_make(g, kind)->idle = fn;
}

static uint32_t absence(uint32_t key)
{
	return hash_u32(3, key) % ABSENCE_BUCKETS;
}

/* What nobody reads and nobody set may go, at the end of the commit. */
void cell_idle(struct graph *g, uint32_t id)
{
	struct cell *c = cell_at(g, id);

	if (c->kind & CELL_IDLE)
		return;
	c->kind |= CELL_IDLE;
	ids_push(&g->idle_cells, id);
}

uint32_t cell_read(struct graph *g, unsigned kind, uint32_t key, const void **ret_value)
{
	uint32_t id = cell_find(g, kind, key);
	const struct kind_hooks *h = hooks_of(g, kind);

	if (h) {
		if (!id) {
			id = cell_intern(g, kind, key);
			cell_idle(g, id);
		}
		if (!(cell_at(g, id)->kind & CELL_FILLED)) {
			cell_at(g, id)->kind |= CELL_FILLED;
			h->miss(h->ctx, kind, key);
		}
		*ret_value = cell_at(g, id)->value;
		return id;
	}
	*ret_value = id ? cell_at(g, id)->value : NULL;
	if (*ret_value)
		return id;
	id = cell_intern(g, kind | CELL_ABSENT, absence(key));
	if (!cell_at(g, id)->n_readers)
		cell_idle(g, id);
	return id;
}

static void touch(struct graph *g, uint32_t id)
{
	struct cell *c = cell_at(g, id);

	if (c->changed_at == g->now + 1)
		return;
	if (MUTATED(MUTATE_RANGE) && hooks_of(g, c->kind & CELL_NAME & ~CELL_ABSENT))
		return;
	c->changed_at = g->now + 1;
	ids_push(&g->touched, id);
}

void graph_set(struct graph *g, unsigned kind, uint32_t key, const void *value)
{
	uint32_t id, gone;
	struct cell *c;
	bool was;

	assert(kind < KIND_MAX && !g->calling_out);
	id = value ? cell_intern(g, kind, key) : cell_find(g, kind, key);
	if (!id)
		return;
	c = cell_at(g, id);
	was = c->value;
	c->value = value;
	c->kind |= CELL_FILLED;
	if (g->depth) {
		/* A miss_fn at work: the first reader is the one that waits for it. */
		assert(hooks_of(g, kind) && !c->n_readers);
		return;
	}
	if (was || value)
		touch(g, id);
	if (value && !was && (gone = cell_find(g, kind | CELL_ABSENT, absence(key))))
		touch(g, gone);
	if (!value && !cell_at(g, id)->n_readers)
		cell_idle(g, id);
}

void graph_replace(struct graph *g, unsigned kind, uint32_t key, const void *value)
{
	struct cell *c = cell_at(g, cell_find(g, kind, key));

	assert(c->value && value && !g->depth);
	c->value = value;
}

void graph_touch(struct graph *g, unsigned kind, uint32_t key)
{
	uint32_t id = cell_find(g, kind, key);

	assert(!g->depth && !g->calling_out);
	if (id)
		touch(g, id);
}

const void *graph_get(const struct graph *g, unsigned kind, uint32_t key)
{
	uint32_t id = cell_find(g, kind, key);

	return id ? cell_at(g, id)->value : NULL;
}

bool graph_has_cell(const struct graph *g, unsigned kind, uint32_t key)
{
	return cell_find(g, kind, key) != 0;
}

void graph_each_value(const struct graph *g,
		      void (*fn)(void *ctx, unsigned kind, uint32_t key, const void *value),
		      void *ctx)
{
	for (uint32_t i = 1; i < g->cells.n; i++) {
		const struct cell *c = cell_at(g, i);

		if (!(c->kind & CELL_FREE) && c->value)
			fn(ctx, c->kind & CELL_NAME, c->key, c->value);
	}
}

void cells_collect(struct graph *g)
{
	while (g->idle_cells.n) {
		uint32_t id = g->idle_cells.v[--g->idle_cells.n], *at;
		struct cell *c = cell_at(g, id);
		uint32_t kind = c->kind & CELL_NAME;
		const struct kind_hooks *h = hooks_of(g, kind);

		c->kind &= ~(uint32_t)CELL_IDLE;
		if (c->n_readers || (c->value && !(h && h->idle)))
			continue;
		if (c->value)
			h->idle(h->ctx, kind, c->key, c->value);
		for (at = bucket(g, kind, c->key); *at != id; at = &cell_at(g, *at)->next)
			;
		*at = c->next;
		edges_fini(&g->pool, &c->readers);
		*c = (struct cell){ .kind = CELL_FREE };
		pages_give(&g->cells, id);
		g->n_cells--;
	}
}
