/* Services that a Sidecar does not import, but that imported VirtualServices route to (translation.md 1.6). They get
 * clusters, trimmed to the ports that are used.
 *
 * A scope's list is made from heads of VirtualServices, so a changed weight or match does not come here.
 */
#include "model/export.h"
#include "model/heads.h"
#include "model/queries.h"
#include "model/scope.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

/* Hosts that VirtualServices of these namespaces overlap: the exact one and the wildcards above it. */
void vs_namespaces_run(struct run *r, uint32_t host)
{
	const char *text = run_text(r, host);
	uint32_t at = host;

	while (at) {
		const struct entry *e = read_entry(r, CELL_VS_AT, at);
		const char *parent;

		for (uint32_t i = 0; i < e->n; i++) {
			uint32_t ns = run_key(r, e->v[i]->ns);

			run_emit(r, &ns, sizeof ns);
		}
		parent = host_parent(run_arena(r), text);
		at = parent ? wildcard_above(r, Q_WILDCARD_VS, parent) : 0;
		text = at ? run_text(r, at) : NULL;
	}
}

struct namespaces {
	uint32_t *v;
	uint32_t n;
	size_t cap;
};

static void add_namespace(struct run *r, struct namespaces *s, uint32_t ns)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->v[i] == ns)
			return;
	*ARENA_PUSH(run_arena(r), s->v, s->n, s->cap) = ns;
}

static void namespaces_of_host(struct run *r, struct namespaces *s, const struct egress_host *h,
			       const struct object *sidecar)
{
	if (!strcmp(h->ns, ".")) {
		add_namespace(r, s, scope_own_ns(r, sidecar));
	} else if (strcmp(h->ns, "*")) {
		add_namespace(r, s, run_key(r, h->ns));
	} else if (host_is_wildcard(h->host)) {
		const struct keyset *all = read_keyset(r, CELL_VS_NS);

		for (uint32_t i = 0; i < all->n; i++)
			add_namespace(r, s, all->v[i]);
	} else {
		const struct result *some = call_query(r, Q_VS_NAMESPACES, run_key(r, h->host));
		const uint32_t *v = (const void *)some->bytes;

		for (uint32_t i = 0; i < some->n / sizeof *v; i++)
			add_namespace(r, s, v[i]);
	}
}

static int by_key_text(const void *a, const void *b, void *keys)
{
	return key_compare(keys, *(const uint32_t *)a, *(const uint32_t *)b);
}

/* Namespaces whose VirtualServices a listener of the Sidecar (0: any) may import. */
void scope_vs_ns_run(struct run *r, uint32_t key)
{
	uint32_t index = key_number(r, key);
	const struct object *sidecar = scope_sidecar(r);
	struct namespaces s = { 0 };
	uint32_t n;
	const struct wrapper *w = scope_wrappers(r, &n);

	for (uint32_t i = 0; i < n; i++) {
		const struct istio_egress_listener *l = w[i].listener;

		if (index && w[i].index != index)
			continue;
		for (uint32_t j = 0; l && j < l->hosts.n; j++) {
			struct egress_host h;

			if (egress_host_parse(run_arena(r), l->hosts.v[j], &h) && !h.drop)
				namespaces_of_host(r, &s, &h, sidecar);
		}
		if (!l) {
			const struct keyset *all = read_keyset(r, CELL_VS_NS);

			for (uint32_t j = 0; j < all->n; j++)
				add_namespace(r, &s, all->v[j]);
		}
	}
	if (s.n)
		qsort_r(s.v, s.n, sizeof *s.v, by_key_text, run_keys(r));
	run_emit(r, s.v, s.n * sizeof *s.v);
}

struct collect {
	struct run *r;
	const struct object *sidecar;
	uint32_t own;
	const struct wrapper *w;
	struct extra_service *v;
	uint32_t n;
	size_t cap;
};

/* The service that a destination means: of the own namespace, else a Kubernetes one, else the oldest. */
static const struct service_head *destination_service(struct collect *c, uint32_t host,
						      struct heads *ret_heads, uint32_t *ret_ns)
{
	const struct entry *e = read_entry(c->r, CELL_SVC_HOST, host);
	const char *own = run_text(c->r, c->own);
	const struct service_head *best = NULL;

	for (uint32_t i = 0; i < e->n; i++) {
		uint32_t ns = run_key(c->r, e->v[i]->ns);
		struct heads h = heads_of_ns(c->r, ns);
		const struct service_head *s = heads_find(&h, host);
		bool better;

		if (!s || !export_has(c->r, s->export_to, own) || (best && *ret_ns == c->own))
			continue;
		better = !best || ns == c->own ||
			 (s->flags & HEAD_KUBERNETES && !(best->flags & HEAD_KUBERNETES));
		if (better) {
			best = s;
			*ret_heads = h;
			*ret_ns = ns;
		}
	}
	return best;
}

