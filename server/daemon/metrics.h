/* daemon/metrics.h
 * istiod's metric names (surface.md 5.5) and what of ours feeds them. Any thread.
 */
#pragma once
#include "snapshot/types.h"

struct connection;
struct engine;

void metrics_register(void);
void metrics_sent(enum xds_type, size_t bytes);
void metrics_rejected(const struct connection *, enum xds_type, uint32_t n);
void metrics_expired(enum xds_type, uint32_t n);
void metrics_converged(int64_t ns);
void metrics_connected(const struct connection *, int by);
void metrics_rejected_config(const char *type, const char *name);
void metrics_trigger(const char *type);
void metrics_inbound(const char *type);
/* Gauges that are counted in the world. Model thread. */
void metrics_world(struct engine *);
