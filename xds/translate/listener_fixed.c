/* The outbound listeners that every sidecar has, whatever the services: the one that takes captured connections and has
 * an answer for those that no other listener is for, and the explicit HTTP proxy (translation.md 4.1, 4.2).
 */
#include "model/mesh.h"
#include "model/options.h"
#include "translate/lds.h"
#include "translate/listener.h"
#include "translate/names.h"
#include "translate/rds.h"
#include "translate/route.h"
#include "types.h"
#include <stdlib.h>

static Listener__FilterChain *named_chain(struct arena *a, const char *name, uint16_t port)
{
	Listener__FilterChain *c = PB_NEW(a, Listener__FilterChain, .name = name);

	if (port)
		c->filter_chain_match =
			PB_NEW(a, Listener__FilterChainMatch, .destination_port = pb_u32(a, port));
	return c;
}

/* HTTP to hosts that no service names goes where the request says. */
static Route__RouteConfiguration *any_host_routes(struct run *r)
{
	struct arena *a = run_arena(r);
	struct route_context c = { .run = r, .a = a, .wrapper = 0, .gateway = "mesh" };
	Route__VirtualHost *v = route_catch_all(&c);
	Route__RouteConfiguration *rc =
		PB_NEW(a, Route__RouteConfiguration, .name = v->name,
		       .validate_clusters = pb_bool(a, false),
		       .max_direct_response_body_size_bytes = pb_u32(a, 1048576),
		       .ignore_port_in_host_matching = true);

	v->include_request_attempt_count = vhost_counts_attempts(r);
	PB_PUSH(a, rc, virtual_hosts, v);
	return rc;
}

static void add_any_host(struct run *r, Listener__Listener *l)
{
	struct arena *a = run_arena(r);
	Listener__FilterChain *c = named_chain(a, "virtualOutbound-catchall-tcp-http", 0);
	struct chain_context cx = {
		.kind = CHAIN_OUTBOUND,
		.protocol = PROTOCOL_HTTP,
		.routes = any_host_routes(r),
		.stat_prefix = stat_delimited(a, "outbound_virtualOutbound_allow_any_dynamic_dns"),
	};

	c->filter_chain_match = PB_NEW(a, Listener__FilterChainMatch);
	PB_PUSH(a, c->filter_chain_match, application_protocols, "http/1.1");
	PB_PUSH(a, c->filter_chain_match, application_protocols, "h2c");
	PB_PUSH(a, c, filters, hcm_make(r, &cx));
	PB_PUSH(a, l, filter_chains, c);
	PB_PUSH(a, l, listener_filters,
		listener_filter(a, "envoy.filters.listener.http_inspector",
				PB_ANY(a, PB_NEW(a, HttpInspector__HttpInspector))));
}

static void emit_virtual_outbound(struct run *r, uint16_t port)
{
	struct arena *a = run_arena(r);
	Listener__FilterChain *c;
	Listener__Listener *l =
		PB_NEW(a, Listener__Listener, .name = "virtualOutbound",
		       .address = address_of(a, wildcard_address(r), port),
		       .traffic_direction = CORE__TRAFFIC_DIRECTION__OUTBOUND,
		       .use_original_dst = pb_bool(a, true),
		       .max_connections_to_accept_per_socket_event = accept_limit(r));

	if (ask(r, ASK_MODE, 0) == MODE_TPROXY)
		l->transparent = pb_bool(a, true);
	c = named_chain(a, "virtualOutbound-blackhole", port);
	tcp_chain_simple(r, CHAIN_OUTBOUND, BLACK_HOLE_CLUSTER, false, c);
	PB_PUSH(a, l, filter_chains, c);
	if (scope_outbound_policy(r).mode == POLICY_ALLOW_ANY_DYNAMIC_DNS)
		add_any_host(r, l);
	c = named_chain(a, "virtualOutbound-catchall-tcp", 0);
	catch_all_add(r, c);
	PB_PUSH(a, l, filter_chains, c);
	l->access_log = filter_access_logs(r, CHAIN_OUTBOUND, LOG_LISTENER, &l->n_access_log);
	emit_resource(r, l->name, &l->base);
}

static uint16_t http_proxy_port(struct run *r)
{
	uint32_t key = ask(r, ASK_META, META_HTTP_PROXY_PORT);

	if (key)
		return (uint16_t)strtoul(run_text(r, key), NULL, 10);
	return (uint16_t)mesh_get(r, proxy_http_port).v;
}

static void emit_http_proxy(struct run *r, uint16_t port)
{
	struct arena *a = run_arena(r);
	const char *bind = loopback_address(r), *name = listener_name(a, bind, port);
	int64_t timeout = FEATURE(transport_connect_timeout_ns);
	struct chain_context c = { .kind = CHAIN_OUTBOUND,
				   .protocol = PROTOCOL_HTTP,
				   .rds = "http_proxy",
				   .absolute_url = true,
				   .stat_prefix = stat_delimited(
					   a, arena_printf(a, "outbound_%s", name)) };
	Listener__FilterChain *chain = PB_NEW(a, Listener__FilterChain);
	Listener__Listener *l =
		PB_NEW(a, Listener__Listener, .name = name, .address = address_of(a, bind, port),
		       .traffic_direction = CORE__TRAFFIC_DIRECTION__OUTBOUND,
		       .continue_on_listener_filters_timeout = true,
		       .listener_filters_timeout = pb_duration(a, 0),
		       .max_connections_to_accept_per_socket_event = accept_limit(r));

	if (timeout > 0)
		chain->transport_socket_connect_timeout = pb_duration(a, timeout);
	PB_PUSH(a, chain, filters, hcm_make(r, &c));
	PB_PUSH(a, l, filter_chains, chain);
	emit_resource(r, name, &l->base);
}

void lds_virtual_run(struct run *r, uint32_t key)
{
	int64_t port = mesh_get(r, proxy_listen_port).v;
	uint16_t http = http_proxy_port(r);

	if (http)
		emit_http_proxy(r, http);
	if (ask(r, ASK_MODE, 0) != MODE_NONE)
		emit_virtual_outbound(r, (uint16_t)port);
}
