/* Gateways of routers: selection, merging, hosts, ports, what is bound to them, and Ingresses. */
#include "model/gateway.h"
#include "base/buf.h"
#include "harness.h"
#include "model/options.h"
#include "model/route_source.h"
#include "schema/object.h"
#include <string.h>

/* ---- worlds ---- */

static unsigned day; /* the later put, the younger */

static void put(struct harness *h, const char *kind, const char *name, const char *meta,
		const char *spec)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;
	const char *slash = strchr(name, '/');

	day++;
	buf_printf(&b,
		   "kind: %s\nmetadata: {namespace: %.*s, name: %s, creationTimestamp: "
		   "'2024-%02u-%02uT00:00:00Z', %s}\nspec: {%s}\n",
		   kind, (int)(slash - name), name, slash + 1, day / 28 % 12 + 1, day % 28 + 1,
		   meta, spec);
	if (str_eq(kind, "Gateway") || str_eq(kind, "VirtualService"))
		buf_puts(&b, "apiVersion: networking.istio.io/v1\n");
	else if (str_eq(kind, "Ingress"))
		buf_puts(&b, "apiVersion: networking.k8s.io/v1\n");
	else
		buf_puts(&b, "apiVersion: v1\n");
	harness_put(h, buf_str(&b));
}

static void gateway(struct harness *h, const char *name, const char *spec)
{
	put(h, "Gateway", name, "", spec);
}

static uint32_t router(struct harness *h, const char *ns, const char *labels)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;

	buf_printf(&b,
		   "{\"id\":\"router~10.1.0.9~gw-1.%s~%s.svc.cluster.local\",\"metadata\":"
		   "{\"NAMESPACE\":\"%s\",\"CLUSTER_ID\":\"Kubernetes\",\"LABELS\":%s}}",
		   ns, ns, ns, labels);
	return harness_proxy(h, buf_str(&b));
}

static uint32_t ingress_router(struct harness *h)
{
	return router(h, "istio-system", "{\"istio\":\"ingressgateway\"}");
}

/* ---- views ---- */

static const char *text(struct run *r, uint32_t key)
{
	return key ? run_text(r, key) : "";
}

static void show_table(struct run *r, void *ctx)
{
	static const struct {
		uint16_t flag;
		const char *text;
	} flags[] = { { PLACE_HTTP3, "+h3" }, { PLACE_SNI, "+sni" }, { PLACE_HTTPS, "+https" } };
	struct buf *b = ctx;
	struct gateway_table t = gateways_of_proxy(r);

	buf_reset(b);
	for (uint32_t i = 0; i < t.n_entries; i++) {
		const struct gateway_entry *e = &t.entries[i];

		buf_printf(b, "%s%s:%u %s %s:", i ? "; " : "", run_text(r, e->bind), e->port,
			   protocol_name((enum protocol)e->protocol), text(r, e->route));
		for (uint32_t j = 0; j < t.n_places; j++) {
			const struct gateway_place *p = &t.places[j];
			struct gateway_server s;

			if (p->entry != i || !CHECK(gateway_server_read(r, p->server, &s)))
				continue;
			buf_printf(b, " %s.%s", s.name, str_or(s.server->port->name, ""));
			for (size_t k = 0; k < ARRAY_LEN(flags); k++)
				if (p->flags & flags[k].flag)
					buf_puts(b, flags[k].text);
			if (p->route != e->route)
				buf_printf(b, "(%s)", text(r, p->route));
		}
	}
}

static void check_table(struct harness *h, uint32_t proxy, const char *want, int line)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;

	harness_run(h, proxy, show_table, &b);
	test_check_str(buf_str(&b), want, __FILE__, line, "merged gateways");
}
#define TABLE(h, proxy, want) check_table(h, proxy, want, __LINE__)

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

#define ALL "selector: {istio: ingressgateway}, "
#define HTTP(number, name) \
	"{port: {number: " #number ", name: " name ", protocol: HTTP}, hosts: ['*']}"
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
	gateway(h, "app/b", ALL "servers: [" HTTP(81, "b") "]");
	gateway(h, "istio-system/a", ALL "servers: [" HTTP(80, "a") "]");
	gateway(h, "app/all", "servers: [" HTTP(82, "all") "]");
	gateway(h, "app/more",
		"selector: {istio: ingressgateway, x: z}, servers: [" HTTP(83, "m") "]");
	TABLE(h, in, ":81 http http.81: b.b; :80 http http.80: a.a; :82 http http.82: all.all");
	TABLE(h, other, ":82 http http.82: all.all");
	harness_free(h);
}

