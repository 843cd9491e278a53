/* base/cel.h
 * Checks a CEL expression of the kind that Envoy's access log filter takes: its grammar, its limits on depth, and the
 * functions that Envoy knows there. It evaluates nothing. Any thread.
 *
 * Stricter than Envoy in one thing: an expression that makes a protobuf message, `google.protobuf.Duration{seconds: 1}`,
 * is refused, as which messages there are depends on Envoy's build.
 */
#pragma once
#include "base/err.h"

/* False with the reason, and the column where it is known. The text is UTF-8. */
bool cel_check(const char *text, struct err *e) must_check;
