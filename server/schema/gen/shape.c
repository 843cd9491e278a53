/* Which schemas become one struct, and what it is called. The structure of a schema is written as a canonical text
 * without descriptions; equal texts share a struct, wherever they stand. Names come from overlay.yaml, else from the
 * path at which the struct was first seen.
 */
#include "schema/gen/gen.h"

#include <string.h>

static const char *shape_text(struct gen *, const struct schema *);

static void put_cond(struct buf *b, const struct cond *c)
{
	buf_printf(b, "%s(", c->field ? c->field : c->op);
	for (uint32_t i = 0; i < c->n; i++)
		put_cond(b, c->v[i]);
	buf_puts(b, ")");
}

static void put_strings(struct buf *b, const char *what, const struct strings *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		buf_printf(b, "%s\"%s\"", i ? "," : what, s->v[i]);
}

static void put_schema(struct gen *g, struct buf *b, const struct schema *s)
{
	buf_printf(b, "%d%s%s%s%s[%.17g,%.17g,%u,%u,%s]", s->type, s->nullable ? "n" : "",
		   s->open ? "o" : "", s->unique ? "u" : "", s->only_map ? "m" : "", s->minimum,
		   s->maximum, s->min_len, s->max_len, s->pattern ? s->pattern : "");
	put_strings(b, "enum", &s->values);
	put_strings(b, "keys", &s->list_keys);
	for (uint32_t i = 0; i < s->n_rules; i++)
		buf_printf(b, "!%s", s->rules[i].name);
	if (s->all.n)
		put_cond(b, &s->all);
	if (s->item)
		put_schema(g, b, s->item);
	if (s->type != SCHEMA_STRUCT)
		return;
	buf_puts(b, "{");
	for (uint32_t i = 0; i < s->n_props; i++) {
		buf_printf(b, "%s%s:", s->props[i].json, s->props[i].required ? "*" : "");
		put_schema(g, b, s->props[i].schema);
	}
	buf_puts(b, "}");
}

static const char *shape_text(struct gen *g, const struct schema *s)
{
	struct buf b = BUF_INIT;
	const char *text;

	put_schema(g, &b, s);
	text = arena_strdup(&g->arena, buf_str(&b));
	buf_fini(&b);
	return text;
}

/* Two spellings of one property ("jwksUri" and "jwks_uri") are one field of the struct. */
static void find_aliases(struct gen *g, struct schema *s)
{
	for (uint32_t i = 1; i < s->n_props; i++) {
		struct prop *p = &s->props[i];

		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(s->props[j].c, p->c))
				continue;
			p->alias = true;
			if (strcmp(shape_text(g, s->props[j].schema), shape_text(g, p->schema)))
				diag_error(&g->diag, p->schema->place, p->schema->path,
					   "has the same name in C as %s, but another type",
					   s->props[j].json);
		}
	}
}

static struct type *type_of(struct gen *g, struct schema *s, const char *own)
{
	const char *shape = shape_text(g, s);
	struct type *t;

	if (own)
		shape = arena_printf(&g->arena, "%s=%s", own, shape);
	t = map_get(&g->by_shape, shape);
	if (t)
		return t;
	t = arena_new(&g->arena, struct type);
	t->schema = s;
	t->path = s->path;
	*ARENA_PUSH(&g->arena, g->types, g->n_types, g->cap_types) = t;
	map_set(&g->by_shape, shape, t);
	find_aliases(g, s);
	return t;
}

void gen_shape_schema(struct gen *g, struct schema *s, const char *own)
{
	if (s->type == SCHEMA_STRUCT) {
		s->of = type_of(g, s, own);
		for (uint32_t i = 0; i < s->n_props; i++)
			gen_shape_schema(g, s->props[i].schema, NULL);
	}
	if (s->item)
		gen_shape_schema(g, s->item, NULL);
	if (s->type == SCHEMA_MAP && s->item->of)
		s->item->of->is_map_value = true;
}

/* "VirtualService.spec.http[]": the schema there, or NULL. */
static struct schema *find_path(struct gen *g, const char *path)
{
	size_t n = strcspn(path, ".");
	struct schema *s = NULL;

	for (uint32_t i = 0; i < g->n_crds; i++)
		if (strlen(g->crds[i].kind) == n && !strncmp(g->crds[i].kind, path, n))
			s = g->crds[i].top;
	for (path += n; s && *path; path += n) {
		struct schema *next = NULL;

		if (str_starts(path, "[]") || str_starts(path, "{}")) {
			n = 2;
			next = s->type == (*path == '[' ? SCHEMA_LIST : SCHEMA_MAP) ? s->item
										    : NULL;
		} else if (*path == '.') {
			n = 1 + strcspn(path + 1, ".[{");
			for (uint32_t i = 0; i < s->n_props; i++)
				if (strlen(s->props[i].json) == n - 1 &&
				    !strncmp(s->props[i].json, path + 1, n - 1))
					next = s->props[i].schema;
		}
		s = next;
	}
	return s;
}

void gen_shape_overlay(struct gen *g, const struct node *overlay)
{
	const struct node *names = node_get(overlay, "names");

	for (uint32_t i = 0; i < overlay->n; i++)
		if (strcmp(overlay->map[i].key, "names"))
			diag_error(&g->diag, overlay->map[i].key_place, overlay->map[i].key,
				   "the overlay has no such section");
	for (uint32_t i = 0; names && names->type == NODE_MAP && i < names->n; i++) {
		const struct node_entry *e = &names->map[i];
		struct schema *s;

		s = e->value->type == NODE_STRING ? find_path(g, e->value->s) : NULL;
		if (!s || !s->of) {
			diag_error(&g->diag, e->value->place, e->key, "%s is no object in a schema",
				   e->value->text ? e->value->text : "this");
		} else if (s->of->named && strcmp(s->of->name, e->key)) {
			diag_error(&g->diag, e->value->place, e->key,
				   "%s has the structure already named %s at line %u", e->value->s,
				   s->of->name, s->of->named_at.line);
		} else {
			s->of->name = e->key;
			s->of->named = true;
			s->of->path = e->value->s;
			s->of->named_at = e->value->place;
		}
	}
}

static void check_c_name(struct gen *g, struct map *taken, const char *name, const struct type *t)
{
	if (strcmp(gen_name_field(&g->arena, name), name))
		diag_error(&g->diag, t->named ? t->named_at : t->schema->place, t->schema->path,
			   "%s is no name for a struct", name);
	if (map_set(taken, name, (void *)(uintptr_t)1))
		diag_error(&g->diag, t->named ? t->named_at : t->schema->place, t->schema->path,
			   "two structs are called %s: name one in overlay.yaml", name);
}

void gen_shape_finish(struct gen *g)
{
	cleanup(map_fini) struct map taken = MAP_INIT;

	for (uint32_t i = 0; i < g->n_types; i++)
		if (!g->types[i]->name)
			g->types[i]->name = gen_name_path(&g->arena, g->types[i]->schema->path);
	for (uint32_t i = 0; i < g->n_types; i++) {
		struct type *t = g->types[i];

		check_c_name(g, &taken, t->name, t);
		if (t->is_map_value)
			check_c_name(g, &taken, arena_printf(&g->arena, "%s_entry", t->name), t);
	}
}
