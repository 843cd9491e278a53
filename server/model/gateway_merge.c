/* The Gateways that a router carries out, and how their servers come together (translation.md 6.1, 6.2): a pure function
 * of the heads of all Gateways and Ingresses, the router's labels and the services in front of it.
 */
#include "base/pairs.h"
#include "model/gateway_impl.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy.h"
#include "model/queries.h"
#include "types.h"
#include "world/world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_TRANSLATION "experimental.istio.io/disable-gateway-port-translation"

struct merge {
	struct run *r;
	struct arena *a;
	const struct service_target *targets;
	uint32_t n_targets;
	bool *skip_target; /* by target: its service wants no translation; NULL: not looked up yet */
	struct pair_map
		plain; /* (port, 0): entry + 1 of its first server if it needs no TLS of its own */
	struct pair_map used;      /* (port, 0): 1 */
	struct pair_map tls_hosts; /* (port, host): bind */
	struct pair_map beside;    /* (port, bind): 1; of servers beside a first one with TLS */
	struct pair_map routes;    /* (route, 0): 1 */
	struct pair_map http;      /* (port, bind): name of the route configuration */
	struct pair_map keys;      /* (spelling, pair(port, bind)): entry + 1 */
	struct gateway_entry *entries;
	uint32_t n_entries;
	size_t c_entries;
	struct gateway_place *places;
	uint32_t n_places;
	size_t c_places;
};

/* ---- which Gateways ---- */

static bool list_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; *p;) {
		size_t len = strcspn(p, ",");

		if (len == n && !memcmp(p, word, n))
			return true;
		p += len + (p[len] == ',');
	}
	return false;
}

/* Is the target's service one of those that the Gateway names? */
static bool names_target(const struct merge *m, const struct gateway_head *g,
			 const struct service_target *t)
{
	return list_has(run_text(m->r, g->services), t->host) &&
	       str_eq(t->ns, run_text(m->r, g->services_ns));
}

static bool any_target(const struct merge *m, const struct gateway_head *g)
{
	for (uint32_t i = 0; i < m->n_targets; i++)
		if (names_target(m, g, &m->targets[i]))
			return true;
	return false;
}

struct selection {
	struct gateway_heads *v;
	uint32_t n;
	size_t cap;
	uint32_t asked; /* most Gateways have the selector of the one before */
	bool answer;
};

static bool is_selected(const struct merge *m, struct selection *s, const struct gateway_head *g)
{
	if (g->services)
		return any_target(m, g);
	if (g->selector == KEY_EMPTY)
		return true;
	if (s->asked != g->selector) {
		s->asked = g->selector;
		s->answer = ask_is(m->r, ASK_LABELS_MATCH, g->selector);
	}
	return s->answer;
}

static void select_of(const struct merge *m, struct selection *s, const struct entry *e)
{
	for (uint32_t i = 0; i < e->n; i++) {
		struct gateway_heads g;

		if (gateway_head_read(m->r, e->v[i], &g) && is_selected(m, s, &g.head))
			*ARENA_PUSH(m->a, s->v, s->n, s->cap) = g;
	}
}

/* What is made from an Ingress has no time of creation. */
static int64_t created(const struct gateway_heads *g)
{
	return g->origin->kind == KIND_INGRESS ? 0 : g->origin->created_s;
}

static int by_age(const void *x, const void *y, void *keys)
{
	const struct gateway_heads *a = x, *b = y;
	int c;

	if (created(a) != created(b))
		return created(a) < created(b) ? -1 : 1;
	c = key_compare(keys, a->head.name, b->head.name);
	return c ? c : key_compare(keys, a->head.ns, b->head.ns);
}

