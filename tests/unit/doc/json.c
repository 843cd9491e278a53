/* Strict JSON: what is taken, what is refused and where. */
#include "base/buf.h"
#include "help.h"
#include "test.h"
#include <string.h>

static const struct {
	const char *json, *want;
} rows[] = {
	{ "null", "null" },
	{ " true ", "true" },
	{ "false", "false" },
	{ "0", "0" },
	{ "-0", "0" },
	{ "-12", "-12" },
	{ "9223372036854775807", "9223372036854775807" },
	{ "-9223372036854775808", "-9223372036854775808" },
	{ "9223372036854775808", "9223372036854775808" },
	{ "1.50", "1.50" },
	{ "1e3", "1e3" },
	{ "-1.5E-3", "-1.5E-3" },
	{ "\"\"", "\"\"" },
	{ "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"a\\\"\\\\/\\b\\f\\n\\r\\t\"" },
	{ "\"\\u00e4\\u20AC\\ud83d\\ude00\"", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	{ "\"\x7f\xc3\xa4\"", "\"\x7f\xc3\xa4\"" },
	{ "[]", "[]" },
	{ "{}", "{}" },
	{ "[ [ ] , { } ]", "[[],{}]" },
	{ "{\"a\":[1,{\"b\":null}],\"c\":{}}", "{\"a\":[1,{\"b\":null}],\"c\":{}}" },
	{ "\t\r\n{ \"a\" :\n1 } \n", "{\"a\":1}" },
	{ "{\"\":1}", "{\"\":1}" },

	{ "", "1:1: unexpected end" },
	{ " ", "1:2: unexpected end" },
	{ "nul", "1:1: expected a value" },
	{ "nullx", "1:5: something follows the value" },
	{ "True", "1:1: expected a value" },
	{ "01", "1:1: invalid number" },
	{ "-", "1:1: invalid number" },
	{ "+1", "1:1: expected a value" },
	{ ".5", "1:1: expected a value" },
	{ "1.", "1:1: invalid number" },
	{ "1e", "1:1: invalid number" },
	{ "1e+", "1:1: invalid number" },
	{ "0x1", "1:2: something follows the value" },
	{ "1e999", "1:1: number is out of range" },
	{ "-1e999", "1:1: number is out of range" },
	{ "NaN", "1:1: expected a value" },
	{ "'a'", "1:1: expected a value" },
	{ "\"a", "1:1: string does not end" },
	{ "\"a\\", "1:3: string does not end" },
	{ "\"a\\\"", "1:1: string does not end" },
	{ "\"\\x\"", "1:2: unknown escape" },
	{ "\"\\u12\"", "1:2: \\u needs four hexadecimal digits" },
	{ "\"\\u12g4\"", "1:2: \\u needs four hexadecimal digits" },
	{ "\"\\u0000\"", "1:2: text contains a NUL" },
	{ "\"\\ud83d\"", "1:2: half of a surrogate pair" },
	{ "\"\\ud83d\\u0041\"", "1:2: half of a surrogate pair" },
	{ "\"\\ude00\"", "1:2: half of a surrogate pair" },
	{ "\"\\ud83dx\"", "1:2: half of a surrogate pair" },
	{ "\"a\nb\"", "1:3: control character in a string" },
	{ "\"\xff\"", "1:2: text is not UTF-8" },
	{ "\"\xc3\xa4\xed\xa0\x80\"", "1:3: text is not UTF-8" },
	{ "[1,]", "1:4: [1]: expected a value" },
	{ "[,1]", "1:2: [0]: expected a value" },
	{ "[1 2]", "1:4: [1]: expected ',' or ']'" },
	{ "[1", "1:3: [1]: unexpected end" },
	{ "[", "1:2: [0]: unexpected end" },
	{ "[1}", "1:3: [1]: expected ',' or ']'" },
	{ "{\"a\":1]", "1:7: expected ',' or '}'" },
	{ "]", "1:1: expected a value" },
	{ "{", "1:2: unexpected end" },
	{ "{\"a\"", "1:5: expected ':' behind a key" },
	{ "{\"a\":}", "1:6: a: expected a value" },
	{ "{\"a\":1,}", "1:8: expected a key" },
	{ "{a:1}", "1:2: expected a key" },
	{ "{1:1}", "1:2: expected a key" },
	{ "{\"a\":1,\n \"a\":2}", "2:2: duplicate key \"a\", first at line 1" },
	{ "{\"x\":[{\"a\":1,\"a\":2}]}", "1:14: x[0]: duplicate key \"a\", first at line 1" },
	{ "{\"a\":1} {}", "1:9: something follows the value" },
	{ "// no\n1", "1:1: expected a value" },
	{ "\xef\xbb\xbf"
	  "1",
	  "1:1: expected a value" },
};

TEST(json_table)
{
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!CHECK_STR(read_json(&a, rows[i].json, strlen(rows[i].json)), rows[i].want))
			CHECK_STR(rows[i].json, "(the row)");
	CHECK_STR(read_json(&a, "\"a\0b\"", 5), "1:3: control character in a string");
	CHECK_STR(read_json(&a, "1\0", 2), "1:2: something follows the value");
	CHECK_STR(read_json(&a, "\"\\\0\"", 4), "1:2: unknown escape");
	/* Every prefix of a good text is bad, and is read without looking behind its end. */
	for (size_t i = 0; i < ARRAY_LEN(rows) && rows[i].json[0]; i++)
		for (size_t n = 0; n < strlen(rows[i].json); n++) {
			char *exact = xmalloc(n);

			memcpy(exact, rows[i].json, n);
			read_json(&a, exact, n);
			xfree(exact);
		}
	arena_fini(&a);
}

