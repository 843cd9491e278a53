/* tests/bench/observe.h
 * What can be seen of a server from outside: /proc of its process, and its metrics page.
 */
#pragma once
#include "base/lang.h"

/* In 10^6 bytes, by the key's name in /proc/PID/status ("VmRSS:", "VmHWM:"); negative if it cannot be read. */
double observe_memory_mb(int pid, const char *key);
double observe_cpu_s(int pid); /* user and system; negative if it cannot be read */
/* CPU time of the threads with one of these names; false if there is none. */
bool observe_threads_ns(int pid, const char *const *names, size_t n, int64_t *ret);

/* A page by HTTP over a new connection; yours (xfree). NULL: it cannot be had. */
char *observe_page(const char *host, uint16_t port, const char *path);
/* The sum of the series of a metric on such a page whose labels contain `label` ("" for all). */
bool observe_metric(const char *page, const char *name, const char *label, double *ret);
