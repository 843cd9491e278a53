/* Tests of world/graph.h: reading the traces, and what queries complain of. */
#include "base/diag.h"
#include "numbers.h"
#include "test.h"
#include <stdio.h>

struct problems {
	unsigned n;
	char text[200];
};
static void on_problem(void *ctx, unsigned query, uint32_t key, const struct diag *d)
{
	struct problems *p = ctx;

	CHECK_INT(query, Q_PROBLEM);
	p->n++;
	snprintf(p->text, sizeof p->text, "%u %s %s %s", key, d->v[0].place.file, d->v[0].path,
		 d->v[0].reason);
}

TEST(graph_problems_follow_the_results)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	struct problems p = { 0 };
	uint64_t generation = graph_problem_generation(f.g);
	uint32_t b;

	set(&f, K_NUM, 1, 1);
	set(&f, K_NUM, 2, 1);
	commit(&f);
	bind(&f, 1, 1, Q_PROBLEM, 1);
	b = bind(&f, 1, 1, Q_PROBLEM, 2);
	graph_problems(f.g, on_problem, &p);
	CHECK_INT(p.n, 0);
	CHECK_INT(graph_problem_generation(f.g), generation);
	set(&f, K_NUM, 2, 0);
	/* No part of the result. */
	CHECK_INT(commit(&f), 0);
	CHECK(graph_problem_generation(f.g) != generation);
	generation = graph_problem_generation(f.g);
	graph_problems(f.g, on_problem, &p);
	CHECK_INT(p.n, 1);
	CHECK_STR(p.text, "2 a.yaml spec.n must not be 0");
	/* Found again, word for word: nothing new to say. */
	set(&f, K_NUM, 2, 0);
	commit(&f);
	CHECK_INT(graph_problem_generation(f.g), generation);
	graph_unbind(f.g, b);
	CHECK(graph_problem_generation(f.g) != generation);
	p.n = 0;
	graph_problems(f.g, on_problem, &p);
	CHECK_INT(p.n, 0);
	set(&f, K_NUM, 1, 0);
	commit(&f);
	graph_problems(f.g, on_problem, &p);
	CHECK_INT(p.n, 1);
}

TEST(graph_problems_of_a_binding)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t bindings[2];

	set(&f, K_NUM, 1, 0);
	set(&f, K_NUM, 2, 0);
	commit(&f);
	bindings[0] = bind(&f, 1, 1, Q_PROBLEM, 1);
	bindings[1] = bind(&f, 1, 1, Q_PROBLEM, 2);
	for (unsigned i = 0; i < 2; i++) {
		struct problems p = { 0 };
		char text[100];

		graph_problems_of(f.g, bindings[i], on_problem, &p);
		CHECK_INT(p.n, 1);
		snprintf(text, sizeof text, "%u a.yaml spec.n must not be 0", i + 1);
		CHECK_STR(p.text, text);
	}
	set(&f, K_NUM, 2, 1);
	commit(&f);
	for (unsigned i = 0; i < 2; i++) {
		struct problems p = { 0 };

		graph_problems_of(f.g, bindings[i], on_problem, &p);
		CHECK_INT(p.n, !i);
	}
}

static enum want only(void *ctx, unsigned query, uint32_t key, const struct result *r)
{
	(void)ctx;
	if (query != Q_NUM)
		return WANT_MEMBERS;
	return key == 2 && r->bytes[0] == '2' ? WANT_WHOLE : WANT_NONE;
}

static void on_cell(void *ctx, unsigned depth, unsigned kind, uint32_t key)
{
	struct fixture *f = ctx;

	buf_printf(&f->text, "%u:%u.%u ", depth, kind, key);
}

