/* Problems are kept, counted, cut and printed. */
#include "base/diag.h"
#include "test.h"
#include <stdio.h>
#include <string.h>

TEST(diag_prints_what_is_known)
{
	static const struct {
		struct problem p;
		const char *line;
	} rows[] = {
		{ { SEVERITY_ERROR,
		    { "a.yaml", 3, 7 },
		    "Gateway ns/gw",
		    "spec.servers[0].port",
		    "is missing" },
		  "a.yaml:3:7: error: Gateway ns/gw spec.servers[0].port: is missing" },
		{ { SEVERITY_WARNING, { "a.yaml", 3, 0 }, "Gateway ns/gw", "", "is odd" },
		  "a.yaml:3: warning: Gateway ns/gw: is odd" },
		{ { SEVERITY_ERROR, { "a.yaml", 0, 0 }, NULL, "", "cannot open" },
		  "a.yaml: error: cannot open" },
		{ { SEVERITY_ERROR, { NULL, 0, 0 }, NULL, "spec", "two\nlines" },
		  "error: spec: two lines" },
		{ { SEVERITY_ERROR, { "", 2, 1 }, NULL, NULL, "x" }, "2:1: error: x" },
	};
	char line[200];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		diag_print(&rows[i].p, line, sizeof line);
		CHECK_STR(line, rows[i].line);
	}
	diag_print(&rows[0].p, line, 10);
	CHECK_STR(line, "a.yaml:3:");
}

TEST(diag_copies_its_texts)
{
	struct diag d = DIAG_INIT, to = DIAG_INIT;
	char file[] = "f.yaml", path[] = "spec", object[] = "Pod a/b";

	d.object = object;
	diag_error(&d, (struct place){ .file = file, .line = 1 }, path, "bad %d", 1);
	diag_warn(&d, (struct place){ .file = file, .line = 2 }, NULL, "odd");
	d.object = NULL;
	memset(file, 'x', 3);
	memset(path, 'x', 3);
	memset(object, 'x', 3);
	diag_append(&to, &d);
	diag_fini(&d);
	if (!CHECK_INT(to.n, 2))
		return;
	CHECK_STR(to.v[0].place.file, "f.yaml");
	CHECK_STR(to.v[0].path, "spec");
	CHECK_STR(to.v[0].object, "Pod a/b");
	CHECK_STR(to.v[0].reason, "bad 1");
	CHECK_STR(to.v[1].path, "");
	CHECK_INT(to.v[1].severity, SEVERITY_WARNING);
	CHECK_INT(to.n_errors, 1);
	CHECK_INT(to.n_warnings, 1);
	diag_fini(&to);
}

TEST(diag_counts_beyond_its_cap)
{
	struct diag d = DIAG_INIT, to = DIAG_INIT;

	for (int i = 0; i < DIAG_MAX + 10; i++)
		diag_error(&d, (struct place){ 0 }, "", "%d", i);
	CHECK_INT(d.n, DIAG_MAX);
	CHECK_INT(d.n_errors, DIAG_MAX + 10);
	diag_warn(&to, (struct place){ 0 }, "", "first");
	diag_append(&to, &d);
	CHECK_INT(to.n, DIAG_MAX);
	CHECK_INT(to.n_errors, DIAG_MAX + 10);
	CHECK_INT(to.n_warnings, 1);
	diag_fini(&d);
	diag_fini(&to);
}

TEST(diag_cuts_long_texts)
{
	struct diag d = DIAG_INIT;
	char *big = xmalloc(100001);

	memset(big, 'x', 100000);
	big[100000] = 0;
	diag_error(&d, (struct place){ .file = big }, big, "%s", big);
	CHECK(strlen(d.v[0].path) < 1100 && str_ends(d.v[0].path, "..."));
	CHECK(strlen(d.v[0].reason) < 1100);
	CHECK(strlen(d.v[0].place.file) < 1100);
	xfree(big);
	diag_fini(&d);
}
