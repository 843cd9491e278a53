/* model/gateway.h
 * Gateways of a router: which of them it carries out, how their servers come together on ports, and which
 * VirtualServices are bound to them (translation.md 6.1, 6.2, 6.6). Ingresses count as the Gateways that they stand for.
 *
 * The merged table says where each server is; what a server says is read from its object, one by one, so that an edit
 * of one Gateway reaches only its own part of what is made from it.
 */
#pragma once
#include "model/virtual_service.h"

/* Servers that share a listener: one per port, protocol and bind. */
struct gateway_entry {
	uint32_t bind;     /* key of the address; KEY_EMPTY: all addresses */
	uint32_t route;    /* key of the route configuration's name, for the HTTP class; else 0 */
	uint16_t port;     /* to listen on */
	uint16_t protocol; /* enum protocol */
};
struct gateway_place {
	uint32_t server; /* key, see gateway_server_read */
	uint32_t route;  /* key of its route configuration's name; 0: it has none */
	uint16_t entry;
	uint16_t flags; /* enum gateway_place_flag */
};
enum gateway_place_flag {
	PLACE_HTTP3 = 1, /* it is offered over QUIC as well */
	PLACE_SNI = 2,   /* AUTO_PASSTHROUGH */
	PLACE_HTTPS = 4, /* it ends TLS and speaks HTTP */
};
/* Entries in the order of their first server, places in the order in which servers were merged. */
struct gateway_table {
	uint32_t n_entries, n_places;
	const struct gateway_entry *entries;
	const struct gateway_place *places;
};
enum { GATEWAY_ENTRIES_MAX = 65535 };
/* Of this router. Calls Q_GATEWAYS. */
struct gateway_table gateways_of_proxy(struct run *);
/* Is any of its servers AUTO_PASSTHROUGH? Asked by yes or no. */
bool gateway_passes_sni(struct run *);

struct gateway_server {
	const char *ns, *name;       /* of the Gateway */
	const char *gateway;         /* "ns/name" */
	const struct server *server; /* with a port */
	struct str_list hosts; /* "ns/host" or host: its own namespace and stars are resolved */
	enum protocol protocol;
	uint16_t port;               /* as the Gateway says; it may listen on another */
	const struct object *origin; /* the Gateway, or the Ingress that stands for it */
};
/* False: it is gone. */
bool gateway_server_read(struct run *, uint32_t key, struct gateway_server *ret);
/* Its Gateway or Ingress as a source, where it is not read. */
void gateway_server_cite(struct run *, uint32_t key);
/* Does it end TLS and speak HTTP, TLS and not HTTP, or pass TLS through? */
bool gateway_server_is_https(const struct gateway_server *);
bool gateway_server_passes_tls(const struct gateway_server *);
/* Hosts without namespaces, sorted, each once: what clients name in the handshake. */
struct str_list gateway_server_names(const struct gateway_server *, struct arena *);
/* The hosts that count for VirtualServices of a namespace. */
struct str_list gateway_hosts_for(const struct gateway_server *, const char *ns, struct arena *);

/* A VirtualService bound to a Gateway and visible here. */
struct gateway_source {
	uint32_t key;
	const char *ns;
	struct str_list hosts; /* resolved */
};
/* In order of precedence. Changes of what their routes do are not seen. */
const struct gateway_source *gateway_sources(struct run *, const struct gateway_server *,
					     uint32_t *ret_n);
/* The same with its rules; NULL: it is gone. */
const struct route_source *gateway_source_read(struct run *, uint32_t key);

/* Hosts, in order, that its VirtualServices lead to, besides those of extension providers. */
const uint32_t *gateway_references(struct run *, uint32_t *ret_n);

void gateway_head_run(struct run *, uint32_t key);
void gateways_run(struct run *, uint32_t key);
void gateway_sni_run(struct run *, uint32_t key);
void gateway_references_run(struct run *, uint32_t key);
