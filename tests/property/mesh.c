/* The property test of the real queries as a program: `make property`.
 *
 *	mesh [FILE]	with a file of equivalent mistakes, in a build with -DMAINSHEET_MUTATE: the mistakes instead
 *
 * PROPERTY_ROUNDS and PROPERTY_SEED in the environment choose what is run. The last line is
 * `N passed, N failed, N skipped`.
 */
#include "base/clock.h"
#include "model/options.h"
#include "tests/property/rounds.h"
#include <stdio.h>
#include <unistd.h>

static void set_up(void)
{
	static struct model_options o = { .domain = "cluster.local",
					  .system_namespace = "istio-system",
					  .cluster_id = "Kubernetes" };
	struct diag diag = DIAG_INIT;

	diag_init(&diag);
	features_load(&o.features, NULL, &diag);
	diag_fini(&diag);
	model_setup(&o);
}

static bool run(uint64_t seed, uint32_t n_rounds)
{
	struct err e = ERR_INIT;
	int64_t start = clock_mono_ns();
	struct rounds r;
	bool ok;

	rounds_init(&r, seed);
	ok = rounds_run(&r, n_rounds, &e);
	printf("property: %u rounds, %llu edits, %llu snapshots told, %llu partial commits, at "
	       "most "
	       "%u results of %u classes, %.1f s\n",
	       r.figures.n_rounds, (unsigned long long)r.figures.n_edits,
	       (unsigned long long)r.figures.n_told, (unsigned long long)r.figures.n_partial,
	       r.figures.max_memos, r.figures.max_classes, (double)(clock_mono_ns() - start) / 1e9);
	if (!ok) {
		printf("property: %s\n", e.text);
		if (r.figures.n_rounds)
			rounds_shrink(&r);
	}
	rounds_fini(&r);
	return ok;
}

#ifdef MAINSHEET_MUTATE
static unsigned n_workers(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 1 ? (unsigned)n : 1;
}
#endif

int main(int argc, char **argv)
{
	bool ok;

	set_up();
#ifdef MAINSHEET_MUTATE
	if (argc > 1)
		ok = mutants_run(property_seed(1), property_rounds(500), n_workers(), argv[1]);
	else
#endif
		ok = run(property_seed(1), property_rounds(2000));
	(void)argv;
	printf("%d passed, %d failed, 0 skipped\n", ok, !ok);
	return !ok;
}
