/* What scripts cannot say: limits, the size of a stream, and many threads over one cache. */
#include "../test.h"
#include "../xds_kit.h"
#include "ads/ads.h"
#include "base/err.h"
#include "base/lock.h"
#include <sched.h>

enum { ALL_SERVED = 1u << XDS_CDS | 1u << XDS_EDS | 1u << XDS_LDS | 1u << XDS_RDS | 1u << XDS_NDS };

static bool ask(struct ads_stream *s, const char *url, const char *const *names, size_t n,
		const char *nonce)
{
	struct ads_request q = { .type_url = url,
				 .nonce = nonce,
				 .version_info = "",
				 .subscribe = names,
				 .n_subscribe = n };
	struct ads_events ev = { 0 };
	struct err e = ERR_INIT;

	return ads_request(s, &q, 1, &ev, &e);
}

/* Takes the next response and acknowledges it. */
static bool take(struct ads_stream *s, int64_t now)
{
	struct ads_send send;
	struct ads_events ev = { 0 };
	char nonce[ADS_NONCE_MAX] = "";

	if (!ads_next(s, now, &send, &ev))
		return false;
	memcpy(nonce, send.nonce_field + 2, send.nonce_field[1]);
	CHECK(send.nonce_len == send.nonce_field[1] + 2 && send.nonce_field[0] == 0x2a);
	if (send.type < XDS_N)
		CHECK(ask(s, xds_types[send.type].url, NULL, 0, nonce));
	ads_send_fini(&send);
	return true;
}

static struct kit_world world_of(unsigned n)
{
	struct kit_world w = { .served = ALL_SERVED };

	for (unsigned i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof name, "outbound|80||service-%u", i);
		kit_set(&w, XDS_CDS, name, "v1", true);
		kit_set(&w, XDS_EDS, name, "v1", false);
	}
	kit_set(&w, XDS_LDS, "L", "v1", false);
	kit_set(&w, XDS_RDS, "80", "v1", false);
	kit_set(&w, XDS_NDS, "", "v1", false);
	return w;
}

static struct ads_stream *connected(struct xds_cache *c, const struct snapshot *snapshot,
				    const struct names *eds, uint32_t id)
{
	struct ads_stream *s = ads_stream_new(c, XDS_DELTA, id, 0);
	const char **names = names_sorted(eds);
	const char *route = "80";

	ads_set_snapshot(s, snapshot, 0);
	CHECK(ask(s, xds_types[XDS_CDS].url, NULL, 0, ""));
	CHECK(take(s, 1));
	CHECK(ask(s, xds_types[XDS_EDS].url, names, names_count(eds), ""));
	CHECK(take(s, 1));
	CHECK(ask(s, xds_types[XDS_LDS].url, NULL, 0, ""));
	CHECK(ask(s, xds_types[XDS_RDS].url, &route, 1, ""));
	CHECK(ask(s, xds_types[XDS_NDS].url, NULL, 0, ""));
	while (take(s, 1))
		;
	xfree(names);
	return s;
}

/* A proxy at rest costs a few hundred bytes, whatever it is subscribed to. */
TEST(engine_memory)
{
	struct xds_cache *c = xds_cache_new();
	struct kit_world w = world_of(100);
	const struct snapshot *snapshot = kit_snapshot(c, &w);
	const struct names *eds = root_names(c, snapshot_root(snapshot, XDS_EDS));
	struct ads_stream *v[10];
	struct xds_cache_stats stats;

	for (unsigned i = 0; i < ARRAY_LEN(v); i++) {
		v[i] = connected(c, snapshot, eds, i);
		CHECK(ads_stream_memory(v[i]) < 400);
		CHECK_INT(ads_deadline(v[i], 1), INT64_MAX);
	}
	xds_cache_stats(c, &stats);
	CHECK_INT(stats.n_misses, 5);
	CHECK_INT(stats.n_hits, 45);
	for (unsigned i = 0; i < ARRAY_LEN(v); i++)
		ads_stream_free(v[i]);
	names_unref(eds);
	snapshot_unref(snapshot);
	xds_cache_tick(c, 1);
	xds_cache_tick(c, 2 * XDS_CACHE_LINGER_NS);
	for (int i = 4; i < 20; i++)
		xds_cache_tick(c, i * XDS_CACHE_LINGER_NS);
	xds_cache_stats(c, &stats);
	CHECK_INT(stats.n_snapshots + stats.n_roots + stats.n_names + stats.n_diffs +
			  stats.n_responses,
		  0);
	xds_cache_free(c);
	xfree(w.v);
}

