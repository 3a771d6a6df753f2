/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/norm.c - norms and softmax of rows.  Sums run in double.
 */
#include <math.h>

#include "ops.h"

/* x [R][C], weight [C], bias [C] or none, residual x2 [R][C] or none
 * -> y = (z - mean) rstd weight + bias with z = x + x2, rstd = 1 / sqrt(var + eps);
 * mean [R], rstd [R] when asked for.
 * Source: Ba, Kiros and Hinton, arXiv 1607.06450, section 3. */
int REF(layer_norm)(const struct tn_step *step, struct tn_call *call)
{
	const union tn_attr *attr = &step->node->attr;
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];
	const struct tn_tensor *x2 = attr->norm.residual ? &step->in[attr->norm.bias ? 3 : 2] : NULL;
	const real *weight = ref_row(&step->in[1], 0);
	const real *bias = attr->norm.bias ? ref_row(&step->in[2], 0) : NULL;
	size_t cols = x->dims[1];

#pragma omp parallel for if (ref_big(10 * x->dims[0] * cols))
	for (size_t r = 0; r < x->dims[0]; r++) {
		const real *in = ref_row(x, r);
		real *out = ref_row(y, r);
		double sum = 0, squares = 0, mean, rstd;

		for (size_t c = 0; c < cols; c++) {
			out[c] = x2 ? in[c] + ref_row(x2, r)[c] : in[c];
			sum += out[c];
		}
		mean = sum / (double)cols;
		for (size_t c = 0; c < cols; c++)
			squares += (out[c] - mean) * (out[c] - mean);
		rstd = 1 / sqrt(squares / (double)cols + attr->norm.eps);
		for (size_t c = 0; c < cols; c++)
			out[c] = (real)((out[c] - mean) * rstd * weight[c] +
				(bias ? bias[c] : 0));
		if (step->node->n_out > 1) {
			*ref_row(&step->out[1], r) = (real)mean;
			*ref_row(&step->out[2], r) = (real)rstd;
		}
	}
	return 0;
}

/* x [R][C], weight [C] -> y = x rstd weight with rstd = 1 / sqrt(mean of x^2 + eps);
 * rstd [R] when asked for.  Source: Zhang and Sennrich, arXiv 1910.07467, section 4. */
int REF(rms_norm)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];
	const real *weight = ref_row(&step->in[1], 0);
	size_t cols = x->dims[1];

#pragma omp parallel for if (ref_big(10 * x->dims[0] * cols))
	for (size_t r = 0; r < x->dims[0]; r++) {
		const real *in = ref_row(x, r);
		double squares = 0, rstd;

		for (size_t c = 0; c < cols; c++)
			squares += (double)in[c] * in[c];
		rstd = 1 / sqrt(squares / (double)cols + step->node->attr.norm.eps);
		for (size_t c = 0; c < cols; c++)
			ref_row(y, r)[c] = (real)(in[c] * rstd * weight[c]);
		if (step->node->n_out > 1)
			*ref_row(&step->out[1], r) = (real)rstd;
	}
	return 0;
}

/* x [R][C] -> y = x / max(||x||, eps), rows by the Euclidean norm. */
int REF(l2norm)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];
	double eps = step->node->attr.norm.eps;
	size_t cols = x->dims[1];

	for (size_t r = 0; r < x->dims[0]; r++) {
		const real *in = ref_row(x, r);
		double squares = 0, norm;

		for (size_t c = 0; c < cols; c++)
			squares += (double)in[c] * in[c];
		norm = sqrt(squares);
		if (norm < eps)
			norm = eps;
		for (size_t c = 0; c < cols; c++)
			ref_row(y, r)[c] = (real)(in[c] / norm);
	}
	return 0;
}

/* x [R][C] -> y = exp(x - lse) or, with log, x - lse; lse = log of the sum of exp(x),
 * taken from the largest x so that nothing overflows. */
int REF(softmax)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];
	size_t cols = x->dims[1];

#pragma omp parallel for if (ref_big(10 * x->dims[0] * cols))
	for (size_t r = 0; r < x->dims[0]; r++) {
		const real *in = ref_row(x, r);
		double max = -INFINITY, sum = 0, lse;

		for (size_t c = 0; c < cols; c++)
			max = in[c] > max ? in[c] : max;
		for (size_t c = 0; c < cols; c++)
			sum += exp(in[c] - max);
		lse = max + log(sum);
		for (size_t c = 0; c < cols; c++)
			ref_row(y, r)[c] = (real)(step->node->attr.softmax.log ? in[c] - lse :
				exp(in[c] - max) / sum);
	}
	return 0;
}
