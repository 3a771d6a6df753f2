/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/linear.c - linear layers and products of matrices.
 */
#include <omp.h>

#include "act.h"
#include "dot.h"

#define BLOCK_ROWS 16
#define BLOCK_COLS 32

/* y[r][o] = x[r] . w[o] (+ b[o]) for one block of rows and columns, so that the
 * weights of a block stay in the cache while the rows pass. */
static void linear_block(const struct tn_tensor *x, const struct tn_tensor *w, const real *b,
	const struct tn_tensor *y, size_t y_first, size_t r_begin, size_t o_begin)
{
	size_t r_end = r_begin + BLOCK_ROWS < x->dims[0] ? r_begin + BLOCK_ROWS : x->dims[0];
	size_t o_end = o_begin + BLOCK_COLS < w->dims[0] ? o_begin + BLOCK_COLS : w->dims[0];

	for (size_t r = r_begin; r < r_end; r++) {
		real *out = ref_row(y, r) + y_first;

		for (size_t o = o_begin; o < o_end; o++) {
			real sum = ref_dot(ref_row(x, r), ref_row(w, o), x->dims[1]);

			out[o] = b ? sum + b[o] : sum;
		}
	}
}

/* One part of a linear: columns y_first.. of y. */
static void linear_part(const struct tn_tensor *x, const struct tn_tensor *w,
	const struct tn_tensor *bias, const struct tn_tensor *y, size_t y_first)
{
	const real *b = bias ? ref_row(bias, 0) : NULL;

#pragma omp parallel for collapse(2) if (ref_big(x->dims[0] * w->dims[0] * x->dims[1] / 8))
	for (size_t o = 0; o < w->dims[0]; o += BLOCK_COLS)
		for (size_t r = 0; r < x->dims[0]; r += BLOCK_ROWS)
			linear_block(x, w, b, y, y_first, r, o);
}

void REF(linear_finish)(const struct tn_tensor *y, uint32_t act,
	const struct tn_tensor *residual)
{
#pragma omp parallel for if (ref_big(20 * y->dims[0] * y->dims[1]))
	for (size_t r = 0; r < y->dims[0]; r++) {
		real *out = ref_row(y, r);

		for (size_t c = 0; act && c < y->dims[1]; c++)
			out[c] = (real)ref_act_value(act, out[c]);
		for (size_t c = 0; residual && c < y->dims[1]; c++)
			out[c] += ref_row(residual, r)[c];
	}
}

/* x [R][I], parts of w [O][I] and b [O], residual r [R][O'] -> y [R][O'], O' the sum
 * of the O: y = act(x w^T + b) + r, parts side by side. */
int REF(linear)(const struct tn_step *step, struct tn_call *call)
{
	const union tn_attr *attr = &step->node->attr;
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];
	uint32_t i = 1;
	size_t first = 0;

	for (uint32_t p = 0; p < attr->linear.parts; p++) {
		const struct tn_tensor *w = &step->in[i++];

		linear_part(x, w, attr->linear.bias ? &step->in[i++] : NULL, y, first);
		first += w->dims[0];
	}
	if (attr->linear.act || attr->linear.residual)
		REF(linear_finish)(y, attr->linear.act, attr->linear.residual ? &step->in[i] : NULL);
	return 0;
}

/* Row m of op(a) op(b): a row of op(a) lies in `left` when a is transposed, and
 * `sum` has room for the row of the result. */
static void matmul_row(const struct tn_step *step, size_t m, double *sum, real *left)
{
	const struct tn_tensor *a = &step->in[0], *b = &step->in[1], *y = &step->out[0];
	bool ta = step->node->attr.matmul.transpose_a, tb = step->node->attr.matmul.transpose_b;
	size_t inner = ta ? a->dims[0] : a->dims[1], n = y->dims[1];
	const real *row = ta ? left : ref_row(a, m);
	real *out = ref_row(y, m);

	for (size_t k = 0; ta && k < inner; k++)
		left[k] = ref_row(a, k)[m];
	if (tb) {
		for (size_t j = 0; j < n; j++)
			out[j] = ref_dot(row, ref_row(b, j), inner);
		return;
	}
	memset(sum, 0, n * sizeof(*sum));
	for (size_t k = 0; k < inner; k++)
		ref_axpy(sum, row[k], ref_row(b, k), n);
	for (size_t j = 0; j < n; j++)
		out[j] = (real)sum[j];
}

/* a, b -> y [M][N] = op(a) op(b), op the transpose where the attribute says so; sums
 * over rows (weight gradients) run in their order. */
int REF(matmul)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *a = &step->in[0], *y = &step->out[0];
	size_t inner = step->node->attr.matmul.transpose_a ? a->dims[0] : a->dims[1];
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	size_t team = (size_t)omp_get_max_threads();
	double *sums = tn_alloc_n(call, team * y->dims[1], sizeof(*sums));
	real *lefts = tn_alloc_n(call, team * inner, sizeof(*lefts));

	if (!sums || !lefts)
		return tn_status(call);
#pragma omp parallel for if (ref_big(y->dims[0] * y->dims[1] * inner / 2))
	for (size_t m = 0; m < y->dims[0]; m++) {
		size_t t = (size_t)omp_get_thread_num();

		matmul_row(step, m, sums + t * y->dims[1], lefts + t * inner);
	}
	tn_arena_rewind(tn_call_arena(call), mark);
	return 0;
}