TEST(gateway_selection_of_namespace)
{
	struct harness *h = harness_new(NULL, NULL);

	ENABLE(scope_gateway_to_namespace);
	gateway(h, "app/b", ALL "servers: [" HTTP(81, "b") "]");
	gateway(h, "istio-system/a", "servers: [" HTTP(80, "a") "]");
	TABLE(h, ingress_router(h), ":80 http http.80: a.a");
	harness_free(h);
}

/* Whoever was deployed for a Gateway of the Gateway API carries out only such, and those of its namespace. */
TEST(gateway_strict_merging)
{
	static const char api[] = "annotations: {internal.istio.io/gateway-semantics: gateway";
	struct harness *h = harness_new(NULL, NULL);
	struct arena a = ARENA_INIT;

	put(h, "Gateway", "app/api",
	    arena_printf(&a, "%s, internal.istio.io/service-account-name: s}", api),
	    "servers: [" HTTP(80, "p") "]");
	put(h, "Gateway", "zoo/api-too", arena_printf(&a, "%s}", api),
	    "servers: [" HTTP(81, "p") "]");
	gateway(h, "app/own", "servers: [" HTTP(82, "p") "]");
	gateway(h, "zoo/foreign", "servers: [" HTTP(83, "p") "]");
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
	gateway(h, "app/a", "servers: [" HTTP(80, "a") "]");
	gateway(h, "app/b",
		"servers: [{port: {number: 80, name: b, protocol: HTTP2}, hosts: [x]}, "
		"{port: {number: 80, name: c, protocol: TCP}, hosts: [x]}]");
	TABLE(h, p, ":80 http http.80: a.a b.b");
	CHECK(strstr(harness_problems(h),
		     "spec.servers[1]: the server is left out: the port is taken by a server of "
		     "another protocol"));
	/* The other way round. */
	gateway(h, "app/a", "servers: [{port: {number: 80, name: a, protocol: TCP}, hosts: [x]}]");
	harness_delete(h, KIND_GATEWAY, "app", "b");
	gateway(h, "app/c", "servers: [" HTTP(80, "c") "]");
	TABLE(h, p, ":80 tcp : a.a");
	harness_free(h);
}

