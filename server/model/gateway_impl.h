/* model/gateway_impl.h
 * Between gateway.c and gateway_merge.c.
 */
#pragma once
#include "model/gateway.h"

/* The key of a server in the list of a Gateway or Ingress. */
uint32_t gateway_server_key(struct run *, const struct object *origin, uint32_t index);
/* Its hosts with the Gateway's namespace for "." and without "*" for a namespace. */
struct str_list gateway_server_hosts(const struct server *, const char *ns, struct arena *);
/* PASSTHROUGH or AUTO_PASSTHROUGH */
bool server_passes_tls(const struct server *);
