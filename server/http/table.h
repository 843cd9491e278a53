/* http/table.h
 * A table for a terminal: columns as wide as their widest cell, three blanks between them, the last one open.
 */
#pragma once
#include "base/arena.h"

struct buf;

enum { TABLE_COLUMNS_MAX = 16 };
struct table {
	struct arena arena;
	uint32_t n_columns;
	const char **cells; /* row by row, cleaned (http/text.h) */
	uint32_t n, cap;
	size_t widths[TABLE_COLUMNS_MAX];
};
void table_init(struct table *, uint32_t n_columns);
void table_fini(struct table *);
/* Copied; NULL is an empty cell. */
void table_cell(struct table *, const char *);
/* All rows are complete. */
void table_print(const struct table *, struct buf *);
