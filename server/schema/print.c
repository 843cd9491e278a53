/* Structs as JSON again, in the order of their tables. An alias has no voice of its own: its field prints. */
#include "doc/write.h"
#include "schema/interpret.h"
#include "schema/object.h"

#include <string.h>

static void put_value(struct json *, const struct field *, enum elem, const void *at);

static void put_bytes(struct json *j, const struct opt_bytes *v)
{
	struct buf b = BUF_INIT;

	scalar_base64_encode(&b, v->v, v->n);
	json_str(j, buf_str(&b));
	buf_fini(&b);
}

static void put_str_list(struct json *j, const struct str_list *v)
{
	json_seq(j);
	for (uint32_t i = 0; i < v->n; i++)
		json_str(j, v->v[i]);
	json_seq_end(j);
}

static void put_int_or_str(struct json *j, const struct int_or_str *v)
{
	if (v->is_str)
		json_str(j, v->s);
	else
		json_int(j, v->i);
}

static void put_struct(struct json *j, const struct struct_type *t, const void *v)
{
	json_map(j);
	struct_print_fields(j, t, v);
	json_map_end(j);
}

static void put_value(struct json *j, const struct field *f, enum elem e, const void *at)
{
	char text[SCALAR_TEXT];

	switch (e) {
	case ELEM_STRING: json_str(j, *(const char *const *)at); break;
	case ELEM_BOOL: json_bool(j, ((const struct opt_bool *)at)->v); break;
	case ELEM_OPT_INT: json_int(j, ((const struct opt_int *)at)->v); break;
	case ELEM_INT: json_int(j, *(const int64_t *)at); break;
	case ELEM_DOUBLE: json_double(j, ((const struct opt_double *)at)->v); break;
	case ELEM_DURATION:
		scalar_duration_format(((const struct opt_duration *)at)->v, text);
		json_str(j, text);
		break;
	case ELEM_TIME:
		scalar_time_format(((const struct opt_time *)at)->v, text);
		json_str(j, text);
		break;
	case ELEM_BYTES: put_bytes(j, at); break;
	case ELEM_ENUM: json_str(j, f->enum_values[*(const int *)at - 1]); break;
	case ELEM_INT_OR_STR: put_int_or_str(j, at); break;
	case ELEM_NODE: json_node(j, *(const struct node *const *)at); break;
	case ELEM_STRUCT_PTR: put_struct(j, f->of, *(const void *const *)at); break;
	case ELEM_STRUCT: put_struct(j, f->of, at); break;
	case ELEM_STR_LIST: put_str_list(j, at); break;
	case ELEM_COUNT: break;
	}
}

static void print_list(struct json *j, const struct field *f, struct any_list l)
{
	size_t stride = shape_stride(f);
	bool is_map = shapes[f->type].holder == MAP;

	if (is_map)
		json_map(j);
	else
		json_seq(j);
	for (uint32_t i = 0; i < l.n; i++) {
		const void *at = shape_at(l.v, i * stride);

		if (is_map)
			json_key(j, *(const char *const *)at);
		put_value(j, f, shapes[f->type].elem, shape_at(at, is_map ? MAP_VALUE : 0));
	}
	if (is_map)
		json_map_end(j);
	else
		json_seq_end(j);
}

void struct_print_fields(struct json *j, const struct struct_type *t, const void *v)
{
	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];
		const void *at = shape_at(v, f->offset);

		if (f->alias)
			continue;
		if (shapes[f->type].holder != ONE) {
			struct any_list l = shape_list(f, v);

			if (l.set) {
				json_key(j, f->json);
				print_list(j, f, l);
			}
		} else if (shape_is_set(shapes[f->type].elem, at)) {
			json_key(j, f->json);
			put_value(j, f, shapes[f->type].elem, at);
		}
	}
}

void struct_print(const struct struct_type *t, const void *v, struct buf *out, bool pretty)
{
	struct json j;

	json_init(&j, out, pretty);
	put_struct(&j, t, v);
}
