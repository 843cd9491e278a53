/* Flags by table, through getopt_long: each row becomes an option whose number is its index. */
#include "cli/flags.h"
#include "schema/schema.h"
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static bool bool_parse(const char *s, bool *ret)
{
	static const char *const yes[] = { "true", "1", "t", "T", "TRUE", "True" };
	static const char *const no[] = { "false", "0", "f", "F", "FALSE", "False" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (str_eq(s, yes[i])) {
			*ret = true;
			return true;
		}
		if (str_eq(s, no[i])) {
			*ret = false;
			return true;
		}
	}
	return false;
}

static bool set_value(const struct flag *f, const char *s, struct err *e)
{
	char *end;

	switch (f->type) {
	case FLAG_BOOL:
		if (!s)
			*(bool *)f->value = true;
		else if (!bool_parse(s, f->value))
			return err(e, "--%s: \"%s\" is not true or false", f->name, s);
		return true;
	case FLAG_STRING: *(const char **)f->value = s; return true;
	case FLAG_LIST: {
		struct flag_list *l = f->value;

		VEC_ROOM(l->v, l->n, l->cap);
		l->v[l->n++] = s;
		return true;
	}
	case FLAG_INT:
		errno = 0;
		*(int64_t *)f->value = strtoll(s, &end, 10);
		if (errno || end == s || *end)
			return err(e, "--%s: \"%s\" is not a number", f->name, s);
		return true;
	case FLAG_DURATION:
		if (!duration_parse(s, f->value))
			return err(e, "--%s: \"%s\" is not a duration such as 1m30s", f->name, s);
		return true;
	}
	return false;
}

bool flags_parse(const struct flag *flags, size_t n, int argc, char **argv, int *ret_first,
		 struct err *e)
{
	struct option *longs = xcalloc(n + 1, sizeof *longs);
	char *letters = xcalloc(n * 2 + 2, 1), *l = letters;
	bool ok = true;

	*l++ = ':';
	for (size_t i = 0; i < n; i++) {
		longs[i] = (struct option){ flags[i].name,
					    flags[i].type == FLAG_BOOL ? optional_argument
								       : required_argument,
					    NULL, (int)i + 256 };
		if (flags[i].letter) {
			*l++ = flags[i].letter;
			if (flags[i].type != FLAG_BOOL)
				*l++ = ':';
		}
	}
	optind = 0;
	opterr = 0;
	for (int c; ok && (c = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
		const struct flag *f = NULL;

		if (c == '?')
			ok = err(e, "unknown flag: %s", argv[optind - 1]);
		else if (c == ':')
			ok = err(e, "flag needs an argument: %s", argv[optind - 1]);
		for (size_t i = 0; ok && i < n && !f; i++)
			if (c == (int)i + 256 || (flags[i].letter && c == flags[i].letter))
				f = &flags[i];
		if (f)
			ok = set_value(f, optarg, e);
	}
	xfree(longs);
	xfree(letters);
	if (ok)
		*ret_first = optind;
	return ok;
}

void flags_help(const struct flag *flags, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct flag *f = &flags[i];
		struct buf name = BUF_INIT;

		if (!f->help)
			continue;
		if (f->letter)
			buf_printf(&name, "-%c, ", f->letter);
		buf_printf(&name, "--%s", f->name);
		if (f->argument)
			buf_printf(&name, " %s", f->argument);
		buf_printf(out, "  %-34s %s%s\n", buf_str(&name),
			   name.len > 34 ? "\n                                     " : "", f->help);
		buf_fini(&name);
	}
}
