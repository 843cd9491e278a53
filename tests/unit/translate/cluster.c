/* Clusters: what each part of a policy becomes, what is left out because Envoy would refuse it, and what is shared. */
#include "base/err.h"
#include "kit.h"
#include "test.h"
#include "translate/queries.h"
#include <stdio.h>
#include <string.h>

#define WORLD \
	"apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: default}\n" \
	"spec:\n  clusterIP: 10.96.0.1\n  selector: {app: a}\n  ports:\n" \
	"  - {name: http, port: 80}\n  - {name: tcp, port: 9000}\n  - {name: grpc, port: 9090}\n" \
	"  - {name: any, port: 81}\n  - {name: dns, port: 53, protocol: UDP}\n---\n" \
	"apiVersion: v1\nkind: Pod\n" \
	"metadata: {name: a-1, namespace: default, labels: {app: a, version: v1, " \
	"security.istio.io/tlsMode: istio}}\n" \
	"spec: {serviceAccountName: a, containers: [{name: c}]}\n" \
	"status: {podIP: 10.1.2.3, podIPs: [{ip: 10.1.2.3}], " \
	"conditions: [{type: Ready, status: \"True\"}]}\n---\n" \
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n" \
	"metadata: {name: a-s, namespace: default, labels: {kubernetes.io/service-name: a}}\n" \
	"addressType: IPv4\nports: [{name: http, port: 8080}, {name: tcp, port: 9000}]\n" \
	"endpoints:\n- addresses: [10.1.2.3]\n  targetRef: {kind: Pod, name: a-1, namespace: " \
	"default}\n"

#define RULE(spec) \
	"apiVersion: networking.istio.io/v1\nkind: DestinationRule\n" \
	"metadata: {name: a, namespace: default}\nspec:\n  host: a\n" spec
#define POLICY(text) RULE("  trafficPolicy: " text "\n")
#define DEFAULT_80 "outbound|80||a.default.svc.cluster.local"

