/* Tests of world/graph.h: how results follow the world, what is shared and what is run. */
#include "numbers.h"
#include "test.h"
#include "world/graph_impl.h"
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(graph_reads_and_changes)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b;

	set(&f, K_NUM, 1, 7);
	commit(&f);
	b = bind(&f, 1, 1, Q_NUM, 1);
	CHECK_STR(bound(&f, b), "7;");
	set(&f, K_NUM, 1, 8);
	CHECK_STR(bound(&f, b), "7;");
	CHECK_INT(commit(&f), 1);
	CHECK(f.last_owner == &f);
	CHECK_STR(bound(&f, b), "8;");
	graph_set(f.g, K_NUM, 1, NULL);
	CHECK_INT(commit(&f), 1);
	CHECK_STR(bound(&f, b), "-;");
	/* Now it is absent, and nothing but a bucket says so. */
	CHECK(!graph_has_cell(f.g, K_NUM, 1));
	set(&f, K_NUM, 1, 9);
	CHECK_INT(commit(&f), 1);
	CHECK_STR(bound(&f, b), "9;");
	f.num[1] = 10;
	graph_touch(f.g, K_NUM, 1);
	CHECK_INT(commit(&f), 1);
	CHECK_STR(bound(&f, b), "10;");
}

TEST(graph_change_back_reports_nothing)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b, runs;

	set(&f, K_NUM, 1, 7);
	set(&f, K_NUM, 2, 7);
	commit(&f);
	b = bind(&f, 1, 1, Q_NUM, 1);
	runs = (uint32_t)stats(&f).n_runs;
	/* Nobody reads it. */
	set(&f, K_NUM, 2, 8);
	CHECK_INT(commit(&f), 0);
	CHECK_INT(stats(&f).n_marks, 0);
	set(&f, K_NUM, 1, 8);
	set(&f, K_NUM, 1, 7);
	CHECK_INT(commit(&f), 0);
	CHECK_INT(stats(&f).n_runs, runs + 1);
	CHECK_STR(bound(&f, b), "7;");
}

TEST(graph_cutoff)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	struct query_stats use;
	uint32_t b;

	set(&f, K_NUM, 1, 7);
	commit(&f);
	b = bind(&f, 1, 1, Q_USE, 1);
	CHECK_STR(bound(&f, b), "is odd");
	set(&f, K_NUM, 1, 9);
	CHECK_INT(commit(&f), 0);
	graph_query_stats(f.g, Q_USE, &use);
	CHECK_INT(use.n_runs, 1);
	CHECK_INT(stats(&f).n_cutoffs, 1);
	CHECK_INT(stats(&f).n_marks, 2);
	set(&f, K_NUM, 1, 2);
	CHECK_INT(commit(&f), 1);
	CHECK_STR(bound(&f, b), "is even");
	graph_query_stats(f.g, Q_USE, &use);
	CHECK_INT(use.n_runs, 2);
	CHECK_INT(use.n_memos, 1);
	CHECK_INT(use.n_keys, 1);
}

TEST(graph_list_is_patched)
{
	static const unsigned queries[] = { Q_NUMS, Q_CAT };
	static const char *const before[] = { "1;2;3;", "n=3:1;2;3;" },
				 *const after[] = { "1;5;3;", "n=3:1;5;3;" },
				 *const less[] = { "1;5;", "n=2:1;5;" },
				 *const twice[] = { "1;5;", "n=3:1;5;" };

	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		cleanup(fixture_fini) struct fixture f = fixture_new();
		const struct result *old;
		struct query_stats q;
		uint32_t b;

		for (uint32_t n = 1; n <= 3; n++)
			set(&f, K_NUM, n, n);
		f.list = (struct numbers){ 4, { 1, 2, 3, 2 } };
		f.list.n = 3;
		graph_set(f.g, K_LIST, 1, &f.list);
		commit(&f);
		b = bind(&f, 1, 1, queries[i], 1);
		CHECK_STR(bound(&f, b), before[i]);
		old = result_ref(graph_bound(f.g, b));
		set(&f, K_NUM, 2, 5);
		CHECK_INT(commit(&f), 1);
		CHECK_STR(bound(&f, b), after[i]);
		graph_query_stats(f.g, queries[i], &q);
		CHECK_INT(q.n_runs, 1);
		CHECK_INT(stats(&f).n_patches, 1);
		/* What did not change is the same memory. */
		CHECK(graph_bound(f.g, b)->child[0] == old->child[0]);
		result_unref(old);
		f.list.n = 2;
		graph_touch(f.g, K_LIST, 1);
		CHECK_INT(commit(&f), 1);
		CHECK_STR(bound(&f, b), less[i]);
		/* A member added twice counts once; only the head of the CONCAT knows better. */
		f.list = (struct numbers){ 3, { 1, 2, 1 } };
		graph_touch(f.g, K_LIST, 1);
		CHECK_INT(commit(&f), queries[i] == Q_CAT);
		CHECK_STR(bound(&f, b), twice[i]);
	}
}

