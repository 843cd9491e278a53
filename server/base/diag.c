/* Problems are copied whole, so that the documents they speak of may go. Every text is cut at DIAG_TEXT: reasons
 * quote what users wrote, and that can be megabytes. */
#include "base/diag.h"
#include <stdio.h>
#include <string.h>

enum { DIAG_TEXT = 1000 };

void diag_init(struct diag *d)
{
	*d = DIAG_INIT;
}

void diag_fini(struct diag *d)
{
	arena_fini(&d->arena);
	*d = DIAG_INIT;
}

/* A copy, cut between characters. */
static const char *copy(struct diag *d, const char *s)
{
	size_t n;

	if (!s)
		return NULL;
	n = strnlen(s, DIAG_TEXT + 1);
	if (n <= DIAG_TEXT)
		return arena_strndup(&d->arena, s, n);
	n = DIAG_TEXT;
	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return arena_printf(&d->arena, "%.*s...", (int)n, s);
}

/* Neighbours mostly share file and object. */
static const char *copy_shared(struct diag *d, const char *s, const char *last)
{
	return s && str_eq(s, last) ? last : copy(d, s);
}

static void count(struct diag *d, enum severity severity)
{
	if (severity == SEVERITY_ERROR)
		d->n_errors++;
	else
		d->n_warnings++;
}

static void add(struct diag *d, const struct problem *from)
{
	struct problem last = { 0 }, *p;

	count(d, from->severity);
	if (d->n >= DIAG_MAX)
		return;
	if (d->n)
		last = d->v[d->n - 1];
	p = ARENA_PUSH(&d->arena, d->v, d->n, d->cap);
	*p = *from;
	p->place.file = copy_shared(d, from->place.file, last.place.file);
	p->object = copy_shared(d, from->object, last.object);
	p->path = copy(d, str_or(from->path, ""));
	p->reason = copy(d, from->reason);
}

static void printf_like(5, 0) add_text(struct diag *d, enum severity severity, struct place place,
				       const char *path, const char *fmt, va_list ap)
{
	char reason[DIAG_TEXT + 8];

	vsnprintf(reason, sizeof reason, fmt, ap);
	add(d, &(struct problem){ .severity = severity,
				  .place = place.line || place.file ? place : d->place,
				  .object = d->object,
				  .path = path,
				  .reason = reason });
}

void diag_error(struct diag *d, struct place place, const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_text(d, SEVERITY_ERROR, place, path, fmt, ap);
	va_end(ap);
}

void diag_warn(struct diag *d, struct place place, const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_text(d, SEVERITY_WARNING, place, path, fmt, ap);
	va_end(ap);
}

void diag_append(struct diag *d, const struct diag *from)
{
	uint32_t errors = d->n_errors + from->n_errors;
	uint32_t warnings = d->n_warnings + from->n_warnings;

	for (uint32_t i = 0; i < from->n; i++)
		add(d, &from->v[i]);
	/* Those that `from` itself only counted are counted here too. */
	d->n_errors = errors;
	d->n_warnings = warnings;
}

struct line {
	char *p;
	size_t n, size;
};

/* Keeps the line one line: control characters become spaces. */
static void put(struct line *l, const char *s)
{
	for (; *s && l->n + 1 < l->size; s++)
		l->p[l->n++] = (unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : *s;
	l->p[l->n] = 0;
}

void diag_print(const struct problem *p, char *ret_line, size_t size)
{
	struct line l = { .p = ret_line, .size = size };
	char place[32] = "";

	if (!size)
		return;
	ret_line[0] = 0;
	if (p->place.line && p->place.column)
		snprintf(place, sizeof place, "%u:%u: ", p->place.line, p->place.column);
	else if (p->place.line)
		snprintf(place, sizeof place, "%u: ", p->place.line);
	if (!str_empty(p->place.file)) {
		put(&l, p->place.file);
		put(&l, *place ? ":" : ": ");
	}
	put(&l, place);
	put(&l, p->severity == SEVERITY_ERROR ? "error: " : "warning: ");
	if (!str_empty(p->object)) {
		put(&l, p->object);
		put(&l, str_empty(p->path) ? ": " : " ");
	}
	if (!str_empty(p->path)) {
		put(&l, p->path);
		put(&l, ": ");
	}
	put(&l, str_or(p->reason, ""));
}
