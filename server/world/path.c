/* Questions about the proxy and the paths of answers under which results are kept.
 *
 * A path is interned: that two results were found the same way is one comparison of ids, and a scope remembers per path
 * whether it matches. Values of derived queries become small numbers here as well, so that an answer is always a word.
 * All three are counted (a path by results, questions and values by paths) and go at the end of a commit, never while
 * a query runs: it may hold ids that nothing else does yet. */
#include "world/graph_impl.h"
#include <string.h>

static uint32_t *question_bucket(const struct graph *g, uint16_t kind, uint32_t arg)
{
	return &g->question_buckets[hash_u32(kind, arg) & (g->n_question_buckets - 1)];
}

static void questions_rehash(struct graph *g)
{
	g->n_question_buckets *= 2;
	xfree(g->question_buckets);
	g->question_buckets = xcalloc(g->n_question_buckets, sizeof *g->question_buckets);
	for (uint32_t i = 1; i < g->questions.n; i++) {
		struct question *q = question_at(g, i);
		uint32_t *head;

		if (q->kind == QUESTION_FREE)
			continue;
		head = question_bucket(g, q->kind, q->arg);
		q->next = *head;
		*head = i;
	}
}

uint32_t question_find(const struct graph *g, uint16_t kind, uint32_t arg)
{
	for (uint32_t i = *question_bucket(g, kind, arg); i; i = question_at(g, i)->next) {
		if (question_at(g, i)->kind == kind && question_at(g, i)->arg == arg)
			return i;
	}
	return 0;
}

uint32_t question_intern(struct graph *g, uint16_t kind, uint32_t arg)
{
	uint32_t id = question_find(g, kind, arg), *head;
	struct question *q;

	if (id)
		return id;
	if (g->n_questions >= g->n_question_buckets)
		questions_rehash(g);
	id = pages_take(&g->questions);
	head = question_bucket(g, kind, arg);
	q = question_at(g, id);
	*q = (struct question){ .kind = kind, .arg = arg, .next = *head, .idle = true };
	*head = id;
	ids_push(&g->idle_questions, id);
	g->n_questions++;
	return id;
}

static void questions_collect(struct graph *g)
{
	bool forget = false;

	while (g->idle_questions.n) {
		uint32_t id = g->idle_questions.v[--g->idle_questions.n], *at;
		struct question *q = question_at(g, id);

		q->idle = false;
		if (q->refs)
			continue;
		for (at = question_bucket(g, q->kind, q->arg); *at != id;
		     at = &question_at(g, *at)->next)
			;
		*at = q->next;
		forget |= q->kind & QUESTION_DERIVED;
		q->kind = QUESTION_FREE;
		pages_give(&g->questions, id);
		g->n_questions--;
	}
	if (forget)
		g->epoch++;
}

static uint32_t *value_bucket(const struct graph *g, struct hash128 h)
{
	return &g->value_buckets[(uint32_t)h.h[0] & (g->n_value_buckets - 1)];
}

uint32_t value_find(const struct graph *g, struct hash128 h)
{
	uint32_t id = *value_bucket(g, h);

	while (id && !hash128_eq(value_at(g, id)->hash, h))
		id = value_at(g, id)->next;
	return id;
}

static void values_rehash(struct graph *g)
{
	g->n_value_buckets *= 2;
	xfree(g->value_buckets);
	g->value_buckets = xcalloc(g->n_value_buckets, sizeof *g->value_buckets);
	for (uint32_t i = 1; i < g->values.n; i++) {
		struct value *v = value_at(g, i);
		uint32_t *head;

		if (!v->used)
			continue;
		head = value_bucket(g, v->hash);
		v->next = *head;
		*head = i;
	}
}

uint32_t value_intern(struct graph *g, struct hash128 h)
{
	uint32_t id = value_find(g, h), *head;

	if (id)
		return id;
	if (g->n_values >= g->n_value_buckets)
		values_rehash(g);
	id = pages_take(&g->values);
	head = value_bucket(g, h);
	*value_at(g, id) = (struct value){ .hash = h, .next = *head, .idle = true, .used = true };
	*head = id;
	ids_push(&g->idle_values, id);
	g->n_values++;
	return id;
}

static void values_collect(struct graph *g)
{
	bool forget = false;

	while (g->idle_values.n) {
		uint32_t id = g->idle_values.v[--g->idle_values.n], *at;
		struct value *v = value_at(g, id);

		v->idle = false;
		if (v->refs)
			continue;
		for (at = value_bucket(g, v->hash); *at != id; at = &value_at(g, *at)->next)
			;
		*at = v->next;
		v->used = false;
		pages_give(&g->values, id);
		g->n_values--;
		forget = true;
	}
	/* Scopes remember answers by the ids that may now be given to others. */
	if (forget)
		g->epoch++;
}

