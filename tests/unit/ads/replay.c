/* Runs the scripts tests/replay/ads-*.scn against the engine, in virtual time. One command a line, # begins a comment; NAME
 * stands for a client.
 *
 *	stream NAME delta|sotw		a new connection; what the client holds is kept if it had one before
 *	forget NAME			the client starts from nothing
 *	serve TYPE... | unserve TYPE...	which types the snapshots have roots for (cds eds lds rds at the start)
 *	set TYPE RES CONTENT [eds]	edits the world; eds: a cluster that asks EDS over ADS
 *	del TYPE RES
 *	publish [NAME...]		gives the world as a snapshot to all clients, or to some
 *	own NAME TYPE... | root NAME TYPE RES=CONTENT...	roots of the stream's own
 *	sub NAME TYPE [RES...] [+back]	a first or further subscription without nonce; +back: with the versions that the
 *					client holds (delta) or the last version_info (SotW)
 *	unsub NAME TYPE RES...		(delta)
 *	demand NAME TYPE		subscribes and unsubscribes "*" in one first request (delta)
 *	hold NAME TYPE RES VERSION	the client believes to hold this
 *	ack NAME TYPE [+RES... -RES...]	acknowledges the last response; with changes of the subscription
 *	names NAME TYPE [RES...]	SotW: acknowledges, and these are the names from now on
 *	nack NAME TYPE TEXT...
 *	stale NAME TYPE [+RES...]	an acknowledgement with a nonce of old
 *	wait MS
 *	expect NAME TYPE [RES=CONTENT...] [-RES...]	the next response, exactly; an empty resource is RES=
 *	expect NAME none
 *	same NAME NAME			the last responses of both were one body
 *	status NAME TYPE SYNCED|STALE|NACK|NOT_SENT [current|behind]
 *	error NAME TYPE WORD RES...	the NACK's text holds WORD; the resources it names
 *	count sent|acked|rejected|expired NAME TYPE N
 *	raw NAME URL [RES...] [error]	a request of any type
 *	action none|subscribed|query|health	of the last request
 *	answer NAME | ackanswer NAME	hands in the answer to a query; the client acknowledges it
 *	deadline NAME MS|none		from now on
 *	converged NAME MS|no		since the last command converged; synced likewise
 *	synced NAME MS|no
 */
#include "../test.h"
#include "../xds_kit.h"
#include "ads/ads.h"
#include "base/err.h"
#include "base/map.h"
#include <glob.h>

enum { WORDS_MAX = 32, CLIENTS_MAX = 8, HELD_MAX = 64, MS = 1000000 };

struct belief {
	unsigned type;
	char name[64], version[32];
};
struct client {
	char name[16];
	struct ads_stream *stream;
	enum xds_protocol protocol;
	char nonces[XDS_N + 1][ADS_NONCE_MAX], versions[XDS_N + 1][VERSION_HEX];
	struct belief held[HELD_MAX];
	unsigned n_held;
	char *names[XDS_N]; /* SotW: the last list, blank-separated */
	const struct body *last;
	struct ads_events total, now;
	int64_t converged, synced; /* -1: not since it was asked for */
};
struct replay {
	const char *file;
	unsigned line;
	struct xds_cache *cache;
	struct kit_world world;
	struct client clients[CLIENTS_MAX];
	unsigned n_clients;
	int64_t now;
	uint32_t next_id;
	enum ads_action action;
	struct arena arena; /* of one command */
	char *words[WORDS_MAX];
	unsigned n;
	bool failed;
};

static bool fail(struct replay *r, const char *fmt, ...) printf_like(2, 3);
static bool fail(struct replay *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("%s:%u: ", r->file, r->line);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	r->failed = true;
	return false;
}

static struct client *client_of(struct replay *r, unsigned word)
{
	for (unsigned i = 0; word < r->n && i < r->n_clients; i++) {
		if (str_eq(r->clients[i].name, r->words[word]))
			return &r->clients[i];
	}
	fail(r, "no such client");
	return NULL;
}

/* Short names; XDS_N stands for the unknown type "other", and debug and health are as they are. */
static bool type_of(struct replay *r, unsigned word, unsigned *ret)
{
	for (unsigned t = 0; word < r->n && t < XDS_N; t++) {
		if (str_eq(xds_types[t].name, r->words[word])) {
			*ret = t;
			return true;
		}
	}
	if (word < r->n && str_eq(r->words[word], "other")) {
		*ret = XDS_N;
		return true;
	}
	return fail(r, "no such type");
}

