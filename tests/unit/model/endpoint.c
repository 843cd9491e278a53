/* Endpoints of every source, their identity and order, and what an edit of one of them reaches. */
#include "model/endpoint.h"
#include "base/buf.h"
#include "harness.h"
#include "model/options.h"

#include <string.h>

#define SERVICE(name, ns, spec) \
	"---\n" \
	"apiVersion: v1\n" \
	"kind: Service\n" \
	"metadata: {name: " name ", namespace: " ns "}\n" \
	"spec: {" spec "}\n"
#define SLICE(name, service, rest) \
	"---\n" \
	"apiVersion: discovery.k8s.io/v1\n" \
	"kind: EndpointSlice\n" \
	"metadata: {name: " name \
	", namespace: shop, labels: {kubernetes.io/service-name: " service "}}\n" \
	"addressType: IPv4\n" rest "\n"
#define POD(name, meta, spec, ip, status) \
	"---\n" \
	"apiVersion: v1\n" \
	"kind: Pod\n" \
	"metadata: {name: " name ", namespace: shop, " meta "}\n" \
	"spec: {" spec "}\n" \
	"status: {phase: Running, podIP: " ip \
	", conditions: [{type: Ready, status: 'True'}]" status "}\n"
#define SE(name, ns, spec) \
	"---\n" \
	"apiVersion: networking.istio.io/v1\n" \
	"kind: ServiceEntry\n" \
	"metadata: {name: " name ", namespace: " ns "}\n" \
	"spec: {" spec "}\n"
#define WE(name, ns, meta, spec) \
	"---\n" \
	"apiVersion: networking.istio.io/v1\n" \
	"kind: WorkloadEntry\n" \
	"metadata: {name: " name ", namespace: " ns meta "}\n" \
	"spec: {" spec "}\n"
#define WEB \
	SERVICE("web", "shop", \
		"clusterIP: 10.1.0.1, selector: {app: web}, ports: [{name: http, port: 80}]")

struct wanted {
	const char *ns, *host;
	uint16_t port;
	bool details;
	struct buf text;
};

static void put_details(struct buf *b, const struct endpoint_model *e)
{
	buf_printf(b, " %s/%s sa=%s loc=%s net=%s cl=%s node=%s w=%u", e->ns, e->workload_name,
		   str_or(e->service_account, "-"), e->locality, e->network, e->cluster,
		   e->node_name, e->weight);
	if (*e->sub_domain)
		buf_printf(b, " dns=%s.%s", e->host_name, e->sub_domain);
}

static void read_endpoints(struct run *run, void *ctx)
{
	static const char *const health[] = { "", " healthy", " unhealthy", " draining",
					      " terminating" };
	struct wanted *w = ctx;
	const struct service *svc = service_read(run, run_key(run, w->ns), run_key(run, w->host));
	const struct endpoint_model *e;
	uint32_t n;

	buf_reset(&w->text);
	if (!svc) {
		buf_puts(&w->text, "no service");
		return;
	}
	e = endpoints_read(run, svc, service_port_of(svc, w->port), &n);
	for (uint32_t i = 0; i < n; i++) {
		buf_printf(&w->text, "%s%s:%u %s%s", i ? "; " : "", e[i].address, e[i].port,
			   e[i].tls_mode, health[e[i].health]);
		CHECK_INT(e[i].serves_mtls, str_eq(e[i].tls_mode, "istio"));
		for (uint32_t j = 0; j < e[i].n_more_addresses; j++)
			buf_printf(&w->text, " +%s", e[i].more_addresses[j]);
		if (w->details)
			put_details(&w->text, &e[i]);
	}
}

static void check(struct harness *h, const char *ns, const char *host, uint16_t port, bool details,
		  const char *want, int line)
{
	struct wanted w = { ns, host, port, details, BUF_INIT };

	harness_run(h, 0, read_endpoints, &w);
	test_check_str(buf_str(&w.text), want, __FILE__, line, "endpoints");
	buf_fini(&w.text);
}
#define ENDPOINTS(h, host, port, want) check(h, "shop", host, port, false, want, __LINE__)
#define DETAILS(h, host, port, want) check(h, "shop", host, port, true, want, __LINE__)
#define WEB_HOST "web.shop.svc.cluster.local"

