/* Virtual hosts of sidecars: one leaf per service (or lone host of a VirtualService) and route configuration, encoded as
 * field 2 of RouteConfiguration, so that route configurations are concatenations (translation.md 5.2, 5.4, 5.5).
 *
 * Domains are made unique without a look at all other virtual hosts: what can collide is rare and indexed.
 */
#include "base/ip.h"
#include "model/cells.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy.h"
#include "model/scope.h"
#include "translate/names.h"
#include "translate/rds.h"
#include "translate/route.h"
#include "types.h"
#include "world/world.h"
#include <string.h>
#include <strings.h>

bool vhost_counts_attempts(struct run *r)
{
	const struct proxy_headers *h = proxy_config_of(r)->proxy_headers;

	return !(h && h->attempt_count && h->attempt_count->disabled.set &&
		 h->attempt_count->disabled.v);
}

void vhost_emit(struct run *r, Route__VirtualHost *v)
{
	v->include_request_attempt_count = vhost_counts_attempts(r);
	emit_field(r, RC_VIRTUAL_HOSTS, &v->base);
}

/* ---- domains ---- */

struct domains {
	struct run *r;
	Route__VirtualHost *out;
	uint16_t port;  /* of the service */
	bool with_port; /* variants with ":port" too */
	const struct route_context *c;
};

static void add_domain(struct domains *d, const char *name)
{
	struct arena *a = run_arena(d->r);
	const char *with_port;

	PB_PUSH(a, d->out, domains, name);
	if (d->with_port) {
		with_port = arena_printf(a, "%s:%u", name, d->port);
		PB_PUSH(a, d->out, domains, with_port);
	}
}

bool vhost_lone_has_routes(const struct route_context *c, const struct lone_host *lone)
{
	Route__VirtualHost routes = ROUTE__VIRTUAL_HOST__INIT;
	const struct route_source *src = route_source_of(c->run, lone->vs_ns, lone->vs_name);

	if (src)
		routes_of_source(c, src, &routes);
	return routes.n_routes > 0;
}

/* Has a VirtualService a virtual host of its own for this name, which no service has for its host? */
static bool is_routed(struct domains *d, const char *name)
{
	uint32_t n, host = run_key(d->r, name);
	const struct lone_host *lone;

	if (!d->c->listener_port)
		return false;
	lone = lone_hosts_on(d->r, d->c->listener_port, d->c->wrapper, &n);
	for (uint32_t i = 0; i < n; i++)
		if (lone[i].host == host && vhost_lone_has_routes(d->c, &lone[i]))
			return true;
	return false;
}

/* Only VirtualServices with short hosts can be in the way of an alternative name, and those are few. */
static bool is_routed_short(struct domains *d, const char *name)
{
	const struct entry *e = read_entry(d->r, CELL_VS_SHORT, KEY_EMPTY);

	for (uint32_t i = 0; i < e->n; i++) {
		const struct virtual_service_spec *spec =
			((const struct virtual_service *)e->v[i]->body)->spec;

		for (uint32_t j = 0; spec && j < spec->hosts.n; j++)
			if (!strcasecmp(spec->hosts.v[j], name))
				return is_routed(d, name);
	}
	return false;
}

/* An alternative name that is the full name of another service belongs to that one. Only services with short hosts can
 * be in the way, and those are few. */
static void add_alternative(struct domains *d, const char *name)
{
	const struct entry *shorts = read_entry(d->r, CELL_SVC_SHORT, KEY_EMPTY);

	if (is_routed_short(d, name))
		return;
	for (uint32_t i = 0; i < shorts->n; i++) {
		uint32_t n, ns;
		const char *const *hosts = service_hosts(shorts->v[i], run_arena(d->r), &n);

		for (uint32_t j = 0; j < n; j++) {
			const struct service *s;

			if (!str_eq(hosts[j], name) ||
			    !(ns = scope_host_ns(d->r, run_key(d->r, name))))
				continue;
			s = service_read(d->r, ns, run_key(d->r, name));
			if (s && service_port_of(s, d->port))
				return;
		}
	}
	add_domain(d, name);
}

/* "name.ns" of "name.ns.svc.cluster.local" for proxies whose domain ends in `svc`, ".svc.cluster.local"; "name" too for
 * those of that namespace. */
