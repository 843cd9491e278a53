/* schema/schema.h
 * The shape of typed input: constant field tables, generated from crd-schemas/ by the host tool schema/gen.c, and the
 * small C types that generated structs are made of.
 *
 * crd-schemas/ is the single source of truth (design section 5). The generator writes <build>/gen/types.h (structs,
 * enums, enum kind_id) and types.c (tables). One interpreter (decode.h, print.h, equal.h) walks the tables; nothing is
 * generated as code per type.
 *
 * Naming: struct = snake_case of the API's message name (overlay.yaml), field = snake_case of the JSON name, enum =
 * <struct>_<field> with <STRUCT>_<FIELD>_<VALUE>, 0 being "not set". A field that is a C keyword gets a trailing "_".
 */
#pragma once
#include "base/arena.h"

struct node;

/* What fields are made of. All pointers live in the arena of the object. */
struct opt_bool {
	bool set, v;
};
struct opt_int {
	bool set;
	int64_t v;
};
struct opt_double {
	bool set;
	double v;
};
struct opt_duration {
	bool set;
	int64_t v; /* ns */
};
struct opt_time {
	bool set;
	int64_t v; /* ns since 1970 */
};
struct int_or_str {
	bool set, is_str;
	int64_t i;
	const char *s;
};
struct opt_bytes {
	bool set;
	uint32_t n;
	const uint8_t *v;
};
struct str_list {
	const char *const *v;
	uint32_t n;
	bool set; /* there, perhaps empty */
};
struct str_pair {
	const char *key, *value;
};
struct str_map {
	const struct str_pair *v; /* sorted by key */
	uint32_t n;
	bool set;
};
struct int_list {
	const int64_t *v;
	uint32_t n;
	bool set;
};
struct enum_list {
	const int *v; /* as FIELD_ENUM, never 0 */
	uint32_t n;
	bool set;
};
/* Maps are sorted by key. */
struct int_pair {
	const char *key;
	int64_t value;
};
struct int_map {
	const struct int_pair *v;
	uint32_t n;
	bool set;
};
struct bytes_pair {
	const char *key;
	struct opt_bytes value;
};
struct bytes_map {
	const struct bytes_pair *v;
	uint32_t n;
	bool set;
};
struct str_list_pair {
	const char *key;
	struct str_list value;
};
struct str_list_map {
	const struct str_list_pair *v;
	uint32_t n;
	bool set;
};
/* Arrays of objects are `struct { const struct X *v; uint32_t n; bool set; }`, maps to objects
 * `struct { const struct X_entry { const char *key; struct X value; } *v; uint32_t n; bool set; }` sorted by key. */
const char *str_map_get(const struct str_map *, const char *key);
/* A duration as Go's time.ParseDuration reads it. */
bool duration_parse(const char *, int64_t *ret_ns) must_check;

enum field_type {
	FIELD_STRING,       /* const char *, NULL absent */
	FIELD_BOOL,         /* struct opt_bool */
	FIELD_INT,          /* struct opt_int */
	FIELD_DOUBLE,       /* struct opt_double */
	FIELD_DURATION,     /* struct opt_duration; Go syntax and protobuf's "1.5s" */
	FIELD_TIME,         /* struct opt_time */
	FIELD_BYTES,        /* struct opt_bytes, base64 in the document */
	FIELD_ENUM,         /* int, 0 absent, else 1 + index into enum_values */
	FIELD_INT_OR_STR,   /* struct int_or_str */
	FIELD_STRUCT,       /* const struct X *, NULL absent */
	FIELD_NODE,         /* const struct node *, free-form */
	FIELD_STR_LIST,     /* struct str_list */
	FIELD_STR_MAP,      /* struct str_map */
	FIELD_STRUCT_LIST,  /* struct { v, n, set } */
	FIELD_STRUCT_MAP,   /* struct { v, n, set } of { key, value } */
	FIELD_INT_LIST,     /* struct int_list */
	FIELD_INT_MAP,      /* struct int_map */
	FIELD_ENUM_LIST,    /* struct enum_list */
	FIELD_BYTES_MAP,    /* struct bytes_map */
	FIELD_STR_LIST_MAP, /* struct str_list_map */
};

struct struct_type;
struct condition;   /* condition.h: a schema's oneOf/anyOf/not/required tree */
struct schema_rule; /* rules.h: a schema's rule that is written by hand */

struct field {
	const char *json; /* name in the document */
	enum field_type type;
	uint32_t offset;
	const struct struct_type *of;   /* of the element, for the STRUCT types */
	const char *const *enum_values; /* NULL-terminated */
	const char *const *list_keys;   /* fields that tell a STRUCT_LIST's items apart */
	bool required, nullable;
	bool unique;   /* no two equal items */
	bool only_map; /* a NODE that must be a map */
	bool alias;    /* another spelling of the field at the same offset; not printed */
	/* limits; absent ones are the type's extremes */
	double minimum, maximum;   /* of the number, or of each item */
	uint32_t min_len, max_len; /* characters of a string, items, properties */
	uint32_t item_min_len, item_max_len;
	const char *pattern, *item_pattern;
	const struct schema_rule *rules, *item_rules; /* rules.h; NULL: none */
};

struct struct_type {
	const char *name; /* "http_route" */
	uint32_t size;
	const struct field *fields; /* sorted by json */
	uint32_t n_fields;
	bool open; /* unknown fields are ignored without a word (parts of core types) */
	const struct condition *conditions; /* all must hold */
	uint32_t n_conditions;
	const struct schema_rule *rules; /* NULL: none */
};

/* A kind that is read. The table `kinds` is generated, indexed by enum kind_id. */
struct kind {
	const char *name;            /* "VirtualService" */
	const char *group;           /* "networking.istio.io", "" for core */
	const char *const *versions; /* served, NULL-terminated; the storage version first */
	const char *plural;
	bool cluster_scoped;
	const struct struct_type *type;
};
