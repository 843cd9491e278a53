/* pb/pb.h
 * Protobuf messages in arenas: making them, packing, unpacking and reading fields of Struct. JSON is in pb/json.h.
 *
 * A message tree lives in the arena it was made in and is plain data: assign fields directly. Strings are borrowed.
 * An unset string is NULL in a message made here and "" in one that was unpacked; ask with str_empty(). Any thread,
 * one at a time per arena.
 *
 *	Core__Address *addr = PB_NEW(a, Core__Address, .address_case = CORE__ADDRESS__ADDRESS_SOCKET_ADDRESS,
 *		.socket_address = PB_NEW(a, Core__SocketAddress, .address = ip,
 *			.port_specifier_case = CORE__SOCKET_ADDRESS__PORT_SPECIFIER_PORT_VALUE, .port_value = 80));
 *	PB_PUSH(a, chain, filters, PB_NEW(a, Listener__Filter, .name = "tcp",
 *		.config_type_case = LISTENER__FILTER__CONFIG_TYPE_TYPED_CONFIG, .typed_config = PB_ANY(a, tcp)));
 *
 * A string in a oneof that is meant to be sent although empty must be "" and not protobuf_c_empty_string.
 */
#pragma once
#include "base/arena.h"
#include "pb/ev.h"
#include <protobuf-c/protobuf-c.h>

struct buf;
struct err;
struct node;

/* ---- making ---- */

