/* Which service ports run on a proxy: istiod's search order over its registries (translation.md 1.5). The Kubernetes
 * registry answers by the WorkloadEntry with the proxy's address, by the pod, by slices that hold the address, or by what
 * the node says of itself; the ServiceEntry registry by selectors and inline endpoints. Both answers count.
 */
#include "base/buf.h"
#include "model/cells.h"
#include "model/options.h"
#include "model/proxy_cell.h"
#include "model/queries.h"
#include "model/service.h"
#include "model/workload.h"
#include "types.h"
#include "world/world.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TARGETS = 4096 };

struct found {
	const char *ns, *host, *name, *port_name;
	uint16_t port, target_port;
	enum protocol protocol;
	int64_t created_s;
	uint32_t order;
};
struct targets {
	struct run *run;
	struct arena *arena;
	const struct target_search *s;
	struct found *v;
	uint32_t n, cap;
	bool headless;
};

/* One target port and protocol counts once within a service; `from`: where the service's targets begin. */
static void add(struct targets *t, const struct service *svc, const struct service_port_model *p,
		uint16_t target, uint32_t from)
{
	if (t->n == MAX_TARGETS || strpbrk(svc->host, "\t\n") ||
	    strpbrk(str_or(p->name, ""), "\t\n"))
		return;
	for (uint32_t i = from; i < t->n; i++)
		if (t->v[i].target_port == target && t->v[i].protocol == p->protocol)
			return;
	for (uint32_t i = 0; i < from; i++)
		if (t->v[i].target_port == target && t->v[i].port == p->number &&
		    !strcmp(t->v[i].host, svc->host) && !strcmp(t->v[i].ns, svc->ns))
			return;
	if (svc->resolution == RESOLUTION_PASSTHROUGH &&
	    (protocol_is_tcp(p->protocol) || p->protocol == PROTOCOL_AUTO))
		t->headless = true;
	*ARENA_PUSH(t->arena, t->v, t->n, t->cap) = (struct found){
		svc->ns,     svc->host,      svc->name, str_or(p->name, ""), p->number, target,
		p->protocol, svc->created_s, t->n,
	};
}

/* ---- Kubernetes services that select labels ---- */

/* How a named target port becomes a number; 0: not at all. */
typedef uint16_t port_fn(const struct targets *, const void *ctx, const struct service *,
			 const struct service_port_model *);

static const char *transport(const struct service_port_model *p)
{
	return p->protocol == PROTOCOL_UDP ? "UDP" : "TCP";
}

static uint16_t plain_port(const struct service_port_model *p)
{
	return p->target_port ? p->target_port : p->number;
}

static uint16_t port_of_pod(const struct targets *t, const void *ctx, const struct service *svc,
			    const struct service_port_model *p)
{
	return p->target_name ? pod_port(ctx, p->target_name, transport(p)) : plain_port(p);
}

/* By POD_PORTS; without them (a machine) ports are not mapped. */
static uint16_t port_of_metadata(const struct targets *t, const void *ctx,
				 const struct service *svc, const struct service_port_model *p)
{
	const char *ports = ctx;
	size_t name_len = p->target_name ? strlen(p->target_name) : 0;

	if (!p->target_name)
		return plain_port(p);
	while (*ports) {
		size_t len = strcspn(ports, "\n"), name = strcspn(ports, "\t");
		const char *number = ports + name + 1;
		const char *proto = number + strcspn(number, "\t") + 1;

		if (name == name_len && !memcmp(ports, p->target_name, name) &&
		    str_starts(proto, transport(p)))
			return (uint16_t)strtoul(number, NULL, 10);
		ports += len + 1;
	}
	return 0;
}

static const struct workload_entry_spec *entry_spec(const struct object *entry)
{
	return ((const struct workload_entry *)entry->body)->spec;
}

static uint16_t mapped_port(const struct workload_entry_spec *s, const char *name)
{
	for (uint32_t i = 0; i < s->ports.n; i++)
		if (str_eq(s->ports.v[i].key, str_or(name, "")))
			return (uint16_t)s->ports.v[i].value;
	return 0;
}

