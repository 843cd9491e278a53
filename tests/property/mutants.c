/* `make mutate`: every pair of a query and a kind of cell that it reads, and of a query and a question that it asks, is one
 * mistake, in which that recording is left out; so are the engine's own (world/mutate.h). Each runs in a process of its
 * own, some at a time, until the property test notices it by a difference, a broken invariant or an assertion.
 *
 * PROPERTY_ONLY in the environment picks those whose title has it in it; PROPERTY_VERBOSE shows each.
 *
 * What nobody can notice is listed in the file `equivalent`, a line each: the mistake's title, a colon, the reason. A line
 * that is noticed, or that is of no mistake, is an error too.
 */
#include "tests/property/rounds.h"

#ifdef MAINSHEET_MUTATE
#include "base/clock.h"
#include "model/cells.h"
#include "model/questions.h"
#include "translate/queries.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct mutant {
	enum mutation m;
	unsigned query, what;
	char title[120];
	bool is_equivalent;
	pid_t child;
	bool noticed;
};
/* What a child tells while it runs, for it may die at any moment. */
struct told {
	uint32_t rounds;
};
struct mutants {
	struct mutant *v;
	unsigned n, cap;
	struct told *told; /* shared */
	struct versions *expected;
	uint64_t seed;
	uint32_t n_rounds;
};

/* ---- titles ---- */

#define NAMED(question) [question] = #question
static const char *const question_names[] = {
	NAMED(ASK_NS_IS),
	NAMED(ASK_LABELS_MATCH),
	NAMED(ASK_IS_ROUTER),
	NAMED(ASK_HAS_V4),
	NAMED(ASK_HAS_V6),
	NAMED(ASK_V6_FIRST),
	NAMED(ASK_FLAG),
	NAMED(ASK_EXTENSION),
	NAMED(ASK_VERSION),
	NAMED(ASK_CLUSTER_IS),
	NAMED(ASK_SEES_NETWORK),
	NAMED(ASK_NODE_IS),
	NAMED(ASK_NS),
	NAMED(ASK_MODE),
	NAMED(ASK_CLUSTER),
	NAMED(ASK_NETWORK),
	NAMED(ASK_LOCALITY),
	NAMED(ASK_LABEL),
	NAMED(ASK_LABELS),
	NAMED(ASK_DNS_DOMAIN),
	NAMED(ASK_META),
	NAMED(ASK_PROXY_CONFIG),
	NAMED(ASK_TARGETS),
	NAMED(ASK_OWN_ADDRESSES),
	NAMED(ASK_MESH_ID),
	NAMED(ASK_SERVICE_ACCOUNT),
	NAMED(ASK_WORKLOAD_NAME),
};

static const char *query_name(unsigned query)
{
	size_t n;
	const struct query *const *all = translate_queries(&n);

	return query < n ? all[query]->name : "any";
}

static const char *cell_name(unsigned kind)
{
	static const char *const values[] = { "mesh config", "mesh networks", "proxy" };

	if (kind < KIND_COUNT)
		return kinds[kind].name;
	if (kind >= CELL_MESH && kind - CELL_MESH < ARRAY_LEN(values))
		return values[kind - CELL_MESH];
	for (size_t i = 0; i < model_n_indexes; i++)
		if (model_indexes[i].cell == kind)
			return model_indexes[i].name;
	return "?";
}

static void set_title(struct mutant *m)
{
	const char *query = query_name(m->query);

	if (m->m == MUTATE_READ && m->what >= CELL_COUNT)
		snprintf(m->title, sizeof m->title, "%s reads all keys of %s", query,
			 cell_name(m->what - CELL_COUNT));
	else if (m->m == MUTATE_READ)
		snprintf(m->title, sizeof m->title, "%s reads %s", query, cell_name(m->what));
	else if (m->what & MUTATE_DERIVED)
		snprintf(m->title, sizeof m->title, "%s asks for %s", query,
			 query_name(m->what & ~(unsigned)MUTATE_DERIVED));
	else
		snprintf(m->title, sizeof m->title, "%s asks %s", query,
			 m->what < ARRAY_LEN(question_names) ? question_names[m->what] : "?");
}

/* ---- which mistakes there are ---- */

static struct mutant *add(struct mutants *s, enum mutation m, unsigned query, unsigned what)
{
	VEC_ROOM(s->v, s->n, s->cap);
	s->v[s->n] = (struct mutant){ .m = m, .query = query, .what = what };
	return &s->v[s->n++];
}

static void on_pair(void *ctx, bool ask, unsigned query, unsigned what)
{
	struct mutants *s = ctx;
	const char *only = getenv("PROPERTY_ONLY");
	struct mutant *m = add(s, ask ? MUTATE_ASK : MUTATE_READ, query, what);

	set_title(m);
	if (only && !strstr(m->title, only))
		s->n--;
}

static int by_query(const void *a, const void *b)
{
	const struct mutant *x = a, *y = b;

	if (x->query != y->query)
		return x->query < y->query ? -1 : 1;
	if (x->m != y->m)
		return x->m < y->m ? -1 : 1;
	return (x->what > y->what) - (x->what < y->what);
}

