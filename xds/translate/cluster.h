/* translate/cluster.h
 * A cluster in the making, private to the cluster_*.c files: each of them adds what one part of a policy says
 * (translation.md 2.3-2.12). The order of the calls is that of 2.4.
 */
#pragma once
#include "pb/pb.h"
#include "translate/policy.h"

struct assignments;

struct draft {
	struct run *r;
	struct arena *a;
	Cluster__Cluster *c;
	UpstreamHttp__HttpProtocolOptions *http; /* NULL: nothing needs it so far */
	const struct object *rule; /* whose policy it is, for diagnostics; NULL: none */
};

/* ---- cluster.c ---- */
/* Name, statistics' name, connect timeout. common_lb_config is left out. */
struct draft draft_new(struct run *, const char *name);
void draft_set_type(struct draft *, Cluster__Cluster__DiscoveryType);
bool draft_has_type(const struct draft *, Cluster__Cluster__DiscoveryType);
/* The filter that exchanges metadata over TCP, for proxies that have it. */
void draft_add_exchange(struct draft *);
/* metadata.istio.services */
void draft_add_service(struct draft *, const char *host, const char *name, const char *ns);
/* metadata.istio.config: the rule whose policy it has. */
void draft_add_config(struct draft *, const struct object *rule);
/* Packs it under its name. */
void draft_emit(struct draft *);

/* ---- cluster_http.c ---- */
UpstreamHttp__HttpProtocolOptions *draft_http(struct draft *);
bool draft_is_http2(const struct draft *);
/* What a port's protocol asks for (2.3). */
void draft_set_protocol(struct draft *, enum protocol);
/* HTTP/2, unless a protocol is chosen already. */
void draft_upgrade(struct draft *);
/* Whatever the client speaks. */
void draft_use_downstream(struct draft *);
/* Http1ProtocolOptions for proxies that keep the case of headers; else NULL. */
Core__Http1ProtocolOptions *http1_options(struct run *);

/* ---- cluster_pool.c ---- */
void draft_apply_upgrade(struct draft *, enum protocol, const struct connection_pool_settings *);
void draft_apply_pool(struct draft *, const struct connection_pool_settings *,
		      const struct retry_budget *);

/* ---- cluster_lb.c ---- */
void draft_apply_outlier(struct draft *, const struct service *, const struct outlier_detection *);
void draft_apply_lb(struct draft *, const struct service *, enum protocol,
		    const struct port_policy *);

/* ---- cluster_tls.c ---- */
struct tls_input {
	const struct service *service; /* NULL: none, as of AllowAnyDynamicDNSCluster */
	const struct service_port_model *port;
	const struct applied_rule *rule;
	const struct subset *subset;
	const struct client_tls_settings *tls; /* of the policy; NULL: none */
	const char *default_sni;
	bool dynamic; /* a dynamic forward proxy: names come from requests */
};
void draft_apply_tls(struct draft *, const struct tls_input *);
void draft_apply_proxy_protocol(struct draft *, const struct proxy_protocol *);

/* ---- cluster_dns.c ---- */
Cluster__Cluster__DnsLookupFamily dns_family(struct run *);
/* Resolver, refresh and the endpoints themselves; false: there are none, and no cluster. */
bool draft_apply_dns(struct draft *, const struct service *, struct assignments *,
		     const struct service_port_model *, const struct subset *);
/* A dynamic forward proxy with a cache of that name; finished when all else is. */
ClusterDfp__ClusterConfig *draft_set_forward_proxy(struct draft *, const char *cache);
void draft_finish_forward_proxy(struct draft *, ClusterDfp__ClusterConfig *);