static const char *url_of(unsigned type)
{
	return type < XDS_N ? xds_types[type].url
			    : "type.googleapis.com/envoy.service.runtime.v3.Runtime";
}

static void believe(struct client *c, unsigned type, const char *name, const char *version)
{
	unsigned i = 0;

	while (i < c->n_held && !(c->held[i].type == type && str_eq(c->held[i].name, name)))
		i++;
	if (!version) {
		if (i < c->n_held)
			c->held[i] = c->held[--c->n_held];
		return;
	}
	if (i == c->n_held && c->n_held < HELD_MAX)
		c->n_held++;
	c->held[i].type = type;
	snprintf(c->held[i].name, sizeof c->held[i].name, "%s", name);
	snprintf(c->held[i].version, sizeof c->held[i].version, "%s", version);
}

static void add_events(struct client *c)
{
	for (unsigned t = 0; t < XDS_N; t++) {
		c->total.n_sent[t] += c->now.n_sent[t];
		c->total.n_acked[t] += c->now.n_acked[t];
		c->total.n_rejected[t] += c->now.n_rejected[t];
		c->total.n_expired[t] += c->now.n_expired[t];
	}
	if (c->now.is_converged)
		c->converged = c->now.converged_ns / MS;
	if (c->now.is_synced)
		c->synced = c->now.synced_ns / MS;
	c->now = (struct ads_events){ 0 };
}

static bool request(struct replay *r, struct client *c, struct ads_request *q)
{
	struct err e = ERR_INIT;

	if (!q->nonce)
		q->nonce = "";
	if (!q->version_info)
		q->version_info = "";
	if (!ads_request(c->stream, q, r->now, &c->now, &e))
		return fail(r, "refused: %s", e.text);
	r->action = c->now.action;
	add_events(c);
	return true;
}

/* ---- Commands about connections and the world ---- */

static bool do_stream(struct replay *r)
{
	struct client *c = NULL;

	for (unsigned i = 0; i < r->n_clients; i++) {
		if (str_eq(r->clients[i].name, r->words[1]))
			c = &r->clients[i];
	}
	if (!c && r->n_clients == CLIENTS_MAX)
		return fail(r, "too many clients");
	if (!c) {
		c = &r->clients[r->n_clients++];
		snprintf(c->name, sizeof c->name, "%s", r->words[1]);
	}
	ads_stream_free(c->stream);
	c->protocol = r->n > 2 && str_eq(r->words[2], "sotw") ? XDS_SOTW : XDS_DELTA;
	c->stream = ads_stream_new(r->cache, c->protocol, ++r->next_id, r->now);
	c->total = (struct ads_events){ 0 };
	c->converged = c->synced = -1;
	memset(c->nonces, 0, sizeof c->nonces);
	return true;
}

static bool do_forget(struct replay *r)
{
	struct client *c = client_of(r, 1);

	if (c) {
		c->n_held = 0;
		memset(c->versions, 0, sizeof c->versions);
	}
	return c != NULL;
}

static bool do_serve(struct replay *r)
{
	for (unsigned i = 1; i < r->n; i++) {
		unsigned type;

		if (!type_of(r, i, &type))
			return false;
		if (str_eq(r->words[0], "serve"))
			r->world.served |= 1u << type;
		else
			r->world.served &= ~(1u << type);
	}
	return true;
}

static bool do_set(struct replay *r)
{
	unsigned type;

	if (!type_of(r, 1, &type) || r->n < 4)
		return fail(r, "set TYPE RES CONTENT [eds]");
	kit_set(&r->world, (enum xds_type)type, str_eq(r->words[2], "\"\"") ? "" : r->words[2],
		r->words[3], r->n > 4);
	return true;
}

static bool do_del(struct replay *r)
{
	unsigned type;

	if (!type_of(r, 1, &type) || r->n != 3)
		return fail(r, "del TYPE RES");
	kit_del(&r->world, (enum xds_type)type, r->words[2]);
	return true;
}

