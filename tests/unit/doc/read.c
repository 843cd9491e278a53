/* Files. */
#include "doc/read.h"
#include "test.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/mainsheet-doc-XXXXXX", path[128];

static void put_file(const char *name, const char *text)
{
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "we");
	if (CHECK(f)) {
		fputs(text, f);
		fclose(f);
	}
}

TEST(read_file_by_extension)
{
	static const struct {
		const char *name, *text;
		bool ok;
		uint32_t n;
		const char *reason;
	} rows[] = {
		{ "a.yaml", "a: 1\n---\nb: 2\n", true, 2, NULL },
		{ "a.yml", "a: [\n---\nb: 2\n", false, 1,
		  "did not find expected node content, while parsing a flow node" },
		{ "a.json", "{\"a\": 1}\n", true, 1, NULL },
		{ "b.json", "a: 1\n", false, 0, "expected a value" },
		{ "empty.yaml", "", true, 0, NULL },
		{ "empty.json", "", false, 0, "unexpected end" },
	};
	struct arena a = ARENA_INIT;
	struct diag d = DIAG_INIT;
	struct docs docs;

	if (!CHECK(mkdtemp(dir)))
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put_file(rows[i].name, rows[i].text);
		CHECK_INT(docs_read_file(path, "shown", &a, &docs, &d), rows[i].ok);
		CHECK_INT(docs.n, rows[i].n);
		if (CHECK_INT(d.n, !rows[i].ok) && d.n) {
			CHECK_STR(d.v[0].reason, rows[i].reason);
			CHECK_STR(d.v[0].place.file, "shown");
		}
		diag_fini(&d);
		unlink(path);
	}
	CHECK(!docs_read_file(path, "gone", &a, &docs, &d));
	CHECK(d.n == 1 && strstr(d.v[0].reason, "No such file"));
	diag_fini(&d);
	CHECK(!docs_read_file(dir, "dir", &a, &docs, &d));
	CHECK(d.n == 1 && strstr(d.v[0].reason, "directory"));
	diag_fini(&d);
	rmdir(dir);
	arena_fini(&a);
}

TEST(read_file_too_big)
{
	struct arena a = ARENA_INIT;
	struct diag d = DIAG_INIT;
	struct docs docs;
	char big[] = "/tmp/mainsheet-big-XXXXXX";
	int fd = mkostemp(big, O_CLOEXEC);

	if (CHECK(fd >= 0 && !ftruncate(fd, (off_t)DOC_MAX_BYTES + 1))) {
		CHECK(!docs_read_file(big, "big", &a, &docs, &d));
		CHECK(d.n == 1 && strstr(d.v[0].reason, "larger than 64 MiB"));
	}
	close(fd);
	unlink(big);
	diag_fini(&d);
	arena_fini(&a);
}
