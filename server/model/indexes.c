/* The index rows of the model: for each kind of cell above the objects, which entries an object belongs to. All are
 * pure functions of one object; the scratch arena of a call holds only spellings.
 *
 * Objects that are selected by labels are filed under each of their labels; those that select are filed under the first
 * pair of their selector, keys in order, that is no topology label. Whoever looks from one side to the other reads one
 * entry, or one per label, and checks the rest of the selector.
 */
#include "model/auto_vip.h"
#include "model/heads.h"
#include "model/ingress.h"
#include "model/queries.h"
#include "model/route_source.h"
#include "model/same.h"
#include "model/service.h"
#include "model/workload.h"
#include "types.h"
#include "world/world.h"
#include <string.h>
#include <strings.h>

static const char network_label[] = "topology.istio.io/network";

static void add(struct index_out *out, const char *key)
{
	index_add(out, key_str(index_keys(out), key));
}

static void add_pair(struct index_out *out, const char *first, const char *second)
{
	struct keys *keys = index_keys(out);

	index_add(out, key_pair(keys, key_str(keys, first), key_str(keys, second)));
}

/* For lazy rows: what was never interned was never read. */
static void add_known(struct index_out *out, uint32_t key)
{
	if (key)
		index_add(out, key);
}

static void by_namespace(const struct object *obj, struct index_out *out)
{
	add(out, obj->ns);
}

static void by_nothing(const struct object *obj, struct index_out *out)
{
	index_add(out, KEY_EMPTY);
}

/* ---- services ---- */
static void service_hosts_each(const struct object *obj, struct index_out *out,
			       void (*fn)(const struct object *, const char *host, struct arena *,
					  struct index_out *))
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	uint32_t n;
	const char *const *hosts = service_hosts(obj, &a, &n);

	for (uint32_t i = 0; i < n; i++)
		fn(obj, hosts[i], &a, out);
}

static void host_key(const struct object *obj, const char *host, struct arena *a,
		     struct index_out *out)
{
	add(out, host);
}

static void service_host(const struct object *obj, struct index_out *out)
{
	service_hosts_each(obj, out, host_key);
}

static void ns_host_key(const struct object *obj, const char *host, struct arena *a,
			struct index_out *out)
{
	add_pair(out, obj->ns, host);
}

static void service_ns_host(const struct object *obj, struct index_out *out)
{
	service_hosts_each(obj, out, ns_host_key);
}

/* A host lies under each wildcard above it, and a wildcard under itself. */
static void suffix_keys(const struct object *obj, const char *host, struct arena *a,
			struct index_out *out)
{
	const char *at = host_is_wildcard(host) ? host : host_parent(a, host);

	for (; at; at = host_parent(a, at))
		add_known(out, key_find(index_keys(out), at));
}

static void service_suffix(const struct object *obj, struct index_out *out)
{
	service_hosts_each(obj, out, suffix_keys);
}

static void service_address(const struct object *obj, struct index_out *out)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct service s;

	service_from_object(obj, "", &a, &s);
	for (uint32_t i = 0; i < s.n_addresses; i++)
		add(out, s.addresses[i]);
}

/* "a", "a.b" or "a.b.svc": what a Kubernetes service is also called. */
static void service_short(const struct object *obj, struct index_out *out)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	uint32_t n;
	const char *const *hosts = service_hosts(obj, &a, &n);

	for (uint32_t i = 0; i < n; i++) {
		const char *dot = strchr(hosts[i], '.');

		if (!dot || !strchr(dot + 1, '.') || str_ends(hosts[i], ".svc"))
			index_add(out, KEY_EMPTY);
	}
}

static void service_network_gateway(const struct object *obj, struct index_out *out)
{
	if (obj->meta && !str_empty(str_map_get(&obj->meta->labels, network_label)))
		index_add(out, KEY_EMPTY);
}

static void service_node_local(const struct object *obj, struct index_out *out)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct service s;

	service_from_object(obj, "", &a, &s);
	if (s.node_local || s.distribution == DISTRIBUTION_SAME_NODE)
		index_add(out, KEY_EMPTY);
}

static void namespace_node_local(const struct object *obj, struct index_out *out)
{
	const char *text = distribution_annotation(obj);

	if (text && distribution_parse(text) == DISTRIBUTION_SAME_NODE)
		index_add(out, KEY_EMPTY);
}

/* Selectors and failover priorities by node. */
static void names_node(const struct object *obj, struct index_out *out)
{
	if (object_names_node(obj))
		index_add(out, KEY_EMPTY);
}

