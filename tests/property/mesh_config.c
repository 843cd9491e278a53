/* What users write to shape traffic. */
#include "tests/property/mesh.h"
#include <string.h>

void put_selector(struct sketch *s, const char *feature, const char *word)
{
	put(s, "%s: {%s}, ", word,
	    PICK(s, feature, "app: web", "app: api", "version: v1", "app: web, version: v2",
		 "kubernetes.io/hostname: n1", "topology.kubernetes.io/region: r1", "app: none"));
}

/* ---- VirtualService ---- */

static const char *pick_vs_host(struct sketch *s, const char *feature)
{
	return PICK(s, feature, "a.x.com", "b.x.com", "web", "api", "web.app.svc.cluster.local",
		    "'*.x.com'", "'*'", "lone.x.com", "'*.cluster.local'", "'*.w.x.com'",
		    "d.w.x.com", "hl");
}

static const char *pick_destination(struct sketch *s, const char *feature)
{
	return PICK(s, feature, "a.x.com", "b.x.com", "web", "db.data.svc.cluster.local",
		    "api.app.svc.cluster.local", "web.zoo.svc.cluster.local", "c.x.com", "nobody");
}

static void put_destination(struct sketch *s)
{
	put(s, "destination: {host: %s, ", pick_destination(s, "destination"));
	if (some(s, "subset", 4))
		put(s, "subset: %s, ", PICK(s, "which subset", "v1", "v2"));
	if (some(s, "port", 4))
		put(s, "port: {number: %s}, ", PICK(s, "which port", "80", "9090", "443"));
	put(s, "}, ");
}

static void put_routes(struct sketch *s)
{
	unsigned n = 1 + some(s, "split", 3), salt = s->salt;

	put(s, "route: [");
	for (unsigned i = 0; i < n; i++) {
		s->salt = salt * 7 + 1 + i;
		put(s, "{");
		put_destination(s);
		put(s, "weight: %u}, ", n == 1 ? 100 : i ? 70 : 30);
	}
	s->salt = salt;
	put(s, "], ");
}

static void put_http_match(struct sketch *s)
{
	put(s, "match: [{");
	if (some(s, "path", 2))
		put(s, "uri: {%s}, ",
		    PICK(s, "which path", "exact: /a", "prefix: /b", "regex: '/c.*'"));
	if (some(s, "header", 6))
		put(s, "headers: {x-user: {exact: jo}}, ");
	if (some(s, "labels", 5))
		put_selector(s, "which labels", "sourceLabels");
	if (some(s, "source", 5))
		put(s, "sourceNamespace: %s, ", pick_namespace(s, "which source"));
	if (some(s, "match port", 8))
		put(s, "port: 80, ");
	if (some(s, "match gateway", 8))
		put(s, "gateways: [%s], ", PICK(s, "which gateway", "mesh", "app/gw1"));
	put(s, "}], ");
}

static void put_http_action(struct sketch *s, bool may_delegate)
{
	switch (gene(s, "action", 8)) {
	case 0:
		put(s, "redirect: {uri: /r, authority: %s}, ", PICK(s, "to", "a.com", "b.com"));
		return;
	case 1: put(s, "directResponse: {status: 418}, "); return;
	case 2:
		if (may_delegate) {
			put(s, "delegate: {name: leaf, namespace: %s}, ",
			    PICK(s, "delegate to", "zoo", "data"));
			return;
		}
		/* fall through */
	default: put_routes(s);
	}
	if (some(s, "timeout", 5))
		put(s, "timeout: %us, ", 1 + gene(s, "how long", 3));
	if (some(s, "retries", 6))
		put(s, "retries: {attempts: %u}, ", gene(s, "attempts", 3));
	if (some(s, "rewrite", 8))
		put(s, "rewrite: {uri: /w}, ");
	if (some(s, "mirror", 6))
		put(s, "mirror: {host: %s}, ", pick_destination(s, "mirrored"));
	if (some(s, "fault", 8))
		put(s, "fault: {abort: {httpStatus: 503, percentage: {value: 5}}}, ");
}

static void put_http(struct sketch *s, bool leaf)
{
	unsigned n = 1 + gene(s, "rules", 2);

	put(s, "http: [");
	for (unsigned i = 0; i < n; i++) {
		s->salt = 10 + i;
		put(s, "{");
		if (i + 1 < n || some(s, "last match", 2))
			put_http_match(s);
		put_http_action(s, !leaf);
		put(s, "}, ");
	}
	s->salt = 0;
	put(s, "], ");
}

static void put_l4(struct sketch *s, bool tls)
{
	s->salt = tls ? 20 : 30;
	put(s, "%s: [{match: [{", tls ? "tls" : "tcp");
	if (tls)
		put(s, "sniHosts: [%s], ",
		    PICK(s, "sni", "a.x.com", "'*.x.com'", "web.app.svc.cluster.local"));
	if (some(s, "match port", 3))
		put(s, "port: %s, ", PICK(s, "which port", "443", "9090"));
	if (some(s, "labels", 4))
		put_selector(s, "which labels", "sourceLabels");
	if (some(s, "source", 4))
		put(s, "sourceNamespace: %s, ", pick_namespace(s, "which source"));
	if (some(s, "subnets", 6))
		put(s, "destinationSubnets: [10.0.0.0/28], ");
	put(s, "}], ");
	put_routes(s);
	put(s, "}], ");
	s->salt = 0;
}

