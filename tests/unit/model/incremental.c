/* Random edits of a small world: after each, what was brought up to date must equal what a new world says. It fails
 * where a read is not recorded, or where an index says "the same" of what is not.
 */
#include "base/buf.h"
#include "harness.h"
#include "model/destination_rule.h"
#include "model/endpoint.h"
#include "model/scope.h"
#include "model/virtual_service.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NET "apiVersion: networking.istio.io/v1\n"
#define META(name, ns, year) \
	"metadata: {name: " name ", namespace: " ns ", creationTimestamp: '" year \
	"-01-01T00:00:00Z'}\n"
#define SE(name, ns, year) NET "kind: ServiceEntry\n" META(name, ns, year)
#define PORT80 "ports: [{number: 80, name: http, protocol: HTTP}]"
#define VS(name, ns, year) NET "kind: VirtualService\n" META(name, ns, year)
#define DR(name, ns) NET "kind: DestinationRule\n" META(name, ns, "2020")
#undef MAX
#define MAX(n) "trafficPolicy: {connectionPool: {tcp: {maxConnections: " #n "}}}"
#define ROUTE(host, weight) \
	"http: [{route: [{destination: {host: " host "}, weight: " weight \
	"}, {destination: {host: b.x}, weight: 1}]}]"

/* Each slot holds one of its variants or nothing. */
enum { MAX_VARIANTS = 4 };
static const struct slot {
	unsigned kind;
	const char *ns, *name;
	const char *variants[MAX_VARIANTS];
} slots[] = {
	{ KIND_SERVICE_ENTRY,
	  "app",
	  "a",
	  { SE("a", "app", "2020") "spec: {hosts: [a.x], resolution: STATIC, endpoints: [{address: "
				   "10.9.0.1}], " PORT80 "}",
	    SE("a", "app", "2020") "spec: {hosts: [a.x], resolution: STATIC, endpoints: [{address: "
				   "10.9.0.2}], " PORT80 "}",
	    SE("a", "app", "2020") "spec: {hosts: [a.x], exportTo: ['.'], resolution: STATIC, "
				   "endpoints: [{address: 10.9.0.2}], " PORT80 "}",
	    SE("a", "app",
	       "2022") "spec: {hosts: [a.x, c.x], addresses: [192.0.2.1], resolution: DNS, " PORT80
		       "}" } },
	{ KIND_SERVICE_ENTRY,
	  "zoo",
	  "a",
	  { SE("a", "zoo", "2021") "spec: {hosts: [a.x], resolution: STATIC, endpoints: [{address: "
				   "10.9.1.1}], " PORT80 "}",
	    SE("a", "zoo", "2019") "spec: {hosts: [a.x], exportTo: [app], resolution: STATIC, "
				   "endpoints: [{address: 10.9.1.1}], ports: [{number: 90, name: "
				   "grpc, protocol: GRPC}]}" } },
	{ KIND_SERVICE_ENTRY,
	  "app",
	  "dup",
	  { SE("dup", "app", "2021") "spec: {hosts: [a.x], resolution: STATIC, endpoints: "
				     "[{address: 10.9.2.1}], " PORT80 "}",
	    SE("dup", "app", "2018") "spec: {hosts: [a.x, web.app.svc.cluster.local], resolution: "
				     "STATIC, endpoints: [{address: 10.9.2.2}], " PORT80 "}" } },
	{ KIND_SERVICE_ENTRY,
	  "data",
	  "b",
	  { SE("b", "data", "2020") "spec: {hosts: [b.x, '*.w.x'], resolution: NONE, " PORT80 "}",
	    SE("b", "data", "2020") "spec: {hosts: [b.x], addresses: [192.0.2.9, 192.0.2.8], "
				    "resolution: NONE, " PORT80 "}" } },
	{ KIND_SERVICE,
	  "app",
	  "web",
	  { "apiVersion: v1\nkind: Service\n" META(
		    "web", "app",
		    "2020") "spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}",
	    "apiVersion: v1\nkind: Service\n" META("web", "app",
						   "2020") "spec: {clusterIP: 10.0.0.1, ports: "
							   "[{name: tcp, port: 80}, {port: 81}]}",
	    "apiVersion: v1\nkind: Service\n" META(
		    "web", "app",
		    "2020") "spec: {clusterIP: None, ports: [{name: http, port: 80}]}" } },
	{ KIND_SERVICE,
	  "zoo",
	  "al",
	  { "apiVersion: v1\nkind: Service\n" META(
		    "al", "zoo",
		    "2020") "spec: {type: ExternalName, externalName: web.app.svc.cluster.local}",
	    "apiVersion: v1\nkind: Service\n" META(
		    "al", "zoo", "2020") "spec: {type: ExternalName, externalName: a.x}" } },
	{ KIND_VIRTUAL_SERVICE,
	  "app",
	  "v",
	  { VS("v", "app", "2020") "spec: {hosts: [a.x], " ROUTE("a.x", "1") "}",
	    VS("v", "app", "2020") "spec: {hosts: [a.x], " ROUTE("a.x", "2") "}",
	    VS("v", "app", "2020") "spec: {hosts: [a.x, lone.x], exportTo: ['.'], " ROUTE("web",
											  "2") "}",
	    VS("v", "app",
	       "2020") "spec: {hosts: [web], http: [{delegate: {name: leaf, namespace: zoo}}]}" } },
	{ KIND_VIRTUAL_SERVICE,
	  "zoo",
	  "leaf",
	  { VS("leaf", "zoo", "2020") "spec: {" ROUTE("b.x", "3") "}",
	    VS("leaf", "zoo", "2020") "spec: {exportTo: ['.'], " ROUTE("b.x", "3") "}",
	    VS("leaf", "zoo", "2020") "spec: {hosts: [a.x], " ROUTE("b.x", "4") "}" } },
	{ KIND_VIRTUAL_SERVICE,
	  "data",
	  "wild",
	  { VS("wild", "data", "2019") "spec: {hosts: ['*.x'], " ROUTE("b.x", "5") "}",
	    VS("wild", "data", "2023") "spec: {hosts: ['*'], exportTo: [app], " ROUTE("b.x",
										      "6") "}",
	    VS("wild", "data",
	       "2019") "spec: {hosts: ['*.w.x'], gateways: [gw], " ROUTE("b.x", "5") "}" } },
	{ KIND_DESTINATION_RULE,
	  "app",
	  "d",
	  { DR("d", "app") "spec: {host: a.x, " MAX(1) "}",
	    DR("d", "app") "spec: {host: a.x, " MAX(2) "}",
	    DR("d", "app") "spec: {host: '*.x', exportTo: ['.'], " MAX(3) "}",
	    DR("d",
	       "app") "spec: {host: web, workloadSelector: {matchLabels: {l: m}}, " MAX(4) "}" } },
	{ KIND_DESTINATION_RULE,
	  "zoo",
	  "d",
	  { DR("d", "zoo") "spec: {host: a.x, " MAX(5) "}",
	    DR("d", "zoo") "spec: {host: '*', exportTo: [app], " MAX(6) "}" } },
	{ KIND_DESTINATION_RULE,
	  "istio-system",
	  "d",
	  { DR("d", "istio-system") "spec: {host: '*.x', " MAX(7) "}",
	    DR("d", "istio-system") "spec: {host: web.app.svc.cluster.local, exportTo: ['.'], " MAX(
		    8) "}" } },
	{ KIND_SIDECAR,
	  "app",
	  "s",
	  { NET
	    "kind: Sidecar\n" META("s", "app", "2020") "spec: {egress: [{hosts: [./*, data/b.x]}]}",
	    NET "kind: Sidecar\n" META("s", "app", "2020") "spec: {egress: [{hosts: ['*/a.x']}]}",
	    NET "kind: Sidecar\n" META("s", "app",
				       "2020") "spec: {workloadSelector: {labels: {l: m}}, egress: "
					       "[{port: {number: 80, name: h, protocol: HTTP}, "
					       "hosts: ['*/*', '~zoo/*']}, {hosts: [zoo/*]}]}" } },
	{ KIND_SIDECAR,
	  "istio-system",
	  "s",
	  { NET "kind: Sidecar\n" META("s", "istio-system",
				       "2020") "spec: {egress: [{hosts: [./*, '*/*.x']}]}" } },
	{ KIND_NAMESPACE,
	  "",
	  "app",
	  { "apiVersion: v1\nkind: Namespace\nmetadata: {name: app, annotations: "
	    "{networking.istio.io/traffic-distribution: PreferClose}}" } },
};
enum { N_SLOTS = ARRAY_LEN(slots) };

