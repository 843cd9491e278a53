/* Outlier detection and load balancing, with what the cluster itself says about localities (translation.md 2.5, 2.6). */
#include "base/clock.h"
#include "model/options.h"
#include "translate/cluster.h"
#include "types.h"

#define ENUM(name) CLUSTER__CLUSTER__##name

static Cluster__Cluster__CommonLbConfig *common_lb(struct draft *d)
{
	if (!d->c->common_lb_config)
		d->c->common_lb_config = PB_NEW(d->a, Cluster__Cluster__CommonLbConfig);
	return d->c->common_lb_config;
}

/* ---- outlier detection ---- */

/* Numbers of which 0 turns the check off. */
static void add_count(struct draft *d, const struct opt_int *v, Google__UInt32Value **count,
		      Google__UInt32Value **enforcing)
{
	if (!v->set || v->v < 0 || v->v > UINT32_MAX)
		return;
	*count = pb_u32(d->a, (uint32_t)v->v);
	*enforcing = pb_u32(d->a, v->v > 0 ? 100 : 0);
}

static Google__Duration *positive(struct draft *d, const struct opt_duration *v, const char *field)
{
	if (!v->set)
		return NULL;
	if (v->v > 0)
		return pb_duration(d->a, v->v);
	policy_warn(d->r, d->rule,
		    arena_printf(d->a, "spec.trafficPolicy.outlierDetection.%s", field),
		    "is left out: it is not above 0");
	return NULL;
}

static CommonMatcher__MatchPredicate *match_status(struct arena *a, int64_t code)
{
	Route__HeaderMatcher *h =
		PB_NEW(a, Route__HeaderMatcher, .name = ":status",
		       .header_match_specifier_case =
			       ROUTE__HEADER_MATCHER__HEADER_MATCH_SPECIFIER_STRING_MATCH,
		       .string_match = PB_NEW(a, Matcher__StringMatcher,
					      .match_pattern_case =
						      MATCHER__STRING_MATCHER__MATCH_PATTERN_EXACT,
					      .exact = arena_printf(a, "%lld", (long long)code)));
	CommonMatcher__HttpHeadersMatch *m = PB_NEW(a, CommonMatcher__HttpHeadersMatch);

	PB_PUSH(a, m, headers, h);
	return PB_NEW(a, CommonMatcher__MatchPredicate,
		      .rule_case =
			      COMMON_MATCHER__MATCH_PREDICATE__RULE_HTTP_RESPONSE_HEADERS_MATCH,
		      .http_response_headers_match = m);
}

static void add_error_codes(struct draft *d, const struct int_list *codes)
{
	UpstreamHttp__HttpProtocolOptions__OutlierDetection *o;

	if (!codes->n)
		return;
	o = PB_NEW(d->a, UpstreamHttp__HttpProtocolOptions__OutlierDetection);
	draft_http(d)->outlier_detection = o;
	if (codes->n == 1) {
		o->error_matcher = match_status(d->a, codes->v[0]);
		return;
	}
	o->error_matcher =
		PB_NEW(d->a, CommonMatcher__MatchPredicate,
		       .rule_case = COMMON_MATCHER__MATCH_PREDICATE__RULE_OR_MATCH,
		       .or_match = PB_NEW(d->a, CommonMatcher__MatchPredicate__MatchSet));
	for (uint32_t i = 0; i < codes->n; i++)
		PB_PUSH(d->a, o->error_matcher->or_match, rules, match_status(d->a, codes->v[i]));
}

static void add_local_origin(struct draft *d, const struct outlier_detection *in,
			     Cluster__OutlierDetection *out)
{
	const struct opt_int *n = &in->consecutive_local_origin_failures;

	if (!in->split_external_local_origin_errors.set ||
	    !in->split_external_local_origin_errors.v)
		return;
	out->split_external_local_origin_errors = true;
	if (n->set && n->v > 0)
		add_count(d, n, &out->consecutive_local_origin_failure,
			  &out->enforcing_consecutive_local_origin_failure);
	out->enforcing_local_origin_success_rate = pb_u32(d->a, 0);
}