static bool do_publish(struct replay *r)
{
	const struct snapshot *s = kit_snapshot(r->cache, &r->world);

	for (unsigned i = 0; i < r->n_clients; i++) {
		bool wanted = r->n == 1;

		for (unsigned k = 1; k < r->n; k++)
			wanted |= str_eq(r->words[k], r->clients[i].name);
		if (wanted)
			ads_set_snapshot(r->clients[i].stream, s, r->now);
	}
	snapshot_unref(s);
	return true;
}

static bool do_own(struct replay *r)
{
	struct client *c = client_of(r, 1);
	uint32_t types = 0;
	unsigned type;

	for (unsigned i = 2; c && i < r->n; i++) {
		if (!type_of(r, i, &type))
			return false;
		types |= 1u << type;
	}
	if (c)
		ads_own_types(c->stream, types);
	return c != NULL;
}

static bool do_root(struct replay *r)
{
	struct client *c = client_of(r, 1);
	struct kit_world w = { 0 };
	const struct result *result;
	const struct root *root;
	unsigned type;

	if (!c || !type_of(r, 2, &type))
		return false;
	for (unsigned i = 3; i < r->n; i++) {
		char *eq = strchr(r->words[i], '=');

		if (!eq)
			return fail(r, "RES=CONTENT");
		*eq = 0;
		kit_set(&w, (enum xds_type)type, r->words[i], eq + 1, false);
	}
	result = kit_root(&w, (enum xds_type)type);
	root = xds_types[type].personal ? root_personal((enum xds_type)type, result)
					: root_get(r->cache, (enum xds_type)type, result);
	ads_set_root(c->stream, (enum xds_type)type, root, r->now);
	root_unref(root);
	result_unref(result);
	xfree(w.v);
	return true;
}

/* ---- Requests ---- */

static bool do_sub(struct replay *r)
{
	struct client *c = client_of(r, 1);
	struct claim held[HELD_MAX];
	const char *names[WORDS_MAX];
	struct ads_request q = { .subscribe = names, .held = held };
	bool back = false;
	unsigned type;

	if (!c || !type_of(r, 2, &type))
		return false;
	for (unsigned i = 3; i < r->n; i++) {
		if (str_eq(r->words[i], "+back"))
			back = true;
		else
			names[q.n_subscribe++] = r->words[i];
	}
	for (unsigned i = 0; back && c->protocol == XDS_DELTA && i < c->n_held; i++) {
		if (c->held[i].type == type)
			held[q.n_held++] = (struct claim){ c->held[i].name, c->held[i].version };
	}
	if (back && c->protocol == XDS_SOTW)
		q.version_info = c->versions[type];
	q.type_url = url_of(type);
	return request(r, c, &q);
}

static bool do_demand(struct replay *r)
{
	static const char *const star[] = { "*" };
	struct client *c = client_of(r, 1);
	struct ads_request q = {
		.subscribe = star, .n_subscribe = 1, .unsubscribe = star, .n_unsubscribe = 1
	};
	unsigned type;

	if (!c || !type_of(r, 2, &type))
		return false;
	q.type_url = url_of(type);
	return request(r, c, &q);
}

static bool do_unsub(struct replay *r)
{
	struct client *c = client_of(r, 1);
	const char *names[WORDS_MAX];
	struct ads_request q = { .unsubscribe = names };
	unsigned type;

	if (!c || !type_of(r, 2, &type))
		return false;
	for (unsigned i = 3; i < r->n; i++)
		names[q.n_unsubscribe++] = r->words[i];
	q.type_url = url_of(type);
	return request(r, c, &q);
}

static bool do_hold(struct replay *r)
{
	struct client *c = client_of(r, 1);
	unsigned type;

	if (!c || !type_of(r, 2, &type) || r->n != 5)
		return fail(r, "hold NAME TYPE RES VERSION");
	believe(c, type, r->words[3], r->words[4]);
	return true;
}

/* ack, stale, names: an acknowledgement, with more or less else in it. */
static bool do_ack(struct replay *r)
{
	struct client *c = client_of(r, 1);
	const char *add[WORDS_MAX], *remove[WORDS_MAX];
	struct ads_request q = { .subscribe = add, .unsubscribe = remove };
	unsigned type;

	if (!c || !type_of(r, 2, &type))
		return false;
	q.type_url = url_of(type);
	q.nonce = str_eq(r->words[0], "stale") ? "0-stale" : c->nonces[type];
	q.version_info = c->versions[type];
	for (unsigned i = 3; i < r->n; i++) {
		if (r->words[i][0] == '-' && !str_eq(r->words[0], "names"))
			remove[q.n_unsubscribe++] = r->words[i] + 1;
		else
			add[q.n_subscribe++] = r->words[i] + (r->words[i][0] == '+');
	}
	return request(r, c, &q);
}

