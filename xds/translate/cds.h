/* translate/cds.h
 * The queries that make clusters (translation.md 2): one leaf per service, one for what every proxy has, one for what
 * runs next to it.
 */
#pragma once
#include "world/graph.h"

void cds_run(struct run *, uint32_t key);
void cds_bucket_run(struct run *, uint32_t bucket);
void cds_ns_run(struct run *, uint32_t ns);
void cds_service_run(struct run *, uint32_t key); /* leaf.h */
void cds_sni_run(struct run *, uint32_t key);     /* leaf.h */
void cds_special_run(struct run *, uint32_t key);
void cds_inbound_run(struct run *, uint32_t key);
void header_case_run(struct run *, uint32_t key);
