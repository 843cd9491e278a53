/* Scopes: exportTo, Sidecars, owners of clashing hosts, what VirtualServices pull in, and that proxies share. */
#include "model/scope.h"
#include "base/buf.h"
#include "harness.h"
#include "model/heads.h"
#include <stdio.h>
#include <string.h>

/* Kubernetes Services of the scenarios, one HTTP port 80 unless said otherwise. */
#define SVC(name, ns) SVC_PORTS(name, ns, "[{name: http, port: 80}]")
#define SVC_PORTS(name, ns, ports) \
	"---\napiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: " ns \
	", creationTimestamp: '2024-01-01T00:00:00Z'}\nspec: {clusterIP: 10.0.0.1, ports: " ports \
	"}\n"
#define SE(name, ns, host, year, more) \
	"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: " name \
	", namespace: " ns ", creationTimestamp: '" year \
	"-01-01T00:00:00Z'}\nspec: {hosts: [" host \
	"], resolution: DNS, ports: [{name: http, number: 80, protocol: HTTP}]" more "}\n"
#define SIDECAR(name, ns, spec) \
	"---\napiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: " name \
	", namespace: " ns "}\nspec: " spec "\n"
#define VS(name, ns, spec) \
	"---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: " name \
	", namespace: " ns "}\nspec: " spec "\n"

static const char mesh[] = SVC("web", "app")
	SVC_PORTS("db", "data", "[{name: tcp, port: 5432}, {name: http-admin, port: 8000}]")
		SVC_PORTS("web", "other", "[{name: http, port: 80}, {name: grpc, port: 9090}]")
			SE("ext", "other", "ext.example.com", "2024", "");

struct view {
	uint32_t index;
	const char *host;
	struct buf out;
};

static void put_heads(struct run *r, struct buf *b, uint32_t ns, uint32_t index)
{
	struct heads h = scope_visible(r, ns, index);

	for (uint32_t i = 0; i < h.n; i++) {
		buf_printf(b, "%s/%s", run_text(r, ns), run_text(r, h.v[i].host));
		for (uint32_t j = 0; j < h.v[i].n_ports; j++)
			buf_printf(b, ":%u", head_ports(&h, &h.v[i])[j].number);
		buf_puts(b, " ");
	}
}

/* All that is visible, namespaces as the scope lists them. */
static void show(struct run *r, void *ctx)
{
	struct view *v = ctx;
	uint32_t n;
	bool all;
	const uint32_t *ns = scope_namespaces(r, &n, &all);

	buf_reset(&v->out);
	if (all) {
		const struct keyset *set = read_keyset(r, CELL_SVC_NS);

		ns = set->v;
		n = set->n;
		buf_puts(&v->out, "all: ");
	}
	for (uint32_t i = 0; i < n; i++)
		put_heads(r, &v->out, ns[i], v->index);
}

static void check_visible(struct harness *h, uint32_t proxy, uint32_t index, const char *want)
{
	struct view v = { index, NULL, BUF_INIT };

	harness_run(h, proxy, show, &v);
	CHECK_STR(buf_str(&v.out), want);
	buf_fini(&v.out);
}

static void show_owner(struct run *r, void *ctx)
{
	struct view *v = ctx;
	uint32_t ns = scope_host_ns(r, run_key(r, v->host));

	buf_reset(&v->out);
	buf_puts(&v->out, ns ? run_text(r, ns) : "-");
}

static void check_owner(struct harness *h, uint32_t proxy, const char *host, const char *want)
{
	struct view v = { 0, host, BUF_INIT };

	harness_run(h, proxy, show_owner, &v);
	CHECK_STR(buf_str(&v.out), want);
	buf_fini(&v.out);
}

TEST(scope_default_sees_all)
{
	struct harness *h = harness_new(mesh, NULL);
	uint32_t c = harness_sidecar(h, "c", "app", "10.1.0.1");

	check_visible(h, c, 0,
		      "all: app/web.app.svc.cluster.local:80 "
		      "data/db.data.svc.cluster.local:5432:8000 other/ext.example.com:80 "
		      "other/web.other.svc.cluster.local:80:9090 ");
	check_owner(h, c, "ext.example.com", "other");
	check_owner(h, c, "none.example.com", "-");
	harness_free(h);
}

