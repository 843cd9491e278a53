/* Endpoints outside of slices: inline ones of a ServiceEntry, the pods and WorkloadEntries that it selects, its own host
 * name where there is nothing else to resolve, and the WorkloadEntries that a Kubernetes service selects.
 */
#include "base/ip.h"
#include "model/cells.h"
#include "model/endpoint_parts.h"
#include "model/options.h"
#include "model/proxy.h"
#include "model/workload.h"
#include "types.h"
#include "world/world.h"

#include <string.h>

#define UNIX_PREFIX "unix://"

static bool is_unix(const char *address)
{
	return !str_empty(address) && str_starts(address, UNIX_PREFIX);
}

static uint16_t mapped_port(const struct workload_entry_spec *s, const char *name)
{
	for (uint32_t i = 0; i < s->ports.n; i++)
		if (str_eq(s->ports.v[i].key, str_or(name, "")))
			return (uint16_t)s->ports.v[i].value;
	return 0;
}

/* What a WorkloadEntry or an inline endpoint says, but for port and workload. */
static struct endpoint_model *add_spec(struct endpoint_list *l, const struct workload_entry_spec *s,
				       const struct str_map *labels, const char *ns,
				       const char *cluster)
{
	struct endpoint_model *e = endpoint_add(l);
	const char *mode = str_map_get(labels, LABEL_TLS_MODE);
	struct str_map all;

	e->address =
		is_unix(s->address) ? s->address + strlen(UNIX_PREFIX) : str_or(s->address, "");
	e->ns = ns;
	if (!str_empty(s->service_account))
		e->service_account = spiffe_id(l->run, ns, s->service_account);
	if (mode)
		endpoint_set_tls_mode(e, mode);
	else if (e->service_account)
		endpoint_set_tls_mode(e, "istio");
	e->locality = entry_locality(l->arena, s, labels);
	e->network = entry_network(l->run, &l->networks, s, labels);
	e->cluster = cluster;
	e->weight = s->weight.set ? (uint32_t)s->weight.v : 0;
	all = labels_augment(l->arena, labels,
			     &(struct topology_labels){
				     .locality = e->locality,
				     .cluster = cluster,
				     .network = e->network,
			     });
	e->labels = arena_dup(l->arena, &all, sizeof all);
	return e;
}

/* A machine with health checks is unhealthy until its condition says otherwise. */
static enum health entry_health(const struct object *entry)
{
	const struct istio_status *s = ((const struct workload_entry *)entry->body)->status;
	const char *checked =
		str_map_get(&entry->meta->annotations, "proxy.istio.io/health-checks-enabled");

	if (!str_eq(checked, "true"))
		return HEALTH_NONE;
	for (uint32_t i = 0; s && i < s->conditions.n; i++)
		if (str_eq(s->conditions.v[i].type, "Healthy"))
			return str_eq(s->conditions.v[i].status, "True") ? HEALTH_NONE
									 : HEALTH_UNHEALTHY;
	return HEALTH_UNHEALTHY;
}

static struct endpoint_model *add_entry(struct endpoint_list *l, const struct object *entry)
{
	const struct workload_entry_spec *s = ((const struct workload_entry *)entry->body)->spec;
	struct str_map labels = entry_labels(l->arena, entry);
	struct endpoint_model *e = add_spec(l, s, &labels, entry->ns, object_cluster(entry));

	e->workload_name =
		str_or(str_map_get(&entry->meta->annotations, "istio.io/autoRegistrationGroup"),
		       entry->name);
	e->health = entry_health(entry);
	return e;
}

/* The last one added: candidates share one pair of the selector's with those that it takes. */
static void keep_if_selected(struct endpoint_list *l, const struct str_map *selector,
			     const struct object *entry)
{
	if (labels_match(selector, l->v[l->n - 1].labels))
		cite_object(l->run, entry);
	else
		l->n--;
}

/* ---- of a ServiceEntry ---- */

static uint16_t own_port(const struct se_port *p)
{
	return (uint16_t)(p->target_port.v ? p->target_port.v : p->number.v);
}

static uint16_t spec_port(const struct workload_entry_spec *s, const struct se_port *p)
{
	uint16_t mapped = mapped_port(s, p->name);

	if (is_unix(s->address))
		return 0;
	return mapped ? mapped : own_port(p);
}

static bool is_dns(const struct service_entry_spec *s)
{
	return s->resolution == SERVICE_ENTRY_SPEC_RESOLUTION_DNS ||
	       s->resolution == SERVICE_ENTRY_SPEC_RESOLUTION_DNS_ROUND_ROBIN;
}

static void add_inline(struct endpoint_list *l, const struct object *se, const struct se_port *p)
{
	const struct service_entry_spec *s = ((const struct service_entry *)se->body)->spec;

	for (uint32_t i = 0; i < s->endpoints.n; i++) {
		const struct workload_entry_spec *w = &s->endpoints.v[i];
		struct endpoint_model *e = add_spec(l, w, &w->labels, se->ns, object_cluster(se));

		e->workload_name = arena_printf(l->arena, "%s-%u", se->name, i);
		e->port = spec_port(w, p);
		e->port_name = str_or(p->name, "");
	}
}

