/* The class of a proxy: what its node said, corrected by what the registry knows of its pod or WorkloadEntry, with the
 * services that run on it. Facts that differ from pod to pod (its addresses, its node) are only there when something
 * in the world can tell them apart, for each of them makes a class of its own.
 */
#include "model/cells.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy_cell.h"
#include "model/queries.h"
#include "model/workload.h"
#include "types.h"
#include "world/world.h"

#include <string.h>

/* What the world says of all proxies of a namespace: a query of its own, so that it is read and recorded once. */
struct proxy_world {
	uint32_t node_matters; /* something looks at the node that a proxy runs on */
	uint32_t has_ingress;  /* some Sidecar that may apply has ingress listeners */
	uint32_t is_traced;    /* some tracing provider names the proxy's service */
};

/* Only these tracers send a service name. */
static bool is_traced(struct run *run)
{
	const __typeof__(((struct mesh_config *)0)->extension_providers) providers =
		mesh_get(run, extension_providers);

	for (uint32_t i = 0; i < providers.n; i++)
		if (providers.v[i].datadog || providers.v[i].opentelemetry)
			return true;
	return false;
}

static bool node_matters(struct run *run)
{
	return locality_names_node(mesh_get(run, locality_lb_setting),
				   mesh_get(run, zone_aware_lb_setting)) ||
	       read_entry(run, CELL_SVC_NODE_LOCAL, KEY_EMPTY)->n;
}

static bool has_ingress(struct run *run, uint32_t ns)
{
	const struct entry *e = read_entry(run, CELL_SIDECAR_NS, ns);

	for (uint32_t i = 0; i < e->n; i++) {
		const struct sidecar_spec *s = ((const struct sidecar *)e->v[i]->body)->spec;

		if (s && s->ingress.n)
			return true;
	}
	return false;
}

void proxy_world_run(struct run *run, uint32_t ns)
{
	struct proxy_world w = {
		.node_matters = node_matters(run),
		.has_ingress = has_ingress(run, ns) ||
			       has_ingress(run, run_key(run, mesh_root_namespace(run))),
		.is_traced = is_traced(run),
	};

	run_emit(run, &w, sizeof w);
}

/* A pod of the proxy's own cluster; NULL when the registry does not know it, or the proxy stands for a machine. */
static const struct object *find_pod(struct run *run, const struct proxy_node *n,
				     const struct str_map *labels)
{
	const char *cluster = run_text(run, n->cluster_id);
	const struct object *pod;

	if (n->pod == KEY_EMPTY || !str_empty(str_map_get(labels, "istio.io/test-vm")))
		return NULL;
	pod = read_object(run, KIND_POD, n->pod_ns, n->pod);
	return pod && (!*cluster || str_eq(cluster, object_cluster(pod))) ? pod : NULL;
}

static const struct object *find_entry(struct run *run, const struct proxy_node *n,
				       const char *const *ips, uint32_t n_ips)
{
	const struct object *entry = NULL;

	for (uint32_t i = 0; i < n_ips && !entry; i++)
		entry = entry_of_ip(run, ips[i], run_text(run, n->ns), run_text(run, n->pod));
	return entry;
}

/* Labels as the registry has them, with its idea of the topology; those of the node when it knows nothing. */
static struct str_map registry_labels(struct run *run, const struct object *pod,
				      const struct object *entry, const char *node,
				      const struct str_map *own, const struct str_map *fixed)
{
	struct arena *a = run_arena(run);
	struct str_map labels;

	if (pod) {
		struct topology_labels t = {
			.locality = pod_locality(run, pod),
			.cluster = object_cluster(pod),
			.node = node,
			.network = network_of(run, &(struct network_lookup){ 0 },
					      &pod->meta->labels, pod_ip(pod)),
		};

		labels = labels_augment(a, &pod->meta->labels, &t);
		return labels_merge(a, fixed, &labels);
	}
	if (entry) {
		labels = entry_labels_full(run, entry);
		return labels_merge(a, fixed, &labels);
	}
	return *own;
}

