/* A model of Envoy on the other side of the engine, with messages under way in both directions, and a world that is
 * edited all the time. The client behaves as Envoy does: a new or changed cluster warms until its endpoints arrive after
 * it, endpoints are subscribed to as clusters come and go, routes as listeners do, it rejects now and then, and the
 * connection breaks. Two things must hold:
 *  - at no time does the client have a route to a cluster that is not there, or has no endpoints, or an empty route
 *    configuration under a listener (unless it rejected something, or came back in an order or a protocol that cannot
 *    give this);
 *  - whenever the world stands still, the client ends up with exactly the snapshot, and nothing warming.
 */
#include "../test.h"
#include "../xds_kit.h"
#include "ads/ads.h"
#include "base/err.h"

enum { N_CLUSTERS = 12, N_LISTENERS = 4, QUEUE_MAX = 64, HELD_MAX = 32, MS = 1000000 };

/* SOAK=SEED in the environment runs that seed alone and tells what happens. */
static bool is_told;

static void tell(const char *fmt, ...) printf_like(1, 2);
static void tell(const char *fmt, ...)
{
	va_list ap;

	if (!is_told)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

/* ---- Chance ---- */

static uint64_t seed;

static uint32_t chance(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % n;
}

/* ---- The client ---- */

struct have {
	char name[32], version[VERSION_HEX], content[64];
	bool eds;        /* a cluster with endpoints by EDS */
	bool active;     /* a cluster that takes traffic, */
	bool active_eds; /* with endpoints by EDS */
	bool warming;    /* has `next` waiting for endpoints */
	char next[64];
	bool excused; /* a route configuration that never had anything */
};
struct held_type {
	struct have v[HELD_MAX];
	unsigned n;
	char nonce[ADS_NONCE_MAX], version[VERSION_HEX];
	bool is_asked; /* on this connection */
};
struct up {
	enum xds_type type;
	const char *add[HELD_MAX], *remove[HELD_MAX];
	unsigned n_add, n_remove;
	struct claim held[HELD_MAX];
	unsigned n_held;
	char nonce[ADS_NONCE_MAX], version[VERSION_HEX], error[128];
	struct arena arena;
};
struct down {
	const struct body *body;
	uint8_t nonce[64];
	uint8_t nonce_len;
};
struct soak {
	enum xds_protocol protocol;
	bool shuffles; /* comes back in any order */
	bool late_eds; /* asks for endpoints after it acknowledged the clusters */
	bool may_reject, is_strict;
	bool excused[N_CLUSTERS]; /* rejected when they were new */
	struct xds_cache *cache;
	struct kit_world world;
	const struct snapshot *snapshot;
	struct ads_stream *stream;
	uint32_t id, n_edits;
	int64_t now;
	struct held_type types[XDS_RDS + 1];
	struct up *ups[QUEUE_MAX];
	struct down downs[QUEUE_MAX];
	unsigned n_ups, n_downs;
	const char *problem;
	char what[600];
	unsigned n_checked, n_rejected, n_reconnects;
};

static bool problem(struct soak *k, const char *what, const char *name)
{
	if (!k->problem) {
		k->problem = what;
		snprintf(k->what, sizeof k->what, "%s", name);
	}
	return false;
}

static struct have *find(struct held_type *t, const char *name)
{
	for (unsigned i = 0; i < t->n; i++) {
		if (str_eq(t->v[i].name, name))
			return &t->v[i];
	}
	return NULL;
}

static struct have *obtain(struct held_type *t, const char *name)
{
	struct have *h = find(t, name);

	if (h)
		return h;
	h = &t->v[t->n++];
	*h = (struct have){ 0 };
	snprintf(h->name, sizeof h->name, "%s", name);
	return h;
}

static void drop(struct held_type *t, struct have *h)
{
	*h = t->v[--t->n];
}

/* ---- Requests on their way ---- */

static struct up *up_new(struct soak *k, enum xds_type type)
{
	struct up *u = xcalloc(1, sizeof *u);

	u->type = type;
	if (k->n_ups == QUEUE_MAX) {
		problem(k, "requests pile up", "");
		k->n_ups--;
		arena_fini(&k->ups[k->n_ups]->arena);
		xfree(k->ups[k->n_ups]);
	}
	k->ups[k->n_ups++] = u;
	return u;
}

static const char *keep(struct up *u, const char *s)
{
	return arena_strdup(&u->arena, s);
}

/* What a named type is subscribed to now. */
static unsigned wanted(struct soak *k, enum xds_type type, const char **v)
{
	struct held_type *from = &k->types[type == XDS_EDS ? XDS_CDS : XDS_LDS];
	static char routes[N_LISTENERS][8];
	unsigned n = 0;

	for (unsigned i = 0; i < from->n; i++) {
		if (type == XDS_EDS && from->v[i].eds)
			v[n++] = from->v[i].name;
		if (type == XDS_RDS) {
			unsigned which = (unsigned)strtoul(from->v[i].name + 1, NULL, 10);

			snprintf(routes[which], sizeof routes[which], "r%u", which);
			v[n++] = routes[which];
		}
	}
	return n;
}

static void put_names(struct soak *k, struct up *u)
{
	const char *v[HELD_MAX];
	unsigned n = u->type == XDS_EDS || u->type == XDS_RDS ? wanted(k, u->type, v) : 0;

	for (unsigned i = 0; i < n; i++)
		u->add[u->n_add++] = keep(u, v[i]);
}

static void ask(struct soak *k, enum xds_type type)
{
	struct held_type *t = &k->types[type];
	struct up *u = up_new(k, type);

	put_names(k, u);
	for (unsigned i = 0; k->protocol == XDS_DELTA && i < t->n; i++) {
		if (t->v[i].version[0])
			u->held[u->n_held++] =
				(struct claim){ keep(u, t->v[i].name), keep(u, t->v[i].version) };
	}
	if (k->protocol == XDS_SOTW)
		snprintf(u->version, sizeof u->version, "%s", t->version);
	t->is_asked = true;
}

static void acknowledge(struct soak *k, enum xds_type type, const char *error)
{
	struct held_type *t = &k->types[type];
	struct up *u = up_new(k, type);

	if (k->protocol == XDS_SOTW)
		put_names(k, u);
	snprintf(u->nonce, sizeof u->nonce, "%s", t->nonce);
	snprintf(u->version, sizeof u->version, "%s", t->version);
	snprintf(u->error, sizeof u->error, "%s", error);
}

/* Subscriptions after clusters or listeners changed: what is not wanted any more is forgotten. */
static void resubscribe(struct soak *k, enum xds_type type)
{
	struct held_type *t = &k->types[type];
	const char *v[HELD_MAX];
	unsigned n = wanted(k, type, v);
	struct up *u;
	bool changed = false;

	if (!t->is_asked) {
		if (n)
			ask(k, type);
		for (unsigned i = 0; i < n; i++)
			obtain(t, v[i]);
		return;
	}
	u = up_new(k, type);
	for (unsigned i = 0; i < n; i++) {
		if (find(t, v[i]))
			continue;
		changed = true;
		obtain(t, v[i]);
		if (k->protocol == XDS_DELTA)
			u->add[u->n_add++] = keep(u, v[i]);
	}
	for (unsigned i = 0; i < t->n;) {
		bool is_wanted = false;

		for (unsigned j = 0; j < n; j++)
			is_wanted |= str_eq(v[j], t->v[i].name);
		if (is_wanted) {
			i++;
			continue;
		}
		changed = true;
		if (k->protocol == XDS_DELTA)
			u->remove[u->n_remove++] = keep(u, t->v[i].name);
		drop(t, &t->v[i]);
	}
	if (k->protocol == XDS_SOTW) {
		put_names(k, u);
		snprintf(u->nonce, sizeof u->nonce, "%s", t->nonce);
		snprintf(u->version, sizeof u->version, "%s", t->version);
		if (!u->n_add) /* would end the watch */
			t->is_asked = false;
	}
	if (!changed) {
		arena_fini(&u->arena);
		xfree(u);
		k->n_ups--;
	}
}

/* ---- Responses arriving ---- */

static bool *excuse_of(struct soak *k, const char *cluster)
{
	return &k->excused[strtoul(cluster + 1, NULL, 10) % N_CLUSTERS];
}

static void take_cluster(struct soak *k, struct have *h, const struct kit_item *it)
{
	bool changed = (!h->active && !h->warming) || h->eds != it->eds ||
		       !str_eq(h->warming ? h->next : h->content, it->content);

	if (!changed)
		return;
	if (it->eds) {
		h->warming = true;
		snprintf(h->next, sizeof h->next, "%s", it->content);
	} else {
		h->warming = false;
		h->active = true;
		h->active_eds = *excuse_of(k, h->name) = false;
		snprintf(h->content, sizeof h->content, "%s", it->content);
	}
	h->eds = it->eds;
}

static void take_item(struct soak *k, enum xds_type type, const struct kit_item *it)
{
	struct held_type *t = &k->types[type];
	bool named = type == XDS_EDS || type == XDS_RDS;
	struct have *h = named ? find(t, it->name) : obtain(t, it->name), *cluster;

	if (!h) /* unsubscribed meanwhile */
		return;
	snprintf(h->version, sizeof h->version, "%s", k->protocol == XDS_DELTA ? it->version : "-");
	if (type == XDS_CDS) {
		take_cluster(k, h, it);
		return;
	}
	/* Asked for when the listener was about to go: it gets an empty one. */
	h->excused = type == XDS_RDS && !h->content[0] && !it->content[0];
	snprintf(h->content, sizeof h->content, "%s", it->content);
	h->active = true;
	if (type != XDS_EDS)
		return;
	cluster = find(&k->types[XDS_CDS], it->name);
	if (cluster && cluster->warming) {
		cluster->warming = false;
		cluster->active = cluster->active_eds = true;
		*excuse_of(k, it->name) = false;
		snprintf(cluster->content, sizeof cluster->content, "%s", cluster->next);
	}
}

static void take_removals(struct soak *k, enum xds_type type, const struct kit_response *r)
{
	struct held_type *t = &k->types[type];

	for (uint32_t i = 0; i < r->n_removed; i++) {
		struct have *h = find(t, r->removed[i]);

		if (h)
			drop(t, h);
	}
	if (k->protocol == XDS_DELTA || type == XDS_EDS || type == XDS_RDS)
		return;
	for (unsigned i = 0; i < t->n;) {
		bool there = false;

		for (uint32_t j = 0; j < r->n_items; j++)
			there |= str_eq(r->items[j].name, t->v[i].name);
		if (there)
			i++;
		else
			drop(t, &t->v[i]);
	}
}

/* One of the items that is refused, or -1. */
static int pick_rejected(struct soak *k, enum xds_type type, const struct kit_response *r,
			 char *text, size_t size)
{
	int which;

	text[0] = 0;
	if (!k->may_reject || !r->n_items || chance(8))
		return -1;
	k->n_rejected++;
	which = (int)chance(r->n_items);
	if (type == XDS_CDS || type == XDS_LDS) {
		snprintf(text, size, "Error adding/updating %s(s) %s: bad",
			 type == XDS_CDS ? "cluster" : "listener", r->items[which].name);
	} else {
		snprintf(text, size, "bad");
	}
	if (type != XDS_CDS)
		k->is_strict = false;
	return which;
}

static void receive(struct soak *k)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct down d = k->downs[0];
	struct kit_response r = kit_parse(&a, k->protocol, d.body, d.nonce, d.nonce_len);
	enum xds_type type = xds_type_find(r.type_url);
	struct held_type *t;
	char error[128];
	int rejected;

	memmove(k->downs, k->downs + 1, --k->n_downs * sizeof *k->downs);
	body_unref(d.body);
	tell("%lld client takes %s", (long long)k->now / MS, xds_types[type].name);
	for (uint32_t i = 0; i < r.n_items; i++)
		tell(" %s=%s", r.items[i].name, r.items[i].content);
	for (uint32_t i = 0; i < r.n_removed; i++)
		tell(" -%s", r.removed[i]);
	tell("\n");
	if (r.is_malformed || type > XDS_RDS) {
		problem(k, "malformed response", "");
		return;
	}
	t = &k->types[type];
	snprintf(t->nonce, sizeof t->nonce, "%s", r.nonce);
	rejected = pick_rejected(k, type, &r, error, sizeof error);
	for (uint32_t i = 0; i < r.n_items; i++) {
		if (rejected < 0 || ((int)i != rejected && (type == XDS_CDS || type == XDS_LDS)))
			take_item(k, type, &r.items[i]);
		else if (type == XDS_CDS)
			*excuse_of(k, r.items[i].name) = true;
	}
	if (rejected < 0)
		snprintf(t->version, sizeof t->version, "%s", r.version);
	take_removals(k, type, &r);
	if (k->late_eds)
		acknowledge(k, type, error);
	if (type == XDS_CDS)
		resubscribe(k, XDS_EDS);
	if (type == XDS_LDS)
		resubscribe(k, XDS_RDS);
	if (!k->late_eds)
		acknowledge(k, type, error);
	/* Envoy asks for listeners when its clusters are warm. */
	if (!k->types[XDS_LDS].is_asked && k->types[XDS_CDS].version[0] + k->types[XDS_CDS].n) {
		for (unsigned i = 0; i < k->types[XDS_CDS].n; i++) {
			if (k->types[XDS_CDS].v[i].warming)
				return;
		}
		ask(k, XDS_LDS);
	}
}

