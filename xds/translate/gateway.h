/* translate/gateway.h
 * Listeners, route configurations and clusters that only routers have (translation.md 2.10, 6.3-6.6). Keys in
 * translate/queries.h.
 */
#pragma once
#include "model/gateway.h"
#include "pb/pb.h"

/* TLS as a server ends it (6.5); NULL: it does not. */
Tls__DownstreamTlsContext *gateway_tls_context(struct run *, const struct gateway_server *,
					       bool quic);

/* What the roots of listeners and routes list for a router. */
void gateway_lds_add(struct run *);
void gateway_rds_add(struct run *);
/* The same of clusters and assignments. */
void gateway_cds_add(struct run *);
void gateway_eds_add(struct run *);

/* The queries. */
void gateway_listener_run(struct run *, uint32_t key);
void gateway_hcm_run(struct run *, uint32_t key);
void gateway_chain_run(struct run *, uint32_t key);
void gateway_sni_chains_run(struct run *, uint32_t key);
void gateway_auto_chains_run(struct run *, uint32_t key);
void gateway_routed_run(struct run *, uint32_t key);
void gateway_part_run(struct run *, uint32_t key);
void gateway_plan_run(struct run *, uint32_t key);
void gateway_vhost_run(struct run *, uint32_t key);
void gateway_rc_run(struct run *, uint32_t key);
void cds_sni_ns_run(struct run *, uint32_t ns);
void cds_sni_bucket_run(struct run *, uint32_t bucket);
void eds_sni_ns_run(struct run *, uint32_t ns);
void eds_sni_bucket_run(struct run *, uint32_t bucket);

/* ---- between gateway_lds.c, gateway_chain.c and gateway_rds.c ---- */
/* False: the pod has no right to the port. */
bool gateway_may_bind(struct run *, const struct gateway_entry *);
/* The name of a listener of the table's entry. */
const char *gateway_listener_name(struct run *, const struct gateway_entry *, bool quic);
uint32_t gateway_chain_key(struct run *, uint32_t server, uint32_t listener, uint32_t route);
