/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/norm_grad.c - gradients of norms and softmax.
 */
#include <math.h>

#include "ops.h"

/* x [R][C], weight [C], mean [R], rstd [R], dy [R][C] -> dx [R][C], dweight [C], dbias [C]
 * with n = (x - mean) rstd and g = dy weight:
 * dx = rstd (g - mean of g - n mean of (g n)); dweight = sum of dy n, dbias = sum of dy. */
int REF(layer_norm_grad)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *dy = &step->in[4], *dx = &step->out[0];
	const real *weight = ref_row(&step->in[1], 0);
	size_t rows = x->dims[0], cols = x->dims[1];

#pragma omp parallel for if (ref_big(10 * rows * cols))
	for (size_t r = 0; r < rows; r++) {
		double mean = *ref_row(&step->in[2], r), rstd = *ref_row(&step->in[3], r);
		const real *in = ref_row(x, r), *grad = ref_row(dy, r);
		double sum = 0, sum_n = 0;

		for (size_t c = 0; c < cols; c++) {
			sum += grad[c] * (double)weight[c];
			sum_n += grad[c] * (double)weight[c] * (in[c] - mean) * rstd;
		}
		for (size_t c = 0; c < cols; c++)
			ref_row(dx, r)[c] = (real)(rstd * (grad[c] * (double)weight[c] -
				(sum + (in[c] - mean) * rstd * sum_n) / (double)cols));
	}
#pragma omp parallel for if (ref_big(10 * rows * cols))
	for (size_t c = 0; c < cols; c++) {
		double dweight = 0, dbias = 0;

		for (size_t r = 0; r < rows; r++) {
			double mean = *ref_row(&step->in[2], r), rstd = *ref_row(&step->in[3], r);

			dweight += ref_row(dy, r)[c] * (ref_row(x, r)[c] - mean) * rstd;
			dbias += ref_row(dy, r)[c];
		}
		ref_row(&step->out[1], 0)[c] = (real)dweight;
		ref_row(&step->out[2], 0)[c] = (real)dbias;
	}
	return 0;
}

/* x [R][C], weight [C], rstd [R], dy [R][C] -> dx [R][C], dweight [C]
 * with n = x rstd and g = dy weight: dx = rstd (g - n mean of (g n)), dweight = sum of dy n. */
int REF(rms_norm_grad)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *dy = &step->in[3], *dx = &step->out[0];
	const real *weight = ref_row(&step->in[1], 0);
	size_t rows = x->dims[0], cols = x->dims[1];

#pragma omp parallel for if (ref_big(10 * rows * cols))
	for (size_t r = 0; r < rows; r++) {
		const real *in = ref_row(x, r), *grad = ref_row(dy, r);
		double rstd = *ref_row(&step->in[2], r), sum_n = 0;

		for (size_t c = 0; c < cols; c++)
			sum_n += grad[c] * (double)weight[c] * in[c] * rstd;
		for (size_t c = 0; c < cols; c++)
			ref_row(dx, r)[c] = (real)(rstd * (grad[c] * (double)weight[c] -
				in[c] * rstd * sum_n / (double)cols));
	}
	for (size_t c = 0; c < cols; c++) {
		double dweight = 0;

		for (size_t r = 0; r < rows; r++)
			dweight += (double)ref_row(dy, r)[c] * ref_row(x, r)[c] *
				*ref_row(&step->in[2], r);
		ref_row(&step->out[1], 0)[c] = (real)dweight;
	}
	return 0;
}

/* x [R][C], dy [R][C] -> dx = (dy - y (y . dy)) / ||x|| with y = x / ||x||, or dy / eps where
 * ||x|| is less than eps. */
int REF(l2norm_grad)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *dy = &step->in[1], *dx = &step->out[0];
	double eps = step->node->attr.norm.eps;
	size_t cols = x->dims[1];

	for (size_t r = 0; r < x->dims[0]; r++) {
		const real *in = ref_row(x, r), *grad = ref_row(dy, r);
		double squares = 0, dot = 0, norm;

		for (size_t c = 0; c < cols; c++) {
			squares += (double)in[c] * in[c];
			dot += (double)in[c] * grad[c];
		}
		norm = sqrt(squares);
		dot = norm < eps ? 0 : dot / squares;
		norm = norm < eps ? eps : norm;
		for (size_t c = 0; c < cols; c++)
			ref_row(dx, r)[c] = (real)((grad[c] - in[c] * dot) / norm);
	}
	return 0;
}

/* y [R][C], dy [R][C] -> dx = y (dy - sum of dy y); of the logarithm, y being that:
 * dx = dy - exp(y) sum of dy. */
int REF(softmax_grad)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *y = &step->in[0], *dy = &step->in[1], *dx = &step->out[0];
	bool log_form = step->node->attr.softmax.log;

#pragma omp parallel for if (ref_big(10 * y->dims[0] * y->dims[1]))
	for (size_t r = 0; r < y->dims[0]; r++) {
		const real *out = ref_row(y, r), *grad = ref_row(dy, r);
		double sum = 0;

		for (size_t c = 0; c < y->dims[1]; c++)
			sum += grad[c] * (log_form ? 1 : (double)out[c]);
		for (size_t c = 0; c < y->dims[1]; c++)
			ref_row(dx, r)[c] = (real)(log_form ? grad[c] - exp(out[c]) * sum :
				out[c] * (grad[c] - sum));
	}
	return 0;
}
