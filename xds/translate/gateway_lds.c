/* Listeners of routers (translation.md 6.3): one for each address and port of the merged Gateways. A listener is put
 * together from pieces, a chain for each server, so that an edit of one of a thousand Gateways makes one chain anew.
 */
#include "model/options.h"
#include "model/proxy.h"
#include "model/scope.h"
#include "snapshot/resource.h"
#include "translate/gateway.h"
#include "translate/limits.h"
#include "translate/listener.h"
#include "translate/names.h"
#include "translate/queries.h"
#include "types.h"
#include "world/world.h"
#include <string.h>

#define QUIC "udp_"

const char *gateway_listener_name(struct run *r, const struct gateway_entry *e, bool quic)
{
	const char *bind = e->bind == KEY_EMPTY ? wildcard_address(r) : run_text(r, e->bind);

	return arena_printf(run_arena(r), "%s%s_%u", quic ? QUIC : "", bind, e->port);
}

uint32_t gateway_chain_key(struct run *r, uint32_t server, uint32_t listener, uint32_t route)
{
	return run_pair(r, server, run_pair(r, listener, route ? route : KEY_EMPTY));
}

/* ---- the root ---- */

bool gateway_may_bind(struct run *r, const struct gateway_entry *e)
{
	return e->port >= 1024 || !ask_is(r, ASK_FLAG, FLAG_UNPRIVILEGED);
}

static bool has_http3(const struct gateway_table *t, uint32_t entry)
{
	for (uint32_t i = 0; i < t->n_places; i++)
		if (t->places[i].entry == entry && t->places[i].flags & PLACE_HTTP3)
			return true;
	return false;
}

void gateway_lds_add(struct run *r)
{
	struct gateway_table t = gateways_of_proxy(r);

	for (uint32_t i = 0; i < t.n_entries; i++) {
		const struct gateway_entry *e = &t.entries[i];

		if (!gateway_may_bind(r, e))
			continue;
		list_add(r, Q_GW_LISTENER, run_key(r, gateway_listener_name(r, e, false)));
		if (FEATURE(quic_listeners) && has_http3(&t, i))
			list_add(r, Q_GW_LISTENER, run_key(r, gateway_listener_name(r, e, true)));
	}
}

/* ---- one listener ---- */

struct piece {
	unsigned query;
	uint32_t key;
};

struct pieces {
	struct run *r;
	uint32_t name; /* of the listener */
	struct gateway_table table;
	struct piece *v;
	uint32_t n;
	size_t cap;
	bool any;    /* there is a chain */
	bool by_tls; /* one of them is chosen by what the client says first */
	bool has_sni_piece;
};

static void add_piece(struct pieces *p, unsigned query, uint32_t key)
{
	*ARENA_PUSH(run_arena(p->r), p->v, p->n, p->cap) = (struct piece){ query, key };
}

/* Of AUTO_PASSTHROUGH: the chains of each namespace. */
static void add_auto(struct pieces *p, uint32_t server)
{
	struct run *r = p->r;
	bool all, any = false;
	uint32_t n;
	const uint32_t *ns = scope_namespaces(r, &n, &all);

	if (all) {
		const struct keyset *set = read_keyset(r, CELL_SVC_NS);

		ns = set->v;
		n = set->n;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t key = run_pair(r, ns[i], server);

		any = any || call_query(r, Q_GW_AUTO_CHAINS, key)->n;
		add_piece(p, Q_GW_AUTO_CHAINS, key);
	}
	p->any = p->any || any;
	p->by_tls = p->by_tls || any;
}

/* What is made of a server that speaks no HTTP shows only when it is made. */
static void add_tcp(struct pieces *p, const struct gateway_place *at)
{
	struct run *r = p->r;
	struct gateway_server s;
	uint32_t key;
	bool any;

	if (!gateway_server_read(r, at->server, &s))
		return;
	if (gateway_server_passes_tls(&s)) {
		if (p->has_sni_piece)
			return;
		p->has_sni_piece = true;
		any = call_query(r, Q_GW_SNI_CHAINS, p->name)->n;
		add_piece(p, Q_GW_SNI_CHAINS, p->name);
	} else {
		key = gateway_chain_key(r, at->server, p->name, at->route);
		any = call_query(r, Q_GW_CHAIN, key)->n;
		add_piece(p, Q_GW_CHAIN, key);
	}
	p->any = p->any || any;
	p->by_tls = p->by_tls || (any && s.server->tls);
}

static void add_server(struct pieces *p, const struct gateway_place *at)
{
	if (at->flags & PLACE_SNI) {
		add_auto(p, at->server);
	} else if (at->flags & PLACE_HTTPS) {
		add_piece(p, Q_GW_CHAIN, gateway_chain_key(p->r, at->server, p->name, at->route));
		p->any = p->by_tls = true;
	} else {
		add_tcp(p, at);
	}
}

