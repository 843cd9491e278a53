/* Nothing but links. */
#include "http/index.h"
#include "base/buf.h"
#include "doc/write.h"
#include "http/text.h"
#include <stdlib.h>
#include <string.h>

void index_html(struct buf *out, const char *title, const struct index_page *v, uint32_t n)
{
	buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>");
	text_html(out, title);
	buf_puts(out, "</title></head>\n<body>\n<h1>");
	text_html(out, title);
	buf_puts(out, "</h1>\n<table>\n");
	for (uint32_t i = 0; i < n; i++) {
		buf_puts(out, "<tr><td><a href=\"");
		text_html(out, v[i].path);
		buf_puts(out, "\">");
		text_html(out, v[i].path);
		buf_puts(out, "</a></td><td>");
		text_html(out, v[i].help);
		buf_puts(out, "</td></tr>\n");
	}
	buf_puts(out, "</table>\n</body>\n</html>\n");
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void index_list(struct json *j, const struct index_page *v, uint32_t n)
{
	static const char prefix[] = "/debug/";
	const char **names = xcalloc(n, sizeof *names);
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++)
		if (v[i].listed && str_starts(v[i].path, prefix))
			names[k++] = v[i].path + strlen(prefix);
	if (k)
		qsort(names, k, sizeof *names, by_text);
	json_seq(j);
	for (uint32_t i = 0; i < k; i++)
		json_str(j, names[i]);
	json_seq_end(j);
	xfree(names);
}
