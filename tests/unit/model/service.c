/* Services from objects: protocols, names, addresses, heads. */
#include "model/service.h"
#include "base/buf.h"
#include "harness.h"
#include "model/heads.h"
#include "model/scope.h"
#include <stdio.h>
#include <string.h>

TEST(service_protocol_of_port)
{
	static const struct {
		const char *transport, *name, *app;
		uint16_t number;
		enum protocol want;
	} rows[] = {
		{ "TCP", "http", NULL, 80, PROTOCOL_HTTP },
		{ "TCP", "http-web", NULL, 80, PROTOCOL_HTTP },
		{ "TCP", "HTTP2-x", NULL, 80, PROTOCOL_HTTP2 },
		{ NULL, "grpc", NULL, 80, PROTOCOL_GRPC },
		{ "TCP", "gRPC-Web-a", NULL, 80, PROTOCOL_GRPC_WEB },
		{ "TCP", "http_proxy", NULL, 80, PROTOCOL_HTTP_PROXY },
		{ "TCP", "https-x", NULL, 443, PROTOCOL_HTTPS },
		{ "TCP", "mongo", NULL, 1, PROTOCOL_MONGO },
		{ "TCP", "tcp", "http", 80, PROTOCOL_HTTP },
		{ "TCP", "http", "kubernetes.io/h2c", 80, PROTOCOL_HTTP2 },
		{ "TCP", "x", "kubernetes.io/ws", 80, PROTOCOL_HTTP },
		{ "TCP", "x", "kubernetes.io/wss", 80, PROTOCOL_HTTPS },
		{ "UDP", "http", NULL, 80, PROTOCOL_UDP },
		{ "udp", "http", NULL, 80, PROTOCOL_UDP },
		{ "TCP", "web", NULL, 80, PROTOCOL_AUTO },
		{ "TCP", NULL, NULL, 80, PROTOCOL_AUTO },
		{ "TCP", "web", NULL, 3306, PROTOCOL_TCP },
		{ "TCP", "", NULL, 25, PROTOCOL_TCP },
		{ "TCP", "http", NULL, 3306, PROTOCOL_HTTP },
		{ "TCP", "httpx", NULL, 80, PROTOCOL_AUTO },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_STR(protocol_name(protocol_of_port(rows[i].transport, rows[i].name,
							 rows[i].app, rows[i].number)),
			  protocol_name(rows[i].want));
	CHECK_INT(protocol_parse("GRPC"), PROTOCOL_GRPC);
	CHECK_INT(protocol_parse("grpc-WEB"), PROTOCOL_GRPC_WEB);
	CHECK_INT(protocol_parse(NULL), PROTOCOL_AUTO);
	CHECK_INT(protocol_parse("sctp"), PROTOCOL_AUTO);
}

TEST(service_protocol_classes)
{
	CHECK(protocol_is_http(PROTOCOL_GRPC) && protocol_is_http2(PROTOCOL_GRPC));
	CHECK(protocol_is_http(PROTOCOL_HTTP_PROXY) && !protocol_is_http2(PROTOCOL_HTTP_PROXY));
	CHECK(protocol_is_tcp(PROTOCOL_HTTPS) && protocol_is_tls(PROTOCOL_HTTPS));
	CHECK(protocol_is_tcp(PROTOCOL_MYSQL) && !protocol_is_tls(PROTOCOL_MYSQL));
	CHECK(!protocol_is_tcp(PROTOCOL_AUTO) && !protocol_is_http(PROTOCOL_AUTO));
	CHECK(!protocol_is_tcp(PROTOCOL_UDP));
}

TEST(service_host_algebra)
{
	static const struct {
		const char *a, *b;
		bool matches, subset;
	} rows[] = {
		{ "a.foo.com", "a.foo.com", true, true },
		{ "a.foo.com", "*.foo.com", true, true },
		{ "a.b.foo.com", "*.foo.com", true, true },
		{ "foo.com", "*.foo.com", false, false },
		{ "*.foo.com", "a.foo.com", true, false },
		{ "*.a.foo.com", "*.foo.com", true, true },
		{ "*.foo.com", "*.a.foo.com", true, false },
		{ "*.foo.com", "*.bar.com", false, false },
		{ "x", "*", true, true },
		{ "*", "*", true, true },
		{ "*", "*.com", true, false },
		{ "a.com", "b.com", false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!CHECK(host_matches(rows[i].a, rows[i].b) == rows[i].matches) ||
		    !CHECK(host_subset_of(rows[i].a, rows[i].b) == rows[i].subset))
			printf("\t%s, %s\n", rows[i].a, rows[i].b);
	}
}

static void short_names(struct run *r, void *ctx)
{
	struct arena *a = run_arena(r);

	CHECK_STR(host_resolve(a, "web", "shop"), "web.shop.svc.cluster.local");
	CHECK_STR(host_resolve(a, "web.shop", "x"), "web.shop");
	CHECK_STR(host_resolve(a, "*", "x"), "*");
	CHECK_STR(host_resolve(a, "::1", "x"), "::1");
	CHECK_STR(host_lower(a, "A.Example.COM"), "a.example.com");
	CHECK_STR(host_parent(a, "a.b.c"), "*.b.c");
	CHECK_STR(host_parent(a, "*.b.c"), "*.c");
	CHECK_STR(host_parent(a, "*.c"), "*");
	CHECK_STR(host_parent(a, "c"), "*");
	CHECK(!host_parent(a, "*"));
}

TEST(service_short_names)
{
	struct harness *h = harness_new(NULL, NULL);

	harness_run(h, 0, short_names, NULL);
	harness_free(h);
}

/* What a test wants to see of a service, or of several, as text. */
struct view {
	const char *ns, *host;
	struct buf out;
	uint16_t port;
};

static void put_list(struct buf *b, const char *name, const char *const *v, uint32_t n)
{
	buf_printf(b, " %s=", name);
	for (uint32_t i = 0; i < n; i++)
		buf_printf(b, "%s%s", i ? "," : "", v[i]);
}

static void show_service(struct buf *b, const struct service *s)
{
	static const char *const resolutions[] = {
		"lb", "dns", "dns-rr", "pass", "alias", "dynamic"
	};

	buf_printf(b, "%s %s/%s %s%s%s", s->host, s->ns, s->name, resolutions[s->resolution],
		   s->mesh_external ? " external" : "", s->headless ? " headless" : "");
	put_list(b, "addr", s->addresses, s->n_addresses);
	for (uint32_t i = 0; i < s->n_ports; i++)
		buf_printf(b, " %s:%u>%u%s/%s", s->ports[i].name, s->ports[i].number,
			   s->ports[i].target_port, str_or(s->ports[i].target_name, ""),
			   protocol_name(s->ports[i].protocol));
	put_list(b, "to", s->export_to.v, s->export_to.n);
	if (s->alias_of)
		buf_printf(b, " alias=%s", s->alias_of);
	if (s->n_others)
		buf_printf(b, " others=%u(%s)", s->n_others, s->others[0]->name);
}

static void show(struct run *r, void *ctx)
{
	struct view *v = ctx;
	const struct service *s = service_read(r, run_key(r, v->ns), run_key(r, v->host));

	buf_reset(&v->out);
	if (s)
		show_service(&v->out, s);
}

static void show_for_routes(struct run *r, void *ctx)
{
	struct view *v = ctx;
	const struct service *s = service_read(r, run_key(r, v->ns), run_key(r, v->host));

	buf_reset(&v->out);
	if (s)
		show_service(&v->out, service_of_routes(r, s, v->port));
}

static void check_with(struct harness *h, uint32_t proxy, harness_fn *fn, const char *ns,
		       const char *host, const char *want)
{
	struct view v = { ns, host, BUF_INIT, 0 };

	harness_run(h, proxy, fn, &v);
	CHECK_STR(buf_str(&v.out), want);
	buf_fini(&v.out);
}

static void check_for_routes(struct harness *h, const char *host, uint16_t port, const char *want)
{
	struct view v = { "app", host, BUF_INIT, port };

	harness_run(h, 0, show_for_routes, &v);
	CHECK_STR(buf_str(&v.out), want);
	buf_fini(&v.out);
}

static const char mixed[] =
	"apiVersion: v1\n"
	"kind: Service\n"
	"metadata:\n"
	"  name: web\n"
	"  namespace: app\n"
	"  creationTimestamp: '2024-01-01T00:00:00Z'\n"
	"  annotations: {networking.istio.io/exportTo: 'a, b,.'}\n"
	"spec:\n"
	"  clusterIP: 10.0.0.1\n"
	"  clusterIPs: [10.0.0.1, 'fd00::1']\n"
	"  ports:\n"
	"  - {name: http, port: 80, targetPort: 8080}\n"
	"  - {name: named, port: 81, targetPort: metrics}\n"
	"  - {name: same, port: 82}\n"
	"---\n"
	"apiVersion: v1\n"
	"kind: Service\n"
	"metadata: {name: none, namespace: app}\n"
	"spec: {clusterIP: None, ports: [{port: 80}]}\n"
	"---\n"
	"apiVersion: v1\n"
	"kind: Service\n"
	"metadata: {name: alias, namespace: app}\n"
	"spec: {type: ExternalName, externalName: Web.app.svc.cluster.local., ports: [{port: "
	"80}]}\n"
	"---\n"
	"apiVersion: v1\n"
	"kind: Service\n"
	"metadata: {name: alias2, namespace: zoo}\n"
	"spec: {type: ExternalName, externalName: alias.app.svc.cluster.local}\n"
	"---\n"
	"apiVersion: networking.istio.io/v1\n"
	"kind: ServiceEntry\n"
	"metadata: {name: shadow, namespace: app, creationTimestamp: '2023-01-01T00:00:00Z'}\n"
	"spec:\n"
	"  hosts: [web.app.svc.cluster.local]\n"
	"  resolution: STATIC\n"
	"  ports: [{number: 80, name: http, protocol: HTTP}]\n"
	"---\n"
	"apiVersion: networking.istio.io/v1\n"
	"kind: ServiceEntry\n"
	"metadata: {name: many, namespace: app, creationTimestamp: '2024-01-01T00:00:00Z'}\n"
	"spec:\n"
	"  hosts: [One.example.com, two.example.com, one.example.com]\n"
	"  addresses: [192.0.2.0/24, 198.51.100.1/32, 203.0.113.9, bogus, 0.0.0.0]\n"
	"  location: MESH_INTERNAL\n"
	"  resolution: STATIC\n"
	"  ports: [{number: 3306, name: db, protocol: MySQL, targetPort: 33}, {number: 81, name: "
	"x}]\n"
	"  exportTo: ['.']\n"
	"---\n"
	"apiVersion: networking.istio.io/v1\n"
	"kind: ServiceEntry\n"
	"metadata: {name: later, namespace: app, creationTimestamp: '2024-02-01T00:00:00Z'}\n"
	"spec:\n"
	"  hosts: [one.example.com]\n"
	"  ports: [{number: 90, name: late, protocol: HTTP}]\n";

TEST(service_from_objects)
{
	static const struct {
		const char *host, *want;
	} rows[] = {
		{ "web.app.svc.cluster.local",
		  "web.app.svc.cluster.local app/web lb addr=10.0.0.1,fd00::1 http:80>8080/http "
		  "named:81>0metrics/unsupported same:82>82/unsupported to=a,b,. "
		  "others=1(shadow)" },
		{ "none.app.svc.cluster.local", "none.app.svc.cluster.local app/none pass headless "
						"addr= :80>80/unsupported to=" },
		{ "alias.app.svc.cluster.local", "alias.app.svc.cluster.local app/alias alias "
						 "external addr= :80>80/unsupported to= "
						 "alias=web.app.svc.cluster.local" },
		{ "one.example.com", "one.example.com app/one.example.com lb "
				     "addr=192.0.2.0/24,198.51.100.1,203.0.113.9 "
				     "db:3306>33/mysql x:81>0/unsupported to=. others=1(later)" },
		{ "two.example.com", "two.example.com app/two.example.com lb "
				     "addr=192.0.2.0/24,198.51.100.1,203.0.113.9 "
				     "db:3306>33/mysql x:81>0/unsupported to=." },
		{ "nobody.example.com", "" },
	};
	struct harness *h = harness_new(mixed, NULL);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_with(h, 0, show, "app", rows[i].host, rows[i].want);
	harness_free(h);
}

TEST(service_of_routes_is_the_last)
{
	struct harness *h = harness_new(mixed, NULL);

	/* One address, the last; or the last entry of the host. */
	check_for_routes(h, "two.example.com", 81,
			 "two.example.com app/two.example.com lb addr=203.0.113.9 db:3306>33/mysql "
			 "x:81>0/unsupported to=.");
	check_for_routes(
		h, "one.example.com", 90,
		"one.example.com app/one.example.com pass external addr= late:90>0/http to= "
		"others=1(later)");
	/* The entry is older than the Kubernetes Service and so before it in the list. */
	check_for_routes(
		h, "none.app.svc.cluster.local", 80,
		"none.app.svc.cluster.local app/none pass headless addr= :80>80/unsupported to=");
	harness_free(h);
}

static void show_aliases(struct run *r, void *ctx)
{
	struct view *v = ctx;
	uint32_t n;
	const struct service *s = service_read(r, run_key(r, v->ns), run_key(r, v->host));
	const struct service_alias *all = service_aliases(r, s, &n);

	for (uint32_t i = 0; i < n; i++)
		buf_printf(&v->out, "%s/%s ", all[i].ns, all[i].host);
}

TEST(service_aliases_follow_chains)
{
	struct harness *h = harness_new(mixed, NULL);

	check_with(h, 0, show_aliases, "app", "web.app.svc.cluster.local",
		   "app/alias.app.svc.cluster.local zoo/alias2.zoo.svc.cluster.local ");
	/* A loop ends. */
	harness_put(h, "apiVersion: v1\n"
		       "kind: Service\n"
		       "metadata: {name: l1, namespace: app}\n"
		       "spec: {type: ExternalName, externalName: l2.app.svc.cluster.local}\n"
		       "---\n"
		       "apiVersion: v1\n"
		       "kind: Service\n"
		       "metadata: {name: l2, namespace: app}\n"
		       "spec: {type: ExternalName, externalName: l1.app.svc.cluster.local}\n");
	check_with(h, 0, show_aliases, "app", "l1.app.svc.cluster.local",
		   "app/l2.app.svc.cluster.local ");
	harness_free(h);
}

static void show_vip(struct run *r, void *ctx)
{
	struct view *v = ctx;
	uint32_t n;
	const struct service *s = service_read(r, run_key(r, v->ns), run_key(r, v->host));
	const char *const *all;

	if (!CHECK(s))
		return;
	all = service_addresses(r, s, &n);
	buf_printf(&v->out, "%s", service_vip(r, s));
	put_list(&v->out, "all", all, n);
}

static uint32_t proxy_with(struct harness *h, const char *name, const char *ip, const char *more)
{
	char json[512];

	snprintf(json, sizeof json,
		 "{\"id\": \"sidecar~%s~%s.app~app.svc.cluster.local\", \"metadata\": "
		 "{\"NAMESPACE\": \"app\", \"CLUSTER_ID\": \"Kubernetes\"%s}}",
		 ip, name, more);
	return harness_proxy(h, json);
}

TEST(service_vip_by_family)
{
	struct harness *h = harness_new(mixed, NULL);
	uint32_t v4 = proxy_with(h, "a", "10.1.0.1", ""), v6 = proxy_with(h, "b", "fd00::9", "");

	check_with(h, v4, show_vip, "app", "web.app.svc.cluster.local", "10.0.0.1 all=10.0.0.1");
	check_with(h, v6, show_vip, "app", "web.app.svc.cluster.local", "fd00::1 all=fd00::1");
	check_with(h, v6, show_vip, "app", "two.example.com",
		   "192.0.2.0/24 all=192.0.2.0/24,198.51.100.1,203.0.113.9");
	check_with(h, v4, show_vip, "app", "none.app.svc.cluster.local", "0.0.0.0 all=0.0.0.0");
	harness_free(h);
}

static void put_auto(struct harness *h, const char *name, const char *host, int year,
		     const char *more)
{
	char text[512];

	snprintf(text, sizeof text,
		 "apiVersion: networking.istio.io/v1\n"
		 "kind: ServiceEntry\n"
		 "metadata: {name: %s, namespace: app, creationTimestamp: '%d-01-01T00:00:00Z'}\n"
		 "spec:\n"
		 "  hosts: [%s]\n"
		 "  resolution: DNS\n"
		 "  ports: [{number: 6000, name: tcp, protocol: TCP}]\n%s",
		 name, year, host, more);
	harness_put(h, text);
}

static const char *vip_of(struct harness *h, uint32_t proxy, const char *host)
{
	static char text[4][128];
	static unsigned at;
	struct view v = { "app", host, BUF_INIT, 0 };

	at = (at + 1) % 4;
	harness_run(h, proxy, show_vip, &v);
	snprintf(text[at], sizeof text[at], "%s", buf_str(&v.out));
	buf_fini(&v.out);
	return text[at];
}

TEST(service_vip_from_status)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t plain = proxy_with(h, "a", "10.1.0.1", "");
	uint32_t dns = proxy_with(h, "b", "10.1.0.2", ", \"DNS_CAPTURE\": \"true\"");

	put_auto(h, "se", "auto.example.com", 2024,
		 "status:\n"
		 "  addresses:\n"
		 "  - {value: 240.240.0.1, host: auto.example.com}\n"
		 "  - {value: '2001:2::1', host: auto.example.com}\n");
	CHECK_STR(vip_of(h, plain, "auto.example.com"), "0.0.0.0 all=0.0.0.0");
	CHECK_STR(vip_of(h, dns, "auto.example.com"), "240.240.0.1 all=240.240.0.1");
	harness_free(h);
}

