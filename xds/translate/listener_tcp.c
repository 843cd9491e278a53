/* Chains of TCP and TLS ports: by the tls and tcp routes of VirtualServices, else to the service itself (translation.md
 * 4.8 "Chains").
 */
#include "base/ip.h"
#include "model/virtual_service.h"
#include "translate/listener.h"
#include "translate/names.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

struct tcp_build {
	struct outbound *o;
	const struct service *s;
	enum protocol listen;
	const char *const *cidrs; /* in force for the next chain */
	uint32_t n_cidrs;
	Listener__FilterChain ***v;
	uint32_t *n, *cap;
};

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static const char **sorted(struct arena *a, const char *const *v, uint32_t n)
{
	const char **copy = arena_array(a, const char *, n);

	if (n) {
		memcpy(copy, v, n * sizeof *v);
		qsort(copy, n, sizeof *copy, by_text);
	}
	return copy;
}

static bool any_is(const char *const *v, uint32_t n, const char *what)
{
	for (uint32_t i = 0; i < n; i++)
		if (str_eq(v[i], what))
			return true;
	return false;
}

static void add_ranges(struct arena *a, Listener__FilterChainMatch *m, const char *const *cidrs,
		       uint32_t n)
{
	const char **v = sorted(a, cidrs, n);

	for (uint32_t i = 0; i < n; i++) {
		struct ip ip;
		char text[IP_TEXT], *slash;

		if (!cidr_parse(v[i], &ip))
			continue;
		ip_format(&ip, text);
		if ((slash = strchr(text, '/')))
			*slash = 0;
		if (str_eq(text, "0.0.0.0"))
			continue;
		PB_PUSH(a, m, prefix_ranges,
			PB_NEW(a, Core__CidrRange, .address_prefix = arena_strdup(a, text),
			       .prefix_len = pb_u32(a, ip.prefix)));
	}
}

/* A chain for these server names and ranges (none: all), with its filters still to come. */
static Listener__FilterChain *add_chain(struct tcp_build *b, const char *const *sni, uint32_t n_sni)
{
	struct arena *a = b->o->a;
	Listener__FilterChain *c = PB_NEW(a, Listener__FilterChain);
	Listener__FilterChainMatch *m = PB_NEW(a, Listener__FilterChainMatch);

	if (n_sni && !any_is(sni, n_sni, "*")) {
		const char **names = sorted(a, sni, n_sni);

		for (uint32_t i = 0; i < n_sni; i++)
			PB_PUSH(a, m, server_names, names[i]);
	}
	add_ranges(a, m, b->cidrs, b->n_cidrs);
	if (m->n_server_names || m->n_prefix_ranges)
		c->filter_chain_match = m;
	*ARENA_PUSH(a, *b->v, *b->n, *b->cap) = c;
	return c;
}

static void fill(struct tcp_build *b, Listener__FilterChain *c, const struct route_source *src,
		 const struct route_destination *routes, uint32_t n)
{
	struct tcp_target t = {
		.routes = routes,
		.n_routes = n,
		.source = src,
		.service = b->s,
		.listen_port = b->o->port,
		.protocol = b->listen,
		.wrapper = b->o->wrapper->index,
	};

	if (src)
		cite_object(b->o->r, src->object);
	tcp_chain_outbound(b->o->r, &t, c);
}

static void name_source(struct tcp_build *b, Listener__FilterChain *c,
			const struct route_source *src)
{
	struct arena *a = b->o->a;

	pb_struct_set_str(a, pb_filter_metadata(a, &c->metadata, "istio"), "config",
			  config_path(a, src->object));
}

/* The predicates that do not depend on the connection. */
static bool holds(struct tcp_build *b, const struct str_list *gateways,
		  const struct str_map *labels, const struct opt_int *port, const char *source_ns)
{
	struct run *r = b->o->r;

	if (gateways->n && !any_is(gateways->v, gateways->n, "mesh"))
		return false;
	if (port->set && port->v && port->v != b->o->port)
		return false;
	if (labels->n && !ask_labels_match(r, labels))
		return false;
	return str_empty(source_ns) || ask_is(r, ASK_NS_IS, run_key(r, source_ns));
}

static const char *match_key(struct arena *a, const struct tls_match_attributes *m)
{
	const char *key = "";

	for (uint32_t i = 0; i < m->sni_hosts.n; i++)
		key = arena_printf(a, "%s,%s", key, m->sni_hosts.v[i]);
	key = arena_printf(a, "%s|", key);
	for (uint32_t i = 0; i < m->destination_subnets.n; i++)
		key = arena_printf(a, "%s,%s", key, m->destination_subnets.v[i]);
	return key;
}

/* ---- TLS ---- */

enum { SEEN_MAX = 256 };