TEST(engine_limits)
{
	struct xds_cache *c = xds_cache_new();
	struct ads_stream *s = ads_stream_new(c, XDS_DELTA, 1, 0);
	const struct body *body = body_copy("x", 1);
	char **names = xmalloc(NAMES_MAX * sizeof *names);
	const char *one = "one more";
	unsigned n_sent = 0;
	char url[32];

	for (unsigned i = 0; i < 2 * ADS_OTHER_MAX; i++) {
		snprintf(url, sizeof url, "type/%u", i);
		CHECK(ask(s, url, NULL, 0, ""));
	}
	CHECK(ask(s, "", NULL, 0, ""));
	while (take(s, 1))
		n_sent++;
	CHECK_INT(n_sent, ADS_OTHER_MAX);
	for (unsigned i = 0; i < ADS_ANSWERS_MAX; i++)
		CHECK(ads_answer(s, body));
	CHECK(!ads_answer(s, body));
	body_unref(body);
	for (unsigned i = 0; i < NAMES_MAX; i++)
		names[i] = xasprintf("%u", i);
	CHECK(ask(s, xds_types[XDS_EDS].url, (const char *const *)names, NAMES_MAX, ""));
	CHECK(ask(s, xds_types[XDS_EDS].url, (const char *const *)names, 2, ""));
	CHECK(!ask(s, xds_types[XDS_EDS].url, &one, 1, ""));
	for (unsigned i = 0; i < NAMES_MAX; i++)
		xfree(names[i]);
	xfree(names);
	ads_stream_free(s);
	xds_cache_free(c);
}

/* A NACK's text is bounded, and so is the number of names. */
TEST(engine_error)
{
	struct xds_cache *c = xds_cache_new();
	struct kit_world w = world_of(40);
	const struct snapshot *snapshot = kit_snapshot(c, &w);
	struct ads_stream *s = ads_stream_new(c, XDS_DELTA, 7, 0);
	cleanup(buf_fini) struct buf text = BUF_INIT;
	struct ads_request q = { .type_url = xds_types[XDS_CDS].url,
				 .nonce = "7-1",
				 .version_info = "",
				 .has_error = true };
	struct ads_events ev = { 0 };
	struct err e = ERR_INIT;
	struct arena a = ARENA_INIT;
	struct ads_status status;
	struct ads_send send;

	ads_set_snapshot(s, snapshot, 0);
	CHECK(ask(s, xds_types[XDS_CDS].url, NULL, 0, ""));
	CHECK(ads_next(s, 1, &send, &ev));
	ads_send_fini(&send);
	for (unsigned i = 0; i < 40; i++)
		buf_printf(&text, "outbound|80||service-%u: bad, ", i);
	while (text.len < 2 * ADS_ERROR_MAX)
		buf_puts(&text, "and so on ");
	q.error = buf_str(&text);
	CHECK(ads_request(s, &q, 1, &ev, &e));
	CHECK_INT(ev.n_rejected[XDS_CDS], 1);
	ads_status_copy(s, &a, &status);
	ads_stream_free(s); /* the copy stands on its own */
	CHECK_INT(status.n, 1);
	CHECK_INT(strlen(status.v[0].error), ADS_ERROR_MAX);
	CHECK_INT(status.v[0].n_error_names, ADS_ERROR_NAMES_MAX);
	CHECK_STR(status.v[0].error_version, status.v[0].sent_version);
	CHECK_STR(status.v[0].acked_version, "");
	CHECK_STR(status.v[0].sent_nonce, "7-1");
	CHECK_STR(ads_state_text(status.v[0].state), "NACK");
	arena_fini(&a);
	snapshot_unref(snapshot);
	xds_cache_free(c);
	xfree(w.v);
}

