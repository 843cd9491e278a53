/* Any bytes through the JSON reader. What it takes is sound and reads back as the same tree after writing, be it as JSON
 * or as YAML. */
#include "base/buf.h"
#include "doc/read.h"
#include "doc/write.h"
#include "tree.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_again(const struct node *n, struct arena *a, bool pretty)
{
	struct buf text cleanup(buf_fini) = BUF_INIT, twice cleanup(buf_fini) = BUF_INIT;
	struct diag diag = DIAG_INIT;
	const struct node *again;
	struct json j;

	json_init(&j, &text, pretty);
	json_node(&j, n);
	again = json_read(buf_str(&text), text.len, "again", a, &diag);
	assert(again);
	tree_expect_same(n, again, "as JSON");
	/* What we wrote ourselves must not change any more. */
	json_init(&j, &twice, pretty);
	json_node(&j, again);
	assert(str_eq(buf_str(&text), buf_str(&twice)));
	diag_fini(&diag);
}

static void check_as_yaml(const struct node *n, struct arena *a)
{
	struct buf text cleanup(buf_fini) = BUF_INIT;
	struct diag diag = DIAG_INIT;
	struct docs docs;
	bool ok;

	yaml_node(&text, n);
	ok = yaml_read(buf_str(&text), text.len, "yaml", a, &docs, &diag);
	assert(ok && docs.n == 1);
	tree_expect_same(n, docs.v[0], "as YAML");
	diag_fini(&diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct arena a = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	const struct node *root = json_read((const char *)bytes, size, "input", &a, &diag);

	assert(!root == !!diag.n_errors);
	if (root) {
		tree_expect_sound(root);
		assert(!tree_has_nonfinite(root));
		check_again(root, &a, false);
		check_again(root, &a, true);
		check_as_yaml(root, &a);
	}
	diag_fini(&diag);
	arena_fini(&a);
	return 0;
}