/* ---- What must hold at any time ---- */

static bool cluster_works(struct soak *k, const char *name)
{
	const struct have *c = find(&k->types[XDS_CDS], name), *e = find(&k->types[XDS_EDS], name);

	if (*excuse_of(k, name))
		return true;
	return c && c->active && (!c->active_eds || (e && e->content[0]));
}

static bool check(struct soak *k)
{
	k->n_checked++;
	for (unsigned i = 0; i < k->types[XDS_RDS].n; i++) {
		const struct have *route = &k->types[XDS_RDS].v[i];
		char copy[64], *save, *c;

		if (!route->active || route->excused)
			continue;
		if (!route->content[0])
			return problem(k, "an empty route configuration under a listener",
				       route->name);
		snprintf(copy, sizeof copy, "%s", route->content);
		strtok_r(copy, ",", &save); /* its version */
		while ((c = strtok_r(NULL, ",", &save))) {
			if (!cluster_works(k, c))
				return problem(k, "a route to a cluster that is not there", c);
		}
	}
	return true;
}

/* ---- The world ---- */

static void set_cluster(struct soak *k, unsigned i, bool endpoints)
{
	char name[8], content[16];
	struct kit_thing *t;
	bool eds;

	snprintf(name, sizeof name, "c%u", i);
	snprintf(content, sizeof content, "v%u", ++k->n_edits);
	t = kit_find(&k->world, XDS_CDS, name);
	eds = t && chance(4) ? t->eds : chance(4) > 0;
	kit_set(&k->world, XDS_CDS, name, content, eds);
	if (!eds)
		kit_del(&k->world, XDS_EDS, name);
	else if (endpoints || !kit_find(&k->world, XDS_EDS, name))
		kit_set(&k->world, XDS_EDS, name, content, false);
}

