/* A strict JSON reader in one pass over the bytes: a loop that knows whether a value, a key or a separator is due,
 * with the open containers on the builder's stack. */
#include "doc/build.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct scan {
	struct build build;
	const char *p, *end;
	/* Places are asked for in ascending order, so columns are counted on from the last one. */
	const char *placed;
	uint32_t line, column;
	bool failed;
};

static struct place place_at(struct scan *s, const char *at)
{
	for (; s->placed < at; s->placed++) {
		if (*s->placed == '\n') {
			s->line++;
			s->column = 1;
		} else if (((unsigned char)*s->placed & 0xc0) != 0x80) {
			s->column++;
		}
	}
	return (struct place){ .file = s->build.file, .line = s->line, .column = s->column };
}

static bool fail(struct scan *s, const char *at, const char *reason)
{
	if (!s->failed)
		build_error(&s->build, place_at(s, at), "%s", reason);
	s->failed = true;
	return false;
}

static void skip_space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static bool hex4(const char *p, const char *end, uint32_t *ret)
{
	uint32_t v = 0;

	if (end - p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return false;
	}
	*ret = v;
	return true;
}

static char *put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 63));
		*out++ = (char)(0x80 | (c & 63));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 63));
		*out++ = (char)(0x80 | (c >> 6 & 63));
		*out++ = (char)(0x80 | (c & 63));
	}
	return out;
}

/* Behind "\u"; moves past the digits, and past the second escape of a pair. */
static bool read_code_point(struct scan *s, const char *at, uint32_t *ret)
{
	uint32_t c = 0, low;

	if (!hex4(s->p, s->end, &c))
		return fail(s, at, "\\u needs four hexadecimal digits");
	s->p += 4;
	if (c >= 0xd800 && c < 0xdc00) {
		if (s->end - s->p < 6 || s->p[0] != '\\' || s->p[1] != 'u' ||
		    !hex4(s->p + 2, s->end, &low) || low < 0xdc00 || low > 0xdfff)
			return fail(s, at, "half of a surrogate pair");
		s->p += 6;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xdc00 && c < 0xe000) {
		return fail(s, at, "half of a surrogate pair");
	} else if (!c) {
		return fail(s, at, "text contains a NUL");
	}
	*ret = c;
	return true;
}

static bool read_escape(struct scan *s, char **out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = s->p, *known;
	uint32_t c = 0;

	if (s->end - s->p < 2)
		return fail(s, at, "string does not end");
	s->p += 2;
	if (at[1] == 'u') {
		if (!read_code_point(s, at, &c))
			return false;
		*out = put_utf8(*out, c);
		return true;
	}
	known = at[1] ? strchr(from, at[1]) : NULL;
	if (!known)
		return fail(s, at, "unknown escape");
	*(*out)++ = to[known - from];
	return true;
}

/* The length of the string that starts behind a quote, escapes unresolved; what it is at most when resolved. */
static size_t string_span(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && *p != '"')
		p += *p == '\\' && end - p > 1 ? 2 : 1;
	return (size_t)(p - start);
}

/* At a quote. NULL after a failure. */
static const char *read_string(struct scan *s, size_t *ret_len)
{
	const char *open = s->p++;
	char *text = arena_alloc(s->build.arena, string_span(s->p, s->end) + 1), *out = text;

	while (s->p < s->end && *s->p != '"') {
		unsigned n;

		if (*s->p == '\\') {
			if (!read_escape(s, &out))
				return NULL;
			continue;
		}
		if ((unsigned char)*s->p < 0x20) {
			fail(s, s->p, "control character in a string");
			return NULL;
		}
		n = utf8_step(s->p, s->end);
		if (!n) {
			fail(s, s->p, "text is not UTF-8");
			return NULL;
		}
		memcpy(out, s->p, n);
		out += n;
		s->p += n;
	}
	if (s->p == s->end) {
		fail(s, open, "string does not end");
		return NULL;
	}
	s->p++;
	*ret_len = (size_t)(out - text);
	return text;
}

static const char *digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* The end of the number at p, or NULL when it is none. */
static const char *number_end(const char *p, const char *end, bool *ret_is_int)
{
	const char *q;

	*ret_is_int = true;
	if (p < end && *p == '-')
		p++;
	q = digits(p, end);
	if (q == p || (*p == '0' && q > p + 1))
		return NULL;
	p = q;
	if (p < end && *p == '.') {
		*ret_is_int = false;
		q = digits(++p, end);
		if (q == p)
			return NULL;
		p = q;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		*ret_is_int = false;
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		q = digits(p, end);
		if (q == p)
			return NULL;
		p = q;
	}
	return p;
}

static bool fits_int64(const char *s, int64_t *ret)
{
	bool minus = *s == '-';
	int64_t v = 0;

	for (s += minus; *s; s++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, *s - '0', &v))
			return false;
	/* Counted downwards, because there is one more number below zero than above. */
	if (!minus && v == INT64_MIN)
		return false;
	*ret = minus ? v : -v;
	return true;
}

