/* YAML: trees, places, caps, errors and going on after them. */
#include "base/buf.h"
#include "help.h"
#include "test.h"
#include <string.h>

static const struct {
	const char *yaml, *want;
} rows[] = {
	/* documents */
	{ "", "" },
	{ "# only a comment\n", "" },
	{ "---\n---\n...\n", "" },
	{ "a: 1\n---\n---\nb: 2\n", "{\"a\":1}\n{\"b\":2}" },
	{ "--- a\n--- b\n", "\"a\"\n\"b\"" },
	{ "a\n...\n--- b\n", "\"a\"\n\"b\"" },
	{ "a\n...\nb\n---\nc\n", "\"a\"\n\"c\"\n3:1: did not find expected <document start>" },
	{ "--- |\n text\n---\nx: 1\n", "\"text\\n\"\n{\"x\":1}" },
	{ "---\nnull\n---\n''\n", "null\n\"\"" },
	{ "a: 1\r\nb: [2]\r\n---\r\nc: 3\r\n", "{\"a\":1,\"b\":[2]}\n{\"c\":3}" },
	{ "\xef\xbb\xbf"
	  "a: 1\n",
	  "{\"a\":1}" },
	{ "{\"a\": [1, 2.50, \"x\\u00e4\"], \"b\": null}",
	  "{\"a\":[1,2.50,\"x\xc3\xa4\"],\"b\":null}" },
	{ "----\n", "\"----\"" },
	{ "a: b\n---x: c\n", "{\"a\":\"b\",\"---x\":\"c\"}" },
	{ "%YAML 1.1\n---\na: 1\n", "{\"a\":1}" },
	{ "# c\n%YAML 1.1\n# d\n---\na: 1\n", "{\"a\":1}" },
	{ "a: 1\n...\n%TAG !x! tag:x,1:\n---\nb: !x!y 2\n", "{\"a\":1}\n{\"b\":\"2\"}" },
	{ "%TAG !y! tag:yaml.org,2002:\n---\n!y!str 1\n", "\"1\"" },
	/* scalars */
	{ "a: 'it''s'\nb: \"x\\ty\"\nc: |\n  one\n   two\n\nd: >-\n  one\n  two\n",
	  "{\"a\":\"it's\",\"b\":\"x\\ty\",\"c\":\"one\\n two\\n\",\"d\":\"one two\"}" },
	{ "[yes, 'yes', ~, 017, 0x10, 1_000, .5, 1e3, 12:30, 2001-01-01]",
	  "[true,\"yes\",null,15,16,1000,0.5,1e3,\"12:30\",\"2001-01-01\"]" },
	{ "[.inf, -.inf, .nan]", "[\"Infinity\",\"-Infinity\",\"NaN\"]" },
	{ "- !!str 1\n- !!int '2'\n- !!float 3\n- !mine x\n- ! 4\n", "[\"1\",2,3,\"x\",\"4\"]" },
	{ "a:\nb: ''\n", "{\"a\":null,\"b\":\"\"}" },
	{ "big: 18446744073709551615", "{\"big\":18446744073709551615}" },
	/* keys */
	{ "yes: 1\n2: 3\n1.50: x\n", "{\"true\":1,\"2\":3,\"1.5\":\"x\"}" },
	{ "? a\n: b\n? c\n", "{\"a\":\"b\",\"c\":null}" },
	{ "\"<<\": {a: 1}", "{\"<<\":{\"a\":1}}" },
	{ "? [a]\n: b\n", "1:3: a key cannot be a list" },
	{ "{a: 1}: b\n", "1:1: a key cannot be a map" },
	{ "~: b\n", "1:1: a key cannot be a null" },
	{ "? \n: b\n", "1:2: a key cannot be a null" },
	{ "a: 1\nb: 2\na: 3\n", "3:1: duplicate key \"a\", first at line 1" },
	{ "s: {t: [0, {x: 1, x: 2}]}\n", "1:19: s.t[1]: duplicate key \"x\", first at line 1" },
	{ "yes: 1\non: 2\n", "2:1: duplicate key \"true\", first at line 1" },
	{ "{a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1, j: 1, k: 1, l: 1, m: 1, o: 1,\n"
	  "p: 1, q: 1, r: 1, s: 1, b: 2, t: 1, b: 3}",
	  "2:25: duplicate key \"b\", first at line 1\n2:37: duplicate key \"b\", first at line "
	  "1" },
	/* anchors */
	{ "a: &x [1, {b: 2}]\nc: *x\n", "{\"a\":[1,{\"b\":2}],\"c\":[1,{\"b\":2}]}" },
	{ "a: &x k\n*x : v\n", "{\"a\":\"k\",\"k\":\"v\"}" },
	{ "- &x 1\n- &x 2\n- *x\n", "[1,2,2]" },
	{ "&k key: *k\n", "{\"key\":\"key\"}" },
	{ "- &x [ &x 1, *x ]\n- *x\n", "[[1,1],1]" },
	{ "a: *x\n", "1:4: a: unknown anchor \"x\"" },
	{ "a: &x [*x]\n", "1:8: a[0]: anchor \"x\" contains itself" },
	{ "a: &x {b: {c: *x}}\n", "1:15: a.b.c: anchor \"x\" contains itself" },
	{ "a: &x 1\n---\nb: *x\n", "{\"a\":1}\n3:4: b: unknown anchor \"x\"" },
	{ "&r\n", "null" },
	/* merging */
	{ "b: &b {x: 1, w: 2}\nm: {w: 3, <<: *b, z: 4}\n",
	  "{\"b\":{\"x\":1,\"w\":2},\"m\":{\"w\":3,\"z\":4,\"x\":1}}" },
	{ "m: {<<: *b, w: 3}\n", "1:9: m.<<: unknown anchor \"b\"\n"
				 "1:9: m.<<: only maps can be merged by \"<<\", not null" },
	{ "- &a {x: 1}\n- &b {x: 2, w: 2}\n- {<<: [*a, *b]}\n- {<<: [*b, *a]}\n- {<<: {z: 1}, a: "
	  "0}\n",
	  "[{\"x\":1},{\"x\":2,\"w\":2},{\"x\":1,\"w\":2},{\"x\":2,\"w\":2},{\"a\":0,\"z\":1}]" },
	{ "- &a {x: 1}\n- &b {<<: *a, w: 2}\n- {<<: *b, x: 3}\n",
	  "[{\"x\":1},{\"w\":2,\"x\":1},{\"x\":3,\"w\":2}]" },
	{ "m: {<<: [1, {a: 2}]}\n", "1:10: m.<<: only maps can be merged by \"<<\", not integer" },
	{ "- &a {x: 1}\n- {<<: *a, x: 2, x: 3}\n",
	  "2:18: [1]: duplicate key \"x\", first at line 2" },
	/* syntax */
	{ "a: [1, 2\n---\nb: 1\n", "{\"b\":1}\n2:1: a[2]: did not find expected ',' or ']', while "
				   "parsing a flow sequence from line 1" },
	{ "a: 1\n---\nb: \"x\n---\nc: 3\n",
	  "{\"a\":1}\n{\"c\":3}\n4:1: b: found unexpected end of document, while scanning a "
	  "quoted scalar from line 3" },
	{ "a:\n\tb: 1\n---\nc: 1\n",
	  "{\"c\":1}\n2:1: a: a tab cannot indent, while scanning for the next token" },
	{ "a: 1\n b: 2\n", "2:3: mapping values are not allowed in this context" },
	{ "a: b\nc\n---\n- d\n",
	  "[\"d\"]\n3:1: could not find expected ':', while scanning a simple key from line 2" },
	{ "a: @x\n", "1:4: a: found character that cannot start any token, while scanning for the "
		     "next token" },
	{ "a: \"x\\0y\"\n---\nb: 1\n", "{\"b\":1}\n1:4: a: text contains a NUL" },
	{ "a: !!int x\nb: !!bool 3\n",
	  "1:4: a: value is not an !!int\n2:4: b: value is not a !!bool" },
	{ "ok: 1\n---\n# \xc3\xa4\xc3\xa4 \xff\n---\nz: 1\n",
	  "{\"ok\":1}\n{\"z\":1}\n3:6: invalid leading UTF-8 octet (0xff)" },
	{ "a: \x01\n", "1:4: control characters are not allowed (0x01)" },
	{ "\xff\xfe"
	  "a\0",
	  "1:1: invalid leading UTF-8 octet (0xff)" },
	/* other line breaks count as libyaml counts them */
	{ "a: 'x\xc2\x85y'\r---\rb: [1,\n2\n",
	  "{\"a\":\"x y\"}\n6:1: b[2]: did not find expected ',' or ']', while parsing a flow "
	  "sequence from line 4" },
};