static void set_route(struct soak *k, unsigned i)
{
	char name[8], content[64], cluster[8];
	int n = snprintf(content, sizeof content, "v%u", ++k->n_edits);

	for (unsigned tries = 0; tries < 3; tries++) {
		snprintf(cluster, sizeof cluster, "c%u", chance(N_CLUSTERS));
		if (kit_find(&k->world, XDS_CDS, cluster))
			n += snprintf(content + n, sizeof content - (size_t)n, ",%s", cluster);
	}
	snprintf(name, sizeof name, "r%u", i);
	kit_set(&k->world, XDS_RDS, name, content, false);
}

static void del_cluster(struct soak *k, unsigned i)
{
	char name[8], word[10];

	snprintf(name, sizeof name, "c%u", i);
	kit_del(&k->world, XDS_CDS, name);
	kit_del(&k->world, XDS_EDS, name);
	for (unsigned r = 0; r < N_LISTENERS; r++) {
		struct kit_thing *t;
		char route[8], tail[66];

		snprintf(route, sizeof route, "r%u", r);
		snprintf(word, sizeof word, ",%s,", name);
		t = kit_find(&k->world, XDS_RDS, route);
		if (!t)
			continue;
		snprintf(tail, sizeof tail, "%s,", t->content);
		if (strstr(tail, word))
			set_route(k, r);
	}
}

