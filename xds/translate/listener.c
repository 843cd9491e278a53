/* Outbound listeners: which chains come together on one bind and port, and what follows from them. */
#include "translate/listener.h"
#include "base/ip.h"
#include "model/mesh.h"
#include "model/options.h"
#include "translate/names.h"
#include "types.h"
#include <stdio.h>
#include <string.h>

bool wrapper_binds(struct run *r, const struct wrapper *w)
{
	return w->capture_none || (w->bind && str_starts(w->bind, "unix://")) ||
	       ask(r, ASK_MODE, 0) == MODE_NONE;
}

bool port_is_reserved(struct run *r, uint16_t port)
{
	static const struct {
		enum proxy_meta meta;
		uint16_t otherwise;
	} own[] = {
		{ META_ENVOY_STATUS_PORT, 15021 },
		{ META_ENVOY_PROMETHEUS_PORT, 15090 },
		{ META_ENVOY_SECURE_METRICS_PORT, 0 },
		{ META_ENVOY_SECURE_MERGED_METRICS_PORT, 0 },
	};

	if (port == mesh_get(r, proxy_listen_port).v ||
	    port == mesh_get(r, proxy_inbound_listen_port).v)
		return true;
	/* Questions only where a port could be one of them. */
	if (port < 15000 || port > 15200)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		uint32_t key = ask(r, ASK_META, own[i].meta);
		char number[8];

		snprintf(number, sizeof number, "%u", port);
		if (key ? str_eq(run_text(r, key), number) : own[i].otherwise == port)
			return true;
	}
	return false;
}

Google__UInt32Value *accept_limit(struct run *r)
{
	int64_t n = FEATURE(max_connections_per_event_loop);

	return n > 0 ? pb_u32(run_arena(r), (uint32_t)n) : NULL;
}

Listener__ListenerFilter *listener_filter(struct arena *a, const char *name, Google__Any *config)
{
	return PB_NEW(a, Listener__ListenerFilter, .name = name,
		      .config_type_case = LISTENER__LISTENER_FILTER__CONFIG_TYPE_TYPED_CONFIG,
		      .typed_config = config);
}

void catch_all_add(struct run *r, Listener__FilterChain *chain)
{
	struct outbound_policy p = scope_outbound_policy(r);
	const char *cluster = PASSTHROUGH_CLUSTER;

	if (p.mode == POLICY_REGISTRY_ONLY)
		cluster = BLACK_HOLE_CLUSTER;
	else if (p.egress_proxy)
		cluster = cluster_name(
			run_arena(r),
			p.egress_proxy->port ? (uint16_t)p.egress_proxy->port->number.v : 0,
			p.egress_proxy->subset, p.egress_proxy->host);
	tcp_chain_simple(r, CHAIN_OUTBOUND, cluster, true, chain);
}

Listener__FilterChain *passthrough_chain(struct run *r)
{
	struct arena *a = run_arena(r);
	Listener__FilterChain *c =
		PB_NEW(a, Listener__FilterChain, .name = "PassthroughFilterChain",
		       .filter_chain_match = PB_NEW(a, Listener__FilterChainMatch));

	catch_all_add(r, c);
	return c;
}

/* ---- sharing ---- */

void outbound_init(struct outbound *o, struct run *r, const struct wrapper *w, const char *bind,
		   uint16_t port)
{
	*o = (struct outbound){ .r = r,
				.a = run_arena(r),
				.wrapper = w,
				.bind = bind,
				.port = port,
				.held = PROTOCOL_UDP,
				.first = PROTOCOL_UDP };
	o->real_bind = wrapper_binds(r, w);
	o->wildcard = str_eq(bind, wildcard_address(r));
}

static bool same_strings(const char *const *a, size_t na, const char *const *b, size_t nb)
{
	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++)
		if (!str_eq(a[i], b[i]))
			return false;
	return true;
}

static bool same_ranges(const Listener__FilterChainMatch *a, const Listener__FilterChainMatch *b)
{
	if (a->n_prefix_ranges != b->n_prefix_ranges)
		return false;
	for (size_t i = 0; i < a->n_prefix_ranges; i++)
		if (!str_eq(a->prefix_ranges[i]->address_prefix,
			    b->prefix_ranges[i]->address_prefix) ||
		    a->prefix_ranges[i]->prefix_len->value !=
			    b->prefix_ranges[i]->prefix_len->value)
			return false;
	return true;
}

