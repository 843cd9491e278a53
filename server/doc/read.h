/* doc/read.h
 * YAML and JSON readers. YAML is typed by the rules of sigs.k8s.io/yaml, that is go-yaml v2: `yes`, `on` and `y`
 * are booleans, `017` is 15, `0b11` 3, `1_000` 1000, `~` null, `<<` merges; keys that are not strings become their
 * JSON text. Duplicate keys are errors. The only user of libyaml.
 *
 * Any thread. Input is untrusted: sizes, depth and what aliases expand to are capped.
 */
#pragma once
#include "doc/node.h"

enum {
	DOC_MAX_BYTES = 64 << 20, /* one file */
	DOC_MAX_DEPTH = 100,
	DOC_MAX_NODES = 4000000,      /* in one document, aliases expanded */
	DOC_MAX_ALIAS_NODES = 200000, /* of these, produced by aliases */
};

struct docs {
	const struct node **
		v; /* documents in order; an empty document is left out; a bad one too (see diag) */
	uint32_t n;
};

/* A file of several YAML documents (JSON is YAML here too, but see json_read). A document with a problem is left out
 * and reported; where a syntax error makes finding the next "---" at column 1 possible, the rest is read.
 * `file` is borrowed for the life of the nodes and is what places name. False if any document was bad. */
bool yaml_read(const char *text, size_t len, const char *file, struct arena *, struct docs *ret,
	       struct diag *);

/* One strict JSON value with nothing behind it. NULL: see diag. */
const struct node *json_read(const char *text, size_t len, const char *file, struct arena *,
			     struct diag *);

/* Reads a whole file by its extension (.json strict, else YAML). False if it cannot be opened or is too big, or any
 * document is bad; either way the reasons are in diag and the good documents in ret. */
bool docs_read_file(const char *path, const char *file, struct arena *, struct docs *ret,
		    struct diag *);
