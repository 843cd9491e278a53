/* Reads the dialect of OpenAPI that CustomResourceDefinitions are written in. One table row per keyword; a keyword
 * without a row, or a value that is not understood, is a problem with its place, so that nothing in a schema is lost.
 */
#include "base/hash.h"
#include "schema/gen/gen.h"
#include "schema/rules.h"

#include <ctype.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

/* What is known of a schema while its keywords are read. */
struct draft {
	struct gen *g;
	struct schema *s;
	const struct node *node;
	const char *type, *format;
	bool int_or_str, is_map, has_props, is_top;
	const struct node *required;
};

static const struct rule_text {
	const char *name, *text;
} rule_texts[] = {
#define ROW(name, text) { #name, text },
	SCHEMA_RULES(ROW)
#undef ROW
};

static bool refuse(struct draft *d, const struct node *at, const char *what)
{
	diag_error(&d->g->diag, at->place, d->s->path, "%s", what);
	return false;
}

static bool is_number(const struct node *n)
{
	return n->type == NODE_INT || n->type == NODE_FLOAT;
}

static double number(const struct node *n)
{
	return n->type == NODE_INT ? (double)n->i : n->f;
}

static bool on_ignored(struct draft *d, const struct node *v)
{
	return true;
}

static bool on_type(struct draft *d, const struct node *v)
{
	static const char *const all[] = { "object",  "array",  "string",
					   "integer", "number", "boolean" };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (v->type == NODE_STRING && !strcmp(v->s, all[i]))
			d->type = all[i];
	return d->type ? true : refuse(d, v, "unknown type");
}

static bool on_format(struct draft *d, const struct node *v)
{
	if (v->type != NODE_STRING)
		return refuse(d, v, "format is no string");
	d->format = v->s;
	return true;
}

static bool on_nullable(struct draft *d, const struct node *v)
{
	if (v->type != NODE_BOOL)
		return refuse(d, v, "nullable is no boolean");
	d->s->nullable = v->b;
	return true;
}

static bool on_preserve(struct draft *d, const struct node *v)
{
	if (v->type != NODE_BOOL || !v->b)
		return refuse(d, v, "x-kubernetes-preserve-unknown-fields is not true");
	d->s->open = true;
	return true;
}

static bool on_int_or_string(struct draft *d, const struct node *v)
{
	if (v->type != NODE_BOOL || !v->b)
		return refuse(d, v, "x-kubernetes-int-or-string is not true");
	d->int_or_str = true;
	return true;
}

static bool on_minimum(struct draft *d, const struct node *v)
{
	if (!is_number(v))
		return refuse(d, v, "minimum is no number");
	d->s->minimum = MAX(d->s->minimum, number(v));
	return true;
}

static bool on_maximum(struct draft *d, const struct node *v)
{
	if (!is_number(v))
		return refuse(d, v, "maximum is no number");
	d->s->maximum = MIN(d->s->maximum, number(v));
	return true;
}

static bool on_min_len(struct draft *d, const struct node *v)
{
	if (v->type != NODE_INT || v->i < 0 || v->i > UINT32_MAX)
		return refuse(d, v, "the limit is no count");
	d->s->min_len = (uint32_t)v->i;
	return true;
}

static bool on_max_len(struct draft *d, const struct node *v)
{
	if (v->type != NODE_INT || v->i < 0 || v->i > UINT32_MAX)
		return refuse(d, v, "the limit is no count");
	d->s->max_len = (uint32_t)v->i;
	return true;
}

static bool on_pattern(struct draft *d, const struct node *v)
{
	if (v->type != NODE_STRING)
		return refuse(d, v, "pattern is no string");
	d->s->pattern = v->s;
	return true;
}

static bool strings_read(struct draft *d, struct strings *to, const struct node *v)
{
	if (v->type != NODE_SEQ)
		return refuse(d, v, "a list of strings is needed");
	for (uint32_t i = 0; i < v->n; i++) {
		if (v->seq[i]->type != NODE_STRING)
			return refuse(d, v->seq[i], "not a string (quote it?)");
		gen_strings_add(&d->g->arena, to, v->seq[i]->s);
	}
	return true;
}

static bool on_enum(struct draft *d, const struct node *v)
{
	return strings_read(d, &d->s->values, v);
}

static bool on_list_keys(struct draft *d, const struct node *v)
{
	return strings_read(d, &d->s->list_keys, v);
}

