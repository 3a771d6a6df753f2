/* SPDX-License-Identifier: Apache-2.0
 * kernels/rotary.c - rotary embedding: pairs of columns turned by their row's position.
 *
 * An angle is a whole number of 2^-64 turns, so that a position of any size is multiplied in
 * and whole turns fall off exactly; 2^-32 of a turn is left for the sine.
 * Source: Su et al., arXiv 2104.09864, section 3.2.
 */
#include <math.h>

#include "isa.h"
#include "vec.h"

#define PAIRS 64	/* of columns, at a time */
#define ROW(m, r) ((m).at + (r) * (m).stride)

typedef uint32_t vu __attribute__((vector_size(4 * LANES)));

/* The sine of an angle in 2^-32 turns, error below 2e-7: folded to a quarter turn either way,
 * and there a polynomial in the part x of a quarter turn. */
VEC_INLINE vf vsine(vu turn)
{
	const vi far = (vi)(turn ^ (turn << 1)) < 0;
	const vu near = ((vu)far & (0x80000000u - turn)) | (~(vu)far & turn);
	const vf x = __builtin_convertvector((vi)near, vf) * vset(0x1p-30f), u = x * x;
	vf p = vfma(u, vset(1.516751217e-4f), vset(-4.674150608e-3f));

	p = vfma(u, p, vset(7.968991995e-2f));
	p = vfma(u, p, vset(-6.459637880e-1f));
	p = vfma(u, p, vset(1.570796371f));
	return p * x;
}

/* What n pairs from `first` on turn by for each position, in 2^-64 turns. */
static void turns_of(const struct kernel_rope *rope, uint64_t *by, size_t first, size_t n)
{
	for (size_t p = 0; p < n; p++) {
		const double turns = 0.15915494309189535 *
			pow(rope->theta, -2.0 * (double)(first + p) / (double)rope->rotary);

		by[p] = (uint64_t)((turns - floor(turns)) * 0x1p64);
	}
}

/* Cosines and sines of n angles. */
static void circle(float *c, float *s, const uint64_t *by, int32_t position, int inverse, size_t n)
{
	uint32_t turn[PAIRS];

	for (size_t p = 0; p < n; p++)
		turn[p] = (uint32_t)((uint64_t)(int64_t)position * by[p] >> 32);
	for (size_t p = n; p % LANES; p++)
		turn[p] = 0;
	for (size_t p = 0; p < n; p += LANES) {
		vu t;

		memcpy(&t, turn + p, sizeof(t));
		vstore(c + p, vsine(t + 0x40000000u));
		vstore(s + p, vsine(inverse ? 0u - t : t));
	}
}

/* Columns a and b of n pairs, side by side. */
static void turn_halves(float *ya, float *yb, const float *xa, const float *xb, const float *c,
	const float *s, size_t n)
{
	for (size_t p = 0; p < n; p += LANES) {
		const size_t left = n - p;
		const vf cp = vload(c + p), sp = vload(s + p);
		const vf a = left < LANES ? vload_n(xa + p, left) : vload(xa + p);
		const vf b = left < LANES ? vload_n(xb + p, left) : vload(xb + p);
		const vf na = vfma(a, cp, -(b * sp)), nb = vfma(b, cp, a * sp);

		if (left < LANES) {
			vstore_n(ya + p, na, left);
			vstore_n(yb + p, nb, left);
		} else {
			vstore(ya + p, na);
			vstore(yb + p, nb);
		}
	}
}

static void turn_neighbours(float *y, const float *x, const float *c, const float *s, size_t n)
{
	for (size_t p = 0; p < n; p++) {
		const float a = x[2 * p], b = x[2 * p + 1];

		y[2 * p] = a * c[p] - b * s[p];
		y[2 * p + 1] = b * c[p] + a * s[p];
	}
}

static void turn_row(const struct kernel_rope *rope, float *y, const float *x, const float *c,
	const float *s, size_t first, size_t n)
{
	const size_t half = rope->rotary / 2;

	for (size_t h = 0; h < rope->heads; h++, x += rope->head_size, y += rope->head_size) {
		if (rope->interleaved)
			turn_neighbours(y + 2 * first, x + 2 * first, c, s, n);
		else
			turn_halves(y + first, y + half + first, x + first, x + half + first, c, s,
				n);
	}
}

void KERNEL_SYMBOL(rope)(const struct kernel_rope *rope, struct kernel_rows y, struct kernel_rows x,
	const int32_t *position, size_t rows)
{
	const size_t half = rope->rotary / 2, size = rope->head_size;
	float c[PAIRS], s[PAIRS];
	uint64_t by[PAIRS];

	for (size_t r = 0; r < rows && rope->rotary < size; r++)
		for (size_t h = 0; h < rope->heads; h++)
			memmove(ROW(y, r) + h * size + rope->rotary,
				ROW(x, r) + h * size + rope->rotary,
				(size - rope->rotary) * sizeof(float));
	for (size_t first = 0; first < half; first += PAIRS) {
		const size_t n = half - first < PAIRS ? half - first : PAIRS;

		turns_of(rope, by, first, n);
		for (size_t r = 0; r < rows; r++) {
			circle(c, s, by, position[r], rope->inverse, n);
			turn_row(rope, ROW(y, r), ROW(x, r), c, s, first, n);
		}
	}
}
