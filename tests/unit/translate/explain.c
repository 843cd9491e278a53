/* What the engine tells about what it made: objects behind a resource, what an object reaches. */
#include "translate/explain.h"
#include "base/buf.h"
#include "base/err.h"
#include "explain_objects.h"
#include "kit.h"
#include "snapshot/snapshot.h"
#include "test.h"
#include "translate/impact.h"
#include "world/world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_object(void *ctx, const struct object *o)
{
	char title[OBJECT_TITLE];

	buf_printf(ctx, "%s; ", object_title(o, title));
}

static void check_explain(struct kit *k, const struct engine_proxy *p, enum xds_type type,
			  const char *resource, const char *expected)
{
	struct buf b = BUF_INIT;
	bool there = engine_explain(k->engine, p, type, resource, on_object, &b);

	CHECK_INT(there, expected != NULL);
	CHECK_STR(buf_str(&b), str_or(expected, ""));
	buf_fini(&b);
}

/* Objects of the resource itself, not those of its neighbours, nor what the lists around it were made from. */
TEST(explain)
{
	struct kit k;
	struct engine_proxy *p;

	kit_init(&k, NULL);
	kit_put(&k, SERVICE("a") SLICE("a", "10.0.0.1") SERVICE("b") SLICE("b", "10.0.0.2")
			    RULE("a") ROUTE("a", "default", "v1"));
	p = kit_join(&k, &(struct kit_proxy){ .name = "me" });
	/* Clusters are made from endpoints for their service accounts. */
	check_explain(&k, p, XDS_CDS, "outbound|80||a.shop.svc.cluster.local",
		      "DestinationRule shop/a; EndpointSlice shop/a-s; Service shop/a; ");
	check_explain(&k, p, XDS_CDS, "outbound|80|v1|a.shop.svc.cluster.local",
		      "DestinationRule shop/a; EndpointSlice shop/a-s; Service shop/a; ");
	check_explain(&k, p, XDS_CDS, "outbound|80||b.shop.svc.cluster.local",
		      "EndpointSlice shop/b-s; Service shop/b; ");
	check_explain(&k, p, XDS_CDS, "BlackHoleCluster", "");
	check_explain(&k, p, XDS_EDS, "outbound|80||b.shop.svc.cluster.local",
		      "EndpointSlice shop/b-s; Service shop/b; ");
	check_explain(&k, p, XDS_RDS, "80",
		      "DestinationRule shop/a; Service shop/a; Service shop/b; "
		      "VirtualService default/a; ");
	check_explain(&k, p, XDS_CDS, "no such cluster", NULL);
	check_explain(&k, p, XDS_SDS, "default", NULL);
	kit_fini(&k);
}

/* Two classes with one content share their snapshot, but each has a tree of its own. */
TEST(explain_shared_snapshot)
{
	struct kit k;
	struct engine_proxy *p[2];

	kit_init(&k, NULL);
	kit_put(&k, SERVICE("a") RULE("a"));
	p[0] = kit_join(&k, &(struct kit_proxy){ .name = "one", .ns = "n1" });
	p[1] = kit_join(&k, &(struct kit_proxy){ .name = "two", .ns = "n2" });
	for (unsigned i = 0; i < 2; i++)
		check_explain(&k, p[i], XDS_CDS, "outbound|80||a.shop.svc.cluster.local",
			      "DestinationRule shop/a; Service shop/a; ");
	kit_fini(&k);
}

/* ---- by name ---- */

/* "" expected: found, without sources; NULL: not found. */
static void check_named(struct kit *k, const struct engine_proxy *p, const char *resource,
			const char *expected)
{
	struct explanation x = { 0 };
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	char title[OBJECT_TITLE];
	enum explain_outcome outcome = explain(k->engine, p, resource, &x, &e);

	CHECK_INT(outcome, expected ? EXPLAIN_FOUND : EXPLAIN_NOT_FOUND);
	for (uint32_t i = 0; i < x.n; i++)
		buf_printf(&b, "%s%s", i ? "; " : "", object_title(x.v[i], title));
	CHECK_STR(buf_str(&b), str_or(expected, ""));
	CHECK_INT(e.text[0] != '\0', !expected);
	explanation_fini(&x);
	buf_fini(&b);
}

