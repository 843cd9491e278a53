/* translate/assignment.h
 * From a service's endpoints to a ClusterLoadAssignment: which endpoints a proxy gets (translation.md 3.3), what it is told
 * about each (3.4, 3.5), by locality (3.6), with priorities and weights (3.7). The same for EDS and for clusters that hold
 * their endpoints themselves.
 */
#pragma once
#include "model/endpoint.h"
#include "pb/pb.h"
#include "translate/policy.h"

/* What the assignments of one service share; its endpoints are read once. */
struct assignments {
	struct run *run;
	const struct service *service;
	const struct applied_rule *rule; /* NULL: none */
	bool host_names;                 /* endpoints may be names to resolve */
	bool forces_unhealthy, keeps_draining, same_cluster_only;
	bool mtls_only; /* leaves out endpoints without mutual TLS */
	const struct endpoint_model *v;
	uint32_t n;
};
struct assignments assignments_of(struct run *, const struct service *, const struct applied_rule *,
				  bool host_names);
Endpoint__ClusterLoadAssignment *assignment_make(const struct assignments *,
						 const struct service_port_model *,
						 const struct subset *, const char *name);
/* Of the proxy's own workload (3.9): those that `is_own` takes, without rules and priorities. */
typedef bool own_endpoint_fn(struct run *, const struct endpoint_model *);
Endpoint__ClusterLoadAssignment *assignment_of_own(const struct assignments *,
						   const struct service_port_model *,
						   own_endpoint_fn *is_own, const char *name);

/* ---- between assignment.c and priority.c ---- */

struct placed {
	const struct endpoint_model *e;
	bool mtls; /* the client is to use mutual TLS with it */
	uint32_t weight;
};
struct locality_group {
	const char *locality; /* "region/zone/subzone" */
	struct placed *v;
	uint32_t n, cap;
	uint32_t weight; /* of all, at most UINT32_MAX */
	uint32_t priority;
};
struct locality_groups {
	struct locality_group *v;
	uint32_t n, cap;
};
uint32_t weight_sum(const struct placed *, uint32_t n);
/* Distribution, or priorities without gaps. Asks for the proxy's locality only if it can change something. */
void priorities_apply(struct run *, const struct locality_policy *, const struct port_policy *,
		      struct locality_groups *);