/* A router deployed for Gateways of the Gateway API carries out others only from their namespaces. */
static void merge_strictly(struct selection *s)
{
	uint32_t n = 0;
	bool any = false;

	for (uint32_t i = 0; i < s->n && !any; i++)
		any = s->v[i].head.flags & GATEWAY_MANAGED;
	for (uint32_t i = 0; any && i < s->n; i++) {
		bool keep = s->v[i].head.flags & GATEWAY_OF_API;

		for (uint32_t j = 0; j < s->n && !keep; j++)
			keep = s->v[j].head.flags & GATEWAY_MANAGED &&
			       s->v[i].head.ns == s->v[j].head.ns;
		if (keep)
			s->v[n++] = s->v[i];
	}
	if (any)
		s->n = n;
}

static struct selection select_all(const struct merge *m)
{
	struct run *r = m->r;
	bool own = FEATURE(scope_gateway_to_namespace);
	const struct entry *ingresses = read_entry(r, CELL_INGRESS_ALL, KEY_EMPTY);
	struct selection s = { 0 };

	if (ingresses->n && (!own || ask_is(r, ASK_NS_IS, run_key(r, FEATURE(ingress_namespace)))))
		select_of(m, &s, ingresses);
	select_of(m, &s,
		  own ? read_entry(r, CELL_GATEWAY_NS, ask(r, ASK_NS, 0))
		      : read_entry(r, CELL_GATEWAY_ALL, KEY_EMPTY));
	if (s.n && ingresses->n)
		qsort_r(s.v, s.n, sizeof *s.v, by_age, run_keys(r));
	if (FEATURE(strict_gateway_merging))
		merge_strictly(&s);
	return s;
}

/* ---- ports to listen on ---- */

/* Services may say that their ports are not to be translated. */
static bool is_skipped(struct merge *m, uint32_t i)
{
	if (!m->skip_target) {
		m->skip_target = arena_array(m->a, bool, m->n_targets);
		for (uint32_t j = 0; j < m->n_targets; j++) {
			const struct service_target *t = &m->targets[j];
			const struct service *s =
				service_read(m->r, run_key(m->r, t->ns), run_key(m->r, t->host));

			m->skip_target[j] =
				s && s->labels && str_map_get(s->labels, NO_TRANSLATION);
		}
	}
	return m->skip_target[i];
}

/* The ports that a server listens on; at most n_targets, or one. */
static uint32_t resolve(struct merge *m, const struct gateway_head *g, uint16_t port, uint16_t *ret)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_targets; i++) {
		const struct service_target *t = &m->targets[i];
		bool again = false;

		if (t->port != port)
			continue;
		if (!g->services) {
			if (is_skipped(m, i))
				continue;
			ret[0] = t->target_port;
			return 1;
		}
		for (uint32_t j = 0; j < n && !again; j++)
			again = ret[j] == t->target_port;
		if (!again && names_target(m, g, t))
			ret[n++] = t->target_port;
	}
	if (!g->services) {
		ret[0] = port;
		return 1;
	}
	return n;
}

/* Is the port reachable over UDP, too? */
static bool has_udp(const struct merge *m, const struct gateway_head *g, uint16_t port)
{
	for (uint32_t i = 0; i < m->n_targets; i++)
		if (m->targets[i].port == port && m->targets[i].protocol == PROTOCOL_UDP &&
		    (!g->services || names_target(m, g, &m->targets[i])))
			return true;
	return false;
}

/* ---- servers ---- */

/* One server on one port. */
struct candidate {
	const struct gateway_heads *gateway;
	const struct server_head *s;
	uint16_t port;  /* to listen on */
	uint32_t route; /* 0: none */
	bool http, http3;
};

static uint32_t http_route(struct merge *m, const struct candidate *c)
{
	uint32_t *route = pair_map_at(&m->http, c->port, c->s->bind);
	const char *bind = run_text(m->r, c->s->bind);

	if (!*route)
		*route = run_key(
			m->r, arena_printf(m->a, "http.%u%s%s", c->port, *bind ? "." : "", bind));
	return *route;
}

