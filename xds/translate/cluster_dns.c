/* Clusters whose endpoints are names: resolved all the time, or, for hosts that are known only with the request, by a
 * dynamic forward proxy (translation.md 2.3, 2.12).
 */
#include "base/clock.h"
#include "model/mesh.h"
#include "model/options.h"
#include "model/proxy.h"
#include "translate/assignment.h"
#include "translate/cluster.h"
#include "types.h"

#define ENUM(name) CLUSTER__CLUSTER__##name

Cluster__Cluster__DnsLookupFamily dns_family(struct run *r)
{
	bool v6 = ask_is(r, ASK_HAS_V6, 0);

	if (!v6)
		return ENUM(DNS_LOOKUP_FAMILY__V4_ONLY);
	if (ask_is(r, ASK_HAS_V4, 0))
		return FEATURE(dual_stack) ? ENUM(DNS_LOOKUP_FAMILY__ALL)
					   : ENUM(DNS_LOOKUP_FAMILY__V4_ONLY);
	return FEATURE(ipv4_outbound_listener_for_ipv6) ? ENUM(DNS_LOOKUP_FAMILY__ALL)
							: ENUM(DNS_LOOKUP_FAMILY__V6_ONLY);
}

static void add_resolver(struct draft *d)
{
	struct arena *a = d->a;
	int64_t rate = mesh_get(d->r, dns_refresh_rate).v;
	Cares__CaresDnsResolverConfig *cares = PB_NEW(
		a, Cares__CaresDnsResolverConfig,
		.udp_max_queries = pb_u32(a, (uint32_t)MAX(FEATURE(dns_cares_udp_max_queries), 0)));

	d->c->typed_dns_resolver_config =
		PB_NEW(a, Core__TypedExtensionConfig, .name = "envoy.network.dns_resolver.cares",
		       .typed_config = PB_ANY(a, cares));
	d->c->dns_lookup_family = dns_family(d->r);
	d->c->dns_jitter = pb_duration(a, MAX(FEATURE(dns_jitter_ns), 0));
	/* Envoy takes more than a millisecond only. */
	d->c->dns_refresh_rate = pb_duration(a, rate > NS_PER_MS ? rate : 60 * NS_PER_S);
	d->c->respect_dns_ttl = true;
}

/* A logical DNS cluster has one endpoint. What has more is resolved strictly where only a strategy asked for it, or else
 * the first of them is kept. */
static void keep_one(struct draft *d, const struct service *s, Endpoint__ClusterLoadAssignment *e)
{
	if (e->n_endpoints == 1 && e->endpoints[0]->n_lb_endpoints == 1)
		return;
	if (s->resolution == RESOLUTION_DNS_LB) {
		policy_warn(d->r, s->object, "metadata.annotations.istio.io/connect-strategy",
			    "does not count: the service has several endpoints");
		draft_set_type(d, ENUM(DISCOVERY_TYPE__STRICT_DNS));
		return;
	}
	policy_warn(d->r, s->object, "spec.endpoints",
		    "DNS_ROUND_ROBIN takes one endpoint: the first is used");
	for (size_t i = 0; i < e->n_endpoints; i++) {
		if (!e->endpoints[i]->n_lb_endpoints)
			continue;
		e->endpoints[0] = e->endpoints[i];
		break;
	}
	e->n_endpoints = 1;
	e->endpoints[0]->n_lb_endpoints = MIN(e->endpoints[0]->n_lb_endpoints, 1);
	e->endpoints[0]->priority = 0;
}

bool draft_apply_dns(struct draft *d, const struct service *s, struct assignments *x,
		     const struct service_port_model *port, const struct subset *subset)
{
	Endpoint__ClusterLoadAssignment *e = assignment_make(x, port, subset, d->c->name);

	if (!e->n_endpoints)
		return false;
	add_resolver(d);
	if (draft_has_type(d, ENUM(DISCOVERY_TYPE__LOGICAL_DNS))) {
		if (s->race_first_tcp_connect)
			d->c->dns_lookup_family = ENUM(DNS_LOOKUP_FAMILY__ALL);
		keep_one(d, s, e);
	}
	d->c->load_assignment = e;
	return true;
}

/* ---- dynamic forward proxies ---- */

ClusterDfp__ClusterConfig *draft_set_forward_proxy(struct draft *d, const char *cache)
{
	CommonDfp__DnsCacheConfig *dns = PB_NEW(d->a, CommonDfp__DnsCacheConfig, .name = cache,
						.dns_lookup_family = dns_family(d->r));

	d->c->lb_policy = ENUM(LB_POLICY__CLUSTER_PROVIDED);
	return PB_NEW(
		d->a, ClusterDfp__ClusterConfig,
		.cluster_implementation_specifier_case =
			CLUSTER_DFP__CLUSTER_CONFIG__CLUSTER_IMPLEMENTATION_SPECIFIER_DNS_CACHE_CONFIG,
		.dns_cache_config = dns);
}

/* Envoy wants the server's name and certificate checked against the request, unless it is told that they need not be.
 * Without HTTP options it assumes both. */
void draft_finish_forward_proxy(struct draft *d, ClusterDfp__ClusterConfig *config)
{
	const Core__UpstreamHttpProtocolOptions *o =
		d->http ? d->http->upstream_http_protocol_options : NULL;

	if (d->http && !(o && o->auto_sni && o->auto_san_validation))
		config->allow_insecure_cluster_options = true;
	d->c->cluster_discovery_type_case = ENUM(CLUSTER_DISCOVERY_TYPE_CLUSTER_TYPE);
	d->c->cluster_type = PB_NEW(d->a, Cluster__Cluster__CustomClusterType,
				    .name = "envoy.clusters.dynamic_forward_proxy",
				    .typed_config = PB_ANY(d->a, config));
}
