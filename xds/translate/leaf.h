/* translate/leaf.h
 * What leaves "one per service and type" have in common. The key of a leaf is pair(ns, host), or, in a scope that
 * imports only some of the ports, pair(pair(ns, host), "80,443"): the list that adds the leaf has just read what the
 * scope sees, so the leaf itself need not, and proxies whose scopes see the same share it.
 */
#pragma once
#include "model/service.h"

/* Adds a leaf of `query` to the running list for each service of the namespace that the scope sees and `wanted` takes. */
typedef bool leaf_wanted_fn(struct run *, const struct service_head *);
void leaves_add(struct run *, uint32_t ns, unsigned query, leaf_wanted_fn *wanted);

struct leaf {
	const struct service *service; /* NULL: it is gone */
	const char *ports;             /* "80,443"; NULL: all */
};
struct leaf leaf_of(struct run *, uint32_t key);
/* Visits each port once: UDP, repeated numbers and ports that are not imported are left out. *i starts at 0; NULL: no
 * more. */
const struct service_port_model *leaf_next_port(const struct leaf *, uint32_t *i);
