/* JSON by calls, trees as JSON and as YAML. */
#include "doc/write.h"
#include "doc/read.h"
#include "test.h"
#include <math.h>
#include <string.h>

static void write_sample(struct json *j)
{
	json_map(j);
	json_kv_str(j, "name", "a\"b\\\n\x01\x7f\xc3\xa4");
	json_kv_int(j, "n", -5);
	json_kv_bool(j, "ok", true);
	json_key(j, "list");
	json_seq(j);
	json_uint(j, UINT64_MAX);
	json_double(j, 0.1);
	json_double(j, (double)INFINITY);
	json_null(j);
	json_str(j, NULL);
	json_strn(j, "abc", 2);
	json_raw(j, "{\"x\":1}", 7);
	json_seq(j);
	json_seq_end(j);
	json_seq_end(j);
	json_key(j, "empty");
	json_map(j);
	json_map_end(j);
	json_map_end(j);
}

TEST(write_json_compact)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	struct json j;

	json_init(&j, &b, false);
	write_sample(&j);
	CHECK_STR(buf_str(&b),
		  "{\"name\":\"a\\\"b\\\\\\n\\u0001\x7f\xc3\xa4\",\"n\":-5,\"ok\":true,"
		  "\"list\":[18446744073709551615,0.1,\"Infinity\",null,null,\"ab\",{\"x\":1},[]],"
		  "\"empty\":{}}");
}

TEST(write_json_pretty)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	struct json j;

	json_init(&j, &b, true);
	json_map(&j);
	json_key(&j, "a");
	json_seq(&j);
	json_int(&j, 1);
	json_map(&j);
	json_kv_int(&j, "b", 2);
	json_kv_int(&j, "c", 3);
	json_map_end(&j);
	json_seq_end(&j);
	json_key(&j, "e");
	json_seq(&j);
	json_seq_end(&j);
	json_map_end(&j);
	CHECK_STR(buf_str(&b),
		  "{\n  \"a\": [\n    1,\n    {\n      \"b\": 2,\n      \"c\": 3\n    }\n  ],\n"
		  "  \"e\": []\n}");
}

TEST(write_json_repairs_bad_utf8)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	struct json j;

	json_init(&j, &b, false);
	json_str(&j, "a\xff\xc3z\xed\xa0\x80");
	CHECK_STR(buf_str(&b),
		  "\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static const struct {
	const char *yaml, *want;
} rows[] = {
	{ "{a: {b: [1, [2, 3], {c: d, e: f}], g: {}}, h: []}",
	  "a:\n  b:\n    - 1\n    - - 2\n      - 3\n    - c: d\n      e: f\n  g: {}\nh: []\n" },
	{ "[a b, 'yes', \"no\", '1', '', ' x', 'a: b', 'a #b', -x, a:b, '0x1', '~', '- y']",
	  "- a b\n- \"yes\"\n- \"no\"\n- \"1\"\n- \"\"\n- \" x\"\n- \"a: b\"\n- \"a #b\"\n- "
	  "\"-x\"\n"
	  "- a:b\n- \"0x1\"\n- \"~\"\n- \"- y\"\n" },
	{ "[1, 0x10, 1.50, 1e3, .inf, -.inf, .nan, yes, ~]",
	  "- 1\n- 16\n- 1.50\n- 1e3\n- .inf\n- -.inf\n- .nan\n- true\n- null\n" },
	{ "t: |\n  one\n\n   two\nu: |-\n  three\n  four\nv: \"x \\ny\"\n",
	  "t: |\n  one\n\n   two\nu: |-\n  three\n  four\nv: \"x \\ny\"\n" },
	{ "- |\n  a\n  b\n", "- |\n  a\n  b\n" },
	{ "\"a\\u0085b\\u2028c\\ufeffd\\u007fe\"", "\"a\\u0085b\\u2028c\\ufeffd\\u007fe\"\n" },
	{ "plain", "plain\n" },
	{ "--- |\n  a\n  b\n", "|\n  a\n  b\n" },
	{ "{}", "{}\n" },
	{ "yes: {'1': 2}", "\"true\":\n  \"1\": 2\n" },
};

TEST(write_yaml_table)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct diag d = DIAG_INIT;
		struct docs docs;

		buf_reset(&b);
		if (CHECK(yaml_read(rows[i].yaml, strlen(rows[i].yaml), NULL, &a, &docs, &d)) &&
		    CHECK_INT(docs.n, 1)) {
			yaml_node(&b, docs.v[0]);
			CHECK_STR(buf_str(&b), rows[i].want);
		}
		diag_fini(&d);
	}
	arena_fini(&a);
}

TEST(write_yaml_long_key)
{
	struct buf b cleanup(buf_fini) = BUF_INIT, out cleanup(buf_fini) = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct diag d = DIAG_INIT;
	const struct node *root;
	struct docs docs;

	buf_puts(&b, "{\"s\":{\"");
	for (int i = 0; i < 3000; i++)
		buf_putc(&b, 'k');
	buf_puts(&b, "\":[1]}}");
	root = json_read(b.p, b.len, NULL, &a, &d);
	if (CHECK(root)) {
		yaml_node(&out, root);
		if (CHECK(yaml_read(out.p, out.len, NULL, &a, &docs, &d)))
			CHECK_INT(docs.v[0]->map[0].value->map[0].value->seq[0]->i, 1);
	}
	diag_fini(&d);
	arena_fini(&a);
}
