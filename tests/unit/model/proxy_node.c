/* How a node message is read: its id, addresses, version and the types and sizes of its metadata. */
#include "base/buf.h"
#include "base/err.h"
#include "doc/read.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

static bool parse(const char *id, const char *metadata, struct arena *a, struct proxy_node_text *t,
		  struct err *e)
{
	struct diag diag = DIAG_INIT;
	struct proxy_node_input in = { .id = id };

	in.metadata = metadata ? json_read(metadata, strlen(metadata), NULL, a, &diag) : NULL;
	CHECK_INT(diag.n, 0);
	diag_fini(&diag);
	return proxy_node_parse(&in, a, t, e);
}

#define ID "sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local"

TEST(proxy_node_ids)
{
	static const char *const bad[] = {
		"",
		"sidecar~10.0.0.1~web-1.shop",
		"sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local~x",
		"car~10.0.0.1~web-1.shop~shop.svc.cluster.local",
		"sidecar~nowhere~web-1.shop~shop.svc.cluster.local",
	};
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct proxy_node_text t;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		e.text[0] = '\0';
		CHECK(!parse(bad[i], NULL, &a, &t, &e));
		CHECK(e.text[0]);
	}
	if (!CHECK(parse(ID, NULL, &a, &t, &e)))
		return;
	CHECK_INT(t.type, PROXY_SIDECAR);
	CHECK_STR(t.ns, "shop");
	CHECK_STR(t.pod, "web-1");
	CHECK_STR(t.dns_domain, "shop.svc.cluster.local");
	CHECK_INT(t.n_ips, 1);
	CHECK_INT(t.ip_family, 1);
	CHECK_INT(t.version, 0xffffffff);
	CHECK_INT(t.extensions, (1 << EXT_COUNT) - 1);
	CHECK_INT(t.mode, MODE_REDIRECT);
	CHECK(!t.proxy_config);
	/* one label in the domain gives no namespace, and a pod of another namespace is none of ours */
	CHECK(parse("router~10.0.0.1~gw.istio-ingress~local", NULL, &a, &t, &e));
	CHECK_STR(t.ns, "");
	CHECK_STR(t.pod, "");
	CHECK(parse("router~::1~gw.other~x.local", NULL, &a, &t, &e));
	CHECK_STR(t.pod, "");
	CHECK_INT(t.ip_family, 2 | 4);
}

