/* The values of the hash are part of the wire contract, so some stand here; the rest asks for strength. */
#include "base/hash.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TEST(hash_values_never_change)
{
	static const struct {
		const char *text, *hex;
	} rows[] = {
		{ "", "564cedf77b53a21f6643933267009b01" },
		{ "a", "180e3756de6e176dbf7b696d8cc8ea1b" },
		{ "0123456789abcdef", "ab9b9b93e910ba66d5783055a26c34c3" },
		{ "outbound|80||reviews.shop.svc.cluster.local",
		  "ad7a54019460c9e27aa4ffafe0b30bcc" },
	};
	char hex[HASH128_HEX];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		hash128_hex(hash128(rows[i].text, strlen(rows[i].text)), hex);
		CHECK_STR(hex, rows[i].hex);
	}
	hash128_hex(hash128_fold(HASH128_INIT, hash128("a", 1)), hex);
	CHECK_STR(hex, "308b5d3a5fbc00aaa1718e08b7e68278");
	CHECK_INT(hash_str("istio"), 0xf1a620a9u);
	CHECK_INT(hash_u32(1, 2), 0x99b76a79u);
}

TEST(hash_length_and_order_count)
{
	struct hash128 a = hash128("a", 1), b = hash128("b", 1);
	static const char zeros[40];

	for (size_t i = 0; i < sizeof zeros; i++)
		for (size_t k = 0; k < i; k++)
			if (!CHECK(!hash128_eq(hash128(zeros, i), hash128(zeros, k))))
				return;
	CHECK(!hash128_eq(hash128_fold(hash128_fold(HASH128_INIT, a), b),
			  hash128_fold(hash128_fold(HASH128_INIT, b), a)));
	CHECK(!hash128_eq(hash128_fold(a, b), hash128_fold(b, a)));
	CHECK(!hash128_eq(hash128_fold(HASH128_INIT, a), HASH128_INIT));
	CHECK(hash_u32(1, 2) != hash_u32(2, 1));
}

TEST(hash_does_not_depend_on_alignment)
{
	char text[64 + 8] = "mainsheet";
	struct hash128 want = hash128(text, 50);

	for (int i = 1; i < 8; i++) {
		memmove(text + i, text + i - 1, 50);
		CHECK(hash128_eq(hash128(text + i, 50), want));
	}
}

/* Each flipped bit of the input flips each bit of the output about every second time. */
TEST(hash_avalanche)
{
	enum { TRIALS = 400 };
	static const size_t sizes[] = { 4, 8, 16, 24, 40 };

	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		size_t n = sizes[s];
		int worst_low = TRIALS, worst_high = 0;

		for (size_t bit = 0; bit < n * 8; bit++) {
			int flips[128] = { 0 };

			for (uint32_t t = 0; t < TRIALS; t++) {
				uint8_t in[40];
				struct hash128 a, b;

				for (size_t i = 0; i < n; i++)
					in[i] = (uint8_t)hash_u32(t, (uint32_t)i);
				a = hash128(in, n);
				in[bit / 8] ^= (uint8_t)(1 << bit % 8);
				b = hash128(in, n);
				for (int k = 0; k < 128; k++)
					flips[k] += (a.h[k / 64] ^ b.h[k / 64]) >> k % 64 & 1;
			}
			for (int k = 0; k < 128; k++) {
				worst_low = MIN(worst_low, flips[k]);
				worst_high = MAX(worst_high, flips[k]);
			}
		}
		/* 200 are expected, with a deviation of 10; over 40960 pairs six of these may come by chance. */
		CHECK(worst_low > 200 - 65);
		CHECK(worst_high < 200 + 65);
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t count_equal(uint64_t *v, uint32_t n)
{
	uint32_t equal = 0;

	qsort(v, n, sizeof *v, by_value);
	for (uint32_t i = 1; i < n; i++)
		equal += v[i] == v[i - 1];
	return equal;
}

/* Names as a mesh has them, 200000 of them: 4.7 pairs are expected to share any given 32 bits, none 64. */
TEST(hash_structured_input_does_not_collide)
{
	enum { N = 200000 };
	uint64_t *h[4] = { NULL };
	static const uint32_t expected_at_most[4] = { 0, 0, 20, 20 };
	char name[64];

	for (int k = 0; k < 4; k++)
		h[k] = xcalloc(N, sizeof *h[k]);
	for (uint32_t i = 0; i < N; i++) {
		struct hash128 x;
		int n = snprintf(name, sizeof name, "outbound|%u||svc-%u.ns-%u.svc", 8000 + i % 7,
				 i / 7, i % 500);

		x = hash128(name, (size_t)n);
		h[0][i] = x.h[0];
		h[1][i] = x.h[1];
		h[2][i] = hash_str(name);
		h[3][i] = hash_u32(i / 500, i % 500);
	}
	for (int k = 0; k < 4; k++) {
		CHECK(count_equal(h[k], N) <= expected_at_most[k]);
		xfree(h[k]);
	}
}