static void namespace_distribution(const struct object *obj, struct index_out *out)
{
	if (distribution_annotation(obj))
		add(out, obj->name);
}

static void service_alias(const struct object *obj, struct index_out *out)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct service s;

	service_from_object(obj, "", &a, &s);
	if (s.alias_of)
		add(out, s.alias_of);
}

static void auto_key(const struct object *obj, const char *host, struct arena *a,
		     struct index_out *out)
{
	struct service s;

	service_from_object(obj, host, a, &s);
	if (s.auto_allocate && !s.auto_v4 && !s.auto_v6)
		add(out, auto_vip_text(a, &s));
}

static void entry_auto(const struct object *obj, struct index_out *out)
{
	service_hosts_each(obj, out, auto_key);
}

static void entry_auto_taken(const struct object *obj, struct index_out *out)
{
	const struct service_entry *se = obj->body;

	for (uint32_t i = 0; se->status && i < se->status->addresses.n; i++)
		if (!str_empty(se->status->addresses.v[i].value))
			add(out, se->status->addresses.v[i].value);
}

/* ---- endpoints ---- */
static const char *label(const struct object *obj, const char *name)
{
	return obj->meta ? str_map_get(&obj->meta->labels, name) : NULL;
}

static void slice_service(const struct object *obj, struct index_out *out)
{
	const char *service = label(obj, "kubernetes.io/service-name");

	if (!str_empty(service))
		add_pair(out, obj->ns, service);
}

/* Kubernetes' own controller makes slices for services with a selector only; whoever looks for an address in slices
 * wants the others. */
static void slice_ip(const struct object *obj, struct index_out *out)
{
	const struct endpoint_slice *slice = obj->body;

	if (str_eq(label(obj, "endpointslice.kubernetes.io/managed-by"),
		   "endpointslice-controller.k8s.io"))
		return;
	for (uint32_t i = 0; i < slice->endpoints.n; i++)
		for (uint32_t j = 0; j < slice->endpoints.v[i].addresses.n; j++)
			add(out, slice->endpoints.v[i].addresses.v[j]);
}

static const char *pair_text(struct arena *a, const struct str_pair *p)
{
	return arena_printf(a, "%s=%s", p->key, str_or(p->value, ""));
}

static void pod_label(const struct object *obj, struct index_out *out)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	const struct keys *keys = index_keys(out);
	uint32_t ns = key_find(keys, obj->ns);

	for (uint32_t i = 0; ns && obj->meta && i < obj->meta->labels.n; i++) {
		uint32_t pair = key_find(keys, pair_text(&a, &obj->meta->labels.v[i]));

		add_known(out, pair ? key_find_pair(keys, ns, pair) : 0);
	}
}

static void pod_address(const struct object *obj, struct index_out *out)
{
	const struct pod_status *status = ((const struct pod *)obj->body)->status;

	if (!status)
		return;
	if (!str_empty(status->pod_ip))
		add(out, status->pod_ip);
	for (uint32_t i = 0; i < status->pod_ips.n; i++)
		if (!str_empty(status->pod_ips.v[i].ip))
			add(out, status->pod_ips.v[i].ip);
}

static void add_labels(struct index_out *out, const char *ns, const struct str_map *labels)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;

	for (uint32_t i = 0; i < labels->n; i++)
		add_pair(out, ns, pair_text(&a, &labels->v[i]));
}

/* Labels of the metadata count besides those of the spec. */
static void workload_label(const struct object *obj, struct index_out *out)
{
	const struct workload_entry_spec *spec = ((const struct workload_entry *)obj->body)->spec;

	if (spec)
		add_labels(out, obj->ns, &spec->labels);
	if (obj->meta)
		add_labels(out, obj->ns, &obj->meta->labels);
}

static void workload_ip(const struct object *obj, struct index_out *out)
{
	const struct workload_entry_spec *spec = ((const struct workload_entry *)obj->body)->spec;

	if (spec && !str_empty(spec->address))
		add(out, spec->address);
}

static void add_selector(struct index_out *out, const char *ns, const struct str_map *selector)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;

	const char *pair = selector_index_pair(&a, selector);

	if (selector->n)
		add_pair(out, ns, pair ? pair : pair_text(&a, &selector->v[0]));
}

static void service_selector(const struct object *obj, struct index_out *out)
{
	const struct kube_service *s = obj->body;

	if (s->spec)
		add_selector(out, obj->ns, &s->spec->selector);
}

