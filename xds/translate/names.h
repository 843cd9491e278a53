/* translate/names.h
 * Names that several parts of the output must agree on (translation.md 0.2, 2.2, 4.1), and small pieces that occur in
 * many messages.
 */
#pragma once
#include "model/service.h"
#include "pb/pb.h"

#define BLACK_HOLE_CLUSTER "BlackHoleCluster"
#define PASSTHROUGH_CLUSTER "PassthroughCluster"
#define INBOUND_PASSTHROUGH_CLUSTER "InboundPassthroughCluster"
#define ALLOW_ANY_DYNAMIC_DNS_CLUSTER "AllowAnyDynamicDNSCluster"
#define ALLOW_ANY_DNS_CACHE "allow_any_dfp_dns_cache" /* of that cluster and its filter */

/* "outbound|80|v1|reviews.shop.svc.cluster.local" */
const char *cluster_name(struct arena *, uint16_t port, const char *subset, const char *host);
/* "outbound_.80_.v1_.reviews..." : SNI of mutual TLS, and SNI-DNAT clusters */
const char *cluster_sni(struct arena *, uint16_t port, const char *subset, const char *host);
/* "inbound|8080||" */
const char *inbound_cluster_name(struct arena *, uint16_t port);
/* "0.0.0.0_80" */
const char *listener_name(struct arena *, const char *bind, uint16_t port);
/* A name with the delimiter of stat tags behind it: "x;" */
const char *stat_delimited(struct arena *, const char *);
/* mesh.inbound/outboundClusterStatName expanded (2.3). */
const char *stat_pattern(struct arena *, const char *pattern, const struct service *,
			 const struct service_port_model *, const char *subset,
			 uint16_t target_port);

/* "/apis/networking.istio.io/v1/namespaces/x/destination-rule/y": metadata.istio.config */
const char *config_path(struct arena *, const struct object *);

/* socket_address{address, port_value}; port 0 and "unix://path" give a pipe. */
Core__Address *address_of(struct arena *, const char *ip, uint16_t port);
/* ads{}, initial_fetch_timeout 0s, resource_api_version V3 */
Core__ConfigSource *ads_source(struct arena *);
/* The wildcard and loopback addresses of this proxy: "0.0.0.0" / "::", "127.0.0.1" / "::1" (1.1). */
const char *wildcard_address(struct run *);
const char *loopback_address(struct run *);

/* TLS contexts of the mesh (2.7 step 3, 4.5). SDS configs by name. */
Tls__SdsSecretConfig *sds_secret(struct run *, const char *name);

/* Emits a finished resource: checks nothing, packs, appends a record (snapshot/resource.h). */
void emit_resource(struct run *, const char *name, const ProtobufCMessage *);
/* Appends a message to the result as a field of that number: a part of a resource in pieces. */
void emit_field(struct run *, unsigned number, const ProtobufCMessage *);