static const struct {
	const char *what, *yaml, *cluster;
	const char *has[4], *lacks[2];
} cases[] = {
	{ "breakers take limits above 0 only",
	  POLICY("{connectionPool: {tcp: {maxConnections: 7}, http: {http1MaxPendingRequests: 8, "
		 "http2MaxRequests: 9, maxRetries: 0}}}"),
	  DEFAULT_80,
	  { "\"maxConnections\":7,\"maxPendingRequests\":8,\"maxRequests\":9,"
	    "\"maxRetries\":4294967295" },
	  { "HttpProtocolOptions" } },
	{ "keepalive and connect timeout",
	  POLICY("{connectionPool: {tcp: {connectTimeout: 3s, tcpKeepalive: {probes: 4, time: 30s, "
		 "interval: 1500ms}}}}"),
	  DEFAULT_80,
	  { "\"connectTimeout\":\"3s\"", "\"tcpKeepalive\":{\"keepaliveProbes\":4,"
					 "\"keepaliveTime\":30,\"keepaliveInterval\":1}" },
	  { NULL } },
	{ "HTTP idle time goes before that of TCP",
	  POLICY("{connectionPool: {tcp: {idleTimeout: 9s, maxConnectionDuration: 30s}, "
		 "http: {idleTimeout: 8s, maxRequestsPerConnection: 3}}}"),
	  DEFAULT_80,
	  { "\"idleTimeout\":\"8s\"", "\"maxConnectionDuration\":\"30s\"",
	    "\"maxRequestsPerConnection\":3",
	    "\"explicitHttpConfig\":{\"httpProtocolOptions\":{}}" },
	  { NULL } },
	{ "streams count only for explicit HTTP/2",
	  POLICY("{connectionPool: {http: {maxConcurrentStreams: 5}}}"),
	  "outbound|9090||a.default.svc.cluster.local",
	  { "\"commonHttpProtocolOptions\":{}",
	    "\"http2ProtocolOptions\":{\"maxConcurrentStreams\":5}" },
	  { NULL } },
	{ "an upgrade leaves a sniffed port alone",
	  POLICY("{connectionPool: {http: {h2UpgradePolicy: UPGRADE}}}"),
	  "outbound|81||a.default.svc.cluster.local",
	  { "\"useDownstreamProtocolConfig\":{\"httpProtocolOptions\":{},\"http2ProtocolOptions\":{"
	    "}}" },
	  { "explicitHttpConfig" } },
	{ "an upgraded cluster offers h2",
	  POLICY("{connectionPool: {http: {h2UpgradePolicy: UPGRADE}}}"),
	  DEFAULT_80,
	  { "\"explicitHttpConfig\":{\"http2ProtocolOptions\":{}}",
	    "\"alpnProtocols\":[\"istio-peer-exchange\",\"istio\",\"h2\"]" },
	  { NULL } },
	{ "the client's protocol replaces HTTP/2",
	  POLICY("{connectionPool: {http: {useClientProtocol: true}}}"),
	  "outbound|9090||a.default.svc.cluster.local",
	  { "\"useDownstreamProtocolConfig\"",
	    "\"alpnProtocols\":[\"istio-peer-exchange\",\"istio\"]" },
	  { "explicitHttpConfig" } },
	{ "outlier detection",
	  POLICY("{outlierDetection: {consecutive5xxErrors: 0, consecutiveGatewayErrors: 2, "
		 "interval: 4s, "
		 "maxEjectionPercent: 50, minHealthPercent: 20, splitExternalLocalOriginErrors: "
		 "true, "
		 "consecutiveLocalOriginFailures: 6}}"),
	  DEFAULT_80,
	  { "\"outlierDetection\":{\"consecutive5xx\":0,\"interval\":\"4s\",\"maxEjectionPercent\":"
	    "50,"
	    "\"enforcingConsecutive5xx\":0,\"enforcingSuccessRate\":0,"
	    "\"consecutiveGatewayFailure\":2,"
	    "\"enforcingConsecutiveGatewayFailure\":100,\"splitExternalLocalOriginErrors\":true,"
	    "\"consecutiveLocalOriginFailure\":6,\"enforcingConsecutiveLocalOriginFailure\":100,"
	    "\"enforcingLocalOriginSuccessRate\":0}",
	    "\"healthyPanicThreshold\":{\"value\":20}" },
	  { NULL } },
	{ "warmup",
	  POLICY("{loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 60s, aggression: 2}}}"),
	  DEFAULT_80,
	  { "\"roundRobinLbConfig\":{\"slowStartConfig\":{\"slowStartWindow\":\"60s\","
	    "\"aggression\":"
	    "{\"defaultValue\":2,\"runtimeKey\":\"(\"},\"minWeightPercent\":{\"value\":10}}}" },
	  { "lbPolicy" } },
	{ "hashing has a ring of 1024 unless told otherwise",
	  POLICY("{loadBalancer: {consistentHash: {httpHeaderName: x}}}"),
	  DEFAULT_80,
	  { "\"lbPolicy\":\"RING_HASH\"", "\"ringHashLbConfig\":{\"minimumRingSize\":\"1024\"}" },
	  { NULL } },
	{ "a table of Maglev that is no prime is left out",
	  POLICY("{loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: "
		 "1000}}}}"),
	  DEFAULT_80,
	  { "\"lbPolicy\":\"MAGLEV\"" },
	  { "maglevLbConfig" } },
	{ "a port's settings replace all of the rule's",
	  POLICY("{loadBalancer: {simple: RANDOM}, connectionPool: {tcp: {maxConnections: 10}}, "
		 "portLevelSettings: [{port: {number: 80}, outlierDetection: "
		 "{consecutive5xxErrors: 3}}]}"),
	  DEFAULT_80,
	  { "\"consecutive5xx\":3", "\"lbPolicy\":\"LEAST_REQUEST\"",
	    "\"maxConnections\":4294967295" },
	  { NULL } },
	{ "a subset lays its own over the port's",
	  RULE("  trafficPolicy: {portLevelSettings: [{port: {number: 80}, outlierDetection: "
	       "{consecutive5xxErrors: 3}}]}\n  subsets:\n  - name: v1\n    labels: {version: v1}\n"
	       "    trafficPolicy: {connectionPool: {http: {http1MaxPendingRequests: 5}}}\n"),
	  "outbound|80|v1|a.default.svc.cluster.local",
	  { "\"maxPendingRequests\":5", "\"consecutive5xx\":3", "\"subset\":\"v1\"",
	    "\"sni\":\"outbound_.80_.v1_.a.default.svc.cluster.local\"" },
	  { NULL } },
	{ "passing through leaves the choice to the client",
	  POLICY("{loadBalancer: {simple: PASSTHROUGH}}"),
	  DEFAULT_80,
	  { "\"type\":\"ORIGINAL_DST\"", "\"lbPolicy\":\"CLUSTER_PROVIDED\"",
	    "\"transportSocket\":{" },
	  { "edsClusterConfig", "transportSocketMatches" } },
	{ "no TLS",
	  POLICY("{tls: {mode: DISABLE}}"),
	  DEFAULT_80,
	  { "\"type\":\"EDS\"" },
	  { "transportSocket" } },
	{ "mutual TLS of the mesh by rule goes on all connections",
	  POLICY("{tls: {mode: ISTIO_MUTUAL, sni: other, subjectAltNames: [spiffe://x]}}"),
	  DEFAULT_80,
	  { "\"transportSocket\":{", "\"sni\":\"other\"", "\"exact\":\"spiffe://x\"" },
	  { "transportSocketMatches", "spiffe://cluster.local" } },
	{ "TLS without a name takes that of the request",
	  POLICY("{tls: {mode: SIMPLE, caCertificates: /ca.pem}}"),
	  DEFAULT_80,
	  { "\"upstreamHttpProtocolOptions\":{\"autoSni\":true,\"autoSanValidation\":true}",
	    "\"name\":\"file-root:/ca.pem\"", "\"alpn_override\":\"false\"" },
	  { NULL } },
	{ "unchecked certificates",
	  POLICY("{tls: {mode: SIMPLE, sni: x, insecureSkipVerify: true}}"),
	  DEFAULT_80,
	  { "\"validationContext\":{}", "\"sni\":\"x\"" },
	  { "autoSni", "combinedValidationContext" } },
	{ "a secret for everybody is not for sidecars",
	  POLICY("{tls: {mode: SIMPLE, credentialName: c}}"),
	  DEFAULT_80,
	  { "\"type\":\"EDS\"" },
	  { "transportSocket" } },
	{ "a config map may be for everybody",
	  POLICY("{tls: {mode: SIMPLE, sni: x, credentialName: \"configmap://c\"}}"),
	  DEFAULT_80,
	  { "\"name\":\"configmap://"
	    "c-cacert\",\"sdsConfig\":{\"ads\":{},\"resourceApiVersion\":\"V3\"}" },
	  { NULL } },
};