TEST(service_vip_by_hash)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t dns = proxy_with(h, "b", "10.1.0.2", ", \"DNS_CAPTURE\": \"true\"");
	uint32_t dns6 = proxy_with(h, "c", "fd00::2", ", \"DNS_CAPTURE\": \"true\"");
	char first[128], other[128], status[160];

	put_auto(h, "one", "one.example.com", 2024, "");
	snprintf(first, sizeof first, "%s", vip_of(h, dns, "one.example.com"));
	CHECK(str_starts(first, "240.240."));
	CHECK(str_starts(vip_of(h, dns6, "one.example.com"), "2001:2::"));
	/* It does not move when others come, older or younger. */
	put_auto(h, "two", "two.example.com", 2025, "");
	put_auto(h, "three", "three.example.com", 2023, "");
	CHECK_STR(vip_of(h, dns, "one.example.com"), first);
	snprintf(other, sizeof other, "%s", vip_of(h, dns, "two.example.com"));
	CHECK(strcmp(first, other));
	/* What a status holds is taken: the host that would have had it gets another. */
	snprintf(status, sizeof status,
		 "status: {addresses: [{value: %.*s, host: four.example.com}]}\n",
		 (int)strcspn(first, " "), first);
	put_auto(h, "four", "four.example.com", 2026, status);
	CHECK_STR(vip_of(h, dns, "four.example.com"), first);
	CHECK(strcmp(vip_of(h, dns, "one.example.com"), first));
	CHECK_STR(vip_of(h, dns, "two.example.com"), other);
	harness_free(h);
}

