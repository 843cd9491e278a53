/* Addresses for ServiceEntry hosts that have none (translation.md 9.7 and its appendix; surface.md 7.8).
 *
 * Nothing is stored: an address follows from the set of hosts. Each host has a first slot by the hash of
 * "namespace/host" and further ones by double hashing. At each first slot the oldest host wins; the losers, oldest
 * first, take the first free slot of theirs. So a host that comes or goes moves another one only if they collide, and
 * a younger one never moves an older. Addresses that a status already holds are taken.
 *
 * The whole set is one query, which runs when a host comes or goes; readers see a bucket of it, so that they are
 * disturbed only when their own bucket changed.
 */
#include "model/auto_vip.h"

#include "base/ip.h"
#include "model/heads.h"
#include "model/queries.h"
#include "world/world.h"
#include <stdlib.h>
#include <string.h>

enum {
	N_SLOTS = 65003, /* prime, so that every step visits all */
	PER_BYTE = 254,  /* last bytes 1 to 254 of 240.240.0.0/16 */
	N_BUCKETS = 256,
	MAX_HOSTS = 50000,
};

struct auto_row {
	uint32_t key;  /* "ns/host" */
	uint32_t slot; /* from 1; 0: none was free */
};

static uint32_t fnv32a(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h;
}

static uint32_t bucket_of(const char *text)
{
	return hash_str(text) % N_BUCKETS;
}

static const char *slot_v4(struct arena *a, uint32_t slot)
{
	return arena_printf(a, "240.240.%u.%u", (slot - 1) / PER_BYTE, (slot - 1) % PER_BYTE + 1);
}

static const char *slot_v6(struct arena *a, uint32_t slot)
{
	return arena_printf(a, "2001:2::%x", slot);
}

/* The slot of an address of the two ranges; 0: it is none of them. */
static uint32_t slot_of(const char *text)
{
	static const uint8_t v6[14] = { 0x20, 0x01, 0x00, 0x02 };
	struct ip ip;
	uint32_t slot = 0;

	if (!ip_parse(text, &ip))
		return 0;
	if (ip.family == 4 && ip.b[0] == 240 && ip.b[1] == 240 && ip.b[3] && ip.b[3] <= PER_BYTE)
		slot = ip.b[2] * PER_BYTE + ip.b[3];
	else if (ip.family == 6 && !memcmp(ip.b, v6, sizeof v6))
		slot = (uint32_t)ip.b[14] << 8 | ip.b[15];
	return slot <= N_SLOTS ? slot : 0;
}

struct contender {
	const char *text;
	uint32_t key, hash, slot;
	bool aged; /* created_s is known */
	int64_t created_s;
};

static uint32_t probe(uint32_t hash, uint32_t i)
{
	uint64_t step = 1 + hash % (N_SLOTS - 1);

	return (uint32_t)((hash + i * step) % N_SLOTS) + 1;
}

/* Age is read only where hosts collide: each read is an edge of the query. */
static int64_t age(struct run *r, struct contender *c)
{
	const struct entry *e;

	if (c->aged)
		return c->created_s;
	e = read_entry(r, CELL_SE_AUTO, c->key);
	c->aged = true;
	return c->created_s = e->n ? e->v[0]->created_s : INT64_MAX;
}

static bool is_older(struct run *r, struct contender *a, struct contender *b)
{
	int64_t x = age(r, a), y = age(r, b);

	return x != y ? x < y : strcmp(a->text, b->text) < 0;
}

static int by_age(const void *a, const void *b)
{
	const struct contender *x = *(struct contender *const *)a,
			       *y = *(struct contender *const *)b;

	if (x->created_s != y->created_s)
		return x->created_s < y->created_s ? -1 : 1;
	return strcmp(x->text, y->text);
}

enum { TAKEN = UINT32_MAX };