TEST(graph_member_that_was_looked_at_is_not_patched)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b;

	set(&f, K_NUM, 1, 1);
	set(&f, K_NUM, 2, 2);
	f.list = (struct numbers){ 2, { 1, 2 } };
	graph_set(f.g, K_LIST, 1, &f.list);
	commit(&f);
	b = bind(&f, 1, 1, Q_PEEK, 1);
	CHECK_STR(bound(&f, b), "2;1;");
	set(&f, K_NUM, 2, 3);
	CHECK_INT(commit(&f), 1);
	CHECK_INT(stats(&f).n_patches, 1);
	CHECK_STR(bound(&f, b), "3;1;");
	graph_set(f.g, K_NUM, 1, NULL);
	CHECK_INT(commit(&f), 1);
	CHECK_INT(stats(&f).n_patches, 1);
	CHECK_STR(bound(&f, b), "");
	set(&f, K_NUM, 1, 4);
	CHECK_INT(commit(&f), 1);
	CHECK_STR(bound(&f, b), "3;4;");
	graph_unbind(f.g, b);
	CHECK_INT(stats(&f).n_memos, 0);
}

TEST(graph_paths_share_and_split)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t one_red, one_blue, two;
	struct query_stats q;

	set(&f, K_MODE, 1, 0);
	commit(&f);
	one_red = bind(&f, 1, 1, Q_OVER, 1);
	one_blue = bind(&f, 1, 2, Q_OVER, 1);
	two = bind(&f, 2, 1, Q_OVER, 1);
	graph_query_stats(f.g, Q_PICK, &q);
	CHECK_INT(q.n_memos, 1);
	CHECK_INT(q.n_runs, 1);
	CHECK(graph_bound(f.g, one_red) == graph_bound(f.g, two));

	/* Now the label is asked: two results; what is above splits too though its bytes are equal, and shares them. */
	set(&f, K_MODE, 1, 1);
	CHECK_INT(commit(&f), 0);
	graph_query_stats(f.g, Q_PICK, &q);
	CHECK_INT(q.n_memos, 2);
	CHECK_INT(q.n_runs, 3);
	graph_query_stats(f.g, Q_OVER, &q);
	CHECK_INT(q.n_memos, 2);
	CHECK(graph_bound(f.g, one_red) == graph_bound(f.g, two));
	CHECK_INT(stats(&f).n_paths, 2);

	set(&f, K_MODE, 1, 2);
	commit(&f);
	graph_query_stats(f.g, Q_PICK, &q);
	CHECK_INT(q.n_memos, 3);
	CHECK_INT(stats(&f).n_questions, 2);
	graph_unbind(f.g, one_blue);
	graph_query_stats(f.g, Q_PICK, &q);
	CHECK_INT(q.n_memos, 2);

	set(&f, K_MODE, 1, 0);
	commit(&f);
	graph_query_stats(f.g, Q_PICK, &q);
	CHECK_INT(q.n_memos, 1);
	CHECK_INT(stats(&f).n_paths, 0);
	CHECK_INT(stats(&f).n_questions, 0);
	graph_unbind(f.g, one_red);
	graph_unbind(f.g, two);
}

TEST(graph_derived_question_answers_by_value)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	struct query_stats q;
	uint32_t a, b, c;

	set(&f, K_NUM, 1, 5);
	commit(&f);
	a = bind(&f, 1, 1, Q_BY_GROUP, 1);
	b = bind(&f, 2, 1, Q_BY_GROUP, 1);
	c = bind(&f, 5, 1, Q_BY_GROUP, 1);
	CHECK_STR(bound(&f, a), "group other");
	CHECK_STR(bound(&f, c), "group own");
	CHECK(graph_bound(f.g, a) == graph_bound(f.g, b));
	graph_query_stats(f.g, Q_BY_GROUP, &q);
	CHECK_INT(q.n_memos, 2);

	/* The scope moves from one value to the other: no run of the asker, both variants are there. */
	set(&f, K_NUM, 1, 2);
	CHECK_INT(commit(&f), 2);
	CHECK_STR(bound(&f, a), "group other");
	CHECK_STR(bound(&f, b), "group own");
	CHECK_STR(bound(&f, c), "group other");
	graph_query_stats(f.g, Q_BY_GROUP, &q);
	CHECK_INT(q.n_runs, 2);

	/* One question of the derived query is asked through another derived query: that one has to be watched too. */
	set(&f, K_NUM, 1, 1);
	CHECK_INT(commit(&f), 2);
	CHECK_STR(bound(&f, a), "group own");
	graph_unbind(f.g, a);
	graph_unbind(f.g, b);
	graph_unbind(f.g, c);
	CHECK_INT(stats(&f).n_memos, 0);
	CHECK_INT(f.g->n_values, 0);
}

