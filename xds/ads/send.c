/* What goes out. A generation (the stage) is delivered in steps, in the order of the table below; a step may be taken
 * when what it depends on is with the client. The newest snapshot becomes the stage when the one before is delivered, or
 * at once when clusters, listeners and routes are the same: so a stream of changes never starves the later steps, and
 * changed endpoints never wait behind a changed route.
 *
 * "Clear" means that a type is out of the way: nothing to send and nothing unacknowledged, or unacknowledged for so long
 * (ADS_WAIT_NS) that waiting has no point. */
#include "ads/stream.h"
#include <assert.h>
#include <string.h>

struct step {
	uint8_t type;
	bool removal;
};
static const struct step steps[] = {
	{ XDS_CDS, false },     { XDS_EDS, false },      { XDS_LDS, false },
	{ XDS_RDS, false },     { XDS_LDS, true },       { XDS_RDS, true },
	{ XDS_CDS, true },      { XDS_EDS, true },       { XDS_SDS, false },
	{ XDS_ADDRESS, false }, { XDS_WORKLOAD, false }, { XDS_AUTHORIZATION, false },
	{ XDS_ECDS, false },    { XDS_NDS, false },      { XDS_PCDS, false },
};

/* ---- Conditions ---- */

static bool is_pending(const struct ads_stream *s, const struct watch *w)
{
	const struct root *target = stream_target(s, w);

	return target && (w->owed || w->sent != target);
}

static bool is_stuck(const struct ads_stream *s, const struct watch *w, int64_t now)
{
	return w->in_flight && now - stream_time(s, w->sent_at) >= ADS_WAIT_NS;
}

static bool is_clear(const struct ads_stream *s, enum xds_type type, int64_t now)
{
	const struct watch *w = stream_watch(s, type);

	return !w || is_stuck(s, w, now) || (!w->in_flight && !is_pending(s, w));
}

static bool has_gone(const struct ads_stream *s, enum xds_type type, int64_t now)
{
	const struct watch *w = stream_watch(s, type);

	return watch_gone(w) && !is_stuck(s, w, now);
}

/* When clusters were sent whose endpoints the client has not asked for yet. */
static bool is_awaited(const struct ads_stream *s, const struct watch *eds, int64_t now)
{
	const struct watch *cds = stream_watch(s, XDS_CDS);

	return watch_forced(eds) && cds && now - stream_time(s, cds->sent_at) < ADS_WAIT_NS;
}

/* Are the endpoints of all clusters there, so that these are ready for traffic? */
static bool is_warm(const struct ads_stream *s, int64_t now)
{
	const struct watch *w = stream_watch(s, XDS_EDS);

	if (!w || is_stuck(s, w, now) || !stream_target(s, w))
		return true;
	return !w->due && !w->owed && !(w->in_flight && w->fresh) && !is_awaited(s, w, now);
}

/* May what has vanished be removed? The type itself is not looked at. */
static bool may_remove(const struct ads_stream *s, enum xds_type type, int64_t now)
{
	switch (type) {
	case XDS_LDS: return is_clear(s, XDS_CDS, now) && is_clear(s, XDS_RDS, now);
	case XDS_RDS: return is_clear(s, XDS_LDS, now) && !has_gone(s, XDS_LDS, now);
	case XDS_CDS:
		return is_clear(s, XDS_LDS, now) && is_clear(s, XDS_RDS, now) &&
		       !has_gone(s, XDS_LDS, now);
	case XDS_EDS:
		return s->stage == s->newest && is_clear(s, XDS_CDS, now) &&
		       !has_gone(s, XDS_CDS, now);
	default: return true;
	}
}

static bool may_add(const struct ads_stream *s, const struct watch *w, int64_t now)
{
	const struct watch *cds = stream_watch(s, XDS_CDS);

	switch (w->type) {
	case XDS_EDS: return !cds || cds->in_flight || !is_pending(s, cds);
	case XDS_LDS:
	case XDS_RDS:
		/* A client that has shown no sign of ever acknowledging anything would wait in vain. */
		if (!w->seq && !s->is_careful)
			return true;
		return is_clear(s, XDS_CDS, now) && is_warm(s, now);
	default: return true;
	}
}

/* A returning client's answer with removals in it waits a moment for the subscriptions that tell whether these have to
 * come later. */
static bool is_gathering(const struct ads_stream *s, struct watch *w, int64_t now)
{
	static const enum xds_type companions[] = {
		[XDS_CDS] = XDS_RDS, [XDS_EDS] = XDS_CDS, [XDS_LDS] = XDS_RDS, [XDS_RDS] = XDS_LDS
	};

	if (w->gathering && (!watch_gone(w) || stream_watch(s, companions[w->type]) ||
			     now - s->connected_ns >= ADS_GATHER_NS))
		w->gathering = false;
	return w->gathering;
}