TEST(yaml_table)
{
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!CHECK_STR(read_yaml(&a, rows[i].yaml, strlen(rows[i].yaml)), rows[i].want))
			CHECK_STR(rows[i].yaml, "(the row)");
	arena_fini(&a);
}

TEST(yaml_places)
{
	static const char text[] =
		"# first\n---\nkind: Pod\nspec:\n  \xc3\xa4: 1\n  list:\n  - a\n  - {x: 'y'}\n";
	static const struct {
		const char *key;
		uint32_t line, column;
	} want[] = { { "kind", 3, 7 }, { "spec", 5, 3 } };
	struct arena a = ARENA_INIT;
	struct diag d = DIAG_INIT;
	struct docs docs;
	const struct node *spec, *list;

	if (!CHECK(yaml_read(text, strlen(text), "f.yaml", &a, &docs, &d)) || !CHECK_INT(docs.n, 1))
		return;
	CHECK_STR(docs.v[0]->place.file, "f.yaml");
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const struct node *n = node_get(docs.v[0], want[i].key);

		CHECK_INT(n->place.line, want[i].line);
		CHECK_INT(n->place.column, want[i].column);
	}
	spec = node_get(docs.v[0], "spec");
	CHECK_INT(spec->map[0].key_place.line, 5);
	CHECK_INT(spec->map[0].key_place.column, 3);
	CHECK_INT(spec->map[0].value->place.column, 6);
	list = node_get(spec, "list");
	CHECK_INT(list->place.line, 7);
	CHECK_INT(list->seq[0]->place.column, 5);
	CHECK_INT(list->seq[1]->place.line, 8);
	CHECK_INT(node_get(list->seq[1], "x")->place.column, 9);
	diag_fini(&d);
	arena_fini(&a);
}

