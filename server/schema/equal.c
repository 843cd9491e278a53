/* Equality and hash. Both follow one canonical text of bytes: names of the fields that are set and their values, so
 * that a hash does not change when a schema gains a field that nobody uses, nor with the order of keys in a document.
 */
#include "doc/write.h"
#include "schema/interpret.h"
#include "schema/object.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Every string is preceded by its length: no two different structs give the same bytes. */
static void put_n(struct buf *b, const void *p, size_t n)
{
	uint32_t len = (uint32_t)n;

	buf_append(b, &len, sizeof len);
	buf_append(b, p, n);
}

static void put_str(struct buf *b, const char *s)
{
	put_n(b, s, strlen(s));
}

static void put_int(struct buf *b, int64_t v)
{
	buf_append(b, &v, sizeof v);
}

static int entry_by_key(const void *a, const void *b)
{
	const struct node_entry *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

static void put_node(struct buf *, const struct node *);

static void put_node_map(struct buf *b, const struct node *n)
{
	const struct node_entry **sorted = xcalloc(n->n, sizeof *sorted);

	for (uint32_t i = 0; i < n->n; i++)
		sorted[i] = &n->map[i];
	qsort(sorted, n->n, sizeof *sorted, entry_by_key);
	for (uint32_t i = 0; i < n->n; i++) {
		put_str(b, sorted[i]->key);
		put_node(b, sorted[i]->value);
	}
	xfree(sorted);
}

/* JSON has one kind of number: 1.0 is 1. */
static bool is_integral(const struct node *n)
{
	return n->type == NODE_FLOAT && n->f >= -0x1p63 && n->f < 0x1p63 && n->f == trunc(n->f);
}

/* The reader caps the depth of nodes. */
static void put_node(struct buf *b, const struct node *n)
{
	if (is_integral(n)) {
		buf_putc(b, NODE_INT);
		put_int(b, (int64_t)n->f);
		return;
	}
	buf_putc(b, (char)n->type);
	switch (n->type) {
	case NODE_NULL: break;
	case NODE_BOOL: buf_putc(b, n->b); break;
	case NODE_INT: put_int(b, n->i); break;
	case NODE_FLOAT: buf_append(b, &n->f, sizeof n->f); break;
	case NODE_STRING: put_str(b, n->s); break;
	case NODE_SEQ:
		put_int(b, n->n);
		for (uint32_t i = 0; i < n->n; i++)
			put_node(b, n->seq[i]);
		break;
	case NODE_MAP:
		put_int(b, n->n);
		put_node_map(b, n);
		break;
	}
}

static void put_str_list(struct buf *b, const struct str_list *l)
{
	put_int(b, l->n);
	for (uint32_t i = 0; i < l->n; i++)
		put_str(b, l->v[i]);
}

static void put_int_or_str(struct buf *b, const struct int_or_str *v)
{
	buf_putc(b, v->is_str);
	if (v->is_str)
		put_str(b, v->s);
	else
		put_int(b, v->i);
}

static void put_value(struct buf *b, const struct field *f, enum elem e, const void *at)
{
	switch (e) {
	case ELEM_STRING: put_str(b, *(const char *const *)at); break;
	case ELEM_BOOL: buf_putc(b, ((const struct opt_bool *)at)->v); break;
	case ELEM_OPT_INT: put_int(b, ((const struct opt_int *)at)->v); break;
	case ELEM_INT: put_int(b, *(const int64_t *)at); break;
	case ELEM_DOUBLE: buf_append(b, &((const struct opt_double *)at)->v, sizeof(double)); break;
	case ELEM_DURATION: put_int(b, ((const struct opt_duration *)at)->v); break;
	case ELEM_TIME: put_int(b, ((const struct opt_time *)at)->v); break;
	case ELEM_BYTES:
		put_n(b, ((const struct opt_bytes *)at)->v, ((const struct opt_bytes *)at)->n);
		break;
	case ELEM_ENUM: put_str(b, f->enum_values[*(const int *)at - 1]); break;
	case ELEM_INT_OR_STR: put_int_or_str(b, at); break;
	case ELEM_NODE: put_node(b, *(const struct node *const *)at); break;
	case ELEM_STRUCT_PTR: struct_digest(b, f->of, *(const void *const *)at); break;
	case ELEM_STRUCT: struct_digest(b, f->of, at); break;
	case ELEM_STR_LIST: put_str_list(b, at); break;
	case ELEM_COUNT: break;
	}
}

static void put_list(struct buf *b, const struct field *f, struct any_list l)
{
	size_t stride = shape_stride(f);
	bool is_map = shapes[f->type].holder == MAP;

	put_int(b, l.n);
	for (uint32_t i = 0; i < l.n; i++) {
		const void *at = shape_at(l.v, i * stride);

		if (is_map)
			put_str(b, *(const char *const *)at);
		put_value(b, f, shapes[f->type].elem, shape_at(at, is_map ? MAP_VALUE : 0));
	}
}

void struct_digest(struct buf *b, const struct struct_type *t, const void *v)
{
	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];
		const void *at = shape_at(v, f->offset);

		if (f->alias)
			continue;
		if (shapes[f->type].holder != ONE) {
			struct any_list l = shape_list(f, v);

			if (l.set) {
				put_str(b, f->json);
				put_list(b, f, l);
			}
		} else if (shape_is_set(shapes[f->type].elem, at)) {
			put_str(b, f->json);
			put_value(b, f, shapes[f->type].elem, at);
		}
	}
	put_n(b, "", 0);
}

struct hash128 struct_hash(const struct struct_type *t, const void *v)
{
	struct buf b = BUF_INIT;
	struct hash128 h;

	struct_digest(&b, t, v);
	h = hash128(buf_str(&b), b.len);
	buf_fini(&b);
	return h;
}

bool struct_equal(const struct struct_type *t, const void *a, const void *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool equal;

	if (a == b || !a || !b)
		return a == b;
	struct_digest(&x, t, a);
	struct_digest(&y, t, b);
	equal = x.len == y.len && !memcmp(buf_str(&x), buf_str(&y), x.len);
	buf_fini(&x);
	buf_fini(&y);
	return equal;
}
