/* Making and packing messages, and the registry of their types.
 *
 * Everything rests on one property of protobuf-c: a message whose bytes are all zero, but for its descriptor, is the
 * message with every field at its default, because proto3 has no other defaults than zero and the packer takes a NULL
 * string for an empty one. So making a message is one copy into an arena, and nothing ever needs to be freed.
 */
#include "pb/pb.h"
#include "base/buf.h"
#include "pb/field.h"
#include "pb/registry.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- making ---- */

ProtobufCMessage *pb_new(struct arena *a, const ProtobufCMessageDescriptor *desc)
{
	ProtobufCMessage *msg = arena_alloc(a, desc->sizeof_message);

	msg->descriptor = desc;
	return msg;
}

/* Capacity is not stored: it is 4, or the power of two at which the array was last grown. */
void *pb_grow(struct arena *a, void *v, size_t n, size_t size)
{
	void *bigger;

	if (n && (n < 4 || (n & (n - 1))))
		return v;
	bigger = arena_alloc_array(a, n ? n * 2 : 4, size);
	if (n)
		memcpy(bigger, v, n * size);
	return bigger;
}

struct ranked {
	ProtobufCMessage *entry;
	size_t rank;
};

/* All our maps have strings for keys, and the key is field 1 of an entry. */
static const char *key_of(const ProtobufCMessage *entry)
{
	const ProtobufCFieldDescriptor *f = &entry->descriptor->fields[0];

	assert(f->type == PROTOBUF_C_TYPE_STRING);
	return str_or(*(const char *const *)pb_at_const(f, entry), "");
}

static int compare_keys(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	return strcmp(key_of(a), key_of(b));
}

static int compare_ranked(const void *va, const void *vb)
{
	const struct ranked *a = va, *b = vb;
	int c = compare_keys(a->entry, b->entry);

	return c ? c : (a->rank > b->rank) - (a->rank < b->rank);
}

static bool is_in_order(ProtobufCMessage *const *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (compare_keys(v[i - 1], v[i]) >= 0)
			return false;
	return true;
}

size_t pb_sort_map(void *entries, size_t n)
{
	ProtobufCMessage **v = entries;
	cleanup(xfree_p) struct ranked *r = NULL;
	size_t kept = 0;

	if (is_in_order(v, n))
		return n;
	r = xrealloc_array(NULL, n, sizeof *r);
	for (size_t i = 0; i < n; i++)
		r[i] = (struct ranked){ v[i], i };
	qsort(r, n, sizeof *r, compare_ranked);
	for (size_t i = 0; i < n; i++)
		if (i + 1 == n || compare_keys(r[i].entry, r[i + 1].entry))
			v[kept++] = r[i].entry;
	return kept;
}

Google__BoolValue *pb_bool(struct arena *a, bool b)
{
	return PB_NEW(a, Google__BoolValue, .value = b);
}

Google__UInt32Value *pb_u32(struct arena *a, uint32_t n)
{
	return PB_NEW(a, Google__UInt32Value, .value = n);
}

Google__UInt64Value *pb_u64(struct arena *a, uint64_t n)
{
	return PB_NEW(a, Google__UInt64Value, .value = n);
}

Google__Int32Value *pb_i32(struct arena *a, int32_t n)
{
	return PB_NEW(a, Google__Int32Value, .value = n);
}

Google__Int64Value *pb_i64(struct arena *a, int64_t n)
{
	return PB_NEW(a, Google__Int64Value, .value = n);
}

Google__DoubleValue *pb_double(struct arena *a, double d)
{
	return PB_NEW(a, Google__DoubleValue, .value = d);
}

Google__StringValue *pb_str(struct arena *a, const char *s)
{
	return PB_NEW(a, Google__StringValue, .value = s);
}

enum { NS_PER_S = 1000000000 };

/* Both parts carry the sign of the whole. */
Google__Duration *pb_duration(struct arena *a, int64_t ns)
{
	return PB_NEW(a, Google__Duration, .seconds = ns / NS_PER_S,
		      .nanos = (int32_t)(ns % NS_PER_S));
}

/* The nanoseconds always count forward. */
Google__Timestamp *pb_timestamp(struct arena *a, int64_t ns)
{
	int64_t s = ns / NS_PER_S, rest = ns % NS_PER_S;

	if (rest < 0) {
		s--;
		rest += NS_PER_S;
	}
	return PB_NEW(a, Google__Timestamp, .seconds = s, .nanos = (int32_t)rest);
}

Google__Any *pb_any(struct arena *a, const ProtobufCMessage *msg)
{
	const struct pb_type *t = pb_type_by_name(msg->descriptor->name);

	assert(t);
	return PB_NEW(a, Google__Any, .type_url = t->url, .value = pb_pack(a, msg));
}

Google__Any *pb_any_packed(struct arena *a, const char *type_url, ProtobufCBinaryData value)
{
	return PB_NEW(a, Google__Any, .type_url = type_url, .value = value);
}

Google__Any *pb_typed_struct(struct arena *a, const char *type_url, Google__Struct *value)
{
	Udpa__TypedStruct *t = PB_NEW(a, Udpa__TypedStruct, .type_url = type_url, .value = value);

	return PB_ANY(a, t);
}

/* ---- packing ---- */

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
/* Costs as much as packing does, so only where time does not matter. */
static void check_maps(const ProtobufCMessage *msg)
{
	for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];
		size_t n;
		ProtobufCMessage *const *v = pb_submessages(f, msg, &n);

		assert(!pb_is_map(f) || is_in_order(v, n));
		for (size_t k = 0; k < n; k++)
			check_maps(v[k]);
	}
}
#else
static void check_maps(const ProtobufCMessage *msg)
{
}
#endif

ProtobufCBinaryData pb_pack(struct arena *a, const ProtobufCMessage *msg)
{
	ProtobufCBinaryData b = { .len = protobuf_c_message_get_packed_size(msg) };

	check_maps(msg);
	b.data = arena_alloc(a, b.len);
	protobuf_c_message_pack(msg, b.data);
	return b;
}

void pb_pack_buf(struct buf *out, const ProtobufCMessage *msg)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	char *room = buf_room(out, len);

	check_maps(msg);
	if (!room)
		return;
	protobuf_c_message_pack(msg, (uint8_t *)room);
	out->len += len;
	out->p[out->len] = 0;
}

/* ---- types ---- */

const struct pb_type *pb_types(size_t *ret_n)
{
	*ret_n = pb_registry_n;
	return pb_registry;
}

static int compare_name(const void *name, const void *type)
{
	return strcmp(name, ((const struct pb_type *)type)->desc->name);
}

const struct pb_type *pb_type_by_name(const char *full_name)
{
	return bsearch(full_name, pb_registry, pb_registry_n, sizeof *pb_registry, compare_name);
}

const struct pb_type *pb_type_by_url(const char *type_url)
{
	const char *slash = strrchr(type_url, '/');

	return pb_type_by_name(slash ? slash + 1 : type_url);
}
