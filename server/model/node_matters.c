/* Which objects can tell proxies of one kind apart by the node that they run on, by naming its label in a selector or in
 * a priority of failover. As long as there are none, the node stays out of the facts (proxy_facts.c).
 */
#include "model/workload.h"
#include "types.h"
#include "world/world.h"

static bool has_priority(const struct str_list *priorities)
{
	for (uint32_t i = 0; i < priorities->n; i++)
		if (str_starts(priorities->v[i], LABEL_HOSTNAME))
			return true;
	return false;
}

bool locality_names_node(const struct locality_load_balancer_setting *locality,
			 const struct zone_aware_lb_setting *zone)
{
	return (locality && has_priority(&locality->failover_priority)) ||
	       (zone && has_priority(&zone->failover_priority));
}

static bool balancer_names_node(const struct load_balancer_settings *b)
{
	return b && locality_names_node(b->locality_lb_setting, b->zone_aware_lb_setting);
}

static bool policy_names_node(const struct traffic_policy *p)
{
	if (!p || balancer_names_node(p->load_balancer))
		return p != NULL;
	for (uint32_t i = 0; i < p->port_level_settings.n; i++)
		if (balancer_names_node(p->port_level_settings.v[i].load_balancer))
			return true;
	return false;
}

static bool rule_names_node(const struct destination_rule_spec *s)
{
	if (policy_names_node(s->traffic_policy))
		return true;
	for (uint32_t i = 0; i < s->subsets.n; i++)
		if (policy_names_node(s->subsets.v[i].traffic_policy))
			return true;
	return false;
}

static const struct str_map *match_labels(const struct type_workload_selector *s)
{
	return s ? &s->match_labels : NULL;
}

static const struct str_map *labels(const struct workload_selector *s)
{
	return s ? &s->labels : NULL;
}

/* Every kind that has a spec is a struct whose spec comes by name. */
#define SPEC(o, kind) (((const struct kind *)(o)->body)->spec)

static const struct str_map *selector_of(const struct object *o)
{
	switch (o->kind) {
	case KIND_AUTHORIZATION_POLICY:
		return SPEC(o, authorization_policy)
			       ? match_labels(SPEC(o, authorization_policy)->selector)
			       : NULL;
	case KIND_DESTINATION_RULE:
		return SPEC(o, destination_rule)
			       ? match_labels(SPEC(o, destination_rule)->workload_selector)
			       : NULL;
	case KIND_GATEWAY: return SPEC(o, gateway) ? &SPEC(o, gateway)->selector : NULL;
	case KIND_PEER_AUTHENTICATION:
		return SPEC(o, peer_authentication)
			       ? match_labels(SPEC(o, peer_authentication)->selector)
			       : NULL;
	case KIND_REQUEST_AUTHENTICATION:
		return SPEC(o, request_authentication)
			       ? match_labels(SPEC(o, request_authentication)->selector)
			       : NULL;
	case KIND_SIDECAR:
		return SPEC(o, sidecar) ? labels(SPEC(o, sidecar)->workload_selector) : NULL;
	case KIND_TELEMETRY:
		return SPEC(o, telemetry) ? match_labels(SPEC(o, telemetry)->selector) : NULL;
	default: return NULL;
	}
}

bool object_names_node(const struct object *o)
{
	const struct str_map *selector = selector_of(o);

	if (selector && str_map_get(selector, LABEL_HOSTNAME))
		return true;
	return o->kind == KIND_DESTINATION_RULE && SPEC(o, destination_rule) &&
	       rule_names_node(SPEC(o, destination_rule));
}