static uint16_t port_of_entry(const struct targets *t, const void *ctx, const struct service *svc,
			      const struct service_port_model *p)
{
	const struct workload_entry_spec *s = entry_spec(ctx);
	uint16_t mapped = mapped_port(s, p->target_name ? p->target_name : p->name);

	if (p->protocol == PROTOCOL_UDP || svc->resolution != RESOLUTION_CLIENT_SIDE_LB)
		return 0;
	return mapped || p->target_name ? mapped : plain_port(p);
}

static const struct service *kube_service(struct targets *t, const char *ns, const char *name)
{
	const char *host = service_fqdn(t->arena, name, ns);
	const struct service *svc =
		service_read(t->run, run_key(t->run, ns), run_key(t->run, host));

	return svc && svc->is_kubernetes ? svc : NULL;
}

/* Candidates are filed under labels that objects carry themselves; the whole selector is held against all labels. */
static uint32_t add_selecting(struct targets *t, const char *ns, const struct str_map *own,
			      const struct str_map *labels, port_fn *resolve, const void *ctx)
{
	uint32_t ns_key = run_key(t->run, ns), n_services = 0;

	for (uint32_t i = 0; i < labels->n; i++) {
		const char *pair = arena_printf(t->arena, "%s=%s", labels->v[i].key,
						str_or(labels->v[i].value, ""));
		const struct entry *e = read_entry(t->run, CELL_SVC_SELECTOR,
						   run_pair(t->run, ns_key, run_key(t->run, pair)));

		for (uint32_t j = 0; j < e->n; j++) {
			const struct service *svc = kube_service(t, e->v[j]->ns, e->v[j]->name);
			uint32_t from = t->n;

			if (!svc || !svc->selector || !svc->selector->n ||
			    !labels_match(svc->selector, labels))
				continue;
			n_services++;
			for (uint32_t k = 0; k < svc->n_ports; k++) {
				uint16_t port = resolve(t, ctx, svc, &svc->ports[k]);

				if (port)
					add(t, svc, &svc->ports[k], port, from);
			}
		}
	}
	return n_services;
}

/* ---- services without selector, whose slices hold the address ---- */

static const struct service_port_model *port_named(const struct service *svc, const char *name)
{
	for (uint32_t i = 0; i < svc->n_ports; i++)
		if (!strcmp(str_or(svc->ports[i].name, ""), str_or(name, "")))
			return &svc->ports[i];
	return NULL;
}

static bool slice_has(const struct endpoint_slice *s, const char *ip)
{
	for (uint32_t i = 0; i < s->endpoints.n; i++)
		for (uint32_t j = 0; j < s->endpoints.v[i].addresses.n; j++)
			if (str_eq(s->endpoints.v[i].addresses.v[j], ip))
				return true;
	return false;
}

static void add_slice(struct targets *t, const struct object *slice, const char *ip)
{
	const struct endpoint_slice *s = slice->body;
	const char *name = str_map_get(&slice->meta->labels, "kubernetes.io/service-name");
	const struct service *svc = str_empty(name) ? NULL : kube_service(t, slice->ns, name);

	if (!svc || str_eq(s->address_type, "FQDN") || !slice_has(s, ip))
		return;
	for (uint32_t i = 0; i < s->ports.n; i++) {
		const struct service_port_model *p = port_named(svc, s->ports.v[i].name);

		if (p && s->ports.v[i].port.set)
			add(t, svc, p, (uint16_t)s->ports.v[i].port.v, t->n);
	}
}

static void add_slices(struct targets *t)
{
	for (uint32_t i = 0; i < t->s->n_ips; i++) {
		const struct entry *e =
			read_entry(t->run, CELL_SLICE_IP, run_key(t->run, t->s->ips[i]));

		for (uint32_t j = 0; j < e->n; j++) {
			const struct object *slice =
				str_eq(e->v[j]->ns, t->s->ns)
					? read_object(t->run, KIND_ENDPOINT_SLICE,
						      run_key(t->run, e->v[j]->ns),
						      run_key(t->run, e->v[j]->name))
					: NULL;

			if (slice)
				add_slice(t, slice, t->s->ips[i]);
		}
	}
}