static void add_kubernetes_names(struct domains *d, const char *host, const char *svc)
{
	struct arena *a = run_arena(d->r);
	const char *unique, *dot;
	bool is_own;

	if (!str_ends(host, svc) || strlen(host) == strlen(svc))
		return;
	unique = arena_strndup(a, host, strlen(host) - strlen(svc));
	dot = strchr(unique, '.');
	if (!dot)
		return;
	is_own = ask_is(d->r, ASK_DNS_DOMAIN_IS, run_key(d->r, host + (dot + 1 - unique)));
	if (is_own)
		add_alternative(d, arena_strndup(a, unique, (size_t)(dot - unique)));
	else
		add_alternative(d, unique);
	add_alternative(d, arena_printf(a, "%s.svc", unique));
	if (is_own)
		add_alternative(d, unique);
}

/* What of the name a proxy can leave out in its own domain. */
static void add_alternatives(struct domains *d, const char *host)
{
	struct arena *a = run_arena(d->r);
	const char *usual = arena_printf(a, ".svc.%s", model_options()->domain);
	const char *dns, *svc, *rest = host + strlen(host), *dot;

	if (!ip_is_valid(host) && FEATURE(absolute_fqdn_domain))
		add_alternative(d, arena_printf(a, "%s.", host));
	if (ask_is(d->r, ASK_DNS_SUFFIX_IS, run_key(d->r, usual))) {
		add_kubernetes_names(d, host, usual);
		return;
	}
	dns = key_text(run_keys(d->r), ask(d->r, ASK_DNS_DOMAIN, 0));
	svc = strstr(dns, ".svc.");
	if (svc) {
		add_kubernetes_names(d, host, svc);
		return;
	}
	/* The longest common suffix of whole labels. */
	for (const char *p = host; p; p = strchr(p, '.') ? strchr(p, '.') + 1 : NULL)
		if (str_eq(p, dns) ||
		    (str_ends(dns, p) && dns[strlen(dns) - strlen(p) - 1] == '.')) {
			rest = p;
			break;
		}
	if (!*rest || rest == host)
		return;
	const char *unique = arena_strndup(a, host, (size_t)(rest - host) - 1);

	add_alternative(d, unique);
	dot = strchr(unique, '.');
	if (dot && !strchr(dot + 1, '.'))
		add_alternative(d,
				arena_printf(a, "%s.%.*s", unique, (int)strcspn(rest, "."), rest));
}

/* Of several services of one port with one address, the first has it as a domain. */
static bool owns_address(struct domains *d, const struct service *s, const char *addr)
{
	const struct entry *e = read_entry(d->r, CELL_SVC_ADDRESS, run_key(d->r, addr));

	for (uint32_t i = 0; e->n > 1 && i < e->n; i++) {
		uint32_t n;
		const char *const *hosts = service_hosts(e->v[i], run_arena(d->r), &n);

		for (uint32_t j = 0; j < n; j++) {
			uint32_t host = run_key(d->r, hosts[j]);
			const struct service *o;

			if (str_eq(hosts[j], s->host))
				return true;
			if (scope_host_ns(d->r, host) != run_key(d->r, e->v[i]->ns))
				continue;
			o = service_read(d->r, run_key(d->r, e->v[i]->ns), host);
			if (o && service_port_of(o, d->port))
				return false;
		}
	}
	return true;
}

static void add_service_domains(struct domains *d, const struct service *s)
{
	struct arena *a = run_arena(d->r);
	uint32_t n_aliases, n_addrs;
	const struct service_alias *aliases = service_aliases(d->r, s, &n_aliases);
	const char *const *addrs;

	add_domain(d, s->host);
	add_alternatives(d, s->host);
	for (uint32_t i = 0; i < n_aliases; i++) {
		if (!is_routed(d, aliases[i].host))
			add_domain(d, aliases[i].host);
		add_alternatives(d, aliases[i].host);
	}
	if (s->resolution == RESOLUTION_PASSTHROUGH && s->is_kubernetes)
		for (size_t i = 0, n = d->out->n_domains; i < n; i++) {
			const char *wild = arena_printf(a, "*.%s", d->out->domains[i]);

			PB_PUSH(a, d->out, domains, wild);
		}
	addrs = service_addresses(d->r, s, &n_addrs);
	for (uint32_t i = 0; i < n_addrs; i++)
		if (!str_eq(addrs[i], "0.0.0.0") && owns_address(d, s, addrs[i]))
			add_domain(d, ip_is_v6(addrs[i]) ? arena_printf(a, "[%s]", addrs[i])
							 : addrs[i]);
}

