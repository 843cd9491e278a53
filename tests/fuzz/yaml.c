/* Any bytes through the YAML reader: what comes out is sound, and each document, written as JSON and as YAML, reads
 * back as the same tree. */
#include "base/buf.h"
#include "doc/read.h"
#include "doc/write.h"
#include "tree.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_json(const struct node *n, struct arena *a)
{
	struct buf text cleanup(buf_fini) = BUF_INIT;
	struct diag diag = DIAG_INIT;
	const struct node *again;
	struct json j;

	json_init(&j, &text, n->n % 2);
	json_node(&j, n);
	again = json_read(buf_str(&text), text.len, "again", a, &diag);
	assert(again);
	if (!tree_has_nonfinite(n))
		tree_expect_same(n, again, "as JSON");
	diag_fini(&diag);
}

static void check_yaml(const struct node *n, struct arena *a)
{
	struct buf text cleanup(buf_fini) = BUF_INIT;
	struct diag diag = DIAG_INIT;
	struct docs docs;
	bool ok;

	yaml_node(&text, n);
	ok = yaml_read(buf_str(&text), text.len, "again", a, &docs, &diag);
	assert(ok && docs.n == 1);
	tree_expect_same(n, docs.v[0], "as YAML");
	diag_fini(&diag);
}

static void check_problems(const struct diag *diag)
{
	char line[3000];

	for (uint32_t i = 0; i < diag->n; i++) {
		assert(diag->v[i].place.line && diag->v[i].reason[0]);
		diag_print(&diag->v[i], line, sizeof line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct arena a = ARENA_INIT;
	struct diag diag = DIAG_INIT;
	struct docs docs;
	bool ok = yaml_read((const char *)bytes, size, "input", &a, &docs, &diag);

	assert(ok == !diag.n_errors && !diag.n_warnings);
	check_problems(&diag);
	for (uint32_t i = 0; i < docs.n; i++) {
		tree_expect_sound(docs.v[i]);
		check_json(docs.v[i], &a);
		check_yaml(docs.v[i], &a);
		tree_expect_same(docs.v[i], node_copy(&a, docs.v[i]), "copied");
	}
	diag_fini(&diag);
	arena_fini(&a);
	return 0;
}
