/* Heads of VirtualServices: hosts, visibility and destinations, without what their routes do (Q_VS_HEADS). A changed
 * weight, match or timeout ends here; scopes and lists of hosts hang on heads only.
 *
 * Layout: counts, heads, hosts, destinations.
 */
#include "model/export.h"
#include "model/heads.h"
#include "model/queries.h"
#include "model/route_source.h"
#include "model/scope.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

struct counts {
	uint32_t n, n_hosts, n_destinations, reserved;
};

struct vs_heads vs_heads_of_ns(struct run *r, uint32_t ns)
{
	const struct result *result = call_query(r, Q_VS_HEADS, ns);
	struct vs_heads h = { 0 };
	struct counts c;

	if (result->n < sizeof c)
		return h;
	memcpy(&c, result->bytes, sizeof c);
	h.n = c.n;
	h.n_hosts = c.n_hosts;
	h.n_destinations = c.n_destinations;
	h.v = (const void *)(result->bytes + sizeof c);
	h.hosts = (const void *)(h.v + h.n);
	h.destinations = (const void *)(h.hosts + h.n_hosts);
	return h;
}

struct draft {
	struct run *r;
	struct vs_head *heads;
	struct vs_host *hosts;
	struct vs_destination *destinations;
	uint32_t n, n_hosts, n_destinations, first;
	size_t cap, cap_hosts, cap_destinations;
};

static void add_row(struct draft *d, uint32_t host, uint16_t port, uint32_t source_ns)
{
	for (uint32_t i = d->first; i < d->n_destinations; i++) {
		const struct vs_destination *at = &d->destinations[i];

		if (at->host == host && at->port == port && at->source_ns == source_ns)
			return;
	}
	*ARENA_PUSH(run_arena(d->r), d->destinations, d->n_destinations, d->cap_destinations) =
		(struct vs_destination){ .host = host, .port = port, .source_ns = source_ns };
}

/* The namespaces that a rule is limited to; none: it counts for all. */
struct sources {
	const char **v;
	uint32_t n;
};

static void add_destination(struct draft *d, const struct destination *to, const struct sources *s)
{
	uint32_t host;
	uint16_t port;

	if (!to || str_empty(to->host))
		return;
	host = run_key(d->r, to->host);
	port = to->port ? (uint16_t)to->port->number.v : 0;
	if (!s->n)
		add_row(d, host, port, 0);
	for (uint32_t i = 0; i < s->n; i++)
		add_row(d, host, port, run_key(d->r, s->v[i]));
}

static struct sources sources_of(struct draft *d, const struct http_route *rule)
{
	struct sources s = { arena_array(run_arena(d->r), const char *, rule->match.n), 0 };

	for (uint32_t i = 0; i < rule->match.n; i++) {
		if (str_empty(rule->match.v[i].source_namespace)) {
			s.n = 0;
			break;
		}
		s.v[s.n++] = rule->match.v[i].source_namespace;
	}
	return s;
}

static void add_destinations(struct draft *d, const struct virtual_service_spec *spec)
{
	struct sources all = { 0 };

	for (uint32_t i = 0; i < spec->http.n; i++) {
		const struct http_route *rule = &spec->http.v[i];
		struct sources s = sources_of(d, rule);

		for (uint32_t j = 0; j < rule->route.n; j++)
			add_destination(d, rule->route.v[j].destination, &s);
		add_destination(d, rule->mirror, &s);
		for (uint32_t j = 0; j < rule->mirrors.n; j++)
			add_destination(d, rule->mirrors.v[j].destination, &s);
	}
	for (uint32_t i = 0; i < spec->tcp.n; i++)
		for (uint32_t j = 0; j < spec->tcp.v[i].route.n; j++)
			add_destination(d, spec->tcp.v[i].route.v[j].destination, &all);
	for (uint32_t i = 0; i < spec->tls.n; i++)
		for (uint32_t j = 0; j < spec->tls.v[i].route.n; j++)
			add_destination(d, spec->tls.v[i].route.v[j].destination, &all);
}

static void add_head(struct draft *d, const struct object *obj)
{
	struct arena *a = run_arena(d->r);
	struct route_source source = route_source_build(d->r, obj);
	struct vs_head *h = ARENA_PUSH(a, d->heads, d->n, d->cap);
	unsigned flags = virtual_service_is_mesh(obj) ? VS_MESH : 0;

	if (virtual_service_is_gateway_style(obj))
		flags |= VS_GATEWAY_STYLE;
	d->first = d->n_destinations;
	*h = (struct vs_head){
		.name = run_key(d->r, obj->name),
		.export_to = virtual_service_export(d->r, obj),
		.created_s = obj->created_s,
		.flags = flags,
		.first_host = d->n_hosts,
		.n_hosts = source.spec->hosts.n,
		.first_destination = d->n_destinations,
	};
	for (uint32_t i = 0; i < source.spec->hosts.n; i++)
		*ARENA_PUSH(a, d->hosts, d->n_hosts, d->cap_hosts) =
			(struct vs_host){ run_key(d->r, source.spec->hosts.v[i]) };
	add_destinations(d, source.spec);
	h->n_destinations = d->n_destinations - d->first;
}

/* VirtualServices without hosts are delegates and have no head. */
void vs_heads_run(struct run *r, uint32_t ns)
{
	const struct entry *e = read_entry(r, CELL_VS_NS, ns);
	struct draft d = { .r = r };
	struct counts c;

	for (uint32_t i = 0; i < e->n; i++)
		if (virtual_service_hosts(e->v[i], run_arena(r)).n)
			add_head(&d, e->v[i]);
	if (!d.n)
		return;
	c = (struct counts){ d.n, d.n_hosts, d.n_destinations, 0 };
	run_emit(r, &c, sizeof c);
	run_emit(r, d.heads, d.n * sizeof *d.heads);
	run_emit(r, d.hosts, d.n_hosts * sizeof *d.hosts);
	run_emit(r, d.destinations, d.n_destinations * sizeof *d.destinations);
}
