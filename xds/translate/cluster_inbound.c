/* Clusters of what runs next to the proxy (translation.md 2.9): one per port of its workload that a service targets, or per
 * ingress listener of the Sidecar.
 */
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy.h"
#include "model/scope.h"
#include "translate/cds.h"
#include "translate/cluster.h"
#include "translate/cluster_bind.h"
#include "translate/names.h"
#include "types.h"
#include <stdlib.h>
#include <string.h>

#define ENUM(name) CLUSTER__CLUSTER__##name

/* What inbound clusters of one proxy share. */
struct inbound {
	struct run *r;
	struct arena *a;
	const struct object *sidecar;    /* NULL: none applies */
	const struct sidecar_spec *spec; /* never NULL */
	const struct service_target *targets;
	uint32_t n_targets;
};
/* One of them. */
struct inbound_port {
	uint16_t number;        /* in the cluster's name */
	const char *address;    /* NULL: where the client wanted to go; else of the endpoint */
	uint16_t endpoint_port; /* 0: the address is a path */
	struct service_port_model port;
	const struct service_target *primary; /* NULL: no service has it */
};

/* ---- who is bound to what ---- */

static Core__SocketAddress *source(struct arena *a, const char *ip)
{
	return PB_NEW(a, Core__SocketAddress, .address = ip,
		      .port_specifier_case = CORE__SOCKET_ADDRESS__PORT_SPECIFIER_PORT_VALUE);
}

Core__BindConfig *passthrough_bind(struct run *r, bool both)
{
	struct arena *a = run_arena(r);
	bool v6 = ask_is(r, ASK_HAS_V6, 0), v4 = !v6 || ask_is(r, ASK_HAS_V4, 0);
	Core__BindConfig *b =
		PB_NEW(a, Core__BindConfig, .source_address = source(a, v4 ? "127.0.0.6" : "::6"));

	if (v4 && v6 && both)
		PB_PUSH(a, b, extra_source_addresses,
			PB_NEW(a, Core__ExtraSourceAddress, .address = source(a, "::6")));
	return b;
}

Endpoint__ClusterLoadAssignment *single_endpoint(struct arena *a, const char *cluster,
						 const char *address, uint16_t port)
{
	Endpoint__ClusterLoadAssignment *out =
		PB_NEW(a, Endpoint__ClusterLoadAssignment, .cluster_name = cluster);
	Endpoint__LocalityLbEndpoints *group = PB_NEW(a, Endpoint__LocalityLbEndpoints);

	PB_PUSH(a, group, lb_endpoints,
		PB_NEW(a, Endpoint__LbEndpoint,
		       .host_identifier_case = ENDPOINT__LB_ENDPOINT__HOST_IDENTIFIER_ENDPOINT,
		       .endpoint = PB_NEW(a, Endpoint__Endpoint,
					  .address = address_of(a, address, port))));
	PB_PUSH(a, out, endpoints, group);
	return out;
}

/* ---- one cluster ---- */

static const struct service *service_of(struct inbound *in, const struct service_target *t)
{
	return t ? service_read(in->r, run_key(in->r, t->ns), run_key(in->r, t->host)) : NULL;
}

static const char *stat_name(struct inbound *in, const struct inbound_port *p, const char *name)
{
	const char *pattern = mesh_get(in->r, inbound_cluster_stat_name);
	const struct service *s;
	struct service none = { .ns = "", .name = "", .host = "" };

	if (str_empty(pattern))
		return stat_delimited(in->a, name);
	s = service_of(in, p->primary);
	if (!s && in->sidecar) {
		none.host = arena_printf(in->a, "%s.%s", in->sidecar->name, in->sidecar->ns);
		none.ns = in->sidecar->ns;
	}
	return stat_delimited(in->a, stat_pattern(in->a, pattern, s ? s : &none, &p->port, "",
						  p->endpoint_port ? p->endpoint_port : p->number));
}

/* The Sidecar's word for the port, instead of that of any rule. */
static const struct connection_pool_settings *sidecar_pool(struct inbound *in, uint16_t port)
{
	for (uint32_t i = 0; i < in->spec->ingress.n; i++) {
		const struct istio_ingress_listener *l = &in->spec->ingress.v[i];

		if (l->port && l->port->number.v == port && l->connection_pool)
			return l->connection_pool;
	}
	return in->spec->inbound_connection_pool;
}

