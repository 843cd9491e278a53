/* virtualInbound: for each port of the workload, chains by the mode of mutual TLS and the protocol; and the inspectors that
 * these chains need (translation.md 4.3-4.7).
 */
#include "base/ip.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/scope.h"
#include "model/security.h"
#include "translate/lds.h"
#include "translate/listener.h"
#include "translate/names.h"
#include "translate/tls.h"
#include "types.h"
#include <stdlib.h>
#include <string.h>

/* What one port of the workload gets. */
struct inbound {
	uint16_t port;   /* target port; 0: all others */
	bool match_port; /* chains match on it */
	enum protocol protocol;
	enum mtls_mode mode;
	const char *chain_http, *chain_tcp; /* names */
	const char *cluster;
	const char *stat_prefix_http; /* with delimiter */
	const char *stat_prefix_tcp;
	uint16_t service_port;
	const char *service_host;
	const char *config; /* metadata.istio.config; NULL: none */
};

/* ---- the filter-chain matrix (4.4) ---- */

enum alpn { ALPN_NONE, ALPN_MESH_HTTP, ALPN_PLAIN_HTTP, ALPN_MESH_TCP, ALPN_MESH_ANY };
static const char *const alpn_lists[][6] = {
	[ALPN_NONE] = { NULL },
	[ALPN_MESH_HTTP] = { "istio-http/1.0", "istio-http/1.1", "istio-h2" },
	[ALPN_PLAIN_HTTP] = { "http/1.1", "h2c" },
	[ALPN_MESH_TCP] = { "istio-peer-exchange", "istio" },
	[ALPN_MESH_ANY] = { "istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1",
			    "istio-h2" },
};

enum port_class { CLASS_AUTO, CLASS_HTTP, CLASS_TCP };
static const struct row {
	enum mtls_mode mode;
	enum port_class class;
	bool http;
	enum alpn alpn;
	const char *transport;
	bool mtls;
} matrix[] = {
	{ MTLS_PERMISSIVE, CLASS_AUTO, true, ALPN_MESH_HTTP, "tls", true },
	{ MTLS_PERMISSIVE, CLASS_AUTO, true, ALPN_PLAIN_HTTP, "raw_buffer", false },
	{ MTLS_PERMISSIVE, CLASS_AUTO, false, ALPN_MESH_TCP, "tls", true },
	{ MTLS_PERMISSIVE, CLASS_AUTO, false, ALPN_NONE, "raw_buffer", false },
	{ MTLS_PERMISSIVE, CLASS_AUTO, false, ALPN_NONE, "tls", false },
	{ MTLS_PERMISSIVE, CLASS_HTTP, true, ALPN_MESH_ANY, "tls", true },
	{ MTLS_PERMISSIVE, CLASS_HTTP, true, ALPN_NONE, "raw_buffer", false },
	{ MTLS_PERMISSIVE, CLASS_TCP, false, ALPN_MESH_ANY, "tls", true },
	{ MTLS_PERMISSIVE, CLASS_TCP, false, ALPN_NONE, "tls", false },
	{ MTLS_PERMISSIVE, CLASS_TCP, false, ALPN_NONE, "raw_buffer", false },
	{ MTLS_STRICT, CLASS_AUTO, true, ALPN_MESH_HTTP, "tls", true },
	{ MTLS_STRICT, CLASS_AUTO, false, ALPN_NONE, "tls", true },
	{ MTLS_STRICT, CLASS_HTTP, true, ALPN_NONE, "tls", true },
	{ MTLS_STRICT, CLASS_TCP, false, ALPN_NONE, "tls", true },
	{ MTLS_DISABLE, CLASS_AUTO, true, ALPN_PLAIN_HTTP, "raw_buffer", false },
	{ MTLS_DISABLE, CLASS_AUTO, false, ALPN_NONE, "raw_buffer", false },
	{ MTLS_DISABLE, CLASS_HTTP, true, ALPN_NONE, "raw_buffer", false },
	{ MTLS_DISABLE, CLASS_TCP, false, ALPN_NONE, "raw_buffer", false },
};

static enum port_class class_of(enum protocol p)
{
	return protocol_is_http(p) ? CLASS_HTTP : p == PROTOCOL_AUTO ? CLASS_AUTO : CLASS_TCP;
}

