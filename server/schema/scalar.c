/* Scalars that a document writes as strings: durations, times and bytes.
 */
#include "base/clock.h"
#include "schema/interpret.h"

#include <stdio.h>
#include <string.h>

static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
	{ "ns", 1 },
	{ "us", NS_PER_US },
	{ "\xc2\xb5s", NS_PER_US }, /* micro sign */
	{ "\xce\xbcs", NS_PER_US }, /* Greek mu */
	{ "ms", NS_PER_MS },
	{ "s", NS_PER_S },
	{ "m", 60 * NS_PER_S },
	{ "h", 3600 * NS_PER_S },
};

static const struct unit *read_unit(const char **s)
{
	size_t n = strcspn(*s, ".0123456789");

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strlen(units[i].name) == n && !strncmp(units[i].name, *s, n)) {
			*s += n;
			return &units[i];
		}
	}
	return NULL;
}

/* "12.5" before a unit. The fraction is kept in `fraction` / `scale`; digits beyond what fits are cut off. */
static bool read_number(const char **s, int64_t *whole, int64_t *fraction, int64_t *scale)
{
	bool any = false;

	*whole = *fraction = 0;
	*scale = 1;
	for (; **s >= '0' && **s <= '9'; (*s)++, any = true)
		if (__builtin_mul_overflow(*whole, 10, whole) ||
		    __builtin_add_overflow(*whole, **s - '0', whole))
			return false;
	if (**s == '.')
		for ((*s)++; **s >= '0' && **s <= '9'; (*s)++, any = true) {
			if (*scale > INT64_MAX / 100)
				continue;
			*fraction = *fraction * 10 + (**s - '0');
			*scale *= 10;
		}
	return any;
}

bool duration_parse(const char *s, int64_t *ret_ns)
{
	int64_t total = 0;
	bool minus = *s == '-';

	if (*s == '-' || *s == '+')
		s++;
	if (!strcmp(s, "0")) {
		*ret_ns = 0;
		return true;
	}
	if (!*s)
		return false;
	while (*s) {
		int64_t whole, fraction, scale;
		const struct unit *u;

		if (!read_number(&s, &whole, &fraction, &scale))
			return false;
		u = read_unit(&s);
		if (!u || __builtin_mul_overflow(whole, u->ns, &whole) ||
		    __builtin_add_overflow(total, whole, &total) ||
		    __builtin_add_overflow(total, (int64_t)((__int128)fraction * u->ns / scale),
					   &total))
			return false;
	}
	*ret_ns = minus ? -total : total;
	return true;
}

/* The fraction of a second with as many digits as needed, in groups of three, and the dot; nothing for 0. */
static void put_fraction(char *s, size_t size, int64_t ns)
{
	if (!ns)
		*s = '\0';
	else if (ns % NS_PER_MS == 0)
		snprintf(s, size, ".%03d", (int)(ns / NS_PER_MS));
	else if (ns % NS_PER_US == 0)
		snprintf(s, size, ".%06d", (int)(ns / NS_PER_US));
	else
		snprintf(s, size, ".%09d", (int)ns);
}

void scalar_duration_format(int64_t ns, char ret[SCALAR_TEXT])
{
	uint64_t abs = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	char fraction[16];

	put_fraction(fraction, sizeof fraction, (int64_t)(abs % (uint64_t)NS_PER_S));
	snprintf(ret, SCALAR_TEXT, "%s%llu%ss", ns < 0 ? "-" : "",
		 (unsigned long long)(abs / (uint64_t)NS_PER_S), fraction);
}

void scalar_time_format(int64_t ns, char ret[SCALAR_TEXT])
{
	char text[CLOCK_RFC3339], fraction[16];
	int64_t below = ns % NS_PER_S;

	clock_format(ns, text);
	put_fraction(fraction, sizeof fraction, below < 0 ? below + NS_PER_S : below);
	snprintf(ret, SCALAR_TEXT, "%.*s%sZ", (int)strcspn(text, "Z"), text, fraction);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a digit of either alphabet, standard or safe for URLs; -1: none. */
static int digit(char c)
{
	const char *at;

	if (c == '-' || c == '_')
		c = c == '-' ? '+' : '/';
	at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

bool scalar_base64_decode(struct arena *a, const char *s, struct opt_bytes *ret)
{
	size_t len = strlen(s), n = 0, n_digits = 0;
	uint32_t bits = 0;
	uint8_t *out;

	if (len > UINT32_MAX)
		return false;
	out = arena_alloc(a, len / 4 * 3 + 3);
	for (; *s && *s != '='; s++) {
		int v = digit(*s);

		if (*s == '\r' || *s == '\n')
			continue;
		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		if (++n_digits % 4 != 1)
			out[n++] = (uint8_t)(bits >> (6 - 2 * ((n_digits - 1) % 4)));
	}
	len = strspn(s, "=\r\n");
	if (s[len] || len > 8 || n_digits % 4 == 1)
		return false;
	*ret = (struct opt_bytes){ .set = true, .n = (uint32_t)n, .v = out };
	return true;
}

void scalar_base64_encode(struct buf *b, const uint8_t *v, size_t n)
{
	for (size_t i = 0; i < n; i += 3) {
		uint32_t bits = (uint32_t)v[i] << 16 | (i + 1 < n ? v[i + 1] << 8 : 0) |
				(i + 2 < n ? v[i + 2] : 0);

		buf_putc(b, alphabet[bits >> 18]);
		buf_putc(b, alphabet[bits >> 12 & 63]);
		buf_putc(b, i + 1 < n ? alphabet[bits >> 6 & 63] : '=');
		buf_putc(b, i + 2 < n ? alphabet[bits & 63] : '=');
	}
}