#define VS(name, ns, more) \
	"apiVersion: networking.istio.io/v1\nkind: VirtualService\n" \
	"metadata: {name: " name ", namespace: " ns "}\nspec: {" more "}\n---\n"

/* Of the VirtualServices of a host only those count that the virtual host is from. */
TEST(explain_virtual_hosts_and_routes)
{
	struct kit k;
	struct engine_proxy *p;

	kit_init(&k, NULL);
	kit_put(&k,
		SERVICE("a") SERVICE("b") RULE("a") VS(
			"first", "shop",
			"hosts: [a], http: [{name: one, match: [{uri: {prefix: /x}}], route: "
			"[{destination: {host: b}}]}, {match: [{uri: {prefix: /y}}], delegate: "
			"{name: part, namespace: shop}}, {name: rest, route: [{destination: "
			"{host: a, subset: v1}}]}]") VS("part", "shop",
							"http: [{name: two, route: [{destination: "
							"{host: b}}]}]")
			VS("late", "shop",
			   "hosts: [a], http: [{route: [{destination: {host: b}}]}]")
				VS("hidden", "other",
				   "exportTo: [\".\"], hosts: [a.shop.svc.cluster.local], http: "
				   "[{route: [{destination: {host: b.shop.svc.cluster.local}}]}]")
					VS("lone", "shop",
					   "hosts: [lone.example.com], http: [{route: "
					   "[{destination: {host: b}}]}]"));
	p = kit_join(&k, &(struct kit_proxy){ .name = "me" });
#define VHOST_A "vhost/80/a.shop.svc.cluster.local:80"
#define ROUTE_A "route/80/a.shop.svc.cluster.local:80/"
	check_named(&k, p, VHOST_A,
		    "DestinationRule shop/a; Service shop/a; Service shop/b; VirtualService "
		    "shop/first; "
		    "VirtualService shop/part");
	check_named(&k, p, ROUTE_A "one",
		    "DestinationRule shop/a; Service shop/a; Service shop/b; VirtualService "
		    "shop/first; "
		    "VirtualService shop/part");
	check_named(&k, p, ROUTE_A "2",
		    "DestinationRule shop/a; Service shop/a; Service shop/b; VirtualService "
		    "shop/first; "
		    "VirtualService shop/part");
	check_named(&k, p, ROUTE_A "3", NULL);
	check_named(&k, p, ROUTE_A "none", NULL);
	/* They share an address: which of them has it as a domain depends on both. */
	check_named(&k, p, "vhost/80/b.shop.svc.cluster.local:80",
		    "Service shop/a; Service shop/b");
	check_named(&k, p, "route/80/b.shop.svc.cluster.local:80/default",
		    "Service shop/a; Service shop/b");
	check_named(&k, p, "vhost/80/lone.example.com:80",
		    "Service shop/b; VirtualService shop/lone");
	check_named(&k, p, "vhost/80/allow_any", "");
	check_named(&k, p, "route/80/allow_any/0", "");
	check_named(&k, p, "vhost/80/nobody:80", NULL);
	check_named(&k, p, "vhost/81/a.shop.svc.cluster.local:80", NULL);
	check_named(&k, p, "vhost/80", NULL);
	kit_fini(&k);
}

TEST(explain_names)
{
	static const char *const bad[] = { "", "cluster", "cluster/", "clusters/x", "secret/x" };
	struct kit k;
	struct engine_proxy *p;

	kit_init(&k, NULL);
	p = kit_join(&k, &(struct kit_proxy){ .name = "me" });
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct explanation x = { 0 };
		struct err e = ERR_INIT;

		CHECK_INT(explain(k.engine, p, bad[i], &x, &e), EXPLAIN_BAD_NAME);
		CHECK(strstr(e.text, "route/ROUTECONFIG/VHOST/NAME-or-INDEX"));
	}
	check_named(&k, p, "proxy/nothing", NULL);
	check_named(&k, p, "nametable/none", NULL);
	kit_fini(&k);
}

