/* http/index.h
 * The index of debug pages: the list that a person follows, and the list that istioctl reads.
 */
#pragma once
#include "base/lang.h"

struct buf;
struct json;

struct index_page {
	const char *path; /* "/debug/syncz" */
	const char *help;
	bool listed; /* in /debug/list */
};
void index_html(struct buf *, const char *title, const struct index_page *, uint32_t n);
/* Names without "/debug/", sorted. */
void index_list(struct json *, const struct index_page *, uint32_t n);
