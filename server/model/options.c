/* istiod's feature flags. One row per variable says where its value goes, how it is read and what holds without it; the
 * second table names the variables that would change output and are not honoured, so that setting one is answered with
 * a warning and not with silence.
 */
#include "model/options.h"
#include "base/diag.h"
#include "schema/schema.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum option_type { OPTION_BOOL, OPTION_TEXT, OPTION_DOUBLE, OPTION_INT, OPTION_DURATION };

struct option {
	const char *name;
	enum option_type type;
	size_t offset;
	const char *preset; /* as it would be written in the environment */
};
#define ROW(kind, name, field, preset) \
	{ \
		name, OPTION_##kind, offsetof(struct features, field), preset \
	}

static const struct option options[] = {
	ROW(BOOL, "PILOT_ENABLE_AMBIENT", ambient, "false"),
	ROW(BOOL, "PILOT_ENABLE_ALPN_FILTER", alpn_filter, "true"),
	ROW(BOOL, "PILOT_DISABLE_MX_ALPN", disable_mx_alpn, "false"),
	ROW(BOOL, "PILOT_ENABLE_METADATA_EXCHANGE", metadata_exchange, "true"),
	ROW(TEXT, "PILOT_MX_ADDITIONAL_LABELS", mx_additional_labels, ""),
	ROW(BOOL, "PILOT_SEND_UNHEALTHY_ENDPOINTS", send_unhealthy_endpoints, "false"),
	ROW(BOOL, "PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS", auto_send_unhealthy_endpoints, "true"),
	ROW(BOOL, "PILOT_SCOPE_GATEWAY_TO_NAMESPACE", scope_gateway_to_namespace, "false"),
	ROW(BOOL, "PILOT_ENABLE_STRICT_GATEWAY_MERGING", strict_gateway_merging, "true"),
	ROW(BOOL, "PILOT_ENABLE_ROUTE_COLLAPSE_OPTIMIZATION", route_collapse, "true"),
	ROW(BOOL, "PILOT_HTTP10", http10, "false"),
	ROW(BOOL, "ISTIO_DUAL_STACK", dual_stack, "false"),
	ROW(BOOL, "PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES", eds_for_headless, "false"),
	ROW(BOOL, "PILOT_ENABLE_ABSOLUTE_FQDN_VHOST_DOMAIN", absolute_fqdn_domain, "true"),
	ROW(BOOL, "PILOT_ENABLE_IP_AUTOALLOCATE", ip_autoallocate, "true"),
	ROW(DOUBLE, "PILOT_TRACE_SAMPLING", trace_sampling, "1.0"),
	ROW(BOOL, "PILOT_SPAWN_UPSTREAM_SPAN_FOR_GATEWAY", gateway_upstream_span, "true"),
	ROW(DURATION, "METRIC_ROTATION_INTERVAL", metric_rotation_ns, "0s"),
	ROW(DURATION, "METRIC_GRACEFUL_DELETION_INTERVAL", metric_deletion_ns, "5m"),
	ROW(INT, "PILOT_ALLOW_ANY_DYNAMIC_DNS_MAX_HOSTS", any_dns_max_hosts, "1024"),
	ROW(BOOL, "PILOT_SIDECAR_USE_REMOTE_ADDRESS", sidecar_use_remote_address, "false"),
	ROW(BOOL, "PILOT_ENABLE_MONGO_FILTER", mongo_filter, "true"),
	ROW(BOOL, "PILOT_ENABLE_MYSQL_FILTER", mysql_filter, "false"),
	ROW(BOOL, "PILOT_ENABLE_REDIS_FILTER", redis_filter, "false"),
	ROW(DURATION, "PILOT_GATEWAY_TRANSPORT_SOCKET_CONNECT_TIMEOUT",
	    transport_connect_timeout_ns, "15s"),
	ROW(BOOL, "ENABLE_100_CONTINUE_HEADERS", continue_100, "true"),
	ROW(BOOL, "ENABLE_HCM_INTERNAL_NETWORKS", hcm_internal_networks, "false"),
	ROW(BOOL, "PILOT_ENABLE_TELEMETRY_LABEL", telemetry_label, "true"),
	ROW(BOOL, "PILOT_ENDPOINT_TELEMETRY_LABEL", endpoint_telemetry_label, "true"),
	ROW(BOOL, "DISABLE_SHADOW_HOST_SUFFIX", disable_shadow_host_suffix, "true"),
	ROW(BOOL, "DISABLE_TRACK_REMAINING_CB_METRICS", disable_track_remaining, "true"),
	ROW(INT, "PILOT_DNS_CARES_UDP_MAX_QUERIES", dns_cares_udp_max_queries, "100"),
	ROW(DURATION, "PILOT_DNS_JITTER_DURATION", dns_jitter_ns, "100ms"),
	ROW(INT, "MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP", max_connections_per_event_loop, "1"),
	ROW(BOOL, "PREFER_DESTINATIONRULE_TLS_FOR_EXTERNAL_SERVICES",
	    prefer_destination_rule_tls_for_external, "true"),
	ROW(BOOL, "ENABLE_LOCALITY_WEIGHTED_LB_CONFIG", locality_weighted_lb, "false"),
	ROW(BOOL, "PILOT_SKIP_VALIDATE_TRUST_DOMAIN", skip_validate_trust_domain, "false"),
	ROW(BOOL, "PILOT_ALLOW_SIDECAR_SERVICE_INBOUND_LISTENER_MERGE", sidecar_ingress_merge,
	    "false"),
	ROW(BOOL, "PILOT_ENABLE_SERVICEENTRY_SELECT_PODS", serviceentry_select_pods, "true"),
	ROW(BOOL, "PILOT_ENABLE_K8S_SELECT_WORKLOAD_ENTRIES", k8s_select_workload_entries, "true"),
	ROW(BOOL, "ISTIO_ENABLE_IPV4_OUTBOUND_LISTENER_FOR_IPV6_CLUSTERS",
	    ipv4_outbound_listener_for_ipv6, "false"),
	ROW(BOOL, "PILOT_FILTER_GATEWAY_CLUSTER_CONFIG", filter_gateway_clusters, "false"),
	ROW(BOOL, "PILOT_ENABLE_QUIC_LISTENERS", quic_listeners, "false"),
	ROW(TEXT, "K8S_INGRESS_NS", ingress_namespace, "istio-system"),
};

