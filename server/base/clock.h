/* base/clock.h
 * Time as int64 nanoseconds. Protocol engines and translation never call this: they are given the time.
 */
#pragma once
#include "base/lang.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

int64_t clock_mono_ns(void);       /* monotonic */
int64_t clock_wall_ns(void);       /* since 1970, UTC */
int64_t clock_thread_cpu_ns(void); /* CPU time of the calling thread */
/* RFC 3339 in UTC with seconds ("2024-01-01T00:00:00Z"); parse accepts fractions and offsets. */
enum { CLOCK_RFC3339 = 32 };
void clock_format(int64_t wall_ns, char ret_text[CLOCK_RFC3339]);
bool clock_parse(const char *, int64_t *ret_wall_ns) must_check;
