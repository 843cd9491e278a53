/* JSON and YAML text from calls or from a tree. Strings are written so that any reader takes them: bytes that are not
 * UTF-8 become U+FFFD. Numbers that came from text keep it where it is JSON's own notation. */
#include "doc/write.h"
#include "doc/node.h"
#include "doc/scalar.h"
#include <assert.h>
#include <math.h>
#include <string.h>

void json_init(struct json *j, struct buf *out, bool pretty)
{
	*j = (struct json){ .out = out, .pretty = pretty, .first = true };
}

static void new_line(struct json *j)
{
	if (!j->pretty)
		return;
	buf_putc(j->out, '\n');
	for (unsigned i = 0; i < j->depth; i++)
		buf_puts(j->out, "  ");
}

static void separate(struct json *j)
{
	if (!j->first)
		buf_putc(j->out, ',');
	j->first = false;
	new_line(j);
}

static void before_value(struct json *j)
{
	if (!j->depth)
		return;
	if (j->is_map[j->depth - 1]) {
		assert(j->after_key);
		j->after_key = false;
		return;
	}
	separate(j);
}

static void open(struct json *j, bool is_map)
{
	before_value(j);
	assert(j->depth < JSON_MAX_DEPTH);
	buf_putc(j->out, is_map ? '{' : '[');
	j->is_map[j->depth++] = is_map;
	j->first = true;
}

static void shut(struct json *j, bool is_map)
{
	assert(j->depth && j->is_map[j->depth - 1] == is_map && !j->after_key);
	j->depth--;
	if (!j->first)
		new_line(j);
	j->first = false;
	buf_putc(j->out, is_map ? '}' : ']');
}

void json_map(struct json *j)
{
	open(j, true);
}

void json_map_end(struct json *j)
{
	shut(j, true);
}

void json_seq(struct json *j)
{
	open(j, false);
}

void json_seq_end(struct json *j)
{
	shut(j, false);
}

static void put_escape(struct buf *out, unsigned char c)
{
	static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
	const char *known = strchr(from, c);

	if (known && c)
		buf_printf(out, "\\%c", to[known - from]);
	else
		buf_printf(out, "\\u%04x", c);
}

static void put_quoted(struct buf *out, const char *s, size_t len)
{
	const char *end = s + len, *run = s;

	buf_putc(out, '"');
	while (s < end) {
		unsigned char c = (unsigned char)*s;
		unsigned n = utf8_step(s, end);

		if (n && c >= 0x20 && c != '"' && c != '\\') {
			s += n;
			continue;
		}
		buf_append(out, run, (size_t)(s - run));
		if (n)
			put_escape(out, c);
		else
			buf_puts(out, "\xef\xbf\xbd");
		run = ++s;
	}
	buf_append(out, run, (size_t)(s - run));
	buf_putc(out, '"');
}

void json_key(struct json *j, const char *key)
{
	assert(j->depth && j->is_map[j->depth - 1] && !j->after_key);
	separate(j);
	put_quoted(j->out, key, strlen(key));
	buf_puts(j->out, j->pretty ? ": " : ":");
	j->after_key = true;
}

void json_str(struct json *j, const char *s)
{
	if (s)
		json_strn(j, s, strlen(s));
	else
		json_null(j);
}

void json_strn(struct json *j, const char *s, size_t n)
{
	before_value(j);
	put_quoted(j->out, s, n);
}

void json_int(struct json *j, int64_t v)
{
	before_value(j);
	buf_printf(j->out, "%lld", (long long)v);
}

void json_uint(struct json *j, uint64_t v)
{
	before_value(j);
	buf_printf(j->out, "%llu", (unsigned long long)v);
}

void json_double(struct json *j, double v)
{
	before_value(j);
	/* JSON has no word for these; the strings are those of the JSON form of protobuf. */
	if (isnan(v))
		buf_puts(j->out, "\"NaN\"");
	else if (isinf(v))
		buf_puts(j->out, v < 0 ? "\"-Infinity\"" : "\"Infinity\"");
	else
		buf_double(j->out, v);
}

void json_bool(struct json *j, bool v)
{
	before_value(j);
	buf_puts(j->out, v ? "true" : "false");
}

void json_null(struct json *j)
{
	before_value(j);
	buf_puts(j->out, "null");
}

void json_raw(struct json *j, const char *text, size_t n)
{
	before_value(j);
	buf_append(j->out, text, n);
}

