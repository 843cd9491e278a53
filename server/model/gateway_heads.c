/* Heads of Gateways: what merging needs of one of them, without hosts that nobody can take away. An edit of routes'
 * hosts ends here.
 *
 * Layout: head, servers, keys of hosts.
 */
#include "model/gateway_impl.h"
#include "model/ingress.h"
#include "model/options.h"
#include "model/proxy.h"
#include "model/queries.h"
#include "types.h"
#include "world/world.h"
#include <string.h>

/* Without a mode TLS is passed through: it is the zero of the API's enum. */
bool server_passes_tls(const struct server *s)
{
	return s->tls && (!s->tls->mode || s->tls->mode == SERVER_TLS_SETTINGS_MODE_PASSTHROUGH ||
			  s->tls->mode == SERVER_TLS_SETTINGS_MODE_AUTO_PASSTHROUGH);
}

static const char *annotation(const struct object *o, const char *name)
{
	return o->meta ? str_map_get(&o->meta->annotations, name) : NULL;
}

static uint32_t flags_of(const struct object *o)
{
	if (!str_eq(annotation(o, "internal.istio.io/gateway-semantics"), "gateway"))
		return 0;
	return str_empty(annotation(o, "internal.istio.io/service-account-name"))
		       ? GATEWAY_OF_API
		       : GATEWAY_OF_API | GATEWAY_MANAGED;
}

static struct gateway_head head_of(struct run *r, const struct object *o,
				   const struct gateway_spec *spec)
{
	const char *services = annotation(o, "internal.istio.io/gateway-service");
	const char *ns = annotation(o, "internal.istio.io/parent-namespace");

	return (struct gateway_head){
		.ns = run_key(r, o->ns),
		.name = run_key(r, o->name),
		.selector = proxy_selector_key(run_keys(r), &spec->selector),
		.services = services ? run_key(r, services) : 0,
		.services_ns = run_key(r, str_empty(ns) ? o->ns : ns),
		.flags = flags_of(o),
	};
}

/* Of terminated HTTPS; plain HTTP has that of its port. */
static uint32_t https_route(struct run *r, const struct object *o, const struct server *s)
{
	const char *bind = str_or(s->bind, "");

	return run_key(r, arena_printf(run_arena(r), "https.%u.%s.%s.%s%s%s",
				       (unsigned)s->port->number.v, str_or(s->port->name, ""),
				       o->name, o->ns, *bind ? "." : "", bind));
}

static struct server_head server_head_of(struct run *r, const struct object *o,
					 const struct server *s, uint32_t index)
{
	enum protocol protocol = protocol_parse(s->port->protocol);
	bool passes = server_passes_tls(s);
	struct server_head h = {
		.spelling = run_key(r, str_or(s->port->protocol, "")),
		.bind = run_key(r, str_or(s->bind, "")),
		.port = (uint16_t)s->port->number.v,
		.protocol = (uint8_t)protocol,
		.index = (uint16_t)index,
	};

	if (protocol == PROTOCOL_HTTPS && !passes)
		h.route = https_route(r, o, s);
	if (s->tls)
		h.flags |= SERVER_TLS;
	if (s->tls && protocol == PROTOCOL_HTTPS && !passes)
		h.flags |= SERVER_HTTPS;
	if (s->tls && s->tls->mode == SERVER_TLS_SETTINGS_MODE_AUTO_PASSTHROUGH)
		h.flags |= SERVER_SNI;
	return h;
}

/* [pair(pair(ns, name), kind)] of a Gateway or Ingress */
void gateway_head_run(struct run *r, uint32_t key)
{
	struct arena *a = run_arena(r);
	struct keys *k = run_keys(r);
	uint32_t id = key_first(k, key);
	uint16_t kind = (uint16_t)(key_second(k, key) & ~KEY_NUMBER);
	const struct object *o = read_object(r, kind, key_first(k, id), key_second(k, id));
	const struct gateway_spec *spec;
	struct server_head *servers = NULL;
	uint32_t *hosts = NULL, n_hosts = 0;
	size_t c_servers = 0, c_hosts = 0;
	struct gateway_head h;

	if (o && kind == KIND_INGRESS)
		o = ingress_gateway(r, o);
	spec = o ? ((const struct gateway *)o->body)->spec : NULL;
	if (!spec)
		return;
	h = head_of(r, o, spec);
	for (uint32_t i = 0; i < spec->servers.n; i++) {
		const struct server *s = &spec->servers.v[i];
		struct server_head sh;
		struct str_list list;

		if (!s->port || s->port->number.v < 1 || s->port->number.v > 65535)
			continue;
		sh = server_head_of(r, o, s, i);
		sh.first_host = n_hosts;
		list = gateway_server_hosts(s, o->ns, a);
		for (uint32_t j = 0; s->tls && j < list.n; j++)
			*ARENA_PUSH(a, hosts, n_hosts, c_hosts) = run_key(r, list.v[j]);
		sh.n_hosts = n_hosts - sh.first_host;
		*ARENA_PUSH(a, servers, h.n_servers, c_servers) = sh;
	}
	run_emit(r, &h, sizeof h);
	run_emit(r, servers, h.n_servers * sizeof *servers);
	run_emit(r, hosts, n_hosts * sizeof *hosts);
}

bool gateway_head_read(struct run *r, const struct object *o, struct gateway_heads *ret)
{
	uint32_t id = run_pair(r, run_key(r, o->ns), run_key(r, o->name));
	const struct result *result =
		call_query(r, Q_GATEWAY_HEAD, run_pair(r, id, KEY_NUMBER | o->kind));

	if (result->n < sizeof ret->head)
		return false;
	memcpy(&ret->head, result->bytes, sizeof ret->head);
	ret->id = id;
	ret->origin = o;
	ret->servers = (const void *)(result->bytes + sizeof ret->head);
	ret->hosts = (const void *)(ret->servers + ret->head.n_servers);
	return true;
}
