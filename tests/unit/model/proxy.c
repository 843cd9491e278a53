/* Proxies: the facts that the world adds to a node message, answers, and service targets. */
#include "model/proxy.h"
#include "base/buf.h"
#include "harness.h"
#include "model/service.h"

#include <stdio.h>
#include <string.h>

#define ID "sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local"

TEST(proxy_extensions)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t stock = harness_proxy(h, "{\"id\": \"" ID "\", \"extensions\": "
					  "[{\"name\": \"envoy.filters.http.router\"}]}");

	CHECK_INT(harness_facts(h, stock)->extensions, 0);
	stock = harness_proxy(h, "{\"id\": \"" ID "\", \"extensions\": ["
				 "{\"name\": \"istio.alpn\"},"
				 "{\"name\": \"envoy.filters.http.peer_metadata\"}]}");
	CHECK_INT(harness_facts(h, stock)->extensions, 1 << EXT_ALPN | 1 << EXT_PEER_METADATA_HTTP);
	harness_free(h);
}

/* ---- labels as text ---- */

TEST(proxy_labels_text)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct str_pair v[] = { { "a", "1" }, { "b,c", "x=y%" }, { "d", "" } };
	struct str_map m = { v, 3, true }, back;
	const char *text = labels_text(&a, &m);

	CHECK_STR(text, "a=1,b%2Cc=x%3Dy%25,d=");
	back = labels_parse(&a, text);
	if (CHECK_INT(back.n, 3)) {
		CHECK_STR(back.v[1].key, "b,c");
		CHECK_STR(back.v[1].value, "x=y%");
		CHECK_STR(back.v[2].value, "");
	}
	CHECK_INT(labels_parse(&a, "").n, 0);
}

/* ---- facts ---- */

#define POD(name, ns, labels, more) \
	"---\n" \
	"apiVersion: v1\n" \
	"kind: Pod\n" \
	"metadata: {name: " name ", namespace: " ns ", labels: {" labels "}}\n" \
	"spec: {nodeName: n1, serviceAccountName: sa, containers: [{name: c, ports: [" \
	"{name: web, containerPort: 8080}, {name: web, containerPort: 8081, protocol: UDP}, " \
	"{name: raw, containerPort: 9000}]}]}\n" \
	"status: {phase: Running, podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}], conditions: " \
	"[{type: Ready, status: 'True'}]" more "}\n"
#define NODE \
	"---\n" \
	"apiVersion: v1\n" \
	"kind: Node\n" \
	"metadata: {name: n1, labels: {topology.kubernetes.io/region: r, " \
	"topology.kubernetes.io/zone: z}}\n"

static const char *facts_labels(struct harness *h, uint32_t proxy)
{
	return harness_text(h, harness_facts(h, proxy)->labels);
}

TEST(proxy_facts_of_pod)
{
	struct harness *h = harness_new(POD("web-1", "shop", "app: web", "") NODE, NULL);
	uint32_t p = harness_proxy(
		h,
		"{\"id\": \"" ID "\", \"cluster\": \"web.shop\", \"locality\": {\"region\": \"x\"},"
		" \"metadata\": {\"NAMESPACE\": \"shop\", \"CLUSTER_ID\": \"Kubernetes\","
		" \"NETWORK\": \"n1\", \"NODE_NAME\": \"n1\", \"LABELS\": {\"app\": \"lie\", "
		"\"o\": \"1\"},"
		" \"STATIC_LABELS\": {\"app\": \"under\", \"s\": \"1\"}, \"MESH_ID\": \"m\"}}");
	const struct proxy_facts *f = harness_facts(h, p);

	CHECK_STR(harness_text(h, f->labels),
		  "app=web,s=1,topology.istio.io/cluster=Kubernetes,topology.istio.io/network=n1,"
		  "topology.kubernetes.io/region=r,topology.kubernetes.io/zone=z");
	CHECK_STR(harness_text(h, f->locality), "r/z");
	CHECK_STR(harness_text(h, f->ns), "shop");
	CHECK_STR(harness_text(h, f->mesh_id), "m");
	/* Unique to a workload, and nothing asks for it: not a fact of the class. */
	CHECK_INT(f->meta[META_NODE_CLUSTER], 0);
	/* its node makes no difference to anybody, nor do its addresses */
	CHECK_STR(harness_text(h, f->node_name), "");
	CHECK_INT(f->own_addresses, 0);
	/* a relabelled pod, and one that is gone */
	harness_put(h, POD("web-1", "shop", "app: new", ""));
	CHECK(str_starts(facts_labels(h, p), "app=new,s=1,"));
	harness_delete(h, KIND_POD, "shop", "web-1");
	CHECK_STR(facts_labels(h, p),
		  "app=lie,o=1,topology.istio.io/cluster=Kubernetes,topology.istio.io/network=n1,"
		  "topology.kubernetes.io/region=x");
	CHECK_STR(harness_text(h, harness_facts(h, p)->locality), "x");
	proxy_delete(harness_world(h), p);
	CHECK(!harness_facts(h, p));
	harness_free(h);
}

