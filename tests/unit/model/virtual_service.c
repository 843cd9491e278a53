/* VirtualServices: order and visibility, wildcards, delegates, names, and hosts that no service has. */
#include "model/virtual_service.h"
#include "base/buf.h"
#include "harness.h"
#include "model/heads.h"
#include "model/route_source.h"
#include <string.h>

#define SVC(name, ns, port) \
	"---\napiVersion: v1\nkind: Service\nmetadata: {name: " name ", namespace: " ns \
	"}\nspec: {clusterIP: 10.0.0.1, ports: [{name: http, port: " port "}]}\n"
#define VS(name, ns, year, spec) \
	"---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: " name \
	", namespace: " ns ", creationTimestamp: '" year "-01-01T00:00:00Z'}\nspec: " spec "\n"
#define TO(host) "http: [{route: [{destination: {host: '" host "'}}]}]"

struct view {
	const char *host;
	uint32_t index;
	uint16_t port;
	enum { EXACT, WILDCARD, ALL } what;
	struct buf out;
};

static void show(struct run *r, void *ctx)
{
	struct view *v = ctx;
	uint32_t host = run_key(r, v->host), n = 1;
	const struct route_source *s = NULL;

	switch (v->what) {
	case EXACT: s = virtual_services_of_host(r, host, v->index, &n); break;
	case ALL: s = virtual_services_for(r, host, v->index, &n); break;
	default: s = virtual_service_of_wildcard(r, host, v->index);
	}
	buf_reset(&v->out);
	for (uint32_t i = 0; s && i < n; i++)
		buf_printf(&v->out, "%s/%s ", s[i].object->ns, s[i].object->name);
}

static void check(struct harness *h, uint32_t proxy, int what, const char *host, const char *want)
{
	struct view v = { .host = host, .out = BUF_INIT };

	v.what = what;
	harness_run(h, proxy, show, &v);
	CHECK_STR(buf_str(&v.out), want);
	buf_fini(&v.out);
}

TEST(vs_order)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t c = harness_sidecar(h, "c", "app", "10.1.0.1");
	uint32_t d = harness_sidecar(h, "d", "zoo", "10.1.0.2");

	harness_put(
		h,
		VS("old", "app", "2020", "{hosts: [a.x], " TO("b.x") "}") VS(
			"young", "app", "2023", "{hosts: [A.x], exportTo: ['.'], " TO("b.x") "}")
			VS("given", "data", "2021",
			   "{hosts: [a.x], exportTo: [app], " TO("b.x") "}")
				VS("edge", "data", "2019",
				   "{hosts: [a.x], gateways: [gw], " TO("b.x") "}")
					VS("both", "data", "2022",
					   "{hosts: [a.x], gateways: [gw, mesh], " TO("b.x") "}"));
	check(h, c, EXACT, "a.x", "app/young data/given app/old data/both ");
	check(h, d, EXACT, "a.x", "app/old data/both ");
	check(h, c, EXACT, "b.x", "");
	harness_mesh(h, "defaultVirtualServiceExportTo: ['.']\n");
	check(h, d, EXACT, "a.x", "");
	check(h, c, EXACT, "a.x", "app/old app/young data/given ");
	harness_free(h);
}

TEST(vs_wildcards)
{
	struct harness *h = harness_new(NULL, NULL);
	uint32_t c = harness_sidecar(h, "c", "app", "10.1.0.1");

	harness_put(h, VS("all", "app", "2020", "{hosts: ['*'], " TO("b.x") "}")
			       VS("far", "app", "2021", "{hosts: ['*.y'], " TO("b.x") "}")
				       VS("near", "zoo", "2022",
					  "{hosts: ['*.x.y'], exportTo: ['.'], " TO("b.x") "}"));
	check(h, c, WILDCARD, "a.x.y", "app/far ");
	check(h, c, WILDCARD, "a.z", "app/all ");
	check(h, harness_sidecar(h, "d", "zoo", "10.1.0.2"), WILDCARD, "a.x.y", "zoo/near ");
	check(h, c, ALL, "a.x.y", "app/all app/far ");
	/* An exact host is more specific. */
	harness_put(h, VS("one", "app", "2023", "{hosts: [a.x.y], " TO("b.x") "}"));
	check(h, c, WILDCARD, "a.x.y", "");
	check(h, c, ALL, "a.x.y", "app/all app/far app/one ");
	/* What lies under a wildcard service overlaps it. */
	check(h, c, ALL, "*.x.y", "app/all app/far app/one ");
	harness_free(h);
}

