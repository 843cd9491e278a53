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
	CLIENT_PROBLEMS_MAX = 100,
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
	struct client_resource *v =
		arena_array(&g->arena, struct client_resource, s->n_error_names);

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
		.name = known   ? upper(&g->arena, xds_types[s->type].name)
			: slash ? slash + 1
				: s->type_url,
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

/* ---- asking the model ---- */

struct objects {
	struct arena *arena;
	struct client_object
		*v[2]; /* configuration, then what it is about: services, endpoints, pods */
	uint32_t n[2];
	size_t cap[2];
};

static void add_object(void *ctx, const struct object *o)
{
	struct objects *x = ctx;
	const char *group = kind_of(o)->group;
	bool core = !strstr(group, "istio.io") && !str_eq(group, "gateway.networking.k8s.io");
	char title[OBJECT_TITLE];

	*ARENA_PUSH(x->arena, x->v[core], x->n[core], x->cap[core]) = (struct client_object){
		.title = arena_strdup(x->arena, object_title(o, title)),
		.place = { arena_strdup(x->arena, str_or(o->place.file, "")), o->place.line,
			   o->place.column },
	};
}

static void explain(struct arena *a, struct engine *e, const struct engine_proxy *p,
		    enum xds_type type, struct client_resource *r)
{
	struct objects x = { .arena = a };
	struct client_object *v;
	uint32_t n;

	engine_explain(e, p, type, r->name, add_object, &x);
	n = MIN(x.n[0] + x.n[1], OBJECTS_MAX);
	v = arena_array(a, struct client_object, n);
	for (uint32_t i = 0; i < n; i++)
		v[i] = i < x.n[0] ? x.v[0][i] : x.v[1][i - x.n[0]];
	r->objects = v;
	r->n_objects = n;
	r->n_more = x.n[0] + x.n[1] - n;
}

struct explained {
	const void *class;
	const char *url;
	struct client_resource resource;
};
struct class_problems {
	const void *class;
	struct problems problems;
};
struct asking {
	struct gathered *g;
	bool with_problems;
	uint32_t next; /* client to go on with */
	struct explained explained[EXPLANATIONS_MAX];
	uint32_t n_explained;
	struct class_problems *classes;
	uint32_t n_classes;
	size_t c_classes;
};

static void explain_resource(struct asking *a, struct engine *e, const struct engine_proxy *p,
			     const struct client_type *t, struct client_resource *r)
{
	const void *class = engine_class_of(p);
	struct explained *x = a->explained, *end = x + a->n_explained;

	while (x < end &&
	       !(x->class == class && str_eq(x->url, t->url) && str_eq(x->resource.name, r->name)))
		x++;
	if (x == end) {
		if (a->n_explained == EXPLANATIONS_MAX)
			return;
		a->n_explained++;
		*x = (struct explained){ class, t->url, *r };
		explain(&a->g->arena, e, p, xds_type_find(t->url), &x->resource);
	}
	*r = x->resource;
}

static void explain_client(struct asking *a, struct engine *e, const struct engine_proxy *p,
			   struct client *c)
{
	struct arena *arena = &a->g->arena;
	struct client_type *types = arena_dup(arena, c->types, c->n_types * sizeof *types);

	for (uint32_t i = 0; i < c->n_types; i++) {
		uint32_t n = types[i].n_resources;
		struct client_resource *v = arena_dup(arena, types[i].resources, n * sizeof *v);

		for (uint32_t k = 0; k < n; k++)
			explain_resource(a, e, p, &types[i], &v[k]);
		types[i].resources = v;
	}
	c->types = types;
}

static void on_problem(void *ctx, unsigned query, uint32_t key, const struct diag *d)
{
	problems_add(ctx, d);
}

static void add_problems(struct asking *a, struct engine *e, const struct engine_proxy *p,
			 struct client *c)
{
	const void *class = engine_class_of(p);
	struct class_problems *x = a->classes, *end = x + a->n_classes;

	while (x < end && x->class != class)
		x++;
	if (x == end) {
		x = ARENA_PUSH(&a->g->arena, a->classes, a->n_classes, a->c_classes);
		*x = (struct class_problems){ class, { .arena = &a->g->arena } };
		engine_problems(e, p, on_problem, &x->problems);
		problems_sort(&x->problems);
	}
	c->problems = x->problems.v;
	c->n_problems = MIN(x->problems.n, CLIENT_PROBLEMS_MAX);
}

static bool has_resources(const struct client *c)
{
	for (uint32_t i = 0; i < c->n_types; i++)
		if (c->types[i].n_resources)
			return true;
	return false;
}

/* As many clients as fit into a moment: the model thread has better things to do. */
static void ask_some(void *ctx, struct engine *e)
{
	struct asking *a = ctx;
	int64_t until = clock_mono_ns() + 20 * NS_PER_MS;

	do {
		struct client *c = &a->g->clients[a->next];
		const struct engine_proxy *p = a->g->of[a->next]->proxy;

		if (p && has_resources(c))
			explain_client(a, e, p, c);
		if (p && a->with_problems)
			add_problems(a, e, p, c);
	} while (++a->next < a->g->view.n_clients && clock_mono_ns() < until);
}