static bool on_list_type(struct draft *d, const struct node *v)
{
	if (v->type != NODE_STRING ||
	    (strcmp(v->s, "map") && strcmp(v->s, "set") && strcmp(v->s, "atomic")))
		return refuse(d, v, "x-kubernetes-list-type is none of map, set, atomic");
	d->s->unique = !strcmp(v->s, "set");
	return true;
}

static bool on_required(struct draft *d, const struct node *v)
{
	if (v->type != NODE_SEQ)
		return refuse(d, v, "required is no list");
	d->required = v;
	return true;
}

static bool on_properties(struct draft *d, const struct node *v)
{
	struct schema *s = d->s;

	if (v->type != NODE_MAP)
		return refuse(d, v, "properties is no map");
	d->has_props = true;
	for (uint32_t i = 0; i < v->n; i++) {
		const char *json = v->map[i].key;
		struct schema *sub;

		if (d->is_top && (!strcmp(json, "apiVersion") || !strcmp(json, "kind") ||
				  !strcmp(json, "metadata")))
			continue;
		sub = gen_schema_parse(d->g, v->map[i].value,
				       arena_printf(&d->g->arena, "%s.%s", s->path, json), false);
		if (sub)
			*ARENA_PUSH(&d->g->arena, s->props, s->n_props, s->cap_props) =
				(struct prop){ .json = json,
					       .c = gen_name_field(&d->g->arena, json),
					       .schema = sub };
	}
	return true;
}

static bool on_items(struct draft *d, const struct node *v)
{
	d->s->item =
		gen_schema_parse(d->g, v, arena_printf(&d->g->arena, "%s[]", d->s->path), false);
	return d->s->item;
}

static bool on_additional(struct draft *d, const struct node *v)
{
	if (v->type == NODE_BOOL && !v->b)
		return true; /* what a schema without it means as well */
	d->is_map = true;
	d->s->item =
		gen_schema_parse(d->g, v, arena_printf(&d->g->arena, "%s{}", d->s->path), false);
	return d->s->item;
}

static bool cond_read(struct draft *d, struct cond *into, const struct node *v);

static bool cond_group(struct draft *d, struct cond *into, const char *op, const struct node *v)
{
	struct cond *c = arena_new(&d->g->arena, struct cond);

	if (v->type != NODE_SEQ)
		return refuse(d, v, "a list of schemas is needed");
	c->op = op;
	for (uint32_t i = 0; i < v->n; i++) {
		struct cond *all = arena_new(&d->g->arena, struct cond);

		all->op = "ALL_OF";
		if (!cond_read(d, all, v->seq[i]))
			return false;
		*ARENA_PUSH(&d->g->arena, c->v, c->n, c->cap) = all->n == 1 ? all->v[0] : all;
	}
	*ARENA_PUSH(&d->g->arena, into->v, into->n, into->cap) = c;
	return true;
}

static bool cond_not(struct draft *d, struct cond *into, const struct node *v)
{
	struct cond *all = arena_new(&d->g->arena, struct cond);
	struct cond *c = arena_new(&d->g->arena, struct cond);

	all->op = "ALL_OF";
	c->op = "NOT";
	if (!cond_read(d, all, v))
		return false;
	*ARENA_PUSH(&d->g->arena, c->v, c->n, c->cap) = all->n == 1 ? all->v[0] : all;
	*ARENA_PUSH(&d->g->arena, into->v, into->n, into->cap) = c;
	return true;
}

static bool cond_required(struct draft *d, struct cond *into, const struct node *v)
{
	struct strings fields = { 0 };

	if (!strings_read(d, &fields, v))
		return false;
	for (uint32_t i = 0; i < fields.n; i++) {
		struct cond *c = arena_new(&d->g->arena, struct cond);

		c->op = "REQUIRED";
		c->field = fields.v[i];
		*ARENA_PUSH(&d->g->arena, into->v, into->n, into->cap) = c;
	}
	return true;
}

static const char *op_of(const char *keyword)
{
	return !strcmp(keyword, "oneOf")   ? "ONE_OF"
	       : !strcmp(keyword, "anyOf") ? "ANY_OF"
	       : !strcmp(keyword, "allOf") ? "ALL_OF"
					   : NULL;
}

/* A schema inside a condition; of these only the presence of fields is understood. */
static bool cond_read(struct draft *d, struct cond *into, const struct node *v)
{
	if (v->type != NODE_MAP)
		return refuse(d, v, "a schema is a map");
	for (uint32_t i = 0; i < v->n; i++) {
		const struct node_entry *e = &v->map[i];
		bool ok;

		if (op_of(e->key))
			ok = cond_group(d, into, op_of(e->key), e->value);
		else if (!strcmp(e->key, "not"))
			ok = cond_not(d, into, e->value);
		else if (!strcmp(e->key, "required"))
			ok = cond_required(d, into, e->value);
		else
			ok = refuse(d, e->value, "a condition that is not about presence");
		if (!ok)
			return false;
	}
	return true;
}

