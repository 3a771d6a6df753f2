/* SPDX-License-Identifier: Apache-2.0
 * kernels/philox.h - random words from counters, LANES of them at once.
 * Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011), section 3.3.
 */
#ifndef TN_KERNELS_PHILOX_H
#define TN_KERNELS_PHILOX_H

#include <math.h>

#include "vec.h"

typedef uint32_t vu __attribute__((vector_size(4 * LANES)));

VEC_INLINE vu vset_u(uint32_t x)
{
	return (vu)vset(0.0f) + x;
}

/* 0, 1, 2 ... in the lanes, from `first` on. */
VEC_INLINE vu vcount(uint32_t first)
{
	static const uint32_t place[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	vu v;

	memcpy(&v, place, sizeof(v));
	return v + vset_u(first);
}

/* The high and low halves of the products of a and m. */
VEC_INLINE void vproducts(vu a, uint32_t m, vu *high, vu *low)
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

/* Philox4x32-10 of the counters v, in their place. */
VEC_INLINE void vphilox(vu v[4], uint64_t key)
{
	uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);

	for (int round = 0; round < 10; round++) {
		vu p_high, p_low, q_high, q_low;

		vproducts(v[0], 0xd2511f53u, &p_high, &p_low);
		vproducts(v[2], 0xcd9e8d57u, &q_high, &q_low);
		v[0] = q_high ^ v[1] ^ vset_u(k0);
		v[1] = q_low;
		v[2] = p_high ^ v[3] ^ vset_u(k1);
		v[3] = p_low;
		k0 += 0x9e3779b9u;
		k1 += 0xbb67ae85u;
	}
}

/* What is dropped at a rate: words below `limit`; what stays is multiplied by `keep`. */
struct drop {
	uint32_t limit;
	float keep;
};

static inline struct drop drop_at(double rate)
{
	return (struct drop){ (uint32_t)fmin(ceil(rate * 4294967296.0), UINT32_MAX),
		rate < 1 ? (float)(1 / (1 - rate)) : 0.0f };
}

VEC_INLINE vf vdrop(vu words, struct drop drop)
{
	return vselect((vi)(words < vset_u(drop.limit)), vset(0.0f), vset(drop.keep));
}

#endif
