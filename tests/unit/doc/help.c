/* Readers' results as text. */
#include "help.h"
#include "base/buf.h"
#include "doc/write.h"
#include <string.h>

static const char *as_text(struct arena *a, const struct docs *docs, const struct diag *d)
{
	struct buf b cleanup(buf_fini) = BUF_INIT;
	struct json j;

	for (uint32_t i = 0; i < docs->n; i++) {
		json_init(&j, &b, false);
		json_node(&j, docs->v[i]);
		buf_putc(&b, '\n');
	}
	for (uint32_t i = 0; i < d->n; i++) {
		const struct problem *p = &d->v[i];

		buf_printf(&b, "%u:%u: %s%s%s\n", p->place.line, p->place.column, p->path,
			   *p->path ? ": " : "", p->reason);
	}
	if (b.len)
		b.p[--b.len] = 0;
	return arena_strdup(a, buf_str(&b));
}

const char *read_yaml(struct arena *a, const char *text, size_t len)
{
	struct diag d = DIAG_INIT;
	struct docs docs;
	const char *s;
	bool ok = yaml_read(text, len, "t.yaml", a, &docs, &d);

	s = as_text(a, &docs, &d);
	if (ok != !d.n)
		s = arena_printf(a, "returned %d but: %s", ok, s);
	diag_fini(&d);
	return s;
}

const char *read_json(struct arena *a, const char *text, size_t len)
{
	struct diag d = DIAG_INIT;
	const struct node *root = json_read(text, len, "t.json", a, &d);
	struct docs docs = { .v = &root, .n = !!root };
	const char *s = as_text(a, &docs, &d);

	if (!root != !!d.n)
		s = arena_printf(a, "returned %p but: %s", (const void *)root, s);
	diag_fini(&d);
	return s;
}
