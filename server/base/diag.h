/* base/diag.h
 * What is wrong with what users wrote: every problem with its place and the path of the field. Collecting never
 * stops at the first one and never fails; beyond DIAG_MAX problems they are only counted.
 */
#pragma once
#include "base/arena.h"

enum severity { SEVERITY_WARNING, SEVERITY_ERROR };

struct place {
	const char *file;      /* NULL or "" when it came from no file; borrowed */
	uint32_t line, column; /* from 1; 0: unknown */
};

struct problem {
	enum severity severity;
	struct place place;
	const char *object; /* "VirtualService shop/reviews", or NULL while unknown */
	const char *path;   /* "spec.http[2].route[0].weight", or "" */
	const char *reason;
};

enum { DIAG_MAX = 1000 };
struct diag {
	struct arena arena; /* all strings of the problems are copied here */
	struct problem *v;
	uint32_t n, cap;
	uint32_t n_errors, n_warnings; /* all, also those beyond DIAG_MAX */
	const char *object;            /* given to each problem added while it is set; borrowed */
	struct place place;            /* the same, for problems without a line of their own */
};
#define DIAG_INIT ((struct diag){ 0 })

void diag_init(struct diag *);
void diag_fini(struct diag *);
void diag_error(struct diag *, struct place, const char *path, const char *fmt, ...)
	printf_like(4, 5);
void diag_warn(struct diag *, struct place, const char *path, const char *fmt, ...)
	printf_like(4, 5);
void diag_append(struct diag *, const struct diag *from);
/* "FILE:LINE:COL: error: KIND NS/NAME PATH: reason" without newline; the surface of `mainsheet validate`. */
void diag_print(const struct problem *, char *ret_line, size_t size);