#define POD(name, ip) \
	"apiVersion: v1\nkind: Pod\nmetadata: {name: " name ", namespace: shop, labels: {app: a, " \
	"version: v1, \"security.istio.io/tlsMode\": istio}}\nspec: {nodeName: n1, " \
	"serviceAccountName: sa}\n" \
	"status: {podIP: " ip \
	", phase: Running, conditions: [{type: Ready, status: \"True\"}]}\n---\n"
#define POD_SLICE(name, ip) \
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n" \
	"metadata: {name: " name "-p, namespace: shop, labels: {kubernetes.io/service-name: " name \
	"}}\naddressType: IPv4\nports: [{name: http, port: 8080}]\n" \
	"endpoints: [{addresses: [" ip \
	"], targetRef: {kind: Pod, name: pod, namespace: shop}}]\n---\n"
#define NODE(name) \
	"apiVersion: v1\nkind: Node\nmetadata: {name: " name \
	", labels: {topology.kubernetes.io/region: r}}\n---\n"
#define ISTIO(kind, group, name, ns, spec) \
	"apiVersion: " group ".istio.io/v1\nkind: " kind "\nmetadata: {name: " name \
	", namespace: " ns "}\nspec: {" spec "}\n---\n"
#define TCP(name, ip) \
	"apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: shop}\n" \
	"spec: {clusterIP: " ip ", ports: [{name: tcp, port: 9000}]}\n---\n"

