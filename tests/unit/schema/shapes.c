/* Every type of field and every limit, on a struct made for it: also what no schema of ours uses at the moment. */
#include "base/clock.h"
#include "doc/read.h"
#include "help.h"
#include "schema/condition.h"
#include "schema/interpret.h"

#include <float.h>
#include <string.h>

struct inner {
	const char *s;
};
struct inner_entry {
	const char *key;
	struct inner value;
};
struct all {
	const char *string;
	struct opt_int integer;
	struct opt_double number;
	struct opt_duration duration;
	struct opt_time time;
	struct opt_bytes bytes;
	struct int_or_str int_or_str;
	const struct inner *one;
	const struct node *node;
	struct str_list str_list;
	struct str_map str_map;
	struct {
		const struct inner *v;
		uint32_t n;
		bool set;
	} struct_list;
	struct {
		const struct inner_entry *v;
		uint32_t n;
		bool set;
	} struct_map;
	struct int_list int_list;
	struct int_map int_map;
	struct enum_list enum_list;
	struct bytes_map bytes_map;
	struct str_list_map str_list_map;
	int enum_;
	struct opt_bool boolean;
};

static const char *const colours[] = { "RED", "GREEN", NULL };

#define ROW(j, t, m, ...) \
	{ \
		.json = j, .type = FIELD_##t, .offset = offsetof(struct all, m), \
		.minimum = -DBL_MAX, .maximum = DBL_MAX, .item_max_len = UINT32_MAX, __VA_ARGS__ \
	}
#define ANY .max_len = UINT32_MAX

static const struct field inner_fields[] = {
	{ .json = "s", .type = FIELD_STRING, .minimum = -DBL_MAX, .maximum = DBL_MAX, ANY },
};
static const struct struct_type inner_type = {
	.name = "inner",
	.size = sizeof(struct inner),
	.fields = inner_fields,
	.n_fields = 1,
};
static const struct field all_fields[] = {
	ROW("boolean", BOOL, boolean, ANY),
	ROW("bytes", BYTES, bytes, .max_len = 4),
	ROW("bytesMap", BYTES_MAP, bytes_map, ANY),
	ROW("duration", DURATION, duration, ANY),
	ROW("enum", ENUM, enum_, ANY, .enum_values = colours),
	ROW("enumList", ENUM_LIST, enum_list, ANY, .enum_values = colours),
	ROW("intList", INT_LIST, int_list, .min_len = 2, .max_len = 3),
	ROW("intMap", INT_MAP, int_map, ANY),
	ROW("intOrStr", INT_OR_STR, int_or_str, ANY),
	ROW("integer", INT, integer, ANY),
	ROW("node", NODE, node, ANY),
	ROW("nodeMap", NODE, node, ANY, .only_map = true, .alias = true),
	ROW("number", DOUBLE, number, ANY),
	ROW("one", STRUCT, one, ANY, .of = &inner_type),
	ROW("strList", STR_LIST, str_list, ANY, .unique = true),
	ROW("strListMap", STR_LIST_MAP, str_list_map, ANY),
	ROW("strMap", STR_MAP, str_map, .min_len = 1, .max_len = 1),
	ROW("string", STRING, string, .min_len = 2, .max_len = 3, .pattern = "^a"),
	ROW("structList", STRUCT_LIST, struct_list, ANY, .of = &inner_type),
	ROW("structMap", STRUCT_MAP, struct_map, ANY, .of = &inner_type),
	ROW("time", TIME, time, ANY),
};
static const struct struct_type all_type = {
	.name = "all",
	.size = sizeof(struct all),
	.fields = all_fields,
	.n_fields = ARRAY_LEN(all_fields),
};

/* Decodes into the arena; problems as text, yours. */
static const void *decode(const struct struct_type *t, const char *yaml, struct arena *a,
			  char **ret_problems)
{
	struct arena doc = ARENA_INIT;
	struct docs docs = { 0 };
	struct diag diag = DIAG_INIT;
	const void *v = NULL;

	CHECK(yaml_read(yaml, strlen(yaml), "t", &doc, &docs, &diag));
	if (docs.n == 1)
		v = struct_decode(t, docs.v[0], a, "", false, &diag);
	*ret_problems = help_problems(&diag);
	diag_fini(&diag);
	arena_fini(&doc);
	return v;
}

static const char all_json[] =
	"{\"boolean\":false,\"bytes\":\"AA==\",\"bytesMap\":{\"a\":\"\",\"b\":\"AQI=\"},"
	"\"duration\":\"-1.500s\",\"enum\":\"GREEN\",\"enumList\":[\"GREEN\",\"RED\"],"
	"\"intList\":[-1,9007199254740993],\"intMap\":{\"a\":1,\"b\":-2},\"intOrStr\":\"5\","
	"\"integer\":0,\"node\":[1,{\"z\":null,\"a\":[]}],\"number\":0.1,\"one\":{},"
	"\"strList\":[\"b\",\"a\"],\"strListMap\":{\"a\":[],\"b\":[\"x\",\"y\"]},"
	"\"strMap\":{\"k\":\"v\"},\"string\":\"ab\",\"structList\":[{},{\"s\":\"x\"}],"
	"\"structMap\":{\"a\":{\"s\":\"1\"},\"b\":{}},\"time\":\"2024-01-01T00:00:00Z\"}";

