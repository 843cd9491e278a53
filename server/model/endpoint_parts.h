/* model/endpoint_parts.h
 * How the sources of endpoints add to one list; private to this room.
 */
#pragma once
#include "model/endpoint.h"
#include "model/workload.h"

struct str_map;
struct endpoint_list {
	struct run *run;
	struct arena *arena;
	const struct service *service;
	const struct service_port_model *port; /* NULL: those of all ports */
	struct network_lookup networks;
	struct endpoint_model *v;
	uint32_t n, cap;
};
/* Is it the name of the port that endpoints are wanted of? NULL is "". */
bool endpoint_wanted(const struct endpoint_list *, const char *port_name);
/* A new one at the end, with what all have: network, cluster, tls mode and so on are "". */
struct endpoint_model *endpoint_add(struct endpoint_list *);
void endpoint_set_tls_mode(struct endpoint_model *, const char *mode);

/* endpoint_slice.c: slices of a Kubernetes service, and WorkloadEntries that it selects. */
void endpoints_of_slices(struct endpoint_list *);
/* endpoint_entry.c: inline endpoints and selected workloads of one ServiceEntry; WorkloadEntries. */
void endpoints_of_service_entry(struct endpoint_list *, const struct object *service_entry);
void endpoints_of_selected_entries(struct endpoint_list *);
/* A pod's endpoint but for its address and ports. */
void endpoint_from_pod(struct endpoint_list *, struct endpoint_model *, const struct object *pod,
		       const char *address);
