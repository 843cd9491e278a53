/* model/proxy.h
 * A proxy as translation sees it. Two steps:
 *
 *   struct proxy_node    what the node message says, as a plain value: the cell (CELL_PROXY, proxy key)
 *   struct proxy_facts   the proxy's class: the result of query Q_PROXY_FACTS on that key, which also reads the
 *                        pod or WorkloadEntry and the services that select it
 *
 * The daemon binds Q_PROXY_FACTS with an empty scope for each proxy; its result, byte for byte, is the scope that the
 * roots of xDS types are bound with. So a pod's relabelling moves it to another class, and facts that are unique to a
 * pod stay out of the class unless something needs them. (Spec: translation.md 1.1-1.3, 1.5.)
 *
 * Model thread, except proxy_node_parse (any thread, it interns nothing).
 */
#pragma once
#include "base/diag.h"
#include "model/questions.h"
#include "schema/schema.h"
#include "world/graph.h"

struct err;
struct node;
struct world;
struct mesh_proxy_config;

enum proxy_type {
	PROXY_SIDECAR = 1,
	PROXY_ROUTER,
	PROXY_WAYPOINT,
	PROXY_ZTUNNEL,
	PROXY_AGENTGATEWAY
};
enum interception_mode { MODE_REDIRECT, MODE_TPROXY, MODE_NONE };

enum proxy_flag {
	FLAG_DNS_CAPTURE,
	FLAG_DNS_AUTO_ALLOCATE,
	FLAG_HTTP10,
	FLAG_UNPRIVILEGED,
	FLAG_INBOUND_EXACT_BALANCE,
	FLAG_OUTBOUND_EXACT_BALANCE,
	FLAG_SELF_DISCOVERY,
	FLAG_CREDENTIAL_SOCKET, /* metadata credential == "true" */
	FLAG_FILE_CREDENTIAL,
	FLAG_ENABLE_HBONE,
	FLAG_DISABLE_HBONE_SEND,
	FLAG_TLS_CLIENT_CERT, /* TLS_CLIENT_CERT_CHAIN is there */
	FLAG_TLS_SERVER_CERT,
};
/* Optional Envoy extensions of Istio's proxy; a stock Envoy lists its own and lacks them. */
enum proxy_extension {
	EXT_METADATA_EXCHANGE_TCP, /* network filter envoy.filters.network.metadata_exchange / istio.metadata_exchange */
	EXT_PEER_METADATA_HTTP, /* HTTP filter istio peer metadata */
	EXT_ALPN,               /* HTTP filter istio.alpn */
	EXT_STATS,              /* istio.stats */
	EXT_TYPED_HEADER_CASE,  /* reserved */
	EXT_COUNT,
};
/* String metadata that changes output. */
enum proxy_meta {
	META_IDLE_TIMEOUT,
	META_HTTP_PROXY_PORT,
	META_TLS_SERVER_CERT_CHAIN,
	META_TLS_SERVER_KEY,
	META_TLS_SERVER_ROOT_CERT,
	META_TLS_CLIENT_CERT_CHAIN,
	META_TLS_CLIENT_KEY,
	META_TLS_CLIENT_ROOT_CERT,
	META_ENVOY_STATUS_PORT,
	META_ENVOY_PROMETHEUS_PORT,
	META_ENVOY_SECURE_METRICS_PORT,
	META_ENVOY_SECURE_MERGED_METRICS_PORT,
	META_DNS_PROXY_ADDR,
	META_NODE_CLUSTER,      /* node.cluster: the service name of tracers */
	META_OTEL_SERVICE_NAME, /* the pod's annotation for it */
	META_COUNT,
};

struct proxy_facts { /* plain: compared and interned as bytes; all u32 are keys */
	uint32_t type, mode, flags, extensions; /* flags: 1 << enum proxy_flag */
	uint32_t version;                       /* major << 16 | minor */
	uint32_t patch;
	uint32_t ip_family; /* bit 0 v4, bit 1 v6, bit 2 v6 first */
	/* KEY_EMPTY when there is none. labels: "k=v,k2=v2", see labels_text. */
	uint32_t ns, labels, cluster, network, network_view, locality, node_name, dns_domain;
	uint32_t proxy_config;           /* 0: the mesh's */
	uint32_t targets, own_addresses; /* 0: none */
	uint32_t mesh_id, workload_name; /* KEY_EMPTY when there is none */
	uint32_t meta[META_COUNT];       /* 0: absent */
};

