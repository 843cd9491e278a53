/* model/questions.h
 * What may be asked of a proxy. Prefer yes/no, ask as late as possible and only if the answer matters
 * (spec/tracked-reads.md 4): fewer distinctions, more sharing. Keys are interned strings; 0 is "none".
 */
#pragma once

enum question {
	/* yes/no */
	ASK_NS_IS,        /* arg: namespace */
	ASK_LABELS_MATCH, /* arg: selector, "k=v,k2=v2" sorted (proxy_selector_key) */
	ASK_IS_ROUTER,    /* type router; sidecars and others: no */
	ASK_HAS_V4,
	ASK_HAS_V6,
	ASK_V6_FIRST,   /* the proxy's first address is IPv6 */
	ASK_FLAG,       /* arg: enum proxy_flag */
	ASK_EXTENSION,  /* arg: enum proxy_extension; yes also when the node lists no extensions */
	ASK_VERSION,    /* arg: major << 16 | minor: the proxy is at least that */
	ASK_CLUSTER_IS, /* arg: cluster id; yes also when the proxy has none */
	ASK_SEES_NETWORK,  /* arg: network name: within REQUESTED_NETWORK_VIEW */
	ASK_NODE_IS,       /* arg: node name */
	ASK_DNS_DOMAIN_IS, /* arg: the whole of node's dnsDomain */
	ASK_DNS_SUFFIX_IS, /* arg: what dnsDomain is from ".svc." on */

	/* values: each distinct one is a variant of its own */
	ASK_NS,      /* namespace; use ASK_NS_IS where it does */
	ASK_MODE,    /* enum interception_mode */
	ASK_CLUSTER, /* cluster id */
	ASK_NETWORK,
	ASK_LOCALITY,      /* "region/zone/subzone" */
	ASK_LABEL,         /* arg: label name; the value's key, 0 if absent */
	ASK_LABELS,        /* whether there are any at all */
	ASK_DNS_DOMAIN,    /* node's dnsDomain: one for each namespace, see the yes/no ones */
	ASK_META,          /* arg: enum proxy_meta; key of the string, 0 if absent */
	ASK_PROXY_CONFIG,  /* key for proxy_config_of; 0: the mesh's default */
	ASK_TARGETS,       /* key of the service targets' text, see proxy.h */
	ASK_OWN_ADDRESSES, /* comma list, only where they matter (see proxy.h); 0 otherwise */
	ASK_MESH_ID,
	ASK_WORKLOAD_NAME,
};