/* The rule of the service, if the scope sees the service at all. */
static const struct applied_rule *rule_of(struct inbound *in, const struct inbound_port *p)
{
	const struct service *s = service_of(in, p->primary);
	const struct applied_rule *rule = s ? destination_rule_for(in->r, s, false) : NULL;

	if (!rule || !rule->policy ||
	    !scope_sees_service(in->r, run_key(in->r, s->ns), run_key(in->r, s->host)))
		return NULL;
	return rule;
}

static void apply_policy(struct inbound *in, struct draft *d, const struct inbound_port *p)
{
	const struct applied_rule *rule = rule_of(in, p);
	const struct connection_pool_settings *own = sidecar_pool(in, p->number);
	struct port_policy policy = policy_for_port(in->r, rule, p->port.number, NULL);

	if (rule)
		draft_add_config(d, rule->first);
	d->rule = own ? in->sidecar : rule ? rule->first : NULL;
	draft_apply_pool(d, own ? own : policy.connection_pool, policy.retry_budget);
}

/* Services whose name for the port is the primary's: each host once. */
static void add_services(struct inbound *in, struct draft *d, const struct inbound_port *p)
{
	const struct service_target *t = in->targets;

	for (uint32_t i = 0; i < in->n_targets; i++) {
		bool again = false;

		if (t[i].target_port != p->primary->target_port || t[i].port != p->primary->port)
			continue;
		for (uint32_t j = 0; j < i && !again; j++)
			again = t[j].target_port == t[i].target_port && t[j].port == t[i].port &&
				str_eq(t[j].host, t[i].host);
		if (!again)
			draft_add_service(d, t[i].host, t[i].name, t[i].ns);
	}
}

static bool is_loopback(const char *address)
{
	return str_eq(address, "127.0.0.1") || str_eq(address, "::1");
}

static void emit(struct inbound *in, const struct inbound_port *p)
{
	const char *name = inbound_cluster_name(in->a, p->number);
	struct draft d = draft_new(in->r, name);

	d.c->common_lb_config = PB_NEW(in->a, Cluster__Cluster__CommonLbConfig);
	d.c->alt_stat_name = stat_name(in, p, name);
	if (p->address) {
		draft_set_type(&d, ENUM(DISCOVERY_TYPE__STATIC));
		d.c->load_assignment = single_endpoint(in->a, name, p->address, p->endpoint_port);
	} else {
		draft_set_type(&d, ENUM(DISCOVERY_TYPE__ORIGINAL_DST));
		d.c->lb_policy = ENUM(LB_POLICY__CLUSTER_PROVIDED);
		/* Never: endpoints that come and go by address would lose their statistics. */
		d.c->cleanup_interval = pb_duration(in->a, INT64_C(9223372035000000000));
	}
	draft_set_protocol(&d, p->port.protocol);
	if (p->primary)
		add_services(in, &d, p);
	apply_policy(in, &d, p);
	/* What goes to the workload's own address would be captured again but for this source. */
	if (!p->address || !is_loopback(p->address))
		d.c->upstream_bind_config = passthrough_bind(in->r, FEATURE(dual_stack));
	draft_emit(&d);
}

/* ---- by services ---- */

static bool has_ingress(const struct inbound *in, uint16_t port)
{
	for (uint32_t i = 0; i < in->spec->ingress.n; i++) {
		const struct istio_ingress_listener *l = &in->spec->ingress.v[i];

		if (l->port && l->port->number.v == port)
			return true;
	}
	return false;
}

static void add_targets(struct inbound *in)
{
	const struct inbound_traffic_policy *policy = mesh_get(in->r, inbound_traffic_policy);
	bool local = policy && policy->mode == INBOUND_TRAFFIC_POLICY_MODE_LOCALHOST;

	for (uint32_t i = 0; i < in->n_targets; i++) {
		const struct service_target *t = &in->targets[i];
		struct inbound_port p = {
			.number = t->target_port,
			.endpoint_port = t->target_port,
			.port = { .name = t->port_name,
				  .number = t->port,
				  .target_port = t->target_port,
				  .protocol = t->protocol },
			.primary = t,
		};
		bool again = has_ingress(in, t->target_port) || t->protocol == PROTOCOL_UDP ||
			     !t->target_port;

		for (uint32_t j = 0; j < i && !again; j++)
			again = in->targets[j].target_port == t->target_port;
		if (again)
			continue;
		if (local)
			p.address = loopback_address(in->r);
		emit(in, &p);
	}
}

