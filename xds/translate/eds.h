/* translate/eds.h
 * The queries that make endpoint assignments (translation.md 3): one leaf per service with all its ports and subsets.
 */
#pragma once
#include "world/graph.h"

void eds_run(struct run *, uint32_t key);
void eds_bucket_run(struct run *, uint32_t bucket);
void eds_ns_run(struct run *, uint32_t ns);
void eds_service_run(struct run *, uint32_t key); /* leaf.h */
void eds_sni_run(struct run *, uint32_t key);     /* leaf.h */
void eds_self_run(struct run *, uint32_t key);
struct service_head;
bool eds_has_assignments(struct run *, const struct service_head *);
