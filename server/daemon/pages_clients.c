/* Pages about connections. Each connection is asked under its lock for a copy of its status; then, on the model thread, for
 * the objects behind what it rejected and for the problems that bear on it. Both are done once for proxies of one class.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/connection.h"
#include "daemon/model_thread.h"
#include "daemon/pages_impl.h"
#include "schema/object.h"
#include "translate/engine.h"
#include "types.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

enum {
	EXPLANATIONS_MAX = 64, /* of rejected resources, per page */
	OBJECTS_MAX = 50,      /* of one resource */
	CLASSES_MAX = 256,     /* whose problems are looked for, per page */
};

/* ---- gathering ---- */

struct gathered {
	struct arena arena;
	struct connection **connections; /* references; the client at the same index is its */
	uint32_t n_connections;
	struct client *clients;
	struct connection **of; /* by client */
	struct ads_status *statuses;
	struct client_view view;
	int64_t wall_offset_ns; /* from the monotonic clock to the wall's */
	bool with_names;
};

static const char *upper(struct arena *a, const char *s)
{
	char *copy = arena_strdup(a, s);

	for (char *p = copy; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	return copy;
}

static int64_t wall(const struct gathered *g, int64_t mono_ns)
{
	return mono_ns ? mono_ns + g->wall_offset_ns : 0;
}

static const char *const *sorted_names(struct gathered *g, const struct names *names)
{
	const char **v = names_sorted(names);

	arena_own(&g->arena, xfree, v);
	return v;
}

static void fill_resources(struct gathered *g, const struct ads_type_status *s,
			   struct client_type *t)
{
	struct client_resource *v = arena_array(&g->arena, struct client_resource,
						s->n_error_names);

	for (uint32_t i = 0; i < s->n_error_names; i++)
		v[i].name = s->error_names[i];
	t->resources = v;
	t->n_resources = s->n_error_names;
}

static void fill_type(struct gathered *g, const struct ads_type_status *s, struct client_type *t)
{
	bool known = s->type < XDS_N;
	/* Something newer is held back for the sake of order. */
	enum ads_state state =
		s->state == ADS_SYNCED && !s->is_current && known ? ADS_STALE : s->state;
	const char *slash = strrchr(s->type_url, '/');

	*t = (struct client_type){
		.name = known ? upper(&g->arena, xds_types[s->type].name)
			      : slash ? slash + 1 : s->type_url,
		.url = s->type_url,
		.field = known ? xds_types[s->type].status : NULL,
		.state = ads_state_text(state),
		.is_in_order = state == ADS_SYNCED || state == ADS_NOT_SENT,
		.version = s->sent_version,
		.acked_version = s->acked_version,
		.sent_nonce = s->sent_nonce,
		.acked_nonce = s->acked_nonce,
		.sent_ns = wall(g, s->sent_ns),
		.acked_ns = wall(g, s->acked_ns),
		.error = s->error,
		.error_version = s->error_version,
		.error_ns = wall(g, s->error_ns),
	};
	if (g->with_names) {
		t->names = sorted_names(g, s->names);
		t->n_names = names_count(s->names);
	}
	fill_resources(g, s, t);
}

/* False: nobody knows yet which proxy it is. */
static bool fill_client(struct gathered *g, struct connection *c, struct ads_status *status,
			struct client *to)
{
	struct client_type *types;
	bool joined = false;

	with_lock(&c->lock) {
		joined = c->joined && !c->closed;
		if (joined)
			ads_status_copy(c->ads, &g->arena, status);
	}
	if (!joined)
		return false;
	types = arena_array(&g->arena, struct client_type, status->n);
	for (uint32_t i = 0; i < status->n; i++)
		fill_type(g, &status->v[i], &types[i]);
	*to = (struct client){ .id = arena_printf(&g->arena, "%s-%u", c->proxy_id, c->id),
			       .proxy = c->proxy_id,
			       .kind = c->proxy_type,
			       .cluster = c->cluster_id,
			       .version = c->istio_version,
			       .peer = c->peer,
			       .ns = c->ns,
			       .missing = c->missing,
			       .connected_ns = c->connected_wall_ns,
			       .types = types,
			       .n_types = status->n };
	return true;
}

/* With proxyID only connections that it names; with namespace only those of proxies there. */
static bool is_asked_for(const struct client *c, const struct http_request *r)
{
	const char *id = http_query(r, "proxyID"), *ns = http_query(r, "namespace");

	return (str_empty(id) || strstr(c->id, id)) && (str_empty(ns) || str_eq(c->ns, ns));
}

struct seat {
	struct client client;
	struct connection *connection;
};

static int by_client(const void *a, const void *b)
{
	const struct seat *x = a, *y = b;

	return client_compare(&x->client, &y->client);
}

static void gather(struct pages *p, const struct http_request *r, bool with_names,
		   struct gathered *g)
{
	struct seat *seats;
	uint32_t n = 0;

	*g = (struct gathered){ .wall_offset_ns = clock_wall_ns() - clock_mono_ns(),
				.with_names = with_names };
	g->connections = connections_list(p->connections, &g->n_connections);
	seats = arena_array(&g->arena, struct seat, g->n_connections);
	for (uint32_t i = 0; i < g->n_connections; i++) {
		struct ads_status status;

		if (fill_client(g, g->connections[i], &status, &seats[n].client) &&
		    is_asked_for(&seats[n].client, r))
			seats[n++].connection = g->connections[i];
	}
	if (n)
		qsort(seats, n, sizeof *seats, by_client);
	g->clients = arena_array(&g->arena, struct client, n);
	g->of = arena_array(&g->arena, struct connection *, n);
	for (uint32_t i = 0; i < n; i++) {
		g->clients[i] = seats[i].client;
		g->of[i] = seats[i].connection;
	}
	g->view = (struct client_view){ .now_ns = clock_wall_ns(),
					.istiod = p->istiod,
					.clients = g->clients,
					.n_clients = n };
}

static void gathered_fini(struct gathered *g)
{
	arena_fini(&g->arena);
	for (uint32_t i = 0; i < g->n_connections; i++)
		connection_unref(g->connections[i]);
	xfree(g->connections);
}