TEST(proxy_facts_of_workload_entry)
{
	struct harness *h =
		harness_new("apiVersion: networking.istio.io/v1\n"
			    "kind: WorkloadEntry\n"
			    "metadata: {name: vm, namespace: shop, labels: {app: meta}}\n"
			    "spec: {address: 10.0.0.1, network: n2, locality: a/b/c, labels: {app: "
			    "spec, v: '1'}}\n",
			    NULL);
	const struct proxy_facts *f =
		harness_facts(h, harness_sidecar(h, "vm", "shop", "10.0.0.1"));

	CHECK_STR(harness_text(h, f->labels),
		  "app=meta,topology.istio.io/cluster=Kubernetes,topology.istio.io/network=n2,"
		  "topology.istio.io/subzone=c,topology.kubernetes.io/region=a,"
		  "topology.kubernetes.io/zone=b,v=1");
	CHECK_STR(harness_text(h, f->network), "n2");
	CHECK_STR(harness_text(h, f->locality), "a/b/c");
	harness_free(h);
}

TEST(proxy_facts_share_a_class)
{
	static const char two[] =
		POD("web-1", "shop", "app: web",
		    "") "---\n"
			"apiVersion: v1\n"
			"kind: Pod\n"
			"metadata: {name: web-2, namespace: shop, labels: {app: web}}\n"
			"spec: {nodeName: n2}\n"
			"status: {phase: Running, podIP: 10.0.0.2}\n";
	struct harness *h = harness_new(two, NULL);
	struct proxy_facts one, other;
	char text[400];
	uint32_t p[2];

	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof text,
			 "{\"id\": \"sidecar~10.0.0.%d~web-%d.shop~shop.svc.cluster.local\","
			 " \"metadata\": {\"NODE_NAME\": \"n%d\", \"NAMESPACE\": \"shop\","
			 " \"PROXY_CONFIG\": {\"serviceCluster\": \"c%d\"}}}",
			 i + 1, i + 1, i + 1, i + 1);
		p[i] = harness_proxy(h, text);
	}
	one = *harness_facts(h, p[0]);
	other = *harness_facts(h, p[1]);
	CHECK(!memcmp(&one, &other, sizeof one));
	/* as soon as a service is node-local they are told apart */
	harness_put(
		h,
		"apiVersion: v1\n"
		"kind: Service\n"
		"metadata: {name: local, namespace: x}\n"
		"spec: {clusterIP: 10.1.0.1, internalTrafficPolicy: Local, ports: [{port: 1}]}\n");
	one = *harness_facts(h, p[0]);
	other = *harness_facts(h, p[1]);
	CHECK_STR(harness_text(h, one.node_name), "n1");
	CHECK_STR(harness_text(h, other.node_name), "n2");
	CHECK(strstr(harness_text(h, one.labels), "kubernetes.io/hostname=n1") != NULL);
	harness_free(h);
}

