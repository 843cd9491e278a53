/* The one printer: any message as JSON, along its descriptor. The few messages that JSON writes in a form of their own
 * have a row in a table; everything else is a loop over fields.
 *
 * Depth is bounded by what the JSON writer can hold, which also bounds Anys within Anys.
 */
#include "base/err.h"
#include "pb/base64.h"
#include "pb/field.h"
#include "pb/json.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An Any cannot ask for more than this when it is printed. */
enum { ANY_MAX_MEMORY = 256 << 20 };

struct printer {
	struct json *j;
	struct arena scratch;
};

static void print_message(struct printer *, const ProtobufCMessage *);
static void print_value(struct printer *, const ProtobufCFieldDescriptor *, const void *at);

/* ---- scalars ---- */

static void print_quoted(struct json *j, const char *fmt, ...) printf_like(2, 3);
static void print_quoted(struct json *j, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	json_str(j, text);
}

static void print_double(struct json *j, double d)
{
	if (isnan(d))
		json_str(j, "NaN");
	else if (isinf(d))
		json_str(j, d > 0 ? "Infinity" : "-Infinity");
	else
		json_double(j, d);
}

/* The shortest text that reads back as the same float. */
static void print_float(struct json *j, float f)
{
	char text[32];

	if (!isfinite(f)) {
		print_double(j, (double)f);
		return;
	}
	for (int digits = 1; digits <= 9; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, (double)f);
		if (strtof(text, NULL) == f)
			break;
	}
	json_double(j, strtod(text, NULL));
}

static void print_enum(struct json *j, const ProtobufCEnumDescriptor *d, int v)
{
	const ProtobufCEnumValue *name = protobuf_c_enum_descriptor_get_value(d, v);

	if (d == &google__null_value__descriptor)
		json_null(j);
	else if (name)
		json_str(j, name->name);
	else
		json_int(j, v);
}

static void print_bytes(struct printer *p, const ProtobufCBinaryData *b)
{
	json_str(p->j, base64_encode(&p->scratch, b->data, b->len));
}

/* ---- the messages with a form of their own ---- */

/* ".5" with 3, 6 or 9 digits, or nothing. */
static const char *fraction(int32_t nanos, char out[16])
{
	unsigned n = nanos < 0 ? -(unsigned)nanos : (unsigned)nanos;

	if (!n)
		return "";
	if (n % 1000000 == 0)
		snprintf(out, 16, ".%03u", n / 1000000);
	else if (n % 1000 == 0)
		snprintf(out, 16, ".%06u", n / 1000);
	else
		snprintf(out, 16, ".%09u", n);
	return out;
}

static void print_duration(struct printer *p, const ProtobufCMessage *msg)
{
	const Google__Duration *d = (const void *)msg;
	uint64_t s = d->seconds < 0 ? -(uint64_t)d->seconds : (uint64_t)d->seconds;
	bool is_negative = d->seconds < 0 || d->nanos < 0;
	char f[16];

	print_quoted(p->j, "%s%llu%ss", is_negative ? "-" : "", (unsigned long long)s,
		     fraction(d->nanos, f));
}

/* Days since 1970 to a date of the Gregorian calendar, counted in eras of 400 years that begin in March. */
static void civil_date(int64_t days, int64_t *ret_y, unsigned *ret_m, unsigned *ret_d)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	unsigned doe = (unsigned)(z - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;

	*ret_d = doy - (153 * mp + 2) / 5 + 1;
	*ret_m = mp < 10 ? mp + 3 : mp - 9;
	*ret_y = (int64_t)yoe + era * 400 + (*ret_m <= 2);
}

/* Beyond the years that the format has four digits for, prints null. */
static void print_timestamp(struct printer *p, const ProtobufCMessage *msg)
{
	const Google__Timestamp *t = (const void *)msg;
	enum { DAY = 86400 };
	static const int64_t year_1 = -62135596800, year_10000 = 253402300800;
	int64_t days, y;
	unsigned m, d, s;
	char f[16];

	if (t->seconds < year_1 || t->seconds >= year_10000) {
		json_null(p->j);
		return;
	}
	days = t->seconds / DAY - (t->seconds % DAY < 0);
	s = (unsigned)(t->seconds - days * DAY);
	civil_date(days, &y, &m, &d);
	print_quoted(p->j, "%04lld-%02u-%02uT%02u:%02u:%02u%sZ", (long long)y, m, d, s / 3600,
		     s / 60 % 60, s % 60, fraction(t->nanos, f));
}