static bool do_nack(struct replay *r)
{
	struct client *c = client_of(r, 1);
	struct buf text = BUF_INIT;
	struct ads_request q = { .has_error = true, .error_code = 13 };
	unsigned type;
	bool ok;

	if (!c || !type_of(r, 2, &type))
		return false;
	for (unsigned i = 3; i < r->n; i++)
		buf_printf(&text, "%s%s", i > 3 ? " " : "", r->words[i]);
	q.type_url = url_of(type);
	q.nonce = c->nonces[type];
	q.error = buf_str(&text);
	ok = request(r, c, &q);
	buf_fini(&text);
	return ok;
}

static bool do_raw(struct replay *r)
{
	struct client *c = client_of(r, 1);
	const char *names[WORDS_MAX];
	struct ads_request q = { .subscribe = names };

	if (!c || r->n < 3)
		return false;
	q.type_url = r->words[2];
	for (unsigned i = 3; i < r->n; i++) {
		if (str_eq(r->words[i], "error"))
			q.has_error = true;
		else
			names[q.n_subscribe++] = r->words[i];
	}
	return request(r, c, &q);
}

static bool do_wait(struct replay *r)
{
	if (r->n != 2)
		return fail(r, "wait MS");
	r->now += strtoll(r->words[1], NULL, 10) * MS;
	xds_cache_tick(r->cache, r->now);
	return true;
}

/* ---- Expectations ---- */