/* ---- slices ---- */

TEST(endpoint_slices_wait_for_pods)
{
	struct harness *h =
		harness_new(WEB SLICE("web-1", "web",
				      "endpoints:\n"
				      "- {addresses: [10.0.0.2], targetRef: {kind: Pod, name: b, "
				      "namespace: shop}}\n"
				      "- {addresses: [10.0.0.1], targetRef: {kind: Pod, name: a}}\n"
				      "- {addresses: [10.0.0.3]}\n"
				      "ports: [{name: http, port: 8080}, {name: other, port: 1}]"),
			    NULL);

	ENDPOINTS(h, WEB_HOST, 80, "10.0.0.3:8080 disabled healthy");
	harness_put(h, POD("a", "labels: {security.istio.io/tlsMode: istio}", "", "10.0.0.1", ""));
	ENDPOINTS(h, WEB_HOST, 80, "10.0.0.1:8080 istio healthy; 10.0.0.3:8080 disabled healthy");
	harness_put(h, POD("b", "labels: {x: z}", "", "10.0.0.2", ""));
	ENDPOINTS(h, WEB_HOST, 80,
		  "10.0.0.1:8080 istio healthy; 10.0.0.2:8080 disabled healthy; "
		  "10.0.0.3:8080 disabled healthy");
	ENDPOINTS(h, "gone.shop.svc.cluster.local", 80, "no service");
	harness_free(h);
}

TEST(endpoint_slices_details)
{
	struct harness *h = harness_new(
		WEB
		"---\n"
		"apiVersion: v1\n"
		"kind: Node\n"
		"metadata: {name: n1, labels: {topology.kubernetes.io/region: r, "
		"failure-domain.beta.kubernetes.io/zone: z}}\n" POD(
			"a", "labels: {app: web}",
			"nodeName: n1, serviceAccountName: front, subdomain: web", "10.0.0.1", "")
			POD("b", "labels: {istio-locality: x.y.z, topology.istio.io/network: n9}",
			    "subdomain: web, hostname: bb", "10.0.0.2", "")
				SLICE("web-1", "web",
				      "endpoints:\n"
				      "- {addresses: [10.0.0.1], targetRef: {kind: Pod, name: a}}\n"
				      "- {addresses: [10.0.0.2]}\n" /* by its address */
				      "- {addresses: [10.0.0.3]}\n"
				      "ports: [{name: http, port: 8080}]"),
		NULL);

	DETAILS(h, WEB_HOST, 80,
		"10.0.0.1:8080 disabled healthy shop/a sa=spiffe://cluster.local/ns/shop/sa/front "
		"loc=r/z/ net= cl=Kubernetes node=n1 w=0 dns=a.web; "
		"10.0.0.2:8080 disabled healthy shop/b "
		"sa=spiffe://cluster.local/ns/shop/sa/default "
		"loc=x/y/z net=n9 cl=Kubernetes node= w=0 dns=bb.web; "
		"10.0.0.3:8080 disabled healthy / sa=- loc= net= cl=Kubernetes node= w=0");
	harness_mesh(h, "trustDomain: td");
	harness_networks(h, "networks: {wide: {endpoints: [{fromCidr: 10.0.0.0/8}]}, "
			    "narrow: {endpoints: [{fromCidr: 10.0.0.3/32}]}, "
			    "far: {endpoints: [{fromRegistry: elsewhere}]}}");
	DETAILS(h, WEB_HOST, 80,
		"10.0.0.1:8080 disabled healthy shop/a sa=spiffe://td/ns/shop/sa/front "
		"loc=r/z/ net=wide cl=Kubernetes node=n1 w=0 dns=a.web; "
		"10.0.0.2:8080 disabled healthy shop/b sa=spiffe://td/ns/shop/sa/default "
		"loc=x/y/z net=n9 cl=Kubernetes node= w=0 dns=bb.web; "
		"10.0.0.3:8080 disabled healthy / sa=- loc= net=wide cl=Kubernetes node= w=0");
	harness_put(h,
		    "apiVersion: v1\n"
		    "kind: Namespace\n"
		    "metadata: {name: istio-system, labels: {topology.istio.io/network: sys}}\n");
	harness_delete(h, KIND_POD, "shop", "b");
	harness_delete(h, KIND_POD, "shop", "a");
	DETAILS(h, WEB_HOST, 80,
		"10.0.0.2:8080 disabled healthy / sa=- loc= net=sys cl=Kubernetes node= w=0; "
		"10.0.0.3:8080 disabled healthy / sa=- loc= net=sys cl=Kubernetes node= w=0");
	harness_free(h);
}