TEST(cluster_policies)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct kit k;
		const char *json;

		kit_init(&k, NULL);
		kit_put(&k, WORLD);
		kit_put(&k, cases[i].yaml);
		json = kit_json(&k, kit_join(&k, &(struct kit_proxy){ 0 }), XDS_CDS,
				cases[i].cluster);
		for (size_t j = 0; j < 4 && cases[i].has[j]; j++)
			if (!CHECK(strstr(json, cases[i].has[j])))
				printf("%s: no %s in %s\n", cases[i].what, cases[i].has[j], json);
		for (size_t j = 0; j < 2 && cases[i].lacks[j]; j++)
			if (!CHECK(*json && !strstr(json, cases[i].lacks[j])))
				printf("%s: %s in %s\n", cases[i].what, cases[i].lacks[j], json);
		kit_fini(&k);
	}
}

TEST(cluster_plain_is_shared)
{
	struct kit k;
	struct kit_proxy other = { .name = "other",
				   .ns = "far",
				   .ip = "10.1.0.2",
				   .locality = "r/z",
				   .labels = "{\"app\":\"other\"}" };
	struct engine_proxy *p, *q;
	uint64_t runs;

	kit_init(&k, NULL);
	kit_put(&k, WORLD);
	p = kit_join(&k, &(struct kit_proxy){ 0 });
	q = kit_join(&k, &other);
	CHECK_STR(kit_json(&k, p, XDS_CDS, DEFAULT_80), kit_json(&k, q, XDS_CDS, DEFAULT_80));
	CHECK_INT(kit_memos(&k, Q_CDS_SERVICE), 1);
	CHECK_INT(kit_memos(&k, Q_EDS_SERVICE), 1);

	/* An endpoint more with the same account: no cluster is made again. */
	runs = kit_runs(&k, Q_CDS_SERVICE);
	kit_put(&k, "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
		    "metadata: {name: a-t, namespace: default, labels: "
		    "{kubernetes.io/service-name: a}}\n"
		    "addressType: IPv4\nports: [{name: http, port: 8080}]\n"
		    "endpoints: [{addresses: [10.9.9.9]}]\n");
	CHECK(strstr(kit_json(&k, p, XDS_EDS, DEFAULT_80), "10.9.9.9"));
	CHECK_INT(kit_runs(&k, Q_CDS_SERVICE), runs);

	/* A service more: only its own. */
	kit_put(&k, "apiVersion: v1\nkind: Service\nmetadata: {name: b, namespace: default}\n"
		    "spec: {clusterIP: 10.96.0.2, ports: [{name: http, port: 80}]}\n");
	CHECK(*kit_json(&k, p, XDS_CDS, "outbound|80||b.default.svc.cluster.local"));
	CHECK_INT(kit_runs(&k, Q_CDS_SERVICE), runs + 1);
	kit_fini(&k);
}