static bool ask_model(struct pages *p, struct gathered *g, bool with_problems)
{
	struct asking *a = arena_new(&g->arena, struct asking);

	a->g = g;
	a->with_problems = with_problems;
	while (a->next < g->view.n_clients)
		if (!model_call(p->model, ask_some, a))
			return false;
	return true;
}

/* ---- pages ---- */

void page_syncz(struct pages *p, const struct http_request *r, struct http_response *out)
{
	struct gathered g;
	struct json j;

	gather(p, r, false, &g);
	page_json(r, out, &j);
	client_syncz(&j, &g.view);
	gathered_fini(&g);
}

void page_connections(struct pages *p, const struct http_request *r, struct http_response *out)
{
	struct gathered g;
	struct json j;

	gather(p, r, false, &g);
	page_json(r, out, &j);
	client_connections(&j, &g.view, false);
	gathered_fini(&g);
}

void page_adsz(struct pages *p, const struct http_request *r, struct http_response *out)
{
	struct gathered g;
	struct json j;

	if (str_eq(http_query(r, "push"), "true")) {
		http_respond(out, 501,
			     "push=true is not supported: a proxy is sent what is new at once, and "
			     "nothing is to be gained from sending it again\n");
		return;
	}
	gather(p, r, true, &g);
	page_json(r, out, &j);
	client_connections(&j, &g.view, true);
	gathered_fini(&g);
}

static const char not_connected[] = "Proxy not connected to this Pilot instance. It may be "
				    "connected to another instance.\n";

/* With a proxyID the problems are those that bear on its proxies, else all. */
static bool gather_problems(struct pages *p, struct gathered *g, bool narrow, bool per_client)
{
	struct problems all, some = { .arena = &g->arena };

	if (!pages_problems(p, &g->arena, &all) ||
	    !ask_model(p, g, (narrow || per_client) && all.n))
		return false;
	for (uint32_t i = 0; narrow && i < g->view.n_clients; i++)
		for (uint32_t k = 0; k < g->clients[i].n_problems; k++)
			*ARENA_PUSH(&g->arena, some.v, some.n, some.cap) =
				g->clients[i].problems[k];
	problems_sort(&some);
	g->view.problems = narrow ? some.v : all.v;
	g->view.n_problems = narrow ? some.n : all.n;
	return true;
}

void page_proxy_status(struct pages *p, const struct http_request *r, struct http_response *out)
{
	bool as_json = http_accept(r, HTTP_JSON) > http_accept(r, "text/plain"), in_order = true;
	bool narrow = !str_empty(http_query(r, "proxyID"));
	struct gathered g;
	struct json j;

	gather(p, r, false, &g);
	for (uint32_t i = 0; i < g.view.n_clients; i++)
		in_order = in_order && client_is_in_order(&g.clients[i]);
	if (narrow && !g.view.n_clients) {
		http_respond(out, 404, "%s", not_connected);
	} else if (!gather_problems(p, &g, narrow, as_json)) {
		page_stopping(out);
	} else if (as_json) {
		page_json(r, out, &j);
		client_status_json(&j, &g.view);
	} else {
		out->type = HTTP_TEXT;
		client_status_text(&out->body, &g.view);
	}
	/* For `mainsheet proxy-status`, whose exit code it decides. */
	http_response_header(out, "Mainsheet-Status", in_order ? "in-order" : "problems");
	gathered_fini(&g);
}

/* The id of a proxy or of a connection, or a part of one; the newest that fits best. */
struct connection *pages_find(struct pages *p, const struct http_request *r,
			      struct http_response *out)
{
	const char *id = http_query(r, "proxyID");
	struct connection **v, *found = NULL;
	unsigned best = 0;
	uint32_t n;

	if (str_empty(id)) {
		http_respond(out, 400, "You must provide a proxyID in the query string\n");
		return NULL;
	}
	v = connections_list(p->connections, &n);
	for (uint32_t i = 0; i < n; i++) {
		bool joined = false;
		unsigned fit = 0;
		char *connection_id;

		with_lock(&v[i]->lock)
			joined = v[i]->joined && !v[i]->closed;
		if (joined) {
			connection_id = xasprintf("%s-%u", v[i]->proxy_id, v[i]->id);
			fit = str_eq(v[i]->proxy_id, id) || str_eq(connection_id, id) ? 2
			      : strstr(connection_id, id)                             ? 1
										      : 0;
			xfree(connection_id);
		}
		if (fit && fit >= best) {
			best = fit;
			found = v[i];
		}
	}
	if (found)
		connection_ref(found);
	else
		http_respond(out, 404, "%s", not_connected);
	for (uint32_t i = 0; i < n; i++)
		connection_unref(v[i]);
	xfree(v);
	return found;
}