/* One of everything that can be a source. */
static const char everything[] = SERVICE("a") RULE("a") POD("pod", "10.0.0.1") POD_SLICE(
	"a", "10."
	     "0.0."
	     "1") NODE("n1") NODE("n2") SERVICE("b") TCP("t", "10.96.0.9") ISTIO("DestinationRule",
										 "networking",
										 "wild", "shop",
										 "host: "
										 "\"*.shop.svc."
										 "cluster.local\"")
	ISTIO("DestinationRu"
	      "le",
	      "networking", "more", "shop",
	      "host: a, subsets: [{name: v2, labels: "
	      "{version: v2}}]") ISTIO("DestinationRule", "networking", "mine", "n1",
				       "host: b.shop.svc.cluster.local") ISTIO("DestinationRule",
									       "networking",
									       "private",
									       "elsewhere",
									       "host: "
									       "b.shop.svc.cluster."
									       "local, "
									       "exportTo: [\".\"]")
		VS(
			"first", "shop",
			"hosts: [a], "
			"http: "
			"[{match: "
			"[{uri: "
			"{prefix: "
			"/y}}], "
			"delegate: "
			"{name: part, "
			"namespace: "
			"shop}}, "
			"{route: "
			"[{destination:"
			" {host: "
			"b}}]}]") VS("p"
				     "a"
				     "r"
				     "t",
				     "s"
				     "h"
				     "o"
				     "p",
				     "h"
				     "t"
				     "t"
				     "p"
				     ":"
				     " "
				     "["
				     "{"
				     "r"
				     "o"
				     "u"
				     "t"
				     "e"
				     ":"
				     " "
				     "["
				     "{"
				     "d"
				     "e"
				     "s"
				     "t"
				     "i"
				     "n"
				     "a"
				     "t"
				     "i"
				     "o"
				     "n"
				     ":"
				     " "
				     "{"
				     "h"
				     "o"
				     "s"
				     "t"
				     ":"
				     " "
				     "b"
				     "}"
				     "}"
				     "]"
				     "}"
				     "]") VS("tcp", "shop",
					     "hosts: [t], tcp: [{route: [{destination: "
					     "{host: b}}]}]") VS("wild", "shop",
								 "hosts: [\"*.example.com\"], "
								 "http: [{route: [{destination: "
								 "{host: b}}]}]")
			ISTIO(
				"ServiceEntry",
				"networking",
				"dns", "out",
				"hosts: [d.example.com], resolution: "
				"DNS, location: MESH_EXTERNAL, "
				"ports: [{number: 443, name: tls, "
				"protocol: TLS}]") ISTIO("ServiceEntry", "networking", "vm", "out",
							 "hosts: "
							 "[vm.example."
							 "com], "
							 "addresses: "
							 "[10.1.1.1], "
							 "resolution: "
							 "STATIC, ports: "
							 "[{number: 80, "
							 "name: http, "
							 "protocol: "
							 "HTTP}], "
							 "workloadSelecto"
							 "r: {labels: "
							 "{vm: one, "
							 "tier: x}}") ISTIO("WorkloadEntry",
									    "networking", "w1", "out",
									    "address: 10.2.0.1, "
									    "labels: {vm: one, "
									    "tier: x}")
				ISTIO(
					"WorkloadEntry", "networking", "w2", "out",
					"address: 10.2.0.2, "
					"labels: {vm: one, "
					"tier: z}") ISTIO("Sidecar", "networking", "trim", "n2",
							  "egress: "
							  "[{hosts: "
							  "[\"shop/"
							  "*\"]}]")
					ISTIO(
						"PeerAuthenticati"
						"on",
						"security", "mesh", "istio-system",
						"mtls: {mode: "
						"PERMISSIVE}") ISTIO("PeerAuthenticati"
								     "on",
								     "security", "a", "shop",
								     "selector: {matchLabels: "
								     "{app: "
								     "a}}, mtls: {mode: DISABLE}")
						ISTIO("PeerAuthentication", "security", "z", "shop",
						      "selector: {matchLabels: {app: z}}, "
						      "mtls: "
						      "{mode: STRICT}")
							ISTIO("Telemetry", "telemetry", "mesh",
							      "istio-system",
							      "accessLogging: [{providers: "
							      "[{name: "
							      "envoy}]}]")
								ISTIO("Telemetry", "telemetry",
								      "other", "elsewhere",
								      "accessLogging: "
								      "[{disabled: "
								      "true}]") "apiVersion"
										": "
										"v1\nkind: "
										"Namespace"
										"\nmetadat"
										"a: {name: "
										"shop, "
										"annotation"
										"s: "
										"{networkin"
										"g.istio."
										"io/"
										"traffic-"
										"distributi"
										"on: "
										"PreferClos"
										"e}}\n---"
										"\n"
										"apiVersion"
										": "
										"v1\nkind: "
										"Service\nm"
										"etadata:"
										" {name: "
										"alias, "
										"namespace:"
										" "
										"shop}"
										"\nspec: "
										"{type: "
										"ExternalNa"
										"me, "
										"externalNa"
										"me: "
										"a.shop."
										"svc."
										"cluster."
										"local}\n--"
										"-\n" ISTIO("Ga"
											    "te"
											    "wa"
											    "y",
											    "ne"
											    "tw"
											    "or"
											    "ki"
											    "n"
											    "g",
											    "g"
											    "w",
											    "is"
											    "ti"
											    "o-"
											    "sy"
											    "st"
											    "e"
											    "m",
											    "se"
											    "le"
											    "ct"
											    "or"
											    ": "
											    "{i"
											    "st"
											    "io"
											    ": "
											    "in"
											    "gr"
											    "es"
											    "sg"
											    "at"
											    "ew"
											    "ay"
											    "},"
											    " "
											    "se"
											    "rv"
											    "er"
											    "s:"
											    " "
											    "[{"
											    "po"
											    "rt"
											    ": "
											    "{n"
											    "um"
											    "be"
											    "r:"
											    " "
											    "80"
											    ", "
											    "na"
											    "me"
											    ": "
											    "ht"
											    "tp"
											    ", "
											    "pr"
											    "ot"
											    "oc"
											    "ol"
											    ": "
											    "HT"
											    "TP"
											    "},"
											    " "
											    "ho"
											    "st"
											    "s:"
											    " "
											    "["
											    "\""
											    "*"
											    "\""
											    "]}"
											    "]")
											VS("front",
											   "shop",
											   "hosts: "
											   "[front."
											   "example"
											   ".com], "
											   "gateway"
											   "s: "
											   "[istio-"
											   "system/"
											   "gw], "
											   "http: "
											   "[{"
											   "route: "
											   "[{"
											   "destina"
											   "tion: "
											   "{host: "
											   "a}}]}"
											   "]");

