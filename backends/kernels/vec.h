/* SPDX-License-Identifier: Apache-2.0
 * kernels/vec.h - a vector of KERNEL_LANES floats: the small layer that the
 * kernels are written over.  Each kernel source is compiled once for each ISA
 * with -DKERNEL_LANES=4 (plain), 8 (AVX2 and FMA) or 16 (AVX-512).
 *
 * Arithmetic and comparisons are the compiler's vector operators; only what they
 * lack is spelled out here.
 */
#ifndef TN_KERNELS_VEC_H
#define TN_KERNELS_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if KERNEL_LANES > 4
#include <immintrin.h>
#endif

#define LANES KERNEL_LANES
#define VEC_INLINE static inline __attribute__((always_inline, unused))

typedef float vf __attribute__((vector_size(4 * LANES)));
typedef int32_t vi __attribute__((vector_size(4 * LANES)));
typedef uint32_t vu __attribute__((vector_size(4 * LANES)));
typedef float vf_memory __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

VEC_INLINE vf vload(const float *p)
{
	return *(const vf_memory *)p;
}

VEC_INLINE void vstore(float *p, vf x)
{
	*(vf_memory *)p = x;
}

VEC_INLINE vf vset(float x)
{
#if LANES == 16
	return (vf)_mm512_set1_ps(x);
#elif LANES == 8
	return (vf)_mm256_set1_ps(x);
#else
	return (vf){ x, x, x, x };
#endif
}

#if LANES == 8
VEC_INLINE __m256i vfirst(size_t n)
{
	static const int32_t mask[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };

	return _mm256_loadu_si256((const __m256i *)(mask + 8 - n));
}
#endif

/** The first n < LANES floats; the other lanes are zero. */
VEC_INLINE vf vload_n(const float *p, size_t n)
{
#if LANES == 16
	return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif LANES == 8
	return (vf)_mm256_maskload_ps(p, vfirst(n));
#else
	vf x = { 0 };

	for (size_t i = 0; i < n; i++)
		x[i] = p[i];
	return x;
#endif
}

VEC_INLINE void vstore_n(float *p, vf x, size_t n)
{
#if LANES == 16
	_mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)x);
#elif LANES == 8
	_mm256_maskstore_ps(p, vfirst(n), (__m256)x);
#else
	for (size_t i = 0; i < n; i++)
		p[i] = x[i];
#endif
}

/** a * b + c, rounded once where the ISA can. */
VEC_INLINE vf vfma(vf a, vf b, vf c)
{
#if LANES == 16
	return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif LANES == 8
	return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
	return a * b + c;
#endif
}

/** mask ? a : b; the lanes of mask are 0 or -1. */
VEC_INLINE vf vselect(vi mask, vf a, vf b)
{
	return (vf)(((vi)a & mask) | ((vi)b & ~mask));
}

/** a > b ? a : b, so that a NaN in b stays. */
VEC_INLINE vf vmax(vf a, vf b)
{
#if LANES == 16
	return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif LANES == 8
	return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
	return vselect(a > b, a, b);
#endif
}

/** a < b ? a : b, so that a NaN in b stays. */
VEC_INLINE vf vmin(vf a, vf b)
{
#if LANES == 16
	return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif LANES == 8
	return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
	return vselect(a < b, a, b);
#endif
}

VEC_INLINE vf vabs(vf x)
{
	return (vf)((vi)x & 0x7fffffff);
}

/** x by the rule of tn_round_bf16, as floats. */
VEC_INLINE vf vround_bf16(vf x)
{
	const vu bits = (vu)x, quiet = bits | 0x400000;
	const vu near = bits + 0x7fff + (bits >> 16 & 1);

	return (vf)((vu)vselect(x == x, (vf)near, (vf)quiet) & 0xffff0000);
}

/** The mask of vupper. */
VEC_INLINE const float *vupper_mask(void)
{
#define FOUR 0xffff0000, 0xffff0000, 0xffff0000, 0xffff0000
	static const uint32_t mask[] = { FOUR, FOUR, FOUR, FOUR };
#undef FOUR

	return (const float *)mask;
}

/** The halves of words, which are bf16, as floats. */
VEC_INLINE vf vupper(vf words, vf mask)
{
	return (vf)((vu)words & (vu)mask);
}

VEC_INLINE vf vlower(vf words)
{
	return (vf)((vu)words << 16);
}

/** Words of two numbers that are rounded. */
VEC_INLINE vf vwords(vf lower, vf upper)
{
	return (vf)((vu)lower >> 16 | (vu)upper);
}

