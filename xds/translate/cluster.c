/* Clusters of services: for each port the default one and one per subset (translation.md 2.1-2.4). The DestinationRule is
 * looked up once per service; endpoints are read only where the cluster itself holds them.
 */
#include "translate/cluster.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy.h"
#include "translate/assignment.h"
#include "translate/cds.h"
#include "translate/gateway.h"
#include "translate/leaf.h"
#include "translate/names.h"
#include "translate/queries.h"
#include "translate/tls.h"
#include "types.h"
#include <string.h>

#define ENUM(name) CLUSTER__CLUSTER__##name

/* ---- drafts ---- */

struct draft draft_new(struct run *r, const char *name)
{
	struct arena *a = run_arena(r);
	int64_t timeout = mesh_get(r, connect_timeout).v;

	return (struct draft){
		.r = r,
		.a = a,
		.c = PB_NEW(a, Cluster__Cluster, .name = name,
			    .alt_stat_name = stat_delimited(a, name),
			    .connect_timeout =
				    pb_duration(a, timeout > 0 ? timeout : INT64_C(10000000000))),
	};
}

void draft_set_type(struct draft *d, Cluster__Cluster__DiscoveryType type)
{
	d->c->cluster_discovery_type_case = ENUM(CLUSTER_DISCOVERY_TYPE_TYPE);
	d->c->type = type;
}

bool draft_has_type(const struct draft *d, Cluster__Cluster__DiscoveryType type)
{
	return d->c->cluster_discovery_type_case == ENUM(CLUSTER_DISCOVERY_TYPE_TYPE) &&
	       d->c->type == type;
}

void draft_add_exchange(struct draft *d)
{
	struct arena *a = d->a;
	Google__Struct *config;
	const char *labels = FEATURE(mx_additional_labels);

	if (!tls_peer_exchange(d->r))
		return;
	config = pb_struct(a);
	pb_struct_set_str(a, config, "protocol", "istio-peer-exchange");
	pb_struct_set_bool(a, config, "enable_discovery", true);
	if (!str_empty(labels)) {
		Google__ListValue *list = pb_list(a);

		for (const char *p = labels; *p;) {
			size_t n = strcspn(p, ",");

			if (n)
				pb_list_add(a, list, pb_value_str(a, arena_strndup(a, p, n)));
			p += n + (p[n] == ',');
		}
		pb_struct_set_list(a, config, "additional_labels", list);
	}
	PB_PUSH(a, d->c, filters,
		PB_NEW(a, Cluster__Filter, .name = "istio.metadata_exchange",
		       .typed_config =
			       pb_typed_struct(a,
					       "type.googleapis.com/"
					       "envoy.tcp.metadataexchange.config.MetadataExchange",
					       config)));
}

static Google__Struct *istio_metadata(struct draft *d)
{
	return pb_filter_metadata(d->a, &d->c->metadata, "istio");
}

void draft_add_service(struct draft *d, const char *host, const char *name, const char *ns)
{
	struct arena *a = d->a;
	Google__Struct *m, *entry;
	const Google__ListValue *before;
	Google__ListValue *list;

	if (!FEATURE(telemetry_label))
		return;
	m = istio_metadata(d);
	before = pb_struct_get_list(m, "services");
	list = pb_list(a);
	for (size_t i = 0; before && i < before->n_values; i++)
		pb_list_add(a, list, before->values[i]);
	entry = pb_struct(a);
	pb_struct_set_str(a, entry, "host", host);
	pb_struct_set_str(a, entry, "name", name);
	pb_struct_set_str(a, entry, "namespace", ns);
	pb_list_add(a, list, pb_value_struct(a, entry));
	pb_struct_set_list(a, m, "services", list);
}

void draft_add_config(struct draft *d, const struct object *rule)
{
	pb_struct_set_str(d->a, istio_metadata(d), "config", config_path(d->a, rule));
}

#define EXPLICIT \
	UPSTREAM_HTTP__HTTP_PROTOCOL_OPTIONS__UPSTREAM_PROTOCOL_OPTIONS_EXPLICIT_HTTP_CONFIG
