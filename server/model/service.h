/* model/service.h
 * Services: Kubernetes Services and the hosts of ServiceEntries as one type (translation.md 1.4, 9.6).
 *
 * struct service is built from the objects in the arena of the running query, each time: cheaper than keeping it.
 * What lists and conflict rules need of all services at once are the *heads* of a namespace, a query of its own that
 * stops an edit of an endpoint or a route from going further.
 */
#pragma once
#include "schema/object.h"
#include "world/graph.h"

enum protocol {                /* translation.md 1.4 */
		PROTOCOL_AUTO, /* "Unsupported": sniffed */
		PROTOCOL_HTTP,
		PROTOCOL_HTTP2,
		PROTOCOL_GRPC,
		PROTOCOL_GRPC_WEB,
		PROTOCOL_HTTP_PROXY,
		PROTOCOL_HTTPS,
		PROTOCOL_TLS,
		PROTOCOL_TCP,
		PROTOCOL_MONGO,
		PROTOCOL_REDIS,
		PROTOCOL_MYSQL,
		PROTOCOL_UDP,
		PROTOCOL_HBONE,
};
bool protocol_is_http(enum protocol); /* HTTP class */
bool protocol_is_http2(enum protocol);
bool protocol_is_tcp(enum protocol); /* TCP class: TCP HTTPS TLS Mongo Redis MySQL */
bool protocol_is_tls(enum protocol); /* HTTPS or TLS */
const char *protocol_name(enum protocol);
enum protocol protocol_parse(const char *name); /* "http2", any case; AUTO when unknown or empty */
/* A Kubernetes port: transport, name, appProtocol, number. */
enum protocol protocol_of_port(const char *transport, const char *name, const char *app_protocol,
			       uint16_t number);

enum resolution {
	RESOLUTION_CLIENT_SIDE_LB,
	RESOLUTION_DNS_LB,
	RESOLUTION_DNS_ROUND_ROBIN_LB,
	RESOLUTION_PASSTHROUGH,
	RESOLUTION_ALIAS,
	RESOLUTION_DYNAMIC_DNS,
};
enum traffic_distribution { DISTRIBUTION_ANY, DISTRIBUTION_SAME_ZONE, DISTRIBUTION_SAME_NODE };

struct service_port_model {
	const char *name;
	uint16_t number;
	uint16_t
		target_port; /* ServiceEntry: targetPort or 0; Kubernetes: numeric targetPort or 0 */
	const char *target_name; /* Kubernetes: named targetPort, else NULL */
	enum protocol protocol;
};

struct service {
	const char *host; /* lower-case */
	const char *ns;
	const char *
		name; /* of the Kubernetes Service; a ServiceEntry's host. With it services are ordered */
	bool is_kubernetes;
	bool mesh_external;
	bool headless; /* Kubernetes, clusterIP None */
	enum resolution resolution;
	enum traffic_distribution
		distribution; /* declared on the object; see service_distribution */
	bool has_distribution;
	bool node_local;
	bool publish_not_ready;
	bool race_first_tcp_connect; /* istio.io/connect-strategy */
	int64_t created_s;
	const struct service_port_model *ports;
	uint32_t n_ports;
	/* Addresses as declared ("10.0.0.1", "10.0.0.0/8" of a ServiceEntry), without 0.0.0.0. */
	const char *const *addresses;
	uint32_t n_addresses;
	/* Allocated, from the ServiceEntry's status; NULL: none. service_vip allocates when there is none. */
	const char *auto_v4, *auto_v6;
	bool auto_allocate;   /* may have an allocated address */
	const char *alias_of; /* ExternalName's target */
	const struct str_map *labels, *annotations;
	const struct str_map *selector; /* NULL or empty: none */
	struct str_list export_to;      /* empty: mesh default */
	struct str_list subject_alt_names;
	const struct object
		*object; /* the one that counts: oldest, Kubernetes before ServiceEntry */
	const struct object *const
		*others; /* further ServiceEntries of the same host and namespace */
	uint32_t n_others;
};