static bool conflicts(const Listener__FilterChain *x, const Listener__FilterChain *y)
{
	static const Listener__FilterChainMatch none = LISTENER__FILTER_CHAIN_MATCH__INIT;
	const Listener__FilterChainMatch *a = x->filter_chain_match ? x->filter_chain_match : &none;
	const Listener__FilterChainMatch *b = y->filter_chain_match ? y->filter_chain_match : &none;

	return str_eq(str_or(a->transport_protocol, ""), str_or(b->transport_protocol, "")) &&
	       same_strings(a->application_protocols, a->n_application_protocols,
			    b->application_protocols, b->n_application_protocols) &&
	       same_strings(a->server_names, a->n_server_names, b->server_names,
			    b->n_server_names) &&
	       same_ranges(a, b);
}

static void merge(struct outbound *o, Listener__FilterChain *const *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		bool taken = false;

		for (uint32_t j = 0; j < o->n_chains && !taken; j++)
			taken = conflicts(o->chains[j], v[i]);
		if (!taken)
			*ARENA_PUSH(o->a, o->chains, o->n_chains, o->c_chains) = v[i];
	}
}

static Listener__FilterChain *http_chain(struct outbound *o, const struct service *s,
					 enum protocol p)
{
	Listener__FilterChain *c = PB_NEW(o->a, Listener__FilterChain);
	struct chain_context cx = {
		.kind = CHAIN_OUTBOUND,
		.protocol = p,
		.dynamic_host = service_is_dynamic(s) ? s->host : NULL,
		.stat_prefix =
			stat_delimited(o->a, arena_printf(o->a, "outbound_%s",
							  listener_name(o->a, o->bind, o->port))),
	};

	if (!o->port)
		cx.rds = o->bind;
	else if (p == PROTOCOL_AUTO && !o->wildcard)
		cx.rds = arena_printf(o->a, "%s:%u", s->host, o->port);
	else
		cx.rds = arena_printf(o->a, "%u", o->port);
	if (o->wildcard || p == PROTOCOL_AUTO) {
		c->filter_chain_match = PB_NEW(o->a, Listener__FilterChainMatch,
					       .transport_protocol = "raw_buffer");
		PB_PUSH(o->a, c->filter_chain_match, application_protocols, "http/1.1");
		PB_PUSH(o->a, c->filter_chain_match, application_protocols, "h2c");
	}
	PB_PUSH(o->a, c, filters, hcm_make(o->r, &cx));
	return c;
}

static enum protocol class_of(enum protocol p)
{
	return protocol_is_http(p)  ? PROTOCOL_HTTP
	       : p == PROTOCOL_AUTO ? PROTOCOL_AUTO
				    : PROTOCOL_TCP;
}

static void start_over(struct outbound *o)
{
	o->n_chains = 0;
	o->held = PROTOCOL_UDP;
}

/* The conflict table of 4.8: what is in the listener against what comes. */
void outbound_add(struct outbound *o, const struct service *s, enum protocol listen,
		  const char *const *cidrs, uint32_t n_cidrs)
{
	enum protocol in = class_of(listen);
	Listener__FilterChain **tcp = NULL, *http;
	uint32_t n = 0, cap = 0;
	bool empty = o->held == PROTOCOL_UDP;

	if (!empty &&
	    (o->first == PROTOCOL_MONGO || o->first == PROTOCOL_MYSQL || listen == PROTOCOL_MONGO ||
	     listen == PROTOCOL_MYSQL) &&
	    o->first != listen)
		return;
	if (!empty && listen == PROTOCOL_HTTP_PROXY) {
		start_over(o);
		empty = true;
	}
	if (in == PROTOCOL_HTTP) {
		if (!empty && o->held != PROTOCOL_TCP)
			return;
		http = http_chain(o, s, listen);
		merge(o, &http, 1);
		o->held = empty && !o->wildcard ? PROTOCOL_HTTP : PROTOCOL_AUTO;
	} else {
		bool had_http = o->held == PROTOCOL_HTTP || o->held == PROTOCOL_AUTO;

		if (in == PROTOCOL_AUTO && o->held == PROTOCOL_HTTP) {
			start_over(o);
			empty = true;
			had_http = false;
		}
		outbound_tcp_chains(o, s, listen, cidrs, n_cidrs, &tcp, &n, &cap);
		merge(o, tcp, n);
		if (in == PROTOCOL_AUTO && !had_http) {
			http = http_chain(o, s, listen);
			merge(o, &http, 1);
		}
		o->held = empty && in == PROTOCOL_TCP ? PROTOCOL_TCP : PROTOCOL_AUTO;
	}
	if (empty)
		o->first = listen;
}