static void print_mask(struct printer *p, const ProtobufCMessage *msg)
{
	const Google__FieldMask *mask = (const void *)msg;
	struct buf b = BUF_INIT;
	char name[PB_NAME_MAX];

	for (size_t i = 0; i < mask->n_paths; i++) {
		if (i)
			buf_putc(&b, ',');
		if (strlen(mask->paths[i]) < PB_NAME_MAX) {
			pb_json_name(mask->paths[i], name);
			buf_puts(&b, name);
		} else {
			buf_puts(&b, mask->paths[i]);
		}
	}
	json_str(p->j, buf_str(&b));
	buf_fini(&b);
}

/* In order of key; the last of equal keys counts. */
static void print_map(struct printer *p, const ProtobufCMessage *const *entries, size_t n)
{
	const ProtobufCMessage **v = arena_dup(&p->scratch, entries, n * sizeof *v);

	n = pb_sort_map(v, n);
	json_map(p->j);
	for (size_t i = 0; i < n; i++) {
		const ProtobufCFieldDescriptor *f = v[i]->descriptor->fields;

		json_key(p->j, str_or(*(const char *const *)pb_at_const(&f[0], v[i]), ""));
		print_value(p, &f[1], pb_at_const(&f[1], v[i]));
	}
	json_map_end(p->j);
}

static void print_struct(struct printer *p, const ProtobufCMessage *msg)
{
	const Google__Struct *s = (const void *)msg;

	if (s->n_fields) {
		print_map(p, (const ProtobufCMessage *const *)s->fields, s->n_fields);
	} else {
		json_map(p->j);
		json_map_end(p->j);
	}
}

static void print_list(struct printer *p, const ProtobufCMessage *msg)
{
	const Google__ListValue *l = (const void *)msg;

	json_seq(p->j);
	for (size_t i = 0; i < l->n_values; i++)
		print_message(p, &l->values[i]->base);
	json_seq_end(p->j);
}

static void print_struct_value(struct printer *p, const ProtobufCMessage *msg)
{
	const Google__Value *v = (const void *)msg;

	switch (v->kind_case) {
	case GOOGLE__VALUE__KIND_NUMBER_VALUE: print_double(p->j, v->number_value); break;
	case GOOGLE__VALUE__KIND_STRING_VALUE: json_str(p->j, str_or(v->string_value, "")); break;
	case GOOGLE__VALUE__KIND_BOOL_VALUE: json_bool(p->j, v->bool_value); break;
	case GOOGLE__VALUE__KIND_STRUCT_VALUE: print_message(p, &v->struct_value->base); break;
	case GOOGLE__VALUE__KIND_LIST_VALUE: print_message(p, &v->list_value->base); break;
	default: json_null(p->j);
	}
}

static void print_wrapper(struct printer *p, const ProtobufCMessage *msg)
{
	const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[0];

	print_value(p, f, pb_at_const(f, msg));
}

static void print_empty(struct printer *p, const ProtobufCMessage *msg)
{
	json_map(p->j);
	json_map_end(p->j);
}

static void print_fields(struct printer *p, const ProtobufCMessage *msg);

static void print_any(struct printer *p, const ProtobufCMessage *msg)
{
	const Google__Any *any = (const void *)msg;
	const ProtobufCMessage *inner = pb_any_unpack(&p->scratch, any, ANY_MAX_MEMORY, NULL);

	json_map(p->j);
	if (!str_empty(any->type_url))
		json_kv_str(p->j, "@type", any->type_url);
	if (inner && pb_special(inner->descriptor) == PB_PLAIN) {
		print_fields(p, inner);
	} else if (inner) {
		json_key(p->j, "value");
		print_message(p, inner);
	} else if (any->value.len) {
		json_key(p->j, "value");
		print_bytes(p, &any->value);
	}
	json_map_end(p->j);
}

