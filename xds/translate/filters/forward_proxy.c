/* Dynamic forward proxies: hosts that only the request or the server name tells are resolved on the way, for a wildcard
 * ServiceEntry with resolution DYNAMIC_DNS, and for all unknown hosts where the mesh says so (translation.md 4.8, 4.11).
 * Filter and cluster share a cache by its name, so both describe it in the same words.
 */
#include "model/mesh.h"
#include "model/options.h"
#include "model/scope.h"
#include "translate/cluster.h"
#include "translate/filters/filter.h"
#include "translate/names.h"

bool service_is_dynamic(const struct service *s)
{
	return s->resolution == RESOLUTION_DYNAMIC_DNS && host_is_wildcard(s->host);
}

static CommonDfp__DnsCacheConfig *cache_of(struct run *r, const char *name)
{
	return PB_NEW(run_arena(r), CommonDfp__DnsCacheConfig, .name = name,
		      .dns_lookup_family = dns_family(r));
}

static CommonDfp__DnsCacheConfig *cache_of_host(struct run *r, const char *host)
{
	return cache_of(r, arena_printf(run_arena(r), "%s_dfp_dns_cache", host));
}

Listener__Filter *filter_forward_proxy_sni(struct run *r, const struct service *s, uint16_t port)
{
	struct arena *a = run_arena(r);
	SniDfp__FilterConfig *c =
		PB_NEW(a, SniDfp__FilterConfig, .dns_cache_config = cache_of_host(r, s->host),
		       .port_specifier_case = SNI_DFP__FILTER_CONFIG__PORT_SPECIFIER_PORT_VALUE,
		       .port_value = port);

	return network_filter(a, SNI_FORWARD_PROXY, PB_ANY(a, c));
}

static void add(struct run *r, Hcm__HttpConnectionManager *h, CommonDfp__DnsCacheConfig *cache)
{
	struct arena *a = run_arena(r);
	HttpDfp__FilterConfig *c =
		PB_NEW(a, HttpDfp__FilterConfig,
		       .implementation_specifier_case =
			       HTTP_DFP__FILTER_CONFIG__IMPLEMENTATION_SPECIFIER_DNS_CACHE_CONFIG,
		       .dns_cache_config = cache);

	PB_PUSH(a, h, http_filters,
		http_filter(a, "envoy.filters.http.dynamic_forward_proxy", PB_ANY(a, c)));
}

/* Only the mesh config can say so: a Sidecar's policy has no such mode. */
static bool takes_any_host(struct run *r)
{
	return mesh_get(r, outbound_traffic_policy)->mode ==
		       MESH_OUTBOUND_TRAFFIC_POLICY_MODE_ALLOW_ANY_DYNAMIC_DNS &&
	       scope_outbound_policy(r).mode == POLICY_ALLOW_ANY_DYNAMIC_DNS;
}

void filter_forward_proxy_http(struct run *r, const struct chain_context *c,
			       Hcm__HttpConnectionManager *h)
{
	CommonDfp__DnsCacheConfig *cache;

	if (c->kind != CHAIN_OUTBOUND)
		return;
	if (c->dynamic_host)
		add(r, h, cache_of_host(r, c->dynamic_host));
	if (takes_any_host(r)) {
		cache = cache_of(r, ALLOW_ANY_DNS_CACHE);
		cache->max_hosts = pb_u32(run_arena(r), (uint32_t)FEATURE(any_dns_max_hosts));
		add(r, h, cache);
	}
}
