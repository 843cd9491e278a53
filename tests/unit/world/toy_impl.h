/* tests/unit/world/toy_impl.h
 * The inside of the toy mesh: its cells, questions and queries.
 */
#pragma once
#include "toy.h"
#include "types.h"

enum {
	C_SVC_NS = KIND_COUNT, /* ns: services */
	C_SVC_HOST,            /* host: services */
	C_PRIVATE_NS,          /* ns: private services */
	C_UNDER,               /* "*.suffix", lazy: services */
	C_SLICE_HOST,          /* host: deep */
	C_ROUTE_HOST,          /* host: deep */
	C_RULE_HOST,           /* host or wildcard: deep */
	C_SIDECAR_NS,          /* ns: deep */
	C_POLICY_NS,           /* ns: deep */
	C_ATTACHED_NS,         /* ns: routes and rules, in one entry */
	V_MESH,                /* which */
	V_PROXY,               /* name of a proxy */
	C_COUNT,
};

enum { A_NS, A_NS_IS, A_ZONE, A_LABEL_IS, A_CAPABILITY };

enum {
	Q_FACTS,     /* [name of a proxy] its struct toy_facts; bound with an empty scope */
	Q_MTLS,      /* [0] */
	Q_WILDCARD,  /* ["*.suffix"] key of the most specific wildcard that has rules, recursive */
	Q_SIDECAR,   /* [0] derived: which sidecar applies */
	Q_POLICIES,  /* [0] derived, asks Q_SIDECAR: which policies select the proxy */
	Q_VISIBLE,   /* [ns] hosts of the namespace that the proxy sees */
	Q_CLUSTER,   /* [host] */
	Q_ENDPOINTS, /* [host] */
	Q_ROUTE,     /* [host] */
	Q_NAMES_NS,  /* [ns] names of its services */
	Q_CDS_NS,
	Q_EDS_NS,
	Q_RDS_NS,
	Q_CDS_BUCKET, /* [1 + bucket] */
	Q_EDS_BUCKET,
	Q_RDS_BUCKET,
	Q_CDS, /* [0] */
	Q_EDS,
	Q_RDS,
	Q_LDS,
	Q_NDS,
	Q_COUNT,
};
extern const struct query *const toy_queries[Q_COUNT];

static inline const struct toy *body(const struct object *o)
{
	return o->body;
}
/* "*.b.c" of "a.b.c", "*.c" of "*.b.c"; NULL at the end. */
const char *toy_parent(const char *host, char buf[300]);
