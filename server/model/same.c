/* Firewalls at the source: an endpoint's edit does not touch the service's entry, and a route's weight not the list of its
 * namespace. Marks then never reach the lists and scopes above, of which there may be one per class of proxies.
 *
 * Each function compares all that the entry's readers may look at, field by field or by the schema, and may err only
 * towards "not the same".
 */
#include "model/same.h"

#include "model/route_source.h"
#include "model/service.h"
#include "types.h"
#include <string.h>

static bool lists_equal(const struct str_list *a, const struct str_list *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]))
			return false;
	return true;
}

static bool maps_equal(const struct str_map *a, const struct str_map *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].key, b->v[i].key) || !str_eq(a->v[i].value, b->v[i].value))
			return false;
	return true;
}

static const struct struct_type *type_of_field(const struct struct_type *t, const char *json)
{
	for (uint32_t i = 0; i < t->n_fields; i++)
		if (!strcmp(t->fields[i].json, json))
			return t->fields[i].of;
	return NULL;
}

static bool parts_equal(const struct struct_type *t, const void *a, const void *b)
{
	return a == b || (t && a && b && struct_equal(t, a, b));
}

bool same_but_endpoints(const struct object *old, const struct object *now)
{
	const struct struct_type *t = kind_of(now)->type;
	const struct service_entry *x = old->body, *y = now->body;
	struct service_entry_spec a, b;

	if (!x->spec || !y->spec || !old->meta || !now->meta ||
	    !maps_equal(&old->meta->labels, &now->meta->labels) ||
	    !maps_equal(&old->meta->annotations, &now->meta->annotations) ||
	    !parts_equal(type_of_field(t, "status"), x->status, y->status))
		return false;
	a = *x->spec;
	b = *y->spec;
	memset(&a.endpoints, 0, sizeof a.endpoints);
	memset(&b.endpoints, 0, sizeof b.endpoints);
	return parts_equal(type_of_field(t, "spec"), &a, &b);
}

static bool ports_equal(const struct service *a, const struct service *b)
{
	if (a->n_ports != b->n_ports)
		return false;
	for (uint32_t i = 0; i < a->n_ports; i++)
		if (a->ports[i].number != b->ports[i].number ||
		    a->ports[i].protocol != b->ports[i].protocol)
			return false;
	return true;
}

static bool hosts_equal(const struct object *old, const struct object *now, struct arena *a)
{
	uint32_t n, m;
	const char *const *x = service_hosts(old, a, &n), *const *y = service_hosts(now, a, &m);

	if (n != m)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(x[i], y[i]))
			return false;
	return true;
}

bool same_hosts(const struct object *old, const struct object *now)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;

	return hosts_equal(old, now, &a);
}

static bool selectors_equal(const struct str_map *a, const struct str_map *b)
{
	static const struct str_map none;

	return maps_equal(a ? a : &none, b ? b : &none);
}

bool same_service(const struct service *a, const struct service *b)
{
	return !strcmp(a->ns, b->ns) && a->is_kubernetes == b->is_kubernetes &&
	       a->resolution == b->resolution && maps_equal(a->labels, b->labels) &&
	       selectors_equal(a->selector, b->selector) &&
	       lists_equal(&a->export_to, &b->export_to);
}

bool same_heads(const struct object *old, const struct object *now)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct service x, y;

	if (!hosts_equal(old, now, &a))
		return false;
	service_from_object(old, "", &a,
			    &x); /* no host: what depends on it follows from the rest */
	service_from_object(now, "", &a, &y);
	return ports_equal(&x, &y) && x.created_s == y.created_s && x.resolution == y.resolution &&
	       x.mesh_external == y.mesh_external && x.auto_allocate == y.auto_allocate &&
	       (x.is_kubernetes || same_service(&x, &y)) && !x.n_addresses == !y.n_addresses &&
	       (x.n_addresses > 1) == (y.n_addresses > 1) &&
	       (!x.n_addresses || !strcmp(x.addresses[0], y.addresses[0])) &&
	       lists_equal(&x.export_to, &y.export_to);
}

static bool destinations_equal(const struct destination *a, const struct destination *b)
{
	int64_t x = a && a->port ? a->port->number.v : 0, y = b && b->port ? b->port->number.v : 0;

	return !a == !b && x == y && (!a || str_eq(a->host, b->host));
}

/* Matches count by the namespaces that they limit the rule to; delegates by all there is. */
static bool rules_equal(const struct http_route *a, const struct http_route *b)
{
	if (a->delegate || b->delegate || a->route.n != b->route.n ||
	    a->mirrors.n != b->mirrors.n || a->match.n != b->match.n ||
	    !destinations_equal(a->mirror, b->mirror))
		return false;
	for (uint32_t i = 0; i < a->route.n; i++)
		if (!destinations_equal(a->route.v[i].destination, b->route.v[i].destination))
			return false;
	for (uint32_t i = 0; i < a->mirrors.n; i++)
		if (!destinations_equal(a->mirrors.v[i].destination, b->mirrors.v[i].destination))
			return false;
	for (uint32_t i = 0; i < a->match.n; i++)
		if (!str_eq(str_or(a->match.v[i].source_namespace, ""),
			    str_or(b->match.v[i].source_namespace, "")))
			return false;
	return true;
}

static bool l4_routes_equal(const struct route_destination *a, uint32_t n,
			    const struct route_destination *b, uint32_t m)
{
	if (n != m)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!destinations_equal(a[i].destination, b[i].destination))
			return false;
	return true;
}

bool same_vs_heads(const struct object *old, const struct object *now)
{
	const struct virtual_service_spec *x = ((const struct virtual_service *)old->body)->spec;
	const struct virtual_service_spec *y = ((const struct virtual_service *)now->body)->spec;

	if (!x || !y || old->created_s != now->created_s || !lists_equal(&x->hosts, &y->hosts) ||
	    !lists_equal(&x->gateways, &y->gateways) ||
	    !lists_equal(&x->export_to, &y->export_to) ||
	    virtual_service_is_gateway_style(old) != virtual_service_is_gateway_style(now) ||
	    x->http.n != y->http.n || x->tcp.n != y->tcp.n || x->tls.n != y->tls.n)
		return false;
	for (uint32_t i = 0; i < x->http.n; i++)
		if (!rules_equal(&x->http.v[i], &y->http.v[i]))
			return false;
	for (uint32_t i = 0; i < x->tcp.n; i++)
		if (!l4_routes_equal(x->tcp.v[i].route.v, x->tcp.v[i].route.n, y->tcp.v[i].route.v,
				     y->tcp.v[i].route.n))
			return false;
	for (uint32_t i = 0; i < x->tls.n; i++)
		if (!l4_routes_equal(x->tls.v[i].route.v, x->tls.v[i].route.n, y->tls.v[i].route.v,
				     y->tls.v[i].route.n))
			return false;
	return true;
}
