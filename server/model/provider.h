/* model/provider.h
 * The extension providers of the mesh config: by name, and the service behind one (translation.md 9.1). Inside queries.
 */
#pragma once
#include "types.h"
#include "world/graph.h"

/* By name, whatever its case; the first of equal ones. NULL: none. */
const struct extension_provider *provider_find(struct run *, const char *name);
/* The host of the service "[ns/]host". NULL: there is none or, without a namespace, more than one; then it is in the
 * query's diagnostics, as a problem of the provider with that name. */
const char *provider_host(struct run *, const char *provider, const char *service);
void provider_warn(struct run *, const char *provider, const char *fmt, ...) printf_like(3, 4);
/* The value of a header, "" if there is none: as written, or from the environment of this process. */
const char *provider_header_value(const struct provider_http_header *);
