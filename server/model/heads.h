/* model/heads.h
 * What the model's queries share among themselves: writing heads, the heads of VirtualServices, the patterns that a
 * Sidecar imports, and the functions of the query table.
 */
#pragma once
#include "base/map.h"
#include "model/service.h"

/* Small numbers as parts of keys: listener indexes, ports, buckets. 0 is KEY_EMPTY. */
uint32_t number_key(struct run *, uint32_t);
uint32_t key_number(struct run *, uint32_t key);

/* Writes heads as the result of the running query; nothing at all when there are none. */
void heads_emit(struct run *, const struct heads *);

/* ---- Heads of VirtualServices: what scopes need of them (Q_VS_HEADS). Delegates are merged in. ---- */
struct vs_host {
	uint32_t host; /* key, FQDN */
};
struct vs_destination {
	uint32_t host;
	uint32_t source_ns; /* counts only for proxies of this namespace; 0: for all */
	uint16_t port;      /* 0: not given */
	uint16_t reserved, reserved2[2];
};
enum vs_head_flag {
	VS_MESH = 1, /* bound to the gateway `mesh` */
	VS_GATEWAY_STYLE =
		2, /* made from a Gateway API route: hosts are imported as subsets only */
};
struct vs_head {
	uint32_t name, export_to; /* export_to as in service_head */
	int64_t created_s;
	uint32_t flags, first_host, n_hosts, first_destination, n_destinations, reserved;
};
struct vs_heads {
	uint32_t n, n_hosts, n_destinations;
	const struct vs_head *v;
	const struct vs_host *hosts;
	const struct vs_destination *destinations;
};
struct vs_heads vs_heads_of_ns(struct run *, uint32_t ns);

/* ---- What a Sidecar's egress listener imports from one namespace (Q_IMPORTS). ---- */
struct import_list {
	uint16_t port; /* services are trimmed to it; 0: all ports */
	uint32_t n_take, n_drop;
	const char *const *take, *const *drop; /* hosts and wildcards, lower-case */
};
struct wrapper;
/* Of one listener of the Sidecar (NULL: default scope). False: it imports nothing from `ns`. */
bool imports_of_listener(struct run *, const struct wrapper *, const struct object *sidecar,
			 uint32_t ns, struct import_list *ret);
/* 0 where listener `index` sees what the whole scope does: most Sidecars have one, and two names for the same would be
 * two results. */
uint32_t scope_index(struct run *, uint32_t index);
/* Does nothing but listener 1 make the scope, and do VirtualServices pull in nothing? By yes or no. */
bool scope_is_simple(struct run *);
/* One list per egress listener that imports anything from `ns`; index 0: of all. By value, so that scopes that import
 * the same share. Not in the default scope. */
const struct import_list *imports_of(struct run *, uint32_t ns, uint32_t index, uint32_t *ret_n);
bool import_takes(const struct import_list *, const char *host);
/* For hosts of VirtualServices: overlap is enough, unless `subset_only`. */
bool import_overlaps(const struct import_list *, const char *host, bool subset_only);
bool import_takes_vs(struct run *, const struct import_list *, const struct vs_heads *,
		     const struct vs_head *);

/* An egress host of a Sidecar, "[~]ns/host". False: malformed, to be ignored (1.6). */
struct egress_host {
	const char *ns, *host; /* lower-case host; ns may be "." or "*" */
	bool drop;             /* an exclusion */
};
bool egress_host_parse(struct arena *, const char *text, struct egress_host *ret);

/* A service that is not imported, but that an imported VirtualService routes to; ports behind each other as rows. */
struct extra_service {
	uint32_t ns, host;
	uint16_t port; /* 0: all ports */
	uint16_t reserved;
};

/* The namespace that the scope is evaluated in: the proxy's. Asks ASK_NS only for a Sidecar of the root namespace. Only
 * for derived queries. */
uint32_t scope_own_ns(struct run *, const struct object *sidecar);

/* The allocated addresses of a ServiceEntry's host: from its status, else by the set of all; NULLs: none. */
struct auto_vip {
	const char *v4, *v6;
};
struct auto_vip auto_vip_of(struct run *, const struct service *);

/* ---- The functions of the table in queries.c ---- */
void ns_heads_run(struct run *, uint32_t key);
void wildcard_dr_run(struct run *, uint32_t key);
void wildcard_vs_run(struct run *, uint32_t key);
void vs_heads_run(struct run *, uint32_t key);
void vs_namespaces_run(struct run *, uint32_t key);
void scope_vs_ns_run(struct run *, uint32_t key);
void auto_vips_run(struct run *, uint32_t key);
void auto_bucket_run(struct run *, uint32_t key);
void sidecar_run(struct run *, uint32_t key);
void scope_default_run(struct run *, uint32_t key);
void imports_run(struct run *, uint32_t key);
void outbound_policy_run(struct run *, uint32_t key);
void imports_vs_run(struct run *, uint32_t key);
void host_owner_run(struct run *, uint32_t key);
void scope_extra_run(struct run *, uint32_t key);
void extra_of_run(struct run *, uint32_t key);
void scope_simple_run(struct run *, uint32_t key);
void scope_namespaces_run(struct run *, uint32_t key);
void host_ns_run(struct run *, uint32_t key);
void visible_run(struct run *, uint32_t key);
void lone_hosts_run(struct run *, uint32_t key);

/* The wildcard directly above: "*.b" of "a.b" and of "*.a.b", "*" of "*.b"; NULL above "*". */
const char *host_parent(struct arena *, const char *host);
/* The most specific wildcard at or above `host` in a chain query; 0: none. */
uint32_t wildcard_above(struct run *, unsigned query, const char *host);
