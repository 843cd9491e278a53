/* Escaping by what the reader would make of a character. */
#include "http/text.h"
#include "base/clock.h"
#include <stdio.h>
#include <string.h>

/* The code point of a well-formed sequence of n bytes. */
static uint32_t code_point(const char *s, unsigned n)
{
	static const uint8_t mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (uint8_t)*s & mask[n];

	for (unsigned i = 1; i < n; i++)
		c = c << 6 | ((uint8_t)s[i] & 0x3f);
	return c;
}

static bool is_printable(uint32_t c)
{
	static const uint32_t ranges[][2] = {
		{ 0, 0x1f },        { 0x7f, 0x9f },     { 0x200b, 0x200f },
		{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff },
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return false;
	return true;
}

void text_clean(struct buf *out, const char *s)
{
	const char *end = s + strlen(s);

	while (s < end) {
		unsigned n = utf8_step(s, end);

		if (*s == '\n' || *s == '\t' || *s == '\r')
			buf_putc(out, ' ');
		else if (!n)
			buf_puts(out, "\xef\xbf\xbd");
		else if (is_printable(code_point(s, n)))
			buf_append(out, s, n);
		s += n ? n : 1;
	}
}

void text_html(struct buf *out, const char *s)
{
	static const struct {
		char c;
		const char *text;
	} rows[] = { { '&', "&amp;" },
		     { '<', "&lt;" },
		     { '>', "&gt;" },
		     { '"', "&quot;" },
		     { '\'', "&#39;" } };

	for (; *s; s++) {
		size_t i = 0;

		while (i < ARRAY_LEN(rows) && rows[i].c != *s)
			i++;
		if (i < ARRAY_LEN(rows))
			buf_puts(out, rows[i].text);
		else
			buf_putc(out, *s);
	}
}

size_t text_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((uint8_t)*s & 0xc0) != 0x80;
	return n;
}

const char *text_time(int64_t wall_ns, char buf[TEXT_TIME])
{
	char text[CLOCK_RFC3339];
	int64_t fraction = wall_ns % NS_PER_S;
	size_t n;

	if (fraction < 0)
		fraction += NS_PER_S;
	clock_format(wall_ns, text);
	n = strlen(text) - 1; /* without its Z */
	memcpy(buf, text, n);
	if (fraction) {
		n += (size_t)snprintf(buf + n, TEXT_TIME - n, ".%09d", (int)fraction);
		while (buf[n - 1] == '0')
			n--;
	}
	snprintf(buf + n, TEXT_TIME - n, "Z");
	return buf;
}

const char *text_age(int64_t ns, char buf[TEXT_TIME])
{
	long long s = MAX(ns, 0) / NS_PER_S, m = s / 60, h = m / 60, d = h / 24;

	if (m < 1)
		snprintf(buf, TEXT_TIME, "%llds", s);
	else if (h < 1)
		snprintf(buf, TEXT_TIME, "%lldm%llds", m, s % 60);
	else if (d < 1)
		snprintf(buf, TEXT_TIME, "%lldh%lldm", h, m % 60);
	else
		snprintf(buf, TEXT_TIME, "%lldd%lldh", d, h % 24);
	return buf;
}
