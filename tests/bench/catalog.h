/* tests/bench/catalog.h
 * Every resource that any stream has ever received, once: streams remember numbers. A cluster or listener is looked into
 * when it is first seen, for the names that it asks for.
 *
 * One thread. Numbers start at 1 and are dense.
 */
#pragma once
#include "tests/bench/reader.h"

struct resource {
	enum ads_kind kind;
	uint32_t name; /* number of (kind, name) */
	uint64_t hash;
	char *version;
	uint32_t *wants, n_wants; /* numbers of the names of EDS or RDS that it asks for */
};

struct catalog;
struct catalog *catalog_new(void);
void catalog_free(struct catalog *);
uint32_t catalog_name(struct catalog *, enum ads_kind, const char *);
uint32_t catalog_n_names(const struct catalog *); /* the largest number */
const char *catalog_text(const struct catalog *, uint32_t name);
enum ads_kind catalog_kind(const struct catalog *, uint32_t name);
/* Is there a resource with this body? */
bool catalog_has(const struct catalog *, enum ads_kind, uint64_t hash);
/* The number of the resource with this kind, name, version and body; made if it is new. */
uint32_t catalog_resource(struct catalog *, const struct seen *);
const struct resource *catalog_at(const struct catalog *, uint32_t resource);
