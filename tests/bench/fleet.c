/* What a sidecar has is one number per name of the catalog: the resource, or that it waits for it. */
#include "tests/bench/fleet.h"
#include "base/clock.h"
#include "tests/bench/catalog.h"
#include "tests/bench/h2client.h"
#include "tests/bench/request.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIAL_SLICE = 16, TEXT_MAX = 64 };
#define REDIAL_NS (500 * NS_PER_MS)

/* States of a name; from HAS_FIRST on: HAS_FIRST + number of the resource. */
enum { UNKNOWN, WAITING, ABSENT, HAS_FIRST };

static const enum ads_kind child_of[ADS_N] = { ADS_EDS, ADS_N, ADS_RDS, ADS_N };

struct sidecar {
	struct fleet *fleet;
	uint32_t index;
	struct h2c_conn *conn; /* NULL: closed */
	int64_t redial_ns;     /* 0: not */
	struct reader reader;
	uint32_t *state, n_state; /* by name */
	bool is_open[ADS_N];      /* has been asked for */
	bool is_acked[ADS_N];     /* at least once */
	bool is_marked[ADS_N];    /* counted in n_acked */
	bool is_synced;
	uint32_t n_waiting[ADS_N];
	/* Of the response that arrives. */
	bool is_changed, is_narrowed; /* something asks for fewer names than before */
	uint32_t *fresh;              /* names to be subscribed to */
	size_t n_fresh, c_fresh;
	uint32_t *received; /* SotW: names in it */
	size_t n_received, c_received;
	char **removed;
	size_t n_removed;
};
struct fleet {
	const struct fleet_options *options;
	struct h2c *loop;
	struct catalog *catalog;
	struct sidecar *v;
	struct fleet_counts counts;
	uint32_t *marks, c_marks, mark; /* scratch: by name */
	uint32_t n_redial;
};

static uint32_t *state_of(struct sidecar *s, uint32_t name)
{
	if (name >= s->n_state) {
		uint32_t n = MAX(name + 1, s->n_state * 2);

		s->state = xrealloc_array(s->state, n, sizeof *s->state);
		memset(s->state + s->n_state, 0, (n - s->n_state) * sizeof *s->state);
		s->n_state = n;
	}
	return &s->state[name];
}

static const struct resource *resource_of(struct sidecar *s, uint32_t name)
{
	uint32_t state = *state_of(s, name);

	return state >= HAS_FIRST ? catalog_at(s->fleet->catalog, state - HAS_FIRST) : NULL;
}

/* ---- sending ---- */

static void begin(struct sidecar *s, struct request *r, enum ads_kind kind)
{
	request_begin(r, s->fleet->options->is_sotw, kind);
	s->is_open[kind] = true;
}

static void send_off(struct sidecar *s, struct request *r)
{
	h2c_send(s->conn, r->b.p, r->b.len);
	buf_fini(&r->b);
}

static void add_node(struct sidecar *s, struct request *r)
{
	char name[TEXT_MAX], ns[TEXT_MAX], ip[TEXT_MAX], app[TEXT_MAX];
	uint32_t i = s->index;

	snprintf(app, sizeof app, "client-%u", s->fleet->options->is_distinct ? i : 0);
	snprintf(name, sizeof name, "client-%u-0", i);
	snprintf(ns, sizeof ns, "ns-%u", i % s->fleet->options->n_namespaces);
	snprintf(ip, sizeof ip, "10.%u.%u.%u", 200 + (i >> 16), i >> 8 & 255, i & 255);
	request_node(r, &(struct node){ name, ns, ip, app });
}

/* All names of a type that are subscribed to. */
static void add_names(struct sidecar *s, struct request *r, enum ads_kind kind)
{
	for (uint32_t i = 1; i < s->n_state; i++)
		if (s->state[i] && catalog_kind(s->fleet->catalog, i) == kind)
			request_subscribe(r, catalog_text(s->fleet->catalog, i));
}

static void acknowledge(struct sidecar *s, enum ads_kind kind, const char *version,
			const char *nonce)
{
	struct request r;

	begin(s, &r, kind);
	request_nonce(&r, nonce);
	if (r.is_sotw) {
		request_version(&r, version);
		if (kind == ADS_EDS || kind == ADS_RDS)
			add_names(s, &r, kind);
	}
	send_off(s, &r);
}

static void ask_all(struct sidecar *s, enum ads_kind kind)
{
	struct request r;

	begin(s, &r, kind);
	if (kind == ADS_CDS)
		add_node(s, &r);
	send_off(s, &r);
}