static void add_tls_routes(struct tcp_build *b, const struct route_source *src, const char **seen,
			   uint32_t *n_seen)
{
	for (uint32_t i = 0; i < src->spec->tls.n; i++) {
		const struct tls_route *t = &src->spec->tls.v[i];

		for (uint32_t j = 0; t->route.n && j < t->match.n; j++) {
			const struct tls_match_attributes *m = &t->match.v[j];
			const char *key = match_key(b->o->a, m);
			Listener__FilterChain *c;

			if (!holds(b, &m->gateways, &m->source_labels, &m->port,
				   m->source_namespace) ||
			    any_is(seen, *n_seen, key))
				continue;
			if (*n_seen < SEEN_MAX)
				seen[(*n_seen)++] = key;
			/* A match's subnets stay in force for all that follows on this listener. */
			if (m->destination_subnets.n) {
				b->cidrs = m->destination_subnets.v;
				b->n_cidrs = m->destination_subnets.n;
			}
			c = add_chain(b, m->sni_hosts.v, m->sni_hosts.n);
			name_source(b, c, src);
			fill(b, c, src, t->route.v, t->route.n);
		}
	}
}

/* The service's own names as SNI, where the bind does not tell it apart already. */
static void add_default_tls(struct tcp_build *b)
{
	struct run *r = b->o->r;
	const char *vip = service_vip(r, b->s);
	bool none =
		str_empty(vip) || strchr(vip, '/') || str_eq(vip, "0.0.0.0") || str_eq(vip, "::");
	uint32_t n_aliases, n = 0;
	const struct service_alias *aliases;
	const char **names;
	Listener__FilterChain *c;

	if (!b->n_cidrs && !service_is_dynamic(b->s) && !(none && b->o->wildcard)) {
		c = add_chain(b, NULL, 0);
	} else {
		aliases = service_aliases(r, b->s, &n_aliases);
		names = arena_array(b->o->a, const char *, n_aliases + 1);
		names[n++] = b->s->host;
		for (uint32_t i = 0; i < n_aliases; i++)
			names[n++] = aliases[i].host;
		c = add_chain(b, names, n);
	}
	fill(b, c, NULL, NULL, 0);
}

static void tls_chains(struct tcp_build *b)
{
	struct run *r = b->o->r;
	uint32_t n, n_seen = 0, before = *b->n;
	const char *seen[SEEN_MAX];
	const struct route_source *v =
		virtual_services_for(r, run_key(r, b->s->host), b->o->wrapper->index, &n);

	for (uint32_t i = 0; i < n; i++)
		add_tls_routes(b, &v[i], seen, &n_seen);
	if (*b->n == before)
		add_default_tls(b);
}

/* ---- TCP ---- */

/* True: a route without subnets took everything. */
static bool add_tcp_route(struct tcp_build *b, const struct route_source *src,
			  const struct tcp_route *t)
{
	const char **subnets = NULL;
	uint32_t n = 0, cap = 0;
	bool terminal = !t->match.n;
	struct tcp_build own = *b;
	Listener__FilterChain *c;

	if (!t->route.n)
		return false;
	for (uint32_t i = 0; i < t->match.n && !terminal; i++) {
		const struct l4_match_attributes *m = &t->match.v[i];

		if (!holds(b, &m->gateways, &m->source_labels, &m->port, m->source_namespace))
			continue;
		terminal = !m->destination_subnets.n || !b->o->port;
		for (uint32_t j = 0; j < m->destination_subnets.n; j++)
			*ARENA_PUSH(b->o->a, subnets, n, cap) = m->destination_subnets.v[j];
	}
	if (terminal) {
		c = add_chain(b, NULL, 0);
		name_source(b, c, src);
		fill(b, c, src, t->route.v, t->route.n);
	} else if (n) {
		own.cidrs = subnets;
		own.n_cidrs = n;
		c = add_chain(&own, NULL, 0);
		fill(&own, c, src, t->route.v, t->route.n);
	}
	return terminal;
}

static void tcp_chains(struct tcp_build *b)
{
	struct run *r = b->o->r;
	uint32_t n;
	const struct route_source *v =
		virtual_services_for(r, run_key(r, b->s->host), b->o->wrapper->index, &n);

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < v[i].spec->tcp.n; j++)
			if (add_tcp_route(b, &v[i], &v[i].spec->tcp.v[j]))
				return;
	fill(b, add_chain(b, NULL, 0), NULL, NULL, 0);
}

void outbound_tcp_chains(struct outbound *o, const struct service *s, enum protocol listen,
			 const char *const *cidrs, uint32_t n_cidrs, Listener__FilterChain ***v,
			 uint32_t *n, uint32_t *cap)
{
	struct tcp_build b = { o, s, listen, cidrs, n_cidrs, v, n, cap };

	if (protocol_is_tls(listen))
		tls_chains(&b);
	else
		tcp_chains(&b);
}
