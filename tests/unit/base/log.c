/* What log lines look like on stderr. */
#include "base/log.h"
#include "base/clock.h"
#include "test.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int saved_fd, memory_fd;

static void capture(void)
{
	saved_fd = dup(STDERR_FILENO);
	memory_fd = memfd_create("log", MFD_CLOEXEC);
	dup2(memory_fd, STDERR_FILENO);
}

/* What was written since capture(). */
static void release(char *text, size_t size)
{
	ssize_t n = pread(memory_fd, text, size - 1, 0);

	dup2(saved_fd, STDERR_FILENO);
	close(saved_fd);
	close(memory_fd);
	text[n > 0 ? n : 0] = 0;
	log_set_json(false);
	log_set_level(LOG_LEVEL_INFO);
}

TEST(log_console_line)
{
	char text[1000], second[CLOCK_RFC3339];
	int64_t ns;

	capture();
	log_warn("rejecting object", "kind", "Gateway", "reason", "two words", "empty", "", "eq",
		 "a=b", "n", LOG_FMT("%d", 42), "quote", "say \"hi\"\n", "null", NULL);
	release(text, sizeof text);
	if (!CHECK(strlen(text) > 28))
		return;
	CHECK(text[19] == '.' && text[26] == 'Z');
	memcpy(second, text, 19);
	memcpy(second + 19, "Z", 2);
	if (CHECK(clock_parse(second, &ns)))
		CHECK(clock_wall_ns() - ns < 60 * NS_PER_S);
	CHECK_STR(text + 27,
		  "\twarn\trejecting object\tkind=Gateway reason=\"two words\" "
		  "empty=\"\" eq=\"a=b\" n=42 quote=\"say \\\"hi\\\"\\n\" null=<null>\n");
}

TEST(log_json_line)
{
	char text[1000];

	capture();
	log_set_json(true);
	log_info("say \"ahoy\"", "bytes", "a\x01\xff\xc3\xa4", "tab", "\t");
	release(text, sizeof text);
	CHECK(str_starts(text, "{\"level\":\"info\",\"time\":\"20"));
	CHECK(str_ends(
		text, "Z\",\"msg\":\"say \\\"ahoy\\\"\",\"bytes\":\"a\\u0001\xef\xbf\xbd\xc3\xa4\","
		      "\"tab\":\"\\t\"}\n"));
}

TEST(log_levels)
{
	char text[1000];

	capture();
	log_debug("hidden");
	log_set_level(LOG_LEVEL_WARN);
	log_info("hidden");
	log_error("seen");
	log_set_level(LOG_LEVEL_NONE);
	log_error("hidden");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("also");
	release(text, sizeof text);
	CHECK(!strstr(text, "hidden"));
	CHECK(strstr(text, "\terror\tseen\n"));
	CHECK(strstr(text, "\tdebug\talso\n"));
	CHECK(!log_enabled(LOG_LEVEL_NONE));
}

TEST(log_limiter)
{
	struct log_limiter l = { 0 };
	int allowed = 0;

	for (int i = 0; i < 100; i++)
		allowed += log_allow(&l, 3);
	/* A second may pass in between on a slow machine. */
	CHECK(allowed >= 3 && allowed <= 9);
	CHECK_INT(l.suppressed, 100 - allowed);
	l.window_ns -= 2 * NS_PER_S;
	CHECK(log_allow(&l, 3));
	CHECK(!log_allow(&l, 0) || !log_allow(&l, 0));
}

TEST(log_long_line_is_cut_not_lost)
{
	size_t n = 200000;
	char *big = xcalloc(1, n), *text = xcalloc(1, n);

	memset(big, 'x', n - 1);
	capture();
	log_info("start", "big", big, "after", "it");
	release(text, n);
	CHECK(strstr(text, "\tinfo\tstart\tbig=xxx"));
	CHECK(str_ends(text, " after=it\n"));
	CHECK(strlen(text) < 20000);
	xfree(big);
	xfree(text);
}
