/* Tests of world/keys.h. */
#include "world/keys.h"
#include "test.h"
#include <stdio.h>
#include <string.h>

TEST(keys_strings_are_interned)
{
	struct keys *k = keys_new();
	uint32_t a = key_str(k, "reviews.shop.svc.cluster.local"), b = key_str(k, "b");

	CHECK(a && b && a != b);
	CHECK_INT(key_str(k, "reviews.shop.svc.cluster.local"), a);
	CHECK_INT(key_strn(k, "bcd", 1), b);
	CHECK_INT(key_find(k, "b"), b);
	CHECK_INT(key_find(k, "bc"), 0);
	CHECK_STR(key_text(k, a), "reviews.shop.svc.cluster.local");
	CHECK(!key_is_pair(k, a));
	keys_free(k);
}

TEST(keys_empty)
{
	struct keys *k = keys_new();

	CHECK_INT(key_str(k, NULL), KEY_EMPTY);
	CHECK_INT(key_str(k, ""), KEY_EMPTY);
	CHECK_INT(key_strn(k, "x", 0), KEY_EMPTY);
	CHECK_INT(key_strn(k, "\0x", 2), KEY_EMPTY);
	CHECK_INT(key_find(k, ""), KEY_EMPTY);
	CHECK_INT(key_find(k, NULL), KEY_EMPTY);
	CHECK_STR(key_text(k, KEY_EMPTY), "");
	keys_free(k);
	keys_free(NULL);
}

TEST(keys_pairs)
{
	struct keys *k = keys_new();
	uint32_t a = key_str(k, "a"), b = key_str(k, "b"), ab = key_pair(k, a, b);

	CHECK(key_is_pair(k, ab));
	CHECK_INT(key_pair(k, a, b), ab);
	CHECK(key_pair(k, b, a) != ab);
	CHECK_INT(key_first(k, ab), a);
	CHECK_INT(key_second(k, ab), b);
	CHECK_INT(key_find_pair(k, a, b), ab);
	CHECK_INT(key_find_pair(k, a, a), 0);
	CHECK_INT(key_find_pair(k, 0, a), 0);
	CHECK_INT(key_first(k, key_pair(k, ab, a)), ab);
	keys_free(k);
}

TEST(keys_many_stay_where_they_are)
{
	enum { N = 20000 };
	struct keys *k = keys_new();
	const char *first = key_text(k, key_str(k, "first"));
	size_t before = keys_memory(k);
	char text[64], *big = xmalloc(100000);
	uint32_t wrong = 0;

	for (unsigned i = 0; i < N; i++) {
		snprintf(text, sizeof text, "service-%u.team-%u", i, i % 7);
		key_pair(k, key_str(k, text), KEY_EMPTY);
	}
	memset(big, 'x', 99999);
	big[99999] = 0;
	CHECK_STR(key_text(k, key_str(k, big)), big);
	for (unsigned i = 0; i < N; i++) {
		snprintf(text, sizeof text, "service-%u.team-%u", i, i % 7);
		wrong += !key_find(k, text) || !str_eq(key_text(k, key_find(k, text)), text) ||
			 key_first(k, key_find_pair(k, key_find(k, text), KEY_EMPTY)) !=
				 key_find(k, text);
	}
	CHECK_INT(wrong, 0);
	CHECK(key_text(k, key_find(k, "first")) == first);
	CHECK(keys_memory(k) > before + N * 16);
	CHECK(keys_memory(k) < before + 200000 + N * 100);
	xfree(big);
	keys_free(k);
}

TEST(keys_compare_by_text)
{
	struct keys *k = keys_new();
	/* Interned in another order than they sort in. */
	uint32_t z = key_str(k, "z"), a = key_str(k, "a"), m = key_str(k, "m");
	uint32_t zm = key_pair(k, z, m), am = key_pair(k, a, m), az = key_pair(k, a, z);
	const uint32_t sorted[] = { 0, KEY_EMPTY, a, m, z, am, az, zm };

	for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
		for (size_t j = 0; j < ARRAY_LEN(sorted); j++) {
			int c = key_compare(k, sorted[i], sorted[j]);

			CHECK_INT(c < 0 ? -1 : c > 0, i < j ? -1 : i > j);
		}
	}
	keys_free(k);
}

TEST(keys_compare_numbers)
{
	struct keys *k = keys_new();
	uint32_t z = key_str(k, "z"), a = key_str(k, "a");
	uint32_t one = KEY_NUMBER | 1, many = KEY_NUMBER | 1000000;
	uint32_t a_one = key_pair(k, a, one), a_many = key_pair(k, a, many);
	uint32_t z_one = key_pair(k, z, one), a_z = key_pair(k, a, z);
	/* Numbers come after all keys. */
	const uint32_t sorted[] = { a, z, a_z, a_one, a_many, z_one };

	for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
		for (size_t j = 0; j < ARRAY_LEN(sorted); j++) {
			int c = key_compare(k, sorted[i], sorted[j]);

			CHECK_INT(c < 0 ? -1 : c > 0, i < j ? -1 : i > j);
		}
	}
	keys_free(k);
}
