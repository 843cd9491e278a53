/* RE2 behind three C functions. A pattern compiles under the same memory bound as in Envoy, which takes RE2's default,
 * so what passes here passes there. A few compiled patterns stay with each thread: a schema asks the same question
 * of thousands of objects. */
#include <memory>
#include <re2/re2.h>
#include <string>

extern "C" {
#include "base/regex.h"
}
#include <cstring>

namespace
{

constexpr size_t n_kept = 8;

struct kept {
	std::string pattern;
	std::unique_ptr<re2::RE2> re;
};

std::unique_ptr<re2::RE2> compile(const char *pattern)
{
	re2::RE2::Options options;

	options.set_log_errors(false);
	options.set_max_mem(8 << 20);
	return std::make_unique<re2::RE2>(pattern, options);
}

/* NULL when the pattern is too long or bad. */
const re2::RE2 *lookup(const char *pattern)
{
	static thread_local kept slots[n_kept];
	size_t n = strlen(pattern);

	if (n > REGEX_MAX_LEN)
		return nullptr;
	kept &k = slots[std::hash<std::string>()(pattern) % n_kept];
	if (!k.re || k.pattern != pattern) {
		k.re = compile(pattern);
		k.pattern = pattern;
	}
	return k.re->ok() ? k.re.get() : nullptr;
}

} // namespace

extern "C" bool regex_check(const char *pattern, struct err *e)
{
	size_t n = strlen(pattern);

	if (n > REGEX_MAX_LEN)
		return err(e, "regex is too long: %zu bytes, at most %d", n, (int)REGEX_MAX_LEN);
	auto re = compile(pattern);
	if (!re->ok())
		return err(e, "invalid regex: %s", re->error().c_str());
	return true;
}

extern "C" bool regex_full_match(const char *pattern, const char *text)
{
	const re2::RE2 *re = lookup(pattern);

	return re && re2::RE2::FullMatch(text, *re);
}

extern "C" bool regex_search(const char *pattern, const char *text)
{
	const re2::RE2 *re = lookup(pattern);

	return re && re2::RE2::PartialMatch(text, *re);
}