void draft_apply_outlier(struct draft *d, const struct service *s,
			 const struct outlier_detection *in)
{
	Cluster__OutlierDetection *out;
	const struct opt_int *percent;

	if (!in)
		return;
	out = PB_NEW(d->a, Cluster__OutlierDetection, .enforcing_success_rate = pb_u32(d->a, 0),
		     .interval = positive(d, &in->interval, "interval"),
		     .base_ejection_time =
			     positive(d, &in->base_ejection_time, "baseEjectionTime"));
	add_count(d, &in->consecutive5xx_errors, &out->consecutive_5xx,
		  &out->enforcing_consecutive_5xx);
	add_count(d, &in->consecutive_gateway_errors, &out->consecutive_gateway_failure,
		  &out->enforcing_consecutive_gateway_failure);
	percent = &in->max_ejection_percent;
	if (percent->set && percent->v > 100)
		policy_warn(d->r, d->rule, "spec.trafficPolicy.outlierDetection.maxEjectionPercent",
			    "is left out: it is above 100");
	else if (percent->set && percent->v > 0)
		out->max_ejection_percent = pb_u32(d->a, (uint32_t)percent->v);
	add_local_origin(d, in, out);
	add_error_codes(d, &in->outlier_detection_http_error_codes);
	d->c->outlier_detection = out;

	percent = &in->min_health_percent;
	if (percent->set && (percent->v < 0 || percent->v > 100))
		policy_warn(d->r, d->rule, "spec.trafficPolicy.outlierDetection.minHealthPercent",
			    "is left out: it is not between 0 and 100");
	else if (percent->set && !(s && service_forces_unhealthy(d->r, s)))
		common_lb(d)->healthy_panic_threshold =
			PB_NEW(d->a, Type__Percent, .value = (double)percent->v);
}

/* ---- localities ---- */

static void add_localities(struct draft *d, const struct service *s, const struct port_policy *p)
{
	struct locality_policy l = locality_policy_of(d->r, s, p->load_balancer);
	Cluster__Cluster__CommonLbConfig *c = common_lb(d);

	if (l.kind == LOCALITY_ZONE_AWARE) {
		Cluster__Cluster__CommonLbConfig__ZoneAwareLbConfig *z =
			PB_NEW(d->a, Cluster__Cluster__CommonLbConfig__ZoneAwareLbConfig);

		if (l.zone->min_cluster_size.set)
			z->min_cluster_size =
				pb_u64(d->a, (uint64_t)MAX(l.zone->min_cluster_size.v, 0));
		if (l.zone->enabled.set && !l.zone->enabled.v)
			z->routing_enabled = PB_NEW(d->a, Type__Percent);
		c->locality_config_specifier_case =
			ENUM(COMMON_LB_CONFIG__LOCALITY_CONFIG_SPECIFIER_ZONE_AWARE_LB_CONFIG);
		c->zone_aware_lb_config = z;
		return;
	}
	if (l.kind == LOCALITY_OFF)
		return;
	if (FEATURE(locality_weighted_lb) || (l.lb && l.lb->distribute.n) ||
	    (locality_fails_over(&l, p) && (l.failover_priority.n || (l.lb && l.lb->failover.n)))) {
		c->locality_config_specifier_case = ENUM(
			COMMON_LB_CONFIG__LOCALITY_CONFIG_SPECIFIER_LOCALITY_WEIGHTED_LB_CONFIG);
		c->locality_weighted_lb_config =
			PB_NEW(d->a, Cluster__Cluster__CommonLbConfig__LocalityWeightedLbConfig);
	}
}

/* ---- policies ---- */

static Cluster__Cluster__SlowStartConfig *slow_start(struct draft *d,
						     const struct load_balancer_settings *lb)
{
	const struct warmup_configuration *w = lb->warmup;
	Cluster__Cluster__SlowStartConfig *out;
	double least;

	if (!w && !lb->warmup_duration_secs.set)
		return NULL;
	out = PB_NEW(d->a, Cluster__Cluster__SlowStartConfig);
	if (!w) {
		out->slow_start_window = pb_duration(d->a, lb->warmup_duration_secs.v);
		return out;
	}
	if (w->duration.set)
		out->slow_start_window = pb_duration(d->a, w->duration.v);
	out->aggression = PB_NEW(
		d->a, Core__RuntimeDouble,
		.default_value = w->aggression.set && w->aggression.v > 0 ? w->aggression.v : 1.0,
		.runtime_key = "(");
	least = w->minimum_percent.set ? w->minimum_percent.v : 10;
	if (!(least >= 0 && least <= 100)) {
		policy_warn(d->r, d->rule, "spec.trafficPolicy.loadBalancer.warmup.minimumPercent",
			    "is not between 0 and 100; 10 is taken");
		least = 10;
	}
	out->min_weight_percent = PB_NEW(d->a, Type__Percent, .value = least);
	return out;
}

static void set_least_request(struct draft *d, const struct load_balancer_settings *lb)
{
	Cluster__Cluster__SlowStartConfig *slow = lb ? slow_start(d, lb) : NULL;

	d->c->lb_policy = ENUM(LB_POLICY__LEAST_REQUEST);
	if (!slow)
		return;
	d->c->lb_config_case = ENUM(LB_CONFIG_LEAST_REQUEST_LB_CONFIG);
	d->c->least_request_lb_config =
		PB_NEW(d->a, Cluster__Cluster__LeastRequestLbConfig, .slow_start_config = slow);
}