static void edit(struct soak *k)
{
	unsigned i = chance(N_CLUSTERS), l = chance(N_LISTENERS);
	char name[8], content[16];

	switch (chance(8)) {
	case 0:
	case 1: set_cluster(k, i, chance(2)); break;
	case 2: del_cluster(k, i); break;
	case 3:
		snprintf(name, sizeof name, "c%u", i);
		snprintf(content, sizeof content, "v%u", ++k->n_edits);
		if (kit_find(&k->world, XDS_EDS, name))
			kit_set(&k->world, XDS_EDS, name, content, false);
		break;
	case 4:
		set_cluster(k, i, false);
		/* fall through */
	case 5:
		snprintf(name, sizeof name, "r%u", l);
		if (kit_find(&k->world, XDS_RDS, name))
			set_route(k, l);
		break;
	case 6:
		snprintf(name, sizeof name, "L%u", l);
		snprintf(content, sizeof content, "v%u", ++k->n_edits);
		kit_set(&k->world, XDS_LDS, name, content, false);
		set_route(k, l);
		break;
	case 7:
		snprintf(name, sizeof name, "L%u", l);
		kit_del(&k->world, XDS_LDS, name);
		snprintf(name, sizeof name, "r%u", l);
		kit_del(&k->world, XDS_RDS, name);
		break;
	}
}

