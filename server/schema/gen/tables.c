/* types.c: the constant tables that the interpreter walks. */
#include "schema/gen/gen.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

static const char *const one_types[] = {
	[SCHEMA_STRING] = "STRING",         [SCHEMA_BOOL] = "BOOL",         [SCHEMA_INT] = "INT",
	[SCHEMA_DOUBLE] = "DOUBLE",         [SCHEMA_DURATION] = "DURATION", [SCHEMA_TIME] = "TIME",
	[SCHEMA_BYTES] = "BYTES",           [SCHEMA_ENUM] = "ENUM",         [SCHEMA_NODE] = "NODE",
	[SCHEMA_INT_OR_STR] = "INT_OR_STR", [SCHEMA_STRUCT] = "STRUCT",
};

/* FIELD_* of a list or map; NULL when the interpreter has none for it. */
static const char *collection_type(const struct schema *s)
{
	const struct schema *item = s->item;
	bool is_map = s->type == SCHEMA_MAP;

	switch (item->type) {
	case SCHEMA_STRING: return is_map ? "STR_MAP" : "STR_LIST";
	case SCHEMA_STRUCT: return is_map ? "STRUCT_MAP" : "STRUCT_LIST";
	case SCHEMA_INT: return is_map ? "INT_MAP" : "INT_LIST";
	case SCHEMA_ENUM: return is_map ? NULL : "ENUM_LIST";
	case SCHEMA_BYTES: return is_map ? "BYTES_MAP" : NULL;
	case SCHEMA_LIST:
		return is_map && item->item->type == SCHEMA_STRING ? "STR_LIST_MAP" : NULL;
	default: return NULL;
	}
}

static void put_text(struct buf *b, const char *s)
{
	buf_putc(b, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\' || *s == '?')
			buf_putc(b, '\\');
		if ((unsigned char)*s < ' ')
			buf_printf(b, "\\%03o", (unsigned char)*s);
		else
			buf_putc(b, *s);
	}
	buf_putc(b, '"');
}

static void put_rules(struct buf *b, const char *name, const struct schema *s)
{
	if (!s->n_rules)
		return;
	buf_printf(b, "static const struct schema_rule %s[] = {\n", name);
	for (uint32_t i = 0; i < s->n_rules; i++) {
		buf_printf(b, "\t{ rule_%s, ", s->rules[i].name);
		put_text(b, s->rules[i].message);
		buf_puts(b, " },\n");
	}
	buf_puts(b, "\t{ NULL, NULL },\n};\n");
}

static void put_strings(struct buf *b, const char *name, const struct strings *s)
{
	if (!s->n)
		return;
	buf_printf(b, "static const char *const %s[] = { ", name);
	for (uint32_t i = 0; i < s->n; i++) {
		put_text(b, s->v[i]);
		buf_puts(b, ", ");
	}
	buf_puts(b, "NULL };\n");
}

/* Children before their parent; the parent names them as a slice of one array. */
static void put_cond_children(struct buf *b, const char *name, const struct cond *c)
{
	if (!c->n)
		return;
	for (uint32_t i = 0; i < c->n; i++) {
		char child[512];

		snprintf(child, sizeof child, "%s_%u", name, i);
		put_cond_children(b, child, c->v[i]);
	}
	buf_printf(b, "static const struct condition %s[] = {\n", name);
	for (uint32_t i = 0; i < c->n; i++) {
		buf_printf(b, "\t{ .op = CONDITION_%s", c->v[i]->op);
		if (c->v[i]->field)
			buf_printf(b, ", .field = \"%s\"", c->v[i]->field);
		if (c->v[i]->n)
			buf_printf(b, ", .of = %s_%u, .n = %u", name, i, c->v[i]->n);
		buf_puts(b, " },\n");
	}
	buf_puts(b, "};\n");
}

static void put_limits(struct buf *b, const struct schema *s)
{
	const struct schema *scalar = s->item ? s->item : s;

	buf_puts(b, scalar->minimum == -DBL_MAX ? "\t  .minimum = -DBL_MAX, " : "");
	if (scalar->minimum != -DBL_MAX)
		buf_printf(b, "\t  .minimum = %.17g, ", scalar->minimum);
	if (scalar->maximum == DBL_MAX)
		buf_puts(b, ".maximum = DBL_MAX,\n");
	else
		buf_printf(b, ".maximum = %.17g,\n", scalar->maximum);
	buf_printf(b, "\t  .min_len = %u, .max_len = %uu, ", s->min_len, s->max_len);
	buf_printf(b, ".item_min_len = %u, .item_max_len = %uu,\n", s->item ? s->item->min_len : 0,
		   s->item ? s->item->max_len : UINT32_MAX);
	if (s->pattern) {
		buf_puts(b, "\t  .pattern = ");
		put_text(b, s->pattern);
		buf_puts(b, ",\n");
	}
	if (s->item && s->item->pattern) {
		buf_puts(b, "\t  .item_pattern = ");
		put_text(b, s->item->pattern);
		buf_puts(b, ",\n");
	}
}

