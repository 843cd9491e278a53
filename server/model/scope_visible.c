/* Which services a scope sees (translation.md 1.6): exportTo, the imports of a Sidecar, one owner for a host that
 * several namespaces declare, and what VirtualServices pull in.
 *
 * Questions are asked per namespace and only where heads say that they matter: in the default scope with public
 * services the only one is whether the scope is the default.
 */
#include "model/export.h"
#include "model/heads.h"
#include "model/queries.h"
#include "model/questions.h"
#include "model/scope.h"
#include "world/world.h"
#include <string.h>

/* How the running query sees a namespace. */
struct view {
	struct run *r;
	bool is_default;
	const struct import_list
		*lists; /* without them, in a Sidecar's scope, nothing is imported */
	uint32_t n_lists;
};

static struct view view_of(struct run *r, uint32_t ns, uint32_t index)
{
	struct view v = { .r = r, .is_default = scope_is_default(r) };

	if (!v.is_default)
		v.lists = imports_of(r, ns, index, &v.n_lists);
	return v;
}

/* Marks the ports of a head that are imported; false: none, and the service is not seen at all. A service without
 * ports is seen where nothing trims it. */
static bool import_ports(const struct view *v, const struct heads *h, const struct service_head *s,
			 bool *ports)
{
	const char *host = run_text(v->r, s->host);
	bool any = false;

	if (v->is_default) {
		memset(ports, true, s->n_ports);
		return true;
	}
	for (uint32_t i = 0; i < v->n_lists; i++) {
		uint16_t only = v->lists[i].port;

		if (!import_takes(&v->lists[i], host))
			continue;
		any = any || !only;
		for (uint32_t j = 0; j < s->n_ports; j++)
			if (!only || head_ports(h, s)[j].number == only)
				any = ports[j] = true;
	}
	return any;
}

static bool *port_marks(struct run *r, const struct service_head *s)
{
	return arena_array(run_arena(r), bool, s->n_ports);
}

/* ---- who owns a host that several namespaces declare ---- */
struct claim {
	const struct service_head *head;
	uint32_t ns;
	bool own; /* of the proxy's namespace; looked at only where namespaces clash */
};

/* The order of services exported to a namespace: those exported to it by name, then the public ones, oldest first. */
static bool comes_before(struct run *r, const struct claim *a, const struct claim *b)
{
	bool private_a = a->head->flags & HEAD_EXPORTED, private_b = b->head->flags & HEAD_EXPORTED;
	int c;

	if (private_a != private_b)
		return private_a;
	if (a->head->created_s != b->head->created_s)
		return a->head->created_s < b->head->created_s;
	c = strcmp(run_text(r, a->head->name), run_text(r, b->head->name));
	return c ? c < 0 : strcmp(run_text(r, a->ns), run_text(r, b->ns)) < 0;
}

static bool claims(struct run *r, uint32_t host, uint32_t ns, uint32_t index, struct claim *ret)
{
	struct heads h = heads_of_ns(r, ns);
	const struct service_head *s = heads_find(&h, host);
	struct view v;

	if (!s)
		return false;
	v = view_of(r, ns, index);
	if (!import_ports(&v, &h, s, port_marks(r, s)) || !export_seen_by_proxy(r, s->export_to))
		return false;
	*ret = (struct claim){ s, ns, s->flags & HEAD_CLASH && ask_is(r, ASK_NS_IS, ns) };
	return true;
}

static bool beats(struct run *r, const struct claim *a, const struct claim *b)
{
	bool kube_a = a->head->flags & HEAD_KUBERNETES, kube_b = b->head->flags & HEAD_KUBERNETES;

	if (a->own != b->own)
		return a->own;
	if (kube_a != kube_b)
		return kube_a;
	return comes_before(r, a, b);
}

void host_owner_run(struct run *r, uint32_t key)
{
	uint32_t host = key_first(run_keys(r), key);
	uint32_t index = key_number(r, key_second(run_keys(r), key));
	const struct entry *e = read_entry(r, CELL_SVC_HOST, host);
	struct claim best = { 0 }, c;
	uint32_t *done = arena_array(run_arena(r), uint32_t, e->n), n_done = 0;

	for (uint32_t i = 0; i < e->n; i++) {
		uint32_t ns = run_key(r, e->v[i]->ns), j = 0;

		while (j < n_done && done[j] != ns)
			j++;
		if (j < n_done)
			continue;
		done[n_done++] = ns;
		if (claims(r, host, ns, index, &c) && (!best.head || beats(r, &c, &best)))
			best = c;
	}
	if (best.head)
		run_emit(r, &best.ns, sizeof best.ns);
}

static uint32_t ns_in(const struct result *result)
{
	uint32_t ns = 0;

	if (result->n >= sizeof ns)
		memcpy(&ns, result->bytes, sizeof ns);
	return ns;
}