static void add_entry(struct pieces *p, uint32_t entry, bool quic)
{
	const struct gateway_entry *e = &p->table.entries[entry];

	for (uint32_t i = 0; i < p->table.n_places; i++) {
		const struct gateway_place *at = &p->table.places[i];

		if (at->entry != entry || (quic && !(at->flags & PLACE_HTTP3)))
			continue;
		if (protocol_is_http((enum protocol)e->protocol)) {
			/* One chain for all of them. */
			add_piece(p, Q_GW_CHAIN,
				  gateway_chain_key(p->r, at->server, p->name, e->route));
			p->any = true;
			return;
		}
		add_server(p, at);
	}
}

static void add_listener_filters(struct run *r, const struct pieces *p, Listener__Listener *l)
{
	struct arena *a = run_arena(r);
	const struct topology *t = proxy_config_of(r)->gateway_topology;

	if (t && t->proxy_protocol)
		PB_PUSH(a, l, listener_filters,
			listener_filter(a, "envoy.filters.listener.proxy_protocol",
					PB_ANY(a, PB_NEW(a, ProxyProtocol__ProxyProtocol))));
	if (p->by_tls)
		PB_PUSH(a, l, listener_filters,
			listener_filter(
				a, "envoy.filters.listener.tls_inspector",
				PB_ANY(a, PB_NEW(a, TlsInspector__TlsInspector,
						 .initial_read_buffer_size = pb_u32(a, 512)))));
}

static Listener__Listener__ConnectionBalanceConfig *exact_balance(struct run *r)
{
	struct arena *a = run_arena(r);

	if (!ask_is(r, ASK_FLAG, FLAG_OUTBOUND_EXACT_BALANCE))
		return NULL;
	return PB_NEW(
		a, Listener__Listener__ConnectionBalanceConfig,
		.balance_type_case =
			LISTENER__LISTENER__CONNECTION_BALANCE_CONFIG__BALANCE_TYPE_EXACT_BALANCE,
		.exact_balance =
			PB_NEW(a, Listener__Listener__ConnectionBalanceConfig__ExactBalance));
}

static Core__Address *udp(Core__Address *a, bool quic)
{
	if (quic && a->address_case == CORE__ADDRESS__ADDRESS_SOCKET_ADDRESS)
		a->socket_address->protocol = CORE__SOCKET_ADDRESS__PROTOCOL__UDP;
	return a;
}

static void set_quic(struct arena *a, Listener__Listener *l)
{
	l->udp_listener_config =
		PB_NEW(a, Listener__UdpListenerConfig,
		       .downstream_socket_config = PB_NEW(a, Core__UdpSocketConfig),
		       .quic_options = PB_NEW(a, Listener__QuicProtocolOptions));
}

/* All but the chains. */
static void emit_head(struct run *r, const struct pieces *p, const struct gateway_entry *e,
		      bool quic)
{
	struct arena *a = run_arena(r);
	const char *bind = e->bind == KEY_EMPTY ? wildcard_address(r) : run_text(r, e->bind);
	Listener__Listener *l =
		PB_NEW(a, Listener__Listener, .name = run_text(r, p->name),
		       .address = udp(address_of(a, bind, e->port), quic),
		       .traffic_direction = CORE__TRAFFIC_DIRECTION__OUTBOUND,
		       .per_connection_buffer_limit_bytes = limits_listener_buffer(r),
		       .max_connections_to_accept_per_socket_event = accept_limit(r));
	ProtobufCBinaryData bytes;

	if (quic) {
		set_quic(a, l);
	} else {
		add_listener_filters(r, p, l);
		l->connection_balance_config = exact_balance(r);
	}
	if (FEATURE(dual_stack) && e->bind == KEY_EMPTY && ask_is(r, ASK_HAS_V4, 0) &&
	    ask_is(r, ASK_HAS_V6, 0))
		PB_PUSH(a, l, additional_addresses,
			PB_NEW(a, Listener__AdditionalAddress,
			       .address = udp(address_of(a, "::", e->port), quic)));
	l->access_log = filter_access_logs(r, CHAIN_GATEWAY, LOG_LISTENER, &l->n_access_log);
	bytes = PB_PACK(a, l);
	resource_head(r, l->name, bytes.data, bytes.len);
}

/* [name] CONCAT */
void gateway_listener_run(struct run *r, uint32_t name)
{
	struct pieces p = { .r = r, .name = name, .table = gateways_of_proxy(r) };
	const struct gateway_entry *first = NULL;
	bool quic = str_starts(run_text(r, name), QUIC);

	for (uint32_t i = 0; i < p.table.n_entries; i++) {
		const struct gateway_entry *e = &p.table.entries[i];

		if (!str_eq(gateway_listener_name(r, e, quic), run_text(r, name)))
			continue;
		first = first ? first : e;
		add_entry(&p, i, quic);
	}
	if (!p.any)
		return;
	emit_head(r, &p, first, quic);
	for (uint32_t i = 0; i < p.n; i++)
		list_add(r, p.v[i].query, p.v[i].key);
}
