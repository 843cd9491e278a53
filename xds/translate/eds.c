/* Endpoints by EDS: one leaf per service with an assignment for each of its EDS clusters (translation.md 3.1), and the
 * proxy's own workload (3.9). A service without endpoints still has assignments: who asks for one is answered.
 */
#include "translate/eds.h"
#include "model/options.h"
#include "model/proxy.h"
#include "model/workload.h"
#include "translate/assignment.h"
#include "translate/gateway.h"
#include "translate/leaf.h"
#include "translate/names.h"
#include "translate/queries.h"
#include "types.h"

static bool by_eds(struct run *r, const struct applied_rule *rule,
		   const struct service_port_model *p, const struct subset *subset)
{
	struct port_policy policy = port_policy_of(rule, p->number, subset);

	return !policy.load_balancer ||
	       policy.load_balancer->simple != LOAD_BALANCER_SETTINGS_SIMPLE_PASSTHROUGH;
}

static void emit(struct run *r, const struct assignments *x, const struct service_port_model *p,
		 const struct subset *subset)
{
	const char *name = (x->mtls_only ? cluster_sni : cluster_name)(
		run_arena(r), p->number, subset ? subset->name : NULL, x->service->host);
	Endpoint__ClusterLoadAssignment *out = assignment_make(x, p, subset, name);

	emit_resource(r, name, &out->base);
}

static void add_service(struct run *r, uint32_t key, bool sni)
{
	struct leaf leaf = leaf_of(r, key);
	const struct service *s = leaf.service;
	const struct applied_rule *rule;
	const struct service_port_model *p;
	struct assignments x;
	uint32_t i = 0;

	if (!s || s->resolution == RESOLUTION_ALIAS || s->resolution == RESOLUTION_DYNAMIC_DNS ||
	    cluster_type_of(r, s) != CLUSTER__CLUSTER__DISCOVERY_TYPE__EDS)
		return;
	rule = destination_rule_for(r, s, true);
	x = assignments_of(r, s, rule, false);
	x.mtls_only = sni;
	while ((p = leaf_next_port(&leaf, &i))) {
		if (!by_eds(r, rule, p, NULL))
			continue;
		emit(r, &x, p, NULL);
		for (uint32_t j = 0; rule && j < rule->n_subsets; j++)
			if (!str_empty(rule->subsets[j]->name) &&
			    subset_find(rule, rule->subsets[j]->name) == rule->subsets[j] &&
			    by_eds(r, rule, p, rule->subsets[j]))
				emit(r, &x, p, rule->subsets[j]);
	}
}

/* [leaf.h] */
void eds_service_run(struct run *r, uint32_t key)
{
	add_service(r, key, false);
}

/* [leaf.h] Of clusters that AUTO_PASSTHROUGH leads to (2.10). */
void eds_sni_run(struct run *r, uint32_t key)
{
	add_service(r, key, true);
}

/* ---- lists ---- */

/* Names to resolve are in the clusters themselves, and to where a client goes by itself nobody needs endpoints. */
bool eds_has_assignments(struct run *r, const struct service_head *h)
{
	if (h->flags & HEAD_DNS)
		return false;
	if (!(h->flags & HEAD_HEADLESS))
		return true;
	return (h->flags & HEAD_KUBERNETES && FEATURE(eds_for_headless)) ||
	       ask_is(r, ASK_IS_ROUTER, 0);
}

void eds_ns_run(struct run *r, uint32_t ns)
{
	leaves_add(r, ns, Q_EDS_SERVICE, eds_has_assignments);
}

void eds_bucket_run(struct run *r, uint32_t bucket)
{
	fanout_bucket(r, bucket, Q_EDS_NS);
}

void eds_run(struct run *r, uint32_t key)
{
	if (ask_is(r, ASK_IS_ROUTER, 0))
		gateway_eds_add(r);
	else
		fanout_root(r, Q_EDS_BUCKET, Q_EDS_NS);
	if (ask_is(r, ASK_FLAG, FLAG_SELF_DISCOVERY))
		list_add(r, Q_EDS_SELF, 0);
}

/* ---- the proxy's own workload ---- */

static bool same_label(struct run *r, const struct endpoint_model *e, const char *name)
{
	uint32_t key = ask(r, ASK_LABEL, run_key(r, name));

	return str_eq(key ? run_text(r, key) : "", str_or(str_map_get(e->labels, name), ""));
}

static bool is_own(struct run *r, const struct endpoint_model *e)
{
	struct arena *a = run_arena(r);
	uint32_t workload = ask(r, ASK_WORKLOAD_NAME, 0), at = ask(r, ASK_LOCALITY, 0);

	return str_eq(run_text(r, workload), e->workload_name) &&
	       same_label(r, e, "pod-template-hash") &&
	       same_label(r, e, "rollouts-pod-template-hash") &&
	       str_eq(locality_split(a, run_text(r, at)).region,
		      locality_split(a, e->locality).region);
}

/* [0] local_cluster, which is in the bootstrap of proxies that ask for it. */
void eds_self_run(struct run *r, uint32_t key)
{
	uint32_t n;
	const struct service_target *t = proxy_targets(r, &n);
	const struct service *s =
		n ? service_read(r, run_key(r, t->ns), run_key(r, t->host)) : NULL;
	const struct service_port_model *p = s ? service_port_of(s, t->port) : NULL;
	Endpoint__ClusterLoadAssignment *out;
	struct assignments x;

	if (!p)
		return;
	x = assignments_of(r, s, NULL, false);
	out = assignment_of_own(&x, p, is_own, "local_cluster");
	emit_resource(r, "local_cluster", &out->base);
}