/* ---- names that are asked for ---- */

/* Names of `kind` that nothing of `parent` asks for any more. */
static void unsubscribe(struct sidecar *s, struct request *r, enum ads_kind parent,
			enum ads_kind kind)
{
	struct fleet *f = s->fleet;

	if (f->c_marks < s->n_state) {
		f->marks = xrealloc_array(f->marks, s->n_state, sizeof *f->marks);
		memset(f->marks + f->c_marks, 0, (s->n_state - f->c_marks) * sizeof *f->marks);
		f->c_marks = s->n_state;
	}
	f->mark++;
	for (uint32_t i = 1; i < s->n_state; i++) {
		const struct resource *has = resource_of(s, i);

		for (uint32_t k = 0; has && has->kind == parent && k < has->n_wants; k++)
			f->marks[has->wants[k]] = f->mark;
	}
	for (uint32_t i = 1; i < s->n_state; i++) {
		if (!s->state[i] || f->marks[i] == f->mark || catalog_kind(f->catalog, i) != kind)
			continue;
		s->n_waiting[kind] -= s->state[i] == WAITING;
		s->state[i] = UNKNOWN;
		if (!r->is_sotw)
			request_unsubscribe(r, catalog_text(f->catalog, i));
	}
}

static void ask_names(struct sidecar *s, enum ads_kind parent)
{
	enum ads_kind kind = child_of[parent];
	struct request r;

	if (!s->n_fresh && !s->is_narrowed)
		return;
	begin(s, &r, kind);
	if (s->is_narrowed)
		unsubscribe(s, &r, parent, kind);
	if (r.is_sotw)
		add_names(s, &r, kind);
	for (size_t i = 0; !r.is_sotw && i < s->n_fresh; i++)
		request_subscribe(&r, catalog_text(s->fleet->catalog, s->fresh[i]));
	send_off(s, &r);
}

/* ---- receiving ---- */

static bool wants(const struct resource *r, uint32_t name)
{
	for (uint32_t i = 0; r && i < r->n_wants; i++)
		if (r->wants[i] == name)
			return true;
	return false;
}

/* `now` takes the place of `was`; either may be NULL. */
static void exchange(struct sidecar *s, const struct resource *was, const struct resource *now)
{
	for (uint32_t i = 0; was && i < was->n_wants; i++)
		s->is_narrowed |= !wants(now, was->wants[i]);
	for (uint32_t i = 0; now && i < now->n_wants; i++) {
		uint32_t *state = state_of(s, now->wants[i]);

		if (*state != UNKNOWN)
			continue;
		*state = WAITING;
		s->n_waiting[catalog_kind(s->fleet->catalog, now->wants[i])]++;
		VEC_ROOM(s->fresh, s->n_fresh, s->c_fresh);
		s->fresh[s->n_fresh++] = now->wants[i];
	}
}

static bool is_known(void *user, enum ads_kind kind, uint64_t hash)
{
	struct sidecar *s = user;

	return catalog_has(s->fleet->catalog, kind, hash);
}

static void on_resource(void *user, const struct seen *seen)
{
	struct sidecar *s = user;
	struct fleet *f = s->fleet;
	uint32_t number = catalog_resource(f->catalog, seen);
	const struct resource *now = catalog_at(f->catalog, number), *was;

	f->counts.n_resources++;
	was = resource_of(s, now->name);
	if (was && was->hash == now->hash)
		f->counts.n_unchanged++;
	else
		s->is_changed = true;
	s->n_waiting[now->kind] -= *state_of(s, now->name) == WAITING;
	*state_of(s, now->name) = HAS_FIRST + number;
	exchange(s, was, now);
	if (f->options->is_sotw) {
		VEC_ROOM(s->received, s->n_received, s->c_received);
		s->received[s->n_received++] = now->name;
	}
}

static void remove_name(struct sidecar *s, uint32_t name)
{
	enum ads_kind kind = catalog_kind(s->fleet->catalog, name);
	const struct resource *was = resource_of(s, name);
	uint32_t *state = state_of(s, name);

	s->fleet->counts.n_removed++;
	if (*state == UNKNOWN)
		return;
	s->is_changed |= was != NULL;
	s->n_waiting[kind] -= *state == WAITING;
	*state = kind == ADS_CDS || kind == ADS_LDS ? UNKNOWN : ABSENT;
	exchange(s, was, NULL);
}