static void entry_selector(const struct object *obj, struct index_out *out)
{
	const struct service_entry *s = obj->body;

	if (s->spec && s->spec->workload_selector)
		add_selector(out, obj->ns, &s->spec->workload_selector->labels);
}

/* ---- configuration ---- */
static void vs_host(const struct object *obj, struct index_out *out)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct str_list hosts = virtual_service_hosts(obj, &a);

	for (uint32_t i = 0; i < hosts.n && virtual_service_is_mesh(obj); i++)
		add(out, hosts.v[i]);
}

/* "a.b", "a.b.svc" or a name that ends in a dot. */
static void vs_short(const struct object *obj, struct index_out *out)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct str_list hosts = virtual_service_hosts(obj, &a);

	for (uint32_t i = 0; i < hosts.n && virtual_service_is_mesh(obj); i++) {
		const char *host = hosts.v[i], *dot = strchr(host, '.');

		if (*host != '*' && dot &&
		    (!strchr(dot + 1, '.') || str_ends(host, ".svc") || str_ends(host, ".")))
			index_add(out, KEY_EMPTY);
	}
}

static void vs_gateway(const struct object *obj, struct index_out *out)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct str_list gateways = virtual_service_gateways(obj, &a);

	for (uint32_t i = 0; i < gateways.n; i++)
		if (strcmp(gateways.v[i], "mesh"))
			add(out, gateways.v[i]);
}

static void dr_host(const struct object *obj, struct index_out *out)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	const struct destination_rule_spec *spec =
		((const struct destination_rule *)obj->body)->spec;

	if (spec && !str_empty(spec->host))
		add(out, host_lower(&a, host_resolve(&a, spec->host, obj->ns)));
}

static void ingress_host(const struct object *obj, struct index_out *out)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct str_list hosts = ingress_hosts(obj, &a);

	for (uint32_t i = 0; i < hosts.n; i++)
		add(out, hosts.v[i]);
}

