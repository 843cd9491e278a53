/* A 128-bit hash of two 64-bit halves. Each step adds 16 bytes of input to the state, multiplies the halves into a
 * 128-bit product and xors both words of it back: the state goes on beside the product, so a factor that happens to
 * be zero loses nothing, where hashes that keep only the folded product forget everything before it. Loads are
 * little-endian by definition, so the values are the same on every machine. */
#include "base/hash.h"
#include <string.h>

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline uint64_t rotl(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static inline struct hash128 step(struct hash128 s, uint64_t x, uint64_t y)
{
	uint64_t a = rotl(s.h[0] + x, 29), b = rotl(s.h[1] ^ y, 41);
	unsigned __int128 p = (unsigned __int128)(a ^ UINT64_C(0xc2b2ae3d27d4eb4f)) *
			      (b ^ UINT64_C(0x165667b19e3779f9));

	s.h[0] = b + (uint64_t)(p >> 64);
	s.h[1] = a ^ (uint64_t)p;
	return s;
}

/* A permutation of 64 bits in which every bit of the input reaches every bit of the output. */
static inline uint64_t stir(uint64_t v)
{
	v = (v ^ v >> 32) * UINT64_C(0xe9846af9b1a615d5);
	v = (v ^ v >> 29) * UINT64_C(0xa24baed4963ee407);
	return v ^ v >> 32;
}

/* The low bits of a product know little of its factors. Reversible stirring spreads what they know, and loses
 * nothing of the state. */
static struct hash128 finish(struct hash128 s)
{
	s.h[0] += rotl(s.h[1], 32);
	s.h[1] += stir(s.h[0]);
	s.h[0] += stir(s.h[1]);
	s.h[1] = stir(s.h[1] ^ s.h[0]);
	return s;
}

struct hash128 hash128(const void *data, size_t n)
{
	struct hash128 s = HASH128_INIT;
	const uint8_t *p = data;
	size_t left = n;
	uint8_t tail[16] = { 0 };

	for (; left >= 16; left -= 16, p += 16)
		s = step(s, load64(p), load64(p + 8));
	/* Padding with zeros is unambiguous because the length goes into the end. */
	if (left) {
		memcpy(tail, p, left);
		s = step(s, load64(tail), load64(tail + 8));
	}
	return finish(step(s, n, UINT64_C(0x27d4eb2f165667c5)));
}

struct hash128 hash128_fold(struct hash128 s, struct hash128 with)
{
	/* The first step is what tells the two apart: adding alone would not know which came first. */
	s = step(s, UINT64_C(0x9fb21c651e98df25), 0);
	return finish(step(s, with.h[0], with.h[1]));
}

void hash128_hex(struct hash128 h, char ret_hex[HASH128_HEX])
{
	static const char digit[] = "0123456789abcdef";

	for (unsigned i = 0; i < 32; i++)
		ret_hex[i] = digit[h.h[i / 16] >> (60 - i % 16 * 4) & 15];
	ret_hex[32] = 0;
}

uint64_t hash64(const void *data, size_t n)
{
	struct hash128 h = hash128(data, n);

	return h.h[0] ^ h.h[1];
}

uint32_t hash_str(const char *s)
{
	return (uint32_t)hash64(s, strlen(s));
}

uint32_t hash_u32(uint32_t a, uint32_t b)
{
	unsigned __int128 p =
		(unsigned __int128)(((uint64_t)a << 32 | b) ^ UINT64_C(0x9e3779b97f4a7c15)) *
		UINT64_C(0xd6e8feb86659fd93);
	uint64_t v = (uint64_t)p ^ (uint64_t)(p >> 64);

	return (uint32_t)(v ^ v >> 32);
}
