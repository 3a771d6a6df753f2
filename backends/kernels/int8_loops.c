/* SPDX-License-Identifier: Apache-2.0
 * kernels/int8_loops.c - eight-bit products; compiled once for each ISA.
 *
 * With AVX2 and AVX-512 numbers are widened to 16 bits, whose products in pairs never
 * saturate.  With VNNI x is stored as x + 128 without sign, and 128 times the sum of the
 * weights is taken off the result.
 */
#include <tenon/impl/op.h>

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
#define ROWS 6
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

VEC_INLINE void store_half(const struct int8_panel *p, size_t r, size_t first, sums sum)
{
	const vf scale = vset(p->x_scale[r]) * vload(p->w_scale + first);
	const vf y = to_float((sums)without_zero(sum, p->w_sum + first)) * scale +
		vload(p->bias + first);
	float *to = p->y.at + r * p->y.stride + first;

	if (p->n >= first + LANES)
		vstore(to, y);
	else if (p->n > first)
		vstore_n(to, y, p->n - first);
}

/* Holds the compiler to one row after the other: it would run out of registers, and a sum
 * that waits in memory makes each step wait for the one before. */
VEC_INLINE void in_turn(sums *sum)
{
#if LANES > 4
	__asm__("" : "+v"(sum[0]), "+v"(sum[1]));
#endif
}

/* `rows` is a constant where this is called.  fetch: what weights to bring into the cache,
 * `step` bytes for each group. */
VEC_INLINE void tile_of(const struct int8_panel *p, size_t first, const int8_t *fetch, size_t step,
	const size_t rows)
{
	const char *x = (const char *)p->x + first * p->x_stride;
	const int8_t *w = p->w;
	sums sum[ROWS][2] = { { { 0 } } };

	for (size_t g = 0; g < p->groups; g++, w += COLS * GROUP, fetch += step) {
		const sums w0 = weights(w), w1 = weights(w + LANES * GROUP);

		for (size_t i = 0; i < COLS * GROUP; i += 64)
			__builtin_prefetch(fetch + i);
#pragma GCC unroll 12
		for (size_t r = 0; r < rows; r++) {
			const sums v = spread((const stored *)(x + r * p->x_stride) + g * GROUP);

			sum[r][0] = add_products(sum[r][0], v, w0);
			sum[r][1] = add_products(sum[r][1], v, w1);
			in_turn(sum[r]);
		}
	}
#pragma GCC unroll 12
	for (size_t r = 0; r < rows; r++) {
		store_half(p, first + r, 0, sum[r][0]);
		store_half(p, first + r, LANES, sum[r][1]);
	}
}

/* The tile with its rows as a constant. */
static void run_tile(const struct int8_panel *p, size_t first, const int8_t *fetch, size_t step,
	size_t rows)
{
#define TILE_OF(n)						\
	case n:							\
		tile_of(p, first, fetch, step, n);		\
		break;
	switch (rows) {
	TILE_OF(1)
	TILE_OF(2)
	TILE_OF(3)
	TILE_OF(4)
#if ROWS > 4
	TILE_OF(5)
	TILE_OF(6)
#endif
#if ROWS > 6
	TILE_OF(7)
	TILE_OF(8)
	TILE_OF(9)
	TILE_OF(10)
	TILE_OF(11)
	TILE_OF(12)
#endif
	}
#undef TILE_OF
}

static struct kernel_rows from_row(struct kernel_rows m, size_t row)
{
	return (struct kernel_rows){ m.at ? m.at + row * m.stride : NULL, m.stride };
}

/* By tiles of nearly equal rows, each finished while it is in the cache; together they fetch
 * the next panel. */
static void panel(const struct int8_panel *p)
{
	const size_t tiles = (p->rows + ROWS - 1) / ROWS, bytes = p->groups * COLS * GROUP;

	for (size_t i = 0; i < tiles; i++) {
		const size_t r = p->rows * i / tiles, n = p->rows * (i + 1) / tiles - r;
		const struct kernel_rows y = from_row(p->y, r);

		for (size_t ahead = r + n; ahead < r + 2 * n && ahead < p->rows; ahead++)
			__builtin_prefetch(p->y.at + ahead * p->y.stride, 1);
		run_tile(p, r, p->w + bytes + bytes * i / tiles,
			(COLS * GROUP + tiles - 1) / tiles, n);
		if (p->act != TN_ACT_NONE || p->residual.at)
			p->kernels->finish(p->act, y, y, NULL, from_row(p->residual, r), n, p->n);
	}
}

const struct int8_kernels INT8_TABLE = {
	.group = GROUP, .cols = COLS, .x_bytes = sizeof(stored), .quantize = quantize,
	.panel = panel,
};
