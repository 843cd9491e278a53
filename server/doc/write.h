/* doc/write.h
 * A streaming JSON writer onto a buffer. It keeps commas, escapes and indentation; the caller keeps the order.
 * One thread at a time. Writing a value where a key is due asserts.
 */
#pragma once
#include "base/buf.h"

struct node;
enum { JSON_MAX_DEPTH = 128 };
struct json {
	struct buf *out;
	bool pretty; /* two spaces, a newline per element */
	uint8_t depth;
	bool first, after_key;
	uint8_t is_map[JSON_MAX_DEPTH];
};
void json_init(struct json *, struct buf *out, bool pretty);
void json_map(struct json *); /* { */
void json_map_end(struct json *);
void json_seq(struct json *); /* [ */
void json_seq_end(struct json *);
void json_key(struct json *, const char *);
void json_str(struct json *, const char *); /* NULL writes null */
void json_strn(struct json *, const char *, size_t n);
void json_int(struct json *, int64_t);
void json_uint(struct json *, uint64_t);
void json_double(struct json *, double); /* shortest text that reads back the same */
void json_bool(struct json *, bool);
void json_null(struct json *);
void json_raw(struct json *, const char *text, size_t n); /* one value, already JSON */
void json_node(struct json *, const struct node *);
/* key and value at once */
void json_kv_str(struct json *, const char *key, const char *);
void json_kv_int(struct json *, const char *key, int64_t);
void json_kv_bool(struct json *, const char *key, bool);

/* The same tree as block-style YAML, for people. */
void yaml_node(struct buf *, const struct node *);
