/* pb/json.h
 * Messages as JSON and back, by the rules of protobuf's JSON mapping: lowerCamelCase names, 64-bit integers as strings,
 * enums by name, bytes in base64, Any with "@type" and its fields, the well-known types in their short forms. One
 * table-driven printer and reader for every message there is. Any thread.
 */
#pragma once
#include "doc/write.h"
#include "pb/pb.h"

struct diag;

/* One value onto the writer. Fields in order of number, maps in order of key; what the packer would leave out is left
 * out. An Any of a type that is unknown, or whose bytes are no good, prints as {"@type", "value": base64}; what is
 * nested deeper than the writer can hold, as null. */
void pb_print(struct json *, const ProtobufCMessage *);
/* The same as a whole document. */
void pb_print_buf(struct buf *, const ProtobufCMessage *, bool pretty);

/* Unknown fields are no problem; unknown enum names and types of Any still are. */
enum { PB_IGNORE_UNKNOWN = 1 };
/* A document to a message in the arena, strings borrowed from the document. Names may be lowerCamelCase or as in the
 * .proto. NULL if there was any problem; all of them are in diag with place and path. */
ProtobufCMessage *pb_from_json(struct arena *, const ProtobufCMessageDescriptor *,
			       const struct node *, unsigned flags, struct diag *);
#define PB_FROM_JSON(a, type, node, flags, diag) \
	((type *)(void *)pb_from_json((a), &type##__DESC, (node), (flags), (diag)))
