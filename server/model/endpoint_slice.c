/* Endpoints from EndpointSlices, each joined with its pod. An endpoint whose pod is not known yet is held back: without
 * the pod's labels and identity it would be taken for a workload without mutual TLS.
 */
#include "model/cells.h"
#include "model/endpoint_parts.h"
#include "model/options.h"
#include "model/workload.h"
#include "types.h"
#include "world/world.h"

#include <string.h>

static const struct str_map *dup_map(struct arena *a, struct str_map m)
{
	return arena_dup(a, &m, sizeof m);
}

void endpoint_from_pod(struct endpoint_list *l, struct endpoint_model *e, const struct object *pod,
		       const char *address)
{
	const struct pod_spec *s = ((const struct pod *)pod->body)->spec;
	const struct str_map *labels = &pod->meta->labels;
	const char *account = s ? s->service_account_name : NULL;
	const char *mode = str_map_get(labels, LABEL_TLS_MODE);

	e->ns = pod->ns;
	e->workload_name = pod_workload_name(l->arena, pod);
	e->service_account = spiffe_id(l->run, pod->ns, str_empty(account) ? "default" : account);
	e->locality = pod_locality(l->run, pod);
	e->network = network_of(l->run, &l->networks, labels, address);
	e->cluster = object_cluster(pod);
	e->node_name = s ? str_or(s->node_name, "") : "";
	if (s && !str_empty(s->subdomain)) {
		e->sub_domain = s->subdomain;
		e->host_name = str_empty(s->hostname) ? pod->name : s->hostname;
	}
	if (mode)
		endpoint_set_tls_mode(e, mode);
	e->labels = dup_map(l->arena, labels_augment(l->arena, labels,
						     &(struct topology_labels){
							     .locality = e->locality,
							     .cluster = e->cluster,
							     .node = e->node_name,
							     .network = e->network,
						     }));
}

static void from_no_pod(struct endpoint_list *l, struct endpoint_model *e,
			const struct object *slice, const char *address)
{
	e->network = network_of(l->run, &l->networks, NULL, address);
	e->cluster = object_cluster(slice);
	e->labels = dup_map(l->arena, labels_augment(l->arena, NULL,
						     &(struct topology_labels){
							     .cluster = e->cluster,
							     .network = e->network,
						     }));
}

static bool is_draining_supported(const struct service *svc)
{
	return svc->labels &&
	       (!str_empty(str_map_get(svc->labels, "istio.io/persistent-session")) ||
		!str_empty(str_map_get(svc->labels, "istio.io/persistent-session-header")));
}

static enum health health_of(const struct service *svc, const struct endpoint_conditions *c)
{
	bool serving, terminating;

	if (!c || !c->ready.set || c->ready.v)
		return HEALTH_HEALTHY;
	serving = !c->serving.set || c->serving.v;
	terminating = !c->terminating.set || c->terminating.v;
	if (is_draining_supported(svc) && serving && terminating)
		return HEALTH_DRAINING;
	return terminating ? HEALTH_TERMINATING : HEALTH_UNHEALTHY;
}

/* False: the endpoint waits for its pod. */
static bool find_pod(struct endpoint_list *l, const struct object *slice, const struct endpoint *e,
		     const char *address, const struct object **ret)
{
	const struct object_reference *r = e->target_ref;

	if (r && str_eq(r->kind, "Pod")) {
		*ret = pod_read(l->run, str_empty(r->namespace) ? slice->ns : r->namespace,
				str_or(r->name, ""));
		return *ret != NULL;
	}
	*ret = pod_of_ip(l->run, slice->ns, address);
	return true;
}

static bool has_both_families(const struct service *s)
{
	const struct kube_service *k = s->object->body;

	return k->spec && (k->spec->ip_families.n > 1 || k->spec->cluster_ips.n > 1);
}

/* To a service of two address families a pod is one endpoint with all its addresses. */
static void set_addresses(struct endpoint_list *l, struct endpoint_model *e,
			  const struct object *pod, const char *address)
{
	const struct pod_status *s = pod ? ((const struct pod *)pod->body)->status : NULL;
	const char **more;

	e->address = address;
	if (!FEATURE(dual_stack) || !s || s->pod_ips.n < 2 || !has_both_families(l->service))
		return;
	more = arena_array(l->arena, const char *, s->pod_ips.n - 1);
	for (uint32_t i = 1; i < s->pod_ips.n; i++)
		more[i - 1] = str_or(s->pod_ips.v[i].ip, "");
	e->address = str_or(s->pod_ips.v[0].ip, address);
	e->more_addresses = more;
	e->n_more_addresses = s->pod_ips.n - 1;
}

static void add_address(struct endpoint_list *l, const struct object *slice,
			const struct endpoint *endpoint, const char *address)
{
	const struct endpoint_slice *s = slice->body;
	const struct object *pod;
	struct endpoint_model base;
	bool made = false;

	for (uint32_t i = 0; i < s->ports.n; i++) {
		const struct endpoint_port *p = &s->ports.v[i];
		struct endpoint_model *e;

		if (!p->port.set || !endpoint_wanted(l, p->name))
			continue;
		if (!made && !find_pod(l, slice, endpoint, address, &pod))
			return;
		e = endpoint_add(l);
		if (!made) {
			set_addresses(l, e, pod, address);
			e->health = health_of(l->service, endpoint->conditions);
			if (pod)
				endpoint_from_pod(l, e, pod, e->address);
			else
				from_no_pod(l, e, slice, address);
			base = *e;
			made = true;
		}
		*e = base;
		e->port = (uint16_t)p->port.v;
		e->port_name = str_or(p->name, "");
	}
}

void endpoints_of_slices(struct endpoint_list *l)
{
	uint32_t key = run_pair(l->run, run_key(l->run, l->service->ns),
				run_key(l->run, l->service->name));
	const struct entry *slices = read_entry(l->run, CELL_SLICE_SERVICE, key);

	for (uint32_t i = 0; i < slices->n; i++) {
		const struct endpoint_slice *s = slices->v[i]->body;

		if (str_eq(s->address_type, "FQDN"))
			continue;
		for (uint32_t j = 0; j < s->endpoints.n; j++)
			for (uint32_t k = 0; k < s->endpoints.v[j].addresses.n; k++)
				add_address(l, slices->v[i], &s->endpoints.v[j],
					    s->endpoints.v[j].addresses.v[k]);
	}
}