static Listener__FilterChain *make_chain(struct run *r, const struct inbound *in,
					 const struct row *row)
{
	struct arena *a = run_arena(r);
	Listener__FilterChain *c = PB_NEW(a, Listener__FilterChain,
					  .name = row->http ? in->chain_http : in->chain_tcp);
	Listener__FilterChainMatch *m =
		PB_NEW(a, Listener__FilterChainMatch, .transport_protocol = row->transport);

	if (in->match_port)
		m->destination_port = pb_u32(a, in->port);
	if (row->alpn == ALPN_PLAIN_HTTP && FEATURE(http10))
		PB_PUSH(a, m, application_protocols, "http/1.0");
	for (size_t i = 0; i < ARRAY_LEN(alpn_lists[0]) && alpn_lists[row->alpn][i]; i++)
		PB_PUSH(a, m, application_protocols, alpn_lists[row->alpn][i]);
	c->filter_chain_match = m;
	if (row->mtls)
		c->transport_socket = tls_downstream_socket(a, tls_inbound(r, row->http));
	if (in->config)
		pb_struct_set_str(a, pb_filter_metadata(a, &c->metadata, "istio"), "config",
				  in->config);
	if (row->http) {
		struct chain_context cx = { .kind = CHAIN_INBOUND,
					    .protocol = in->protocol,
					    .stat_prefix = in->stat_prefix_http,
					    .cluster = in->cluster,
					    .service_port = in->service_port,
					    .service_host = in->service_host };
		Listener__Filter *mx = filter_metadata_exchange(r);

		if (mx)
			PB_PUSH(a, c, filters, mx);
		PB_PUSH(a, c, filters, hcm_make(r, &cx));
	} else {
		tcp_chain_inbound(r, in->cluster, in->stat_prefix_tcp, in->protocol, c);
	}
	return c;
}

static void add_chains(struct run *r, const struct inbound *in, Listener__Listener *l)
{
	enum mtls_mode mode = in->mode == MTLS_UNKNOWN ? MTLS_DISABLE : in->mode;

	for (size_t i = 0; i < ARRAY_LEN(matrix); i++)
		if (matrix[i].mode == mode && matrix[i].class == class_of(in->protocol))
			PB_PUSH(run_arena(r), l, filter_chains, make_chain(r, in, &matrix[i]));
}

/* ---- inspectors (4.6) ---- */

struct port_need {
	uint32_t port;
	bool tls, http;
};

static struct port_need *need_of(struct arena *a, struct port_need **v, uint32_t *n, uint32_t *cap,
				 uint32_t port)
{
	for (uint32_t i = 0; i < *n; i++)
		if ((*v)[i].port == port)
			return &(*v)[i];
	struct port_need *p = ARENA_PUSH(a, *v, *n, *cap);

	*p = (struct port_need){ .port = port };
	return p;
}

static int by_port(const void *a, const void *b)
{
	const struct port_need *x = a, *y = b;

	return (x->port > y->port) - (x->port < y->port);
}

static Listener__ListenerFilterChainMatchPredicate *port_rule(struct arena *a, uint32_t port)
{
	return PB_NEW(
		a, Listener__ListenerFilterChainMatchPredicate,
		.rule_case =
			LISTENER__LISTENER_FILTER_CHAIN_MATCH_PREDICATE__RULE_DESTINATION_PORT_RANGE,
		.destination_port_range = PB_NEW(a, Type__Int32Range, .start = (int32_t)port,
						 .end = (int32_t)port + 1));
}

/* Any of these ports; NULL: none. */
static Listener__ListenerFilterChainMatchPredicate *ports_rule(struct arena *a,
							       const uint32_t *ports, uint32_t n)
{
	Listener__ListenerFilterChainMatchPredicate__MatchSet *set;

	if (!n)
		return NULL;
	if (n == 1)
		return port_rule(a, ports[0]);
	set = PB_NEW(a, Listener__ListenerFilterChainMatchPredicate__MatchSet);
	for (uint32_t i = 0; i < n; i++)
		PB_PUSH(a, set, rules, port_rule(a, ports[i]));
	return PB_NEW(a, Listener__ListenerFilterChainMatchPredicate,
		      .rule_case = LISTENER__LISTENER_FILTER_CHAIN_MATCH_PREDICATE__RULE_OR_MATCH,
		      .or_match = set);
}

