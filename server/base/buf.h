/* base/buf.h
 * A growing byte buffer with a ceiling. Always NUL-terminated behind its length. One thread at a time.
 * Growing past the ceiling sets `overflow`, and further appends do nothing: check once at the end.
 */
#pragma once
#include "base/lang.h"
#include <stdarg.h>

struct buf {
	char *p; /* never NULL after the first append; buf_str otherwise gives "" */
	size_t len, cap;
	size_t max; /* 0: BUF_MAX_DEFAULT */
	bool overflow;
};
#define BUF_MAX_DEFAULT ((size_t)1 << 30)
#define BUF_INIT ((struct buf){ 0 })
#define BUF_INIT_MAX(m) ((struct buf){ .max = (m) })

void buf_fini(struct buf *);
void buf_reset(struct buf *); /* empty, memory kept */
void buf_append(struct buf *, const void *, size_t n);
void buf_puts(struct buf *, const char *);
void buf_putc(struct buf *, char);
void buf_printf(struct buf *, const char *fmt, ...) printf_like(2, 3);
void buf_vprintf(struct buf *, const char *fmt, va_list) printf_like(2, 0);
/* The shortest decimal that reads back the same; else inf, -inf or nan. */
void buf_double(struct buf *, double);
char *buf_room(struct buf *, size_t n); /* space for n more bytes behind len, or NULL on overflow */
const char *buf_str(const struct buf *);
char *buf_take(struct buf *); /* heap string, yours (xfree); the buffer is empty */
