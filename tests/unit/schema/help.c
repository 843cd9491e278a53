/* Objects from YAML text, for all tests of this room. */
#include "help.h"

#include "doc/read.h"

#include <string.h>

enum decode_result help_decode(const char *yaml, const struct decode_opts *opts,
			       const struct object **ret, struct diag *diag)
{
	cleanup(arena_fini) struct arena arena = ARENA_INIT;
	struct docs docs = { 0 };

	if (!yaml_read(yaml, strlen(yaml), "t", &arena, &docs, diag) || docs.n != 1)
		return DECODE_BAD;
	return object_decode(docs.v[0], opts, ret, diag);
}

const struct object *help_object(const char *yaml)
{
	struct diag diag = DIAG_INIT;
	const struct object *o = NULL;
	cleanup(xfree_p) char *problems = NULL;

	help_decode(yaml, NULL, &o, &diag);
	problems = help_problems(&diag);
	CHECK_STR(problems, "");
	diag_fini(&diag);
	return o;
}

char *help_problems(const struct diag *diag)
{
	struct buf b = BUF_INIT;

	for (uint32_t i = 0; i < diag->n; i++) {
		char line[1024];

		diag_print(&diag->v[i], line, sizeof line);
		buf_printf(&b, "%s\n", line);
	}
	buf_puts(&b, "");
	return buf_take(&b);
}

char *help_print(const struct object *o)
{
	struct buf b = BUF_INIT;

	object_print(o, &b, false);
	return buf_take(&b);
}