static void show_source(struct run *r, void *ctx)
{
	struct view *v = ctx;
	const struct route_source *s = route_source_of(r, run_key(r, "app"), run_key(r, v->host));

	for (uint32_t i = 0; s && i < s->spec->hosts.n; i++)
		buf_printf(&v->out, "%s ", s->spec->hosts.v[i]);
	for (uint32_t i = 0; s && i < s->spec->gateways.n; i++)
		buf_printf(&v->out, "gw=%s ", s->spec->gateways.v[i]);
	for (uint32_t i = 0; s && i < s->spec->http.n; i++) {
		const struct http_route *rule = &s->spec->http.v[i];

		buf_printf(&v->out, "\n[%s]", str_or(rule->name, ""));
		for (uint32_t j = 0; j < rule->match.n; j++) {
			const struct http_match_request *m = &rule->match.v[j];

			buf_printf(&v->out, " {%s uri=%s%s", str_or(m->name, ""),
				   m->uri ? str_or(m->uri->exact, "") : "",
				   m->uri ? str_or(m->uri->prefix, "") : "");
			for (uint32_t k = 0; k < m->headers.n; k++)
				buf_printf(&v->out, " %s:%s", m->headers.v[k].key,
					   str_or(m->headers.v[k].value.exact, "?"));
			for (uint32_t k = 0; k < m->gateways.n; k++)
				buf_printf(&v->out, " gw=%s", m->gateways.v[k]);
			buf_puts(&v->out, "}");
		}
		for (uint32_t j = 0; j < rule->route.n; j++)
			buf_printf(&v->out, " >%s", rule->route.v[j].destination->host);
		if (rule->mirror)
			buf_printf(&v->out, " mirror=%s", rule->mirror->host);
		if (rule->timeout.set)
			buf_printf(&v->out, " t=%d", (int)(rule->timeout.v / 1000000000));
	}
	for (uint32_t i = 0; s && i < s->spec->tls.n; i++)
		buf_printf(&v->out, "\ntls>%s", s->spec->tls.v[i].route.v[0].destination->host);
}

static void check_source(struct harness *h, const char *name, const char *want)
{
	struct view v = { .host = name, .out = BUF_INIT };

	harness_run(h, 0, show_source, &v);
	CHECK_STR(buf_str(&v.out), want);
	buf_fini(&v.out);
}

TEST(vs_names_are_resolved)
{
	struct harness *h =
		harness_new(VS("vs", "app", "2020",
			       "{hosts: [web, Api.X, '*'], gateways: [gw, ./dot, other/one, "
			       "long.ns.svc.cluster.local, "
			       "mesh], http: [{match: [{uri: {prefix: /}, gateways: [gw]}], route: "
			       "[{destination: {host: "
			       "web}}, {destination: {host: a.b}, weight: 0}], mirror: {host: "
			       "shadow}}], tls: [{match: "
			       "[{sniHosts: [web]}], route: [{destination: {host: t}}]}]}"),
			    NULL);

	check_source(h, "vs",
		     "web.app.svc.cluster.local api.x * gw=app/gw gw=app/dot gw=other/one "
		     "gw=ns/long gw=mesh "
		     "\n[] { uri=/ gw=app/gw} >web.app.svc.cluster.local >a.b "
		     "mirror=shadow.app.svc.cluster.local\ntls>t.app.svc.cluster.local");
	harness_free(h);
}

#define DELEGATE(rules) VS("leaf", "team", "2020", "{http: [" rules "]}")
#define ROOT(match) \
	VS("vs", "app", "2020", \
	   "{hosts: [web], http: [{name: r, " match \
	   "timeout: 5s, delegate: {name: leaf, namespace: team}}, {route: [{destination: {host: " \
	   "web}}]}]}")

