/* Text of others in pages, times, tables, the index. */
#include "http/text.h"
#include "base/clock.h"
#include "doc/write.h"
#include "http/index.h"
#include "http/table.h"
#include "test.h"

TEST(clean)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "" },
		{ "plain text", "plain text" },
		{ "two\nlines\tand\r\n", "two lines and  " },
		{ "\x1b[31mred\x1b[0m\a\b\x7f", "[31mred[0m" },
		{ "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		  "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "a\xff"
		  "b\xc3",
		  "a\xef\xbf\xbd"
		  "b\xef\xbf\xbd" },
		{ "c1 \xc2\x9b"
		  "31m, nbsp \xc2\xa0",
		  "c1 31m, nbsp \xc2\xa0" },
		{ "bidi \xe2\x80\xae"
		  "cba\xe2\x80\xac \xe2\x81\xa6x\xe2\x81\xa9",
		  "bidi cba x" },
		{ "zero\xe2\x80\x8bwidth \xef\xbb\xbf bom", "zerowidth  bom" },
		{ "line\xe2\x80\xa8separator", "lineseparator" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT;

		text_clean(&b, rows[i].in);
		CHECK_STR(buf_str(&b), rows[i].out);
		buf_fini(&b);
	}
}

TEST(html)
{
	struct buf b = BUF_INIT;

	text_html(&b, "<a href=\"x\" onclick='y'>&amp;</a>");
	CHECK_STR(buf_str(&b),
		  "&lt;a href=&quot;x&quot; onclick=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;");
	buf_fini(&b);
}

TEST(width)
{
	CHECK_INT(text_width(""), 0);
	CHECK_INT(text_width("abc"), 3);
	CHECK_INT(text_width("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), 3);
}

TEST(time)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 1, "1970-01-01T00:00:00.000000001Z" },
		{ 1500000000, "1970-01-01T00:00:01.5Z" },
		{ INT64_C(1704067200123456000), "2024-01-01T00:00:00.123456Z" },
		{ -500000000, "1969-12-31T23:59:59.5Z" },
	};
	char text[TEXT_TIME];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_STR(text_time(rows[i].ns, text), rows[i].text);
}

TEST(age)
{
	static const struct {
		int64_t s;
		const char *text;
	} rows[] = {
		{ -5, "0s" },      { 0, "0s" },        { 59, "59s" },          { 60, "1m0s" },
		{ 303, "5m3s" },   { 3599, "59m59s" }, { 3600, "1h0m" },       { 25800, "7h10m" },
		{ 86400, "1d0h" }, { 273600, "3d4h" }, { 31536000, "365d0h" },
	};
	char text[TEXT_TIME];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_STR(text_age(rows[i].s * NS_PER_S, text), rows[i].text);
}

TEST(table)
{
	struct buf b = BUF_INIT;
	struct table t;

	table_init(&t, 3);
	table_print(&t, &b);
	CHECK_STR(buf_str(&b), "");
	for (const char *const *c = (const char *const[]){ "NAME", "", "LAST",
							   "n\xc3\xa9, "
							   "two\nlines",
							   "1", "x", NULL, "22", "", "END" };
	     !str_eq(*c, "END"); c++)
		table_cell(&t, *c);
	table_print(&t, &b);
	CHECK_STR(buf_str(&b), "NAME                 LAST\n"
			       "n\xc3\xa9, two lines   1    x\n"
			       "                22   \n");
	table_fini(&t);
	buf_fini(&b);
}

TEST(index)
{
	static const struct index_page pages[] = {
		{ "/debug/zz", "last <b>", true },
		{ "/debug/aa", "first & best", true },
		{ "/debug/hidden", "\"x\"", false },
		{ "/other", "not of debug", true },
	};
	struct buf b = BUF_INIT;
	struct json j;

	json_init(&j, &b, false);
	index_list(&j, pages, ARRAY_LEN(pages));
	CHECK_STR(buf_str(&b), "[\"aa\",\"zz\"]");
	buf_reset(&b);
	json_init(&j, &b, false);
	index_list(&j, NULL, 0);
	CHECK_STR(buf_str(&b), "[]");
	buf_reset(&b);
	index_html(&b, "A & B", pages, 2);
	CHECK_STR(buf_str(&b),
		  "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
		  "<title>A &amp; B</title></head>\n<body>\n<h1>A &amp; B</h1>\n<table>\n"
		  "<tr><td><a href=\"/debug/zz\">/debug/zz</a></td><td>last &lt;b&gt;</td></tr>\n"
		  "<tr><td><a href=\"/debug/aa\">/debug/aa</a></td><td>first &amp; best</td></tr>\n"
		  "</table>\n</body>\n</html>\n");
	buf_fini(&b);
}
