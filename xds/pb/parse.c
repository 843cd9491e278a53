/* The one reader: a document to any message, along its descriptor; the mirror of print.c.
 *
 * Problems are collected with their paths and never stop the reading, so a user sees all of them at once. Depth is that
 * of the document, which its reader has bounded.
 */
#include "pb/parse.h"
#include "base/buf.h"
#include "doc/node.h"
#include "pb/base64.h"
#include "pb/field.h"
#include "pb/json.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- where we are, and what is wrong there ---- */

static size_t enter(struct parser *p, const char *name)
{
	size_t was = p->path.len;

	if (was)
		buf_putc(&p->path, '.');
	buf_puts(&p->path, name);
	return was;
}

static size_t enter_index(struct parser *p, size_t i)
{
	size_t was = p->path.len;

	buf_printf(&p->path, "[%zu]", i);
	return was;
}

static void leave(struct parser *p, size_t was)
{
	p->path.len = was;
	if (p->path.p)
		p->path.p[was] = 0;
}

bool parse_error(struct parser *p, const struct node *n, const char *fmt, ...)
{
	char reason[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof reason, fmt, ap);
	va_end(ap);
	diag_error(p->diag, n->place, buf_str(&p->path), "%s", reason);
	p->is_bad = true;
	return false;
}

static bool expected(struct parser *p, const struct node *n, const char *what)
{
	return parse_error(p, n, "expected %s, got %s", what, node_type_name(n->type));
}

/* ---- scalars ---- */

/* Any whole number that fits 64 bits, as sign and magnitude; strings and 1.0 and 1e3 count. */
static bool read_integer(const struct node *n, bool *ret_negative, uint64_t *ret)
{
	const char *text = n->type == NODE_STRING ? n->s : n->text;
	double d;
	char *end;

	if (n->type == NODE_INT) {
		*ret_negative = n->i < 0;
		*ret = n->i < 0 ? -(uint64_t)n->i : (uint64_t)n->i;
		return true;
	}
	if ((n->type != NODE_STRING && n->type != NODE_FLOAT) || str_empty(text))
		return false;
	*ret_negative = *text == '-';
	text += *ret_negative;
	if (*text < '0' || *text > '9')
		return false;
	if (text[strspn(text, "0123456789")] == 0) {
		/* More than 20 digits do not fit; strtoull would say so only through errno. */
		text += strspn(text, "0");
		if (strlen(text) > 20 ||
		    (strlen(text) == 20 && strcmp(text, "18446744073709551615") > 0))
			return false;
		*ret = strtoull(text, NULL, 10);
		return true;
	}
	if (text[strspn(text, "0123456789.eE+-")])
		return false;
	d = strtod(text, &end);
	if (*end || d != floor(d) || d >= 18446744073709551616.0)
		return false;
	*ret = (uint64_t)d;
	return true;
}

static bool parse_signed(struct parser *p, const struct node *n, int64_t max, int64_t *ret)
{
	bool negative;
	uint64_t v;

	if (!read_integer(n, &negative, &v))
		return expected(p, n, "a whole number");
	if (v > (uint64_t)max + negative)
		return parse_error(p, n, "number out of range");
	*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
	return true;
}

static bool parse_unsigned(struct parser *p, const struct node *n, uint64_t max, uint64_t *ret)
{
	bool negative;
	uint64_t v;

	if (!read_integer(n, &negative, &v))
		return expected(p, n, "a whole number");
	if (v > max || (negative && v))
		return parse_error(p, n, "number out of range");
	*ret = v;
	return true;
}

static bool parse_double(struct parser *p, const struct node *n, double *ret)
{
	static const struct {
		const char *name;
		double v;
	} words[] = { { "NaN", NAN }, { "Infinity", INFINITY }, { "-Infinity", -INFINITY } };
	char *end;
	double d;

	if (n->type == NODE_INT) {
		*ret = (double)n->i;
		return true;
	}
	if (n->type == NODE_FLOAT) {
		*ret = n->f;
		return true;
	}
	if (n->type != NODE_STRING)
		return expected(p, n, "a number");
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq(n->s, words[i].name)) {
			*ret = words[i].v;
			return true;
		}
	}
	d = strtod(n->s, &end);
	if (!*n->s || *end || n->s[strspn(n->s, "+-.0123456789eE")])
		return expected(p, n, "a number");
	*ret = d;
	return true;
}

