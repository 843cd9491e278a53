/* Resolving names in a VirtualService (translation.md 0.5). What does not change is not copied: a VirtualService that
 * writes FQDNs costs one small struct.
 */
#include "model/route_source.h"

#include "model/export.h"
#include "model/mesh.h"
#include "model/queries.h"
#include "world/world.h"
#include <string.h>

static const struct virtual_service_spec *spec_of(const struct object *obj)
{
	static const struct virtual_service_spec none;
	const struct virtual_service *vs = obj->body;

	return vs->spec ? vs->spec : &none;
}

bool virtual_service_is_gateway_style(const struct object *obj)
{
	return obj->meta &&
	       str_eq(str_map_get(&obj->meta->annotations, "internal.istio.io/route-semantics"),
		      "gateway");
}

uint32_t virtual_service_export(struct run *r, const struct object *obj)
{
	return export_key(r, &spec_of(obj)->export_to,
			  &mesh_get(r, default_virtual_service_export_to), obj->ns);
}

/* How names in the object are to be read. */
struct names {
	struct arena *a;
	const char *ns;
	bool as_is; /* short names are not expanded */
};

static struct names names_of(const struct object *obj, struct arena *a)
{
	return (struct names){ a, obj->ns, virtual_service_is_gateway_style(obj) };
}

static const char *resolve_host(const struct names *n, const char *host)
{
	return host_lower(n->a, n->as_is ? host : host_resolve(n->a, host, n->ns));
}

const char *gateway_resolve(struct arena *a, const char *name, const char *ns)
{
	const char *dot;

	if (!strcmp(name, "mesh"))
		return name;
	if (str_starts(name, "./"))
		return arena_printf(a, "%s/%s", ns, name + 2);
	if (strchr(name, '/'))
		return name;
	dot = strchr(name, '.');
	if (!dot)
		return arena_printf(a, "%s/%s", ns, name);
	return arena_printf(a, "%.*s/%.*s", (int)strcspn(dot + 1, "."), dot + 1, (int)(dot - name),
			    name);
}

static struct str_list resolve_gateways(struct arena *a, struct str_list list, const char *ns)
{
	const char **copy = NULL;

	for (uint32_t i = 0; i < list.n; i++) {
		const char *name = gateway_resolve(a, list.v[i], ns);

		if (name == list.v[i])
			continue;
		if (!copy)
			copy = arena_dup(a, list.v, list.n * sizeof *list.v);
		copy[i] = name;
	}
	if (copy)
		list.v = copy;
	return list;
}

struct str_list virtual_service_hosts(const struct object *obj, struct arena *a)
{
	struct names names = names_of(obj, a);
	struct str_list list = spec_of(obj)->hosts;
	const char **copy = NULL;

	for (uint32_t i = 0; i < list.n; i++) {
		const char *host = resolve_host(&names, list.v[i]);

		if (host == list.v[i])
			continue;
		if (!copy)
			copy = arena_dup(a, list.v, list.n * sizeof *list.v);
		copy[i] = host;
	}
	if (copy)
		list.v = copy;
	return list;
}

struct str_list virtual_service_gateways(const struct object *obj, struct arena *a)
{
	return resolve_gateways(a, spec_of(obj)->gateways, obj->ns);
}

bool virtual_service_is_mesh(const struct object *obj)
{
	const struct str_list *list = &spec_of(obj)->gateways;

	for (uint32_t i = 0; i < list->n; i++)
		if (!strcmp(list->v[i], "mesh"))
			return true;
	return !list->n;
}

static const struct destination *resolve_destination(const struct names *n,
						     const struct destination *d)
{
	const char *host = d && d->host ? resolve_host(n, d->host) : NULL;
	struct destination *copy;

	if (!host || host == d->host)
		return d;
	copy = arena_dup(n->a, d, sizeof *d);
	copy->host = host;
	return copy;
}

/* Functions over arrays of one type; the array is copied at the first change. */
#define ARRAY_WITH_DESTINATIONS(fn, type) \
	static const struct type *fn(const struct names *n, const struct type *v, uint32_t count) \
	{ \
		struct type *copy = NULL; \
		for (uint32_t i = 0; i < count; i++) { \
			const struct destination *d = resolve_destination(n, v[i].destination); \
			if (d == v[i].destination) \
				continue; \
			if (!copy) \
				copy = arena_dup(n->a, v, count * sizeof *v); \
			copy[i].destination = d; \
		} \
		return copy ? copy : v; \
	}
