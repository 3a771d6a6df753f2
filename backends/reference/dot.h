/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/dot.h - scalar products of rows.
 *
 * Sums run in a fixed number of lanes, so a product has the same bits on every CPU
 * and with every optimization of the compiler.
 */
#ifndef REF_DOT_H
#define REF_DOT_H

#include "ops.h"

#define REF_LANES (16 / sizeof(real))

typedef real ref_lanes __attribute__((vector_size(16)));

static inline void ref_multiply_add(ref_lanes *sum, const real *x, const real *w)
{
	ref_lanes a, b;

	memcpy(&a, x, sizeof(a));
	memcpy(&b, w, sizeof(b));
	*sum += a * b;
}

/** x . w of n elements: four sums of 16 bytes each, then the rest one by one. */
static inline real ref_dot(const real *x, const real *w, size_t n)
{
	ref_lanes s0 = { 0 }, s1 = { 0 }, s2 = { 0 }, s3 = { 0 };
	real sum = 0;
	size_t i = 0;

	for (; i + 4 * REF_LANES <= n; i += 4 * REF_LANES) {
		ref_multiply_add(&s0, x + i, w + i);
		ref_multiply_add(&s1, x + i + REF_LANES, w + i + REF_LANES);
		ref_multiply_add(&s2, x + i + 2 * REF_LANES, w + i + 2 * REF_LANES);
		ref_multiply_add(&s3, x + i + 3 * REF_LANES, w + i + 3 * REF_LANES);
	}
	s0 = (s0 + s1) + (s2 + s3);
	for (size_t l = 0; l < REF_LANES; l++)
		sum += s0[l];
	for (; i < n; i++)
		sum += x[i] * w[i];
	return sum;
}

/** y += factor * x of n elements, summed in double. */
static inline void ref_axpy(double *restrict y, double factor, const real *restrict x, size_t n)
{
#pragma omp simd
	for (size_t i = 0; i < n; i++)
		y[i] += factor * (double)x[i];
}

#endif
