/* Routes of routers (translation.md 6.6). A route configuration is made in two steps. The plan says which virtual hosts
 * there are, and of each its domains and the VirtualServices that it takes its routes from; it does not know the routes
 * but for whether there are any. Then a virtual host is made from what its key says, so that an edit of one
 * VirtualService makes the virtual hosts anew that name it, and nothing else.
 *
 * Keys, `list` being pair(first, rest) with KEY_EMPTY at its end:
 *	set    pair(source, pair("ns/name" of the Gateway, port | flags)): one VirtualService on one Gateway
 *	vhost  pair(pair(name, flags), pair(list of domains, list of sets))
 *	rc     pair(name, pair(server, flags of its place)), or pair(name, KEY_EMPTY) where several servers may share it
 */
#include "base/ip.h"
#include "base/map.h"
#include "model/options.h"
#include "model/proxy.h"
#include "snapshot/resource.h"
#include "translate/gateway.h"
#include "translate/names.h"
#include "translate/queries.h"
#include "translate/rds.h"
#include "translate/route.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

enum { SET_TLS = 1 << 16, SET_HTTP3 = 1 << 17 };
enum { VHOST_REQUIRES_TLS = 1, VHOST_BLACKHOLE = 2, VHOST_FLAGS = 4 };
enum { PLACE_FLAGS = 4 }; /* no number in a key is 0 */

/* ---- the root ---- */

static bool is_shared(const char *route)
{
	return str_starts(route, "http.");
}

void gateway_rds_add(struct run *r)
{
	struct gateway_table t = gateways_of_proxy(r);
	uint32_t last = 0;

	for (uint32_t i = 0; i < t.n_places; i++) {
		const struct gateway_place *p = &t.places[i];
		uint32_t only = KEY_EMPTY;

		if (!p->route || p->route == last || !gateway_may_bind(r, &t.entries[p->entry]))
			continue;
		if (is_shared(run_text(r, p->route)))
			last = p->route;
		else
			only = run_pair(r, p->server, p->flags | PLACE_FLAGS);
		list_add(r, Q_GW_RC, run_pair(r, p->route, only));
	}
}

/* ---- sets ---- */

static struct route_context context_of(struct run *r, uint32_t set)
{
	struct keys *k = run_keys(r);
	uint32_t where = key_second(k, set), how = key_second(k, where);

	return (struct route_context){
		.run = r,
		.a = run_arena(r),
		.listener_port = (uint16_t)how,
		.gateway = run_text(r, key_first(k, where)),
		.tls = how & SET_TLS,
	};
}

/* Any request of this kind of match is taken, whoever the proxy is. */
static bool is_plain(const struct http_match_request *m)
{
	return !m->port.v && !m->gateways.n && !m->source_labels.n &&
	       str_empty(m->source_namespace) && !m->headers.n && !m->without_headers.n &&
	       !m->query_params.n && !m->method && !m->authority && !m->scheme &&
	       !(m->uri && m->uri->regex);
}

/* Does the rule make a route for certain? Most do, which saves making it to find out. */
static bool surely_routes(const struct http_route *rule)
{
	if (rule->redirect || rule->direct_response || rule->delegate || rule->route.n != 1)
		return false;
	for (uint32_t i = 0; i < rule->match.n; i++)
		if (is_plain(&rule->match.v[i]))
			return true;
	return !rule->match.n;
}

/* [set] Something, if there are routes. */
void gateway_routed_run(struct run *r, uint32_t set)
{
	const struct route_source *src = gateway_source_read(r, key_first(run_keys(r), set));
	struct route_context c = context_of(r, set);
	Route__VirtualHost *v = PB_NEW(c.a, Route__VirtualHost);
	uint8_t yes = 1;
	bool any = false;

	for (uint32_t i = 0; src && i < src->spec->http.n && !any; i++)
		any = surely_routes(&src->spec->http.v[i]);
	if (src && !any) {
		c.own_ns = src->object->ns;
		routes_of_source(&c, src, v);
		any = v->n_routes > 0;
		/* What is wrong with routes is said where they are made. */
		if (any) {
			diag_fini(run_diag(r));
			diag_init(run_diag(r));
		}
	}
	if (any)
		run_emit(r, &yes, sizeof yes);
}

/* ---- the plan ---- */

struct planned {
	const char *host; /* its domain, lower-case */
	uint16_t port;
	uint32_t flags;
	uint32_t *sets, n_sets;
	size_t c_sets;
	uint32_t domains; /* list of those that were merged into it */
	uint32_t list;    /* its sets as a list */
	bool merged;      /* into another one */
};

/* A VirtualService on a Gateway: its routes are those of the first server that it was met at. */
struct known_set {
	uint32_t source, set; /* 0: it has no routes there */
};

