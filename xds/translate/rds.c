/* Which route configurations a sidecar's listeners ask for, and each of them as a concatenation: its head with the
 * catch-all, then per namespace the virtual hosts of the services that the egress listener imports.
 */
#include "translate/rds.h"
#include "base/map.h"
#include "model/mesh.h"
#include "model/proxy.h"
#include "model/scope.h"
#include "snapshot/resource.h"
#include "translate/gateway.h"
#include "translate/queries.h"
#include "translate/route.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

static bool all_digits(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* The egress listener of a listener port: the first with that port, or the one without a port (5.1). */
static uint32_t wrapper_of(struct run *r, uint16_t port, const char *bind, bool *ret_http_proxy)
{
	uint32_t n;
	const struct wrapper *w = scope_wrappers(r, &n);

	for (uint32_t i = 0; i < n; i++) {
		bool here = w[i].port ? port && w[i].port == port
			    : w[i].bind && str_starts(w[i].bind, "unix://")
				    ? str_eq(w[i].bind, bind)
				    : true;

		if (here) {
			*ret_http_proxy = w[i].protocol == PROTOCOL_HTTP_PROXY;
			return w[i].index;
		}
	}
	return 0;
}

struct rc rc_of(struct run *r, uint32_t name)
{
	const char *text = run_text(r, name), *colon = strrchr(text, ':');
	struct rc rc = { 0 };
	bool proxy = false;

	if (all_digits(text)) {
		rc.port = (uint16_t)strtoul(text, NULL, 10);
	} else if (colon && all_digits(colon + 1) && !str_starts(text, "unix://")) {
		rc.port = (uint16_t)strtoul(colon + 1, NULL, 10);
		rc.sniffed = arena_strndup(run_arena(r), text, (size_t)(colon - text));
	}
	rc.wrapper = wrapper_of(r, rc.port, text, &proxy);
	if (proxy && !rc.sniffed)
		rc.port = 0;
	return rc;
}

/* ---- which names ---- */

/* What a namespace asks for: 0 and a port for the configuration of that port, a host and a port for a sniffed one. */
struct need {
	uint32_t host, port;
};

/* Is the port's listener bound to an address of the service's own? Then what is sniffed there has its own routes. */
static bool has_own_bind(struct run *r, const struct service_head *h)
{
	if (h->flags & HEAD_HAS_VIP)
		return true;
	if (h->flags & HEAD_AUTO && ask_is(r, ASK_FLAG, FLAG_DNS_CAPTURE))
		return true;
	return h->flags & HEAD_HEADLESS && !(h->flags & HEAD_EXTERNAL);
}

/* [pair(ns, wrapper)] */
void rds_ports_run(struct run *r, uint32_t key)
{
	uint32_t ns = key_first(run_keys(r), key), wrapper = key_second(run_keys(r), key);
	struct heads heads = scope_visible(r, ns, wrapper);
	struct need seen[64];
	uint32_t n_seen = 0;

	for (uint32_t i = 0; i < heads.n; i++) {
		const struct service_head *h = &heads.v[i];
		const struct port_head *ports = head_ports(&heads, h);

		for (uint32_t j = 0; j < h->n_ports && !(h->flags & HEAD_ALIAS); j++) {
			enum protocol p = ports[j].protocol;
			struct need need = { 0, ports[j].number };
			bool again = false;

			if (!protocol_is_http(p) && p != PROTOCOL_AUTO)
				continue;
			if (p == PROTOCOL_AUTO && has_own_bind(r, h))
				need.host = h->host;
			for (uint32_t k = 0; k < n_seen && !again; k++)
				again = !memcmp(&seen[k], &need, sizeof need);
			if (again)
				continue;
			if (n_seen < ARRAY_LEN(seen))
				seen[n_seen++] = need;
			run_emit(r, &need, sizeof need);
		}
	}
}

/* ---- one configuration ---- */

static uint32_t vhost_key(struct run *r, uint32_t rc, uint32_t ns, uint32_t host, uint32_t port)
{
	return run_pair(r, rc, run_pair(r, run_pair(r, ns, host), port));
}

static bool wanted_port(const struct rc *rc, const struct port_head *p)
{
	if (rc->port && p->number != rc->port)
		return false;
	return protocol_is_http(p->protocol) || p->protocol == PROTOCOL_AUTO;
}

/* [pair(route configuration, ns)] */
void rc_ns_run(struct run *r, uint32_t key)
{
	uint32_t name = key_first(run_keys(r), key), ns = key_second(run_keys(r), key);
	struct rc rc = rc_of(r, name);
	struct heads heads = scope_visible(r, ns, rc.wrapper);

	for (uint32_t i = 0; i < heads.n; i++) {
		const struct service_head *h = &heads.v[i];
		const struct port_head *ports = head_ports(&heads, h);

		for (uint32_t j = 0; j < h->n_ports && !(h->flags & HEAD_ALIAS); j++)
			if (wanted_port(&rc, &ports[j]))
				list_add(r, Q_VHOST,
					 vhost_key(r, name, ns, h->host, ports[j].number));
	}
}

static bool needs_port(const struct result *needs, uint16_t port)
{
	for (uint32_t i = 0; i < needs->n / sizeof(struct need); i++) {
		const struct need *n = (const struct need *)needs->bytes + i;

		if (!port || n->port == port)
			return true;
	}
	return false;
}

/* Adds what namespaces with a port of the configuration have. */
static void add_namespaces(struct run *r, uint32_t name, const struct rc *rc)
{
	bool all;
	uint32_t n;
	const uint32_t *ns = scope_namespaces(r, &n, &all);

	if (all) {
		const struct keyset *set = read_keyset(r, CELL_SVC_NS);

		ns = set->v;
		n = set->n;
	}
	for (uint32_t i = 0; i < n; i++)
		if (needs_port(call_query(r, Q_RDS_PORTS_NS, run_pair(r, ns[i], rc->wrapper)),
			       rc->port))
			list_add(r, Q_RC_NS, run_pair(r, name, ns[i]));
}

static void add_sniffed(struct run *r, uint32_t name, const struct rc *rc)
{
	uint32_t host = run_key(r, rc->sniffed), ns = scope_host_ns(r, host);

	if (ns)
		list_add(r, Q_VHOST, vhost_key(r, name, ns, host, rc->port));
}

/* Hosts that no service has, each once: of several VirtualServices the first with routes has it. */
static void add_lone(struct run *r, uint32_t name, const struct rc *rc)
{
	uint32_t n;
	const struct lone_host *lone = lone_hosts_on(r, rc->port, rc->wrapper, &n);
	struct route_context c = { .run = r,
				   .a = run_arena(r),
				   .wrapper = rc->wrapper,
				   .listener_port = rc->port,
				   .gateway = "mesh" };
	struct map seen = MAP_INIT;

	for (uint32_t i = 0; i < n; i++) {
		const char *host = run_text(r, lone[i].host);
		bool taken = false;

		for (uint32_t j = 0; map_has(&seen, host) && j < i && !taken; j++)
			taken = lone[j].host == lone[i].host && vhost_lone_has_routes(&c, &lone[j]);
		map_set(&seen, host, &seen);
		if (!taken)
			list_add(r, Q_VHOST_LONE,
				 run_pair(r, name,
					  run_pair(r, run_pair(r, lone[i].vs_ns, lone[i].vs_name),
						   lone[i].host)));
	}
	map_fini(&seen);
}

/* [name] CONCAT */
void rc_run(struct run *r, uint32_t name)
{
	struct arena *a = run_arena(r);
	struct rc rc = rc_of(r, name);
	Route__RouteConfiguration *head =
		PB_NEW(a, Route__RouteConfiguration, .name = run_text(r, name),
		       .validate_clusters = pb_bool(a, false),
		       .max_direct_response_body_size_bytes = pb_u32(a, 1048576),
		       .ignore_port_in_host_matching = true);
	ProtobufCBinaryData bytes = PB_PACK(a, head);

	resource_head(r, head->name, bytes.data, bytes.len);
	if (!rc.wrapper && !rc.sniffed)
		return;
	if (rc.sniffed) {
		add_sniffed(r, name, &rc);
		return;
	}
	add_namespaces(r, name, &rc);
	if (rc.port)
		add_lone(r, name, &rc);
	list_add(r, Q_VHOST_CATCH_ALL, name);
}

/* ---- the root ---- */

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

struct names_wanted {
	uint32_t *ports, n_ports, c_ports;
};

/* All names that the services of one egress listener need. */
static void add_wrapper(struct run *r, const struct wrapper *w, struct names_wanted *x)
{
	bool all;
	uint32_t n;
	const uint32_t *ns = scope_namespaces(r, &n, &all);

	if (w->bind && str_starts(w->bind, "unix://")) {
		list_add(r, Q_RC, run_key(r, w->bind));
		return;
	}
	if (all) {
		const struct keyset *set = read_keyset(r, CELL_SVC_NS);

		ns = set->v;
		n = set->n;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct result *needs =
			call_query(r, Q_RDS_PORTS_NS, run_pair(r, ns[i], w->index));

		for (uint32_t j = 0; j < needs->n / sizeof(struct need); j++) {
			const struct need *need = (const struct need *)needs->bytes + j;

			if (need->host && !w->bind)
				list_add(r, Q_RC,
					 run_key(r, arena_printf(run_arena(r), "%s:%u",
								 run_text(r, need->host),
								 need->port)));
			else
				*ARENA_PUSH(run_arena(r), x->ports, x->n_ports, x->c_ports) =
					w->port ? w->port : need->port;
		}
	}
}

static bool has_http_proxy(struct run *r)
{
	return mesh_get(r, proxy_http_port).v > 0 || ask(r, ASK_META, META_HTTP_PROXY_PORT);
}

void rds_run(struct run *r, uint32_t key)
{
	struct names_wanted x = { 0 };
	uint32_t n;
	const struct wrapper *w;

	if (ask_is(r, ASK_IS_ROUTER, 0)) {
		gateway_rds_add(r);
		return;
	}
	w = scope_wrappers(r, &n);
	for (uint32_t i = 0; i < n; i++)
		add_wrapper(r, &w[i], &x);
	if (x.n_ports)
		qsort(x.ports, x.n_ports, sizeof *x.ports, by_number);
	for (uint32_t i = 0; i < x.n_ports; i++)
		if (!i || x.ports[i] != x.ports[i - 1])
			list_add(r, Q_RC, run_key(r, arena_printf(run_arena(r), "%u", x.ports[i])));
	if (has_http_proxy(r))
		list_add(r, Q_RC, run_key(r, "http_proxy"));
}

/* [name] The catch-all of a configuration, last. */
void vhost_catch_all_run(struct run *r, uint32_t name)
{
	struct rc rc = rc_of(r, name);
	struct route_context c = { .run = r,
				   .a = run_arena(r),
				   .wrapper = rc.wrapper,
				   .listener_port = rc.port,
				   .gateway = "mesh" };

	vhost_emit(r, route_catch_all(&c));
}
