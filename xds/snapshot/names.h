/* snapshot/names.h
 * Sets of resource names: immutable, reference-counted and interned, so that ten thousand streams that subscribe to the
 * same names hold one set, and equal sets are one pointer.
 *
 * Any thread. Making and changing goes through the cache (snapshot.h) and takes its lock; ref, unref and look-ups do not.
 */
#pragma once
#include "base/ref.h"

struct xds_cache;
struct names;

/* More than these are refused by those who take names from clients. */
enum { NAMES_MAX = 200000 };

const struct names *names_ref(
	const struct names *); /* NULL is fine, here and below: the empty set */
void names_unref(const struct names *);
uint32_t names_count(const struct names *);
/* In an order that is the same on all machines but not by string; lives as long as the set. */
const char *names_at(const struct names *, uint32_t i);
/* The strings themselves, sorted; yours (xfree). */
const char **names_sorted(const struct names *) must_check;
bool names_find(const struct names *, const char *name, uint32_t *ret_index); /* for names_at */
bool names_has(const struct names *, const char *name);
bool names_has_n(const struct names *, const char *name, size_t len);
size_t names_memory(const struct names *);

/* Each returns a new reference; the empty set is NULL. Input in any order, duplicates are fine. */
const struct names *names_make(struct xds_cache *, const char *const *v, size_t n) must_check;
const struct names *names_union(struct xds_cache *, const struct names *,
				const struct names *) must_check;
const struct names *names_minus(struct xds_cache *, const struct names *,
				const struct names *) must_check;
const struct names *names_both(struct xds_cache *, const struct names *,
			       const struct names *) must_check;
bool names_subset(const struct names *sub, const struct names *of);
bool names_meet(const struct names *, const struct names *);