const struct index model_indexes[] = {
	{ "services of namespace", CELL_SVC_NS, KIND_SERVICE, true, false, by_namespace, NULL },
	{ "services of namespace", CELL_SVC_NS, KIND_SERVICE_ENTRY, true, false, by_namespace,
	  NULL },
	{ "heads of namespace", CELL_SVC_HEADS, KIND_SERVICE, true, false, by_namespace,
	  same_heads },
	{ "heads of namespace", CELL_SVC_HEADS, KIND_SERVICE_ENTRY, true, false, by_namespace,
	  same_heads },
	{ "services of host", CELL_SVC_HOST, KIND_SERVICE, false, false, service_host, NULL },
	{ "services of host", CELL_SVC_HOST, KIND_SERVICE_ENTRY, false, false, service_host, NULL },
	{ "service", CELL_SVC_NS_HOST, KIND_SERVICE, true, false, service_ns_host, NULL },
	{ "service", CELL_SVC_NS_HOST, KIND_SERVICE_ENTRY, true, false, service_ns_host,
	  same_but_endpoints },
	{ "services of address", CELL_SVC_ADDRESS, KIND_SERVICE, true, false, service_address,
	  same_hosts },
	{ "services of address", CELL_SVC_ADDRESS, KIND_SERVICE_ENTRY, true, false, service_address,
	  same_hosts },
	{ "services under", CELL_SVC_SUFFIX, KIND_SERVICE, false, true, service_suffix, NULL },
	{ "services under", CELL_SVC_SUFFIX, KIND_SERVICE_ENTRY, false, true, service_suffix,
	  NULL },
	{ "network gateways", CELL_SVC_NETWORK_GATEWAY, KIND_SERVICE, true, false,
	  service_network_gateway, NULL },
	{ "node names in use", CELL_SVC_NODE_LOCAL, KIND_SERVICE, false, false, service_node_local,
	  NULL },
	{ "node names in use", CELL_SVC_NODE_LOCAL, KIND_SERVICE_ENTRY, false, false,
	  service_node_local, NULL },
	{ "node names in use", CELL_SVC_NODE_LOCAL, KIND_NAMESPACE, false, false,
	  namespace_node_local, NULL },
	{ "node names in use", CELL_SVC_NODE_LOCAL, KIND_AUTHORIZATION_POLICY, false, false,
	  names_node, NULL },
	{ "node names in use", CELL_SVC_NODE_LOCAL, KIND_DESTINATION_RULE, false, false, names_node,
	  NULL },
	{ "node names in use", CELL_SVC_NODE_LOCAL, KIND_GATEWAY, false, false, names_node, NULL },
	{ "node names in use", CELL_SVC_NODE_LOCAL, KIND_PEER_AUTHENTICATION, false, false,
	  names_node, NULL },
	{ "node names in use", CELL_SVC_NODE_LOCAL, KIND_REQUEST_AUTHENTICATION, false, false,
	  names_node, NULL },
	{ "node names in use", CELL_SVC_NODE_LOCAL, KIND_SIDECAR, false, false, names_node, NULL },
	{ "node names in use", CELL_SVC_NODE_LOCAL, KIND_TELEMETRY, false, false, names_node,
	  NULL },
	{ "services with short hosts", CELL_SVC_SHORT, KIND_SERVICE_ENTRY, true, false,
	  service_short, same_hosts },
	{ "aliases of host", CELL_SVC_ALIAS, KIND_SERVICE, false, false, service_alias, NULL },
	{ "traffic distribution of namespace", CELL_NS_DISTRIBUTION, KIND_NAMESPACE, true, false,
	  namespace_distribution, NULL },
	{ "entries without address", CELL_SE_AUTO, KIND_SERVICE_ENTRY, false, false, entry_auto,
	  NULL },
	{ "allocated address", CELL_AUTO_TAKEN, KIND_SERVICE_ENTRY, false, false, entry_auto_taken,
	  NULL },

	{ "slices of service", CELL_SLICE_SERVICE, KIND_ENDPOINT_SLICE, true, false, slice_service,
	  NULL },
	{ "slices of address", CELL_SLICE_IP, KIND_ENDPOINT_SLICE, false, false, slice_ip, NULL },
	{ "pods of label", CELL_POD_LABEL, KIND_POD, false, true, pod_label, NULL },
	{ "pods of address", CELL_POD_IP, KIND_POD, false, false, pod_address, NULL },
	{ "workloads of label", CELL_WE_LABEL, KIND_WORKLOAD_ENTRY, true, false, workload_label,
	  NULL },
	{ "workloads of address", CELL_WE_IP, KIND_WORKLOAD_ENTRY, true, false, workload_ip, NULL },
	{ "services by selector", CELL_SVC_SELECTOR, KIND_SERVICE, false, false, service_selector,
	  NULL },
	{ "service entries by selector", CELL_SE_SELECTOR, KIND_SERVICE_ENTRY, false, false,
	  entry_selector, NULL },

	{ "virtual services of host", CELL_VS_HOST, KIND_VIRTUAL_SERVICE, true, false, vs_host,
	  NULL },
	{ "virtual services at host", CELL_VS_AT, KIND_VIRTUAL_SERVICE, false, false, vs_host,
	  NULL },
	{ "virtual services with short hosts", CELL_VS_SHORT, KIND_VIRTUAL_SERVICE, true, false,
	  vs_short, same_vs_heads },
	{ "virtual services of namespace", CELL_VS_NS, KIND_VIRTUAL_SERVICE, true, false,
	  by_namespace, same_vs_heads },
	{ "virtual services of gateway", CELL_VS_GATEWAY, KIND_VIRTUAL_SERVICE, true, false,
	  vs_gateway, same_vs_heads },
	{ "destination rules of host", CELL_DR_HOST, KIND_DESTINATION_RULE, true, false, dr_host,
	  NULL },
	{ "sidecars of namespace", CELL_SIDECAR_NS, KIND_SIDECAR, true, false, by_namespace, NULL },
	{ "peer authentications of namespace", CELL_PA_NS, KIND_PEER_AUTHENTICATION, true, false,
	  by_namespace, NULL },
	{ "request authentications of namespace", CELL_RA_NS, KIND_REQUEST_AUTHENTICATION, true,
	  false, by_namespace, NULL },
	{ "authorization policies of namespace", CELL_AP_NS, KIND_AUTHORIZATION_POLICY, true, false,
	  by_namespace, NULL },
	{ "telemetries of namespace", CELL_TELEMETRY_NS, KIND_TELEMETRY, true, false, by_namespace,
	  NULL },
	{ "gateways of namespace", CELL_GATEWAY_NS, KIND_GATEWAY, true, false, by_namespace, NULL },
	{ "gateways", CELL_GATEWAY_ALL, KIND_GATEWAY, false, false, by_nothing, NULL },
	{ "ingresses", CELL_INGRESS_ALL, KIND_INGRESS, false, false, by_nothing, NULL },
	{ "ingresses of host", CELL_INGRESS_HOST, KIND_INGRESS, true, false, ingress_host, NULL },
};
const size_t model_n_indexes = ARRAY_LEN(model_indexes);
