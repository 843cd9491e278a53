/* The reader half of the wire format. Groups, which nobody has sent in this century, count as malformed. */
#include "snapshot/wire.h"

static const uint8_t *get_varint(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && p < end; shift += 7) {
		uint8_t c = *p++;

		v |= (uint64_t)(c & 127) << shift;
		if (!(c & 128)) {
			*ret = v;
			return p;
		}
	}
	return NULL;
}

static const uint8_t *get_fixed(const uint8_t *p, const uint8_t *end, size_t n, uint64_t *ret)
{
	uint64_t v = 0;

	if ((size_t)(end - p) < n)
		return NULL;
	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << 8 * i;
	*ret = v;
	return p + n;
}

bool wire_next(const uint8_t **at, const uint8_t *end, struct wire_field *ret)
{
	struct wire_field f = { 0 };
	const uint8_t *p = *at;
	uint64_t tag;

	if (!p || p >= end)
		return false;
	*at = NULL;
	p = get_varint(p, end, &tag);
	if (!p || tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
		return false;
	f.number = (uint32_t)(tag >> 3);
	f.type = tag & 7;
	switch (f.type) {
	case WIRE_VARINT: p = get_varint(p, end, &f.value); break;
	case WIRE_FIXED64: p = get_fixed(p, end, 8, &f.value); break;
	case WIRE_FIXED32: p = get_fixed(p, end, 4, &f.value); break;
	case WIRE_BYTES:
		p = get_varint(p, end, &f.value);
		if (!p || f.value > (size_t)(end - p))
			return false;
		f.bytes = p;
		f.len = (size_t)f.value;
		p += f.len;
		break;
	default: return false;
	}
	if (!p)
		return false;
	*at = p;
	*ret = f;
	return true;
}