/* A node message parsed and checked (translation.md 1.1): strings in the arena, none of them NULL unless it says so. */
struct proxy_node_text {
	const char *id; /* the whole node id */
	enum proxy_type type;
	enum interception_mode mode;
	uint32_t flags, extensions; /* extensions: all bits if no list was sent */
	const char *pod, *pod_ns;   /* of the id's third part; "" when it is not a pod of `ns` */
	const char *ns;             /* config namespace */
	const char *dns_domain, *cluster;
	const char *const *ips;
	uint32_t n_ips, ip_family;
	const char *region, *zone, *sub_zone;
	const struct node *metadata; /* NODE_MAP or NULL; borrowed from the input */
	uint32_t version, patch;     /* major << 16 | minor */
	const char *version_text;
	const char *cluster_id, *network, *network_view, *node_name;
	const char *mesh_id, *service_account, *workload_name, *generator;
	struct str_map labels, static_labels;
	const char *pod_ports;        /* lines "name TAB number TAB protocol" */
	const char *proxy_config;     /* canonical JSON of what changes output; NULL: not sent */
	const char *meta[META_COUNT]; /* NULL: absent */
};
/* What the daemon takes from the wire. */
struct proxy_node_input {
	const char *id, *cluster;
	const char *region, *zone, *sub_zone;
	const struct node *metadata;   /* from the Struct; NULL: none */
	const char *const *extensions; /* names; NULL: no list was sent */
	uint32_t n_extensions;
};
/* False: the stream is refused (InvalidArgument) with the reason in e. Sizes are capped. */
bool proxy_node_parse(const struct proxy_node_input *, struct arena *, struct proxy_node_text *ret,
		      struct err *e) must_check;

/* An extension that no proxy can do without and that this one lacks, or NULL; without a list nothing is missing. */
const char *proxy_missing_extension(const struct proxy_node_input *);

/* Puts the cell (CELL_PROXY, key) and returns the key (of the node id). Uncommitted afterwards. The same content again
 * changes nothing. 0: refused, since too many different PROXY_CONFIGs were seen. */
enum { PROXY_CONFIGS_MAX = 4096 };
uint32_t proxy_put(struct world *, const struct proxy_node_text *);
void proxy_delete(struct world *, uint32_t key);
/* Puts the same proxy into another world, for rebuilding it; returns its key there. */
uint32_t proxy_copy(struct world *to, struct world *from, uint32_t key);

void proxy_facts_run(struct run *, uint32_t key); /* the row of Q_PROXY_FACTS, level 1 */
void proxy_world_run(struct run *, uint32_t ns);  /* the row of Q_PROXY_WORLD, level 0 */
void inline_ips_run(struct run *, uint32_t ns);   /* the row of Q_INLINE_IPS, level 0 */

/* The answers; given to world_new. */
uint32_t proxy_answer(const struct keys *, const void *facts, unsigned question, uint32_t arg);

/* "k=v,k2=v2" sorted: the argument of ASK_LABELS_MATCH. "%", "," and "=" in keys and values are written %25, %2C, %3D.
 * An empty map is "" and selects all. */
const char *labels_text(struct arena *, const struct str_map *);
struct str_map labels_parse(struct arena *, const char *text);
uint32_t proxy_selector_key(struct keys *, const struct str_map *);
static inline bool ask_labels_match(struct run *r, const struct str_map *selector)
{
	return ask_is(r, ASK_LABELS_MATCH, proxy_selector_key(run_keys(r), selector));
}
/* Is every pair of the selector among the labels? */
bool labels_match(const struct str_map *selector, const struct str_map *labels);

/* The effective ProxyConfig of the proxy: metadata PROXY_CONFIG in full, else mesh.defaultConfig (translation.md 0.3).
 * Never NULL. Of PROXY_CONFIG only what changes output is there, lest each application be a class of its own: tracing,
 * proxyHeaders, gatewayTopology, privateKeyProvider, connectionSettings, statusPort, drainDuration,
 * terminationDrainDuration, caCertificatesPem. */
const struct mesh_proxy_config *proxy_config_of(struct run *);

/* A service target (translation.md 1.5), decoded from ASK_TARGETS: which service ports run on this proxy. The first one
 * belongs to the oldest service. */
struct service_target {
	const char *ns, *host, *name; /* of the service */
	const char *port_name;
	uint16_t port, target_port;
	uint8_t protocol; /* enum protocol */
};
const struct service_target *proxy_targets(struct run *, uint32_t *ret_n);
