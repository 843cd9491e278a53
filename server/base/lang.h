/* base/lang.h
 * The few words that this house adds to C: scope-bound cleanup, visible hand-over, checked results, and memory
 * that is either there or ends the program.
 *
 * Any thread. Every other header may rely on these names.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define cleanup(fn) __attribute__((cleanup(fn)))
#define must_check __attribute__((warn_unused_result))
#define printf_like(fmt, first) __attribute__((format(printf, fmt, first)))
#define unused __attribute__((unused))

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* Hands a pointer over: the expression is the old value, the variable is NULL afterwards. */
#define TAKE(p) \
	({ \
		__typeof__(p) *take_p_ = &(p); \
		__typeof__(p) take_v_ = *take_p_; \
		*take_p_ = NULL; \
		take_v_; \
	})

/* The struct that holds `member` at `ptr`. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Never return NULL: out of memory ends the process with the size and one line on stderr. xrealloc_array also
 * ends it when n * size overflows. A size of 0 gives a pointer that can be freed. */
void *xmalloc(size_t n) must_check;
void *xcalloc(size_t n, size_t size) must_check;
void *xrealloc_array(void *p, size_t n, size_t size) must_check;
char *xstrdup(const char *) must_check;
char *xasprintf(const char *fmt, ...) printf_like(1, 2) must_check;
void xfree(void *);

/* For cleanup(): `cleanup(xfree_p) char *s = ...`. */
void xfree_p(void *pp);

/* Makes room for one more element in an array that doubles: VEC_ROOM(v, n, cap). */
#define VEC_ROOM(v, n, cap) \
	do { \
		if ((n) == (cap)) { \
			(cap) = (cap) ? (cap)*2 : 16; \
			(v) = xrealloc_array((v), (cap), sizeof *(v)); \
		} \
	} while (0)

static inline bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && !__builtin_strcmp(a, b));
}
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
/* NULL reads as the empty string. */
static inline const char *str_or(const char *s, const char *otherwise)
{
	return s ? s : otherwise;
}
static inline bool str_empty(const char *s)
{
	return !s || !*s;
}
/* The length (1 to 4) of the well-formed UTF-8 sequence that starts at s, 0 when there is none before `end`. */
unsigned utf8_step(const char *s, const char *end);