TEST(graph_explain_walks_the_trace)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b;

	for (uint32_t n = 1; n <= 3; n++)
		set(&f, K_NUM, n, n);
	f.list = (struct numbers){ 4, { 3, 1, 2, 9 } };
	graph_set(f.g, K_LIST, 1, &f.list);
	commit(&f);
	b = bind(&f, 1, 1, Q_NUMS, 1);
	graph_explain(f.g, b, NULL, on_cell, &f);
	CHECK_STR(buf_str(&f.text), "0:1.1 1:0.3 1:0.1 1:0.2 ");
	buf_reset(&f.text);
	/* A part of a list: not what made the list. */
	graph_explain(f.g, b, only, on_cell, &f);
	CHECK_STR(buf_str(&f.text), "1:0.2 ");
	buf_reset(&f.text);
	/* What answers a derived question is a reason as well, through all levels. */
	b = bind(&f, 1, 1, Q_BY_GROUP, 3);
	graph_explain(f.g, b, NULL, on_cell, &f);
	CHECK_STR(buf_str(&f.text), "2:0.3 ");
}

static void on_impact(void *ctx, void *owner, uint32_t binding, unsigned query, uint32_t key)
{
	struct fixture *f = ctx;

	CHECK(owner == f);
	buf_printf(&f->text, "%u<%u.%u ", binding, query, key);
}

TEST(graph_impact_climbs_to_the_bindings)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t list, use, group;
	char expected[100];

	for (uint32_t n = 1; n <= 3; n++)
		set(&f, K_NUM, n, n);
	f.list = (struct numbers){ 2, { 1, 2 } };
	graph_set(f.g, K_LIST, 1, &f.list);
	commit(&f);
	list = bind(&f, 1, 1, Q_NUMS, 1);
	use = bind(&f, 1, 1, Q_USE, 2);
	group = bind(&f, 1, 1, Q_BY_GROUP, 3);
	graph_impact(f.g, K_NUM, 2, on_impact, &f);
	snprintf(expected, sizeof expected, "%u<%u.2 %u<%u.2 ", list, Q_NUM, use, Q_PARITY);
	CHECK_STR(buf_str(&f.text), expected);
	buf_reset(&f.text);
	graph_impact(f.g, K_NUM, 3, on_impact, &f);
	snprintf(expected, sizeof expected, "%u<%u.3 ", group, Q_LABELS);
	CHECK_STR(buf_str(&f.text), expected);
	buf_reset(&f.text);
	graph_impact(f.g, K_NUM, 4, on_impact, &f);
	CHECK_STR(buf_str(&f.text), "");
	/* No longer in the list. */
	f.list.n = 1;
	graph_touch(f.g, K_LIST, 1);
	graph_unbind(f.g, use);
	commit(&f);
	graph_impact(f.g, K_NUM, 2, on_impact, &f);
	CHECK_STR(buf_str(&f.text), "");
}

static enum want root_whole(void *ctx, unsigned query, uint32_t key, const struct result *r)
{
	(void)ctx;
	(void)key;
	return query == Q_NUMS || query == Q_GROUPED || query == Q_CAT ? WANT_MEMBERS : WANT_WHOLE;
}

/* A citation is a source and makes nothing stale. */
TEST(graph_explain_names_what_is_cited)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b;

	for (uint32_t n = 1; n <= 2; n++)
		set(&f, K_NUM, n, n);
	f.list = (struct numbers){ 3, { 2, 1, 9 } };
	graph_set(f.g, K_LIST, 1, &f.list);
	commit(&f);
	b = bind(&f, 1, 1, Q_FIRST, 1);
	graph_explain(f.g, b, root_whole, on_cell, &f);
	CHECK_STR(buf_str(&f.text), "0:1.1 0:0.2 ");
	buf_reset(&f.text);
	graph_impact(f.g, K_NUM, 2, on_impact, &f);
	CHECK(buf_str(&f.text)[0] != '\0');
	uint64_t runs = stats(&f).n_runs;
	set(&f, K_NUM, 2, 7);
	CHECK_INT(commit(&f), 0);
	CHECK_INT(stats(&f).n_runs, runs);
	/* The entry is what is read: it says that another one is the first now. */
	f.list = (struct numbers){ 1, { 1 } };
	graph_touch(f.g, K_LIST, 1);
	commit(&f);
	buf_reset(&f.text);
	graph_explain(f.g, b, root_whole, on_cell, &f);
	CHECK_STR(buf_str(&f.text), "0:1.1 0:0.1 ");
	/* What is not there is not cited. */
	f.list = (struct numbers){ 1, { 9 } };
	graph_touch(f.g, K_LIST, 1);
	commit(&f);
	buf_reset(&f.text);
	graph_explain(f.g, b, root_whole, on_cell, &f);
	CHECK_STR(buf_str(&f.text), "0:1.1 ");
	graph_unbind(f.g, b);
	commit(&f);
}