TEST(proxy_node_in_use)
{
	static const char *const objects[] = {
		"apiVersion: security.istio.io/v1\n"
		"kind: PeerAuthentication\n"
		"metadata: {name: x, namespace: a}\n"
		"spec: {selector: {matchLabels: {kubernetes.io/hostname: n1}}}\n",
		"apiVersion: networking.istio.io/v1\n"
		"kind: DestinationRule\n"
		"metadata: {name: x, namespace: a}\n"
		"spec: {host: h, subsets: [{name: s, trafficPolicy: {loadBalancer: "
		"{localityLbSetting: "
		"{failoverPriority: [kubernetes.io/hostname]}}}}]}\n",
		"apiVersion: networking.istio.io/v1\n"
		"kind: DestinationRule\n"
		"metadata: {name: x, namespace: a}\n"
		"spec: {host: h, trafficPolicy: {loadBalancer: {localityLbSetting: "
		"{failoverPriority: ['kubernetes.io/hostname=n1']}}}}\n",
		"apiVersion: networking.istio.io/v1\n"
		"kind: Sidecar\n"
		"metadata: {name: x, namespace: a}\n"
		"spec: {workloadSelector: {labels: {kubernetes.io/hostname: n1}}}\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
		struct harness *h = harness_new(NULL, NULL);
		uint32_t p = harness_proxy(h, "{\"id\": \"" ID
					      "\", \"metadata\": {\"NODE_NAME\": \"n1\"}}");

		CHECK_STR(facts_labels(h, p), "");
		harness_put(h, objects[i]);
		CHECK_STR(facts_labels(h, p), "kubernetes.io/hostname=n1");
		harness_free(h);
	}
}

/* ---- answers ---- */

struct answers {
	char text[600];
};

static void ask_all(struct run *run, void *ctx)
{
	struct str_pair match[] = { { "app", "web" }, { "v", "1" } };
	struct str_map yes = { match, 1, true }, no = { match, 2, true }, none = { 0 };
	uint32_t app = ask(run, ASK_LABEL, run_key(run, "app"));
	struct answers *a = ctx;

	snprintf(a->text, sizeof a->text,
		 "ns %d %d labels %d %d %d router %d v4 %d v6 %d flag %d %d version %d %d "
		 "cluster %d %d network %d %d %d label %s %d any %u",
		 ask_is(run, ASK_NS_IS, run_key(run, "shop")),
		 ask_is(run, ASK_NS_IS, run_key(run, "sho")), ask_labels_match(run, &yes),
		 ask_labels_match(run, &no), ask_labels_match(run, &none),
		 ask_is(run, ASK_IS_ROUTER, 0), ask_is(run, ASK_HAS_V4, 0),
		 ask_is(run, ASK_HAS_V6, 0), ask_is(run, ASK_FLAG, FLAG_DNS_CAPTURE),
		 ask_is(run, ASK_FLAG, FLAG_HTTP10), ask_is(run, ASK_VERSION, 1 << 16 | 20),
		 ask_is(run, ASK_VERSION, 1 << 16 | 21),
		 ask_is(run, ASK_CLUSTER_IS, run_key(run, "c1")),
		 ask_is(run, ASK_CLUSTER_IS, run_key(run, "c2")),
		 ask_is(run, ASK_SEES_NETWORK, run_key(run, "n2")),
		 ask_is(run, ASK_SEES_NETWORK, run_key(run, "n3")),
		 ask_is(run, ASK_SEES_NETWORK, KEY_EMPTY), app ? run_text(run, app) : "none",
		 (int)ask(run, ASK_LABEL, run_key(run, "ap")), ask(run, ASK_LABELS, 0));
}

