/* SPDX-License-Identifier: Apache-2.0
 * kernels/int8_loops.c - eight-bit products; compiled once for each ISA.
 *
 * With AVX2 and AVX-512 numbers are widened to 16 bits, whose products in pairs never
 * saturate.  With VNNI x is stored as x + 128 without sign, and 128 times the sum of the
 * weights is taken off the result.
 */
#include "int8.h"
#include "isa.h"
#include "vec.h"

#ifdef KERNEL_VNNI
#define GROUP 4
#define INT8_TABLE kernels_int8_vnni
typedef uint8_t stored;
#define ZERO 128
#else
#define GROUP 2
#define INT8_TABLE KERNEL_SYMBOL(int8)
typedef int16_t stored;
#define ZERO 0
#endif

typedef stored stored_lanes __attribute__((vector_size(LANES * sizeof(stored))));

#define COLS (2 * LANES)
#if LANES == 16
#define ROWS 12
#elif LANES == 8
#define ROWS 5
#else
#define ROWS 4
#endif

/* Largest magnitude as the bits of a float, so that a NaN is the largest of all. */
static float magnitude(const float *x, size_t n)
{
	vi most = { 0 };
	int32_t bits = 0;
	float of;
	size_t i = 0;

	for (; i < n; i += LANES) {
		vi a = (vi)(n - i < LANES ? vload_n(x + i, n - i) : vload(x + i)) & 0x7fffffff;
		vi larger = a > most;

		most = (a & larger) | (most & ~larger);
	}
	for (i = 0; i < LANES; i++)
		bits = most[i] > bits ? most[i] : bits;
	memcpy(&of, &bits, sizeof(of));
	return of;
}

static void quantize(void *to, float *scale, const float *x, size_t n, size_t padded)
{
	const float most = magnitude(x, n), by = most > 0 ? 127.0f / most : 0.0f;
	const vf magic = vset(12582912.0f);	/* 1.5 * 2^23: the sum is rounded half to even */
	stored *q = to;
	size_t i = 0;

	*scale = most / 127.0f;
	for (; i + LANES <= n; i += LANES) {
		const vi whole = (vi)(vload(x + i) * vset(by) + magic) - (0x4b400000 - ZERO);
		const stored_lanes narrow = __builtin_convertvector(whole, stored_lanes);

		memcpy(q + i, &narrow, sizeof(narrow));
	}
	for (; i < n; i++) {
		const vi whole = (vi)(vset(x[i]) * vset(by) + magic) - (0x4b400000 - ZERO);

		q[i] = (stored)whole[0];
	}
	for (; i < padded; i++)
		q[i] = ZERO;
}

#if LANES == 16
typedef __m512i sums;
#elif LANES == 8
typedef __m256i sums;
#else
typedef vi sums;
#endif

/* GROUP numbers of x, the same in every lane. */
VEC_INLINE sums spread(const stored *x)
{
	int32_t both;

	memcpy(&both, x, sizeof(both));
#if LANES == 16
	return _mm512_set1_epi32(both);
#elif LANES == 8
	return _mm256_set1_epi32(both);
#else
	return (vi){ both, both, both, both };
#endif
}

/* GROUP weights for each of LANES columns. */
VEC_INLINE sums weights(const int8_t *w)
{
#ifdef KERNEL_VNNI
	return _mm512_loadu_si512(w);
#elif LANES == 16
	return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)w));
#elif LANES == 8
	return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)w));
#else
	int16_t pairs[8];
	sums both;

	for (int i = 0; i < 8; i++)
		pairs[i] = w[i];
	memcpy(&both, pairs, sizeof(both));
	return both;
#endif
}

/* sum + x . w, by groups. */
VEC_INLINE sums add_products(sums sum, sums x, sums w)
{
#ifdef KERNEL_VNNI
	return _mm512_dpbusd_epi32(sum, x, w);
#elif LANES == 16
	return _mm512_add_epi32(sum, _mm512_madd_epi16(x, w));
#elif LANES == 8
	return _mm256_add_epi32(sum, _mm256_madd_epi16(x, w));
#else
	/* The halves of each lane, with their signs. */
	return sum + (x << 16 >> 16) * (w << 16 >> 16) + (x >> 16) * (w >> 16);
#endif
}

VEC_INLINE vf to_float(sums s)
{
#if LANES == 16
	return (vf)_mm512_cvtepi32_ps(s);
#elif LANES == 8
	return (vf)_mm256_cvtepi32_ps(s);
#else
	return __builtin_convertvector(s, vf);
#endif
}

VEC_INLINE vi without_zero(sums sum, const int32_t *w_sum)
{
	vi of;

	memcpy(&of, w_sum, sizeof(of));
	return (vi)sum - of * ZERO;
}

VEC_INLINE void store_half(const struct int8_tile *t, size_t r, size_t first, sums sum)
{
	const vf scale = vset(t->x_scale[r]) * vload(t->w_scale + first);
	const vf y = to_float((sums)without_zero(sum, t->w_sum + first)) * scale;
	float *to = t->y.at + r * t->y.stride + first;

	if (t->n >= first + LANES)
		vstore(to, y);
	else if (t->n > first)
		vstore_n(to, y, t->n - first);
}

/* Holds the compiler to one row after the other: it would run out of registers, and a sum
 * that waits in memory makes each step wait for the one before. */
VEC_INLINE void in_turn(sums *sum)
{
#if LANES > 4
	__asm__("" : "+v"(sum[0]), "+v"(sum[1]));
#endif
}

/* `rows` is a constant where this is called. */
VEC_INLINE void tile_of(const struct int8_tile *t, size_t first, const size_t rows)
{
	const char *x = (const char *)t->x + first * t->x_stride;
	const int8_t *w = t->w;
	sums sum[ROWS][2] = { { { 0 } } };

	for (size_t g = 0; g < t->groups; g++, w += COLS * GROUP) {
		const sums w0 = weights(w), w1 = weights(w + LANES * GROUP);

#pragma GCC unroll 12
		for (size_t r = 0; r < rows; r++) {
			const sums v = spread((const stored *)(x + r * t->x_stride) + g * GROUP);

			sum[r][0] = add_products(sum[r][0], v, w0);
			sum[r][1] = add_products(sum[r][1], v, w1);
			in_turn(sum[r]);
		}
	}
#pragma GCC unroll 12
	for (size_t r = 0; r < rows; r++) {
		store_half(t, first + r, 0, sum[r][0]);
		store_half(t, first + r, LANES, sum[r][1]);
	}
}

static void tile(const struct int8_tile *t)
{
	size_t r = 0;

	for (; r + ROWS <= t->rows; r += ROWS)
		tile_of(t, r, ROWS);
	for (; r + 4 <= t->rows; r += 4)
		tile_of(t, r, 4);
	for (; r + 2 <= t->rows; r += 2)
		tile_of(t, r, 2);
	if (r < t->rows)
		tile_of(t, r, 1);
}

const struct int8_kernels INT8_TABLE = {
	.group = GROUP, .cols = COLS, .x_bytes = sizeof(stored), .quantize = quantize, .tile = tile,
};
