/* MeshConfig, MeshNetworks, and what a proxy says of itself. Mostly defaults, so that proxies differ in few things. */
#include "tests/property/mesh.h"
#include <stdio.h>
#include <string.h>

/* ---- MeshConfig: each line is in force now and then ---- */

static const struct {
	const char *field;
	uint32_t one_in;
	const char *values[4];
} settings[] = {
	{ "connectTimeout", 3, { "1s", "2s", "3s", "4s" } },
	{ "tcpKeepalive", 4, { "{probes: 3}", "{time: 5s}", "{}", "{interval: 7s}" } },
	{ "h2UpgradePolicy", 4, { "UPGRADE", "DO_NOT_UPGRADE", "UPGRADE", "UPGRADE" } },
	{ "outboundClusterStatName", 6, { "'%SERVICE%'", "'%SERVICE_FQDN%'", "stat", "other" } },
	{ "inboundClusterStatName", 6, { "'%SERVICE%'", "'%SERVICE_PORT%'", "stat", "other" } },
	{ "dnsRefreshRate", 4, { "5s", "6s", "7s", "8s" } },
	{ "protocolDetectionTimeout", 3, { "1s", "0s", "2s", "3s" } },
	{ "proxyHttpPort", 4, { "15002", "15003", "15002", "0" } },
	{ "proxyListenPort", 8, { "15011", "15001", "80", "9090" } },
	{ "pathNormalization",
	  3,
	  { "{normalization: NONE}", "{normalization: MERGE_SLASHES}", "{normalization: BASE}",
	    "{normalization: DECODE_AND_MERGE_SLASHES}" } },
	{ "accessLogFile", 2, { "/dev/stdout", "/a", "/b", "/dev/stderr" } },
	{ "accessLogEncoding", 3, { "JSON", "TEXT", "JSON", "TEXT" } },
	{ "enableTracing", 4, { "false", "true", "false", "true" } },
	{ "defaultHttpRetryPolicy",
	  3,
	  { "{attempts: 5}", "{attempts: 0}", "{retryOn: '5xx'}", "{attempts: 1}" } },
	{ "defaultInboundHttpRetryPolicy",
	  3,
	  { "{attempts: 5}", "{attempts: 0}", "{retryOn: '5xx'}", "{attempts: 1}" } },
	{ "outboundTrafficPolicy",
	  3,
	  { "{mode: REGISTRY_ONLY}", "{mode: ALLOW_ANY}", "{mode: ALLOW_ANY_DYNAMIC_DNS}",
	    "{mode: REGISTRY_ONLY}" } },
	{ "defaultServiceExportTo", 5, { "['.']", "['*']", "[app]", "['~']" } },
	{ "defaultVirtualServiceExportTo", 5, { "['.']", "['*']", "[app]", "[zoo]" } },
	{ "defaultDestinationRuleExportTo", 5, { "['.']", "['*']", "[app]", "['.']" } },
	{ "rootNamespace", 8, { "lab", "app", "lab", "istio-system" } },
	{ "serviceEntryVisibility",
	  6,
	  { "{applyToSidecars: true, defaultVisibility: NAMESPACE}",
	    "{applyToSidecars: true, policies: [{matchingRules: [{namespaceSelector: {matchLabels: "
	    "{env: prod}}}], visibility: NAMESPACE}]}",
	    "{applyToSidecars: true, policies: [{matchingRules: [{namespaceSelector: "
	    "{matchExpressions: [{key: env, operator: In, values: [test]}]}}], visibility: NONE}]}",
	    "{applyToSidecars: true, defaultVisibility: NONE}" } },
	{ "trustDomain", 3, { "td1", "td2", "cluster.local", "td1" } },
	{ "trustDomainAliases", 3, { "[td1]", "[td2, td3]", "[cluster.local]", "[td1, old]" } },
	{ "enableAutoMtls", 4, { "false", "true", "false", "false" } },
	{ "meshMTLS",
	  4,
	  { "{minProtocolVersion: TLSV1_3}", "{cipherSuites: [ECDHE-RSA-AES128-GCM-SHA256]}",
	    "{minProtocolVersion: TLSV1_2}", "{minProtocolVersion: TLSV1_3}" } },
	{ "tlsDefaults",
	  4,
	  { "{minProtocolVersion: TLSV1_3}", "{ecdhCurves: [P-256]}",
	    "{minProtocolVersion: TLSV1_2}", "{ecdhCurves: [P-384]}" } },
	{ "localityLbSetting",
	  3,
	  { "{enabled: false}", "{failover: [{from: r1, to: r2}]}", "{failoverPriority: [version]}",
	    "{distribute: [{from: 'r1/*', to: {'r2/*': 100}}]}" } },
	{ "inboundTrafficPolicy",
	  4,
	  { "{mode: LOCALHOST}", "{mode: PASSTHROUGH}", "{mode: LOCALHOST}",
	    "{mode: PASSTHROUGH}" } },
	{ "defaultConfig",
	  2,
	  { "{proxyHeaders: {attemptCount: {disabled: true}}}",
	    "{proxyHeaders: {preserveHttp1HeaderCase: true}}", "{tracing: {sampling: 5}}",
	    "{proxyHeaders: {requestId: {disabled: true}, forwardedClientCert: SANITIZE}}" } },
	{ "extensionProviders",
	  3,
	  { "[{name: outer, sds: {name: outer, service: a.x.com, port: 80}}]",
	    "[{name: log, envoyFileAccessLog: {path: /log}}, {name: trace, zipkin: {service: "
	    "web.app.svc.cluster.local, port: 80}}]",
	    "[{name: outer, sds: {name: outer, service: app/web.app.svc.cluster.local, port: "
	    "9090}}]",
	    "[{name: log, envoyOtelAls: {service: b.x.com, port: 80}}, {name: otel, opentelemetry: "
	    "{service: a.x.com, port: 80, http: {path: /v1}}}, {name: trace, datadog: {service: "
	    "data/db.data.svc.cluster.local, port: 80}}]" } },
	{ "defaultProviders",
	  4,
	  { "{accessLogging: [log]}", "{metrics: [prometheus]}", "{tracing: [trace]}",
	    "{metrics: [prometheus], accessLogging: [envoy], tracing: [otel]}" } },
	{ "enableEnvoyAccessLogService", 6, { "true", "false", "true", "true" } },
	{ "discoverySelectors",
	  6,
	  { "[{matchLabels: {env: prod}}]", "[{matchLabels: {env: test}}]", "[{}]",
	    "[{matchExpressions: [{key: env, operator: NotIn, values: [prod]}]}]" } },
	{ "ingressControllerMode", 2, { "DEFAULT", "DEFAULT", "STRICT", "'OFF'" } },
	{ "ingressSelector", 6, { "egress", "ingressgateway", "egress", "other" } },
	{ "ingressService", 6, { "egress", "gw", "egress", "web" } },
	{ "defaultTrafficPolicy",
	  4,
	  { "{connectionPool: {tcp: {maxConnections: 9}}}",
	    "{outlierDetection: {consecutive5xxErrors: 4}}",
	    "{connectionPool: {tcp: {maxConnections: 8}}}", "{}" } },
	{ "serviceSettings",
	  6,
	  { "[{settings: {clusterLocal: true}, hosts: ['*.app.svc.cluster.local']}]",
	    "[{settings: {clusterLocal: true}, hosts: ['*']}]", "[]", "[]" } },
};

