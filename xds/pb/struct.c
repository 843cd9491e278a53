/* google.protobuf.Struct: the shape of node metadata, filter metadata and of configuration whose message we do not
 * know. The entries of a Struct made here are kept in order of key, which is what makes its bytes deterministic.
 */
#include "doc/node.h"
#include "pb/pb.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Google__Struct *pb_struct(struct arena *a)
{
	return PB_NEW(a, Google__Struct);
}

/* The place of key, or where it belongs. */
static size_t find(const Google__Struct *s, const char *key, bool *ret_found)
{
	size_t lo = 0, hi = s->n_fields;

	*ret_found = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(str_or(s->fields[mid]->key, ""), key);

		if (!c) {
			*ret_found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void pb_struct_set(struct arena *a, Google__Struct *s, const char *key, Google__Value *v)
{
	bool found;
	size_t at = find(s, key, &found);

	if (found) {
		s->fields[at]->value = v;
		return;
	}
	PB_PUSH(a, s, fields, NULL);
	memmove(&s->fields[at + 1], &s->fields[at], (s->n_fields - 1 - at) * sizeof *s->fields);
	s->fields[at] = PB_NEW(a, Google__Struct__FieldsEntry, .key = key, .value = v);
}

void pb_struct_set_str(struct arena *a, Google__Struct *s, const char *key, const char *v)
{
	pb_struct_set(a, s, key, pb_value_str(a, v));
}

void pb_struct_set_num(struct arena *a, Google__Struct *s, const char *key, double v)
{
	pb_struct_set(a, s, key, pb_value_num(a, v));
}

void pb_struct_set_bool(struct arena *a, Google__Struct *s, const char *key, bool v)
{
	pb_struct_set(a, s, key, pb_value_bool(a, v));
}

void pb_struct_set_struct(struct arena *a, Google__Struct *s, const char *key, Google__Struct *v)
{
	pb_struct_set(a, s, key, pb_value_struct(a, v));
}

void pb_struct_set_list(struct arena *a, Google__Struct *s, const char *key, Google__ListValue *v)
{
	pb_struct_set(a, s, key, pb_value_list(a, v));
}

Google__ListValue *pb_list(struct arena *a)
{
	return PB_NEW(a, Google__ListValue);
}

void pb_list_add(struct arena *a, Google__ListValue *l, Google__Value *v)
{
	PB_PUSH(a, l, values, v);
}

Google__Value *pb_value_null(struct arena *a)
{
	return PB_NEW(a, Google__Value, .kind_case = GOOGLE__VALUE__KIND_NULL_VALUE);
}

Google__Value *pb_value_str(struct arena *a, const char *s)
{
	return PB_NEW(a, Google__Value, .kind_case = GOOGLE__VALUE__KIND_STRING_VALUE,
		      .string_value = str_empty(s) ? "" : s);
}

Google__Value *pb_value_num(struct arena *a, double d)
{
	return PB_NEW(a, Google__Value, .kind_case = GOOGLE__VALUE__KIND_NUMBER_VALUE,
		      .number_value = d);
}

Google__Value *pb_value_bool(struct arena *a, bool b)
{
	return PB_NEW(a, Google__Value, .kind_case = GOOGLE__VALUE__KIND_BOOL_VALUE,
		      .bool_value = b);
}

Google__Value *pb_value_struct(struct arena *a, Google__Struct *s)
{
	return PB_NEW(a, Google__Value, .kind_case = GOOGLE__VALUE__KIND_STRUCT_VALUE,
		      .struct_value = s);
}

Google__Value *pb_value_list(struct arena *a, Google__ListValue *l)
{
	return PB_NEW(a, Google__Value, .kind_case = GOOGLE__VALUE__KIND_LIST_VALUE,
		      .list_value = l);
}

/* ---- from and to documents; both are as deep as the document, which has a cap ---- */

Google__Struct *pb_struct_from_node(struct arena *a, const struct node *n)
{
	Google__Struct *s;

	if (n->type != NODE_MAP)
		return NULL;
	s = pb_struct(a);
	s->fields = arena_array(a, Google__Struct__FieldsEntry *, n->n);
	s->n_fields = n->n;
	for (uint32_t i = 0; i < n->n; i++)
		s->fields[i] = PB_NEW(a, Google__Struct__FieldsEntry, .key = n->map[i].key,
				      .value = pb_value_from_node(a, n->map[i].value));
	PB_SORT_MAP(s, fields);
	return s;
}

static Google__ListValue *list_from_node(struct arena *a, const struct node *n)
{
	Google__ListValue *l = pb_list(a);

	l->values = arena_array(a, Google__Value *, n->n);
	l->n_values = n->n;
	for (uint32_t i = 0; i < n->n; i++)
		l->values[i] = pb_value_from_node(a, n->seq[i]);
	return l;
}

Google__Value *pb_value_from_node(struct arena *a, const struct node *n)
{
	switch (n->type) {
	case NODE_NULL: return pb_value_null(a);
	case NODE_BOOL: return pb_value_bool(a, n->b);
	case NODE_INT: return pb_value_num(a, (double)n->i);
	case NODE_FLOAT: return pb_value_num(a, n->f);
	case NODE_STRING: return pb_value_str(a, n->s);
	case NODE_SEQ: return pb_value_list(a, list_from_node(a, n));
	case NODE_MAP: return pb_value_struct(a, pb_struct_from_node(a, n));
	}
	assert(!"a node of no type");
	return NULL;
}

static const struct node *number_to_node(struct arena *a, double d)
{
	struct node *n = arena_new(a, struct node);
	enum { EXACT_BITS = 53 };

	if (d == floor(d) && fabs(d) < (double)(1LL << EXACT_BITS)) {
		n->type = NODE_INT;
		n->i = (int64_t)d;
		n->text = arena_printf(a, "%lld", (long long)n->i);
	} else {
		n->type = NODE_FLOAT;
		n->f = d;
		n->text = arena_printf(a, "%.17g", d);
	}
	return n;
}

static const struct node *list_to_node(struct arena *a, const Google__ListValue *l)
{
	struct node *n = arena_new(a, struct node);
	const struct node **seq = arena_array(a, const struct node *, l->n_values);

	n->type = NODE_SEQ;
	n->n = (uint32_t)l->n_values;
	for (size_t i = 0; i < l->n_values; i++)
		seq[i] = pb_value_to_node(a, l->values[i]);
	n->seq = seq;
	return n;
}

const struct node *pb_struct_to_node(struct arena *a, const Google__Struct *s)
{
	struct node *n = arena_new(a, struct node);
	struct node_entry *map = arena_array(a, struct node_entry, s->n_fields);

	for (size_t i = 0; i < s->n_fields; i++) {
		map[i].key = str_or(s->fields[i]->key, "");
		map[i].value = pb_value_to_node(a, s->fields[i]->value);
	}
	n->type = NODE_MAP;
	n->n = (uint32_t)s->n_fields;
	n->map = map;
	return n;
}

const struct node *pb_value_to_node(struct arena *a, const Google__Value *v)
{
	struct node *n;

	if (v && v->kind_case == GOOGLE__VALUE__KIND_STRUCT_VALUE && v->struct_value)
		return pb_struct_to_node(a, v->struct_value);
	if (v && v->kind_case == GOOGLE__VALUE__KIND_LIST_VALUE && v->list_value)
		return list_to_node(a, v->list_value);
	if (v && v->kind_case == GOOGLE__VALUE__KIND_NUMBER_VALUE)
		return number_to_node(a, v->number_value);
	n = arena_new(a, struct node);
	if (v && v->kind_case == GOOGLE__VALUE__KIND_STRING_VALUE) {
		n->type = NODE_STRING;
		n->s = str_or(v->string_value, "");
		n->n = (uint32_t)strlen(n->s);
		n->text = n->s;
	} else if (v && v->kind_case == GOOGLE__VALUE__KIND_BOOL_VALUE) {
		n->type = NODE_BOOL;
		n->b = v->bool_value;
		n->text = n->b ? "true" : "false";
	} else {
		n->type = NODE_NULL;
		n->text = "null";
	}
	return n;
}

/* ---- reading ---- */

const Google__Value *pb_struct_get(const Google__Struct *s, const char *key)
{
	bool found;
	size_t at;

	if (!s)
		return NULL;
	at = find(s, key, &found);
	return found ? s->fields[at]->value : NULL;
}

const char *pb_struct_get_str(const Google__Struct *s, const char *key)
{
	const Google__Value *v = pb_struct_get(s, key);

	return v && v->kind_case == GOOGLE__VALUE__KIND_STRING_VALUE ? str_or(v->string_value, "")
								     : NULL;
}

const Google__Struct *pb_struct_get_struct(const Google__Struct *s, const char *key)
{
	const Google__Value *v = pb_struct_get(s, key);

	return v && v->kind_case == GOOGLE__VALUE__KIND_STRUCT_VALUE ? v->struct_value : NULL;
}

const Google__ListValue *pb_struct_get_list(const Google__Struct *s, const char *key)
{
	const Google__Value *v = pb_struct_get(s, key);

	return v && v->kind_case == GOOGLE__VALUE__KIND_LIST_VALUE ? v->list_value : NULL;
}

Google__Struct *pb_filter_metadata(struct arena *a, Core__Metadata **md, const char *filter)
{
	Core__Metadata__FilterMetadataEntry *e;
	Core__Metadata *m = *md ? *md : (*md = PB_NEW(a, Core__Metadata));
	size_t at = 0;

	for (; at < m->n_filter_metadata; at++) {
		int c = strcmp(m->filter_metadata[at]->key, filter);

		if (!c)
			return m->filter_metadata[at]->value;
		if (c > 0)
			break;
	}
	e = PB_NEW(a, Core__Metadata__FilterMetadataEntry, .key = filter, .value = pb_struct(a));
	PB_PUSH(a, m, filter_metadata, NULL);
	memmove(&m->filter_metadata[at + 1], &m->filter_metadata[at],
		(m->n_filter_metadata - 1 - at) * sizeof *m->filter_metadata);
	m->filter_metadata[at] = e;
	return e->value;
}