TEST(shapes_survive_decode_and_print)
{
	struct arena a = ARENA_INIT, b = ARENA_INIT;
	cleanup(xfree_p) char *problems = NULL, *problems2 = NULL;
	const struct all *v = decode(&all_type, all_json, &a, &problems), *w;
	struct buf text = BUF_INIT;

	CHECK_STR(problems, "");
	if (!CHECK(v))
		return;
	CHECK(v->boolean.set && !v->boolean.v);
	CHECK_INT(v->enum_, 2);
	CHECK_INT(v->enum_list.v[1], 1);
	CHECK_INT(v->int_list.v[1], 9007199254740993);
	CHECK_INT(v->int_map.v[1].value, -2);
	CHECK_INT(v->bytes_map.v[1].value.n, 2);
	CHECK_STR(v->str_list_map.v[1].key, "b");
	CHECK_STR(v->str_list_map.v[1].value.v[1], "y");
	CHECK(v->str_list_map.v[0].value.set && !v->str_list_map.v[0].value.n);
	CHECK_STR(v->struct_map.v[0].value.s, "1");
	CHECK_STR(v->struct_list.v[1].s, "x");
	CHECK(v->one && !v->one->s);
	struct_print(&all_type, v, &text, false);
	CHECK_STR(buf_str(&text), all_json);
	w = decode(&all_type, buf_str(&text), &b, &problems2);
	CHECK(struct_equal(&all_type, v, w));
	CHECK(hash128_eq(struct_hash(&all_type, v), struct_hash(&all_type, w)));
	CHECK(!struct_equal(&all_type, v, NULL));
	CHECK(struct_equal(&all_type, NULL, NULL));
	buf_fini(&text);
	arena_fini(&a);
	arena_fini(&b);
}

