/* Gateways of routers: selection, merging, hosts, ports, and what is bound to them. */
#include "model/gateway.h"
#include "base/buf.h"
#include "gateway_view.h"
#include "model/options.h"
#include "model/route_source.h"
#include "schema/object.h"
#include <string.h>

static void show_sources(struct run *r, void *ctx)
{
	struct buf *b = ctx;
	struct gateway_table t = gateways_of_proxy(r);
	struct gateway_server s;
	const struct gateway_source *v;
	uint32_t n;

	buf_reset(b);
	if (!t.n_places || !CHECK(gateway_server_read(r, t.places[0].server, &s)))
		return;
	v = gateway_sources(r, &s, &n);
	for (uint32_t i = 0; i < n; i++) {
		const struct route_source *source = gateway_source_read(r, v[i].key);

		buf_printf(b, "%s%s/%s", i ? "; " : "", v[i].ns,
			   source ? source->object->name : "?");
		for (uint32_t j = 0; j < v[i].hosts.n; j++)
			buf_printf(b, " %s", v[i].hosts.v[j]);
	}
}

static void check_sources(struct harness *h, uint32_t proxy, const char *want, int line)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;

	harness_run(h, proxy, show_sources, &b);
	test_check_str(buf_str(&b), want, __FILE__, line, "bound");
}
#define SOURCES(h, proxy, want) check_sources(h, proxy, want, __LINE__)

/* Holds until the next harness. */
#define ENABLE(field) \
	do { \
		struct model_options options = *model_options(); \
\
		options.features.field = true; \
		model_setup(&options); \
	} while (0)

#define HTTPS(number, name, hosts) \
	"{port: {number: " #number ", name: " name ", protocol: HTTPS}, hosts: " hosts \
	", tls: {mode: SIMPLE, credentialName: c}}"
#define PASS(number, name, hosts) \
	"{port: {number: " #number ", name: " name ", protocol: TLS}, hosts: " hosts \
	", tls: {mode: PASSTHROUGH}}"

/* ---- selection ---- */

TEST(gateway_selection)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t in = ingress_router(h), other = router(h, "app", "{\"istio\":\"other\"}");

	TABLE(h, in, "");
	put_gateway(h, "app/b", ALL "servers: [" HTTP(81, "b") "]");
	put_gateway(h, "istio-system/a", ALL "servers: [" HTTP(80, "a") "]");
	put_gateway(h, "app/all", "servers: [" HTTP(82, "all") "]");
	put_gateway(h, "app/more",
		    "selector: {istio: ingressgateway, x: z}, servers: [" HTTP(83, "m") "]");
	TABLE(h, in, ":81 http http.81: b.b; :80 http http.80: a.a; :82 http http.82: all.all");
	TABLE(h, other, ":82 http http.82: all.all");
	harness_free(h);
}

TEST(gateway_selection_of_namespace)
{
	struct harness *h = harness_new(NULL, NULL);

	ENABLE(scope_gateway_to_namespace);
	put_gateway(h, "app/b", ALL "servers: [" HTTP(81, "b") "]");
	put_gateway(h, "istio-system/a", "servers: [" HTTP(80, "a") "]");
	TABLE(h, ingress_router(h), ":80 http http.80: a.a");
	harness_free(h);
}

/* Whoever was deployed for a Gateway of the Gateway API carries out only such, and those of its namespace. */
TEST(gateway_strict_merging)
{
	static const char api[] = "annotations: {internal.istio.io/gateway-semantics: gateway";
	struct harness *h = harness_new(NULL, NULL);
	struct arena a = ARENA_INIT;

	put_object(h, "Gateway", "app/api",
		   arena_printf(&a, "%s, internal.istio.io/service-account-name: s}", api),
		   "servers: [" HTTP(80, "p") "]");
	put_object(h, "Gateway", "zoo/api-too", arena_printf(&a, "%s}", api),
		   "servers: [" HTTP(81, "p") "]");
	put_gateway(h, "app/own", "servers: [" HTTP(82, "p") "]");
	put_gateway(h, "zoo/foreign", "servers: [" HTTP(83, "p") "]");
	TABLE(h, router(h, "app", "{}"),
	      ":80 http http.80: api.p; :81 http http.81: api-too.p; :82 http http.82: own.p");
	harness_delete(h, KIND_GATEWAY, "app", "api");
	TABLE(h, router(h, "app", "{}"),
	      ":81 http http.81: api-too.p; :82 http http.82: own.p; :83 http http.83: foreign.p");
	harness_free(h);
	arena_fini(&a);
}

