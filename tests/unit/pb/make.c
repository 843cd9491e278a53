/* Making messages, maps, Any, and the table of types. */
#include "base/buf.h"
#include "base/err.h"
#include "help.h"
#include <string.h>

TEST(new_message_has_defaults)
{
	struct arena a = ARENA_INIT;
	Core__SocketAddress *s = PB_NEW(&a, Core__SocketAddress);

	CHECK(PB_IS(&s->base, Core__SocketAddress));
	CHECK(!s->address);
	CHECK_INT(PB_PACK(&a, s).len, 0);
	s = PB_NEW(&a, Core__SocketAddress, .address = "10.0.0.1",
		   .port_specifier_case = CORE__SOCKET_ADDRESS__PORT_SPECIFIER_PORT_VALUE);
	CHECK_STR(to_json(&a, &s->base), "{\"address\":\"10.0.0.1\",\"portValue\":0}");
	CHECK(PB_IS(pb_new(&a, &Core__SocketAddress__DESC), Core__SocketAddress));
	arena_fini(&a);
}

TEST(push_keeps_what_was_there)
{
	struct arena a = ARENA_INIT;
	Endpoint__ClusterLoadAssignment *c = PB_NEW(&a, Endpoint__ClusterLoadAssignment);
	Listener__FilterChainMatch *m = PB_NEW(&a, Listener__FilterChainMatch);
	enum { MANY = 1000 };
	unsigned wrong = 0;

	for (unsigned i = 0; i < MANY; i++) {
		PB_PUSH(&a, c, endpoints, PB_NEW(&a, Endpoint__LocalityLbEndpoints, .priority = i));
		PB_PUSH(&a, m, source_ports, i);
		PB_PUSH(&a, m, server_names, arena_printf(&a, "%u", i));
	}
	CHECK_INT(c->n_endpoints, MANY);
	CHECK_INT(m->n_source_ports, MANY);
	for (unsigned i = 0; i < MANY; i++)
		wrong += c->endpoints[i]->priority != i || m->source_ports[i] != i ||
			 !str_eq(m->server_names[i], arena_printf(&a, "%u", i));
	CHECK_INT(wrong, 0);
	arena_fini(&a);
}

