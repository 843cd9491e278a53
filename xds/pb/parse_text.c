/* The messages that JSON writes as one string: durations, points in time, masks of fields. */
#include "doc/node.h"
#include "pb/field.h"
#include "pb/parse.h"
#include <string.h>

/* Up to `max` digits. */
static bool read_digits(const char **at, unsigned min, unsigned max, int64_t *ret)
{
	int64_t v = 0;
	unsigned n = 0;

	for (; n < max && **at >= '0' && **at <= '9'; n++)
		v = v * 10 + *(*at)++ - '0';
	*ret = v;
	return n >= min;
}

/* Nothing, or a point and up to nine digits. */
static bool read_fraction(const char **at, int32_t *ret_nanos)
{
	int64_t v;
	const char *start;

	*ret_nanos = 0;
	if (**at != '.')
		return true;
	start = ++*at;
	if (!read_digits(at, 1, 9, &v))
		return false;
	for (ptrdiff_t n = *at - start; n < 9; n++)
		v *= 10;
	*ret_nanos = (int32_t)v;
	return true;
}

enum { DURATION_DIGITS = 12 };
static const int64_t duration_max_s = 315576000000; /* 10,000 years, the limit of the message */

ProtobufCMessage *parse_duration(struct parser *p, const ProtobufCMessageDescriptor *d,
				 const struct node *n)
{
	Google__Duration *dur = PB_NEW(p->arena, Google__Duration);
	const char *at = n->type == NODE_STRING ? n->s : "";
	bool negative = *at == '-';

	at += negative;
	if (!read_digits(&at, 1, DURATION_DIGITS, &dur->seconds) ||
	    !read_fraction(&at, &dur->nanos) || !str_eq(at, "s")) {
		parse_error(p, n, "expected a duration in seconds such as \"1.5s\"");
		return NULL;
	}
	if (dur->seconds > duration_max_s) {
		parse_error(p, n, "duration out of range");
		return NULL;
	}
	if (negative) {
		dur->seconds = -dur->seconds;
		dur->nanos = -dur->nanos;
	}
	return &dur->base;
}

/* A date of the Gregorian calendar to days since 1970, counted in eras of 400 years that begin in March. */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool is_date(int64_t y, int64_t m, int64_t d)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = y % 4 == 0 && (y % 100 || y % 400 == 0);

	return y >= 1 && m >= 1 && m <= 12 && d >= 1 && d <= days[m - 1] + (m == 2 && is_leap);
}

static bool skip(const char **at, char c)
{
	if (**at != c)
		return false;
	++*at;
	return true;
}

/* "Z", "+01:30" or "-08:00", as seconds east. */
static bool read_zone(const char **at, int64_t *ret_s)
{
	bool west = **at == '-';
	int64_t h, m;

	*ret_s = 0;
	if (skip(at, 'Z'))
		return true;
	if (!skip(at, '+') && !skip(at, '-'))
		return false;
	if (!read_digits(at, 2, 2, &h) || !skip(at, ':') || !read_digits(at, 2, 2, &m) || h > 23 ||
	    m > 59)
		return false;
	*ret_s = (h * 3600 + m * 60) * (west ? -1 : 1);
	return true;
}

ProtobufCMessage *parse_timestamp(struct parser *p, const ProtobufCMessageDescriptor *desc,
				  const struct node *n)
{
	Google__Timestamp *t = PB_NEW(p->arena, Google__Timestamp);
	const char *at = n->type == NODE_STRING ? n->s : "";
	int64_t y, mo, d, h, mi, s, zone;
	bool ok = read_digits(&at, 4, 4, &y) && skip(&at, '-') && read_digits(&at, 2, 2, &mo) &&
		  skip(&at, '-') && read_digits(&at, 2, 2, &d) && skip(&at, 'T') &&
		  read_digits(&at, 2, 2, &h) && skip(&at, ':') && read_digits(&at, 2, 2, &mi) &&
		  skip(&at, ':') && read_digits(&at, 2, 2, &s) && read_fraction(&at, &t->nanos) &&
		  read_zone(&at, &zone) && !*at;

	if (!ok || !is_date(y, mo, d) || h > 23 || mi > 59 || s > 59) {
		parse_error(p, n, "expected a time such as \"2006-01-02T15:04:05Z\"");
		return NULL;
	}
	t->seconds = days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + s - zone;
	return &t->base;
}

/* fooBar to foo_bar. */
static const char *proto_path(struct arena *a, const char *s, size_t n)
{
	char *out = arena_alloc(a, 2 * n + 1), *o = out;

	for (size_t i = 0; i < n; i++) {
		if (s[i] >= 'A' && s[i] <= 'Z') {
			*o++ = '_';
			*o++ = (char)(s[i] - 'A' + 'a');
		} else {
			*o++ = s[i];
		}
	}
	*o = 0;
	return out;
}

ProtobufCMessage *parse_mask(struct parser *p, const ProtobufCMessageDescriptor *d,
			     const struct node *n)
{
	Google__FieldMask *mask = PB_NEW(p->arena, Google__FieldMask);

	if (n->type != NODE_STRING) {
		parse_error(p, n, "expected paths of fields, separated by commas");
		return NULL;
	}
	for (const char *s = n->s; *s;) {
		size_t len = strcspn(s, ",");

		PB_PUSH(p->arena, mask, paths, proto_path(p->arena, s, len));
		s += len + (s[len] == ',');
	}
	return &mask->base;
}
