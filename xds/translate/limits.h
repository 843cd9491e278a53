/* translate/limits.h
 * ProxyConfig.connectionSettings: time-outs, sizes and strictness of connection managers and listeners (translation.md
 * 4.10).
 */
#pragma once
#include "pb/pb.h"
#include "world/graph.h"

/* Node metadata IDLE_TIMEOUT; NULL: none, or no duration. */
Google__Duration *idle_timeout_of(struct run *);
/* `gateway`: profile EDGE counts, too. */
void limits_apply(struct run *, bool gateway, Hcm__HttpConnectionManager *);
/* Of a gateway's listener; NULL: none. */
Google__UInt32Value *limits_listener_buffer(struct run *);