static const char *const hosts[] = {
	"a.x", "b.x", "c.x", "*.w.x", "web.app.svc.cluster.local", "al.zoo.svc.cluster.local"
};
static const char *const namespaces[] = { "app", "data", "zoo" };

enum aspect {
	ASPECT_SERVICE,
	ASPECT_RULE,
	ASPECT_ROUTES,
	ASPECT_ENDPOINTS,
	ASPECT_SCOPE,
	N_ASPECTS
};
struct view {
	enum aspect aspect;
	const char *ns, *host;
	struct buf out;
};

static void put_service(struct run *r, struct buf *b, const struct service *s)
{
	uint32_t n;
	const char *const *v = service_addresses(r, s, &n);
	const struct service_alias *a = scope_aliases(r, s, 1, &n);

	for (uint32_t i = 0; i < n; i++)
		buf_printf(b, "alias %s ", a[i].host);
	(void)service_addresses(r, s, &n);
	for (uint32_t i = 0; i < n; i++)
		buf_printf(b, "%s ", v[i]);
	buf_printf(b, "vip %s %d %d owner %s", service_vip(r, s), (int)s->resolution,
		   (int)service_distribution(r, s),
		   run_text(r, scope_host_ns(r, run_key(r, s->host)) ?: KEY_EMPTY));
	s = s->n_ports ? service_of_routes(r, s, s->ports[0].number) : s;
	for (uint32_t i = 0; i < s->n_ports; i++)
		buf_printf(b, " %u/%s", s->ports[i].number, protocol_name(s->ports[i].protocol));
}

