/* Buffers: growth, ceiling, shortest doubles. */
#include "base/buf.h"
#include "base/hash.h"
#include "test.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

TEST(buf_grows_and_is_terminated)
{
	struct buf b = BUF_INIT;
	char big[1000];

	CHECK_STR(buf_str(&b), "");
	buf_puts(&b, "main");
	buf_putc(&b, 's');
	buf_printf(&b, "%s-%d", "heet", 1);
	CHECK_STR(b.p, "mainsheet-1");
	CHECK_INT(b.len, 11);
	buf_append(&b, "a\0b", 3);
	CHECK_INT(b.len, 14);
	buf_reset(&b);
	CHECK_STR(buf_str(&b), "");
	memset(big, 'y', sizeof big - 1);
	big[sizeof big - 1] = 0;
	buf_printf(&b, "%s%s", big, big);
	CHECK_INT(b.len, 2 * (sizeof big - 1));
	CHECK_INT(strlen(b.p), b.len);
	buf_fini(&b);
	CHECK(!b.p);
}

TEST(buf_ceiling_is_sticky)
{
	struct buf b = BUF_INIT_MAX(5);

	buf_puts(&b, "12345");
	CHECK(!b.overflow);
	buf_putc(&b, '6');
	CHECK(b.overflow);
	CHECK_STR(buf_str(&b), "12345");
	buf_append(&b, "", 0);
	CHECK(!buf_room(&b, 0));
	buf_reset(&b);
	CHECK(!b.overflow);
	buf_puts(&b, "123456");
	CHECK(b.overflow);
	CHECK_STR(buf_str(&b), "");
	buf_fini(&b);
	CHECK_INT(b.max, 5);
}

TEST(buf_room_and_take)
{
	struct buf b = BUF_INIT;
	char *p = buf_room(&b, 10), *s;

	memcpy(p, "abcdef", 6);
	b.len += 3;
	CHECK_STR(buf_str(&b), "abc");
	p = buf_room(&b, 2);
	CHECK(!buf_room(&b, SIZE_MAX));
	s = buf_take(&b);
	CHECK_STR(s, "abc");
	xfree(s);
	CHECK(!b.p && !b.len);
	s = buf_take(&b);
	CHECK_STR(s, "");
	xfree(s);
}

TEST(buf_double_is_short_and_exact)
{
	static const struct {
		double v;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ -1.5, "-1.5" },
		{ 0.1, "0.1" },
		{ 1e21, "1e+21" },
		{ 123456789012, "123456789012" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 5e-324, "4.94065645841247e-324" },
		{ 1.7976931348623157e308, "1.7976931348623157e+308" },
		{ (double)INFINITY, "inf" },
		{ -(double)INFINITY, "-inf" },
	};
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&b);
		buf_double(&b, rows[i].v);
		CHECK_STR(buf_str(&b), rows[i].text);
	}
	for (uint32_t i = 0; i < 20000; i++) {
		uint64_t bits = (uint64_t)hash_u32(i, 1) << 32 | hash_u32(i, 2);
		double v;

		memcpy(&v, &bits, sizeof v);
		if (!isfinite(v))
			continue;
		buf_reset(&b);
		buf_double(&b, v);
		if (!CHECK(strtod(buf_str(&b), NULL) == v))
			break;
	}
	buf_fini(&b);
}