/* Two chains for one name would be refused: a server with a host that is taken is left out as a whole. */
static bool hosts_take(struct merge *m, const struct candidate *c)
{
	const uint32_t *hosts = c->gateway->hosts + c->s->first_host;

	for (uint32_t i = 0; i < c->s->n_hosts; i++)
		if (*pair_map_at(&m->tls_hosts, c->port, hosts[i]) == c->s->bind)
			return false;
	for (uint32_t i = 0; i < c->s->n_hosts; i++)
		*pair_map_at(&m->tls_hosts, c->port, hosts[i]) = c->s->bind;
	return true;
}

/* The entry of the server's own key. */
static uint32_t entry_of(struct merge *m, const struct candidate *c)
{
	uint32_t *at = pair_map_at(&m->keys, c->s->spelling,
				   run_pair(m->r, KEY_NUMBER | c->port, c->s->bind));

	if (*at)
		return *at - 1;
	*ARENA_PUSH(m->a, m->entries, m->n_entries, m->c_entries) = (struct gateway_entry){
		.bind = c->s->bind,
		.route = c->http ? c->route : 0,
		.port = c->port,
		.protocol = c->s->protocol,
	};
	*at = m->n_entries;
	return m->n_entries - 1;
}

static void place(struct merge *m, const struct candidate *c, uint32_t entry)
{
	const struct gateway_heads *g = c->gateway;
	uint16_t flags = c->http3 ? PLACE_HTTP3 : 0;

	if (c->s->flags & SERVER_SNI)
		flags |= PLACE_SNI;
	if (c->s->flags & SERVER_HTTPS)
		flags |= PLACE_HTTPS;
	if (c->route)
		*pair_map_at(&m->routes, c->route, 0) = 1;
	*ARENA_PUSH(m->a, m->places, m->n_places, m->c_places) = (struct gateway_place){
		.server = gateway_server_key(m->r, g->id, g->origin->kind == KIND_INGRESS,
					     c->s->index),
		.route = c->route,
		.entry = (uint16_t)entry,
		.flags = flags,
	};
}

/* A port with a first server that needs no TLS: others join it if both are HTTP, or listen on an address of their own.
 * Gives the entry, or the reason why not. */
static const char *join_plain(struct merge *m, uint32_t plain, const struct candidate *c,
			      uint32_t *ret_entry)
{
	const struct gateway_entry *first = &m->entries[plain];

	if (first->bind != c->s->bind) {
		*ret_entry = entry_of(m, c);
		if (c->http)
			m->entries[*ret_entry].route = c->route;
		return NULL;
	}
	if (!protocol_is_http((enum protocol)first->protocol) || !c->http)
		return "the port is taken by a server of another protocol";
	*ret_entry = plain;
	return NULL;
}

/* A port with TLS servers only: told apart by name. */
static const char *join_tls(struct merge *m, const struct candidate *c, uint32_t *ret_entry)
{
	bool http = c->http || c->s->flags & SERVER_HTTPS;
	uint32_t *beside;

	if (http && *pair_map_at(&m->routes, c->route, 0))
		return "another server of the port has its name";
	beside = pair_map_at(&m->beside, c->port, c->s->bind);
	if (!(c->s->flags & SERVER_TLS) && *beside)
		return "the port is taken by servers with TLS";
	*beside = 1;
	*ret_entry = entry_of(m, c);
	return NULL;
}

static void refuse(struct merge *m, const struct candidate *c, const char *why)
{
	struct diag *d = run_diag(m->r);
	const struct object *o = c->gateway->origin;
	char title[OBJECT_TITLE], path[64];

	snprintf(path, sizeof path, "spec.servers[%u]", c->s->index);
	d->object = object_title(o, title);
	diag_warn(d, o->place, o->kind == KIND_INGRESS ? "spec" : path,
		  "the server is left out: %s", why);
	d->object = NULL;
}

