/* schema/gen/gen.h
 * What the generator holds in memory: the schemas of crd-schemas/ as trees, and the C structs that they become.
 *
 * A host tool that ends after one run: everything lives in one arena, all problems are collected in one diag, and any
 * problem stops the build.
 */
#pragma once
#include "base/buf.h"
#include "base/diag.h"
#include "base/map.h"
#include "doc/node.h"

enum schema_type {
	SCHEMA_STRING,
	SCHEMA_BOOL,
	SCHEMA_INT,
	SCHEMA_DOUBLE,
	SCHEMA_DURATION,
	SCHEMA_TIME,
	SCHEMA_BYTES,
	SCHEMA_ENUM,
	SCHEMA_INT_OR_STR,
	SCHEMA_NODE,
	SCHEMA_STRUCT,
	SCHEMA_LIST,
	SCHEMA_MAP,
};

struct strings {
	const char **v;
	uint32_t n, cap;
};

/* A tree of oneOf, anyOf, allOf, not and required. */
struct cond {
	const char *op;    /* "REQUIRED" ..., the tail of enum condition_op */
	const char *field; /* of REQUIRED */
	struct cond **v;
	uint32_t n, cap;
};

struct rule_use {
	const char *name; /* of the function, see schema/rules.h */
	const char *message;
};

struct schema;
struct prop {
	const char *json;
	const char *c; /* name in C */
	bool required;
	bool alias; /* another spelling of the property before it */
	struct schema *schema;
};

struct schema {
	enum schema_type type;
	struct place place;
	const char *path; /* "VirtualService.spec.http[]" where first seen */
	bool nullable, open, only_map;
	double minimum, maximum;
	uint32_t min_len, max_len;
	const char *pattern;
	struct strings values, list_keys;
	bool unique;
	struct rule_use *rules;
	uint32_t n_rules, cap_rules;
	struct cond all; /* of an object: what must hold */
	struct prop *props;
	uint32_t n_props, cap_props;
	struct schema *item; /* of LIST and MAP */
	struct type *of;     /* of STRUCT */
};

/* One struct of C: all schemas of equal structure. */
struct type {
	const char *name;
	bool named; /* by the overlay */
	struct place named_at;
	struct schema *schema; /* the first of them */
	const char *path;      /* where it is best known from */
	bool is_map_value;
};

struct crd {
	const char *kind, *group, *plural;
	bool cluster_scoped, pseudo;
	struct strings versions;
	struct schema *top;
	struct place place;
};

struct gen {
	struct arena arena;
	struct diag diag;
	struct crd *crds; /* sorted by kind once all are read */
	uint32_t n_crds, cap_crds;
	struct type **types; /* in the order of their discovery */
	uint32_t n_types, cap_types;
	struct map by_shape; /* canonical text -> struct type */
};

/* names.c: words of an API's camelCase name, joined by "_"; with a "_" behind a keyword of C. */
const char *gen_name_snake(struct arena *, const char *);
const char *gen_name_field(struct arena *, const char *);
const char *gen_name_upper(struct arena *, const char *);
/* The tail of an enum constant: what is not alphanumeric becomes "_". */
const char *gen_name_value(struct arena *, const char *);
/* "VirtualService.spec.http[]" -> "virtual_service_spec_http" */
const char *gen_name_path(struct arena *, const char *);
void gen_strings_add(struct arena *, struct strings *, const char *);

/* load.c: takes in one CustomResourceDefinition; `pseudo`: no kind of objects. */
void gen_load_crd(struct gen *, const struct node *doc, bool pseudo);
/* Once all are in: sorts them and gives structs to their schemas. */
void gen_load_finish(struct gen *, const struct node *overlay);
/* All of this for a folder: every .yaml of its subfolders, then overlay.yaml. */
void gen_load_tree(struct gen *, const char *root);

/* parse.c: the schema below a node; NULL with a problem in diag. `top`: apiVersion, kind and metadata are left out. */
struct schema *gen_schema_parse(struct gen *, const struct node *, const char *path, bool top);

/* shape.c: gives structs to all object schemas below, and the overlay's names to structs. */
void gen_shape_schema(struct gen *, struct schema *top, const char *own);
void gen_shape_overlay(struct gen *, const struct node *overlay);
void gen_shape_finish(struct gen *);

/* emit.c, tables.c */
void gen_emit_header(struct gen *, struct buf *);
void gen_emit_tables(struct gen *, struct buf *);
const char *gen_emit_enum(struct gen *, const struct type *, const struct prop *);