static void (*const special[])(struct printer *, const ProtobufCMessage *) = {
	[PB_SPECIAL_ANY] = print_any,
	[PB_SPECIAL_DURATION] = print_duration,
	[PB_SPECIAL_TIMESTAMP] = print_timestamp,
	[PB_SPECIAL_STRUCT] = print_struct,
	[PB_SPECIAL_VALUE] = print_struct_value,
	[PB_SPECIAL_LIST] = print_list,
	[PB_SPECIAL_MASK] = print_mask,
	[PB_SPECIAL_EMPTY] = print_empty,
	[PB_SPECIAL_WRAPPER] = print_wrapper,
};

/* ---- all others ---- */

static void print_value(struct printer *p, const ProtobufCFieldDescriptor *f, const void *at)
{
	struct json *j = p->j;

	switch (f->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32: json_int(j, *(const int32_t *)at); break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32: json_uint(j, *(const uint32_t *)at); break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		print_quoted(j, "%lld", (long long)*(const int64_t *)at);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		print_quoted(j, "%llu", (unsigned long long)*(const uint64_t *)at);
		break;
	case PROTOBUF_C_TYPE_FLOAT: print_float(j, *(const float *)at); break;
	case PROTOBUF_C_TYPE_DOUBLE: print_double(j, *(const double *)at); break;
	case PROTOBUF_C_TYPE_BOOL: json_bool(j, *(const protobuf_c_boolean *)at); break;
	case PROTOBUF_C_TYPE_ENUM: print_enum(j, f->descriptor, *(const int *)at); break;
	case PROTOBUF_C_TYPE_STRING: json_str(j, str_or(*(const char *const *)at, "")); break;
	case PROTOBUF_C_TYPE_BYTES: print_bytes(p, at); break;
	case PROTOBUF_C_TYPE_MESSAGE: print_message(p, *(const ProtobufCMessage *const *)at); break;
	}
}

/* Whether the packer would write the field. */
static bool is_set(const ProtobufCFieldDescriptor *f, const ProtobufCMessage *msg)
{
	const void *at = pb_at_const(f, msg);
	static const char zero[16];

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return pb_count(f, msg) > 0;
	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		if (pb_case(f, msg) != f->id)
			return false;
		if (f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_MESSAGE) {
			const void *ptr = *(const void *const *)at;
			return ptr && ptr != f->default_value;
		}
		return true;
	}
	if (f->type == PROTOBUF_C_TYPE_STRING)
		return !str_empty(*(const char *const *)at);
	if (f->type == PROTOBUF_C_TYPE_BYTES)
		return ((const ProtobufCBinaryData *)at)->len > 0;
	return memcmp(at, zero, pb_value_size(f)) != 0;
}

static void print_fields(struct printer *p, const ProtobufCMessage *msg)
{
	for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];
		const void *at = pb_at_const(f, msg);
		char name[PB_NAME_MAX];
		size_t n, size;

		if (!is_set(f, msg))
			continue;
		pb_json_name(f->name, name);
		json_key(p->j, name);
		if (f->label != PROTOBUF_C_LABEL_REPEATED) {
			print_value(p, f, at);
			continue;
		}
		at = *(const void *const *)at;
		n = pb_count(f, msg);
		if (pb_is_map(f)) {
			print_map(p, at, n);
			continue;
		}
		size = pb_value_size(f);
		json_seq(p->j);
		for (size_t k = 0; k < n; k++)
			print_value(p, f, (const char *)at + k * size);
		json_seq_end(p->j);
	}
}

static void print_message(struct printer *p, const ProtobufCMessage *msg)
{
	enum pb_special s;
	enum { DEEPEST_STEP = 3 }; /* levels that one message may open before it asks here again */

	if (!msg || p->j->depth + DEEPEST_STEP >= JSON_MAX_DEPTH) {
		json_null(p->j);
		return;
	}
	s = pb_special(msg->descriptor);
	if (s != PB_PLAIN) {
		special[s](p, msg);
		return;
	}
	json_map(p->j);
	print_fields(p, msg);
	json_map_end(p->j);
}

void pb_print(struct json *j, const ProtobufCMessage *msg)
{
	struct printer p = { .j = j };

	print_message(&p, msg);
	arena_fini(&p.scratch);
}

void pb_print_buf(struct buf *out, const ProtobufCMessage *msg, bool pretty)
{
	struct json j;

	json_init(&j, out, pretty);
	pb_print(&j, msg);
}
