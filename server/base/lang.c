/* Memory that is there or ends the program, and the few string questions asked everywhere. Allocation failure is not
 * an error to handle: containers fed from outside have caps, so running out means that the machine is out. */
#include "base/lang.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void __attribute__((noreturn)) die_no_memory(size_t n, size_t size)
{
	fprintf(stderr, "out of memory: %zu times %zu bytes\n", n, size);
	abort();
}

void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		die_no_memory(1, n);
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = n && size ? calloc(n, size) : calloc(1, 1);

	if (!p)
		die_no_memory(n, size);
	return p;
}

void *xrealloc_array(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		die_no_memory(n, size);
	p = realloc(p, bytes ? bytes : 1);
	if (!p)
		die_no_memory(n, size);
	return p;
}

char *xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xmalloc(n), s, n);
}

char *xasprintf(const char *fmt, ...)
{
	char *s;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		die_no_memory(1, strlen(fmt));
	return s;
}

void xfree(void *p)
{
	free(p);
}

void xfree_p(void *pp)
{
	void *p;

	/* pp points to a pointer of any type: copying its bytes keeps clear of aliasing rules. */
	memcpy(&p, pp, sizeof p);
	free(p);
}

bool str_starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && !memcmp(s + n - m, suffix, m);
}

/* Lead bytes in ranges, each with the length and the bounds of the second byte: that is where overlong forms,
 * surrogates and what lies beyond U+10FFFF are excluded. */
static const struct {
	uint8_t lead_lo, lead_hi, len, second_lo, second_hi;
} utf8_rows[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf }, { 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f }, { 0xee, 0xef, 3, 0x80, 0xbf }, { 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f },
};

unsigned utf8_step(const char *s, const char *end)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t left = (size_t)(end - s);

	if (!left)
		return 0;
	if (p[0] < 0x80)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(utf8_rows); i++) {
		unsigned n = utf8_rows[i].len;

		if (p[0] < utf8_rows[i].lead_lo || p[0] > utf8_rows[i].lead_hi)
			continue;
		if (left < n || p[1] < utf8_rows[i].second_lo || p[1] > utf8_rows[i].second_hi)
			return 0;
		for (unsigned k = 2; k < n; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return n;
	}
	return 0;
}
