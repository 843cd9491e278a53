/* http/client.h
 * Connected proxies as the pages show them: plain values, gathered by whoever knows, written here.
 *
 * Everything is borrowed. Times are wall-clock nanoseconds, 0 where it never happened; strings are "" where there is
 * nothing, unless it says NULL. The formats are istiod's (spec/surface.md 5.4), /proxy-status is ours.
 */
#pragma once
#include "base/diag.h"

struct buf;
struct json;

/* An object of the user's that a resource was built from. */
struct client_object {
	const char *title; /* "VirtualService shop/reviews" */
	struct place place;
};
struct client_resource {
	const char *name;
	const struct client_object *objects;
	uint32_t n_objects, n_more; /* n_more: left out */
};

/* What one connection has of one type. */
struct client_type {
	const char *name;  /* "CDS" */
	const char *url;   /* its type URL */
	const char *field; /* beginning of its fields in syncz, "cluster"; NULL: it has none */
	const char *state; /* "SYNCED", "STALE", "NOT SENT", "NACK" */
	bool is_in_order;  /* neither stale nor rejected */
	const char *version, *acked_version;
	const char *sent_nonce, *acked_nonce;
	int64_t sent_ns, acked_ns;
	const char *const *names; /* subscribed by name, sorted */
	uint32_t n_names;
	/* The last NACK, if it still counts. */
	const char *error; /* NULL: none */
	const char *error_version;
	int64_t error_ns;
	const struct client_resource *resources; /* that the error names */
	uint32_t n_resources;
};

/* Something that is not in order with an object. */
struct client_problem {
	struct problem problem;
	int64_t since_ns; /* 0: unknown */
	bool in_force;    /* some version of the object is in force */
};

struct client {
	const char *id;    /* of the connection: "pod.ns-7" */
	const char *proxy; /* "pod.ns" */
	const char *kind;  /* "sidecar", "router" ... */
	const char *cluster, *version, *peer, *ns;
	const char *missing; /* an extension that it has to have and lacks; NULL: none */
	int64_t connected_ns;
	const struct client_type *types;
	uint32_t n_types;
	const struct client_problem *problems; /* that bear on what it is sent */
	uint32_t n_problems;
};

struct client_view {
	int64_t now_ns;
	const char *istiod; /* name of this replica */
	const struct client *clients;
	uint32_t n_clients;
	const struct client_problem *problems; /* of the whole mesh */
	uint32_t n_problems;
};

/* The order of the pages: by cluster, namespace, proxy, connection. */
int client_compare(const struct client *, const struct client *);
bool client_is_in_order(const struct client *);

/* /debug/syncz */
void client_syncz(struct json *, const struct client_view *);
/* /debug/connections; with `full` /debug/adsz */
void client_connections(struct json *, const struct client_view *, bool full);
/* /proxy-status: a table, then what is not in order, as text; or all of it as JSON */
void client_status_text(struct buf *, const struct client_view *);
void client_status_json(struct json *, const struct client_view *);
/* /debug/configz?problems */
void client_problems(struct json *, const struct client_problem *, uint32_t n);