/* The type of the response may not be known yet: removals wait for its end, in a buffer of names. */
static void on_removed(void *user, const char *name)
{
	struct sidecar *s = user;

	s->removed = xrealloc_array(s->removed, s->n_removed + 1, sizeof *s->removed);
	s->removed[s->n_removed++] = xstrdup(name);
}

static void apply_removed(struct sidecar *s, enum ads_kind kind)
{
	for (size_t i = 0; i < s->n_removed; i++) {
		remove_name(s, catalog_name(s->fleet->catalog, kind, s->removed[i]));
		xfree(s->removed[i]);
	}
	s->n_removed = 0;
}

/* SotW: clusters and listeners that are not in the response are gone. */
static void remove_missing(struct sidecar *s, enum ads_kind kind)
{
	uint8_t *is_there = xcalloc(s->n_state, 1);

	for (size_t i = 0; i < s->n_received; i++)
		is_there[s->received[i]] = 1;
	for (uint32_t i = 1; i < s->n_state; i++)
		if (s->state[i] >= HAS_FIRST && !is_there[i] &&
		    catalog_kind(s->fleet->catalog, i) == kind)
			remove_name(s, i);
	xfree(is_there);
}

/* What comes next in the order in which Envoy asks. */
static void go_on(struct sidecar *s)
{
	if (s->is_acked[ADS_CDS] && !s->n_waiting[ADS_EDS] && !s->is_open[ADS_LDS])
		ask_all(s, ADS_LDS);
	if (!s->is_synced && s->is_acked[ADS_LDS] && !s->n_waiting[ADS_EDS] &&
	    !s->n_waiting[ADS_RDS]) {
		s->is_synced = true;
		s->fleet->counts.n_synced++;
	}
}

static void on_response(void *user, enum ads_kind kind, const char *version, const char *nonce)
{
	struct sidecar *s = user;
	struct fleet_counts *counts = &s->fleet->counts;

	counts->n_responses++;
	if (kind == ADS_N) {
		fprintf(stderr, "bench: a response of a type that was not asked for\n");
		exit(1);
	}
	apply_removed(s, kind);
	if (s->fleet->options->is_sotw && (kind == ADS_CDS || kind == ADS_LDS))
		remove_missing(s, kind);
	acknowledge(s, kind, version, nonce);
	s->is_acked[kind] = true;
	if (s->is_changed && !s->is_marked[kind]) {
		s->is_marked[kind] = true;
		counts->n_acked[kind]++;
	}
	if (child_of[kind] != ADS_N)
		ask_names(s, kind);
	go_on(s);
	s->is_changed = s->is_narrowed = false;
	s->n_fresh = s->n_received = 0;
}

static const struct reader_events reader_events = { .is_known = is_known,
						    .on_resource = on_resource,
						    .on_removed = on_removed,
						    .on_response = on_response };

/* ---- connections ---- */

static void forget(struct sidecar *s)
{
	s->fleet->counts.n_synced -= s->is_synced;
	s->is_synced = false;
	memset(s->state, 0, s->n_state * sizeof *s->state);
	memset(s->n_waiting, 0, sizeof s->n_waiting);
}

/* The response that was arriving never will. */
static void hang_up(struct sidecar *s)
{
	for (size_t i = 0; i < s->n_removed; i++)
		xfree(s->removed[i]);
	s->n_fresh = s->n_received = s->n_removed = 0;
	s->is_changed = s->is_narrowed = false;
	memset(s->is_open, 0, sizeof s->is_open);
	memset(s->is_acked, 0, sizeof s->is_acked);
	reader_fini(&s->reader);
	s->conn = NULL;
}

static void on_data(struct h2c_conn *c, const uint8_t *p, size_t n)
{
	struct sidecar *s = h2c_user(c);

	reader_feed(&s->reader, p, n);
}

static void on_message(struct h2c_conn *c, size_t len)
{
	struct sidecar *s = h2c_user(c);

	reader_end(&s->reader);
}

static void on_close(struct h2c_conn *c, const struct h2c_end *end)
{
	struct sidecar *s = h2c_user(c);

	if (!s->fleet->counts.n_dropped++)
		fprintf(stderr, "bench: a stream ended: status %d %s, %s\n", end->grpc_status,
			end->grpc_message, end->cause);
	hang_up(s);
	forget(s);
	s->redial_ns = clock_mono_ns() + REDIAL_NS;
	s->fleet->n_redial++;
}

