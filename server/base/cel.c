/* A recursive descent over CEL's grammar that keeps of each part only what the checks need: how high its tree is, and
 * whether it is a field or a literal string.
 */
#include "base/cel.h"
#include "base/cel_token.h"
#include "base/regex.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_LEN = 100000,
	MAX_HEIGHT = 32, /* of the tree */
	MAX_NESTED = 33, /* expressions within each other, brackets included */
	MAX_ARGS = 8,
};

struct part {
	unsigned height;
	bool field;              /* x.y: what has() takes */
	struct cel_token string; /* kind CEL_STRING: a literal and nothing else */
};

struct parser {
	struct cel_words words;
	struct cel_token t; /* the next */
	unsigned nested;
	struct err *e;
};

static bool expression(struct parser *p, struct part *ret);

static bool fail(struct parser *p, const char *what)
{
	if (p->t.kind == CEL_BAD)
		return false;
	return err(p->e, "column %zu: %s", (size_t)(p->t.p - p->words.text) + 1, what);
}

static void next(struct parser *p)
{
	p->t = cel_next(&p->words, p->e);
}

static bool take(struct parser *p, int kind)
{
	if (p->t.kind != kind)
		return false;
	next(p);
	return true;
}

static bool need(struct parser *p, int kind)
{
	char what[] = "there is no '?'";

	what[sizeof what - 3] = (char)kind;
	return take(p, kind) || fail(p, what);
}

/* The node is over `below`, among others. */
static bool raise_over(struct parser *p, struct part *node, unsigned below)
{
	node->height = MAX(node->height, below + 1);
	return node->height <= MAX_HEIGHT || fail(p, "the expression is too deep");
}

/* ---- calls ---- */

#define N(n) (1u << (n))
static const struct {
	const char *name;
	unsigned free, method; /* how many arguments it may have: a set */
} functions[] = {
	{ "has", N(1), 0 },
	{ "size", N(1), N(0) },
	{ "matches", N(2), N(1) },
	{ "startsWith", N(2), N(1) },
	{ "endsWith", N(2), N(1) },
	{ "contains", N(2), N(1) },
	{ "duration", N(1), 0 },
	{ "timestamp", N(1), 0 },
	{ "type", N(1), 0 },
	{ "int", N(1), 0 },
	{ "uint", N(1), 0 },
	{ "double", N(1), 0 },
	{ "bytes", N(1), 0 },
	{ "dyn", N(1), 0 },
	{ "bool", N(1), 0 },
	{ "getFullYear", 0, N(0) | N(1) },
	{ "getMonth", 0, N(0) | N(1) },
	{ "getDayOfYear", 0, N(0) | N(1) },
	{ "getDayOfMonth", 0, N(0) | N(1) },
	{ "getDate", 0, N(0) | N(1) },
	{ "getDayOfWeek", 0, N(0) | N(1) },
	{ "getHours", 0, N(0) | N(1) },
	{ "getMinutes", 0, N(0) | N(1) },
	{ "getSeconds", 0, N(0) | N(1) },
	{ "getMilliseconds", 0, N(0) | N(1) },
};

static bool function_check(struct parser *p, const struct cel_token *name, bool method, unsigned n)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		if (cel_name_is(name, functions[i].name) &&
		    (method ? functions[i].method : functions[i].free) & N(n))
			return true;
	return err(p->e, "column %zu: Envoy knows no %s %.*s of %u arguments",
		   (size_t)(name->p - p->words.text) + 1, method ? "method" : "function",
		   (int)MIN(name->n, (size_t)64), name->p, n);
}

/* Envoy compiles a literal pattern when it reads its configuration. */
static bool pattern_check(struct parser *p, const struct part *pattern)
{
	cleanup(buf_fini) struct buf b = BUF_INIT;

	if (pattern->string.kind != CEL_STRING)
		return true;
	cel_string(&pattern->string, &b);
	return regex_check(buf_str(&b), p->e) || err_wrap(p->e, "matches");
}

