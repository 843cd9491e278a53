/* Each event is put together in a buffer of the calling thread's stack and leaves in one write, so lines of several
 * threads do not mix. What is too long for the buffer is cut: a log line is no place for documents. */
#include "base/log.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/lock.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOG_LINE = 64 << 10, LOG_VALUE = 8 << 10 };

static const char *const level_names[] = { "debug", "info", "warn", "error" };
static int log_level = LOG_LEVEL_INFO;
static bool log_json;
static struct lock log_lock = LOCK_INIT(LOCK_LOG);

void log_set_level(enum log_level level)
{
	__atomic_store_n(&log_level, (int)level, __ATOMIC_RELAXED);
}

void log_set_json(bool on)
{
	__atomic_store_n(&log_json, on, __ATOMIC_RELAXED);
}

bool log_enabled(enum log_level level)
{
	return (int)level >= __atomic_load_n(&log_level, __ATOMIC_RELAXED) &&
	       level < LOG_LEVEL_NONE;
}

static void put_time(struct buf *b)
{
	int64_t now = clock_wall_ns();
	char text[CLOCK_RFC3339];

	clock_format(now, text);
	text[strlen(text) - 1] = 0;
	buf_printf(b, "%s.%06dZ", text, (int)(now % NS_PER_S / NS_PER_US));
}

/* Escapes as JSON does; bytes that are not UTF-8 become U+FFFD. */
static void put_escaped(struct buf *b, const char *s)
{
	const char *end = s + strnlen(s, LOG_VALUE);

	while (s < end) {
		unsigned char c = (unsigned char)*s;
		unsigned n = utf8_step(s, end);

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c == '\n')
			buf_puts(b, "\\n");
		else if (c == '\t')
			buf_puts(b, "\\t");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\u%04x", c);
		else if (n)
			buf_append(b, s, n);
		else
			buf_puts(b, "\xef\xbf\xbd");
		s += n ? n : 1;
	}
}

static void put_quoted(struct buf *b, const char *s)
{
	buf_putc(b, '"');
	put_escaped(b, s);
	buf_putc(b, '"');
}

static bool needs_quotes(const char *s)
{
	if (!*s)
		return true;
	for (; *s; s++)
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f || *s == '"' ||
		    *s == '\\' || *s == '=')
			return true;
	return false;
}

static void put_value(struct buf *b, const char *s)
{
	if (needs_quotes(s))
		put_quoted(b, s);
	else
		buf_append(b, s, strnlen(s, LOG_VALUE));
}

static void put_pairs(struct buf *b, bool json, va_list ap)
{
	const char *key, *value;
	bool first = true;

	while ((key = va_arg(ap, const char *)) && !b->overflow) {
		value = va_arg(ap, const char *);
		if (json) {
			buf_putc(b, ',');
			put_quoted(b, key);
			buf_putc(b, ':');
			if (value)
				put_quoted(b, value);
			else
				buf_puts(b, "null");
		} else {
			buf_printf(b, "%c%s=", first ? '\t' : ' ', key);
			put_value(b, str_or(value, "<null>"));
		}
		first = false;
	}
}

static void write_all(const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(STDERR_FILENO, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return; /* nowhere to complain to */
		p += done;
		n -= (size_t)done;
	}
}

void log_event(enum log_level level, const char *text, ...)
{
	struct buf b cleanup(buf_fini) = BUF_INIT_MAX(LOG_LINE);
	bool json = __atomic_load_n(&log_json, __ATOMIC_RELAXED);
	int saved = errno;
	va_list ap;

	if (!log_enabled(level))
		return;
	if (json) {
		buf_printf(&b, "{\"level\":\"%s\",\"time\":\"", level_names[level]);
		put_time(&b);
		buf_puts(&b, "\",\"msg\":");
		put_quoted(&b, text);
	} else {
		put_time(&b);
		buf_printf(&b, "\t%s\t", level_names[level]);
		put_escaped(&b, text);
	}
	va_start(ap, text);
	put_pairs(&b, json, ap);
	va_end(ap);
	if (json)
		buf_putc(&b, '}');
	buf_putc(&b, '\n');
	with_lock(&log_lock)
		write_all(b.p, b.len);
	errno = saved;
}

const char *log_fmt(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return buf;
}

bool log_allow(struct log_limiter *l, uint32_t per_second)
{
	int64_t now = clock_mono_ns();
	bool allowed = false;

	with_lock(&log_lock) {
		if (!l->n || now - l->window_ns >= NS_PER_S) {
			l->window_ns = now;
			l->n = 0;
		}
		allowed = l->n < per_second;
		if (allowed)
			l->n++;
		else
			l->suppressed++;
	}
	return allowed;
}
