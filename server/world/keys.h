/* world/keys.h
 * Interned keys: strings and pairs of keys as small numbers, so that cells, questions and results are found and
 * compared by number.
 *
 * Owned by the model thread. A number is good for the life of the table and means nothing outside the process: it is
 * never sorted by, hashed into or written to anything published.
 */
#pragma once
#include "base/lang.h"

struct keys;

struct keys *keys_new(void);
void keys_free(struct keys *);
uint32_t key_str(struct keys *, const char *); /* NULL and "" are both KEY_EMPTY */
uint32_t key_strn(struct keys *, const char *, size_t n);
/* Of two keys, or of a key and a plain number below 1 << 30 (a port, an index); never 0. Who makes it knows which. */
uint32_t key_pair(struct keys *, uint32_t a, uint32_t b);
#define KEY_EMPTY 1u
/* Laid over a plain number in a pair, so that it is told from a key when pairs are put in order. */
#define KEY_NUMBER 0x40000000u
/* 0 when it was never interned: then nothing can be recorded under it either. */
uint32_t key_find(const struct keys *, const char *);
uint32_t key_find_pair(const struct keys *, uint32_t a, uint32_t b);

bool key_is_pair(const struct keys *, uint32_t key);
const char *key_text(const struct keys *,
		     uint32_t key); /* of a string key; lives as long as the table */
uint32_t key_first(const struct keys *, uint32_t pair);
uint32_t key_second(const struct keys *, uint32_t pair);
/* Orders by text: strings by strcmp before pairs, pairs by their first, then second; 0 is before all. For whatever is published. */
int key_compare(const struct keys *, uint32_t a, uint32_t b);
size_t keys_memory(const struct keys *);