#define HTTP1 \
	UPSTREAM_HTTP__HTTP_PROTOCOL_OPTIONS__EXPLICIT_HTTP_CONFIG__PROTOCOL_CONFIG_HTTP_PROTOCOL_OPTIONS

/* Envoy demands a choice of protocol in HttpProtocolOptions; HTTP/1 is what it is without them. */
static void close_http(struct draft *d)
{
	if (!d->http)
		return;
	if (!d->http->upstream_protocol_options_case) {
		d->http->upstream_protocol_options_case = EXPLICIT;
		d->http->explicit_http_config =
			PB_NEW(d->a, UpstreamHttp__HttpProtocolOptions__ExplicitHttpConfig,
			       .protocol_config_case = HTTP1,
			       .http_protocol_options = PB_NEW(d->a, Core__Http1ProtocolOptions));
	}
	PB_PUSH(d->a, d->c, typed_extension_protocol_options,
		PB_NEW(d->a, Cluster__Cluster__TypedExtensionProtocolOptionsEntry,
		       .key = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
		       .value = PB_ANY(d->a, d->http)));
}

void draft_emit(struct draft *d)
{
	close_http(d);
	emit_resource(d->r, d->c->name, &d->c->base);
}

/* ---- clusters of a service ---- */

/* What all clusters of one service share. */
struct outbound {
	struct run *r;
	struct arena *a;
	const struct service *s;
	const struct applied_rule *rule; /* NULL: none */
	struct assignments *endpoints;   /* of clusters that hold them; else NULL */
	bool sni; /* reached by names that clients gave as SNI: what they encrypt is passed on (2.10) */
};

static const char *stat_name(struct outbound *o, const struct service_port_model *p,
			     const char *subset, const char *name)
{
	const char *pattern = mesh_get(o->r, outbound_cluster_stat_name);

	return stat_delimited(
		o->a, str_empty(pattern) ? name : stat_pattern(o->a, pattern, o->s, p, subset, 0));
}

static bool is_dns(Cluster__Cluster__DiscoveryType type)
{
	return type == ENUM(DISCOVERY_TYPE__STRICT_DNS) ||
	       type == ENUM(DISCOVERY_TYPE__LOGICAL_DNS);
}

/* The base of a cluster (2.3); false: there is nothing to connect to. */
static bool begin(struct outbound *o, const struct service_port_model *p,
		  const struct subset *subset, Cluster__Cluster__DiscoveryType type,
		  struct draft *ret)
{
	const char *name = (o->sni ? cluster_sni : cluster_name)(
		o->a, p->number, subset ? subset->name : NULL, o->s->host);
	struct draft d = draft_new(o->r, name);

	d.rule = o->rule ? o->rule->first : NULL;
	d.c->common_lb_config = PB_NEW(o->a, Cluster__Cluster__CommonLbConfig);
	d.c->alt_stat_name = stat_name(o, p, subset ? subset->name : NULL, name);
	draft_set_type(&d, type);
	if (is_dns(type) && !draft_apply_dns(&d, o->s, o->endpoints, p, subset))
		return false;
	if (type == ENUM(DISCOVERY_TYPE__ORIGINAL_DST) && !o->s->is_kubernetes && p->target_port &&
	    p->target_port != p->number && o->s->resolution == RESOLUTION_PASSTHROUGH) {
		d.c->lb_config_case = ENUM(LB_CONFIG_ORIGINAL_DST_LB_CONFIG);
		d.c->original_dst_lb_config =
			PB_NEW(o->a, Cluster__Cluster__OriginalDstLbConfig,
			       .upstream_port_override = pb_u32(o->a, p->target_port));
	}
	draft_set_protocol(&d, p->protocol);
	draft_add_service(&d, o->s->host, o->s->name, o->s->ns);
	*ret = d;
	return true;
}