TEST(service_vip_is_not_for_all)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t dns = proxy_with(h, "b", "10.1.0.2", ", \"DNS_CAPTURE\": \"true\"");

	put_auto(h, "wild", "'*.example.com'", 2024, "");
	CHECK_STR(vip_of(h, dns, "*.example.com"), "0.0.0.0 all=0.0.0.0");
	harness_put(
		h,
		"apiVersion: networking.istio.io/v1\n"
		"kind: ServiceEntry\n"
		"metadata:\n"
		"  name: quiet\n"
		"  namespace: app\n"
		"  labels: {networking.istio.io/enable-autoallocate-ip: 'false'}\n"
		"spec: {hosts: [off.example.com], resolution: DNS, ports: [{number: 1, name: a}]}\n"
		"---\n"
		"apiVersion: networking.istio.io/v1\n"
		"kind: ServiceEntry\n"
		"metadata: {name: pass, namespace: app}\n"
		"spec: {hosts: [pass.example.com], ports: [{number: 1, name: a}]}\n");
	CHECK_STR(vip_of(h, dns, "off.example.com"), "0.0.0.0 all=0.0.0.0");
	CHECK_STR(vip_of(h, dns, "pass.example.com"), "0.0.0.0 all=0.0.0.0");
	harness_free(h);
}

