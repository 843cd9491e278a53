/* base/regex.h
 * Checks a user's regular expression with RE2, the engine that Envoy will run it with. The only C++ in the house
 * is behind this. Any thread.
 */
#pragma once
#include "base/err.h"

enum { REGEX_MAX_LEN = 1024 }; /* as istiod's validation */
/* False with the reason when RE2 does not compile it, or it is too long. */
bool regex_check(const char *pattern, struct err *e) must_check;
/* Full match, as Envoy's safe_regex; false also when the pattern is bad. */
bool regex_full_match(const char *pattern, const char *text);
/* Finds the pattern anywhere in the text, as a schema's `pattern` wants it; false also when the pattern is bad. */
bool regex_search(const char *pattern, const char *text);
