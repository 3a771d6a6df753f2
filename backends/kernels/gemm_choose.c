/* SPDX-License-Identifier: Apache-2.0
 * kernels/gemm_choose.c - which way to call a library's sgemm keeps the bits of a row.
 */
#include <string.h>

#include "gemm.h"

/* Deeper than the 384 that both libraries take at once; more would only cost time. */
#define DEEPEST 400
static const size_t depths[] = { 25, DEEPEST };
static const size_t grains[] = { 1, 2, 3, 6, 13, 30, 64 };	/* rows, times the grain */
#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Room to try a way in. */
struct trial {
	size_t rows;
	float *x, *w, *y;	/* [rows][k], [k][width], [rows][width] */
	float *first;		/* [width]: what a row must give */
	float *work;
};

static size_t lay_out(struct trial *t, const struct gemm *way, float *at)
{
	size_t n = 0;

	t->rows = grains[N_OF(grains) - 1] * way->grain;
	t->x = at;
	n += t->rows * DEEPEST;
	t->w = at ? at + n : NULL;
	n += DEEPEST * way->width;
	t->y = at ? at + n : NULL;
	n += t->rows * way->width;
	t->first = at ? at + n : NULL;
	n += way->width;
	t->work = at ? at + n : NULL;
	return n + (way->work_floats ? way->work_floats(way->width, DEEPEST) : 0);
}

/* Equal rows of x, and w, of numbers in -1/2..1/2. */
static void fill(const struct trial *t, size_t k, size_t width)
{
	uint32_t seed = 1;

	for (size_t i = 0; i < k + k * width; i++) {
		seed = seed * 1664525 + 1013904223;
		*(i < k ? &t->x[i] : &t->w[i - k]) = (float)(seed >> 8) / 16777216.0f - 0.5f;
	}
	for (size_t r = 1; r < t->rows; r++)
		memcpy(t->x + r * k, t->x, k * sizeof(*t->x));
}

/* Whether `rows` equal rows get the bits of the first one ever. */
static int alike(const struct gemm *way, const struct trial *t, size_t rows, size_t k)
{
	const size_t n = way->width;

	for (size_t r = 0, m; r < rows; r += m) {
		m = rows - r < way->rows ? rows - r : way->rows;
		if (way->run(false, false, m, n, k, t->x + r * k, k, t->w, n, t->y + r * n, n,
			t->work))
			return 0;
	}
	if (rows == way->grain)
		memcpy(t->first, t->y, n * sizeof(*t->y));
	for (size_t r = 0; r < rows; r++)
		if (memcmp(t->y + r * n, t->first, n * sizeof(*t->y)))
			return 0;
	return 1;
}

static int keeps_bits(const struct gemm *way, const struct trial *t)
{
	for (size_t d = 0; d < N_OF(depths); d++) {
		fill(t, depths[d], way->width);
		for (size_t i = 0; i < N_OF(grains); i++)
			if (!alike(way, t, grains[i] * way->grain, depths[d]))
				return 0;
	}
	return 1;
}

int gemm_choose(struct gemm *chosen, const struct gemm *ways, size_t n, struct tn_call *call)
{
	const struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	size_t i = 0;

	for (; i < n - 1; i++) {
		struct trial t;
		float *space = tn_alloc_n(call, lay_out(&t, &ways[i], NULL), sizeof(*space));

		if (!space)
			return TN_ENOMEM;
		lay_out(&t, &ways[i], space);
		if (keeps_bits(&ways[i], &t))
			break;
	}
	*chosen = ways[i];
	tn_arena_rewind(tn_call_arena(call), mark);
	return 0;
}
