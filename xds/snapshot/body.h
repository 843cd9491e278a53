/* snapshot/body.h
 * The encoded bytes of one response, without its nonce: shared by all streams it is sent to, immutable, reference-
 * counted, in pieces that lie where they were made (results) or in the body itself. Above BODY_PIECES_MAX pieces it is
 * one run (design section 2).
 *
 * Any thread may hold, read and drop a body; dropping takes no lock and calls back to nobody, so it is allowed inside
 * foreign callbacks (slice destruction).
 */
#pragma once
#include "base/ref.h"

struct result;

enum { BODY_PIECES_MAX = 64 };

struct body_piece {
	const void *p;
	size_t n; /* never 0 */
};
struct body {
	struct ref ref;
	uint32_t n_pieces; /* may be 0: an empty message */
	size_t total;      /* bytes */
	const struct body_piece *pieces;
};
const struct body *body_ref(const struct body *);
void body_unref(const struct body *); /* NULL is fine */
/* A body of its own bytes, copied. */
const struct body *body_copy(const void *, size_t n) must_check;
size_t body_memory(
	const struct body *); /* what it holds itself, without bytes that lie in results */

/* ---- Building: one thread, then immutable ---- */
struct body_builder;
struct body_builder *body_begin(void);
/* Bytes are copied. Runs of copied bytes become one piece. */
void body_put(struct body_builder *, const void *, size_t n);
/* Bytes inside `owner` are referred to, and owner is kept; short ones are copied all the same. */
void body_put_shared(struct body_builder *, const void *, size_t n, const struct result *owner);
/* The same for all pieces of another body. */
void body_put_body(struct body_builder *, const struct body *);
const struct body *body_end(struct body_builder *) must_check;        /* frees the builder */
const struct body *body_end_joined(struct body_builder *) must_check; /* in any case one run */
