/* model/route_source.h
 * From a VirtualService as written to one that can be translated: names resolved, delegates merged (translation.md 0.5,
 * 5.11). Shared by the model's files.
 */
#pragma once
#include "model/virtual_service.h"

struct route_source route_source_build(struct run *, const struct object *);
/* Who sees the VirtualService, as in export.h. */
uint32_t virtual_service_export(struct run *, const struct object *);
/* Made from a Gateway API route? Then names are FQDNs already. */
bool virtual_service_is_gateway_style(const struct object *);
/* Place in the order of VirtualServices: private to the proxy's namespace, exported to it, public; smaller is first. */
uint32_t vs_rank(struct run *, uint32_t export_to, uint32_t ns, bool gateway_style);

/* Hosts and gateways as resolved, lower-case; pure, for indexes too. */
struct str_list virtual_service_hosts(const struct object *, struct arena *);
struct str_list virtual_service_gateways(const struct object *, struct arena *);
/* Is the gateway `mesh` among them (or are there none)? */
bool virtual_service_is_mesh(const struct object *);
/* "ns/name" of a gateway as written in an object of `ns` (0.5). */
const char *gateway_resolve(struct arena *, const char *name, const char *ns);

/* The rules of the object, resolved relative to it; delegates are not merged. */
struct http_rules {
	const struct http_route *v;
	uint32_t n;
};
struct http_rules http_rules_resolved(const struct object *, struct arena *);
/* What a rule with a delegate becomes: each of the delegate's rules merged with it, in place. */
struct http_rules delegate_merge(struct run *, const struct object *root,
				 const struct http_route *rule);
