/* MeshConfig: defaults, layers, groups, and that an edit reaches only who read its group. */
#include "model/mesh.h"
#include "base/buf.h"
#include "doc/read.h"
#include "harness.h"
#include "schema/object.h"

#include <string.h>

TEST(mesh_every_field_has_a_group)
{
	for (uint32_t i = 0; i < mesh_config_type.n_fields; i++)
		if (!CHECK(mesh_group_of(mesh_config_type.fields[i].offset)))
			test_check(false, __FILE__, __LINE__, mesh_config_type.fields[i].json);
}

TEST(mesh_defaults)
{
	struct harness *h = harness_new(NULL, NULL);
	const struct mesh_config *c = mesh_config_now(harness_world(h));

	CHECK_INT(c->proxy_listen_port.v, 15001);
	CHECK_INT(c->connect_timeout.v, 10000000000);
	CHECK_INT(c->dns_refresh_rate.v, 60000000000);
	CHECK_STR(c->trust_domain, "cluster.local");
	CHECK_STR(c->root_namespace, "istio-system");
	CHECK_INT(c->outbound_traffic_policy->mode, MESH_OUTBOUND_TRAFFIC_POLICY_MODE_ALLOW_ANY);
	CHECK(c->enable_auto_mtls.v && c->locality_lb_setting->enabled.v);
	CHECK_INT(c->extension_providers.n, 3);
	CHECK_STR(c->default_config->service_cluster, "istio-proxy");
	CHECK_INT(c->default_service_export_to.n, 1);
	harness_free(h);
}

TEST(mesh_user_over_defaults)
{
	struct harness *h =
		harness_new(NULL, "connectTimeout: 3s\n"
				  "outboundTrafficPolicy: {}\n"
				  "accessLogFile: /dev/stdout\n"
				  "defaultConfig: {proxyMetadata: {A: '1'}, concurrency: 2}\n"
				  "extensionProviders:\n"
				  "- {name: envoy, envoyFileAccessLog: {path: /tmp/x}}\n"
				  "- {name: zip, zipkin: {service: z.example.com, port: 9411}}\n");
	const struct mesh_config *c = mesh_config_now(harness_world(h));

	CHECK_INT(c->connect_timeout.v, 3000000000);
	/* a message replaces a message: its mode is the enum's first again */
	CHECK_INT(c->outbound_traffic_policy->mode,
		  MESH_OUTBOUND_TRAFFIC_POLICY_MODE_REGISTRY_ONLY);
	CHECK_STR(c->access_log_file, "/dev/stdout");
	/* the proxy config is merged */
	CHECK_INT(c->default_config->concurrency.v, 2);
	CHECK_STR(str_map_get(&c->default_config->proxy_metadata, "A"), "1");
	CHECK_INT(c->default_config->proxy_admin_port.v, 15000);
	/* providers by name, in place */
	if (CHECK_INT(c->extension_providers.n, 4)) {
		CHECK_STR(c->extension_providers.v[2].name, "envoy");
		CHECK_STR(c->extension_providers.v[2].envoy_file_access_log->path, "/tmp/x");
		CHECK_STR(c->extension_providers.v[3].name, "zip");
	}
	harness_free(h);
}

TEST(mesh_layers)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	static const char shared[] =
		"{\"trustDomainAliases\": [\"b\", \"a\"],"
		" \"connectTimeout\": \"2s\", \"dnsRefreshRate\": \"5s\","
		" \"defaultConfig\": {\"proxyMetadata\": {\"A\": \"1\", \"B\": \"1\"},"
		"  \"proxyHeaders\": {\"attemptCount\": {\"disabled\": true}}}}";
	static const char own[] = "{\"trustDomainAliases\": [\"c\", \"a\"],"
				  " \"connectTimeout\": \"4s\","
				  " \"defaultConfig\": {\"proxyMetadata\": {\"B\": \"2\"},"
				  "  \"proxyHeaders\": {\"server\": {\"value\": \"x\"}}}}";
	struct harness *h = harness_new(NULL, NULL);
	struct diag diag = DIAG_INIT;
	const struct node *docs[] = {
		json_read(shared, strlen(shared), NULL, &a, &diag),
		json_read(own, strlen(own), NULL, &a, &diag),
	};
	const struct mesh_config *c;

	CHECK(mesh_config_set_layers(harness_world(h), docs, 2, &diag));
	c = mesh_config_now(harness_world(h));
	CHECK_INT(c->connect_timeout.v, 4000000000);
	CHECK_INT(c->dns_refresh_rate.v, 5000000000);
	if (CHECK_INT(c->trust_domain_aliases.n, 3)) {
		CHECK_STR(c->trust_domain_aliases.v[0], "a");
		CHECK_STR(c->trust_domain_aliases.v[2], "c");
	}
	CHECK_STR(str_map_get(&c->default_config->proxy_metadata, "A"), "1");
	CHECK_STR(str_map_get(&c->default_config->proxy_metadata, "B"), "2");
	CHECK(c->default_config->proxy_headers->attempt_count->disabled.v);
	CHECK_STR(c->default_config->proxy_headers->server->value, "x");
	diag_fini(&diag);
	harness_free(h);
}

static void read_timeout(struct run *run, void *ctx)
{
	*(int64_t *)ctx = mesh_get(run, connect_timeout).v;
}

static void read_log(struct run *run, void *ctx)
{
	*(const char **)ctx = mesh_get(run, access_log_file);
}

