/* The life of a stream and of its watches, and what everybody may ask of it. The protocol is in request.c (what comes in)
 * and send.c (what goes out). */
#include "ads/stream.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { STAMP_NS = 10000000 };

struct ads_stream *ads_stream_new(struct xds_cache *cache, enum xds_protocol protocol, uint32_t id,
				  int64_t now_ns)
{
	struct ads_stream *s = xcalloc(1, sizeof *s);

	s->cache = cache;
	s->protocol = (uint8_t)protocol;
	s->id = id;
	s->connected_ns = now_ns;
	return s;
}

static void nack_free(struct nack *n)
{
	if (!n)
		return;
	names_unref(n->names);
	xfree(n->text);
	xfree(n);
}

static void detail_free(struct detail *x)
{
	if (!x)
		return;
	response_unref(x->in_flight);
	names_unref(x->force);
	names_unref(x->doubt);
	names_unref(x->gone);
	root_unref(x->own);
	claims_free(x->held);
	nack_free(x->nack);
	xfree(x->url);
	xfree(x);
}

static void watch_fini(struct watch *w)
{
	root_unref(w->sent);
	names_unref(w->names);
	detail_free(w->x);
}

void ads_stream_free(struct ads_stream *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->n; i++)
		watch_fini(&s->v[i]);
	xfree(s->v);
	while (s->answers) {
		struct waiting_answer *a = s->answers;

		s->answers = a->next;
		body_unref(a->body);
		xfree(a);
	}
	snapshot_unref(s->newest);
	snapshot_unref(s->stage);
	xfree(s);
}

struct watch *stream_watch(const struct ads_stream *s, enum xds_type type)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (s->v[i].type == type)
			return &s->v[i];
	}
	return NULL;
}

struct watch *stream_watch_url(const struct ads_stream *s, const char *url)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (s->v[i].type == XDS_OTHER && str_eq(s->v[i].x->url, url))
			return &s->v[i];
	}
	return NULL;
}

struct watch *stream_watch_add(struct ads_stream *s, enum xds_type type, const char *url)
{
	struct watch *w;
	unsigned at = 0;

	while (at < s->n && s->v[at].type <= type)
		at++;
	s->v = xrealloc_array(s->v, s->n + 1u, sizeof *s->v);
	w = &s->v[at];
	memmove(w + 1, w, (s->n - at) * sizeof *w);
	s->n++;
	*w = (struct watch){ .type = (uint8_t)type };
	if (type == XDS_OTHER)
		watch_detail(w)->url = xstrdup(url);
	return w;
}

void stream_watch_drop(struct ads_stream *s, struct watch *w)
{
	watch_fini(w);
	s->n--;
	memmove(w, w + 1, (size_t)(s->v + s->n - w) * sizeof *w);
}

struct detail *watch_detail(struct watch *w)
{
	if (!w->x) {
		w->x = xcalloc(1, sizeof *w->x);
		w->x->acked_version = w->acked_seq ? root_version(w->sent) : 0;
	}
	return w->x;
}

void watch_trim(struct watch *w)
{
	const struct detail *x = w->x;

	if (!x || w->in_flight || x->in_flight || x->force || x->doubt || x->gone || x->own ||
	    x->held || x->nack || x->url)
		return;
	xfree(TAKE(w->x));
}

void names_set(const struct names **at, const struct names *taken)
{
	names_unref(*at);
	*at = taken;
}

void watch_find_due(struct watch *w)
{
	const struct names *force = watch_forced(w);

	w->due = force && (w->all || names_meet(force, w->names));
}

void watch_force(struct ads_stream *s, struct watch *w, const struct names *add)
{
	struct detail *x;

	if (!add)
		return;
	x = watch_detail(w);
	names_set(&x->force, names_union(s->cache, x->force, add));
	watch_find_due(w);
}

const struct root *stream_target(const struct ads_stream *s, const struct watch *w)
{
	const struct snapshot *from = s->newest;

	if (w->type == XDS_OTHER || w->wants_root)
		return NULL;
	if (w->own)
		return w->x->own;
	if (s->own_types >> w->type & 1)
		return NULL;
	if (w->type <= XDS_RDS && !(w->type == XDS_EDS && s->eds_ahead))
		from = s->stage;
	return snapshot_root(from, (enum xds_type)w->type);
}