static bool parse_enum(struct parser *p, const ProtobufCEnumDescriptor *d, const struct node *n,
		       int *ret)
{
	const ProtobufCEnumValue *v;
	int64_t number;

	if (d == &google__null_value__descriptor && n->type == NODE_NULL) {
		*ret = 0;
		return true;
	}
	if (n->type == NODE_STRING) {
		v = protobuf_c_enum_descriptor_get_value_by_name(d, n->s);
		if (!v)
			return parse_error(p, n, "\"%.100s\" is no value of %s", n->s,
					   d->short_name);
		*ret = v->value;
		return true;
	}
	if (!parse_signed(p, n, INT32_MAX, &number))
		return false;
	*ret = (int)number;
	return true;
}

static bool parse_bytes(struct parser *p, const struct node *n, ProtobufCBinaryData *ret)
{
	uint8_t *bytes;
	size_t len;

	if (n->type != NODE_STRING)
		return expected(p, n, "a string in base64");
	if (!base64_decode(p->arena, n->s, &bytes, &len))
		return parse_error(p, n, "not base64");
	*ret = (ProtobufCBinaryData){ .data = bytes, .len = len };
	return true;
}

static bool parse_32(struct parser *p, bool is_signed, const struct node *n, uint32_t *ret)
{
	int64_t i;
	uint64_t u;

	if (is_signed ? !parse_signed(p, n, INT32_MAX, &i) : !parse_unsigned(p, n, UINT32_MAX, &u))
		return false;
	*ret = is_signed ? (uint32_t)i : (uint32_t)u;
	return true;
}

static bool parse_64(struct parser *p, bool is_signed, const struct node *n, uint64_t *ret)
{
	int64_t i;

	if (!is_signed)
		return parse_unsigned(p, n, UINT64_MAX, ret);
	if (!parse_signed(p, n, INT64_MAX, &i))
		return false;
	*ret = (uint64_t)i;
	return true;
}

/* One value of the field's type into `at`, which keeps its zero if there is a problem. */
static bool parse_value(struct parser *p, const ProtobufCFieldDescriptor *f, const struct node *n,
			void *at)
{
	double d;

	switch (f->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32: return parse_32(p, true, n, at);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32: return parse_32(p, false, n, at);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64: return parse_64(p, true, n, at);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64: return parse_64(p, false, n, at);
	case PROTOBUF_C_TYPE_FLOAT:
		if (!parse_double(p, n, &d))
			return false;
		*(float *)at = (float)d;
		return true;
	case PROTOBUF_C_TYPE_DOUBLE: return parse_double(p, n, at);
	case PROTOBUF_C_TYPE_BOOL:
		if (n->type != NODE_BOOL)
			return expected(p, n, "true or false");
		*(protobuf_c_boolean *)at = n->b;
		return true;
	case PROTOBUF_C_TYPE_ENUM: return parse_enum(p, f->descriptor, n, at);
	case PROTOBUF_C_TYPE_STRING:
		if (n->type != NODE_STRING)
			return expected(p, n, "a string");
		*(const char **)at = n->s;
		return true;
	case PROTOBUF_C_TYPE_BYTES: return parse_bytes(p, n, at);
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)at = parse_message(p, f->descriptor, n);
		return *(ProtobufCMessage **)at;
	}
	return false;
}

/* ---- messages ---- */

/* null stands for "not given", except where null is a value. */
static bool takes_null(const ProtobufCFieldDescriptor *f)
{
	return f->descriptor == &google__value__descriptor ||
	       f->descriptor == &google__null_value__descriptor;
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *d,
						  const char *name)
{
	const ProtobufCFieldDescriptor *f =
		protobuf_c_message_descriptor_get_field_by_name(d, name);
	char json_name[PB_NAME_MAX];

	for (unsigned i = 0; !f && i < d->n_fields; i++) {
		pb_json_name(d->fields[i].name, json_name);
		if (str_eq(json_name, name))
			f = &d->fields[i];
	}
	return f;
}

