/* model/options.h
 * What is fixed for the life of the process and changes what is generated: the mesh's constants given by flags, and
 * istiod's feature flags, read from the environment (spec/translation.md 0.4, surface.md 8.5).
 *
 * Set once, before the first world is made; afterwards read by any thread. Being constant, they are no cells.
 */
#pragma once
#include "base/lang.h"

struct diag;

struct features {
	bool ambient;                       /* PILOT_ENABLE_AMBIENT */
	bool alpn_filter;                   /* PILOT_ENABLE_ALPN_FILTER */
	bool disable_mx_alpn;               /* PILOT_DISABLE_MX_ALPN */
	bool metadata_exchange;             /* PILOT_ENABLE_METADATA_EXCHANGE */
	const char *mx_additional_labels;   /* PILOT_MX_ADDITIONAL_LABELS, comma separated */
	bool send_unhealthy_endpoints;      /* PILOT_SEND_UNHEALTHY_ENDPOINTS */
	bool auto_send_unhealthy_endpoints; /* PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS */
	bool scope_gateway_to_namespace;
	bool strict_gateway_merging;
	bool route_collapse;
	bool http10;                /* PILOT_HTTP10 */
	bool dual_stack;            /* ISTIO_DUAL_STACK */
	bool eds_for_headless;      /* PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES */
	bool absolute_fqdn_domain;  /* PILOT_ENABLE_ABSOLUTE_FQDN_VHOST_DOMAIN */
	bool ip_autoallocate;       /* PILOT_ENABLE_IP_AUTOALLOCATE */
	double trace_sampling;      /* PILOT_TRACE_SAMPLING, percent */
	bool gateway_upstream_span; /* PILOT_SPAWN_UPSTREAM_SPAN_FOR_GATEWAY */
	int64_t metric_rotation_ns, metric_deletion_ns;
	int64_t any_dns_max_hosts; /* PILOT_ALLOW_ANY_DYNAMIC_DNS_MAX_HOSTS */
	bool sidecar_use_remote_address;
	bool mongo_filter, mysql_filter, redis_filter;
	int64_t transport_connect_timeout_ns; /* PILOT_GATEWAY_TRANSPORT_SOCKET_CONNECT_TIMEOUT; 0: unset */
	bool continue_100;                    /* ENABLE_100_CONTINUE_HEADERS */
	bool hcm_internal_networks;
	bool telemetry_label, endpoint_telemetry_label;
	bool disable_shadow_host_suffix;
	bool disable_track_remaining;
	int64_t dns_cares_udp_max_queries;
	int64_t dns_jitter_ns;
	int64_t max_connections_per_event_loop; /* 0: unset */
	bool prefer_destination_rule_tls_for_external;
	bool locality_weighted_lb;
	bool skip_validate_trust_domain;
	bool sidecar_ingress_merge; /* PILOT_ALLOW_SIDECAR_SERVICE_INBOUND_LISTENER_MERGE */
	bool serviceentry_select_pods;
	bool k8s_select_workload_entries;
	bool ipv4_outbound_listener_for_ipv6;
	bool filter_gateway_clusters;  /* PILOT_FILTER_GATEWAY_CLUSTER_CONFIG */
	bool quic_listeners;           /* PILOT_ENABLE_QUIC_LISTENERS */
	const char *ingress_namespace; /* K8S_INGRESS_NS: of the Gateways made from Ingresses */
};

struct model_options {
	const char *domain;           /* "cluster.local" */
	const char *system_namespace; /* "istio-system" */
	const char *cluster_id;       /* "Kubernetes" */
	/* What provider headers with envName take their values from; NULL: nothing is set. Must always answer the same. */
	const char *(*env)(const char *name);
	struct features features;
};

/* Reads every variable of the table through `get` (getenv, or a test's; NULL: none is set); a value that does not parse
 * is an error and the default holds. Strings of `get` are kept. A variable of istiod's that would change output and is
 * not honoured is a warning by name. */
void features_load(struct features *, const char *(*get)(const char *name), struct diag *);
/* A boolean as istiod takes it in variables and in node metadata: 1 t T TRUE true True and their opposites. */
bool option_parse_bool(const char *, bool *ret) must_check;
/* Strings are borrowed for the life of the process. May be called again only by tests. */
void model_setup(const struct model_options *);
const struct model_options *model_options(void);
#define FEATURE(field) (model_options()->features.field)
