/* types.h: the structs and enums. Fields stand by falling alignment, so that a struct has no holes. */
#include "schema/gen/gen.h"

#include <string.h>

/* How a property is declared. `align` orders the fields. */
static const struct c_type {
	const char *decl;
	int align;
} c_types[] = {
	[SCHEMA_STRING] = { "const char *", 8 },
	[SCHEMA_BOOL] = { "struct opt_bool ", 1 },
	[SCHEMA_INT] = { "struct opt_int ", 8 },
	[SCHEMA_DOUBLE] = { "struct opt_double ", 8 },
	[SCHEMA_DURATION] = { "struct opt_duration ", 8 },
	[SCHEMA_TIME] = { "struct opt_time ", 8 },
	[SCHEMA_BYTES] = { "struct opt_bytes ", 8 },
	[SCHEMA_ENUM] = { NULL, 4 },
	[SCHEMA_INT_OR_STR] = { "struct int_or_str ", 8 },
	[SCHEMA_NODE] = { "const struct node *", 8 },
	[SCHEMA_STRUCT] = { NULL, 8 },
	[SCHEMA_LIST] = { NULL, 8 },
	[SCHEMA_MAP] = { NULL, 8 },
};

const char *gen_emit_enum(struct gen *g, const struct type *t, const struct prop *p)
{
	return arena_printf(&g->arena, "%s_%s", t->name, gen_name_snake(&g->arena, p->json));
}

static void emit_enum_type(struct gen *g, struct buf *b, const struct type *t, const struct prop *p,
			   struct map *taken)
{
	const struct schema *s = p->schema->item ? p->schema->item : p->schema;
	const char *name = gen_emit_enum(g, t, p);

	buf_printf(b, "enum %s {\n", name);
	for (uint32_t i = 0; i < s->values.n; i++) {
		const char *constant =
			arena_printf(&g->arena, "%s_%s", gen_name_upper(&g->arena, name),
				     gen_name_value(&g->arena, s->values.v[i]));

		buf_printf(b, "\t%s = %u,\n", constant, i + 1);
		if (map_set(taken, constant, (void *)(uintptr_t)1))
			diag_error(&g->diag, s->place, s->path, "two constants are called %s",
				   constant);
	}
	buf_puts(b, "};\n");
}

static void emit_collection(struct buf *b, const struct prop *p)
{
	const struct schema *s = p->schema, *item = s->item;
	bool is_map = s->type == SCHEMA_MAP;

	if (item->type == SCHEMA_STRUCT)
		buf_printf(b,
			   "\tstruct {\n\t\tconst struct %s%s *v;\n\t\tuint32_t n;\n"
			   "\t\tbool set;\n\t} %s;\n",
			   item->of->name, is_map ? "_entry" : "", p->c);
	else
		buf_printf(b, "\tstruct %s%s %s;\n",
			   item->type == SCHEMA_STRING  ? "str"
			   : item->type == SCHEMA_INT   ? "int"
			   : item->type == SCHEMA_ENUM  ? "enum"
			   : item->type == SCHEMA_BYTES ? "bytes"
							: "str_list",
			   is_map ? "_map" : "_list", p->c);
}

static void emit_field(struct gen *g, struct buf *b, const struct type *t, const struct prop *p)
{
	const struct schema *s = p->schema;

	if (s->type == SCHEMA_ENUM)
		buf_printf(b, "\tenum %s %s;\n", gen_emit_enum(g, t, p), p->c);
	else if (s->type == SCHEMA_STRUCT)
		buf_printf(b, "\tconst struct %s *%s;\n", s->of->name, p->c);
	else if (s->item)
		emit_collection(b, p);
	else
		buf_printf(b, "\t%s%s;\n", c_types[s->type].decl, p->c);
}

static void emit_struct(struct gen *g, struct buf *b, const struct type *t, struct map *taken)
{
	const struct schema *s = t->schema;

	for (uint32_t i = 0; i < s->n_props; i++) {
		const struct prop *p = &s->props[i];
		const struct schema *value = p->schema->item ? p->schema->item : p->schema;

		if (value->type == SCHEMA_ENUM && !p->alias)
			emit_enum_type(g, b, t, p, taken);
	}
	buf_printf(b, "/* %s */\nstruct %s {\n", t->path, t->name);
	for (int align = 8; align; align /= 2)
		for (uint32_t i = 0; i < s->n_props; i++)
			if (c_types[s->props[i].schema->type].align == align && !s->props[i].alias)
				emit_field(g, b, t, &s->props[i]);
	if (!s->n_props)
		buf_puts(b, "\tchar none_; /* its presence is all it says */\n");
	buf_puts(b, "};\n");
	buf_printf(b, "extern const struct struct_type %s_type;\n\n", t->name);
}

void gen_emit_header(struct gen *g, struct buf *b)
{
	cleanup(map_fini) struct map taken = MAP_INIT;

	buf_puts(b, "/* Generated from crd-schemas/ by schemagen. */\n#pragma once\n"
		    "#include \"schema/schema.h\"\n\nenum kind_id {\n");
	for (uint32_t i = 0; i < g->n_crds; i++)
		if (!g->crds[i].pseudo)
			buf_printf(b, "\tKIND_%s,\n",
				   gen_name_upper(&g->arena,
						  gen_name_snake(&g->arena, g->crds[i].kind)));
	buf_puts(b, "\tKIND_COUNT,\n};\nextern const struct kind kinds[KIND_COUNT];\n\n");
	for (uint32_t i = 0; i < g->n_types; i++) {
		buf_printf(b, "struct %s;\n", g->types[i]->name);
		if (g->types[i]->is_map_value)
			buf_printf(b, "struct %s_entry;\n", g->types[i]->name);
	}
	buf_puts(b, "\n");
	for (uint32_t i = 0; i < g->n_types; i++)
		emit_struct(g, b, g->types[i], &taken);
	for (uint32_t i = 0; i < g->n_types; i++)
		if (g->types[i]->is_map_value)
			buf_printf(
				b,
				"struct %s_entry {\n\tconst char *key;\n\tstruct %s value;\n};\n",
				g->types[i]->name, g->types[i]->name);
}