struct plan {
	struct run *r;
	struct arena *a;
	struct map by_host;
	struct planned **v;
	uint32_t n;
	size_t cap;
	const char *gateway; /* whose servers come now; they stand together */
	struct known_set *known;
	uint32_t n_known;
	size_t c_known;
};

static uint32_t set_of(struct plan *p, const struct gateway_server *s, uint32_t source, bool http3)
{
	struct run *r = p->r;
	uint32_t how = s->port, set;

	for (uint32_t i = 0; i < p->n_known; i++)
		if (p->known[i].source == source)
			return p->known[i].set;
	how |= s->server->tls ? SET_TLS : 0;
	how |= http3 ? SET_HTTP3 : 0;
	set = run_pair(r, source, run_pair(r, run_key(r, s->gateway), how));
	if (!call_query(r, Q_GW_ROUTED, set)->n)
		return 0; /* perhaps the next server has another port */
	*ARENA_PUSH(p->a, p->known, p->n_known, p->c_known) = (struct known_set){ source, set };
	return set;
}

static bool redirects(const struct gateway_server *s)
{
	const struct server_tls_settings *t = s->server->tls;

	return t && t->https_redirect.set && t->https_redirect.v;
}

static struct planned *host_at(struct plan *p, const char *host, uint16_t port)
{
	struct planned *v;

	host = host_lower(p->a, host);
	v = map_get(&p->by_host, host);
	if (v)
		return v;
	v = arena_new(p->a, struct planned);
	v->host = host;
	v->port = port;
	map_set(&p->by_host, host, v);
	*ARENA_PUSH(p->a, p->v, p->n, p->cap) = v;
	return v;
}

static void add_set(struct plan *p, const struct gateway_server *s, const char *host, uint32_t set)
{
	struct planned *v = host_at(p, host, s->port);

	*ARENA_PUSH(p->a, v->sets, v->n_sets, v->c_sets) = set;
	if (redirects(s))
		v->flags |= VHOST_REQUIRES_TLS;
}

/* What a server's hosts are looked up in: the plain ones by name, the wildcards one by one. */
struct host_index {
	struct str_list hosts;
	struct map plain;
	const char **wild;
	uint32_t n_wild;
};

static struct host_index index_hosts(struct arena *a, struct str_list hosts)
{
	struct host_index x = { .hosts = hosts, .wild = arena_array(a, const char *, hosts.n) };

	for (uint32_t i = 0; i < hosts.n; i++)
		if (host_is_wildcard(hosts.v[i]))
			x.wild[x.n_wild++] = hosts.v[i];
		else if (hosts.n > 8)
			map_set(&x.plain, hosts.v[i], (void *)(uintptr_t)hosts.v[i]);
	return x;
}

/* A list in which each host is once. */
struct host_set {
	struct arena *a;
	const char **v;
	uint32_t n;
	size_t cap;
	struct map seen; /* of the long ones */
};

static void host_set_add(struct host_set *s, const char *host)
{
	enum { SHORT = 16 };

	if (s->n < SHORT) {
		for (uint32_t i = 0; i < s->n; i++)
			if (!strcmp(s->v[i], host))
				return;
	} else {
		for (uint32_t i = 0; s->n == SHORT && i < s->n; i++)
			map_set(&s->seen, s->v[i], s);
		if (map_set(&s->seen, host, s))
			return;
	}
	*ARENA_PUSH(s->a, s->v, s->n, s->cap) = host;
}

/* Of each two that overlap the more specific one. */
static struct str_list meet(struct arena *a, const struct host_index *x, const struct str_list *vs)
{
	struct host_set out = { .a = a };

	for (uint32_t i = 0; i < vs->n; i++) {
		const char *host = vs->v[i];
		bool by_name = !host_is_wildcard(host) && x->plain.n;

		if (by_name && map_has(&x->plain, host))
			host_set_add(&out, host);
		for (uint32_t j = 0; by_name && j < x->n_wild; j++)
			if (host_subset_of(host, x->wild[j]))
				host_set_add(&out, host);
		for (uint32_t j = 0; !by_name && j < x->hosts.n; j++) {
			if (host_subset_of(x->hosts.v[j], host))
				host_set_add(&out, x->hosts.v[j]);
			else if (host_subset_of(host, x->hosts.v[j]))
				host_set_add(&out, host);
		}
	}
	map_fini(&out.seen);
	return (struct str_list){ out.v, out.n, true };
}

