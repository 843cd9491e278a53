/* Endpoints chosen, described and grouped. Questions about the proxy are asked only for endpoints that they may exclude:
 * where there is one cluster and one network, none is.
 */
#include "translate/assignment.h"
#include "base/ip.h"
#include "model/cells.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy.h"
#include "model/security.h"
#include "model/workload.h"
#include "translate/names.h"
#include "translate/network_gateway.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

/* ---- services that stay within their cluster ---- */

/* How well a pattern fits: 0 not at all, longer is better, exact is best. */
static size_t fit(const char *pattern, const char *host)
{
	if (str_eq(pattern, host))
		return SIZE_MAX;
	return host_is_wildcard(pattern) && host_subset_of(host, pattern) ? strlen(pattern) : 0;
}

struct best {
	size_t fit;
	bool local;
};

static void consider(struct best *b, const char *pattern, const char *host, bool local)
{
	size_t f = fit(pattern, host);

	if (f && f >= b->fit)
		*b = (struct best){ f, local };
}

static bool is_cluster_local(struct run *r, const struct service *s)
{
	struct arena *a = run_arena(r);
	const char *domain = model_options()->domain, *discovery;
	__typeof__(((struct mesh_config *)0)->service_settings) list =
		mesh_get(r, service_settings);
	struct best best = { 0 };

	consider(&best, arena_printf(a, "*.kube-system.svc.%s", domain), s->host, true);
	consider(&best, arena_printf(a, "kubernetes.default.svc.%s", domain), s->host, true);
	discovery = mesh_get(r, default_config)->discovery_address;
	if (!str_empty(discovery))
		consider(&best, arena_strndup(a, discovery, strcspn(discovery, ":")), s->host,
			 true);
	for (uint32_t i = 0; i < list.n; i++)
		for (uint32_t j = 0; j < list.v[i].hosts.n; j++)
			consider(&best, list.v[i].hosts.v[j], s->host,
				 list.v[i].settings && list.v[i].settings->cluster_local.v);
	return best.fit && best.local;
}

struct assignments assignments_of(struct run *r, const struct service *s,
				  const struct applied_rule *rule, bool host_names)
{
	struct assignments x = { .run = r, .service = s, .rule = rule, .host_names = host_names };

	x.v = endpoints_read(r, s, NULL, &x.n);
	x.forces_unhealthy = service_forces_unhealthy(r, s);
	x.keeps_draining =
		s->labels && !str_empty(str_map_get(s->labels, "istio.io/persistent-session"));
	x.same_cluster_only = x.n && (s->node_local || is_cluster_local(r, s));
	return x;
}

/* ---- which endpoints ---- */

static bool is_draining(const struct endpoint_model *e)
{
	return e->health == HEALTH_DRAINING ||
	       !str_empty(str_map_get(e->labels, "istio.io/draining"));
}

static bool has_address(const struct assignments *x, const struct endpoint_model *e)
{
	if (!e->port)
		return !x->host_names && (*e->address == '/' || *e->address == '@');
	return x->host_names ? *e->address != '\0' : ip_is_valid(e->address);
}

/* How unhealthy endpoints of one cluster are seen. */
static bool takes_unhealthy(const struct assignments *x, const struct port_policy *p)
{
	if (x->forces_unhealthy)
		return true;
	return FEATURE(auto_send_unhealthy_endpoints) &&
	       !(p->outlier_detection && p->outlier_detection->min_health_percent.v > 0);
}

/* What does not depend on the proxy. */
static bool is_fit(const struct assignments *x, const struct endpoint_model *e, bool unhealthy)
{
	if (!has_address(x, e) || e->health == HEALTH_TERMINATING)
		return false;
	if (e->health == HEALTH_UNHEALTHY && !unhealthy)
		return false;
	return !is_draining(e) || x->keeps_draining;
}

static bool is_reachable(const struct assignments *x, const struct endpoint_model *e)
{
	struct run *r = x->run;

	if (x->same_cluster_only && !str_empty(e->cluster) &&
	    !ask_is(r, ASK_CLUSTER_IS, run_key(r, e->cluster)))
		return false;
	if (x->service->node_local && !ask_is(r, ASK_NODE_IS, run_key(r, str_or(e->node_name, ""))))
		return false;
	return str_empty(e->network) || ask_is(r, ASK_SEES_NETWORK, run_key(r, e->network));
}

/* ---- mutual TLS ---- */