static size_t span(const char *s)
{
	return strspn(s, "0123456789");
}

/* Is the text a number as JSON writes it? */
static bool is_json_number(const char *s)
{
	size_t n;

	s += *s == '-';
	n = span(s);
	if (!n || (*s == '0' && n > 1))
		return false;
	s += n;
	if (*s == '.') {
		n = span(++s);
		if (!n)
			return false;
		s += n;
	}
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		n = span(s);
		if (!n)
			return false;
		s += n;
	}
	return !*s;
}

static void put_float(struct json *j, const struct node *n)
{
	if (n->text && isfinite(n->f) && is_json_number(n->text))
		json_raw(j, n->text, strlen(n->text));
	else
		json_double(j, n->f);
}

/* Recursion is bounded: trees are not deeper than DOC_MAX_DEPTH, and `open` asserts. */
void json_node(struct json *j, const struct node *n)
{
	switch (n->type) {
	case NODE_NULL: json_null(j); break;
	case NODE_BOOL: json_bool(j, n->b); break;
	case NODE_INT: json_int(j, n->i); break;
	case NODE_FLOAT: put_float(j, n); break;
	case NODE_STRING: json_strn(j, n->s, n->n); break;
	case NODE_SEQ:
		json_seq(j);
		for (uint32_t i = 0; i < n->n; i++)
			json_node(j, n->seq[i]);
		json_seq_end(j);
		break;
	case NODE_MAP:
		json_map(j);
		for (uint32_t i = 0; i < n->n; i++) {
			json_key(j, n->map[i].key);
			json_node(j, n->map[i].value);
		}
		json_map_end(j);
		break;
	}
}

void json_kv_str(struct json *j, const char *key, const char *v)
{
	json_key(j, key);
	json_str(j, v);
}

void json_kv_int(struct json *j, const char *key, int64_t v)
{
	json_key(j, key);
	json_int(j, v);
}

void json_kv_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

/* Longer keys go behind "?": libyaml looks for the colon of others within 1024 characters, and a byte may be written
 * as an escape of six. */
enum { YAML_SIMPLE_KEY = 160 };

