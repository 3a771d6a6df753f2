/* SPDX-License-Identifier: Apache-2.0
 * core/base/nearest.c - the known name that a mistyped one was meant to be.
 */
#include "base/nearest.h"

#include <string.h>

#define LONGEST 64

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits from a to b, both at most LONGEST bytes; three rows of the table are kept. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	size_t rows[3][LONGEST + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2], *spare;

	for (size_t j = 0; j <= n_b; j++)
		last[j] = before[j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		row[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			row[j] = least(last[j - 1] + (a[i - 1] != b[j - 1]),
				1 + least(last[j], row[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[n_b];
}

const char *tn_nearest(const char *word, const char *const *known, size_t n)
{
	size_t len = strlen(word), best = LONGEST;
	const char *nearest = NULL;

	if (len > LONGEST)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t known_len = known[i] ? strlen(known[i]) : LONGEST + 1;
		size_t longer = len > known_len ? len : known_len;
		size_t edits;

		if (known_len > LONGEST)
			continue;
		edits = distance(word, len, known[i], known_len);
		if (edits < best && edits < longer && edits <= (longer < 3 ? 1 : longer / 3)) {
			best = edits;
			nearest = known[i];
		}
	}
	return nearest;
}
