/* translate/lds.h
 * The queries that make listeners; keys in translate/queries.h.
 */
#pragma once
#include <stdint.h>

struct run;

void lds_ports_run(struct run *, uint32_t key);
void listener_service_run(struct run *, uint32_t key);
void listener_shared_run(struct run *, uint32_t key);
void lds_ns_run(struct run *, uint32_t key);
void lds_bucket_run(struct run *, uint32_t key);
void lds_virtual_run(struct run *, uint32_t key);
void lds_inbound_run(struct run *, uint32_t key);
void lds_run(struct run *, uint32_t key);
void nds_ns_run(struct run *, uint32_t key);
void nds_run(struct run *, uint32_t key);
