/* JSON both ways: for each row, the message read from `in` prints as `out`, and also when it went over the wire. */
#include "base/err.h"
#include "doc/read.h"
#include "help.h"
#include "pb/base64.h"
#include <string.h>

#define CORE "envoy.config.core.v3."
#define GOOGLE "google.protobuf."

TEST(json_forms)
{
	static const struct {
		const char *type, *in, *out; /* out NULL: as in */
	} rows[] = {
		{ CORE "Node", "{}", NULL },
		{ CORE "Node", "{\"id\":\"a\",\"locality\":{\"subZone\":\"z\"}}", NULL },
		{ CORE "Node", "{\"user_agent_name\":\"x\"}", "{\"userAgentName\":\"x\"}" },
		{ CORE "Node", "{\"id\":null,\"metadata\":{}}", "{\"metadata\":{}}" },
		{ CORE "Node", "{\"clientFeatures\":[\"a\",\"b\"],\"extensions\":[]}",
		  "{\"clientFeatures\":[\"a\",\"b\"]}" },
		{ CORE "Node",
		  "{\"dynamicParameters\":{\"b\":{\"params\":{\"y\":\"1\",\"x\":\"2\"}},\"a\":{}}}",
		  "{\"dynamicParameters\":{\"a\":{},\"b\":{\"params\":{\"x\":\"2\",\"y\":\"1\"}}}"
		  "}" },
		/* a member of a oneof is there although it is empty, a plain field is not */
		{ CORE "SocketAddress", "{\"address\":\"\",\"portValue\":0}", "{\"portValue\":0}" },
		{ CORE "SocketAddress", "{\"namedPort\":\"\"}", NULL },
		{ CORE "DataSource", "{\"inlineBytes\":\"\"}", NULL },
		{ CORE "DataSource", "{\"inlineBytes\":\"_-8\"}", "{\"inlineBytes\":\"/+8=\"}" },
		/* enums */
		{ CORE "SocketAddress", "{\"protocol\":\"UDP\"}", NULL },
		{ CORE "SocketAddress", "{\"protocol\":1}", "{\"protocol\":\"UDP\"}" },
		{ CORE "SocketAddress", "{\"protocol\":77}", NULL },
		{ CORE "SocketAddress", "{\"protocol\":\"TCP\"}", "{}" },
		/* numbers */
		{ CORE "SocketOption", "{\"level\":\"-9223372036854775808\"}", NULL },
		{ CORE "SocketOption", "{\"level\":6}", "{\"level\":\"6\"}" },
		{ CORE "SocketAddress", "{\"portValue\":4294967295}", NULL },
		{ CORE "SocketAddress", "{\"portValue\":\"80\"}", "{\"portValue\":80}" },
		{ CORE "SocketAddress", "{\"portValue\":8e1}", "{\"portValue\":80}" },
		{ GOOGLE "UInt64Value", "18446744073709551615", "\"18446744073709551615\"" },
		{ GOOGLE "UInt64Value", "\"18446744073709551615\"", NULL },
		{ GOOGLE "Int64Value", "\"9223372036854775807\"", NULL },
		{ GOOGLE "Int32Value", "-2147483648", NULL },
		{ GOOGLE "DoubleValue", "0.1", NULL },
		{ GOOGLE "DoubleValue", "100", NULL },
		{ GOOGLE "DoubleValue", "\"NaN\"", NULL },
		{ GOOGLE "DoubleValue", "\"-Infinity\"", NULL },
		{ GOOGLE "DoubleValue", "\"2.5\"", "2.5" },
		{ GOOGLE "FloatValue", "0.1", NULL },
		{ GOOGLE "FloatValue", "16777216", NULL },
		/* well-known types */
		{ GOOGLE "BoolValue", "false", NULL },
		{ GOOGLE "StringValue", "\"\"", NULL },
		{ GOOGLE "BytesValue", "\"aGk=\"", NULL },
		{ GOOGLE "BytesValue", "\"aGk\"", "\"aGk=\"" },
		{ GOOGLE "Duration", "\"1.5s\"", "\"1.500s\"" },
		{ GOOGLE "Duration", "\"-0.000000001s\"", NULL },
		{ GOOGLE "Duration", "\"9223372035s\"", NULL },
		{ GOOGLE "Duration", "\"-315576000000s\"", NULL },
		{ GOOGLE "Timestamp", "\"2026-08-22T10:20:30Z\"", NULL },
		{ GOOGLE "Timestamp", "\"2024-02-29T23:59:59.25+01:30\"",
		  "\"2024-02-29T22:29:59.250Z\"" },
		{ GOOGLE "Timestamp", "\"0001-01-01T00:00:00Z\"", NULL },
		{ GOOGLE "FieldMask", "\"a,fooBar.baz\"", NULL },
		{ GOOGLE "Empty", "{}", NULL },
		{ GOOGLE "Value", "null", NULL },
		{ GOOGLE "Value", "[1,\"\",{\"a\":null}]", NULL },
		{ GOOGLE "ListValue", "[]", NULL },
		/* Any */
		{ GOOGLE "Any", "{}", NULL },
		{ GOOGLE "Any", "{\"id\":\"a\",\"@type\":\"type.googleapis.com/" CORE "Node\"}",
		  "{\"@type\":\"type.googleapis.com/" CORE "Node\",\"id\":\"a\"}" },
		{ GOOGLE "Any",
		  "{\"@type\":\"type.googleapis.com/" GOOGLE "StringValue\",\"value\":\"x\"}",
		  NULL },
		{ GOOGLE "Any", "{\"@type\":\"type.googleapis.com/" GOOGLE "Empty\",\"value\":{}}",
		  NULL },
		{ GOOGLE "Any",
		  "{\"@type\":\"type.googleapis.com/nobody.Knows\",\"value\":\"AAEC\"}", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a = ARENA_INIT;
		ProtobufCMessage *m = from_json(&a, rows[i].type, rows[i].in);
		const char *out = rows[i].out ? rows[i].out : rows[i].in;
		ProtobufCBinaryData b;

		if (!CHECK(m)) {
			test_check_str(rows[i].in, "", __FILE__, __LINE__, "row");
			continue;
		}
		CHECK_STR(to_json(&a, m), out);
		b = pb_pack(&a, m);
		m = pb_unpack(&a, m->descriptor, b.data, b.len, 1 << 20, NULL);
		CHECK(m && CHECK_STR(to_json(&a, m), out));
		arena_fini(&a);
	}
}

TEST(json_problems)
{
	static const struct {
		const char *type, *in, *problems; /* "PATH: reason" each, separated by "; " */
	} rows[] = {
		{ CORE "Node", "[]", ": expected a map, got list" },
		{ CORE "Node", "{\"nope\":1}", "nope: Node has no such field" },
		{ CORE "Node", "{\"id\":1,\"cluster\":true}",
		  "id: expected a string, got integer; cluster: expected a string, got boolean" },
		{ CORE "Node", "{\"clientFeatures\":[\"a\",1]}",
		  "clientFeatures[1]: expected a string, got integer" },
		{ CORE "Node", "{\"clientFeatures\":{}}",
		  "clientFeatures: expected a list, got map" },
		{ CORE "Node", "{\"clientFeatures\":[null]}",
		  "clientFeatures[0]: expected a string, got null" },
		{ CORE "Node", "{\"dynamicParameters\":{\"k\":{\"params\":{\"x\":1}}}}",
		  "dynamicParameters.k.params.x: expected a string, got integer" },
		{ CORE "Node", "{\"dynamicParameters\":[]}",
		  "dynamicParameters: expected a map, got list" },
		{ CORE "Node", "{\"metadata\":[]}", "metadata: expected a map, got list" },
		{ CORE "Node", "{\"userAgentName\":\"a\",\"user_agent_name\":\"b\"}",
		  "user_agent_name: given twice, under both of its names" },
		{ CORE "SocketAddress", "{\"portValue\":1,\"namedPort\":\"x\"}",
		  "namedPort: only one of \"named_port\" and \"port_value\" can be given" },
		{ CORE "SocketAddress", "{\"portValue\":4294967296}",
		  "portValue: number out of range" },
		{ CORE "SocketAddress", "{\"portValue\":-1}", "portValue: number out of range" },
		{ CORE "SocketAddress", "{\"portValue\":1.5}",
		  "portValue: expected a whole number, got number" },
		{ CORE "SocketAddress", "{\"portValue\":\"\"}",
		  "portValue: expected a whole number, got string" },
		{ CORE "SocketAddress", "{\"portValue\":\"0x50\"}",
		  "portValue: expected a whole number, got string" },
		{ CORE "SocketAddress", "{\"protocol\":\"QUIC\"}",
		  "protocol: \"QUIC\" is no value of Protocol" },
		{ CORE "SocketOption", "{\"level\":9223372036854775808}",
		  "level: number out of range" },
		{ GOOGLE "UInt64Value", "18446744073709551616",
		  ": expected a whole number, got number" },
		{ GOOGLE "BoolValue", "\"true\"", ": expected true or false, got string" },
		{ GOOGLE "DoubleValue", "\"0x10\"", ": expected a number, got string" },
		{ GOOGLE "DoubleValue", "\"\"", ": expected a number, got string" },
		{ GOOGLE "BytesValue", "\"a b=\"", ": not base64" },
		{ GOOGLE "Duration", "\"1\"", ": expected a duration in seconds such as \"1.5s\"" },
		{ GOOGLE "Duration", "\"1m\"",
		  ": expected a duration in seconds such as \"1.5s\"" },
		{ GOOGLE "Duration", "\"1.s\"",
		  ": expected a duration in seconds such as \"1.5s\"" },
		{ GOOGLE "Duration", "\"315576000001s\"", ": duration out of range" },
		{ GOOGLE "Timestamp", "\"2023-02-29T00:00:00Z\"",
		  ": expected a time such as \"2006-01-02T15:04:05Z\"" },
		{ GOOGLE "Any", "{\"a\":1}", ": \"@type\" is missing" },
		{ GOOGLE "Any", "{\"@type\":\"x/nobody.Knows\",\"a\":1}",
		  ": unknown type \"x/nobody.Knows\"" },
		{ GOOGLE "Any", "{\"@type\":\"x/" GOOGLE "Duration\"}", ": \"value\" is missing" },
		{ GOOGLE "Any", "{\"@type\":\"x/" CORE "Node\",\"idd\":\"\"}",
		  "idd: Node has no such field" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a = ARENA_INIT;
		struct diag d = DIAG_INIT;
		struct buf got = BUF_INIT;
		ProtobufCMessage *m = pb_from_json(&a, pb_type_by_name(rows[i].type)->desc,
						   json(&a, rows[i].in), 0, &d);

		CHECK(!m);
		for (uint32_t k = 0; k < d.n; k++)
			buf_printf(&got, "%s%s: %s", k ? "; " : "", d.v[k].path, d.v[k].reason);
		CHECK_STR(buf_str(&got), rows[i].problems);
		buf_fini(&got);
		diag_fini(&d);
		arena_fini(&a);
	}
}

TEST(unknown_fields_can_be_ignored)
{
	struct arena a = ARENA_INIT;
	struct diag d = DIAG_INIT;
	const struct node *n = json(&a, "{\"id\":\"a\",\"new\":{\"x\":[1]}}");
	Core__Node *node = PB_FROM_JSON(&a, Core__Node, n, PB_IGNORE_UNKNOWN, &d);

	CHECK(node && str_eq(node->id, "a"));
	CHECK_INT(d.n, 0);
	CHECK(!PB_FROM_JSON(&a, Core__Node, n, 0, &d));
	CHECK_INT(d.n, 1);
	diag_fini(&d);
	arena_fini(&a);
}

/* Any in Any in Any ..., deeper than JSON is written: it ends in null and in no crash. */
TEST(print_is_bounded_in_depth)
{
	struct arena a = ARENA_INIT;
	Google__Any *any = PB_NEW(&a, Google__Any);

	for (unsigned i = 0; i < 2 * JSON_MAX_DEPTH; i++)
		any = PB_ANY(&a, any);
	CHECK(strstr(to_json(&a, &any->base), "\"value\":null}"));
	arena_fini(&a);
}

TEST(any_with_bad_bytes_prints_them)
{
	struct arena a = ARENA_INIT;
	Google__Any any = { .base = { &Google__Any__DESC, 0, NULL },
			    .type_url = Core__Node__URL,
			    .value = { .len = 2, .data = (uint8_t[]){ 0x0a, 0xff } } };

	CHECK_STR(
		to_json(&a, &any.base),
		"{\"@type\":\"type.googleapis.com/envoy.config.core.v3.Node\",\"value\":\"Cv8=\"}");
	arena_fini(&a);
}

TEST(base64_both_ways)
{
	static const struct {
		const char *text;
		const char *bytes; /* NULL: no base64 */
	} rows[] = {
		{ "", "" },         { "Zg==", "f" },        { "Zm8=", "fo" },
		{ "Zm9v", "foo" },  { "Zm9vYg==", "foob" }, { "Zg", "f" },
		{ "Zm8", "fo" },    { "Z", NULL },          { "Zg=", NULL },
		{ "=", NULL },      { "====", NULL },       { "Zm9v====", NULL },
		{ "Zm\n9v", NULL }, { "Zm9v=", NULL },      { "Z===", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a = ARENA_INIT;
		uint8_t *bytes;
		size_t n;
		bool ok = base64_decode(&a, rows[i].text, &bytes, &n);

		if (!CHECK_INT(ok, rows[i].bytes != NULL)) {
			test_check_str(rows[i].text, "", __FILE__, __LINE__, "row");
		} else if (ok) {
			CHECK(n == strlen(rows[i].bytes) && !memcmp(bytes, rows[i].bytes, n));
			if (strlen(rows[i].text) % 4 == 0)
				CHECK_STR(base64_encode(&a, bytes, n), rows[i].text);
		}
		arena_fini(&a);
	}
}
