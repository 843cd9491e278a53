/* Fields of MeshConfig may be written as in its proto, with underscores. Such a document is respelled before it is decoded,
 * so that the decoder knows one spelling and still names unknown fields as they were written.
 */
#include "model/mesh_names.h"
#include "doc/node.h"
#include "schema/schema.h"

#include <ctype.h>
#include <string.h>

static const struct field *find_field(const struct struct_type *t, const char *json)
{
	for (uint32_t i = 0; i < t->n_fields; i++)
		if (!strcmp(t->fields[i].json, json))
			return &t->fields[i];
	return NULL;
}

/* "connect_timeout" -> "connectTimeout" */
static const char *camel_case(struct arena *a, const char *name)
{
	char *out = arena_strdup(a, name), *p = out;

	for (const char *s = name; *s; s++) {
		if (*s == '_' && s[1])
			*p++ = (char)toupper((unsigned char)*++s);
		else
			*p++ = *s;
	}
	*p = '\0';
	return out;
}

static const struct node *respell_values(struct arena *, const struct struct_type *,
					 const struct node *);

static const struct node *respell_value(struct arena *a, const struct field *f,
					const struct node *n)
{
	if (f->type == FIELD_STRUCT)
		return mesh_respell(a, f->of, n);
	if (f->type == FIELD_STRUCT_LIST || f->type == FIELD_STRUCT_MAP)
		return respell_values(a, f->of, n);
	return n;
}

/* The elements of a list or the values of a map, each of the type. */
static const struct node *respell_values(struct arena *a, const struct struct_type *t,
					 const struct node *n)
{
	struct node *copy = arena_dup(a, n, sizeof *n);

	if (n->type == NODE_SEQ) {
		const struct node **seq = arena_array(a, const struct node *, n->n);

		for (uint32_t i = 0; i < n->n; i++)
			seq[i] = mesh_respell(a, t, n->seq[i]);
		copy->seq = seq;
	} else if (n->type == NODE_MAP) {
		struct node_entry *map = arena_array(a, struct node_entry, n->n);

		for (uint32_t i = 0; i < n->n; i++) {
			map[i] = n->map[i];
			map[i].value = mesh_respell(a, t, map[i].value);
		}
		copy->map = map;
	}
	return copy;
}

/* It follows the schema, so it goes no deeper than that. */
const struct node *mesh_respell(struct arena *a, const struct struct_type *t, const struct node *n)
{
	struct node *copy;
	struct node_entry *map;

	if (n->type != NODE_MAP)
		return n;
	copy = arena_dup(a, n, sizeof *n);
	map = arena_array(a, struct node_entry, n->n);
	for (uint32_t i = 0; i < n->n; i++) {
		const struct field *f = find_field(t, n->map[i].key);

		map[i] = n->map[i];
		if (!f && strchr(map[i].key, '_')) {
			const char *other = camel_case(a, map[i].key);

			/* Both spellings at once: the odd one stays, and is reported. */
			f = node_get(n, other) ? NULL : find_field(t, other);
			if (f)
				map[i].key = f->json;
		}
		if (f)
			map[i].value = respell_value(a, f, map[i].value);
	}
	copy->map = map;
	return copy;
}