TEST(proxy_answers)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t p =
		harness_proxy(h, "{\"id\": \"" ID
				 "\", \"metadata\": {\"LABELS\": {\"app\": \"web\", \"v\": \"12\"},"
				 " \"CLUSTER_ID\": \"c1\", \"REQUESTED_NETWORK_VIEW\": \"n1,n2\","
				 " \"DNS_CAPTURE\": \"true\", \"ISTIO_VERSION\": \"1.20.1\"}}");
	struct answers a;

	harness_run(h, p, ask_all, &a);
	CHECK_STR(a.text, "ns 1 0 labels 1 0 1 router 0 v4 1 v6 0 flag 1 0 version 1 0 "
			  "cluster 1 0 network 1 0 1 label web 0 any 1");
	p = harness_proxy(h, "{\"id\": \"router~fd00::1~gw.shop~shop.svc.cluster.local\"}");
	harness_run(h, p, ask_all, &a);
	CHECK(str_starts(a.text, "ns 1 0 labels 0 0 1 router 1 v4 0 v6 1 flag 0 0 version 1 1 "
				 "cluster 1 1 network 1 1 1"));
	harness_free(h);
}

static void read_config(struct run *run, void *ctx)
{
	const struct mesh_proxy_config *c = proxy_config_of(run);

	snprintf(ctx, 100, "%d %d", (int)c->status_port.v,
		 c->gateway_topology ? (int)c->gateway_topology->num_trusted_proxies.v : -1);
}

TEST(proxy_config)
{
	struct harness *h =
		harness_new(NULL, "defaultConfig: {gatewayTopology: {numTrustedProxies: 7}}");
	char text[100];
	uint32_t own = harness_proxy(h, "{\"id\": \"" ID "\", \"metadata\": {\"PROXY_CONFIG\": "
					"{\"statusPort\": 15099}}}");
	uint32_t none =
		harness_proxy(h, "{\"id\": \"sidecar~10.0.0.9~x.shop~shop.svc.cluster.local\"}");

	harness_run(h, own, read_config, text);
	CHECK_STR(text, "15099 -1");
	harness_run(h, none, read_config, text);
	CHECK_STR(text, "15020 7");
	harness_free(h);
}

/* ---- service targets ---- */

static void read_targets(struct run *run, void *ctx)
{
	struct buf *b = ctx;
	uint32_t n;
	const struct service_target *t = proxy_targets(run, &n);

	buf_reset(b);
	for (uint32_t i = 0; i < n; i++)
		buf_printf(b, "%s%s/%s %s %u>%u %s", i ? "; " : "", t[i].ns, t[i].host,
			   t[i].port_name, t[i].port, t[i].target_port,
			   protocol_name((enum protocol)t[i].protocol));
}

static void check_targets(struct harness *h, uint32_t proxy, const char *want, int line)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;

	harness_run(h, proxy, read_targets, &b);
	test_check_str(buf_str(&b), want, __FILE__, line, "targets");
}
#define TARGETS(h, proxy, want) check_targets(h, proxy, want, __LINE__)

#define SERVICE(name, ns, day, spec) \
	"---\n" \
	"apiVersion: v1\n" \
	"kind: Service\n" \
	"metadata: {name: " name ", namespace: " ns ", creationTimestamp: '2024-01-0" day \
	"T00:00:00Z'}\n" \
	"spec: {" spec "}\n"

TEST(proxy_targets_of_pod)
{
	struct harness *h = harness_new(
		POD("web-1", "shop", "app: web, v: '1'",
		    "") SERVICE("young", "shop", "3",
				"clusterIP: 10.1.0.1, selector: {app: web}, ports: "
				"[{name: http, port: 80, targetPort: web}, {name: tcp-raw, port: "
				"90, targetPort: raw}]")
			SERVICE("old", "shop", "1",
				"clusterIP: 10.1.0.2, selector: {v: '1', app: web}, ports: "
				"[{name: http, port: 80}, {name: http-2, port: 81, targetPort: "
				"80}, "
				"{name: grpc, port: 82, targetPort: 80}, {name: http-x, port: 83, "
				"targetPort: nope}]")
				SERVICE("away", "other", "1",
					"selector: {app: web}, ports: [{port: 1}]")
					SERVICE("more", "shop", "1",
						"selector: {app: web, v: '2'}, ports: [{port: 1}]")
						SERVICE("none", "shop", "1",
							"clusterIP: 10.1.0.3, ports: [{port: 1}]"),
		NULL);
	uint32_t p = harness_sidecar(h, "web-1", "shop", "10.0.0.1");

	TARGETS(h, p,
		"shop/old.shop.svc.cluster.local http 80>80 http; "
		"shop/old.shop.svc.cluster.local grpc 82>80 grpc; "
		"shop/young.shop.svc.cluster.local http 80>8080 http; "
		"shop/young.shop.svc.cluster.local tcp-raw 90>9000 tcp");
	harness_delete(h, KIND_SERVICE, "shop", "old");
	TARGETS(h, p,
		"shop/young.shop.svc.cluster.local http 80>8080 http; "
		"shop/young.shop.svc.cluster.local tcp-raw 90>9000 tcp");
	harness_free(h);
}