static void print_response(struct buf *b, const struct kit_response *k)
{
	enum xds_type type = xds_type_find(k->type_url);

	buf_puts(b, type < XDS_N        ? xds_types[type].name
		    : type == XDS_OTHER ? "other"
					: k->type_url);
	for (uint32_t i = 0; i < k->n_items; i++)
		buf_printf(b, " %s=%s", str_or(k->items[i].name, ""), k->items[i].content);
	for (uint32_t i = 0; i < k->n_removed; i++)
		buf_printf(b, " -%s", k->removed[i]);
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void remember(struct client *c, const struct kit_response *k)
{
	unsigned type = xds_type_find(k->type_url);

	if (type > XDS_N)
		type = XDS_N;
	snprintf(c->nonces[type], sizeof c->nonces[type], "%s", k->nonce);
	snprintf(c->versions[type], sizeof c->versions[type], "%s", k->version);
	for (uint32_t i = 0; i < k->n_items && c->protocol == XDS_DELTA; i++)
		believe(c, type, k->items[i].name, k->items[i].version);
	for (uint32_t i = 0; i < k->n_removed; i++)
		believe(c, type, k->removed[i], NULL);
}

static bool do_expect(struct replay *r)
{
	struct client *c = client_of(r, 1);
	cleanup(buf_fini) struct buf is = BUF_INIT, should = BUF_INIT;
	struct ads_send send;
	struct kit_response k;

	if (!c)
		return false;
	if (ads_next(c->stream, r->now, &send, &c->now)) {
		k = kit_parse(&r->arena, c->protocol, send.body, send.nonce_field, send.nonce_len);
		if (k.is_malformed)
			return fail(r, "malformed response");
		print_response(&is, &k);
		remember(c, &k);
		body_unref(c->last);
		c->last = body_ref(send.body);
		ads_send_fini(&send);
	} else {
		buf_puts(&is, "none");
	}
	add_events(c);
	/* Resources come in any order; the words are sorted as strings on both sides. */
	for (int side = 0; side < 2; side++) {
		struct buf *b = side ? &should : &is;
		char *words[WORDS_MAX], *copy, *save, *w;
		unsigned n = 0;

		if (side) {
			for (unsigned i = 2; i < r->n; i++)
				words[n++] = r->words[i];
		} else {
			copy = arena_strdup(&r->arena, buf_str(b));
			for (w = strtok_r(copy, " ", &save); w && n < WORDS_MAX;
			     w = strtok_r(NULL, " ", &save))
				words[n++] = w;
			buf_reset(b);
		}
		if (n > 1)
			qsort(words + 1, n - 1, sizeof *words, compare_words);
		for (unsigned i = 0; i < n; i++)
			buf_printf(b, "%s%s", i ? " " : "", words[i]);
	}
	if (!str_eq(buf_str(&is), buf_str(&should)))
		return fail(r, "sent:     %s\n\texpected: %s", buf_str(&is), buf_str(&should));
	return true;
}

static bool do_same(struct replay *r)
{
	struct client *a = client_of(r, 1), *b = client_of(r, 2);

	if (a && b && (!a->last || a->last != b->last))
		return fail(r, "two bodies");
	return a && b;
}

static const struct ads_type_status *status_of(struct replay *r, const struct client *c,
					       unsigned type)
{
	struct ads_status s;

	ads_status_copy(c->stream, &r->arena, &s);
	for (uint32_t i = 0; i < s.n; i++) {
		if (s.v[i].type == type || (type == XDS_N && s.v[i].type == XDS_OTHER))
			return &s.v[i];
	}
	fail(r, "not subscribed");
	return NULL;
}

static bool do_status(struct replay *r)
{
	struct client *c = client_of(r, 1);
	const struct ads_type_status *t;
	unsigned type;
	char state[16];

	if (!c || !type_of(r, 2, &type) || r->n < 4 || !(t = status_of(r, c, type)))
		return fail(r, "status NAME TYPE STATE [current|behind]");
	snprintf(state, sizeof state, "%s", ads_state_text(t->state));
	for (char *p = state; *p; p++)
		*p = *p == ' ' ? '_' : *p;
	if (!str_eq(state, r->words[3]))
		return fail(r, "state is %s", state);
	if (r->n > 4 && t->is_current != str_eq(r->words[4], "current"))
		return fail(r, "is %s", t->is_current ? "current" : "behind");
	if (t->state == ADS_SYNCED &&
	    (!str_eq(t->sent_nonce, t->acked_nonce) || !str_eq(t->sent_version, t->acked_version)))
		return fail(r, "synced, but acked %s %s of %s %s", t->acked_nonce, t->acked_version,
			    t->sent_nonce, t->sent_version);
	return true;
}

static bool do_error(struct replay *r)
{
	struct client *c = client_of(r, 1);
	const struct ads_type_status *t;
	unsigned type;

	if (!c || !type_of(r, 2, &type) || r->n < 4 || !(t = status_of(r, c, type)))
		return false;
	if (!t->error || !strstr(t->error, r->words[3]))
		return fail(r, "the error is %s", str_or(t->error, "not there"));
	if (t->n_error_names != r->n - 4)
		return fail(r, "%u resources named", t->n_error_names);
	for (unsigned i = 0; i < t->n_error_names; i++) {
		if (!str_eq(t->error_names[i], r->words[4 + i]))
			return fail(r, "names %s", t->error_names[i]);
	}
	return true;
}

static bool do_count(struct replay *r)
{
	struct client *c = client_of(r, 2);
	unsigned type, is;

	if (!c || !type_of(r, 3, &type) || r->n != 5 || type == XDS_N)
		return fail(r, "count WHAT NAME TYPE N");
	is = str_eq(r->words[1], "sent")       ? c->total.n_sent[type]
	     : str_eq(r->words[1], "acked")    ? c->total.n_acked[type]
	     : str_eq(r->words[1], "rejected") ? c->total.n_rejected[type]
					       : c->total.n_expired[type];
	if (is != strtoul(r->words[4], NULL, 10))
		return fail(r, "count is %u", is);
	return true;
}

static bool do_action(struct replay *r)
{
	static const char *const names[] = { "none", "subscribed", "query", "health" };

	if (r->n != 2 || !str_eq(names[r->action], r->words[1]))
		return fail(r, "action is %s", names[r->action]);
	return true;
}

static bool do_deadline(struct replay *r)
{
	struct client *c = client_of(r, 1);
	int64_t at;

	if (!c || r->n != 3)
		return false;
	at = ads_deadline(c->stream, r->now);
	if (str_eq(r->words[2], "none") ? at != INT64_MAX
					: at - r->now != strtoll(r->words[2], NULL, 10) * MS)
		return fail(r, "deadline in %lld ms", (long long)(at - r->now) / MS);
	return true;
}

static bool do_converged(struct replay *r)
{
	struct client *c = client_of(r, 1);
	int64_t *is = c ? str_eq(r->words[0], "synced") ? &c->synced : &c->converged : NULL;
	int64_t should = r->n != 3                   ? -2
			 : str_eq(r->words[2], "no") ? -1
						     : strtoll(r->words[2], NULL, 10);

	if (is && *is != should)
		return fail(r, "is %lld ms", (long long)*is);
	if (is)
		*is = -1;
	return is != NULL;
}

static bool do_answer(struct replay *r)
{
	struct client *c = client_of(r, 1);
	struct answer_resource res = { "page", "istio.io/debug", "", 0 };
	const struct body *b;

	if (!c)
		return false;
	b = answer_encode(c->protocol, "istio.io/debug", NULL, &res, 1, "{}");
	if (!ads_answer(c->stream, b))
		fail(r, "too many answers");
	body_unref(b);
	return !r->failed;
}

static bool do_ackanswer(struct replay *r)
{
	struct client *c = client_of(r, 1);
	struct ads_request q = { .type_url = "istio.io/debug" };

	if (!c)
		return false;
	q.nonce = c->nonces[XDS_N];
	return request(r, c, &q);
}

static const struct command {
	const char *name;
	bool (*run)(struct replay *);
} commands[] = {
	{ "stream", do_stream },
	{ "forget", do_forget },
	{ "serve", do_serve },
	{ "unserve", do_serve },
	{ "set", do_set },
	{ "del", do_del },
	{ "publish", do_publish },
	{ "own", do_own },
	{ "root", do_root },
	{ "sub", do_sub },
	{ "unsub", do_unsub },
	{ "hold", do_hold },
	{ "ack", do_ack },
	{ "stale", do_ack },
	{ "names", do_ack },
	{ "nack", do_nack },
	{ "raw", do_raw },
	{ "wait", do_wait },
	{ "expect", do_expect },
	{ "same", do_same },
	{ "status", do_status },
	{ "error", do_error },
	{ "count", do_count },
	{ "action", do_action },
	{ "deadline", do_deadline },
	{ "converged", do_converged },
	{ "synced", do_converged },
	{ "answer", do_answer },
	{ "ackanswer", do_ackanswer },
	{ "demand", do_demand },
};

static bool run_line(struct replay *r, char *line)
{
	char *save, *w;

	r->n = 0;
	for (w = strtok_r(line, " \t\n", &save); w && *w != '#';
	     w = strtok_r(NULL, " \t\n", &save)) {
		if (r->n == WORDS_MAX)
			return fail(r, "too many words");
		r->words[r->n++] = w;
	}
	if (!r->n)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (str_eq(commands[i].name, r->words[0]))
			return commands[i].run(r);
	}
	return fail(r, "no such command: %s", r->words[0]);
}

