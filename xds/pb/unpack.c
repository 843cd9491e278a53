/* Untrusted bytes to messages.
 *
 * protobuf-c's own unpacker recurses as deep as the bytes ask it to, stops a string at an embedded NUL, and takes any
 * bytes for text; and a few bytes can ask for many more of memory. So the bytes are walked once before, with a stack of
 * fixed depth, along the descriptor; and memory is handed out against a budget, which makes the unpacker give up.
 */
#include "base/err.h"
#include "pb/field.h"
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };
enum { VARINT_MAX_BYTES = 10 };

struct span {
	const uint8_t *p, *end;
};

static bool read_varint(struct span *s, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < VARINT_MAX_BYTES && s->p < s->end; i++) {
		uint8_t b = *s->p++;

		v |= (uint64_t)(b & 0x7f) << (7 * i);
		if (!(b & 0x80)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

/* Well-formed UTF-8 without NUL: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
static bool is_text(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint8_t b = p[i];
		unsigned more = b < 0x80 ? 0 : b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
		uint8_t lo = 0x80, hi = 0xbf;

		if (!b || (b >= 0x80 && b < 0xc2) || b > 0xf4 || more >= n - i)
			return false;
		if (b == 0xe0)
			lo = 0xa0;
		else if (b == 0xed)
			hi = 0x9f;
		else if (b == 0xf0)
			lo = 0x90;
		else if (b == 0xf4)
			hi = 0x8f;
		for (unsigned k = 1; k <= more; k++) {
			if (p[i + k] < lo || p[i + k] > hi)
				return false;
			lo = 0x80;
			hi = 0xbf;
		}
		i += more + 1;
	}
	return true;
}

/* What stands in one message: its type and where it ends. */
struct frame {
	const ProtobufCMessageDescriptor *desc;
	const uint8_t *end;
};

/* Reads the length that follows a tag; *ret_len bytes are there. */
static bool read_len(struct span *s, size_t *ret_len)
{
	uint64_t len;

	if (!read_varint(s, &len) || len > (uint64_t)(s->end - s->p))
		return false;
	*ret_len = (size_t)len;
	return true;
}

static bool check(const ProtobufCMessageDescriptor *desc, const uint8_t *bytes, size_t len,
		  struct err *e)
{
	struct frame stack[PB_MAX_DEPTH];
	unsigned depth = 0;
	struct span s = { bytes, bytes + len };

	stack[0] = (struct frame){ desc, s.end };
	for (;;) {
		const struct frame *top = &stack[depth];
		const ProtobufCFieldDescriptor *f;
		uint64_t tag, skipped;
		size_t n = 0;

		if (s.p == top->end) {
			if (!depth--)
				return true;
			continue;
		}
		s.end = top->end;
		if (!read_varint(&s, &tag) || tag >> 3 == 0 || tag > UINT32_MAX)
			return err(e, "%s: malformed", top->desc->name);
		f = protobuf_c_message_descriptor_get_field(top->desc, (unsigned)(tag >> 3));
		switch (tag & 7) {
		case WIRE_VARINT:
			if (!read_varint(&s, &skipped))
				return err(e, "%s: malformed", top->desc->name);
			continue;
		case WIRE_64:
		case WIRE_32:
			n = (tag & 7) == WIRE_64 ? 8 : 4;
			if (n > (size_t)(s.end - s.p))
				return err(e, "%s: malformed", top->desc->name);
			s.p += n;
			continue;
		case WIRE_BYTES:
			if (!read_len(&s, &n))
				return err(e, "%s: malformed", top->desc->name);
			break;
		default: return err(e, "%s: malformed", top->desc->name);
		}
		if (f && f->type == PROTOBUF_C_TYPE_MESSAGE) {
			if (++depth == PB_MAX_DEPTH)
				return err(e, "%s: nested deeper than %d", desc->name,
					   PB_MAX_DEPTH);
			stack[depth] = (struct frame){ f->descriptor, s.p + n };
			continue;
		}
		if (f && f->type == PROTOBUF_C_TYPE_STRING && !is_text(s.p, n))
			return err(e, "%s.%s: not UTF-8 text", top->desc->name, f->name);
		s.p += n;
	}
}

struct budget {
	struct arena *arena;
	size_t left;
};

static void *take(void *data, size_t n)
{
	struct budget *b = data;

	if (n > b->left)
		return NULL;
	b->left -= n;
	return arena_alloc(b->arena, n);
}

static void give_back(void *data, void *p)
{
}

/* The sender may have used any order, and a key more than once: the last one counts. */
static void sort_maps(ProtobufCMessage *msg)
{
	for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];
		size_t n;
		ProtobufCMessage *const *v = pb_submessages(f, msg, &n);

		for (size_t k = 0; k < n; k++)
			sort_maps(v[k]);
		if (n > 1 && pb_is_map(f))
			*(size_t *)(void *)((char *)msg + f->quantifier_offset) =
				pb_sort_map(*(void **)pb_at(f, msg), n);
	}
}

ProtobufCMessage *pb_unpack(struct arena *a, const ProtobufCMessageDescriptor *desc,
			    const void *bytes, size_t len, size_t max_memory, struct err *e)
{
	struct budget budget = { a, max_memory };
	ProtobufCAllocator alloc = { take, give_back, &budget };
	ProtobufCMessage *msg;

	if (len && !check(desc, bytes, len, e))
		return NULL;
	msg = protobuf_c_message_unpack(desc, &alloc, len, bytes);
	if (msg)
		sort_maps(msg);
	else
		err(e, "%s: malformed, or more than %zu bytes of memory needed", desc->name,
		    max_memory);
	return msg;
}

ProtobufCMessage *pb_any_unpack(struct arena *a, const Google__Any *any, size_t max_memory,
				struct err *e)
{
	const struct pb_type *t = pb_type_by_url(str_or(any->type_url, ""));

	if (!t) {
		err(e, "unknown type \"%.200s\"", str_or(any->type_url, ""));
		return NULL;
	}
	return pb_unpack(a, t->desc, any->value.data, any->value.len, max_memory, e);
}
