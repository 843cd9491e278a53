/* What comes in: the decision tables of spec/surface.md 2.6 and 2.7. Both protocols come down to the same few changes of a
 * watch: an acknowledgement or a rejection of what is in flight, other names, and an answer owed.
 *
 * Where this differs from istiod: a delta request with a stale nonce is no acknowledgement, but its changes of the
 * subscription count, since the client will not repeat them. */
#include "ads/stream.h"
#include "base/err.h"
#include <assert.h>
#include <string.h>

/* ---- Acknowledgements ---- */

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '|' || c == '/' || c == '~';
}

/* Does the text hold the name as a word of its own? */
static bool text_names(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = text; len && (p = strstr(p, name)); p++) {
		char before = p > text ? p[-1] : ' ', after = p[len];

		if (after == '.' && (is_name_char(p[len + 1]) || p[len + 1] == '.'))
			continue;
		if (!is_name_char(before) && before != '.' && !is_name_char(after))
			return true;
	}
	return false;
}

/* The names in a response, as a new reference. */
static const struct names *names_in_flight(struct ads_stream *s, const struct watch *w)
{
	const struct response *r = w->x->in_flight;

	if (!r)
		return NULL;
	if (!r->is_full)
		return names_ref(r->sent);
	return w->all ? root_names(s->cache, w->sent) : names_ref(w->names);
}

static const struct names *names_in_text(struct ads_stream *s, const struct names *of,
					 const char *text)
{
	enum { LOOK_MAX = 4096 };
	const char *v[ADS_ERROR_NAMES_MAX];
	size_t n = 0;

	if (names_count(of) > LOOK_MAX)
		return NULL;
	for (uint32_t i = 0; i < names_count(of) && n < ADS_ERROR_NAMES_MAX; i++) {
		if (text_names(text, names_at(of, i)))
			v[n++] = names_at(of, i);
	}
	return names_make(s->cache, v, n);
}

static struct nack *nack_new(struct ads_stream *s, const struct ads_request *q,
			     const struct names *sent, int64_t now_ns)
{
	struct nack *n = xcalloc(1, sizeof *n);
	const char *text = str_empty(q->error) ? "rejected without a reason" : q->error;
	size_t len = strnlen(text, ADS_ERROR_MAX);

	n->text = xmalloc(len + 1);
	memcpy(n->text, text, len);
	n->text[len] = 0;
	n->names = names_in_text(s, sent, n->text);
	n->at_ns = now_ns;
	return n;
}

static void drop_nack(struct watch *w)
{
	struct nack *n = w->x ? TAKE(w->x->nack) : NULL;

	if (!n)
		return;
	names_unref(n->names);
	xfree(n->text);
	xfree(n);
}

/* Whether the client took all of a response but the resources it names: Envoy says so for clusters and listeners. */
static bool is_partial(const struct nack *n)
{
	return str_starts(n->text, "Error adding/updating") && n->names &&
	       names_count(n->names) < ADS_ERROR_NAMES_MAX && strlen(n->text) < ADS_ERROR_MAX;
}

static void conclude(struct ads_stream *s, struct watch *w, int64_t now_ns)
{
	response_unref(w->x->in_flight);
	w->x->in_flight = NULL;
	w->in_flight = w->fresh = false;
	w->acked_at = stream_stamp(s, now_ns);
}

static void on_ack(struct ads_stream *s, struct watch *w, int64_t now_ns, struct ads_events *ev)
{
	s->is_careful = true;
	w->acked_seq = w->seq;
	w->x->acked_version = w->x->in_flight ? w->x->in_flight->version : 0;
	drop_nack(w);
	conclude(s, w, now_ns);
	if (w->type < XDS_N)
		ev->n_acked[w->type]++;
	watch_trim(w);
	stream_report(s, now_ns, ev);
}

static void on_nack(struct ads_stream *s, struct watch *w, const struct ads_request *q,
		    int64_t now_ns, struct ads_events *ev)
{
	const struct names *sent = names_in_flight(s, w);
	struct watch *eds = stream_watch(s, XDS_EDS);
	uint32_t acked_at = w->acked_at;
	struct nack *n;

	drop_nack(w);
	n = w->x->nack = nack_new(s, q, sent, now_ns);
	n->version = w->x->in_flight ? w->x->in_flight->version : 0;
	names_set(&w->x->doubt,
		  names_union(s->cache, w->x->doubt, is_partial(n) ? n->names : sent));
	names_unref(sent);
	conclude(s, w, now_ns);
	w->acked_at = acked_at;
	w->n_rejected++;
	if (w->type < XDS_N)
		ev->n_rejected[w->type]++;
	/* Of clusters that were refused, nobody will ask for the endpoints. */
	if (w->type == XDS_CDS && watch_forced(eds) && !eds->all) {
		names_set(&eds->x->force,
			  is_partial(n) ? names_minus(s->cache, eds->x->force, n->names)
					: names_both(s->cache, eds->x->force, eds->names));
		watch_find_due(eds);
		watch_trim(eds);
	}
	stream_report(s, now_ns, ev);
}