static void add_kubernetes(struct targets *t)
{
	const struct target_search *s = t->s;
	const char *pod_name = run_text(t->run, s->node->pod);
	const char *cluster = run_text(t->run, s->node->cluster_id);
	const struct object *entry = NULL;
	struct str_map own, labels;

	if (*cluster && !str_eq(cluster, model_options()->cluster_id) && !s->pod)
		return;
	if (FEATURE(k8s_select_workload_entries))
		entry = entry_of_ip(t->run, s->ips[0], s->ns, pod_name);
	if (entry) {
		own = entry_labels(t->arena, entry);
		labels = entry_labels_full(t->run, entry);
		add_selecting(t, entry->ns, &own, &labels, port_of_entry, entry);
	} else if (s->pod) {
		own = s->pod->meta->labels;
		if (!add_selecting(t, s->pod->ns, &own, &own, port_of_pod, s->pod))
			add_slices(t);
	} else {
		add_selecting(t, s->ns, s->own_labels, s->labels, port_of_metadata,
			      run_text(t->run, s->node->pod_ports));
	}
}

/* ---- ServiceEntries ---- */

/* The number on the workload: mapped by name, else targetPort, else the port itself. */
static void add_entry_ports(struct targets *t, const struct object *se, const char *host,
			    uint16_t (*mapped)(const void *workload, const char *port_name),
			    const void *workload)
{
	struct service svc;
	uint32_t from = t->n;

	service_from_object(se, host, t->arena, &svc);
	for (uint32_t i = 0; i < svc.n_ports; i++) {
		uint16_t port = mapped(workload, svc.ports[i].name);

		add(t, &svc, &svc.ports[i], port ? port : plain_port(&svc.ports[i]), from);
	}
}

static uint16_t mapped_by_pod(const void *pod, const char *name)
{
	return pod_port(pod, name, NULL);
}

static uint16_t mapped_by_entry(const void *spec, const char *name)
{
	return mapped_port(spec, name);
}

static void add_hosts(struct targets *t, const struct object *se,
		      uint16_t (*mapped)(const void *, const char *), const void *workload)
{
	uint32_t n;
	const char *const *hosts = service_hosts(se, t->arena, &n);

	for (uint32_t i = 0; i < n; i++)
		add_entry_ports(t, se, hosts[i], mapped, workload);
}

static void add_selecting_entries(struct targets *t, const struct str_map *own,
				  const struct str_map *labels,
				  uint16_t (*mapped)(const void *, const char *),
				  const void *workload)
{
	uint32_t ns = run_key(t->run, t->s->ns);

	for (uint32_t i = 0; i < own->n; i++) {
		const char *pair =
			arena_printf(t->arena, "%s=%s", own->v[i].key, str_or(own->v[i].value, ""));
		const struct entry *e = read_entry(t->run, CELL_SE_SELECTOR,
						   run_pair(t->run, ns, run_key(t->run, pair)));

		for (uint32_t j = 0; j < e->n; j++) {
			const struct object *se = read_object(t->run, KIND_SERVICE_ENTRY, ns,
							      run_key(t->run, e->v[j]->name));
			const struct service_entry_spec *s =
				se ? ((const struct service_entry *)se->body)->spec : NULL;

			if (s && s->workload_selector && s->workload_selector->labels.n &&
			    labels_match(&s->workload_selector->labels, labels))
				add_hosts(t, se, mapped, workload);
		}
	}
}

/* ServiceEntries with inline endpoints, as (address, name of the object): addresses in an order that is good for a search
 * only, names by text, since what is found first comes out first. */
struct inline_ip {
	uint32_t ip, name;
};

static int inline_compare(const void *x, const void *y, void *keys)
{
	const struct inline_ip *a = x, *b = y;

	return a->ip != b->ip ? (a->ip < b->ip ? -1 : 1) : key_compare(keys, a->name, b->name);
}

