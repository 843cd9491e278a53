/* Which settings of the mesh config are taken and then do nothing: the table is the list, and a setting that differs from
 * what holds without it is named, with the reason.
 */
#include "model/mesh.h"
#include "schema/object.h"

#include <assert.h>
#include <string.h>

static const char agent[] =
	"it is for the injector, the agent or Envoy's bootstrap, and is not handed on to them";
static const char nothing[] = "nothing is made from it";
static const char roots[] = "roots are not handed to proxies";
static const char ambient[] = "the ambient mode is not supported";
static const char custom[] = "AuthorizationPolicies with the action CUSTOM are not applied";
static const char gone[] = "Envoy does not have such a tracer any more";

/* By path; "[]" stands for each element. */
static const struct row {
	const char *path, *why;
} rows[] = {
	{ "ca", nothing },
	{ "caCertificates[].certSigners", roots },
	{ "caCertificates[].pem", roots },
	{ "caCertificates[].spiffeBundleUrl", roots },
	{ "certificates", nothing },
	{ "configSources", "sources are given on the command line" },
	{ "defaultConfig.availabilityZone", nothing },
	{ "defaultConfig.binaryPath", agent },
	{ "defaultConfig.caCertificatesPem", roots },
	{ "defaultConfig.concurrency", agent },
	{ "defaultConfig.configPath", agent },
	{ "defaultConfig.connectionSettings.clusterPerConnectionBufferLimitBytes",
	  "clusters have no such limit" },
	{ "defaultConfig.connectionSettings.globalDownstreamConnectionLimit", agent },
	{ "defaultConfig.connectionSettings.listenerConnectionLimit", agent },
	{ "defaultConfig.controlPlaneAuthPolicy", agent },
	{ "defaultConfig.customConfigFile", agent },
	{ "defaultConfig.discoveryAddress", agent },
	{ "defaultConfig.discoveryRefreshDelay", nothing },
	{ "defaultConfig.drainDuration", agent },
	{ "defaultConfig.envoyAccessLogService", agent },
	{ "defaultConfig.envoyMetricsService", agent },
	{ "defaultConfig.envoyMetricsServiceAddress", agent },
	{ "defaultConfig.extraStatTags", agent },
	{ "defaultConfig.fileFlushInterval", agent },
	{ "defaultConfig.fileFlushMinSizeKb", agent },
	{ "defaultConfig.holdApplicationUntilProxyStarts", agent },
	{ "defaultConfig.image", agent },
	{ "defaultConfig.interceptionMode", agent },
	{ "defaultConfig.meshId", agent },
	{ "defaultConfig.privateKeyProvider", "private keys are used as they are" },
	{ "defaultConfig.proxyAdminPort", agent },
	{ "defaultConfig.proxyBootstrapTemplatePath", agent },
	{ "defaultConfig.proxyMetadata", agent },
	{ "defaultConfig.proxyStatsMatcher", agent },
	{ "defaultConfig.readinessProbe", agent },
	{ "defaultConfig.runtimeValues", agent },
	{ "defaultConfig.sds", nothing },
	{ "defaultConfig.serviceCluster", agent },
	{ "defaultConfig.statNameLength", agent },
	{ "defaultConfig.statsCompression", agent },
	{ "defaultConfig.statsdUdpAddress", agent },
	{ "defaultConfig.statusPort", agent },
	{ "defaultConfig.terminationDrainDuration", agent },
	{ "defaultConfig.tracing.datadog", agent },
	{ "defaultConfig.tracing.lightstep", gone },
	{ "defaultConfig.tracing.openCensusAgent", gone },
	{ "defaultConfig.tracing.stackdriver", gone },
	{ "defaultConfig.tracing.tlsSettings", agent },
	{ "defaultConfig.tracing.zipkin", agent },
	{ "defaultConfig.tracingServiceName", agent },
	{ "defaultConfig.zipkinAddress", agent },
	{ "enablePrometheusMerge", agent },
	{ "extensionProviders[].envoyExtAuthzGrpc", custom },
	{ "extensionProviders[].envoyExtAuthzHttp", custom },
	{ "extensionProviders[].lightstep", gone },
	{ "extensionProviders[].opencensus", gone },
	{ "extensionProviders[].skywalking.accessToken", "Envoy is not told the token" },
	{ "extensionProviders[].stackdriver", "neither metrics nor logs nor traces go there" },
	{ "hboneIdleTimeout", ambient },
	{ "serviceScopeConfigs", ambient },
	{ "verifyCertificateAtClient", nothing },
};

struct walk {
	const struct row *row;
	struct diag *diag;
	struct arena *a;
};

static const struct field *field_of(const struct struct_type *t, const char *name, size_t len)
{
	for (uint32_t i = 0; i < t->n_fields; i++)
		if (!strncmp(t->fields[i].json, name, len) && !t->fields[i].json[len])
			return &t->fields[i];
	assert(!"a path of the table names a field");
	return NULL;
}

/* Of the field alone: as if all others were absent. NULL: all are. */
static struct hash128 hash_of(const struct struct_type *t, const struct field *f, const void *v)
{
	void *only = xcalloc(1, t->size);
	struct hash128 h;

	if (v)
		mesh_field_copy(f, only, v);
	h = struct_hash(t, only);
	xfree(only);
	return h;
}

static const void *element(const struct field *f, const void *list, uint32_t i)
{
	const struct str_list *l = list; /* one layout for all lists */

	return list && i < l->n ? (const char *)(const void *)l->v + (size_t)i * f->of->size : NULL;
}

/* v is there, preset may be NULL. `done` is the path so far, `rest` what is left of the row's. */
static void check(const struct walk *w, const struct struct_type *t, const void *v,
		  const void *preset, const char *done, const char *rest)
{
	size_t len = strcspn(rest, ".[");
	const struct field *f = field_of(t, rest, len);
	const void *mine = (const char *)v + f->offset;
	const void *other = preset ? (const char *)preset + f->offset : NULL;
	const char *path = arena_printf(w->a, "%s%.*s", done, (int)len, rest);

	rest += len;
	if (!*rest) {
		if (!hash128_eq(hash_of(t, f, v), hash_of(t, f, preset)))
			diag_warn(w->diag, (struct place){ 0 }, path, "no effect: %s", w->row->why);
	} else if (*rest == '[') {
		for (uint32_t i = 0; i < ((const struct str_list *)mine)->n; i++)
			check(w, f->of, element(f, mine, i), element(f, other, i),
			      arena_printf(w->a, "%s[%u].", path, i), rest + strlen("[]."));
	} else if (*(const void *const *)mine) {
		check(w, f->of, *(const void *const *)mine,
		      other ? *(const void *const *)other : NULL, arena_printf(w->a, "%s.", path),
		      rest + 1);
	}
}

void mesh_unsupported(const struct mesh_config *mesh, struct diag *diag)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	const struct mesh_config *preset = mesh_defaults(&a);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct walk w = { &rows[i], diag, &a };

		check(&w, &mesh_config_type, mesh, preset, "", rows[i].path);
	}
}
