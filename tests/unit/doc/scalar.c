/* What plain and tagged scalars are, row by row. */
#include "doc/scalar.h"
#include "base/buf.h"
#include "test.h"
#include <math.h>
#include <string.h>

/* "int 15", "string 0o", "error value is ..." */
static const char *resolved(struct arena *a, const char *text, const char *tag, bool quoted)
{
	struct node n = { 0 };
	struct buf b cleanup(buf_fini) = BUF_INIT;
	const char *reason = NULL;

	if (tag)
		tag = str_starts(tag, "!!") ? arena_printf(a, "tag:yaml.org,2002:%s", tag + 2)
					    : tag;
	if (!scalar_resolve(text, strlen(text), tag, quoted, a, &n, &reason))
		return arena_printf(a, "error %s", reason);
	switch (n.type) {
	case NODE_NULL: return "null";
	case NODE_BOOL: return n.b ? "bool true" : "bool false";
	case NODE_INT: return arena_printf(a, "int %lld", (long long)n.i);
	case NODE_FLOAT: buf_double(&b, n.f); return arena_printf(a, "float %s", buf_str(&b));
	case NODE_STRING:
		return n.n == strlen(n.s) ? arena_printf(a, "string %s", n.s) : "wrong length";
	default: return "no scalar";
	}
}

TEST(scalar_plain)
{
	static const struct {
		const char *text, *is;
	} rows[] = {
		{ "", "null" },
		{ "~", "null" },
		{ "null", "null" },
		{ "Null", "null" },
		{ "NULL", "null" },
		{ "nULL", "string nULL" },
		{ "y", "bool true" },
		{ "Y", "bool true" },
		{ "yes", "bool true" },
		{ "Yes", "bool true" },
		{ "YES", "bool true" },
		{ "yEs", "string yEs" },
		{ "true", "bool true" },
		{ "True", "bool true" },
		{ "TRUE", "bool true" },
		{ "on", "bool true" },
		{ "On", "bool true" },
		{ "ON", "bool true" },
		{ "n", "bool false" },
		{ "N", "bool false" },
		{ "no", "bool false" },
		{ "No", "bool false" },
		{ "NO", "bool false" },
		{ "false", "bool false" },
		{ "False", "bool false" },
		{ "FALSE", "bool false" },
		{ "off", "bool false" },
		{ "Off", "bool false" },
		{ "OFF", "bool false" },
		{ "oN", "string oN" },
		{ "falsey", "string falsey" },
		{ "0", "int 0" },
		{ "-0", "int 0" },
		{ "12", "int 12" },
		{ "+12", "int 12" },
		{ "-12", "int -12" },
		{ "1_000", "int 1000" },
		{ "_1", "string _1" },
		{ "1_", "int 1" },
		{ "017", "int 15" },
		{ "-017", "int -15" },
		{ "0o17", "int 15" },
		{ "0O17", "int 15" },
		{ "0b101", "int 5" },
		{ "-0b101", "int -5" },
		{ "0x1F", "int 31" },
		{ "0X1f", "int 31" },
		{ "-0x1F", "int -31" },
		{ "0x", "string 0x" },
		{ "0b", "string 0b" },
		{ "0b2", "string 0b2" },
		{ "0o8", "string 0o8" },
		{ "0xg", "string 0xg" },
		{ "08", "float 8" },
		{ "09.5", "float 9.5" },
		{ "00", "int 0" },
		{ "+", "string +" },
		{ "-", "string -" },
		{ "--1", "string --1" },
		{ "1-", "string 1-" },
		{ "9223372036854775807", "int 9223372036854775807" },
		{ "-9223372036854775808", "int -9223372036854775808" },
		{ "9223372036854775808", "float 9.223372036854776e+18" },
		{ "-9223372036854775809", "float -9.223372036854776e+18" },
		{ "18446744073709551615", "float 1.8446744073709552e+19" },
		{ "18446744073709551616", "float 1.8446744073709552e+19" },
		{ "0xffffffffffffffff", "float 1.8446744073709552e+19" },
		{ "0x10000000000000000", "string 0x10000000000000000" },
		{ "1.5", "float 1.5" },
		{ "1.", "float 1" },
		{ ".5", "float 0.5" },
		{ "-.5", "float -0.5" },
		{ "+.5", "float 0.5" },
		{ ".", "string ." },
		{ "-.", "string -." },
		{ "1e3", "float 1000" },
		{ "1E+3", "float 1000" },
		{ "1e-3", "float 0.001" },
		{ "1e", "string 1e" },
		{ "1e+", "string 1e+" },
		{ "e3", "string e3" },
		{ ".e3", "string .e3" },
		{ "1_0.5", "float 10.5" },
		{ ".5_0", "float 0.5" },
		{ "._5", "string ._5" },
		{ ".5_", "string .5_" },
		{ "1.5.2", "string 1.5.2" },
		{ "1.5s", "string 1.5s" },
		{ "1e999", "string 1e999" },
		{ "1e-999", "float 0" },
		{ ".inf", "float inf" },
		{ ".Inf", "float inf" },
		{ "+.INF", "float inf" },
		{ "-.inf", "float -inf" },
		{ ".iNf", "string .iNf" },
		{ ".nan", "float nan" },
		{ ".NaN", "float nan" },
		{ "nan", "string nan" },
		{ "inf", "string inf" },
		{ "infinity", "string infinity" },
		{ "0x1p3", "string 0x1p3" },
		{ "10.0.0.1", "string 10.0.0.1" },
		{ "190:20:30", "string 190:20:30" },
		{ "2001-01-01", "string 2001-01-01" },
		{ "2001-12-14t21:59:43.10-05:00", "string 2001-12-14t21:59:43.10-05:00" },
		{ "10s", "string 10s" },
		{ " 1", "string  1" },
		{ "<<", "string <<" },
		{ "=", "string =" },
	};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK_STR(resolved(&a, rows[i].text, NULL, false), rows[i].is);
		CHECK_STR(resolved(&a, rows[i].text, NULL, true),
			  arena_printf(&a, "string %s", rows[i].text));
	}
	arena_fini(&a);
}

