/* doc/scalar.h
 * What a YAML scalar is: the resolution of go-yaml v2, which sigs.k8s.io/yaml and with it kubectl and istiod use.
 * Private to this room. Any thread.
 */
#pragma once
#include "doc/node.h"

/* Sets type, value, n and text of `ret` (whose place is set). `text` is NUL-terminated, without NUL inside, and lives
 * as long as the node. `tag` is NULL where none was written. `quoted`: the scalar's style says that it is a string.
 * False with a reason when the text does not fit the tag; `ret` is a null then. */
bool scalar_resolve(const char *text, size_t n, const char *tag, bool quoted, struct arena *,
		    struct node *ret, const char **ret_reason) must_check;

/* The text that a scalar has as a key of a JSON object, NULL if it cannot be one. */
const char *scalar_key(const struct node *, struct arena *);
