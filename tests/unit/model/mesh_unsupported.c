/* Settings of the mesh config that have no effect are named; those that hold without a word, and those that count, are not. */
#include "base/buf.h"
#include "doc/read.h"
#include "harness.h"
#include "model/mesh.h"
#include "schema/object.h"

#include <string.h>

static void check(const char *yaml, const char *want, int line)
{
	struct arena a = ARENA_INIT;
	struct buf text = BUF_INIT;
	struct diag diag = DIAG_INIT;
	struct docs docs = { 0 };
	struct harness *h = harness_new(NULL, NULL);

	yaml_read(yaml, strlen(yaml), "mesh.yaml", &a, &docs, &diag);
	CHECK(mesh_config_set(harness_world(h), docs.n ? docs.v[0] : NULL, &diag));
	CHECK_INT(diag.n_errors, 0);
	for (uint32_t i = 0; i < diag.n; i++)
		buf_printf(&text, "%s ", diag.v[i].path);
	test_check_str(buf_str(&text), want, __FILE__, line, "fields");
	harness_free(h);
	diag_fini(&diag);
	buf_fini(&text);
	arena_fini(&a);
}
#define NAMED(yaml, want) check(yaml, want, __LINE__)

TEST(mesh_unsupported)
{
	NAMED("{}", "");
	NAMED("accessLogFile: /x\nconnectTimeout: 3s\ntrustDomain: a.b\n", "");
	NAMED("verifyCertificateAtClient: true\n", "verifyCertificateAtClient ");
	NAMED("enablePrometheusMerge: true\n", "");
	NAMED("enablePrometheusMerge: false\n", "enablePrometheusMerge ");
	/* As compiled in: nobody need be told. */
	NAMED("defaultConfig: {discoveryAddress: 'istiod.istio-system.svc:15012', drainDuration: "
	      "45s}\n",
	      "");
	NAMED("defaultConfig: {concurrency: 0, drainDuration: 46s, tracing: {sampling: 3}}\n",
	      "defaultConfig.concurrency defaultConfig.drainDuration ");
	NAMED("defaultConfig: {tracing: {zipkin: {address: 'z:1'}}, proxyHeaders: {server: {value: "
	      "x}}, connectionSettings: {listenerConnectionLimit: 3, httpIdleTimeout: 1s}}\n",
	      "defaultConfig.connectionSettings.listenerConnectionLimit "
	      "defaultConfig.tracing.zipkin ");
	NAMED("extensionProviders:\n- {name: z, zipkin: {service: s, port: 1}}\n"
	      "- {name: l, lightstep: {service: s, port: 1}}\n"
	      "- {name: s, skywalking: {service: s, port: 1, accessToken: t}}\n",
	      "extensionProviders[4].lightstep extensionProviders[5].skywalking.accessToken ");
	NAMED("caCertificates: [{pem: x, trustDomains: [a]}, {trustDomains: [b]}]\n",
	      "caCertificates[0].pem ");
}

/* Every path of the table is one of the schema: else the walk asserts. */
TEST(mesh_unsupported_paths)
{
	struct arena a = ARENA_INIT;
	struct mesh_config mesh = *mesh_defaults(&a);
	struct mesh_proxy_config proxy = *mesh.default_config;
	struct connection_settings settings = { 0 };
	struct mesh_tracing tracing = { 0 };
	struct sky_walking_tracing_provider sky = { 0 };
	struct extension_provider providers[4];
	struct certificate_data certificate = { 0 };
	struct diag diag = DIAG_INIT;

	memcpy(providers, mesh.extension_providers.v, 3 * sizeof *providers);
	providers[3] = (struct extension_provider){ .name = "s", .skywalking = &sky };
	mesh.extension_providers.v = providers;
	mesh.extension_providers.n = 4;
	mesh.ca_certificates.v = &certificate;
	mesh.ca_certificates.n = 1;
	proxy.connection_settings = &settings;
	proxy.tracing = &tracing;
	mesh.default_config = &proxy;
	mesh_unsupported(&mesh, &diag);
	CHECK_INT(diag.n, 0);
	diag_fini(&diag);
	arena_fini(&a);
}
