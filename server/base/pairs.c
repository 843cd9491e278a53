/* Open addressing; a slot with a == 0 is free. */
#include "base/pairs.h"
#include "base/hash.h"
#include <assert.h>

static struct pair_slot *find(const struct pair_map *m, uint32_t a, uint32_t b)
{
	uint32_t at = hash_u32(a, b) & (m->size - 1);

	while (m->v[at].a && (m->v[at].a != a || m->v[at].b != b))
		at = (at + 1) & (m->size - 1);
	return &m->v[at];
}

static void grow(struct pair_map *m)
{
	struct pair_map bigger = { m->arena, NULL, m->n, m->size ? 2 * m->size : 16 };

	bigger.v = arena_array(m->arena, struct pair_slot, bigger.size);
	for (uint32_t i = 0; i < m->size; i++)
		if (m->v[i].a)
			*find(&bigger, m->v[i].a, m->v[i].b) = m->v[i];
	*m = bigger;
}

uint32_t *pair_map_at(struct pair_map *m, uint32_t a, uint32_t b)
{
	struct pair_slot *s;

	assert(a);
	if (2 * m->n >= m->size)
		grow(m);
	s = find(m, a, b);
	if (!s->a) {
		s->a = a;
		s->b = b;
		m->n++;
	}
	return &s->value;
}