static void put_rule(struct run *r, struct buf *b, const struct service *s)
{
	const struct applied_rule *rule = destination_rule_for(r, s, true);

	if (rule)
		buf_printf(b, "%s/%s %d", rule->first->ns, rule->first->name,
			   (int)rule->policy->connection_pool->tcp->max_connections.v);
}

static void put_source(struct buf *b, const struct route_source *v)
{
	buf_printf(b, "%s/%s", v->object->ns, v->object->name);
	for (uint32_t i = 0; i < v->spec->http.n; i++)
		for (uint32_t j = 0; j < v->spec->http.v[i].route.n; j++)
			buf_printf(b, " %s*%d", v->spec->http.v[i].route.v[j].destination->host,
				   (int)v->spec->http.v[i].route.v[j].weight.v);
	buf_puts(b, "; ");
}

static void put_routes(struct run *r, struct buf *b, const char *host)
{
	uint32_t n;
	const struct route_source *v = virtual_services_of_host(r, run_key(r, host), 1, &n);
	const struct route_source *wild = virtual_service_of_wildcard(r, run_key(r, host), 1);

	for (uint32_t i = 0; i < n; i++)
		put_source(b, &v[i]);
	if (wild)
		put_source(b, wild);
	buf_puts(b, "all ");
	v = virtual_services_for(r, run_key(r, host), 0, &n);
	for (uint32_t i = 0; i < n; i++)
		put_source(b, &v[i]);
}

static void put_endpoints(struct run *r, struct buf *b, const struct service *s)
{
	for (uint32_t i = 0; i < s->n_ports; i++) {
		uint32_t n;
		const struct endpoint_model *e = endpoints_read(r, s, &s->ports[i], &n);

		for (uint32_t j = 0; j < n; j++)
			buf_printf(b, "%s:%u ", e[j].address, e[j].port);
	}
}

static void put_visible(struct run *r, struct buf *b, uint32_t ns, uint32_t index)
{
	struct heads h = scope_visible(r, ns, index);

	for (uint32_t i = 0; i < h.n; i++) {
		buf_printf(b, "%s/%s", run_text(r, ns), run_text(r, h.v[i].host));
		for (uint32_t j = 0; j < h.v[i].n_ports; j++)
			buf_printf(b, ":%u", head_ports(&h, &h.v[i])[j].number);
		buf_putc(b, ' ');
	}
}

static void put_scope(struct run *r, struct buf *b)
{
	static const uint16_t ports[] = { 80, 90 };
	uint32_t n, n_wrappers;
	bool all;
	const uint32_t *ns = scope_namespaces(r, &n, &all);

	for (uint32_t i = 0; i < n; i++)
		buf_printf(b, "%s ", run_text(r, ns[i]));
	(void)scope_wrappers(r, &n_wrappers);
	for (uint32_t i = 0; i <= n_wrappers; i++) {
		buf_printf(b, "\n%u: ", i);
		for (size_t j = 0; j < ARRAY_LEN(namespaces); j++)
			put_visible(r, b, run_key(r, namespaces[j]), i);
		for (size_t j = 0; j < ARRAY_LEN(ports); j++) {
			const struct lone_host *lone = lone_hosts_on(r, ports[j], i, &n);

			for (uint32_t k = 0; k < n; k++)
				buf_printf(b, "lone %s ", run_text(r, lone[k].host));
		}
	}
}

static void show(struct run *r, void *ctx)
{
	struct view *v = ctx;
	const struct service *s = NULL;

	buf_reset(&v->out);
	if (v->ns)
		s = service_read(r, run_key(r, v->ns), run_key(r, v->host));
	switch (v->aspect) {
	case ASPECT_SCOPE: put_scope(r, &v->out); break;
	case ASPECT_ROUTES: put_routes(r, &v->out, v->host); break;
	case ASPECT_SERVICE:
		if (s)
			put_service(r, &v->out, s);
		break;
	case ASPECT_RULE:
		if (s)
			put_rule(r, &v->out, s);
		break;
	default:
		if (s)
			put_endpoints(r, &v->out, s);
	}
}