TEST(cluster_udp_has_none)
{
	struct kit k;
	struct engine_proxy *p;

	kit_init(&k, NULL);
	kit_put(&k, WORLD);
	p = kit_join(&k, &(struct kit_proxy){ 0 });
	CHECK_STR(kit_json(&k, p, XDS_CDS, "outbound|53||a.default.svc.cluster.local"), "");
	kit_fini(&k);
}

TEST(cluster_stock_envoy)
{
	struct kit k;
	const char *json;

	kit_init(&k, NULL);
	kit_put(&k, WORLD);
	json = kit_json(&k, kit_join(&k, &(struct kit_proxy){ .stock = true }), XDS_CDS,
			DEFAULT_80);
	CHECK(*json && !strstr(json, "metadata_exchange") && !strstr(json, "istio-peer-exchange"));
	CHECK(strstr(json, "\"alpnProtocols\":[\"istio\"]"));
	kit_fini(&k);
}

TEST(cluster_scope_trims_ports)
{
	struct kit k;
	struct engine_proxy *p;

	kit_init(&k, NULL);
	kit_put(&k,
		WORLD "---\n"
		      "apiVersion: networking.istio.io/v1\nkind: Sidecar\n"
		      "metadata: {name: s, namespace: default}\nspec:\n  egress:\n"
		      "  - {port: {number: 9000, protocol: TCP, name: tcp}, hosts: [\"./*\"]}\n");
	p = kit_join(&k, &(struct kit_proxy){ 0 });
	CHECK(*kit_json(&k, p, XDS_CDS, "outbound|9000||a.default.svc.cluster.local"));
	CHECK_STR(kit_json(&k, p, XDS_CDS, DEFAULT_80), "");
	CHECK_STR(kit_json(&k, p, XDS_EDS, DEFAULT_80), "");
	/* A proxy outside of that scope has them all. */
	p = kit_join(&k, &(struct kit_proxy){ .ns = "far", .name = "x" });
	CHECK(*kit_json(&k, p, XDS_CDS, DEFAULT_80));
	kit_fini(&k);
}

TEST(cluster_namespace_without_mtls)
{
	struct kit k;
	struct engine_proxy *p;
	const char *json;

	kit_init(&k, NULL);
	kit_put(&k,
		WORLD "---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\n"
		      "metadata: {name: d, namespace: default}\nspec: {mtls: {mode: DISABLE}}\n");
	p = kit_join(&k, &(struct kit_proxy){ 0 });
	json = kit_json(&k, p, XDS_CDS, DEFAULT_80);
	CHECK(*json && !strstr(json, "transportSocket"));
	CHECK(!strstr(kit_json(&k, p, XDS_EDS, DEFAULT_80), "tlsMode"));
	kit_fini(&k);
}

TEST(cluster_own_certificates)
{
	struct kit k;
	const char *json;

	kit_init(&k, NULL);
	kit_put(&k, WORLD);
	json = kit_json(
		&k,
		kit_join(&k, &(struct kit_proxy){ .metadata = "\"TLS_CLIENT_CERT_CHAIN\":\"/c\","
							      "\"TLS_CLIENT_KEY\":\"/k\","
							      "\"TLS_CLIENT_ROOT_CERT\":\"/r\"" }),
		XDS_CDS, DEFAULT_80);
	CHECK(strstr(json, "\"name\":\"file-cert:/c~/k\"") &&
	      strstr(json, "\"name\":\"file-root:/r\""));
	CHECK(strstr(json, "\"sni\":\"outbound_.80_._.a.default.svc.cluster.local\""));
	kit_fini(&k);
}