void make_mesh_config(struct sketch *s)
{
	put(s, "{");
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		s->salt = (uint32_t)i;
		if (some(s, "is set", settings[i].one_in))
			put(s, "%s: %s, ", settings[i].field, settings[i].values[gene(s, "to", 4)]);
	}
	s->salt = 0;
	put(s, "}");
}

void make_mesh_networks(struct sketch *s)
{
	static const char *const names[] = { "east", "west" };

	put(s, "{networks: {");
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		s->salt = i;
		if (!some(s, "is there", 2))
			continue;
		put(s, "%s: {endpoints: [{fromCidr: %s}, ", names[i],
		    PICK(s, "block", "10.1.0.0/24", "10.1.1.0/24", "10.1.0.0/16"));
		if (some(s, "registry", 6))
			put(s, "{fromRegistry: Kubernetes}, ");
		put(s, "], gateways: [");
		if (some(s, "address", 2))
			put(s, "{address: 203.0.113.%u, port: 443}, ", 50 + gene(s, "which", 3));
		if (some(s, "service", 3))
			put(s, "{registryServiceName: %s, port: 80}, ",
			    PICK(s, "which service", "gw.istio-system.svc.cluster.local",
				 "gw.lab.svc.cluster.local"));
		if (some(s, "named", 6))
			put(s, "{address: gw.example.com, port: 443}, ");
		put(s, "]}, ");
	}
	s->salt = 0;
	put(s, "}}");
}

