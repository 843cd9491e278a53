/* model/destination_rule.h
 * Which DestinationRule applies to a service for this proxy, merged, and what it says for a port (translation.md 2.8).
 */
#pragma once
#include "model/service.h"
#include "types.h"

struct applied_rule {
	const struct object
		*first; /* the first contributing DestinationRule: metadata.config names it */
	const struct traffic_policy *policy; /* NULL: none */
	const struct subset *const *subsets; /* merged order */
	uint32_t n_subsets;
};
/* NULL: none applies. Asks as little as possible. `outbound`: selectors are honoured (2.9 ignores them). */
const struct applied_rule *destination_rule_for(struct run *, const struct service *,
						bool outbound);

/* The resolved policy of a port, or of a subset on it: blocks that are NULL mean defaults. */
struct port_policy {
	const struct load_balancer_settings *load_balancer;
	const struct connection_pool_settings *connection_pool;
	const struct outlier_detection *outlier_detection;
	const struct client_tls_settings *tls;
	const struct tunnel_settings *tunnel;
	const struct proxy_protocol *proxy_protocol;
	const struct retry_budget *retry_budget;
};
struct port_policy port_policy_of(const struct applied_rule *, uint16_t port,
				  const struct subset *subset);
const struct subset *subset_find(const struct applied_rule *, const char *name);
/* TLS mode for endpoints (3.5 step 1, inherits unlike port_policy_of); NULL: no rule says anything. */
const struct client_tls_settings *endpoint_tls_of(const struct applied_rule *, uint16_t port,
						  const struct subset *);