/* ---- merging ---- */

TEST(gateway_merges_http)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;
	struct harness *h = harness_new(NULL, NULL);
	uint32_t p = ingress_router(h);

	harness_watch(h, p, show_table, &b);
	put_gateway(h, "app/a", "servers: [" HTTP(80, "a") "]");
	put_gateway(h, "app/b",
		    "servers: [{port: {number: 80, name: b, protocol: HTTP2}, hosts: [x]}, "
		    "{port: {number: 80, name: c, protocol: TCP}, hosts: [x]}]");
	TABLE(h, p, ":80 http http.80: a.a b.b");
	CHECK(strstr(harness_problems(h),
		     "spec.servers[1]: the server is left out: the port is taken by a server of "
		     "another protocol"));
	/* The other way round. */
	put_gateway(h, "app/a",
		    "servers: [{port: {number: 80, name: a, protocol: TCP}, hosts: [x]}]");
	harness_delete(h, KIND_GATEWAY, "app", "b");
	put_gateway(h, "app/c", "servers: [" HTTP(80, "c") "]");
	TABLE(h, p, ":80 tcp : a.a");
	harness_free(h);
}

TEST(gateway_merges_binds)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t p = ingress_router(h);

	put_gateway(
		h, "app/a",
		"servers: [" HTTP(80, "all") ", {port: {number: 80, name: one, protocol: HTTP}, "
					     "bind: 10.0.0.1, hosts: ['*']}, {port: {number: 80, "
					     "name: raw, protocol: TCP}, "
					     "bind: 10.0.0.2, hosts: ['*']}, {port: {number: 80, "
					     "name: too, protocol: HTTP}, "
					     "bind: 10.0.0.1, hosts: [x]}]");
	TABLE(h, p,
	      ":80 http http.80: a.all; 10.0.0.1:80 http http.80.10.0.0.1: a.one a.too; "
	      "10.0.0.2:80 tcp : a.raw");
	harness_free(h);
}

TEST(gateway_merges_tls)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;
	struct harness *h = harness_new(NULL, NULL);
	uint32_t p = ingress_router(h);

	harness_watch(h, p, show_table, &b);
	put_gateway(h, "app/a",
		    "servers: [" HTTPS(443, "a", "[a.x, b.x]") ", " PASS(
			    443, "raw", "[c.x]") ", " HTTPS(443, "late", "[d.x, b.x]") "]");
	TABLE(h, p, ":443 https : a.a+https(https.443.a.a.app); :443 tls : a.raw");
	CHECK(strstr(harness_problems(h),
		     "spec.servers[2]: the server is left out: another server of the port has one "
		     "of its hosts"));
	/* What is not TLS finds no room beside it. */
	put_gateway(h, "app/b", "servers: [" HTTP(443, "plain") ", " HTTPS(443, "b", "[e.x]") "]");
	TABLE(h, p,
	      ":443 https : a.a+https(https.443.a.a.app) b.b+https(https.443.b.b.app); :443 tls : "
	      "a.raw");
	CHECK(strstr(harness_problems(h), "the port is taken by servers with TLS"));
	/* Names of route configurations are told apart by port, name of the port and Gateway. */
	put_gateway(h, "app/c",
		    "servers: [" HTTPS(444, "c", "[a.x]") ", " HTTPS(444, "c", "[b.x]") "]");
	TABLE(h, p,
	      ":443 https : a.a+https(https.443.a.a.app) b.b+https(https.443.b.b.app); :443 tls : "
	      "a.raw; :444 https : c.c+https(https.444.c.c.app)");
	CHECK(strstr(harness_problems(h), "another server of the port has its name"));
	harness_free(h);
}

/* One of a namespace and one of all are different hosts. */
TEST(gateway_hosts)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t p = ingress_router(h);

	put_gateway(
		h, "app/a",
		"servers: [" HTTPS(443, "a", "[./a.x]") ", " HTTPS(
			443, "b", "[zoo/a.x]") ", " HTTPS(443, "c",
							  "['*/a.x']") ", " HTTPS(443, "d",
										  "[app/a.x]") "]");
	TABLE(h, p,
	      ":443 https : a.a+https(https.443.a.a.app) a.b+https(https.443.b.a.app) "
	      "a.c+https(https.443.c.a.app)");
	harness_free(h);
}