TEST(endpoint_slices_health)
{
	static const char slice[] =
		SLICE("web-1", "web",
		      "endpoints:\n"
		      "- {addresses: [10.0.0.1]}\n"
		      "- {addresses: [10.0.0.2], conditions: {ready: true, terminating: true}}\n"
		      "- {addresses: [10.0.0.3], conditions: {ready: false}}\n"
		      "- {addresses: [10.0.0.4], conditions: {ready: false, terminating: false}}\n"
		      "- {addresses: [10.0.0.5], conditions: {ready: false, serving: true, "
		      "terminating: true}}\n"
		      "- {addresses: [10.0.0.6], conditions: {ready: false, serving: false, "
		      "terminating: true}}\n"
		      "ports: [{name: http, port: 8080}]");
	struct harness *h = harness_new(slice, NULL);

	harness_put(h, WEB);
	ENDPOINTS(h, WEB_HOST, 80,
		  "10.0.0.1:8080 disabled healthy; 10.0.0.2:8080 disabled healthy; "
		  "10.0.0.3:8080 disabled terminating; 10.0.0.4:8080 disabled unhealthy; "
		  "10.0.0.5:8080 disabled terminating; 10.0.0.6:8080 disabled terminating");
	harness_put(
		h,
		"apiVersion: v1\n"
		"kind: Service\n"
		"metadata: {name: web, namespace: shop, labels: {istio.io/persistent-session: c}}\n"
		"spec: {clusterIP: 10.1.0.1, ports: [{name: http, port: 80}]}\n");
	ENDPOINTS(h, WEB_HOST, 80,
		  "10.0.0.1:8080 disabled healthy; 10.0.0.2:8080 disabled healthy; "
		  "10.0.0.3:8080 disabled draining; 10.0.0.4:8080 disabled unhealthy; "
		  "10.0.0.5:8080 disabled draining; 10.0.0.6:8080 disabled terminating");
	harness_free(h);
}

TEST(endpoint_slices_in_order_and_once)
{
	struct harness *h = harness_new(
		WEB SLICE("web-2", "web",
			  "endpoints: [{addresses: [10.0.0.3, 10.0.0.1]}]\n"
			  "ports: [{name: http, port: 8080}]")
			SLICE("web-1", "web",
			      "endpoints: [{addresses: [10.0.0.2]}, {addresses: [10.0.0.1]}]\n"
			      "ports: [{name: http, port: 9090}, {name: http}, {port: 7}]")
				SLICE("web-3", "else",
				      "endpoints: [{addresses: [10.0.0.9]}]\n"
				      "ports: [{name: http, port: 9090}]"),
		NULL);
	struct wanted w = { "shop", WEB_HOST, 80, false, BUF_INIT };

	ENDPOINTS(h, WEB_HOST, 80,
		  "10.0.0.1:9090 disabled healthy; 10.0.0.2:9090 disabled healthy; "
		  "10.0.0.3:8080 disabled healthy");
	harness_watch(h, 0, read_endpoints, &w);
	harness_put(h, SLICE("web-1", "web",
			     "endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2]}]\n"
			     "ports: [{name: http, port: 9090}]"));
	CHECK_INT(harness_commit(h), 1);
	CHECK_STR(buf_str(&w.text),
		  "10.0.0.1:9090 disabled healthy; 10.0.0.2:9090 disabled healthy; "
		  "10.0.0.3:8080 disabled healthy");
	harness_put(h, SLICE("web-3", "else",
			     "endpoints: [{addresses: [10.0.0.8]}]\n"
			     "ports: [{name: http, port: 9090}]"));
	CHECK_INT(harness_commit(h), 0);
	buf_fini(&w.text);
	harness_free(h);
}

