/* Chunks that double from small (most arenas hold one object) to ARENA_CHUNK_MAX; what does not fit a quarter of a
 * chunk gets one of its own, so that a big string never throws away the rest of the current chunk. Memory is zeroed
 * when handed out, not when the chunk is made: a chunk kept by arena_reset is dirty. */
#include "base/arena.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_CHUNK_MIN = 512, ARENA_CHUNK_MAX = 64 << 10, ARENA_ALIGN = 16 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t size, used; /* of mem */
	_Alignas(ARENA_ALIGN) unsigned char mem[];
};

struct arena_owned {
	struct arena_owned *next;
	void (*destroy)(void *);
	void *ptr;
};

/* Under AddressSanitizer the rest of a chunk is poisoned and allocations keep a gap, so that an overrun is found. */
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
enum { ARENA_GAP = ARENA_ALIGN };
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
enum { ARENA_GAP = 0 };
#endif

static struct arena_chunk *chunk_new(size_t size)
{
	struct arena_chunk *c = xmalloc(sizeof *c + size);

	c->next = NULL;
	c->size = size;
	c->used = 0;
	ASAN_POISON_MEMORY_REGION(c->mem, size);
	return c;
}

static void chunk_free(struct arena_chunk *c)
{
	ASAN_UNPOISON_MEMORY_REGION(c->mem, c->size);
	xfree(c);
}

void arena_init(struct arena *a)
{
	*a = ARENA_INIT;
}

static void run_destructors(struct arena *a)
{
	struct arena_owned *o;

	/* One by one off the list: a destructor may look at the arena, though it may not allocate from it. */
	while ((o = a->owned)) {
		a->owned = o->next;
		o->destroy(o->ptr);
	}
}

static void chunks_free(struct arena_chunk *c)
{
	while (c) {
		struct arena_chunk *next = c->next;

		chunk_free(c);
		c = next;
	}
}

void arena_fini(struct arena *a)
{
	run_destructors(a);
	chunks_free(a->chunk);
	*a = ARENA_INIT;
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *keep = NULL, *rest = NULL;

	run_destructors(a);
	/* The biggest regular chunk is the best guess at what the next round needs. */
	for (struct arena_chunk *c = a->chunk, *next; c; c = next) {
		next = c->next;
		if (c->size <= ARENA_CHUNK_MAX && (!keep || c->size > keep->size)) {
			if (keep) {
				keep->next = rest;
				rest = keep;
			}
			keep = c;
		} else {
			c->next = rest;
			rest = c;
		}
	}
	chunks_free(rest);
	*a = ARENA_INIT;
	if (keep) {
		keep->next = NULL;
		keep->used = 0;
		ASAN_POISON_MEMORY_REGION(keep->mem, keep->size);
		a->chunk = keep;
	}
}

static void *chunk_take(struct arena_chunk *c, size_t n, size_t padded)
{
	void *p = c->mem + c->used;

	c->used += padded;
	ASAN_UNPOISON_MEMORY_REGION(p, n);
	return memset(p, 0, n);
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->chunk;
	size_t padded, size;

	if (n > SIZE_MAX / 4)
		return xmalloc(n); /* ends the process */
	padded = (n + ARENA_GAP + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (!padded)
		padded = ARENA_ALIGN;
	a->used += n;
	if (c && c->size - c->used >= padded)
		return chunk_take(c, n, padded);
	size = c ? MIN(c->size * 2, (size_t)ARENA_CHUNK_MAX) : ARENA_CHUNK_MIN;
	if (padded > size / 4) {
		struct arena_chunk *big = chunk_new(c ? padded : MAX(padded, size));

		/* Behind the current chunk, which may still have room. */
		if (c) {
			big->next = c->next;
			c->next = big;
		} else {
			a->chunk = big;
		}
		return chunk_take(big, n, padded);
	}
	c = chunk_new(size);
	c->next = a->chunk;
	a->chunk = c;
	return chunk_take(c, n, padded);
}

void *arena_alloc_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		bytes = SIZE_MAX;
	return arena_alloc(a, bytes);
}

void *arena_dup(struct arena *a, const void *p, size_t n)
{
	void *copy = arena_alloc(a, n);

	if (n)
		memcpy(copy, p, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	if (n)
		memcpy(copy, s, n);
	return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char small[256], *s;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof small, fmt, ap);
	if (n < 0)
		abort();
	if ((size_t)n < sizeof small) {
		s = arena_strndup(a, small, (size_t)n);
	} else {
		s = arena_alloc(a, (size_t)n + 1);
		vsnprintf(s, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	return s;
}

void arena_own(struct arena *a, void (*destroy)(void *), void *ptr)
{
	struct arena_owned *o = arena_new(a, struct arena_owned);

	o->destroy = destroy;
	o->ptr = ptr;
	o->next = a->owned;
	a->owned = o;
}

size_t arena_size(const struct arena *a)
{
	size_t n = 0;

	for (const struct arena_chunk *c = a->chunk; c; c = c->next)
		n += sizeof *c + c->size;
	return n;
}
