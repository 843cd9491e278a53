/* What Kubernetes and the registries say: services, their endpoints, the machines they run on. */
#include "tests/property/mesh.h"
#include <string.h>

const char *const mesh_namespaces[N_NAMESPACES] = { "app", "data", "zoo", "lab", "istio-system" };

static unsigned index_of_namespace(const char *ns)
{
	unsigned i = 0;

	while (i < N_NAMESPACES - 1 && strcmp(mesh_namespaces[i], ns) != 0)
		i++;
	return i;
}

void put_pod_ip(struct sketch *s, unsigned ns, unsigned pod)
{
	put(s, "10.1.%u.%u", ns, pod + 1);
}

const char *pick_namespace(struct sketch *s, const char *feature)
{
	return mesh_namespaces[gene(s, feature, N_NAMESPACES)];
}

void put_head(struct sketch *s, const char *api, const char *kind)
{
	put(s, "{apiVersion: %s, kind: %s, metadata: {name: %s, ", api, kind, s->name);
	if (*s->ns)
		put(s, "namespace: %s, ", s->ns);
	put(s, "creationTimestamp: '20%u-01-01T00:00:00Z', ", 18 + gene(s, "created", 4));
}

void put_export(struct sketch *s, uint32_t one_in)
{
	if (some(s, "export", one_in))
		put(s, "exportTo: [%s], ",
		    PICK(s, "export to", "'*'", ".", ".", "app", "zoo, data", "lab", "'~'"));
}

/* ---- Service ---- */

/* With a number that several services have, and of every protocol. */
static const struct {
	unsigned number;
	const char *names[4];
	const char *target;
} service_ports[] = {
	{ 80, { "http", "tcp", "web", "http-x" }, "8080" },
	{ 80, { "http", "http2", "grpc", "http" }, "web" },
	{ 9090, { "tcp", "http", "mongo", "x" }, "9090" },
	{ 7070, { "grpc", "grpc-web", "http", "redis" }, "7070" },
	{ 443, { "tls", "https", "tcp", "tls" }, "8443" },
	{ 15021, { "tcp-status", "x", "tcp-status", "mysql" }, "15021" },
	{ 15090, { "http-prom", "tcp-prom", "http-prom", "y" }, "15090" },
};

static void put_service_ports(struct sketch *s)
{
	unsigned n = 1 + gene(s, "ports", 2), at = gene(s, "first port", 4);

	put(s, "ports: [");
	for (unsigned i = 0; i < n; i++, at += 1 + gene(s, "next port", 2)) {
		s->salt = i;
		at %= ARRAY_LEN(service_ports);
		put(s, "{name: %s, port: %u, targetPort: %s, ",
		    service_ports[at].names[gene(s, "port name", 4)], service_ports[at].number,
		    some(s, "named target", 4) ? "web" : service_ports[at].target);
		if (some(s, "app protocol", 10))
			put(s, "appProtocol: %s, ", PICK(s, "which app protocol", "http2", "tcp"));
		put(s, "}, ");
	}
	s->salt = 0;
	if (some(s, "udp", 8))
		put(s, "{name: dns, port: 53, protocol: UDP}, ");
	put(s, "], ");
}

static void put_service_metadata(struct sketch *s, bool gateway)
{
	put(s, "labels: {app: %s, ", s->name);
	if (gateway || some(s, "network label", 12))
		put(s, "topology.istio.io/network: %s, ", PICK(s, "network", "east", "west"));
	if (some(s, "gateway port", 8))
		put(s, "networking.istio.io/gatewayPort: '80', ");
	if (some(s, "session", 8))
		put(s, "istio.io/persistent-session: cookie, ");
	put(s, "}, annotations: {");
	if (some(s, "export", 4))
		put(s, "networking.istio.io/exportTo: '%s', ",
		    PICK(s, "export to", "*", ".", ".", "app,zoo", "data", "lab"));
	if (some(s, "distribution annotation", 10))
		put(s, "networking.istio.io/traffic-distribution: %s, ",
		    PICK(s, "distribution", "PreferClose", "PreferSameNode"));
	if (some(s, "accounts", 10))
		put(s, "alpha.istio.io/kubernetes-serviceaccounts: 'a,b', ");
	if (some(s, "race", 12))
		put(s, "istio.io/connect-strategy: RACE_FIRST_TCP_CONNECT, ");
	put(s, "}}, ");
}

