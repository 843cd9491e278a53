/* google.protobuf.Struct: building in order, reading in any order, and documents both ways. */
#include "base/err.h"
#include "help.h"
#include <string.h>

TEST(struct_keeps_order_and_replaces)
{
	struct arena a = ARENA_INIT;
	Google__Struct *s = pb_struct(&a), *inner = pb_struct(&a);
	Google__ListValue *l = pb_list(&a);

	pb_list_add(&a, l, pb_value_num(&a, 0));
	pb_list_add(&a, l, pb_value_null(&a));
	pb_list_add(&a, l, pb_value_str(&a, NULL));
	pb_struct_set_str(&a, s, "z", "old");
	pb_struct_set_num(&a, s, "m", 1.5);
	pb_struct_set_list(&a, s, "a", l);
	pb_struct_set_bool(&a, s, "n", false);
	pb_struct_set_struct(&a, s, "", inner);
	pb_struct_set_str(&a, s, "z", "new");
	CHECK_STR(to_json(&a, &s->base),
		  "{\"\":{},\"a\":[0,null,\"\"],\"m\":1.5,\"n\":false,\"z\":\"new\"}");
	arena_fini(&a);
}

/* An empty string and a zero in a Value are there on the wire too. */
TEST(struct_survives_the_wire)
{
	static const char text[] = "{\"a\":\"\",\"b\":0,\"c\":false,\"d\":null,\"e\":{},\"f\":[],"
				   "\"g\":[[1,{\"x\":\"y\"}]]}";
	struct arena a = ARENA_INIT;
	ProtobufCMessage *s = from_json(&a, "google.protobuf.Struct", text);
	ProtobufCBinaryData b;

	if (CHECK(s)) {
		b = pb_pack(&a, s);
		s = pb_unpack(&a, &Google__Struct__DESC, b.data, b.len, 1 << 16, NULL);
		CHECK(s && str_eq(to_json(&a, s), text));
	}
	arena_fini(&a);
}

TEST(struct_reads_by_kind)
{
	struct arena a = ARENA_INIT;
	Google__Struct *s = pb_struct_from_node(
		&a, json(&a, "{\"s\":\"x\",\"n\":1,\"o\":{\"k\":\"v\"},\"l\":[1],\"e\":\"\"}"));

	CHECK_STR(pb_struct_get_str(s, "s"), "x");
	CHECK_STR(pb_struct_get_str(s, "e"), "");
	CHECK(!pb_struct_get_str(s, "n"));
	CHECK(!pb_struct_get_str(s, "gone"));
	CHECK(!pb_struct_get_str(NULL, "s"));
	CHECK_STR(pb_struct_get_str(pb_struct_get_struct(s, "o"), "k"), "v");
	CHECK(!pb_struct_get_struct(s, "l"));
	CHECK_INT(pb_struct_get_list(s, "l")->n_values, 1);
	CHECK(!pb_struct_get_list(s, "o"));
	CHECK(!pb_struct_from_node(&a, json(&a, "[]")));
	arena_fini(&a);
}

/* Over the wire keys come in any order and more than once: the last one counts, for readers, nodes and JSON alike. */
TEST(struct_from_the_wire_may_be_out_of_order)
{
	static const char bytes[] = "\x0a\x08\x0a\x01z\x12\x03\x1a\x01"
				    "1"
				    "\x0a\x08\x0a\x01"
				    "a\x12\x03\x1a\x01"
				    "2"
				    "\x0a\x08\x0a\x01z\x12\x03\x1a\x01"
				    "3";
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	Google__Struct *s = PB_UNPACK(&a, Google__Struct, bytes, sizeof bytes - 1, 1 << 16, &e);

	if (CHECK(s)) {
		CHECK_INT(s->n_fields, 2);
		CHECK_STR(pb_struct_get_str(s, "z"), "3");
		CHECK_STR(to_json(&a, &s->base), "{\"a\":\"2\",\"z\":\"3\"}");
		CHECK_INT(pb_struct_to_node(&a, s)->n, 2);
		CHECK_STR(node_str(pb_struct_to_node(&a, s), "z"), "3");
	} else {
		test_check(false, __FILE__, __LINE__, e.text);
	}
	arena_fini(&a);
}

TEST(struct_to_node_and_back)
{
	static const char *const rows[] = {
		"{}",
		"{\"a\":1,\"b\":-1.25,\"c\":\"x\",\"d\":true,\"e\":null,\"f\":[],\"g\":{\"h\":[{}]}"
		"}",
		"{\"big\":1e300,\"exact\":9007199254740991,\"zero\":0}",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a = ARENA_INIT;
		const struct node *n = json(&a, rows[i]);
		Google__Struct *s = pb_struct_from_node(&a, n);
		const struct node *back = pb_struct_to_node(&a, s);

		CHECK(node_equal(n, back));
		CHECK_STR(to_json(&a, &s->base), to_json(&a, &pb_struct_from_node(&a, back)->base));
		arena_fini(&a);
	}
}

TEST(typed_struct_prints_its_value)
{
	struct arena a = ARENA_INIT;
	Google__Struct *s = pb_struct(&a);
	Google__Any *any;

	pb_struct_set_str(&a, s, "protocol", "istio-peer-exchange");
	any = pb_typed_struct(&a, MetadataExchange__MetadataExchange__URL, s);
	CHECK_STR(to_json(&a, &any->base),
		  "{\"@type\":\"type.googleapis.com/udpa.type.v1.TypedStruct\",\"typeUrl\":"
		  "\"type.googleapis.com/envoy.tcp.metadataexchange.config.MetadataExchange\","
		  "\"value\":{\"protocol\":\"istio-peer-exchange\"}}");
	arena_fini(&a);
}