/* Known, would change what is generated, and not honoured: name and the value that means nothing is asked for. */
static const struct {
	const char *name, *preset;
} unsupported[] = {
	{ "AMBIENT_SCOPED_ADDRESS_PUSHES", "true" },
	{ "ENABLE_ENHANCED_DESTINATIONRULE_MERGE", "true" },
	{ "ENABLE_GATEWAY_API_INFERENCE_EXTENSION", "false" },
	{ "ENABLE_GATEWAY_API_MANUAL_DEPLOYMENT", "true" },
	{ "ENABLE_LAYERED_WAYPOINT_AUTHORIZATION_POLICIES", "false" },
	{ "ENABLE_MCS_AUTO_EXPORT", "false" },
	{ "ENABLE_MCS_CLUSTER_LOCAL", "false" },
	{ "ENABLE_MCS_HOST", "false" },
	{ "ENABLE_MCS_SERVICE_DISCOVERY", "false" },
	{ "ENABLE_MULTICLUSTER_HEADLESS", "true" },
	{ "ENABLE_NATIVE_SIDECARS", "auto" },
	{ "ENABLE_PROXY_FIND_POD_BY_IP", "false" },
	{ "ENABLE_SELECTOR_BASED_K8S_GATEWAY_POLICY", "true" },
	{ "ENABLE_TLS_ON_SIDECAR_INGRESS", "false" },
	{ "ENABLE_WILDCARD_HOST_SERVICE_ENTRIES_FOR_TLS", "false" },
	{ "ENVOY_STATUS_PORT_ENABLE_PROXY_PROTOCOL", "false" },
	{ "HTTP_STRIP_FRAGMENT_FROM_PATH_UNSAFE_IF_DISABLED", "true" },
	{ "ISTIO_MULTIROOT_MESH", "false" },
	{ "ISTIO_WORKLOAD_ENTRY_VALIDATE_IDENTITY", "true" },
	{ "LABEL_CANONICAL_SERVICES_FOR_MESH_EXTERNAL_SERVICE_ENTRIES", "false" },
	{ "MCS_API_GROUP", "multicluster.x-k8s.io" },
	{ "MCS_API_VERSION", "v1alpha1" },
	{ "PILOT_AGENT_MERGE_ENVOY_STATS", "true" },
	{ "PILOT_ANALYSIS_INTERVAL", "10s" },
	{ "PILOT_DRAINING_LABEL", "istio.io/draining" },
	{ "PILOT_ENABLE_AGENTGATEWAY", "false" },
	{ "PILOT_ENABLE_ALPHA_GATEWAY_API", "false" },
	{ "PILOT_ENABLE_ANALYSIS", "false" },
	{ "PILOT_ENABLE_CROSS_CLUSTER_WORKLOAD_ENTRY", "true" },
	{ "PILOT_ENABLE_GATEWAY_API", "true" },
	{ "PILOT_ENABLE_GATEWAY_API_COPY_LABELS_ANNOTATIONS", "true" },
	{ "PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER", "true" },
	{ "PILOT_ENABLE_GATEWAY_API_GATEWAYCLASS_CONTROLLER", "true" },
	{ "PILOT_ENABLE_GATEWAY_API_STATUS", "true" },
	{ "PILOT_ENABLE_HEADLESS_FILTER_CHAIN_LISTENER", "false" },
	{ "PILOT_ENABLE_NODE_UNTAINT_CONTROLLERS", "false" },
	{ "PILOT_ENABLE_PERSISTENT_SESSION_FILTER", "false" },
	{ "PILOT_ENABLE_REMOTE_CREDENTIALS_CONTROLLER", "true" },
	{ "PILOT_ENABLE_SENDING_HBONE", "false" },
	{ "PILOT_ENABLE_SIDECAR_LISTENING_HBONE", "false" },
	{ "PILOT_ENABLE_WORKLOAD_ENTRY_AUTOREGISTRATION", "true" },
	{ "PILOT_ENABLE_WORKLOAD_ENTRY_HEALTHCHECKS", "true" },
	{ "PILOT_ENVOY_FILTER_STATS", "false" },
	{ "PILOT_GATEWAY_API_CONTROLLER_NAME", "istio.io/gateway-controller" },
	{ "PILOT_GATEWAY_API_DEFAULT_GATEWAYCLASS_NAME", "istio" },
	{ "PILOT_IGNORE_RESOURCES", "" },
	{ "PILOT_INCLUDE_RESOURCES", "" },
	{ "PILOT_IP_AUTOALLOCATE_IPV4_PREFIX", "240.240.0.0/16" },
	{ "PILOT_IP_AUTOALLOCATE_IPV6_PREFIX", "2001:2::/48" },
	{ "PILOT_JWT_ENABLE_REMOTE_JWKS", "false" },
	{ "PILOT_MULTI_NETWORK_DISCOVER_GATEWAY_API", "true" },
	{ "PILOT_NODE_UNTAINT_CONTROLLERS_TAINT_NAME", "cni.istio.io/not-ready" },
	{ "PILOT_PERSISTENT_SESSION_HEADER_LABEL", "istio.io/persistent-session-header" },
	{ "PILOT_PERSISTENT_SESSION_LABEL", "istio.io/persistent-session" },
	{ "PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE", "true" },
	{ "PILOT_WORKLOAD_ENTRY_GRACE_PERIOD", "10s" },
	{ "PREFER_SENDING_HBONE", "false" },
	{ "RESOLVE_HOSTNAME_GATEWAYS", "true" },
	{ "UNSAFE_PILOT_ENABLE_RUNTIME_ASSERTIONS", "false" },
};

