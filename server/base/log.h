/* base/log.h
 * One event a line on stderr: time, level, text, key=value pairs, values quoted where needed. Any thread.
 * Libraries (base doc schema world model pb snapshot translate ads certs) do not log: they return.
 *
 *	log_warn("rejecting object", "kind", kind, "name", name, NULL)
 *
 * Keys and values alternate, all strings, NULL ends the list (the macros add it).
 */
#pragma once
#include "base/lang.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_NONE };
void log_set_level(enum log_level);
void log_set_json(bool); /* --log_as_json */
bool log_enabled(enum log_level);
void log_event(enum log_level, const char *text, ...) __attribute__((sentinel));

#define log_debug(...) \
	(log_enabled(LOG_LEVEL_DEBUG) ? log_event(LOG_LEVEL_DEBUG, __VA_ARGS__, NULL) : (void)0)
#define log_info(...) log_event(LOG_LEVEL_INFO, __VA_ARGS__, NULL)
#define log_warn(...) log_event(LOG_LEVEL_WARN, __VA_ARGS__, NULL)
#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__, NULL)

/* A number or a formatted value for a log line; lives until the end of the full expression's block. */
#define LOG_FMT(fmt, ...) (log_fmt((char[128]){ 0 }, 128, fmt, __VA_ARGS__))
const char *log_fmt(char *buf, size_t size, const char *fmt, ...) printf_like(3, 4);

/* True at most `per_second` times a second for this limiter; for lines that outside input can cause. */
struct log_limiter {
	int64_t window_ns;
	uint32_t n, suppressed;
};
bool log_allow(struct log_limiter *, uint32_t per_second);
