/* model/queries.h
 * The queries of the model, lowest level first; xds/translate numbers its own from Q_MODEL_END. Keys in brackets.
 */
#pragma once
#include "model/cells.h"
#include "world/world.h"

struct query;

enum model_query {
	/* level 0 */
	Q_NS_HEADS, /* [ns] heads of the services of a namespace */
	Q_WILDCARD_DR, /* [host or wildcard] most specific wildcard DestinationRule host at or above; recursive */
	Q_WILDCARD_VS, /* [host or wildcard] the same for VirtualServices; recursive */
	Q_VS_HEADS,    /* [ns] hosts and destinations of the VirtualServices of a namespace */
	Q_AUTO_VIPS,   /* [0] slots of all ServiceEntry hosts without an address, by bucket */
	Q_SIDECAR,     /* [0] which Sidecar applies: pair key, or nothing */
	/* level 1 */
	Q_AUTO_BUCKET,     /* [bucket] the part of Q_AUTO_VIPS */
	Q_SCOPE_DEFAULT,   /* [0] yes when no Sidecar applies */
	Q_IMPORTS,         /* [pair(ns, wrapper)] the host patterns imported from a namespace */
	Q_OUTBOUND_POLICY, /* [0] */
	Q_VS_NAMESPACES,   /* [host] of VirtualServices whose hosts cover the host */
	/* level 2 */
	Q_IMPORTS_VS, /* [pair(pair(ns, name), wrapper)] is the VirtualService imported */
	Q_HOST_OWNER, /* [pair(host, wrapper)] the namespace that a host is imported from */
	Q_SCOPE_VS_NS, /* [wrapper] namespaces whose VirtualServices a Sidecar's listener may import */
	/* level 3, 4 */
	Q_SCOPE_EXTRA,  /* [0] services that imported VirtualServices pull in */
	Q_EXTRA_OF,     /* [ns] those of one namespace */
	Q_SCOPE_SIMPLE, /* [0] yes when listener 1 sees what the whole scope does */
	/* level 5 */
	Q_SCOPE_NAMESPACES, /* [0] */
	Q_HOST_NS,          /* [host] the namespace that owns the host in this scope */
	Q_VISIBLE,          /* [pair(ns, wrapper)] heads that the scope sees */
	/* level 6 */
	Q_LONE_HOSTS, /* [pair(port, wrapper)] */
	/* gateway.h: levels 0 to 2 */
	Q_GATEWAY_HEAD, /* [pair(pair(ns, name), kind)] what merging needs of a Gateway or Ingress */
	Q_GATEWAYS,     /* [0] servers of the Gateways that a router carries out, merged */
	Q_GATEWAY_SNI,  /* [0] yes when one of them is AUTO_PASSTHROUGH; for ask_query */
	Q_GATEWAY_REFERENCES, /* [0] hosts of the services that its configuration leads to */
	/* level 0 again: endpoint.h, proxy.h; then level 1 */
	Q_SERVICE_ACCOUNTS, /* [pair(ns, host)] lines of text */
	Q_PROXY_WORLD,      /* [ns] what the world says of all its proxies */
	Q_INLINE_IPS,       /* [ns] addresses of inline endpoints of its ServiceEntries, sorted */
	Q_PROXY_FACTS, /* [proxy key] struct proxy_facts; bound with an empty scope; proxy_facts_run */
	Q_MODEL_END,
};
extern const struct query model_queries[Q_MODEL_END];

struct index;
extern const struct index model_indexes[];
extern const size_t model_n_indexes;

/* Is every member of an entry of that kind a source of what is made from it? Where not, the query cites those that it makes
 * use of, or reads them by name. */
bool model_members_are_sources(unsigned cell);

/* Names a value cell, "mesh config clusters", "proxy sidecar~...": the value_title of world_tables. */
struct buf;
struct keys;
void model_value_title(const struct keys *, unsigned kind, uint32_t key, struct buf *out);