static void put_cluster_ip(struct sketch *s)
{
	if (some(s, "shared address", 8))
		put(s, "clusterIP: 192.0.2.1, ");
	else if (some(s, "two families", 5))
		put(s, "clusterIP: 10.0.0.%u, clusterIPs: [10.0.0.%u, '2001:db8::%u'], ", s->number,
		    s->number, s->number);
	else
		put(s, "clusterIP: 10.0.0.%u, ", s->number);
}

void make_service(struct sketch *s)
{
	unsigned type = gene(s, "type", 8);
	bool gateway = !strcmp(s->name, "gw");

	put_head(s, "v1", "Service");
	put_service_metadata(s, gateway && !some(s, "plain gateway", 4));
	put(s, "spec: {");
	if (gateway) {
		put(s, "type: LoadBalancer, externalIPs: [%s], ",
		    PICK(s, "external", "203.0.113.1", "'2001:db8:1::1'", ""));
		put_cluster_ip(s);
	} else if (type == 0) {
		put(s, "type: ExternalName, externalName: %s, ",
		    PICK(s, "alias", "web.app.svc.cluster.local", "web.zoo.svc.cluster.local",
			 "a.x.com", "ext.lab.svc.cluster.local", "Other.Example."));
	} else if (type < 3 || !strcmp(s->name, "hl")) {
		put(s, "clusterIP: None, ");
	} else {
		put_cluster_ip(s);
	}
	put_service_ports(s);
	if (!some(s, "no selector", 5)) {
		put(s, "selector: {app: %s, ", PICK(s, "selected", "web", "api", "db", "web"));
		if (some(s, "selected version", 4))
			put(s, "version: v1, ");
		put(s, "}, ");
	}
	if (some(s, "node local", 8))
		put(s, "internalTrafficPolicy: Local, ");
	if (some(s, "distribution", 10))
		put(s, "trafficDistribution: %s, ",
		    PICK(s, "which distribution", "PreferClose", "PreferSameNode"));
	if (some(s, "not ready", 6))
		put(s, "publishNotReadyAddresses: true, ");
	put(s, "}, ");
	if (gateway)
		put(s, "status: {loadBalancer: {ingress: [{%s}]}}, ",
		    PICK(s, "ingress", "ip: 203.0.113.2", "hostname: gw.example.com",
			 "ip: 203.0.113.3"));
	put(s, "}");
}

/* ---- EndpointSlice ---- */

void make_slice(struct sketch *s)
{
	unsigned ns = index_of_namespace(s->ns), n = gene(s, "endpoints", 4);
	size_t base = strlen(s->name) - 2;

	put_head(s, "discovery.k8s.io/v1", "EndpointSlice");
	put(s, "labels: {kubernetes.io/service-name: %.*s, ", (int)base, s->name);
	if (some(s, "managed", 2))
		put(s, "endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io, ");
	put(s, "}}, addressType: %s, endpoints: [", some(s, "by name", 12) ? "FQDN" : "IPv4");
	for (unsigned i = 0; i < n; i++) {
		unsigned pod;

		s->salt = i;
		pod = gene(s, "pod", 4);
		put(s, "{addresses: [");
		put_pod_ip(s, ns, pod);
		if (some(s, "second address", 8)) {
			put(s, ", ");
			put_pod_ip(s, ns, (pod + 1) % 4);
		}
		put(s, "], ");
		if (!some(s, "no target", 4))
			put(s, "targetRef: {kind: Pod, name: p%u, namespace: %s}, ", pod, s->ns);
		put(s, "conditions: {%s}}, ",
		    PICK(s, "conditions", "", "ready: true", "ready: false",
			 "ready: false, serving: true, terminating: true"));
	}
	s->salt = 0;
	put(s, "], ports: [{name: %s, port: 8080}, {name: %s, port: 9090}]}",
	    PICK(s, "first port", "http", "web", "tcp"),
	    PICK(s, "second port", "tcp", "grpc", "x"));
}

/* ---- Pod, Node, Namespace ---- */

