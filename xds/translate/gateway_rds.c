/* Routes of routers (translation.md 6.6). A route configuration is made in three steps. A part says which virtual hosts
 * one Gateway asks for, and of each which VirtualServices it takes its routes from; it does not know the routes but for
 * whether there are any. The plan lays the parts together. Then a virtual host is made from what its key says, so that
 * an edit of one VirtualService makes the virtual hosts anew that name it, and nothing else.
 *
 * Keys, `list` being pair(first, rest) with KEY_EMPTY at its end, and numbers marked with KEY_NUMBER:
 *	set    pair(source, pair("ns/name" of the Gateway, port | flags)): one VirtualService on one Gateway
 *	part   list of pair(server, flags of its place): servers of one Gateway in one route configuration
 *	rc     pair(name, part), or pair(name, KEY_EMPTY) where several Gateways may share it
 *	vhost  pair(pair(host, port | flags), pair(list of domains, list of sets))
 */
#include "base/ip.h"
#include "base/map.h"
#include "base/pairs.h"
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

enum { PORT_BITS = (1 << 16) - 1 };
enum { SET_TLS = 1 << 16, SET_HTTP3 = 1 << 17 };
enum { VHOST_REQUIRES_TLS = 1 << 16, VHOST_BLACKHOLE = 1 << 17 };

/* ---- the root ---- */

static bool is_shared(const char *route)
{
	return str_starts(route, "http.");
}

static uint32_t part_of(struct run *r, const struct gateway_place *p, uint32_t rest)
{
	return run_pair(r, run_pair(r, p->server, p->flags | KEY_NUMBER), rest);
}