static bool run_file(const char *path)
{
	struct replay *r = xcalloc(1, sizeof *r);
	FILE *f = fopen(path, "re");
	char line[1024];
	bool ok;

	if (!f) {
		xfree(r);
		return false;
	}
	r->file = path;
	r->cache = xds_cache_new();
	r->world.served = 1u << XDS_CDS | 1u << XDS_EDS | 1u << XDS_LDS | 1u << XDS_RDS;
	r->now = INT64_C(1000) * MS;
	while (!r->failed && fgets(line, sizeof line, f)) {
		r->line++;
		run_line(r, line);
		arena_fini(&r->arena);
	}
	ok = !r->failed && r->line;
	fclose(f);
	for (unsigned i = 0; i < r->n_clients; i++) {
		ads_stream_free(r->clients[i].stream);
		body_unref(r->clients[i].last);
	}
	xds_cache_free(r->cache);
	xfree(r->world.v);
	xfree(r);
	return ok;
}

TEST(replay)
{
	glob_t g;

	if (!CHECK(!glob("tests/replay/ads-*.scn", 0, NULL, &g)))
		return;
	CHECK(g.gl_pathc >= 25);
	for (size_t i = 0; i < g.gl_pathc; i++)
		test_check(run_file(g.gl_pathv[i]), g.gl_pathv[i], 0, "the script holds");
	globfree(&g);
}
