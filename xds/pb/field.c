/* Fields of messages as descriptors see them: the questions that printing, reading and checking all ask. */
#include "pb/field.h"
#include <assert.h>
#include <string.h>
#include <strings.h>

bool pb_is_map(const ProtobufCFieldDescriptor *f)
{
	const ProtobufCMessageDescriptor *d = f->descriptor;
	char name[PB_NAME_MAX];
	size_t n;

	if (f->label != PROTOBUF_C_LABEL_REPEATED || f->type != PROTOBUF_C_TYPE_MESSAGE ||
	    d->n_fields != 2 || d->fields[0].type != PROTOBUF_C_TYPE_STRING)
		return false;
	pb_json_name(f->name, name);
	n = strlen(name);
	return !strncasecmp(d->short_name, name, 1) &&
	       !strncmp(d->short_name + 1, name + 1, n - 1) && str_eq(d->short_name + n, "Entry");
}

ProtobufCMessage *const *pb_submessages(const ProtobufCFieldDescriptor *f,
					const ProtobufCMessage *msg, size_t *ret_n)
{
	ProtobufCMessage *const *v = pb_at_const(f, msg);

	*ret_n = 0;
	if (f->type != PROTOBUF_C_TYPE_MESSAGE)
		return NULL;
	if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		*ret_n = pb_count(f, msg);
		return *(ProtobufCMessage *const *const *)pb_at_const(f, msg);
	}
	if (!(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || pb_case(f, msg) == f->id)
		*ret_n = *v != NULL;
	return v;
}

size_t pb_value_size(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64: return sizeof(uint64_t);
	case PROTOBUF_C_TYPE_DOUBLE: return sizeof(double);
	case PROTOBUF_C_TYPE_BOOL: return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_STRING: return sizeof(char *);
	case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_MESSAGE: return sizeof(ProtobufCMessage *);
	default: return sizeof(uint32_t);
	}
}

void pb_json_name(const char *name, char ret_name[PB_NAME_MAX])
{
	size_t n = 0;
	bool raise = false;

	for (; *name; name++) {
		if (*name == '_') {
			raise = true;
			continue;
		}
		assert(n < PB_NAME_MAX - 1);
		ret_name[n++] =
			raise && *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
		raise = false;
	}
	ret_name[n] = 0;
}

enum pb_special pb_special(const ProtobufCMessageDescriptor *d)
{
	static const struct {
		const ProtobufCMessageDescriptor *desc;
		enum pb_special special;
	} table[] = {
		{ &google__any__descriptor, PB_SPECIAL_ANY },
		{ &google__duration__descriptor, PB_SPECIAL_DURATION },
		{ &google__bool_value__descriptor, PB_SPECIAL_WRAPPER },
		{ &google__uint32_value__descriptor, PB_SPECIAL_WRAPPER },
		{ &google__struct__descriptor, PB_SPECIAL_STRUCT },
		{ &google__value__descriptor, PB_SPECIAL_VALUE },
		{ &google__list_value__descriptor, PB_SPECIAL_LIST },
		{ &google__string_value__descriptor, PB_SPECIAL_WRAPPER },
		{ &google__double_value__descriptor, PB_SPECIAL_WRAPPER },
		{ &google__float_value__descriptor, PB_SPECIAL_WRAPPER },
		{ &google__int32_value__descriptor, PB_SPECIAL_WRAPPER },
		{ &google__int64_value__descriptor, PB_SPECIAL_WRAPPER },
		{ &google__uint64_value__descriptor, PB_SPECIAL_WRAPPER },
		{ &google__bytes_value__descriptor, PB_SPECIAL_WRAPPER },
		{ &google__timestamp__descriptor, PB_SPECIAL_TIMESTAMP },
		{ &google__field_mask__descriptor, PB_SPECIAL_MASK },
		{ &google__empty__descriptor, PB_SPECIAL_EMPTY },
	};

	if (!str_eq(d->package_name, "google.protobuf"))
		return PB_PLAIN;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].desc == d)
			return table[i].special;
	return PB_PLAIN;
}