/* ---- the node message ---- */

static const struct {
	const char *key;
	uint32_t one_in;
	const char *values[4];
} metadata[] = {
	{ "NETWORK", 4, { "east", "west", "east", "west" } },
	{ "REQUESTED_NETWORK_VIEW", 8, { "east", "west", "'east,west'", "east" } },
	{ "NODE_NAME", 2, { "n1", "n2", "n0", "n1" } },
	{ "INTERCEPTION_MODE", 4, { "TPROXY", "NONE", "REDIRECT", "NONE" } },
	{ "DNS_CAPTURE", 3, { "'true'", "'true'", "'false'", "'1'" } },
	{ "DNS_AUTO_ALLOCATE", 8, { "'true'", "'true'", "'false'", "'1'" } },
	{ "HTTP10", 10, { "'1'", "'1'", "'1'", "'0'" } },
	{ "UNPRIVILEGED_POD", 8, { "'true'", "'true'", "'true'", "'false'" } },
	{ "INBOUND_LISTENER_EXACT_BALANCE", 10, { "'true'", "'true'", "'1'", "'true'" } },
	{ "OUTBOUND_LISTENER_EXACT_BALANCE", 10, { "'true'", "'true'", "'1'", "'true'" } },
	{ "ENABLE_SELF_DISCOVERY", 6, { "'true'", "'true'", "'1'", "'true'" } },
	{ "credential", 10, { "'true'", "'true'", "'true'", "'true'" } },
	{ "file-credential", 10, { "'true'", "'true'", "'true'", "'true'" } },
	{ "TLS_CLIENT_CERT_CHAIN", 10, { "/c1", "/c2", "/c1", "/c2" } },
	{ "TLS_CLIENT_KEY", 4, { "/k1", "/k2", "/k1", "/k2" } },
	{ "TLS_SERVER_CERT_CHAIN", 10, { "/s1", "/s2", "/s1", "/s2" } },
	{ "TLS_SERVER_KEY", 4, { "/k1", "/k2", "/k1", "/k2" } },
	{ "IDLE_TIMEOUT", 10, { "5s", "6s", "7s", "x" } },
	{ "HTTP_PROXY_PORT", 10, { "'15007'", "'15008'", "'15007'", "'80'" } },
	{ "ENVOY_STATUS_PORT", 10, { "15090", "15022", "15021", "15022" } },
	{ "ENVOY_PROMETHEUS_PORT", 10, { "15021", "15091", "15090", "15091" } },
	{ "ENVOY_SECURE_METRICS_PORT", 12, { "15021", "15090", "15021", "1" } },
	{ "MESH_ID", 10, { "m1", "m2", "m1", "m2" } },
	{ "SERVICE_ACCOUNT", 10, { "a", "b", "a", "b" } },
	{ "WORKLOAD_NAME", 6, { "dep", "p0", "p1", "w1" } },
	{ "ISTIO_VERSION", 10, { "1.20.0", "1.24.1", "1.30.0", "x" } },
	{ "STATIC_LABELS", 10, { "{app: api}", "{version: v2}", "{app: web}", "{env: test}" } },
	{ "PROXY_CONFIG",
	  6,
	  { "{proxyHeaders: {preserveHttp1HeaderCase: true}}", "{tracing: {sampling: 7}}",
	    "{proxyHeaders: {attemptCount: {disabled: true}}}",
	    "{proxyHeaders: {server: {disabled: true}, xForwardedHost: {enabled: true}}}" } },
	{ "POD_PORTS",
	  6,
	  { "'[{\"name\": \"web\", \"containerPort\": 8080}]'",
	    "'[{\"name\": \"web\", \"containerPort\": 9090}]'", "'[]'",
	    "'[{\"name\": \"web\", \"containerPort\": 8080}]'" } },
};

