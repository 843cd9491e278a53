/* Which listeners a sidecar has: those that one service has for itself (its own VIP), those that several services share
 * (the wildcard address above all), and the fixed ones (translation.md 4.1, 4.2, 4.8).
 */
#include "translate/lds.h"
#include "base/ip.h"
#include "base/map.h"
#include "model/endpoint.h"
#include "model/mesh.h"
#include "model/options.h"
#include "translate/gateway.h"
#include "translate/listener.h"
#include "translate/names.h"
#include "translate/queries.h"
#include "types.h"
#include "world/world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- where a port is bound ---- */

static const struct wrapper *wrapper_at(struct run *r, uint32_t index)
{
	uint32_t n;
	const struct wrapper *w = scope_wrappers(r, &n);

	for (uint32_t i = 0; i < n; i++)
		if (w[i].index == index)
			return &w[i];
	return NULL;
}

/* The protocol of the listener that a service port gets in this wrapper. */
static enum protocol listen_protocol(const struct wrapper *w, enum protocol p)
{
	return w->port ? w->protocol : p;
}

static uint16_t listen_port(const struct wrapper *w, uint16_t port)
{
	return w->port ? w->port : port;
}

static bool head_has_vip(struct run *r, const struct service_head *h)
{
	if (h->flags & HEAD_HAS_VIP)
		return true;
	return h->flags & HEAD_AUTO && ask_is(r, ASK_FLAG, FLAG_DNS_CAPTURE);
}

/* Of addresses that are ranges the listener is the shared wildcard one; plain ones beside them are the service's own. */
static bool head_is_range(struct run *r, const struct service_head *h)
{
	return h->vip && strchr(run_text(r, h->vip), '/');
}

/* Do other services claim this address? Then the listener is shared. */
static bool address_is_shared(struct run *r, const char *addr)
{
	return read_entry(r, CELL_SVC_ADDRESS, run_key(r, addr))->n > 1;
}

enum bind_kind { BIND_NONE, BIND_OWN, BIND_SHARED };

/* How a TCP or sniffed port of a service is bound; *ret_bind for BIND_SHARED. Of several addresses some may be shared all
 * the same (own_addresses). */
static enum bind_kind bind_of(struct run *r, const struct wrapper *w, const struct service_head *h,
			      enum protocol p, const char **ret_bind)
{
	if (p == PROTOCOL_UDP || h->flags & HEAD_ALIAS)
		return BIND_NONE;
	if (w->bind) {
		*ret_bind = w->bind;
		return BIND_SHARED;
	}
	if (wrapper_binds(r, w)) {
		*ret_bind = loopback_address(r);
		return BIND_SHARED;
	}
	*ret_bind = wildcard_address(r);
	if (protocol_is_http(listen_protocol(w, p)))
		return BIND_SHARED;
	if (head_is_range(r, h))
		return BIND_SHARED;
	if (head_has_vip(r, h)) {
		if (h->vip && !(h->flags & HEAD_MANY) &&
		    address_is_shared(r, run_text(r, h->vip))) {
			*ret_bind = run_text(r, h->vip);
			return BIND_SHARED;
		}
		return BIND_OWN;
	}
	/* Headless: a listener for each endpoint, unless there can be none. */
	if (h->flags & HEAD_HEADLESS && !w->port && !(h->flags & HEAD_EXTERNAL))
		return BIND_OWN;
	return BIND_SHARED;
}

/* The plain addresses of a ServiceEntry with several, if the port is bound to each: those that it shares with other
 * services, or those that it has for itself. */
static const char **own_addresses(struct run *r, const struct wrapper *w, uint32_t ns,
				  const struct service_head *h, enum protocol p, bool shared,
				  uint32_t *ret_n)
{
	const struct service *s;
	const char **v, *bind;

	*ret_n = 0;
	if (!(h->flags & HEAD_MANY) || protocol_is_http(listen_protocol(w, p)) || w->bind ||
	    wrapper_binds(r, w) || bind_of(r, w, h, p, &bind) == BIND_NONE)
		return NULL;
	s = service_read(r, ns, h->host);
	v = arena_array(run_arena(r), const char *, s ? s->n_addresses : 0);
	for (uint32_t i = 0; s && i < s->n_addresses; i++)
		if (!strchr(s->addresses[i], '/') &&
		    address_is_shared(r, s->addresses[i]) == shared)
			v[(*ret_n)++] = s->addresses[i];
	return v;
}