static void add_tls_inspector(struct arena *a, Listener__Listener *l, const struct port_need *v,
			      uint32_t n)
{
	uint32_t *ports = arena_array(a, uint32_t, n), n_ports = 0;
	bool others = n && !v[0].port && v[0].tls, any = false;
	Listener__ListenerFilter *f;

	for (uint32_t i = 0; i < n; i++) {
		any |= v[i].tls;
		if (v[i].port && v[i].tls != others)
			ports[n_ports++] = v[i].port;
	}
	if (!any)
		return;
	f = listener_filter(a, "envoy.filters.listener.tls_inspector",
			    PB_ANY(a, PB_NEW(a, TlsInspector__TlsInspector,
					     .initial_read_buffer_size = pb_u32(a, 512))));
	f->filter_disabled = ports_rule(a, ports, n_ports);
	if (!others && f->filter_disabled)
		f->filter_disabled = PB_NEW(
			a, Listener__ListenerFilterChainMatchPredicate,
			.rule_case =
				LISTENER__LISTENER_FILTER_CHAIN_MATCH_PREDICATE__RULE_NOT_MATCH,
			.not_match = f->filter_disabled);
	PB_PUSH(a, l, listener_filters, f);
}

static void add_http_inspector(struct arena *a, Listener__Listener *l, const struct port_need *v,
			       uint32_t n)
{
	uint32_t *ports = arena_array(a, uint32_t, n + 1), n_ports = 0;
	bool any = false, has_zero = false;
	Listener__ListenerFilter *f;

	for (uint32_t i = 0; i < n; i++) {
		any |= v[i].http;
		has_zero |= !v[i].port;
	}
	if (!any)
		return;
	if (!has_zero)
		ports[n_ports++] = 0;
	for (uint32_t i = 0; i < n; i++)
		if (!v[i].http)
			ports[n_ports++] = v[i].port;
	f = listener_filter(a, "envoy.filters.listener.http_inspector",
			    PB_ANY(a, PB_NEW(a, HttpInspector__HttpInspector)));
	f->filter_disabled = ports_rule(a, ports, n_ports);
	PB_PUSH(a, l, listener_filters, f);
}

static void add_listener_filters(struct run *r, Listener__Listener *l, bool original_dst)
{
	struct arena *a = run_arena(r);
	struct port_need *v = NULL;
	uint32_t n = 0, cap = 0;

	if (original_dst) {
		PB_PUSH(a, l, listener_filters,
			listener_filter(a, "envoy.filters.listener.original_dst",
					PB_ANY(a, PB_NEW(a, OriginalDst__OriginalDst))));
		if (ask(r, ASK_MODE, 0) == MODE_TPROXY)
			PB_PUSH(a, l, listener_filters,
				listener_filter(a, "envoy.filters.listener.original_src",
						PB_ANY(a, PB_NEW(a, OriginalSrc__OriginalSrc,
								 .mark = 1337))));
	}
	for (size_t i = 0; i < l->n_filter_chains; i++) {
		const Listener__FilterChainMatch *m = l->filter_chains[i]->filter_chain_match;
		struct port_need *p = need_of(
			a, &v, &n, &cap, m && m->destination_port ? m->destination_port->value : 0);

		p->tls |= m && str_eq(m->transport_protocol, "tls");
		for (size_t j = 0; m && j < m->n_application_protocols; j++)
			p->http |= str_eq(m->application_protocols[j], "http/1.1") ||
				   str_eq(m->application_protocols[j], "h2c");
	}
	if (n)
		qsort(v, n, sizeof *v, by_port);
	add_tls_inspector(a, l, v, n);
	add_http_inspector(a, l, v, n);
}

/* ---- ports ---- */

static struct inbound passthrough(struct run *r, uint16_t port)
{
	struct arena *a = run_arena(r);

	return (struct inbound){
		.port = port,
		.match_port = port != 0,
		.protocol = PROTOCOL_AUTO,
		.mode = mtls_of_proxy(r, port),
		.chain_http = "virtualInbound-catchall-http",
		.chain_tcp = "virtualInbound",
		.cluster = INBOUND_PASSTHROUGH_CLUSTER,
		.stat_prefix_http = stat_delimited(a, INBOUND_PASSTHROUGH_CLUSTER),
		.stat_prefix_tcp = INBOUND_PASSTHROUGH_CLUSTER,
		.service_host = "",
	};
}

