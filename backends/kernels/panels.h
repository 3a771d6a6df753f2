/* SPDX-License-Identifier: Apache-2.0
 * kernels/panels.h - how attention and its gradient go: panels of queries, blocks of keys, and
 * tiles of a product whose rows are counted at compile time.
 */
#ifndef TN_KERNELS_PANELS_H
#define TN_KERNELS_PANELS_H

#include "vec.h"

#define PANEL (2 * LANES)	/* queries */
#define KEYS 128		/* in a block */
#define TILE 6			/* rows of a tile by PANEL columns: 12 accumulators */

/* Rows of the next tile of `left`: 4 and 4 instead of 6 and 2. */
static inline size_t tile_rows(size_t left)
{
	return left == 8 ? 4 : left < TILE ? left : TILE;
}

/* Calls f with the number of rows as a constant. */
#define TILE_OF(n, f, ...)				\
	do {						\
		switch (n) {				\
		case 6: f(__VA_ARGS__, 6, m); break;	\
		case 5: f(__VA_ARGS__, 5, m); break;	\
		case 4: f(__VA_ARGS__, 4, m); break;	\
		case 3: f(__VA_ARGS__, 3, m); break;	\
		case 2: f(__VA_ARGS__, 2, m); break;	\
		default: f(__VA_ARGS__, 1, m); break;	\
		}					\
	} while (0)

static inline size_t round16(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

/** Parts of a workspace, each a multiple of 16 floats. */
struct part {
	float **at;
	size_t n;
};

/* Lays them one after the other from `at` on, or with NULL only counts; floats. */
static inline size_t lay_out_parts(const struct part *parts, size_t n_parts, float *at)
{
	size_t n = 0;

	for (size_t i = 0; i < n_parts; i++) {
		*parts[i].at = at ? at + n : NULL;
		n += parts[i].n;
	}
	return n;
}

#endif
