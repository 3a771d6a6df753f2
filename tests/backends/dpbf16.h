/* SPDX-License-Identifier: Apache-2.0
 * tests/backends/dpbf16.h - vdpbf16ps as its manual defines it, in plain AVX-512, for loops that
 * are compiled with it in place of the instruction: included before all else by the compiler.
 *
 * Each lane adds the product of the upper halves, then that of the lower ones, both rounded to
 * nearest even; denormals are taken for zeros, and zeros stand for denormal sums.
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, VDPBF16PS.
 */
#ifndef TN_TESTS_DPBF16_H
#define TN_TESTS_DPBF16_H

#include <immintrin.h>
#include <stdint.h>

static inline __m512 dpbf16_flush(__m512 x)
{
	const __m512i bits = _mm512_castps_si512(x);
	const __mmask16 tiny = _mm512_testn_epi32_mask(bits, _mm512_set1_epi32(0x7f800000));

	return _mm512_castsi512_ps(_mm512_mask_and_epi32(bits, tiny, bits,
		_mm512_set1_epi32(INT32_MIN)));
}

static inline __m512 dpbf16_add(__m512 sum, __m512i a, __m512i b)
{
	return dpbf16_flush(_mm512_fmadd_ps(dpbf16_flush(_mm512_castsi512_ps(a)),
		dpbf16_flush(_mm512_castsi512_ps(b)), dpbf16_flush(sum)));
}

static inline __m512 dpbf16_of(__m512 sum, __m512i a, __m512i b)
{
	const __m512i upper = _mm512_set1_epi32(-65536);

	sum = dpbf16_add(sum, _mm512_and_si512(a, upper), _mm512_and_si512(b, upper));
	return dpbf16_add(sum, _mm512_slli_epi32(a, 16), _mm512_slli_epi32(b, 16));
}

#define __AVX512BF16__ 1
#define _mm512_dpbf16_ps(sum, a, b) dpbf16_of(sum, (__m512i)(a), (__m512i)(b))

#endif