TEST(scalar_tagged)
{
	static const struct {
		const char *tag, *text, *is;
	} rows[] = {
		{ "!!str", "12", "string 12" },
		{ "!!str", "", "string " },
		{ "!!int", "0x10", "int 16" },
		{ "!!int", "1.5", "error value is not an !!int" },
		{ "!!int", "1e3", "error value is not an !!int" },
		{ "!!int", "x", "error value is not an !!int" },
		{ "!!int", "", "error value is not an !!int" },
		{ "!!int", "18446744073709551615", "float 1.8446744073709552e+19" },
		{ "!!float", "3", "float 3" },
		{ "!!float", "1e3", "float 1000" },
		{ "!!float", ".inf", "float inf" },
		{ "!!float", "yes", "error value is not a !!float" },
		{ "!!bool", "yes", "bool true" },
		{ "!!bool", "1", "error value is not a !!bool" },
		{ "!!null", "", "null" },
		{ "!!null", "x", "error value is not a !!null" },
		{ "!!timestamp", "2001-01-01", "string 2001-01-01" },
		{ "!!timestamp", "2001-1-1T01:02:03Z", "string 2001-1-1T01:02:03Z" },
		{ "!!timestamp", "yesterday", "error value is not a !!timestamp" },
		{ "!!timestamp", "2001-001-01", "error value is not a !!timestamp" },
		{ "!!binary", "aGVsbG8=", "string hello" },
		{ "!!binary", "aGVs\nbG8h\n", "string hello!" },
		{ "!!binary", "aGVsbA==", "string hell" },
		{ "!!binary", "", "string " },
		{ "!!binary", "aGVsbG8", "error !!binary value is not base64" },
		{ "!!binary", "aGVsbG8=x", "error !!binary value is not base64" },
		{ "!!binary", "a===", "error !!binary value is not base64" },
		{ "!!binary", "a GVs", "error !!binary value is not base64" },
		{ "!!binary", "/w==", "error !!binary value is not text" },
		{ "!!binary", "AA==", "error !!binary value is not text" },
		{ "!!unknown", "12", "string 12" },
		{ "!mine", "12", "string 12" },
		{ "!", "12", "string 12" },
	};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_STR(resolved(&a, rows[i].text, rows[i].tag, i % 2), rows[i].is);
	arena_fini(&a);
}

TEST(scalar_as_key)
{
	static const struct {
		const char *text, *key;
	} rows[] = {
		{ "name", "name" },       { "yes", "true" },      { "off", "false" },
		{ "0x10", "16" },         { "017", "15" },        { "1.50", "1.5" },
		{ "0.1", "0.1" },         { "08", "8" },          { "1e3", "1000" },
		{ "123456.0", "123456" }, { "1e6", "1e+06" },     { "1.25e7", "1.25e+07" },
		{ "0.0001", "0.0001" },   { "0.00001", "1e-05" }, { ".inf", ".inf" },
		{ "-.inf", "-.inf" },     { ".nan", ".nan" },     { "1.23456789", "1.2345679" },
		{ "-2.5", "-2.5" },       { "0.0", "0" },         { "~", NULL },
	};
	struct arena a = ARENA_INIT;
	const char *reason;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct node n = { 0 };

		if (CHECK(scalar_resolve(rows[i].text, strlen(rows[i].text), NULL, false, &a, &n,
					 &reason)))
			CHECK_STR(scalar_key(&n, &a), rows[i].key);
	}
	arena_fini(&a);
}