/* How one cluster decides: a rule does for all endpoints, else each namespace's policy for its own. */
struct mtls_view {
	const struct client_tls_settings *tls;
	const char *
		ns; /* whose `mode` it is; only of namespaces where all workloads and ports are alike */
	enum mtls_mode mode;
};

static enum mtls_mode mode_of(struct run *r, struct mtls_view *v, const struct endpoint_model *e)
{
	uint32_t ns;

	if (v->ns && str_eq(v->ns, e->ns))
		return v->mode;
	ns = run_key(r, e->ns);
	if (read_entry(r, CELL_PA_NS, ns)->n)
		return mtls_of_workload(r, ns, e->labels, e->port);
	v->ns = e->ns;
	v->mode = mtls_of_namespace(r, ns);
	return v->mode;
}

static bool uses_mtls(struct run *r, struct mtls_view *v, const struct endpoint_model *e)
{
	if (str_empty(e->tls_mode) || str_eq(e->tls_mode, "disabled"))
		return false;
	if (v->tls)
		return v->tls->mode == CLIENT_TLS_SETTINGS_MODE_ISTIO_MUTUAL;
	return e->serves_mtls && mode_of(r, v, e) != MTLS_DISABLE;
}

/* ---- groups ---- */

uint32_t weight_sum(const struct placed *v, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += v[i].weight;
	return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

static int by_locality(const void *a, const void *b)
{
	return strcmp(((const struct locality_group *)a)->locality,
		      ((const struct locality_group *)b)->locality);
}

static void place(struct assignments const *x, struct locality_groups *g,
		  const struct endpoint_model *e, bool mtls)
{
	struct arena *a = run_arena(x->run);
	struct locality_group *to = NULL;

	for (uint32_t i = 0; i < g->n && !to; i++)
		if (str_eq(g->v[i].locality, e->locality))
			to = &g->v[i];
	if (!to) {
		to = ARENA_PUSH(a, g->v, g->n, g->cap);
		*to = (struct locality_group){ .locality = e->locality };
	}
	*ARENA_PUSH(a, to->v, to->n, to->cap) =
		(struct placed){ e, mtls, e->weight ? e->weight : 1 };
}

static void close_groups(struct locality_groups *g)
{
	if (g->n)
		qsort(g->v, g->n, sizeof *g->v, by_locality);
	for (uint32_t i = 0; i < g->n; i++)
		g->v[i].weight = weight_sum(g->v[i].v, g->v[i].n);
}

/* Envoy refuses an assignment whose weights add up to more than 32 bits hold. */
static void fit_weights(struct locality_groups *g)
{
	uint64_t sum = 0, by;

	for (uint32_t i = 0; i < g->n; i++)
		for (uint32_t j = 0; j < g->v[i].n; j++)
			sum += g->v[i].v[j].weight;
	if (sum <= UINT32_MAX)
		return;
	by = sum / UINT32_MAX + 2; /* one more, for none goes below 1 */
	for (uint32_t i = 0; i < g->n; i++) {
		for (uint32_t j = 0; j < g->v[i].n; j++)
			g->v[i].v[j].weight = MAX((uint32_t)(g->v[i].v[j].weight / by), 1);
		g->v[i].weight = weight_sum(g->v[i].v, g->v[i].n);
	}
}

/* ---- encoding ---- */

static Core__HealthStatus status_of(const struct endpoint_model *e)
{
	if (is_draining(e))
		return CORE__HEALTH_STATUS__DRAINING;
	switch (e->health) {
	case HEALTH_HEALTHY: return CORE__HEALTH_STATUS__HEALTHY;
	case HEALTH_UNHEALTHY: return CORE__HEALTH_STATUS__UNHEALTHY;
	default: return CORE__HEALTH_STATUS__UNKNOWN;
	}
}

static const char *workload_text(struct arena *a, const struct endpoint_model *e)
{
	const char *revision = canonical_revision(e->labels);

	return arena_printf(a, "%s;%s;%s;%s;%s", e->workload_name, e->ns,
			    canonical_name(e->labels, e->workload_name),
			    str_eq(revision, "latest") ? "" : revision, e->cluster);
}

static Endpoint__LbEndpoint *encode_endpoint(struct arena *a, const struct placed *p)
{
	const struct endpoint_model *e = p->e;
	Endpoint__Endpoint *host =
		PB_NEW(a, Endpoint__Endpoint, .address = address_of(a, e->address, e->port));
	Endpoint__LbEndpoint *out =
		PB_NEW(a, Endpoint__LbEndpoint,
		       .host_identifier_case = ENDPOINT__LB_ENDPOINT__HOST_IDENTIFIER_ENDPOINT,
		       .endpoint = host, .health_status = status_of(e),
		       .load_balancing_weight = pb_u32(a, p->weight));

	for (uint32_t i = 0; i < e->n_more_addresses; i++)
		if (ip_is_valid(e->more_addresses[i]))
			PB_PUSH(a, host, additional_addresses,
				PB_NEW(a, Endpoint__Endpoint__AdditionalAddress,
				       .address = address_of(a, e->more_addresses[i], e->port)));
	if (p->mtls)
		pb_struct_set_str(
			a, pb_filter_metadata(a, &out->metadata, "envoy.transport_socket_match"),
			"tlsMode", e->tls_mode);
	if (FEATURE(telemetry_label) && FEATURE(endpoint_telemetry_label))
		pb_struct_set_str(a, pb_filter_metadata(a, &out->metadata, "istio"), "workload",
				  workload_text(a, e));
	return out;
}

static Endpoint__LocalityLbEndpoints *encode_group(struct arena *a, const struct locality_group *g)
{
	struct locality l = locality_split(a, g->locality);
	Endpoint__LocalityLbEndpoints *out =
		PB_NEW(a, Endpoint__LocalityLbEndpoints,
		       .locality = PB_NEW(a, Core__Locality, .region = l.region, .zone = l.zone,
					  .sub_zone = l.sub_zone),
		       .load_balancing_weight = g->weight ? pb_u32(a, g->weight) : NULL,
		       .priority = g->priority);

	for (uint32_t i = 0; i < g->n; i++)
		PB_PUSH(a, out, lb_endpoints, encode_endpoint(a, &g->v[i]));
	return out;
}

static Endpoint__ClusterLoadAssignment *encode(struct arena *a, const struct locality_groups *g,
					       const char *name)
{
	Endpoint__ClusterLoadAssignment *out =
		PB_NEW(a, Endpoint__ClusterLoadAssignment, .cluster_name = name);

	for (uint32_t i = 0; i < g->n; i++)
		PB_PUSH(a, out, endpoints, encode_group(a, &g->v[i]));
	return out;
}

/* ---- the whole ---- */

Endpoint__ClusterLoadAssignment *assignment_make(const struct assignments *x,
						 const struct service_port_model *port,
						 const struct subset *subset, const char *name)
{
	struct run *r = x->run;
	struct port_policy policy = policy_for_port(r, x->rule, port->number, subset);
	bool unhealthy = takes_unhealthy(x, &policy);
	struct mtls_view mtls = { .tls = endpoint_tls_of(x->rule, port->number, subset) };
	struct locality_groups g = { 0 };
	struct locality_policy l;

	for (uint32_t i = 0; i < x->n; i++) {
		const struct endpoint_model *e = &x->v[i];

		bool secure;

		if (!str_eq(e->port_name, str_or(port->name, "")) ||
		    (subset && !labels_match(&subset->labels, e->labels)) ||
		    !is_fit(x, e, unhealthy) || !is_reachable(x, e))
			continue;
		secure = uses_mtls(r, &mtls, e);
		if (secure || !x->mtls_only)
			place(x, &g, e, secure);
	}
	close_groups(&g);
	if (g.n) {
		split_horizon(r, &g, x->host_names);
		fit_weights(&g);
		l = locality_policy_of(r, x->service, policy.load_balancer);
		priorities_apply(r, &l, &policy, &g);
	}
	return encode(run_arena(r), &g, name);
}

Endpoint__ClusterLoadAssignment *assignment_of_own(const struct assignments *x,
						   const struct service_port_model *port,
						   own_endpoint_fn *is_own, const char *name)
{
	struct mtls_view mtls = { 0 };
	struct locality_groups g = { 0 };

	for (uint32_t i = 0; i < x->n; i++) {
		const struct endpoint_model *e = &x->v[i];

		if (str_eq(e->port_name, str_or(port->name, "")) && is_fit(x, e, true) &&
		    is_own(x->run, e) && is_reachable(x, e))
			place(x, &g, e, uses_mtls(x->run, &mtls, e));
	}
	close_groups(&g);
	return encode(run_arena(x->run), &g, name);
}