/* Is this port (0: all ports) of the host imported already? */
static bool imported(struct collect *c, uint32_t ns, uint32_t host, uint16_t port)
{
	uint32_t n;
	const struct wrapper *w = scope_wrappers(c->r, &n);

	for (uint32_t i = 0; i < n; i++) {
		struct import_list l;

		if (!imports_of_listener(c->r, &w[i], c->sidecar, ns, &l) ||
		    !import_takes(&l, run_text(c->r, host)))
			continue;
		if (!l.port || l.port == port)
			return true;
	}
	return false;
}

static void add_row(struct collect *c, uint32_t ns, uint32_t host, uint16_t port)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->v[i].ns == ns && c->v[i].host == host && c->v[i].port == port)
			return;
	*ARENA_PUSH(run_arena(c->r), c->v, c->n, c->cap) =
		(struct extra_service){ ns, host, port, 0 };
}

/* `port` is what the VirtualService names; a listener with a port trims to that instead. */
static void add_destination(struct collect *c, uint32_t host, uint16_t port)
{
	uint16_t listener = c->w->protocol == PROTOCOL_HTTP_PROXY ? 0 : c->w->port;
	const struct result *owner;
	const struct service_head *s;
	struct heads heads;
	uint32_t ns = 0;

	s = destination_service(c, host, &heads, &ns);
	port = listener ? listener : port;
	if (!s || (port && !head_port(&heads, s, port)) || imported(c, ns, host, port))
		return;
	owner = call_query(c->r, Q_HOST_OWNER, run_pair(c->r, host, KEY_EMPTY));
	if (!owner->n || !memcmp(owner->bytes, &ns, sizeof ns))
		add_row(c, ns, host, port);
}

static void collect_vs(struct collect *c, const struct vs_heads *heads, const struct vs_head *vs)
{
	for (uint32_t i = 0; i < vs->n_destinations; i++) {
		const struct vs_destination *d = &heads->destinations[vs->first_destination + i];

		if (!d->source_ns || d->source_ns == c->own)
			add_destination(c, d->host, d->port);
	}
}

static void collect_listener(struct collect *c)
{
	const struct result *namespaces =
		call_query(c->r, Q_SCOPE_VS_NS, number_key(c->r, c->w->index));
	const uint32_t *v = (const void *)namespaces->bytes;
	const char *own = run_text(c->r, c->own);

	for (uint32_t i = 0; i < namespaces->n / sizeof *v; i++) {
		uint32_t ns = v[i];
		struct vs_heads heads = vs_heads_of_ns(c->r, ns);
		struct import_list l;

		if (!heads.n || !imports_of_listener(c->r, c->w, c->sidecar, ns, &l))
			continue;
		for (uint32_t j = 0; j < heads.n; j++)
			if (heads.v[j].flags & VS_MESH &&
			    export_has(c->r, heads.v[j].export_to, own) &&
			    import_takes_vs(c->r, &l, &heads, &heads.v[j]))
				collect_vs(c, &heads, &heads.v[j]);
	}
}

static int by_service(const void *a, const void *b, void *keys)
{
	const struct extra_service *x = a, *y = b;
	int c = key_compare(keys, x->ns, y->ns);

	c = c ? c : key_compare(keys, x->host, y->host);
	return c ? c : (int)x->port - (int)y->port;
}

void scope_extra_run(struct run *r, uint32_t key)
{
	struct collect c = { .r = r, .sidecar = scope_sidecar(r) };
	const struct wrapper *w;
	uint32_t n;

	if (!c.sidecar)
		return;
	w = scope_wrappers(r, &n);
	c.own = scope_own_ns(r, c.sidecar);
	for (uint32_t i = 0; i < n; i++) {
		c.w = &w[i];
		if (w[i].listener)
			collect_listener(&c);
	}
	if (c.n)
		qsort_r(c.v, c.n, sizeof *c.v, by_service, run_keys(r));
	run_emit(r, c.v, c.n * sizeof *c.v);
}

/* Scopes that differ only in what they import share the answer. */
void scope_simple_run(struct run *r, uint32_t key)
{
	uint32_t n, yes = 1;

	(void)scope_wrappers(r, &n);
	if (n == 1 && !call_query(r, Q_SCOPE_EXTRA, 0)->n)
		run_emit(r, &yes, sizeof yes);
}

bool scope_is_simple(struct run *r)
{
	return ask_query(r, Q_SCOPE_SIMPLE, 0)->n != 0;
}

uint32_t scope_index(struct run *r, uint32_t index)
{
	if (!index || scope_is_default(r) || (index == 1 && scope_is_simple(r)))
		return 0;
	return index;
}

void extra_of_run(struct run *r, uint32_t ns)
{
	const struct result *all = call_query(r, Q_SCOPE_EXTRA, 0);
	const struct extra_service *v = (const void *)all->bytes;

	for (uint32_t i = 0; i < all->n / sizeof *v; i++)
		if (v[i].ns == ns)
			run_emit(r, &v[i], sizeof v[i]);
}
