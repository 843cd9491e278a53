/* schemagen CRD_DIR OUT_DIR: reads the CustomResourceDefinitions below CRD_DIR and writes the C types they describe.
 *
 * The schema is the single source of truth: whatever this tool does not understand stops the build with its place, so
 * that no field, limit or rule of a schema can be lost on the way to the program. The order of everything written
 * depends on names alone.
 */
#include "schema/gen/gen.h"
#include "base/err.h"

#include <stdio.h>

/* By way of another file, so that a failed run never leaves half of one behind. */
static bool write_file(const char *dir, const char *name, const struct buf *b, struct err *e)
{
	cleanup(xfree_p) char *path = xasprintf("%s/%s", dir, name);
	cleanup(xfree_p) char *part = xasprintf("%s.part", path);
	FILE *f = fopen(part, "we");
	bool ok;

	if (!f)
		return err(e, "open %s: %m", part);
	ok = fwrite(b->p, 1, b->len, f) == b->len;
	if (fclose(f) || !ok)
		return err(e, "write %s: %m", part);
	if (rename(part, path))
		return err(e, "rename %s: %m", part);
	return true;
}

static int report(const struct diag *d)
{
	for (uint32_t i = 0; i < d->n; i++) {
		char line[2048];

		diag_print(&d->v[i], line, sizeof line);
		fprintf(stderr, "%s\n", line);
	}
	return d->n_errors ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct gen g = { 0 };
	struct buf header = BUF_INIT, tables = BUF_INIT;
	struct err e = ERR_INIT;
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: schemagen CRD_DIR OUT_DIR\n");
		return 2;
	}
	arena_init(&g.arena);
	diag_init(&g.diag);
	gen_load_tree(&g, argv[1]);
	if (!g.diag.n_errors) {
		gen_emit_header(&g, &header);
		gen_emit_tables(&g, &tables);
	}
	rc = report(&g.diag);
	if (!rc && (!write_file(argv[2], "types.h", &header, &e) ||
		    !write_file(argv[2], "types.c", &tables, &e))) {
		fprintf(stderr, "schemagen: %s\n", e.text);
		rc = 1;
	}
	buf_fini(&header);
	buf_fini(&tables);
	map_fini(&g.by_shape);
	diag_fini(&g.diag);
	arena_fini(&g.arena);
	return rc;
}