/* holder[slot]: 1 + index of the contender, TAKEN, or 0. */
static void settle(struct run *r, struct contender *v, uint32_t n, uint32_t *holder)
{
	struct contender **losers = arena_array(run_arena(r), struct contender *, n);
	uint32_t n_losers = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t *h = &holder[probe(v[i].hash, 0)];
		struct contender *loser = &v[i];

		if (*h && *h != TAKEN && is_older(r, &v[i], &v[*h - 1]))
			loser = &v[*h - 1];
		if (!*h || loser != &v[i])
			*h = i + 1;
		if (*h != i + 1 || loser != &v[i])
			losers[n_losers++] = loser;
	}
	for (uint32_t i = 0; i < n_losers; i++)
		(void)age(r, losers[i]);
	if (n_losers)
		qsort(losers, n_losers, sizeof(struct contender *), by_age);
	for (uint32_t i = 0; i < n_losers; i++)
		for (uint32_t k = 1; k < N_SLOTS; k++) {
			uint32_t slot = probe(losers[i]->hash, k);

			if (holder[slot])
				continue;
			holder[slot] = (uint32_t)(losers[i] - v) + 1;
			break;
		}
	for (uint32_t slot = 1; slot <= N_SLOTS; slot++)
		if (holder[slot] && holder[slot] != TAKEN)
			v[holder[slot] - 1].slot = slot;
}

/* Bytes: N_BUCKETS + 1 offsets, then rows by bucket. */
void auto_vips_run(struct run *r, uint32_t key)
{
	struct arena *a = run_arena(r);
	const struct keyset *hosts = read_keyset(r, CELL_SE_AUTO);
	const struct keyset *taken = read_keyset(r, CELL_AUTO_TAKEN);
	uint32_t n = MIN(hosts->n, (uint32_t)MAX_HOSTS), at[N_BUCKETS + 1] = { 0 };
	struct contender *v = arena_array(a, struct contender, n);
	uint32_t *holder = arena_array(a, uint32_t, N_SLOTS + 1);
	struct auto_row *rows = arena_array(a, struct auto_row, n);
	uint32_t next[N_BUCKETS];

	if (!n)
		return;
	for (uint32_t i = 0; i < taken->n; i++)
		holder[slot_of(run_text(r, taken->v[i]))] = TAKEN;
	for (uint32_t i = 0; i < n; i++) {
		v[i].key = hosts->v[i];
		v[i].text = run_text(r, v[i].key);
		v[i].hash = fnv32a(v[i].text);
		at[bucket_of(v[i].text) + 1]++;
	}
	settle(r, v, n, holder);
	for (uint32_t i = 0; i < N_BUCKETS; i++)
		at[i + 1] += at[i];
	memcpy(next, at, sizeof next);
	for (uint32_t i = 0; i < n; i++)
		rows[next[bucket_of(v[i].text)]++] = (struct auto_row){ v[i].key, v[i].slot };
	run_emit(r, at, sizeof at);
	run_emit(r, rows, n * sizeof *rows);
}

void auto_bucket_run(struct run *r, uint32_t key)
{
	uint32_t bucket = key_number(r, key);
	const struct result *all = call_query(r, Q_AUTO_VIPS, 0);
	const uint32_t *at = (const void *)all->bytes;
	const struct auto_row *rows = (const void *)(all->bytes + (N_BUCKETS + 1) * sizeof *at);

	if (all->n)
		run_emit(r, rows + at[bucket], (at[bucket + 1] - at[bucket]) * sizeof *rows);
}

const char *auto_vip_text(struct arena *a, const struct service *s)
{
	return arena_printf(a, "%s/%s", s->ns, s->host);
}

static uint32_t slot_read(struct run *r, const struct service *s)
{
	const char *text = auto_vip_text(run_arena(r), s);
	uint32_t key = run_key(r, text);
	const struct result *bucket = call_query(r, Q_AUTO_BUCKET, number_key(r, bucket_of(text)));
	const struct auto_row *rows = (const void *)bucket->bytes;

	for (uint32_t i = 0; i < bucket->n / sizeof *rows; i++)
		if (rows[i].key == key)
			return rows[i].slot;
	return 0;
}

struct auto_vip auto_vip_of(struct run *r, const struct service *s)
{
	struct auto_vip vip = { s->auto_v4, s->auto_v6 };
	uint32_t slot;

	if (!s->auto_allocate || vip.v4 || vip.v6)
		return vip;
	slot = slot_read(r, s);
	if (slot) {
		vip.v4 = slot_v4(run_arena(r), slot);
		vip.v6 = slot_v6(run_arena(r), slot);
	}
	return vip;
}
