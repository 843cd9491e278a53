/* Error texts. */
#include "base/err.h"
#include "test.h"
#include <errno.h>
#include <string.h>

TEST(err_writes_and_wraps)
{
	struct err e = ERR_INIT;

	errno = ENOENT;
	CHECK(!err(&e, "open %s: %m", "/x"));
	CHECK_STR(e.text, "open /x: No such file or directory");
	CHECK(!err_wrap(&e, "load %d", 3));
	CHECK_STR(e.text, "load 3: open /x: No such file or directory");
	CHECK(!err(NULL, "x"));
	CHECK(!err_wrap(NULL, "x"));
}

TEST(err_own_text_as_argument)
{
	struct err e = ERR_INIT;

	err(&e, "inner");
	err(&e, "outer (%s)", e.text);
	CHECK_STR(e.text, "outer (inner)");
}

TEST(err_long_texts_are_cut)
{
	struct err e = ERR_INIT;
	char big[1000];

	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = 0;
	err(&e, "%s", big);
	CHECK_INT(strlen(e.text), sizeof e.text - 1);
	err_wrap(&e, "circumstance");
	CHECK_INT(strlen(e.text), sizeof e.text - 1);
	CHECK(str_starts(e.text, "circumstance: xxx"));
	err(&e, "short");
	err_wrap(&e, "%s", big);
	CHECK(strlen(e.text) < sizeof e.text);
}
