/* pb/field.h
 * What this room's files share about fields of messages seen through their descriptors. Not for others.
 */
#pragma once
#include "pb/pb.h"

/* protobuf-c does not say which repeated fields are maps, but protoc names the entries of map field foo_bar FooBarEntry.
 * All our maps have strings for keys. */
bool pb_is_map(const ProtobufCFieldDescriptor *);

/* The messages that a field holds at the moment; none if it is of another type. */
ProtobufCMessage *const *pb_submessages(const ProtobufCFieldDescriptor *, const ProtobufCMessage *,
					size_t *ret_n);

/* Bytes of one value of the field, as it lies in the message or in the array. */
size_t pb_value_size(const ProtobufCFieldDescriptor *);

/* foo_bar to fooBar. */
enum { PB_NAME_MAX = 128 };
void pb_json_name(const char *name, char ret_name[PB_NAME_MAX]);

static inline void *pb_at(const ProtobufCFieldDescriptor *f, ProtobufCMessage *msg)
{
	return (char *)msg + f->offset;
}
static inline const void *pb_at_const(const ProtobufCFieldDescriptor *f,
				      const ProtobufCMessage *msg)
{
	return (const char *)msg + f->offset;
}
/* Elements of a repeated field. */
static inline size_t pb_count(const ProtobufCFieldDescriptor *f, const ProtobufCMessage *msg)
{
	return *(const size_t *)(const void *)((const char *)msg + f->quantifier_offset);
}
/* The number of the member that is set of the oneof that the field is in. */
static inline uint32_t pb_case(const ProtobufCFieldDescriptor *f, const ProtobufCMessage *msg)
{
	return *(const uint32_t *)(const void *)((const char *)msg + f->quantifier_offset);
}

/* The messages that JSON writes in a form of their own. */
enum pb_special {
	PB_PLAIN,
	PB_SPECIAL_ANY,
	PB_SPECIAL_DURATION,
	PB_SPECIAL_TIMESTAMP,
	PB_SPECIAL_STRUCT,
	PB_SPECIAL_VALUE,
	PB_SPECIAL_LIST,
	PB_SPECIAL_MASK,
	PB_SPECIAL_EMPTY,
	PB_SPECIAL_WRAPPER,
};
enum pb_special pb_special(const ProtobufCMessageDescriptor *);