TEST(scope_export_to)
{
	struct harness *h = harness_new(
		SE("own", "app", "own.x", "2024", ", exportTo: ['.']")
			SE("named", "app", "named.x", "2024", ", exportTo: [guest]")
				SE("none", "app", "none.x", "2024", ", exportTo: ['~']")
					SE("all", "app", "all.x", "2024", ", exportTo: ['*', '.']"),
		NULL);
	uint32_t in = harness_sidecar(h, "in", "app", "10.1.0.1");
	uint32_t out = harness_sidecar(h, "out", "guest", "10.1.0.2");

	check_visible(h, in, 0, "all: app/all.x:80 app/own.x:80 ");
	check_visible(h, out, 0, "all: app/all.x:80 app/named.x:80 ");
	check_owner(h, out, "own.x", "-");
	check_owner(h, in, "own.x", "app");
	harness_mesh(h, "defaultServiceExportTo: ['.']\n");
	harness_put(h, SE("plain", "app", "plain.x", "2024", ""));
	check_visible(h, out, 0, "all: app/all.x:80 app/named.x:80 ");
	check_visible(h, in, 0, "all: app/all.x:80 app/own.x:80 app/plain.x:80 ");
	harness_free(h);
}

TEST(scope_service_entry_visibility)
{
	struct harness *h = harness_new(
		SE("own", "app", "own.x", "2024", "") SE("other", "app", "other.x", "2024",
							 ", exportTo: [guest]")
			SE("wide", "open", "wide.x", "2024", "")
				SVC("web", "app") "---\napiVersion: v1\nkind: Namespace\nmetadata: "
						  "{name: open, labels: {vis: wide}}\n",
		"serviceEntryVisibility:\n"
		"  defaultVisibility: NAMESPACE\n"
		"  applyToSidecars: true\n"
		"  policies:\n"
		"  - visibility: PUBLIC\n"
		"    matchingRules:\n"
		"    - namespaceSelector:\n"
		"        matchExpressions: [{key: vis, operator: In, values: [wide, wider]}]\n");
	uint32_t in = harness_sidecar(h, "in", "app", "10.1.0.1");
	uint32_t out = harness_sidecar(h, "out", "guest", "10.1.0.2");

	check_visible(h, in, 0,
		      "all: app/own.x:80 app/web.app.svc.cluster.local:80 open/wide.x:80 ");
	check_visible(h, out, 0, "all: app/web.app.svc.cluster.local:80 open/wide.x:80 ");
	harness_free(h);
}

TEST(scope_sidecar_selection)
{
	struct harness *h = harness_new(mesh, NULL);
	uint32_t picked, rest, stranger;

	harness_put(
		h,
		SIDECAR("picked", "app",
			"{workloadSelector: {labels: {pick: 'yes'}}, egress: [{hosts: [data/*]}]}")
			SIDECAR("wide", "app", "{egress: [{hosts: [other/*]}]}") SIDECAR(
				"default", "istio-system", "{egress: [{hosts: [./*, app/*]}]}"));
	picked = harness_proxy(
		h, "{\"id\": \"sidecar~10.1.0.1~p.app~app.svc.cluster.local\", "
		   "\"metadata\": {\"NAMESPACE\": \"app\", \"LABELS\": {\"pick\": \"yes\"}}}");
	rest = harness_sidecar(h, "r", "app", "10.1.0.2");
	stranger = harness_sidecar(h, "s", "data", "10.1.0.3");
	check_visible(h, picked, 0, "data/db.data.svc.cluster.local:5432:8000 ");
	check_visible(h, rest, 0,
		      "other/ext.example.com:80 other/web.other.svc.cluster.local:80:9090 ");
	check_visible(h, stranger, 0,
		      "app/web.app.svc.cluster.local:80 data/db.data.svc.cluster.local:5432:8000 ");
	harness_free(h);
}

TEST(scope_router_has_no_sidecar)
{
	struct harness *h = harness_new(mesh, NULL);
	uint32_t gw;

	harness_put(h, SIDECAR("wide", "app", "{egress: [{hosts: [other/*]}]}"));
	gw = harness_proxy(h, "{\"id\": \"router~10.1.0.1~g.app~app.svc.cluster.local\", "
			      "\"metadata\": {\"NAMESPACE\": \"app\"}}");
	check_owner(h, gw, "web.app.svc.cluster.local", "app");
	harness_free(h);
}

