/* model/workload.h
 * What pods and WorkloadEntries have in common: labels with topology laid over them, locality, network, identity and the
 * name of the workload (translation.md 1.3, 3.2, 9.6). Used for proxies and for endpoints alike.
 *
 * Model thread, inside queries. Whatever is returned lives in the run's arena or longer.
 */
#pragma once
#include "schema/object.h"
#include "world/graph.h"

struct mesh_networks;
struct pod;
struct workload_entry_spec;

#define LABEL_REGION "topology.kubernetes.io/region"
#define LABEL_ZONE "topology.kubernetes.io/zone"
#define LABEL_SUBZONE "topology.istio.io/subzone"
#define LABEL_CLUSTER "topology.istio.io/cluster"
#define LABEL_NETWORK "topology.istio.io/network"
#define LABEL_HOSTNAME "kubernetes.io/hostname"
#define LABEL_TLS_MODE "security.istio.io/tlsMode"

/* What is laid over the labels; NULL and "" are not set. `locality` is "region/zone/subzone". */
struct topology_labels {
	const char *locality, *cluster, *node, *network; /* network: only if not labelled yet */
};
struct str_map labels_augment(struct arena *, const struct str_map *labels,
			      const struct topology_labels *);
/* The union of both; `over` wins. */
struct str_map labels_merge(struct arena *, const struct str_map *under,
			    const struct str_map *over);
/* Is it one of the labels that augmenting may add? Then no index of objects by label knows it. */
bool label_is_topology(const char *key);
/* The pair of a selector to look an index of labels up by, "k=v"; NULL: it has none. */
const char *selector_index_pair(struct arena *, const struct str_map *selector);

/* A locality in parts; what is missing is "". */
struct locality {
	const char *region, *zone, *sub_zone;
};
struct locality locality_split(struct arena *, const char *text);
const char *locality_join(struct arena *, const struct locality *); /* without empty tails */
/* The label "topology.istio.io/locality" or its older name, with "." taken for "/"; "" if none. */
const char *locality_label(struct arena *, const struct str_map *labels);

/* ---- objects: these read ---- */
/* NULL: absent. */
const struct object *pod_read(struct run *, const char *ns, const char *name);
/* The ready pod with that address in the namespace; NULL: none. */
const struct object *pod_of_ip(struct run *, const char *ns, const char *ip);
const char *pod_locality(struct run *,
			 const struct object *pod); /* reads its node; "" if unknown */
/* The network of an address by labels, system namespace, then mesh networks; "": none. The lookup, zeroed at first,
 * remembers what the world says, for those who ask more than once in a run. */
struct network_lookup {
	bool loaded;
	const char *of_system;
	const struct mesh_networks *networks;
};
const char *network_of(struct run *, struct network_lookup *, const struct str_map *labels,
		       const char *address);
const char *spiffe_id(struct run *, const char *ns, const char *service_account);
/* Labels of a WorkloadEntry: those of its spec under its metadata's; not augmented. */
struct str_map entry_labels(struct arena *, const struct object *entry);
/* The same augmented, as selectors see them. */
struct str_map entry_labels_full(struct run *, const struct object *entry);
const char *entry_locality(struct arena *, const struct workload_entry_spec *,
			   const struct str_map *labels);
const char *entry_network(struct run *, struct network_lookup *, const struct workload_entry_spec *,
			  const struct str_map *labels);
/* Of several WorkloadEntries with the address the one that the proxy is: by name, by namespace, else the first.
 * Without `ns` just the first. */
const struct object *entry_of_ip(struct run *, const char *ip, const char *ns, const char *name);

/* ---- objects: pure ---- */
bool pod_is_serving(const struct object *pod); /* ready, has an address, not ended */
const char *pod_ip(const struct object *pod);  /* "" if none */
const char *pod_workload_name(struct arena *, const struct object *pod);
/* The number of the container port with that name and transport ("TCP"; NULL: any); 0: none. */
uint16_t pod_port(const struct object *pod, const char *name, const char *transport);
const char *object_cluster(const struct object *); /* the local one's id for "" */
/* node_matters.c: does it tell proxies apart by their node, by a selector or a priority of failover? */
bool object_names_node(const struct object *);
struct locality_load_balancer_setting;
struct zone_aware_lb_setting;
bool locality_names_node(const struct locality_load_balancer_setting *,
			 const struct zone_aware_lb_setting *);