static void publish(struct soak *k)
{
	snapshot_unref(k->snapshot);
	k->snapshot = kit_snapshot(k->cache, &k->world);
	tell("%lld publish", (long long)k->now / MS);
	for (uint32_t i = 0; is_told && i < k->world.n; i++)
		tell(" %s%s=%s", k->world.v[i].type == XDS_EDS ? "e:" : "", k->world.v[i].name,
		     k->world.v[i].content);
	tell("\n");
	ads_set_snapshot(k->stream, k->snapshot, k->now);
}

/* ---- The wire ---- */

static void lose_messages(struct soak *k)
{
	for (unsigned i = 0; i < k->n_ups; i++) {
		arena_fini(&k->ups[i]->arena);
		xfree(k->ups[i]);
	}
	for (unsigned i = 0; i < k->n_downs; i++)
		body_unref(k->downs[i].body);
	k->n_ups = k->n_downs = 0;
}

static void reconnect(struct soak *k)
{
	enum xds_type order[] = { XDS_CDS, XDS_EDS, XDS_LDS, XDS_RDS };
	bool was_asked[XDS_RDS + 1];

	lose_messages(k);
	tell("%lld reconnect\n", (long long)k->now / MS);
	k->n_reconnects++;
	ads_stream_free(k->stream);
	k->stream = ads_stream_new(k->cache, k->protocol, ++k->id, k->now);
	if (k->snapshot && chance(2))
		ads_set_snapshot(k->stream, k->snapshot, 0);
	/* What SotW has lost meanwhile is gone with the first answer. */
	if (k->id > 1 && (k->protocol == XDS_SOTW || k->shuffles))
		k->is_strict = false;
	for (unsigned i = 0; i <= XDS_RDS; i++) {
		const char *v[HELD_MAX];

		was_asked[i] = k->types[i].is_asked;
		if (i == XDS_EDS || i == XDS_RDS)
			was_asked[i] = wanted(k, (enum xds_type)i, v) > 0;
		k->types[i].is_asked = false;
		k->types[i].nonce[0] = 0;
	}
	was_asked[XDS_CDS] = true;
	for (unsigned i = 3; k->shuffles && i > 0; i--) {
		unsigned j = chance(i + 1);
		enum xds_type t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
	for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
		if (was_asked[order[i]])
			ask(k, order[i]);
	}
}