TEST(scope_egress_hosts)
{
	static const struct {
		const char *egress, *want;
	} rows[] = {
		{ "[{hosts: ['~/*']}]", "" },
		{ "[{hosts: ['./*']}]", "app/web.app.svc.cluster.local:80 " },
		{ "[{hosts: ['*/ext.example.com', 'app/WEB.app.svc.cluster.local']}]",
		  "app/web.app.svc.cluster.local:80 other/ext.example.com:80 " },
		{ "[{hosts: ['*/*.svc.cluster.local', '~data/*']}]",
		  "app/web.app.svc.cluster.local:80 other/web.other.svc.cluster.local:80:9090 " },
		{ "[{hosts: ['other/*', '~other/ext.example.com']}]",
		  "other/web.other.svc.cluster.local:80:9090 " },
		{ "[{hosts: ['*/*', '~*/*.example.com']}]",
		  "all: app/web.app.svc.cluster.local:80 data/db.data.svc.cluster.local:5432:8000 "
		  "other/web.other.svc.cluster.local:80:9090 " },
		{ "[{port: {number: 9090, name: g, protocol: GRPC}, hosts: ['*/*']}]",
		  "all: other/web.other.svc.cluster.local:9090 " },
		{ "[{port: {number: 5432, name: t, protocol: TCP}, hosts: ['data/*']}, {hosts: "
		  "['app/*']}]",
		  "app/web.app.svc.cluster.local:80 data/db.data.svc.cluster.local:5432 " },
		{ "[{port: {number: 5432, name: t, protocol: TCP}, hosts: ['data/*']}, "
		  "{port: {number: 8000, name: u, protocol: HTTP}, hosts: ['data/*']}]",
		  "data/db.data.svc.cluster.local:5432:8000 " },
		{ "[{port: {number: 15080, name: p, protocol: HTTP_PROXY}, bind: 127.0.0.1, hosts: "
		  "['data/*']}]",
		  "data/db.data.svc.cluster.local:5432:8000 " },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct harness *h = harness_new(mesh, NULL);
		uint32_t c = harness_sidecar(h, "c", "app", "10.1.0.1");
		char text[512];

		snprintf(text, sizeof text, SIDECAR("sc", "app", "{egress: %s}"), rows[i].egress);
		harness_put(h, text);
		check_visible(h, c, 0, rows[i].want);
		harness_free(h);
	}
}

static void show_wrappers(struct run *r, void *ctx)
{
	struct view *v = ctx;
	uint32_t n;
	const struct wrapper *w = scope_wrappers(r, &n);
	struct outbound_policy p = scope_outbound_policy(r);

	for (uint32_t i = 0; i < n; i++)
		buf_printf(&v->out, "%u %u %s %s%s; ", w[i].index, w[i].port,
			   protocol_name(w[i].protocol), str_or(w[i].bind, "-"),
			   w[i].capture_none ? " none" : "");
	buf_printf(&v->out, "mode %d via %s", (int)p.mode,
		   p.egress_proxy ? p.egress_proxy->host : "-");
}

TEST(scope_wrappers_and_policy)
{
	struct harness *h = harness_new(mesh, NULL);
	uint32_t c = harness_sidecar(h, "c", "app", "10.1.0.1");
	uint32_t d = harness_sidecar(h, "d", "data", "10.1.0.2");
	struct view v = { 0, NULL, BUF_INIT };

	harness_put(
		h,
		SIDECAR("sc", "app",
			"{outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: e.x, port: "
			"{number: 1}}}, egress: [{port: {number: 9, name: m, protocol: MONGO}, "
			"bind: "
			"127.0.0.1, captureMode: NONE, hosts: ['*/*']}, {hosts: ['*/*']}]}"));
	harness_run(h, c, show_wrappers, &v);
	CHECK_STR(buf_str(&v.out), "1 9 mongo 127.0.0.1 none; 2 0 unsupported -; mode 0 via e.x");
	buf_reset(&v.out);
	harness_run(h, d, show_wrappers, &v);
	CHECK_STR(buf_str(&v.out), "1 0 unsupported -; mode 0 via -");
	buf_reset(&v.out);
	/* Without a mode a Sidecar's policy is the enum's zero; the mesh's has a default. */
	harness_put(
		h, SIDECAR("sc", "app", "{outboundTrafficPolicy: {}, egress: [{hosts: ['*/*']}]}"));
	harness_run(h, c, show_wrappers, &v);
	CHECK_STR(buf_str(&v.out), "1 0 unsupported -; mode 1 via -");
	buf_reset(&v.out);
	harness_mesh(h, "outboundTrafficPolicy: {mode: REGISTRY_ONLY}\n");
	harness_run(h, d, show_wrappers, &v);
	CHECK_STR(buf_str(&v.out), "1 0 unsupported -; mode 1 via -");
	buf_fini(&v.out);
	harness_free(h);
}

