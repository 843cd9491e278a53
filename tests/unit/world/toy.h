/* tests/unit/world/toy.h
 * A small mesh with toy encoders, for the tests and the bench of the engine: services with endpoints, routes, traffic
 * rules with wildcards, sidecars, policies, namespaces and mesh values.
 */
#pragma once
#include "world/world.h"

enum toy_kind { /* objects; their numbers are those of other kinds in the real world, which the engine cannot see */
		TOY_SERVICE,
		TOY_SLICE,
		TOY_ROUTE,
		TOY_RULE,
		TOY_NAMESPACE,
		TOY_SIDECAR,
		TOY_POLICY,
		TOY_KINDS,
};
enum { TOY_ENDPOINTS = 12, TOY_EGRESS = 6 };
/* One flat body for all kinds. */
struct toy {
	const char *
		host; /* whom it is for; a rule's may be "*.ns.local", a service's own or "name.ns.local" if NULL */
	const char *only_ns; /* route: for clients of this namespace; NULL: all */
	bool private;        /* service, rule: for its own namespace only */
	bool locality;       /* rule: endpoints are ordered by the zone of the proxy */
	uint32_t selector;   /* sidecar, policy: label that it selects; 0: all */
	uint32_t v;          /* weight, version, mode */
	uint32_t n;
	struct {
		uint32_t ip;
		uint8_t zone, healthy;
	} ep[TOY_ENDPOINTS];
	struct {
		const char *ns, *host; /* NULL: any; a host may be "*.suffix" */
	} egress[TOY_EGRESS];
};

/* A new object with one reference, its body and strings copied. */
const struct object *toy_object(enum toy_kind, const char *ns, const char *name, int64_t created_s,
				const struct toy *);

struct toy_facts {
	uint32_t ns; /* key */
	uint32_t zone, label, capability;
};

enum { TOY_MTLS, TOY_LOG, TOY_VALUES }; /* mesh values, a uint32_t each */
void toy_set_value(struct world *, unsigned which, uint32_t v);

enum toy_root { TOY_CDS, TOY_EDS, TOY_RDS, TOY_LDS, TOY_NDS, TOY_ROOTS };
unsigned toy_root_query(enum toy_root);
/* A proxy by name, for facts that are the result of a query. */
struct toy_proxy {
	char ns[16];
	uint32_t zone, label, capability;
};
void toy_set_proxy(struct world *, const char *name, const struct toy_proxy *);
/* Its result is a struct toy_facts. */
uint32_t toy_bind_facts(struct world *, const char *name);
/* Binds all roots for proxies with these facts; NULL: with none. */
void toy_bind(struct world *, const struct toy_facts *, void *owner, uint32_t ret[TOY_ROOTS]);

extern const struct world_tables toy_tables;
/* Leaf results are filled up to these sizes, for the bench; 0 as they come. */
extern uint32_t toy_fill_cluster, toy_fill_endpoints, toy_fill_route;
