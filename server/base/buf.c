/* A byte string that doubles. All growth goes through buf_room, which is where the ceiling is. */
#include "base/buf.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_fini(struct buf *b)
{
	xfree(b->p);
	*b = BUF_INIT_MAX(b->max);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->overflow = false;
	if (b->p)
		b->p[0] = 0;
}

char *buf_room(struct buf *b, size_t n)
{
	size_t max = b->max ? b->max : BUF_MAX_DEFAULT, cap;

	if (b->overflow || n > max || b->len > max - n) {
		b->overflow = true;
		return NULL;
	}
	if (b->len + n + 1 > b->cap) {
		cap = MAX(b->cap * 2, (size_t)64);
		b->cap = MAX(MIN(cap, max + 1), b->len + n + 1);
		b->p = xrealloc_array(b->p, b->cap, 1);
	}
	/* The caller moves len over what it wrote; terminated whether that is all or nothing. */
	b->p[b->len] = 0;
	b->p[b->len + n] = 0;
	return b->p + b->len;
}

void buf_append(struct buf *b, const void *data, size_t n)
{
	char *at = buf_room(b, n);

	if (!at)
		return;
	if (n)
		memcpy(at, data, n);
	b->len += n;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	char small[256], *at;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof small, fmt, ap);
	if (n < 0)
		abort();
	if ((size_t)n < sizeof small) {
		buf_append(b, small, (size_t)n);
	} else if ((at = buf_room(b, (size_t)n))) {
		vsnprintf(at, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void buf_double(struct buf *b, double v)
{
	char text[32];

	if (isnan(v) || isinf(v)) {
		buf_puts(b, isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
		return;
	}
	if (v == rint(v) && fabs(v) < 1e15) {
		snprintf(text, sizeof text, "%.0f", v);
	} else {
		/* 17 digits always suffice; mostly fewer do. */
		for (int digits = 15; digits <= 17; digits++) {
			snprintf(text, sizeof text, "%.*g", digits, v);
			if (strtod(text, NULL) == v)
				break;
		}
	}
	buf_puts(b, text);
}

const char *buf_str(const struct buf *b)
{
	if (!b->p)
		return "";
	/* After buf_room the caller may have written less than it asked for. */
	if (b->p[b->len])
		b->p[b->len] = 0;
	return b->p;
}

char *buf_take(struct buf *b)
{
	char *s = b->p ? b->p : xstrdup("");

	if (b->p)
		s[b->len] = 0;
	*b = BUF_INIT_MAX(b->max);
	return s;
}
