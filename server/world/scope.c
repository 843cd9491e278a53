/* Scopes: interned facts about proxies. Whether a scope matches the intrinsic questions of a path never changes, and there
 * are few paths, so it is remembered in a byte each. Answers of derived questions are good for one revision. */
#include "world/graph_impl.h"
#include <string.h>

static struct scope **bucket(const struct graph *g, struct hash128 h)
{
	return &g->scope_buckets[(uint32_t)h.h[0] & (g->n_scope_buckets - 1)];
}

static void rehash(struct graph *g)
{
	struct scope **old = g->scope_buckets, *s;
	uint32_t n = g->n_scope_buckets;

	g->n_scope_buckets *= 2;
	g->scope_buckets = xcalloc(g->n_scope_buckets, sizeof(struct scope *));
	for (uint32_t i = 0; i < n; i++) {
		while ((s = old[i])) {
			old[i] = s->next;
			s->next = *bucket(g, s->hash);
			*bucket(g, s->hash) = s;
		}
	}
	xfree(old);
}

struct scope *graph_scope(struct graph *g, const void *facts, size_t len)
{
	struct hash128 h = hash128(facts, len);
	struct scope *s;

	assert(len < UINT32_MAX);
	for (s = *bucket(g, h); s; s = s->next) {
		if (hash128_eq(s->hash, h) && s->len == len &&
		    (!len || !memcmp(s->facts, facts, len))) {
			s->refs++;
			return s;
		}
	}
	if (g->n_scopes >= g->n_scope_buckets)
		rehash(g);
	s = xcalloc(1, sizeof *s + len);
	s->hash = h;
	s->refs = 1;
	s->len = (uint32_t)len;
	if (len)
		memcpy(s->facts, facts, len);
	s->next = *bucket(g, h);
	*bucket(g, h) = s;
	g->n_scopes++;
	return s;
}

static void destroy(struct scope *s)
{
	xfree(s->match);
	xfree(s->answers);
	xfree(s);
}

void scope_unref(struct graph *g, struct scope *s)
{
	struct scope **at;

	if (!s || --s->refs)
		return;
	for (at = bucket(g, s->hash); *at != s; at = &(*at)->next)
		;
	*at = s->next;
	g->n_scopes--;
	destroy(s);
}

const void *scope_facts(const struct scope *s, size_t *ret_len)
{
	*ret_len = s->len;
	return s->facts;
}

static struct answer *answer_slot(const struct scope *s, uint32_t question)
{
	uint32_t i = hash_u32(question, 5) & (s->cap_answers - 1);

	while (s->answers[i].epoch && s->answers[i].question != question)
		i = (i + 1) & (s->cap_answers - 1);
	return &s->answers[i];
}

static void answers_make_room(struct graph *g, struct scope *s)
{
	struct scope old = *s;
	uint32_t live = 0;

	if (s->n_answers * 2 < s->cap_answers)
		return;
	for (uint32_t i = 0; i < s->cap_answers; i++)
		live += s->answers[i].epoch == g->epoch;
	s->cap_answers = 8;
	while (s->cap_answers < live * 4)
		s->cap_answers *= 2;
	s->answers = xcalloc(s->cap_answers, sizeof *s->answers);
	s->n_answers = live;
	for (uint32_t i = 0; i < old.cap_answers; i++) {
		if (old.answers[i].epoch == g->epoch)
			*answer_slot(s, old.answers[i].question) = old.answers[i];
	}
	xfree(old.answers);
}

uint32_t scope_answer(struct graph *g, struct scope *s, uint32_t question)
{
	uint16_t kind = question_at(g, question)->kind;
	uint32_t arg = question_at(g, question)->arg, answer;
	struct answer *slot;

	if (!(kind & QUESTION_DERIVED)) {
		/* Without facts every answer is 0: then a scope of that kind is safe wherever another may be. */
		return s->len ? g->answer(g->keys, s->facts, kind, arg) : 0;
	}
	if (s->cap_answers) {
		slot = answer_slot(s, question);
		if (slot->epoch == g->epoch)
			return slot->answer;
	}
	answer = memo_fetch(g, s, kind & (QUESTION_DERIVED - 1), arg);
	answer = value_intern(g, memo_at(g, answer)->result->hash);
	/* The queries that ran may have added answers of their own. */
	answers_make_room(g, s);
	slot = answer_slot(s, question);
	s->n_answers += !slot->epoch;
	*slot = (struct answer){ .question = question, .answer = answer, .epoch = g->epoch };
	return answer;
}

static void match_room(struct graph *g, struct scope *s)
{
	uint32_t n = g->paths.n + g->paths.n / 8 + 32;

	s->match = xrealloc_array(s->match, n, 1);
	memset(s->match + s->n_match, 0, n - s->n_match);
	s->n_match = n;
}

static bool matches_intrinsic(struct graph *g, struct scope *s, uint32_t path)
{
	const struct edges *e = &path_at(g, path)->v;
	const uint32_t *v = edges_cv(e);
	bool matches = true;

	if (path >= s->n_match)
		match_room(g, s);
	if (s->match[path])
		return s->match[path] == 1;
	for (uint32_t i = 0; i < e->n && matches; i += 2) {
		if (!(question_at(g, v[i])->kind & QUESTION_DERIVED))
			matches = scope_answer(g, s, v[i]) == v[i + 1];
	}
	s->match[path] = matches ? 1 : 2;
	return matches;
}

bool scope_matches(struct graph *g, struct scope *s, uint32_t path)
{
	const struct path *p;

	if (!path)
		return true;
	/* Out of order, because it is free: an intrinsic answer can be had for any proxy at any time. */
	if (!matches_intrinsic(g, s, path))
		return false;
	/* In order, so that nothing is asked that the query would not ask. An answer may run queries, whose paths may
	 * move this one. */
	for (uint32_t i = path_at(g, path)->derived; p = path_at(g, path), i < p->derived_end;
	     i += 2) {
		uint32_t question = edges_cv(&p->v)[i], expected = edges_cv(&p->v)[i + 1];

		if ((question_at(g, question)->kind & QUESTION_DERIVED) &&
		    scope_answer(g, s, question) != expected)
			return false;
	}
	return true;
}

void scopes_forget_path(struct graph *g, uint32_t path)
{
	for (uint32_t i = 0; i < g->n_scope_buckets; i++) {
		for (struct scope *s = g->scope_buckets[i]; s; s = s->next) {
			if (path < s->n_match)
				s->match[path] = 0;
		}
	}
}

void scopes_forget_answers(struct graph *g)
{
	for (uint32_t i = 0; i < g->n_scope_buckets; i++) {
		for (struct scope *s = g->scope_buckets[i]; s; s = s->next) {
			xfree(TAKE(s->answers));
			s->n_answers = s->cap_answers = 0;
		}
	}
}

void scopes_fini(struct graph *g)
{
	for (uint32_t i = 0; i < g->n_scope_buckets; i++) {
		for (struct scope *s = g->scope_buckets[i], *next; s; s = next) {
			next = s->next;
			destroy(s);
		}
	}
	xfree(g->scope_buckets);
}