TEST(scope_clash_has_one_owner)
{
	struct harness *h = harness_new(
		SE("a", "b-old", "dup.x", "2022", "") SE("a", "a-new", "dup.x", "2023", ""), NULL);
	uint32_t c = harness_sidecar(h, "c", "app", "10.1.0.1");
	uint32_t n = harness_sidecar(h, "n", "a-new", "10.1.0.2");

	check_owner(h, c, "dup.x", "b-old");
	check_visible(h, c, 0, "all: b-old/dup.x:80 ");
	/* The own namespace comes first, with a Sidecar and without. */
	check_owner(h, n, "dup.x", "a-new");
	harness_put(h, SIDECAR("sc", "a-new", "{egress: [{hosts: ['*/*']}]}"));
	check_owner(h, n, "dup.x", "a-new");
	check_visible(h, n, 0, "all: a-new/dup.x:80 ");
	/* A host exported by name is before the public ones. */
	harness_put(h, SE("p", "z", "dup.x", "2024", ", exportTo: [app]"));
	check_owner(h, c, "dup.x", "z");
	harness_delete(h, KIND_SERVICE_ENTRY, "z", "p");
	check_owner(h, c, "dup.x", "b-old");
	harness_free(h);
}

TEST(scope_kubernetes_service_owns_its_host)
{
	struct harness *h = harness_new(
		SE("squat", "a", "web.app.svc.cluster.local", "2020", "") SVC("web", "app"), NULL);
	uint32_t c = harness_sidecar(h, "c", "x", "10.1.0.1");

	check_owner(h, c, "web.app.svc.cluster.local", "app");
	harness_free(h);
}

TEST(scope_virtual_services_pull_services)
{
	struct harness *h = harness_new(mesh, NULL);
	uint32_t c = harness_sidecar(h, "c", "app", "10.1.0.1");

	harness_put(h, SIDECAR("sc", "app", "{egress: [{hosts: [./*]}]}") VS(
			       "vs", "app",
			       "{hosts: [web], http: [{match: [{uri: {prefix: /o}}], route: "
			       "[{destination: {host: web.other.svc.cluster.local, port: {number: "
			       "9090}}}]}, {route: [{destination: {host: web}}], mirror: {host: "
			       "db.data.svc.cluster.local, port: {number: 8000}}}]}"));
	check_visible(h, c, 0,
		      "app/web.app.svc.cluster.local:80 data/db.data.svc.cluster.local:8000 "
		      "other/web.other.svc.cluster.local:9090 ");
	/* They get clusters, but are in no listener's list. */
	check_visible(h, c, 1, "app/web.app.svc.cluster.local:80 ");
	check_owner(h, c, "db.data.svc.cluster.local", "data");
	check_owner(h, c, "ext.example.com", "-");
	/* A rule for another namespace pulls nothing; a destination without port pulls all ports. */
	harness_put(h, VS("vs", "app",
			  "{hosts: [web], http: [{match: [{sourceNamespace: zoo}], route: "
			  "[{destination: {host: web.other.svc.cluster.local}}]}, {match: "
			  "[{sourceNamespace: app}], route: [{destination: {host: "
			  "db.data.svc.cluster.local}}]}]}"));
	check_visible(h, c, 0,
		      "app/web.app.svc.cluster.local:80 data/db.data.svc.cluster.local:5432:8000 ");
	harness_free(h);
}

