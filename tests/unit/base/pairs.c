/* The map of pairs against a table of all pairs. */
#include "base/pairs.h"
#include "base/hash.h"
#include "test.h"

enum { SIDE = 64 };

TEST(pairs_behave_like_a_table)
{
	static uint32_t table[SIDE][SIDE];
	struct arena a = ARENA_INIT;
	struct pair_map m = { .arena = &a };
	uint32_t n = 0;

	for (uint32_t step = 1; step < 10000; step++) {
		uint32_t x = hash_u32(step, 1) % (SIDE - 1) + 1, y = hash_u32(step, 2) % SIDE;
		uint32_t *at = pair_map_at(&m, x, y);

		if (!CHECK_INT(*at, table[x][y]))
			break;
		n += !table[x][y];
		*at = table[x][y] = step;
	}
	for (uint32_t x = 1; x < SIDE; x++)
		for (uint32_t y = 0; y < SIDE; y++)
			if (table[x][y])
				CHECK_INT(*pair_map_at(&m, x, y), table[x][y]);
	CHECK_INT(m.n, n);
	arena_fini(&a);
}

TEST(pairs_start_at_zero)
{
	struct arena a = ARENA_INIT;
	struct pair_map m = { .arena = &a };

	CHECK_INT(*pair_map_at(&m, 1, 0), 0);
	*pair_map_at(&m, 1, 0) = 7;
	CHECK_INT(*pair_map_at(&m, 1, 1), 0);
	CHECK_INT(*pair_map_at(&m, 1, 0), 7);
	arena_fini(&a);
}
