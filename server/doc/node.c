/* Questions about trees. Recursion is bounded: readers refuse what is deeper than DOC_MAX_DEPTH. */
#include "doc/node.h"
#include <string.h>

const char *node_type_name(enum node_type type)
{
	static const char *const names[] = {
		[NODE_NULL] = "null",    [NODE_BOOL] = "boolean",  [NODE_INT] = "integer",
		[NODE_FLOAT] = "number", [NODE_STRING] = "string", [NODE_SEQ] = "list",
		[NODE_MAP] = "map",
	};

	return names[type];
}

const struct node *node_get(const struct node *map, const char *key)
{
	if (!map || map->type != NODE_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->n; i++)
		if (!strcmp(map->map[i].key, key))
			return map->map[i].value;
	return NULL;
}

const char *node_str(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n && n->type == NODE_STRING ? n->s : NULL;
}

static struct place copy_place(struct arena *a, struct place place, struct place from,
			       struct place to)
{
	/* One file name per tree is the rule; anything else is copied each time. */
	place.file = place.file == from.file ? to.file : arena_strdup(a, place.file);
	return place;
}

static const struct node *copy(struct arena *a, const struct node *from, struct place root_from,
			       struct place root_to)
{
	struct node *n = arena_new(a, struct node);

	*n = *from;
	n->place = copy_place(a, from->place, root_from, root_to);
	if (from->type == NODE_STRING) {
		n->s = arena_strndup(a, from->s, from->n);
		n->text = from->text == from->s ? n->s : arena_strdup(a, from->text);
	} else if (from->type == NODE_SEQ) {
		const struct node **seq = arena_array(a, const struct node *, from->n);

		for (uint32_t i = 0; i < from->n; i++)
			seq[i] = copy(a, from->seq[i], root_from, root_to);
		n->seq = seq;
	} else if (from->type == NODE_MAP) {
		struct node_entry *map = arena_array(a, struct node_entry, from->n);

		for (uint32_t i = 0; i < from->n; i++) {
			const struct node_entry *e = &from->map[i];

			map[i].key = arena_strdup(a, e->key);
			map[i].key_place = copy_place(a, e->key_place, root_from, root_to);
			map[i].value = copy(a, e->value, root_from, root_to);
		}
		n->map = map;
	} else {
		n->text = arena_strdup(a, from->text);
	}
	return n;
}

const struct node *node_copy(struct arena *a, const struct node *from)
{
	struct place to;

	if (!from)
		return NULL;
	to = from->place;
	to.file = arena_strdup(a, from->place.file);
	return copy(a, from, from->place, to);
}