static void show_vs(struct run *r, void *ctx)
{
	struct view *v = ctx;
	const struct object *vs =
		read_object(r, KIND_VIRTUAL_SERVICE, run_key(r, "app"), run_key(r, v->host));

	buf_puts(&v->out, scope_imports_vs(r, vs, v->index) ? "yes " : "no ");
}

TEST(scope_imports_virtual_services)
{
	struct harness *h = harness_new(
		VS("wild", "app", "{hosts: ['*.x'], http: [{route: [{destination: {host: a.b}}]}]}")
			VS("exact", "app",
			   "{hosts: [c.d], http: [{route: [{destination: {host: a.b}}]}]}"),
		NULL);
	uint32_t c = harness_sidecar(h, "c", "q", "10.1.0.1");
	struct view wild = { 0, "wild", BUF_INIT }, exact = { 0, "exact", BUF_INIT };

	harness_run(h, c, show_vs, &wild);
	harness_put(h,
		    SIDECAR("sc", "q", "{egress: [{hosts: ['app/one.x', '~app/c.d', '*/c.d']}]}"));
	/* Overlap is enough in either direction; an exclusion removes a host that lies under it. */
	harness_run(h, c, show_vs, &wild);
	harness_run(h, c, show_vs, &exact);
	CHECK_STR(buf_str(&wild.out), "yes yes ");
	CHECK_STR(buf_str(&exact.out), "no ");
	buf_fini(&wild.out);
	buf_fini(&exact.out);
	harness_free(h);
}

static void shared_host(struct run *r, void *ctx)
{
	(void)scope_visible(r, run_key(r, "shared"), 0);
	(void)scope_host_ns(r, run_key(r, "s1.x"));
}

static uint32_t variants(struct harness *h, unsigned query)
{
	struct query_stats s;

	graph_query_stats(world_graph(harness_world(h)), query, &s);
	return s.n_memos;
}

/* Twenty Sidecars, each with its own namespace and the same shared hosts: one variant of the shared list. */
TEST(scope_sidecars_share_imports)
{
	struct harness *h = harness_new(SE("one", "shared", "s1.x", "2024", "")
						SE("two", "shared", "s2.x", "2024", "")
							SE("tri", "shared", "s3.x", "2024", ""),
					NULL);
	struct view v = { 0, NULL, BUF_INIT };

	for (unsigned i = 0; i < 20; i++) {
		char text[1024], ns[16], ip[16];

		snprintf(ns, sizeof ns, "n%u", i);
		snprintf(ip, sizeof ip, "10.1.0.%u", i + 1);
		snprintf(text, sizeof text,
			 SIDECAR("sc", "%s", "{egress: [{hosts: [./*, '*/s1.x', shared/s2.x]}]}")
				 SE("own", "%s", "own.%s", "2024", ""),
			 ns, ns, ns);
		harness_put(h, text);
		harness_commit(h);
		harness_watch(h, harness_sidecar(h, "p", ns, ip), shared_host, &v);
	}
	CHECK_INT(variants(h, Q_VISIBLE), 1);
	harness_free(h);
}

static void all_namespaces(struct run *r, void *ctx)
{
	const struct keyset *set = read_keyset(r, CELL_SVC_NS);

	for (uint32_t i = 0; i < set->n; i++)
		(void)scope_visible(r, set->v[i], 0);
}

/* In the default scope with public services all proxies share, whatever their namespace. */
TEST(scope_default_shares)
{
	struct harness *h = harness_new(mesh, NULL);

	harness_commit(h);
	harness_watch(h, harness_sidecar(h, "a", "app", "10.1.0.1"), all_namespaces, NULL);
	harness_watch(h, harness_sidecar(h, "b", "data", "10.1.0.2"), all_namespaces, NULL);
	harness_watch(h, harness_sidecar(h, "c", "zoo", "10.1.0.3"), all_namespaces, NULL);
	CHECK_INT(variants(h, Q_VISIBLE), 3);
	/* A private service splits its own namespace only. */
	harness_put(h, SE("own", "app", "own.x", "2024", ", exportTo: ['.']"));
	harness_commit(h);
	CHECK_INT(variants(h, Q_VISIBLE), 4);
	harness_free(h);
}