TEST(proxy_node_addresses)
{
	static const struct {
		const char *list;
		uint32_t n, family;
		const char *first;
	} rows[] = {
		{ "10.0.0.2,fd00::1", 2, 3, "10.0.0.2" },
		{ "fd00::1,10.0.0.2", 2, 7, "fd00::1" },
		{ "10.0.0.2,bad", 1, 1, "10.0.0.1" },
		{ "", 1, 1, "10.0.0.1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(arena_fini) struct arena a = ARENA_INIT;
		struct proxy_node_text t;
		struct err e;

		CHECK(parse(ID, arena_printf(&a, "{\"INSTANCE_IPS\": \"%s\"}", rows[i].list), &a,
			    &t, &e));
		CHECK_INT(t.n_ips, rows[i].n);
		CHECK_INT(t.ip_family, rows[i].family);
		CHECK_STR(t.ips[0], rows[i].first);
	}
}

TEST(proxy_node_versions)
{
	static const struct {
		const char *text;
		uint32_t version, patch;
	} rows[] = {
		{ "1.20.3", 1 << 16 | 20, 3 },       { "release-1.9", 1 << 16 | 9, 65535 },
		{ "1.33-dev", 1 << 16 | 33, 65535 }, { "11.0.1-alpha", 11 << 16, 1 },
		{ "master", 0xffffffff, 65535 },     { "10.1", 0xffffffff, 65535 },
		{ "", 0xffffffff, 65535 },           { "1.", 0xffffffff, 65535 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(arena_fini) struct arena a = ARENA_INIT;
		struct proxy_node_text t;
		struct err e;

		CHECK(parse(ID, arena_printf(&a, "{\"ISTIO_VERSION\": \"%s\"}", rows[i].text), &a,
			    &t, &e));
		CHECK_INT(t.version, rows[i].version);
		CHECK_INT(t.patch, rows[i].patch);
	}
}

TEST(proxy_node_metadata)
{
	static const char json[] =
		"{\"NAMESPACE\": \"shop\", \"CLUSTER_ID\": \"c1\", \"NETWORK\": \"n1\","
		" \"LABELS\": {\"b\": \"2\", \"a\": \"1\"}, \"DNS_CAPTURE\": \"true\","
		" \"DNS_AUTO_ALLOCATE\": \"0\", \"HTTP10\": \"1\", \"UNPRIVILEGED_POD\": \"yes\","
		" \"INTERCEPTION_MODE\": \"NONE\", \"TLS_CLIENT_CERT_CHAIN\": \"/c.pem\","
		" \"ENVOY_STATUS_PORT\": 15021, \"ENVOY_PROMETHEUS_PORT\": 15090.0,"
		" \"credential\": \"true\", \"IDLE_TIMEOUT\": \"\", \"ISTIO_VERSION\": null,"
		" \"POD_PORTS\": \"[{\\\"name\\\":\\\"http\\\",\\\"containerPort\\\":8080,"
		"\\\"protocol\\\":\\\"TCP\\\"},{\\\"containerPort\\\":53,\\\"protocol\\\":"
		"\\\"UDP\\\"}]\","
		" \"PROXY_CONFIG\": {\"serviceCluster\": \"web.shop\", \"future\": [1],"
		"  \"proxyMetadata\": {\"X\": \"1\"}, \"gatewayTopology\": {\"numTrustedProxies\": "
		"2}},"
		" \"SOMETHING_ELSE\": [1, {}]}";
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct proxy_node_text t;
	struct err e = ERR_INIT;

	if (!CHECK(parse(ID, json, &a, &t, &e))) {
		printf("%s\n", e.text);
		return;
	}
	CHECK_STR(t.cluster_id, "c1");
	CHECK_STR(t.network, "n1");
	CHECK_STR(t.labels.v[0].key, "a");
	CHECK_INT(t.mode, MODE_NONE);
	CHECK_INT(t.flags, 1 << FLAG_DNS_CAPTURE | 1 << FLAG_HTTP10 | 1 << FLAG_CREDENTIAL_SOCKET |
				   1 << FLAG_TLS_CLIENT_CERT);
	CHECK_STR(t.meta[META_ENVOY_STATUS_PORT], "15021");
	CHECK_STR(t.meta[META_ENVOY_PROMETHEUS_PORT], "15090");
	CHECK_STR(t.meta[META_TLS_CLIENT_CERT_CHAIN], "/c.pem");
	CHECK(!t.meta[META_IDLE_TIMEOUT]);
	CHECK_STR(t.pod_ports, "http\t8080\tTCP\n\t53\tUDP\n");
	/* what is the application's own is not kept */
	CHECK_STR(t.proxy_config, "{\"gatewayTopology\":{\"numTrustedProxies\":2}}");
}

TEST(proxy_node_wrong_types)
{
	static const char *const bad[] = {
		"{\"NAMESPACE\": 1}",
		"{\"LABELS\": \"a\"}",
		"{\"LABELS\": {\"a\": 1}}",
		"{\"ANNOTATIONS\": []}",
		"{\"DNS_CAPTURE\": true}",
		"{\"DNS_CAPTURE\": \"on\"}",
		"{\"HTTP10\": 1}",
		"{\"POD_PORTS\": []}",
		"{\"POD_PORTS\": \"{}\"}",
		"{\"POD_PORTS\": \"[{\\\"containerPort\\\": \\\"x\\\"}]\"}",
		"{\"PROXY_CONFIG\": \"x\"}",
		"{\"PROXY_CONFIG\": {\"statusPort\": []}}",
		"{\"ENVOY_STATUS_PORT\": \"15021\"}",
		"{\"ENVOY_STATUS_PORT\": 1.5}",
		"{\"INSTANCE_IPS\": [\"10.0.0.1\"]}",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cleanup(arena_fini) struct arena a = ARENA_INIT;
		struct proxy_node_text t;
		struct err e = ERR_INIT;

		if (!CHECK(!parse(ID, bad[i], &a, &t, &e)))
			printf("%s\n", bad[i]);
		CHECK(e.text[0]);
	}
}

TEST(proxy_node_sizes)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	cleanup(buf_fini) struct buf b = BUF_INIT;
	struct proxy_node_text t;
	struct err e;

	buf_puts(&b, "{\"NETWORK\": \"");
	for (int i = 0; i < 5000; i++)
		buf_putc(&b, 'x');
	buf_puts(&b, "\"}");
	CHECK(!parse(ID, buf_str(&b), &a, &t, &e));
	buf_reset(&b);
	buf_puts(&b, "{\"LABELS\": {");
	for (int i = 0; i < 600; i++)
		buf_printf(&b, "%s\"k%d\": \"v\"", i ? "," : "", i);
	buf_puts(&b, "}}");
	CHECK(!parse(ID, buf_str(&b), &a, &t, &e));
}