void make_virtual_service(struct sketch *s)
{
	bool leaf = !strcmp(s->name, "leaf") && !some(s, "root", 6);

	put_head(s, "networking.istio.io/v1", "VirtualService");
	put(s, "}, spec: {");
	if (!leaf) {
		put(s, "hosts: [%s, ", pick_vs_host(s, "host"));
		if (some(s, "second host", 3))
			put(s, "%s, ", pick_vs_host(s, "which second host"));
		put(s, "], ");
		if (some(s, "gateways", 3))
			put(s, "gateways: [%s], ",
			    PICK(s, "which gateways", "mesh", "app/gw1", "mesh, app/gw1",
				 "istio-system/gw1", "mesh, istio-system/gw1, istio-system/gw2"));
	}
	put_export(s, 3);
	if (leaf || !some(s, "no http", 5))
		put_http(s, leaf);
	if (!leaf && some(s, "tcp", 3))
		put_l4(s, false);
	if (!leaf && some(s, "tls", 3))
		put_l4(s, true);
	put(s, "}}");
}

/* ---- DestinationRule ---- */

static void put_locality_balancer(struct sketch *s)
{
	put(s, "localityLbSetting: {");
	switch (gene(s, "locality setting", 4)) {
	case 0: put(s, "enabled: false, "); break;
	case 1:
		put(s, "distribute: [{from: '%s', to: {'r1/*': 80, 'r2/*': 20}}], ",
		    PICK(s, "from", "r1/*", "r2/z2/*"));
		break;
	case 2: put(s, "failover: [{from: r1, to: r2}], "); break;
	default:
		put(s, "failoverPriority: ['%s'], ",
		    PICK(s, "priority", "version", "topology.istio.io/network",
			 "kubernetes.io/hostname", "app=web"));
	}
	put(s, "}, ");
}

void put_balancer(struct sketch *s)
{
	put(s, "loadBalancer: {");
	switch (gene(s, "balancer", 5)) {
	case 0: put(s, "simple: %s, ", PICK(s, "simple", "ROUND_ROBIN", "RANDOM")); break;
	case 1: put(s, "simple: PASSTHROUGH, "); break;
	case 2: put(s, "consistentHash: {httpHeaderName: x-user}, "); break;
	default: put_locality_balancer(s);
	}
	put(s, "}, ");
}

static void put_tls(struct sketch *s)
{
	const char *mode = PICK(s, "tls mode", "DISABLE", "SIMPLE", "ISTIO_MUTUAL", "MUTUAL");

	put(s, "tls: {mode: %s, ", mode);
	if (!strcmp(mode, "MUTUAL") && some(s, "files", 2))
		put(s, "clientCertificate: /c, privateKey: /k, caCertificates: /ca, ");
	else if (!strcmp(mode, "MUTUAL") || (!strcmp(mode, "SIMPLE") && some(s, "credential", 3)))
		put(s, "credentialName: %s, ",
		    PICK(s, "which credential", "cred", "configmap://cred", "sds://outer"));
	if (some(s, "sni", 3))
		put(s, "sni: s.example.com, ");
	put(s, "}, ");
}

static void put_policy(struct sketch *s)
{
	if (some(s, "pool", 3))
		put(s, "connectionPool: {tcp: {maxConnections: %u}, http: {h2UpgradePolicy: %s}}, ",
		    1 + gene(s, "connections", 3), PICK(s, "h2", "DEFAULT", "UPGRADE"));
	if (some(s, "outlier", 3))
		put(s, "outlierDetection: {consecutive5xxErrors: %u}, ", 1 + gene(s, "errors", 3));
	if (some(s, "balancer", 2))
		put_balancer(s);
	if (some(s, "tls", 3))
		put_tls(s);
}

static void put_subsets(struct sketch *s)
{
	put(s, "subsets: [");
	for (unsigned i = 0; i < gene(s, "subsets", 3); i++) {
		put(s, "{name: v%u, labels: {version: %s}, ", i + 1,
		    PICK(s, "subset of", "v1", "v2", "v3"));
		s->salt = 40 + i;
		if (some(s, "subset policy", 3)) {
			put(s, "trafficPolicy: {");
			put_policy(s);
			put(s, "}, ");
		}
		put(s, "}, ");
		s->salt = 0;
	}
	put(s, "], ");
}