/* 600 hosts in 65,003 slots collide now and then; nobody may share an address. */
static void all_different(struct run *r, void *ctx)
{
	struct map seen = MAP_INIT;

	for (unsigned i = 0; i < 600; i++) {
		char host[32];
		const struct service *s;

		snprintf(host, sizeof host, "h%u.example.com", i);
		s = service_read(r, run_key(r, "app"), run_key(r, host));
		CHECK(!map_set(&seen, service_vip(r, s), (void *)1));
	}
	map_fini(&seen);
}

TEST(service_vip_never_twice)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t dns = proxy_with(h, "b", "10.1.0.2", ", \"DNS_CAPTURE\": \"true\"");

	for (unsigned i = 0; i < 600; i++) {
		char name[16], host[32];

		snprintf(name, sizeof name, "n%u", i);
		snprintf(host, sizeof host, "h%u.example.com", i);
		put_auto(h, name, host, 2000 + (int)(i % 20), "");
	}
	harness_run(h, dns, all_different, NULL);
	harness_free(h);
}

static void show_distribution(struct run *r, void *ctx)
{
	struct view *v = ctx;
	const struct service *s = service_read(r, run_key(r, v->ns), run_key(r, v->host));

	buf_printf(&v->out, "%d", (int)service_distribution(r, s));
}

