/* The Gateways that a router carries out, and how their servers come together (translation.md 6.1, 6.2): a pure function
 * of all Gateways and Ingresses, the router's labels and the services in front of it.
 */
#include "base/map.h"
#include "model/gateway_impl.h"
#include "model/heads.h"
#include "model/ingress.h"
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

/* A Gateway that is carried out. */
struct selected {
	const struct object *object, *origin;
	bool by_service; /* it names its services: only their ports count */
};

struct entry_key {
	const char *protocol, *bind; /* as written */
	uint16_t port;
};

/* What is known of a port to listen on. */
struct port_state {
	struct port_state *next;
	uint16_t port;
	int plain;              /* entry of the first server without TLS of its own; -1: none */
	struct map tls_hosts;   /* host -> bind */
	struct map other_binds; /* binds of servers beside the first TLS one */
};

struct merge {
	struct run *r;
	struct arena *a;
	const struct service_target *targets;
	uint32_t n_targets;
	bool *skip_target; /* by target: its service wants no translation; NULL: not looked up yet */
	struct port_state *ports;
	struct map routes; /* names of route configurations in use */
	struct entry_key *keys;
	struct gateway_entry *entries;
	uint32_t n_entries, n_keys;
	size_t c_entries, c_keys;
	struct gateway_place *places;
	uint32_t n_places;
	size_t c_places;
};

/* Without a mode TLS is passed through: it is the zero of the API's enum. */
bool server_passes_tls(const struct server *s)
{
	return s->tls && (!s->tls->mode || s->tls->mode == SERVER_TLS_SETTINGS_MODE_PASSTHROUGH ||
			  s->tls->mode == SERVER_TLS_SETTINGS_MODE_AUTO_PASSTHROUGH);
}

/* ---- which Gateways ---- */

static const char *annotation(const struct object *o, const char *name)
{
	return o->meta ? str_map_get(&o->meta->annotations, name) : NULL;
}

static const struct gateway_spec *spec_of(const struct object *o)
{
	return ((const struct gateway *)o->body)->spec;
}

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
static bool names_target(const struct object *o, const char *services,
			 const struct service_target *t)
{
	const char *ns = annotation(o, "internal.istio.io/parent-namespace");

	return list_has(services, t->host) && str_eq(t->ns, str_empty(ns) ? o->ns : ns);
}

#define BY_SERVICE "internal.istio.io/gateway-service"

static bool any_target(const struct merge *m, const struct object *o, const char *services)
{
	for (uint32_t i = 0; i < m->n_targets; i++)
		if (names_target(o, services, &m->targets[i]))
			return true;
	return false;
}

static bool same_pairs(const struct str_map *a, const struct str_map *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (!str_eq(a->v[i].key, b->v[i].key) || !str_eq(a->v[i].value, b->v[i].value))
			return false;
	return true;
}

struct selection {
	struct selected *v;
	uint32_t n;
	size_t cap;
	const struct str_map *asked; /* most Gateways have the selector of the one before */
	bool answer;
};

static bool is_selected(const struct merge *m, struct selection *s, const struct object *o)
{
	const struct str_map *selector = &spec_of(o)->selector;

	if (!selector->n)
		return true;
	if (!s->asked || !same_pairs(s->asked, selector)) {
		s->asked = selector;
		s->answer = ask_labels_match(m->r, selector);
	}
	return s->answer;
}

static void select_one(const struct merge *m, struct selection *s, const struct object *o,
		       const struct object *origin)
{
	const char *services = annotation(o, BY_SERVICE);

	if (spec_of(o) && (services ? any_target(m, o, services) : is_selected(m, s, o)))
		*ARENA_PUSH(m->a, s->v, s->n, s->cap) =
			(struct selected){ o, origin, services != NULL };
}

static int by_age(const void *x, const void *y)
{
	const struct object *a = ((const struct selected *)x)->object,
			    *b = ((const struct selected *)y)->object;
	int c;

	if (a->created_s != b->created_s)
		return a->created_s < b->created_s ? -1 : 1;
	c = strcmp(a->name, b->name);
	return c ? c : strcmp(a->ns, b->ns);
}

