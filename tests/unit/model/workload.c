/* Labels and localities of workloads. */
#include "model/workload.h"
#include "harness.h"
#include "model/endpoint.h"

TEST(endpoint_canonical_names)
{
	struct str_pair v[] = { { "app", "a" },
				{ "app.kubernetes.io/name", "n" },
				{ "app.kubernetes.io/version", "7" },
				{ "service.istio.io/canonical-name", "c" },
				{ "version", "v2" } };
	struct str_map all = { v, 5, true }, none = { 0 }, app = { v, 1, true },
		       name = { v, 3, true }, version = { v + 4, 1, true };

	CHECK_STR(canonical_name(&all, "w"), "c");
	CHECK_STR(canonical_name(&name, "w"), "n");
	CHECK_STR(canonical_name(&app, "w"), "a");
	CHECK_STR(canonical_name(&none, "w"), "w");
	CHECK_STR(canonical_revision(&all), "7");
	CHECK_STR(canonical_revision(&version), "v2");
	CHECK_STR(canonical_revision(&none), "latest");
}

TEST(workload_localities)
{
	static const struct {
		const char *text, *joined;
	} rows[] = {
		{ "r/z/s", "r/z/s" }, { "r/z/", "r/z" },  { "r/z", "r/z" },       { "r", "r" },
		{ "", "" },           { "r//s", "r//s" }, { "r/z/s/t", "r/z/s" },
	};
	cleanup(arena_fini) struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct locality l = locality_split(&a, rows[i].text);

		CHECK_STR(locality_join(&a, &l), rows[i].joined);
	}
}

TEST(workload_locality_of_labels)
{
	struct str_pair dots[] = { { "istio-locality", "r.z.s" } };
	struct str_pair both[] = { { "istio-locality", "x" },
				   { "topology.istio.io/locality", "r.1/z" } };
	struct str_pair real[] = { { "topology.istio.io/locality", "x/y" },
				   { "topology.kubernetes.io/region", "r" } };
	struct str_map m = { dots, 1, true }, n = { both, 2, true }, o = { real, 2, true };
	struct str_map none = { 0 };
	cleanup(arena_fini) struct arena a = ARENA_INIT;

	CHECK_STR(locality_of_labels(&a, &m), "r/z/s");
	CHECK_STR(locality_of_labels(&a, &n), "r.1/z");
	CHECK_STR(locality_of_labels(&a, &o), "r");
	CHECK_STR(locality_of_labels(&a, &none), "");
}

TEST(workload_augmented_labels)
{
	struct str_pair v[] = { { "a", "1" },
				{ "topology.istio.io/network", "own" },
				{ "topology.kubernetes.io/zone", "old" } };
	struct str_map m = { v, 3, true };
	struct topology_labels t = { "r/z", "c", "n", "other" };
	cleanup(arena_fini) struct arena a = ARENA_INIT;
	struct str_map all = labels_augment(&a, &m, &t);

	CHECK_STR(labels_text(&a, &all),
		  "a=1,kubernetes.io/hostname=n,topology.istio.io/cluster=c,"
		  "topology.istio.io/network=own,topology.kubernetes.io/region=r,"
		  "topology.kubernetes.io/zone=z");
	all = labels_augment(&a, NULL, &(struct topology_labels){ 0 });
	CHECK_INT(all.n, 0);
}

TEST(workload_selector_pair)
{
	struct str_pair v[] = { { "kubernetes.io/hostname", "n" }, { "z", "1" } };
	struct str_map both = { v, 2, true }, topology = { v, 1, true };
	cleanup(arena_fini) struct arena a = ARENA_INIT;

	CHECK_STR(selector_index_pair(&a, &both), "z=1");
	CHECK(!selector_index_pair(&a, &topology));
	CHECK(!selector_index_pair(&a, NULL));
}