static void plan_server(struct plan *p, const struct gateway_server *s, bool http3)
{
	uint32_t n;
	const struct gateway_source *vs = gateway_sources(p->r, s, &n);
	struct host_index x = { 0 };
	const char *ns = NULL; /* that the index is of */

	if (!str_eq(p->gateway, s->gateway)) {
		p->gateway = s->gateway;
		p->n_known = 0;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct str_list hosts;
		uint32_t set;

		if (!ns || strcmp(ns, vs[i].ns)) {
			map_fini(&x.plain);
			ns = vs[i].ns;
			x = index_hosts(p->a, gateway_hosts_for(s, ns, p->a));
		}
		hosts = meet(p->a, &x, &vs[i].hosts);
		set = hosts.n ? set_of(p, s, vs[i].key, http3) : 0;
		for (uint32_t j = 0; set && j < hosts.n; j++)
			add_set(p, s, hosts.v[j], set);
	}
	map_fini(&x.plain);
	for (uint32_t i = 0; redirects(s) && i < s->hosts.n; i++)
		host_at(p, s->hosts.v[i], s->port)->flags |= VHOST_REQUIRES_TLS;
}

static uint32_t list_of(struct run *r, const uint32_t *v, uint32_t n)
{
	uint32_t list = KEY_EMPTY;

	while (n--)
		list = run_pair(r, v[n], list);
	return list;
}

/* Exact ones before wildcards, longer ones first. */
static int by_specificity(const void *x, const void *y)
{
	const char *a = (*(const struct planned *const *)x)->host,
		   *b = (*(const struct planned *const *)y)->host;
	bool wild_a = host_is_wildcard(a), wild_b = host_is_wildcard(b);
	size_t n = strlen(a), m = strlen(b);

	if (wild_a != wild_b)
		return wild_a ? 1 : -1;
	if (n != m)
		return n > m ? -1 : 1;
	return strcmp(a, b);
}

/* Virtual hosts with the same routes become one with several domains: the most specific one gives its name. Few differ
 * in more than their sets, so these are found by a table of 2^n slots. */
static void collapse(struct plan *p)
{
	uint32_t size = 16, at;
	struct planned **table;

	while (size < 2 * p->n)
		size *= 2;
	table = arena_array(p->a, struct planned *, size);
	for (uint32_t i = 0; i < p->n; i++) {
		struct planned *v = p->v[i];
		uint32_t host = run_key(p->r, v->host);

		at = (v->list * 2654435761u + v->flags) & (size - 1);
		while (table[at] && (table[at]->list != v->list || table[at]->flags != v->flags))
			at = (at + 1) & (size - 1);
		if (table[at]) {
			table[at]->domains = run_pair(p->r, host, table[at]->domains);
			v->merged = true;
		} else {
			v->domains = run_pair(p->r, host, KEY_EMPTY);
			table[at] = v;
		}
	}
}

static const char *vhost_name(struct arena *a, const char *host, uint16_t port)
{
	return arena_printf(a, ip_is_v6(host) ? "[%s]:%u" : "%s:%u", host, port);
}

static uint32_t vhost_key(struct run *r, const char *name, uint32_t flags, uint32_t domains,
			  uint32_t sets)
{
	return run_pair(r, run_pair(r, run_key(r, name), flags | VHOST_FLAGS),
			run_pair(r, domains, sets));
}

struct named {
	const char *name;
	uint32_t key;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static void emit_plan(struct plan *p)
{
	struct run *r = p->r;
	struct named *v = arena_array(p->a, struct named, p->n);
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->n; i++)
		p->v[i]->list = list_of(r, p->v[i]->sets, p->v[i]->n_sets);
	if (p->n)
		qsort(p->v, p->n, sizeof *p->v, by_specificity);
	if (FEATURE(route_collapse))
		collapse(p);
	for (uint32_t i = 0; i < p->n; i++) {
		const struct planned *x = p->v[i];
		uint32_t domains =
			x->domains ? x->domains : run_pair(r, run_key(r, x->host), KEY_EMPTY);
		const char *name = vhost_name(p->a, x->host, x->port);

		if (!x->merged)
			v[n++] = (struct named){ name,
						 vhost_key(r, name, x->flags, domains, x->list) };
	}
	if (n)
		qsort(v, n, sizeof *v, by_name);
	for (uint32_t i = 0; i < n; i++)
		run_emit(r, &v[i].key, sizeof v[i].key);
}

static void emit_blackhole(struct plan *p, uint16_t port)
{
	struct run *r = p->r;
	uint32_t key = vhost_key(r, vhost_name(p->a, "blackhole", port), VHOST_BLACKHOLE,
				 run_pair(r, run_key(r, "*"), KEY_EMPTY), KEY_EMPTY);

	run_emit(r, &key, sizeof key);
}

/* All servers that share the name; the port of the first one. */
static uint16_t plan_shared(struct plan *p, uint32_t name)
{
	struct gateway_table t = gateways_of_proxy(p->r);
	uint16_t port = 0;

	for (uint32_t i = 0; i < t.n_places; i++) {
		struct gateway_server s;

		if (t.places[i].route != name || !gateway_server_read(p->r, t.places[i].server, &s))
			continue;
		port = port ? port : s.port;
		plan_server(p, &s, t.places[i].flags & PLACE_HTTP3);
	}
	return port;
}