/* True: the nonce is the last one sent. */
static bool take_nonce(struct ads_stream *s, struct watch *w, const struct ads_request *q,
		       int64_t now_ns, struct ads_events *ev)
{
	char nonce[ADS_NONCE_MAX];

	stream_nonce(s, w->seq, nonce);
	if (!w->seq || !str_eq(nonce, q->nonce)) {
		if (w->type < XDS_N)
			ev->n_expired[w->type]++;
		return false;
	}
	if (w->in_flight && q->has_error)
		on_nack(s, w, q, now_ns, ev);
	else if (w->in_flight)
		on_ack(s, w, now_ns, ev);
	return true;
}

/* ---- Subscriptions ---- */

/* The list as a set without "*". */
static const struct names *names_from(struct ads_stream *s, const char *const *v, size_t n,
				      bool *ret_star)
{
	const char **kept = xmalloc(n * sizeof *kept);
	const struct names *names;
	size_t n_kept = 0;

	*ret_star = false;
	for (size_t i = 0; i < n; i++) {
		if (str_eq(v[i], "*"))
			*ret_star = true;
		else
			kept[n_kept++] = v[i];
	}
	names = names_make(s->cache, kept, n_kept);
	xfree(kept);
	return names;
}

static bool is_wildcard(enum xds_type type)
{
	return type == XDS_OTHER || xds_types[type].wildcard;
}

/* Forgets what the client holds: the next response holds everything. */
static void start_over(struct watch *w)
{
	root_unref(w->sent);
	w->sent = NULL;
	w->owed = true;
	if (w->x) {
		names_set(&w->x->gone, NULL);
		names_set(&w->x->doubt, NULL);
		names_set(&w->x->force, NULL);
		w->due = false;
		watch_trim(w);
	}
}

static void note_subscription(const struct ads_stream *s, struct watch *w, struct ads_events *ev)
{
	if (w->type >= XDS_N || !(s->own_types >> w->type & 1))
		return;
	w->wants_root = true;
	ev->action = ADS_ACTION_SUBSCRIBED;
	ev->type = (enum xds_type)w->type;
}

static bool check_count(const struct watch *w, struct err *e)
{
	if (names_count(w->names) <= NAMES_MAX)
		return true;
	return err(e, "more than %d resource names of one type", NAMES_MAX);
}

/* ---- State of the world ---- */

static void sotw_begin(struct ads_stream *s, struct watch *w, enum xds_type type,
		       const struct ads_request *q, struct ads_events *ev)
{
	bool star;

	if (q->n_subscribe == 0 && !is_wildcard(type)) {
		if (w)
			stream_watch_drop(s, w);
		return;
	}
	if (!w) {
		w = stream_watch_add(s, type, q->type_url);
		s->is_careful |= !str_empty(q->version_info);
	} else if (w->in_flight) {
		response_unref(w->x->in_flight);
		w->x->in_flight = NULL;
		w->in_flight = w->fresh = false;
	}
	names_set(&w->names, names_from(s, q->subscribe, q->n_subscribe, &star));
	w->all = star || q->n_subscribe == 0;
	start_over(w);
	note_subscription(s, w, ev);
}

static void sotw_resubscribe(struct ads_stream *s, struct watch *w, const struct ads_request *q,
			     struct ads_events *ev)
{
	bool star, whole = w->type < XDS_N && xds_types[w->type].whole;
	const struct names *names, *added;

	if (!q->n_subscribe) {
		/* Nothing named by who never named anything: still everything. */
		if (!w->all || w->names)
			stream_watch_drop(s, w);
		return;
	}
	names = names_from(s, q->subscribe, q->n_subscribe, &star);
	if (names == w->names && star == w->all) {
		names_unref(names);
		return;
	}
	added = names_minus(s->cache, names, w->names);
	names_set(&w->names, names);
	if ((star && !w->all) || (added && (whole || w->type == XDS_OTHER))) {
		w->all = star;
		start_over(w);
	} else if (added) {
		w->owed = true;
		watch_force(s, w, added);
	}
	w->all = star;
	names_unref(added);
	if (w->x)
		watch_find_due(w);
	note_subscription(s, w, ev);
}