static bool may_bind(struct run *r, const struct wrapper *w, const char *bind, uint16_t port)
{
	if (str_eq(bind, wildcard_address(r)) && port_is_reserved(r, port))
		return false;
	return !(wrapper_binds(r, w) && port && port < 1024 &&
		 ask_is(r, ASK_FLAG, FLAG_UNPRIVILEGED));
}

/* ---- shared binds of a namespace ---- */

enum { KIND_HTTP = 1, KIND_OTHER = 2 };
struct shared_bind {
	uint32_t bind; /* key of the address */
	uint16_t port;
	uint8_t kinds, first_protocol;
	int64_t created_s; /* of the first service, for its place in the order */
	uint32_t name, ns;
	uint32_t host, dynamic; /* the same, if it is a wildcard of DYNAMIC_DNS; else 0 */
};

static bool before(struct run *r, const struct shared_bind *a, const struct shared_bind *b)
{
	int c;

	if (a->created_s != b->created_s)
		return a->created_s < b->created_s;
	c = strcmp(run_text(r, a->name), run_text(r, b->name));
	return c ? c < 0 : strcmp(run_text(r, a->ns), run_text(r, b->ns)) < 0;
}

struct shared_binds {
	struct shared_bind *v;
	uint32_t n, cap;
};

static void note_bind(struct run *r, struct shared_binds *s, struct shared_bind b)
{
	for (uint32_t i = 0; i < s->n; i++) {
		struct shared_bind *o = &s->v[i];

		if (o->bind != b.bind || o->port != b.port)
			continue;
		b.kinds |= o->kinds;
		if (before(r, &b, o))
			*o = b;
		o->kinds = b.kinds;
		return;
	}
	*ARENA_PUSH(run_arena(r), s->v, s->n, s->cap) = b;
}

static uint32_t dynamic_host(const struct service_head *h)
{
	const unsigned both = HEAD_WILDCARD | HEAD_DNS;

	return (h->flags & both) == both ? h->host : 0;
}

/* What one port needs. */
static void note_port(struct run *r, struct shared_binds *s, const struct wrapper *w, uint32_t ns,
		      const struct service_head *h, const struct port_head *port)
{
	enum protocol p = listen_protocol(w, port->protocol);
	struct shared_bind b = {
		.port = listen_port(w, port->number),
		.kinds = protocol_is_http(p) ? KIND_HTTP : KIND_OTHER,
		.first_protocol = (uint8_t)p,
		.created_s = h->created_s,
		.name = h->name,
		.ns = ns,
		.host = h->host,
		.dynamic = dynamic_host(h),
	};
	uint32_t n;
	const char *bind, **each = own_addresses(r, w, ns, h, port->protocol, true, &n);

	for (uint32_t i = 0; i < n; i++) {
		b.bind = run_key(r, each[i]);
		note_bind(r, s, b);
	}
	if (bind_of(r, w, h, port->protocol, &bind) != BIND_SHARED)
		return;
	b.bind = run_key(r, bind);
	note_bind(r, s, b);
}

/* [pair(ns, wrapper)] */
void lds_ports_run(struct run *r, uint32_t key)
{
	uint32_t ns = key_first(run_keys(r), key);
	const struct wrapper *w = wrapper_at(r, key_second(run_keys(r), key));
	struct heads heads = scope_visible(r, ns, w ? w->index : 0);
	struct shared_binds s = { 0 };

	for (uint32_t i = 0; w && i < heads.n; i++) {
		const struct service_head *h = &heads.v[i];
		const struct port_head *ports = head_ports(&heads, h);

		for (uint32_t j = 0; j < h->n_ports; j++)
			note_port(r, &s, w, ns, h, &ports[j]);
	}
	if (s.n)
		run_emit(r, s.v, s.n * sizeof *s.v);
}

/* ---- namespaces ---- */

static bool has_own_listeners(struct run *r, const struct wrapper *w, const struct heads *heads,
			      const struct service_head *h)
{
	const struct port_head *ports = head_ports(heads, h);
	const char *bind;

	for (uint32_t j = 0; j < h->n_ports; j++)
		if (bind_of(r, w, h, ports[j].protocol, &bind) == BIND_OWN ||
		    (head_is_range(r, h) && !protocol_is_http(ports[j].protocol)))
			return true;
	return false;
}

