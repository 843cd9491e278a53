/* Arenas: zeroed, aligned, distinct memory; destructors in reverse order. */
#include "base/arena.h"
#include "test.h"
#include <string.h>

TEST(arena_gives_zeroed_aligned_distinct_memory)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 100, 4000, 70000, 3, 300000, 8 };
	unsigned char *p[ARRAY_LEN(sizes) * 20];
	struct arena a = ARENA_INIT;
	size_t n = 0, sum = 0;

	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++, n++) {
			p[n] = arena_alloc(&a, sizes[i]);
			CHECK(p[n] && (uintptr_t)p[n] % 16 == 0);
			for (size_t k = 0; k < sizes[i]; k++)
				if (p[n][k] && !CHECK(!"not zeroed"))
					return;
			memset(p[n], (int)n + 1, sizes[i]);
			sum += sizes[i];
		}
	n = 0;
	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++, n++)
			for (size_t k = 0; k < sizes[i]; k++)
				if (p[n][k] != (unsigned char)(n + 1) && !CHECK(!"overwritten"))
					return;
	CHECK_INT(a.used, sum);
	CHECK(arena_size(&a) >= sum);
	arena_fini(&a);
	CHECK(!a.chunk && !a.used);
}

TEST(arena_reset_keeps_one_clean_chunk)
{
	struct arena a = ARENA_INIT;
	size_t kept;

	for (int i = 0; i < 1000; i++)
		memset(arena_alloc(&a, 100), 0xff, 100);
	arena_reset(&a);
	kept = arena_size(&a);
	CHECK(kept > 0 && kept <= (80 << 10));
	CHECK_INT(a.used, 0);
	for (int i = 0; i < 100; i++) {
		const unsigned char *p = arena_alloc(&a, 100);

		for (int k = 0; k < 100; k++)
			if (p[k] && !CHECK(!"dirty after reset"))
				break;
	}
	CHECK_INT(arena_size(&a), kept);
	arena_fini(&a);
}

TEST(arena_small_use_is_small)
{
	struct arena a = ARENA_INIT;

	arena_strdup(&a, "x");
	CHECK(arena_size(&a) < 1024);
	arena_fini(&a);
}

TEST(arena_strings)
{
	struct arena a = ARENA_INIT;
	char big[2000];

	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = 0;
	CHECK(!arena_strdup(&a, NULL));
	CHECK_STR(arena_strdup(&a, "mast"), "mast");
	CHECK_STR(arena_strndup(&a, "mainsail", 4), "main");
	CHECK_STR(arena_strndup(&a, NULL, 0), "");
	CHECK_STR(arena_printf(&a, "%d-%s", 7, "knots"), "7-knots");
	CHECK_STR(arena_printf(&a, "%s", big), big);
	CHECK(!memcmp(arena_dup(&a, "a\0b", 3), "a\0b", 3));
	arena_fini(&a);
}

static char order[8];

static void note(void *p)
{
	strncat(order, p, 1);
}

TEST(arena_destructors_run_last_first)
{
	struct arena a = ARENA_INIT;

	order[0] = 0;
	arena_own(&a, note, arena_strdup(&a, "1"));
	arena_own(&a, note, arena_strdup(&a, "2"));
	arena_own(&a, note, arena_strdup(&a, "3"));
	arena_reset(&a);
	CHECK_STR(order, "321");
	arena_own(&a, note, arena_strdup(&a, "4"));
	arena_fini(&a);
	CHECK_STR(order, "3214");
}

TEST(arena_push_grows)
{
	struct arena a = ARENA_INIT;
	uint32_t n = 0, cap = 0;
	int *v = NULL;

	for (int i = 0; i < 500; i++)
		*ARENA_PUSH(&a, v, n, cap) = i;
	CHECK_INT(n, 500);
	for (int i = 0; i < 500; i++)
		if (!CHECK_INT(v[i], i))
			break;
	arena_fini(&a);
}
