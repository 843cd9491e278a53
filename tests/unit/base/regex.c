/* RE2 as Envoy uses it. */
#include "base/regex.h"
#include "test.h"
#include <string.h>

TEST(regex_check_says_why)
{
	struct err e = ERR_INIT;
	char big[REGEX_MAX_LEN + 2];

	CHECK(regex_check("^/api/v[0-9]+(/.*)?$", &e));
	CHECK_STR(e.text, "");
	CHECK(!regex_check("a(b", &e));
	CHECK(strstr(e.text, "missing"));
	CHECK(!regex_check("(?=look)", NULL));
	CHECK(!regex_check("(a)\\1", NULL));
	CHECK(!regex_check("\xff", NULL));
	memset(big, 'a', sizeof big - 1);
	big[sizeof big - 1] = 0;
	CHECK(!regex_check(big, &e));
	CHECK(strstr(e.text, "too long"));
	big[REGEX_MAX_LEN] = 0;
	CHECK(regex_check(big, &e));
}

TEST(regex_size_is_bounded)
{
	struct err e = ERR_INIT;

	CHECK(!regex_check("((a{100}){100}){100}", &e));
	CHECK(!regex_check("(((((x{500}){2}){2}){2}){2})", &e));
	CHECK(!str_empty(e.text));
}

TEST(regex_match)
{
	static const struct {
		const char *pattern, *text;
		bool full, search;
	} rows[] = {
		{ "a+", "aaa", true, true },     { "a+", "baa", false, true },
		{ "^a$", "a", true, true },      { "b", "abc", false, true },
		{ "", "", true, true },          { "", "x", false, true },
		{ "x|y", "y", true, true },      { "(bad", "bad", false, false },
		{ "a.c", "a\nc", false, false }, { "q", "abc", false, false },
	};

	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			CHECK_INT(regex_full_match(rows[i].pattern, rows[i].text), rows[i].full);
			CHECK_INT(regex_search(rows[i].pattern, rows[i].text), rows[i].search);
		}
}

/* More patterns than a thread keeps, over and over. */
TEST(regex_kept_patterns_are_not_mixed_up)
{
	char pattern[8] = "x..y", text[8] = "xABy";

	for (int round = 0; round < 3; round++)
		for (char c = 'a'; c <= 'z'; c++) {
			pattern[1] = pattern[2] = text[1] = text[2] = c;
			CHECK(regex_full_match(pattern, text));
			text[1] = '-';
			CHECK(!regex_full_match(pattern, text));
		}
}