ARRAY_WITH_DESTINATIONS(resolve_routes, http_route_destination)
ARRAY_WITH_DESTINATIONS(resolve_mirrors, http_mirror_policy)
ARRAY_WITH_DESTINATIONS(resolve_l4_routes, route_destination)

#define ARRAY_WITH_GATEWAYS(fn, type) \
	static const struct type *fn(const struct names *n, const struct type *v, uint32_t count) \
	{ \
		struct type *copy = NULL; \
		for (uint32_t i = 0; i < count; i++) { \
			struct str_list g = resolve_gateways(n->a, v[i].gateways, n->ns); \
			if (g.v == v[i].gateways.v) \
				continue; \
			if (!copy) \
				copy = arena_dup(n->a, v, count * sizeof *v); \
			copy[i].gateways = g; \
		} \
		return copy ? copy : v; \
	}
ARRAY_WITH_GATEWAYS(resolve_http_matches, http_match_request)
ARRAY_WITH_GATEWAYS(resolve_tls_matches, tls_match_attributes)
ARRAY_WITH_GATEWAYS(resolve_l4_matches, l4_match_attributes)

struct http_rules http_rules_resolved(const struct object *obj, struct arena *a)
{
	const struct virtual_service_spec *spec = spec_of(obj);
	struct names n = names_of(obj, a);
	struct http_route *v;

	if (!spec->http.n)
		return (struct http_rules){ 0 };
	v = arena_dup(a, spec->http.v, spec->http.n * sizeof *v);
	for (uint32_t i = 0; i < spec->http.n; i++) {
		v[i].route.v = resolve_routes(&n, v[i].route.v, v[i].route.n);
		v[i].mirrors.v = resolve_mirrors(&n, v[i].mirrors.v, v[i].mirrors.n);
		v[i].mirror = resolve_destination(&n, v[i].mirror);
		v[i].match.v = resolve_http_matches(&n, v[i].match.v, v[i].match.n);
	}
	return (struct http_rules){ v, spec->http.n };
}

static void resolve_tls(const struct names *n, struct virtual_service_spec *spec)
{
	struct tls_route *v = arena_dup(n->a, spec->tls.v, spec->tls.n * sizeof *v);

	for (uint32_t i = 0; i < spec->tls.n; i++) {
		v[i].route.v = resolve_l4_routes(n, v[i].route.v, v[i].route.n);
		v[i].match.v = resolve_tls_matches(n, v[i].match.v, v[i].match.n);
	}
	spec->tls.v = v;
}

static void resolve_tcp(const struct names *n, struct virtual_service_spec *spec)
{
	struct tcp_route *v = arena_dup(n->a, spec->tcp.v, spec->tcp.n * sizeof *v);

	for (uint32_t i = 0; i < spec->tcp.n; i++) {
		v[i].route.v = resolve_l4_routes(n, v[i].route.v, v[i].route.n);
		v[i].match.v = resolve_l4_matches(n, v[i].match.v, v[i].match.n);
	}
	spec->tcp.v = v;
}

/* Rules with a delegate are replaced by what it makes of them. */
static struct http_rules merge_delegates(struct run *r, const struct object *obj,
					 struct http_rules rules)
{
	struct arena *a = run_arena(r);
	struct http_route *v = NULL;
	uint32_t n = 0;
	size_t cap = 0;

	for (uint32_t i = 0; i < rules.n; i++) {
		struct http_rules merged = { &rules.v[i], 1 };

		if (rules.v[i].delegate)
			merged = delegate_merge(r, obj, &rules.v[i]);
		for (uint32_t j = 0; j < merged.n; j++)
			*ARENA_PUSH(a, v, n, cap) = merged.v[j];
	}
	return (struct http_rules){ v, n };
}

struct route_source route_source_build(struct run *r, const struct object *obj)
{
	struct arena *a = run_arena(r);
	struct names names = names_of(obj, a);
	struct virtual_service_spec *spec = arena_dup(a, spec_of(obj), sizeof *spec);
	struct http_rules rules = http_rules_resolved(obj, a);

	spec->hosts = virtual_service_hosts(obj, a);
	spec->gateways = virtual_service_gateways(obj, a);
	for (uint32_t i = 0; i < rules.n; i++)
		if (rules.v[i].delegate) {
			rules = merge_delegates(r, obj, rules);
			break;
		}
	spec->http.v = rules.v;
	spec->http.n = rules.n;
	if (spec->tls.n)
		resolve_tls(&names, spec);
	if (spec->tcp.n)
		resolve_tcp(&names, spec);
	return (struct route_source){ obj, spec };
}
