/* The intern table: chained buckets that only grow, one lock, and a sweep that drops what nobody has used for a while.
 * Things are destroyed outside of the lock, since that may free megabytes. */
#include "snapshot/cache.h"
#include <assert.h>
#include <string.h>

enum { PRESSURE_MAX = 64 << 20 };

static const struct shelf_row shelves[SHELF_N] = {
	[SHELF_NAMES] = { names_equal, names_destroy, names_size },
	[SHELF_NAMES_OP] = { names_op_equal, names_op_destroy, NULL },
	[SHELF_ROOT] = { root_equal, root_destroy, root_size },
	[SHELF_SNAPSHOT] = { snapshot_equal, snapshot_destroy, NULL },
	[SHELF_DIFF] = { diff_equal, diff_destroy, NULL },
	[SHELF_RESPONSE] = { response_equal, response_destroy, response_size },
	[SHELF_CHUNK] = { chunk_equal, chunk_destroy, chunk_size },
};

struct xds_cache *xds_cache_new(void)
{
	struct xds_cache *c = xcalloc(1, sizeof *c);

	lock_init(&c->build, LOCK_XDS_BUILD);
	lock_init(&c->lock, LOCK_XDS_CACHE);
	c->n_buckets = 256;
	c->buckets = xcalloc(c->n_buckets, sizeof *c->buckets);
	return c;
}

void xds_cache_free(struct xds_cache *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->n_buckets; i++) {
		for (struct shared *s = c->buckets[i], *next; s; s = next) {
			next = s->next;
			shared_unref(s);
		}
	}
	xfree(c->buckets);
	lock_fini(&c->lock);
	lock_fini(&c->build);
	xfree(c);
}

void shared_init(struct shared *s, enum shelf shelf, uint64_t hash)
{
	ref_init(&s->ref);
	s->shelf = (uint8_t)shelf;
	s->interned = false;
	s->hash = hash;
	s->next = NULL;
	s->used_ns = 0;
}

void shared_ref(const struct shared *s)
{
	ref_get(&s->ref);
}

void shared_unref(const struct shared *s)
{
	if (s && ref_put(&s->ref))
		shelves[s->shelf].destroy((struct shared *)(uintptr_t)s);
}

/* Both of these with the lock held. */
static struct shared *find(struct xds_cache *c, enum shelf shelf, uint64_t hash, const void *key)
{
	for (struct shared *s = c->buckets[hash & (c->n_buckets - 1)]; s; s = s->next) {
		if (s->hash == hash && s->shelf == shelf && shelves[shelf].equal(s, key)) {
			s->used_ns = c->now_ns;
			return s;
		}
	}
	return NULL;
}

static void grow(struct xds_cache *c)
{
	uint32_t n = c->n_buckets * 2;
	struct shared **v = xcalloc(n, sizeof *v);

	for (uint32_t i = 0; i < c->n_buckets; i++) {
		for (struct shared *s = c->buckets[i], *next; s; s = next) {
			struct shared **to = &v[s->hash & (n - 1)];

			next = s->next;
			s->next = *to;
			*to = s;
		}
	}
	xfree(c->buckets);
	c->buckets = v;
	c->n_buckets = n;
}

const struct shared *cache_find(struct xds_cache *c, enum shelf shelf, uint64_t hash,
				const void *key)
{
	struct shared *s = NULL;

	with_lock(&c->lock) {
		s = find(c, shelf, hash, key);
		if (s)
			shared_ref(s);
	}
	return s;
}

static void sweep(struct xds_cache *c, int64_t linger_ns)
{
	struct shared *dead = NULL;

	with_lock(&c->lock) {
		c->pressure = 0;
		for (uint32_t i = 0; i < c->n_buckets; i++) {
			for (struct shared **at = &c->buckets[i]; *at;) {
				struct shared *s = *at;
				bool used = ref_count(&s->ref) > 1;

				if (used)
					s->used_ns = c->now_ns;
				if (used || c->now_ns - s->used_ns < linger_ns) {
					at = &s->next;
					continue;
				}
				*at = s->next;
				s->next = dead;
				dead = s;
				c->n--;
			}
		}
	}
	while (dead) {
		struct shared *s = dead;

		dead = s->next;
		shared_unref(s);
	}
}

const struct shared *cache_add(struct xds_cache *c, struct shared *mine, const void *key)
{
	const struct shelf_row *row = &shelves[mine->shelf];
	struct shared *s = NULL;
	bool is_full = false;

	with_lock(&c->lock) {
		s = find(c, mine->shelf, mine->hash, key);
		if (!s) {
			struct shared **to;

			if (c->n > c->n_buckets)
				grow(c);
			to = &c->buckets[mine->hash & (c->n_buckets - 1)];
			mine->next = *to;
			mine->used_ns = c->now_ns;
			mine->interned = true;
			*to = mine;
			c->n++;
			c->pressure += row->memory ? row->memory(mine) : 0;
			is_full = c->pressure > PRESSURE_MAX;
			s = TAKE(mine);
		}
		shared_ref(s);
	}
	shared_unref(mine);
	/* A client that goes through many large subscriptions must not fill the linger with them. Twice, since some
	 * things refer to others. */
	for (int i = 0; is_full && i < 2; i++)
		sweep(c, 0);
	return s;
}

void xds_cache_tick(struct xds_cache *c, int64_t mono_ns)
{
	with_lock(&c->lock)
		c->now_ns = mono_ns;
	sweep(c, XDS_CACHE_LINGER_NS);
}

void xds_cache_stats(struct xds_cache *c, struct xds_cache_stats *ret)
{
	uint32_t n[SHELF_N] = { 0 };
	size_t bytes[SHELF_N] = { 0 };

	with_lock(&c->lock) {
		for (uint32_t i = 0; i < c->n_buckets; i++) {
			for (const struct shared *s = c->buckets[i]; s; s = s->next) {
				n[s->shelf]++;
				if (shelves[s->shelf].memory)
					bytes[s->shelf] += shelves[s->shelf].memory(s);
			}
		}
		*ret = (struct xds_cache_stats){
			.n_snapshots = n[SHELF_SNAPSHOT],
			.n_roots = n[SHELF_ROOT],
			.n_names = n[SHELF_NAMES],
			.n_diffs = n[SHELF_DIFF],
			.n_responses = n[SHELF_RESPONSE],
			.names_bytes = bytes[SHELF_NAMES],
			.index_bytes = bytes[SHELF_ROOT],
			.response_bytes = bytes[SHELF_RESPONSE],
			.n_hits = c->n_hits,
			.n_misses = c->n_misses,
		};
	}
}
