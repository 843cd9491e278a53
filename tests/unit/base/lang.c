/* Memory, strings, UTF-8. */
#include "base/lang.h"
#include "test.h"
#include <string.h>

TEST(lang_take_leaves_null)
{
	char *s = xstrdup("boat"), *t = TAKE(s);

	CHECK(!s);
	CHECK_STR(t, "boat");
	xfree(t);
}

TEST(lang_cleanup_frees)
{
	cleanup(xfree_p) char *s = xasprintf("%s-%d", "reef", 3);

	CHECK_STR(s, "reef-3");
}

TEST(lang_zero_sizes_can_be_freed)
{
	void *p[] = { xmalloc(0), xcalloc(0, 8), xcalloc(8, 0), xrealloc_array(NULL, 0, 8) };

	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		CHECK(p[i]);
		xfree(p[i]);
	}
}

TEST(lang_vec_grows)
{
	uint32_t n = 0, cap = 0;
	int *v = NULL;

	for (int i = 0; i < 1000; i++) {
		VEC_ROOM(v, n, cap);
		v[n++] = i;
	}
	CHECK_INT(n, 1000);
	CHECK(cap >= 1000);
	for (int i = 0; i < 1000; i++)
		if (!CHECK_INT(v[i], i))
			break;
	xfree(v);
}

TEST(lang_str_questions)
{
	CHECK(str_starts("istio-system", "istio"));
	CHECK(str_starts("a", ""));
	CHECK(!str_starts("is", "istio"));
	CHECK(str_ends("a.svc", ".svc"));
	CHECK(!str_ends("svc", ".svc"));
	CHECK(str_eq(NULL, NULL));
	CHECK(!str_eq(NULL, ""));
	CHECK(str_eq("x", "x"));
	CHECK(str_empty(NULL) && str_empty("") && !str_empty("x"));
}

TEST(lang_utf8_step)
{
	static const struct {
		const char *s;
		unsigned n;
	} rows[] = {
		{ "a", 1 },
		{ "\xc3\xa4", 2 },
		{ "\xe2\x82\xac", 3 },
		{ "\xf0\x9f\x98\x80", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "\x80", 0 },             /* a continuation first */
		{ "\xc0\xaf", 0 },         /* overlong */
		{ "\xc1\xbf", 0 },         /* overlong */
		{ "\xe0\x9f\xbf", 0 },     /* overlong */
		{ "\xf0\x8f\xbf\xbf", 0 }, /* overlong */
		{ "\xed\xa0\x80", 0 },     /* surrogate */
		{ "\xf4\x90\x80\x80", 0 }, /* beyond U+10FFFF */
		{ "\xff", 0 },
		{ "\xe2\x82", 0 }, /* cut */
		{ "\xe2\x82z", 0 },
		{ "\xf0\x9f\x98z", 0 },
		{ "", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!CHECK_INT(utf8_step(rows[i].s, rows[i].s + strlen(rows[i].s)), rows[i].n))
			CHECK_STR(rows[i].s, "this row");
}