/* [pair(ns, wrapper)] */
void lds_ns_run(struct run *r, uint32_t key)
{
	uint32_t ns = key_first(run_keys(r), key);
	const struct wrapper *w = wrapper_at(r, key_second(run_keys(r), key));
	struct heads heads = scope_visible(r, ns, w ? w->index : 0);

	for (uint32_t i = 0; w && i < heads.n; i++)
		if (has_own_listeners(r, w, &heads, &heads.v[i]))
			list_add(r, Q_LISTENER_SERVICE,
				 run_pair(r, run_pair(r, ns, heads.v[i].host), w->index));
}

static const uint32_t *namespaces(struct run *r, uint32_t *ret_n)
{
	bool all;
	const uint32_t *ns = scope_namespaces(r, ret_n, &all);
	const struct keyset *set;

	if (!all)
		return ns;
	set = read_keyset(r, CELL_SVC_NS);
	*ret_n = set->n;
	return set->v;
}

/* [pair(bucket + 1, wrapper)] */
void lds_bucket_run(struct run *r, uint32_t key)
{
	uint32_t bucket = key_first(run_keys(r), key), wrapper = key_second(run_keys(r), key);
	const struct keyset *all = read_keyset(r, CELL_SVC_NS);

	for (uint32_t i = 0; i < all->n; i++)
		if (fanout_bucket_of(r, all->v[i]) == bucket - 1)
			list_add(r, Q_LDS_NS, run_pair(r, all->v[i], wrapper));
}

/* ---- a service's own listeners ---- */

/* Has an earlier egress listener with this port made the listener already? It is locked then (4.8). */
static bool is_locked(struct run *r, const struct wrapper *w, uint32_t ns, uint32_t host,
		      uint16_t port)
{
	uint32_t n;
	const struct wrapper *all = scope_wrappers(r, &n);

	for (uint32_t i = 0; i < n && !w->port; i++) {
		struct heads heads;

		if (all[i].index >= w->index || all[i].port != port)
			continue;
		heads = scope_visible(r, ns, all[i].index);
		if (heads_find(&heads, host))
			return true;
	}
	return false;
}

static void emit_one(struct run *r, const struct wrapper *w, const struct service *s,
		     const char *bind, uint16_t port, enum protocol p)
{
	struct outbound o;

	if (!may_bind(r, w, bind, port))
		return;
	outbound_init(&o, r, w, bind, port);
	outbound_add(&o, s, p, NULL, 0);
	outbound_emit(&o);
}

static bool is_own_address(struct run *r, const char *addr)
{
	uint32_t key = ask(r, ASK_OWN_ADDRESSES, 0);
	const char *own = key ? run_text(r, key) : "";
	size_t n = strlen(addr);

	return !strncmp(own, addr, n) && (!own[n] || own[n] == ',');
}

static void emit_headless(struct run *r, const struct wrapper *w, const struct service *s,
			  const struct service_port_model *port)
{
	struct map seen = MAP_INIT;
	uint32_t n;
	const struct endpoint_model *e = endpoints_read(r, s, port, &n);

	for (uint32_t i = 0; i < n; i++)
		if (ip_is_valid(e[i].address) && !map_has(&seen, e[i].address) &&
		    !is_own_address(r, e[i].address)) {
			map_set(&seen, e[i].address, &seen);
			emit_one(r, w, s, e[i].address, listen_port(w, port->number),
				 listen_protocol(w, port->protocol));
		}
	map_fini(&seen);
}

static void emit_own(struct run *r, const struct wrapper *w, const struct service_head *h,
		     const struct service *s, const struct service_port_model *p)
{
	if (!head_has_vip(r, h))
		emit_headless(r, w, s, p);
	else if (!(h->flags & HEAD_MANY))
		emit_one(r, w, s, service_vip(r, s), listen_port(w, p->number),
			 listen_protocol(w, p->protocol));
}

/* [pair(pair(ns, host), wrapper)] */
void listener_service_run(struct run *r, uint32_t key)
{
	struct keys *k = run_keys(r);
	uint32_t id = key_first(k, key), ns = key_first(k, id), host = key_second(k, id);
	const struct wrapper *w = wrapper_at(r, key_second(k, key));
	const struct service *s = service_read(r, ns, host);
	struct heads heads = scope_visible(r, ns, w ? w->index : 0);
	const struct service_head *h = heads_find(&heads, host);

	if (!w || !s || !h)
		return;
	for (uint32_t i = 0; i < h->n_ports; i++) {
		const struct port_head *ph = &head_ports(&heads, h)[i];
		const struct service_port_model *p = service_port_of(s, ph->number);
		const char *bind, **each;
		uint32_t n;

		if (!p || is_locked(r, w, ns, host, ph->number))
			continue;
		if (bind_of(r, w, h, ph->protocol, &bind) == BIND_OWN)
			emit_own(r, w, h, s, p);
		each = own_addresses(r, w, ns, h, ph->protocol, false, &n);
		for (uint32_t j = 0; j < n; j++)
			emit_one(r, w, s, each[j], listen_port(w, p->number),
				 listen_protocol(w, p->protocol));
	}
}