static const struct h2c_events h2c_events = { .on_data = on_data,
					      .on_message = on_message,
					      .on_close = on_close };

/* All four subscriptions at once, with what is still there. */
static void resume(struct sidecar *s)
{
	for (unsigned kind = 0; kind < ADS_N; kind++) {
		struct request r;

		begin(s, &r, kind);
		if (kind == ADS_CDS)
			add_node(s, &r);
		if (kind == ADS_EDS || kind == ADS_RDS)
			add_names(s, &r, kind);
		for (uint32_t i = 1; !r.is_sotw && i < s->n_state; i++) {
			const struct resource *has = resource_of(s, i);

			if (has && has->kind == kind)
				request_held(&r, catalog_text(s->fleet->catalog, i), has->version);
		}
		send_off(s, &r);
	}
}

static bool dial(struct sidecar *s, bool is_resumed, struct err *e)
{
	const struct fleet_options *o = s->fleet->options;
	struct h2c_target target = {
		.host = o->host,
		.port = o->port,
		.path = o->is_sotw ? "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
				     "StreamAggregatedResources"
				   : "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
				     "DeltaAggregatedResources",
	};

	s->conn = h2c_connect(s->fleet->loop, &target, &h2c_events, s, e);
	if (!s->conn)
		return false;
	reader_init(&s->reader, o->is_sotw, &reader_events, s);
	if (is_resumed)
		resume(s);
	else
		ask_all(s, ADS_CDS);
	return true;
}

bool fleet_dial(struct fleet *f, bool is_resumed, struct err *e)
{
	for (uint32_t i = 0; i < f->options->n; i++) {
		if (!is_resumed)
			forget(&f->v[i]);
		if (!dial(&f->v[i], is_resumed, e))
			return false;
		if (i % DIAL_SLICE == DIAL_SLICE - 1)
			h2c_run_once(f->loop, 0);
	}
	return true;
}

void fleet_hang_up(struct fleet *f)
{
	for (uint32_t i = 0; i < f->options->n; i++) {
		struct sidecar *s = &f->v[i];

		s->redial_ns = 0;
		if (!s->conn)
			continue;
		h2c_close(s->conn);
		hang_up(s);
	}
	f->n_redial = 0;
}

static void redial(struct fleet *f)
{
	int64_t now = clock_mono_ns();

	for (uint32_t i = 0; f->n_redial && i < f->options->n; i++) {
		struct sidecar *s = &f->v[i];
		struct err e = ERR_INIT;

		if (!s->redial_ns || s->redial_ns > now)
			continue;
		s->redial_ns = 0;
		f->n_redial--;
		if (!dial(s, false, &e)) {
			fprintf(stderr, "bench: %s\n", e.text);
			exit(1);
		}
	}
}

int fleet_turn(struct fleet *f, int timeout_ms)
{
	redial(f);
	return h2c_run_once(f->loop, f->n_redial ? MIN(timeout_ms, 50) : timeout_ms);
}

void fleet_mark(struct fleet *f)
{
	memset(f->counts.n_acked, 0, sizeof f->counts.n_acked);
	for (uint32_t i = 0; i < f->options->n; i++)
		memset(f->v[i].is_marked, 0, sizeof f->v[i].is_marked);
}

const struct fleet_counts *fleet_counts(const struct fleet *f)
{
	return &f->counts;
}

uint64_t fleet_bytes(const struct fleet *f)
{
	return h2c_bytes_received(f->loop);
}

struct fleet *fleet_new(const struct fleet_options *o)
{
	struct fleet *f = xcalloc(1, sizeof *f);

	f->options = o;
	f->loop = h2c_new(&(struct h2c_options){ .receive_chunk = 256 << 10 });
	f->catalog = catalog_new();
	f->v = xcalloc(o->n, sizeof *f->v);
	for (uint32_t i = 0; i < o->n; i++) {
		f->v[i].fleet = f;
		f->v[i].index = i;
		state_of(&f->v[i], 0);
	}
	return f;
}

void fleet_free(struct fleet *f)
{
	fleet_hang_up(f);
	for (uint32_t i = 0; i < f->options->n; i++) {
		xfree(f->v[i].state);
		xfree(f->v[i].fresh);
		xfree(f->v[i].received);
		xfree(f->v[i].removed);
	}
	h2c_free(f->loop);
	catalog_free(f->catalog);
	xfree(f->v);
	xfree(f->marks);
	xfree(f);
}
