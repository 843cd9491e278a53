/* Requests from bytes: both protocols, hostile ones, and the recorded first request of a real Envoy's size. */
#include "ads/decode.h"
#include "../test.h"
#include "../xds_kit.h"
#include "base/err.h"

static void put(struct buf *b, unsigned field, const char *bytes, size_t n)
{
	uint8_t head[16];
	size_t len = (size_t)(wire_put_head(head, field, n) - head);

	buf_append(b, head, len);
	buf_append(b, bytes, n);
}

static void put_text(struct buf *b, unsigned field, const char *s)
{
	put(b, field, s, strlen(s));
}

TEST(decode_delta)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	cleanup(buf_fini) struct buf b = BUF_INIT, held = BUF_INIT, status = BUF_INIT;
	struct ads_request q;
	struct err e = ERR_INIT;

	put_text(&b, 1, "node bytes");
	put_text(&b, 2, "url");
	put_text(&b, 3, "a");
	put_text(&b, 3, "");
	put_text(&b, 4, "b");
	put_text(&held, 1, "c");
	put_text(&held, 2, "v");
	put(&b, 5, held.p, held.len);
	put(&b, 5, "", 0);
	put_text(&b, 6, "nonce");
	buf_append(&status, "\x08\x0d", 2);
	put_text(&status, 2, "no good");
	put(&b, 7, status.p, status.len);
	put_text(&b, 9, "a field of tomorrow");
	buf_append(&b, "\x50\x01", 2);
	if (!CHECK(ads_decode(&a, XDS_DELTA, b.p, b.len, &q, &e)))
		return;
	CHECK_STR(q.type_url, "url");
	CHECK_STR(q.nonce, "nonce");
	CHECK_INT(q.n_subscribe, 2);
	CHECK_STR(q.subscribe[0], "a");
	CHECK_STR(q.subscribe[1], "");
	CHECK_INT(q.n_unsubscribe, 1);
	CHECK_STR(q.unsubscribe[0], "b");
	CHECK_INT(q.n_held, 2);
	CHECK_STR(q.held[0].name, "c");
	CHECK_STR(q.held[0].version, "v");
	CHECK_STR(q.held[1].name, "");
	CHECK(q.has_error);
	CHECK_INT(q.error_code, 13);
	CHECK_STR(q.error, "no good");
	CHECK_INT(q.node_len, 10);
	CHECK(!memcmp(q.node, "node bytes", 10));
}

TEST(decode_sotw)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	cleanup(buf_fini) struct buf b = BUF_INIT;
	struct ads_request q;
	struct err e = ERR_INIT;

	put_text(&b, 1, "version");
	put_text(&b, 2, "node");
	put_text(&b, 3, "a");
	put_text(&b, 4, "url");
	put_text(&b, 5, "nonce");
	put_text(&b, 6, "");
	if (!CHECK(ads_decode(&a, XDS_SOTW, b.p, b.len, &q, &e)))
		return;
	CHECK_STR(q.version_info, "version");
	CHECK_STR(q.type_url, "url");
	CHECK_STR(q.nonce, "nonce");
	CHECK_INT(q.n_subscribe, 1);
	CHECK_INT(q.n_unsubscribe + q.n_held, 0);
	CHECK(q.has_error);
	CHECK_STR(q.error, "");
	CHECK_INT(q.node_len, 4);
	CHECK(ads_decode(&a, XDS_SOTW, "", 0, &q, &e));
	CHECK_STR(q.type_url, "");
	CHECK(!q.has_error);
}

TEST(decode_refused)
{
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	cleanup(buf_fini) struct buf big = BUF_INIT, many = BUF_INIT;
	struct ads_request q = { .type_url = "untouched" };
	struct err e = ERR_INIT;
	char *name = xcalloc(1, RESOURCE_NAME_MAX + 2);
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{ "\x12\x05url", 5 },            /* cut off */
		{ "\x12\x03u\x00l", 5 },         /* a zero byte in the type */
		{ "\x1a\x03u\x00l", 5 },         /* in a name */
		{ "\x2a\x05\x0a\x03u\x00l", 7 }, /* in a held name */
		{ "\x2a\x02\x0a\x09", 4 },       /* an entry cut off */
		{ "\x3a\x02\x12\x09", 4 },       /* a status cut off */
		{ "\x13", 1 },                   /* a group */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(!ads_decode(&a, XDS_DELTA, rows[i].bytes, rows[i].n, &q, &e));
	memset(name, 'n', RESOURCE_NAME_MAX + 1);
	put_text(&big, 3, name);
	CHECK(!ads_decode(&a, XDS_DELTA, big.p, big.len, &q, &e));
	name[RESOURCE_NAME_MAX] = 0;
	buf_reset(&big);
	put_text(&big, 3, name);
	CHECK_STR(q.type_url, "untouched");
	CHECK(ads_decode(&a, XDS_DELTA, big.p, big.len, &q, &e));
	for (unsigned i = 0; i <= NAMES_MAX; i++)
		buf_append(&many, "\x1a\x00", 2);
	CHECK(!ads_decode(&a, XDS_DELTA, many.p, many.len, &q, &e));
	xfree(name);
}

/* Whatever bytes come, either it is refused or everything is a string. */
TEST(decode_random)
{
	uint64_t seed = 88172645463325252u;
	unsigned n_taken = 0;

	for (unsigned round = 0; round < 20000; round++) {
		struct arena a = ARENA_INIT;
		struct ads_request q;
		struct err e = ERR_INIT;
		uint8_t bytes[40];
		size_t n = 0;

		while (n < sizeof bytes) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			/* Mostly tags and short lengths, or nothing would ever be taken. */
			bytes[n++] = (uint8_t)(seed >> 40 & 1 ? (seed >> 32 & 7) << 3 | 2
							      : seed >> 33 & 3);
		}
		n = seed >> 20 & 31;
		if (ads_decode(&a, round & 1 ? XDS_DELTA : XDS_SOTW, bytes, n, &q, &e)) {
			n_taken++;
			for (size_t i = 0; i < q.n_subscribe; i++)
				CHECK(q.subscribe[i]);
			for (size_t i = 0; i < q.n_held; i++)
				CHECK(q.held[i].name && q.held[i].version);
			CHECK(q.type_url && q.nonce && q.version_info && q.error);
		}
		arena_fini(&a);
	}
	CHECK(n_taken > 100);
}
