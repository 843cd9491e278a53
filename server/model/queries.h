/* model/queries.h
 * The queries of the model, lowest level first; xds/translate numbers its own from Q_MODEL_END. Keys in brackets.
 */
#pragma once
#include "model/cells.h"

struct query;

enum model_query {
	Q_NS_HEADS, /* [ns] heads of the services of a namespace */
	Q_WILDCARD_DR, /* [host or wildcard] most specific wildcard DestinationRule host at or above; recursive */
	Q_WILDCARD_VS,      /* [host or wildcard] the same for VirtualServices; recursive */
	Q_SIDECAR,          /* [0] which Sidecar applies: pair key, or nothing */
	Q_IMPORTS,          /* [pair(ns, wrapper)] the host patterns imported from a namespace */
	Q_IMPORTS_VS,       /* [pair(pair(ns, name), wrapper)] is the VirtualService imported */
	Q_SCOPE_EXTRA,      /* [wrapper] services that imported VirtualServices pull in */
	Q_SCOPE_NAMESPACES, /* [0] */
	Q_HOST_OWNER,       /* [host] the namespace that owns a clashing host in this scope */
	Q_VISIBLE,          /* [pair(ns, wrapper)] heads that the scope sees */
	Q_LONE_HOSTS,       /* [wrapper] */
	Q_PROXY_FACTS,      /* [proxy key] struct proxy_facts; bound with an empty scope */
	Q_MODEL_END,
};
extern const struct query model_queries[Q_MODEL_END];

struct index;
extern const struct index model_indexes[];
extern const size_t model_n_indexes;