enum { EVERY_PROXY = 5 };
static void join_every(struct kit *k, struct engine_proxy *p[EVERY_PROXY])
{
	kit_put(k, everything);
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

TEST(explain_each_kind)
{
	struct kit k;
	struct engine_proxy *p[EVERY_PROXY];

	kit_init(&k, NULL);
	join_every(&k, p);
	/* One rule of the host is merged with the other; the wildcard's is not in it. */
	check_named(&k, p[0], "cluster/outbound|80|v2|a.shop.svc.cluster.local",
		    "DestinationRule shop/a; DestinationRule shop/more; EndpointSlice shop/a-p; "
		    "Namespace shop; Node n1; PeerAuthentication istio-system/mesh; Pod shop/pod; "
		    "Service shop/a");
	check_named(
		&k, p[0], "cluster/outbound|9000||t.shop.svc.cluster.local",
		"DestinationRule shop/wild; Namespace shop; PeerAuthentication istio-system/mesh; "
		"Service shop/t");
	/* The proxy's own namespace comes first; what is private to another one is not seen. */
	check_named(
		&k, p[0], "cluster/outbound|80||b.shop.svc.cluster.local",
		"DestinationRule n1/mine; Namespace shop; PeerAuthentication istio-system/mesh; "
		"Service shop/b");
	check_named(
		&k, p[1], "cluster/outbound|80||b.shop.svc.cluster.local",
		"DestinationRule shop/wild; Namespace shop; PeerAuthentication istio-system/mesh; "
		"Service shop/b");
	check_named(&k, p[0], "cluster/BlackHoleCluster", "");
	/* One label in common is not enough. */
	check_named(&k, p[0], "endpoints/outbound|80||vm.example.com",
		    "ServiceEntry out/vm; WorkloadEntry out/w1");
	check_named(&k, p[0], "listener/0.0.0.0_80",
		    "Service shop/a; ServiceEntry out/vm; Telemetry istio-system/mesh");
	check_named(&k, p[0], "listener/10.96.0.9_9000",
		    "DestinationRule n1/mine; Service shop/b; Service shop/t; Telemetry "
		    "istio-system/mesh; VirtualService shop/tcp");
	/* What the Sidecar leaves out is not there, and it shapes the listeners. */
	check_named(&k, p[1], "cluster/outbound|80||vm.example.com", NULL);
	check_named(&k, p[1], "listener/0.0.0.0_80",
		    "Service shop/a; Sidecar n2/trim; Telemetry istio-system/mesh");
	/* Of the policies of a namespace only the one that selects the endpoint. */
	check_named(
		&k, p[0], "endpoints/outbound|80||a.shop.svc.cluster.local",
		"DestinationRule shop/a; DestinationRule shop/more; EndpointSlice shop/a-p; "
		"Namespace shop; Node n1; PeerAuthentication shop/a; Pod shop/pod; Service shop/a");
	check_named(&k, p[2], "listener/virtualInbound",
		    "PeerAuthentication shop/a; Service shop/a; Telemetry istio-system/mesh");
	check_named(&k, p[2], "cluster/inbound|80||",
		    "DestinationRule shop/a; DestinationRule shop/more; Service shop/a");
	check_named(&k, p[2], "proxy/facts", "Node n1; Pod shop/pod; Service shop/a");
	check_named(&k, p[3], "nametable/all",
		    "Service shop/a; Service shop/b; Service shop/t; ServiceEntry out/dns; "
		    "ServiceEntry out/vm");
	check_named(&k, p[4], "listener/0.0.0.0_80",
		    "Gateway istio-system/gw; Telemetry istio-system/mesh");
	check_named(&k, p[4], "vhost/http.80/front.example.com:80",
		    "DestinationRule shop/a; DestinationRule shop/more; Gateway istio-system/gw; "
		    "Service shop/a; VirtualService shop/front");
	check_named(&k, p[4], "route/http.80/front.example.com:80/0",
		    "DestinationRule shop/a; DestinationRule shop/more; Gateway istio-system/gw; "
		    "Service shop/a; VirtualService shop/front");
	kit_fini(&k);
}

/* ---- impact is explain read backwards ---- */

struct pairs {
	struct kit *k;
	const struct engine_proxy *proxy;
	const char *id;
	enum xds_type type;
	const struct resource *resource;
	char **v;
	uint32_t n, cap;
};

static void add_pair(struct pairs *x, const char *object, const char *rest)
{
	VEC_ROOM(x->v, x->n, x->cap);
	x->v[x->n++] = xasprintf("%s -> %s", object, rest);
}

static const char *const type_names[] = {
	[XDS_CDS] = "cluster", [XDS_EDS] = "endpoints", [XDS_LDS] = "listener",
	[XDS_RDS] = "vhost",   [XDS_NDS] = "nametable",
};

static void explain_one(struct pairs *x, const char *resource)
{
	struct explanation found = { 0 };
	struct err e = ERR_INIT;
	char title[OBJECT_TITLE];
	char *rest = xasprintf("%s %s", x->id, resource);

	CHECK_INT(explain(x->k->engine, x->proxy, resource, &found, &e), EXPLAIN_FOUND);
	*strchr(rest + strlen(x->id) + 1, '/') = ' ';
	for (uint32_t i = 0; i < found.n; i++)
		add_pair(x, object_title(found.v[i], title), rest);
	explanation_fini(&found);
	xfree(rest);
}

static void each_vhost(void *ctx, const void *bytes, size_t n, const struct result *owner)
{
	struct pairs *x = ctx;
	const uint8_t *at = bytes, *end = at + n;
	struct encoded_vhost v;

	while (vhost_next(&at, end, &v)) {
		char *name = xasprintf("vhost/%s/%.*s", x->resource->name, (int)v.name_len, v.name);

		explain_one(x, name);
		xfree(name);
	}
}

static bool each_resource(void *ctx, const struct resource *r)
{
	struct pairs *x = ctx;
	char *name;

	if (x->type == XDS_RDS) {
		x->resource = r;
		resource_pieces(r, each_vhost, x);
		return true;
	}
	name = xasprintf("%s/%s", type_names[x->type], x->type == XDS_NDS ? "all" : r->name);
	explain_one(x, name);
	xfree(name);
	return true;
}

static void explain_all(struct pairs *x)
{
	static const enum xds_type types[] = { XDS_CDS, XDS_EDS, XDS_LDS, XDS_RDS, XDS_NDS };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		x->type = types[i];
		root_each(snapshot_root(engine_snapshot(x->proxy), types[i]), each_resource, x);
	}
	explain_one(x, "proxy/facts");
}

