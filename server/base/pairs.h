/* base/pairs.h
 * A map from pairs of numbers to numbers, inside an arena: for counting and finding within one computation. Nothing is
 * taken out again. One thread.
 */
#pragma once
#include "base/arena.h"

struct pair_slot {
	uint32_t a, b, value;
};
struct pair_map {
	struct arena *arena;
	struct pair_slot *v;
	uint32_t n, size;
};
/* The value of the pair, 0 at first; good until the next call. a is not 0. */
uint32_t *pair_map_at(struct pair_map *, uint32_t a, uint32_t b);