/* From the labels, else as the node says. */
static const char *find_locality(struct arena *a, const struct str_map *labels, const char *own)
{
	const char *region = str_map_get(labels, LABEL_REGION);
	const char *zone = str_map_get(labels, LABEL_ZONE);
	const char *sub_zone = str_map_get(labels, LABEL_SUBZONE);
	const char *label;

	if (region || zone || sub_zone)
		return locality_join(a, &(struct locality){ str_or(region, ""), str_or(zone, ""),
							    str_or(sub_zone, "") });
	label = str_or(str_map_get(labels, "topology.istio.io/locality"),
		       str_map_get(labels, "istio-locality"));
	return str_or(label, own);
}

static struct str_map topology(struct run *run, const struct proxy_node *n,
			       const struct str_map *labels, const char *node,
			       const char **ret_locality)
{
	struct arena *a = run_arena(run);

	*ret_locality = find_locality(a, labels, run_text(run, n->locality));
	return labels_augment(a, labels,
			      &(struct topology_labels){
				      .locality = *ret_locality,
				      .cluster = run_text(run, n->cluster_id),
				      .node = node,
				      .network = run_text(run, n->network),
			      });
}

static uint32_t find_network(struct run *run, const struct proxy_node *n,
			     const struct object *entry)
{
	const struct workload_entry_spec *s =
		entry ? ((const struct workload_entry *)entry->body)->spec : NULL;

	return n->network == KEY_EMPTY && s ? run_key(run, s->network) : n->network;
}

void proxy_facts_run(struct run *run, uint32_t key)
{
	const struct proxy_node *n = read_value(run, CELL_PROXY, key, NULL);
	struct arena *a = run_arena(run);
	struct target_search search = { .node = n };
	struct str_map own, fixed, labels;
	const char *locality, *node, *targets;
	const struct proxy_world *world;
	const struct object *entry;
	struct proxy_facts f;
	bool headless;

	if (!n)
		return;
	world = (const void *)call_query(run, Q_PROXY_WORLD, n->ns)->bytes;
	search.ns = run_text(run, n->ns);
	search.ips = list_split(a, run_text(run, n->ips), &search.n_ips);
	own = labels_parse(a, run_text(run, n->labels));
	fixed = labels_parse(a, run_text(run, n->static_labels));
	search.pod = find_pod(run, n, &own);
	entry = search.pod ? NULL : find_entry(run, n, search.ips, search.n_ips);
	node = world->node_matters ? run_text(run, n->node_name) : "";
	labels = registry_labels(run, search.pod, entry, node, &own, &fixed);
	labels = topology(run, n, &labels, node, &locality);
	search.own_labels = &own;
	search.labels = &labels;
	targets = targets_find(run, &search, &headless);

	memset(&f, 0, sizeof f);
	f.type = n->type;
	f.mode = n->mode;
	f.flags = n->flags;
	f.extensions = n->extensions;
	f.version = n->version;
	f.patch = n->patch;
	f.ip_family = n->ip_family;
	f.ns = n->ns;
	f.labels = run_key(run, labels_text(a, &labels));
	f.cluster = n->cluster_id;
	f.network = find_network(run, n, entry);
	f.network_view = n->network_view;
	f.locality = run_key(run, locality);
	f.node_name = run_key(run, node);
	f.dns_domain = n->dns_domain;
	f.proxy_config = n->proxy_config;
	f.targets = *targets ? run_key(run, targets) : 0;
	if (n->type == PROXY_SIDECAR && (headless || world->has_ingress))
		f.own_addresses = n->ips;
	f.mesh_id = n->mesh_id;
	/* What is unique to a workload or pod is a fact of the class only where something asks for it. */
	f.workload_name = world->is_traced || n->flags & 1u << FLAG_SELF_DISCOVERY
				  ? n->workload_name
				  : KEY_EMPTY;
	memcpy(f.meta, n->meta, sizeof f.meta);
	if (!world->is_traced)
		f.meta[META_NODE_CLUSTER] = f.meta[META_OTEL_SERVICE_NAME] = 0;
	/* So that the answer to ASK_LABEL, which cannot intern, finds them. */
	for (uint32_t i = 0; i < labels.n; i++)
		run_key(run, labels.v[i].value);
	run_emit(run, &f, sizeof f);
}
