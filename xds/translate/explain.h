/* translate/explain.h
 * What a resource of a proxy was made from, out of the traces; the command line and the debug page say the same.
 *
 * A resource is named TYPE/NAME: cluster/NAME, endpoints/NAME, listener/NAME, vhost/ROUTECONFIG/NAME,
 * route/ROUTECONFIG/VHOST/NAME-or-INDEX; and proxy/facts, what is known of the proxy besides what it says itself, and
 * nametable/all. Its sources are those of the part of the tree that holds it (graph_explain): for a cluster the part of its
 * service, for a virtual host its own. What only decides whether it is there or seen is none, nor is mesh config, from which
 * all is made. A route has the sources of its virtual host but for VirtualServices that other routes are from.
 *
 * The engine's thread, unless it says otherwise.
 */
#pragma once
#include "translate/engine.h"

struct buf;

enum explain_outcome {
	EXPLAIN_FOUND,
	EXPLAIN_NOT_FOUND, /* the proxy has no such resource */
	EXPLAIN_BAD_NAME,  /* not the name of a resource at all */
};
/* Objects with a reference each, sorted by kind, namespace, name. */
struct explanation {
	const struct object **v;
	uint32_t n, cap;
};
/* `why` says more when it is not found. */
enum explain_outcome explain(struct engine *, const struct engine_proxy *, const char *resource,
			     struct explanation *ret, struct err *why);
/* Any thread. A line "KIND NS/NAME FILE:LINE" each, "rv=N" for what does not come from a file; or a JSON array of
 * {kind,namespace,name,file,line,column,resourceVersion}. */
void explanation_print(const struct explanation *, bool json, bool pretty, struct buf *out);
void explanation_fini(struct explanation *);

/* ---- shared with impact.c ---- */
/* The types by name; the row of proxy facts has no root. */
struct resource_type {
	const char *name;
	enum xds_type type; /* XDS_N: the proxy's facts */
};
enum { RESOURCE_TYPES = 7 };
extern const struct resource_type resource_types[RESOURCE_TYPES];
#define EXPLAIN_FACTS "facts"
#define EXPLAIN_TABLE "all"

/* The virtual hosts in encoded bytes of a RouteConfiguration: the next one's name and message; *at starts at the bytes.
 * False: no more. */
struct encoded_vhost {
	const char *name; /* not terminated */
	size_t name_len;
	const uint8_t *bytes;
	size_t len;
};
bool vhost_next(const uint8_t **at, const uint8_t *end, struct encoded_vhost *ret);