static bool sotw_request(struct ads_stream *s, enum xds_type type, const struct ads_request *q,
			 int64_t now_ns, struct ads_events *ev, struct err *e)
{
	struct watch *w =
		type == XDS_OTHER ? stream_watch_url(s, q->type_url) : stream_watch(s, type);

	if (q->has_error && (!w || str_empty(q->nonce)))
		return true;
	if (!w || str_empty(q->nonce))
		sotw_begin(s, w, type, q, ev);
	else if (take_nonce(s, w, q, now_ns, ev))
		sotw_resubscribe(s, w, q, ev);
	w = type == XDS_OTHER ? NULL : stream_watch(s, type);
	return !w || check_count(w, e);
}

/* ---- Delta ---- */

static void delta_begin(struct ads_stream *s, enum xds_type type, const struct ads_request *q,
			struct ads_events *ev)
{
	struct watch *w = stream_watch_add(s, type, q->type_url);
	const struct names *asked, *not ;
	bool star, not_star;

	asked = names_from(s, q->subscribe, q->n_subscribe, &star);
	not = names_from(s, q->unsubscribe, q->n_unsubscribe, &not_star);
	w->all = (star || (!q->n_subscribe && is_wildcard(type))) && !not_star;
	w->owed = true;
	if (q->n_held && type != XDS_OTHER) {
		struct claims *h = claims_new(s->cache, q->held, q->n_held);

		watch_detail(w)->held = h;
		s->is_careful = true;
		if (!w->all)
			names_set(&asked, names_union(s->cache, asked, claims_names(h)));
	}
	w->names = names_minus(s->cache, asked, not );
	names_unref(asked);
	names_unref(not );
	note_subscription(s, w, ev);
}

static void delta_resubscribe(struct ads_stream *s, struct watch *w, const struct ads_request *q,
			      struct ads_events *ev)
{
	const struct names *asked, *not ;
	bool star, not_star;

	if (!q->n_subscribe && !q->n_unsubscribe)
		return;
	asked = names_from(s, q->subscribe, q->n_subscribe, &star);
	not = names_from(s, q->unsubscribe, q->n_unsubscribe, &not_star);
	if (star && !not_star && !w->all) {
		w->all = true;
		start_over(w);
	}
	if (not_star)
		w->all = false;
	names_set(&w->names, names_union(s->cache, w->names, asked));
	names_set(&w->names, names_minus(s->cache, w->names, not ));
	if (asked || star) {
		w->owed = true;
		/* Also what it had before: who asks again has lost it. */
		watch_force(s, w, asked);
	}
	if (watch_forced(w))
		names_set(&w->x->force, names_minus(s->cache, w->x->force, not ));
	watch_find_due(w);
	watch_trim(w);
	names_unref(asked);
	names_unref(not );
	note_subscription(s, w, ev);
}

static bool delta_request(struct ads_stream *s, enum xds_type type, const struct ads_request *q,
			  int64_t now_ns, struct ads_events *ev, struct err *e)
{
	struct watch *w =
		type == XDS_OTHER ? stream_watch_url(s, q->type_url) : stream_watch(s, type);

	if (!w) {
		if (q->has_error)
			return true;
		delta_begin(s, type, q, ev);
		w = type == XDS_OTHER ? NULL : stream_watch(s, type);
		return !w || check_count(w, e);
	}
	if (!str_empty(q->nonce))
		take_nonce(s, w, q, now_ns, ev);
	delta_resubscribe(s, w, q, ev);
	return check_count(w, e);
}

bool ads_request(struct ads_stream *s, const struct ads_request *q, int64_t now_ns,
		 struct ads_events *ev, struct err *e)
{
	enum xds_type type = xds_type_find(q->type_url);
	char nonce[ADS_NONCE_MAX];
	unsigned n_other = 0;

	if (type == XDS_HEALTH || type == XDS_DEBUG) {
		/* An answer acknowledged is no further question. */
		stream_answer_nonce(s, nonce);
		if (type == XDS_DEBUG && s->answer_seq && str_eq(q->nonce, nonce))
			return true;
		ev->action = type == XDS_HEALTH ? ADS_ACTION_HEALTH : ADS_ACTION_QUERY;
		ev->type = type;
		return true;
	}
	if (q->n_subscribe > NAMES_MAX || q->n_held > NAMES_MAX)
		return err(e, "more than %d resource names in one request", NAMES_MAX);
	if (type == XDS_OTHER) {
		for (unsigned i = 0; i < s->n; i++)
			n_other += s->v[i].type == XDS_OTHER;
		if (str_empty(q->type_url) ||
		    (n_other >= ADS_OTHER_MAX && !stream_watch_url(s, q->type_url)))
			return true;
	}
	if (s->protocol == XDS_SOTW)
		return sotw_request(s, type, q, now_ns, ev, e);
	return delta_request(s, type, q, now_ns, ev, e);
}