/* ---- shared listeners ---- */

static struct shared_binds needs_of(struct run *r, uint32_t wrapper)
{
	struct shared_binds s = { 0 };
	uint32_t n;
	const uint32_t *ns = namespaces(r, &n);

	for (uint32_t i = 0; i < n; i++) {
		const struct result *res =
			call_query(r, Q_LDS_PORTS_NS, run_pair(r, ns[i], wrapper));

		for (uint32_t j = 0; j < res->n / sizeof(struct shared_bind); j++)
			note_bind(r, &s, ((const struct shared_bind *)res->bytes)[j]);
	}
	return s;
}

/* Whose listener it is does not show when all is HTTP: then the first service of each namespace stands for all. */
static void cite_owners(struct run *r, uint32_t wrapper, const struct shared_bind *b)
{
	uint32_t n;
	const uint32_t *ns = namespaces(r, &n);

	for (uint32_t i = 0; i < n; i++) {
		const struct result *res =
			call_query(r, Q_LDS_PORTS_NS, run_pair(r, ns[i], wrapper));
		const struct shared_bind *v = (const void *)res->bytes;

		for (uint32_t j = 0; j < res->n / sizeof *v; j++)
			if (v[j].bind == b->bind && v[j].port == b->port)
				cite_cell(r, CELL_SVC_NS_HOST, run_pair(r, ns[i], v[j].host));
	}
}

struct candidate {
	int64_t created_s;
	const char *name, *ns;
	uint32_t ns_key, host;
	uint16_t port;
	enum protocol protocol;
};

static int by_age(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int c;

	if (x->created_s != y->created_s)
		return x->created_s < y->created_s ? -1 : 1;
	c = strcmp(x->name, y->name);
	c = c ? c : strcmp(x->ns, y->ns);
	return c ? c : (int)x->port - (int)y->port;
}

static bool is_bound(struct run *r, const struct wrapper *w, uint32_t ns,
		     const struct service_head *h, enum protocol p, const char *bind)
{
	uint32_t n;
	const char *b, **each;

	if (bind_of(r, w, h, p, &b) == BIND_SHARED && str_eq(b, bind))
		return true;
	each = own_addresses(r, w, ns, h, p, true, &n);
	for (uint32_t i = 0; i < n; i++)
		if (str_eq(each[i], bind))
			return true;
	return false;
}

/* All services that share a bind, in their global order. */
static struct candidate *candidates(struct run *r, const struct wrapper *w, const char *bind,
				    uint16_t port, uint32_t *ret_n)
{
	struct candidate *v = NULL;
	uint32_t n = 0, cap = 0, n_ns;
	const uint32_t *ns = namespaces(r, &n_ns);

	for (uint32_t i = 0; i < n_ns; i++) {
		struct heads heads = scope_visible(r, ns[i], w->index);

		for (uint32_t j = 0; j < heads.n; j++) {
			const struct service_head *h = &heads.v[j];
			const struct port_head *ports = head_ports(&heads, h);

			for (uint32_t k = 0; k < h->n_ports; k++)
				if (listen_port(w, ports[k].number) == port &&
				    is_bound(r, w, ns[i], h, ports[k].protocol, bind))
					*ARENA_PUSH(run_arena(r), v, n, cap) = (struct candidate){
						h->created_s,
						run_text(r, h->name),
						run_text(r, ns[i]),
						ns[i],
						h->host,
						ports[k].number,
						listen_protocol(w, ports[k].protocol)
					};
		}
	}
	if (n)
		qsort(v, n, sizeof *v, by_age);
	*ret_n = n;
	return v;
}

/* CIDR addresses stand for the service as destination ranges. */
static const char *const *ranges_of(struct run *r, const struct service *s, uint32_t *ret_n)
{
	const char **v = NULL;
	uint32_t n = 0, cap = 0;

	for (uint32_t i = 0; !s->is_kubernetes && i < s->n_addresses; i++)
		if (strchr(s->addresses[i], '/'))
			*ARENA_PUSH(run_arena(r), v, n, cap) = s->addresses[i];
	*ret_n = n;
	return v;
}