static void add_rule_metadata(struct outbound *o, struct draft *d, const struct subset *subset,
			      const struct port_policy *policy)
{
	enum client_tls_settings_mode mode = policy->tls ? policy->tls->mode : 0;

	if (!subset && o->s->mesh_external)
		pb_struct_set_bool(o->a, istio_metadata(d), "external", true);
	if (!o->rule)
		return;
	draft_add_config(d, o->rule->first);
	if (subset)
		pb_struct_set_str(o->a, istio_metadata(d), "subset", subset->name);
	if (mode == CLIENT_TLS_SETTINGS_MODE_SIMPLE || mode == CLIENT_TLS_SETTINGS_MODE_MUTUAL)
		pb_struct_set_str(o->a, istio_metadata(d), "alpn_override", "false");
}

static void keep_draining(struct outbound *o, struct draft *d)
{
	static const Core__HealthStatus kept[] = { CORE__HEALTH_STATUS__HEALTHY,
						   CORE__HEALTH_STATUS__DRAINING,
						   CORE__HEALTH_STATUS__UNKNOWN,
						   CORE__HEALTH_STATUS__DEGRADED };
	Core__HealthStatusSet *set;

	if (str_empty(str_map_get(o->s->labels, "istio.io/persistent-session")) &&
	    str_empty(str_map_get(o->s->labels, "istio.io/persistent-session-header")))
		return;
	set = PB_NEW(o->a, Core__HealthStatusSet);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		PB_PUSH(o->a, set, statuses, kept[i]);
	d->c->common_lb_config->override_host_status = set;
}

/* The policy laid over the base, in the order of 2.4. */
static void finish(struct outbound *o, struct draft *d, const struct service_port_model *p,
		   const struct subset *subset)
{
	struct port_policy policy = policy_for_port(o->r, o->rule, p->number, subset);
	struct tls_input tls = {
		.service = o->s,
		.port = p,
		.rule = o->rule,
		.subset = subset,
		.tls = policy.tls,
		.default_sni =
			cluster_sni(o->a, p->number, subset ? subset->name : NULL, o->s->host),
	};

	draft_apply_upgrade(d, p->protocol, policy.connection_pool);
	draft_apply_pool(d, policy.connection_pool, policy.retry_budget);
	draft_apply_outlier(d, o->s, policy.outlier_detection);
	draft_apply_lb(d, o->s, p->protocol, &policy);
	if (!o->sni) {
		draft_apply_tls(d, &tls);
		draft_apply_proxy_protocol(d, policy.proxy_protocol);
	}
	if (draft_has_type(d, ENUM(DISCOVERY_TYPE__EDS)))
		d->c->eds_cluster_config =
			PB_NEW(o->a, Cluster__Cluster__EdsClusterConfig,
			       .eds_config = ads_source(o->a), .service_name = d->c->name);
	draft_add_exchange(d);
	add_rule_metadata(o, d, subset, &policy);
	draft_emit(d);
}

static bool passes_through(const struct subset *s)
{
	const struct load_balancer_settings *lb =
		s->traffic_policy ? s->traffic_policy->load_balancer : NULL;

	return lb && lb->simple == LOAD_BALANCER_SETTINGS_SIMPLE_PASSTHROUGH;
}

/* Two subsets of one name would be two clusters of one name; one without a name, the default cluster again. */
static bool is_usable(struct outbound *o, uint32_t i)
{
	const char *name = o->rule->subsets[i]->name, *why = NULL;

	for (uint32_t j = 0; j < i && !why; j++)
		if (str_eq(o->rule->subsets[j]->name, name))
			why = "there is another of that name";
	if (str_empty(name))
		why = "it has no name";
	if (why)
		policy_warn(o->r, o->rule->first, "spec.subsets", "subset \"%s\" is left out: %s",
			    str_or(name, ""), why);
	return !why;
}

