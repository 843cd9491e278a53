/* Untrusted bytes: what is refused, and why it says so. */
#include "base/buf.h"
#include "base/err.h"
#include "help.h"
#include <string.h>

static bool unpacks(const char *bytes, size_t len, size_t max, struct err *e)
{
	struct arena a = ARENA_INIT;
	bool ok = PB_UNPACK(&a, Discovery__DiscoveryRequest, bytes, len, max, e) != NULL;

	arena_fini(&a);
	return ok;
}

#define BYTES(s) (s), sizeof(s) - 1

TEST(malformed_bytes_are_refused)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool ok;
	} rows[] = {
		{ BYTES(""), true },
		{ BYTES("\x0a\x01v"), true },                 /* version_info: "v" */
		{ BYTES("\x0a\x02v"), false },                /* cut short */
		{ BYTES("\x0a"), false },                     /* tag only */
		{ BYTES("\x0a\xff\xff\xff\xff\x0f"), false }, /* length beyond the end */
		{ BYTES("\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), false },
		{ BYTES("\x0b"), false },             /* a group */
		{ BYTES("\x02\x00"), false },         /* field 0 */
		{ BYTES("\x08\x01"), false },         /* a string as varint */
		{ BYTES("\x12\x02\x0a\x00"), true },  /* node{id: ""} */
		{ BYTES("\x12\x02\x0a\x01"), false }, /* length beyond its message */
		{ BYTES("\x0a\x01\x00"), false },     /* a NUL in a string */
		{ BYTES("\x0a\x01\xff"), false },     /* not UTF-8 */
		{ BYTES("\xfa\x7f\x01\xff"), true },  /* bytes of an unknown field */
		{ BYTES("\xf8\x7f\x05"), true },      /* an unknown varint */
		{ BYTES("\xfd\x7f\x01\x02\x03\x04"), true },
		{ BYTES("\xfd\x7f\x01\x02\x03"), false },
		{ BYTES("\xf9\x7f\x01\x02\x03\x04\x05\x06\x07"), false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = ERR_INIT;
		bool ok = unpacks(rows[i].bytes, rows[i].len, 1 << 16, &e);

		if (!CHECK_INT(ok, rows[i].ok))
			test_check(false, __FILE__, (int)i, "in that row");
		CHECK(ok || e.text[0]);
	}
}

TEST(text_is_utf8)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "plain", true },
		{ "\xc3\xa9", true },
		{ "\xe2\x82\xac", true },
		{ "\xf0\x9f\x9a\x80", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\xf4\x90\x80\x80", false }, /* beyond U+10FFFF */
		{ "\xed\xa0\x80", false },     /* a surrogate */
		{ "\xc0\xaf", false },         /* overlong */
		{ "\xc1\x81", false },         /* overlong */
		{ "\xe0\x80\x80", false },     /* overlong */
		{ "\xf0\x80\x80\x80", false }, /* overlong */
		{ "\x80", false },             /* a tail without a head */
		{ "\xe2\x82", false },         /* a head without its tail */
		{ "a\xe2\x82z", false },
		{ "\xfe", false },
		{ "\xf5\x80\x80\x80", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].text);
		char bytes[16] = { 0x0a, (char)n };
		struct err e = ERR_INIT;

		memcpy(bytes + 2, rows[i].text, n);
		if (!CHECK_INT(unpacks(bytes, n + 2, 1 << 16, &e), rows[i].ok))
			test_check(false, __FILE__, (int)i, "in that row");
	}
}

/* A ListValue in a Value in a ListValue ..., `levels` messages deep. */
static size_t nest(char *out, size_t size, unsigned levels)
{
	size_t at = size;

	/* Built from the inside: each level is a tag and a length in front of what is there. */
	for (unsigned i = 0; i < levels; i++) {
		size_t n = size - at;

		if (n < 0x80) {
			out[--at] = (char)n;
		} else {
			out[--at] = (char)(n >> 7);
			out[--at] = (char)(n | 0x80);
		}
		/* ListValue.values = 1; Value.list_value = 6 */
		out[--at] = (levels - i) % 2 ? 0x0a : 0x32;
	}
	memmove(out, out + at, size - at);
	return size - at;
}

TEST(depth_is_bounded)
{
	static const struct {
		unsigned levels; /* below the outermost */
		bool ok;
	} rows[] = {
		{ 1, true }, { PB_MAX_DEPTH - 1, true }, { PB_MAX_DEPTH, false }, { 4000, false }
	};
	static char bytes[12100];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		size_t len = nest(bytes, sizeof bytes, rows[i].levels);
		ProtobufCMessage *m =
			pb_unpack(&a, &Google__ListValue__DESC, bytes, len, 1 << 20, &e);

		CHECK_INT(m != NULL, rows[i].ok);
		CHECK(m || strstr(e.text, "nested deeper than"));
		/* And what is as deep as allowed can be printed. */
		if (m)
			CHECK(strlen(to_json(&a, m)) >= 2 * (rows[i].levels / 2));
		arena_fini(&a);
	}
}

/* Two bytes for each element of about a hundred: the budget says no, not the machine. */
TEST(memory_is_bounded)
{
	enum { ELEMENTS = 100000, PER_ELEMENT = 2 };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i < ELEMENTS; i++)
		buf_append(&b, "\x0a\x00", PER_ELEMENT);
	CHECK(!pb_unpack(&a, &Google__ListValue__DESC, b.p, b.len, 1 << 20, &e));
	CHECK(strstr(e.text, "more than 1048576 bytes"));
	CHECK(arena_size(&a) < 4 << 20);
	CHECK(pb_unpack(&a, &Google__ListValue__DESC, b.p, b.len, 64 << 20, &e));
	buf_fini(&b);
	arena_fini(&a);
}

/* A field we do not know is kept and packed again. */
TEST(unknown_fields_are_passed_on)
{
	static const char bytes[] = "\x0a\x01v\xfa\x7f\x02hi";
	struct arena a = ARENA_INIT;
	Discovery__DiscoveryRequest *r =
		PB_UNPACK(&a, Discovery__DiscoveryRequest, bytes, sizeof bytes - 1, 1 << 16, NULL);
	ProtobufCBinaryData b;

	if (CHECK(r)) {
		CHECK_STR(r->version_info, "v");
		CHECK_STR(r->type_url, "");
		b = PB_PACK(&a, r);
		CHECK(b.len == sizeof bytes - 1 && !memcmp(b.data, bytes, b.len));
	}
	arena_fini(&a);
}
