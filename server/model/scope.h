/* model/scope.h
 * What a proxy may see: exportTo, the Sidecar that applies, and its egress listeners (translation.md 1.6).
 *
 * A scope is a list of egress listeners ("wrappers"). Without a Sidecar it is one that imports all of `*`/`*`.
 */
#pragma once
#include "model/service.h"
#include "types.h"

/* The Sidecar for this proxy: NULL in the default scope (and for routers). Derived question Q_SIDECAR. */
const struct object *scope_sidecar(struct run *);
/* True without Sidecar: then ask nothing further about imports. */
bool scope_is_default(struct run *);

struct wrapper {
	uint32_t index; /* 1-based; 0 stands for the union of all in the functions below */
	const struct istio_egress_listener *listener; /* NULL: the default one, "*" "/" "*" */
	uint16_t port;                                /* 0: none */
	enum protocol protocol;                       /* of the listener's port */
	const char *bind;                             /* NULL: none */
	bool capture_none;
};
const struct wrapper *scope_wrappers(struct run *, uint32_t *ret_n);

/* Namespaces that may hold something visible, sorted by text; `*ret_all` true: all that have services (use
 * read_keyset(CELL_SVC_NS) in buckets). A Sidecar's own list is short: list the namespaces directly, since buckets would
 * be as many variants again. */
const uint32_t *scope_namespaces(struct run *, uint32_t *ret_n, bool *ret_all);

/* Services of one namespace that wrapper `index` (0: any) of this proxy's scope imports, with exportTo, host clashes
 * and port trimming applied; for index 0 also the extra services that imported VirtualServices pull in (they get
 * clusters, but are in no listener's list). Calls Q_VISIBLE(pair(ns, index)). */
struct heads scope_visible(struct run *, uint32_t ns, uint32_t index);
/* The namespace that owns the host in this scope; 0: not visible. */
uint32_t scope_host_ns(struct run *, uint32_t host);
bool scope_sees_service(struct run *, uint32_t ns, uint32_t host);
/* service_aliases as wrapper `index` (0: any) imports them. */
const struct service_alias *scope_aliases(struct run *, const struct service *, uint32_t index,
					  uint32_t *ret_n);
/* Does wrapper `index` (0: any) import this VirtualService? */
bool scope_imports_vs(struct run *, const struct object *vs, uint32_t index);

struct outbound_policy {
	enum { POLICY_ALLOW_ANY, POLICY_REGISTRY_ONLY, POLICY_ALLOW_ANY_DYNAMIC_DNS } mode;
	const struct destination *egress_proxy; /* NULL: none */
};
struct outbound_policy scope_outbound_policy(struct run *);

/* exportTo of any object: is it visible in the proxy's namespace? Asks only when it must. `defaults` are the mesh's. */
bool scope_exported(struct run *, const struct str_list *export_to, const struct str_list *defaults,
		    uint32_t object_ns);