static void put_labels(struct sketch *s)
{
	if (some(s, "no labels", 6))
		return;
	put(s, "LABELS: {istio: %s, app: %s, version: %s, ",
	    PICK(s, "role", "ingressgateway", "ingressgateway", "egress"),
	    PICK(s, "app", "web", "api", "db", "web"), PICK(s, "version", "v1", "v2"));
	if (some(s, "machine", 8))
		put(s, "istio.io/test-vm: x, ");
	if (some(s, "canonical", 6))
		put(s, "service.istio.io/canonical-name: canon, ");
	put(s, "}, ");
}

static void put_addresses(struct sketch *s, unsigned ns, unsigned pod)
{
	switch (gene(s, "families", 8)) {
	case 0: put(s, "INSTANCE_IPS: '2001:db8:2::%u', ", pod); break;
	case 1: put(s, "INSTANCE_IPS: '10.1.%u.%u,2001:db8:2::%u', ", ns, pod + 1, pod); break;
	case 2: put(s, "INSTANCE_IPS: '2001:db8:2::%u,10.1.%u.%u', ", pod, ns, pod + 1); break;
	default:;
	}
}

/* Slot number -> pod p(number / 5) of namespace number % 5. */
void make_node_message(struct sketch *s)
{
	unsigned ns = s->number % N_NAMESPACES, pod = s->number / N_NAMESPACES;
	char dns[64];
	bool router = ns == N_NAMESPACES - 1 ? !some(s, "sidecar", 6) : some(s, "router", 12);

	snprintf(dns, sizeof dns, "%s.svc.cluster.local", s->ns);
	put(s, "{id: '%s~10.1.%u.%u~p%u.%s~%s', ", router ? "router" : "sidecar", ns, pod + 1, pod,
	    s->ns, some(s, "other domain", 8) ? "x.com" : dns);
	if (some(s, "service cluster", 6))
		put(s, "cluster: %s, ", PICK(s, "which service cluster", "c1", "c2"));
	if (some(s, "locality", 3))
		put(s, "locality: {region: %s, zone: %s}, ", PICK(s, "region", "r1", "r2"),
		    PICK(s, "zone", "z1", "z2"));
	if (some(s, "stock", 4)) {
		put(s, "extensions: [{name: x}, ");
		if (some(s, "exchange", 2))
			put(s, "{name: istio.metadata_exchange}, ");
		if (some(s, "peer metadata", 2))
			put(s, "{name: istio.peer_metadata}, ");
		if (some(s, "alpn", 2))
			put(s, "{name: istio.alpn}, ");
		put(s, "], ");
	}
	put(s, "metadata: {NAMESPACE: %s, ", s->ns);
	if (!some(s, "no cluster", 8))
		put(s, "CLUSTER_ID: %s, ", some(s, "foreign", 8) ? "other" : "Kubernetes");
	put_labels(s);
	put_addresses(s, ns, pod);
	for (size_t i = 0; i < ARRAY_LEN(metadata); i++) {
		s->salt = (uint32_t)i;
		if (some(s, "is set", metadata[i].one_in))
			put(s, "%s: %s, ", metadata[i].key, metadata[i].values[gene(s, "to", 4)]);
	}
	s->salt = 0;
	put(s, "}}");
}
