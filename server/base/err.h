/* base/err.h
 * Why something in the world failed (files, network, TLS, the API server): one line of text, the outermost
 * circumstance first. What users wrote goes to diag.h instead.
 */
#pragma once
#include "base/lang.h"

struct err {
	char text[512];
};
#define ERR_INIT ((struct err){ { 0 } })

/* Writes the text and returns false, so that `return err(e, "open %s: %m", path);` is the whole story.
 * e may be NULL. */
bool err(struct err *e, const char *fmt, ...) printf_like(2, 3);
/* Prepends "<text>: ". */
bool err_wrap(struct err *e, const char *fmt, ...) printf_like(2, 3);
