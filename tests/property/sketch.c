/* A feature is found by name, so adding one to a maker leaves what all others draw as it was. */
#include "tests/property/sketch.h"
#include "base/hash.h"
#include <stdarg.h>

void genes_init(struct genes *g, struct rng *r)
{
	for (unsigned i = 0; i < SKETCH_GENES; i++)
		g->v[i] = rng_below(r, 1 << 30);
}

void genes_mutate(struct genes *g, struct rng *r)
{
	unsigned i = rng_below(r, SKETCH_GENES);

	for (unsigned n = 0; n < SKETCH_GENES && !g->used[i]; n++)
		i = (i + 1) % SKETCH_GENES;
	g->v[i] = rng_below(r, 1 << 30);
}

void put(struct sketch *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&s->out, fmt, ap);
	va_end(ap);
}

uint32_t gene(struct sketch *s, const char *feature, uint32_t n)
{
	uint64_t h = hash_str(feature) ^ s->salt * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t i;

	h ^= h >> 29;
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	i = (uint32_t)(h >> 40) % SKETCH_GENES;
	s->genes->used[i] = true;
	h = (h ^ s->genes->v[i]) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(h >> 35) % n;
}

const char *pick(struct sketch *s, const char *feature, const char *const *of, size_t n)
{
	return of[gene(s, feature, (uint32_t)n)];
}