static void put_field(struct gen *g, struct buf *b, const struct type *t, const struct prop *p)
{
	const struct schema *s = p->schema, *item = s->item ? s->item : s;
	const char *type = s->item ? collection_type(s) : one_types[s->type];

	if (!type) {
		diag_error(&g->diag, s->place, s->path,
			   "the interpreter has no field of such a type");
		return;
	}
	buf_printf(b, "\t{ .json = \"%s\", .type = FIELD_%s, .offset = offsetof(struct %s, %s),\n",
		   p->json, type, t->name, p->c);
	if (item->of)
		buf_printf(b, "\t  .of = &%s_type,\n", item->of->name);
	if (item->values.n)
		buf_printf(b, "\t  .enum_values = %s_values,\n", gen_emit_enum(g, t, p));
	if (s->list_keys.n)
		buf_printf(b, "\t  .list_keys = %s_keys,\n", gen_emit_enum(g, t, p));
	if (s->n_rules && s->type != SCHEMA_STRUCT)
		buf_printf(b, "\t  .rules = %s_rules,\n", gen_emit_enum(g, t, p));
	if (s->item && item->n_rules && item->type != SCHEMA_STRUCT)
		buf_printf(b, "\t  .item_rules = %s_item_rules,\n", gen_emit_enum(g, t, p));
	buf_printf(b, "%s%s%s%s%s", p->required ? "\t  .required = true,\n" : "",
		   s->nullable ? "\t  .nullable = true,\n" : "",
		   s->unique ? "\t  .unique = true,\n" : "",
		   s->only_map ? "\t  .only_map = true,\n" : "",
		   p->alias ? "\t  .alias = true,\n" : "");
	put_limits(b, s);
	buf_puts(b, "\t},\n");
}

/* A condition or rule on what is neither struct nor field would have no place in the tables. */
static void check_kept(struct gen *g, const struct schema *s)
{
	for (const struct schema *i = s; i; i = i->item) {
		if (i->all.n && i->type != SCHEMA_STRUCT)
			diag_error(&g->diag, i->place, i->path,
				   "a condition on what is no object with properties");
		if (i != s && (i->list_keys.n || i->unique))
			diag_error(&g->diag, i->place, i->path, "a list type of a nested list");
		if (i != s && i != s->item &&
		    (i->n_rules || i->pattern || i->min_len || i->max_len != UINT32_MAX))
			diag_error(&g->diag, i->place, i->path, "a limit two levels deep");
	}
	if (s->type == SCHEMA_INT_OR_STR && (s->n_rules || s->pattern || s->minimum != -DBL_MAX))
		diag_error(&g->diag, s->place, s->path, "a limit of an int-or-string");
}

static void put_type(struct gen *g, struct buf *b, const struct type *t)
{
	const struct schema *s = t->schema;
	char name[512];

	for (uint32_t i = 0; i < s->n_props; i++) {
		const struct prop *p = &s->props[i];
		const struct schema *item = p->schema->item ? p->schema->item : p->schema;

		check_kept(g, p->schema);
		if (p->alias)
			continue;
		snprintf(name, sizeof name, "%s_values", gen_emit_enum(g, t, p));
		put_strings(b, name, &item->values);
		snprintf(name, sizeof name, "%s_keys", gen_emit_enum(g, t, p));
		put_strings(b, name, &p->schema->list_keys);
		snprintf(name, sizeof name, "%s_rules", gen_emit_enum(g, t, p));
		if (p->schema->type != SCHEMA_STRUCT)
			put_rules(b, name, p->schema);
		snprintf(name, sizeof name, "%s_item_rules", gen_emit_enum(g, t, p));
		if (p->schema->item && item->type != SCHEMA_STRUCT)
			put_rules(b, name, item);
	}
	snprintf(name, sizeof name, "%s_self_rules", t->name);
	put_rules(b, name, s);
	snprintf(name, sizeof name, "%s_conditions", t->name);
	put_cond_children(b, name, &s->all);
	if (s->n_props) {
		buf_printf(b, "static const struct field %s_fields[] = {\n", t->name);
		for (uint32_t i = 0; i < s->n_props; i++)
			put_field(g, b, t, &s->props[i]);
		buf_puts(b, "};\n");
	}
	buf_printf(b,
		   "const struct struct_type %s_type = {\n\t.name = \"%s\",\n"
		   "\t.size = sizeof(struct %s),\n",
		   t->name, t->name, t->name);
	if (s->n_props)
		buf_printf(b, "\t.fields = %s_fields,\n\t.n_fields = %u,\n", t->name, s->n_props);
	if (s->open)
		buf_puts(b, "\t.open = true,\n");
	if (s->all.n)
		buf_printf(b, "\t.conditions = %s_conditions,\n\t.n_conditions = %u,\n", t->name,
			   s->all.n);
	if (s->n_rules)
		buf_printf(b, "\t.rules = %s_self_rules,\n", t->name);
	buf_puts(b, "};\n\n");
}

void gen_emit_tables(struct gen *g, struct buf *b)
{
	buf_puts(b, "/* Generated from crd-schemas/ by schemagen. */\n#include \"types.h\"\n\n"
		    "#include \"schema/condition.h\"\n#include \"schema/rules.h\"\n\n"
		    "#include <float.h>\n#include <stddef.h>\n\n");
	for (uint32_t i = 0; i < g->n_types; i++)
		put_type(g, b, g->types[i]);
	for (uint32_t i = 0; i < g->n_crds; i++)
		if (!g->crds[i].pseudo)
			put_strings(b,
				    arena_printf(&g->arena, "%s_versions",
						 gen_name_snake(&g->arena, g->crds[i].kind)),
				    &g->crds[i].versions);
	buf_puts(b, "const struct kind kinds[KIND_COUNT] = {\n");
	for (uint32_t i = 0; i < g->n_crds; i++) {
		const struct crd *c = &g->crds[i];
		const char *snake = gen_name_snake(&g->arena, c->kind);

		if (c->pseudo)
			continue;
		buf_printf(b,
			   "\t[KIND_%s] = { .name = \"%s\", .group = \"%s\", .plural = \"%s\",\n"
			   "\t  .versions = %s_versions,%s .type = &%s_type },\n",
			   gen_name_upper(&g->arena, snake), c->kind, c->group, c->plural, snake,
			   c->cluster_scoped ? " .cluster_scoped = true," : "", c->top->of->name);
	}
	buf_puts(b, "};\n");
}
