/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/loss.c - losses, summed over rows in double and in order.
 */
#include <math.h>

#include "ops.h"

static double log_sum_exp(const real *x, size_t n)
{
	double max = -INFINITY, sum = 0;

	for (size_t c = 0; c < n; c++)
		max = x[c] > max ? x[c] : max;
	for (size_t c = 0; c < n; c++)
		sum += exp(x[c] - max);
	return max + log(sum);
}

/* Weight of class c; 1 without class weights. */
static double class_weight(const real *weights, size_t c)
{
	return weights ? weights[c] : 1;
}

/* Cost of one row: with q the smoothed target, sum over c of q_c w_c (lse - x_c). */
static double row_cost(const real *x, size_t n, size_t target, const real *weights,
	double smoothing, double lse)
{
	double cost = (1 - smoothing) * class_weight(weights, target) * (lse - x[target]);

	for (size_t c = 0; smoothing > 0 && c < n; c++)
		cost += smoothing / (double)n * class_weight(weights, c) * (lse - x[c]);
	return cost;
}

/* Rows whose target is no class of the logits. */
static int check_targets(const struct tn_step *step, struct tn_call *call)
{
	for (size_t r = 0; r < step->in[0].dims[0]; r++) {
		int32_t target = *ref_index(&step->in[1], r);

		if (target >= 0 && (size_t)target >= step->in[0].dims[1])
			return ref_bad_index(step, r, target, step->in[0].dims[1], call);
	}
	return 0;
}

/* logits [R][C], target [R], class weights [C] or none -> loss [], count [], lse [R]
 * loss = sum of -log softmax(logits)[target] w[target], count = sum of w[target], over
 * the rows with target >= 0.  Smoothing moves that share of a target's mass evenly to
 * all classes.  Source: Szegedy et al., arXiv 1512.00567, section 7. */
int REF(cross_entropy)(const struct tn_step *step, struct tn_call *call)
{
	const union tn_attr *attr = &step->node->attr;
	const struct tn_tensor *x = &step->in[0];
	const real *weights = attr->loss.weighted ? ref_row(&step->in[2], 0) : NULL;
	size_t cols = x->dims[1];
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	double *lse = tn_alloc_n(call, x->dims[0], sizeof(*lse)), loss = 0, count = 0;

	if (!lse || check_targets(step, call))
		return tn_status(call);
#pragma omp parallel for if (ref_big(10 * x->dims[0] * cols))
	for (size_t r = 0; r < x->dims[0]; r++)
		lse[r] = log_sum_exp(ref_row(x, r), cols);
	for (size_t r = 0; r < x->dims[0]; r++) {
		int32_t target = *ref_index(&step->in[1], r);

		if (step->node->n_out > 2)
			*ref_row(&step->out[2], r) = (real)lse[r];
		if (target < 0)
			continue;
		loss += row_cost(ref_row(x, r), cols, (size_t)target, weights,
			attr->loss.smoothing, lse[r]);
		count += class_weight(weights, (size_t)target);
	}
	*ref_row(&step->out[0], 0) = (real)loss;
	*ref_row(&step->out[1], 0) = (real)count;
	tn_arena_rewind(tn_call_arena(call), mark);
	return 0;
}

/* logits [R][C], target [R], lse [R], dloss [], class weights [C] or none -> dx [R][C]
 * dx_c = dloss (p_c W - q_c w_c), p = exp(x - lse), q the smoothed target and
 * W = sum of q_c w_c; rows with target < 0 give zeros. */
int REF(cross_entropy_grad)(const struct tn_step *step, struct tn_call *call)
{
	const union tn_attr *attr = &step->node->attr;
	const struct tn_tensor *x = &step->in[0], *dx = &step->out[0];
	const real *weights = attr->loss.weighted ? ref_row(&step->in[4], 0) : NULL;
	double dloss = *ref_row(&step->in[3], 0), smoothing = attr->loss.smoothing;
	size_t cols = x->dims[1];
	double even = smoothing / (double)cols;

	if (check_targets(step, call))
		return tn_status(call);
#pragma omp parallel for if (ref_big(10 * x->dims[0] * cols))
	for (size_t r = 0; r < x->dims[0]; r++) {
		int32_t target = *ref_index(&step->in[1], r);
		double lse = *ref_row(&step->in[2], r), total;

		if (target < 0) {
			memset(ref_row(dx, r), 0, cols * sizeof(real));
			continue;
		}
		total = (1 - smoothing) * class_weight(weights, (size_t)target);
		for (size_t c = 0; smoothing > 0 && c < cols; c++)
			total += even * class_weight(weights, c);
		for (size_t c = 0; c < cols; c++) {
			double q = even + (c == (size_t)target ? 1 - smoothing : 0);
			double p = exp(ref_row(x, r)[c] - lse);

			ref_row(dx, r)[c] = (real)(dloss * (p * total -
				q * class_weight(weights, c)));
		}
	}
	return 0;
}

/* logits [R][C], target [R][C] -> loss [], count [] = R C
 * loss = sum of -(t log s(x) + (1 - t) log(1 - s(x))), s the logistic function, written
 * so that nothing overflows; with mse the sum of (x - t)^2. */
int REF(bce)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *t = &step->in[1];
	bool mse = step->node->attr.loss.mse;
	double loss = 0;

	for (size_t r = 0; r < x->dims[0]; r++)
		for (size_t c = 0; c < x->dims[1]; c++) {
			double a = ref_row(x, r)[c], b = ref_row(t, r)[c];

			if (mse)
				loss += (a - b) * (a - b);
			else
				loss += (a > 0 ? a : 0) - a * b + log1p(exp(-fabs(a)));
		}
	*ref_row(&step->out[0], 0) = (real)loss;
	*ref_row(&step->out[1], 0) = (real)(x->dims[0] * x->dims[1]);
	return 0;
}
