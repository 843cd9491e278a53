/* What a request says, read with suspicion: targets are decoded strictly, and one that holds a control character, a NUL
 * among them, is refused rather than cut. */
#include "http/request.h"
#include <microhttpd.h>
#include <string.h>
#include <strings.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoding in place; `plus` is a space in queries. */
static bool decode(char *s, bool in_query)
{
	char *out = s;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '%') {
			int high = hex(s[1]), low = high < 0 ? -1 : hex(s[2]);

			if (low < 0)
				return false;
			c = (unsigned char)(high << 4 | low);
			s += 2;
		} else if (c == '+' && in_query) {
			c = ' ';
		}
		if (c < 0x20 || c == 0x7f)
			return false;
		*out++ = (char)c;
	}
	*out = '\0';
	return true;
}

bool exchange_parse_target(struct exchange *x)
{
	char *query = strchr(x->target, '?'), *next;

	if (query)
		*query++ = '\0';
	if (x->target[0] != '/' || !decode(x->target, false))
		return false;
	x->request.path = x->target;
	for (char *p = query; p; p = next) {
		struct parameter *a = &x->parameters[x->n_parameters];
		char *value;

		next = strchr(p, '&');
		if (next)
			*next++ = '\0';
		if (!*p)
			continue;
		if (x->n_parameters == HTTP_PARAMETERS_MAX)
			return false;
		value = strchr(p, '=');
		if (value)
			*value++ = '\0';
		if (!decode(p, true) || (value && !decode(value, true)))
			return false;
		*a = (struct parameter){ p, str_or(value, "") };
		x->n_parameters++;
	}
	return true;
}

const char *http_query(const struct http_request *r, const char *name)
{
	for (uint32_t i = 0; i < r->x->n_parameters; i++)
		if (str_eq(r->x->parameters[i].name, name))
			return r->x->parameters[i].value;
	return NULL;
}

const char *http_header(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->x->connection, MHD_HEADER_KIND, name);
}

/* ---- Accept ---- */

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t");
}

/* How exactly a range of the header names the type: 3 the type, 2 "text/" and a star, 1 two stars, 0 not at all. */
static unsigned specificity(const char *range, size_t len, const char *type)
{
	size_t major = strcspn(type, "/");

	if (len == strlen(type) && !strncasecmp(range, type, len))
		return 3;
	if (len == major + 2 && !strncasecmp(range, type, major) && !memcmp(range + major, "/*", 2))
		return 2;
	return len == 3 && !memcmp(range, "*/*", 3);
}

/* "1", "0.5", "0.333" in thousandths; what is no number counts as 1. */
static uint32_t parse_quality(const char *p)
{
	uint32_t v = 0, scale = 100;

	if (*p != '0')
		return 1000;
	if (*++p != '.')
		return 0;
	for (p++; *p >= '0' && *p <= '9' && scale; p++, scale /= 10)
		v += (uint32_t)(*p - '0') * scale;
	return v;
}

uint32_t accept_quality(const char *accept, const char *type)
{
	unsigned best = 0;
	uint32_t quality = 0;

	for (const char *p = accept; *p; p += *p == ',') {
		const char *range = skip_space(p);
		size_t len = strcspn(range, " \t;,");
		unsigned s = specificity(range, len, type);
		uint32_t q = 1000;

		for (p = range + len; *p && *p != ',';) {
			if (*p++ != ';')
				continue;
			p = skip_space(p);
			if ((*p == 'q' || *p == 'Q') && p[1] == '=')
				q = parse_quality(p + 2);
		}
		if (s > best) {
			best = s;
			quality = q;
		}
	}
	return quality;
}

uint32_t http_accept(const struct http_request *r, const char *type)
{
	const char *accept = http_header(r, MHD_HTTP_HEADER_ACCEPT);

	return str_empty(accept) ? 1000 : accept_quality(accept, type);
}