/* [rc] The keys of its virtual hosts, in order of name. */
void gateway_plan_run(struct run *r, uint32_t rc)
{
	struct keys *k = run_keys(r);
	uint32_t only = key_second(k, rc);
	struct plan p = { .r = r, .a = run_arena(r) };
	struct gateway_server s;
	uint16_t port = 0;

	if (only == KEY_EMPTY) {
		port = plan_shared(&p, key_first(k, rc));
	} else if (gateway_server_read(r, key_first(k, only), &s)) {
		port = s.port;
		plan_server(&p, &s, key_second(k, only) & PLACE_HTTP3);
	}
	if (p.n)
		emit_plan(&p);
	else if (port)
		emit_blackhole(&p, port);
	map_fini(&p.by_host);
}

/* [rc] CONCAT */
void gateway_rc_run(struct run *r, uint32_t rc)
{
	struct arena *a = run_arena(r);
	const struct result *plan = call_query(r, Q_GW_PLAN, rc);
	const uint32_t *v = (const void *)plan->bytes;
	Route__RouteConfiguration *head = PB_NEW(
		a, Route__RouteConfiguration, .name = run_text(r, key_first(run_keys(r), rc)),
		.validate_clusters = pb_bool(a, false),
		.max_direct_response_body_size_bytes = pb_u32(a, 1048576),
		.ignore_port_in_host_matching = true);
	ProtobufCBinaryData bytes = PB_PACK(a, head);

	resource_head(r, head->name, bytes.data, bytes.len);
	for (uint32_t i = 0; i < plan->n / sizeof *v; i++)
		list_add(r, Q_GW_VHOST, v[i]);
}

/* ---- virtual hosts ---- */

static void add_alt_svc(struct arena *a, uint16_t port, Route__Route *route)
{
	const char *value = arena_printf(a, "h3=\":%u\"; ma=86400", port);

	route->response_headers_to_add =
		pb_grow(a, route->response_headers_to_add, route->n_response_headers_to_add,
			sizeof *route->response_headers_to_add);
	route->response_headers_to_add[route->n_response_headers_to_add++] = PB_NEW(
		a, Core__HeaderValueOption,
		.header = PB_NEW(a, Core__HeaderValue, .key = "alt-svc", .value = value),
		.append_action =
			CORE__HEADER_VALUE_OPTION__HEADER_APPEND_ACTION__APPEND_IF_EXISTS_OR_ADD);
}

static void add_routes(struct run *r, uint32_t set, Route__VirtualHost *v)
{
	struct keys *k = run_keys(r);
	const struct route_source *src = gateway_source_read(r, key_first(k, set));
	struct route_context c = context_of(r, set);
	size_t before = v->n_routes;

	if (!src)
		return;
	c.own_ns = src->object->ns;
	routes_of_source(&c, src, v);
	if (key_second(k, key_second(k, set)) & SET_HTTP3)
		for (size_t i = before; i < v->n_routes; i++)
			add_alt_svc(c.a, c.listener_port, v->routes[i]);
}

/* Routes that take everything go behind those that do not; several VirtualServices may have one. */
static void move_catch_alls(struct arena *a, Route__VirtualHost *v)
{
	Route__Route **last = arena_array(a, Route__Route *, v->n_routes);
	size_t n = 0, n_last = 0;

	for (size_t i = 0; i < v->n_routes; i++)
		if (route_match_is_catch_all(v->routes[i]->match))
			last[n_last++] = v->routes[i];
		else
			v->routes[n++] = v->routes[i];
	for (size_t i = 0; i < n_last; i++)
		v->routes[n++] = last[i];
}

/* [vhost] */
void gateway_vhost_run(struct run *r, uint32_t key)
{
	struct keys *k = run_keys(r);
	struct arena *a = run_arena(r);
	uint32_t what = key_first(k, key), lists = key_second(k, key), flags = key_second(k, what);
	Route__VirtualHost *v =
		PB_NEW(a, Route__VirtualHost, .name = run_text(r, key_first(k, what)));

	for (uint32_t at = key_first(k, lists); at != KEY_EMPTY; at = key_second(k, at))
		PB_PUSH(a, v, domains, run_text(r, key_first(k, at)));
	for (uint32_t at = key_second(k, lists); at != KEY_EMPTY; at = key_second(k, at))
		add_routes(r, key_first(k, at), v);
	move_catch_alls(a, v);
	if (flags & VHOST_REQUIRES_TLS)
		v->require_tls = ROUTE__VIRTUAL_HOST__TLS_REQUIREMENT_TYPE__ALL;
	if (flags & VHOST_BLACKHOLE)
		emit_field(r, RC_VIRTUAL_HOSTS, &v->base);
	else
		vhost_emit(r, v);
}
