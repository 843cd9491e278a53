/* The layout behind each field type, in one table: every part of the interpreter is a loop over fields that looks here
 * for the container and at its own table for the element.
 */
#include "schema/interpret.h"

#include <string.h>

const struct shape shapes[] = {
	[FIELD_STRING] = { ONE, ELEM_STRING, 0 },
	[FIELD_BOOL] = { ONE, ELEM_BOOL, 0 },
	[FIELD_INT] = { ONE, ELEM_OPT_INT, 0 },
	[FIELD_DOUBLE] = { ONE, ELEM_DOUBLE, 0 },
	[FIELD_DURATION] = { ONE, ELEM_DURATION, 0 },
	[FIELD_TIME] = { ONE, ELEM_TIME, 0 },
	[FIELD_BYTES] = { ONE, ELEM_BYTES, 0 },
	[FIELD_ENUM] = { ONE, ELEM_ENUM, 0 },
	[FIELD_INT_OR_STR] = { ONE, ELEM_INT_OR_STR, 0 },
	[FIELD_STRUCT] = { ONE, ELEM_STRUCT_PTR, 0 },
	[FIELD_NODE] = { ONE, ELEM_NODE, 0 },
	[FIELD_STR_LIST] = { LIST, ELEM_STRING, sizeof(char *) },
	[FIELD_STR_MAP] = { MAP, ELEM_STRING, sizeof(struct str_pair) },
	[FIELD_STRUCT_LIST] = { LIST, ELEM_STRUCT, 0 },
	[FIELD_STRUCT_MAP] = { MAP, ELEM_STRUCT, 0 },
	[FIELD_INT_LIST] = { LIST, ELEM_INT, sizeof(int64_t) },
	[FIELD_INT_MAP] = { MAP, ELEM_INT, sizeof(struct int_pair) },
	[FIELD_ENUM_LIST] = { LIST, ELEM_ENUM, sizeof(int) },
	[FIELD_BYTES_MAP] = { MAP, ELEM_BYTES, sizeof(struct bytes_pair) },
	[FIELD_STR_LIST_MAP] = { MAP, ELEM_STR_LIST, sizeof(struct str_list_pair) },
};

size_t shape_stride(const struct field *f)
{
	const struct shape *s = &shapes[f->type];

	if (s->size)
		return s->size;
	if (s->holder == LIST)
		return f->of->size;
	/* No struct is aligned to more than a pointer, so its entry is padded to pointers. */
	return (MAP_VALUE + f->of->size + sizeof(char *) - 1) / sizeof(char *) * sizeof(char *);
}

const void *shape_at(const void *base, size_t offset)
{
	return (const char *)base + offset;
}

void *shape_at_mut(void *base, size_t offset)
{
	return (char *)base + offset;
}

struct any_list shape_list(const struct field *f, const void *of_struct)
{
	struct any_list l;

	memcpy(&l, shape_at(of_struct, f->offset), sizeof l);
	return l;
}

bool shape_is_set(enum elem e, const void *at)
{
	switch (e) {
	case ELEM_STRING:
	case ELEM_NODE:
	case ELEM_STRUCT_PTR: return *(const void *const *)at;
	case ELEM_ENUM: return *(const int *)at;
	case ELEM_INT:
	case ELEM_STRUCT: return true;
	case ELEM_STR_LIST: return ((const struct str_list *)at)->set;
	case ELEM_BOOL: return ((const struct opt_bool *)at)->set;
	case ELEM_OPT_INT: return ((const struct opt_int *)at)->set;
	case ELEM_DOUBLE: return ((const struct opt_double *)at)->set;
	case ELEM_DURATION: return ((const struct opt_duration *)at)->set;
	case ELEM_TIME: return ((const struct opt_time *)at)->set;
	case ELEM_BYTES: return ((const struct opt_bytes *)at)->set;
	case ELEM_INT_OR_STR: return ((const struct int_or_str *)at)->set;
	case ELEM_COUNT: break;
	}
	return false;
}

const char *str_map_get(const struct str_map *m, const char *key)
{
	uint32_t lo = 0, hi = m->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = strcmp(m->v[mid].key, key);

		if (!c)
			return m->v[mid].value;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}
