/* From names of the API to names of C. A word starts at an upper-case letter behind a lower-case one or a digit, and at
 * the last letter of an acronym that a word follows ("HTTPRoute"); a plural acronym ("clusterIPs") is one word.
 */
#include "schema/gen/gen.h"

#include <ctype.h>
#include <string.h>

static const char *const keywords[] = {
	"auto",     "break",  "case",   "char",     "const",    "continue", "default",  "do",
	"double",   "else",   "enum",   "extern",   "float",    "for",      "goto",     "if",
	"inline",   "int",    "long",   "register", "restrict", "return",   "short",    "signed",
	"sizeof",   "static", "struct", "switch",   "typedef",  "union",    "unsigned", "void",
	"volatile", "while",  "bool",   "true",     "false",    "asm",      "typeof",   "unused",
	"cleanup",  "unix",   "linux",
};

static bool starts_word(const char *s, size_t i)
{
	if (!i || !isupper((unsigned char)s[i]))
		return false;
	if (islower((unsigned char)s[i - 1]) || isdigit((unsigned char)s[i - 1]))
		return true;
	if (!isupper((unsigned char)s[i - 1]) || !islower((unsigned char)s[i + 1]))
		return false;
	return !(s[i + 1] == 's' && !islower((unsigned char)s[i + 2]));
}

const char *gen_name_snake(struct arena *a, const char *s)
{
	char *out = arena_alloc(a, 2 * strlen(s) + 1), *p = out;

	for (size_t i = 0; s[i]; i++) {
		if (starts_word(s, i))
			*p++ = '_';
		*p++ = isalnum((unsigned char)s[i]) ? (char)tolower((unsigned char)s[i]) : '_';
	}
	return out;
}

const char *gen_name_field(struct arena *a, const char *json)
{
	const char *s = gen_name_snake(a, json);

	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (!strcmp(s, keywords[i]))
			return arena_printf(a, "%s_", s);
	return isdigit((unsigned char)s[0]) ? arena_printf(a, "_%s", s) : s;
}

const char *gen_name_upper(struct arena *a, const char *s)
{
	char *out = arena_strdup(a, s);

	for (char *p = out; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return out;
}

const char *gen_name_value(struct arena *a, const char *s)
{
	char *out = arena_strdup(a, *s ? s : "EMPTY");

	for (char *p = out; *p; p++)
		*p = isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_';
	return out;
}

const char *gen_name_path(struct arena *a, const char *path)
{
	char *word = arena_strdup(a, path), *save = NULL;
	const char *out = NULL;

	for (char *p = strtok_r(word, ".[]{}", &save); p; p = strtok_r(NULL, ".[]{}", &save))
		out = out ? arena_printf(a, "%s_%s", out, gen_name_snake(a, p))
			  : gen_name_snake(a, p);
	return out;
}

void gen_strings_add(struct arena *a, struct strings *s, const char *v)
{
	*ARENA_PUSH(a, s->v, s->n, s->cap) = v;
}
