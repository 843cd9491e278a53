/* The verdicts of a real Envoy 1.40 on each of these, but for those that are said to be stricter here. */
#include "base/cel.h"
#include "base/buf.h"
#include "test.h"
#include <string.h>

TEST(cel_takes_what_envoy_takes)
{
	static const char *const rows[] = {
		"response.code >= 400 || connection.mtls == false",
		"request.headers['x-a'].matches('^a.*$') && response.code == 200",
		"has(request.headers.x)",
		"has((a.b))",
		"has(!!a.g)",
		"a.if",
		"a.`b-c`",
		".a.b",
		"a[0]['x'].b",
		"'abc' in request.headers",
		"a in b in c",
		"{'a': 1,}.a == [1, 2,][0]",
		"[,] == {,}",
		"a ? b : c ? d : e",
		"! - 1",
		"!-1",
		"1--1",
		"- - a",
		"-9223372036854775808",
		"0x1Fu + 1u",
		".5e2 + 1E3 + 1e400",
		"1.size()",
		"1u.x",
		"1 // said",
		"a\t+\fb",
		"r'raw\\d' + R\"x\" + bR'\\q'",
		"'''a\nb' ''' + \"\"\"\"x\"\"\"",
		"'\\x41\\X41\\377\\u00e9\\U0010ffff\\`\\?'",
		"b'\\xff'",
		"duration('1s') < response.duration",
		"timestamp(a).getHours('UTC') == int('1')",
		"type(a) == string",
		"size(a) + a.size()",
		"matches('[', a)",
		"a.matches('a' + '[')",
		"a.matches(b'[')",
		"a.matches('\\x00')",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;

		if (!cel_check(rows[i], &e))
			CHECK_STR(rows[i], e.text);
	}
}

TEST(cel_refuses_what_envoy_refuses)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "column 1: there is no expression" },
		{ "// said", "column 8: there is no expression" },
		{ "a &&", "column 5: there is no expression" },
		{ "a = b", "column 3: an unknown character" },
		{ "a b", "column 3: there is something behind the expression" },
		{ "(a", "column 3: there is no ')'" },
		{ "a[1,2]", "column 4: there is no ']'" },
		{ "{a}", "column 3: there is no ':'" },
		{ "{'a':1,,}", "column 8: there is no expression" },
		{ "[1,,2]", "column 4: there is no expression" },
		{ "f(1,)", "column 5: there is no expression" },
		{ "a ? b ? c : d : e", "column 7: there is no ':'" },
		{ "a.?b", "column 3: there is no name" },
		{ "a.in", "column 3: there is no name" },
		{ "a.1", "column 2: there is something behind the expression" },
		{ "package", "column 1: a reserved word" },
		{ "-!a", "column 2: there is no expression" },
		{ "! - a", "column 5: there is no number" },
		{ "0XFF", "column 2: there is something behind the expression" },
		{ "9223372036854775808", "column 1: the number is too large" },
		{ "0xFFFFFFFFFFFFFFFF", "column 1: the number is too large" },
		{ "18446744073709551616u", "column 1: the number is too large" },
		{ "\"unclosed", "column 1: the string is not closed" },
		{ "'a\nb'", "column 1: the string is not closed on its line" },
		{ "r'a\\'", "column 2: a raw string ends in a backslash" },
		{ "a == '\\q'", "column 7: an unknown escape" },
		{ "'\\400'", "column 2: an unknown escape" },
		{ "'\\x4'", "column 2: an unknown escape" },
		{ "'\\ud800'", "column 2: no character of Unicode" },
		{ "b'\\u00e9'", "column 3: an escape of Unicode in bytes" },
		{ "`a`", "column 2: there is no expression" },
		{ "a.`", "column 3: the name in backquotes is not closed" },
		{ "foo(1)", "column 1: Envoy knows no function foo of 1 arguments" },
		{ "string(1) == '1'", "column 1: Envoy knows no function string of 1 arguments" },
		{ "a.b.trim()", "column 5: Envoy knows no method trim of 0 arguments" },
		{ "[1].exists(x, true)", "column 5: Envoy knows no method exists of 2 arguments" },
		{ "a.matches('a', 'b')", "column 3: Envoy knows no method matches of 2 arguments" },
		{ ".has(a.b)", "column 5: has() is a macro" },
		{ "has(a)", "has() of something that is no field" },
		{ "has(!a.g)", "has() of something that is no field" },
		{ "a.matches(('['))", "matches: invalid regex: missing ]: [" },
		{ "matches(a, r'\\d[')", "matches: invalid regex: missing ]: [" },
		{ "matches(a, '(?=x)')", "matches: invalid regex: invalid perl operator: (?=" },
		/* Stricter. */
		{ "google.protobuf.Duration{seconds: 1}",
		  "column 25: a message cannot be made here" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;

		if (cel_check(rows[i].text, &e))
			CHECK_STR(rows[i].text, "taken");
		CHECK_STR(e.text, rows[i].why);
	}
}

/* The most that Envoy takes of each. */
TEST(cel_depth_is_bounded)
{
	static const struct {
		const char *open, *close;
		unsigned most; /* 0: no bound */
	} rows[] = {
		{ "(", ")", 32 },    { "[", "]", 31 },       { "", ".b", 31 },
		{ "", "[0]", 31 },   { "a + ", "", 31 },     { "", " + a", 31 },
		{ "", " == a", 31 }, { "a ? b : ", "", 31 }, { "a.matches(", ")", 31 },
		{ "!", "", 0 },      { "a && ", "", 0 },     { "a || ", "", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned n = 30; n <= 300; n += n < 35 ? 1 : 265) {
			cleanup(buf_fini) struct buf b = BUF_INIT;
			struct err e = ERR_INIT;
			unsigned most = rows[i].most;

			for (unsigned k = 0; k < n; k++)
				buf_puts(&b, rows[i].open);
			buf_putc(&b, 'a');
			for (unsigned k = 0; k < n; k++)
				buf_puts(&b, rows[i].close);
			if (cel_check(buf_str(&b), &e) != (!most || n <= most))
				CHECK_STR(buf_str(&b), e.text);
		}
}
