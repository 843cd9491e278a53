/* The first byte says what a plain scalar may be at all: only those that begin with a sign, a digit, a dot or a letter
 * of the few words are looked at. Numbers follow Go's strconv with base 0, from which come the prefixes and the octal
 * of a leading zero; what is no number of any kind, is a string. Timestamps are recognised by go-yaml only to be given
 * back as strings, so here they simply are strings. */
#include "doc/scalar.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG_PREFIX "tag:yaml.org,2002:"

static const struct word {
	const char *text;
	enum node_type type;
	double value;
} words[] = {
	{ "", NODE_NULL, 0 },
	{ "~", NODE_NULL, 0 },
	{ "null", NODE_NULL, 0 },
	{ "Null", NODE_NULL, 0 },
	{ "NULL", NODE_NULL, 0 },
	{ "y", NODE_BOOL, 1 },
	{ "Y", NODE_BOOL, 1 },
	{ "yes", NODE_BOOL, 1 },
	{ "Yes", NODE_BOOL, 1 },
	{ "YES", NODE_BOOL, 1 },
	{ "true", NODE_BOOL, 1 },
	{ "True", NODE_BOOL, 1 },
	{ "TRUE", NODE_BOOL, 1 },
	{ "on", NODE_BOOL, 1 },
	{ "On", NODE_BOOL, 1 },
	{ "ON", NODE_BOOL, 1 },
	{ "n", NODE_BOOL, 0 },
	{ "N", NODE_BOOL, 0 },
	{ "no", NODE_BOOL, 0 },
	{ "No", NODE_BOOL, 0 },
	{ "NO", NODE_BOOL, 0 },
	{ "false", NODE_BOOL, 0 },
	{ "False", NODE_BOOL, 0 },
	{ "FALSE", NODE_BOOL, 0 },
	{ "off", NODE_BOOL, 0 },
	{ "Off", NODE_BOOL, 0 },
	{ "OFF", NODE_BOOL, 0 },
	{ ".nan", NODE_FLOAT, NAN },
	{ ".NaN", NODE_FLOAT, NAN },
	{ ".NAN", NODE_FLOAT, NAN },
	{ ".inf", NODE_FLOAT, INFINITY },
	{ ".Inf", NODE_FLOAT, INFINITY },
	{ ".INF", NODE_FLOAT, INFINITY },
	{ "+.inf", NODE_FLOAT, INFINITY },
	{ "+.Inf", NODE_FLOAT, INFINITY },
	{ "+.INF", NODE_FLOAT, INFINITY },
	{ "-.inf", NODE_FLOAT, -INFINITY },
	{ "-.Inf", NODE_FLOAT, -INFINITY },
	{ "-.INF", NODE_FLOAT, -INFINITY },
};

static bool resolve_word(const char *text, size_t n, struct node *ret)
{
	if (n > 5)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i].text, text) != 0)
			continue;
		ret->type = words[i].type;
		if (words[i].type == NODE_BOOL)
			ret->b = words[i].value != 0;
		else if (words[i].type == NODE_FLOAT)
			ret->f = words[i].value;
		return true;
	}
	return false;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* An integer of at most 64 bits, sign apart. */
