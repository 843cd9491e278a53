/* Strings live in pages that never move, so key_text is good for the life of the table; a key is twelve bytes: where
 * its string is, or the two keys of a pair, and the next key in its bucket. */
#include "world/keys.h"
#include "base/hash.h"
#include <assert.h>
#include <string.h>

enum { KEYS_PAGE = 64 << 10, KEYS_MAX = 1 << 30 };
#define IS_TEXT 0x80000000u

struct key {
	uint32_t a, b; /* pair: the two keys; string: page, and offset in it with IS_TEXT */
	uint32_t next;
};

struct keys {
	struct key *v; /* from 1 */
	uint32_t n, cap;
	uint32_t *buckets; /* a power of two of them */
	uint32_t n_buckets;
	char **pages;
	uint32_t n_pages, cap_pages;
	uint32_t page, left; /* where short strings go, and its room */
	size_t text_bytes;
};

static const char *text_of(const struct keys *k, const struct key *key)
{
	return k->pages[key->a] + (key->b & ~IS_TEXT);
}

static uint32_t hash_of(const struct keys *k, const struct key *key)
{
	return key->b & IS_TEXT ? hash_str(text_of(k, key)) : hash_u32(key->a, key->b);
}

static uint32_t page_new(struct keys *k, uint32_t size)
{
	VEC_ROOM(k->pages, k->n_pages, k->cap_pages);
	k->pages[k->n_pages] = xmalloc(size);
	k->text_bytes += size;
	return k->n_pages++;
}

struct keys *keys_new(void)
{
	struct keys *k = xcalloc(1, sizeof *k);

	k->n_buckets = 256;
	k->buckets = xcalloc(k->n_buckets, sizeof *k->buckets);
	VEC_ROOM(k->v, k->n, k->cap);
	k->n = 1; /* 0 is no key */
	k->page = page_new(k, KEYS_PAGE);
	k->left = KEYS_PAGE;
	key_strn(k, "", 0);
	assert(k->n == KEY_EMPTY + 1);
	return k;
}

void keys_free(struct keys *k)
{
	if (!k)
		return;
	for (uint32_t i = 0; i < k->n_pages; i++)
		xfree(k->pages[i]);
	xfree(k->pages);
	xfree(k->buckets);
	xfree(k->v);
	xfree(k);
}

static void rehash(struct keys *k)
{
	k->n_buckets *= 2;
	xfree(k->buckets);
	k->buckets = xcalloc(k->n_buckets, sizeof *k->buckets);
	for (uint32_t i = 1; i < k->n; i++) {
		uint32_t *head = &k->buckets[hash_of(k, &k->v[i]) & (k->n_buckets - 1)];

		k->v[i].next = *head;
		*head = i;
	}
}

static uint32_t add(struct keys *k, uint32_t hash, uint32_t a, uint32_t b)
{
	uint32_t *head;

	assert(k->n < KEYS_MAX);
	if (k->n >= k->n_buckets)
		rehash(k);
	VEC_ROOM(k->v, k->n, k->cap);
	head = &k->buckets[hash & (k->n_buckets - 1)];
	k->v[k->n] = (struct key){ .a = a, .b = b, .next = *head };
	*head = k->n;
	return k->n++;
}

static uint32_t find_str(const struct keys *k, const char *s, size_t n, uint32_t hash)
{
	for (uint32_t i = k->buckets[hash & (k->n_buckets - 1)]; i; i = k->v[i].next) {
		const char *t;

		if (!(k->v[i].b & IS_TEXT))
			continue;
		t = text_of(k, &k->v[i]);
		if (!strncmp(t, s, n) && !t[n])
			return i;
	}
	return 0;
}

static uint32_t find_pair(const struct keys *k, uint32_t a, uint32_t b)
{
	for (uint32_t i = k->buckets[hash_u32(a, b) & (k->n_buckets - 1)]; i; i = k->v[i].next) {
		if (k->v[i].a == a && k->v[i].b == b)
			return i;
	}
	return 0;
}

uint32_t key_strn(struct keys *k, const char *s, size_t n)
{
	uint32_t hash, found, page, at;

	/* A key ends where C says the string ends: what follows a NUL could not be told apart. */
	n = strnlen(s, n);
	hash = (uint32_t)hash64(s, n);
	if ((found = find_str(k, s, n, hash)))
		return found;
	assert(n < IS_TEXT - 1);
	if (n >= KEYS_PAGE / 4) {
		page = page_new(k, (uint32_t)n + 1);
		at = 0;
	} else {
		if (k->left < n + 1) {
			k->page = page_new(k, KEYS_PAGE);
			k->left = KEYS_PAGE;
		}
		page = k->page;
		at = KEYS_PAGE - k->left;
		k->left -= (uint32_t)n + 1;
	}
	memcpy(k->pages[page] + at, s, n);
	k->pages[page][at + n] = 0;
	return add(k, hash, page, at | IS_TEXT);
}

uint32_t key_str(struct keys *k, const char *s)
{
	return s ? key_strn(k, s, strlen(s)) : KEY_EMPTY;
}

uint32_t key_pair(struct keys *k, uint32_t a, uint32_t b)
{
	uint32_t found = find_pair(k, a, b);

	if (found)
		return found;
	assert(a && b && !(a & IS_TEXT) && !(b & IS_TEXT));
	return add(k, hash_u32(a, b), a, b);
}

uint32_t key_find(const struct keys *k, const char *s)
{
	size_t n = s ? strlen(s) : 0;

	return n ? find_str(k, s, n, (uint32_t)hash64(s, n)) : KEY_EMPTY;
}

uint32_t key_find_pair(const struct keys *k, uint32_t a, uint32_t b)
{
	return a && b ? find_pair(k, a, b) : 0;
}

bool key_is_pair(const struct keys *k, uint32_t key)
{
	assert(key && key < k->n);
	return !(k->v[key].b & IS_TEXT);
}

const char *key_text(const struct keys *k, uint32_t key)
{
	assert(!key_is_pair(k, key));
	return text_of(k, &k->v[key]);
}

uint32_t key_first(const struct keys *k, uint32_t pair)
{
	assert(key_is_pair(k, pair));
	return k->v[pair].a;
}

uint32_t key_second(const struct keys *k, uint32_t pair)
{
	assert(key_is_pair(k, pair));
	return k->v[pair].b;
}

/* Not every number is marked as one, but what is beyond all keys is none. */
static bool is_number(const struct keys *k, uint32_t key)
{
	return key & KEY_NUMBER || key >= k->n;
}

int key_compare(const struct keys *k, uint32_t a, uint32_t b)
{
	/* Pairs may nest to the left or right; the left side is short in practice, the right one loops. */
	while (a != b) {
		bool pair_a, pair_b;
		int c;

		if (!a || !b)
			return a ? 1 : -1;
		if (is_number(k, a) || is_number(k, b))
			return a < b ? -1 : 1;
		pair_a = key_is_pair(k, a);
		pair_b = key_is_pair(k, b);
		if (!pair_a && !pair_b)
			return strcmp(text_of(k, &k->v[a]), text_of(k, &k->v[b]));
		if (pair_a != pair_b)
			return pair_a ? 1 : -1;
		c = key_compare(k, k->v[a].a, k->v[b].a);
		if (c)
			return c;
		a = k->v[a].b;
		b = k->v[b].b;
	}
	return 0;
}

size_t keys_memory(const struct keys *k)
{
	return sizeof *k + k->cap * sizeof *k->v + k->n_buckets * sizeof *k->buckets +
	       k->cap_pages * sizeof *k->pages + k->text_bytes;
}
