/* Hosts of VirtualServices that no service has (translation.md 5.4, 5.5). On port 80 each is a virtual host; on other
 * ports it is one only where another host of its VirtualService is a service with the port.
 */
#include "model/export.h"
#include "model/heads.h"
#include "model/queries.h"
#include "model/route_source.h"
#include "model/scope.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

enum { PORT_OF_LONE_HOSTS = 80 };

struct row {
	uint32_t ns, rank;
	const struct vs_head *head;
	const struct vs_host *hosts;
};
struct search {
	struct run *r;
	uint16_t port;
	uint32_t index;
	struct row *rows;
	uint32_t n;
	size_t cap;
};

static void add_namespace(struct search *s, uint32_t ns)
{
	struct vs_heads heads = vs_heads_of_ns(s->r, ns);
	const struct import_list *lists = NULL;
	uint32_t n_lists = 0;
	bool all = scope_is_default(s->r);

	if (heads.n && !all)
		lists = imports_of(s->r, ns, s->index, &n_lists);
	for (uint32_t i = 0; i < heads.n; i++) {
		const struct vs_head *vs = &heads.v[i];
		bool taken = all;

		for (uint32_t j = 0; j < n_lists && !taken; j++)
			taken = import_takes_vs(s->r, &lists[j], &heads, vs);
		if (!taken || !(vs->flags & VS_MESH) || !export_seen_by_proxy(s->r, vs->export_to))
			continue;
		*ARENA_PUSH(run_arena(s->r), s->rows, s->n, s->cap) = (struct row){
			.ns = ns,
			.rank = vs_rank(s->r, vs->export_to, ns, vs->flags & VS_GATEWAY_STYLE),
			.head = vs,
			.hosts = heads.hosts + vs->first_host,
		};
	}
}

static int by_precedence(const void *a, const void *b, void *keys)
{
	const struct row *x = a, *y = b;
	int c;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->head->created_s != y->head->created_s)
		return x->head->created_s < y->head->created_s ? -1 : 1;
	c = key_compare(keys, x->head->name, y->head->name);
	return c ? c : key_compare(keys, x->ns, y->ns);
}

static bool has_port(const struct search *s, const struct heads *h, const struct service_head *head,
		     bool *ret_routed)
{
	const struct port_head *p = head_ports(h, head);
	bool found = !s->port;

	for (uint32_t i = 0; i < head->n_ports; i++) {
		enum protocol protocol = (enum protocol)p[i].protocol;

		if (s->port && p[i].number != s->port)
			continue;
		found = true;
		if (protocol_is_http(protocol) || protocol == PROTOCOL_AUTO)
			*ret_routed = true;
	}
	return found;
}

/* Is it a visible service with the port? `*ret_routed` turns true if one of its ports has routes. */
static bool is_service(const struct search *s, uint32_t host, bool *ret_routed)
{
	const struct entry *e = read_entry(s->r, CELL_SVC_HOST, host);

	for (uint32_t i = 0; i < e->n; i++) {
		struct heads h = scope_visible(s->r, run_key(s->r, e->v[i]->ns), s->index);
		const struct service_head *head = heads_find(&h, host);

		if (head && has_port(s, &h, head, ret_routed))
			return true;
	}
	return false;
}

static bool ns_has_covered(const struct search *s, uint32_t ns, const char *wildcard,
			   bool *ret_routed)
{
	struct heads h = scope_visible(s->r, ns, s->index);

	for (uint32_t i = 0; i < h.n; i++)
		if (host_subset_of(run_text(s->r, h.v[i].host), wildcard) &&
		    has_port(s, &h, &h.v[i], ret_routed))
			return true;
	return false;
}

/* Does the wildcard cover a visible service with the port? */
static bool covers_service(const struct search *s, uint32_t host, bool *ret_routed)
{
	const char *text = run_text(s->r, host);

	if (!strcmp(text, "*")) {
		const struct keyset *all = read_keyset(s->r, CELL_SVC_NS);

		for (uint32_t i = 0; i < all->n; i++)
			if (ns_has_covered(s, all->v[i], text, ret_routed))
				return true;
	} else {
		const struct entry *e = read_entry(s->r, CELL_SVC_SUFFIX, host);

		for (uint32_t i = 0; i < e->n; i++)
			if ((!i || strcmp(e->v[i]->ns, e->v[i - 1]->ns)) &&
			    ns_has_covered(s, run_key(s->r, e->v[i]->ns), text, ret_routed))
				return true;
	}
	return false;
}

static void emit_row(const struct search *s, const struct row *row)
{
	struct lone_host *v = arena_array(run_arena(s->r), struct lone_host, row->head->n_hosts);
	bool routed = false;
	uint32_t n = 0;

	if (s->port != PORT_OF_LONE_HOSTS && row->head->n_hosts < 2)
		return;
	for (uint32_t i = 0; i < row->head->n_hosts; i++) {
		uint32_t host = row->hosts[i].host;
		bool wildcard = host_is_wildcard(run_text(s->r, host));
		bool found = is_service(s, host, &routed);

		if (!found && wildcard)
			found = covers_service(s, host, &routed);
		if (!found)
			v[n++] = (struct lone_host){ row->ns, row->head->name, host };
	}
	if (n && (s->port == PORT_OF_LONE_HOSTS || routed))
		run_emit(s->r, v, n * sizeof *v);
}

void lone_hosts_run(struct run *r, uint32_t key)
{
	struct search s = { .r = r };

	s.port = (uint16_t)key_number(r, key_first(run_keys(r), key));
	s.index = key_number(r, key_second(run_keys(r), key));
	if (scope_is_default(r)) {
		const struct keyset *all = read_keyset(r, CELL_VS_NS);

		for (uint32_t i = 0; i < all->n; i++)
			add_namespace(&s, all->v[i]);
	} else {
		const struct result *some = ask_query(r, Q_SCOPE_VS_NS, number_key(r, s.index));
		const uint32_t *v = (const void *)some->bytes;

		for (uint32_t i = 0; i < some->n / sizeof *v; i++)
			add_namespace(&s, v[i]);
	}
	if (s.n)
		qsort_r(s.rows, s.n, sizeof *s.rows, by_precedence, run_keys(r));
	for (uint32_t i = 0; i < s.n; i++)
		emit_row(&s, &s.rows[i]);
}

const struct lone_host *lone_hosts_on(struct run *r, uint16_t port, uint32_t index, uint32_t *ret_n)
{
	const struct result *result;

	index = scope_index(r, index);
	result =
		call_query(r, Q_LONE_HOSTS, run_pair(r, number_key(r, port), number_key(r, index)));
	*ret_n = result->n / sizeof(struct lone_host);
	return (const void *)result->bytes;
}

const struct lone_host *lone_hosts(struct run *r, uint32_t index, uint32_t *ret_n)
{
	return lone_hosts_on(r, PORT_OF_LONE_HOSTS, index, ret_n);
}