static bool advance(struct ads_stream *s, int64_t now)
{
	bool same = true, done = true;

	if (s->stage == s->newest)
		return false;
	for (unsigned t = 0; s->stage && t <= XDS_RDS; t++) {
		enum xds_type type = (enum xds_type)t;

		if (type == XDS_EDS)
			continue;
		same = same && snapshot_root(s->stage, type) == snapshot_root(s->newest, type);
		done = done && is_clear(s, type, now) && !has_gone(s, type, now);
	}
	if (!same && !done)
		return false;
	if (!same || !s->stage)
		s->eds_ahead = false;
	snapshot_unref(s->stage);
	s->stage = snapshot_ref(s->newest);
	return true;
}

/* ---- Sending ---- */

static void put_nonce(struct ads_send *send, const char *nonce)
{
	size_t len = strlen(nonce);

	send->nonce_field[0] = 5 << 3 | 2;
	send->nonce_field[1] = (uint8_t)len;
	memcpy(send->nonce_field + 2, nonce, len);
	send->nonce_len = (uint8_t)(len + 2);
}

static void give(struct ads_stream *s, struct watch *w, const struct body *body, int64_t now,
		 struct ads_send *ret)
{
	char nonce[ADS_NONCE_MAX];

	w->seq++;
	w->sent_at = stream_stamp(s, now);
	w->in_flight = true;
	w->owed = w->gathering = false;
	*ret = (struct ads_send){ .body = body, .type = (enum xds_type)w->type };
	stream_nonce(s, w->seq, nonce);
	put_nonce(ret, nonce);
}

/* Of the names, those that are not in the root. Takes names. */
static const struct names *not_in_root(struct ads_stream *s, const struct names *names,
				       const struct root *root)
{
	const char **back = xmalloc(names_count(names) * sizeof *back);
	const struct names *there, *rest;
	size_t n = 0;

	for (uint32_t i = 0; i < names_count(names); i++) {
		struct resource r;

		if (root_find(root, names_at(names, i), &r))
			back[n++] = names_at(names, i);
	}
	there = names_make(s->cache, back, n);
	rest = names_minus(s->cache, names, there);
	xfree(back);
	names_unref(there);
	names_unref(names);
	return rest;
}

/* After a response was made, whether it is sent or not: the client now holds, or already held, the target. */
static void settle(struct ads_stream *s, struct watch *w, const struct response_key *k,
		   const struct response *r)
{
	struct detail *x;

	if (r->vanished || watch_gone(w)) {
		x = watch_detail(w);
		names_set(
			&x->gone,
			k->keep ? not_in_root(s, names_union(s->cache, x->gone, r->vanished), k->to)
				: NULL);
	}
	if (watch_forced(w)) {
		x = w->x;
		names_set(&x->force, w->all ? NULL : names_minus(s->cache, x->force, w->names));
	}
	if (w->x && w->sent != k->to)
		names_set(&w->x->doubt, NULL);
	w->due = false;
	root_ref(k->to);
	root_unref(w->sent);
	w->sent = k->to;
}

/* Clusters that changed, or are new, warm up until their endpoints come (spec/translation.md 3.1). Who has not been
 * answered yet gets them with that answer. */
static void follow_clusters(struct ads_stream *s, const struct response *r)
{
	struct watch *eds = stream_watch(s, XDS_EDS);

	if (eds && eds->sent && !eds->own)
		watch_force(s, eds, r->eds);
}

/* What was rejected is tried again, unless it is to go anyway. */
static const struct names *add_doubt(struct ads_stream *s, const struct watch *w,
				     const struct names *force, const struct root *target)
{
	const struct names *absent = not_in_root(s, names_ref(w->x->doubt), target);
	const struct names *there = names_minus(s->cache, w->x->doubt, absent);
	const struct names *all = names_union(s->cache, force, there);

	names_unref(absent);
	names_unref(there);
	return all;
}

static bool take_step(struct ads_stream *s, struct watch *w, int64_t now, struct ads_send *ret,
		      struct ads_events *ev)
{
	const struct root *target = stream_target(s, w);
	const struct watch *cds = stream_watch(s, XDS_CDS);
	bool remove = w->type > XDS_RDS || may_remove(s, (enum xds_type)w->type, now);
	const struct names *force = names_ref(watch_forced(w));
	const struct response *r;
	struct response_key k = {
		.protocol = s->protocol,
		.type = w->type,
		.all = w->all,
		.keep = !remove,
		.from = w->sent,
		.to = target,
		.pair = w->type == XDS_EDS && cds && cds->seq ? cds->sent : NULL,
		.names = w->names,
		.remove = remove ? watch_gone(w) : NULL,
	};
	bool fresh = w->owed || w->due;

