/* model/mesh.h
 * MeshConfig and MeshNetworks: decoded, defaulted (translation.md 0.3, surface.md 10), and spread over cells by group
 * of fields, so that an edit of one group touches only who reads it.
 *
 * Model thread.
 */
#pragma once
#include "base/diag.h"
#include "types.h"
#include "world/graph.h"

struct world;
struct node;

enum mesh_group {
	MESH_CLUSTERS, /* what clusters are made from: connectTimeout, tcpKeepalive, defaultTrafficPolicy ... */
	MESH_LISTENERS, /* ports, protocolDetectionTimeout, pathNormalization ... */
	MESH_TELEMETRY, /* access logs, tracing, providers */
	MESH_ROUTES,    /* retry policies */
	MESH_SCOPE, /* exportTo defaults, rootNamespace, outboundTrafficPolicy, serviceSettings, selectors */
	MESH_IDENTITY, /* trustDomain, aliases, autoMtls, meshMTLS, tlsDefaults */
	MESH_LOCALITY,
	MESH_PROXY, /* defaultConfig */
	MESH_OTHER,
	MESH_N_GROUPS,
};

/* A field of the effective MeshConfig inside a query: records its group. Defaults are filled in; the mode of
 * outboundTrafficPolicy and inboundTrafficPolicy is never absent. mesh_config_set comes before the first query.
 *	mesh_get(run, connect_timeout).v */
#define mesh_get(run, field) \
	(*(const __typeof__(((struct mesh_config *)0)->field) *)mesh_field( \
		(run), offsetof(struct mesh_config, field)))
const void *mesh_field(struct run *, size_t offset);
const char *mesh_root_namespace(struct run *);
const char *mesh_trust_domain(struct run *);

/* Lays `docs`, one over the other (NULL ones: nothing), over the compiled defaults and puts the groups that changed:
 * first the shared mesh config, then the own one (surface.md 7.4). Unknown fields are warnings and the rest holds;
 * with an error nothing changes and false comes back. Nothing of `docs` is kept. */
bool mesh_config_set_layers(struct world *, const struct node *const *docs, size_t n,
			    struct diag *);
static inline bool mesh_config_set(struct world *w, const struct node *doc, struct diag *d)
{
	return mesh_config_set_layers(w, &doc, 1, d);
}
bool mesh_networks_set(struct world *, const struct node *doc, struct diag *);
/* Outside of queries; good until the next mesh_config_set. NULL before the first. */
const struct mesh_config *mesh_config_now(const struct world *);
/* Names the settings that differ from the defaults and have no effect, each with the reason, as warnings. */
void mesh_unsupported(const struct mesh_config *, struct diag *);
/* What holds without a word from the user. */
const struct mesh_config *mesh_defaults(struct arena *);
/* Copies one field between two structs of its type; what it points to is shared. */
void mesh_field_copy(const struct field *, void *to, const void *from);
/* The name of the group of a field, by its offset; NULL: it has none, which is a bug. For tests and explain. */
const char *mesh_group_of(size_t offset);
const struct mesh_networks *mesh_networks_read(struct run *); /* NULL: none */
/* Frees what mesh_config_set keeps; before world_free. */
void mesh_free(struct world *);