static void set_round_robin(struct draft *d, const struct load_balancer_settings *lb)
{
	Cluster__Cluster__SlowStartConfig *slow = slow_start(d, lb);

	d->c->lb_policy = ENUM(LB_POLICY__ROUND_ROBIN);
	if (!slow)
		return;
	d->c->lb_config_case = ENUM(LB_CONFIG_ROUND_ROBIN_LB_CONFIG);
	d->c->round_robin_lb_config =
		PB_NEW(d->a, Cluster__Cluster__RoundRobinLbConfig, .slow_start_config = slow);
}

/* What Envoy caps a ring at, and a table of Maglev. */
enum { RING_MAX = 8 * 1024 * 1024, TABLE_MAX = 5000011 };

static void set_ring(struct draft *d, int64_t size)
{
	d->c->lb_policy = ENUM(LB_POLICY__RING_HASH);
	if (size <= 0)
		return;
	if (size > RING_MAX) {
		policy_warn(d->r, d->rule, "spec.trafficPolicy.loadBalancer.consistentHash",
			    "minimumRingSize is cut to %d, more than which Envoy does not take",
			    RING_MAX);
		size = RING_MAX;
	}
	d->c->lb_config_case = ENUM(LB_CONFIG_RING_HASH_LB_CONFIG);
	d->c->ring_hash_lb_config = PB_NEW(d->a, Cluster__Cluster__RingHashLbConfig,
					   .minimum_ring_size = pb_u64(d->a, (uint64_t)size));
}

static bool is_prime(int64_t n)
{
	for (int64_t i = 2; i * i <= n; i++)
		if (n % i == 0)
			return false;
	return n > 1;
}

static void set_maglev(struct draft *d, int64_t size)
{
	d->c->lb_policy = ENUM(LB_POLICY__MAGLEV);
	if (size <= 0)
		return;
	if (size > TABLE_MAX || !is_prime(size)) {
		policy_warn(d->r, d->rule,
			    "spec.trafficPolicy.loadBalancer.consistentHash.maglev.tableSize",
			    "is left out: it must be a prime of at most %d", TABLE_MAX);
		return;
	}
	d->c->lb_config_case = ENUM(LB_CONFIG_MAGLEV_LB_CONFIG);
	d->c->maglev_lb_config = PB_NEW(d->a, Cluster__Cluster__MaglevLbConfig,
					.table_size = pb_u64(d->a, (uint64_t)size));
}

static void set_hash(struct draft *d, const struct consistent_hash_lb *h)
{
	d->c->lb_config_case = ENUM(LB_CONFIG__NOT_SET);
	if (h->maglev)
		set_maglev(d, h->maglev->table_size.v);
	else if (h->ring_hash)
		set_ring(d, h->ring_hash->minimum_ring_size.v);
	else
		set_ring(d, h->minimum_ring_size.v ? h->minimum_ring_size.v : 1024);
}

static void set_simple(struct draft *d, const struct load_balancer_settings *lb)
{
	switch (lb ? lb->simple : 0) {
	case LOAD_BALANCER_SETTINGS_SIMPLE_ROUND_ROBIN: set_round_robin(d, lb); break;
	case LOAD_BALANCER_SETTINGS_SIMPLE_RANDOM: d->c->lb_policy = ENUM(LB_POLICY__RANDOM); break;
	case LOAD_BALANCER_SETTINGS_SIMPLE_PASSTHROUGH:
		d->c->lb_policy = ENUM(LB_POLICY__CLUSTER_PROVIDED);
		draft_set_type(d, ENUM(DISCOVERY_TYPE__ORIGINAL_DST));
		d->c->load_assignment = NULL;
		break;
	default: set_least_request(d, lb);
	}
}

void draft_apply_lb(struct draft *d, const struct service *s, enum protocol protocol,
		    const struct port_policy *p)
{
	const struct load_balancer_settings *lb = p->load_balancer;
	bool tolerates =
		FEATURE(auto_send_unhealthy_endpoints) || service_forces_unhealthy(d->r, s);

	if (tolerates && !common_lb(d)->healthy_panic_threshold)
		common_lb(d)->healthy_panic_threshold = PB_NEW(d->a, Type__Percent);
	add_localities(d, s, p);
	if (draft_has_type(d, ENUM(DISCOVERY_TYPE__ORIGINAL_DST))) {
		d->c->lb_policy = ENUM(LB_POLICY__CLUSTER_PROVIDED);
		return;
	}
	if (protocol == PROTOCOL_REDIS && FEATURE(redis_filter)) {
		d->c->lb_policy = ENUM(LB_POLICY__MAGLEV);
		return;
	}
	if (lb && lb->backend_utilization)
		policy_warn(d->r, d->rule, "spec.trafficPolicy.loadBalancer.backendUtilization",
			    "is not supported");
	set_simple(d, lb);
	/* Hashing wins over a simple policy, except that passed-through connections have nothing to choose. */
	if (lb && lb->consistent_hash && !draft_has_type(d, ENUM(DISCOVERY_TYPE__ORIGINAL_DST)))
		set_hash(d, lb->consistent_hash);
}