TEST(json_types_and_places)
{
	static const char text[] =
		"{\"n\": 1,\n \"\xc3\xa4\": [2.5, \"s\"],\n\"big\": 9223372036854775808 }";
	struct arena a = ARENA_INIT;
	struct diag d = DIAG_INIT;
	const struct node *root = json_read(text, strlen(text), "f.json", &a, &d), *list;

	if (!CHECK(root))
		return;
	CHECK_INT(node_get(root, "n")->type, NODE_INT);
	CHECK_INT(node_get(root, "n")->place.column, 7);
	CHECK_STR(node_get(root, "n")->place.file, "f.json");
	list = node_get(root, "\xc3\xa4");
	CHECK_INT(list->place.line, 2);
	CHECK_INT(list->place.column, 7);
	CHECK_INT(list->seq[0]->type, NODE_FLOAT);
	CHECK(list->seq[0]->f == 2.5);
	CHECK_STR(list->seq[0]->text, "2.5");
	CHECK_INT(list->seq[1]->place.column, 13);
	CHECK_INT(list->seq[1]->n, 1);
	CHECK_INT(root->map[2].key_place.line, 3);
	CHECK_INT(node_get(root, "big")->type, NODE_FLOAT);
	diag_fini(&d);
	arena_fini(&a);
}

TEST(json_depth_is_capped)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	struct arena a = ARENA_INIT;

	for (int i = 0; i < DOC_MAX_DEPTH; i++)
		buf_puts(&b, "[");
	for (int i = 0; i < DOC_MAX_DEPTH; i++)
		buf_puts(&b, "]");
	CHECK_STR(read_json(&a, b.p, b.len), b.p);
	buf_reset(&b);
	for (int i = 0; i < 100000; i++)
		buf_puts(&b, "{\"a\":");
	CHECK(str_ends(read_json(&a, b.p, b.len), "nested deeper than 100 levels"));
	arena_fini(&a);
}

/* Time is what this would cost if places were counted from the start of the line each time. */
TEST(json_long_line)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct diag d = DIAG_INIT;
	const struct node *root;

	buf_puts(&b, "[0");
	for (int i = 0; i < 300000; i++)
		buf_puts(&b, ",1");
	buf_puts(&b, "]");
	root = json_read(b.p, b.len, NULL, &a, &d);
	if (CHECK(root)) {
		CHECK_INT(root->n, 300001);
		CHECK_INT(root->seq[300000]->place.column, 600002);
	}
	diag_fini(&d);
	arena_fini(&a);
}

TEST(json_big_map_finds_duplicates)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	struct arena a = ARENA_INIT;

	buf_puts(&b, "{\"k5\":0");
	for (int i = 0; i < 20000; i++)
		buf_printf(&b, "%s\"k%d\":1", i % 1000 ? "," : ",\n", i);
	buf_puts(&b, "}");
	CHECK_STR(read_json(&a, b.p, b.len), "2:36: duplicate key \"k5\", first at line 1");
	arena_fini(&a);
}
