/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/gather.c - rows picked, joined and summed up.
 */
#include "ops.h"

/* a [R][A], b [R][B] ... -> y [R][A+B+...] */
int REF(concat)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *y = &step->out[0];

	for (size_t r = 0; r < y->dims[0]; r++) {
		real *out = ref_row(y, r);

		for (uint32_t i = 0; i < step->node->n_in; i++) {
			size_t cols = step->in[i].dims[1];

			memcpy(out, ref_row(&step->in[i], r), cols * sizeof(*out));
			out += cols;
		}
	}
	return 0;
}

/* table [V][C], index [R] -> y [R][C]: row index[r], zeros when that is negative. */
int REF(gather)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *table = &step->in[0], *y = &step->out[0];
	size_t bytes = y->dims[1] * sizeof(real);

	for (size_t r = 0; r < y->dims[0]; r++) {
		int32_t v = *ref_index(&step->in[1], r);

		if (v >= 0 && (size_t)v >= table->dims[0])
			return ref_bad_index(step, r, v, table->dims[0], call);
		if (v < 0)
			memset(ref_row(y, r), 0, bytes);
		else
			memcpy(ref_row(y, r), ref_row(table, (size_t)v), bytes);
	}
	return 0;
}

/* dy [R][C], index [R] -> y [V][C]: row v is the sum of the dy[r] with index[r] = v,
 * in the order of r; negative indexes are left out. */
int REF(scatter_add)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *dy = &step->in[0], *y = &step->out[0];

	for (size_t v = 0; v < y->dims[0]; v++)
		memset(ref_row(y, v), 0, y->dims[1] * sizeof(real));
	for (size_t r = 0; r < dy->dims[0]; r++) {
		int32_t v = *ref_index(&step->in[1], r);

		if (v >= 0 && (size_t)v >= y->dims[0])
			return ref_bad_index(step, r, v, y->dims[0], call);
		for (size_t c = 0; v >= 0 && c < y->dims[1]; c++)
			ref_row(y, (size_t)v)[c] += ref_row(dy, r)[c];
	}
	return 0;
}

/* Column c of rows begin..end-1, at least one of them, reduced. */
static real reduce_rows(const struct tn_tensor *x, size_t begin, size_t end, size_t c,
	uint32_t kind)
{
	double sum = 0, max = ref_row(x, begin)[c];

	for (size_t r = begin; r < end; r++) {
		double value = ref_row(x, r)[c];

		sum += value;
		max = value > max ? value : max;
	}
	if (kind == TN_MAX)
		return (real)max;
	return (real)(kind == TN_MEAN ? sum / (double)(end - begin) : sum);
}

/* x [R][C], begin [S], end [S] -> y [S][C]: rows begin..end-1 reduced, none: zeros. */
int REF(segment)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];

	for (size_t s = 0; s < y->dims[0]; s++) {
		int32_t begin = *ref_index(&step->in[1], s), end = *ref_index(&step->in[2], s);

		if (begin >= end) {
			memset(ref_row(y, s), 0, y->dims[1] * sizeof(real));
			continue;
		}
		if (begin < 0)
			return ref_bad_index(step, s, begin, x->dims[0], call);
		if ((size_t)end > x->dims[0])
			return ref_bad_index(step, s, end - 1, x->dims[0], call);
		for (size_t c = 0; c < y->dims[1]; c++)
			ref_row(y, s)[c] = reduce_rows(x, (size_t)begin, (size_t)end, c,
				step->node->attr.reduce.kind);
	}
	return 0;
}

/* x [R][C] -> over rows [C], over columns [R][1], over all []. */
int REF(reduce)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];
	uint32_t kind = step->node->attr.reduce.kind, over = step->node->attr.reduce.over;
	size_t rows = x->dims[0], cols = tn_row_size(x), n_groups = over ? 1 : cols;
	double sum, max;

	if (over == 1)
		n_groups = rows;
	for (size_t g = 0; g < n_groups; g++) {
		size_t r_begin = over == 1 ? g : 0, r_end = over == 1 ? g + 1 : rows;
		size_t c_begin = over == 0 ? g : 0, c_end = over == 0 ? g + 1 : cols;
		size_t n = (r_end - r_begin) * (c_end - c_begin);

		sum = 0;
		max = n ? ref_row(x, r_begin)[c_begin] : 0;
		for (size_t r = r_begin; r < r_end; r++)
			for (size_t c = c_begin; c < c_end; c++) {
				double value = ref_row(x, r)[c];

				sum += value;
				max = value > max ? value : max;
			}
		if (kind == TN_MAX)
			sum = max;
		else if (kind == TN_MEAN && n)
			sum /= (double)n;
		*(over == 1 ? ref_row(y, g) : ref_row(y, 0) + g) = (real)sum;
	}
	return 0;
}