void inline_ips_run(struct run *run, uint32_t ns)
{
	const struct entry *e = read_entry(run, CELL_SVC_NS, ns);
	struct inline_ip *v = NULL;
	uint32_t n = 0, cap = 0;

	for (uint32_t i = 0; i < e->n; i++) {
		const struct service_entry_spec *s =
			e->v[i]->kind == KIND_SERVICE_ENTRY
				? ((const struct service_entry *)e->v[i]->body)->spec
				: NULL;

		for (uint32_t j = 0; s && j < s->endpoints.n; j++)
			if (!str_empty(s->endpoints.v[j].address))
				*ARENA_PUSH(run_arena(run), v, n, cap) = (struct inline_ip){
					run_key(run, s->endpoints.v[j].address),
					run_key(run, e->v[i]->name),
				};
	}
	if (n)
		qsort_r(v, n, sizeof *v, inline_compare, run_keys(run));
	run_emit(run, v, n * sizeof *v);
}

static void add_inline_of(struct targets *t, const char *name, const char *ip)
{
	const struct object *se = read_object(t->run, KIND_SERVICE_ENTRY, run_key(t->run, t->s->ns),
					      run_key(t->run, name));
	const struct service_entry_spec *s =
		se ? ((const struct service_entry *)se->body)->spec : NULL;

	for (uint32_t i = 0; s && i < s->endpoints.n; i++)
		if (str_eq(s->endpoints.v[i].address, ip))
			add_hosts(t, se, mapped_by_entry, &s->endpoints.v[i]);
}

static void add_inline(struct targets *t)
{
	const struct result *r = call_query(t->run, Q_INLINE_IPS, run_key(t->run, t->s->ns));
	const struct inline_ip *v = (const void *)r->bytes;
	uint32_t n = r->n / (uint32_t)sizeof *v;

	for (uint32_t i = 0; i < t->s->n_ips; i++) {
		uint32_t ip = run_key(t->run, t->s->ips[i]), lo = 0, hi = n;

		while (lo < hi) {
			uint32_t mid = (lo + hi) / 2;

			if (v[mid].ip < ip)
				lo = mid + 1;
			else
				hi = mid;
		}
		for (uint32_t j = lo; j < n && v[j].ip == ip; j++)
			if (j == lo || v[j].name != v[j - 1].name)
				add_inline_of(t, run_text(t->run, v[j].name), t->s->ips[i]);
	}
}

static bool pod_has_ip(const struct target_search *s)
{
	for (uint32_t i = 0; i < s->n_ips; i++)
		if (str_eq(s->ips[i], pod_ip(s->pod)))
			return true;
	return false;
}

static void add_service_entries(struct targets *t)
{
	const struct target_search *s = t->s;
	struct str_map own, labels;

	if (s->pod && FEATURE(serviceentry_select_pods) && pod_is_serving(s->pod) && pod_has_ip(s))
		add_selecting_entries(t, &s->pod->meta->labels, s->labels, mapped_by_pod, s->pod);
	for (uint32_t i = 0; i < s->n_ips; i++) {
		const struct object *entry =
			entry_of_ip(t->run, s->ips[i], s->ns, run_text(t->run, s->node->pod));

		if (!entry || !str_eq(entry->ns, s->ns))
			continue;
		own = entry_labels(t->arena, entry);
		labels = entry_labels_full(t->run, entry);
		add_selecting_entries(t, &own, &labels, mapped_by_entry, entry_spec(entry));
	}
	add_inline(t);
}

/* ---- all of them ---- */

static int found_compare(const void *x, const void *y)
{
	const struct found *a = x, *b = y;
	int c = (a->created_s > b->created_s) - (a->created_s < b->created_s);

	if (!c)
		c = strcmp(a->host, b->host);
	return c ? c : (a->order > b->order) - (a->order < b->order);
}

const char *targets_find(struct run *run, const struct target_search *s, bool *ret_headless)
{
	cleanup(buf_fini) struct buf out = BUF_INIT;
	struct targets t = { .run = run, .arena = run_arena(run), .s = s };

	add_kubernetes(&t);
	add_service_entries(&t);
	if (t.n)
		qsort(t.v, t.n, sizeof *t.v, found_compare);
	for (uint32_t i = 0; i < t.n; i++) {
		const struct found *f = &t.v[i];

		buf_printf(&out, "%s\t%s\t%s\t%s\t%u\t%u\t%u\n", f->ns, f->host, f->name,
			   f->port_name, f->port, f->target_port, f->protocol);
	}
	*ret_headless = t.headless;
	return arena_strdup(t.arena, buf_str(&out));
}