TEST(service_distribution_from_namespace)
{
	struct harness *h =
		harness_new("apiVersion: v1\n"
			    "kind: Namespace\n"
			    "metadata: {name: near, annotations: "
			    "{Networking.istio.io/Traffic-Distribution: preferclose}}\n"
			    "---\n"
			    "apiVersion: v1\n"
			    "kind: Service\n"
			    "metadata: {name: plain, namespace: near}\n"
			    "spec: {clusterIP: 10.0.0.1}\n"
			    "---\n"
			    "apiVersion: v1\n"
			    "kind: Service\n"
			    "metadata: {name: odd, namespace: near, annotations: "
			    "{networking.istio.io/traffic-distribution: x}}\n"
			    "spec: {clusterIP: 10.0.0.2}\n"
			    "---\n"
			    "apiVersion: v1\n"
			    "kind: Service\n"
			    "metadata: {name: node, namespace: near}\n"
			    "spec: {clusterIP: 10.0.0.3, trafficDistribution: PreferSameNode}\n",
			    NULL);

	check_with(h, 0, show_distribution, "near", "plain.near.svc.cluster.local", "1");
	check_with(h, 0, show_distribution, "near", "odd.near.svc.cluster.local", "0");
	check_with(h, 0, show_distribution, "near", "node.near.svc.cluster.local", "2");
	harness_free(h);
}

