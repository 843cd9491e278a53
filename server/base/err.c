/* Texts are made in a buffer of their own first: an argument may well be the old text. */
#include "base/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err(struct err *e, const char *fmt, ...)
{
	char text[sizeof e->text];
	va_list ap;

	if (!e)
		return false;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	memcpy(e->text, text, strlen(text) + 1);
	return false;
}

bool err_wrap(struct err *e, const char *fmt, ...)
{
	char text[sizeof e->text];
	va_list ap;
	size_t n, old;

	if (!e)
		return false;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text - 2, fmt, ap);
	va_end(ap);
	n = strlen(text);
	memcpy(text + n, ": ", 2);
	n += 2;
	old = MIN(strlen(e->text), sizeof e->text - 1 - n);
	memmove(e->text + n, e->text, old);
	memcpy(e->text, text, n);
	e->text[n + old] = 0;
	return false;
}