/* ---- by the Sidecar ---- */

static const char *own_address(struct inbound *in, bool v6)
{
	uint32_t key = ask(in->r, ASK_OWN_ADDRESSES, 0);

	for (const char *p = key ? run_text(in->r, key) : ""; *p;) {
		size_t n = strcspn(p, ",");

		if (n && !memchr(p, ':', n) == !v6)
			return arena_strndup(in->a, p, n);
		p += n + (p[n] == ',');
	}
	return v6 ? "::1" : "127.0.0.1";
}

static bool only_v6(struct run *r)
{
	return ask_is(r, ASK_HAS_V6, 0) && !ask_is(r, ASK_HAS_V4, 0);
}

/* "127.0.0.1:80", "[::1]:80", "0.0.0.0:80", "[::]:80", "unix:///path"; false: none of these. */
static bool parse_endpoint(struct inbound *in, const char *text, struct inbound_port *p)
{
	const char *colon = strrchr(text, ':'), *host;
	char *end;
	unsigned long port;

	if (str_starts(text, "unix://")) {
		p->address = text;
		return text[strlen("unix://")] != '\0';
	}
	if (!colon)
		return false;
	port = strtoul(colon + 1, &end, 10);
	if (end == colon + 1 || *end || !port || port > UINT16_MAX)
		return false;
	p->endpoint_port = (uint16_t)port;
	host = arena_strndup(in->a, text, (size_t)(colon - text));
	if (str_eq(host, "0.0.0.0"))
		p->address = own_address(in, false);
	else if (str_eq(host, "[::]"))
		p->address = own_address(in, true);
	else if (str_eq(host, "127.0.0.1"))
		p->address = only_v6(in->r) ? "::1" : "127.0.0.1";
	else if (str_eq(host, "[::1]"))
		p->address = ask_is(in->r, ASK_HAS_V6, 0) ? "::1" : "127.0.0.1";
	return p->address != NULL;
}

static const struct service_target *target_of(const struct inbound *in, uint16_t port)
{
	for (uint32_t i = 0; i < in->n_targets; i++)
		if (in->targets[i].target_port == port)
			return &in->targets[i];
	return NULL;
}

static void add_ingress(struct inbound *in)
{
	for (uint32_t i = 0; i < in->spec->ingress.n; i++) {
		const struct istio_ingress_listener *l = &in->spec->ingress.v[i];
		struct inbound_port p = { 0 };
		bool again = false;

		if (!l->port || l->port->number.v <= 0 || l->port->number.v > UINT16_MAX)
			continue;
		p.number = (uint16_t)l->port->number.v;
		for (uint32_t j = 0; j < i && !again; j++)
			again = in->spec->ingress.v[j].port &&
				in->spec->ingress.v[j].port->number.v == p.number;
		if (again)
			continue;
		if (!str_empty(l->default_endpoint) &&
		    !parse_endpoint(in, l->default_endpoint, &p)) {
			policy_warn(in->r, in->sidecar,
				    arena_printf(in->a, "spec.ingress[%u].defaultEndpoint", i),
				    "\"%s\" is not an endpoint: the listener's traffic goes where "
				    "it was sent to",
				    l->default_endpoint);
			p.address = NULL;
		}
		p.port = (struct service_port_model){ .name = str_or(l->port->name, ""),
						      .number = p.number,
						      .protocol =
							      protocol_parse(l->port->protocol) };
		p.primary = target_of(in, p.number);
		emit(in, &p);
	}
}

/* [0] */
void cds_inbound_run(struct run *r, uint32_t key)
{
	static const struct sidecar_spec none;
	struct inbound in = {
		.r = r, .a = run_arena(r), .sidecar = scope_sidecar(r), .spec = &none
	};
	const struct sidecar *s = in.sidecar ? in.sidecar->body : NULL;

	if (s && s->spec)
		in.spec = s->spec;
	if (!in.spec->ingress.n && ask(r, ASK_MODE, 0) == MODE_NONE)
		return;
	in.targets = proxy_targets(r, &in.n_targets);
	add_ingress(&in);
	if (!in.spec->ingress.n || FEATURE(sidecar_ingress_merge))
		add_targets(&in);
}
