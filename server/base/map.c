/* Entries stand in an array in the order they came; a hash index of twice its size holds positions in it. A deleted
 * entry keeps its position until the next rebuild, so the index needs no tombstones and iteration survives deletes. */
#include "base/map.h"
#include "base/hash.h"
#include <string.h>

static const char map_gone[1];
#define MAP_GONE map_gone

static uint32_t index_mask(const struct map *m)
{
	return m->cap * 2 - 1;
}

void map_fini(struct map *m)
{
	xfree(m->slots);
	xfree(m->index);
	*m = MAP_INIT;
}

static struct map_slot *find(const struct map *m, const char *key, uint32_t hash)
{
	if (!m->n)
		return NULL;
	for (uint32_t i = hash & index_mask(m); m->index[i]; i = (i + 1) & index_mask(m)) {
		struct map_slot *s = &m->slots[m->index[i] - 1];

		if (s->hash == hash && s->key != MAP_GONE && !strcmp(s->key, key))
			return s;
	}
	return NULL;
}

static void index_add(struct map *m, uint32_t slot)
{
	uint32_t i = m->slots[slot].hash & index_mask(m);

	while (m->index[i])
		i = (i + 1) & index_mask(m);
	m->index[i] = slot + 1;
}

/* Drops deleted entries; doubles when the live ones fill more than half. */
static void rebuild(struct map *m)
{
	uint32_t cap = m->cap ? m->cap : 8, n = 0;
	struct map_slot *slots;

	if (m->n > cap / 2 && m->cap)
		cap *= 2;
	slots = xrealloc_array(NULL, cap, sizeof *slots);
	for (uint32_t i = 0; i < m->used; i++)
		if (m->slots[i].key != MAP_GONE)
			slots[n++] = m->slots[i];
	xfree(m->slots);
	xfree(m->index);
	m->slots = slots;
	m->index = xcalloc((size_t)cap * 2, sizeof *m->index);
	m->cap = cap;
	m->used = n;
	for (uint32_t i = 0; i < n; i++)
		index_add(m, i);
}

void *map_get(const struct map *m, const char *key)
{
	const struct map_slot *s = m->n ? find(m, key, hash_str(key)) : NULL;

	return s ? s->value : NULL;
}

bool map_has(const struct map *m, const char *key)
{
	return m->n && find(m, key, hash_str(key));
}

void *map_set(struct map *m, const char *key, void *value)
{
	uint32_t hash = hash_str(key);
	struct map_slot *s = find(m, key, hash);
	void *old = NULL;

	if (s) {
		old = s->value;
		s->key = key;
		s->value = value;
		return old;
	}
	if (m->used == m->cap)
		rebuild(m);
	m->slots[m->used] = (struct map_slot){ .key = key, .value = value, .hash = hash };
	index_add(m, m->used);
	m->used++;
	m->n++;
	return NULL;
}

void *map_del(struct map *m, const char *key)
{
	struct map_slot *s = m->n ? find(m, key, hash_str(key)) : NULL;
	void *old;

	if (!s)
		return NULL;
	old = s->value;
	s->key = MAP_GONE;
	s->value = NULL;
	m->n--;
	return old;
}

void map_clear(struct map *m)
{
	if (m->cap)
		memset(m->index, 0, (size_t)m->cap * 2 * sizeof *m->index);
	m->n = m->used = 0;
}

uint32_t map_next(const struct map *m, uint32_t at, const char **ret_key, void **ret_value)
{
	for (; at < m->used; at++) {
		if (m->slots[at].key == MAP_GONE)
			continue;
		if (ret_key)
			*ret_key = m->slots[at].key;
		if (ret_value)
			*ret_value = m->slots[at].value;
		return at + 1;
	}
	return 0;
}
