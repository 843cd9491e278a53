/* tests/unit/test.h
 * The whole test framework: TEST(name) { ... } registers itself through a linker section, CHECK and friends report
 * and go on. One program per room; it prints each failure and, last, `N passed, N failed, N skipped`.
 *
 *	test-program [SUBSTRING]	runs only the tests whose name contains it
 */
#pragma once
#include "base/lang.h"

struct test {
	const char *name;
	void (*run)(void);
};
#define TEST(id) \
	static void test_##id(void); \
	static const struct test test_row_##id \
		__attribute__((section("tests"), used, aligned(sizeof(void *)))) = { #id, \
										     test_##id }; \
	static void test_##id(void)

bool test_check(bool ok, const char *file, int line, const char *what);
bool test_check_str(const char *a, const char *b, const char *file, int line, const char *what);
bool test_check_int(long long a, long long b, const char *file, int line, const char *what);
/* Ends the running test as skipped; call `return` after it. */
void test_skip(const char *why);

/* Each is true when it held, for `if (!CHECK(x)) return;`. */
#define CHECK(cond) test_check(!!(cond), __FILE__, __LINE__, #cond)
#define CHECK_STR(a, b) test_check_str((a), (b), __FILE__, __LINE__, #a " == " #b)
#define CHECK_INT(a, b) \
	test_check_int((long long)(a), (long long)(b), __FILE__, __LINE__, #a " == " #b)
