/* snapshot/wire.h
 * Protobuf's wire format by hand: sizes, tags and varints, and a reader of fields. For this room and for ads/decode.
 * Any thread.
 */
#pragma once
#include "base/lang.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };
enum { WIRE_VARINT_MAX = 10 };

static inline size_t wire_varint_size(uint64_t v)
{
	size_t n = 1;

	while (v >>= 7)
		n++;
	return n;
}

static inline uint8_t *wire_put_varint(uint8_t *p, uint64_t v)
{
	for (; v > 127; v >>= 7)
		*p++ = (uint8_t)(v | 128);
	*p++ = (uint8_t)v;
	return p;
}

/* A length-delimited field without its bytes; field numbers below 16. */
static inline size_t wire_bytes_size(size_t len)
{
	return 1 + wire_varint_size(len) + len;
}
static inline uint8_t *wire_put_head(uint8_t *p, unsigned field, size_t len)
{
	*p++ = (uint8_t)(field << 3 | WIRE_BYTES);
	return wire_put_varint(p, len);
}
static inline uint8_t *wire_put_bytes(uint8_t *p, unsigned field, const void *bytes, size_t len)
{
	p = wire_put_head(p, field, len);
	if (len)
		__builtin_memcpy(p, bytes, len);
	return p + len;
}

/* Reads one field from untrusted bytes and moves *at behind it. False at the end, or when malformed (then *at is NULL). */
struct wire_field {
	uint32_t number;
	uint8_t type;
	uint64_t value;       /* of numbers */
	const uint8_t *bytes; /* of WIRE_BYTES */
	size_t len;
};
bool wire_next(const uint8_t **at, const uint8_t *end, struct wire_field *ret) must_check;