TEST(proxy_targets_of_slices)
{
	static const char slice[] =
		"---\n"
		"apiVersion: discovery.k8s.io/v1\n"
		"kind: EndpointSlice\n"
		"metadata: {name: hand-1, namespace: shop, labels: {kubernetes.io/service-name: "
		"hand}}\n"
		"addressType: IPv4\n"
		"endpoints: [{addresses: [10.0.0.1]}]\n"
		"ports: [{name: http, port: 7000}, {name: other, port: 7001}]\n";
	struct harness *h = harness_new(POD("web-1", "shop", "app: web", ""), NULL);
	uint32_t p = harness_sidecar(h, "web-1", "shop", "10.0.0.1");

	harness_put(h, slice);
	TARGETS(h, p, "");
	harness_put(h, SERVICE("hand", "shop", "1",
			       "clusterIP: 10.1.0.1, ports: [{name: http, port: 80}]"));
	TARGETS(h, p, "shop/hand.shop.svc.cluster.local http 80>7000 http");
	/* a service that selects the pod comes alone */
	harness_put(h, SERVICE("sel", "shop", "1",
			       "clusterIP: 10.1.0.2, selector: {app: web}, ports: [{port: 80}]"));
	TARGETS(h, p, "shop/sel.shop.svc.cluster.local  80>80 unsupported");
	harness_free(h);
}

TEST(proxy_targets_of_metadata)
{
	struct harness *h = harness_new(SERVICE("web", "shop", "1",
						"clusterIP: 10.1.0.1, selector: {app: web}, ports: "
						"[{name: http, port: 80, targetPort: web}, {name: "
						"tcp, port: 90, targetPort: 9}, "
						"{name: grpc, port: 91, targetPort: gone}]"),
					NULL);
	uint32_t p = harness_proxy(
		h, "{\"id\": \"" ID
		   "\", \"metadata\": {\"LABELS\": {\"app\": \"web\"}, \"POD_PORTS\": "
		   "\"[{\\\"name\\\":\\\"web\\\",\\\"containerPort\\\":53,\\\"protocol\\\":"
		   "\\\"UDP\\\"},"
		   "{\\\"name\\\":\\\"web\\\",\\\"containerPort\\\":8080,\\\"protocol\\\":"
		   "\\\"TCP\\\"}]\"}}");

	TARGETS(h, p,
		"shop/web.shop.svc.cluster.local http 80>8080 http; "
		"shop/web.shop.svc.cluster.local tcp 90>9 tcp");
	harness_free(h);
}

#define WE(name, ns, spec) \
	"---\n" \
	"apiVersion: networking.istio.io/v1\n" \
	"kind: WorkloadEntry\n" \
	"metadata: {name: " name ", namespace: " ns "}\n" \
	"spec: {" spec "}\n"
#define SE(name, ns, spec) \
	"---\n" \
	"apiVersion: networking.istio.io/v1\n" \
	"kind: ServiceEntry\n" \
	"metadata: {name: " name ", namespace: " ns "}\n" \
	"spec: {" spec "}\n"

