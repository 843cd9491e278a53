/* world/result.h
 * The result of a query: immutable, reference-counted, content-hashed. Model thread makes them; any thread may hold,
 * read and drop them.
 *
 * BYTES   one run of bytes: encoded protobuf, or an intermediate value as a plain struct without pointers.
 * LIST    ordered children, a collection of things.
 * CONCAT  one thing in pieces: the bytes of its children, one after the other (a route configuration is its head
 *         followed by its virtual hosts). The first child is what the query itself emitted, perhaps empty.
 */
#pragma once
#include "base/hash.h"
#include "base/ref.h"

enum result_shape { RESULT_BYTES, RESULT_LIST, RESULT_CONCAT };

struct result {
	struct ref ref;
	uint16_t shape;
	uint16_t reserved;
	uint32_t n;          /* bytes, or children */
	uint32_t total;      /* bytes in all leaves below */
	struct hash128 hash; /* of the bytes; of LIST and CONCAT folded from the children's */
	union {
		uint8_t bytes[0] __attribute__((aligned(8)));
		const struct result *child[0];
	};
};
const struct result *result_ref(const struct result *);
void result_unref(const struct result *);
const struct result *result_bytes(const void *, size_t n) must_check;
/* Takes a reference of each child. */
const struct result *result_list(enum result_shape, const struct result *const *,
				 size_t n) must_check;
/* By content: hash and lengths, and the bytes themselves where they are at hand. */
bool result_equal(const struct result *, const struct result *);
/* Calls fn for each run of bytes below, in order. */
void result_each(const struct result *, void (*fn)(void *ctx, const void *bytes, size_t n),
		 void *ctx);