/* ---- the message ---- */

static bool is_match_all(const Listener__FilterChain *c)
{
	const Listener__FilterChainMatch *m = c->filter_chain_match;

	return !m || (!m->n_server_names && !m->n_application_protocols &&
		      str_empty(m->transport_protocol) && !m->n_prefix_ranges);
}

static void add_inspectors(struct outbound *o, Listener__Listener *l)
{
	bool tls = false, http = false;

	for (uint32_t i = 0; i < o->n_chains; i++) {
		const Listener__FilterChainMatch *m = o->chains[i]->filter_chain_match;

		tls |= m && m->n_server_names;
		http |= m && m->n_application_protocols;
		/* Without a server name to match, one may be looked up all the same. */
		for (size_t j = 0; j < o->chains[i]->n_filters; j++)
			tls |= str_eq(o->chains[i]->filters[j]->name, SNI_FORWARD_PROXY);
	}
	if (tls)
		PB_PUSH(o->a, l, listener_filters,
			listener_filter(o->a, "envoy.filters.listener.tls_inspector",
					PB_ANY(o->a, PB_NEW(o->a, TlsInspector__TlsInspector,
							    .initial_read_buffer_size =
								    pb_u32(o->a, 512)))));
	if (http)
		PB_PUSH(o->a, l, listener_filters,
			listener_filter(o->a, "envoy.filters.listener.http_inspector",
					PB_ANY(o->a, PB_NEW(o->a, HttpInspector__HttpInspector))));
	l->listener_filters_timeout =
		pb_duration(o->a, http ? mesh_get(o->r, protocol_detection_timeout).v : 0);
}

static void add_chains(struct outbound *o, Listener__Listener *l)
{
	int64_t timeout = FEATURE(transport_connect_timeout_ns);
	Listener__FilterChain *all = NULL;

	for (uint32_t i = 0; i < o->n_chains; i++) {
		Listener__FilterChain *c = o->chains[i];

		if (timeout > 0)
			c->transport_socket_connect_timeout = pb_duration(o->a, timeout);
		if (is_match_all(c) && !all) {
			c->filter_chain_match = NULL;
			all = c;
		} else {
			PB_PUSH(o->a, l, filter_chains, c);
		}
	}
	if (all && !l->n_filter_chains)
		PB_PUSH(o->a, l, filter_chains, all);
	else
		l->default_filter_chain = all ? all : passthrough_chain(o->r);
}

void outbound_emit(struct outbound *o)
{
	Listener__Listener *l;

	if (!o->n_chains)
		return;
	l = PB_NEW(o->a, Listener__Listener, .name = listener_name(o->a, o->bind, o->port),
		   .address = address_of(o->a, o->bind, o->port),
		   .traffic_direction = CORE__TRAFFIC_DIRECTION__OUTBOUND,
		   .continue_on_listener_filters_timeout = true);
	if (o->wildcard && o->port && ask_is(o->r, ASK_HAS_V4, 0) && ask_is(o->r, ASK_HAS_V6, 0))
		PB_PUSH(o->a, l, additional_addresses,
			PB_NEW(o->a, Listener__AdditionalAddress,
			       .address = address_of(o->a, "::", o->port)));
	if (!o->real_bind)
		l->bind_to_port = pb_bool(o->a, false);
	else
		l->max_connections_to_accept_per_socket_event = accept_limit(o->r);
	if (ask_is(o->r, ASK_FLAG, FLAG_OUTBOUND_EXACT_BALANCE))
		l->connection_balance_config = PB_NEW(
			o->a, Listener__Listener__ConnectionBalanceConfig,
			.balance_type_case =
				LISTENER__LISTENER__CONNECTION_BALANCE_CONFIG__BALANCE_TYPE_EXACT_BALANCE,
			.exact_balance = PB_NEW(
				o->a, Listener__Listener__ConnectionBalanceConfig__ExactBalance));
	add_inspectors(o, l);
	add_chains(o, l);
	emit_resource(o->r, l->name, &l->base);
}