/* Characters that a plain scalar may have anywhere but first; the rest is quoted, needed or not. */
static bool is_plain(const char *s, size_t n)
{
	struct node is = { 0 };
	const char *reason;

	if (!n || !((s[0] | 0x20) >= 'a' && (s[0] | 0x20) <= 'z') || s[n - 1] == ' ' ||
	    s[n - 1] == ':')
		return false;
	for (size_t i = 0; i < n; i++) {
		bool alnum = ((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z') ||
			     (s[i] >= '0' && s[i] <= '9');

		if (!alnum && !strchr("_./-:@+=%,() ", s[i]))
			return false;
		if (s[i] == ':' && s[i + 1] == ' ')
			return false;
	}
	return scalar_resolve(s, n, NULL, false, NULL, &is, &reason) && is.type == NODE_STRING;
}

/* What libyaml refuses to see raw: C1 controls, separators of lines, the byte order mark and its mirror. */
static bool is_refused(const char *s, unsigned n)
{
	const unsigned char *p = (const unsigned char *)s;

	if (n == 1)
		return p[0] < 0x20 || p[0] == 0x7f;
	if (n == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	return n == 3 &&
	       (!memcmp(p, "\xe2\x80\xa8", 3) || !memcmp(p, "\xe2\x80\xa9", 3) ||
		!memcmp(p, "\xef\xbb\xbf", 3) || (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe));
}

static unsigned code_point(const char *s, unsigned n)
{
	const unsigned char *p = (const unsigned char *)s;

	if (n == 1)
		return p[0];
	if (n == 2)
		return (p[0] & 31u) << 6 | (p[1] & 63u);
	return (p[0] & 15u) << 12 | (p[1] & 63u) << 6 | (p[2] & 63u);
}

static void put_yaml_string(struct buf *out, const char *s, size_t len)
{
	const char *end = s + len;

	if (is_plain(s, len)) {
		buf_append(out, s, len);
		return;
	}
	buf_putc(out, '"');
	while (s < end) {
		unsigned n = utf8_step(s, end);

		if (!n)
			buf_puts(out, "\xef\xbf\xbd");
		else if (*s == '"' || *s == '\\' || (n == 1 && is_refused(s, n)))
			put_escape(out, (unsigned char)*s);
		else if (is_refused(s, n))
			buf_printf(out, "\\u%04x", code_point(s, n));
		else
			buf_append(out, s, n);
		s += n ? n : 1;
	}
	buf_putc(out, '"');
}

static void put_yaml_float(struct buf *out, const struct node *n)
{
	if (isnan(n->f))
		buf_puts(out, ".nan");
	else if (isinf(n->f))
		buf_puts(out, n->f < 0 ? "-.inf" : ".inf");
	else if (n->text && is_json_number(n->text))
		buf_puts(out, n->text);
	else
		buf_double(out, n->f);
}

static void put_indent(struct buf *out, unsigned indent)
{
	for (unsigned i = 0; i < indent; i++)
		buf_puts(out, "  ");
}

static bool is_block(const struct node *n)
{
	return (n->type == NODE_SEQ || n->type == NODE_MAP) && n->n;
}

/* Lines of text as a literal block, which people can read; only where nothing in them could be taken amiss. */
static bool is_literal(const struct node *n)
{
	const char *end = n->s + n->n;

	if (n->n < 2 || !memchr(n->s, '\n', n->n) || *n->s == ' ' || *n->s == '\n')
		return false;
	if (end[-1] == '\n' && end[-2] == '\n')
		return false;
	for (const char *p = n->s; p < end; p++)
		if ((unsigned char)*p >= 0x7f || ((unsigned char)*p < 0x20 && *p != '\n') ||
		    (*p == ' ' && (p + 1 == end || p[1] == '\n')))
			return false;
	return true;
}

static void put_literal(struct buf *out, const struct node *n, unsigned indent)
{
	const char *p = n->s, *end = n->s + n->n;

	buf_puts(out, end[-1] == '\n' ? "|" : "|-");
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		if (!stop)
			stop = end;
		buf_putc(out, '\n');
		if (stop > p)
			put_indent(out, indent);
		buf_append(out, p, (size_t)(stop - p));
		p = stop + 1;
	}
}

static void put_yaml_scalar(struct buf *out, const struct node *n, unsigned indent)
{
	switch (n->type) {
	case NODE_NULL: buf_puts(out, "null"); break;
	case NODE_BOOL: buf_puts(out, n->b ? "true" : "false"); break;
	case NODE_INT: buf_printf(out, "%lld", (long long)n->i); break;
	case NODE_FLOAT: put_yaml_float(out, n); break;
	case NODE_STRING:
		if (is_literal(n))
			put_literal(out, n, indent);
		else
			put_yaml_string(out, n->s, n->n);
		break;
	case NODE_SEQ: buf_puts(out, "[]"); break;
	case NODE_MAP: buf_puts(out, "{}"); break;
	}
}

static void put_yaml_block(struct buf *out, const struct node *n, unsigned indent,
			   bool inline_first);

/* What stands behind "key:" or "-". */
static void put_yaml_value(struct buf *out, const struct node *n, unsigned indent, bool in_seq)
{
	if (!is_block(n)) {
		buf_putc(out, ' ');
		put_yaml_scalar(out, n, indent);
		buf_putc(out, '\n');
	} else if (in_seq) {
		buf_putc(out, ' ');
		put_yaml_block(out, n, indent, true);
	} else {
		buf_putc(out, '\n');
		put_yaml_block(out, n, indent, false);
	}
}

static void put_yaml_block(struct buf *out, const struct node *n, unsigned indent,
			   bool inline_first)
{
	for (uint32_t i = 0; i < n->n; i++) {
		if (i || !inline_first)
			put_indent(out, indent);
		if (n->type == NODE_SEQ) {
			buf_putc(out, '-');
			put_yaml_value(out, n->seq[i], indent + 1, true);
		} else {
			size_t len = strlen(n->map[i].key);

			if (len > YAML_SIMPLE_KEY)
				buf_puts(out, "? ");
			put_yaml_string(out, n->map[i].key, len);
			if (len > YAML_SIMPLE_KEY) {
				buf_putc(out, '\n');
				put_indent(out, indent);
			}
			buf_putc(out, ':');
			put_yaml_value(out, n->map[i].value, indent + 1, false);
		}
	}
}

void yaml_node(struct buf *out, const struct node *n)
{
	if (is_block(n)) {
		put_yaml_block(out, n, 0, false);
		return;
	}
	put_yaml_scalar(out, n, 1);
	buf_putc(out, '\n');
}
