/* Tests of world/graph.h: commits that stop half way, cells that are filled when read, long lists, many revisions. */
#include "base/clock.h"
#include "numbers.h"
#include "test.h"
#include "world/graph_impl.h"
#include <stdio.h>

TEST(graph_deadline)
{
	enum { N = 12 };
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b[N], wrong = 0;
	unsigned steps = 0;
	char text[16];

	for (uint32_t i = 0; i < N; i++)
		set(&f, K_NUM, i, i);
	commit(&f);
	graph_set_urgent(f.g, Q_NUM);
	for (uint32_t i = 0; i < N; i++)
		b[i] = bind(&f, 1, 1, i == N - 1 ? Q_NUM : Q_USE, i);
	for (uint32_t i = 0; i < N; i++)
		set(&f, K_NUM, i, i + 1);
	CHECK(!graph_commit(f.g, 1, on_changed, &f));
	/* The urgent root is first although it was bound last. */
	CHECK_INT(f.n_changed, 1);
	CHECK_STR(bound(&f, b[N - 1]), "12;");
	CHECK(!graph_check(f.g, NULL));
	/* More edits meanwhile, also to what is still stale. */
	set(&f, K_NUM, 3, 1);
	set(&f, K_NUM, N - 1, 77);
	while (!graph_commit(f.g, 1, on_changed, &f) && steps < 100)
		steps++;
	CHECK(steps > N / 2 && steps < 2 * N);
	CHECK(graph_check(f.g, NULL));
	for (uint32_t i = 0; i < N - 1; i++) {
		snprintf(text, sizeof text, "is %s", (i == 3 ? 1 : i + 1) % 2 ? "odd" : "even");
		wrong += !str_eq(bound(&f, b[i]), text);
	}
	CHECK_INT(wrong, 0);
	CHECK_STR(bound(&f, b[N - 1]), "77;");
	/* Far away: all at once. */
	set(&f, K_NUM, 3, 2);
	CHECK(graph_commit(f.g, clock_mono_ns() + NS_PER_S * 60, on_changed, &f));
}

/* Two scopes that were one, seen at different revisions because a commit stopped between them. */
TEST(graph_deadline_between_two_worlds)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t n[4];

	set(&f, K_MODE, 1, 2);
	commit(&f);
	for (uint32_t i = 0; i < 4; i++)
		n[i] = bind(&f, 1 + i / 2, 1 + i % 2, Q_OVER, 1);
	for (uint32_t round = 0; round < 200; round++) {
		set(&f, K_MODE, 1, round * 7 % 5 % 4);
		/* Stops after one binding; then the next edit comes. */
		graph_commit(f.g, 1, NULL, NULL);
		if (round % 9 == 8) {
			graph_unbind(f.g, n[round % 4]);
			n[round % 4] = bind(&f, 1 + round % 4 / 2, 1 + round % 2, Q_OVER, 1);
		}
	}
	commit(&f);
	for (uint32_t i = 0; i < 4; i++)
		CHECK_STR(bound(&f, n[i]), "full");
}

TEST(graph_lazy_cells)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t a, b;

	graph_on_miss(f.g, K_LAZY, NULL, NULL);
	a = bind(&f, 1, 1, Q_LAZY, 1);
	CHECK_STR(bound(&f, a), "none");
	graph_unbind(f.g, a);
	CHECK(!graph_has_cell(f.g, K_LAZY, 1));
	(void)b;
}

static uint32_t seven = 7;
static unsigned n_filled, n_idle;
static void fill(void *ctx, unsigned kind, uint32_t key)
{
	n_filled++;
	if (key != 2)
		graph_set(ctx, kind, key, &seven);
}

static void on_idle(void *ctx, unsigned kind, uint32_t key, const void *value)
{
	n_idle += ctx && kind == K_LAZY && key == 1 && value == &seven;
}

TEST(graph_fills_on_miss_and_lets_go)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t a, b, c;

	n_filled = n_idle = 0;
	graph_on_miss(f.g, K_LAZY, fill, f.g);
	graph_on_idle(f.g, K_LAZY, on_idle);
	a = bind(&f, 1, 1, Q_LAZY, 1);
	b = bind(&f, 2, 1, Q_LAZY, 1);
	c = bind(&f, 1, 1, Q_LAZY, 2);
	CHECK_STR(bound(&f, a), "7");
	CHECK_STR(bound(&f, c), "none");
	CHECK_INT(n_filled, 2);
	/* Each key has its own cell here, filled or not. */
	CHECK(graph_has_cell(f.g, K_LAZY, 1) && graph_has_cell(f.g, K_LAZY, 2));
	CHECK(!graph_has_cell(f.g, K_LAZY, 3));
	set(&f, K_LAZY, 2, 8);
	CHECK_INT(commit(&f), 1);
	CHECK_STR(bound(&f, c), "8");
	CHECK_INT(n_filled, 2);
	graph_unbind(f.g, a);
	CHECK_INT(n_idle, 0);
	graph_unbind(f.g, b);
	CHECK_INT(n_idle, 1);
	CHECK(!graph_has_cell(f.g, K_LAZY, 1));
	a = bind(&f, 1, 1, Q_LAZY, 1);
	CHECK_INT(n_filled, 3);
	graph_unbind(f.g, a);
	graph_unbind(f.g, c);
}

/* Long reverse lists are kept loosely: many variants come and go below one member. */
TEST(graph_many_parents)
{
	enum { N = 300 };
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t b[N], runs;

	set(&f, K_NUM, 1, 1);
	commit(&f);
	for (uint32_t i = 0; i < N; i++)
		b[i] = bind(&f, i, 1, Q_NUM, 1);
	CHECK_INT(stats(&f).n_memos, 1);
	for (uint32_t i = 0; i < N; i++) {
		if (i % 10)
			graph_unbind(f.g, b[i]);
	}
	runs = (uint32_t)stats(&f).n_runs;
	set(&f, K_NUM, 1, 2);
	CHECK_INT(commit(&f), N / 10);
	CHECK_INT(stats(&f).n_runs, runs + 1);
	for (uint32_t i = 0; i < N; i += 10)
		graph_unbind(f.g, b[i]);
	CHECK_INT(stats(&f).n_memos, 0);
}

TEST(graph_revisions_start_again)
{
	cleanup(fixture_fini) struct fixture f = fixture_new();
	uint32_t a, b, runs;

	set(&f, K_NUM, 1, 1);
	commit(&f);
	a = bind(&f, 1, 1, Q_USE, 1);
	b = bind(&f, 1, 1, Q_BY_GROUP, 1);
	f.g->now = 1u << 31;
	set(&f, K_NUM, 1, 2);
	CHECK_INT(commit(&f), 2);
	CHECK(f.g->now < 10);
	CHECK_STR(bound(&f, a), "is even");
	CHECK_STR(bound(&f, b), "group other");
	runs = (uint32_t)stats(&f).n_runs;
	set(&f, K_NUM, 2, 2);
	CHECK_INT(commit(&f), 0);
	CHECK_INT(stats(&f).n_runs, runs);
	set(&f, K_NUM, 1, 1);
	CHECK_INT(commit(&f), 2);
	CHECK_STR(bound(&f, b), "group own");
}
