/* Base64, both ways. */
#include "pb/base64.h"
#include <string.h>

char *base64_encode(struct arena *a, const void *bytes, size_t n)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *in = bytes;
	char *text = arena_alloc(a, (n + 2) / 3 * 4 + 1), *out = text;

	for (size_t i = 0; i < n; i += 3) {
		size_t have = MIN(n - i, 3);
		uint32_t v = (uint32_t)in[i] << 16 | (have > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
			     (have > 2 ? in[i + 2] : 0);

		*out++ = alphabet[v >> 18];
		*out++ = alphabet[v >> 12 & 63];
		*out++ = have > 1 ? alphabet[v >> 6 & 63] : '=';
		*out++ = have > 2 ? alphabet[v & 63] : '=';
	}
	*out = 0;
	return text;
}

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

bool base64_decode(struct arena *a, const char *text, uint8_t **ret_bytes, size_t *ret_n)
{
	size_t len = strlen(text), n = 0, pad = 0;
	uint8_t *out = arena_alloc(a, len / 4 * 3 + 3);
	uint32_t v = 0;

	while (pad < 2 && len && text[len - 1] == '=') {
		len--;
		pad++;
	}
	if (len % 4 == 1 || (pad && (len + pad) % 4))
		return false;
	for (size_t i = 0; i < len; i++) {
		int d = digit(text[i]);

		if (d < 0)
			return false;
		v = v << 6 | (uint32_t)d;
		if (i % 4 == 3) {
			out[n++] = (uint8_t)(v >> 16);
			out[n++] = (uint8_t)(v >> 8);
			out[n++] = (uint8_t)v;
		}
	}
	if (len % 4 == 2)
		out[n++] = (uint8_t)(v >> 4);
	if (len % 4 == 3) {
		out[n++] = (uint8_t)(v >> 10);
		out[n++] = (uint8_t)(v >> 2);
	}
	*ret_bytes = out;
	*ret_n = n;
	return true;
}
