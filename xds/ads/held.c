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

struct claim {
	const char *name;
	uint64_t version;
};

static int compare_claims(const void *pa, const void *pb)
{
	return strcmp(((const struct claim *)pa)->name, ((const struct claim *)pb)->name);
}

struct held *held_new(struct xds_cache *c, const struct ads_held *v, size_t n)
{
	struct claim *claims = xmalloc(n * sizeof *claims);
	const char **names = xmalloc(n * sizeof *names);
	struct held *h;

	for (size_t i = 0; i < n; i++) {
		claims[i] = (struct claim){ v[i].name, parse_version(v[i].version) };
		names[i] = v[i].name;
	}
	qsort(claims, n, sizeof *claims, compare_claims);
	h = xmalloc(sizeof *h + n * sizeof h->versions[0]);
	h->names = names_make(c, names, n);
	h->n = names_count(h->names);
	for (uint32_t i = 0; i < h->n; i++) {
		struct claim key = { names_at(h->names, i), 0 };
		const struct claim *found = bsearch(&key, claims, n, sizeof *claims, compare_claims);

		h->versions[i] = found->version;
	}
	xfree(names);
	xfree(claims);
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

/* Sorts what the client holds into as it should be, to be sent, and to be removed. */
static void compare(const struct held *h, const struct watch *w, const struct root *target,
		    const struct root *pair, struct list *send, struct list *gone)
{
	enum xds_missing missing = xds_types[w->type].missing;
	uint32_t n_there = 0;

	for (uint32_t i = 0; i < h->n; i++) {
		const char *name = names_at(h->names, i);
		struct resource r;

		if (root_find(target, name, &r)) {
			n_there++;
			if (response_resource_version(&r, pair) != h->versions[i])
				list_push(send, name);
		} else if (missing != XDS_MISSING_EMPTY ||
			   response_empty_version((enum xds_type)w->type, name, pair) !=
				   h->versions[i]) {
			list_push(gone, name);
		}
	}
	if (w->all && n_there < root_count(target))
		root_each(target, add_unknown, &(struct unknown){ h->names, send });
}

void held_settle(struct ads_stream *s, struct watch *w, const struct root *target)
{
	struct detail *x = w->x;
	struct held *h = TAKE(x->held);
	const struct watch *cds = stream_watch(s, XDS_CDS);
	const struct root *pair = NULL;
	struct list send = { 0 }, gone = { 0 };
	const struct names *rest;

	if (w->type == XDS_EDS)
		pair = cds && cds->sent ? cds->sent : snapshot_root(s->stage, XDS_CDS);
	compare(h, w, target, pair, &send, &gone);
	names_set(&x->force, names_make(s->cache, send.v, send.n));
	names_set(&x->gone, names_make(s->cache, gone.v, gone.n));
	rest = names_minus(s->cache, w->names, h->names);
	watch_force(s, w, rest);
	names_unref(rest);
	root_unref(w->sent);
	w->sent = root_ref(target);
	w->gathering = x->gone && w->type <= XDS_RDS;
	watch_find_due(w);
	held_free(h);
	xfree(send.v);
	xfree(gone.v);
}