static uint32_t proxy_of(struct harness *h, unsigned i)
{
	static const char *const nodes[] = {
		"{\"id\": \"sidecar~10.1.0.1~p.app~app.svc.cluster.local\", \"metadata\": "
		"{\"NAMESPACE\": \"app\", "
		"\"LABELS\": {\"l\": \"m\"}, \"DNS_CAPTURE\": \"true\"}}",
		"{\"id\": \"sidecar~10.1.0.2~q.app~app.svc.cluster.local\", \"metadata\": "
		"{\"NAMESPACE\": \"app\"}}",
		"{\"id\": \"sidecar~fd00::1~r.zoo~zoo.svc.cluster.local\", \"metadata\": "
		"{\"NAMESPACE\": \"zoo\"}}",
		"{\"id\": \"router~10.1.0.4~s.istio-system~istio-system.svc.cluster.local\", "
		"\"metadata\": "
		"{\"NAMESPACE\": \"istio-system\"}}",
	};

	return harness_proxy(h, nodes[i]);
}
enum { N_PROXIES = 4, MAX_VIEWS = 250 };

struct watched {
	struct view views[MAX_VIEWS];
	unsigned proxy[MAX_VIEWS];
	uint32_t n;
};

static void watch(struct harness *h, struct watched *w, unsigned proxy, enum aspect aspect,
		  const char *ns, const char *host)
{
	struct view *v = &w->views[w->n];

	if (!CHECK(w->n < MAX_VIEWS))
		return;
	w->proxy[w->n++] = proxy;
	*v = (struct view){ aspect, ns, host, BUF_INIT };
	harness_watch(h, proxy_of(h, proxy), show, v);
}

static void watch_all(struct harness *h, struct watched *w)
{
	for (unsigned p = 0; p < N_PROXIES; p++) {
		for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
			const char *ns = i == 1 || i == 3 ? "data" : i == 5 ? "zoo" : "app";

			for (unsigned a = ASPECT_SERVICE; a < ASPECT_SCOPE; a++)
				watch(h, w, p, a, ns, hosts[i]);
		}
		watch(h, w, p, ASPECT_RULE, "zoo", "a.x");
		watch(h, w, p, ASPECT_SCOPE, NULL, NULL);
	}
}

static struct harness *rebuild(const unsigned *state)
{
	struct harness *h = harness_new(NULL, NULL);

	for (unsigned i = N_SLOTS; i-- > 0;)
		if (state[i])
			harness_put(h, slots[i].variants[state[i] - 1]);
	return h;
}

static void edit(struct harness *h, unsigned *state, unsigned slot, unsigned to)
{
	if (to)
		harness_put(h, slots[slot].variants[to - 1]);
	else if (state[slot])
		harness_delete(h, slots[slot].kind, slots[slot].ns, slots[slot].name);
	state[slot] = to;
}

static bool compare(struct watched *w, const unsigned *state)
{
	struct harness *fresh = rebuild(state);
	bool ok = true;

	for (uint32_t i = 0; ok && i < w->n; i++) {
		struct view v = w->views[i];

		v.out = BUF_INIT;
		harness_run(fresh, proxy_of(fresh, w->proxy[i]), show, &v);
		ok = CHECK_STR(buf_str(&w->views[i].out), buf_str(&v.out));
		if (!ok)
			printf("\tproxy %u aspect %d %s %s\n", w->proxy[i], v.aspect,
			       str_or(v.ns, ""), str_or(v.host, ""));
		buf_fini(&v.out);
	}
	harness_free(fresh);
	return ok;
}

TEST(incremental_equals_rebuild)
{
	struct watched *w = xcalloc(1, sizeof *w);
	struct harness *h = harness_new(NULL, NULL);
	unsigned state[N_SLOTS] = { 0 };
	unsigned short seed[3] = { 1, 2, 3 };
	const char *rounds = getenv("MODEL_ROUNDS");
	unsigned n_rounds = rounds ? (unsigned)strtoul(rounds, NULL, 10) : 200;
	bool ok = true;

	harness_commit(h);
	watch_all(h, w);
	for (unsigned round = 0; ok && round < n_rounds; round++) {
		unsigned n_edits = 1 + (unsigned)(nrand48(seed) % 3);

		for (unsigned i = 0; i < n_edits; i++) {
			unsigned slot = (unsigned)(nrand48(seed) % N_SLOTS), n = 0;

			while (n < MAX_VARIANTS && slots[slot].variants[n])
				n++;
			edit(h, state, slot, (unsigned)(nrand48(seed) % (n + 1)));
		}
		harness_commit(h);
		ok = compare(w, state);
		if (!ok)
			printf("\tin round %u\n", round);
	}
	for (uint32_t i = 0; i < w->n; i++)
		buf_fini(&w->views[i].out);
	harness_free(h);
	xfree(w);
}