/* Pairs that a run without a mistake sees. */
static bool collect(struct mutants *s)
{
	static const struct {
		enum mutation m;
		const char *title;
	} own[] = {
		{ MUTATE_ABSENCE, "reads of what is absent are not recorded" },
		{ MUTATE_MERGE, "paths of callees are not merged" },
		{ MUTATE_CUTOFF, "cut off although the path changed" },
		{ MUTATE_RANGE, "ranges are not touched" },
		{ MUTATE_MARKS, "marks are lost" },
		{ MUTATE_PATCH, "lists are patched although a cell changed" },
		{ MUTATE_DIRECT, "callees are run in place" },
	};
	struct err e = ERR_INIT;
	struct rounds r;
	bool ok;

	graph_mutate_forget();
	rounds_init(&r, s->seed);
	r.expected = s->expected;
	r.is_telling = true;
	ok = rounds_run(&r, s->n_rounds, &e);
	rounds_fini(&r);
	if (!ok)
		printf("mutate: without a mistake: %s\n", e.text);
	graph_mutate_seen(on_pair, s);
	qsort(s->v, s->n, sizeof *s->v, by_query);
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		snprintf(add(s, own[i].m, ~0u, ~0u)->title, sizeof s->v->title, "%s", own[i].title);
	return ok;
}

/* False: the file has a line of no mistake, or none at all. */
static bool read_equivalents(struct mutants *s, const char *file)
{
	FILE *f = fopen(file, "re");
	char line[400];
	bool ok = f != NULL;

	if (!f)
		printf("mutate: %s: %s\n", file, strerror(errno));
	while (f && fgets(line, sizeof line, f)) {
		char *colon = strstr(line, ": ");
		unsigned i = 0;

		if (*line == '#' || *line == '\n')
			continue;
		if (colon)
			*colon = '\0';
		while (i < s->n && strcmp(s->v[i].title, line) != 0)
			i++;
		if (i < s->n) {
			s->v[i].is_equivalent = true;
		} else {
			printf("mutate: %s: nobody does this: %s\n", file, line);
			ok = false;
		}
	}
	if (f)
		fclose(f);
	return ok;
}

/* ---- running them ---- */

static void run_child(const struct mutants *s, unsigned i)
{
	enum { CPU_SECONDS = 600 };
	const struct rlimit no_core = { 0 }, cpu = { CPU_SECONDS, CPU_SECONDS };
	const struct mutant *m = &s->v[i];
	struct err e = ERR_INIT;
	struct rounds r;

	/* Its last words are no news. */
	if (!freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "w", stdout) ||
	    setrlimit(RLIMIT_CORE, &no_core) || setrlimit(RLIMIT_CPU, &cpu))
		abort();
	rounds_init(&r, s->seed);
	r.mutation = m->m;
	r.query = m->query;
	r.what = m->what;
	r.expected = s->expected;
	r.progress = &s->told[i].rounds;
	_exit(!rounds_run(&r, s->n_rounds, &e));
}

static void start(struct mutants *s, unsigned i)
{
	fflush(NULL);
	s->v[i].child = fork();
	if (s->v[i].child < 0)
		abort();
	if (!s->v[i].child)
		run_child(s, i);
}

static void wait_for_one(struct mutants *s)
{
	int status = 0;
	pid_t child;

	while ((child = waitpid(-1, &status, 0)) < 0)
		;
	for (unsigned i = 0; i < s->n; i++) {
		if (s->v[i].child != child)
			continue;
		s->v[i].noticed = !WIFEXITED(status) || WEXITSTATUS(status);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
			printf("mutate: %s: hangs in round %u\n", s->v[i].title, s->told[i].rounds);
	}
}

static void run_all(struct mutants *s, unsigned n_workers)
{
	unsigned running = 0;

	for (unsigned i = 0; i < s->n; i++) {
		if (running == n_workers) {
			wait_for_one(s);
			running--;
		}
		start(s, i);
		running++;
	}
	while (running--)
		wait_for_one(s);
}

/* ---- what came out ---- */

static int by_rounds(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static unsigned report(const struct mutants *s)
{
	uint32_t *rounds = xcalloc(s->n + 1, sizeof *rounds);
	unsigned n_noticed = 0, n_equivalent = 0, n_bad = 0;

	for (unsigned i = 0; i < s->n; i++) {
		const struct mutant *m = &s->v[i];

		if (m->noticed)
			rounds[n_noticed++] = s->told[i].rounds;
		else
			n_equivalent += m->is_equivalent;
		if (m->noticed == m->is_equivalent) {
			printf("mutate: %s: %s\n", m->title,
			       m->noticed ? "is noticed, so it is not equivalent" : "NOT noticed");
			n_bad++;
		}
		if (getenv("PROPERTY_VERBOSE"))
			printf("%6u %s%s\n", s->told[i].rounds, m->title,
			       m->noticed ? "" : " (not noticed)");
	}
	qsort(rounds, n_noticed, sizeof *rounds, by_rounds);
	printf("mutate: %u mistakes, %u noticed, %u equivalent; half of them within %u rounds, "
	       "nine "
	       "of ten within %u, all within %u\n",
	       s->n, n_noticed, n_equivalent, rounds[n_noticed / 2], rounds[n_noticed * 9 / 10],
	       n_noticed ? rounds[n_noticed - 1] : 0);
	xfree(rounds);
	return n_bad;
}

bool mutants_run(uint64_t seed, uint32_t n_rounds, unsigned n_workers, const char *equivalent)
{
	struct mutants s = { .seed = seed, .n_rounds = n_rounds };
	int64_t start_ns = clock_mono_ns();
	size_t size;
	bool ok;

	s.expected = xcalloc(n_rounds, sizeof *s.expected);
	ok = collect(&s);

	ok = read_equivalents(&s, equivalent) && ok;
	size = s.n * sizeof *s.told;
	s.told = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s.told == MAP_FAILED)
		abort();
	run_all(&s, n_workers);
	ok = !report(&s) && ok;
	printf("mutate: %.0f s\n", (double)(clock_mono_ns() - start_ns) / 1e9);
	munmap(s.told, size);
	xfree(s.expected);
	xfree(s.v);
	return ok;
}
#endif