struct impacts {
	struct pairs *pairs;
	struct engine_proxy *const *proxies;
	const char *const *ids;
};

static void impact_of(void *ctx, const struct object *o)
{
	struct impacts *x = ctx;
	struct object_name name = { .kind = o->kind, .ns = o->ns, .name = o->name };
	struct impact *m = impact_new(&name);
	struct buf b = BUF_INIT;
	char title[OBJECT_TITLE], *save = NULL;

	CHECK(impact_begin(m, x->pairs->k->engine));
	for (uint32_t i = 0; i < EVERY_PROXY; i++)
		CHECK(impact_add(m, x->proxies[i], x->ids[i]));
	impact_end(m);
	impact_print(m, false, false, &b);
	for (char *line = b.len ? strtok_r(b.p, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		add_pair(x->pairs, object_title(o, title), line);
	impact_free(m);
	buf_fini(&b);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_pairs(struct pairs *x)
{
	if (x->n)
		qsort(x->v, x->n, sizeof *x->v, by_text);
}

static void pairs_fini(struct pairs *x)
{
	for (uint32_t i = 0; i < x->n; i++)
		xfree(x->v[i]);
	xfree(x->v);
}

TEST(impact_is_the_inverse_of_explain)
{
	static const char *const ids[EVERY_PROXY] = { "one.n1", "two.n2", "pod.shop", "capture.n1",
						      "gw.istio-system" };
	struct kit k;
	struct engine_proxy *p[EVERY_PROXY];
	struct pairs down = { .k = &k }, up = { .k = &k };

	kit_init(&k, NULL);
	join_every(&k, p);
	for (uint32_t i = 0; i < EVERY_PROXY; i++) {
		down.proxy = p[i];
		down.id = ids[i];
		explain_all(&down);
	}
	world_each(engine_world(k.engine), impact_of, &(struct impacts){ &up, p, ids });
	sort_pairs(&down);
	sort_pairs(&up);
	CHECK(down.n > 100);
	for (uint32_t i = 0, j = 0; i < down.n || j < up.n;) {
		int c = i == down.n ? 1 : j == up.n ? -1 : strcmp(down.v[i], up.v[j]);

		if (c)
			printf("only by %s: %s\n", c < 0 ? "explain" : "impact",
			       c < 0 ? down.v[i] : up.v[j]);
		CHECK_INT(c, 0);
		i += c <= 0;
		j += c >= 0;
	}
	pairs_fini(&down);
	pairs_fini(&up);
	kit_fini(&k);
}

static void check_impact(struct kit *k, struct engine_proxy *p, const char *object, bool json,
			 const char *expected)
{
	struct arena a = ARENA_INIT;
	struct object_name name;
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	struct impact *x;

	if (CHECK(object_name_parse(object, &a, &name, &e))) {
		x = impact_new(&name);
		CHECK_INT(impact_begin(x, k->engine), expected != NULL);
		if (expected)
			CHECK(impact_add(x, p, "me.default"));
		impact_end(x);
		if (expected)
			impact_print(x, json, false, &b);
		CHECK_STR(buf_str(&b), str_or(expected, ""));
		impact_free(x);
	}
	buf_fini(&b);
	arena_fini(&a);
}

TEST(impact_of_objects)
{
	struct kit k;
	struct engine_proxy *p;

	kit_init(&k, NULL);
	kit_put(&k, SERVICE("a") SERVICE("b") RULE("a") ROUTE("a", "default", "v1")
			    ROUTE("b", "elsewhere", "v1"));
	p = kit_join(&k, &(struct kit_proxy){ .name = "me" });
	check_impact(&k, p, "VirtualService/default/a", false,
		     "me.default vhost 80/a.shop.svc.cluster.local:80\n");
	check_impact(&k, p, "destinationrule/shop/a", false,
		     "me.default cluster outbound|80|v1|a.shop.svc.cluster.local\n"
		     "me.default cluster outbound|80||a.shop.svc.cluster.local\n"
		     "me.default endpoints outbound|80|v1|a.shop.svc.cluster.local\n"
		     "me.default endpoints outbound|80||a.shop.svc.cluster.local\n"
		     "me.default vhost 80/a.shop.svc.cluster.local:80\n");
	check_impact(&k, p, "VirtualService/default/a", true,
		     "[{\"proxy\":\"me.default\",\"type\":\"vhost\","
		     "\"name\":\"80/a.shop.svc.cluster.local:80\"}]\n");
	check_impact(&k, p, "VirtualService/elsewhere/b", false, "");
	check_impact(&k, p, "VirtualService/elsewhere/b", true, "[]\n");
	check_impact(&k, p, "VirtualService/default/none", false, NULL);
	check_impact(&k, p, "Node/none", false, NULL);
	kit_fini(&k);
}
