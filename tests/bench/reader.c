/* A stack of three levels (response, delta resource, Any) of which only the position and the ends are kept. Bytes of a
 * field either are text that is wanted, the body of a resource, which is hashed as it passes, or are skipped. */
#include "tests/bench/reader.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVEL_RESPONSE, LEVEL_RESOURCE, LEVEL_ANY };
enum { WIRE_VARINT, WIRE_64, WIRE_LEN, WIRE_32 = 5 };

const char *const ads_urls[ADS_N] = {
	[ADS_CDS] = "type.googleapis.com/envoy.config.cluster.v3.Cluster",
	[ADS_EDS] = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
	[ADS_LDS] = "type.googleapis.com/envoy.config.listener.v3.Listener",
	[ADS_RDS] = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
};

static size_t url_lens[ADS_N];

static void broken(const char *why)
{
	fprintf(stderr, "bench: a response is not in order: %s\n", why);
	exit(1);
}

static enum ads_kind kind_of(const struct text *url)
{
	unsigned i = 0;

	while (i < ADS_N && (url->n != url_lens[i] || memcmp(url->s, ads_urls[i], url->n) != 0))
		i++;
	return i;
}

/* ---- the hash: eight lanes of 64 bits, so that the multiplications overlap ---- */

static inline void hash_block(uint64_t *lanes, const uint8_t *p)
{
#pragma GCC unroll 8 /* or the lanes live in memory */
	for (unsigned i = 0; i < READER_LANES; i++) {
		uint64_t w, a;

		memcpy(&w, p + 8 * i, 8);
		a = lanes[i] ^ w;
		lanes[i] = (a << 29 | a >> 35) * UINT64_C(0x9e3779b97f4a7c15);
	}
}

static void hash_begin(struct reader *r)
{
	for (unsigned i = 0; i < READER_LANES; i++)
		r->lanes[i] = i + 1;
	r->n_tail = r->len = 0;
}

static void hash_add(struct reader *r, const uint8_t *p, size_t n)
{
	uint64_t lanes[READER_LANES];

	r->len += n;
	if (r->n_tail) {
		size_t take = MIN(n, sizeof r->tail - r->n_tail);

		memcpy(r->tail + r->n_tail, p, take);
		r->n_tail += take;
		p += take;
		n -= take;
		if (r->n_tail < sizeof r->tail)
			return;
		hash_block(r->lanes, r->tail);
		r->n_tail = 0;
	}
	memcpy(lanes, r->lanes, sizeof lanes);
	for (; n >= sizeof r->tail; n -= sizeof r->tail, p += sizeof r->tail)
		hash_block(lanes, p);
	memcpy(r->lanes, lanes, sizeof lanes);
	memcpy(r->tail, p, n);
	r->n_tail = n;
}

static uint64_t hash_end(struct reader *r)
{
	uint64_t h = r->len;

	memset(r->tail + r->n_tail, 0, sizeof r->tail - r->n_tail);
	hash_block(r->lanes, r->tail);
	for (unsigned i = 0; i < READER_LANES; i++) {
		h = (h ^ r->lanes[i]) * UINT64_C(0xd6e8feb86659fd93);
		h ^= h >> 32;
	}
	return h;
}

/* ---- fields in memory ---- */

static bool varint(struct wire *w, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; w->p < w->end && shift < 64; shift += 7) {
		uint8_t b = *w->p++;

		v |= (uint64_t)(b & 127) << shift;
		if (b < 128) {
			*ret = v;
			return true;
		}
	}
	return false;
}

bool wire_next(struct wire *w, struct wire_field *f)
{
	uint64_t tag, n = 0;

	*f = (struct wire_field){ 0 };
	if (w->p == w->end)
		return false;
	if (!varint(w, &tag))
		broken("a tag is cut off");
	f->number = (uint32_t)(tag >> 3);
	switch (tag & 7) {
	case WIRE_VARINT:
		if (!varint(w, &f->value))
			broken("a number is cut off");
		return true;
	case WIRE_LEN:
		if (!varint(w, &n))
			broken("a length is cut off");
		break;
	case WIRE_64: n = 8; break;
	case WIRE_32: n = 4; break;
	default: broken("a wire type");
	}
	if (n > (size_t)(w->end - w->p))
		broken("a field is longer than its message");
	f->data = (struct wire){ w->p, w->p + n };
	w->p += n;
	return true;
}

