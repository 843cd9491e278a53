/* http/text.h
 * Text of others (names, NACKs, places) as it may stand in a page, and the few forms of time that pages show.
 */
#pragma once
#include "base/buf.h"

/* On one line, for a terminal: blanks for line breaks and tabs; other control characters and those that change the
 * direction of writing are left out, bytes that are not UTF-8 become U+FFFD. */
void text_clean(struct buf *, const char *);
/* Between tags or inside a quoted attribute. */
void text_html(struct buf *, const char *);

/* How many columns it takes, one for each code point. */
size_t text_width(const char *);

enum { TEXT_TIME = 48 };
/* "2026-01-02T03:04:05.000000006Z", as Go prints it: without a fraction that is 0. */
const char *text_time(int64_t wall_ns, char buf[TEXT_TIME]);
/* "0s", "59s", "5m3s", "7h10m", "3d4h"; negative ones are 0s. */
const char *text_age(int64_t ns, char buf[TEXT_TIME]);
