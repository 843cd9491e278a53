/* Leaves of clusters and endpoints: their keys, and the ports that count. */
#include "translate/leaf.h"
#include "model/scope.h"
#include <stdlib.h>
#include <string.h>

static uint32_t leaf_key(struct run *r, uint32_t ns, const struct heads *seen,
			 const struct service_head *h, const struct heads *all)
{
	uint32_t key = run_pair(r, ns, h->host);
	const struct service_head *whole = heads_find(all, h->host);
	const char *ports = "";

	if (!whole || whole->n_ports == h->n_ports)
		return key;
	for (uint32_t i = 0; i < h->n_ports; i++)
		ports = arena_printf(run_arena(r), "%s%s%u", ports, i ? "," : "",
				     head_ports(seen, h)[i].number);
	return run_pair(r, key, run_key(r, ports));
}

void leaves_add(struct run *r, uint32_t ns, unsigned query, leaf_wanted_fn *wanted)
{
	struct heads seen = scope_visible(r, ns, 0), all = heads_of_ns(r, ns);

	for (uint32_t i = 0; i < seen.n; i++)
		if (!(seen.v[i].flags & HEAD_ALIAS) && (!wanted || wanted(r, &seen.v[i])))
			list_add(r, query, leaf_key(r, ns, &seen, &seen.v[i], &all));
}

struct leaf leaf_of(struct run *r, uint32_t key)
{
	struct keys *k = run_keys(r);
	struct leaf leaf = { 0 };
	uint32_t first = key_first(k, key);

	if (key_is_pair(k, first)) {
		leaf.ports = key_text(k, key_second(k, key));
		key = first;
	}
	leaf.service = service_read(r, key_first(k, key), key_second(k, key));
	return leaf;
}

static bool is_imported(const char *ports, uint16_t number)
{
	for (const char *p = ports; *p;) {
		char *end;

		if (strtoul(p, &end, 10) == number)
			return true;
		p = *end ? end + 1 : end;
	}
	return false;
}

const struct service_port_model *leaf_next_port(const struct leaf *l, uint32_t *i)
{
	while (*i < l->service->n_ports) {
		const struct service_port_model *p = &l->service->ports[(*i)++];
		bool again = false;

		if (p->protocol == PROTOCOL_UDP || !p->number ||
		    (l->ports && !is_imported(l->ports, p->number)))
			continue;
		for (const struct service_port_model *q = l->service->ports; q < p && !again; q++)
			again = q->number == p->number && q->protocol != PROTOCOL_UDP;
		if (!again)
			return p;
	}
	return NULL;
}