static void parse_map(struct parser *p, const ProtobufCFieldDescriptor *f, const struct node *n,
		      ProtobufCMessage *msg)
{
	const ProtobufCMessageDescriptor *d = f->descriptor;
	ProtobufCMessage **entries;

	if (n->type != NODE_MAP) {
		expected(p, n, "a map");
		return;
	}
	entries = arena_array(p->arena, ProtobufCMessage *, n->n);
	for (uint32_t i = 0; i < n->n; i++) {
		size_t was = enter(p, n->map[i].key);

		entries[i] = pb_new(p->arena, d);
		*(const char **)pb_at(&d->fields[0], entries[i]) = n->map[i].key;
		parse_value(p, &d->fields[1], n->map[i].value, pb_at(&d->fields[1], entries[i]));
		leave(p, was);
	}
	*(ProtobufCMessage ***)pb_at(f, msg) = entries;
	*(size_t *)(void *)((char *)msg + f->quantifier_offset) = pb_sort_map(entries, n->n);
}

static void parse_repeated(struct parser *p, const ProtobufCFieldDescriptor *f,
			   const struct node *n, ProtobufCMessage *msg)
{
	size_t size = pb_value_size(f);
	char *v;

	if (n->type != NODE_SEQ) {
		expected(p, n, "a list");
		return;
	}
	v = arena_alloc_array(p->arena, n->n, size);
	for (uint32_t i = 0; i < n->n; i++) {
		size_t was = enter_index(p, i);

		parse_value(p, f, n->seq[i], v + i * size);
		leave(p, was);
	}
	*(void **)pb_at(f, msg) = v;
	*(size_t *)(void *)((char *)msg + f->quantifier_offset) = n->n;
}

static void parse_field(struct parser *p, const ProtobufCFieldDescriptor *f, const struct node *n,
			ProtobufCMessage *msg)
{
	uint32_t *oneof = (void *)((char *)msg + f->quantifier_offset);

	if (n->type == NODE_NULL && (f->label == PROTOBUF_C_LABEL_REPEATED || !takes_null(f)))
		return;
	if (pb_is_map(f)) {
		parse_map(p, f, n, msg);
	} else if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		parse_repeated(p, f, n, msg);
	} else if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		if (*oneof && *oneof != f->id) {
			parse_error(p, n, "only one of \"%s\" and \"%s\" can be given", f->name,
				    protobuf_c_message_descriptor_get_field(msg->descriptor, *oneof)
					    ->name);
			return;
		}
		if (parse_value(p, f, n, pb_at(f, msg)))
			*oneof = f->id;
	} else {
		parse_value(p, f, n, pb_at(f, msg));
	}
}

/* All entries of a map node but "@type", which belongs to the Any around. */
ProtobufCMessage *parse_fields(struct parser *p, const ProtobufCMessageDescriptor *d,
			       const struct node *n)
{
	ProtobufCMessage *msg = pb_new(p->arena, d);
	bool *is_given = arena_array(p->arena, bool, d->n_fields);

	for (uint32_t i = 0; i < n->n; i++) {
		const struct node_entry *e = &n->map[i];
		const ProtobufCFieldDescriptor *f;
		size_t was;

		if (str_eq(e->key, "@type"))
			continue;
		f = find_field(d, e->key);
		if (!f && (p->flags & PB_IGNORE_UNKNOWN))
			continue;
		was = enter(p, e->key);
		if (!f)
			parse_error(p, e->value, "%s has no such field", d->short_name);
		else if (is_given[f - d->fields])
			parse_error(p, e->value, "given twice, under both of its names");
		else
			parse_field(p, f, e->value, msg);
		if (f)
			is_given[f - d->fields] = true;
		leave(p, was);
	}
	return msg;
}