bool stream_is_sent(const struct ads_stream *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct watch *w = &s->v[i];
		const struct root *r = w->type <= XDS_RDS && !w->own
					       ? snapshot_root(s->newest, (enum xds_type)w->type)
					       : stream_target(s, w);

		if (r && (w->owed || w->due || w->sent != r || watch_gone(w)))
			return false;
	}
	return true;
}

void stream_report(struct ads_stream *s, int64_t now_ns, struct ads_events *ev)
{
	if (!s->since_ns || !stream_is_sent(s))
		return;
	if (!s->is_converged) {
		s->is_converged = true;
		ev->is_converged = true;
		ev->converged_ns = now_ns - s->since_ns;
	}
	for (unsigned i = 0; i < s->n; i++) {
		if (s->v[i].in_flight)
			return;
	}
	ev->is_synced = true;
	ev->synced_ns = now_ns - s->since_ns;
	s->since_ns = 0;
}

static void note_change(struct ads_stream *s, int64_t changed_ns)
{
	if (!changed_ns || stream_is_sent(s))
		return;
	s->is_converged = false;
	if (!s->since_ns)
		s->since_ns = changed_ns;
}

void ads_set_snapshot(struct ads_stream *s, const struct snapshot *snapshot, int64_t changed_ns)
{
	const struct snapshot *old = s->newest;

	if (old == snapshot)
		return;
	s->newest = snapshot_ref(snapshot);
	snapshot_unref(old);
	note_change(s, changed_ns);
}

void ads_set_root(struct ads_stream *s, enum xds_type type, const struct root *root,
		  int64_t changed_ns)
{
	struct watch *w = stream_watch(s, type);

	assert(!root || root_type(root) == type);
	if (!w)
		return;
	w->own = root != NULL;
	w->wants_root = false;
	if (root || w->x) {
		struct detail *x = watch_detail(w);

		root_ref(root);
		root_unref(x->own);
		x->own = root;
		watch_trim(w);
	}
	note_change(s, changed_ns);
}

void ads_own_types(struct ads_stream *s, uint32_t types)
{
	s->own_types = types;
}

bool ads_answer(struct ads_stream *s, const struct body *body)
{
	struct waiting_answer **at = &s->answers;

	if (s->n_answers >= ADS_ANSWERS_MAX)
		return false;
	while (*at)
		at = &(*at)->next;
	*at = xcalloc(1, sizeof **at);
	(*at)->body = body_ref(body);
	s->n_answers++;
	return true;
}

bool ads_subscription(const struct ads_stream *s, enum xds_type type, bool *ret_all,
		      const struct names **ret_names)
{
	const struct watch *w = type < XDS_N ? stream_watch(s, type) : NULL;

	if (!w)
		return false;
	*ret_all = w->all;
	*ret_names = w->names;
	return true;
}

const struct snapshot *ads_snapshot(const struct ads_stream *s)
{
	return s->newest;
}

uint32_t stream_stamp(const struct ads_stream *s, int64_t now_ns)
{
	int64_t n = (now_ns - s->connected_ns) / STAMP_NS + 1;

	return n < 1 ? 1 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

int64_t stream_time(const struct ads_stream *s, uint32_t stamp)
{
	return stamp ? s->connected_ns + (int64_t)(stamp - 1) * STAMP_NS : 0;
}

void stream_nonce(const struct ads_stream *s, uint32_t seq, char ret_text[ADS_NONCE_MAX])
{
	snprintf(ret_text, ADS_NONCE_MAX, "%x-%x", s->id, seq);
}

void stream_answer_nonce(const struct ads_stream *s, char ret_text[ADS_NONCE_MAX])
{
	snprintf(ret_text, ADS_NONCE_MAX, "%x-d%x", s->id, s->answer_seq);
}

size_t ads_stream_memory(const struct ads_stream *s)
{
	size_t n = sizeof *s + s->n * sizeof *s->v + s->n_answers * sizeof *s->answers;

	for (unsigned i = 0; i < s->n; i++) {
		const struct detail *x = s->v[i].x;

		if (!x)
			continue;
		n += sizeof *x;
		n += claims_memory(x->held);
		if (x->nack)
			n += sizeof *x->nack + strlen(x->nack->text) + 1;
		if (x->url)
			n += strlen(x->url) + 1;
	}
	return n;
}
