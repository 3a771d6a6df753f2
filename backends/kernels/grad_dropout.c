/* SPDX-License-Identifier: Apache-2.0
 * kernels/grad_dropout.c - dropout by random words from a counter, LANES counters at once.
 *
 * Element e of the rows, counted row after row, has word e % 4 of counter e / 4, whoever
 * asks for it.
 * Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011), section 3.3,
 * Philox4x32-10 of the counter (low, high, 0, 0).
 */
#include <math.h>

#include "isa.h"
#include "vec.h"

#define BLOCK (4 * LANES)	/* elements of LANES counters */

typedef uint32_t vu __attribute__((vector_size(4 * LANES)));

VEC_INLINE vu vset_u(uint32_t x)
{
	return (vu)vset(0.0f) + x;
}

/* The high and low halves of the products of a and m. */
VEC_INLINE void multiply(vu a, uint32_t m, vu *high, vu *low)
{
#if LANES > 4
	typedef uint64_t vl __attribute__((vector_size(4 * LANES)));
	const vl lower = (vl)vset(0.0f) + UINT32_MAX;
#if LANES == 16
	const vl even = (vl)_mm512_mul_epu32((__m512i)a, (__m512i)vset_u(m));
	const vl odd = (vl)_mm512_mul_epu32((__m512i)((vl)a >> 32), (__m512i)vset_u(m));
#else
	const vl even = (vl)_mm256_mul_epu32((__m256i)a, (__m256i)vset_u(m));
	const vl odd = (vl)_mm256_mul_epu32((__m256i)((vl)a >> 32), (__m256i)vset_u(m));
#endif

	*high = (vu)((even >> 32) | (odd & ~lower));
	*low = (vu)((even & lower) | (odd << 32));
#else
	for (size_t i = 0; i < LANES; i++) {
		const uint64_t product = (uint64_t)a[i] * m;

		(*high)[i] = (uint32_t)(product >> 32);
		(*low)[i] = (uint32_t)product;
	}
#endif
}

/* What BLOCK elements are multiplied by: 0 where the word is below `limit`, else `keep`. */
static void make_factors(float *factors, uint64_t block, uint64_t key, uint32_t limit, float keep)
{
	static const uint32_t place[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
	vu a, b = vset_u((uint32_t)(block * LANES >> 32)), c = vset_u(0), d = c;
	float by_word[BLOCK];

	memcpy(&a, place, sizeof(a));
	a += vset_u((uint32_t)(block * LANES));
	for (int round = 0; round < 10; round++) {
		vu p_high, p_low, q_high, q_low;

		multiply(a, 0xd2511f53u, &p_high, &p_low);
		multiply(c, 0xcd9e8d57u, &q_high, &q_low);
		a = q_high ^ b ^ vset_u(k0);
		b = q_low;
		c = p_high ^ d ^ vset_u(k1);
		d = p_low;
		k0 += 0x9e3779b9u;
		k1 += 0xbb67ae85u;
	}
	vstore(by_word, vselect((vi)(a < vset_u(limit)), vset(0.0f), vset(keep)));
	vstore(by_word + LANES, vselect((vi)(b < vset_u(limit)), vset(0.0f), vset(keep)));
	vstore(by_word + 2 * LANES, vselect((vi)(c < vset_u(limit)), vset(0.0f), vset(keep)));
	vstore(by_word + 3 * LANES, vselect((vi)(d < vset_u(limit)), vset(0.0f), vset(keep)));
	transpose(factors, 4, by_word, LANES, 4, LANES, 1.0f);
}

void KERNEL_SYMBOL(grad_dropout)(struct kernel_rows y, struct kernel_rows x, double rate,
	uint64_t key, size_t first, size_t rows, size_t cols)
{
	const uint32_t limit = (uint32_t)fmin(ceil(rate * 4294967296.0), UINT32_MAX);
	const float keep = rate < 1 ? (float)(1 / (1 - rate)) : 0.0f;
	uint64_t made = UINT64_MAX;
	float factors[BLOCK];

	for (size_t r = 0; r < rows; r++) {
		const float *from = x.at + r * x.stride;
		float *to = y.at + r * y.stride;

		for (size_t c = 0, n; c < cols; c += n) {
			const uint64_t e = (uint64_t)(first + r) * cols + c;
			const size_t at = e % BLOCK, left = cols - c;

			if (e / BLOCK != made) {
				made = e / BLOCK;
				make_factors(factors, made, key, limit, keep);
			}
			n = BLOCK - at < left ? BLOCK - at : left;
			for (size_t i = 0; i < n; i++)
				to[c + i] = from[c + i] * factors[at + i];
		}
	}
}
