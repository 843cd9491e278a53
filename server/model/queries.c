/* The model's query table. A query calls only lower levels, and its own if it is recursive. */
#include "model/queries.h"

#include "model/endpoint.h"
#include "model/gateway.h"
#include "model/heads.h"
#include "model/proxy.h"

#define BYTES(n, l, fn) \
	{ \
		.name = n, .shape = RESULT_BYTES, .level = l, .run = fn \
	}
#define CHAIN(n, l, fn) \
	{ \
		.name = n, .shape = RESULT_BYTES, .level = l, .recursive = true, .run = fn, \
		.selects = true \
	}
/* What there is, what is seen, which one applies: whoever makes something of it reads that itself. */
#define CHOICE(n, l, fn) \
	{ \
		.name = n, .shape = RESULT_BYTES, .level = l, .run = fn, .selects = true \
	}

const struct query model_queries[Q_MODEL_END] = {
	[Q_NS_HEADS] = CHOICE("ns_heads", 0, ns_heads_run),
	[Q_WILDCARD_DR] = CHAIN("wildcard_dr", 0, wildcard_dr_run),
	[Q_WILDCARD_VS] = CHAIN("wildcard_vs", 0, wildcard_vs_run),
	[Q_VS_HEADS] = CHOICE("vs_heads", 0, vs_heads_run),
	[Q_AUTO_VIPS] = CHOICE("auto_vips", 0, auto_vips_run),
	[Q_SIDECAR] = CHOICE("sidecar", 0, sidecar_run),
	[Q_AUTO_BUCKET] = CHOICE("auto_bucket", 1, auto_bucket_run),
	[Q_SCOPE_DEFAULT] = CHOICE("scope_default", 1, scope_default_run),
	[Q_IMPORTS] = CHOICE("imports", 1, imports_run),
	[Q_OUTBOUND_POLICY] = BYTES("outbound_policy", 1, outbound_policy_run),
	[Q_VS_NAMESPACES] = CHOICE("vs_namespaces", 1, vs_namespaces_run),
	[Q_IMPORTS_VS] = CHOICE("imports_vs", 2, imports_vs_run),
	[Q_HOST_OWNER] = CHOICE("host_owner", 2, host_owner_run),
	[Q_SCOPE_VS_NS] = CHOICE("scope_vs_ns", 2, scope_vs_ns_run),
	[Q_SCOPE_EXTRA] = CHOICE("scope_extra", 3, scope_extra_run),
	[Q_EXTRA_OF] = CHOICE("extra_of", 4, extra_of_run),
	[Q_SCOPE_SIMPLE] = CHOICE("scope_simple", 4, scope_simple_run),
	[Q_SCOPE_NAMESPACES] = CHOICE("scope_namespaces", 5, scope_namespaces_run),
	[Q_HOST_NS] = CHOICE("host_ns", 5, host_ns_run),
	[Q_VISIBLE] = CHOICE("visible", 5, visible_run),
	[Q_LONE_HOSTS] = CHOICE("lone_hosts", 6, lone_hosts_run),
	[Q_GATEWAY_HEAD] = CHOICE("gateway_head", 0, gateway_head_run),
	[Q_GATEWAYS] = CHOICE("gateways", 1, gateways_run),
	[Q_GATEWAY_SNI] = CHOICE("gateway_sni", 2, gateway_sni_run),
	[Q_GATEWAY_REFERENCES] = CHOICE("gateway_references", 2, gateway_references_run),
	[Q_SERVICE_ACCOUNTS] = BYTES("service_accounts", 0, service_accounts_run),
	[Q_PROXY_WORLD] = BYTES("proxy_world", 0, proxy_world_run),
	[Q_INLINE_IPS] = BYTES("inline_ips", 0, inline_ips_run),
	[Q_PROXY_FACTS] = BYTES("proxy_facts", 1, proxy_facts_run),
};
