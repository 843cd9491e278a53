/* Several objects with one host, and several hosts with one address: who has what, and that nothing is sent twice. */
#include "kit.h"
#include "test.h"
#include <stdio.h>
#include <string.h>

#define ENTRY(name, ns, host, ports, more) \
	"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n" \
	"metadata: {name: " name ", namespace: " ns "}\n" \
	"spec: {hosts: [" host "], resolution: DNS, ports: [" ports "]" more "}\n---\n"
#define TCP(n) "{number: " #n ", name: tcp-" #n ", protocol: TCP}"
#define HTTP(n) "{number: " #n ", name: http-" #n ", protocol: HTTP}"
#define SERVICE(name, ns, spec) \
	"apiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: " ns "}\n" \
	"spec: {" spec "}\n---\n"

static bool has(struct kit *k, struct engine_proxy *p, enum xds_type t, const char *name,
		const char *what)
{
	return strstr(kit_json(k, p, t, name), what) != NULL;
}

TEST(shared_addresses)
{
	static const struct {
		const char *first, *second;
	} rows[] = { { "[1.1.1.1]", "[2.2.2.2, 1.1.1.1]" }, { "[1.1.1.1]", "[1.1.1.1, 2.2.2.2]" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kit k;
		struct kit_proxy proxy = { .name = "p" };
		struct engine_proxy *p;
		char text[1024];

		kit_init(&k, NULL);
		snprintf(text, sizeof text,
			 ENTRY("a", "default", "a.test", TCP(99), ", addresses: %s")
				 ENTRY("b", "default", "b.test", TCP(99), ", addresses: %s"),
			 rows[i].first, rows[i].second);
		kit_put(&k, text);
		p = kit_join(&k, &proxy);
		CHECK(has(&k, p, XDS_LDS, "1.1.1.1_99", "outbound|99||a.test"));
		CHECK(!has(&k, p, XDS_LDS, "1.1.1.1_99", "outbound|99||b.test"));
		CHECK(has(&k, p, XDS_LDS, "2.2.2.2_99", "outbound|99||b.test"));
		kit_fini(&k);
	}
}

TEST(ports_of_two_entries)
{
	struct kit k;
	struct kit_proxy proxy = { .name = "p" };
	struct engine_proxy *p;

	kit_init(&k, NULL);
	kit_put(&k, ENTRY("a", "default", "a.test", HTTP(80), "")
			    ENTRY("b", "default", "a.test", HTTP(81) ", " HTTP(80), ""));
	p = kit_join(&k, &proxy);
	CHECK(*kit_json(&k, p, XDS_CDS, "outbound|80||a.test"));
	CHECK(*kit_json(&k, p, XDS_CDS, "outbound|81||a.test"));
	CHECK(has(&k, p, XDS_RDS, "80", "a.test:80"));
	CHECK(has(&k, p, XDS_RDS, "81", "a.test:81"));
	/* Not one service: the second is for others to see than the first. */
	kit_put(&k, ENTRY("b", "default", "a.test", HTTP(81), ", exportTo: [\".\"]"));
	CHECK(!*kit_json(&k, p, XDS_CDS, "outbound|81||a.test"));
	kit_put(&k, ENTRY("b", "default", "a.test", HTTP(81), ""));
	CHECK(*kit_json(&k, p, XDS_CDS, "outbound|81||a.test"));
	kit_fini(&k);
}

TEST(entry_of_the_own_namespace)
{
	static const struct {
		const char *ns, *type;
	} rows[] = { { "near", "STRICT_DNS" }, { "far", "EDS" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kit k;
		struct kit_proxy proxy = { .name = "p", .ns = rows[i].ns };

		kit_init(&k, NULL);
		kit_put(&k,
			SERVICE("a", "default",
				"clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]")
				ENTRY("a", "near", "a.default.svc.cluster.local", HTTP(80), ""));
		CHECK(has(&k, kit_join(&k, &proxy), XDS_CDS,
			  "outbound|80||a.default.svc.cluster.local", rows[i].type));
		kit_fini(&k);
	}
}

/* The alias is a domain of its target, unless a VirtualService has routes for it. */
TEST(routes_of_an_alias)
{
	struct kit k;
	struct kit_proxy proxy = { .name = "p" };
	struct engine_proxy *p;
	const char *alias = "\"alias.default.svc.cluster.local\"", *first;

	kit_init(&k, NULL);
	kit_put(&k, SERVICE("alias", "default",
			    "type: ExternalName, externalName: a.default.svc.cluster.local")
			    SERVICE("a", "default",
				    "clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]"));
	p = kit_join(&k, &proxy);
	CHECK(has(&k, p, XDS_RDS, "80", alias));
	kit_put(&k, "apiVersion: networking.istio.io/v1\nkind: VirtualService\n"
		    "metadata: {name: v, namespace: default}\n"
		    "spec: {hosts: [alias.default.svc.cluster.local], http: [{name: mine, route: "
		    "[{destination: {host: a}}]}]}\n");
	CHECK(has(&k, p, XDS_RDS, "80", "mine"));
	first = strstr(kit_json(&k, p, XDS_RDS, "80"), alias);
	CHECK(first && !strstr(first + 1, alias));
	CHECK(has(&k, p, XDS_RDS, "80", "\"alias.default\""));
	kit_fini(&k);
}

static unsigned occurs(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* Hosts that are no service's: one virtual host each, and no domain twice. */
TEST(routes_of_one_host)
{
#define ROUTE(name, host, route) \
	"apiVersion: networking.istio.io/v1\nkind: VirtualService\n" \
	"metadata: {name: " name ", namespace: default}\n" \
	"spec: {hosts: [" host "], http: [{name: by-" name ", " route "}]}\n---\n"
#define TO_A "route: [{destination: {host: a}}]"
	struct kit k;
	struct kit_proxy proxy = { .name = "p" };
	struct engine_proxy *p;
	const char *rds;

	kit_init(&k, NULL);
	kit_put(&k, SERVICE("a", "default", "clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]")
			    ROUTE("one", "x.lone.test", TO_A) ROUTE("two", "x.lone.test", TO_A));
	p = kit_join(&k, &proxy);
	rds = kit_json(&k, p, XDS_RDS, "80");
	CHECK(occurs(rds, "x.lone.test:80") == 1 && occurs(rds, "by-one") &&
	      !occurs(rds, "by-two"));
	/* The first has nothing for this proxy. */
	kit_put(&k, ROUTE("one", "x.lone.test", "match: [{sourceLabels: {no: such}}], " TO_A));
	rds = kit_json(&k, p, XDS_RDS, "80");
	CHECK(occurs(rds, "x.lone.test:80") == 1 && !occurs(rds, "by-one") &&
	      occurs(rds, "by-two"));
	/* A short name of a service. */
	CHECK_INT(occurs(rds, "\"a.default\""), 1);
	kit_put(&k, ROUTE("three", "A.default", TO_A));
	rds = kit_json(&k, p, XDS_RDS, "80");
	CHECK_INT(occurs(rds, "\"a.default\""), 1);
	CHECK(occurs(rds, "by-three"));
	kit_put(&k, ROUTE("three", "b.default", TO_A));
	rds = kit_json(&k, p, XDS_RDS, "80");
	CHECK_INT(occurs(rds, "\"a.default\""), 1);
	kit_fini(&k);
}

TEST(name_table_of_imports)
{
	struct kit k;
	struct kit_proxy proxy = { .name = "p" };
	struct engine_proxy *p;

	kit_init(&k, NULL);
	kit_put(&k,
		SERVICE("a", "default", "clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]")
			SERVICE("b", "far",
				"clusterIP: 10.0.0.2, ports: [{name: http, port: 80}]") "apiVersion"
											": "
											"networking"
											".istio.io/"
											"v1\nkind: "
											"VirtualSer"
											"vice\n"
											"metadata: "
											"{name: v, "
											"namespace:"
											" default}"
											"\n"
											"spec: "
											"{hosts: "
											"[a], "
											"http: "
											"[{route: "
											"[{"
											"destinatio"
											"n: {host: "
											"b.far.svc."
											"cluster."
											"local}}]}]"
											"}\n---\n"
											"apiVersion"
											": "
											"networking"
											".istio.io/"
											"v1\nkind: "
											"Sidecar\n"
											"metadata: "
											"{name: s, "
											"namespace:"
											" default}"
											"\n"
											"spec: "
											"{egress: "
											"[{hosts: "
											"[\"./"
											"*\"]}]}"
											"\n");
	p = kit_join(&k, &proxy);
	CHECK(*kit_json(&k, p, XDS_CDS, "outbound|80||b.far.svc.cluster.local"));
	CHECK(has(&k, p, XDS_NDS, "", "a.default.svc"));
	CHECK(!has(&k, p, XDS_NDS, "", "b.far.svc"));
	kit_fini(&k);
}

/* A pod of two families is both addresses only to a service of two. */
TEST(addresses_of_a_pod)
{
	static const struct {
		const char *families;
		bool both;
	} rows[] = { { "[IPv4, IPv6]", true }, { "[IPv4]", false } };
	static const char *const env[] = { "ISTIO_DUAL_STACK", "true", NULL };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kit k;
		struct kit_proxy proxy = { .name = "p" };
		char text[1024];

		kit_init(&k, env);
		snprintf(text, sizeof text,
			 SERVICE("a", "default",
				 "clusterIP: 10.0.0.1, ipFamilies: %s, ports: [{name: http, port: "
				 "80}]") "apiVersion: v1\nkind: Pod\nmetadata: {name: a-0, "
					 "namespace: default}\n"
					 "status: {phase: Running, podIP: 10.2.0.1, podIPs: [{ip: "
					 "10.2.0.1}, {ip: "
					 "\"fd00::1\"}]}\n---\n"
					 "apiVersion: discovery.k8s.io/v1\nkind: "
					 "EndpointSlice\nmetadata: {name: a, "
					 "namespace: default, labels: {kubernetes.io/service-name: "
					 "a}}\n"
					 "endpoints: [{addresses: [10.2.0.1], conditions: {ready: "
					 "true}, targetRef: "
					 "{kind: Pod, name: a-0, namespace: default}}]\n"
					 "ports: [{name: http, port: 80}]\n",
			 rows[i].families);
		kit_put(&k, text);
		CHECK_INT(has(&k, kit_join(&k, &proxy), XDS_EDS,
			      "outbound|80||a.default.svc.cluster.local", "fd00::1"),
			  rows[i].both);
		kit_fini(&k);
	}
}
