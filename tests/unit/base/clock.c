/* RFC 3339 both ways. */
#include "base/clock.h"
#include "test.h"
#include <string.h>

TEST(clock_format_and_parse)
{
	static const struct {
		int64_t s;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z" },           { -1, "1969-12-31T23:59:59Z" },
		{ 951782400, "2000-02-29T00:00:00Z" },   { 951868800, "2000-03-01T00:00:00Z" },
		{ 1704067200, "2024-01-01T00:00:00Z" },  { 1767225599, "2025-12-31T23:59:59Z" },
		{ 4107542400, "2100-03-01T00:00:00Z" },  { 4107542399, "2100-02-28T23:59:59Z" },
		{ -2208988800, "1900-01-01T00:00:00Z" },
	};
	char text[CLOCK_RFC3339];
	int64_t ns;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		clock_format(rows[i].s * NS_PER_S, text);
		CHECK_STR(text, rows[i].text);
		if (CHECK(clock_parse(rows[i].text, &ns)))
			CHECK_INT(ns, rows[i].s * NS_PER_S);
	}
	clock_format(-1, text);
	CHECK_STR(text, "1969-12-31T23:59:59Z");
	clock_format(INT64_MIN, text);
	CHECK_STR(text, "1677-09-21T00:12:43Z");
	clock_format(INT64_MAX, text);
	CHECK_STR(text, "2262-04-11T23:47:16Z");
}

TEST(clock_parse_fractions_and_offsets)
{
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {
		{ "1970-01-01T00:00:01.5Z", 1500000000 }, { "1970-01-01T00:00:00.000000001Z", 1 },
		{ "1970-01-01T00:00:00.0000000019Z", 1 }, { "1970-01-01T01:00:00+01:00", 0 },
		{ "1969-12-31T19:30:00-04:30", 0 },       { "1969-12-31T23:59:59.75Z", -250000000 },
	};
	int64_t ns;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (CHECK(clock_parse(rows[i].text, &ns)))
			CHECK_INT(ns, rows[i].ns);
}

TEST(clock_parse_refuses)
{
	static const char *const rows[] = {
		"",
		"2024",
		"2024-01-01",
		"2024-01-01 00:00:00Z",
		"2024-01-01T00:00:00",
		"2024-01-01T00:00:00z",
		"2024-01-01T00:00:00ZZ",
		"2024-13-01T00:00:00Z",
		"2024-00-01T00:00:00Z",
		"2023-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2024-04-31T00:00:00Z",
		"2024-01-01T24:00:00Z",
		"2024-01-01T00:60:00Z",
		"2024-01-01T00:00:60Z",
		"2024-01-01T00:00:00.Z",
		"2024-01-01T00:00:00+0100",
		"2024-01-01T00:00:00+24:00",
		"2024-01-01T00:00:00+01:60",
		"2024-01-01T00:00:00+01:00x",
		"9999-01-01T00:00:00Z", /* beyond 64 bits of nanoseconds */
		"0001-01-01T00:00:00Z",
	};
	int64_t ns = 77;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!CHECK(!clock_parse(rows[i], &ns)))
			CHECK_STR(rows[i], "refused");
	CHECK_INT(ns, 77);
}

TEST(clock_goes_forward)
{
	int64_t a = clock_mono_ns(), cpu = clock_thread_cpu_ns();

	CHECK(clock_mono_ns() >= a);
	CHECK(clock_thread_cpu_ns() >= cpu);
	CHECK(clock_wall_ns() > INT64_C(1577836800) * NS_PER_S); /* after 2020 */
}
