/* Sets: equal ones are one pointer; the operations against a naive shadow. */
#include "../test.h"
#include "../xds_kit.h"

TEST(names_interned)
{
	struct xds_cache *c = xds_cache_new();
	const char *v[] = { "c", "a", "b", "a" }, *w[] = { "a", "b", "c" };
	const struct names *x = names_make(c, v, 4), *y = names_make(c, w, 3),
			   *z = names_make(c, w, 2);
	const char **sorted = names_sorted(x);
	uint32_t at;

	CHECK(x == y);
	CHECK(x != z);
	CHECK(!names_make(c, NULL, 0));
	CHECK_INT(names_count(x), 3);
	CHECK_INT(names_count(NULL), 0);
	CHECK_STR(sorted[0], "a");
	CHECK_STR(sorted[2], "c");
	CHECK(names_has(x, "b"));
	CHECK(!names_has(x, "bb"));
	CHECK(!names_has(NULL, "b"));
	CHECK(names_has_n(x, "bb", 1));
	CHECK(names_find(x, "c", &at));
	CHECK_STR(names_at(x, at), "c");
	CHECK(names_subset(z, x));
	CHECK(!names_subset(x, z));
	CHECK(names_subset(NULL, x));
	CHECK(names_meet(z, x));
	CHECK(!names_meet(NULL, x));
	xfree(sorted);
	names_unref(x);
	names_unref(y);
	names_unref(z);
	xds_cache_free(c);
}

static const struct names *of_bits(struct xds_cache *c, unsigned bits)
{
	static const char *const all[] = { "a", "b", "ab", "outbound|80||x", "outbound|80||y", "" };
	const char *v[6];
	size_t n = 0;

	for (unsigned i = 0; i < 6; i++) {
		if (bits >> i & 1)
			v[n++] = all[i];
	}
	return names_make(c, v, n);
}

TEST(names_operations)
{
	struct xds_cache *c = xds_cache_new();
	typedef const struct names *op_fn(struct xds_cache *, const struct names *,
					  const struct names *);
	static op_fn *const ops[] = { names_union, names_minus, names_both };

	for (unsigned a = 0; a < 64; a++) {
		for (unsigned b = 0; b < 64; b++) {
			unsigned should[] = { a | b, a & ~b, a & b };
			const struct names *x = of_bits(c, a), *y = of_bits(c, b);

			for (unsigned i = 0; i < 3; i++) {
				const struct names *z = ops[i](c, x, y), *w = of_bits(c, should[i]);

				CHECK(z == w);
				names_unref(z);
				names_unref(w);
			}
			CHECK_INT(names_subset(x, y), !(a & ~b));
			CHECK_INT(names_meet(x, y), (a & b) != 0);
			names_unref(x);
			names_unref(y);
		}
	}
	xds_cache_free(c);
}

/* Idle sets stay for the linger, used ones for as long as they are used. */
TEST(names_linger)
{
	struct xds_cache *c = xds_cache_new();
	const char *v[] = { "a" }, *w[] = { "b" };
	const struct names *x, *y;
	struct xds_cache_stats stats;

	xds_cache_tick(c, 1);
	x = names_make(c, v, 1);
	y = names_make(c, w, 1);
	names_unref(x);
	xds_cache_tick(c, XDS_CACHE_LINGER_NS);
	xds_cache_stats(c, &stats);
	CHECK_INT(stats.n_names, 2);
	xds_cache_tick(c, 1 + XDS_CACHE_LINGER_NS);
	xds_cache_stats(c, &stats);
	CHECK_INT(stats.n_names, 1);
	names_unref(y);
	xds_cache_tick(c, 2 * XDS_CACHE_LINGER_NS);
	xds_cache_stats(c, &stats);
	CHECK_INT(stats.n_names, 1); /* was in use a moment ago */
	xds_cache_tick(c, 3 * XDS_CACHE_LINGER_NS);
	xds_cache_stats(c, &stats);
	CHECK_INT(stats.n_names, 0);
	xds_cache_free(c);
}

/* A client that changes a large subscription all the time fills the cache with sets that nobody needs: up to a limit. */
TEST(names_pressure)
{
	struct xds_cache *c = xds_cache_new();
	enum { N = 20000, ROUNDS = 60 };
	char(*text)[208] = xmalloc(N * sizeof *text);
	const char **v = xmalloc(N * sizeof *v);
	struct xds_cache_stats stats;
	const struct names *s = NULL;
	size_t most = 0;

	for (unsigned i = 0; i < N; i++) {
		snprintf(text[i], sizeof text[i], "%0200u", i);
		v[i] = text[i];
	}
	s = names_make(c, v, N);
	for (unsigned i = 0; i < ROUNDS; i++) {
		char extra[24];
		const char *one = extra;
		const struct names *add, *sum;

		snprintf(extra, sizeof extra, "extra-%u", i);
		add = names_make(c, &one, 1);
		sum = names_union(c, s, add);
		names_unref(add);
		names_unref(s);
		s = sum;
		xds_cache_stats(c, &stats);
		most = MAX(most, stats.names_bytes);
	}
	CHECK(most > (size_t)50 << 20);
	CHECK(most < (size_t)120 << 20);
	CHECK_INT(names_count(s), N + ROUNDS);
	names_unref(s);
	xfree(v);
	xfree(text);
	xds_cache_free(c);
}
