/* Clients that come back. The versions they claim are compared with the root that they are to have; what agrees is taken
 * as delivered, the rest becomes names to be sent and names to be removed, and from there on the stream is like any
 * other. Proxies of one class that missed the same change end up with the same sets, and share the response. */
#include "ads/stream.h"

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
	struct claims *held = TAKE(x->held);
	const struct watch *cds = stream_watch(s, XDS_CDS);
	const struct root *pair = NULL;
	struct claims_verdict v;
	const struct names *rest;

	if (w->type == XDS_EDS)
		pair = cds && cds->sent ? cds->sent : snapshot_root(s->stage, XDS_CDS);
	v = claims_compare(s->cache, held, target, pair, !cds, w->all);
	names_set(&x->force, v.send);
	names_set(&x->gone, v.remove);
	rest = names_minus(s->cache, w->names, claims_names(held));
	if (w->type == XDS_EDS && watch_gone(cds))
		rest = put_off(s, w, rest, watch_gone(cds));
	watch_force(s, w, rest);
	names_unref(rest);
	root_unref(w->sent);
	w->sent = root_ref(target);
	w->gathering = x->gone && w->type <= XDS_RDS;
	watch_find_due(w);
	claims_free(held);
}
