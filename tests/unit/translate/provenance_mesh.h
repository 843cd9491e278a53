/* Objects as rows, and a mesh with one of everything that can be a source of a resource: for the tests of provenance. */
#pragma once
#include "kit.h"

/* `rest` is what follows the name and namespace in metadata: first its end, "labels: {...}}". */
struct row {
	const char *kind, *ns, *name, *rest;
};
void put_rows(struct kit *, const struct row *, size_t n);

enum { EVERY_PROXY = 5 };
extern const char *const every_id[EVERY_PROXY];
/* Puts the mesh; lets join a sidecar in a namespace of its own, one with a Sidecar, one that has a pod, one with DNS capture,
 * and a router. */
void join_every(struct kit *, struct engine_proxy *p[EVERY_PROXY]);
