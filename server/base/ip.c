/* Text to bytes is the C library's (inet_pton knows no zones, brackets, octal or short forms); bytes to text is ours,
 * because RFC 5952 wants one spelling and the library has two for addresses that embed v4. */
#include "base/ip.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool ip_parse(const char *s, struct ip *ret)
{
	struct ip ip = { 0 };

	if (inet_pton(AF_INET, s, ip.b) == 1) {
		ip.family = 4;
		ip.prefix = 32;
	} else if (inet_pton(AF_INET6, s, ip.b) == 1) {
		ip.family = 6;
		ip.prefix = 128;
	} else {
		return false;
	}
	*ret = ip;
	return true;
}

bool cidr_parse(const char *s, struct ip *ret)
{
	const char *slash = strchr(s, '/'), *d;
	char addr[INET6_ADDRSTRLEN];
	unsigned bits = 0;
	struct ip ip;

	if (!slash)
		return ip_parse(s, ret);
	if ((size_t)(slash - s) >= sizeof addr)
		return false;
	memcpy(addr, s, (size_t)(slash - s));
	addr[slash - s] = 0;
	if (!ip_parse(addr, &ip))
		return false;
	for (d = slash + 1; *d >= '0' && *d <= '9' && d < slash + 4; d++)
		bits = bits * 10 + (unsigned)(*d - '0');
	if (d == slash + 1 || *d || (slash[1] == '0' && slash[2]) || bits > ip.prefix)
		return false;
	ip.prefix = (uint8_t)bits;
	*ret = ip;
	return true;
}

bool ip_is_v4(const char *s)
{
	struct ip ip;

	return ip_parse(s, &ip) && ip.family == 4;
}

bool ip_is_v6(const char *s)
{
	struct ip ip;

	return ip_parse(s, &ip) && ip.family == 6;
}

bool ip_in(const struct ip *addr, const struct ip *block)
{
	unsigned bytes = block->prefix / 8, bits = block->prefix % 8;

	if (!addr->family || addr->family != block->family || addr->prefix < block->prefix)
		return false;
	if (memcmp(addr->b, block->b, bytes) != 0)
		return false;
	return !bits || !((addr->b[bytes] ^ block->b[bytes]) >> (8 - bits));
}

static bool is_v4_mapped(const struct ip *ip)
{
	static const uint8_t head[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(ip->b, head, sizeof head);
}

static unsigned group(const struct ip *ip, int i)
{
	return (unsigned)ip->b[2 * i] << 8 | ip->b[2 * i + 1];
}

static size_t format_v6(const struct ip *ip, char *at, size_t size)
{
	int zero_at = -1, zero_n = 1;
	size_t n = 0;

	for (int i = 0; i < 8;) {
		int k = i;

		while (k < 8 && !group(ip, k))
			k++;
		if (k - i > zero_n) {
			zero_at = i;
			zero_n = k - i;
		}
		i = k + 1;
	}
	at[0] = 0;
	for (int i = 0; i < 8; i++) {
		if (i == zero_at) {
			n += (size_t)snprintf(at + n, size - n, "::");
			i += zero_n - 1;
			continue;
		}
		n += (size_t)snprintf(at + n, size - n, "%s%x", n && at[n - 1] != ':' ? ":" : "",
				      group(ip, i));
	}
	return n;
}

void ip_format(const struct ip *ip, char ret[IP_TEXT])
{
	const uint8_t *b = ip->b;
	size_t n = 0;

	ret[0] = 0;
	if (ip->family == 4)
		n = (size_t)snprintf(ret, IP_TEXT, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	else if (ip->family == 6 && is_v4_mapped(ip))
		n = (size_t)snprintf(ret, IP_TEXT, "::ffff:%u.%u.%u.%u", b[12], b[13], b[14],
				     b[15]);
	else if (ip->family == 6)
		n = format_v6(ip, ret, IP_TEXT);
	if (ip->family && ip->prefix < (ip->family == 4 ? 32 : 128))
		snprintf(ret + n, IP_TEXT - n, "/%u", ip->prefix);
}

bool ip_is_loopback(const struct ip *ip)
{
	static const uint8_t v6[16] = { [15] = 1 };

	if (ip->family == 4)
		return ip->b[0] == 127;
	if (ip->family != 6)
		return false;
	return !memcmp(ip->b, v6, sizeof v6) || (is_v4_mapped(ip) && ip->b[12] == 127);
}
