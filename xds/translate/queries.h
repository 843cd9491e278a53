/* translate/queries.h
 * The queries that make Envoy's resources, numbered after the model's. Each root is the list of all resources of one
 * type for a class of proxies; key 0. Keys in brackets.
 *
 * Lists have three levels (spec/tracked-reads.md 5): root, 32 buckets by hash of the namespace's name, namespace; then
 * one leaf per service and type. In a scope that imports few namespaces the buckets are left out.
 */
#pragma once
#include "model/queries.h"

enum translate_query {
	Q_HEADER_CASE =
		Q_MODEL_END, /* [0] yes when the proxy keeps the case of HTTP/1 headers; for ask_query */
	Q_NETWORK_GATEWAYS, /* [0] gateways between networks: network_gateway.h */
	/* What telemetry comes to, for ask_query; keys in filters/telemetry.h. */
	Q_ACCESS_LOGS, /* [kind of chain and place] */
	Q_STATS,       /* [kind of chain] */
	Q_TRACING,     /* [kind of chain] */

	/* clusters and endpoints */
	Q_CDS_SERVICE, /* [leaf.h] clusters of a service: all visible ports and subsets */
	Q_CDS_NS,      /* [ns] */
	Q_CDS_BUCKET,  /* [bucket + 1] */
	Q_CDS_SPECIAL, /* [0] BlackHoleCluster, PassthroughCluster, InboundPassthroughCluster ... */
	Q_CDS_INBOUND, /* [0] */
	Q_EDS_SERVICE, /* [leaf.h] assignments of a service */
	Q_EDS_NS,      /* [ns] */
	Q_EDS_BUCKET,
	Q_EDS_SELF, /* [0] local_cluster */

	/* routes; a route configuration's key is its interned name */
	Q_VHOST,      /* [pair(name, pair(pair(ns, host), port))] virtual host of a service */
	Q_VHOST_LONE, /* [pair(name, pair(pair(vs ns, vs name), host))] of a host that no service has */
	Q_VHOST_CATCH_ALL, /* [name] */
	Q_RDS_PORTS_NS, /* [pair(ns, wrapper)] which route configurations a namespace's services need */
	Q_RC_NS,        /* [pair(name, ns)] virtual hosts of one namespace */
	Q_RC,           /* [name] CONCAT: one route configuration */

	/* listeners */
	Q_LDS_PORTS_NS, /* [pair(ns, wrapper)] the binds that a namespace's services share with others */
	Q_LISTENER_SERVICE, /* [pair(pair(ns, host), wrapper)] listeners that one service has for itself */
	Q_LISTENER_SHARED, /* [pair(wrapper, "bind_port")] one listener of several services */
	Q_LDS_NS,          /* [pair(ns, wrapper)] */
	Q_LDS_BUCKET,      /* [pair(bucket + 1, wrapper)] */
	Q_LDS_VIRTUAL,     /* [0] virtualOutbound, HTTP proxy listener */
	Q_LDS_INBOUND,     /* [0] virtualInbound and custom inbound listeners */

	/* gateways; keys of the routes' parts in gateway_rds.c */
	Q_GW_HCM,        /* [gateway_chain.c] what connection managers of one protocol share */
	Q_GW_CHAIN,      /* [pair(server, pair(listener's name, route's name))] chain of a server */
	Q_GW_SNI_CHAINS, /* [listener's name] chains of its PASSTHROUGH servers */
	Q_GW_AUTO_CHAINS, /* [pair(ns, server)] of AUTO_PASSTHROUGH: to the clusters of a namespace */
	Q_GW_LISTENER,    /* [name] CONCAT */
	Q_GW_ROUTED,      /* [set] yes if a VirtualService has routes on a Gateway */
	Q_GW_PART,        /* [part] which virtual hosts one Gateway asks for */
	Q_GW_PLAN,        /* [rc] which virtual hosts a route configuration has */
	Q_GW_VHOST,       /* [vhost] */
	Q_GW_RC,          /* [rc] CONCAT */
	Q_CDS_SNI,        /* [leaf.h] clusters that AUTO_PASSTHROUGH leads to */
	Q_CDS_SNI_NS,     /* [ns] */
	Q_CDS_SNI_BUCKET, /* [bucket + 1] */
	Q_EDS_SNI,        /* their assignments */
	Q_EDS_SNI_NS,
	Q_EDS_SNI_BUCKET,

	Q_NDS_NS, /* name table */

	Q_SHARDS, /* [ns] endpoints for a debug page; no part of a root */

	/* roots */
	Q_CDS,
	Q_EDS,
	Q_LDS,
	Q_RDS,
	Q_NDS,
	Q_END,
};

enum { FANOUT_BUCKETS = 32 };

/* All queries, the model's and these, in order of number; for world_new. */
const struct query *const *translate_queries(size_t *ret_n);

/* Adds to the running list query `ns_query`(ns) for each namespace that the scope may see: directly, or through
 * `bucket_query`(bucket + 1) where that is all of them. */
/* The bucket of a namespace, from 0. */
uint32_t fanout_bucket_of(struct run *, uint32_t ns);
void fanout_root(struct run *, unsigned bucket_query, unsigned ns_query);
void fanout_bucket(struct run *, uint32_t bucket, unsigned ns_query);