TEST(gateway_merges_binds)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t p = ingress_router(h);

	gateway(h, "app/a",
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
	gateway(h, "app/a",
		"servers: [" HTTPS(443, "a", "[a.x, b.x]") ", " PASS(
			443, "raw", "[c.x]") ", " HTTPS(443, "late", "[d.x, b.x]") "]");
	TABLE(h, p, ":443 https : a.a+https(https.443.a.a.app); :443 tls : a.raw");
	CHECK(strstr(harness_problems(h),
		     "spec.servers[2]: the server is left out: another server of the port has one "
		     "of its hosts"));
	/* What is not TLS finds no room beside it. */
	gateway(h, "app/b", "servers: [" HTTP(443, "plain") ", " HTTPS(443, "b", "[e.x]") "]");
	TABLE(h, p,
	      ":443 https : a.a+https(https.443.a.a.app) b.b+https(https.443.b.b.app); :443 tls : "
	      "a.raw");
	CHECK(strstr(harness_problems(h), "the port is taken by servers with TLS"));
	/* Names of route configurations are told apart by port, name of the port and Gateway. */
	gateway(h, "app/c",
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

	gateway(h, "app/a",
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

	gateway(h, "app/a",
		"servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: [d.x, ./c.x, "
		"zoo/b.x, '*/a.x', zoo/d.x]}]");
	harness_run(h, ingress_router(h), show_hosts, &b);
	CHECK_STR(buf_str(&b), "a.x b.x c.x d.x; d.x c.x a.x; d.x b.x a.x d.x");
	harness_free(h);
}

TEST(gateway_passes_sni)
{
	struct harness *h = harness_new(NULL, NULL);

	gateway(h, "app/a",
		"servers: [{port: {number: 15443, name: t, protocol: TLS}, hosts: "
		"['*.local'], tls: {mode: AUTO_PASSTHROUGH}}]");
	TABLE(h, ingress_router(h), ":15443 tls : a.t+sni");
	/* Without a mode, TLS is passed through. */
	gateway(h, "app/a",
		"servers: [{port: {number: 15443, name: t, protocol: HTTPS}, hosts: "
		"['*.local'], tls: {}}]");
	TABLE(h, ingress_router(h), ":15443 https : a.t");
	harness_free(h);
}

/* ---- ports ---- */

static void service(struct harness *h, const char *name, const char *meta, const char *ports)
{
	struct arena a = ARENA_INIT;

	put(h, "Service", name, meta,
	    arena_printf(&a, "clusterIP: 10.0.0.1, selector: {istio: ingressgateway}, ports: [%s]",
			 ports));
	arena_fini(&a);
}

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
	service(h, "istio-system/in", "",
		"{name: http, port: 80, targetPort: 8080}, "
		"{name: udp, port: 443, targetPort: 8443, protocol: UDP}, "
		"{name: https, port: 443, targetPort: 8443}");
	gateway(h, "app/a",
		"servers: [" HTTP(80, "a") ", " HTTP(81, "b") ", " HTTPS(443, "c", "[c.x]") "]");
	TABLE(h, p,
	      ":8080 http http.8080: a.a; :81 http http.81: a.b; :8443 https : "
	      "a.c+https(https.443.c.a.app)");
	/* Over UDP it is offered as HTTP/3. */
	ENABLE(quic_listeners);
	gateway(h, "app/a", "servers: [" HTTPS(443, "c", "[c.x]") "]");
	TABLE(h, ingress_router(h), ":8443 https : a.c+h3+https(https.443.c.a.app)");
	/* The service wants its ports as they are. */
	service(h, "istio-system/in",
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
	service(h, "istio-system/in", "", "{name: http, port: 80, targetPort: 8080}");
	service(h, "istio-system/in2", "", "{name: http, port: 80, targetPort: 9080}");
	put(h, "Gateway", "istio-system/a",
	    "annotations: {internal.istio.io/gateway-service: 'in.istio-system.svc.cluster.local,"
	    "in2.istio-system.svc.cluster.local'}",
	    "selector: {no: one}, servers: [" HTTP(80, "a") ", " HTTP(81, "b") "]");
	TABLE(h, p, ":8080 http http.8080: a.a; :9080 http http.9080: a.a");
	put(h, "Gateway", "istio-system/a",
	    "annotations: {internal.istio.io/gateway-service: in3.istio-system.svc.cluster.local}",
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

	gateway(h, "app/gw", "servers: [" HTTP(80, "a") "]");
	put(h, "VirtualService", "app/old", "", "hosts: [A.x, b.x], gateways: [gw], " TO);
	put(h, "VirtualService", "zoo/hidden", "",
	    "hosts: [a.x], gateways: [app/gw], exportTo: ['.'], " TO);
	put(h, "VirtualService", "zoo/mesh", "", "hosts: [a.x], " TO);
	put(h, "VirtualService", "zoo/given", "",
	    "hosts: [c.x], gateways: [mesh, app/gw], exportTo: [istio-system], " TO);
	put(h, "VirtualService", "istio-system/own", "",
	    "hosts: [d.x], gateways: [app/gw], exportTo: ['.'], " TO);
	put(h, "VirtualService", "istio-system/other", "", "hosts: [d.x], gateways: [gw], " TO);
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

	gateway(h, "app/gw", ALL "servers: [" HTTP(80, "a") "]");
	put(h, "VirtualService", "app/v", "", "hosts: [a.x], gateways: [gw], " TO);
	harness_commit(h);
	harness_watch(h, p, show_table, &table);
	CHECK_INT(harness_commit(h), 0);
	put(h, "VirtualService", "app/v", "", "hosts: [b.x], gateways: [gw], " TO);
	CHECK_INT(harness_commit(h), 0);
	gateway(h, "app/foreign", "selector: {no: one}, servers: [" HTTP(81, "b") "]");
	harness_commit(h);
	CHECK_STR(buf_str(&table), ":80 http http.80: gw.a");
	gateway(h, "app/new", "servers: [" HTTP(81, "b") "]");
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

#define INGRESS_PATH(path, type, service) \
	"{path: '" path "', pathType: " type ", backend: {service: {name: " service \
	", port: {number: 80}}}}"

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
	gateway(h, "app/gw", "servers: [" HTTP(80, "a") "]");
	put(h, "VirtualService", "app/v", "",
	    "hosts: [a.x], gateways: [gw], http: [{route: [{destination: {host: b}}], mirror: "
	    "{host: m.y}}], tcp: [{route: [{destination: {host: t.y}}]}]");
	put(h, "VirtualService", "app/w", "",
	    "hosts: [a.x], http: [{route: [{destination: {host: c}}]}]");
	put(h, "Ingress", "app/i", "",
	    "rules: [{host: i.x, http: {paths: [" INGRESS_PATH("/", "Prefix", "web") "]}}]");
	harness_run(h, p, show_references, &b);
	CHECK_STR(buf_str(&b), "b.app.svc.cluster.local m.y t.y web.app.svc.cluster.local z.obs");
	harness_free(h);
}

/* ---- Ingresses ---- */

#define DEFAULT_MODE "ingressControllerMode: DEFAULT\n"
#define RULES(host, paths) "rules: [{host: " host ", http: {paths: [" paths "]}}]"
#define ROOT_PATH INGRESS_PATH("/", "Prefix", "web")

TEST(ingress_selected)
{
	static const struct {
		const char *mode, *meta, *spec;
		bool want;
	} rows[] = {
		{ "STRICT", "", "", false },
		{ "DEFAULT", "", "", true },
		{ "'OFF'", "", "", false },
		{ "STRICT", "annotations: {kubernetes.io/ingress.class: istio}", "", true },
		{ "DEFAULT", "annotations: {kubernetes.io/ingress.class: istio}", "", true },
		{ "'OFF'", "annotations: {kubernetes.io/ingress.class: istio}", "", false },
		{ "DEFAULT", "annotations: {kubernetes.io/ingress.class: nginx}", "", false },
		{ "STRICT", "", "ingressClassName: ours, ", true },
		{ "STRICT", "", "ingressClassName: foreign, ", false },
		{ "DEFAULT", "", "ingressClassName: foreign, ", false },
		{ "DEFAULT", "", "ingressClassName: missing, ", false },
	};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct harness *h =
			harness_new("apiVersion: networking.k8s.io/v1\nkind: "
				    "IngressClass\nmetadata: {name: ours}\n"
				    "spec: {controller: istio.io/ingress-controller}\n---\n"
				    "apiVersion: networking.k8s.io/v1\nkind: "
				    "IngressClass\nmetadata: {name: foreign}\n"
				    "spec: {controller: nginx.org/ingress-controller}\n",
				    arena_printf(&a, "ingressControllerMode: %s\n", rows[i].mode));

		put(h, "Ingress", "app/i", rows[i].meta,
		    arena_printf(&a, "%s" RULES("a.x", ROOT_PATH), rows[i].spec));
		check_table(h, ingress_router(h),
			    rows[i].want
				    ? ":80 http http.80: i-istio-autogenerated-k8s-ingress-app."
				      "http-80-ingress-i-app"
				    : "",
			    __LINE__);
		harness_free(h);
	}
	arena_fini(&a);
}

TEST(ingress_selector)
{
	struct harness *h = harness_new(NULL, DEFAULT_MODE);

	put(h, "Ingress", "app/i", "", RULES("a.x", ROOT_PATH));
	TABLE(h, router(h, "app", "{\"istio\":\"x\"}"), "");
	harness_mesh(h, DEFAULT_MODE "ingressService: x\n");
	CHECK(harness_facts(h, router(h, "app", "{\"istio\":\"x\"}")));
	TABLE(h, router(h, "app", "{\"istio\":\"x\"}"),
	      ":80 http http.80: i-istio-autogenerated-k8s-ingress-app.http-80-ingress-i-app");
	TABLE(h, ingress_router(h), "");
	harness_mesh(h, DEFAULT_MODE "ingressService: x\ningressSelector: ingressgateway\n");
	TABLE(h, ingress_router(h),
	      ":80 http http.80: i-istio-autogenerated-k8s-ingress-app.http-80-ingress-i-app");
	harness_free(h);
}

/* A server for each secret, then plain HTTP; those without a secret have no TLS to offer. */
TEST(ingress_tls)
{
	struct harness *h = harness_new(NULL, DEFAULT_MODE);
	uint32_t p = ingress_router(h);

	put(h, "Ingress", "app/i", "",
	    "tls: [{hosts: [a.x, b.x], secretName: s}, {hosts: [c.x]}, {secretName: t}], " RULES(
		    "a.x", ROOT_PATH));
	gateway(h, "app/young", ALL "servers: [" HTTP(80, "b") "]");
	TABLE(h, p,
	      ":443 https : i-istio-autogenerated-k8s-ingress-app.https-443-ingress-i-app-0+https"
	      "(https.443.https-443-ingress-i-app-0.i-istio-autogenerated-k8s-ingress-app.istio-"
	      "system) "
	      "i-istio-autogenerated-k8s-ingress-app.https-443-ingress-i-app-2+https"
	      "(https.443.https-443-ingress-i-app-2.i-istio-autogenerated-k8s-ingress-app.istio-"
	      "system); "
	      ":80 http http.80: i-istio-autogenerated-k8s-ingress-app.http-80-ingress-i-app "
	      "young.b");
	harness_free(h);
}

static void show_rules(struct run *r, void *ctx)
{
	struct buf *b = ctx;
	struct gateway_table t = gateways_of_proxy(r);

	buf_reset(b);
	for (uint32_t i = 0; i < t.n_places; i++) {
		struct gateway_server s;
		const struct gateway_source *v;
		uint32_t n;

		if (!CHECK(gateway_server_read(r, t.places[i].server, &s)))
			continue;
		v = gateway_sources(r, &s, &n);
		for (uint32_t j = 0; j < n; j++) {
			const struct virtual_service_spec *spec =
				gateway_source_read(r, v[j].key)->spec;

			buf_printf(b, "[%s]", v[j].hosts.v[0]);
			for (uint32_t k = 0; k < spec->http.n; k++) {
				const struct http_route *rule = &spec->http.v[k];
				const struct string_match *m =
					rule->match.n ? rule->match.v[0].uri : NULL;
				const struct destination *d = rule->route.v[0].destination;

				buf_printf(b, " %s%s>%.*s:%d", m ? m->exact ? "=" : "^" : "any",
					   m ? str_or(m->exact, m->prefix) : "",
					   (int)strcspn(d->host, "."), d->host,
					   (int)d->port->number.v);
			}
			buf_puts(b, "\n");
		}
	}
}

TEST(ingress_rules)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;
	struct harness *h = harness_new(NULL, DEFAULT_MODE);
	uint32_t p = ingress_router(h);

	service(h, "app/named", "", "{name: web, port: 8000}");
	put(h, "Ingress", "app/i", "",
	    "defaultBackend: {service: {name: last, port: {number: 1}}}, rules: [{host: A.x, http: "
	    "{paths: [" INGRESS_PATH("/long/path", "Exact", "exact") ", " INGRESS_PATH("/long/path", "Prefix", "prefix") ", " INGRESS_PATH(
		    "/b", "Prefix",
		    "b") ", " INGRESS_PATH("/x/.*", "ImplementationSpecific",
					   "dots") ", " INGRESS_PATH("/y/z/*",
								     "ImplementationSpecific",
								     "star") ", " INGRESS_PATH("/pl"
											       "ai"
											       "n",
											       "Imp"
											       "lem"
											       "ent"
											       "ati"
											       "onS"
											       "pec"
											       "ifi"
											       "c",
											       "pla"
											       "in") ", "
												     "{pathType: Prefix, path: /n, backend: {service: {name: named, port: {name: web}}}}, "
												     "{pathType: Prefix, path: /gone, backend: {service: {name: named, port: {name: none}}}}"
												     "]}}, {http: {paths: [" INGRESS_PATH(
													     "/all",
													     "Prefix",
													     "all") "]}}]");
	/* The rules of a host come from all Ingresses that have it; the oldest gives it its name. */
	put(h, "Ingress", "app/j", "", RULES("a.x", INGRESS_PATH("/j", "Prefix", "j")));
	put(h, "Ingress", "zoo/k", "", RULES("k.x", ROOT_PATH));
	harness_run(h, p, show_rules, &b);
	CHECK_STR(buf_str(&b),
		  "[*] ^/all>all:80 any>last:1\n"
		  "[a.x] =/long/path>exact:80 ^/long/path>prefix:80 =/plain>plain:80 ^/y/z>star:80 "
		  "^/x/>dots:80 ^/b>b:80 ^/n>named:8000 ^/j>j:80\n"
		  "[k.x] ^/>web:80\n");
	harness_delete(h, KIND_INGRESS, "app", "i");
	harness_run(h, p, show_rules, &b);
	CHECK_STR(buf_str(&b), "[a.x] ^/j>j:80\n[k.x] ^/>web:80\n");
	harness_free(h);
}
