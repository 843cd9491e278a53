/* What the tests of this room share. */
#pragma once
#include "base/diag.h"
#include "doc/node.h"
#include "pb/json.h"
#include "test.h"

/* Equal as JSON: order of keys does not count, nor whether a number is written 1 or 1.0. */
bool node_equal(const struct node *, const struct node *);
/* One JSON value, which must be right. */
const struct node *json(struct arena *, const char *text);
/* The message that the JSON means; NULL after reporting its problems. */
ProtobufCMessage *from_json(struct arena *, const char *type, const char *text);
/* The message as compact JSON. */
const char *to_json(struct arena *, const ProtobufCMessage *);
/* A whole file, or NULL. */
char *slurp(struct arena *, const char *path, size_t *ret_len);
/* Where the recorded answers of istiod and the wire samples are, or NULL. */
const char *shared_dir(void);
