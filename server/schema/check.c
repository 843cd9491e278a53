/* The door of the checks: which kinds have some, and where in the document a path points. */
#include "schema/check.h"
#include "doc/node.h"
#include "schema/check_impl.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The place of the deepest part of the path that is there. */
static struct place find_place(const struct node *doc, const char *path)
{
	const struct node *at = doc, *next;
	char name[256];

	while (*path && at) {
		size_t n = strcspn(path, ".[");

		if (*path == '[') {
			unsigned long i = strtoul(path + 1, NULL, 10);

			next = at->type == NODE_SEQ && i < at->n ? at->seq[i] : NULL;
			path += strcspn(path, "]");
			path += *path == ']';
		} else {
			if (n >= sizeof name)
				break;
			memcpy(name, path, n);
			name[n] = 0;
			next = at->type == NODE_MAP ? node_get(at, name) : NULL;
			path += n;
		}
		path += *path == '.';
		if (!next)
			break;
		at = next;
	}
	return at->place;
}

void bad(struct check *c, const char *path, const char *fmt, ...)
{
	char reason[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof reason, fmt, ap);
	va_end(ap);
	diag_error(c->diag, find_place(c->doc, path), path, "%s", reason);
}

const char *sub(struct check *c, const char *path, const char *fmt, ...)
{
	char rest[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(rest, sizeof rest, fmt, ap);
	va_end(ap);
	return arena_printf(c->arena, "%s%s%s", path, *rest == '[' ? "" : ".", rest);
}

static const struct {
	uint16_t kind;
	void (*check)(struct check *);
} checks[] = {
	{ KIND_VIRTUAL_SERVICE, check_virtual_service },
	{ KIND_DESTINATION_RULE, check_destination_rule },
	{ KIND_SERVICE_ENTRY, check_service_entry },
	{ KIND_SIDECAR, check_sidecar },
	{ KIND_GATEWAY, check_gateway },
};

void object_check(const struct object *o, const struct node *doc, struct diag *diag)
{
	cleanup(arena_fini) struct arena arena = ARENA_INIT;
	struct check c = { o, doc, diag, &arena };

	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (checks[i].kind == o->kind)
			checks[i].check(&c);
}
