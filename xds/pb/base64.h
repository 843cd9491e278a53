/* pb/base64.h
 * Bytes as text in the alphabet of RFC 4648. Any thread.
 */
#pragma once
#include "base/arena.h"

/* With padding. */
char *base64_encode(struct arena *, const void *bytes, size_t n);
/* Takes the standard and the URL-safe alphabet, with or without padding; nothing else, so no spaces. */
bool base64_decode(struct arena *, const char *text, uint8_t **ret_bytes, size_t *ret_n);