TEST(map_is_sorted_and_the_last_of_equal_keys_stays)
{
	static const struct {
		const char *keys, *sorted; /* one letter each; the values are their places */
	} rows[] = {
		{ "", "" },     { "a", "a0" },         { "ab", "a0b1" },  { "ba", "a1b0" },
		{ "aa", "a1" }, { "cabac", "a3b2c4" }, { "zzzzz", "z4" }, { "dcba", "a3b2c1d0" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a = ARENA_INIT;
		struct buf got = BUF_INIT;
		Stats__MetricConfig *m = PB_NEW(&a, Stats__MetricConfig);

		for (size_t k = 0; rows[i].keys[k]; k++)
			PB_PUSH(&a, m, dimensions,
				PB_NEW(&a, Stats__MetricConfig__DimensionsEntry,
				       .key = arena_strndup(&a, &rows[i].keys[k], 1),
				       .value = arena_printf(&a, "%zu", k)));
		PB_SORT_MAP(m, dimensions);
		for (size_t k = 0; k < m->n_dimensions; k++)
			buf_printf(&got, "%s%s", m->dimensions[k]->key, m->dimensions[k]->value);
		CHECK_STR(buf_str(&got), rows[i].sorted);
		buf_fini(&got);
		arena_fini(&a);
	}
}

TEST(duration_and_timestamp)
{
	static const struct {
		int64_t ns;
		const char *duration, *timestamp;
	} rows[] = {
		{ 0, "\"0s\"", "\"1970-01-01T00:00:00Z\"" },
		{ 1500000000, "\"1.500s\"", "\"1970-01-01T00:00:01.500Z\"" },
		{ 1, "\"0.000000001s\"", "\"1970-01-01T00:00:00.000000001Z\"" },
		{ 1000, "\"0.000001s\"", "\"1970-01-01T00:00:00.000001Z\"" },
		{ -1500000000, "\"-1.500s\"", "\"1969-12-31T23:59:58.500Z\"" },
		{ -1000000, "\"-0.001s\"", "\"1969-12-31T23:59:59.999Z\"" },
		{ 951782400000000000, "\"951782400s\"", "\"2000-02-29T00:00:00Z\"" },
		{ INT64_MAX, "\"9223372036.854775807s\"", "\"2262-04-11T23:47:16.854775807Z\"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a = ARENA_INIT;

		CHECK_STR(to_json(&a, &pb_duration(&a, rows[i].ns)->base), rows[i].duration);
		CHECK_STR(to_json(&a, &pb_timestamp(&a, rows[i].ns)->base), rows[i].timestamp);
		arena_fini(&a);
	}
}

TEST(any_knows_its_type)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	TcpProxy__TcpProxy *t = PB_NEW(&a, TcpProxy__TcpProxy, .stat_prefix = "x");
	Google__Any *any = PB_ANY(&a, t);
	ProtobufCMessage *back = pb_any_unpack(&a, any, 1 << 16, &e);

	CHECK_STR(any->type_url, TcpProxy__TcpProxy__URL);
	CHECK_STR(any->type_url,
		  "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy");
	CHECK(back && PB_IS(back, TcpProxy__TcpProxy));
	any->type_url = "type.googleapis.com/nobody.Knows";
	CHECK(!pb_any_unpack(&a, any, 1 << 16, &e));
	CHECK_STR(e.text, "unknown type \"type.googleapis.com/nobody.Knows\"");
	arena_fini(&a);
}

TEST(types_are_sorted_and_found)
{
	size_t n, wrong = 0;
	const struct pb_type *t = pb_types(&n);

	CHECK(n > 500);
	for (size_t i = 0; i < n; i++) {
		wrong += i && strcmp(t[i - 1].desc->name, t[i].desc->name) >= 0;
		wrong += pb_type_by_name(t[i].desc->name) != &t[i];
		wrong += pb_type_by_url(t[i].url) != &t[i];
	}
	CHECK_INT(wrong, 0);
	CHECK(pb_type_by_url("envoy.config.core.v3.Node"));
	CHECK(pb_type_by_url("any.host/with/a/path/envoy.config.core.v3.Node"));
	CHECK(!pb_type_by_url("type.googleapis.com/"));
	CHECK(!pb_type_by_url(""));
	CHECK(!pb_type_by_name("envoy.config.core.v3.Nod"));
}

TEST(filter_metadata_in_order_of_name)
{
	struct arena a = ARENA_INIT;
	Core__Metadata *md = NULL;

	pb_struct_set_str(&a, pb_filter_metadata(&a, &md, "istio"), "b", "1");
	pb_struct_set_bool(&a, pb_filter_metadata(&a, &md, "envoy.lb"), "canary", true);
	pb_struct_set_str(&a, pb_filter_metadata(&a, &md, "istio"), "a", "2");
	pb_filter_metadata(&a, &md, "z");
	CHECK_STR(to_json(&a, &md->base), "{\"filterMetadata\":{\"envoy.lb\":{\"canary\":true},"
					  "\"istio\":{\"a\":\"2\",\"b\":\"1\"},\"z\":{}}}");
	CHECK(PB_PACK(&a, md).len > 0);
	arena_fini(&a);
}

TEST(pack_appends_to_a_buffer_and_respects_its_ceiling)
{
	struct arena a = ARENA_INIT;
	struct buf b = BUF_INIT, small = BUF_INIT_MAX(4);
	Google__StringValue *s = pb_str(&a, "hello");

	buf_puts(&b, "x");
	pb_pack_buf(&b, &s->base);
	CHECK_INT(b.len, 8);
	CHECK(!memcmp(b.p, "x\x0a\x05hello", 8));
	pb_pack_buf(&small, &s->base);
	CHECK(small.overflow);
	buf_fini(&b);
	buf_fini(&small);
	arena_fini(&a);
}
