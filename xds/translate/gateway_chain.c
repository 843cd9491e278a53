/* Filter chains of gateways (translation.md 6.3): a connection manager for what speaks HTTP, a TCP proxy by the tcp and tls
 * routes of VirtualServices for the rest, and for AUTO_PASSTHROUGH one to each cluster by its name. Chains are encoded as
 * field 3 of Listener, so that listeners are concatenations.
 */
#include "base/map.h"
#include "model/destination_rule.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/scope.h"
#include "translate/gateway.h"
#include "translate/hcm.h"
#include "translate/names.h"
#include "translate/queries.h"
#include "translate/tls.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

enum { LISTENER_FILTER_CHAINS = 3 };

static void emit_chain(struct run *r, Listener__FilterChain *c)
{
	int64_t timeout = FEATURE(transport_connect_timeout_ns);

	if (timeout > 0)
		c->transport_socket_connect_timeout = pb_duration(run_arena(r), timeout);
	emit_field(r, LISTENER_FILTER_CHAINS, &c->base);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names that clients give; "*" among them is everything. */
static void match_names(struct arena *a, Listener__FilterChain *c, const struct str_list *names)
{
	for (uint32_t i = 0; i < names->n; i++)
		if (str_eq(names->v[i], "*"))
			return;
	if (!names->n)
		return;
	if (!c->filter_chain_match)
		c->filter_chain_match = PB_NEW(a, Listener__FilterChainMatch);
	for (uint32_t i = 0; i < names->n; i++)
		PB_PUSH(a, c->filter_chain_match, server_names, names->v[i]);
	qsort(c->filter_chain_match->server_names, names->n, sizeof names->v[0], by_text);
}

static void set_tls(struct run *r, Listener__FilterChain *c, const struct gateway_server *s,
		    bool quic)
{
	struct arena *a = run_arena(r);
	Tls__DownstreamTlsContext *tls = gateway_tls_context(r, s, quic);
	Quic__QuicDownstreamTransport *transport;

	if (!tls)
		return;
	if (!quic) {
		c->transport_socket = tls_downstream_socket(a, tls);
		return;
	}
	transport = PB_NEW(a, Quic__QuicDownstreamTransport, .downstream_tls_context = tls);
	c->transport_socket =
		PB_NEW(a, Core__TransportSocket, .name = "envoy.transport_sockets.quic",
		       .config_type_case = CORE__TRANSPORT_SOCKET__CONFIG_TYPE_TYPED_CONFIG,
		       .typed_config = PB_ANY(a, transport));
}

/* ---- HTTP ---- */

enum { HCM_HTTP3 = 256 };

/* [protocol + 1, with HCM_HTTP3] */
void gateway_hcm_run(struct run *r, uint32_t key)
{
	ProtobufCBinaryData b =
		hcm_common(r, (enum protocol)((key & (HCM_HTTP3 - 1)) - 1), key & HCM_HTTP3);

	run_emit(r, b.data, b.len);
}

static Listener__FilterChain *http_chain(struct run *r, const struct gateway_server *s,
					 const char *listener, const char *rds)
{
	struct arena *a = run_arena(r);
	Listener__FilterChain *c = PB_NEW(a, Listener__FilterChain);
	bool quic = str_starts(listener, "udp_");
	const struct result *common =
		call_query(r, Q_GW_HCM, ((uint32_t)s->protocol + 1) | (quic ? HCM_HTTP3 : 0));
	const char *stat_prefix = NULL;

	if (gateway_server_is_https(s)) {
		struct str_list names = gateway_server_names(s, a);

		match_names(a, c, &names);
		set_tls(r, c, s, quic);
		stat_prefix = s->server->name;
	}
	if (str_empty(stat_prefix))
		stat_prefix = stat_delimited(a, arena_printf(a, "outbound_%s", listener));
	PB_PUSH(a, c, filters, hcm_complete(r, stat_prefix, rds, common->bytes, common->n));
	return c;
}

/* ---- TCP ---- */

static bool any_overlaps(const struct str_list *a, const struct str_list *b)
{
	for (uint32_t i = 0; i < a->n; i++)
		for (uint32_t j = 0; j < b->n; j++)
			if (host_matches(a->v[i], b->v[j]))
				return true;
	return false;
}

/* Is the VirtualService bound to one of the server's hosts? */
static bool concerns(struct run *r, const struct gateway_server *s, const struct gateway_source *vs)
{
	struct str_list hosts = gateway_hosts_for(s, vs->ns, run_arena(r));

	return any_overlaps(&hosts, &vs->hosts);
}

/* The predicates that gateways honour; subnets and source labels are not among them. */
static bool holds(const struct gateway_server *s, const struct opt_int *port,
		  const struct str_list *gateways)
{
	if (port->set && port->v && port->v != s->port)
		return false;
	for (uint32_t i = 0; i < gateways->n; i++)
		if (str_eq(gateways->v[i], s->gateway))
			return true;
	return !gateways->n;
}

static bool any_holds(const struct gateway_server *s, const struct tcp_route *t)
{
	for (uint32_t i = 0; i < t->match.n; i++)
		if (holds(s, &t->match.v[i].port, &t->match.v[i].gateways))
			return true;
	return !t->match.n;
}

static void fill(struct run *r, const struct gateway_server *s, const struct route_source *src,
		 const struct route_destination *routes, uint32_t n, Listener__FilterChain *c)
{
	const char *host = routes[0].destination ? routes[0].destination->host : NULL;
	uint32_t key = host ? run_key(r, host) : 0, ns = key ? scope_host_ns(r, key) : 0;
	struct service_port_model port = { .name = s->server->port->name,
					   .number = s->port,
					   .protocol = s->protocol };
	struct tcp_target t = {
		.routes = routes,
		.n_routes = n,
		.source = src,
		.service = ns ? service_read(r, ns, key) : NULL,
		.listen_port = s->port,
		.protocol = s->protocol,
		.kind = CHAIN_GATEWAY,
		.stat_port = &port,
		.exchange = s->server->tls &&
			    s->server->tls->mode == SERVER_TLS_SETTINGS_MODE_ISTIO_MUTUAL,
	};

	tcp_chain_outbound(r, &t, c);
}

/* Routes of the Gateway API for TLS that is ended here stand in the tls block. */
static bool is_tls_route(const struct route_source *src)
{
	const char *parents =
		str_map_get(&src->object->meta->annotations, "internal.istio.io/parents");

	return parents && str_starts(parents, "TLSRoute/");
}

static bool fill_by_source(struct run *r, const struct gateway_server *s,
			   const struct route_source *src, Listener__FilterChain *c)
{
	const struct virtual_service_spec *spec = src->spec;

	for (uint32_t i = 0; i < spec->tcp.n; i++) {
		const struct tcp_route *t = &spec->tcp.v[i];

		if (t->route.n && any_holds(s, t)) {
			fill(r, s, src, t->route.v, t->route.n, c);
			return true;
		}
	}
	for (uint32_t i = 0; is_tls_route(src) && i < spec->tls.n; i++) {
		const struct tls_route *t = &spec->tls.v[i];

		for (uint32_t j = 0; t->route.n && j < t->match.n; j++)
			if (holds(s, &t->match.v[j].port, &t->match.v[j].gateways)) {
				fill(r, s, src, t->route.v, t->route.n, c);
				return true;
			}
	}
	return false;
}

/* The first route that holds, of the first VirtualService that has one; NULL: none. */
static Listener__FilterChain *tcp_chain(struct run *r, const struct gateway_server *s)
{
	struct arena *a = run_arena(r);
	Listener__FilterChain *c = PB_NEW(a, Listener__FilterChain);
	struct str_list names;
	uint32_t n;
	const struct gateway_source *vs = gateway_sources(r, s, &n);
	bool found = false;

	for (uint32_t i = 0; i < n && !found; i++) {
		const struct route_source *src =
			concerns(r, s, &vs[i]) ? gateway_source_read(r, vs[i].key) : NULL;

		found = src && fill_by_source(r, s, src, c);
	}
	if (!found)
		return NULL;
	if (s->server->tls) {
		names = gateway_server_names(s, a);
		match_names(a, c, &names);
		set_tls(r, c, s, false);
	}
	return c;
}

/* [pair(server, pair(listener, route))] */
void gateway_chain_run(struct run *r, uint32_t key)
{
	struct keys *k = run_keys(r);
	uint32_t where = key_second(k, key), route = key_second(k, where);
	const char *listener = run_text(r, key_first(k, where));
	struct gateway_server s;
	Listener__FilterChain *c;

	if (!gateway_server_read(r, key_first(k, key), &s))
		return;
	c = protocol_is_http(s.protocol) || gateway_server_is_https(&s)
		    ? http_chain(r, &s, listener, run_text(r, route))
		    : tcp_chain(r, &s);
	if (c)
		emit_chain(r, c);
}

/* ---- PASSTHROUGH ---- */

/* Two chains of one name would be refused. */
static bool take_names(struct map *taken, struct arena *a, const char *bind,
		       const struct str_list *names)
{
	for (uint32_t i = 0; i < names->n; i++) {
		const char *by = map_get(taken, names->v[i]);

		if (by && str_eq(by, bind))
			return false;
	}
	for (uint32_t i = 0; i < names->n; i++)
		map_set(taken, names->v[i], arena_strdup(a, bind));
	return true;
}

static void refuse(struct run *r, const struct route_source *src)
{
	struct diag *d = run_diag(r);
	char title[OBJECT_TITLE];

	d->object = object_title(src->object, title);
	diag_warn(d, src->object->place, "spec.tls",
		  "a match is left out: another one of the port has one of its sniHosts");
	d->object = NULL;
}

static void add_sni_source(struct run *r, const struct gateway_server *s,
			   const struct route_source *src, struct map *taken)
{
	struct arena *a = run_arena(r);

	for (uint32_t i = 0; i < src->spec->tls.n; i++) {
		const struct tls_route *t = &src->spec->tls.v[i];

		for (uint32_t j = 0; t->route.n && j < t->match.n; j++) {
			const struct tls_match_attributes *m = &t->match.v[j];
			Listener__FilterChain *c;

			if (!holds(s, &m->port, &m->gateways))
				continue;
			if (!take_names(taken, a, str_or(s->server->bind, ""), &m->sni_hosts)) {
				refuse(r, src);
				continue;
			}
			c = PB_NEW(a, Listener__FilterChain);
			match_names(a, c, &m->sni_hosts);
			fill(r, s, src, t->route.v, t->route.n, c);
			emit_chain(r, c);
		}
	}
}

/* [name of the listener] All PASSTHROUGH servers of a listener: the names of their routes must differ. */
void gateway_sni_chains_run(struct run *r, uint32_t name)
{
	struct gateway_table t = gateways_of_proxy(r);
	struct map taken = MAP_INIT;

	for (uint32_t i = 0; i < t.n_places; i++) {
		const struct gateway_place *at = &t.places[i];
		struct gateway_server s;
		uint32_t n;
		const struct gateway_source *vs;

		if (at->flags & PLACE_SNI ||
		    !str_eq(gateway_listener_name(r, &t.entries[at->entry], false),
			    run_text(r, name)) ||
		    !gateway_server_read(r, at->server, &s) || !gateway_server_passes_tls(&s) ||
		    protocol_is_http(s.protocol))
			continue;
		vs = gateway_sources(r, &s, &n);
		for (uint32_t j = 0; j < n; j++) {
			const struct route_source *src =
				concerns(r, &s, &vs[j]) ? gateway_source_read(r, vs[j].key) : NULL;

			if (src)
				add_sni_source(r, &s, src, &taken);
		}
	}
	map_fini(&taken);
}

/* ---- AUTO_PASSTHROUGH ---- */

static void add_auto_chain(struct run *r, const struct service *s,
			   const struct service_port_model *p, const char *subset)
{
	static const char *const alpn[] = { "istio", "istio-peer-exchange", "istio-http/1.0",
					    "istio-http/1.1", "istio-h2" };
	struct arena *a = run_arena(r);
	Listener__FilterChain *c =
		PB_NEW(a, Listener__FilterChain,
		       .filter_chain_match = PB_NEW(a, Listener__FilterChainMatch));
	struct tcp_target t = {
		.service = s,
		.listen_port = p->number,
		.protocol = p->protocol,
		.kind = CHAIN_GATEWAY,
		.stat_port = p,
		.cluster = cluster_sni(a, p->number, subset, s->host),
		.subset = subset,
	};

	for (size_t i = 0; i < ARRAY_LEN(alpn); i++)
		PB_PUSH(a, c->filter_chain_match, application_protocols, alpn[i]);
	PB_PUSH(a, c->filter_chain_match, server_names, t.cluster);
	tcp_chain_outbound(r, &t, c);
	emit_chain(r, c);
}

static bool is_named(const char *host, const struct str_list *names)
{
	for (uint32_t i = 0; i < names->n; i++)
		if (host_subset_of(host, names->v[i]))
			return true;
	return false;
}

static void add_auto_service(struct run *r, const struct service *s)
{
	const struct applied_rule *rule = destination_rule_for(r, s, true);

	for (uint32_t i = 0; i < s->n_ports; i++) {
		if (s->ports[i].protocol == PROTOCOL_UDP)
			continue;
		add_auto_chain(r, s, &s->ports[i], NULL);
		for (uint32_t j = 0; rule && j < rule->n_subsets; j++)
			if (!str_empty(rule->subsets[j]->name) &&
			    subset_find(rule, rule->subsets[j]->name) == rule->subsets[j])
				add_auto_chain(r, s, &s->ports[i], rule->subsets[j]->name);
	}
}

/* [pair(ns, server)] */
void gateway_auto_chains_run(struct run *r, uint32_t key)
{
	uint32_t ns = key_first(run_keys(r), key);
	struct heads heads = scope_visible(r, ns, 0);
	struct gateway_server server;
	struct str_list names;

	if (!gateway_server_read(r, key_second(run_keys(r), key), &server))
		return;
	names = gateway_server_names(&server, run_arena(r));
	for (uint32_t i = 0; i < heads.n; i++) {
		const struct service_head *h = &heads.v[i];
		const struct service *s;

		if (h->flags & (HEAD_EXTERNAL | HEAD_ALIAS) ||
		    !is_named(run_text(r, h->host), &names))
			continue;
		s = service_read(r, ns, h->host);
		if (s)
			add_auto_service(r, s);
	}
}