static bool on_one_of(struct draft *d, const struct node *v)
{
	return cond_group(d, &d->s->all, "ONE_OF", v);
}

/* anyOf of an int-or-string field says the same once more. */
static bool says_int_or_string(const struct node *v)
{
	return v->type == NODE_SEQ && v->n == 2 && str_eq(node_str(v->seq[0], "type"), "integer") &&
	       str_eq(node_str(v->seq[1], "type"), "string");
}

static bool on_any_of(struct draft *d, const struct node *v)
{
	return says_int_or_string(v) || cond_group(d, &d->s->all, "ANY_OF", v);
}

static bool on_all_of(struct draft *d, const struct node *v)
{
	return cond_group(d, &d->s->all, "ALL_OF", v);
}

static bool on_not(struct draft *d, const struct node *v)
{
	return cond_not(d, &d->s->all, v);
}

static char *squeeze(struct arena *a, const char *text)
{
	char *out = arena_strdup(a, text), *p = out;

	for (const char *s = out; *s; s++) {
		if (!isspace((unsigned char)*s))
			*p++ = *s;
		else if (p > out && p[-1] != ' ' && s[1])
			*p++ = ' ';
	}
	*p = '\0';
	return out;
}

static bool on_rules(struct draft *d, const struct node *v)
{
	struct schema *s = d->s;

	for (uint32_t i = 0; v->type == NODE_SEQ && i < v->n; i++) {
		const char *text = node_str(v->seq[i], "rule");
		const char *message = node_str(v->seq[i], "message");
		const char *name = NULL;

		text = text ? squeeze(&d->g->arena, text) : "";
		for (size_t j = 0; j < ARRAY_LEN(rule_texts); j++)
			if (!strcmp(rule_texts[j].text, text))
				name = rule_texts[j].name;
		if (!name) {
			diag_error(&d->g->diag, v->seq[i]->place, s->path,
				   "a rule that schema/rules.h does not know: %s", text);
			return false;
		}
		*ARENA_PUSH(&d->g->arena, s->rules, s->n_rules, s->cap_rules) =
			(struct rule_use){ name, message ? message : text };
	}
	return v->type == NODE_SEQ ? true : refuse(d, v, "x-kubernetes-validations is no list");
}

static const struct keyword {
	const char *name;
	bool (*on)(struct draft *, const struct node *);
} keyword_table[] = {
	{ "additionalProperties", on_additional },
	{ "allOf", on_all_of },
	{ "anyOf", on_any_of },
	{ "description", on_ignored },
	{ "enum", on_enum },
	{ "format", on_format },
	{ "items", on_items },
	{ "maximum", on_maximum },
	{ "maxItems", on_max_len },
	{ "maxLength", on_max_len },
	{ "maxProperties", on_max_len },
	{ "minimum", on_minimum },
	{ "minItems", on_min_len },
	{ "minLength", on_min_len },
	{ "minProperties", on_min_len },
	{ "not", on_not },
	{ "nullable", on_nullable },
	{ "oneOf", on_one_of },
	{ "pattern", on_pattern },
	{ "properties", on_properties },
	{ "required", on_required },
	{ "type", on_type },
	{ "x-kubernetes-int-or-string", on_int_or_string },
	{ "x-kubernetes-list-map-keys", on_list_keys },
	{ "x-kubernetes-list-type", on_list_type },
	{ "x-kubernetes-map-type", on_ignored }, /* granular or atomic: about merging */
	{ "x-kubernetes-preserve-unknown-fields", on_preserve },
	{ "x-kubernetes-validations", on_rules },
};

static bool is_duration(const struct draft *d)
{
	if (str_eq(d->format, "duration"))
		return true;
	for (uint32_t i = 0; i < d->s->n_rules; i++)
		if (!strcmp(d->s->rules[i].name, "duration_1ms"))
			return true;
	return false;
}