static void add_host_itself(struct endpoint_list *l, const struct object *se,
			    const struct se_port *p)
{
	struct endpoint_model *e = endpoint_add(l);

	e->address = l->service->host;
	e->ns = se->ns;
	e->workload_name = se->name;
	e->cluster = object_cluster(se);
	e->port = own_port(p);
	e->port_name = str_or(p->name, "");
}

static const struct entry *labelled(struct endpoint_list *l, unsigned cell, const char *ns,
				    const struct str_map *selector)
{
	const char *pair = selector_index_pair(l->arena, selector);

	if (!pair) {
		diag_warn(run_diag(l->run), l->service->object->place, "spec.workloadSelector",
			  "selects by topology labels only, which is not supported");
		return NULL;
	}
	return read_entry(l->run, cell,
			  run_pair(l->run, run_key(l->run, ns), run_key(l->run, pair)));
}

static void add_pods(struct endpoint_list *l, const struct object *se, const struct se_port *p)
{
	const struct service_entry_spec *s = ((const struct service_entry *)se->body)->spec;
	const struct str_map *selector = &s->workload_selector->labels;
	const struct entry *pods = labelled(l, CELL_POD_LABEL, se->ns, selector);

	for (uint32_t i = 0; pods && i < pods->n; i++) {
		const struct object *pod = pod_read(l->run, se->ns, pods->v[i]->name);
		struct endpoint_model *e;
		uint16_t port;

		if (!pod || !pod_is_serving(pod))
			continue;
		e = endpoint_add(l);
		e->address = pod_ip(pod);
		endpoint_from_pod(l, e, pod, e->address);
		if (!labels_match(selector, e->labels)) {
			l->n--;
			continue;
		}
		port = pod_port(pod, p->name, NULL);
		e->port = port ? port : own_port(p);
		e->port_name = str_or(p->name, "");
		e->health = HEALTH_HEALTHY;
	}
}

static void add_entries(struct endpoint_list *l, const struct object *se, const struct se_port *p)
{
	const struct service_entry_spec *s = ((const struct service_entry *)se->body)->spec;
	const struct str_map *selector = &s->workload_selector->labels;
	const struct entry *entries = labelled(l, CELL_WE_LABEL, se->ns, selector);

	for (uint32_t i = 0; entries && i < entries->n; i++) {
		const struct object *entry = entries->v[i];
		const struct workload_entry_spec *w =
			((const struct workload_entry *)entry->body)->spec;
		struct endpoint_model *e;

		if (!is_dns(s) && !str_empty(w->address) && !ip_is_valid(w->address))
			continue;
		e = add_entry(l, entry);
		e->port = spec_port(w, p);
		e->port_name = str_or(p->name, "");
		keep_if_selected(l, selector, entry);
	}
}

void endpoints_of_service_entry(struct endpoint_list *l, const struct object *of)
{
	/* The service's entry leaves the endpoints out: they are recorded here. */
	const struct object *se = read_object(l->run, KIND_SERVICE_ENTRY, run_key(l->run, of->ns),
					      run_key(l->run, of->name));
	const struct service_entry_spec *s =
		se ? ((const struct service_entry *)se->body)->spec : NULL;

	for (uint32_t i = 0; s && i < s->ports.n; i++) {
		const struct se_port *p = &s->ports.v[i];

		if (!endpoint_wanted(l, p->name))
			continue;
		if (s->workload_selector && s->workload_selector->labels.n) {
			add_entries(l, se, p);
			if (FEATURE(serviceentry_select_pods))
				add_pods(l, se, p);
		} else if (!s->endpoints.n && !s->workload_selector && is_dns(s)) {
			add_host_itself(l, se, p);
		}
		add_inline(l, se, p);
	}
}

/* ---- of a Kubernetes service ---- */

/* The number on the machine: its own mapping by the target's name, or by the port's; else as the service says. */
static uint16_t selected_port(const struct workload_entry_spec *s,
			      const struct service_port_model *p)
{
	uint16_t mapped = mapped_port(s, p->target_name ? p->target_name : p->name);

	if (mapped || p->target_name)
		return mapped;
	return p->target_port ? p->target_port : p->number;
}

static void add_selected(struct endpoint_list *l, const struct object *entry,
			 const struct service_port_model *p)
{
	const struct workload_entry_spec *s = ((const struct workload_entry *)entry->body)->spec;
	uint16_t port = selected_port(s, p);
	struct endpoint_model *e;

	if (!port)
		return;
	e = add_entry(l, entry);
	e->port = port;
	e->port_name = str_or(p->name, "");
	keep_if_selected(l, l->service->selector, entry);
}

void endpoints_of_selected_entries(struct endpoint_list *l)
{
	const struct service *svc = l->service;
	const struct entry *entries;

	if (!FEATURE(k8s_select_workload_entries) || svc->mesh_external ||
	    svc->resolution != RESOLUTION_CLIENT_SIDE_LB || !svc->selector || !svc->selector->n)
		return;
	entries = labelled(l, CELL_WE_LABEL, svc->ns, svc->selector);
	for (uint32_t i = 0; entries && i < entries->n; i++) {
		const struct workload_entry_spec *s =
			((const struct workload_entry *)entries->v[i]->body)->spec;

		if (!str_empty(s->address) && !ip_is_valid(s->address))
			continue;
		for (uint32_t j = 0; j < svc->n_ports; j++)
			if (endpoint_wanted(l, svc->ports[j].name))
				add_selected(l, entries->v[i], &svc->ports[j]);
	}
}