TEST(vs_delegates)
{
	static const struct {
		const char *root, *leaf, *want;
	} rows[] = {
		/* Each of the delegate's rules replaces the root's, in place, completed by it; its names are its own. */
		{ ROOT("match: [{uri: {prefix: /a}}], "),
		  DELEGATE("{match: [{uri: {exact: /a/b}}], route: [{destination: {host: x}}]}, "
			   "{name: l, "
			   "timeout: 1s, route: [{destination: {host: z}}]}"),
		  "\n[r] { uri=/a/b} >x.team.svc.cluster.local t=5\n[r-l] { uri=/a} "
		  ">z.team.svc.cluster.local t=1" },
		/* A match that fits none of the root's drops its rule. */
		{ ROOT("match: [{uri: {prefix: /a}}], "),
		  DELEGATE("{match: [{uri: {prefix: /a/x}}, {uri: {prefix: /b}}], route: "
			   "[{destination: "
			   "{host: x}}]}"),
		  "" },
		/* Every pair that fits; maps are merged, names joined. */
		{ ROOT("match: [{name: m, uri: {prefix: /a}, headers: {h: {exact: '1'}}}, {uri: "
		       "{exact: /q}}], "),
		  DELEGATE("{match: [{name: k, uri: {prefix: /a/b}, headers: {g: {exact: '2'}}}], "
			   "route: "
			   "[{destination: {host: x}}]}"),
		  "\n[r] {m-k uri=/a/b g:2 h:1} >x.team.svc.cluster.local t=5" },
		{ ROOT("match: [{headers: {h: {exact: '1'}}}], "),
		  DELEGATE("{match: [{headers: {h: {exact: '2'}}}], route: [{destination: {host: "
			   "x}}]}"),
		  "" },
		{ ROOT("match: [{headers: {h: {regex: '1'}}}], "),
		  DELEGATE("{match: [{headers: {h: {regex: '1'}}}], route: [{destination: {host: "
			   "x}}]}"),
		  "" },
		{ ROOT(""), DELEGATE("{route: [{destination: {host: x}}]}"),
		  "\n[r] >x.team.svc.cluster.local t=5" },
		/* Missing, or not exported to the root's namespace. */
		{ ROOT(""), "", "" },
		{ ROOT(""), VS("leaf", "team", "2020", "{exportTo: ['.'], " TO("x") "}"), "" },
		{ ROOT(""), VS("leaf", "team", "2020", "{exportTo: [app], " TO("x") "}"),
		  "\n[r] >x.team.svc.cluster.local t=5" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct harness *h = harness_new(rows[i].root, NULL);
		struct buf want = BUF_INIT;

		if (*rows[i].leaf)
			harness_put(h, rows[i].leaf);
		buf_printf(&want, "web.app.svc.cluster.local %s\n[] >web.app.svc.cluster.local",
			   rows[i].want);
		check_source(h, "vs", buf_str(&want));
		buf_fini(&want);
		harness_free(h);
	}
}

static void show_lone(struct run *r, void *ctx)
{
	struct view *v = ctx;
	uint32_t n;
	const struct lone_host *all = lone_hosts_on(r, v->port, v->index, &n);

	buf_reset(&v->out);
	for (uint32_t i = 0; i < n; i++)
		buf_printf(&v->out, "%s/%s:%s ", run_text(r, all[i].vs_ns),
			   run_text(r, all[i].vs_name), run_text(r, all[i].host));
}

static void check_lone(struct harness *h, uint32_t proxy, uint16_t port, uint32_t index,
		       const char *want)
{
	struct view v = { .port = port, .index = index, .out = BUF_INIT };

	harness_run(h, proxy, show_lone, &v);
	CHECK_STR(buf_str(&v.out), want);
	buf_fini(&v.out);
}

TEST(vs_lone_hosts)
{
	struct harness *h = harness_new(
		SVC("aa", "app", "80") SVC("bb", "app", "8000") VS(
			"many", "app", "2020", "{hosts: [aa, bb, virtual.x], " TO("aa") "}")
			VS("single", "app", "2021", "{hosts: [api.x], " TO("aa") "}") VS(
				"wild", "app", "2022",
				"{hosts: ['*.app.svc.cluster.local'], " TO("aa") "}")
				VS("none", "app", "2023", "{hosts: ['*.none.x'], " TO("aa") "}")
					VS("own", "app", "2024",
					   "{hosts: [private.x], exportTo: ['.'], " TO("aa") "}"),
		NULL);
	uint32_t c = harness_sidecar(h, "c", "app", "10.1.0.1");
	uint32_t d = harness_sidecar(h, "d", "zoo", "10.1.0.2");

	check_lone(h, d, 80, 0,
		   "app/many:bb.app.svc.cluster.local app/many:virtual.x app/single:api.x "
		   "app/none:*.none.x ");
	check_lone(h, d, 8000, 0, "app/many:aa.app.svc.cluster.local app/many:virtual.x ");
	check_lone(h, d, 9000, 0, "");
	check_lone(h, c, 80, 0,
		   "app/own:private.x app/many:bb.app.svc.cluster.local app/many:virtual.x "
		   "app/single:api.x app/none:*.none.x ");
	/* A Sidecar that imports the VirtualService, but not the service. */
	harness_put(h, "apiVersion: networking.istio.io/v1\n"
		       "kind: Sidecar\n"
		       "metadata: {name: sc, namespace: zoo}\n"
		       "spec: {egress: [{hosts: ['app/virtual.x']}]}\n");
	check_lone(h, d, 80, 1,
		   "app/many:aa.app.svc.cluster.local app/many:bb.app.svc.cluster.local "
		   "app/many:virtual.x ");
	harness_free(h);
}

static void heads_only(struct run *r, void *ctx)
{
	uint32_t n;

	(void)vs_heads_of_ns(r, run_key(r, "app"));
	(void)lone_hosts(r, 0, &n);
}

/* A weight does not get through the heads. */
TEST(vs_heads_stop_weights)
{
	struct harness *h = harness_new(NULL, NULL);

	harness_put(h, VS("vs", "app", "2020",
			  "{hosts: [a.x], http: [{route: [{destination: {host: a}, weight: 90}, "
			  "{destination: "
			  "{host: b}, weight: 10}]}]}"));
	harness_commit(h);
	harness_watch(h, harness_sidecar(h, "c", "app", "10.1.0.1"), heads_only, NULL);
	harness_put(h, VS("vs", "app", "2020",
			  "{hosts: [a.x], http: [{route: [{destination: {host: a}, weight: 80}, "
			  "{destination: "
			  "{host: b}, weight: 20}]}]}"));
	CHECK_INT(harness_commit(h), 0);
	harness_put(h,
		    VS("vs", "app", "2020",
		       "{hosts: [a.x], http: [{route: [{destination: {host: c}, weight: 100}]}]}"));
	CHECK_INT(harness_commit(h), 1);
	harness_free(h);
}
