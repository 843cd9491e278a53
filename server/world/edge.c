/* Arrays of ids. Most traces and reader lists are short and there are hundreds of thousands of them, so a heap block
 * each, with its header, would cost more than the ids: two live inside the struct, longer ones in blocks of a few
 * sizes cut from chunks and kept in free lists, and only the few huge ones on the heap. Beside them, the paged arrays
 * that all ids name, and the scratch map by which repetitions are found. */
#include "world/graph_impl.h"
#include <string.h>

enum { CHUNK = 64 << 10 };
static const uint16_t size_of[EDGE_CLASSES] = { 4,  6,  8,   12,  16,  24,  32, 48,
						64, 96, 128, 192, 256, 384, 512 };

static unsigned class_of(uint32_t n)
{
	unsigned c = 0;

	while (c < EDGE_CLASSES && size_of[c] < n)
		c++;
	return c;
}

static uint32_t capacity(const struct edges *e)
{
	if (!e->cls)
		return ARRAY_LEN(e->in);
	return e->cls == EDGES_BIG ? edges_outside(e)[0] : size_of[e->cls - 1];
}

size_t edges_bytes(const struct edges *e)
{
	return e->cls ? capacity(e) * sizeof(uint32_t) : 0;
}

static uint32_t *block_take(struct pool *p, unsigned cls)
{
	uint32_t *b = p->free[cls], size = size_of[cls] * (uint32_t)sizeof *b;

	if (b) {
		memcpy(&p->free[cls], b, sizeof(void *));
		return b;
	}
	if (p->left < size) {
		VEC_ROOM(p->chunks, p->n_chunks, p->cap_chunks);
		p->chunks[p->n_chunks++] = p->chunk = xmalloc(CHUNK);
		p->left = CHUNK;
	}
	b = (uint32_t *)(void *)p->chunk;
	p->chunk += size;
	p->left -= size;
	return b;
}

/* The ids are not kept. */
static void make_room(struct pool *p, struct edges *e, uint32_t n)
{
	unsigned cls = class_of(n);
	uint32_t *b, cap;

	e->n = 0;
	e->cls = 0;
	if (n <= ARRAY_LEN(e->in))
		return;
	if (cls == EDGE_CLASSES) {
		cap = n + n / 4;
		assert(n < 1u << 26);
		b = xmalloc((cap + 2) * sizeof *b);
		b[0] = cap;
		p->big_bytes += cap * sizeof *b;
		e->cls = EDGES_BIG;
	} else {
		b = block_take(p, cls);
		e->cls = (cls + 1) & 31;
	}
	memcpy(e->in, &b, sizeof b);
}

void edges_fini(struct pool *p, struct edges *e)
{
	uint32_t *b = e->cls ? edges_outside(e) : NULL;

	if (e->cls == EDGES_BIG) {
		p->big_bytes -= b[0] * sizeof *b;
		xfree(b);
	} else if (b) {
		memcpy(b, &p->free[e->cls - 1], sizeof(void *));
		p->free[e->cls - 1] = b;
	}
	e->n = 0;
	e->cls = 0;
}

void edges_push(struct pool *p, struct edges *e, uint32_t x)
{
	if (e->n == capacity(e)) {
		struct edges old = *e;

		make_room(p, e, old.n + 1);
		memcpy(edges_v(e), edges_v(&old), old.n * sizeof x);
		e->n = old.n;
		edges_fini(p, &old);
	}
	edges_v(e)[e->n++] = x;
}

void edges_set(struct pool *p, struct edges *e, const uint32_t *v, uint32_t n)
{
	if (n > capacity(e) || (e->cls && n * 2 < capacity(e))) {
		edges_fini(p, e);
		make_room(p, e, n);
	}
	if (n)
		memcpy(edges_v(e), v, n * sizeof *v);
	e->n = n & ((1u << 27) - 1);
}

void pool_fini(struct pool *p)
{
	for (uint32_t i = 0; i < p->n_chunks; i++)
		xfree(p->chunks[i]);
	xfree(p->chunks);
	*p = (struct pool){ 0 };
}

size_t pool_bytes(const struct pool *p)
{
	return (size_t)p->n_chunks * CHUNK + p->big_bytes;
}

void pages_init(struct pages *p, uint32_t slot_size)
{
	*p = (struct pages){ .size = slot_size, .n = 1 };
	p->cap_v = 4;
	p->v = xcalloc(p->cap_v, sizeof *p->v);
	p->v[0] = xcalloc(PAGE_SIZE, slot_size);
}

void pages_fini(struct pages *p)
{
	for (uint32_t i = 0; p->v && i <= (p->n - 1) >> PAGE_BITS; i++)
		xfree(p->v[i]);
	xfree(p->v);
	xfree(p->free.v);
	*p = (struct pages){ 0 };
}

#ifdef MAINSHEET_REHASH
static void pages_move(struct pages *p)
{
	for (uint32_t i = 0; i <= (p->n - 1) >> PAGE_BITS; i++) {
		char *moved = xmalloc((size_t)PAGE_SIZE * p->size);

		memcpy(moved, p->v[i], (size_t)PAGE_SIZE * p->size);
		memset(p->v[i], 0xa5, (size_t)PAGE_SIZE * p->size);
		xfree(p->v[i]);
		p->v[i] = moved;
	}
}
#endif

uint32_t pages_take(struct pages *p)
{
	uint32_t id;

#ifdef MAINSHEET_REHASH
	pages_move(p);
#endif
	if (p->free.n) {
		id = p->free.v[--p->free.n];
		memset(pages_at(p, id), 0, p->size);
		return id;
	}
	id = p->n++;
	assert(id <= EDGE_ID);
	if (!(id & (PAGE_SIZE - 1))) {
		uint32_t page = id >> PAGE_BITS;

		VEC_ROOM(p->v, page, p->cap_v);
		p->v[page] = xcalloc(PAGE_SIZE, p->size);
	}
	return id;
}

void pages_give(struct pages *p, uint32_t id)
{
	ids_push(&p->free, id);
}

size_t pages_bytes(const struct pages *p)
{
	size_t n_pages = ((p->n - 1) >> PAGE_BITS) + 1;

	return n_pages * PAGE_SIZE * p->size + p->cap_v * sizeof *p->v +
	       p->free.cap * sizeof *p->free.v;
}

void scratch_begin(struct scratch *s, uint32_t n)
{
	uint32_t want = 64;

	while (want < n * 2 + 2)
		want *= 2;
	if (want > s->cap || s->serial == UINT32_MAX) {
		s->cap = MAX(want, s->cap);
		xfree(s->v);
		s->v = xcalloc(s->cap, sizeof *s->v);
		s->serial = 0;
	}
	s->serial++;
}

bool scratch_add(struct scratch *s, uint32_t key, uint32_t **ret_value)
{
	uint32_t mask = s->cap - 1, i = hash_u32(key, 7) & mask;

	for (; s->v[i].serial == s->serial; i = (i + 1) & mask) {
		if (s->v[i].key == key) {
			*ret_value = &s->v[i].value;
			return false;
		}
	}
	s->v[i].serial = s->serial;
	s->v[i].key = key;
	s->v[i].value = 0;
	*ret_value = &s->v[i].value;
	return true;
}