TEST(endpoint_slices_two_families)
{
	static const char objects[] = SERVICE(
		"web", "shop", "clusterIP: 10.1.0.1, ipFamilies: [IPv4, IPv6], ports: [{port: 80}]")
		POD("a", "labels: {x: z}", "", "10.0.0.1",
		    ", podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]")
			SLICE("web-4", "web",
			      "endpoints: [{addresses: [10.0.0.1], targetRef: {kind: Pod, "
			      "name: a}}]\n"
			      "ports: [{port: 8080}]")
				SLICE("web-6", "web",
				      "endpoints: [{addresses: ['fd00::1'], targetRef: "
				      "{kind: Pod, name: a}}]\n"
				      "ports: [{port: 8080}]");
	struct harness *h = harness_new(objects, NULL);
	struct model_options both = *model_options();

	ENDPOINTS(h, WEB_HOST, 80, "10.0.0.1:8080 disabled healthy; fd00::1:8080 disabled healthy");
	both.features.dual_stack = true;
	model_setup(&both);
	ENDPOINTS(h, WEB_HOST, 80, "10.0.0.1:8080 disabled healthy +fd00::1");
	harness_free(h);
}

TEST(endpoint_workload_names)
{
	static const struct {
		const char *meta, *want;
	} rows[] = {
		{ "labels: {pod-template-hash: 5d4}, generateName: front-5d4-, ownerReferences: "
		  "[{kind: ReplicaSet, name: front-5d4, controller: true}]",
		  "front" },
		{ "labels: {rollouts-pod-template-hash: h77}, generateName: roll-h77-, "
		  "ownerReferences: "
		  "[{kind: ReplicaSet, name: roll-h77, controller: true}]",
		  "roll" },
		{ "labels: {pod-template-hash: h99}, generateName: x-, ownerReferences: "
		  "[{kind: ReplicaSet, name: front-5d4, controller: true}]",
		  "front-5d4" },
		{ "labels: {deploymentconfig: dc}, generateName: x-, ownerReferences: "
		  "[{kind: ReplicationController, name: dc-1, controller: true}]",
		  "dc" },
		{ "generateName: x-, ownerReferences: [{kind: Job, name: nightly-28412345, "
		  "controller: true}]",
		  "nightly" },
		{ "generateName: x-, ownerReferences: [{kind: Job, name: job-123, controller: "
		  "true}]",
		  "job-123" },
		{ "generateName: x-, ownerReferences: [{kind: Other, name: o}, "
		  "{kind: StatefulSet, name: store, controller: true}]",
		  "store" },
		{ "ownerReferences: [{kind: StatefulSet, name: store, controller: true}]", "a" },
		{ "generateName: x-", "a" },
		{ "labels: {service.istio.io/workload-name: named}", "named" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup(arena_fini) struct arena a = ARENA_INIT;
		struct harness *h = harness_new(
			WEB SLICE("web-1", "web",
				  "endpoints: [{addresses: [10.0.0.1], targetRef: {kind: Pod, "
				  "name: a}}]\nports: [{name: http, port: 8080}]"),
			NULL);

		harness_put(
			h, arena_printf(&a,
					"apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: "
					"shop, %s}\n",
					rows[i].meta));
		DETAILS(h, WEB_HOST, 80,
			arena_printf(&a,
				     "10.0.0.1:8080 disabled healthy shop/%s "
				     "sa=spiffe://cluster.local/ns/shop/sa/default loc= net= "
				     "cl=Kubernetes node= w=0",
				     rows[i].want));
		harness_free(h);
	}
}

/* ---- ServiceEntries ---- */

TEST(endpoint_inline)
{
	struct harness *h = harness_new(
		SE("ext", "shop",
		   "hosts: [ext.com], resolution: STATIC, ports: [{number: 80, name: http, "
		   "protocol: HTTP, "
		   "targetPort: 8080}, {number: 443, name: tls, protocol: TLS}], endpoints: ["
		   "{address: 1.1.1.1, ports: {http: 8888}, weight: 3, locality: a/b, network: "
		   "n1}, "
		   "{address: 2.2.2.2, serviceAccount: sa, labels: {istio-locality: c.d}}, "
		   "{address: 'unix:///var/x.sock'}, "
		   "{address: 3.3.3.3, labels: {security.istio.io/tlsMode: custom}, "
		   "serviceAccount: sa}]"),
		NULL);

	DETAILS(h, "ext.com", 80,
		"1.1.1.1:8888 disabled shop/ext-0 sa=- loc=a/b net=n1 cl=Kubernetes node= w=3; "
		"2.2.2.2:8080 istio shop/ext-1 sa=spiffe://cluster.local/ns/shop/sa/sa loc=c/d "
		"net= "
		"cl=Kubernetes node= w=0; "
		"/var/x.sock:0 disabled shop/ext-2 sa=- loc= net= cl=Kubernetes node= w=0; "
		"3.3.3.3:8080 custom shop/ext-3 sa=spiffe://cluster.local/ns/shop/sa/sa loc= net= "
		"cl=Kubernetes node= w=0");
	ENDPOINTS(h, "ext.com", 443,
		  "1.1.1.1:443 disabled; 2.2.2.2:443 istio; /var/x.sock:0 disabled; 3.3.3.3:443 "
		  "custom");
	harness_free(h);
}

TEST(endpoint_of_dns_is_the_host)
{
	struct harness *h = harness_new(
		SE("ext", "shop",
		   "hosts: [Ext.com], resolution: DNS, ports: [{number: 80, name: http, "
		   "protocol: HTTP, targetPort: 8080}]")
			SE("none", "shop",
			   "hosts: [none.com], resolution: NONE, ports: [{number: 80, name: http, "
			   "protocol: HTTP}]") SE("static", "shop",
						  "hosts: [static.com], resolution: STATIC, ports: "
						  "[{number: 80, name: "
						  "http, protocol: HTTP}]"),
		NULL);

	DETAILS(h, "ext.com", 80,
		"ext.com:8080 disabled shop/ext sa=- loc= net= cl=Kubernetes node= w=0");
	ENDPOINTS(h, "none.com", 80, "");
	ENDPOINTS(h, "static.com", 80, "");
	harness_free(h);
}

TEST(endpoint_selected_workloads)
{
	struct harness *h = harness_new(
		SE("se", "shop",
		   "hosts: [vm.mesh], resolution: STATIC, ports: [{number: 80, name: http, "
		   "protocol: HTTP, targetPort: 8080}], workloadSelector: {labels: {app: vm, v: "
		   "'1'}}") WE("vm1", "shop", ", labels: {v: '1'}",
			       "address: 10.0.0.1, labels: {app: vm, v: '0'}, weight: 2")
			WE("vm2", "shop", "", "address: 10.0.0.2, labels: {app: vm, v: '2'}") WE(
				"vm3", "shop", "", "address: host.name, labels: {app: vm, v: '1'}")
				WE("vm4", "other", "",
				   "address: 10.0.0.4, labels: {app: vm, v: '1'}")
					WE("vm5", "shop",
					   ", annotations: {istio.io/autoRegistrationGroup: group}",
					   "address: 10.0.0.5, labels: {app: vm, v: '1'}, ports: "
					   "{http: 9999}, serviceAccount: sa")
						WE("vm6", "shop",
						   ", annotations: "
						   "{proxy.istio.io/health-checks-enabled: 'true'}",
						   "address: 10.0.0.6, labels: {app: vm, v: '1'}")
							POD("p1",
							    "labels: {app: vm, v: '1', "
							    "security.istio.io/tlsMode: istio}",
							    "containers: [{name: c, ports: [{name: "
							    "http, containerPort: 7777}]}]",
							    "10.0.0.7", "")
								POD("p2",
								    "labels: {app: vm, v: '2'}", "",
								    "10.0.0.8",
								    "") "---\napiVersion: "
									"v1\nkind: Pod\nmetadata: "
									"{name: p3, namespace: "
									"shop, labels: {app: vm, "
									"v: "
									"'1'}}\nstatus: {podIP: "
									"10.0.0.9}\n",
		NULL);

	ENDPOINTS(h, "vm.mesh", 80,
		  "10.0.0.1:8080 disabled; 10.0.0.5:9999 istio; 10.0.0.6:8080 disabled unhealthy; "
		  "10.0.0.7:7777 istio healthy");
	DETAILS(h, "vm.mesh", 80,
		"10.0.0.1:8080 disabled shop/vm1 sa=- loc= net= cl=Kubernetes node= w=2; "
		"10.0.0.5:9999 istio shop/group sa=spiffe://cluster.local/ns/shop/sa/sa loc= net= "
		"cl=Kubernetes node= w=0; "
		"10.0.0.6:8080 disabled unhealthy shop/vm6 sa=- loc= net= cl=Kubernetes node= w=0; "
		"10.0.0.7:7777 istio healthy shop/p1 sa=spiffe://cluster.local/ns/shop/sa/default "
		"loc= "
		"net= cl=Kubernetes node= w=0");
	harness_delete(h, KIND_POD, "shop", "p1");
	harness_put(h, WE("vm2", "shop", "", "address: 10.0.0.2, labels: {app: vm, v: '1'}"));
	ENDPOINTS(h, "vm.mesh", 80,
		  "10.0.0.1:8080 disabled; 10.0.0.2:8080 disabled; 10.0.0.5:9999 istio; "
		  "10.0.0.6:8080 disabled unhealthy");
	harness_free(h);
}

TEST(endpoint_selected_by_dns_entry)
{
	struct harness *h = harness_new(
		SE("se", "shop",
		   "hosts: [vm.mesh], resolution: DNS, ports: [{number: 80, name: http, "
		   "protocol: HTTP}], workloadSelector: {labels: {app: vm}}")
			WE("vm3", "shop", "", "address: host.name, labels: {app: vm}"),
		NULL);

	ENDPOINTS(h, "vm.mesh", 80, "host.name:80 disabled");
	harness_delete(h, KIND_WORKLOAD_ENTRY, "shop", "vm3");
	ENDPOINTS(h, "vm.mesh", 80, "");
	harness_free(h);
}

TEST(endpoint_kubernetes_selects_entries)
{
	struct harness *h = harness_new(
		SERVICE("web", "shop",
			"clusterIP: 10.1.0.1, selector: {app: web}, ports: [{name: http, port: "
			"80, targetPort: 8080}, {name: adm, port: 90, targetPort: admin}]")
			SERVICE("head", "shop",
				"clusterIP: None, selector: {app: web}, ports: [{name: http, port: "
				"80}]") WE("a", "shop", "", "address: 10.0.0.1, labels: {app: web}")
				WE("b", "shop", "",
				   "address: 10.0.0.2, labels: {app: web}, ports: {http: 8888, "
				   "admin: 99}") WE("c", "shop", "",
						    "address: some.host, labels: {app: web}")
					WE("d", "shop", "",
					   "address: 10.0.0.4, labels: {app: other}"),
		NULL);
	struct model_options off = *model_options();

	ENDPOINTS(h, WEB_HOST, 80, "10.0.0.1:8080 disabled; 10.0.0.2:8888 disabled");
	ENDPOINTS(h, WEB_HOST, 90, "10.0.0.2:99 disabled");
	ENDPOINTS(h, "head.shop.svc.cluster.local", 80, "");
	off.features.k8s_select_workload_entries = false;
	model_setup(&off);
	ENDPOINTS(h, WEB_HOST, 80, "");
	harness_free(h);
}

TEST(endpoint_entries_add_to_a_service)
{
	struct harness *h = harness_new(
		WEB SLICE("web-1", "web",
			  "endpoints: [{addresses: [10.0.0.1]}]\nports: [{name: http, port: 8080}]")
			SE("shadow", "shop",
			   "hosts: [" WEB_HOST
			   "], resolution: STATIC, ports: [{number: 80, name: http, "
			   "protocol: HTTP}, {number: 81, name: else, protocol: HTTP}], endpoints: "
			   "[{address: 9.9.9.9}]")
				SE("away", "other",
				   "hosts: [" WEB_HOST
				   "], resolution: STATIC, ports: [{number: 80, name: http, "
				   "protocol: HTTP}], endpoints: [{address: 8.8.8.8}]"),
		NULL);

	ENDPOINTS(h, WEB_HOST, 80, "9.9.9.9:80 disabled; 10.0.0.1:8080 disabled healthy");
	harness_free(h);
}

/* ---- labels and accounts ---- */

static void read_labels(struct run *run, void *ctx)
{
	const struct service *svc = service_read(run, run_key(run, "shop"), run_key(run, WEB_HOST));
	uint32_t n;
	const struct endpoint_model *e = endpoints_read(run, svc, &svc->ports[0], &n);

	buf_reset(ctx);
	for (uint32_t i = 0; i < n; i++)
		buf_printf(ctx, "%s%s", i ? " | " : "", labels_text(run_arena(run), e[i].labels));
}

TEST(endpoint_labels_have_topology)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;
	struct harness *h = harness_new(
		WEB POD("a", "labels: {app: web, topology.istio.io/locality: x/y}", "nodeName: n1",
			"10.0.0.1", "")
			SLICE("web-1", "web",
			      "endpoints: [{addresses: [10.0.0.1]}, {addresses: [10.0.0.2]}]\n"
			      "ports: [{name: http, port: 8080}]"),
		NULL);

	harness_run(h, 0, read_labels, &b);
	CHECK_STR(buf_str(&b),
		  "app=web,kubernetes.io/hostname=n1,topology.istio.io/cluster=Kubernetes,"
		  "topology.istio.io/locality=x/y,topology.kubernetes.io/region=x,"
		  "topology.kubernetes.io/zone=y | topology.istio.io/cluster=Kubernetes");
	harness_free(h);
}

