/* Index rows: which entries an object belongs to. */
#include "base/buf.h"
#include "harness.h"
#include <stdio.h>
#include <string.h>

struct probe {
	unsigned cell;
	const char *first, *second; /* second NULL: a plain key */
	const char *want;           /* names of the members */
};

static void show(struct run *r, void *ctx)
{
	const struct probe *p = ctx;
	uint32_t key = run_key(r, p->first);
	const struct entry *e;
	struct buf out = BUF_INIT;

	if (p->second)
		key = run_pair(r, key, run_key(r, p->second));
	e = read_entry(r, p->cell, key);
	for (uint32_t i = 0; i < e->n; i++)
		buf_printf(&out, "%s%s/%s", i ? " " : "", e->v[i]->ns, e->v[i]->name);
	if (!CHECK_STR(buf_str(&out), p->want))
		printf("\tcell %u, %s %s\n", p->cell, p->first, str_or(p->second, ""));
	buf_fini(&out);
}

#define OBJ(version, kind, name, ns, rest) \
	"---\napiVersion: " version "\nkind: " kind "\nmetadata: {name: " name ", namespace: " ns \
	"}\n" rest "\n"
#define NET "networking.istio.io/v1"

static const char objects[] =
	"---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: app, labels: "
	"{topology.istio.io/network: n1}}\nspec: {clusterIP: 10.0.0.1, selector: {b: x, a: q}, "
	"internalTrafficPolicy: Local, ports: [{port: 80}]}\n" OBJ(
		"v1", "Service", "ext", "app",
		"spec: {type: ExternalName, externalName: WEB.app.svc.cluster.local, "
		"trafficDistribution: PreferSameNode}") OBJ(NET, "ServiceEntry", "se", "app",
							    "spec: {hosts: [One.x.y, '*.z.y'], "
							    "addresses: [192.0.2.1/32], "
							    "resolution: STATIC, workloadSelector: "
							    "{labels: {k: v}}, ports: [{number: "
							    "80, name: http}]}") OBJ(NET,
										     "ServiceEntry",
										     "auto", "app",
										     "spec: "
										     "{hosts: "
										     "[auto.x], "
										     "resolution: "
										     "DNS, ports: "
										     "[{number: "
										     "80, name: "
										     "http}]}")
		OBJ(NET, "ServiceEntry", "held", "app",
		    "spec: {hosts: [held.x], resolution: DNS, ports: [{number: 80, name: "
		    "http}]}\nstatus: {addresses: "
		    "[{host: held.x, value: 240.240.0.9}]}") "---\napiVersion: v1\nkind: "
							     "Namespace\nmetadata: {name: far, "
							     "annotations: "
							     "{networking.istio.io/"
							     "traffic-distribution: "
							     "PreferSameNode}}\n"
							     "---\napiVersion: "
							     "discovery.k8s.io/v1\nkind: "
							     "EndpointSlice\nmetadata: {name: "
							     "mine, namespace: app, labels: "
							     "{kubernetes.io/service-name: "
							     "web}}\naddressType: IPv4\nendpoints: "
							     "[{addresses: [10.1.0.1]}]\nports: "
							     "[]\n"
							     "---\napiVersion: "
							     "discovery.k8s.io/v1\nkind: "
							     "EndpointSlice\nmetadata: {name: "
							     "theirs, namespace: app, labels: "
							     "{kubernetes.io/service-name: web, "
							     "endpointslice.kubernetes.io/"
							     "managed-by: "
							     "endpointslice-controller.k8s.io}}"
							     "\naddressType: IPv4\nendpoints: "
							     "[{addresses: [10.1.0.1]}]\nports: "
							     "[]\n"
							     "---\napiVersion: v1\nkind: "
							     "Pod\nmetadata: {name: p, namespace: "
							     "app, labels: {k: v, l: w}}\nspec: "
							     "{containers: [{name: c}]}\nstatus: "
							     "{podIP: 10.1.0.1, podIPs: [{ip: "
							     "10.1.0.1}, {ip: 'fd00::1'}]}\n"
							     "---\napiVersion: " NET
							     "\nkind: WorkloadEntry\nmetadata: "
							     "{name: w, namespace: app, labels: "
							     "{m: "
							     "o}}\nspec: {address: 10.2.0.1, "
							     "labels: {k: v}}\n" OBJ(
								     NET, "VirtualService", "vs",
								     "app",
								     "spec: {hosts: [web, "
								     "'*.x.y'], http: [{match: "
								     "[{uri: {exact: /a}}], "
								     "delegate: {name: leaf}}, "
								     "{route: "
								     "[{destination: {host: "
								     "web}}]}]}")
								     OBJ(NET, "VirtualService",
									 "edge", "app",
									 "spec: {hosts: [web], "
									 "gateways: [gw, "
									 "other/gw], http: "
									 "[{route: [{destination: "
									 "{host: web}}]}]}")
									     OBJ(NET,
										 "DestinationRule",
										 "dr", "app",
										 "spec: {host: "
										 "Web}")
										     OBJ(NET,
											 "Gateway",
											 "gw",
											 "app",
											 "spec: "
											 "{servers:"
											 " [{hosts:"
											 " ['*'], "
											 "port: "
											 "{number: "
											 "80, "
											 "name: "
											 "http, "
											 "protocol:"
											 " HTTP}}]"
											 "}");

