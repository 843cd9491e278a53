/* model/security.h
 * PeerAuthentication: what servers demand and clients assume (translation.md 7).
 */
#pragma once
#include "model/endpoint.h"
#include "world/graph.h"

enum mtls_mode { MTLS_UNKNOWN, MTLS_DISABLE, MTLS_PERMISSIVE, MTLS_STRICT };
/* Namespace then mesh level: what a client assumes of a service's namespace (7.1). */
enum mtls_mode mtls_of_namespace(struct run *, uint32_t ns);
/* Full evaluation for a workload's labels and port; port 0: the workload's own mode (7.2). */
enum mtls_mode mtls_of_workload(struct run *, uint32_t ns, const struct str_map *labels,
				uint16_t port);
/* The same for the asking proxy itself, by questions. Ports that have a mode of their own: *ret_ports. */
enum mtls_mode mtls_of_proxy(struct run *, uint16_t port);
const uint16_t *mtls_ports_of_proxy(struct run *, uint32_t *ret_n);