static void show_hosts(struct run *r, void *ctx)
{
	struct buf *b = ctx;
	struct gateway_table t = gateways_of_proxy(r);
	struct gateway_server s;
	struct str_list lists[3];

	if (!CHECK_INT(t.n_places, 1) || !CHECK(gateway_server_read(r, t.places[0].server, &s)))
		return;
	lists[0] = gateway_server_names(&s, run_arena(r));
	lists[1] = gateway_hosts_for(&s, "app", run_arena(r));
	lists[2] = gateway_hosts_for(&s, "zoo", run_arena(r));
	for (unsigned i = 0; i < 3; i++)
		for (uint32_t j = 0; j < lists[i].n; j++)
			buf_printf(b, "%s%s", j ? " " : i ? "; " : "", lists[i].v[j]);
}

TEST(gateway_hosts_of_namespaces)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;
	struct harness *h = harness_new(NULL, NULL);

	put_gateway(h, "app/a",
		    "servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: [d.x, ./c.x, "
		    "zoo/b.x, '*/a.x', zoo/d.x]}]");
	harness_run(h, ingress_router(h), show_hosts, &b);
	CHECK_STR(buf_str(&b), "a.x b.x c.x d.x; d.x c.x a.x; d.x b.x a.x d.x");
	harness_free(h);
}

TEST(gateway_passes_sni)
{
	struct harness *h = harness_new(NULL, NULL);

	put_gateway(h, "app/a",
		    "servers: [{port: {number: 15443, name: t, protocol: TLS}, hosts: "
		    "['*.local'], tls: {mode: AUTO_PASSTHROUGH}}]");
	TABLE(h, ingress_router(h), ":15443 tls : a.t+sni");
	/* Without a mode, TLS is passed through. */
	put_gateway(h, "app/a",
		    "servers: [{port: {number: 15443, name: t, protocol: HTTPS}, hosts: "
		    "['*.local'], tls: {}}]");
	TABLE(h, ingress_router(h), ":15443 https : a.t");
	harness_free(h);
}

/* ---- ports ---- */

static void pod(struct harness *h)
{
	harness_put(h, "apiVersion: v1\nkind: Pod\nmetadata: {namespace: istio-system, name: gw-1, "
		       "labels: {istio: ingressgateway}}\nspec: {containers: [{name: c}]}\n"
		       "status: {podIP: 10.1.0.9, podIPs: [{ip: 10.1.0.9}]}\n");
}

TEST(gateway_ports)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t p = ingress_router(h);

	pod(h);
	put_gateway_service(h, "istio-system/in", "",
			    "{name: http, port: 80, targetPort: 8080}, "
			    "{name: udp, port: 443, targetPort: 8443, protocol: UDP}, "
			    "{name: https, port: 443, targetPort: 8443}");
	put_gateway(
		h, "app/a",
		"servers: [" HTTP(80, "a") ", " HTTP(81, "b") ", " HTTPS(443, "c", "[c.x]") "]");
	TABLE(h, p,
	      ":8080 http http.8080: a.a; :81 http http.81: a.b; :8443 https : "
	      "a.c+https(https.443.c.a.app)");
	/* Over UDP it is offered as HTTP/3. */
	ENABLE(quic_listeners);
	put_gateway(h, "app/a", "servers: [" HTTPS(443, "c", "[c.x]") "]");
	TABLE(h, ingress_router(h), ":8443 https : a.c+h3+https(https.443.c.a.app)");
	/* The service wants its ports as they are. */
	put_gateway_service(
		h, "istio-system/in",
		"labels: {experimental.istio.io/disable-gateway-port-translation: 'true'}",
		"{name: http, port: 443, targetPort: 8443}");
	TABLE(h, ingress_router(h), ":443 https : a.c+https(https.443.c.a.app)");
	harness_free(h);
}

/* Named services stand for a selector. */
TEST(gateway_by_services)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t p = ingress_router(h);

	pod(h);
	put_gateway_service(h, "istio-system/in", "", "{name: http, port: 80, targetPort: 8080}");
	put_gateway_service(h, "istio-system/in2", "", "{name: http, port: 80, targetPort: 9080}");
	put_object(h, "Gateway", "istio-system/a",
		   "annotations: {internal.istio.io/gateway-service: "
		   "'in.istio-system.svc.cluster.local,"
		   "in2.istio-system.svc.cluster.local'}",
		   "selector: {no: one}, servers: [" HTTP(80, "a") ", " HTTP(81, "b") "]");
	TABLE(h, p, ":8080 http http.8080: a.a; :9080 http http.9080: a.a");
	put_object(h, "Gateway", "istio-system/a",
		   "annotations: {internal.istio.io/gateway-service: "
		   "in3.istio-system.svc.cluster.local}",
		   "servers: [" HTTP(80, "a") "]");
	TABLE(h, p, "");
	harness_free(h);
}