	if (w->x && w->sent != target)
		names_set(&force, add_doubt(s, w, force, target));
	if (k.keep)
		names_set(&force, names_minus(s->cache, force, watch_gone(w)));
	k.force = force;
	r = response_get(s->cache, &k);
	if (r->is_empty && !w->owed) {
		settle(s, w, &k, r);
		if (w->x && !w->x->nack)
			w->x->acked_version = w->acked_seq ? root_version(w->sent) : 0;
		watch_trim(w);
		names_unref(force);
		response_unref(r);
		return false;
	}
	watch_detail(w); /* remembers the version acknowledged so far */
	settle(s, w, &k, r);
	give(s, w, body_ref(r->body), now, ret);
	ret->n_resources = r->n_resources;
	ret->n_removed = r->n_removed;
	w->fresh = fresh;
	w->x->in_flight = r;
	names_unref(force);
	ev->n_sent[w->type]++;
	if (w->type == XDS_CDS)
		follow_clusters(s, r);
	return true;
}

static bool try_step(struct ads_stream *s, const struct step *step, int64_t now,
		     struct ads_send *ret, struct ads_events *ev)
{
	struct watch *w = stream_watch(s, (enum xds_type)step->type);
	const struct root *target;

	if (!w || w->in_flight)
		return false;
	target = stream_target(s, w);
	if (!target)
		return false;
	if (w->x && w->x->held)
		held_settle(s, w, target);
	if (step->removal) {
		if (!watch_gone(w) || is_pending(s, w) ||
		    !may_remove(s, (enum xds_type)w->type, now))
			return false;
	} else {
		if (!is_pending(s, w) && !w->due && !(w->type > XDS_RDS && watch_gone(w)))
			return false;
		if (!may_add(s, w, now) || is_gathering(s, w, now))
			return false;
	}
	return take_step(s, w, now, ret, ev);
}

static bool next_answer(struct ads_stream *s, struct ads_send *ret)
{
	struct waiting_answer *a = s->answers;
	char nonce[ADS_NONCE_MAX];

	if (!a)
		return false;
	s->answers = a->next;
	s->n_answers--;
	*ret = (struct ads_send){ .body = a->body, .type = XDS_DEBUG };
	s->answer_seq++;
	stream_answer_nonce(s, nonce);
	put_nonce(ret, nonce);
	xfree(a);
	return true;
}

/* What we do not know has no resources, and saying so is all that the client needs to go on. */
static bool next_unknown(struct ads_stream *s, int64_t now, struct ads_send *ret)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct watch *w = &s->v[i];

		if (w->type != XDS_OTHER || w->in_flight || !w->owed)
			continue;
		give(s, w,
		     answer_encode((enum xds_protocol)s->protocol, w->x->url, NULL, NULL, 0, NULL),
		     now, ret);
		return true;
	}
	return false;
}

/* Endpoints that nobody asked for in time are not waited for any longer. */
static void forget_awaited(struct ads_stream *s, int64_t now)
{
	struct watch *eds = stream_watch(s, XDS_EDS);

	if (eds && !eds->due && !eds->in_flight && watch_forced(eds) && !is_awaited(s, eds, now)) {
		names_set(&eds->x->force, NULL);
		watch_trim(eds);
	}
}

bool ads_next(struct ads_stream *s, int64_t now, struct ads_send *ret, struct ads_events *ev)
{
	if (next_answer(s, ret))
		return true;
	forget_awaited(s, now);
	advance(s, now);
	do {
		for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
			if (!s->eds_ahead)
				s->eds_ahead = stream_watch(s, XDS_CDS) &&
					       is_clear(s, XDS_CDS, now) && is_warm(s, now);
			if (try_step(s, &steps[i], now, ret, ev)) {
				stream_report(s, now, ev);
				return true;
			}
		}
	} while (advance(s, now));
	stream_report(s, now, ev);
	return next_unknown(s, now, ret);
}

void ads_send_fini(struct ads_send *send)
{
	body_unref(send->body);
	send->body = NULL;
}

static void earlier(int64_t *at, int64_t candidate, int64_t now)
{
	if (candidate > now && candidate < *at)
		*at = candidate;
}

int64_t ads_deadline(const struct ads_stream *s, int64_t now)
{
	const struct watch *cds = stream_watch(s, XDS_CDS);
	int64_t at = INT64_MAX;

	if (s->stage == s->newest && stream_is_sent(s))
		return at;
	for (unsigned i = 0; i < s->n && s->v[i].type <= XDS_RDS; i++) {
		const struct watch *w = &s->v[i];

		if (w->in_flight)
			earlier(&at, stream_time(s, w->sent_at) + ADS_WAIT_NS, now);
		if (w->gathering)
			earlier(&at, s->connected_ns + ADS_GATHER_NS, now);
		if (w->type == XDS_EDS && watch_forced(w) && cds)
			earlier(&at, stream_time(s, cds->sent_at) + ADS_WAIT_NS, now);
	}
	return at;
}