void host_ns_run(struct run *r, uint32_t host)
{
	uint32_t ns = ns_in(call_query(r, Q_HOST_OWNER, run_pair(r, host, KEY_EMPTY)));

	if (!ns && !scope_is_default(r)) {
		const struct result *extra = call_query(r, Q_SCOPE_EXTRA, 0);
		const struct extra_service *v = (const void *)extra->bytes;

		for (uint32_t i = 0; i < extra->n / sizeof *v && !ns; i++)
			if (v[i].host == host)
				ns = v[i].ns;
	}
	if (ns)
		run_emit(r, &ns, sizeof ns);
}

/* In the default scope the answer depends on little, so it is called; a Sidecar's scope depends on all of the Sidecar,
 * so only its outcome may enter the caller. */
uint32_t scope_host_ns(struct run *r, uint32_t host)
{
	if (!read_entry(r, CELL_SVC_HOST, host)->n)
		return 0;
	if (scope_is_default(r))
		return ns_in(call_query(r, Q_HOST_OWNER, run_pair(r, host, KEY_EMPTY)));
	return ns_in(ask_query(r, Q_HOST_NS, host));
}

bool scope_sees_service(struct run *r, uint32_t ns, uint32_t host)
{
	return scope_host_ns(r, host) == ns;
}

/* ---- the list of a namespace ---- */
static bool owns(const struct view *v, uint32_t ns, uint32_t index, const struct service_head *s)
{
	uint32_t key;

	if (!(s->flags & HEAD_CLASH))
		return true;
	key = run_pair(v->r, s->host, number_key(v->r, index));
	return ns_in(v->is_default ? call_query(v->r, Q_HOST_OWNER, key)
				   : ask_query(v->r, Q_HOST_OWNER, key)) == ns;
}

/* Adds the ports that VirtualServices use of the service. */
static bool extra_ports(const struct result *extra, const struct heads *h,
			const struct service_head *s, bool *ports)
{
	const struct extra_service *v = (const void *)extra->bytes;
	bool any = false;

	for (uint32_t i = 0; i < extra->n / sizeof *v; i++) {
		if (v[i].host != s->host)
			continue;
		any = any || !v[i].port;
		for (uint32_t j = 0; j < s->n_ports; j++)
			if (!v[i].port || head_ports(h, s)[j].number == v[i].port)
				any = ports[j] = true;
	}
	return any;
}

static void add_head(struct heads *out, struct service_head *heads, struct port_head *ports,
		     const struct heads *from, const struct service_head *s, const bool *marks)
{
	struct service_head *to = &heads[out->n++];

	*to = *s;
	to->first_port = out->n_ports;
	to->n_ports = 0;
	for (uint32_t i = 0; i < s->n_ports; i++)
		if (marks[i]) {
			ports[out->n_ports++] = head_ports(from, s)[i];
			to->n_ports++;
		}
}

void visible_run(struct run *r, uint32_t key)
{
	uint32_t ns = key_first(run_keys(r), key);
	uint32_t index = key_number(r, key_second(run_keys(r), key));
	struct heads all = heads_of_ns(r, ns), out = { 0 };
	struct service_head *heads = arena_array(run_arena(r), struct service_head, all.n);
	struct port_head *ports = arena_array(run_arena(r), struct port_head, all.n_ports);
	const struct result *extra = NULL;
	struct view v;

	if (!all.n)
		return;
	v = view_of(r, ns, index);
	if (!v.is_default && !index && !scope_is_simple(r))
		extra = ask_query(r, Q_EXTRA_OF, ns);
	for (uint32_t i = 0; i < all.n; i++) {
		const struct service_head *s = &all.v[i];
		bool *marks = port_marks(r, s);
		bool in = import_ports(&v, &all, s, marks) &&
			  export_seen_by_proxy(r, s->export_to) && owns(&v, ns, index, s);

		if (!in)
			memset(marks, false, s->n_ports);
		if (extra && extra->n)
			in = extra_ports(extra, &all, s, marks) || in;
		if (in)
			add_head(&out, heads, ports, &all, s, marks);
	}
	out.v = heads;
	out.ports = ports;
	heads_emit(r, &out);
}

struct heads scope_visible(struct run *r, uint32_t ns, uint32_t index)
{
	index = scope_index(r, index);
	return heads_in(call_query(r, Q_VISIBLE, run_pair(r, ns, number_key(r, index))));
}

const struct service_alias *scope_aliases(struct run *r, const struct service *s, uint32_t index,
					  uint32_t *ret_n)
{
	uint32_t n, n_lists;
	const struct service_alias *all = service_aliases(r, s, &n);
	struct service_alias *v;

	*ret_n = n;
	if (!n || scope_is_default(r))
		return all;
	v = arena_array(run_arena(r), struct service_alias, n);
	*ret_n = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct import_list *lists =
			imports_of(r, run_key(r, all[i].ns), scope_index(r, index), &n_lists);
		bool in = false;

		for (uint32_t j = 0; j < n_lists && !in; j++)
			in = import_takes(&lists[j], all[i].host);
		if (in)
			v[(*ret_n)++] = all[i];
	}
	return v;
}