TEST(mesh_edits_reach_their_group_only)
{
	struct harness *h = harness_new(NULL, NULL);
	int64_t timeout = 0;
	const char *log = NULL;

	harness_watch(h, 0, read_timeout, &timeout);
	harness_watch(h, 0, read_log, &log);
	CHECK_INT(timeout, 10000000000);
	harness_mesh(h, "accessLogFile: /dev/stdout");
	CHECK_INT(harness_commit(h), 1);
	CHECK_STR(log, "/dev/stdout");
	harness_mesh(h, "{accessLogFile: /dev/stdout, connectTimeout: 1s}");
	CHECK_INT(harness_commit(h), 1);
	CHECK_INT(timeout, 1000000000);
	harness_mesh(h, "{connectTimeout: 1s, accessLogFile: /dev/stdout}");
	CHECK_INT(harness_commit(h), 0);
	/* over many epochs, with groups that point at different ones */
	for (int i = 0; i < 20; i++) {
		harness_mesh(h, i % 2 ? "connectTimeout: 1s" : "accessLogFile: /x");
		harness_commit(h);
	}
	CHECK_INT(timeout, 1000000000);
	CHECK_STR(log, "");
	harness_free(h);
}

TEST(mesh_bad_config_changes_nothing)
{
	static const char *const bad[] = {
		"connectTimeout: 2h",
		"connectTimeout: 1500us",
		"connectTimeout: [1]",
		"proxyListenPort: 70000",
		"trustDomain: a..b",
		"enableAutoMtls: maybe",
		"meshMTLS: {ecdhCurves: [P-256]}",
		"[]",
	};
	struct harness *h = harness_new(NULL, "connectTimeout: 7s");

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cleanup(arena_fini) struct arena a = ARENA_INIT;
		struct diag diag = DIAG_INIT;
		struct docs docs;

		CHECK(yaml_read(bad[i], strlen(bad[i]), "mesh.yaml", &a, &docs, &diag));
		if (CHECK_INT(docs.n, 1) &&
		    !CHECK(!mesh_config_set(harness_world(h), docs.v[0], &diag)))
			test_check(false, __FILE__, __LINE__, bad[i]);
		CHECK(diag.n_errors > 0);
		diag_fini(&diag);
	}
	CHECK_INT(mesh_config_now(harness_world(h))->connect_timeout.v, 7000000000);
	harness_free(h);
}

TEST(mesh_unknown_fields_are_warnings)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	static const char json[] = "{\"conectTimeout\": \"3s\", \"accessLogFile\": \"/x\"}";
	struct harness *h = harness_new(NULL, NULL);
	struct diag diag = DIAG_INIT;

	CHECK(mesh_config_set(harness_world(h), json_read(json, strlen(json), NULL, &a, &diag),
			      &diag));
	CHECK_INT(diag.n_warnings, 1);
	CHECK_INT(diag.n_errors, 0);
	CHECK_STR(mesh_config_now(harness_world(h))->access_log_file, "/x");
	diag_fini(&diag);
	harness_free(h);
}

TEST(mesh_proto_spelling)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	static const char both[] = "{\"connectTimeout\": \"2s\", \"connect_timeout\": \"3s\"}";
	struct harness *h = harness_new(
		NULL, "connect_timeout: 3s\n"
		      "mesh_mTLS: {min_protocol_version: TLSV1_3}\n"
		      "default_config: {gateway_topology: {num_trusted_proxies: 2}, "
		      "proxy_metadata: {a_b: c}}\n"
		      "extension_providers: [{name: x, envoy_file_access_log: {path: /x}}]\n");
	const struct mesh_config *c = mesh_config_now(harness_world(h));
	struct diag diag = DIAG_INIT;

	CHECK_INT(c->connect_timeout.v, 3000000000);
	CHECK_INT(c->mesh_mtls->min_protocol_version, TLS_CONFIG_MIN_PROTOCOL_VERSION_TLSV1_3);
	CHECK_INT(c->default_config->gateway_topology->num_trusted_proxies.v, 2);
	CHECK_STR(str_map_get(&c->default_config->proxy_metadata, "a_b"), "c");
	CHECK_STR(c->extension_providers.v[3].envoy_file_access_log->path, "/x");
	CHECK(mesh_config_set(harness_world(h), json_read(both, strlen(both), NULL, &a, &diag),
			      &diag));
	CHECK_INT(diag.n_warnings, 1);
	CHECK_INT(mesh_config_now(harness_world(h))->connect_timeout.v, 2000000000);
	diag_fini(&diag);
	harness_free(h);
}

static void read_networks(struct run *run, void *ctx)
{
	const struct mesh_networks *m = mesh_networks_read(run);

	*(int *)ctx = m ? (int)m->networks.n : -1;
}

TEST(mesh_networks)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	static const char bad[] =
		"{\"networks\": {\"n\": {\"endpoints\": [{\"fromCidr\": \"x\"}]}}}";
	struct harness *h = harness_new(NULL, NULL);
	struct diag diag = DIAG_INIT;
	int n = 0;

	harness_watch(h, 0, read_networks, &n);
	CHECK_INT(n, -1);
	harness_networks(h, "networks: {n1: {endpoints: [{fromCidr: 10.0.0.0/8}]}, n2: {}}");
	CHECK_INT(harness_commit(h), 1);
	CHECK_INT(n, 2);
	harness_networks(h, "networks: {n2: {}, n1: {endpoints: [{fromCidr: 10.0.0.0/8}]}}");
	CHECK_INT(harness_commit(h), 0);
	CHECK(!mesh_networks_set(harness_world(h), json_read(bad, strlen(bad), NULL, &a, &diag),
				 &diag));
	CHECK_INT(diag.n_errors, 1);
	diag_fini(&diag);
	CHECK_INT(harness_commit(h), 0);
	harness_networks(h, NULL);
	CHECK_INT(harness_commit(h), 1);
	CHECK_INT(n, -1);
	harness_free(h);
}
