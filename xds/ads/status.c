/* What a stream tells about itself: plain values and references in the reader's arena, so that the reader may take its
 * time after the owner's lock is dropped. */
#include "ads/stream.h"
#include "base/arena.h"
#include <stdlib.h>
#include <string.h>

const char *ads_state_text(enum ads_state state)
{
	static const char *const text[] = { [ADS_NOT_SENT] = "NOT SENT",
					    [ADS_SYNCED] = "SYNCED",
					    [ADS_STALE] = "STALE",
					    [ADS_NACK] = "NACK" };

	return text[state];
}

static void unref_names(void *p)
{
	names_unref(p);
}

static void unref_root(void *p)
{
	root_unref(p);
}

static void unref_snapshot(void *p)
{
	snapshot_unref(p);
}

/* The arena keeps one reference; destructors take what is not const. */
static void keep(struct arena *a, void (*unref)(void *), const void *p)
{
	if (p)
		arena_own(a, unref, (void *)(uintptr_t)p);
}

static void copy_nack(const struct nack *n, struct arena *a, struct ads_type_status *ret)
{
	const char **names = names_sorted(n->names);

	ret->error = arena_strdup(a, n->text);
	ret->error_ns = n->at_ns;
	version_hex(n->version, ret->error_version);
	ret->n_error_names = names_count(n->names);
	ret->error_names = arena_dup(a, names, ret->n_error_names * sizeof *names);
	keep(a, unref_names, names_ref(n->names));
	xfree(names);
}

static enum ads_state state_of(const struct watch *w)
{
	if (w->x && w->x->nack)
		return ADS_NACK;
	if (!w->seq)
		return ADS_NOT_SENT;
	return w->in_flight ? ADS_STALE : ADS_SYNCED;
}

static void copy_watch(const struct ads_stream *s, const struct watch *w, struct arena *a,
		       struct ads_type_status *ret)
{
	const struct detail *x = w->x;
	const struct root *newest = w->type <= XDS_RDS
					    ? snapshot_root(s->newest, (enum xds_type)w->type)
					    : stream_target(s, w);

	*ret = (struct ads_type_status){
		.type = (enum xds_type)w->type,
		.type_url = w->type < XDS_N ? xds_types[w->type].url : arena_strdup(a, x->url),
		.state = state_of(w),
		.all = w->all,
		.names = names_ref(w->names),
		.sent_ns = stream_time(s, w->sent_at),
		.acked_ns = stream_time(s, w->acked_at),
		.sent_root = root_ref(w->sent),
		.n_sent = w->seq,
		.n_rejected = w->n_rejected,
	};
	ret->is_current = ret->state == ADS_SYNCED && !w->owed && !w->due && w->sent == newest &&
			  !watch_gone(w);
	keep(a, unref_names, ret->names);
	keep(a, unref_root, ret->sent_root);
	if (w->seq) {
		stream_nonce(s, w->seq, ret->sent_nonce);
		if (w->sent)
			version_hex(root_version(w->sent), ret->sent_version);
	}
	if (w->acked_seq) {
		stream_nonce(s, w->acked_seq, ret->acked_nonce);
		if (w->sent)
			version_hex(x ? x->acked_version : root_version(w->sent),
				    ret->acked_version);
	}
	if (x && x->nack)
		copy_nack(x->nack, a, ret);
}

void ads_status_copy(const struct ads_stream *s, struct arena *a, struct ads_status *ret)
{
	*ret = (struct ads_status){
		.id = s->id,
		.protocol = (enum xds_protocol)s->protocol,
		.connected_ns = s->connected_ns,
		.snapshot = snapshot_ref(s->newest),
		.n = s->n,
		.v = arena_array(a, struct ads_type_status, s->n),
	};
	keep(a, unref_snapshot, ret->snapshot);
	for (unsigned i = 0; i < s->n; i++)
		copy_watch(s, &s->v[i], a, &ret->v[i]);
}