TEST(cluster_logical_dns_has_one_endpoint)
{
	static const char entry[] =
		"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
		"metadata: {name: e%s, namespace: default%s}\nspec:\n  hosts: [x.test]\n"
		"  location: MESH_EXTERNAL\n  resolution: %s\n  ports: [{number: 80, name: http, "
		"protocol: HTTP}]\n"
		"  endpoints: [{address: a.test}%s]\n";
	struct kit k;
	struct engine_proxy *p;
	char yaml[1024];
	const char *json;

	kit_init(&k, NULL);
	/* Of two entries for one host the second one's endpoint is one too many. */
	snprintf(yaml, sizeof yaml, entry, "1", "", "DNS_ROUND_ROBIN", "");
	kit_put(&k, yaml);
	snprintf(yaml, sizeof yaml, entry, "2", "", "DNS_ROUND_ROBIN", "");
	kit_put(&k, yaml);
	p = kit_join(&k, &(struct kit_proxy){ 0 });
	json = kit_json(&k, p, XDS_CDS, "outbound|80||x.test");
	CHECK(strstr(json, "LOGICAL_DNS") && strstr(json, "e1-0;") && !strstr(json, "e2-0;"));
	CHECK(strstr(kit_problems(&k), "the first is used"));
	kit_fini(&k);

	kit_init(&k, NULL);
	snprintf(yaml, sizeof yaml, entry, "1",
		 ", annotations: {istio.io/connect-strategy: RACE_FIRST_TCP_CONNECT}", "DNS",
		 ", {address: b.test}");
	kit_put(&k, yaml);
	json = kit_json(&k, kit_join(&k, &(struct kit_proxy){ 0 }), XDS_CDS, "outbound|80||x.test");
	CHECK(strstr(json, "STRICT_DNS") && strstr(json, "a.test") && strstr(json, "b.test"));
	kit_fini(&k);
}

TEST(cluster_forward_proxy_over_http2)
{
	struct kit k;
	const char *json;

	kit_init(&k, NULL);
	kit_put(&k, "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
		    "metadata: {name: e, namespace: default}\nspec:\n  hosts: [\"*.dyn.test\"]\n"
		    "  location: MESH_EXTERNAL\n  resolution: DYNAMIC_DNS\n"
		    "  ports: [{number: 80, name: grpc, protocol: GRPC}]\n");
	json = kit_json(&k, kit_join(&k, &(struct kit_proxy){ 0 }), XDS_CDS,
			"outbound|80||*.dyn.test");
	/* Envoy would refuse HTTP options that do not check names, unless it is told that this is meant. */
	CHECK(strstr(json, "\"allowInsecureClusterOptions\":true"));
	kit_fini(&k);
}

TEST(cluster_default_policy_of_the_mesh)
{
	struct kit k;
	struct engine_proxy *p;

	kit_init(&k, NULL);
	kit_mesh(&k, "connectTimeout: 4s\ndefaultTrafficPolicy: {connectionPool: {tcp: "
		     "{maxConnections: 77}}, "
		     "outlierDetection: {consecutive5xxErrors: 9}}\n");
	kit_put(&k, WORLD);
	p = kit_join(&k, &(struct kit_proxy){ 0 });
	CHECK(strstr(kit_json(&k, p, XDS_CDS, DEFAULT_80), "\"maxConnections\":77"));
	CHECK(strstr(kit_json(&k, p, XDS_CDS, DEFAULT_80), "\"consecutive5xx\":9"));
	CHECK(strstr(kit_json(&k, p, XDS_CDS, "PassthroughCluster"), "\"maxConnections\":77"));
	CHECK(strstr(kit_json(&k, p, XDS_CDS, "BlackHoleCluster"), "\"connectTimeout\":\"4s\""));
	kit_fini(&k);
}

/* Rule after rule: what is patched must be what is made from nothing. */
TEST(cluster_incremental_is_full)
{
	struct kit k;
	struct err e = ERR_INIT;

	kit_init(&k, NULL);
	kit_put(&k, WORLD);
	kit_join(&k, &(struct kit_proxy){ .locality = "r1/z1" });
	kit_join(&k, &(struct kit_proxy){ .name = "other", .ns = "far", .stock = true });
	kit_join(&k, &(struct kit_proxy){ .type = "router", .name = "edge", .ns = "istio-system" });
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		kit_put(&k, cases[i].yaml);
		if (!CHECK(engine_verify(k.engine, &e)))
			printf("after %s: %s\n", cases[i].what, e.text);
	}
	kit_mesh(&k, "enableAutoMtls: false\n");
	CHECK(engine_verify(k.engine, &e));
	kit_fini(&k);
}