static uint32_t drop_repetitions(struct graph *g, uint32_t *pairs, uint32_t n_words)
{
	uint32_t n = 0;

	if (n_words <= 2)
		return n_words;
	scratch_begin(&g->scratch, n_words / 2);
	for (uint32_t i = 0; i < n_words; i += 2) {
		uint32_t *answer;

		if (!scratch_add(&g->scratch, pairs[i], &answer)) {
			/* One scope at one revision has one answer. */
			assert(*answer == pairs[i + 1]);
			continue;
		}
		*answer = pairs[i + 1];
		pairs[n] = pairs[i];
		pairs[n + 1] = pairs[i + 1];
		n += 2;
	}
	return n;
}

static uint32_t *path_bucket(const struct graph *g, uint32_t hash)
{
	return &g->path_buckets[hash & (g->n_path_buckets - 1)];
}

static void paths_rehash(struct graph *g)
{
	g->n_path_buckets *= 2;
	xfree(g->path_buckets);
	g->path_buckets = xcalloc(g->n_path_buckets, sizeof *g->path_buckets);
	for (uint32_t i = 1; i < g->paths.n; i++) {
		struct path *p = path_at(g, i);
		uint32_t *head;

		if (!(p->flags & PATH_USED))
			continue;
		head = path_bucket(g, p->hash);
		p->next = *head;
		*head = i;
	}
}

/* Counts what a path names, or stops to. */
static void count_words(struct graph *g, const struct path *p, int by)
{
	const uint32_t *v = edges_cv(&p->v);

	for (uint32_t i = 0; i < p->v.n; i += 2) {
		struct question *q = question_at(g, v[i]);

		q->refs += (uint32_t)by;
		if (!q->refs && !q->idle) {
			q->idle = true;
			ids_push(&g->idle_questions, v[i]);
		}
		if (q->kind & QUESTION_DERIVED) {
			struct value *a = value_at(g, v[i + 1]);

			a->refs += (uint32_t)by;
			if (!a->refs && !a->idle) {
				a->idle = true;
				ids_push(&g->idle_values, v[i + 1]);
			}
		}
	}
}

uint32_t path_intern(struct graph *g, uint32_t *pairs, uint32_t n_words)
{
	uint32_t n = drop_repetitions(g, pairs, n_words), hash, id, *head;
	struct path *p;

	if (!n)
		return 0;
	hash = (uint32_t)hash64(pairs, n * sizeof *pairs);
	for (id = *path_bucket(g, hash); id; id = path_at(g, id)->next) {
		p = path_at(g, id);
		if (p->hash == hash && p->v.n == n &&
		    !memcmp(edges_cv(&p->v), pairs, n * sizeof *pairs))
			return id;
	}
	if (g->n_paths >= g->n_path_buckets)
		paths_rehash(g);
	id = pages_take(&g->paths);
	head = path_bucket(g, hash);
	p = path_at(g, id);
	*p = (struct path){ .hash = hash, .next = *head, .flags = PATH_USED | PATH_IDLE };
	*head = id;
	edges_set(&g->pool, &p->v, pairs, n);
	for (uint32_t i = 0; i < n; i += 2) {
		if (!(question_at(g, pairs[i])->kind & QUESTION_DERIVED))
			continue;
		if (!(p->flags & PATH_DERIVED))
			p->derived = i;
		p->derived_end = i + 2;
		p->flags |= PATH_DERIVED;
	}
	count_words(g, p, 1);
	ids_push(&g->idle_paths, id);
	g->n_paths++;
	return id;
}

void path_ref(struct graph *g, uint32_t path)
{
	if (path)
		path_at(g, path)->refs++;
}

void path_unref(struct graph *g, uint32_t path)
{
	struct path *p;

	if (!path)
		return;
	p = path_at(g, path);
	assert(p->refs);
	if (--p->refs || (p->flags & PATH_IDLE))
		return;
	p->flags |= PATH_IDLE;
	ids_push(&g->idle_paths, path);
}

void paths_collect(struct graph *g)
{
	while (g->idle_paths.n) {
		uint32_t id = g->idle_paths.v[--g->idle_paths.n], *at;
		struct path *p = path_at(g, id);

		p->flags &= ~(uint32_t)PATH_IDLE;
		if (p->refs)
			continue;
		for (at = path_bucket(g, p->hash); *at != id; at = &path_at(g, *at)->next)
			;
		*at = p->next;
		count_words(g, p, -1);
		edges_fini(&g->pool, &p->v);
		p->flags = 0;
		scopes_forget_path(g, id);
		pages_give(&g->paths, id);
		g->n_paths--;
	}
	questions_collect(g);
	values_collect(g);
}