void make_destination_rule(struct sketch *s)
{
	put_head(s, "networking.istio.io/v1", "DestinationRule");
	put(s, "}, spec: {host: %s, ",
	    PICK(s, "host", "a.x.com", "b.x.com", "web", "web.app.svc.cluster.local",
		 "db.data.svc.cluster.local", "'*.x.com'", "'*.cluster.local'", "'*'",
		 "'*.svc.cluster.local'", "hl.zoo.svc.cluster.local"));
	put_export(s, 3);
	if (some(s, "selector", 5))
		put_selector(s, "which selector", "workloadSelector: {matchLabels"), put(s, "}, ");
	put(s, "trafficPolicy: {");
	put_policy(s);
	if (some(s, "port level", 4)) {
		s->salt = 50;
		put(s, "portLevelSettings: [{port: {number: %s}, ",
		    PICK(s, "level", "80", "9090", "443"));
		put_policy(s);
		put(s, "}], ");
		s->salt = 0;
	}
	put(s, "}, ");
	put_subsets(s);
	put(s, "}}");
}

/* ---- Sidecar ---- */

static void put_egress(struct sketch *s, unsigned i, bool last)
{
	s->salt = 60 + i;
	put(s, "{");
	if (!last || some(s, "bound", 5)) {
		put(s, "port: {number: %s, name: p, protocol: %s}, ",
		    PICK(s, "port", "80", "9090", "443", "15020"),
		    PICK(s, "protocol", "HTTP", "TCP", "HTTP", "HTTP_PROXY", "TLS", "GRPC"));
		if (some(s, "bind", 4))
			put(s, "bind: %s, ",
			    PICK(s, "where", "127.0.0.2", "10.0.0.1", "0.0.0.0", "'unix:///s'"));
		if (some(s, "capture", 5))
			put(s, "captureMode: NONE, ");
	}
	put(s, "hosts: [");
	for (unsigned j = 0; j < 1 + gene(s, "hosts", 3); j++) {
		s->salt = 60 + i * 10 + j;
		put(s, "'%s', ",
		    PICK(s, "host", "./*", "*/*", "*/a.x.com", "zoo/*",
			 "data/db.data.svc.cluster.local", "*/*.x.com", "app/*", "~*/b.x.com",
			 "~zoo/*", "istio-system/*", "lab/*.com", "*/web.app.svc.cluster.local",
			 "*/lone.x.com", "data/*"));
	}
	s->salt = 0;
	put(s, "]}, ");
}

static void put_ingress(struct sketch *s)
{
	s->salt = 90;
	put(s, "ingress: [{port: {number: %s, name: in, protocol: %s}, defaultEndpoint: '%s', ",
	    PICK(s, "port", "8080", "9090", "80"), PICK(s, "protocol", "HTTP", "TCP", "GRPC"),
	    PICK(s, "to", "127.0.0.1:8081", "0.0.0.0:8081", "unix:///in", "127.0.0.1:9091"));
	if (some(s, "bind", 5))
		put(s, "bind: 127.0.0.3, ");
	if (some(s, "capture", 6))
		put(s, "captureMode: NONE, ");
	put(s, "}], ");
	s->salt = 0;
}

void make_sidecar(struct sketch *s)
{
	unsigned n = gene(s, "listeners", 4);

	put_head(s, "networking.istio.io/v1", "Sidecar");
	put(s, "}, spec: {");
	if (some(s, "selector", 3))
		put_selector(s, "which selector", "workloadSelector: {labels"), put(s, "}, ");
	if (n) {
		put(s, "egress: [");
		for (unsigned i = 0; i < n; i++)
			put_egress(s, i, i + 1 == n);
		put(s, "], ");
	}
	if (some(s, "ingress", 4))
		put_ingress(s);
	if (some(s, "outbound", 4)) {
		put(s, "outboundTrafficPolicy: {mode: %s, ",
		    PICK(s, "mode", "REGISTRY_ONLY", "ALLOW_ANY"));
		if (some(s, "egress proxy", 2))
			put(s, "egressProxy: {host: %s, port: {number: 80}}, ",
			    PICK(s, "which proxy", "a.x.com", "web.app.svc.cluster.local"));
		put(s, "}, ");
	}
	if (some(s, "pool", 5))
		put(s, "inboundConnectionPool: {tcp: {maxConnections: %u}}, ",
		    1 + gene(s, "connections", 3));
	put(s, "}}");
}

/* ---- PeerAuthentication ---- */

void make_peer_authentication(struct sketch *s)
{
	bool selects = some(s, "selector", 2);

	put_head(s, "security.istio.io/v1", "PeerAuthentication");
	put(s, "}, spec: {mtls: {mode: %s}, ",
	    PICK(s, "mode", "STRICT", "PERMISSIVE", "DISABLE", "UNSET"));
	if (selects)
		put_selector(s, "which selector", "selector: {matchLabels"), put(s, "}, ");
	if (selects && some(s, "ports", 2))
		put(s, "portLevelMtls: {'%s': {mode: %s}}, ",
		    PICK(s, "port", "8080", "9090", "8081"),
		    PICK(s, "port mode", "STRICT", "DISABLE", "PERMISSIVE"));
	put(s, "}}");
}
