/* Clients that come back. The versions they claim are compared with the root that they are to have; what agrees is taken
 * as delivered, the rest becomes names to be sent and names to be removed, and from there on the stream is like any
 * other. Proxies of one class that missed the same change end up with the same sets, and share the response. */
#include "ads/stream.h"
#include <stdlib.h>
#include <string.h>

static uint64_t parse_version(const char *s)
{
	char again[VERSION_HEX];
	uint64_t v;

	if (!s || strlen(s) != VERSION_HEX - 1)
		return 0;
	v = strtoull(s, NULL, 16);
	version_hex(v, again);
	return str_eq(s, again) ? v : 0;
}

struct held *held_new(struct xds_cache *c, const struct ads_held *v, size_t n)
{
	const char **names = xmalloc(n * sizeof *names);
	struct held *h = xcalloc(1, sizeof *h + n * sizeof h->versions[0]);

	for (size_t i = 0; i < n; i++)
		names[i] = v[i].name;
	h->names = names_make(c, names, n);
	h->n = names_count(h->names);
	for (size_t i = 0; i < n; i++) {
		uint32_t at;

		if (names_find(h->names, v[i].name, &at))
			h->versions[at] = parse_version(v[i].version);
	}
	xfree(names);
	return h;
}

void held_free(struct held *h)
{
	if (!h)
		return;
	names_unref(h->names);
	xfree(h);
}

struct list {
	const char **v;
	uint32_t n, cap;
};

static void list_push(struct list *l, const char *s)
{
	VEC_ROOM(l->v, l->n, l->cap);
	l->v[l->n++] = s;
}

struct unknown {
	const struct names *held;
	struct list *out;
};

static bool add_unknown(void *ctx, const struct resource *r)
{
	struct unknown *u = ctx;

	if (!names_has_n(u->held, r->name, r->name_len))
		list_push(u->out, r->name);
	return true;
}

struct comparison {
	const struct watch *w;
	const struct root *target;
	const struct root
		*pair; /* EDS: the clusters whose versions went into those of the assignments */
	bool or_none;  /* or perhaps none did */
	struct list send, gone;
};

static bool agrees(const struct comparison *c, const char *name, const struct resource *r,
		   uint64_t version)
{
	enum xds_type type = (enum xds_type)c->w->type;

	if (!r)
		return response_empty_version(type, name, c->pair) == version ||
		       (c->or_none && response_empty_version(type, name, NULL) == version);
	return response_resource_version(r, c->pair) == version ||
	       (c->or_none && response_resource_version(r, NULL) == version);
}

/* Sorts what the client holds into: as it should be, to be sent, and to be removed. */
static void compare(struct comparison *c, const struct held *h)
{
	bool empties = xds_types[c->w->type].missing == XDS_MISSING_EMPTY;
	uint32_t n_there = 0;

	for (uint32_t i = 0; i < h->n; i++) {
		const char *name = names_at(h->names, i);
		struct resource r;

		if (root_find(c->target, name, &r)) {
			n_there++;
			if (!agrees(c, name, &r, h->versions[i]))
				list_push(&c->send, name);
		} else if (!empties || !agrees(c, name, NULL, h->versions[i])) {
			list_push(&c->gone, name);
		}
	}
	if (c->w->all && n_there < root_count(c->target))
		root_each(c->target, add_unknown, &(struct unknown){ h->names, &c->send });
}

/* Endpoints that a client waits for, of clusters that it still has but shall lose: an empty assignment now would take
 * such a cluster from its routes too early. Takes names; returns the others. */
static const struct names *put_off(struct ads_stream *s, struct watch *w, const struct names *names,
				   const struct names *clusters)
{
	const struct names *late = names_both(s->cache, names, clusters);
	const struct names *rest = names_minus(s->cache, names, late);

	names_set(&w->x->gone, names_union(s->cache, w->x->gone, late));
	names_unref(late);
	names_unref(names);
	return rest;
}

void held_settle(struct ads_stream *s, struct watch *w, const struct root *target)
{
	struct detail *x = w->x;
	struct held *h = TAKE(x->held);
	const struct watch *cds = stream_watch(s, XDS_CDS);
	struct comparison c = { .w = w, .target = target };
	const struct names *rest;

	if (w->type == XDS_EDS) {
		c.pair = cds && cds->sent ? cds->sent : snapshot_root(s->stage, XDS_CDS);
		c.or_none = !cds;
	}
	compare(&c, h);
	names_set(&x->force, names_make(s->cache, c.send.v, c.send.n));
	names_set(&x->gone, names_make(s->cache, c.gone.v, c.gone.n));
	rest = names_minus(s->cache, w->names, h->names);
	if (w->type == XDS_EDS && watch_gone(cds))
		rest = put_off(s, w, rest, watch_gone(cds));
	watch_force(s, w, rest);
	names_unref(rest);
	root_unref(w->sent);
	w->sent = root_ref(target);
	w->gathering = x->gone && w->type <= XDS_RDS;
	watch_find_due(w);
	held_free(h);
	xfree(c.send.v);
	xfree(c.gone.v);
}
