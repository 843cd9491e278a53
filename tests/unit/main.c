/* The runner that every unit test program is linked with. */
#include "test.h"
#include <stdio.h>
#include <string.h>

extern const struct test __start_tests[], __stop_tests[];
static unsigned failed_checks;
static const char *skipped;

bool test_check(bool ok, const char *file, int line, const char *what)
{
	if (!ok) {
		printf("%s:%d: failed: %s\n", file, line, what);
		failed_checks++;
	}
	return ok;
}

bool test_check_str(const char *a, const char *b, const char *file, int line, const char *what)
{
	bool ok = str_eq(a, b);

	test_check(ok, file, line, what);
	if (!ok)
		printf("\tis:     %s\n\tshould: %s\n", str_or(a, "(null)"), str_or(b, "(null)"));
	return ok;
}

bool test_check_int(long long a, long long b, const char *file, int line, const char *what)
{
	test_check(a == b, file, line, what);
	if (a != b)
		printf("\tis:     %lld\n\tshould: %lld\n", a, b);
	return a == b;
}

void test_skip(const char *why)
{
	skipped = why;
}

int main(int argc, char **argv)
{
	unsigned n_passed = 0, n_failed = 0, n_skipped = 0;

	for (const struct test *t = __start_tests; t < __stop_tests; t++) {
		if (argc > 1 && !strstr(t->name, argv[1]))
			continue;
		failed_checks = 0;
		skipped = NULL;
		t->run();
		if (failed_checks) {
			printf("FAILED %s\n", t->name);
			n_failed++;
		} else if (skipped) {
			printf("skipped %s: %s\n", t->name, skipped);
			n_skipped++;
		} else {
			n_passed++;
		}
		fflush(stdout);
	}
	printf("%u passed, %u failed, %u skipped\n", n_passed, n_failed, n_skipped);
	return n_failed != 0;
}