static void show_heads(struct run *r, void *ctx)
{
	struct view *v = ctx;
	struct heads h = heads_of_ns(r, run_key(r, v->ns));

	buf_reset(&v->out);
	for (uint32_t i = 0; i < h.n; i++) {
		buf_printf(&v->out, "%s %x", run_text(r, h.v[i].host), h.v[i].flags);
		for (uint32_t j = 0; j < h.v[i].n_ports; j++)
			buf_printf(&v->out, " %u", head_ports(&h, &h.v[i])[j].number);
		if (h.v[i].export_to)
			buf_printf(&v->out, " to=%s", run_text(r, h.v[i].export_to));
		buf_puts(&v->out, "\n");
	}
}

TEST(service_heads_in_order)
{
	struct harness *h = harness_new(mixed, NULL);

	check_with(h, 0, show_heads, "app", "",
		   "alias.app.svc.cluster.local 25 80\n"
		   "none.app.svc.cluster.local 9 80\n"
		   "one.example.com 442 3306 81 to=app\n"
		   "two.example.com 442 3306 81 to=app\n"
		   "web.app.svc.cluster.local 43 80 81 82 to=a,app,b\n");
	harness_put(h, "apiVersion: networking.istio.io/v1\n"
		       "kind: ServiceEntry\n"
		       "metadata: {name: clash, namespace: other}\n"
		       "spec: {hosts: [two.example.com, '*.x'], ports: [{number: 1, name: a}]}\n");
	check_with(h, 0, show_heads, "other", "", "*.x a8 1\ntwo.example.com 38 1\n");
	harness_free(h);
}

/* An edit of an endpoint runs the heads of its namespace and nothing above them. */
TEST(service_heads_stop_endpoint_edits)
{
	struct harness *h = harness_new(NULL, NULL);
	struct view v = { "app", "", BUF_INIT, 0 };

	put_auto(h, "se", "a.example.com", 2024, "  endpoints: [{address: 192.0.2.1}]\n");
	harness_commit(h);
	harness_watch(h, 0, show_heads, &v);
	put_auto(h, "se", "a.example.com", 2024, "  endpoints: [{address: 192.0.2.2}]\n");
	CHECK_INT(harness_commit(h), 0);
	put_auto(h, "se2", "b.example.com", 2024, "");
	CHECK_INT(harness_commit(h), 1);
	CHECK_STR(buf_str(&v.out), "a.example.com 320 6000\nb.example.com 320 6000\n");
	buf_fini(&v.out);
	harness_free(h);
}