static const struct format {
	const char *type, *name;
	enum schema_type schema;
	double minimum, maximum;
} formats[] = {
	{ "string", "date-time", SCHEMA_TIME, -DBL_MAX, DBL_MAX },
	{ "string", "byte", SCHEMA_BYTES, -DBL_MAX, DBL_MAX },
	{ "string", "duration", SCHEMA_DURATION, -DBL_MAX, DBL_MAX },
	{ "integer", "int32", SCHEMA_INT, INT32_MIN, INT32_MAX },
	{ "integer", "int64", SCHEMA_INT, -DBL_MAX, DBL_MAX },
	{ "number", "double", SCHEMA_DOUBLE, -DBL_MAX, DBL_MAX },
	{ "number", "float", SCHEMA_DOUBLE, -DBL_MAX, DBL_MAX },
};

static bool apply_format(struct draft *d)
{
	struct schema *s = d->s;

	if (!d->format)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		const struct format *f = &formats[i];

		if (!str_eq(f->type, d->type) || strcmp(f->name, d->format))
			continue;
		s->type = f->schema;
		s->minimum = MAX(s->minimum, f->minimum);
		s->maximum = MIN(s->maximum, f->maximum);
		return true;
	}
	return refuse(d, d->node, "unknown format");
}

static bool settle_object(struct draft *d)
{
	struct schema *s = d->s;

	if (d->is_map && d->has_props)
		return refuse(d, d->node, "properties and additionalProperties at once");
	if (d->is_map)
		s->type = SCHEMA_MAP;
	else if (d->has_props)
		s->type = SCHEMA_STRUCT;
	else if (s->open) {
		s->type = SCHEMA_NODE;
		s->only_map = true;
	} else
		return refuse(d, d->node, "an object of nothing");
	return true;
}

/* The type of C that the keywords amount to. */
static bool settle_type(struct draft *d)
{
	struct schema *s = d->s;

	if (d->int_or_str)
		s->type = SCHEMA_INT_OR_STR;
	else if (!d->type && !s->open)
		return refuse(d, d->node, "no type");
	else if (!d->type)
		s->type = SCHEMA_NODE;
	else if (!strcmp(d->type, "object"))
		return settle_object(d);
	else if (!strcmp(d->type, "array"))
		s->type = SCHEMA_LIST;
	else if (!strcmp(d->type, "boolean"))
		s->type = SCHEMA_BOOL;
	else if (!strcmp(d->type, "integer"))
		s->type = SCHEMA_INT;
	else if (!strcmp(d->type, "number"))
		s->type = SCHEMA_DOUBLE;
	else if (s->values.n)
		s->type = SCHEMA_ENUM;
	else
		s->type = is_duration(d) ? SCHEMA_DURATION : SCHEMA_STRING;
	if (s->type == SCHEMA_LIST && !s->item)
		return refuse(d, d->node, "an array without items");
	return apply_format(d);
}

static bool settle_required(struct draft *d)
{
	struct schema *s = d->s;

	for (uint32_t i = 0; d->required && i < d->required->n; i++) {
		const struct node *name = d->required->seq[i];
		bool found = d->is_top && str_eq(name->s, "metadata");

		if (name->type != NODE_STRING)
			return refuse(d, name, "required names no field");
		for (uint32_t j = 0; j < s->n_props; j++)
			if (!strcmp(s->props[j].json, name->s))
				found = s->props[j].required = true;
		if (!found)
			return refuse(d, name, "required names a field that is not there");
	}
	return true;
}

static int by_json(const void *a, const void *b)
{
	return strcmp(((const struct prop *)a)->json, ((const struct prop *)b)->json);
}

struct schema *gen_schema_parse(struct gen *g, const struct node *n, const char *path, bool top)
{
	struct schema *s = arena_new(&g->arena, struct schema);
	struct draft d = { .g = g, .s = s, .node = n, .is_top = top };
	bool ok = true;

	s->path = path;
	s->place = n->place;
	s->minimum = -DBL_MAX;
	s->maximum = DBL_MAX;
	s->max_len = UINT32_MAX;
	s->all.op = "ALL_OF";
	if (n->type != NODE_MAP) {
		refuse(&d, n, "a schema is a map");
		return NULL;
	}
	for (uint32_t i = 0; i < n->n; i++) {
		const struct keyword *k = NULL;

		for (size_t j = 0; j < ARRAY_LEN(keyword_table); j++)
			if (!strcmp(keyword_table[j].name, n->map[i].key))
				k = &keyword_table[j];
		if (k)
			ok = k->on(&d, n->map[i].value) && ok;
		else {
			diag_error(&g->diag, n->map[i].key_place, path, "unknown keyword %s",
				   n->map[i].key);
			ok = false;
		}
	}
	ok = ok && settle_type(&d) && settle_required(&d);
	if (s->n_props)
		qsort(s->props, s->n_props, sizeof *s->props, by_json);
	return ok ? s : NULL;
}
