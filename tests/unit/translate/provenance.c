/* What resources are made from, by name. */
#include "base/buf.h"
#include "base/err.h"
#include "kit.h"
#include "provenance_mesh.h"
#include "test.h"
#include "translate/explain.h"
#include <stdio.h>
#include <string.h>

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

/* Of the VirtualServices of a host only those count that the virtual host is from. */
TEST(explain_virtual_hosts_and_routes)
{
	static const struct row rows[] = {
		{ "Service", "shop", "a",
		  "}\nspec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]}" },
		{ "Service", "shop", "b",
		  "}\nspec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]}" },
		{ "DestinationRule", "shop", "a",
		  "}\nspec: {host: a, subsets: [{name: v1, labels: {version: v1}}]}" },
		{ "VirtualService", "shop", "first",
		  "}\nspec:\n  hosts: [a]\n  http:\n"
		  "  - {name: one, match: [{uri: {prefix: /x}}], route: [{destination: {host: "
		  "b}}]}\n"
		  "  - {match: [{uri: {prefix: /y}}], delegate: {name: part, namespace: shop}}\n"
		  "  - {name: rest, route: [{destination: {host: a, subset: v1}}]}" },
		{ "VirtualService", "shop", "part",
		  "}\nspec: {http: [{name: two, route: [{destination: {host: b}}]}]}" },
		{ "VirtualService", "shop", "second",
		  "}\nspec: {hosts: [a], http: [{route: [{destination: {host: b}}]}]}" },
		{ "VirtualService", "other", "hidden",
		  "}\nspec: {exportTo: [\".\"], hosts: [a.shop.svc.cluster.local],\n"
		  "  http: [{route: [{destination: {host: b.shop.svc.cluster.local}}]}]}" },
		{ "VirtualService", "shop", "lone",
		  "}\nspec: {hosts: [lone.example.com], http: [{route: [{destination: {host: "
		  "b}}]}]}" },
	};
	struct kit k;
	struct engine_proxy *p;

	kit_init(&k, NULL);
	put_rows(&k, rows, ARRAY_LEN(rows));
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
