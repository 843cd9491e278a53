/* "did you mean": the field whose name is nearest to what was written. Names that differ only in case, "_" or "-" are
 * nearest of all, since people write snake_case; else at most a third of the letters may be wrong.
 */
#include "schema/interpret.h"

#include <ctype.h>
#include <string.h>

enum { SPELL_MAX = 48 };

/* Lower case without separators; false if it is too long to be a misspelt field. */
static bool plain(const char *s, char ret[SPELL_MAX + 1])
{
	size_t n = 0;

	for (; *s; s++) {
		if (*s == '_' || *s == '-')
			continue;
		if (n == SPELL_MAX)
			return false;
		ret[n++] = (char)tolower((unsigned char)*s);
	}
	ret[n] = '\0';
	return true;
}

/* Edits (insert, delete, replace, swap neighbours) from a to b. */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][SPELL_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; a[i - 1]; i++) {
		unsigned *spare = before;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= n; j++) {
			now[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = MIN(now[j], MIN(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = MIN(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[n];
}

const char *spell_nearest(const char *word, const char *(*nth)(const void *ctx, uint32_t i),
			  const void *ctx, uint32_t n)
{
	char a[SPELL_MAX + 1], b[SPELL_MAX + 1];
	const char *best = NULL;
	unsigned best_distance;

	if (!plain(word, a))
		return NULL;
	best_distance = (unsigned)strlen(a) / 3 + 1;
	for (uint32_t i = 0; i < n; i++) {
		unsigned k;

		if (!plain(nth(ctx, i), b))
			continue;
		k = distance(a, b);
		if (k < best_distance) {
			best_distance = k;
			best = nth(ctx, i);
		}
	}
	return best;
}