static bool read_number(struct scan *s, struct node *n)
{
	const char *start = s->p;
	bool is_int;
	const char *stop = number_end(start, s->end, &is_int);

	if (!stop)
		return fail(s, start, "invalid number");
	n->text = arena_strndup(s->build.arena, start, (size_t)(stop - start));
	s->p = stop;
	if (is_int && fits_int64(n->text, &n->i)) {
		n->type = NODE_INT;
		return true;
	}
	n->type = NODE_FLOAT;
	n->f = strtod(n->text, NULL);
	if (isinf(n->f))
		return fail(s, start, "number is out of range");
	return true;
}

static bool read_word(struct scan *s, struct node *n)
{
	static const struct {
		const char *text;
		enum node_type type;
		bool b;
	} words[] = { { "null", NODE_NULL, false },
		      { "true", NODE_BOOL, true },
		      { "false", NODE_BOOL, false } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i].text);

		if ((size_t)(s->end - s->p) < len || memcmp(s->p, words[i].text, len) != 0)
			continue;
		n->type = words[i].type;
		if (n->type == NODE_BOOL)
			n->b = words[i].b;
		n->text = words[i].text;
		s->p += len;
		return true;
	}
	return fail(s, s->p, s->p == s->end ? "unexpected end" : "expected a value");
}

static bool read_scalar(struct scan *s)
{
	struct node *n = build_node(&s->build, NODE_NULL, place_at(s, s->p));
	char c = s->p < s->end ? *s->p : 0;

	if (c == '"') {
		size_t len;

		n->type = NODE_STRING;
		n->s = n->text = read_string(s, &len);
		if (!n->s)
			return false;
		n->n = (uint32_t)len;
	} else if (c == '-' || (c >= '0' && c <= '9')) {
		if (!read_number(s, n))
			return false;
	} else if (!read_word(s, n)) {
		return false;
	}
	return build_value(&s->build, (struct built){ .node = n, .n_nodes = 1 });
}

static bool read_key(struct scan *s)
{
	struct place place = place_at(s, s->p);
	const char *key;
	size_t len;

	if (s->p == s->end || *s->p != '"')
		return fail(s, s->p, s->p == s->end ? "unexpected end" : "expected a key");
	key = read_string(s, &len);
	if (!key)
		return false;
	skip_space(s);
	if (s->p == s->end || *s->p != ':')
		return fail(s, s->p, "expected ':' behind a key");
	s->p++;
	build_key(&s->build, key, place, false);
	return true;
}

/* Opens a container or reads a scalar. True in `ret_opened`: its first element or its end comes next. */
static bool read_value(struct scan *s, bool *ret_opened)
{
	char c = s->p < s->end ? *s->p : 0;

	*ret_opened = c == '{' || c == '[';
	if (!*ret_opened)
		return read_scalar(s);
	if (!build_open(&s->build, c == '{' ? NODE_MAP : NODE_SEQ, place_at(s, s->p), NULL))
		return false;
	s->p++;
	return true;
}

static bool at_closer(const struct scan *s)
{
	return s->p < s->end && *s->p == (build_in_map(&s->build) ? '}' : ']');
}

/* Behind a value: closes what ends here and passes the comma, if anything is still open. */
static bool read_closers(struct scan *s, bool opened)
{
	for (;; opened = false) {
		skip_space(s);
		if (!s->build.depth)
			return true;
		if (at_closer(s)) {
			s->p++;
			if (!build_value(&s->build, build_close(&s->build, NULL)))
				return false;
			continue;
		}
		if (opened)
			return true;
		if (s->p == s->end || *s->p != ',')
			return fail(s, s->p,
				    s->p == s->end            ? "unexpected end"
				    : build_in_map(&s->build) ? "expected ',' or '}'"
							      : "expected ',' or ']'");
		s->p++;
		skip_space(s);
		return true;
	}
}

static bool read_all(struct scan *s)
{
	bool opened;

	do {
		skip_space(s);
		if (build_wants_key(&s->build) && !read_key(s))
			return false;
		skip_space(s);
		if (!read_value(s, &opened) || !read_closers(s, opened))
			return false;
	} while (s->build.depth);
	if (s->p < s->end)
		return fail(s, s->p, "something follows the value");
	return true;
}

const struct node *json_read(const char *text, size_t len, const char *file, struct arena *arena,
			     struct diag *diag)
{
	struct scan s = { .p = text, .placed = text, .end = text + len, .line = 1, .column = 1 };
	const struct node *root = NULL;

	if (len > DOC_MAX_BYTES) {
		diag_error(diag, (struct place){ .file = file }, "", "larger than %d MiB",
			   DOC_MAX_BYTES >> 20);
		return NULL;
	}
	build_init(&s.build, file, arena, diag);
	if (read_all(&s) && !s.build.bad)
		root = s.build.root;
	build_fini(&s.build);
	return root;
}
