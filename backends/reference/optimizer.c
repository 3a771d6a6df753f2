/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/optimizer.c - what a training step does to the weights.
 */
#include <math.h>

#include "ops.h"

/* x -> y [] = sum of x^2 */
int REF(sum_squares)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0];
	double sum = 0;

	for (size_t r = 0; r < x->dims[0]; r++)
		for (size_t c = 0; c < tn_row_size(x); c++)
			sum += (double)ref_row(x, r)[c] * ref_row(x, r)[c];
	*ref_row(&step->out[0], 0) = (real)sum;
	return 0;
}

/* p, dp, m, v, h [8] -> p', m', v' of the same shape; with g = factor dp:
 * m' = b1 m + (1 - b1) g, v' = b2 v + (1 - b2) g^2,
 * p' = p - rate (decay p + (m' / c1) / (sqrt(v' / c2) + eps)), c1 and c2 the bias
 * corrections.  Source: Loshchilov and Hutter, arXiv 1711.05101, algorithm 2. */
int REF(adamw)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *in = step->in, *out = step->out;
	const real *h = ref_row(&in[4], 0);
	double rate = h[0], b1 = h[1], b2 = h[2], eps = h[3], decay = h[4];
	size_t cols = tn_row_size(&in[0]);

#pragma omp parallel for if (ref_big(in[0].dims[0] * cols))
	for (size_t r = 0; r < in[0].dims[0]; r++)
		for (size_t c = 0; c < cols; c++) {
			double p = ref_row(&in[0], r)[c], g = h[7] * (double)ref_row(&in[1], r)[c];
			double m = b1 * ref_row(&in[2], r)[c] + (1 - b1) * g;
			double v = b2 * ref_row(&in[3], r)[c] + (1 - b2) * g * g;
			double by = m / h[5] / (sqrt(v / h[6]) + eps);

			ref_row(&out[0], r)[c] = (real)(p - rate * (decay * p + by));
			ref_row(&out[1], r)[c] = (real)m;
			ref_row(&out[2], r)[c] = (real)v;
		}
	return 0;
}
