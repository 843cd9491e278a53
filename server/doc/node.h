/* doc/node.h
 * A document as a tree of located nodes: what YAML and JSON become before anything knows a schema.
 *
 * Nodes live in the arena they were read into and are immutable afterwards. Any thread. Numbers keep their
 * source text, so that nothing is lost before the schema says what they are.
 */
#pragma once
#include "base/diag.h"

enum node_type { NODE_NULL, NODE_BOOL, NODE_INT, NODE_FLOAT, NODE_STRING, NODE_SEQ, NODE_MAP };

struct node;
struct node_entry {
	const char *key;
	struct place key_place;
	const struct node *value;
};
struct node {
	enum node_type type;
	struct place place;
	uint32_t n; /* NODE_SEQ, NODE_MAP: elements; NODE_STRING: bytes */
	union {
		bool b;
		int64_t i; /* NODE_INT; beyond int64 it is NODE_FLOAT */
		double f;
		const char *s; /* NUL-terminated; a NUL inside is a read error */
		const struct node *const *seq;
		const struct node_entry *map; /* source order, keys unique */
	};
	const char *text; /* scalars: as written, for messages and for lossless printing */
};

const char *node_type_name(enum node_type);
/* NULL when it is no map or has no such key. */
const struct node *node_get(const struct node *map, const char *key);
const char *node_str(const struct node *map, const char *key); /* NULL unless a string */

/* Deep copy into another arena. */
const struct node *node_copy(struct arena *, const struct node *);
