/* What a schema demands beyond types: limits, conditions on which fields are there together, rules. All of it looks at
 * nodes, where presence is still visible.
 */
#include "base/map.h"
#include "base/regex.h"
#include "schema/condition.h"
#include "schema/interpret.h"
#include "schema/rules.h"

#include <string.h>

static uint32_t count_characters(const char *s)
{
	uint32_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

void validate_string(const struct decode *d, const struct limits *l, const struct node *n,
		     const struct path *p)
{
	uint32_t len = n->n;

	/* Only where bytes do not settle it are characters counted. */
	if (len < l->min_len || len > l->max_len || l->min_len > 1)
		len = count_characters(n->s);
	if (len < l->min_len && !len)
		decode_problem(d, n, p, "must not be empty");
	else if (len < l->min_len)
		decode_problem(d, n, p, "must have at least %u characters, not %u", l->min_len,
			       len);
	if (len > l->max_len)
		decode_problem(d, n, p, "must have at most %u character%s, not %u", l->max_len,
			       plural(l->max_len), len);
	if (l->pattern && !regex_search(l->pattern, n->s))
		decode_problem(d, n, p, "%.60s does not match %s", n->s, l->pattern);
}

void validate_number(const struct decode *d, const struct limits *l, double v, const struct node *n,
		     const struct path *p)
{
	if (v < l->minimum)
		decode_problem(d, n, p, "must be at least %.15g, not %.15g", l->minimum, v);
	if (v > l->maximum)
		decode_problem(d, n, p, "must be at most %.15g, not %.15g", l->maximum, v);
}

void validate_count(const struct decode *d, const struct limits *l, const char *what,
		    const struct node *n, const struct path *p)
{
	bool is_entry = !strcmp(what, "entry");

	if (n->n < l->min_len)
		decode_problem(d, n, p, "must have at least %u %s, not %u", l->min_len,
			       l->min_len == 1 ? what
			       : is_entry      ? "entries"
					       : "items",
			       n->n);
	if (n->n > l->max_len)
		decode_problem(d, n, p, "must have at most %u %s, not %u", l->max_len,
			       l->max_len == 1 ? what
			       : is_entry      ? "entries"
					       : "items",
			       n->n);
}

void validate_rules(const struct decode *d, const struct schema_rule *rules, const struct node *n,
		    const struct path *p)
{
	for (const struct schema_rule *r = rules; r && r->holds; r++)
		if (!r->holds(n))
			decode_problem(d, n, p, "%s", r->message);
}

static bool is_there(const struct node *map, const char *field)
{
	const struct node *v = node_get(map, field);

	return v && v->type != NODE_NULL;
}

/* How many of a condition's children hold. The trees are as deep as the schema wrote them. */
static uint32_t count_holding(const struct condition *, const struct node *);

static bool holds(const struct condition *c, const struct node *n)
{
	switch (c->op) {
	case CONDITION_REQUIRED: return is_there(n, c->field);
	case CONDITION_NOT: return !holds(c->of, n);
	case CONDITION_ONE_OF: return count_holding(c, n) == 1;
	case CONDITION_ANY_OF: return count_holding(c, n) > 0;
	case CONDITION_ALL_OF: return count_holding(c, n) == c->n;
	}
	return false;
}

static uint32_t count_holding(const struct condition *c, const struct node *n)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < c->n; i++)
		k += holds(&c->of[i], n);
	return k;
}

/* The fields that a condition is about, each once, joined for a sentence. */
enum { CONDITION_FIELDS = 32 };
struct fields {
	const char *v[CONDITION_FIELDS];
	uint32_t n;
};

static void collect(const struct condition *c, struct fields *out)
{
	for (uint32_t i = 0; c->field && i < out->n; i++)
		if (!strcmp(out->v[i], c->field))
			return;
	if (c->field && out->n < CONDITION_FIELDS)
		out->v[out->n++] = c->field;
	for (uint32_t i = 0; i < c->n; i++)
		collect(&c->of[i], out);
}

static const char *join(struct arena *a, const struct fields *f, const char *last)
{
	const char *out = f->n ? f->v[0] : "";

	for (uint32_t i = 1; i < f->n; i++)
		out = arena_printf(a, i + 1 < f->n ? "%s, %s" : "%s %s %s", out,
				   i + 1 < f->n ? f->v[i] : last, f->v[i]);
	return out;
}

static void report(const struct decode *d, const struct condition *c, const struct node *n,
		   const struct path *p)
{
	struct fields all = { 0 }, found = { 0 };

	if (c->op == CONDITION_ALL_OF) {
		for (uint32_t i = 0; i < c->n; i++)
			if (!holds(&c->of[i], n))
				report(d, &c->of[i], n, p);
		return;
	}
	collect(c, &all);
	for (uint32_t i = 0; i < all.n; i++)
		if (is_there(n, all.v[i]))
			found.v[found.n++] = all.v[i];
	if (c->op == CONDITION_REQUIRED)
		decode_problem(d, n, p, "%s is required", c->field);
	else if (!found.n)
		decode_problem(d, n, p, "one of %s must be set", join(d->arena, &all, "and"));
	else if (c->op == CONDITION_ONE_OF && found.n > 1)
		decode_problem(d, n, p, "only one of %s may be set, not %s",
			       join(d->arena, &all, "and"), join(d->arena, &found, "and"));
	else if (c->op == CONDITION_NOT)
		decode_problem(d, n, p, "%s may not be set", join(d->arena, &found, "and"));
	else
		decode_problem(d, n, p, "%s may not be set like this among %s",
			       join(d->arena, &found, "and"), join(d->arena, &all, "and"));
}

void validate_conditions(const struct decode *d, const struct struct_type *t, const struct node *n,
			 const struct path *p)
{
	for (uint32_t i = 0; i < t->n_conditions; i++)
		if (!holds(&t->conditions[i], n))
			report(d, &t->conditions[i], n, p);
}

/* What tells an item of a list apart: its keys, or the whole of it. */
static const char *identity(struct arena *a, const struct field *f, const struct node *item)
{
	const char *out = "";

	if (!f->list_keys)
		return item->text ? item->text : arena_printf(a, "%p", (const void *)item);
	for (const char *const *k = f->list_keys; *k; k++) {
		const struct node *v = node_get(item, *k);

		out = arena_printf(a, "%s%s%s", out, *out ? "/" : "", v && v->text ? v->text : "");
	}
	return out;
}

/* Far beyond what any schema allows; a bound for the table of hostile keys. */
enum { UNIQUE_MAX = 10000 };

void validate_unique(const struct decode *d, const struct field *f, const struct node *n,
		     const struct path *p)
{
	cleanup(map_fini) struct map seen = MAP_INIT;

	if (!f->unique && !f->list_keys)
		return;
	if (n->n > UNIQUE_MAX) {
		decode_problem(d, n, p, "must have at most %d items, not %u", UNIQUE_MAX, n->n);
		return;
	}
	for (uint32_t i = 0; i < n->n; i++) {
		const char *id = identity(d->arena, f, n->seq[i]);

		if (map_set(&seen, id, d->arena))
			decode_problem(d, n->seq[i], &(struct path){ .up = p, .index = i },
				       "a second item of the same %s: %.60s",
				       f->list_keys ? f->list_keys[0] : "value", id);
	}
}