TEST(graph_unbind_leaves_nothing)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b[Q_CYCLE * 3], n = 0;
	struct graph_stats s;

	for (uint32_t i = 1; i < 8; i++) {
		set(&f, K_NUM, i, i);
		set(&f, K_MODE, i, i % 4);
	}
	f.list = (struct numbers){ 8, { 1, 2, 3, 4, 5, 6, 7, 9 } };
	graph_set(f.g, K_LIST, 1, &f.list);
	commit(&f);
	s = stats(&f);
	CHECK_INT(s.n_cells, 15);
	for (unsigned q = 0; q < Q_CYCLE; q++) {
		for (uint32_t label = 1; label <= 3; label++)
			b[n++] = bind(&f, label, label % 2, q, 1);
	}
	CHECK(stats(&f).n_memos > Q_CYCLE);
	CHECK_INT(stats(&f).n_scopes, 3);
	commit(&f);
	for (uint32_t i = 0; i < n; i++)
		graph_unbind(f.g, b[(i * 5) % n]);
	s = stats(&f);
	CHECK_INT(s.n_memos, 0);
	CHECK_INT(s.result_bytes, 0);
	CHECK_INT(s.n_paths, 0);
	CHECK_INT(s.n_questions, 0);
	CHECK_INT(s.n_scopes, 0);
	CHECK_INT(s.n_bindings, 0);
	CHECK_INT(s.n_cells, 15);
	CHECK_INT(f.g->n_values, 0);
	commit(&f);
}

TEST(graph_scopes_are_interned)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	struct facts facts = { 1, 2 };
	struct scope *a = graph_scope(f.g, &facts, sizeof facts), *b, *none;
	size_t len;

	facts = (struct facts){ 1, 2 };
	b = graph_scope(f.g, &facts, sizeof facts);
	CHECK(a == b);
	CHECK_INT(((const struct facts *)scope_facts(a, &len))->colour, 2);
	CHECK_INT(len, sizeof facts);
	none = graph_scope(f.g, NULL, 0);
	CHECK(none != a && none == graph_scope(f.g, "", 0));
	CHECK_INT(stats(&f).n_scopes, 2);
	scope_unref(f.g, none);
	scope_unref(f.g, none);
	scope_unref(f.g, a);
	scope_unref(f.g, b);
	CHECK_INT(stats(&f).n_scopes, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		facts.label = i;
		scope_unref(f.g, graph_scope(f.g, &facts, sizeof facts));
		a = graph_scope(f.g, &facts, sizeof facts);
	}
	CHECK_INT(stats(&f).n_scopes, 1000);
	/* An empty scope answers 0 to everything. */
	set(&f, K_MODE, 1, 1);
	commit(&f);
	none = graph_scope(f.g, NULL, 0);
	CHECK_STR(bound(&f, graph_bind(f.g, none, Q_PICK, 1, NULL)), "none");
	scope_unref(f.g, none);
}

/* A list of results that differ by proxy: a change of path below makes a new list even where bytes are equal. */
TEST(graph_list_of_variants)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t one, two;

	set(&f, K_MODE, 1, 1);
	set(&f, K_MODE, 2, 0);
	f.list = (struct numbers){ 2, { 1, 2 } };
	graph_set(f.g, K_LIST, 1, &f.list);
	commit(&f);
	one = bind(&f, 1, 1, Q_PICKS, 1);
	two = bind(&f, 2, 1, Q_PICKS, 1);
	CHECK_STR(bound(&f, one), "oneany");
	CHECK_STR(bound(&f, two), "noneany");
	set(&f, K_MODE, 1, 3);
	CHECK_INT(commit(&f), 1);
	CHECK_STR(bound(&f, two), "oneany");
	set(&f, K_MODE, 1, 0);
	CHECK_INT(commit(&f), 2);
	CHECK_STR(bound(&f, one), "anyany");
	CHECK(graph_bound(f.g, one) == graph_bound(f.g, two));
	CHECK_INT(stats(&f).n_paths, 0);
	set(&f, K_MODE, 2, 2);
	CHECK_INT(commit(&f), 2);
	CHECK_STR(bound(&f, one), "anyred");
	CHECK_STR(bound(&f, two), "anynone");
}

/* Mistakes of query authors end the program at once, in every build. */
TEST(graph_asserts)
{
	static const unsigned wrong[] = { Q_CYCLE, Q_UPWARD };

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		cleanup(fixture_fini) struct fixture f = fixture_new();
		int status = 0;
		pid_t child;

		fflush(NULL);
		child = fork();
		if (!child) {
			close(STDERR_FILENO);
			bind(&f, 1, 1, wrong[i], 1);
			_exit(0);
		}
		CHECK(child > 0 && waitpid(child, &status, 0) == child);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}
