/* Heads: of every service of a namespace the few fields that lists, listeners and conflict rules look at, as one result
 * (Q_NS_HEADS). It is the firewall between the objects, which change often, and the lists of the mesh, which do not.
 *
 * Layout: n, n_ports, heads, ports; plain structs with keys, so it never leaves the process.
 */
#include "model/export.h"
#include "model/heads.h"
#include "model/queries.h"
#include "world/world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t number_key(struct run *r, uint32_t n)
{
	char text[12];

	if (!n)
		return KEY_EMPTY;
	snprintf(text, sizeof text, "%u", n);
	return run_key(r, text);
}

uint32_t key_number(struct run *r, uint32_t key)
{
	return key == KEY_EMPTY ? 0 : (uint32_t)strtoul(run_text(r, key), NULL, 10);
}

struct head_counts {
	uint32_t n, n_ports;
};

struct heads heads_in(const struct result *result)
{
	struct head_counts c;
	struct heads h = { 0 };

	if (result->n < sizeof c)
		return h;
	memcpy(&c, result->bytes, sizeof c);
	h.n = c.n;
	h.n_ports = c.n_ports;
	h.v = (const void *)(result->bytes + sizeof c);
	h.ports = (const void *)(result->bytes + sizeof c + c.n * sizeof *h.v);
	return h;
}

void heads_emit(struct run *r, const struct heads *h)
{
	struct head_counts c = { h->n, h->n_ports };

	if (!h->n)
		return;
	run_emit(r, &c, sizeof c);
	run_emit(r, h->v, h->n * sizeof *h->v);
	run_emit(r, h->ports, h->n_ports * sizeof *h->ports);
}

struct heads heads_of_ns(struct run *r, uint32_t ns)
{
	return heads_in(call_query(r, Q_NS_HEADS, ns));
}

const struct service_head *heads_find(const struct heads *h, uint32_t host)
{
	for (uint32_t i = 0; i < h->n; i++)
		if (h->v[i].host == host)
			return &h->v[i];
	return NULL;
}

const struct port_head *head_port(const struct heads *h, const struct service_head *s,
				  uint16_t number)
{
	const struct port_head *p = head_ports(h, s);

	for (uint32_t i = 0; i < s->n_ports; i++)
		if (p[i].number == number)
			return &p[i];
	return NULL;
}

/* Is the host declared in another namespace too? */
static bool clashes(struct run *r, const struct service *s)
{
	const struct entry *e = read_entry(r, CELL_SVC_HOST, run_key(r, s->host));

	for (uint32_t i = 0; i < e->n; i++)
		if (strcmp(e->v[i]->ns, s->ns))
			return true;
	return false;
}

static uint16_t flags_of(struct run *r, const struct service *s, uint32_t export_to)
{
	bool dns = s->resolution == RESOLUTION_DNS_LB ||
		   s->resolution == RESOLUTION_DNS_ROUND_ROBIN_LB ||
		   s->resolution == RESOLUTION_DYNAMIC_DNS;
	unsigned f = 0;

	f |= s->is_kubernetes ? HEAD_KUBERNETES : 0;
	f |= export_to ? HEAD_EXPORTED : 0;
	f |= s->resolution == RESOLUTION_ALIAS ? HEAD_ALIAS : 0;
	f |= s->resolution == RESOLUTION_PASSTHROUGH ? HEAD_HEADLESS : 0;
	f |= clashes(r, s) ? HEAD_CLASH : 0;
	f |= s->mesh_external ? HEAD_EXTERNAL : 0;
	f |= s->n_addresses ? HEAD_HAS_VIP : 0;
	f |= host_is_wildcard(s->host) ? HEAD_WILDCARD : 0;
	f |= dns ? HEAD_DNS : 0;
	f |= s->auto_allocate ? HEAD_AUTO : 0;
	f |= !s->is_kubernetes && s->n_addresses > 1 ? HEAD_MANY : 0;
	return (uint16_t)f;
}

/* A service on its way into the list. */
struct candidate {
	struct service service;
	uint32_t host;
};

static int by_age(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int c;

	if (x->service.created_s != y->service.created_s)
		return x->service.created_s < y->service.created_s ? -1 : 1;
	c = strcmp(x->service.name, y->service.name);
	return c ? c : strcmp(x->service.host, y->service.host);
}

/* One service per host: the oldest, but a Kubernetes Service before all others; the members come oldest first. */
static uint32_t candidates(struct run *r, const struct entry *e, struct candidate **ret)
{
	struct arena *a = run_arena(r);
	struct map at = MAP_INIT;
	struct candidate *v = NULL;
	uint32_t n = 0;
	size_t cap = 0;

	for (uint32_t i = 0; i < e->n; i++) {
		uint32_t n_hosts;
		const char *const *hosts = service_hosts(e->v[i], a, &n_hosts);

		for (uint32_t j = 0; j < n_hosts; j++) {
			uintptr_t seen = (uintptr_t)map_get(&at, hosts[j]);
			struct candidate *c = seen ? &v[seen - 1] : NULL;

			if (c && (c->service.is_kubernetes || e->v[i]->kind != KIND_SERVICE)) {
				struct service other;

				service_from_object(e->v[i], hosts[j], a, &other);
				service_merge_ports(&c->service, &other, a);
				continue;
			}
			if (!c) {
				c = ARENA_PUSH(a, v, n, cap);
				map_set(&at, hosts[j], (void *)(uintptr_t)n);
			}
			service_from_object(e->v[i], hosts[j], a, &c->service);
			c->host = run_key(r, hosts[j]);
		}
	}
	map_fini(&at);
	*ret = v;
	return n;
}

void ns_heads_run(struct run *r, uint32_t ns)
{
	struct arena *a = run_arena(r);
	struct candidate *v;
	uint32_t n = candidates(r, read_entry(r, CELL_SVC_HEADS, ns), &v), n_ports = 0;
	struct service_head *heads = arena_array(a, struct service_head, n);
	struct port_head *ports;

	if (n)
		qsort(v, n, sizeof *v, by_age);
	for (uint32_t i = 0; i < n; i++)
		n_ports += v[i].service.n_ports;
	ports = arena_array(a, struct port_head, n_ports);
	n_ports = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct service *s = &v[i].service;
		uint32_t export_to = service_export_key(r, s);

		heads[i] = (struct service_head){
			.host = v[i].host,
			.name = run_key(r, s->name),
			.export_to = export_to,
			.vip = s->n_addresses ? run_key(r, s->addresses[0]) : 0,
			.created_s = s->created_s,
			.flags = flags_of(r, s, export_to),
			.n_ports = (uint16_t)s->n_ports,
			.first_port = n_ports,
		};
		for (uint32_t j = 0; j < s->n_ports; j++)
			ports[n_ports++] = (struct port_head){
				.number = s->ports[j].number,
				.protocol = (uint8_t)s->ports[j].protocol,
			};
	}
	heads_emit(r, &(struct heads){ n, n_ports, heads, ports });
}
