/* Which of the several places that may say something about a port's traffic has the word. */
#include "translate/policy.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy.h"
#include "model/workload.h"
#include "types.h"

Cluster__Cluster__DiscoveryType cluster_type_of(struct run *r, const struct service *s)
{
	switch (s->resolution) {
	case RESOLUTION_DNS_LB:
		return s->race_first_tcp_connect ? CLUSTER__CLUSTER__DISCOVERY_TYPE__LOGICAL_DNS
						 : CLUSTER__CLUSTER__DISCOVERY_TYPE__STRICT_DNS;
	case RESOLUTION_DNS_ROUND_ROBIN_LB: return CLUSTER__CLUSTER__DISCOVERY_TYPE__LOGICAL_DNS;
	case RESOLUTION_PASSTHROUGH:
		/* A gateway has no original destination. */
		if ((s->is_kubernetes && FEATURE(eds_for_headless)) || ask_is(r, ASK_IS_ROUTER, 0))
			return CLUSTER__CLUSTER__DISCOVERY_TYPE__EDS;
		return CLUSTER__CLUSTER__DISCOVERY_TYPE__ORIGINAL_DST;
	default: return CLUSTER__CLUSTER__DISCOVERY_TYPE__EDS;
	}
}

struct port_policy policy_for_port(struct run *r, const struct applied_rule *rule, uint16_t port,
				   const struct subset *subset)
{
	struct port_policy p = { 0 };
	const struct default_traffic_policy *d = mesh_get(r, default_traffic_policy);

	if (rule)
		p = port_policy_of(rule, port, subset);
	if (d && !p.connection_pool)
		p.connection_pool = d->connection_pool;
	if (d && !p.outlier_detection)
		p.outlier_detection = d->outlier_detection;
	return p;
}

/* ---- localities ---- */

static const char *const nearness[] = { LABEL_NETWORK, LABEL_REGION, LABEL_ZONE, LABEL_SUBZONE,
					LABEL_HOSTNAME };

static bool is_off(const struct opt_bool *enabled)
{
	return enabled->set && !enabled->v;
}

static struct locality_policy of_lb(const struct locality_load_balancer_setting *s)
{
	struct locality_policy p = { 0 };

	if (is_off(&s->enabled))
		return p;
	p.kind = LOCALITY_LB;
	p.lb = s;
	p.failover_priority = s->failover_priority;
	return p;
}

static struct locality_policy of_zone(const struct zone_aware_lb_setting *s)
{
	return (struct locality_policy){ .kind = LOCALITY_ZONE_AWARE,
					 .zone = s,
					 .failover_priority = s->failover_priority };
}

static struct locality_policy of_distribution(enum traffic_distribution d)
{
	return (struct locality_policy){ .kind = LOCALITY_LB,
					 .failover_priority = {
						 .v = nearness,
						 .n = d == DISTRIBUTION_SAME_NODE ? 5 : 3,
						 .set = true,
					 },
					 .forced = true };
}

struct locality_policy locality_policy_of(struct run *r, const struct service *s,
					  const struct load_balancer_settings *lb)
{
	const struct zone_aware_lb_setting *zone;
	const struct locality_load_balancer_setting *mesh;
	enum traffic_distribution d;

	if (lb && lb->zone_aware_lb_setting)
		return of_zone(lb->zone_aware_lb_setting);
	if (lb && lb->locality_lb_setting)
		return of_lb(lb->locality_lb_setting);
	d = service_distribution(r, s);
	if (d != DISTRIBUTION_ANY)
		return of_distribution(d);
	zone = mesh_get(r, zone_aware_lb_setting);
	if (zone)
		return of_zone(zone);
	mesh = mesh_get(r, locality_lb_setting);
	return mesh ? of_lb(mesh) : (struct locality_policy){ 0 };
}

bool locality_fails_over(const struct locality_policy *l, const struct port_policy *p)
{
	return l->forced || l->kind == LOCALITY_ZONE_AWARE || p->outlier_detection;
}

bool service_forces_unhealthy(struct run *r, const struct service *s)
{
	return FEATURE(send_unhealthy_endpoints) || service_distribution(r, s) != DISTRIBUTION_ANY;
}

void policy_warn(struct run *r, const struct object *obj, const char *path, const char *fmt, ...)
{
	struct diag *d = run_diag(r);
	struct place nowhere = { 0 };
	char title[OBJECT_TITLE];
	va_list ap;

	if (obj)
		d->object = object_title(obj, title);
	va_start(ap, fmt);
	diag_warn(d, obj ? obj->place : nowhere, path, "%s", arena_vprintf(run_arena(r), fmt, ap));
	va_end(ap);
	d->object = NULL;
}