static const char *stat_prefix_of(struct run *r, const struct service_target *t,
				  const char *cluster)
{
	const char *pattern = mesh_get(r, inbound_cluster_stat_name);
	const struct service *s;
	const struct service_port_model *p;

	if (str_empty(pattern))
		return cluster;
	s = service_read(r, run_key(r, t->ns), run_key(r, t->host));
	p = s ? service_port_of(s, t->port) : NULL;
	return p ? stat_pattern(run_arena(r), pattern, s, p, "", t->target_port) : cluster;
}

static struct inbound of_target(struct run *r, const struct service_target *t)
{
	struct arena *a = run_arena(r);
	const char *name = listener_name(a, wildcard_address(r), t->target_port);
	const char *cluster = inbound_cluster_name(a, t->target_port);

	return (struct inbound){
		.port = t->target_port,
		.match_port = true,
		.protocol = t->protocol,
		.mode = mtls_of_proxy(r, t->target_port),
		.chain_http = name,
		.chain_tcp = name,
		.cluster = cluster,
		.stat_prefix_http = stat_delimited(a, arena_printf(a, "inbound_%s", name)),
		.stat_prefix_tcp = stat_prefix_of(r, t, cluster),
		.service_port = t->port,
		.service_host = t->host,
	};
}

static const char *first_address(struct run *r)
{
	uint32_t key = ask(r, ASK_OWN_ADDRESSES, 0);
	const char *own = key ? run_text(r, key) : "";

	return *own ? arena_strndup(run_arena(r), own, strcspn(own, ",")) : wildcard_address(r);
}

static struct inbound of_ingress(struct run *r, const struct object *sidecar,
				 const struct istio_ingress_listener *in)
{
	struct arena *a = run_arena(r);
	uint16_t port = (uint16_t)in->port->number.v;
	const char *bind = str_empty(in->bind) ? first_address(r) : in->bind;
	const char *name = listener_name(a, bind, port), *cluster = inbound_cluster_name(a, port);

	return (struct inbound){
		.port = port,
		.match_port = true,
		.protocol = protocol_parse(in->port->protocol),
		.mode = mtls_of_proxy(r, port),
		.chain_http = name,
		.chain_tcp = name,
		.cluster = cluster,
		.stat_prefix_http = stat_delimited(a, arena_printf(a, "inbound_%s", name)),
		.stat_prefix_tcp = cluster,
		.service_port = port,
		.service_host = arena_printf(a, "%s.%s", sidecar->name, sidecar->ns),
		.config = config_path(a, sidecar),
	};
}

static int by_inbound_port(const void *a, const void *b)
{
	const struct inbound *x = a, *y = b;

	return (int)x->port - (int)y->port;
}

struct inbounds {
	struct inbound *v;
	uint32_t n, cap;
	const struct istio_ingress_listener **custom; /* with a listener of their own */
	uint32_t n_custom, c_custom;
};

static bool has_port(const struct inbounds *x, uint16_t port)
{
	for (uint32_t i = 0; i < x->n; i++)
		if (x->v[i].port == port)
			return true;
	return false;
}

/* All ports of the workload, by number; the oldest service has a port that several claim. */
static struct inbounds gather(struct run *r)
{
	struct inbounds x = { 0 };
	const struct object *sidecar = scope_sidecar(r);
	const struct sidecar_spec *spec =
		sidecar ? ((const struct sidecar *)sidecar->body)->spec : NULL;
	bool ingress = spec && spec->ingress.n, none = ask(r, ASK_MODE, 0) == MODE_NONE;
	uint32_t n = 0;
	const struct service_target *t =
		ingress && !FEATURE(sidecar_ingress_merge) ? NULL : proxy_targets(r, &n);

	for (uint32_t i = 0; ingress && i < spec->ingress.n; i++) {
		const struct istio_ingress_listener *in = &spec->ingress.v[i];

		if (!in->port || has_port(&x, (uint16_t)in->port->number.v))
			continue;
		if (none || in->capture_mode == ISTIO_INGRESS_LISTENER_CAPTURE_MODE_NONE)
			*ARENA_PUSH(run_arena(r), x.custom, x.n_custom, x.c_custom) = in;
		else
			*ARENA_PUSH(run_arena(r), x.v, x.n, x.cap) = of_ingress(r, sidecar, in);
	}
	for (uint32_t i = 0; i < n && !none; i++)
		if (!has_port(&x, t[i].target_port) && !port_is_reserved(r, t[i].target_port) &&
		    t[i].protocol != PROTOCOL_UDP)
			*ARENA_PUSH(run_arena(r), x.v, x.n, x.cap) = of_target(r, &t[i]);
	if (x.n)
		qsort(x.v, x.n, sizeof *x.v, by_inbound_port);
	return x;
}

