/* Addresses and blocks as text. */
#include "base/ip.h"
#include "test.h"
#include <string.h>

TEST(ip_parse_and_format)
{
	static const struct {
		const char *in, *out; /* out NULL: refused */
	} rows[] = {
		{ "10.0.0.1", "10.0.0.1" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "256.0.0.1", NULL },
		{ "010.0.0.1", NULL },
		{ "10.0.1", NULL },
		{ "10.0.0.1 ", NULL },
		{ "", NULL },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "FD00::00A1", "fd00::a1" },
		{ "1:0:0:2:0:0:0:3", "1:0:0:2::3" },
		{ "1:0:0:0:2:0:0:3", "1::2:0:0:3" },
		{ "1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7" },
		{ "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::" },
		{ "0:0:3:4:5:6:7:8", "::3:4:5:6:7:8" },
		{ "::ffff:1.2.3.4", "::ffff:1.2.3.4" },
		{ "::ffff:102:304", "::ffff:1.2.3.4" },
		{ "::1.2.3.4", "::102:304" },
		{ "fe80::1%eth0", NULL },
		{ "[::1]", NULL },
		{ "1::2::3", NULL },
		{ "10.0.0.0/8", NULL },
	};
	char text[IP_TEXT];
	struct ip ip;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool ok = ip_parse(rows[i].in, &ip);

		if (ok)
			ip_format(&ip, text);
		CHECK_STR(ok ? text : NULL, rows[i].out);
		CHECK(ip_is_valid(rows[i].in) == ok);
		CHECK(ip_is_v4(rows[i].in) == (ok && ip.family == 4));
		CHECK(ip_is_v6(rows[i].in) == (ok && ip.family == 6));
	}
}

TEST(cidr_parse_and_format)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "10.0.0.1", "10.0.0.1" },
		{ "10.0.0.0/8", "10.0.0.0/8" },
		{ "10.1.2.3/32", "10.1.2.3" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "fd00::/64", "fd00::/64" },
		{ "::/0", "::/0" },
		{ "::1/128", "::1" },
		{ "10.0.0.0/33", NULL },
		{ "10.0.0.0/", NULL },
		{ "10.0.0.0/08", NULL },
		{ "10.0.0.0/-1", NULL },
		{ "10.0.0.0/8x", NULL },
		{ "10.0.0.0/8/8", NULL },
		{ "/8", NULL },
		{ "fd00::/129", NULL },
		{ "fd00::/1280", NULL },
		{ "10.0.0.0/4294967304", NULL },
	};
	char text[IP_TEXT];
	struct ip ip;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool ok = cidr_parse(rows[i].in, &ip);

		if (ok)
			ip_format(&ip, text);
		CHECK_STR(ok ? text : NULL, rows[i].out);
	}
}

TEST(ip_in_block)
{
	static const struct {
		const char *addr, *block;
		bool in;
	} rows[] = {
		{ "10.1.2.3", "10.0.0.0/8", true },
		{ "11.1.2.3", "10.0.0.0/8", false },
		{ "10.1.2.3", "10.1.2.3", true },
		{ "10.1.2.4", "10.1.2.3", false },
		{ "10.1.2.129", "10.1.2.128/25", true },
		{ "10.1.2.127", "10.1.2.128/25", false },
		{ "10.1.2.127", "10.1.2.0/25", true },
		{ "1.2.3.4", "0.0.0.0/0", true },
		{ "::1", "0.0.0.0/0", false },
		{ "fd00::1", "fd00::/8", true },
		{ "fe00::1", "fd00::/8", false },
		{ "fd00:0:0:8000::", "fd00::/48", true },
		{ "fd00:0:0:8000::", "fd00::/49", false },
		{ "fd00:0:8000::", "fd00::/33", false },
		{ "10.0.0.0/16", "10.0.0.0/8", true },
		{ "10.0.0.0/8", "10.0.0.0/16", false },
	};
	struct ip a, b;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!CHECK(cidr_parse(rows[i].addr, &a) && cidr_parse(rows[i].block, &b)))
			continue;
		if (!CHECK(ip_in(&a, &b) == rows[i].in))
			CHECK_STR(rows[i].addr, rows[i].block);
	}
	memset(&a, 0, sizeof a);
	CHECK(!ip_in(&a, &a));
}

TEST(ip_loopback)
{
	static const struct {
		const char *ip;
		bool is;
	} rows[] = {
		{ "127.0.0.1", true },  { "127.9.9.9", true },
		{ "128.0.0.1", false }, { "::1", true },
		{ "::2", false },       { "::ffff:127.0.0.1", true },
		{ "::", false },        { "::ffff:10.0.0.1", false },
	};
	struct ip ip;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (CHECK(ip_parse(rows[i].ip, &ip)))
			CHECK_INT(ip_is_loopback(&ip), rows[i].is);
}
