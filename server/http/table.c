/* Cells are kept until all widths are known. */
#include "http/table.h"
#include "base/buf.h"
#include "http/text.h"
#include <assert.h>

void table_init(struct table *t, uint32_t n_columns)
{
	assert(n_columns && n_columns <= TABLE_COLUMNS_MAX);
	*t = (struct table){ .arena = ARENA_INIT, .n_columns = n_columns };
}

void table_fini(struct table *t)
{
	arena_fini(&t->arena);
}

void table_cell(struct table *t, const char *text)
{
	struct buf clean = BUF_INIT;
	size_t *width = &t->widths[t->n % t->n_columns], w;

	text_clean(&clean, str_or(text, ""));
	w = text_width(buf_str(&clean));
	*width = MAX(*width, w);
	*ARENA_PUSH(&t->arena, t->cells, t->n, t->cap) = arena_strdup(&t->arena, buf_str(&clean));
	buf_fini(&clean);
}

void table_print(const struct table *t, struct buf *out)
{
	assert(t->n % t->n_columns == 0);
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t column = i % t->n_columns;

		buf_puts(out, t->cells[i]);
		if (column + 1 == t->n_columns) {
			buf_putc(out, '\n');
			continue;
		}
		for (size_t w = text_width(t->cells[i]); w < t->widths[column] + 3; w++)
			buf_putc(out, ' ');
	}
}
