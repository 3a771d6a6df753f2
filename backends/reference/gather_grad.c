/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/gather_grad.c - gradients of rows that were summed up or picked.
 */
#include "ops.h"

static void clear(const struct tn_tensor *t)
{
	for (size_t r = 0; r < t->dims[0]; r++)
		memset(ref_row(t, r), 0, tn_row_size(t) * sizeof(real));
}

/* The first of rows begin..end-1 with the greatest value in column c. */
static size_t first_max(const struct tn_tensor *x, size_t begin, size_t end, size_t c)
{
	size_t at = begin;

	for (size_t r = begin; r < end; r++)
		if (ref_row(x, r)[c] > ref_row(x, at)[c])
			at = r;
	return at;
}

/* x [R][C], begin [S], end [S], dy [S][C] -> dx [R][C]: each row gets the sum of dy over
 * the segments that it is in, in their order; a mean's share; a maximum's row all of it. */
int REF(segment_grad)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *dy = &step->in[3], *dx = &step->out[0];
	uint32_t kind = step->node->attr.reduce.kind;

	clear(dx);
	for (size_t s = 0; s < dy->dims[0]; s++) {
		int32_t begin = *ref_index(&step->in[1], s), end = *ref_index(&step->in[2], s);
		const real *d = ref_row(dy, s);

		if (begin >= end)
			continue;
		if (begin < 0 || (size_t)end > x->dims[0])
			return ref_bad_index(step, s, begin < 0 ? begin : end - 1, x->dims[0],
				call);
		for (size_t c = 0; c < x->dims[1]; c++) {
			double share = kind == TN_MEAN ? d[c] / (double)(end - begin) : d[c];
			size_t r = (size_t)begin, last = (size_t)end;

			if (kind == TN_MAX) {
				r = first_max(x, r, last, c);
				last = r + 1;
			}
			for (; r < last; r++)
				ref_row(dx, r)[c] += (real)share;
		}
	}
	return 0;
}

/* The place of the first maximum of rows r_begin..r_end-1 and columns c_begin..c_end-1. */
static void find_max(const struct tn_tensor *x, const size_t *r_range, const size_t *c_range,
	size_t *row, size_t *col)
{
	*row = r_range[0];
	*col = c_range[0];
	for (size_t r = r_range[0]; r < r_range[1]; r++)
		for (size_t c = c_range[0]; c < c_range[1]; c++)
			if (ref_row(x, r)[c] > ref_row(x, *row)[*col]) {
				*row = r;
				*col = c;
			}
}

/* x [R][C], dy [C], [R][1] or [] -> dx [R][C]: dy spread over what was reduced to it. */
int REF(reduce_grad)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *dy = &step->in[1], *dx = &step->out[0];
	uint32_t kind = step->node->attr.reduce.kind, over = step->node->attr.reduce.over;
	size_t rows = x->dims[0], cols = tn_row_size(x);
	size_t n_groups = over == 0 ? cols : over == 1 ? rows : 1;

	clear(dx);
	for (size_t g = 0; rows && g < n_groups; g++) {
		const size_t r_range[] = { over == 1 ? g : 0, over == 1 ? g + 1 : rows };
		const size_t c_range[] = { over == 0 ? g : 0, over == 0 ? g + 1 : cols };
		double share = *(over == 1 ? ref_row(dy, g) : ref_row(dy, 0) + g);
		size_t row, col;

		if (kind == TN_MAX) {
			find_max(x, r_range, c_range, &row, &col);
			ref_row(dx, row)[col] = (real)share;
			continue;
		}
		if (kind == TN_MEAN)
			share /= (double)((r_range[1] - r_range[0]) * (c_range[1] - c_range[0]));
		for (size_t r = r_range[0]; r < r_range[1]; r++)
			for (size_t c = c_range[0]; c < c_range[1]; c++)
				ref_row(dx, r)[c] = (real)share;
	}
	return 0;
}

/* x [R][C] -> y: zeros, with x from row first_row and column first on. */
int REF(place)(const struct tn_step *step, struct tn_call *call)
{
	const union tn_attr *attr = &step->node->attr;
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];

	clear(y);
	for (size_t r = 0; r < x->dims[0]; r++)
		memcpy(ref_row(y, attr->view.first_row + r) + attr->view.first, ref_row(x, r),
			tn_row_size(x) * sizeof(real));
	return 0;
}