bool wire_is(struct wire w, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(w.end - w.p) == n && !memcmp(w.p, s, n);
}

/* ---- fields that arrive ---- */

/* It is the first field of all four types. */
static void name_of_body(struct reader *r)
{
	const uint8_t *p = r->whole ? r->whole : (const uint8_t *)r->body.p;
	struct wire w = { p, p + (r->whole ? r->len : r->body.len) };
	size_t n;

	if (w.end - w.p < 3 || *w.p++ != 10 || !varint(&w, &n) || n > (size_t)(w.end - w.p) ||
	    n >= READER_TEXT_MAX)
		broken("a resource does not begin with its name");
	memcpy(r->name.s, w.p, n);
	r->name.s[n] = 0;
}

static void emit(struct reader *r)
{
	struct seen s = { kind_of(&r->any_type), r->name.s, r->version.s, r->hash, NULL, r->len };

	if (s.kind == ADS_N)
		return;
	if (r->whole)
		s.body = r->whole;
	else if (r->body.len == r->len)
		s.body = (const uint8_t *)r->body.p;
	if (r->is_sotw)
		name_of_body(r);
	r->events->on_resource(r->user, &s);
}

static void clear(struct text *t)
{
	t->n = 0;
	t->s[0] = 0;
}

static void enter(struct reader *r, unsigned level)
{
	r->level = level;
	r->end[level] = r->at + r->field_left;
	r->field_left = 0;
	r->in_field = false;
	if (level == LEVEL_RESOURCE || r->is_sotw) {
		clear(&r->name);
		clear(&r->version);
	}
	clear(&r->any_type);
	r->hash = 0;
	r->whole = NULL;
	buf_reset(&r->body);
	hash_begin(r);
}

static bool is_body(const struct reader *r)
{
	return r->level == LEVEL_ANY && r->field == 2;
}

/* Where the text of this field goes; NULL: it is not wanted. */
static struct text *text_of(struct reader *r)
{
	switch (r->level << 4 | r->field) {
	case LEVEL_RESPONSE << 4 | 1: return &r->response_version;
	case LEVEL_RESPONSE << 4 | 4: return &r->type;
	case LEVEL_RESPONSE << 4 | 5: return &r->nonce;
	case LEVEL_RESPONSE << 4 | 6: return r->is_sotw ? NULL : &r->removed;
	case LEVEL_RESOURCE << 4 | 1: return &r->version;
	case LEVEL_RESOURCE << 4 | 3: return &r->name;
	case LEVEL_ANY << 4 | 1: return &r->any_type;
	}
	return NULL;
}

static void begin_field(struct reader *r)
{
	unsigned kind;
	struct text *t;

	r->in_field = true;
	if (r->level < LEVEL_ANY && r->field == 2) {
		enter(r, r->level == LEVEL_RESOURCE || r->is_sotw ? LEVEL_ANY : LEVEL_RESOURCE);
		return;
	}
	if ((t = text_of(r)))
		clear(t);
	if (is_body(r)) {
		kind = kind_of(&r->any_type);
		r->keep = kind == ADS_CDS || kind == ADS_LDS ? SIZE_MAX
			  : r->is_sotw                       ? READER_TEXT_MAX
							     : 0;
		hash_begin(r);
	}
}

static void body_piece(struct reader *r, const uint8_t *p, size_t n)
{
	if (!r->len && n == r->field_left)
		r->whole = p;
	else if (r->body.len < r->keep)
		buf_append(&r->body, p, MIN(n, r->keep - r->body.len));
	hash_add(r, p, n);
}