struct wanted_accounts {
	const char *host;
	struct buf text;
};

static void read_accounts(struct run *run, void *ctx)
{
	struct wanted_accounts *w = ctx;
	const struct service *svc = service_read(run, run_key(run, "shop"), run_key(run, w->host));
	uint32_t n;
	const char *const *v = service_accounts(run, svc, &n);

	buf_reset(&w->text);
	for (uint32_t i = 0; i < n; i++)
		buf_printf(&w->text, "%s%s", i ? " " : "", v[i]);
}

TEST(endpoint_service_accounts)
{
	struct harness *h = harness_new(
		"apiVersion: v1\n"
		"kind: Service\n"
		"metadata: {name: web, namespace: shop, annotations: "
		"{alpha.istio.io/kubernetes-serviceaccounts: "
		"'x,front', alpha.istio.io/canonical-serviceaccounts: some@where}}\n"
		"spec: {clusterIP: 10.1.0.1, ports: [{name: http, port: 80}]}\n" POD(
			"a", "labels: {x: z}", "serviceAccountName: front", "10.0.0.1",
			"") POD("b", "labels: {x: z}", "serviceAccountName: back", "10.0.0.2",
				"") SLICE("web-1", "web",
					  "endpoints:\n"
					  "- {addresses: [10.0.0.1]}\n"
					  "- {addresses: [10.0.0.2]}\n"
					  "ports: [{name: http, port: 8080}]")
			SE("ext", "shop",
			   "hosts: [ext.com], resolution: STATIC, ports: [{number: 80, name: http, "
			   "protocol: HTTP}], subjectAltNames: [b.com, a.com, 'spiffe://other/x']"),
		NULL);
	struct wanted_accounts web = { WEB_HOST, BUF_INIT }, ext = { "ext.com", BUF_INIT };

	harness_watch(h, 0, read_accounts, &web);
	harness_watch(h, 0, read_accounts, &ext);
	CHECK_STR(buf_str(&web.text), "some@where spiffe://cluster.local/ns/shop/sa/back "
				      "spiffe://cluster.local/ns/shop/sa/front "
				      "spiffe://cluster.local/ns/shop/sa/x");
	CHECK_STR(buf_str(&ext.text), "a.com b.com spiffe://other/x");
	/* one more pod with a known account goes no further */
	harness_put(
		h,
		POD("c", "labels: {x: z}", "serviceAccountName: back", "10.0.0.3", "") SLICE(
			"web-2", "web",
			"endpoints: [{addresses: [10.0.0.3]}]\nports: [{name: http, port: 8080}]"));
	CHECK_INT(harness_commit(h), 0);
	harness_put(h, POD("c", "labels: {x: z}", "serviceAccountName: new", "10.0.0.3", ""));
	CHECK_INT(harness_commit(h), 1);
	harness_mesh(h, "trustDomainAliases: [td2]");
	CHECK_INT(harness_commit(h), 1);
	CHECK(strstr(buf_str(&web.text), " spiffe://td2/ns/shop/sa/new") != NULL);
	CHECK_STR(buf_str(&ext.text), "a.com b.com spiffe://other/x");
	buf_fini(&web.text);
	buf_fini(&ext.text);
	harness_free(h);
}
