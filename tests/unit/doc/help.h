/* tests/unit/doc/help.h
 * Text in, one string out: what the reader made of it, as JSON, and what it had to say.
 */
#pragma once
#include "doc/read.h"

/* The documents as compact JSON, one a line, then the problems as "LINE:COL: PATH: reason", one a line, without the last
 * newline. Lives in the arena. */
const char *read_yaml(struct arena *, const char *text, size_t len);
const char *read_json(struct arena *, const char *text, size_t len);
