/* Questions to nodes, and copies that live on their own. */
#include "doc/node.h"
#include "base/buf.h"
#include "doc/read.h"
#include "doc/write.h"
#include "test.h"
#include <string.h>

static const char text[] = "s: text\nm: {x: [1, 2.5, ~, yes]}\nnum: 3\ne: {}\n";

static const struct node *read_one(struct arena *a, const char *file)
{
	struct diag d = DIAG_INIT;
	struct docs docs;
	bool ok = yaml_read(text, strlen(text), file, a, &docs, &d);

	diag_fini(&d);
	return ok && docs.n == 1 ? docs.v[0] : NULL;
}

TEST(node_get_and_str)
{
	struct arena a = ARENA_INIT;
	const struct node *n = read_one(&a, "f");

	if (!CHECK(n))
		return;
	CHECK_STR(node_str(n, "s"), "text");
	CHECK(!node_str(n, "num"));
	CHECK(!node_str(n, "none"));
	CHECK_INT(node_get(n, "num")->i, 3);
	CHECK(!node_get(node_get(n, "s"), "x"));
	CHECK(!node_get(NULL, "x"));
	CHECK_INT(node_get(node_get(n, "m"), "x")->n, 4);
	arena_fini(&a);
}

TEST(node_type_names)
{
	CHECK_STR(node_type_name(NODE_NULL), "null");
	CHECK_STR(node_type_name(NODE_SEQ), "list");
	CHECK_STR(node_type_name(NODE_MAP), "map");
	CHECK_STR(node_type_name(NODE_FLOAT), "number");
}

TEST(node_copy_outlives_its_source)
{
	struct arena from = ARENA_INIT, to = ARENA_INIT;
	struct buf before = BUF_INIT, after = BUF_INIT;
	char *file = xstrdup("f.yaml");
	const struct node *n = read_one(&from, file), *c;

	if (!CHECK(n))
		return;
	yaml_node(&before, n);
	c = node_copy(&to, n);
	arena_fini(&from);
	xfree(file);
	yaml_node(&after, c);
	CHECK_STR(buf_str(&after), buf_str(&before));
	CHECK_STR(c->place.file, "f.yaml");
	CHECK_STR(c->map[1].value->place.file, "f.yaml");
	CHECK_INT(c->map[1].value->map[0].value->seq[1]->place.line, 2);
	CHECK_STR(c->map[1].value->map[0].value->seq[3]->text, "yes");
	CHECK(!node_copy(&to, NULL));
	buf_fini(&before);
	buf_fini(&after);
	arena_fini(&to);
}
