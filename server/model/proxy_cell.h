/* model/proxy_cell.h
 * The value of a cell (CELL_PROXY, proxy key), private to this room: the node message with its strings as keys. Without
 * padding, since equal contents are told by their bytes.
 */
#pragma once
#include "model/proxy.h"

struct proxy_node {
	uint32_t type, mode, flags, extensions, version, patch, ip_family;
	/* KEY_EMPTY when there is none */
	uint32_t pod, pod_ns, ns, dns_domain, locality;
	uint32_t ips; /* comma list */
	uint32_t cluster_id, network, network_view, node_name, mesh_id, service_account;
	uint32_t workload_name, labels, static_labels, pod_ports;
	uint32_t proxy_config;     /* 0: not sent */
	uint32_t meta[META_COUNT]; /* 0: absent */
};

/* proxy_targets.c: what the search for service targets needs to know. */
struct object;
struct target_search {
	const struct proxy_node *node;
	const char *ns;
	const char *const *ips;
	uint32_t n_ips;
	const struct object *pod;         /* NULL: not known */
	const struct str_map *own_labels; /* as the node says */
	const struct str_map *labels;     /* of the proxy, augmented */
};
/* The targets' text (proxy.h), "" if there are none. *ret_headless: some of them is of a service whose pods have
 * listeners of their own. */
const char *targets_find(struct run *, const struct target_search *, bool *ret_headless);
/* A comma list in parts. */
const char *const *list_split(struct arena *, const char *text, uint32_t *ret_n);