/* One value changed at a time must be seen by equality, whatever its type. */
TEST(shapes_equality_sees_every_field)
{
	static const char *const pairs[][2] = {
		{ "boolean: false", "boolean: true" },
		{ "boolean: false", "{}" },
		{ "bytes: AA==", "bytes: AQ==" },
		{ "bytesMap: {a: AA==}", "bytesMap: {a: AQ==}" },
		{ "duration: 1s", "duration: 2s" },
		{ "enum: RED", "enum: GREEN" },
		{ "enumList: [RED]", "enumList: [RED, RED]" },
		{ "intList: [1, 2]", "intList: [2, 1]" },
		{ "intMap: {a: 1}", "intMap: {b: 1}" },
		{ "intOrStr: 5", "intOrStr: '5'" },
		{ "integer: 0", "{}" },
		{ "node: {a: 1}", "node: {a: 1, b: 2}" },
		{ "node: [1, 2]", "node: [2, 1]" },
		{ "node: '1'", "node: 1" },
		{ "node: true", "node: false" },
		{ "node: ''", "{}" },
		{ "node: 1.5", "node: 1.25" },
		{ "number: 0", "number: 0.5" },
		{ "one: {}", "one: {s: ''}" },
		{ "one: {}", "{}" },
		{ "strList: [ab]", "strList: [a, b]" },
		{ "strList: []", "{}" },
		{ "strListMap: {a: [b]}", "strListMap: {a: [b, c]}" },
		{ "strMap: {a: b}", "strMap: {a: c}" },
		{ "string: ab", "string: ac" },
		{ "structList: [{s: a}]", "structList: [{s: b}]" },
		{ "structMap: {a: {s: a}}", "structMap: {a: {s: b}}" },
		{ "time: '2024-01-01T00:00:00Z'", "time: '2024-01-01T00:00:01Z'" },
	};
	static const char *const same[][2] = {
		{ "node: {a: 1, b: [2.0]}", "node: {b: [2], a: 1.0}" },
		{ "number: 0.0", "number: -0.0" },
		{ "strMap: {a: b}", "{'strMap': {a: 'b'}, string: ~}" },
		{ "nodeMap: {a: 1}", "node: {a: 1}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs) + ARRAY_LEN(same); i++) {
		bool equal = i >= ARRAY_LEN(pairs);
		const char *const *p = equal ? same[i - ARRAY_LEN(pairs)] : pairs[i];
		struct arena a = ARENA_INIT;
		cleanup(xfree_p) char *problems = NULL, *problems2 = NULL;
		const void *x = decode(&all_type, p[0], &a, &problems);
		const void *y = decode(&all_type, p[1], &a, &problems2);

		CHECK_STR(problems, "");
		CHECK_STR(problems2, "");
		if (!CHECK(x && y) || !CHECK_INT(struct_equal(&all_type, x, y), equal))
			CHECK_STR(p[0], p[1]);
		if (x && y)
			CHECK_INT(hash128_eq(struct_hash(&all_type, x), struct_hash(&all_type, y)),
				  equal);
		arena_fini(&a);
	}
}

TEST(shapes_limits)
{
	static const struct row {
		const char *yaml, *problems;
	} rows[] = {
		{ "bytes: AAECAw==",
		  "t:1:8: error: bytes: must have at most 4 characters, not 8\n" },
		{ "intList: [1]", "t:1:10: error: intList: must have at least 2 items, not 1\n" },
		{ "intList: [1, 2, 3, 4]",
		  "t:1:10: error: intList: must have at most 3 items, not 4\n" },
		{ "strMap: {}", "t:1:9: error: strMap: must have at least 1 entry, not 0\n" },
		{ "strMap: {a: b, c: d}",
		  "t:1:9: error: strMap: must have at most 1 entry, not 2\n" },
		{ "string: ''", "t:1:9: error: string: must not be empty\n"
				"t:1:9: error: string:  does not match ^a\n" },
		{ "string: \"\\xe4\"",
		  "t:1:9: error: string: must have at least 2 characters, not 1\n"
		  "t:1:9: error: string: \xc3\xa4 does not match ^a\n" },
		{ "string: ab\xc3\xa4", "" },
		{ "string: abcd", "t:1:9: error: string: must have at most 3 characters, not 4\n" },
		{ "strList: [a, b, a]",
		  "t:1:17: error: strList[2]: a second item of the same value: a\n" },
		{ "nodeMap: 3", "t:1:10: error: nodeMap: must be a map, not integer 3\n" },
		{ "node: [{a: .nan}]",
		  "t:1:12: error: node: must be a finite number, not number .nan\n" },
		{ "strListMap: {a: b, c: [1]}",
		  "t:1:17: error: strListMap[a]: must be a list, not string b\n"
		  "t:1:24: error: strListMap[c][0]: must be a string, not integer 1 (quote "
		  "it?)\n" },
		{ "bytesMap: {a: 1}",
		  "t:1:15: error: bytesMap[a]: must be bytes in base64, not integer 1\n" },
		{ "time: '2024'", "t:1:7: error: time: must be a time such as "
				  "2024-01-31T00:00:00Z, not string 2024\n" },
		{ "intOrStr: 1.5",
		  "t:1:11: error: intOrStr: must be an integer, not number 1.5\n" },
		{ "intOrStr: true",
		  "t:1:11: error: intOrStr: must be an integer or a string, not boolean true\n" },
		{ "one: 3", "t:1:6: error: one: must be a map, not integer 3\n" },
		{ "integer: 99999999999999999999",
		  "t:1:10: error: integer: must be an integer, not number 99999999999999999999\n" },
		{ "[]", "t:1:1: error: must be a map, not list\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a = ARENA_INIT;
		cleanup(xfree_p) char *problems = NULL;
		const void *v = decode(&all_type, rows[i].yaml, &a, &problems);

		CHECK_STR(problems, rows[i].problems);
		CHECK_INT(v != NULL, !*rows[i].problems);
		arena_fini(&a);
	}
}

/* a and b together, or c alone; and not d with e. */
static const struct condition both[] = {
	{ .op = CONDITION_REQUIRED, .field = "integer" },
	{ .op = CONDITION_REQUIRED, .field = "number" },
};
static const struct condition any[] = {
	{ .op = CONDITION_ALL_OF, .of = both, .n = 2 },
	{ .op = CONDITION_REQUIRED, .field = "string" },
};
static const struct condition unwanted[] = { { .op = CONDITION_REQUIRED, .field = "time" } };
static const struct condition conditions[] = {
	{ .op = CONDITION_ANY_OF, .of = any, .n = 2 },
	{ .op = CONDITION_NOT, .of = unwanted, .n = 1 },
};

TEST(shapes_conditions)
{
	static const struct row {
		const char *yaml, *problems;
	} rows[] = {
		{ "{string: aa}", "" },
		{ "{integer: 1, number: 2}", "" },
		{ "{}", "t:1:1: error: one of integer, number and string must be set\n" },
		{ "{integer: 1}", "t:1:1: error: integer may not be set like this among integer, "
				  "number and string\n" },
		{ "{string: aa, time: '2024-01-01T00:00:00Z'}",
		  "t:1:1: error: time may not be set\n" },
	};
	struct struct_type t = all_type;

	t.conditions = conditions;
	t.n_conditions = ARRAY_LEN(conditions);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a = ARENA_INIT;
		cleanup(xfree_p) char *problems = NULL;

		decode(&t, rows[i].yaml, &a, &problems);
		CHECK_STR(problems, rows[i].problems);
		arena_fini(&a);
	}
}
