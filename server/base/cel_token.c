/* Takes a CEL expression apart into words; the longest word wins, as in CEL's own grammar. */
#include "base/cel_token.h"
#include <ctype.h>
#include <string.h>

static struct cel_token bad(const struct cel_words *w, const char *at, struct err *e,
			    const char *what)
{
	(void)err(e, "column %zu: %s", (size_t)(at - w->text) + 1, what);
	return (struct cel_token){ CEL_BAD, at, 0, false };
}

static void skip_space(struct cel_words *w)
{
	for (;;) {
		w->at += strspn(w->at, " \t\r\n\f");
		if (strncmp(w->at, "//", 2) != 0)
			return;
		w->at += strcspn(w->at, "\n");
	}
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static size_t digits(const char *p)
{
	return strspn(p, "0123456789");
}

/* ---- strings ---- */

static const struct {
	char name;
	uint8_t digits, base; /* 0: one character */
	char value;
} escapes[] = {
	{ 'a', 0, 0, '\a' }, { 'b', 0, 0, '\b' }, { 'f', 0, 0, '\f' },  { 'n', 0, 0, '\n' },
	{ 'r', 0, 0, '\r' }, { 't', 0, 0, '\t' }, { 'v', 0, 0, '\v' },  { '\\', 0, 0, '\\' },
	{ '?', 0, 0, '?' },  { '"', 0, 0, '"' },  { '\'', 0, 0, '\'' }, { '`', 0, 0, '`' },
	{ 'x', 2, 16, 0 },   { 'X', 2, 16, 0 },   { 'u', 4, 16, 0 },    { 'U', 8, 16, 0 },
	{ '0', 3, 8, 0 },    { '1', 3, 8, 0 },    { '2', 3, 8, 0 },     { '3', 3, 8, 0 },
};

/* The length of the escape at the backslash p, 0: none. */
static size_t escape(const char *p, uint32_t *ret_value)
{
	for (size_t i = 0; i < ARRAY_LEN(escapes); i++) {
		size_t from = escapes[i].base == 8 ? 1 : 2;
		uint32_t v = 0;

		if (p[1] != escapes[i].name)
			continue;
		if (!escapes[i].base) {
			*ret_value = (unsigned char)escapes[i].value;
			return 2;
		}
		for (size_t k = from; k < from + escapes[i].digits; k++) {
			const char *hex = "0123456789abcdef";
			const char *d = p[k] ? strchr(hex, tolower((unsigned char)p[k])) : NULL;

			if (!d || d - hex >= escapes[i].base)
				return 0;
			v = v * escapes[i].base + (uint32_t)(d - hex);
		}
		*ret_value = v;
		return from + escapes[i].digits;
	}
	return 0;
}

static const char *escape_fault(const char *p, bool bytes, uint32_t v)
{
	if (p[1] != 'u' && p[1] != 'U')
		return NULL;
	if (bytes)
		return "an escape of Unicode in bytes";
	if (v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return "no character of Unicode";
	return NULL;
}

/* At the first quote, behind the prefix. */
static struct cel_token string(struct cel_words *w, bool raw, bool bytes, struct err *e)
{
	const char *open = w->at;
	bool triple = open[1] == *open && open[2] == *open;
	const char *from = open + (triple ? 3 : 1), *p = from;
	struct cel_token t = { bytes ? CEL_BYTES : CEL_STRING, from, 0, raw };
	uint32_t v = 0;

	while (*p) {
		if (*p == *open && (!triple || (p[1] == *open && p[2] == *open)))
			break;
		if (!triple && (*p == '\n' || *p == '\r'))
			return bad(w, open, e, "the string is not closed on its line");
		if (*p == '\\' && !raw) {
			size_t n = escape(p, &v);
			const char *fault = n ? escape_fault(p, bytes, v) : "an unknown escape";

			if (fault)
				return bad(w, p, e, fault);
			p += n;
			continue;
		}
		p++;
	}
	if (!*p)
		return bad(w, open, e, "the string is not closed");
	if (raw && p > from && p[-1] == '\\')
		return bad(w, open, e, "a raw string ends in a backslash");
	t.n = (size_t)(p - from);
	w->at = p + (triple ? 3 : 1);
	return t;
}

static void put_utf8(struct buf *b, uint32_t v)
{
	static const uint8_t lead[] = { 0, 0xc0, 0xe0, 0xf0 };
	int more = v < 0x80 ? 0 : v < 0x800 ? 1 : v < 0x10000 ? 2 : 3;

	if (!v) {
		buf_puts(b, "\\x00");
		return;
	}
	buf_putc(b, (char)(lead[more] | v >> (6 * more)));
	while (more--)
		buf_putc(b, (char)(0x80 | (v >> (6 * more) & 0x3f)));
}

void cel_string(const struct cel_token *t, struct buf *ret)
{
	for (size_t i = 0; i < t->n;) {
		uint32_t v = 0;

		if (t->p[i] == '\\' && !t->raw) {
			i += escape(t->p + i, &v);
			put_utf8(ret, v);
			continue;
		}
		buf_putc(ret, t->p[i++]);
	}
}

/* ---- numbers and names ---- */

static struct cel_token number(struct cel_words *w)
{
	const char *p = w->at;
	struct cel_token t = { CEL_INT, p, 0, false };
	size_t hex = p[0] == '0' && p[1] == 'x' ? strspn(p + 2, "0123456789abcdefABCDEF") : 0;

	if (hex) {
		p += 2 + hex;
	} else {
		p += digits(p);
		if (*p == '.' && digits(p + 1)) {
			p += 1 + digits(p + 1);
			t.kind = CEL_FLOAT;
		}
		if (*p == 'e' || *p == 'E') {
			size_t sign = p[1] == '+' || p[1] == '-';
			size_t n = digits(p + 1 + sign);

			if (n) {
				p += 1 + sign + n;
				t.kind = CEL_FLOAT;
			}
		}
	}
	t.n = (size_t)(p - w->at);
	if (t.kind == CEL_INT && (*p == 'u' || *p == 'U')) {
		t.kind = CEL_UINT;
		p++;
	}
	w->at = p;
	return t;
}

bool cel_name_is(const struct cel_token *t, const char *name)
{
	return strlen(name) == t->n && memcmp(name, t->p, t->n) == 0;
}

static struct cel_token name(struct cel_words *w, struct err *e)
{
	static const struct {
		const char *word;
		enum cel_kind kind;
	} words[] = {
		{ "in", CEL_IN },
		{ "true", CEL_CONSTANT },
		{ "false", CEL_CONSTANT },
		{ "null", CEL_CONSTANT },
	};
	/* The letters in front of a quote: in either case. */
	static const struct {
		const char *letters;
		bool raw, bytes;
	} prefixes[] = { { "r", true, false }, { "b", false, true }, { "br", true, true } };
	struct cel_token t = { CEL_NAME, w->at, 0, false };

	while (is_name(t.p[t.n]))
		t.n++;
	w->at += t.n;
	for (size_t i = 0; (*w->at == '"' || *w->at == '\'') && i < ARRAY_LEN(prefixes); i++)
		if (strlen(prefixes[i].letters) == t.n &&
		    strncasecmp(prefixes[i].letters, t.p, t.n) == 0)
			return string(w, prefixes[i].raw, prefixes[i].bytes, e);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (cel_name_is(&t, words[i].word))
			t.kind = words[i].kind;
	return t;
}

static struct cel_token quoted_name(struct cel_words *w, struct err *e)
{
	const char *p = w->at + 1;
	struct cel_token t = { CEL_QUOTED_NAME, p, 0, false };

	while (is_name(p[t.n]) || (p[t.n] && strchr(".-/ ", p[t.n])))
		t.n++;
	if (!t.n || p[t.n] != '`')
		return bad(w, w->at, e, "the name in backquotes is not closed");
	w->at = p + t.n + 1;
	return t;
}

struct cel_token cel_next(struct cel_words *w, struct err *e)
{
	static const struct {
		char text[3];
		enum cel_kind kind;
	} pairs[] = {
		{ "||", CEL_OR }, { "&&", CEL_AND }, { "==", CEL_EQ },
		{ "!=", CEL_NE }, { "<=", CEL_LE },  { ">=", CEL_GE },
	};
	struct cel_token t;

	skip_space(w);
	t = (struct cel_token){ CEL_END, w->at, 0, false };
	if (!*w->at)
		return t;
	if (*w->at == '"' || *w->at == '\'')
		return string(w, false, false, e);
	if (*w->at == '`')
		return quoted_name(w, e);
	if (digits(w->at) || (*w->at == '.' && digits(w->at + 1)))
		return number(w);
	if (is_name(*w->at))
		return name(w, e);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (strncmp(w->at, pairs[i].text, 2) == 0) {
			t.kind = pairs[i].kind;
			w->at += 2;
			return t;
		}
	if (!strchr("?:.,()[]{}<>!+-*/%", *w->at))
		return bad(w, w->at, e, "an unknown character");
	t.kind = *w->at++;
	return t;
}
