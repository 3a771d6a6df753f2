/* SPDX-License-Identifier: Apache-2.0
 * deberta-v2/neighbours.c - rows for a convolution over the tokens, and their gradient.
 */
#include "neighbours.h"

static int neighbours_infer(const void *data, const struct tn_spec *in, size_t n_in,
	struct tn_spec *out, struct tn_call *call)
{
	if (n_in != 1 || in->n_dims != 2)
		return tn_fail(call, TN_EINTERNAL, "neighbours: the input is no matrix");
	out[0] = *in;
	out[0].dims[1] *= ((const struct neighbours *)data)->n;
	return 0;
}

static double get(const struct tn_tensor *t, size_t row, size_t col)
{
	const size_t at = row * t->row_stride + col;

	return t->dtype == TN_F64 ? ((const double *)tn_host_data(t))[at] :
		(double)((const float *)tn_host_data(t))[at];
}

static void put(const struct tn_tensor *t, size_t row, size_t col, double value)
{
	const size_t at = row * t->row_stride + col;

	if (t->dtype == TN_F64)
		((double *)tn_host_data(t))[at] = value;
	else
		((float *)tn_host_data(t))[at] = (float)value;
}

static int neighbours_forward(const void *data, const struct tn_step *step, struct tn_call *call)
{
	const size_t n = ((const struct neighbours *)data)->n;
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];

	for (size_t s = 0; s < step->axis->seqs; s++) {
		const size_t begin = step->axis->start[s], end = step->axis->start[s + 1];

		for (size_t r = begin; r < end; r++)
			for (size_t t = 0; t < n; t++) {
				const size_t from = r + t - n / 2;	/* wraps below 0 */
				const bool there = r + t >= begin + n / 2 && from < end;

				for (size_t c = 0; c < x->dims[1]; c++)
					put(y, r, c * n + t, there ? get(x, from, c) : 0);
			}
	}
	return 0;
}

static int neighbours_backward(const void *data, const struct tn_step *step, struct tn_call *call)
{
	const size_t n = ((const struct neighbours *)data)->n;
	const struct tn_tensor *dy = &step->in[0], *dx = &step->out[0];

	for (size_t s = 0; s < step->axis->seqs; s++) {
		const size_t begin = step->axis->start[s], end = step->axis->start[s + 1];

		for (size_t r = begin; r < end; r++)
			for (size_t c = 0; c < dx->dims[1]; c++) {
				double sum = 0;

				for (size_t t = 0; t < n; t++)
					if (r + n / 2 >= begin + t && r + n / 2 - t < end)
						sum += get(dy, r + n / 2 - t, c * n + t);
				put(dx, r, c, sum);
			}
	}
	return 0;
}

const struct tn_custom_op neighbours_op = {
	.size = sizeof(neighbours_op), .n_out = 1, .name = "neighbours",
	.infer = neighbours_infer, .forward = neighbours_forward, .backward = neighbours_backward,
};