void gateway_rds_add(struct run *r)
{
	struct gateway_table t = gateways_of_proxy(r);
	uint32_t last = 0;

	for (uint32_t i = 0; i < t.n_places; i++) {
		const struct gateway_place *p = &t.places[i];
		uint32_t part = KEY_EMPTY;

		if (!p->route || p->route == last || !gateway_may_bind(r, &t.entries[p->entry]))
			continue;
		if (is_shared(run_text(r, p->route)))
			last = p->route;
		else
			part = part_of(r, p, KEY_EMPTY);
		list_add(r, Q_GW_RC, run_pair(r, p->route, part));
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

/* ---- parts ---- */

/* A virtual host that is asked for, and one VirtualService on it. */
struct row {
	uint32_t host;  /* key of its domain, lower-case */
	uint32_t set;   /* 0: none; the virtual host is there to redirect */
	uint32_t flags; /* port | VHOST_REQUIRES_TLS */
};

/* A VirtualService on a Gateway: its routes are those of the first server that it was met at. */
struct known_set {
	uint32_t source, set;
};

struct part {
	struct run *r;
	struct arena *a;
	struct row *v;
	uint32_t n;
	size_t cap;
	struct known_set *known;
	uint32_t n_known;
	size_t c_known;
	uint16_t port; /* of the first server; 0: there is none */
};

static uint32_t set_of(struct part *p, const struct gateway_server *s, uint32_t source, bool http3)
{
	struct run *r = p->r;
	uint32_t how = s->port, set;

	for (uint32_t i = 0; i < p->n_known; i++)
		if (p->known[i].source == source)
			return p->known[i].set;
	how |= s->server->tls ? SET_TLS : 0;
	how |= http3 ? SET_HTTP3 : 0;
	set = run_pair(r, source, run_pair(r, run_key(r, s->gateway), how | KEY_NUMBER));
	if (!call_query(r, Q_GW_ROUTED, set)->n)
		return 0; /* perhaps at the next server, with another port */
	*ARENA_PUSH(p->a, p->known, p->n_known, p->c_known) = (struct known_set){ source, set };
	return set;
}

static bool redirects(const struct gateway_server *s)
{
	const struct server_tls_settings *t = s->server->tls;

	return t && t->https_redirect.set && t->https_redirect.v;
}

static void add_row(struct part *p, const struct gateway_server *s, const char *host, uint32_t set)
{
	*ARENA_PUSH(p->a, p->v, p->n, p->cap) = (struct row){
		.host = run_key(p->r, host_lower(p->a, host)),
		.set = set,
		.flags = s->port | (redirects(s) ? VHOST_REQUIRES_TLS : 0),
	};
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
	const char **v = arena_array(a, const char *, 2 * (size_t)hosts.n);
	struct host_index x = { .hosts = { v, hosts.n, true }, .wild = v + hosts.n };

	for (uint32_t i = 0; i < hosts.n; i++)
		v[i] = host_lower(a, hosts.v[i]);
	hosts = x.hosts;
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

static void add_server(struct part *p, const struct gateway_server *s, bool http3)
{
	uint32_t n;
	const struct gateway_source *vs = gateway_sources(p->r, s, &n);
	struct host_index x = { 0 };
	const char *ns = NULL; /* that the index is of */

	for (uint32_t i = 0; i < n; i++) {
		struct str_list hosts;
		uint32_t set;

		if (!ns || strcmp(ns, vs[i].ns)) {
			map_fini(&x.plain);
			ns = vs[i].ns;
			x = index_hosts(p->a, gateway_hosts_for(s, ns, p->a));
		}
		hosts = meet(p->a, &x, &vs[i].hosts);
		set = !hosts.n ? 0 : set_of(p, s, vs[i].key, http3);
		for (uint32_t j = 0; set && j < hosts.n; j++)
			add_row(p, s, hosts.v[j], set);
	}
	map_fini(&x.plain);
	for (uint32_t i = 0; redirects(s) && i < s->hosts.n; i++)
		add_row(p, s, s->hosts.v[i], 0);
}

static struct part part_make(struct run *r, uint32_t part)
{
	struct keys *k = run_keys(r);
	struct part p = { .r = r, .a = run_arena(r) };

	for (; part != KEY_EMPTY; part = key_second(k, part)) {
		uint32_t place = key_first(k, part);
		struct gateway_server s;

		if (!gateway_server_read(r, key_first(k, place), &s))
			continue;
		p.port = p.port ? p.port : s.port;
		add_server(&p, &s, key_second(k, place) & PLACE_HTTP3);
	}
	return p;
}

/* [part] Its rows, behind the port of its first server. */
void gateway_part_run(struct run *r, uint32_t part)
{
	struct part p = part_make(r, part);
	uint32_t port = p.port;

	run_emit(r, &port, sizeof port);
	run_emit(r, p.v, p.n * sizeof *p.v);
}

/* ---- the plan ---- */

struct planned {
	uint32_t host,
		flags; /* flags: port of the first one who asked, and whether TLS is required */
	uint32_t sets; /* list */
	uint32_t *set, n_sets;
	size_t c_sets;
	uint32_t domains; /* list; KEY_EMPTY: merged into another one */
};

struct plan {
	struct run *r;
	struct arena *a;
	struct planned *v;
	uint32_t n;
	size_t cap;
	struct pair_map places; /* (host, 0): place in v, from 1 */
};

static struct planned *host_at(struct plan *p, const struct row *row)
{
	uint32_t *at = pair_map_at(&p->places, row->host, 0);

	if (!*at) {
		*ARENA_PUSH(p->a, p->v, p->n, p->cap) =
			(struct planned){ .host = row->host, .flags = row->flags & PORT_BITS };
		*at = p->n;
	}
	return &p->v[*at - 1];
}

static void plan_row(struct plan *p, const struct row *row)
{
	struct planned *v = host_at(p, row);

	v->flags |= row->flags & VHOST_REQUIRES_TLS;
	if (row->set)
		*ARENA_PUSH(p->a, v->set, v->n_sets, v->c_sets) = row->set;
}

/* All Gateways that share the name, each with its servers, which stand together; the port of the first one. */
static uint16_t plan_shared(struct plan *p, uint32_t name)
{
	struct run *r = p->r;
	struct keys *k = run_keys(r);
	struct gateway_table t = gateways_of_proxy(r);
	uint16_t port = 0;

	for (uint32_t i = 0, next; i < t.n_places; i = next) {
		uint32_t part = KEY_EMPTY, gateway = key_first(k, t.places[i].server);
		const struct result *rows;
		const struct row *v;

		for (next = i; next < t.n_places && key_first(k, t.places[next].server) == gateway;)
			next++;
		for (uint32_t j = next; j-- > i;)
			if (t.places[j].route == name)
				part = part_of(r, &t.places[j], part);
		if (part == KEY_EMPTY)
			continue;
		rows = call_query(r, Q_GW_PART, part);
		port = port ? port : (uint16_t) * (const uint32_t *)(const void *)rows->bytes;
		v = (const void *)(rows->bytes + sizeof(uint32_t));
		for (uint32_t j = 0; j < (rows->n - sizeof(uint32_t)) / sizeof *v; j++)
			plan_row(p, &v[j]);
	}
	return port;
}

/* Exact hosts before wildcards, longer ones before shorter ones. */
static bool more_specific(struct run *r, uint32_t x, uint32_t y)
{
	const char *a = run_text(r, x), *b = run_text(r, y);
	bool wild_a = host_is_wildcard(a), wild_b = host_is_wildcard(b);
	size_t n = strlen(a), m = strlen(b);

	if (wild_a != wild_b)
		return wild_b;
	return n != m ? n > m : strcmp(a, b) < 0;
}

/* Virtual hosts with the same routes become one with several domains: the most specific one gives its name. */
static void collapse(struct plan *p)
{
	struct pair_map known = { .arena = p->a }; /* (sets, flags): place in v, from 1 */

	for (uint32_t i = 0; i < p->n; i++) {
		struct planned *v = &p->v[i], *w;
		uint32_t *at = pair_map_at(&known, v->sets, v->flags & VHOST_REQUIRES_TLS);
		uint32_t domains;

		if (!*at) {
			*at = i + 1;
			continue;
		}
		w = &p->v[*at - 1];
		domains = run_pair(p->r, v->host, w->domains);
		w->domains = v->domains = KEY_EMPTY;
		if (more_specific(p->r, v->host, w->host)) {
			v->domains = domains;
			*at = i + 1;
		} else {
			w->domains = domains;
		}
	}
}

static void emit_vhost(struct run *r, uint32_t host, uint32_t flags, uint32_t domains,
		       uint32_t sets)
{
	uint32_t key =
		run_pair(r, run_pair(r, host, flags | KEY_NUMBER), run_pair(r, domains, sets));

	run_emit(r, &key, sizeof key);
}

static void emit_plan(struct plan *p)
{
	struct run *r = p->r;

	for (uint32_t i = 0; i < p->n; i++) {
		struct planned *v = &p->v[i];

		v->sets = KEY_EMPTY;
		for (uint32_t j = v->n_sets; j--;)
			v->sets = run_pair(r, v->set[j], v->sets);
		v->domains = run_pair(r, v->host, KEY_EMPTY);
	}
	if (FEATURE(route_collapse))
		collapse(p);
	for (uint32_t i = 0; i < p->n; i++)
		if (p->v[i].domains != KEY_EMPTY)
			emit_vhost(r, p->v[i].host, p->v[i].flags, p->v[i].domains, p->v[i].sets);
}

/* [rc] The keys of its virtual hosts, in the order in which they are first asked for. */
void gateway_plan_run(struct run *r, uint32_t rc)
{
	struct keys *k = run_keys(r);
	uint32_t only = key_second(k, rc);
	struct plan p = { .r = r, .a = run_arena(r), .places.arena = run_arena(r) };
	uint16_t port;

	if (only == KEY_EMPTY) {
		port = plan_shared(&p, key_first(k, rc));
	} else {
		struct part part = part_make(r, only);

		port = part.port;
		for (uint32_t i = 0; i < part.n; i++)
			plan_row(&p, &part.v[i]);
	}
	if (p.n)
		emit_plan(&p);
	else if (port)
		emit_vhost(r, run_key(r, "blackhole"), port | VHOST_BLACKHOLE,
			   run_pair(r, run_key(r, "*"), KEY_EMPTY), KEY_EMPTY);
}

/* The Gateways that ask for it: they say which hosts there are. */
static void cite_gateways(struct run *r, uint32_t rc)
{
	struct keys *k = run_keys(r);
	uint32_t name = key_first(k, rc), only = key_second(k, rc);
	struct gateway_table t;

	for (; only != KEY_EMPTY; only = key_second(k, only))
		gateway_server_cite(r, key_first(k, key_first(k, only)));
	if (key_second(k, rc) != KEY_EMPTY)
		return;
	t = gateways_of_proxy(r);
	for (uint32_t i = 0; i < t.n_places; i++)
		if (t.places[i].route == name)
			gateway_server_cite(r, t.places[i].server);
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

	cite_gateways(r, rc);
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

/* The plan has read it; here only its name is left. */
static void cite_gateway(struct run *r, uint32_t gateway)
{
	const char *text = run_text(r, gateway), *slash = strchr(text, '/');
	const char *ns = arena_strndup(run_arena(r), text, (size_t)(slash - text));

	cite_cell(r, KIND_GATEWAY, run_pair(r, run_key(r, ns), run_key(r, slash + 1)));
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
	cite_gateway(r, key_first(k, key_second(k, set)));
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

static const char *vhost_name(struct arena *a, const char *host, uint32_t port)
{
	return arena_printf(a, ip_is_v6(host) ? "[%s]:%u" : "%s:%u", host, port);
}

/* [vhost] */
void gateway_vhost_run(struct run *r, uint32_t key)
{
	struct keys *k = run_keys(r);
	struct arena *a = run_arena(r);
	uint32_t what = key_first(k, key), lists = key_second(k, key), flags = key_second(k, what);
	Route__VirtualHost *v =
		PB_NEW(a, Route__VirtualHost,
		       .name = vhost_name(a, run_text(r, key_first(k, what)), flags & PORT_BITS));

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
