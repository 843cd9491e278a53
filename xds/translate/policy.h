/* translate/policy.h
 * Traffic policy as clusters and their endpoints need it: what a DestinationRule and the mesh's defaults say for one port
 * (translation.md 2.4, 2.6), and how localities are preferred. Read by both, so that a cluster and its endpoints never
 * disagree.
 */
#pragma once
#include "base/diag.h"
#include "model/destination_rule.h"
#include "pb/pb.h"

/* How a service's clusters find their endpoints (2.2). Not for aliases and DYNAMIC_DNS. May ask ASK_IS_ROUTER. */
Cluster__Cluster__DiscoveryType cluster_type_of(struct run *, const struct service *);

/* port_policy_of, with blocks that no rule sets taken from mesh.defaultTrafficPolicy. */
struct port_policy policy_for_port(struct run *, const struct applied_rule *, uint16_t port,
				   const struct subset *);

struct locality_policy {
	enum { LOCALITY_OFF, LOCALITY_LB, LOCALITY_ZONE_AWARE } kind;
	const struct locality_load_balancer_setting *lb; /* NULL: traffic distribution decides */
	const struct zone_aware_lb_setting *zone;        /* of ZONE_AWARE */
	struct str_list failover_priority;
	bool forced; /* fails over without outlier detection, too */
};
/* The effective setting: of the rule, of the service's traffic distribution, of the mesh. */
struct locality_policy locality_policy_of(struct run *, const struct service *,
					  const struct load_balancer_settings *);
/* May endpoints of other localities be used only if nearer ones fail? */
bool locality_fails_over(const struct locality_policy *, const struct port_policy *);

/* Are endpoints sent that are not ready? By force even where the rule says otherwise. */
bool service_forces_unhealthy(struct run *, const struct service *);

/* What is wrong with an object or not supported, in the query's diagnostics. `obj` NULL: it is not known whose. */
void policy_warn(struct run *, const struct object *obj, const char *path, const char *fmt, ...)
	printf_like(4, 5);