void make_pod(struct sketch *s)
{
	unsigned ns = index_of_namespace(s->ns), pod = (unsigned)(s->name[1] - '0');

	put_head(s, "v1", "Pod");
	put(s, "labels: {app: %s, version: %s, ", PICK(s, "app", "web", "api", "db"),
	    PICK(s, "version", "v1", "v2"));
	if (!some(s, "without sidecar", 3))
		put(s, "security.istio.io/tlsMode: istio, ");
	if (some(s, "network label", 5))
		put(s, "topology.istio.io/network: %s, ", PICK(s, "network", "east", "west"));
	if (some(s, "locality label", 8))
		put(s, "istio-locality: %s, ", PICK(s, "locality", "r1.z2", "r2.z1.s"));
	if (some(s, "canonical", 8))
		put(s, "service.istio.io/canonical-name: canon, ");
	put(s, "}, ");
	if (some(s, "owned", 6))
		put(s, "generateName: dep-, ownerReferences: [{kind: ReplicaSet, name: dep, "
		       "controller: true}], ");
	put(s, "}, spec: {nodeName: n%u, serviceAccountName: %s, ", gene(s, "node", 3),
	    PICK(s, "account", "a", "b", "''"));
	if (some(s, "named", 4))
		put(s, "hostname: h%u, subdomain: hl, ", pod);
	put(s,
	    "containers: [{ports: [{name: web, containerPort: %s}]}]}, status: {phase: %s, "
	    "podIP: ",
	    PICK(s, "container port", "8080", "8080", "9090"),
	    some(s, "failed", 10) ? "Failed" : "Running");
	put_pod_ip(s, ns, some(s, "moved", 10) ? (pod + 1) % 4 : pod);
	put(s, ", conditions: [{type: Ready, status: '%s'}]}}",
	    some(s, "not ready", 6) ? "False" : "True");
}

void make_node(struct sketch *s)
{
	put_head(s, "v1", "Node");
	put(s, "labels: {topology.kubernetes.io/region: %s, topology.kubernetes.io/zone: %s, }}}",
	    PICK(s, "region", "r1", "r2"), PICK(s, "zone", "z1", "z2"));
}

void make_namespace(struct sketch *s)
{
	put_head(s, "v1", "Namespace");
	put(s, "labels: {env: %s, ", PICK(s, "env", "prod", "test"));
	if (!strcmp(s->name, "istio-system") && some(s, "network label", 3))
		put(s, "topology.istio.io/network: east, ");
	put(s, "}, annotations: {");
	if (some(s, "distribution", 4))
		put(s, "networking.istio.io/traffic-distribution: %s, ",
		    PICK(s, "which distribution", "PreferClose", "PreferSameNode", "Any"));
	put(s, "}}}");
}

/* ---- ServiceEntry, WorkloadEntry ---- */

const char *pick_host(struct sketch *s, const char *feature)
{
	return PICK(s, feature, "a.x.com", "b.x.com", "c.x.com", "web.app.svc.cluster.local",
		    "db.data.svc.cluster.local", "web.zoo.svc.cluster.local",
		    "hl.zoo.svc.cluster.local", "d.w.x.com");
}

/* What a WorkloadEntry says, also inline in a ServiceEntry. */
static void put_workload(struct sketch *s, unsigned ns)
{
	put(s, "address: ");
	if (some(s, "address by name", 8))
		put(s, "host.example.com, ");
	else
		put_pod_ip(s, ns, gene(s, "address", 4)), put(s, ", ");
	put(s, "labels: {app: %s, version: %s, ", PICK(s, "app", "web", "api", "db"),
	    PICK(s, "version", "v1", "v2"));
	if (some(s, "tls mode", 4))
		put(s, "security.istio.io/tlsMode: istio, ");
	put(s, "}, ");
	if (some(s, "account", 3))
		put(s, "serviceAccount: %s, ", PICK(s, "which account", "a", "b"));
	if (some(s, "network", 4))
		put(s, "network: %s, ", PICK(s, "which network", "east", "west"));
	if (some(s, "locality", 4))
		put(s, "locality: %s, ", PICK(s, "which locality", "r1/z1", "r2/z2/s"));
	if (some(s, "weight", 5))
		put(s, "weight: %u, ", 1 + gene(s, "how much", 3));
	if (some(s, "ports", 4))
		put(s, "ports: {http: %u}, ", 8000 + gene(s, "mapped", 3));
}

static void put_entry_ports(struct sketch *s)
{
	static const char *const protocols[] = { "HTTP",  "HTTP", "TCP",   "GRPC", "TLS",
						 "HTTPS", "",     "MONGO", "HTTP2" };
	static const unsigned numbers[] = { 80, 80, 9090, 443, 15020 };
	unsigned n = 1 + some(s, "two ports", 3), at = gene(s, "first port", 4);

	put(s, "ports: [");
	for (unsigned i = 0; i < n; i++) {
		s->salt = i;
		put(s, "{number: %u, name: %s, protocol: '%s', ",
		    numbers[(at + 2 * i) % ARRAY_LEN(numbers)], i ? "second" : "http",
		    pick(s, "protocol", protocols, ARRAY_LEN(protocols)));
		if (some(s, "target", 6))
			put(s, "targetPort: 8443, ");
		put(s, "}, ");
	}
	s->salt = 0;
	put(s, "], ");
}

