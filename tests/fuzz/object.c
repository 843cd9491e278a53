/* Objects from hostile bytes: whatever YAML the bytes are, decoding never crashes, and what it accepts survives printing:
 * the JSON decodes without an error to an equal object, of equal hash, whose print is the same.
 */
#include "schema/object.h"
#include "base/buf.h"
#include "doc/read.h"

#include <assert.h>
#include <string.h>

static const struct decode_opts opts = { .keep_status = true };

static void check_again(const struct object *o)
{
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct arena arena = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	const struct object *again = NULL;
	const struct node *doc;

	object_print(o, &first, false);
	doc = json_read(buf_str(&first), first.len, "again", &arena, &diag);
	assert(doc);
	assert(object_decode(doc, &opts, &again, &diag) == DECODE_OK);
	assert(!diag.n_errors);
	assert(object_equal(o, again));
	assert(hash128_eq(o->hash, again->hash));
	object_print(again, &second, false);
	assert(!strcmp(buf_str(&first), buf_str(&second)));
	object_unref(again);
	diag_fini(&diag);
	arena_fini(&arena);
	buf_fini(&second);
	buf_fini(&first);
}

static void decode_one(void *ctx, const struct node *item)
{
	const struct object *o = NULL;
	enum decode_result r = object_decode(item, &opts, &o, ctx);

	assert((r == DECODE_OK) == (o != NULL));
	if (o)
		check_again(o);
	object_unref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena arena = ARENA_INIT;
	struct docs docs = { 0 };
	struct diag diag = DIAG_INIT;

	(void)yaml_read((const char *)bytes, n, "fuzz", &arena, &docs, &diag);
	for (uint32_t i = 0; i < docs.n; i++)
		object_each(docs.v[i], decode_one, &diag);
	diag_fini(&diag);
	arena_fini(&arena);
	return 0;
}