static bool engine_sends(struct soak *k)
{
	struct ads_events ev = { 0 };
	struct ads_send send;
	struct down *d;

	if (k->n_downs == QUEUE_MAX || !ads_next(k->stream, k->now, &send, &ev))
		return false;
	d = &k->downs[k->n_downs++];
	d->body = send.body;
	memcpy(d->nonce, send.nonce_field, sizeof d->nonce);
	d->nonce_len = send.nonce_len;
	tell("%lld engine sends %s: %u, -%u\n", (long long)k->now / MS, xds_types[send.type].name,
	     send.n_resources, send.n_removed);
	return true;
}

static void engine_receives(struct soak *k)
{
	struct up *u = k->ups[0];
	struct ads_events ev = { 0 };
	struct err e = ERR_INIT;
	struct ads_request q = {
		.type_url = xds_types[u->type].url,
		.nonce = u->nonce,
		.version_info = u->version,
		.subscribe = u->add,
		.n_subscribe = u->n_add,
		.unsubscribe = u->remove,
		.n_unsubscribe = u->n_remove,
		.held = u->held,
		.n_held = u->n_held,
		.has_error = u->error[0],
		.error = u->error,
	};

	memmove(k->ups, k->ups + 1, --k->n_ups * sizeof *k->ups);
	tell("%lld engine takes %s %s %s", (long long)k->now / MS, xds_types[u->type].name,
	     u->nonce[0] ? "ack" : "ask", u->error);
	for (unsigned i = 0; i < u->n_add; i++)
		tell(" +%s", u->add[i]);
	for (unsigned i = 0; i < u->n_remove; i++)
		tell(" -%s", u->remove[i]);
	for (unsigned i = 0; i < u->n_held; i++)
		tell(" (%s)", u->held[i].name);
	tell("\n");
	if (!ads_request(k->stream, &q, k->now, &ev, &e))
		problem(k, "the engine refuses a request", e.text);
	arena_fini(&u->arena);
	xfree(u);
}

static void step(struct soak *k, bool edits)
{
	k->now += MS;
	switch (chance(edits ? 10 : 8)) {
	case 0:
	case 1: engine_sends(k); break;
	case 2:
	case 3:
	case 4:
		if (k->n_downs)
			receive(k);
		break;
	case 5:
	case 6:
	case 7:
		if (k->n_ups)
			engine_receives(k);
		break;
	default:
		if (!chance(50)) {
			reconnect(k);
			break;
		}
		for (unsigned n = chance(3); n < 3; n++)
			edit(k);
		publish(k);
	}
	if (k->is_strict)
		check(k);
	if (!chance(100))
		xds_cache_tick(k->cache, k->now);
}

static bool is_idle(struct soak *k)
{
	return !k->n_ups && !k->n_downs && !engine_sends(k);
}

/* ---- The end ---- */