/* NULL when (ns, host) is not there (any more). Records the entry. */
const struct service *service_read(struct run *, uint32_t ns, uint32_t host);
/* Adds the ports that another ServiceEntry of the same host and namespace has beyond its own, if the two are alike. */
void service_merge_ports(struct service *, const struct service *from, struct arena *);
/* The variant that the routes of a port are made from: of several objects or addresses of one host in a namespace istiod's
 * route builder keeps the last one with the port (5.4). Mostly the service itself. */
const struct service *service_of_routes(struct run *, const struct service *, uint16_t port);
/* The object's distribution, else its namespace's (1.4). */
enum traffic_distribution service_distribution(struct run *, const struct service *);
/* ExternalName services that lead to this one, in one or more steps, sorted by (ns, host): additional domains and SNI
 * names. Not filtered by visibility. */
struct service_alias {
	const char *ns, *host;
};
const struct service_alias *service_aliases(struct run *, const struct service *, uint32_t *ret_n);
/* The port of that number, or NULL. */
const struct service_port_model *service_port_of(const struct service *, uint16_t number);
/* Hosts that one object declares, lower-case, in the arena. Pure; for indexes too. */
const char *const *service_hosts(const struct object *, struct arena *, uint32_t *ret_n);
/* The model service of one host of one object, without merging or allocation; for indexes and tests. */
void service_from_object(const struct object *, const char *host, struct arena *,
			 struct service *ret);

/* The VIP that this proxy sees (translation.md 1.4): "0.0.0.0" when none. May ask families, DNS capture, cluster. */
const char *service_vip(struct run *, const struct service *);
/* All addresses for domains and name tables, mostly at least one; may be "0.0.0.0". */
const char *const *service_addresses(struct run *, const struct service *, uint32_t *ret_n);
/* "a.default.svc.cluster.local" for Kubernetes names. */
const char *service_fqdn(struct arena *, const char *name, const char *ns);
/* A host without dots becomes that of a Kubernetes service in ns (0.5). */
const char *host_resolve(struct arena *, const char *host, const char *ns);
const char *host_lower(struct arena *, const char *); /* the same string when it is lower-case */
bool host_is_wildcard(const char *);
bool host_matches(const char *a, const char *b); /* overlap, both may be wildcards */
bool host_subset_of(const char *host, const char *of);

/* ---- heads ---- */
enum head_flag {
	HEAD_KUBERNETES = 1,
	HEAD_EXPORTED = 2, /* exportTo is not simply public: export_to is set */
	HEAD_ALIAS = 4,
	HEAD_HEADLESS = 8,  /* resolution Passthrough */
	HEAD_CLASH = 16,    /* the host is declared in other namespaces as well */
	HEAD_EXTERNAL = 32, /* mesh external */
	HEAD_HAS_VIP = 64,
	HEAD_WILDCARD = 128,
	HEAD_DNS = 256,   /* DNS resolution of any kind */
	HEAD_AUTO = 512,  /* no address, but one is allocated for proxies that capture DNS */
	HEAD_MANY = 1024, /* a ServiceEntry with several addresses */
};
struct port_head {
	uint16_t number;
	uint8_t protocol; /* enum protocol */
	uint8_t reserved;
};
struct service_head {
	uint32_t host, name; /* keys */
	uint32_t export_to;  /* key of the sorted comma list; 0: public by default or '*' */
	uint32_t vip;        /* key of the first declared address; 0: none */
	int64_t created_s;
	uint16_t flags, n_ports;
	uint32_t first_port; /* in the port_heads behind */
};
/* Heads in a result, in order (created, name); ports in spec order. */
struct heads {
	uint32_t n, n_ports;
	const struct service_head *v;
	const struct port_head *ports;
};
/* Unscoped: all services of a namespace. Calls Q_NS_HEADS. */
struct heads heads_of_ns(struct run *, uint32_t ns);
struct result;
struct heads heads_in(const struct result *);
static inline const struct port_head *head_ports(const struct heads *h,
						 const struct service_head *s)
{
	return h->ports + s->first_port;
}
/* The head of a host, or NULL. */
const struct service_head *heads_find(const struct heads *, uint32_t host);
/* The port of that number, or NULL. */
const struct port_head *head_port(const struct heads *, const struct service_head *,
				  uint16_t number);