static void end_field(struct reader *r)
{
	r->in_field = false;
	if (r->level == LEVEL_RESPONSE && r->field == 6 && !r->is_sotw)
		r->events->on_removed(r->user, r->removed.s);
	if (!is_body(r))
		return;
	r->hash = hash_end(r);
	if (r->is_sotw) {
		emit(r);
	} else if (r->whole) {
		/* The name may come behind, when this piece is gone. */
		if (r->keep && !r->events->is_known(r->user, kind_of(&r->any_type), r->hash))
			buf_append(&r->body, r->whole, r->len);
		r->whole = NULL;
	}
}

static void leave_levels(struct reader *r)
{
	while (r->level && !r->in_field && !r->n_head && r->at >= r->end[r->level]) {
		if (r->at > r->end[r->level])
			broken("a field is longer than its message");
		if (r->level == LEVEL_RESOURCE)
			emit(r);
		r->level = r->level == LEVEL_ANY && !r->is_sotw ? LEVEL_RESOURCE : LEVEL_RESPONSE;
	}
}

/* Tag and length, or the number, at the beginning of these bytes. False: they are cut off. */
static bool read_head(struct reader *r, struct wire *w)
{
	uint64_t tag, n = 0;

	if (!varint(w, &tag))
		return false;
	switch (tag & 7) {
	case WIRE_VARINT:
	case WIRE_LEN:
		if (!varint(w, &n))
			return false;
		break;
	case WIRE_64: n = 8; break;
	case WIRE_32: n = 4; break;
	default: broken("a wire type");
	}
	r->field = (uint32_t)(tag >> 3);
	r->field_left = (tag & 7) == WIRE_VARINT ? 0 : n;
	r->has_len = (tag & 7) == WIRE_LEN;
	return true;
}

static void begin(struct reader *r)
{
	r->n_head = 0;
	if (r->has_len)
		begin_field(r);
	else
		r->in_field = r->field_left > 0;
	if (r->in_field && !r->field_left)
		end_field(r);
}

/* How many bytes were used: all of the head, or one that may not be its last. */
static size_t feed_head(struct reader *r, const uint8_t *p, size_t n)
{
	struct wire w = { p, p + n };
	size_t used = 1;

	if (!r->n_head && n >= sizeof r->head) {
		if (!read_head(r, &w))
			broken("a number is too long");
		used = (size_t)(w.p - p);
		r->at += used;
		begin(r);
		return used;
	}
	if (r->n_head == sizeof r->head)
		broken("a tag is too long");
	r->head[r->n_head++] = *p;
	r->at++;
	w = (struct wire){ r->head, r->head + r->n_head };
	if (*p < 128 && read_head(r, &w))
		begin(r);
	return used;
}

void reader_feed(struct reader *r, const uint8_t *p, size_t n)
{
	while (n) {
		size_t take;

		if (r->in_field) {
			struct text *t = text_of(r);

			take = MIN(n, r->field_left);
			if (is_body(r))
				body_piece(r, p, take);
			else if (t && t->n + take >= READER_TEXT_MAX)
				broken("a text is too long");
			else if (t) {
				memcpy(t->s + t->n, p, take);
				t->n += take;
				t->s[t->n] = 0;
			}
			r->field_left -= take;
			r->at += take;
			if (!r->field_left)
				end_field(r);
		} else {
			take = feed_head(r, p, n);
		}
		p += take;
		n -= take;
		leave_levels(r);
	}
}

static void restart(struct reader *r)
{
	r->at = r->level = r->n_head = 0;
	r->in_field = false;
	clear(&r->response_version);
	clear(&r->type);
	clear(&r->nonce);
}

void reader_end(struct reader *r)
{
	leave_levels(r);
	if (r->level || r->in_field || r->n_head)
		broken("it is cut off");
	r->events->on_response(r->user, kind_of(&r->type), r->response_version.s, r->nonce.s);
	restart(r);
}

void reader_init(struct reader *r, bool is_sotw, const struct reader_events *events, void *user)
{
	for (unsigned i = 0; i < ADS_N; i++)
		url_lens[i] = strlen(ads_urls[i]);
	memset(r, 0, sizeof *r);
	r->events = events;
	r->user = user;
	r->is_sotw = is_sotw;
}

void reader_fini(struct reader *r)
{
	buf_fini(&r->body);
}