static void compare(struct soak *k)
{
	for (unsigned t = 0; t <= XDS_RDS; t++) {
		struct held_type *h = &k->types[t];
		unsigned n = 0;

		for (uint32_t i = 0; i < k->world.n; i++) {
			const struct kit_thing *w = &k->world.v[i];
			const struct have *is;

			if (w->type != t)
				continue;
			n++;
			is = find(h, w->name);
			if (!is || !str_eq(is->content, w->content))
				problem(k, is ? "not the newest" : "missing", w->name);
			if (is && (is->warming || !is->active))
				problem(k, "warms for ever", w->name);
		}
		if (n != h->n)
			problem(k, "too much of", xds_types[t].name);
	}
}

static void settle(struct soak *k)
{
	unsigned steps = 0;

	k->may_reject = false;
	/* What was rejected is tried again when its type changes. */
	for (unsigned i = 0; i < N_LISTENERS; i++) {
		char name[8];

		snprintf(name, sizeof name, "r%u", i);
		if (kit_find(&k->world, XDS_RDS, name))
			set_route(k, i);
	}
	kit_set(&k->world, XDS_LDS, "L0", "last", false);
	set_route(k, 0);
	set_cluster(k, 0, true);
	set_cluster(k, 1, true);
	for (unsigned i = 0; i < N_CLUSTERS; i++) {
		char name[8], content[16];

		snprintf(name, sizeof name, "c%u", i);
		snprintf(content, sizeof content, "v%u", ++k->n_edits);
		if (kit_find(&k->world, XDS_EDS, name))
			kit_set(&k->world, XDS_EDS, name, content, false);
	}
	publish(k);
	for (;;) {
		int64_t at;

		if (k->problem)
			break;
		if (is_idle(k)) {
			at = ads_deadline(k->stream, k->now);
			if (at == INT64_MAX)
				break;
			k->now = at;
		}
		step(k, false);
		if (++steps > 20000)
			problem(k, "does not come to rest", "");
	}
	if (!k->problem)
		compare(k);
	if (!k->problem) {
		k->is_strict = true;
		check(k);
	}
}

static unsigned n_checked, n_rejected;

static void run(uint64_t with_seed, enum xds_protocol protocol, unsigned kind)
{
	struct soak k = { .protocol = protocol,
			  .shuffles = kind & 1,
			  .late_eds = kind & 2,
			  .cache = xds_cache_new(),
			  .now = MS,
			  .is_strict = true };

	seed = with_seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	k.world.served = 1u << XDS_CDS | 1u << XDS_EDS | 1u << XDS_LDS | 1u << XDS_RDS;
	for (unsigned i = 0; i < 20; i++)
		edit(&k);
	reconnect(&k);
	publish(&k);
	for (unsigned phase = 0; phase < 6 && !k.problem; phase++) {
		k.may_reject = phase % 2;
		for (unsigned i = 0; i < 400 && !k.problem; i++)
			step(&k, true);
		settle(&k);
	}
	if (k.problem)
		printf("seed %llu, %s, kind %u, after %u checks, %u rejections, %u connections: "
		       "%s: %s\n",
		       (unsigned long long)with_seed, protocol == XDS_SOTW ? "sotw" : "delta", kind,
		       k.n_checked, k.n_rejected, k.n_reconnects, k.problem, k.what);
	CHECK(!k.problem);
	n_checked += k.n_checked;
	n_rejected += k.n_rejected;
	lose_messages(&k);
	ads_stream_free(k.stream);
	snapshot_unref(k.snapshot);
	xds_cache_free(k.cache);
	xfree(k.world.v);
}

static void run_all(enum xds_protocol protocol)
{
	const char *only = getenv("SOAK");
	uint64_t one = only ? strtoull(only, NULL, 10) : 0;

	is_told = one;
	n_checked = n_rejected = 0;
	for (uint64_t s = one ? one : 1; s <= (one ? one : 60); s++)
		run(s, protocol, s & 3);
	/* The model has been at work. */
	CHECK(one || (n_checked > 20000 && n_rejected > 200));
}

TEST(soak_delta)
{
	run_all(XDS_DELTA);
}

TEST(soak_sotw)
{
	run_all(XDS_SOTW);
}