/* Behind the name, at the opening bracket. */
static bool call(struct parser *p, const struct cel_token *name, bool method, struct part *ret)
{
	struct part args[MAX_ARGS] = { 0 };
	unsigned n = 0;

	next(p);
	while (p->t.kind != ')') {
		if (n == MAX_ARGS)
			return fail(p, "too many arguments");
		if ((n && !need(p, ',')) || !expression(p, &args[n]) ||
		    !raise_over(p, ret, args[n].height))
			return false;
		n++;
	}
	next(p);
	if (!function_check(p, name, method, n))
		return false;
	if (cel_name_is(name, "has") && !args[0].field)
		return err(p->e, "has() of something that is no field");
	if (cel_name_is(name, "matches"))
		return pattern_check(p, &args[method ? 0 : 1]);
	return true;
}

/* ---- primaries ---- */

static bool reserved(const struct cel_token *t)
{
	static const char *const words[] = {
		"as",       "break",  "const",  "continue", "else",  "for",
		"function", "if",     "import", "let",      "loop",  "namespace",
		"package",  "return", "var",    "void",     "while",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (cel_name_is(t, words[i]))
			return true;
	return false;
}

static bool number_check(struct parser *p, bool negative)
{
	char text[32] = "";
	bool hex = p->t.n > 2 && p->t.p[1] == 'x';
	unsigned long long v;

	if (p->t.kind == CEL_FLOAT)
		return true;
	if (p->t.n >= sizeof text)
		return fail(p, "the number is too large");
	memcpy(text, p->t.p, p->t.n);
	errno = 0;
	v = strtoull(text, NULL, hex ? 16 : 10);
	if (errno || (p->t.kind == CEL_INT && v > (unsigned long long)INT64_MAX + negative))
		return fail(p, "the number is too large");
	return true;
}

static bool global(struct parser *p, bool rooted, struct part *ret)
{
	struct cel_token name = p->t;

	if (name.kind != CEL_NAME)
		return fail(p, "there is no expression");
	if (reserved(&name))
		return fail(p, "a reserved word");
	next(p);
	if (p->t.kind != '(')
		return true;
	/* A macro has no dot in front. */
	if (rooted && cel_name_is(&name, "has"))
		return fail(p, "has() is a macro");
	return call(p, &name, false, ret);
}

/* Elements, or pairs of key and value, behind the opening bracket; a comma may be the last or the only thing. */
static bool elements(struct parser *p, int close, bool pairs, struct part *ret)
{
	if (take(p, ','))
		return need(p, close);
	while (p->t.kind != close) {
		struct part key = { 0 };
		struct part value = { 0 };

		if (!expression(p, &key) || !raise_over(p, ret, key.height))
			return false;
		if (pairs &&
		    (!need(p, ':') || !expression(p, &value) || !raise_over(p, ret, value.height)))
			return false;
		if (!take(p, ','))
			break;
	}
	return need(p, close);
}

static bool primary(struct parser *p, struct part *ret)
{
	struct cel_token t = p->t;
	bool negative = t.kind == '-';

	*ret = (struct part){ .height = 1 };
	if (negative) {
		next(p);
		if (p->t.kind != CEL_INT && p->t.kind != CEL_FLOAT)
			return fail(p, "there is no number");
		t = p->t;
	}
	switch (t.kind) {
	case CEL_INT:
	case CEL_UINT:
	case CEL_FLOAT:
		if (!number_check(p, negative))
			return false;
		break;
	case CEL_STRING: ret->string = t; break;
	case CEL_BYTES:
	case CEL_CONSTANT: break;
	case '(': next(p); return expression(p, ret) && need(p, ')');
	case '[':
	case '{': next(p); return elements(p, t.kind == '[' ? ']' : '}', t.kind == '{', ret);
	case '.': next(p); return global(p, true, ret);
	default: return global(p, false, ret);
	}
	next(p);
	return true;
}

static bool after_dot(struct parser *p, struct part *ret)
{
	struct cel_token name = p->t;

	if (name.kind != CEL_NAME && name.kind != CEL_QUOTED_NAME)
		return fail(p, "there is no name");
	next(p);
	if (name.kind == CEL_NAME && p->t.kind == '(')
		return call(p, &name, true, ret);
	ret->field = true;
	return true;
}

static bool member(struct parser *p, struct part *ret)
{
	if (!primary(p, ret))
		return false;
	while (p->t.kind == '.' || p->t.kind == '[') {
		struct part outer = { 0 };
		struct part index = { 0 };
		bool dot = p->t.kind == '.';

		if (!raise_over(p, &outer, ret->height))
			return false;
		next(p);
		if (dot ? !after_dot(p, &outer)
			: (!expression(p, &index) || !raise_over(p, &outer, index.height) ||
			   !need(p, ']')))
			return false;
		*ret = outer;
	}
	return p->t.kind != '{' || fail(p, "a message cannot be made here");
}

/* ---- operators ---- */

/* Whether the word behind a minus is a number, which then has the sign. */
static bool number_follows(const struct parser *p)
{
	struct cel_words ahead = p->words;
	int kind = cel_next(&ahead, NULL).kind;

	return kind == CEL_INT || kind == CEL_FLOAT;
}

static bool unary(struct parser *p, struct part *ret)
{
	int sign = p->t.kind;
	struct part node = { 0 };
	bool twice = true; /* two of them are none */

	if (sign != '!' && (sign != '-' || number_follows(p)))
		return member(p, ret);
	for (; p->t.kind == sign && (sign == '!' || !number_follows(p)); twice = !twice)
		next(p);
	if (!member(p, ret) || !raise_over(p, &node, ret->height))
		return false;
	if (twice)
		ret->height = node.height;
	else
		*ret = node;
	return true;
}

enum { LEVELS = 5, MAX_OPERATORS = 7 };
/* The weakest first. */
static const struct {
	bool flat; /* one node over all operands, and not a chain that leans to the left */
	int operators[MAX_OPERATORS + 1];
} levels[LEVELS] = {
	{ true, { CEL_OR } },
	{ true, { CEL_AND } },
	{ false, { CEL_EQ, CEL_NE, '<', '>', CEL_LE, CEL_GE, CEL_IN } },
	{ false, { '+', '-' } },
	{ false, { '*', '/', '%' } },
};

static bool operator_of(const struct parser *p, int level)
{
	for (const int *o = levels[level].operators; *o; o++)
		if (*o == p->t.kind)
			return true;
	return false;
}

static bool operands(struct parser *p, int level, struct part *ret)
{
	struct part left = { 0 };

	if (level == LEVELS)
		return unary(p, ret);
	if (!operands(p, level + 1, &left))
		return false;
	for (bool first = true; operator_of(p, level); first = false) {
		bool joins = levels[level].flat && !first;
		struct part right = { 0 };
		struct part node = joins ? left : (struct part){ 0 };

		next(p);
		if (!operands(p, level + 1, &right) || !raise_over(p, &node, right.height) ||
		    (!joins && !raise_over(p, &node, left.height)))
			return false;
		left = node;
	}
	*ret = left;
	return true;
}

static bool expression(struct parser *p, struct part *ret)
{
	struct part node = { 0 };
	struct part then = { 0 };
	struct part other = { 0 };

	if (++p->nested > MAX_NESTED)
		return fail(p, "the expression is too deep");
	if (!operands(p, 0, ret))
		return false;
	if (take(p, '?')) {
		if (!operands(p, 0, &then) || !need(p, ':') || !expression(p, &other) ||
		    !raise_over(p, &node, MAX(ret->height, MAX(then.height, other.height))))
			return false;
		*ret = node;
	}
	p->nested--;
	return true;
}

bool cel_check(const char *text, struct err *e)
{
	struct parser p = { .words = { text, text }, .e = e };
	struct part all = { 0 };

	if (strlen(text) > MAX_LEN)
		return err(e, "the expression is too long");
	next(&p);
	if (!expression(&p, &all))
		return false;
	return p.t.kind == CEL_END || fail(&p, "there is something behind the expression");
}
