/* base/arena.h
 * Bump allocation for things that die together: an object with all its strings, the message tree of one query.
 *
 * An arena belongs to one thread at a time; a finished one may be read by all. It can own foreign resources
 * (references, handles): their destructors run, last first, when the arena ends.
 */
#pragma once
#include "base/lang.h"
#include <stdarg.h>

struct arena_chunk;
struct arena_owned;
struct arena {
	struct arena_chunk *chunk; /* newest first */
	struct arena_owned *owned;
	size_t used; /* bytes handed out */
};
#define ARENA_INIT ((struct arena){ 0 })

void arena_init(struct arena *);
void arena_fini(struct arena *);  /* frees everything; the struct is ARENA_INIT again */
void arena_reset(struct arena *); /* the same, but keeps one chunk for reuse */

/* Zeroed, aligned to 16, never NULL; n == 0 gives a valid pointer. */
void *arena_alloc(struct arena *, size_t n);
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc_array((a), (n), sizeof(type)))
void *arena_alloc_array(struct arena *, size_t n, size_t size); /* ends the process on overflow */

void *arena_dup(struct arena *, const void *, size_t n);
char *arena_strdup(struct arena *, const char *); /* NULL gives NULL */
char *arena_strndup(struct arena *, const char *, size_t n);
char *arena_printf(struct arena *, const char *fmt, ...) printf_like(2, 3);
char *arena_vprintf(struct arena *, const char *fmt, va_list) printf_like(2, 0);

/* `destroy(ptr)` runs when the arena ends. */
void arena_own(struct arena *, void (*destroy)(void *), void *ptr);

/* Bytes taken from the heap, slack included. */
size_t arena_size(const struct arena *);

/* A growing array inside an arena: v, n and cap are lvalues; the old copy stays behind in the arena. */
#define ARENA_PUSH(a, v, n, cap) \
	({ \
		if ((n) == (cap)) { \
			size_t cap_ = (cap) ? (size_t)(cap)*2 : 8; \
			void *new_ = arena_alloc_array((a), cap_, sizeof *(v)); \
			if (n) \
				__builtin_memcpy(new_, (v), (size_t)(n) * sizeof *(v)); \
			(v) = new_; \
			(cap) = cap_; \
		} \
		&(v)[(n)++]; \
	})
