/* Tests of world/result.h. */
#include "world/result.h"
#include "base/buf.h"
#include "test.h"
#include <pthread.h>

static void append(void *ctx, const void *bytes, size_t n)
{
	buf_append(ctx, bytes, n);
	buf_putc(ctx, '|');
}

TEST(result_bytes_and_hash)
{
	const struct result *a = result_bytes("abc", 3), *b = result_bytes("abc", 3),
			    *c = result_bytes("abd", 3), *none = result_bytes(NULL, 0);

	CHECK(result_equal(a, b) && result_equal(a, a) && hash128_eq(a->hash, b->hash));
	CHECK(!result_equal(a, c) && !result_equal(a, none));
	CHECK_INT(a->n, 3);
	CHECK_INT(a->total, 3);
	CHECK_INT(none->total, 0);
	CHECK_INT((uintptr_t)a->bytes % 8, 0);
	CHECK_INT(sizeof(struct result), 32);
	result_unref(a);
	result_unref(b);
	result_unref(c);
	result_unref(none);
	result_unref(NULL);
}

TEST(result_lists)
{
	const struct result *a = result_bytes("a", 1), *b = result_bytes("bb", 2),
			    *none = result_bytes(NULL, 0);
	const struct result *ab = result_list(RESULT_LIST, (const struct result *[]){ a, b }, 2),
			    *ba = result_list(RESULT_LIST, (const struct result *[]){ b, a }, 2),
			    *cat = result_list(RESULT_CONCAT, (const struct result *[]){ a, b }, 2),
			    *empty = result_list(RESULT_LIST, NULL, 0),
			    *nest = result_list(RESULT_LIST,
						(const struct result *[]){ ab, none, cat, empty },
						4);
	cleanup(buf_fini) struct buf out = BUF_INIT;

	CHECK_INT(ref_count(&a->ref), 4);
	CHECK(!result_equal(ab, ba) && !result_equal(ab, cat) && !result_equal(empty, ab));
	CHECK_INT(nest->total, 6);
	CHECK_INT(nest->n, 4);
	result_each(nest, append, &out);
	CHECK_STR(buf_str(&out), "a|bb|a|bb|");
	result_unref(ab);
	result_unref(ba);
	result_unref(cat);
	result_unref(empty);
	CHECK_INT(ref_count(&a->ref), 3);
	CHECK_INT(ref_count(&result_ref(nest)->ref), 2);
	result_unref(nest);
	result_unref(nest);
	CHECK_INT(ref_count(&a->ref), 1);
	result_unref(a);
	result_unref(b);
	result_unref(none);
}

TEST(result_list_equals_list_of_equal_parts)
{
	const struct result *a = result_bytes("a", 1), *b = result_bytes("a", 1);
	const struct result *x = result_list(RESULT_LIST, (const struct result *[]){ a }, 1),
			    *y = result_list(RESULT_LIST, (const struct result *[]){ b }, 1);

	CHECK(result_equal(x, y));
	result_unref(x);
	result_unref(y);
	result_unref(a);
	result_unref(b);
}

static void *hold_and_drop(void *list)
{
	const struct result *r = list;
	cleanup(buf_fini) struct buf out = BUF_INIT;

	for (unsigned i = 0; i < 10000; i++) {
		const struct result *child = result_ref(r->child[i % r->n]);

		result_unref(child);
	}
	result_each(r, append, &out);
	result_unref(r);
	return (void *)(uintptr_t)out.len;
}

/* The last thread to let go frees it, whichever that is. */
TEST(result_shared_by_threads)
{
	const struct result *a = result_bytes("a", 1), *b = result_bytes("b", 1);
	const struct result *r = result_list(RESULT_LIST, (const struct result *[]){ a, b }, 2);
	pthread_t threads[4];
	void *len;

	result_unref(a);
	result_unref(b);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		CHECK(!pthread_create(&threads[i], NULL, hold_and_drop,
				      (void *)(uintptr_t)result_ref(r)));
	result_unref(r);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		pthread_join(threads[i], &len);
		CHECK_INT((uintptr_t)len, 4);
	}
}