static bool is_managed(const struct object *o)
{
	return str_eq(annotation(o, "internal.istio.io/gateway-semantics"), "gateway") &&
	       !str_empty(annotation(o, "internal.istio.io/service-account-name"));
}

/* A router deployed for Gateways of the Gateway API carries out others only from their namespaces. */
static void merge_strictly(struct selection *s)
{
	uint32_t n = 0;
	bool any = false;

	for (uint32_t i = 0; i < s->n && !any; i++)
		any = is_managed(s->v[i].object);
	for (uint32_t i = 0; any && i < s->n; i++) {
		const struct object *o = s->v[i].object;
		bool keep = str_eq(annotation(o, "internal.istio.io/gateway-semantics"), "gateway");

		for (uint32_t j = 0; j < s->n && !keep; j++)
			keep = is_managed(s->v[j].object) && str_eq(o->ns, s->v[j].object->ns);
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
	const struct entry *gateways = own ? read_entry(r, CELL_GATEWAY_NS, ask(r, ASK_NS, 0))
					   : read_entry(r, CELL_GATEWAY_ALL, KEY_EMPTY);
	const struct entry *ingresses = read_entry(r, CELL_INGRESS_ALL, KEY_EMPTY);
	struct selection s = { 0 };

	if (own && !ask_is(r, ASK_NS_IS, run_key(r, FEATURE(ingress_namespace))))
		ingresses = &(const struct entry){ 0 };
	for (uint32_t i = 0; i < ingresses->n; i++) {
		const struct object *o = ingress_gateway(r, ingresses->v[i]);

		if (o)
			select_one(m, &s, o, ingresses->v[i]);
	}
	for (uint32_t i = 0; i < gateways->n; i++)
		select_one(m, &s, gateways->v[i], gateways->v[i]);
	if (s.n && ingresses->n)
		qsort(s.v, s.n, sizeof *s.v, by_age);
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
static uint32_t resolve(struct merge *m, const struct selected *g, uint16_t port, uint16_t *ret)
{
	const char *services = g->by_service ? annotation(g->object, BY_SERVICE) : NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_targets; i++) {
		const struct service_target *t = &m->targets[i];
		bool again = false;

		if (t->port != port)
			continue;
		if (!services) {
			if (is_skipped(m, i))
				continue;
			ret[0] = t->target_port;
			return 1;
		}
		for (uint32_t j = 0; j < n && !again; j++)
			again = ret[j] == t->target_port;
		if (!again && names_target(g->object, services, t))
			ret[n++] = t->target_port;
	}
	if (!services) {
		ret[0] = port;
		return 1;
	}
	return n;
}

/* Is the port reachable over UDP, too? */
static bool has_udp(const struct merge *m, const struct selected *g, uint16_t port)
{
	const char *services = g->by_service ? annotation(g->object, BY_SERVICE) : NULL;

	for (uint32_t i = 0; i < m->n_targets; i++)
		if (m->targets[i].port == port && m->targets[i].protocol == PROTOCOL_UDP &&
		    (!services || names_target(g->object, services, &m->targets[i])))
			return true;
	return false;
}

static struct port_state *port_of(struct merge *m, uint16_t port)
{
	struct port_state *p = m->ports;

	while (p && p->port != port)
		p = p->next;
	return p;
}

static struct port_state *port_add(struct merge *m, uint16_t port)
{
	struct port_state *p = arena_new(m->a, struct port_state);

	p->port = port;
	p->plain = -1;
	p->next = m->ports;
	m->ports = p;
	return p;
}

/* ---- servers ---- */

/* One server on one port. */
struct candidate {
	const struct server *server;
	struct str_list hosts;
	enum protocol protocol;
	const char *bind;
	const char *route; /* "": none */
	struct entry_key key;
	bool http3, passes_sni;
};

static const char *route_name(struct merge *m, const struct object *gateway,
			      const struct candidate *c)
{
	const struct port *port = c->server->port;
	const char *dot = *c->bind ? "." : "";

	if (protocol_is_http(c->protocol))
		return arena_printf(m->a, "http.%u%s%s", c->key.port, dot, c->bind);
	if (c->protocol == PROTOCOL_HTTPS && !server_passes_tls(c->server))
		return arena_printf(m->a, "https.%u.%s.%s.%s%s%s", (unsigned)port->number.v,
				    str_or(port->name, ""), gateway->name, gateway->ns, dot,
				    c->bind);
	return "";
}

/* Two chains for one name would be refused: a server with a host that is taken is left out as a whole. */
static bool hosts_are_free(struct port_state *p, const struct candidate *c)
{
	for (uint32_t i = 0; i < c->hosts.n; i++) {
		const char *bind = map_get(&p->tls_hosts, c->hosts.v[i]);

		if (bind && !strcmp(bind, c->bind))
			return false;
	}
	return true;
}

static void hosts_take(struct port_state *p, const struct candidate *c)
{
	for (uint32_t i = 0; i < c->hosts.n; i++)
		map_set(&p->tls_hosts, c->hosts.v[i], (void *)(uintptr_t)c->bind);
}

static int entry_find(const struct merge *m, const struct entry_key *k)
{
	for (uint32_t i = 0; i < m->n_keys; i++)
		if (m->keys[i].port == k->port && !strcmp(m->keys[i].protocol, k->protocol) &&
		    !strcmp(m->keys[i].bind, k->bind))
			return (int)i;
	return -1;
}

/* The entry of the server's own key. */
static uint32_t entry_of(struct merge *m, const struct candidate *c)
{
	int at = entry_find(m, &c->key);

	if (at >= 0)
		return (uint32_t)at;
	*ARENA_PUSH(m->a, m->keys, m->n_keys, m->c_keys) = c->key;
	*ARENA_PUSH(m->a, m->entries, m->n_entries, m->c_entries) = (struct gateway_entry){
		.bind = run_key(m->r, c->bind),
		.route = protocol_is_http(c->protocol) ? run_key(m->r, c->route) : 0,
		.port = c->key.port,
		.protocol = (uint16_t)c->protocol,
	};
	return m->n_entries - 1;
}

static void place(struct merge *m, const struct selected *g, uint32_t index,
		  const struct candidate *c, uint32_t entry)
{
	if (*c->route)
		map_set(&m->routes, c->route, m);
	*ARENA_PUSH(m->a, m->places, m->n_places, m->c_places) = (struct gateway_place){
		.server = gateway_server_key(m->r, g->origin, index),
		.route = *c->route ? run_key(m->r, c->route) : 0,
		.entry = (uint16_t)entry,
		.flags = (c->http3 ? PLACE_HTTP3 : 0) | (c->passes_sni ? PLACE_SNI : 0),
	};
}

/* A port with a server that needs no TLS: others join it if both are HTTP, or listen on an address of their own.
 * Gives the entry, or the reason why not. */
static const char *join_plain(struct merge *m, struct port_state *p, const struct candidate *c,
			      uint32_t *ret_entry)
{
	const struct entry_key *first = &m->keys[p->plain];
	enum protocol protocol = protocol_parse(first->protocol);

	if (strcmp(first->bind, c->bind)) {
		*ret_entry = entry_of(m, c);
		if (protocol_is_http(c->protocol))
			m->entries[*ret_entry].route = run_key(m->r, c->route);
		return NULL;
	}
	if (!(protocol_is_http(protocol) &&
	      (protocol_is_http(c->protocol) || protocol == c->protocol)))
		return "the port is taken by a server of another protocol";
	if (!*c->route)
		return "the port is taken";
	*ret_entry = (uint32_t)p->plain;
	return NULL;
}

/* A port with TLS servers only: told apart by name. */
static const char *join_tls(struct merge *m, struct port_state *p, const struct candidate *c,
			    uint32_t *ret_entry)
{
	bool http = protocol_is_http(c->protocol) ||
		    (c->protocol == PROTOCOL_HTTPS && c->server->tls && *c->route);
	bool new_bind = !map_has(&p->other_binds, c->bind);

	if (http && map_has(&m->routes, c->route))
		return "another server of the port has its name";
	map_set(&p->other_binds, c->bind, p);
	if (!c->server->tls && !new_bind)
		return "the port is taken by servers with TLS";
	*ret_entry = entry_of(m, c);
	return NULL;
}

static void refuse(struct merge *m, const struct selected *g, uint32_t index, const char *why)
{
	struct diag *d = run_diag(m->r);
	char title[OBJECT_TITLE], path[64];

	snprintf(path, sizeof path, "spec.servers[%u]", index);
	d->object = object_title(g->object, title);
	diag_warn(d, g->object->place, path, "the server is left out: %s", why);
	d->object = NULL;
}

static void add_on_port(struct merge *m, const struct selected *g, uint32_t index,
			struct candidate *c)
{
	struct port_state *p = port_of(m, c->key.port);
	const char *why = NULL;
	bool is_new = !p;
	uint32_t entry = 0;

	if (is_new)
		p = port_add(m, c->key.port);
	c->route = route_name(m, g->object, c);
	if (c->server->tls) {
		if (!hosts_are_free(p, c))
			why = "another server of the port has one of its hosts";
		else
			hosts_take(p, c);
	}
	if (!why && m->n_entries == GATEWAY_ENTRIES_MAX)
		why = "there are too many";
	if (!why && is_new)
		entry = entry_of(m, c);
	else if (!why)
		why = p->plain >= 0 ? join_plain(m, p, c, &entry) : join_tls(m, p, c, &entry);
	if (why) {
		refuse(m, g, index, why);
		return;
	}
	if (is_new && !(c->server->tls && !protocol_is_http(c->protocol)))
		p->plain = (int)entry;
	if (!is_new && p->plain >= 0)
		c->http3 = false;
	place(m, g, index, c, entry);
}

static void add_server(struct merge *m, const struct selected *g, uint32_t index, uint16_t *ports)
{
	const struct server *s = &spec_of(g->object)->servers.v[index];
	struct candidate c = { .server = s };
	uint16_t number;
	uint32_t n;

	if (!s->port || s->port->number.v < 1 || s->port->number.v > 65535)
		return;
	number = (uint16_t)s->port->number.v;
	c.hosts = gateway_server_hosts(s, g->object->ns, m->a);
	c.protocol = protocol_parse(s->port->protocol);
	c.bind = str_or(s->bind, "");
	c.http3 = FEATURE(quic_listeners) && c.protocol == PROTOCOL_HTTPS && s->tls &&
		  !server_passes_tls(s) && has_udp(m, g, number);
	c.passes_sni = s->tls && s->tls->mode == SERVER_TLS_SETTINGS_MODE_AUTO_PASSTHROUGH;
	n = resolve(m, g, number, ports);
	for (uint32_t i = 0; i < n; i++) {
		struct candidate on = c;

		on.key = (struct entry_key){ str_or(s->port->protocol, ""), c.bind, ports[i] };
		add_on_port(m, g, index, &on);
	}
}

/* ---- the table ---- */

struct counts {
	uint32_t n_entries, n_places;
};

void gateways_run(struct run *r, uint32_t key)
{
	struct merge m = { .r = r, .a = run_arena(r) };
	struct selection s;
	struct counts counts;
	uint16_t *ports;

	m.targets = proxy_targets(r, &m.n_targets);
	ports = arena_array(m.a, uint16_t, (size_t)m.n_targets + 1);
	s = select_all(&m);
	for (uint32_t i = 0; i < s.n; i++)
		for (uint32_t j = 0; j < spec_of(s.v[i].object)->servers.n; j++)
			add_server(&m, &s.v[i], j, ports);
	for (struct port_state *p = m.ports; p; p = p->next) {
		map_fini(&p->tls_hosts);
		map_fini(&p->other_binds);
	}
	map_fini(&m.routes);
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
