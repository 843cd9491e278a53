/* base/map.h
 * A hash map from strings to pointers, open addressing. Keys and values are borrowed. One thread at a time.
 * Iteration order is that of insertion until something is deleted; whoever publishes sorts.
 */
#pragma once
#include "base/lang.h"

struct map_slot {
	const char *key; /* NULL: free; MAP_GONE: deleted */
	void *value;
	uint32_t hash;
};
struct map {
	struct map_slot *slots;
	uint32_t *index;
	uint32_t n, used, cap; /* live entries, slots used, slots there */
};
#define MAP_INIT ((struct map){ 0 })

void map_fini(struct map *);
void *map_get(const struct map *, const char *key);
bool map_has(const struct map *, const char *key);
/* Returns the value that was there before, or NULL. The new key pointer replaces the old one. */
void *map_set(struct map *, const char *key, void *value);
/* Returns the value that is gone, or NULL. */
void *map_del(struct map *, const char *key);
void map_clear(struct map *);

/* for (uint32_t i = 0; (i = map_next(&m, i, &key, &value));) */
uint32_t map_next(const struct map *, uint32_t at, const char **ret_key, void **ret_value);