TEST(graph_explain_leaves_out_what_selects)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b;

	set(&f, K_NUM, 1, 1);
	f.list = (struct numbers){ 1, { 2 } };
	graph_set(f.g, K_LIST, 1, &f.list);
	commit(&f);
	b = bind(&f, 1, 1, Q_COUNTED, 1);
	graph_explain(f.g, b, root_whole, on_cell, &f);
	CHECK_STR(buf_str(&f.text), "1:0.1 ");
	buf_reset(&f.text);
	graph_explain(f.g, b, NULL, on_cell, &f);
	CHECK_STR(buf_str(&f.text), "1:0.1 1:1.1 ");
}

static void on_part(void *ctx, unsigned query, const struct result *part,
		    const struct result *within)
{
	struct fixture *f = ctx;

	buf_printf(&f->text, "%u:%.*s%s ", query, (int)part->n, (const char *)part->bytes,
		   within ? "/" : "");
}

static void check_reach(struct fixture *f, unsigned kind, uint32_t key, uint32_t binding,
			const char *expected)
{
	struct reach *r = reach_new(f->g, root_whole, NULL);

	reach_add(r, kind, key);
	/* Twice, since the second time much is known. */
	for (unsigned i = 0; i < 2; i++) {
		buf_reset(&f->text);
		reach_parts(r, binding, on_part, f);
		CHECK_STR(buf_str(&f->text), expected);
	}
	reach_free(r);
}

TEST(reach_finds_the_parts)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t list, cat, grouped, counted, first;
	char expected[100];

	for (uint32_t n = 1; n <= 3; n++)
		set(&f, K_NUM, n, n);
	f.list = (struct numbers){ 3, { 3, 1, 2 } };
	graph_set(f.g, K_LIST, 1, &f.list);
	commit(&f);
	list = bind(&f, 1, 1, Q_NUMS, 1);
	cat = bind(&f, 1, 1, Q_CAT, 1);
	grouped = bind(&f, 2, 1, Q_GROUPED, 1);
	counted = bind(&f, 1, 1, Q_COUNTED, 1);
	first = bind(&f, 1, 1, Q_FIRST, 1);
	snprintf(expected, sizeof expected, "%u:2; ", Q_NUM);
	check_reach(&f, K_NUM, 2, list, expected);
	snprintf(expected, sizeof expected, "%u:2;/ ", Q_NUM);
	check_reach(&f, K_NUM, 2, cat, expected);
	/* Only through the answer of a derived question. */
	snprintf(expected, sizeof expected, "%u:group own ", Q_BY_GROUP);
	check_reach(&f, K_NUM, 2, grouped, expected);
	snprintf(expected, sizeof expected, "%u:1;some ", Q_COUNTED);
	check_reach(&f, K_NUM, 1, counted, expected);
	snprintf(expected, sizeof expected, "%u:first ", Q_FIRST);
	check_reach(&f, K_NUM, 3, first, expected);
	check_reach(&f, K_NUM, 2, first, "");
	/* What made the list, and what selects, is no source of a part. */
	check_reach(&f, K_LIST, 1, list, "");
	check_reach(&f, K_LIST, 1, counted, "");
	check_reach(&f, K_NUM, 9, list, "");
}
