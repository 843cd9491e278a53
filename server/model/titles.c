/* Names of value cells, for traces that people read. */
#include "base/buf.h"
#include "model/queries.h"

void model_value_title(const struct keys *keys, unsigned kind, uint32_t key, struct buf *out)
{
	static const char *const names[] = {
		[CELL_MESH - CELL_MESH] = "mesh config",
		[CELL_NETWORKS - CELL_MESH] = "mesh networks",
		[CELL_PROXY - CELL_MESH] = "proxy",
	};

	if (kind < CELL_MESH || kind - CELL_MESH >= ARRAY_LEN(names))
		buf_printf(out, "value %u", kind);
	else if (key == KEY_EMPTY)
		buf_puts(out, names[kind - CELL_MESH]);
	else
		buf_printf(out, "%s %s", names[kind - CELL_MESH], key_text(keys, key));
}