/** sum + a b of the upper halves + a b of the lower ones, in this order: what vdpbf16ps does,
 *  which also takes denormals for zeros.
 *  Source: Intel 64 and IA-32 Architectures Software Developer's Manual, VDPBF16PS. */
VEC_INLINE vf vdot_bf16(vf a, vf b, vf sum)
{
#ifdef __AVX512BF16__
	return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
	const vf mask = vload(vupper_mask());

	sum = vfma(vupper(a, mask), vupper(b, mask), sum);
	return vfma(vlower(a), vlower(b), sum);
#endif
}

VEC_INLINE vf vsqrt(vf x)
{
#if LANES == 16
	return (vf)_mm512_sqrt_ps((__m512)x);
#elif LANES == 8
	return (vf)_mm256_sqrt_ps((__m256)x);
#else
	for (size_t i = 0; i < LANES; i++)
		x[i] = __builtin_sqrtf(x[i]);
	return x;
#endif
}

/** The sum of the lanes, in double, from the first on. */
VEC_INLINE double vsum(vf x)
{
	double sum = 0;

	for (size_t i = 0; i < LANES; i++)
		sum += (double)x[i];
	return sum;
}

VEC_INLINE float vgreatest(vf x)
{
	float most = x[0];

	for (size_t i = 1; i < LANES; i++)
		most = most > x[i] ? most : x[i];
	return most;
}

/** 2^x for x < 127.5, relative error below 2e-7; below -127 it is 0, and at most 2^-126 in
 *  the step before.  The rounding constant 1.5 * 2^23 leaves the nearest integer in the low
 *  bits of its sum; the polynomial is 1 where x is whole, else the nearest of degree 5. */
VEC_INLINE vf vexp2_capped(vf x)
{
	const vf magic = vset(12582912.0f);
	vf t, r, p;

	x = vmax(vset(-127.0f), x);
	t = x + magic;
	r = x - (t - magic);
	p = vfma(r, vset(1.326472717e-3f), vset(9.671512642e-3f));
	p = vfma(r, p, vset(5.550733743e-2f));
	p = vfma(r, p, vset(2.402224209e-1f));
	p = vfma(r, p, vset(6.931469776e-1f));
	p = vfma(r, p, vset(1.0f));
	return (vf)((vi)p + ((vi)t << 23));
}

/** e^x, relative error below 2e-7; above 88.3 it is infinite, below -87.7 zero. */
VEC_INLINE vf vexp(vf x)
{
	const vf magic = vset(12582912.0f);
	vf t, n, r, p;

	x = vmin(vset(88.73f), vmax(vset(-88.0f), x));
	t = vfma(x, vset(1.44269504f), magic);
	n = t - magic;
	r = vfma(n, vset(-0.693359375f), x);
	r = vfma(n, vset(2.12194440e-4f), r);
	p = vfma(r, vset(1.384365345e-3f), vset(8.374155328e-3f));
	p = vfma(r, p, vset(4.166800204e-2f));
	p = vfma(r, p, vset(1.666643126e-1f));
	p = vfma(r, p, vset(4.999999421e-1f));
	p = vfma(r, p, vset(1.000000032f));
	p = vfma(r, p, vset(1.0f));
	return p * (vf)(((vi)t << 23) + 0x3f800000);
}

/** b(|x|), which is (reach - |x|)^4 times the fourth power of a polynomial, and 0 from
 *  `reach` on. */
VEC_INLINE vf vtail_by(vf x, float reach, const float *c)
{
	const vf a = vmin(vset(reach), vabs(x)), square = a * a;
	vf p = vfma(a, vset(c[9]), vset(c[8]));

#pragma GCC unroll 4
	for (int i = 6; i >= 0; i -= 2)
		p = vfma(square, p, vfma(a, vset(c[i + 1]), vset(c[i])));
	p *= vset(reach) - a;
	p *= p;
	return p * p;
}

/** max(x, 0) - |x| b(|x|). */
VEC_INLINE vf vgelu_by(vf x, float reach, const float *c)
{
	return vmax(vset(0.0f), x) - vtail_by(x, reach, c) * vmin(vset(reach), vabs(x));
}

/** x/2 (1 + erf(x / sqrt 2)), absolute error below 2e-7 max(1, |x|), relative error below
 *  1e-6 for |x| < 1: x^+ less |x| erfc(|x| / sqrt 2) / 2, whose fourth root is smooth and so
 *  needs neither a division nor an exponential.  The polynomial has the least error of the
 *  product. */
