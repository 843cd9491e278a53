/* model/endpoint.h
 * Endpoints of a service port from EndpointSlices with their pods and nodes, ServiceEntries and WorkloadEntries
 * (translation.md 3.2, 9.6, 9.8). Nothing but EDS lists, DNS clusters, headless listeners and name tables may read
 * them: they change most often.
 */
#pragma once
#include "model/service.h"

enum health { HEALTH_NONE, HEALTH_HEALTHY, HEALTH_UNHEALTHY, HEALTH_DRAINING, HEALTH_TERMINATING };

struct endpoint_model {
	const char *address; /* IP, host name (DNS types), or "/path" with port 0 */
	uint16_t port;
	const char *const *more_addresses;
	uint32_t n_more_addresses;
	const char *port_name;        /* ServicePortName: joined to the service port by equality */
	const struct str_map *labels; /* augmented with topology (1.3) */
	const char *tls_mode;         /* "istio", "disabled", ... */
	const char *ns, *workload_name;
	const char *service_account; /* spiffe id; NULL: none */
	const char *locality;        /* "region/zone/subzone", "" */
	const char *network, *cluster, *node_name;
	const char *host_name, *sub_domain; /* of the pod */
	uint32_t weight;                    /* 0: not given */
	enum health health; /* NONE: not from Kubernetes, no health_status on the wire */
	bool serves_mtls;   /* tls_mode is "istio" */
};
/* All endpoints of the service for one port, in a deterministic order. */
const struct endpoint_model *endpoints_read(struct run *, const struct service *,
					    const struct service_port_model *, uint32_t *ret_n);
/* The service accounts of the service: of all its endpoints and declared; expanded by trust domain aliases, sorted,
 * unique (2.7 step 2). Calls Q_SERVICE_ACCOUNTS(pair(ns, host)), which keeps a change of endpoints from going
 * further. */
const char *const *service_accounts(struct run *, const struct service *, uint32_t *ret_n);
void service_accounts_run(struct run *, uint32_t key); /* the row of Q_SERVICE_ACCOUNTS */
/* canonical name and revision by labels (3.4); revision "latest" if none. */
const char *canonical_name(const struct str_map *labels, const char *workload_name);
const char *canonical_revision(const struct str_map *labels);
/* "r/z/s" of labels, node labels ... see 1.3; "" if none. */
const char *locality_of_labels(struct arena *, const struct str_map *labels);