/* A route configuration of all ports keeps, of ports other than 80, only what names the port. */
static void keep_port_variants(struct arena *a, Route__VirtualHost *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n_domains; i++)
		if (strchr(v->domains[i][0] == '[' ? strchr(v->domains[i], ']') : v->domains[i],
			   ':'))
			v->domains[n++] = v->domains[i];
	v->n_domains = n;
}

/* ---- leaves ---- */

static void add_routes(const struct route_context *c, const struct service *s,
		       const struct service_port_model *p, Route__VirtualHost *out)
{
	uint32_t host = run_key(c->run, s->host), n;
	const struct route_source *exact = virtual_services_of_host(c->run, host, c->wrapper, &n),
				  *wild;

	for (uint32_t i = 0; i < n && !out->n_routes; i++)
		routes_of_source(c, &exact[i], out);
	if (!out->n_routes && (wild = virtual_service_of_wildcard(c->run, host, c->wrapper)))
		routes_of_source(c, wild, out);
	if (!out->n_routes)
		PB_PUSH(c->a, out, routes, route_default(c, s, p));
}

static const char *bracketed(struct arena *a, const char *host)
{
	return ip_is_v6(host) ? arena_printf(a, "[%s]", host) : host;
}

/* [pair(route configuration, pair(pair(ns, host), port))] */
void vhost_service_run(struct run *r, uint32_t key)
{
	struct keys *k = run_keys(r);
	uint32_t which = key_second(k, key), id = key_first(k, which);
	struct rc rc = rc_of(r, key_first(k, key));
	const struct service *s = service_read(r, key_first(k, id), key_second(k, id));
	const struct service_port_model *p;
	Route__VirtualHost *v = PB_NEW(run_arena(r), Route__VirtualHost);

	s = s ? service_of_routes(r, s, (uint16_t)key_second(k, which)) : NULL;
	p = s ? service_port_of(s, (uint16_t)key_second(k, which)) : NULL;
	if (!p)
		return;
	struct route_context c = { .run = r,
				   .a = run_arena(r),
				   .wrapper = rc.wrapper,
				   .listener_port = rc.port,
				   .gateway = "mesh" };
	struct domains d = { r, v, p->number, rc.port == 0, &c };

	v->name = arena_printf(c.a, "%s:%u", bracketed(c.a, s->host), p->number);
	if (rc.sniffed) {
		PB_PUSH(c.a, v, domains, "*");
	} else {
		add_service_domains(&d, s);
		if (!rc.port && p->number != 80)
			keep_port_variants(c.a, v);
	}
	if (!v->n_domains)
		return;
	add_routes(&c, s, p, v);
	vhost_emit(r, v);
}

/* [pair(route configuration, pair(pair(vs ns, vs name), host))] */
void vhost_lone_run(struct run *r, uint32_t key)
{
	struct keys *k = run_keys(r);
	uint32_t which = key_second(k, key), vs = key_first(k, which);
	struct rc rc = rc_of(r, key_first(k, key));
	const char *host = run_text(r, key_second(k, which));
	const struct route_source *src = route_source_of(r, key_first(k, vs), key_second(k, vs));
	Route__VirtualHost *v = PB_NEW(run_arena(r), Route__VirtualHost);
	struct route_context c = { .run = r,
				   .a = run_arena(r),
				   .wrapper = rc.wrapper,
				   .listener_port = rc.port,
				   .gateway = "mesh" };

	if (!src)
		return;
	routes_of_source(&c, src, v);
	if (!v->n_routes)
		return;
	v->name = arena_printf(c.a, "%s:%u", bracketed(c.a, host), rc.port);
	PB_PUSH(c.a, v, domains, host);
	vhost_emit(r, v);
}