TEST(proxy_targets_of_workload_entry)
{
	struct harness *h = harness_new(
		WE("vm", "shop",
		   "address: 10.0.0.1, labels: {app: vm}, ports: {http: 8888, admin: 99}")
			SERVICE("web", "shop", "1",
				"clusterIP: 10.1.0.1, selector: {app: vm}, ports: "
				"[{name: http, port: 80, targetPort: 8080}, {name: tcp, port: 90, "
				"targetPort: 9}, "
				"{name: http-a, port: 91, targetPort: admin}, {name: x, port: 92, "
				"targetPort: gone}]")
				SERVICE("headless", "shop", "1",
					"clusterIP: None, selector: {app: vm}, ports: [{port: 1}]")
					SE("entry", "shop",
					   "hosts: [e.mesh], resolution: STATIC, ports: [{number: "
					   "70, name: http, "
					   "protocol: HTTP, targetPort: 71}], workloadSelector: "
					   "{labels: {app: vm}}")
						SE("plain", "shop",
						   "hosts: [p.mesh], resolution: STATIC, ports: "
						   "[{number: 72, name: tcp, "
						   "protocol: TCP}], workloadSelector: {labels: "
						   "{app: vm}}"),
		NULL);
	uint32_t p = harness_sidecar(h, "vm", "shop", "10.0.0.1");

	TARGETS(h, p,
		"shop/e.mesh http 70>8888 http; shop/p.mesh tcp 72>72 tcp; "
		"shop/web.shop.svc.cluster.local http 80>8888 http; "
		"shop/web.shop.svc.cluster.local tcp 90>9 tcp; "
		"shop/web.shop.svc.cluster.local http-a 91>99 http");
	harness_free(h);
}

TEST(proxy_targets_of_service_entries)
{
	struct harness *h = harness_new(
		POD("web-1", "shop", "app: web", "") SE(
			"inline", "shop",
			"hosts: [a.mesh, b.mesh], resolution: STATIC, ports: [{number: 80, "
			"name: http, protocol: HTTP, targetPort: 8080}, {number: 443, name: tls, "
			"protocol: TLS}], "
			"endpoints: [{address: 10.0.0.9}, {address: 10.0.0.1, ports: {tls: 8443}}]")
			SE("away", "other",
			   "hosts: [c.mesh], resolution: STATIC, ports: [{number: 80, name: http, "
			   "protocol: HTTP}], endpoints: [{address: 10.0.0.1}]")
				SE("selects", "shop",
				   "hosts: [s.mesh], resolution: STATIC, ports: [{number: 80, "
				   "name: web, "
				   "protocol: HTTP}], workloadSelector: {labels: {app: web}}"),
		NULL);
	uint32_t p = harness_sidecar(h, "web-1", "shop", "10.0.0.1");

	TARGETS(h, p,
		"shop/a.mesh http 80>8080 http; shop/a.mesh tls 443>8443 tls; "
		"shop/b.mesh http 80>8080 http; shop/b.mesh tls 443>8443 tls; "
		"shop/s.mesh web 80>8080 http");
	harness_free(h);
}

TEST(proxy_own_addresses)
{
	struct harness *h = harness_new(
		POD("web-1", "shop", "app: web", "") SERVICE(
			"head", "shop", "1",
			"clusterIP: None, selector: {app: web}, ports: [{name: http, port: 80}]"),
		NULL);
	uint32_t p = harness_sidecar(h, "web-1", "shop", "10.0.0.1");

	CHECK_INT(harness_facts(h, p)->own_addresses, 0);
	harness_put(
		h,
		SERVICE("head", "shop", "1",
			"clusterIP: None, selector: {app: web}, ports: [{name: tcp, port: 80}]"));
	CHECK_STR(harness_text(h, harness_facts(h, p)->own_addresses), "10.0.0.1");
	harness_delete(h, KIND_SERVICE, "shop", "head");
	CHECK_INT(harness_facts(h, p)->own_addresses, 0);
	harness_put(h, "apiVersion: networking.istio.io/v1\n"
		       "kind: Sidecar\n"
		       "metadata: {name: s, namespace: shop}\n"
		       "spec: {ingress: [{port: {number: 80, name: http, protocol: HTTP}, "
		       "defaultEndpoint: '0.0.0.0:8080'}]}\n");
	CHECK_STR(harness_text(h, harness_facts(h, p)->own_addresses), "10.0.0.1");
	harness_free(h);
}
