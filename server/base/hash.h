/* base/hash.h
 * Hashes defined by us, equal on all machines: they become versions on the wire, so they may never change lightly.
 * Not keyed: tables fed by untrusted input use them only under a cap.
 */
#pragma once
#include "base/lang.h"

struct hash128 {
	uint64_t h[2];
};

struct hash128 hash128(const void *, size_t n);
/* Folds another hash in; the order of folding counts. Start from HASH128_INIT. */
struct hash128 hash128_fold(struct hash128, struct hash128);
#define HASH128_INIT ((struct hash128){ { 0x9e3779b97f4a7c15u, 0xd6e8feb86659fd93u } })
static inline bool hash128_eq(struct hash128 a, struct hash128 b)
{
	return a.h[0] == b.h[0] && a.h[1] == b.h[1];
}
#define HASH128_HEX 33
void hash128_hex(struct hash128, char ret_hex[HASH128_HEX]);

uint64_t hash64(const void *, size_t n);
uint32_t hash_str(const char *);
uint32_t hash_u32(uint32_t a, uint32_t b);