/* "bind_port" taken apart. */
static const char *split_name(struct run *r, uint32_t name, uint16_t *ret_port)
{
	const char *text = run_text(r, name), *under = strrchr(text, '_');

	*ret_port = (uint16_t)strtoul(under + 1, NULL, 10);
	return arena_strndup(run_arena(r), text, (size_t)(under - text));
}

/* [pair(wrapper, "bind_port")] */
void listener_shared_run(struct run *r, uint32_t key)
{
	struct keys *k = run_keys(r);
	const struct wrapper *w = wrapper_at(r, key_first(k, key));
	struct shared_binds needs;
	struct outbound o;
	uint16_t port;
	const char *bind = split_name(r, key_second(k, key), &port);

	if (!w || !may_bind(r, w, bind, port))
		return;
	outbound_init(&o, r, w, bind, port);
	needs = needs_of(r, w->index);
	for (uint32_t i = 0; i < needs.n; i++) {
		const struct shared_bind *b = &needs.v[i];

		if (b->port != port || !str_eq(run_text(r, b->bind), bind))
			continue;
		/* All HTTP: whose they are does not show in the listener, unless the first is found by request. */
		if (b->kinds == KIND_HTTP) {
			struct service any = { .host = b->dynamic ? run_text(r, b->dynamic) : "",
					       .resolution = b->dynamic
								     ? RESOLUTION_DYNAMIC_DNS
								     : RESOLUTION_CLIENT_SIDE_LB };

			cite_owners(r, w->index, b);
			outbound_add(&o, &any, b->first_protocol, NULL, 0);
			outbound_emit(&o);
			return;
		}
	}
	uint32_t n, n_ranges;
	const struct candidate *v = candidates(r, w, bind, port, &n);

	for (uint32_t i = 0; i < n; i++) {
		const struct service *s = service_read(r, v[i].ns_key, v[i].host);
		const char *const *ranges;

		if (!s)
			continue;
		ranges = ranges_of(r, s, &n_ranges);
		if (!w->bind && !o.wildcard && !o.real_bind)
			n_ranges = 0; /* the bind is one of its plain addresses */
		outbound_add(&o, s, v[i].protocol, ranges, n_ranges);
	}
	outbound_emit(&o);
}

/* ---- the root ---- */

static int by_bind(const void *a, const void *b, void *keys)
{
	const struct shared_bind *x = a, *y = b;
	int c = strcmp(key_text(keys, x->bind), key_text(keys, y->bind));

	return c ? c : (int)x->port - (int)y->port;
}

static void add_wrapper(struct run *r, const struct wrapper *w, struct shared_binds *done)
{
	struct shared_binds needs = needs_of(r, w->index);
	bool all;
	uint32_t n, locked = done->n;
	const uint32_t *ns = scope_namespaces(r, &n, &all);

	for (uint32_t b = 0; all && b < FANOUT_BUCKETS; b++)
		list_add(r, Q_LDS_BUCKET, run_pair(r, b + 1, w->index));
	for (uint32_t i = 0; !all && i < n; i++)
		list_add(r, Q_LDS_NS, run_pair(r, ns[i], w->index));
	if (needs.n)
		qsort_r(needs.v, needs.n, sizeof *needs.v, by_bind, run_keys(r));
	for (uint32_t i = 0; i < needs.n; i++) {
		bool taken = false;

		for (uint32_t j = 0; j < locked && !taken; j++)
			taken = done->v[j].bind == needs.v[i].bind &&
				done->v[j].port == needs.v[i].port;
		if (taken)
			continue;
		list_add(r, Q_LISTENER_SHARED,
			 run_pair(r, w->index,
				  run_key(r,
					  listener_name(run_arena(r), run_text(r, needs.v[i].bind),
							needs.v[i].port))));
		*ARENA_PUSH(run_arena(r), done->v, done->n, done->cap) = needs.v[i];
	}
}

void lds_run(struct run *r, uint32_t key)
{
	struct shared_binds done = { 0 };
	const struct wrapper *w;
	uint32_t n;

	if (ask_is(r, ASK_IS_ROUTER, 0)) {
		gateway_lds_add(r);
		return;
	}
	if (mesh_get(r, proxy_listen_port).v <= 0)
		return;
	w = scope_wrappers(r, &n);
	for (uint32_t i = 0; i < n; i++)
		add_wrapper(r, &w[i], &done);
	list_add(r, Q_LDS_VIRTUAL, 0);
	list_add(r, Q_LDS_INBOUND, 0);
}