static void add_port(struct outbound *o, const struct service_port_model *p)
{
	Cluster__Cluster__DiscoveryType type = cluster_type_of(o->r, o->s);
	struct draft d;

	if (!begin(o, p, NULL, type, &d))
		return;
	keep_draining(o, &d);
	finish(o, &d, p, NULL);
	/* A rule that passes connections through takes its subsets along. */
	type = d.c->type;
	for (uint32_t i = 0; o->rule && i < o->rule->n_subsets; i++) {
		const struct subset *s = o->rule->subsets[i];
		struct draft sub;

		if (is_usable(o, i) &&
		    begin(o, p, s, passes_through(s) ? ENUM(DISCOVERY_TYPE__ORIGINAL_DST) : type,
			  &sub))
			finish(o, &sub, p, s);
	}
}

/* ---- hosts that are known only with the request ---- */

static void add_dynamic(struct outbound *o, const struct service_port_model *p)
{
	const char *name = cluster_name(o->a, p->number, NULL, o->s->host);
	struct draft d = draft_new(o->r, name);
	struct port_policy policy = policy_for_port(o->r, o->rule, p->number, NULL);
	struct tls_input tls = {
		.service = o->s, .port = p, .rule = o->rule, .tls = policy.tls, .dynamic = true
	};
	ClusterDfp__ClusterConfig *config;

	d.rule = o->rule ? o->rule->first : NULL;
	d.c->alt_stat_name = stat_name(o, p, NULL, name);
	config = draft_set_forward_proxy(&d, arena_printf(o->a, "%s_dfp_dns_cache", o->s->host));
	draft_set_protocol(&d, p->protocol);
	draft_apply_upgrade(&d, p->protocol, policy.connection_pool);
	draft_apply_pool(&d, policy.connection_pool, policy.retry_budget);
	draft_apply_outlier(&d, o->s, policy.outlier_detection);
	draft_apply_tls(&d, &tls);
	draft_apply_proxy_protocol(&d, policy.proxy_protocol);
	draft_add_exchange(&d);
	add_rule_metadata(o, &d, NULL, &policy);
	draft_finish_forward_proxy(&d, config);
	draft_emit(&d);
}

static bool may_be_dynamic(enum protocol p)
{
	return p == PROTOCOL_HTTP || p == PROTOCOL_HTTP2 || p == PROTOCOL_GRPC || p == PROTOCOL_TLS;
}

static void add_service(struct run *r, uint32_t key, bool sni)
{
	struct leaf leaf = leaf_of(r, key);
	struct outbound o = { .r = r, .a = run_arena(r), .s = leaf.service, .sni = sni };
	struct assignments endpoints;
	const struct service_port_model *p;
	uint32_t i = 0;

	if (!o.s || o.s->resolution == RESOLUTION_ALIAS)
		return;
	o.rule = destination_rule_for(r, o.s, true);
	if (o.s->resolution == RESOLUTION_DNS_LB ||
	    o.s->resolution == RESOLUTION_DNS_ROUND_ROBIN_LB) {
		endpoints = assignments_of(r, o.s, o.rule, true);
		endpoints.mtls_only = sni;
		o.endpoints = &endpoints;
	}
	while ((p = leaf_next_port(&leaf, &i))) {
		if (o.s->resolution != RESOLUTION_DYNAMIC_DNS)
			add_port(&o, p);
		else if (may_be_dynamic(p->protocol) && !sni)
			add_dynamic(&o, p);
	}
}

/* [leaf.h] */
void cds_service_run(struct run *r, uint32_t key)
{
	add_service(r, key, false);
}

/* [leaf.h] */
void cds_sni_run(struct run *r, uint32_t key)
{
	add_service(r, key, true);
}

/* ---- lists ---- */

void cds_ns_run(struct run *r, uint32_t ns)
{
	leaves_add(r, ns, Q_CDS_SERVICE, NULL);
}

void cds_bucket_run(struct run *r, uint32_t bucket)
{
	fanout_bucket(r, bucket, Q_CDS_NS);
}

void cds_run(struct run *r, uint32_t key)
{
	list_add(r, Q_CDS_SPECIAL, 0);
	if (ask_is(r, ASK_IS_ROUTER, 0)) {
		gateway_cds_add(r);
		return;
	}
	fanout_root(r, Q_CDS_BUCKET, Q_CDS_NS);
	list_add(r, Q_CDS_INBOUND, 0);
}
