/* Replays the corpora of the fuzz targets of this room. */
#include "help.h"
#include "tests/fuzz/ads_request.c"
#include <glob.h>
#include <unistd.h>

TEST(corpus_of_ads_request)
{
	glob_t g;

	if (access("tests/fuzz/corpus/ads_request", R_OK)) {
		test_skip("not run from the top of the tree");
		return;
	}
	if (CHECK(!glob("tests/fuzz/corpus/ads_request/*", 0, NULL, &g))) {
		for (size_t i = 0; i < g.gl_pathc; i++) {
			struct arena a = ARENA_INIT;
			size_t len;
			char *bytes = slurp(&a, g.gl_pathv[i], &len);

			if (CHECK(bytes))
				LLVMFuzzerTestOneInput((const uint8_t *)bytes, len);
			arena_fini(&a);
		}
		CHECK(g.gl_pathc >= 8);
		globfree(&g);
	}
}
