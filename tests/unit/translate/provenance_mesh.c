/* The mesh of the provenance tests, short enough to be looked over. */
#include "provenance_mesh.h"
#include "base/buf.h"

static const char *api_of(const char *kind)
{
	static const struct {
		const char *kind, *api;
	} rows[] = {
		{ "Service", "v1" },
		{ "Pod", "v1" },
		{ "Node", "v1" },
		{ "Namespace", "v1" },
		{ "EndpointSlice", "discovery.k8s.io/v1" },
		{ "PeerAuthentication", "security.istio.io/v1" },
		{ "Telemetry", "telemetry.istio.io/v1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(rows[i].kind, kind))
			return rows[i].api;
	return "networking.istio.io/v1";
}

void put_rows(struct kit *k, const struct row *v, size_t n)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		buf_printf(&b, "apiVersion: %s\nkind: %s\nmetadata: {name: %s, ", api_of(v[i].kind),
			   v[i].kind, v[i].name);
		if (v[i].ns)
			buf_printf(&b, "namespace: %s, ", v[i].ns);
		buf_printf(&b, "%s\n---\n", v[i].rest);
	}
	kit_put(k, buf_str(&b));
	buf_fini(&b);
}

/* One of everything that can be a source. */
static const struct row everything[] = {
	{ "Service", "shop", "a",
	  "}\nspec: {clusterIP: 10.96.0.1, selector: {app: a}, ports: [{name: http, port: 80}]}" },
	{ "Service", "shop", "b",
	  "}\nspec: {clusterIP: 10.96.0.1, selector: {app: b}, ports: [{name: http, port: 80}]}" },
	{ "Service", "shop", "t",
	  "}\nspec: {clusterIP: 10.96.0.9, ports: [{name: tcp, port: 9000}]}" },
	{ "Service", "shop", "alias",
	  "}\nspec: {type: ExternalName, externalName: a.shop.svc.cluster.local}" },
	{ "Namespace", NULL, "shop",
	  "annotations: {networking.istio.io/traffic-distribution: PreferClose}}" },
	{ "Pod", "shop", "pod",
	  "labels: {app: a, version: v1, \"security.istio.io/tlsMode\": istio}}\n"
	  "spec: {nodeName: n1, serviceAccountName: sa}\n"
	  "status: {podIP: 10.0.0.1, phase: Running, conditions: [{type: Ready, status: "
	  "\"True\"}]}" },
	{ "EndpointSlice", "shop", "a-p",
	  "labels: {kubernetes.io/service-name: a}}\naddressType: IPv4\n"
	  "ports: [{name: http, port: 8080}]\nendpoints: [{addresses: [10.0.0.1], "
	  "targetRef: {kind: Pod, name: pod, namespace: shop}}]" },
	{ "Node", NULL, "n1", "labels: {topology.kubernetes.io/region: r}}" },
	{ "Node", NULL, "n2", "labels: {topology.kubernetes.io/region: r}}" },
	{ "DestinationRule", "shop", "a",
	  "}\nspec: {host: a, subsets: [{name: v1, labels: {version: v1}}]}" },
	{ "DestinationRule", "shop", "more",
	  "}\nspec: {host: a, subsets: [{name: v2, labels: {version: v2}}]}" },
	{ "DestinationRule", "shop", "wild", "}\nspec: {host: \"*.shop.svc.cluster.local\"}" },
	{ "DestinationRule", "n1", "mine", "}\nspec: {host: b.shop.svc.cluster.local}" },
	{ "DestinationRule", "elsewhere", "private",
	  "}\nspec: {host: b.shop.svc.cluster.local, exportTo: [\".\"]}" },
	{ "VirtualService", "shop", "first",
	  "}\nspec:\n  hosts: [a]\n  http:\n"
	  "  - {match: [{uri: {prefix: /y}}], delegate: {name: part, namespace: shop}}\n"
	  "  - {route: [{destination: {host: b}}]}" },
	{ "VirtualService", "shop", "part",
	  "}\nspec: {http: [{route: [{destination: {host: b}}]}]}" },
	{ "VirtualService", "shop", "tcp",
	  "}\nspec: {hosts: [t], tcp: [{route: [{destination: {host: b}}]}]}" },
	{ "VirtualService", "shop", "wild",
	  "}\nspec: {hosts: [\"*.example.com\"], http: [{route: [{destination: {host: b}}]}]}" },
	{ "VirtualService", "shop", "front",
	  "}\nspec: {hosts: [front.example.com], gateways: [istio-system/gw],\n"
	  "  http: [{route: [{destination: {host: a}}]}]}" },
	{ "ServiceEntry", "out", "dns",
	  "}\nspec: {hosts: [d.example.com], resolution: DNS, location: MESH_EXTERNAL,\n"
	  "  ports: [{number: 443, name: tls, protocol: TLS}]}" },
	{ "ServiceEntry", "out", "vm",
	  "}\nspec: {hosts: [vm.example.com], addresses: [10.1.1.1], resolution: STATIC,\n"
	  "  ports: [{number: 80, name: http, protocol: HTTP}],\n"
	  "  workloadSelector: {labels: {vm: one, tier: x}}}" },
	{ "WorkloadEntry", "out", "w1",
	  "}\nspec: {address: 10.2.0.1, labels: {vm: one, tier: x}}" },
	{ "WorkloadEntry", "out", "w2",
	  "}\nspec: {address: 10.2.0.2, labels: {vm: one, tier: z}}" },
	{ "Sidecar", "n2", "trim", "}\nspec: {egress: [{hosts: [\"shop/*\"]}]}" },
	{ "PeerAuthentication", "istio-system", "mesh", "}\nspec: {mtls: {mode: PERMISSIVE}}" },
	{ "PeerAuthentication", "shop", "a",
	  "}\nspec: {selector: {matchLabels: {app: a}}, mtls: {mode: DISABLE}}" },
	{ "PeerAuthentication", "shop", "z",
	  "}\nspec: {selector: {matchLabels: {app: z}}, mtls: {mode: STRICT}}" },
	{ "Telemetry", "istio-system", "mesh",
	  "}\nspec: {accessLogging: [{providers: [{name: envoy}]}]}" },
	{ "Telemetry", "elsewhere", "other", "}\nspec: {accessLogging: [{disabled: true}]}" },
	{ "Gateway", "istio-system", "gw",
	  "}\nspec: {selector: {istio: ingressgateway},\n"
	  "  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [\"*\"]}]}" },
};

const char *const every_id[EVERY_PROXY] = { "one.n1", "two.n2", "pod.shop", "capture.n1",
					    "gw.istio-system" };

void join_every(struct kit *k, struct engine_proxy *p[EVERY_PROXY])
{
	put_rows(k, everything, ARRAY_LEN(everything));
	p[0] = kit_join(k, &(struct kit_proxy){ .name = "one", .ns = "n1" });
	p[1] = kit_join(k, &(struct kit_proxy){ .name = "two", .ns = "n2" });
	p[2] = kit_join(k, &(struct kit_proxy){ .name = "pod",
						.ns = "shop",
						.ip = "10.0.0.1",
						.labels = "{\"app\":\"a\",\"version\":\"v1\"}" });
	p[3] = kit_join(k, &(struct kit_proxy){ .name = "capture",
						.ns = "n1",
						.metadata = "\"DNS_CAPTURE\":\"true\"" });
	p[4] = kit_join(k, &(struct kit_proxy){ .name = "gw",
						.ns = "istio-system",
						.type = "router",
						.labels = "{\"istio\":\"ingressgateway\"}" });
}