/* ---- Threads ---- */

enum { N_THREADS = 4, N_STREAMS = 20, N_ROUNDS = 60 };

struct shop {
	struct xds_cache *cache;
	struct lock lock; /* of the snapshot */
	const struct snapshot *snapshot;
	unsigned round, n_ready;
	const struct names *eds;
};
struct worker {
	struct shop *shop;
	uint32_t first_id;
	unsigned n_taken;
	bool ok;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct ads_stream *v[N_STREAMS];
	const struct snapshot *now = NULL;
	unsigned round = 0;

	with_lock(&w->shop->lock)
		now = snapshot_ref(w->shop->snapshot);
	for (unsigned i = 0; i < N_STREAMS; i++)
		v[i] = connected(w->shop->cache, now, w->shop->eds, w->first_id + i);
	snapshot_unref(now);
	with_lock(&w->shop->lock)
		w->shop->n_ready++;
	while (round < N_ROUNDS) {
		with_lock(&w->shop->lock) {
			round = w->shop->round;
			now = snapshot_ref(w->shop->snapshot);
		}
		for (unsigned i = 0; i < N_STREAMS; i++) {
			ads_set_snapshot(v[i], now, 1);
			while (take(v[i], 2))
				w->n_taken++;
		}
		snapshot_unref(now);
	}
	w->ok = true;
	for (unsigned i = 0; i < N_STREAMS; i++) {
		struct arena a = ARENA_INIT;
		struct ads_status status;

		ads_status_copy(v[i], &a, &status);
		for (uint32_t t = 0; t < status.n; t++)
			w->ok = w->ok && status.v[t].is_current;
		arena_fini(&a);
		ads_stream_free(v[i]);
	}
	return NULL;
}

TEST(engine_threads)
{
	struct shop shop = { .cache = xds_cache_new() };
	struct kit_world w = world_of(60);
	struct worker workers[N_THREADS];
	pthread_t threads[N_THREADS];
	unsigned n_ready = 0;

	lock_init(&shop.lock, LOCK_STATUS);
	shop.snapshot = kit_snapshot(shop.cache, &w);
	shop.eds = root_names(shop.cache, snapshot_root(shop.snapshot, XDS_EDS));
	for (unsigned i = 0; i < N_THREADS; i++) {
		workers[i] = (struct worker){ .shop = &shop, .first_id = 1 + i * N_STREAMS };
		CHECK(!pthread_create(&threads[i], NULL, work, &workers[i]));
	}
	while (n_ready < N_THREADS) {
		sched_yield();
		with_lock(&shop.lock)
			n_ready = shop.n_ready;
	}
	for (unsigned round = 1; round <= N_ROUNDS; round++) {
		const struct snapshot *next, *old = NULL;
		char name[32], content[16];

		snprintf(name, sizeof name, "outbound|80||service-%u", round * 7 % 60);
		snprintf(content, sizeof content, "v%u", round);
		kit_set(&w, round % 3 ? XDS_EDS : XDS_CDS, name, content, !(round % 3));
		if (round % 5 == 0)
			kit_set(&w, XDS_RDS, "80", content, false);
		next = kit_snapshot(shop.cache, &w);
		with_lock(&shop.lock) {
			old = shop.snapshot;
			shop.snapshot = next;
			shop.round = round;
		}
		snapshot_unref(old);
		/* The linger in fast motion: things are swept away under the workers' feet. */
		xds_cache_tick(shop.cache, round * XDS_CACHE_LINGER_NS);
	}
	for (unsigned i = 0; i < N_THREADS; i++) {
		CHECK(!pthread_join(threads[i], NULL));
		CHECK(workers[i].ok);
		CHECK(workers[i].n_taken >= N_STREAMS);
	}
	snapshot_unref(shop.snapshot);
	names_unref(shop.eds);
	lock_fini(&shop.lock);
	xds_cache_free(shop.cache);
	xfree(w.v);
}