static bool parse_int(const char *s, struct node *ret)
{
	bool has_sign = *s == '-' || *s == '+', minus = *s == '-';
	uint64_t v = 0, base = 10;

	s += has_sign;
	if (s[0] == '0' && s[1]) {
		char c = s[1] | 0x20;

		base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
		s += c == 'x' || c == 'b' || c == 'o' ? 2 : 1;
	}
	if (!*s)
		return false;
	for (; *s; s++) {
		int d = digit_value(*s);

		if (d >= (int)base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return false;
	}
	if (v <= (uint64_t)INT64_MAX + minus) {
		ret->type = NODE_INT;
		ret->i = minus ? (int64_t)(0 - v) : (int64_t)v;
		return true;
	}
	if (has_sign)
		return false;
	ret->type = NODE_FLOAT;
	ret->f = (double)v;
	return true;
}

/* Sign, digits with a dot in them or not, exponent: nothing else that strtod would take. Out of range is no number. */
static bool parse_float(const char *s, struct node *ret)
{
	const char *p = s + (*s == '-' || *s == '+');
	size_t before = strspn(p, "0123456789"), after = 0;
	double v;

	p += before;
	if (*p == '.') {
		after = strspn(++p, "0123456789");
		p += after;
	}
	if (!before && !after)
		return false;
	if (*p == 'e' || *p == 'E') {
		size_t digits;

		p++;
		p += *p == '-' || *p == '+';
		digits = strspn(p, "0123456789");
		p += digits;
		if (!digits)
			return false;
	}
	if (*p)
		return false;
	v = strtod(s, NULL);
	if (isinf(v))
		return false;
	ret->type = NODE_FLOAT;
	ret->f = v;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A scalar that begins with a dot keeps to Go's stricter rule: underscores only between digits. */
static bool underscores_separate(const char *s)
{
	for (size_t i = 0; s[i]; i++)
		if (s[i] == '_' && (!i || !is_digit(s[i - 1]) || !is_digit(s[i + 1])))
			return false;
	return true;
}

enum { NUMBER_MAX_LEN = 4096 }; /* longer than any text that means a number to anybody */

static bool resolve_number(const char *text, size_t n, struct node *ret)
{
	char plain[NUMBER_MAX_LEN];
	size_t len = 0;
	char c = text[0];

	if (n >= sizeof plain || !(is_digit(c) || c == '-' || c == '+' || c == '.'))
		return false;
	if (c == '.' && !underscores_separate(text))
		return false;
	for (size_t i = 0; i < n; i++)
		if (text[i] != '_')
			plain[len++] = text[i];
	plain[len] = 0;
	return (c != '.' && parse_int(plain, ret)) || parse_float(plain, ret);
}

static bool is_timestamp(const char *s)
{
	size_t n = strspn(s, "0123456789");

	if (n != 4 || s[4] != '-')
		return false;
	s += 5;
	n = strspn(s, "0123456789");
	if (n < 1 || n > 2 || s[n] != '-')
		return false;
	s += n + 1;
	n = strspn(s, "0123456789");
	return n >= 1 && n <= 2 && (!s[n] || strchr("Tt ", s[n]));
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Padded base64 with line breaks anywhere; the result must be text as every other string. */
static bool resolve_binary(const char *text, struct arena *a, struct node *ret,
			   const char **ret_reason)
{
	char *out = arena_alloc(a, strlen(text) / 4 * 3 + 4);
	unsigned n_chars = 0, n_pad = 0;
	uint32_t bits = 0, n = 0;

	for (const char *p = text; *p; p++) {
		int v = base64_value(*p);

		if (*p == '\n' || *p == '\r')
			continue;
		if (*p == '=' && n_chars % 4 >= 2 && n_pad < 2)
			n_pad++;
		else if (v < 0 || n_pad)
			goto bad;
		bits = bits << 6 | (uint32_t)MAX(v, 0);
		if (++n_chars % 4)
			continue;
		out[n++] = (char)(bits >> 16);
		if (n_pad < 2)
			out[n++] = (char)(bits >> 8);
		if (n_pad < 1)
			out[n++] = (char)bits;
		bits = 0;
	}
	if (n_chars % 4)
		goto bad;
	for (const char *p = out; p < out + n;) {
		unsigned step = *p ? utf8_step(p, out + n) : 0;

		if (!step) {
			*ret_reason = "!!binary value is not text";
			return false;
		}
		p += step;
	}
	out[n] = 0;
	ret->type = NODE_STRING;
	ret->s = out;
	ret->n = n;
	return true;
bad:
	*ret_reason = "!!binary value is not base64";
	return false;
}

static void set_string(const char *text, size_t n, struct node *ret)
{
	ret->type = NODE_STRING;
	ret->s = text;
	ret->n = (uint32_t)n;
}

static void resolve_plain(const char *text, size_t n, struct node *ret)
{
	if (!resolve_word(text, n, ret) && !resolve_number(text, n, ret))
		set_string(text, n, ret);
}

/* An integer that is kept as a float because it is beyond int64? */
static bool is_big_int(const char *text, const struct node *n)
{
	bool hex = text[0] == '0' && (text[1] | 0x20) == 'x';

	return n->type == NODE_FLOAT && (hex || !text[strspn(text, "+-_0123456789")]);
}

/* The tags that ask for a type. */
static const struct {
	const char *tag;
	enum node_type type;
	const char *reason;
} typed_tags[] = {
	{ "null", NODE_NULL, "value is not a !!null" },
	{ "bool", NODE_BOOL, "value is not a !!bool" },
	{ "int", NODE_INT, "value is not an !!int" },
	{ "float", NODE_FLOAT, "value is not a !!float" },
};

bool scalar_resolve(const char *text, size_t n, const char *tag, bool quoted, struct arena *a,
		    struct node *ret, const char **ret_reason)
{
	ret->text = text;
	if (!tag && !quoted) {
		resolve_plain(text, n, ret);
		return true;
	}
	if (!tag || !str_starts(tag, TAG_PREFIX)) {
		set_string(text, n, ret); /* tags of others say nothing to us */
		return true;
	}
	tag += strlen(TAG_PREFIX);
	ret->type = NODE_NULL;
	if (!strcmp(tag, "binary"))
		return resolve_binary(text, a, ret, ret_reason);
	if (!strcmp(tag, "timestamp") && !is_timestamp(text)) {
		*ret_reason = "value is not a !!timestamp";
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(typed_tags); i++) {
		if (strcmp(typed_tags[i].tag, tag) != 0)
			continue;
		resolve_plain(text, n, ret);
		if (ret->type == NODE_INT && typed_tags[i].type == NODE_FLOAT) {
			ret->type = NODE_FLOAT;
			ret->f = (double)ret->i;
		}
		if (ret->type == typed_tags[i].type)
			return true;
		if (typed_tags[i].type == NODE_INT && is_big_int(text, ret))
			return true;
		ret->type = NODE_NULL;
		*ret_reason = typed_tags[i].reason;
		return false;
	}
	set_string(text, n, ret);
	return true;
}

/* The shortest digits that give the same single-precision number, with an exponent from a million up: what
 * sigs.k8s.io/yaml makes of keys. */
static const char *float_key(double v, struct arena *a)
{
	float f = (float)v;
	char text[64], *e;
	int digits = 0, exponent;

	if (isnan(f))
		return ".nan";
	if (isinf(f))
		return f < 0 ? "-.inf" : ".inf";
	do
		snprintf(text, sizeof text, "%.*e", digits, (double)f);
	while (strtof(text, NULL) != f && digits++ < 9);
	e = strchr(text, 'e');
	exponent = (int)strtol(e + 1, NULL, 10);
	if (exponent >= -4 && exponent < 6)
		snprintf(text, sizeof text, "%.*f", MAX(digits - exponent, 0), (double)f);
	return arena_strdup(a, text);
}

const char *scalar_key(const struct node *n, struct arena *a)
{
	switch (n->type) {
	case NODE_STRING: return n->s;
	case NODE_BOOL: return n->b ? "true" : "false";
	case NODE_INT: return arena_printf(a, "%lld", (long long)n->i);
	case NODE_FLOAT: return float_key(n->f, a);
	default: return NULL;
	}
}