/* ---- listeners ---- */

static void add_blackhole(struct run *r, uint16_t port, Listener__Listener *l)
{
	struct arena *a = run_arena(r);
	Listener__FilterChain *c =
		PB_NEW(a, Listener__FilterChain, .name = "virtualInbound-blackhole",
		       .filter_chain_match = PB_NEW(a, Listener__FilterChainMatch,
						    .destination_port = pb_u32(a, port)));
	Listener__Filter *mx = filter_metadata_exchange(r);

	if (mx)
		PB_PUSH(a, c, filters, mx);
	tcp_chain_simple(r, CHAIN_INBOUND, BLACK_HOLE_CLUSTER, false, c);
	PB_PUSH(a, l, filter_chains, c);
}

static Listener__Listener *inbound_listener(struct run *r, const char *name, const char *bind,
					    uint16_t port)
{
	struct arena *a = run_arena(r);
	Listener__Listener *l =
		PB_NEW(a, Listener__Listener, .name = name, .address = address_of(a, bind, port),
		       .traffic_direction = CORE__TRAFFIC_DIRECTION__INBOUND,
		       .continue_on_listener_filters_timeout = true,
		       .listener_filters_timeout =
			       pb_duration(a, mesh_get(r, protocol_detection_timeout).v),
		       .max_connections_to_accept_per_socket_event = accept_limit(r));

	l->access_log = filter_access_logs(r, CHAIN_INBOUND, LOG_LISTENER, &l->n_access_log);
	return l;
}

static void emit_virtual_inbound(struct run *r, const struct inbounds *x)
{
	struct arena *a = run_arena(r);
	uint16_t port = (uint16_t)mesh_get(r, proxy_inbound_listen_port).v;
	Listener__Listener *l = inbound_listener(r, "virtualInbound", wildcard_address(r), port);
	struct inbound all = passthrough(r, 0);
	uint32_t n;
	const uint16_t *own = mtls_ports_of_proxy(r, &n);

	if (ask(r, ASK_MODE, 0) == MODE_TPROXY)
		l->transparent = pb_bool(a, true);
	if (ask_is(r, ASK_FLAG, FLAG_INBOUND_EXACT_BALANCE))
		l->connection_balance_config = PB_NEW(
			a, Listener__Listener__ConnectionBalanceConfig,
			.balance_type_case =
				LISTENER__LISTENER__CONNECTION_BALANCE_CONFIG__BALANCE_TYPE_EXACT_BALANCE,
			.exact_balance = PB_NEW(
				a, Listener__Listener__ConnectionBalanceConfig__ExactBalance));
	add_blackhole(r, port, l);
	add_chains(r, &all, l);
	for (uint32_t i = 0; i < n; i++)
		if (!has_port(x, own[i])) {
			struct inbound one = passthrough(r, own[i]);

			add_chains(r, &one, l);
		}
	for (uint32_t i = 0; i < x->n; i++)
		add_chains(r, &x->v[i], l);
	add_listener_filters(r, l, true);
	emit_resource(r, l->name, &l->base);
}

/* A Sidecar's ingress listener that really binds. */
static void emit_custom(struct run *r, const struct object *sidecar,
			const struct istio_ingress_listener *in)
{
	struct inbound one = of_ingress(r, sidecar, in);
	const char *bind = str_empty(in->bind) ? first_address(r) : in->bind;
	Listener__Listener *l =
		inbound_listener(r, listener_name(run_arena(r), bind, one.port), bind, one.port);

	if (one.port < 1024 && ask_is(r, ASK_FLAG, FLAG_UNPRIVILEGED))
		return;
	add_chains(r, &one, l);
	add_listener_filters(r, l, false);
	emit_resource(r, l->name, &l->base);
}

void lds_inbound_run(struct run *r, uint32_t key)
{
	struct inbounds x = gather(r);

	if (ask(r, ASK_MODE, 0) != MODE_NONE)
		emit_virtual_inbound(r, &x);
	for (uint32_t i = 0; i < x.n_custom; i++)
		emit_custom(r, scope_sidecar(r), x.custom[i]);
}