/* ---- VirtualServices ---- */

#define TO "http: [{route: [{destination: {host: b}}]}]"

TEST(gateway_bound)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t p = ingress_router(h);

	put_gateway(h, "app/gw", "servers: [" HTTP(80, "a") "]");
	put_object(h, "VirtualService", "app/old", "", "hosts: [A.x, b.x], gateways: [gw], " TO);
	put_object(h, "VirtualService", "zoo/hidden", "",
		   "hosts: [a.x], gateways: [app/gw], exportTo: ['.'], " TO);
	put_object(h, "VirtualService", "zoo/mesh", "", "hosts: [a.x], " TO);
	put_object(h, "VirtualService", "zoo/given", "",
		   "hosts: [c.x], gateways: [mesh, app/gw], exportTo: [istio-system], " TO);
	put_object(h, "VirtualService", "istio-system/own", "",
		   "hosts: [d.x], gateways: [app/gw], exportTo: ['.'], " TO);
	put_object(h, "VirtualService", "istio-system/other", "",
		   "hosts: [d.x], gateways: [gw], " TO);
	SOURCES(h, p, "istio-system/own d.x; zoo/given c.x; app/old a.x b.x");
	harness_mesh(h, "defaultVirtualServiceExportTo: ['.']\n");
	SOURCES(h, p, "istio-system/own d.x; zoo/given c.x");
	harness_free(h);
}

/* ---- what reruns ---- */

TEST(gateway_edits)
{
	cleanup(buf_fini) struct buf table = BUF_INIT, sources = BUF_INIT;
	struct harness *h = harness_new(NULL, NULL);
	uint32_t p = ingress_router(h);

	put_gateway(h, "app/gw", ALL "servers: [" HTTP(80, "a") "]");
	put_object(h, "VirtualService", "app/v", "", "hosts: [a.x], gateways: [gw], " TO);
	harness_commit(h);
	harness_watch(h, p, show_table, &table);
	CHECK_INT(harness_commit(h), 0);
	put_object(h, "VirtualService", "app/v", "", "hosts: [b.x], gateways: [gw], " TO);
	CHECK_INT(harness_commit(h), 0);
	put_gateway(h, "app/foreign", "selector: {no: one}, servers: [" HTTP(81, "b") "]");
	harness_commit(h);
	CHECK_STR(buf_str(&table), ":80 http http.80: gw.a");
	put_gateway(h, "app/new", "servers: [" HTTP(81, "b") "]");
	CHECK_INT(harness_commit(h), 1);
	CHECK_STR(buf_str(&table), ":80 http http.80: gw.a; :81 http http.81: new.b");
	harness_free(h);
}

/* ---- references ---- */

static void show_references(struct run *r, void *ctx)
{
	struct buf *b = ctx;
	uint32_t n;
	const uint32_t *v = gateway_references(r, &n);

	buf_reset(b);
	for (uint32_t i = 0; i < n; i++)
		buf_printf(b, "%s%s", i ? " " : "", run_text(r, v[i]));
}

TEST(gateway_references)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;
	struct harness *h = harness_new(
		NULL,
		"ingressControllerMode: DEFAULT\nextensionProviders: [{name: t, zipkin: {service: "
		"obs/z.obs, port: 1}}, {name: p, prometheus: {}}]\n");
	uint32_t p = ingress_router(h);

	harness_run(h, p, show_references, &b);
	CHECK_STR(buf_str(&b), "");
	put_gateway(h, "app/gw", "servers: [" HTTP(80, "a") "]");
	put_object(
		h, "VirtualService", "app/v", "",
		"hosts: [a.x], gateways: [gw], http: [{route: [{destination: {host: b}}], mirror: "
		"{host: m.y}}], tcp: [{route: [{destination: {host: t.y}}]}]");
	put_object(h, "VirtualService", "app/w", "",
		   "hosts: [a.x], http: [{route: [{destination: {host: c}}]}]");
	put_object(h, "Ingress", "app/i", "",
		   "rules: [{host: i.x, http: {paths: [" INGRESS_PATH("/", "Prefix", "web") "]}}]");
	harness_run(h, p, show_references, &b);
	CHECK_STR(buf_str(&b), "b.app.svc.cluster.local m.y t.y web.app.svc.cluster.local z.obs");
	harness_free(h);
}