TEST(index_entries)
{
	static const struct probe probes[] = {
		{ CELL_SVC_NS, "app", NULL, "app/auto app/ext app/held app/se app/web" },
		{ CELL_SVC_HOST, "web.app.svc.cluster.local", NULL, "app/web" },
		{ CELL_SVC_HOST, "one.x.y", NULL, "app/se" },
		{ CELL_SVC_HOST, "One.x.y", NULL, "" },
		{ CELL_SVC_NS_HOST, "app", "*.z.y", "app/se" },
		{ CELL_SVC_ADDRESS, "10.0.0.1", NULL, "app/web" },
		{ CELL_SVC_ADDRESS, "192.0.2.1", NULL, "app/se" },
		{ CELL_SVC_SUFFIX, "*.x.y", NULL, "app/se" },
		{ CELL_SVC_SUFFIX, "*.z.y", NULL, "app/se" },
		{ CELL_SVC_SUFFIX, "*.a.z.y", NULL, "" },
		{ CELL_SVC_SUFFIX, "*.svc.cluster.local", NULL, "app/ext app/web" },
		{ CELL_SVC_SUFFIX, "*", NULL, "app/auto app/ext app/held app/se app/web" },
		{ CELL_SVC_NETWORK_GATEWAY, "", NULL, "app/web" },
		{ CELL_SVC_NODE_LOCAL, "", NULL, "app/ext /far app/web" },
		{ CELL_SVC_ALIAS, "web.app.svc.cluster.local", NULL, "app/ext" },
		{ CELL_NS_DISTRIBUTION, "far", NULL, "/far" },
		{ CELL_NS_DISTRIBUTION, "app", NULL, "" },
		{ CELL_SE_AUTO, "app/auto.x", NULL, "app/auto" },
		{ CELL_SE_AUTO, "app/held.x", NULL, "" },
		{ CELL_AUTO_TAKEN, "240.240.0.9", NULL, "app/held" },
		{ CELL_SLICE_SERVICE, "app", "web", "app/mine app/theirs" },
		{ CELL_SLICE_IP, "10.1.0.1", NULL, "app/mine" },
		{ CELL_POD_LABEL, "app", "l=w", "app/p" },
		{ CELL_POD_LABEL, "other", "l=w", "" },
		{ CELL_POD_IP, "fd00::1", NULL, "app/p" },
		{ CELL_WE_LABEL, "app", "m=o", "app/w" },
		{ CELL_WE_LABEL, "app", "k=v", "app/w" },
		{ CELL_WE_IP, "10.2.0.1", NULL, "app/w" },
		{ CELL_SVC_SELECTOR, "app", "a=q", "app/web" },
		{ CELL_SVC_SELECTOR, "app", "b=x", "" },
		{ CELL_SE_SELECTOR, "app", "k=v", "app/se" },
		{ CELL_VS_HOST, "web.app.svc.cluster.local", NULL, "app/vs" },
		{ CELL_VS_AT, "*.x.y", NULL, "app/vs" },
		{ CELL_VS_NS, "app", NULL, "app/edge app/vs" },
		{ CELL_SVC_HEADS, "app", NULL, "app/auto app/ext app/held app/se app/web" },
		{ CELL_VS_GATEWAY, "app/gw", NULL, "app/edge" },
		{ CELL_VS_GATEWAY, "other/gw", NULL, "app/edge" },
		{ CELL_DR_HOST, "web.app.svc.cluster.local", NULL, "app/dr" },
		{ CELL_GATEWAY_ALL, "", NULL, "app/gw" },
		{ CELL_GATEWAY_NS, "app", NULL, "app/gw" },
		{ CELL_INGRESS_ALL, "", NULL, "app/in" },
		{ CELL_INGRESS_HOST, "i.x", NULL, "app/in" },
		{ CELL_INGRESS_HOST, "*", NULL, "app/in" },
	};
	struct harness *h = harness_new(objects, NULL);

	harness_put(h, "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: in, "
		       "namespace: app}\nspec: {defaultBackend: {service: {name: a, port: {number: "
		       "80}}}, rules: [{host: I.x, http: {paths: []}}, {host: none.x}]}\n");
	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		struct probe p = probes[i];

		harness_run(h, 0, show, &p);
	}
	harness_free(h);
}

TEST(index_lazy_entries_follow)
{
	struct harness *h = harness_new(objects, NULL);
	struct probe pods = { CELL_POD_LABEL, "app", "l=w", "app/p" };
	struct probe suffix = { CELL_SVC_SUFFIX, "*.x.y", NULL, "app/se" };

	harness_commit(h);
	harness_watch(h, 0, show, &pods);
	harness_watch(h, 0, show, &suffix);
	pods.want = "app/p app/q";
	harness_put(h, "apiVersion: v1\nkind: Pod\nmetadata: {name: q, namespace: app, labels: {l: "
		       "w}}\nspec: "
		       "{containers: [{name: c}]}\n");
	CHECK_INT(harness_commit(h), 1);
	suffix.want = "";
	harness_delete(h, KIND_SERVICE_ENTRY, "app", "se");
	CHECK_INT(harness_commit(h), 1);
	harness_free(h);
}
