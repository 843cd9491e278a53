/* schema/interpret.h
 * What the parts of the interpreter share: the layout behind each field type, paths, and limits. Private to this room.
 */
#pragma once
#include "base/buf.h"
#include "base/diag.h"
#include "doc/node.h"
#include "schema/schema.h"

/* What one value is in memory. Lists and maps hold some of them bare, without `set`. */
enum elem {
	ELEM_STRING,     /* const char * */
	ELEM_BOOL,       /* struct opt_bool */
	ELEM_OPT_INT,    /* struct opt_int */
	ELEM_INT,        /* int64_t, in lists and maps */
	ELEM_DOUBLE,     /* struct opt_double */
	ELEM_DURATION,   /* struct opt_duration */
	ELEM_TIME,       /* struct opt_time */
	ELEM_BYTES,      /* struct opt_bytes */
	ELEM_ENUM,       /* int */
	ELEM_INT_OR_STR, /* struct int_or_str */
	ELEM_NODE,       /* const struct node * */
	ELEM_STRUCT_PTR, /* const struct X * */
	ELEM_STRUCT,     /* struct X, in lists and maps */
	ELEM_STR_LIST,   /* struct str_list, in maps */
	ELEM_COUNT,
};

enum holder { ONE, LIST, MAP };

struct shape {
	enum holder holder;
	enum elem elem;
	uint32_t size; /* of an element of a list or map, key included; 0: as its struct */
};
extern const struct shape shapes[]; /* by enum field_type */

/* The common layout of all lists and maps. A map's element is a key, then its value at MAP_VALUE. */
struct any_list {
	const void *v;
	uint32_t n;
	bool set;
};
enum { MAP_VALUE = sizeof(char *) };

/* Bytes from one element of a list or map to the next. */
size_t shape_stride(const struct field *);
struct any_list shape_list(const struct field *, const void *of_struct);
/* Whether a value is there at all; for ONE. */
bool shape_is_set(enum elem, const void *at);
const void *shape_at(const void *base, size_t offset);
void *shape_at_mut(void *base, size_t offset);

/* Where in a document one is. A chain on the stack; becomes text only for a problem. */
struct path {
	const struct path *up;
	const char *name; /* of a field; NULL: an item */
	const char *key;  /* of a map's item; NULL: of a list's, at index */
	uint32_t index;
};
const char *decode_path_text(struct arena *, const struct path *);

/* What a schema says of one value. */
struct limits {
	double minimum, maximum;
	uint32_t min_len, max_len;
	const char *pattern;
	const struct schema_rule *rules;
};

struct decode {
	struct arena *arena; /* scratch: what is decoded points into it and into the document */
	struct diag *diag;
	bool lenient;     /* unknown fields are not worth a word */
	bool is_object;   /* the top struct stands beside apiVersion, kind and metadata */
	bool skip_status; /* of the top struct */
};

/* decode.c: false if it was no map. Problems are in diag. */
bool decode_struct(const struct decode *, const struct struct_type *, const struct node *,
		   const struct path *, void *out);
void decode_problem(const struct decode *, const struct node *, const struct path *,
		    const char *fmt, ...) printf_like(4, 5);

/* validate.c */
void validate_string(const struct decode *, const struct limits *, const struct node *,
		     const struct path *);
void validate_number(const struct decode *, const struct limits *, double v, const struct node *,
		     const struct path *);
/* `what`: "item" or "entry" */
void validate_count(const struct decode *, const struct limits *, const char *what,
		    const struct node *, const struct path *);
void validate_rules(const struct decode *, const struct schema_rule *, const struct node *,
		    const struct path *);
void validate_conditions(const struct decode *, const struct struct_type *, const struct node *,
			 const struct path *);
void validate_unique(const struct decode *, const struct field *, const struct node *,
		     const struct path *);

/* spell.c: the candidate that somebody who wrote `word` may have meant, or NULL. */
const char *spell_nearest(const char *word, const char *(*nth)(const void *ctx, uint32_t i),
			  const void *ctx, uint32_t n);

/* scalar.c: durations, times and bytes as text. */
enum { SCALAR_TEXT = 48 };
void scalar_duration_format(int64_t ns, char ret[SCALAR_TEXT]); /* protobuf's: "90s", "0.100s" */
void scalar_time_format(int64_t ns, char ret[SCALAR_TEXT]);
bool scalar_base64_decode(struct arena *, const char *, struct opt_bytes *ret) must_check;
void scalar_base64_encode(struct buf *, const uint8_t *, size_t n);

struct json;
/* print.c: the fields of a struct into a map that is open. */
void struct_print_fields(struct json *, const struct struct_type *, const void *);

/* pack.c: copies what was decoded into one block without slack: first measure, then copy. */
struct pack {
	char *words, *chars;     /* where to copy next; NULL while measuring */
	size_t n_words, n_chars; /* bytes needed so far */
	const char *file;        /* the copied nodes' place.file */
};
void *pack_struct(struct pack *, const struct struct_type *, const void *);
const char *pack_str(struct pack *, const char *);
/* Points the pack at a block of n_words + n_chars bytes, aligned to 8, and starts over. */
void pack_begin(struct pack *, void *block);

/* equal.c: the canonical bytes that are hashed. */
void struct_digest(struct buf *, const struct struct_type *, const void *);

/* kinds.c */
struct kind;
/* The kind of this name in the group, whatever the version. */
const struct kind *kind_in_group(const char *api_version, const char *kind);
bool kind_reads_status(const struct kind *);
enum name_rule {
	NAME_SUBDOMAIN, /* of DNS-1123: labels joined by dots, 253 characters */
	NAME_LABEL,     /* 63 characters */
};
enum name_rule kind_name_rule(const struct kind *);