TEST(yaml_keeps_source_text_of_numbers)
{
	static const char text[] = "[0x1F, 1_000, 2.50, yes, ~]";
	static const char *const want[] = { "0x1F", "1_000", "2.50", "yes", "~" };
	struct arena a = ARENA_INIT;
	struct diag d = DIAG_INIT;
	struct docs docs;

	if (CHECK(yaml_read(text, strlen(text), NULL, &a, &docs, &d)))
		for (size_t i = 0; i < ARRAY_LEN(want); i++)
			CHECK_STR(docs.v[0]->seq[i]->text, want[i]);
	diag_fini(&d);
	arena_fini(&a);
}

static void repeat(struct buf *b, const char *s, int n)
{
	for (int i = 0; i < n; i++)
		buf_puts(b, s);
}

TEST(yaml_depth_is_capped)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	struct arena a = ARENA_INIT;

	repeat(&b, "[", DOC_MAX_DEPTH);
	repeat(&b, "]", DOC_MAX_DEPTH);
	CHECK_STR(read_yaml(&a, b.p, b.len), b.p);
	buf_reset(&b);
	repeat(&b, "[", 200000);
	buf_puts(&b, "\n---\nnext: 1\n");
	CHECK(str_ends(read_yaml(&a, b.p, b.len), "nested deeper than 100 levels"));
	CHECK(str_starts(read_yaml(&a, b.p, b.len), "{\"next\":1}\n1:101: "));
	/* Each alias alone is shallow; together they are not. */
	buf_reset(&b);
	buf_puts(&b, "- &a0 []\n");
	for (int i = 1; i < 60; i++)
		buf_printf(&b, "- &a%d [[*a%d]]\n", i, i - 1);
	CHECK(strstr(read_yaml(&a, b.p, b.len), "alias expands to more than 100 levels"));
	arena_fini(&a);
}

TEST(yaml_billion_laughs)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	struct arena a = ARENA_INIT;
	const char *result;

	buf_puts(&b, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 10; i++) {
		buf_printf(&b, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			buf_printf(&b, "%s*a%d", k ? ", " : "", i - 1);
		buf_puts(&b, "]\n");
	}
	result = read_yaml(&a, b.p, b.len);
	CHECK(strstr(result, "aliases expand to more than 200000 nodes"));
	CHECK(a.used < 1 << 20);
	/* The same through merging. */
	buf_reset(&b);
	buf_puts(&b, "a0: &a0 {");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%sk%d: 1", i ? ", " : "", i);
	buf_puts(&b, "}\nm: {<<: [");
	repeat(&b, "*a0, ", 1000);
	buf_puts(&b, "]}\n");
	CHECK(strstr(read_yaml(&a, b.p, b.len), "aliases expand to more than 200000 nodes"));
	arena_fini(&a);
}

TEST(yaml_directives_are_capped)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	struct arena a = ARENA_INIT;

	for (int i = 0; i < 100000; i++)
		buf_printf(&b, "%%TAG !x%d! x\n", i);
	buf_puts(&b, "---\na: 1\n---\nb: 2\n");
	CHECK_STR(read_yaml(&a, b.p, b.len), "{\"b\":2}\n1:0: more than 64 directives");
	arena_fini(&a);
}

TEST(yaml_anchors_are_capped)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	struct arena a = ARENA_INIT;

	for (int i = 0; i < 10002; i++)
		buf_printf(&b, "- &a%d x\n", i);
	CHECK_STR(read_yaml(&a, b.p, b.len), "10001:3: [10000]: more than 10000 anchors");
	arena_fini(&a);
}

TEST(yaml_size_is_capped)
{
	struct arena a = ARENA_INIT;
	struct diag d = DIAG_INIT;
	struct docs docs;

	CHECK(!yaml_read("", (size_t)DOC_MAX_BYTES + 1, "f", &a, &docs, &d));
	CHECK_INT(docs.n, 0);
	CHECK_INT(d.n, 1);
	diag_fini(&d);
	arena_fini(&a);
}

/* Hundreds of equal keys in one map, and problems in each of many documents: counted, not a flood. */
TEST(yaml_many_problems)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct diag d = DIAG_INIT;
	struct docs docs;

	for (int i = 0; i < 3000; i++)
		buf_puts(&b, "a: 1\na: 2\n---\n");
	buf_puts(&b, "fine: 1\n");
	CHECK(!yaml_read(b.p, b.len, "f", &a, &docs, &d));
	CHECK_INT(docs.n, 1);
	CHECK_INT(d.n, DIAG_MAX);
	CHECK_INT(d.n_errors, 3000);
	CHECK_INT(d.v[DIAG_MAX - 1].place.line, DIAG_MAX * 3 - 1);
	diag_fini(&d);
	arena_fini(&a);
}