static void put_entry_hosts(struct sketch *s, const char *resolution)
{
	put(s, "hosts: [");
	if (!strcmp(resolution, "DYNAMIC_DNS") || some(s, "wildcard", 5))
		put(s, "'%s', ", PICK(s, "which wildcard", "*.x.com", "*.w.x.com", "*.y.com"));
	else
		put(s, "%s, ", pick_host(s, "host"));
	if (some(s, "second host", 3))
		put(s, "%s, ",
		    PICK(s, "which second host", "b.x.com", "web", "api.app", "web.zoo",
			 "web.app.svc", "hl.zoo.svc"));
	put(s, "], ");
}

static void put_entry_addresses(struct sketch *s, bool dns)
{
	if (!some(s, "addresses", 3))
		return;
	if (dns)
		put(s, "addresses: [%s], ",
		    PICK(s, "which addresses", "192.0.2.1", "192.0.2.3, 192.0.2.4", "10.0.0.1"));
	else
		put(s, "addresses: [%s], ",
		    PICK(s, "which addresses", "192.0.2.1", "192.0.2.1", "192.0.2.0/28",
			 "192.0.2.3, 192.0.2.4", "192.0.2.0/28, 192.0.2.9", "'2001:db8::9'",
			 "10.0.0.1"));
}

static void put_entry_endpoints(struct sketch *s, const char *resolution)
{
	unsigned ns = index_of_namespace(s->ns), n = gene(s, "endpoints", 3);

	if (!strcmp(resolution, "NONE") || !strcmp(resolution, "DYNAMIC_DNS"))
		return;
	if (some(s, "selector", 4)) {
		put(s, "workloadSelector: {labels: {app: %s, ", PICK(s, "selected", "web", "api"));
		if (some(s, "by locality", 4))
			put(s, "topology.kubernetes.io/region: r1, ");
		put(s, "}}, ");
		return;
	}
	if (!n)
		return;
	put(s, "endpoints: [");
	for (unsigned i = 0; i < (strcmp(resolution, "DNS_ROUND_ROBIN") ? n : 1); i++) {
		s->salt = 1 + i;
		put(s, "{");
		put_workload(s, ns);
		put(s, "}, ");
	}
	s->salt = 0;
	put(s, "], ");
}

void make_service_entry(struct sketch *s)
{
	const char *resolution = PICK(s, "resolution", "STATIC", "STATIC", "STATIC", "DNS", "NONE",
				      "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS");

	put_head(s, "networking.istio.io/v1", "ServiceEntry");
	put(s, "labels: {");
	if (some(s, "no allocation", 10))
		put(s, "networking.istio.io/enable-autoallocate-ip: 'false', ");
	put(s, "}, annotations: {");
	if (some(s, "distribution", 10))
		put(s, "networking.istio.io/traffic-distribution: %s, ",
		    PICK(s, "which distribution", "PreferClose", "PreferSameNode"));
	put(s, "}}, spec: {resolution: %s, location: %s, ", resolution,
	    PICK(s, "location", "MESH_INTERNAL", "MESH_EXTERNAL"));
	put_entry_hosts(s, resolution);
	put_entry_ports(s);
	put_entry_addresses(s, !strncmp(resolution, "D", 1));
	put_entry_endpoints(s, resolution);
	put_export(s, 3);
	if (some(s, "names", 6))
		put(s, "subjectAltNames: ['%s'], ",
		    PICK(s, "which names", "spiffe://cluster.local/ns/app/sa/a", "x.example.com"));
	put(s, "}, ");
	if (some(s, "allocated", 6))
		put(s, "status: {addresses: [{host: %s, value: 240.240.%u.%u}]}, ",
		    pick_host(s, "host"), gene(s, "third", 2), gene(s, "fourth", 200));
	put(s, "}");
}

void make_workload_entry(struct sketch *s)
{
	put_head(s, "networking.istio.io/v1", "WorkloadEntry");
	put(s, "annotations: {");
	if (some(s, "checked", 6))
		put(s, "proxy.istio.io/health-checks-enabled: 'true', ");
	put(s, "}}, spec: {");
	put_workload(s, index_of_namespace(s->ns));
	put(s, "}, ");
	if (some(s, "healthy", 3))
		put(s, "status: {conditions: [{type: Healthy, status: '%s'}]}, ",
		    PICK(s, "how healthy", "True", "False"));
	put(s, "}");
}