static void add_on_port(struct merge *m, struct candidate *c)
{
	uint32_t *used = pair_map_at(&m->used, c->port, 0), entry = 0;
	uint32_t plain = *pair_map_at(&m->plain, c->port, 0);
	const char *why = NULL;
	bool is_new = !*used;

	*used = 1;
	c->http = protocol_is_http((enum protocol)c->s->protocol);
	c->route = c->http ? http_route(m, c) : c->s->route;
	if (c->s->flags & SERVER_TLS && !hosts_take(m, c))
		why = "another server of the port has one of its hosts";
	else if (m->n_entries == GATEWAY_ENTRIES_MAX)
		why = "there are too many";
	else if (is_new)
		entry = entry_of(m, c);
	else
		why = plain ? join_plain(m, plain - 1, c, &entry) : join_tls(m, c, &entry);
	if (why) {
		refuse(m, c, why);
		return;
	}
	if (is_new && (c->http || !(c->s->flags & SERVER_TLS)))
		*pair_map_at(&m->plain, c->port, 0) = entry + 1;
	if (plain)
		c->http3 = false;
	place(m, c, entry);
}

static void add_server(struct merge *m, const struct gateway_heads *g, const struct server_head *s,
		       uint16_t *ports)
{
	bool http3 =
		FEATURE(quic_listeners) && s->flags & SERVER_HTTPS && has_udp(m, &g->head, s->port);
	uint32_t n = resolve(m, &g->head, s->port, ports);

	for (uint32_t i = 0; i < n; i++) {
		struct candidate c = { .gateway = g, .s = s, .port = ports[i], .http3 = http3 };

		if (c.port)
			add_on_port(m, &c);
	}
}

/* ---- the table ---- */

struct counts {
	uint32_t n_entries, n_places;
};

void gateways_run(struct run *r, uint32_t key)
{
	struct arena *a = run_arena(r);
	struct merge m = { .r = r,
			   .a = a,
			   .plain.arena = a,
			   .used.arena = a,
			   .tls_hosts.arena = a,
			   .beside.arena = a,
			   .routes.arena = a,
			   .http.arena = a,
			   .keys.arena = a };
	struct selection s;
	struct counts counts;
	uint16_t *ports;

	m.targets = proxy_targets(r, &m.n_targets);
	ports = arena_array(a, uint16_t, (size_t)m.n_targets + 1);
	s = select_all(&m);
	for (uint32_t i = 0; i < s.n; i++)
		for (uint32_t j = 0; j < s.v[i].head.n_servers; j++)
			add_server(&m, &s.v[i], &s.v[i].servers[j], ports);
	if (!m.n_places)
		return;
	counts = (struct counts){ m.n_entries, m.n_places };
	run_emit(r, &counts, sizeof counts);
	run_emit(r, m.entries, m.n_entries * sizeof *m.entries);
	run_emit(r, m.places, m.n_places * sizeof *m.places);
}

struct gateway_table gateways_of_proxy(struct run *r)
{
	const struct result *result = call_query(r, Q_GATEWAYS, 0);
	struct gateway_table t = { 0 };
	struct counts c;

	if (result->n < sizeof c)
		return t;
	memcpy(&c, result->bytes, sizeof c);
	t.n_entries = c.n_entries;
	t.n_places = c.n_places;
	t.entries = (const void *)(result->bytes + sizeof c);
	t.places = (const void *)(t.entries + t.n_entries);
	return t;
}

void gateway_sni_run(struct run *r, uint32_t key)
{
	struct gateway_table t = gateways_of_proxy(r);
	uint8_t yes = 1;
	bool any = false;

	for (uint32_t i = 0; i < t.n_places && !any; i++)
		any = t.places[i].flags & PLACE_SNI;
	if (any)
		run_emit(r, &yes, sizeof yes);
}

bool gateway_passes_sni(struct run *r)
{
	return ask_query(r, Q_GATEWAY_SNI, 0)->n > 0;
}
