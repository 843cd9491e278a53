/* Paths of fields as people write them: spec.http[2].headers[x-user].exact */
#include "schema/interpret.h"

#include <string.h>

const char *decode_path_text(struct arena *a, const struct path *p)
{
	const char *up = p && p->up ? decode_path_text(a, p->up) : "";

	if (!p)
		return "";
	if (p->name)
		return arena_printf(a, "%s%s%.100s", up, *up && *p->name ? "." : "", p->name);
	if (p->key)
		return arena_printf(a, "%s[%.100s]", up, p->key);
	return arena_printf(a, "%s[%u]", up, p->index);
}