/* A new message with the given fields (designated initialisers, none needed); all else at its default. */
#define PB_NEW(a, type, ...) \
	((type *)arena_dup((a), &(type){ .base = { .descriptor = &type##__DESC }, __VA_ARGS__ }, \
			   sizeof(type)))
/* The same for a type known only at run time. */
ProtobufCMessage *pb_new(struct arena *, const ProtobufCMessageDescriptor *);

/* Appends to a repeated field that was only ever grown by PB_PUSH. Evaluates msg more than once; an element that is a
 * pointer is borrowed. */
#define PB_PUSH(a, msg, field, elem) \
	((msg)->field = pb_grow((a), (msg)->field, (msg)->n_##field, sizeof *(msg)->field), \
	 (msg)->field[(msg)->n_##field++] = (elem))
void *pb_grow(struct arena *, void *v, size_t n, size_t size);

/* Map fields are arrays of entries and must be in order of key when packed. PB_SORT_MAP puts them in order; of equal
 * keys the one added last stays. */
#define PB_SORT_MAP(msg, field) ((msg)->n_##field = pb_sort_map((msg)->field, (msg)->n_##field))
size_t pb_sort_map(void *entries, size_t n);

Google__BoolValue *pb_bool(struct arena *, bool);
Google__UInt32Value *pb_u32(struct arena *, uint32_t);
Google__UInt64Value *pb_u64(struct arena *, uint64_t);
Google__Int32Value *pb_i32(struct arena *, int32_t);
Google__Int64Value *pb_i64(struct arena *, int64_t);
Google__DoubleValue *pb_double(struct arena *, double);
Google__StringValue *pb_str(struct arena *, const char *);
Google__Duration *pb_duration(struct arena *, int64_t ns);
Google__Timestamp *pb_timestamp(struct arena *, int64_t unix_ns);

/* An Any holding a packed copy; the type URL comes from the descriptor. */
#define PB_ANY(a, msg) pb_any((a), &(msg)->base)
Google__Any *pb_any(struct arena *, const ProtobufCMessage *);
/* An Any around bytes that are packed already, both borrowed. */
Google__Any *pb_any_packed(struct arena *, const char *type_url, ProtobufCBinaryData);
/* An Any of udpa.type.v1.TypedStruct: configuration of a filter whose message we do not know. */
Google__Any *pb_typed_struct(struct arena *, const char *type_url, Google__Struct *);

/* ---- Struct: always in order of key ---- */

Google__Struct *pb_struct(struct arena *);
/* Replaces a value of the same key. */
void pb_struct_set(struct arena *, Google__Struct *, const char *key, Google__Value *);
void pb_struct_set_str(struct arena *, Google__Struct *, const char *key, const char *);
void pb_struct_set_num(struct arena *, Google__Struct *, const char *key, double);
void pb_struct_set_bool(struct arena *, Google__Struct *, const char *key, bool);
void pb_struct_set_struct(struct arena *, Google__Struct *, const char *key, Google__Struct *);
void pb_struct_set_list(struct arena *, Google__Struct *, const char *key, Google__ListValue *);
Google__ListValue *pb_list(struct arena *);
void pb_list_add(struct arena *, Google__ListValue *, Google__Value *);
Google__Value *pb_value_null(struct arena *);
Google__Value *pb_value_str(struct arena *, const char *);
Google__Value *pb_value_num(struct arena *, double);
Google__Value *pb_value_bool(struct arena *, bool);
Google__Value *pb_value_struct(struct arena *, Google__Struct *);
Google__Value *pb_value_list(struct arena *, Google__ListValue *);
/* A document as Value or Struct; strings borrowed. pb_struct_from_node gives NULL if it is no map. */
Google__Value *pb_value_from_node(struct arena *, const struct node *);
Google__Struct *pb_struct_from_node(struct arena *, const struct node *);
/* And back, so that whoever reads documents can read what a proxy sent. Numbers become NODE_INT where they are whole. */
const struct node *pb_value_to_node(struct arena *, const Google__Value *);
const struct node *pb_struct_to_node(struct arena *, const Google__Struct *);

/* NULL when the Struct is NULL, has no such key, or (the typed ones) it is of another kind. */
const Google__Value *pb_struct_get(const Google__Struct *, const char *key);
const char *pb_struct_get_str(const Google__Struct *, const char *key);
const Google__Struct *pb_struct_get_struct(const Google__Struct *, const char *key);
const Google__ListValue *pb_struct_get_list(const Google__Struct *, const char *key);

/* The Struct of `filter` in *md->filter_metadata; message, entry and Struct are made as needed, in order of name. */
Google__Struct *pb_filter_metadata(struct arena *, Core__Metadata **md, const char *filter);

/* ---- wire format ---- */

/* Deterministic for equal trees. Sanitizer builds assert that maps are in order. */
#define PB_PACK(a, msg) pb_pack((a), &(msg)->base)
ProtobufCBinaryData pb_pack(struct arena *, const ProtobufCMessage *);
void pb_pack_buf(struct buf *, const ProtobufCMessage *); /* appends */

enum { PB_MAX_DEPTH = 100 };
/* Untrusted bytes to a message in the arena; bytes are copied. NULL, with the reason in e, if they are malformed, are
 * nested deeper than PB_MAX_DEPTH, hold strings with a NUL or invalid UTF-8, or need more than max_memory (in which case
 * up to that much of the arena was used). Unknown fields stay in base.unknown_fields. Maps are in order
 * of key, the last of equal keys kept. */
#define PB_UNPACK(a, type, bytes, len, max_memory, e) \
	((type *)(void *)pb_unpack((a), &type##__DESC, (bytes), (len), (max_memory), (e)))
ProtobufCMessage *pb_unpack(struct arena *, const ProtobufCMessageDescriptor *, const void *bytes,
			    size_t len, size_t max_memory, struct err *e);
/* What an Any holds: NULL, with the reason in e, if its type is unknown here or the bytes are no good. */
ProtobufCMessage *pb_any_unpack(struct arena *, const Google__Any *, size_t max_memory,
				struct err *e);

/* ---- types ---- */

#define PB_IS(msg, type) ((msg)->descriptor == &type##__DESC)

struct pb_type {
	const ProtobufCMessageDescriptor *desc;
	const char *url; /* "type.googleapis.com/" and the full name */
};
/* All messages of xds/proto in order of full name, entries of maps among them. */
const struct pb_type *pb_types(size_t *ret_n);
/* By "envoy.config.core.v3.Address"; by type URL (what stands behind the last slash counts). NULL: unknown. */
const struct pb_type *pb_type_by_name(const char *full_name);
const struct pb_type *pb_type_by_url(const char *type_url);
