/* The map against a plain list of pairs. */
#include "base/map.h"
#include "base/hash.h"
#include "test.h"
#include <stdio.h>
#include <string.h>

enum { N = 500 };
static char keys[N][16];

static void *as_value(uint32_t v)
{
	return (void *)(uintptr_t)v;
}

TEST(map_behaves_like_a_list)
{
	struct map m = MAP_INIT;
	uint32_t model[N] = { 0 }, n = 0;

	for (uint32_t i = 0; i < N; i++)
		snprintf(keys[i], sizeof keys[i], "key-%u", i);
	for (uint32_t step = 1; step < 20000; step++) {
		uint32_t k = hash_u32(step, 1) % N, what = hash_u32(step, 2) % 5;

		if (what == 4 && hash_u32(step, 3) % 500 == 0) {
			map_clear(&m);
			memset(model, 0, sizeof model);
			n = 0;
		} else if (what < 2) {
			if (!CHECK(map_set(&m, keys[k], as_value(step)) == as_value(model[k])))
				break;
			n += !model[k];
			model[k] = step;
		} else if (what == 2) {
			if (!CHECK(map_del(&m, keys[k]) == as_value(model[k])))
				break;
			n -= !!model[k];
			model[k] = 0;
		}
		if (!CHECK(map_get(&m, keys[k]) == as_value(model[k])) ||
		    !CHECK(map_has(&m, keys[k]) == !!model[k]) || !CHECK_INT(m.n, n))
			break;
	}
	map_fini(&m);
	CHECK(!m.slots && !m.n);
}

TEST(map_iterates_in_order_and_survives_deletes)
{
	static const char *const words[] = { "alow", "belay", "cleat", "davit", "eye" };
	struct map m = MAP_INIT;
	char seen[64] = "";
	const char *key;
	void *value;

	CHECK_INT(map_next(&m, 0, NULL, NULL), 0);
	for (uint32_t i = 0; i < ARRAY_LEN(words); i++)
		map_set(&m, words[i], as_value(i + 1));
	map_del(&m, "belay");
	for (uint32_t i = 0; (i = map_next(&m, i, &key, &value));) {
		strncat(seen, key, 1);
		if (!strcmp(key, "alow"))
			map_del(&m, "cleat");
		CHECK(map_get(&m, key) == value);
	}
	CHECK_STR(seen, "ade");
	map_fini(&m);
}

TEST(map_takes_the_new_key_pointer)
{
	struct map m = MAP_INIT;
	char a[] = "same", b[] = "same";
	const char *key = NULL;

	map_set(&m, a, as_value(1));
	CHECK(map_set(&m, b, as_value(2)) == as_value(1));
	map_next(&m, 0, &key, NULL);
	CHECK(key == b);
	CHECK_INT(m.n, 1);
	map_fini(&m);
}

TEST(map_null_value_is_a_value)
{
	struct map m = MAP_INIT;

	CHECK(!map_has(&m, "x"));
	map_set(&m, "x", NULL);
	CHECK(map_has(&m, "x"));
	CHECK(!map_get(&m, "x"));
	map_fini(&m);
}

TEST(map_churn_does_not_grow)
{
	struct map m = MAP_INIT;

	for (uint32_t i = 0; i < N; i++)
		snprintf(keys[i], sizeof keys[i], "key-%u", i);
	for (uint32_t i = 0; i < 100000; i++) {
		map_set(&m, keys[i % N], as_value(1));
		map_del(&m, keys[(i + N - 3) % N]);
	}
	CHECK(m.cap <= 16);
	map_fini(&m);
}
