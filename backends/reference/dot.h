/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/dot.h - scalar products of rows.
 *
 * Sums run in 16 fixed lanes, so a product has the same bits on every CPU and with
 * every vector width the compiler may choose.
 */
#ifndef REF_DOT_H
#define REF_DOT_H

#include "ops.h"

#define REF_LANES 16

typedef real ref_lanes __attribute__((vector_size(REF_LANES * sizeof(real))));

/* The lanes of x[i..], those from n on zero. */
static inline void ref_load(ref_lanes *v, const real *x, size_t i, size_t n)
{
	if (i + REF_LANES <= n) {
		memcpy(v, x + i, sizeof(*v));
	} else {
		*v = (ref_lanes){ 0 };
		memcpy(v, x + i, (n - i) * sizeof(real));
	}
}

static inline real ref_lane_sum(const ref_lanes *v)
{
	real part[REF_LANES];

	memcpy(part, v, sizeof(part));
	for (size_t width = REF_LANES / 2; width; width /= 2)
		for (size_t l = 0; l < width; l++)
			part[l] += part[l + width];
	return part[0];
}

/** x . w of n elements. */
static inline real ref_dot(const real *x, const real *w, size_t n)
{
	ref_lanes sum = { 0 }, a, b;

	for (size_t i = 0; i < n; i += REF_LANES) {
		ref_load(&a, x, i, n);
		ref_load(&b, w, i, n);
		sum += a * b;
	}
	return ref_lane_sum(&sum);
}

/** y += factor * x of n elements, summed in double. */
static inline void ref_axpy(double *restrict y, double factor, const real *restrict x, size_t n)
{
#pragma omp simd
	for (size_t i = 0; i < n; i++)
		y[i] += factor * (double)x[i];
}

#endif
