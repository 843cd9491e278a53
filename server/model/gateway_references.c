/* The services that a router's configuration leads to, for PILOT_FILTER_GATEWAY_CLUSTER_CONFIG (translation.md 2.1):
 * destinations of all VirtualServices bound to its Gateways, whoever may see them, and services of extension providers.
 */
#include "base/pairs.h"
#include "model/gateway.h"
#include "model/heads.h"
#include "model/ingress.h"
#include "model/mesh.h"
#include "model/queries.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

struct found {
	struct run *r;
	struct pair_map hosts;      /* (host, 0): 1 */
	struct pair_map gateways;   /* ("ns/name", 0): 1 */
	struct pair_map bound;      /* (ns, name): 1; VirtualServices */
	struct pair_map namespaces; /* (ns, 0): 1; of those */
	uint32_t *host, n_hosts, *ns, n_ns;
	size_t c_hosts, c_ns;
};

static bool is_new(struct pair_map *m, uint32_t a, uint32_t b)
{
	uint32_t *at = pair_map_at(m, a, b);
	bool yes = !*at;

	*at = 1;
	return yes;
}

static void add_host(struct found *f, const char *host)
{
	uint32_t key = str_empty(host) ? 0 : run_key(f->r, host);

	if (key && is_new(&f->hosts, key, 0))
		*ARENA_PUSH(run_arena(f->r), f->host, f->n_hosts, f->c_hosts) = key;
}

static void add_bound(struct found *f, const struct object *vs)
{
	uint32_t ns = run_key(f->r, vs->ns);

	if (is_new(&f->bound, ns, run_key(f->r, vs->name)) && is_new(&f->namespaces, ns, 0))
		*ARENA_PUSH(run_arena(f->r), f->ns, f->n_ns, f->c_ns) = ns;
}

/* Rules made from Ingresses have plain destinations only. */
static void add_ingress(struct found *f, const struct object *ingress)
{
	struct run *r = f->r;
	struct str_list hosts = ingress_hosts(ingress, run_arena(r));

	for (uint32_t i = 0; i < hosts.n; i++) {
		const struct object *o = ingress_virtual_service(r, run_key(r, hosts.v[i]));
		const struct virtual_service_spec *s =
			o ? ((const struct virtual_service *)o->body)->spec : NULL;

		for (uint32_t j = 0; s && j < s->http.n; j++)
			for (uint32_t k = 0; k < s->http.v[j].route.n; k++)
				add_host(f, s->http.v[j].route.v[k].destination->host);
	}
}

static void add_gateway(struct found *f, const struct gateway_server *s)
{
	const struct entry *e = read_entry(f->r, CELL_VS_GATEWAY, run_key(f->r, s->gateway));

	for (uint32_t i = 0; i < e->n; i++)
		add_bound(f, e->v[i]);
	if (s->origin->kind == KIND_INGRESS)
		add_ingress(f, s->origin);
}

static void add_destinations(struct found *f, uint32_t ns)
{
	struct vs_heads heads = vs_heads_of_ns(f->r, ns);

	for (uint32_t i = 0; i < heads.n; i++) {
		const struct vs_head *h = &heads.v[i];

		if (!*pair_map_at(&f->bound, ns, h->name))
			continue;
		for (uint32_t j = 0; j < h->n_destinations; j++)
			add_host(f,
				 run_text(f->r, heads.destinations[h->first_destination + j].host));
	}
}

/* The service of a provider that is one of these, "[ns/]host". */
static const char *service_of(const struct extension_provider *p)
{
#define IF(kind) \
	if (p->kind) \
	return p->kind->service
	IF(envoy_ext_authz_http);
	IF(envoy_ext_authz_grpc);
	IF(zipkin);
	IF(lightstep);
	IF(datadog);
	IF(opencensus);
	IF(skywalking);
	IF(opentelemetry);
	IF(envoy_http_als);
	IF(envoy_tcp_als);
	IF(envoy_otel_als);
#undef IF
	return NULL;
}

static void add_providers(struct found *f)
{
	const struct extension_provider *v = mesh_get(f->r, extension_providers).v;
	uint32_t n = mesh_get(f->r, extension_providers).n;

	for (uint32_t i = 0; i < n; i++) {
		const char *service = service_of(&v[i]),
			   *slash = service ? strchr(service, '/') : NULL;

		add_host(f, slash ? slash + 1 : service);
	}
}

static int by_text(const void *a, const void *b, void *keys)
{
	return key_compare(keys, *(const uint32_t *)a, *(const uint32_t *)b);
}

void gateway_references_run(struct run *r, uint32_t key)
{
	struct arena *a = run_arena(r);
	struct gateway_table t = gateways_of_proxy(r);
	struct found f = { .r = r,
			   .hosts.arena = a,
			   .gateways.arena = a,
			   .bound.arena = a,
			   .namespaces.arena = a };

	for (uint32_t i = 0; i < t.n_places; i++) {
		struct gateway_server s;

		if (gateway_server_read(r, t.places[i].server, &s) &&
		    is_new(&f.gateways, run_key(r, s.gateway), 0))
			add_gateway(&f, &s);
	}
	for (uint32_t i = 0; i < f.n_ns; i++)
		add_destinations(&f, f.ns[i]);
	if (t.n_places)
		add_providers(&f);
	if (f.n_hosts)
		qsort_r(f.host, f.n_hosts, sizeof *f.host, by_text, run_keys(r));
	run_emit(r, f.host, f.n_hosts * sizeof *f.host);
}

const uint32_t *gateway_references(struct run *r, uint32_t *ret_n)
{
	const struct result *result = call_query(r, Q_GATEWAY_REFERENCES, 0);

	*ret_n = (uint32_t)(result->n / sizeof(uint32_t));
	return (const void *)result->bytes;
}
