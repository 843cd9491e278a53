/* tests/property/sketch.h
 * Objects drawn at random that change a little at a time: the text of an object is a function of its genes, and an edit
 * changes one of them, which is one feature. What differs by one feature from what was there before is what shows a
 * read that was not recorded.
 *
 * Texts are YAML in flow style, where a comma may trail.
 */
#pragma once
#include "base/buf.h"
#include "tests/property/harness.h"

enum { SKETCH_GENES = 96 };
struct genes {
	uint32_t v[SKETCH_GENES];
	bool used[SKETCH_GENES]; /* looked at by the last text */
};
void genes_init(struct genes *, struct rng *);
void genes_mutate(struct genes *, struct rng *); /* one that is used */

struct sketch {
	struct buf out;
	struct genes *genes;
	uint32_t salt; /* tells elements of a list apart */
	const char *ns, *name;
	unsigned number; /* of the slot among those of its kind */
};
void put(struct sketch *, const char *fmt, ...) printf_like(2, 3);
/* A number below n that depends on one gene, found by the feature's name. */
uint32_t gene(struct sketch *, const char *feature, uint32_t n);
static inline bool some(struct sketch *s, const char *feature, uint32_t one_in)
{
	return !gene(s, feature, one_in);
}
const char *pick(struct sketch *, const char *feature, const char *const *of, size_t n);
#define PICK(s, feature, ...) \
	pick((s), (feature), (const char *const[]){ __VA_ARGS__ }, \
	     ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })))
/* "apiVersion, kind, metadata" up to the opening brace of labels' map, which the caller closes with put_spec. */
void put_head(struct sketch *, const char *api, const char *kind);