bool option_parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True" };
	static const char *const no[] = { "0", "f", "F", "FALSE", "false", "False" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (str_eq(s, yes[i]) || str_eq(s, no[i])) {
			*ret = str_eq(s, yes[i]);
			return true;
		}
	}
	return false;
}

static bool parse_int(const char *s, int64_t *ret)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno || end == s || *end)
		return false;
	*ret = v;
	return true;
}

static bool parse_double(const char *s, double *ret)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end || !isfinite(v))
		return false;
	*ret = v;
	return true;
}

static bool store(struct features *f, const struct option *o, const char *text)
{
	void *at = (char *)f + o->offset;

	switch (o->type) {
	case OPTION_BOOL: return option_parse_bool(text, at);
	case OPTION_TEXT: *(const char **)at = text; return true;
	case OPTION_DOUBLE: return parse_double(text, at);
	case OPTION_INT: return parse_int(text, at);
	case OPTION_DURATION: return duration_parse(text, at);
	}
	return false;
}

void features_load(struct features *f, const char *(*get)(const char *name), struct diag *diag)
{
	*f = (struct features){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const struct option *o = &options[i];
		const char *text = get ? get(o->name) : NULL;
		bool ok = store(f, o, o->preset);

		assert(ok);
		if (!str_empty(text) && !store(f, o, text))
			diag_error(diag, (struct place){ .file = "environment" }, o->name,
				   "\"%s\" is no value for it; %s holds", text, o->preset);
	}
	for (size_t i = 0; get && i < ARRAY_LEN(unsupported); i++) {
		const char *text = get(unsupported[i].name);

		if (!str_empty(text) && !str_eq(text, unsupported[i].preset))
			diag_warn(diag, (struct place){ .file = "environment" },
				  unsupported[i].name, "not supported yet; \"%s\" has no effect",
				  text);
	}
}

static struct model_options current;

void model_setup(const struct model_options *o)
{
	assert(o->domain && o->system_namespace && o->cluster_id);
	current = *o;
}

const struct model_options *model_options(void)
{
	assert(current.domain); /* model_setup comes first */
	return &current;
}
