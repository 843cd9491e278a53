/* model/gateway_impl.h
 * Between gateway.c, gateway_heads.c and gateway_merge.c.
 */
#pragma once
#include "model/gateway.h"

/* The key of a server in the list of a Gateway or Ingress, whose namespace and name are the pair `id`. */
uint32_t gateway_server_key(struct run *, uint32_t id, bool is_ingress, uint32_t index);
/* Its hosts with the Gateway's namespace for "." and without "*" for a namespace. */
struct str_list gateway_server_hosts(const struct server *, const char *ns, struct arena *);
/* PASSTHROUGH or AUTO_PASSTHROUGH */
bool server_passes_tls(const struct server *);

/* ---- heads: all but `created` of what decides how servers come together ---- */
enum gateway_flag {
	GATEWAY_OF_API = 1,  /* made from a Gateway API object */
	GATEWAY_MANAGED = 2, /* and the router was deployed for it */
};
enum server_flag {
	SERVER_TLS = 1,   /* it has TLS settings */
	SERVER_HTTPS = 2, /* it ends TLS and speaks HTTP */
	SERVER_SNI = 4,   /* AUTO_PASSTHROUGH */
};
struct gateway_head {      /* keys */
	uint32_t ns, name; /* of the Gateway, which an Ingress only stands for */
	uint32_t selector;
	uint32_t services; /* comma list of the hosts of services that it is for; 0: by selector */
	uint32_t services_ns;
	uint32_t flags, n_servers, reserved;
};
struct server_head {
	uint32_t spelling; /* key of the protocol as written */
	uint32_t bind;     /* key; KEY_EMPTY: none */
	uint32_t route;    /* key of its route configuration's name; 0: none, or that of its port */
	uint32_t first_host, n_hosts; /* of servers with TLS settings */
	uint16_t port, index;
	uint8_t protocol, flags;
	uint16_t reserved;
};
struct gateway_heads {
	struct gateway_head head;
	uint32_t id; /* pair(ns, name) of the object */
	const struct object *origin;
	const struct server_head *servers;
	const uint32_t *hosts; /* keys */
};
/* Of a Gateway or Ingress. False: nothing is to be made of it. Calls Q_GATEWAY_HEAD. */
bool gateway_head_read(struct run *, const struct object *, struct gateway_heads *ret);