static ProtobufCMessage *parse_any(struct parser *p, const ProtobufCMessageDescriptor *d,
				   const struct node *n)
{
	const char *url;
	const struct pb_type *t;
	const struct node *inner = n, *value = node_get(n, "value");
	ProtobufCMessage *msg;
	ProtobufCBinaryData bytes;

	if (n->type != NODE_MAP) {
		expected(p, n, "a map with \"@type\"");
		return NULL;
	}
	if (!n->n)
		return pb_new(p->arena, d);
	url = node_str(n, "@type");
	if (str_empty(url)) {
		parse_error(p, n, "\"@type\" is missing");
		return NULL;
	}
	t = pb_type_by_url(url);
	if (!t) {
		/* As the printer writes what it does not know. */
		if (n->n == 2 && value && value->type == NODE_STRING &&
		    parse_bytes(p, value, &bytes))
			return &pb_any_packed(p->arena, url, bytes)->base;
		parse_error(p, n, "unknown type \"%.200s\"", url);
		return NULL;
	}
	if (pb_special(t->desc) != PB_PLAIN) {
		inner = value;
		if (!inner) {
			parse_error(p, n, "\"value\" is missing");
			return NULL;
		}
	}
	msg = inner == n ? parse_fields(p, t->desc, n) : parse_message(p, t->desc, inner);
	if (!msg || p->is_bad)
		return NULL;
	return &pb_any_packed(p->arena, url, pb_pack(p->arena, msg))->base;
}

static ProtobufCMessage *parse_wrapper(struct parser *p, const ProtobufCMessageDescriptor *d,
				       const struct node *n)
{
	ProtobufCMessage *msg = pb_new(p->arena, d);

	return parse_value(p, &d->fields[0], n, pb_at(&d->fields[0], msg)) ? msg : NULL;
}

static ProtobufCMessage *parse_struct(struct parser *p, const ProtobufCMessageDescriptor *d,
				      const struct node *n)
{
	Google__Struct *s = pb_struct_from_node(p->arena, n);

	if (!s) {
		expected(p, n, "a map");
		return NULL;
	}
	return &s->base;
}

static ProtobufCMessage *parse_struct_value(struct parser *p, const ProtobufCMessageDescriptor *d,
					    const struct node *n)
{
	return &pb_value_from_node(p->arena, n)->base;
}

static ProtobufCMessage *parse_list(struct parser *p, const ProtobufCMessageDescriptor *d,
				    const struct node *n)
{
	if (n->type != NODE_SEQ) {
		expected(p, n, "a list");
		return NULL;
	}
	return &pb_value_from_node(p->arena, n)->list_value->base;
}

static ProtobufCMessage *parse_empty(struct parser *p, const ProtobufCMessageDescriptor *d,
				     const struct node *n)
{
	if (n->type != NODE_MAP) {
		expected(p, n, "a map");
		return NULL;
	}
	return parse_fields(p, d, n);
}

ProtobufCMessage *parse_message(struct parser *p, const ProtobufCMessageDescriptor *d,
				const struct node *n)
{
	static ProtobufCMessage *(*const special[])(
		struct parser *, const ProtobufCMessageDescriptor *, const struct node *) = {
		[PB_SPECIAL_ANY] = parse_any,
		[PB_SPECIAL_DURATION] = parse_duration,
		[PB_SPECIAL_TIMESTAMP] = parse_timestamp,
		[PB_SPECIAL_STRUCT] = parse_struct,
		[PB_SPECIAL_VALUE] = parse_struct_value,
		[PB_SPECIAL_LIST] = parse_list,
		[PB_SPECIAL_MASK] = parse_mask,
		[PB_SPECIAL_EMPTY] = parse_empty,
		[PB_SPECIAL_WRAPPER] = parse_wrapper,
	};
	enum pb_special s = pb_special(d);

	if (s != PB_PLAIN)
		return special[s](p, d, n);
	if (n->type != NODE_MAP) {
		expected(p, n, "a map");
		return NULL;
	}
	return parse_fields(p, d, n);
}

ProtobufCMessage *pb_from_json(struct arena *a, const ProtobufCMessageDescriptor *d,
			       const struct node *n, unsigned flags, struct diag *diag)
{
	struct parser p = { .arena = a, .flags = flags, .diag = diag, .path = BUF_INIT };
	ProtobufCMessage *msg = parse_message(&p, d, n);

	buf_fini(&p.path);
	return p.is_bad ? NULL : msg;
}
