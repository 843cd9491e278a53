/* Durations, times, base64, URLs and spelling. */
#include "base/clock.h"
#include "help.h"
#include "schema/interpret.h"
#include "schema/url.h"

#include <string.h>

TEST(duration_reads_as_go)
{
	static const struct row {
		const char *text;
		bool ok;
		int64_t ns;
		const char *printed;
	} rows[] = {
		{ "0", true, 0, "0s" },
		{ "0s", true, 0, "0s" },
		{ "1s", true, NS_PER_S, "1s" },
		{ "1.5s", true, 1500 * NS_PER_MS, "1.500s" },
		{ "100ms", true, 100 * NS_PER_MS, "0.100s" },
		{ "1h30m", true, 5400 * NS_PER_S, "5400s" },
		{ "1m30.5s", true, 90500 * NS_PER_MS, "90.500s" },
		{ ".5s", true, 500 * NS_PER_MS, "0.500s" },
		{ "5.s", true, 5 * NS_PER_S, "5s" },
		{ "250us", true, 250 * NS_PER_US, "0.000250s" },
		{ "250\xc2\xb5s", true, 250 * NS_PER_US, "0.000250s" },
		{ "7ns", true, 7, "0.000000007s" },
		{ "-1.5s", true, -1500 * NS_PER_MS, "-1.500s" },
		{ "+3s", true, 3 * NS_PER_S, "3s" },
		{ "0.3333333333333333333333h", true, 1200 * NS_PER_S - 1, "1199.999999999s" },
		{ "9223372036s", true, 9223372036 * NS_PER_S, "9223372036s" },
		{ "9223372037s", false, 0, NULL },
		{ "99999999999999999999s", false, 0, NULL },
		{ "", false, 0, NULL },
		{ "-", false, 0, NULL },
		{ "s", false, 0, NULL },
		{ ".s", false, 0, NULL },
		{ "1", false, 0, NULL },
		{ "1d", false, 0, NULL },
		{ "1 s", false, 0, NULL },
		{ "1s ", false, 0, NULL },
		{ "1s-2s", false, 0, NULL },
		{ "apple", false, 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t ns = -7;
		char text[SCALAR_TEXT];

		if (!CHECK_INT(duration_parse(rows[i].text, &ns), rows[i].ok))
			CHECK_STR(rows[i].text, "");
		CHECK_INT(ns, rows[i].ok ? rows[i].ns : -7);
		if (!rows[i].ok)
			continue;
		scalar_duration_format(ns, text);
		CHECK_STR(text, rows[i].printed);
		CHECK(duration_parse(text, &ns));
		CHECK_INT(ns, rows[i].ns);
	}
}

TEST(time_keeps_fractions)
{
	static const char *const texts[] = {
		"2024-01-31T10:20:30Z",
		"2024-01-31T10:20:30.500Z",
		"1969-12-31T23:59:59.000000001Z",
		"2024-01-31T10:20:30.123456Z",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		int64_t ns;
		char text[SCALAR_TEXT];

		if (!CHECK(clock_parse(texts[i], &ns)))
			continue;
		scalar_time_format(ns, text);
		CHECK_STR(text, texts[i]);
	}
}

TEST(base64_both_ways)
{
	static const struct row {
		const char *text, *bytes; /* NULL: refused */
		const char *again;
	} rows[] = {
		{ "", "", "" },
		{ "Zg==", "f", "Zg==" },
		{ "Zg", "f", "Zg==" },
		{ "Zm8=", "fo", "Zm8=" },
		{ "Zm9v", "foo", "Zm9v" },
		{ "Zm9v\nYmFy\n", "foobar", "Zm9vYmFy" },
		{ "_-8=", "\xff\xef", "/+8=" },
		{ "Z", NULL, NULL },
		{ "Zm9vY", NULL, NULL },
		{ "Zm9 v", NULL, NULL },
		{ "Zg==Zg==", NULL, NULL },
		{ "Zm\xc3\xa4v", NULL, NULL },
	};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct opt_bytes v = { 0 };
		struct buf b = BUF_INIT;

		CHECK_INT(scalar_base64_decode(&a, rows[i].text, &v), rows[i].bytes != NULL);
		CHECK_INT(v.set, rows[i].bytes != NULL);
		if (!v.set)
			continue;
		CHECK_INT(v.n, strlen(rows[i].bytes));
		CHECK(!memcmp(v.v, rows[i].bytes, v.n));
		scalar_base64_encode(&b, v.v, v.n);
		CHECK_STR(buf_str(&b), rows[i].again);
		buf_fini(&b);
	}
	arena_fini(&a);
}

TEST(url_schemes_as_go)
{
	static const struct row {
		const char *url, *scheme; /* NULL: refused */
	} rows[] = {
		{ "https://example.com/x", "https" },
		{ "HTTP://example.com", "http" },
		{ "oci://registry:5000/a/b:tag", "oci" },
		{ "file:///opt/x.wasm", "file" },
		{ "/path", "" },
		{ "mailto:a@b", "mailto" },
		{ "http://[::1]:80/", "http" },
		{ "http://a%20b/", "http" },
		{ "", NULL },
		{ "example.com/x", NULL },
		{ "://x", NULL },
		{ "1http://x", NULL },
		{ "http://a b/", NULL },
		{ "http://h:x1/", NULL },
		{ "http://h/%zz", NULL },
		{ "http://[::1", NULL },
		{ "http://h/\x01", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char scheme[URL_SCHEME] = "?";

		if (!CHECK_INT(url_scheme(rows[i].url, scheme), rows[i].scheme != NULL))
			CHECK_STR(rows[i].url, "");
		CHECK_STR(scheme, rows[i].scheme ? rows[i].scheme : "?");
	}
}

static const char *const words[] = { "destination", "weight", "headers", "host", "jwksUri" };

static const char *nth_word(const void *ctx, uint32_t i)
{
	return words[i];
}

TEST(spell_finds_the_nearest)
{
	static const struct row {
		const char *word, *meant;
	} rows[] = {
		{ "wieght", "weight" },
		{ "Weight", "weight" },
		{ "jwks_uri", "jwksUri" },
		{ "header", "headers" },
		{ "destnation", "destination" },
		{ "hots", "host" },
		{ "timeout", NULL },
		{ "x", NULL },
		{ "", NULL },
	};
	char long_word[200];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_STR(spell_nearest(rows[i].word, nth_word, NULL, ARRAY_LEN(words)),
			  rows[i].meant);
	memset(long_word, 'h', sizeof long_word);
	long_word[sizeof long_word - 1] = '\0';
	CHECK(!spell_nearest(long_word, nth_word, NULL, ARRAY_LEN(words)));
}
