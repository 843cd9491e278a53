/* base/ip.h
 * IP addresses and CIDR blocks as text and as bytes. Any thread.
 */
#pragma once
#include "base/lang.h"

struct ip {
	uint8_t family; /* 4, 6, or 0: none */
	uint8_t prefix; /* bits; 32 or 128 for a single address */
	uint8_t b[16];  /* v4 in the first four */
};
/* A plain address ("10.0.0.1", "fd00::1"); no zone, no brackets, no leading zeros in v4. */
bool ip_parse(const char *, struct ip *ret) must_check;
/* An address or an address with "/bits". */
bool cidr_parse(const char *, struct ip *ret) must_check;
bool ip_is_v4(const char *);
bool ip_is_v6(const char *);
static inline bool ip_is_valid(const char *s)
{
	return ip_is_v4(s) || ip_is_v6(s);
}
bool ip_in(const struct ip *addr, const struct ip *block);
enum { IP_TEXT = 56 };
void ip_format(const struct ip *,
	       char ret[IP_TEXT]); /* canonical text, "/bits" only where not a single address */
bool ip_is_loopback(const struct ip *);