#define GELU_REACH 6.25f
static const float gelu_tail[10] __attribute__((unused)) = { 1.345434188e-1f, -5.310234978e-3f,
	-8.882599435e-3f, -6.753357463e-4f, 5.000059841e-4f, 6.972510095e-5f, -3.300464513e-5f,
	1.431379731e-6f, 4.261298401e-7f, -3.894219453e-8f };

VEC_INLINE vf vgelu(vf x)
{
	return vgelu_by(x, GELU_REACH, gelu_tail);
}

/** erfc(|x| / sqrt 2) / 2, absolute error below 2e-7. */
VEC_INLINE vf vgelu_tail(vf x)
{
	return vtail_by(x, GELU_REACH, gelu_tail);
}

VEC_INLINE vf vsigmoid(vf x)
{
	return vset(1.0f) / (vset(1.0f) + vexp(-x));
}

/** Absolute error below 2e-7, relative below 1e-6.
 *  Source: Cephes tanhf, the polynomial for |x| < 0.625. */
VEC_INLINE vf vtanh(vf x)
{
	vf z = x * x;
	vf p = vfma(z, vset(-5.70498872745e-3f), vset(2.06390887954e-2f));
	vf far = vset(1.0f) - vset(2.0f) / (vexp(x + x) + vset(1.0f));

	p = vfma(z, p, vset(-5.37397155531e-2f));
	p = vfma(z, p, vset(1.33314422036e-1f));
	p = vfma(z, p, vset(-3.33332819422e-1f));
	return vselect(vabs(x) < vset(0.625f), vfma(p * z, x, x), far);
}

/** x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), absolute error below 3.5e-7 max(1, |x|),
 *  relative error below 2.5e-6 for |x| < 1; as vgelu. */
VEC_INLINE vf vgelu_tanh(vf x)
{
	static const float c[10] = { 1.401493558e-1f, -4.595038912e-3f, -9.154985023e-3f,
		-6.390335937e-4f, 3.614473359e-4f, 2.529998325e-4f, -1.523359225e-4f,
		3.642853571e-5f, -4.195511587e-6f, 1.848727920e-7f };

	return vgelu_by(x, 6.0f, c);
}

typedef float v4 __attribute__((vector_size(16)));
typedef float v4_memory __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t i4 __attribute__((vector_size(16)));
#ifdef __clang__
#define SHUFFLE4(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define SHUFFLE4(a, b, i, j, k, l) __builtin_shuffle(a, b, (i4){ i, j, k, l })
#endif

/** to[c][r] = from[r][c] * by for 4 x 4 floats. */
VEC_INLINE void transpose4(float *to, size_t to_stride, const float *from, size_t from_stride,
	v4 by)
{
	v4 a = *(const v4_memory *)from * by;
	v4 b = *(const v4_memory *)(from + from_stride) * by;
	v4 c = *(const v4_memory *)(from + 2 * from_stride) * by;
	v4 d = *(const v4_memory *)(from + 3 * from_stride) * by;
	v4 ab = SHUFFLE4(a, b, 0, 4, 1, 5), cd = SHUFFLE4(c, d, 0, 4, 1, 5);

	*(v4_memory *)to = SHUFFLE4(ab, cd, 0, 1, 4, 5);
	*(v4_memory *)(to + to_stride) = SHUFFLE4(ab, cd, 2, 3, 6, 7);
	ab = SHUFFLE4(a, b, 2, 6, 3, 7);
	cd = SHUFFLE4(c, d, 2, 6, 3, 7);
	*(v4_memory *)(to + 2 * to_stride) = SHUFFLE4(ab, cd, 0, 1, 4, 5);
	*(v4_memory *)(to + 3 * to_stride) = SHUFFLE4(ab, cd, 2, 3, 6, 7);
}

/** to [cols][rows] = by * from [rows][cols] transposed.  Rows go by fours; what is left
 *  over is done with some of those before. */
static inline __attribute__((unused)) void transpose(float *to, size_t to_stride,
	const float *from, size_t from_stride, size_t rows, size_t cols, float by)
{
	const size_t fours = rows < 4 ? 0 : cols / 4 * 4;

	for (size_t i = 0; fours && i < rows; i += 4) {
		const size_t r = i + 4 < rows ? i : rows - 4;

		for (size_t c = 0; c < fours; c += 4)
			transpose4(to + c * to_stride + r, to_stride, from + r * from_stride + c,
				from_stride, (v4){ by, by, by, by });
	}
	for (size_t r = 0; r < rows; r++)
		for (size_t c = fours; c < cols; c++)
			to[c * to_stride + r] = by * from[r * from_stride + c];
}

#endif
