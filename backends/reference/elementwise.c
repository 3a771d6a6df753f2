/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/elementwise.c - ops on each element by itself.
 */
#include "act.h"
#include "ops.h"
#include "philox.h"

/* How the second input of add and mul spreads over the first: steps in elements
 * from row to row and from column to column. */
struct spread {
	const real *data;
	size_t row, col;
};

/* b is of a's shape, or [C], [R][1] or [] to an a of [R][C]. */
static struct spread spread_of(const struct tn_tensor *a, const struct tn_tensor *b)
{
	struct spread s = { ref_row(b, 0), b->row_stride, 1 };

	if (b->n_dims == 0 || (b->n_dims < a->n_dims))
		s.row = 0;
	if (b->n_dims == 0 || (b->n_dims == a->n_dims && tn_row_size(b) == 1))
		s.col = 0;
	return s;
}

/* a [R][C], b spread over it -> y [R][C] = a + b */
int REF(add)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *a = &step->in[0], *y = &step->out[0];
	struct spread b = spread_of(a, &step->in[1]);
	size_t cols = tn_row_size(a);

#pragma omp parallel for if (ref_big(a->dims[0] * cols))
	for (size_t r = 0; r < a->dims[0]; r++)
		for (size_t c = 0; c < cols; c++)
			ref_row(y, r)[c] = ref_row(a, r)[c] + b.data[r * b.row + c * b.col];
	return 0;
}

/* a [R][C], b spread over it -> y [R][C] = a b */
int REF(mul)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *a = &step->in[0], *y = &step->out[0];
	struct spread b = spread_of(a, &step->in[1]);
	size_t cols = tn_row_size(a);

#pragma omp parallel for if (ref_big(a->dims[0] * cols))
	for (size_t r = 0; r < a->dims[0]; r++)
		for (size_t c = 0; c < cols; c++)
			ref_row(y, r)[c] = ref_row(a, r)[c] * b.data[r * b.row + c * b.col];
	return 0;
}

/* x -> y = by * x + plus */
int REF(scale)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];
	double by = step->node->attr.scale.by, plus = step->node->attr.scale.plus;
	size_t cols = tn_row_size(x);

	for (size_t r = 0; r < x->dims[0]; r++)
		for (size_t c = 0; c < cols; c++)
			ref_row(y, r)[c] = (real)(by * ref_row(x, r)[c] + plus);
	return 0;
}

/* x -> y = act(x) */
int REF(act)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];
	size_t cols = tn_row_size(x);

#pragma omp parallel for if (ref_big(20 * x->dims[0] * cols))
	for (size_t r = 0; r < x->dims[0]; r++)
		for (size_t c = 0; c < cols; c++)
			ref_row(y, r)[c] = (real)ref_act_value(step->node->attr.act.kind,
				ref_row(x, r)[c]);
	return 0;
}

/* x, dy -> dx = dy act'(x) */
int REF(act_grad)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *dy = &step->in[1], *dx = &step->out[0];
	size_t cols = tn_row_size(x);

#pragma omp parallel for if (ref_big(20 * x->dims[0] * cols))
	for (size_t r = 0; r < x->dims[0]; r++)
		for (size_t c = 0; c < cols; c++)
			ref_row(dx, r)[c] = (real)(ref_row(dy, r)[c] *
				ref_act_slope(step->node->attr.act.kind, ref_row(x, r)[c]));
	return 0;
}

/* x [R][2C] -> y [R][C] = act(x[:, :C]) x[:, C:].
 * Source: Shazeer, arXiv 2002.05202, equations 5 and 6. */
int REF(glu)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];
	size_t cols = y->dims[1];

#pragma omp parallel for if (ref_big(20 * y->dims[0] * cols))
	for (size_t r = 0; r < y->dims[0]; r++)
		for (size_t c = 0; c < cols; c++) {
			const real *in = ref_row(x, r);

			ref_row(y, r)[c] = (real)(ref_act_value(step->node->attr.act.kind,
				in[c]) * in[c + cols]);
		}
	return 0;
}

/* x -> y = x / (1 - rate) where the element's random word is at least rate 2^32,
 * else 0.  Word e % 4 of block e / 4 belongs to element e of the dense tensor. */
int REF(dropout)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];
	double rate = step->node->attr.dropout.rate, keep = rate < 1 ? 1 / (1 - rate) : 0;
	size_t cols = tn_row_size(x);

#pragma omp parallel for if (ref_big(20 * x->dims[0] * cols))
	for (size_t r = 0; r < x->dims[0]; r++)
		for (size_t c = 0; c < cols; c++) {
			size_t e = r * cols + c;
			struct ref_philox word = ref_philox((uint32_t)(e / 4),
				(uint32_t)(e / 4 >> 32), 0, step->node->attr.dropout.key);

			ref_row(y, r)[c] = word.v[e % 4] < rate * 4294967296.0 ? 0 :
				(real)(ref_row(x, r)[c] * keep);
		}
	return 0;
}

/* mask U8 [R][C] or [R][1], a [R][C], b [R][C] -> y = a where the mask is set, else b */
int REF(where)(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *mask = &step->in[0], *y = &step->out[0];
	size_t step_of_mask = mask->dims[1] == 1 ? 0 : 1;

	for (size_t r = 0; r < y->dims[0]; r++) {
		const uint8_t *set = (const uint8_t *)tn_host_data(mask) + r * mask->row_stride;

		for (size_t c = 0; c < y->dims[1]; c++)
			ref_row(y, r)[c] = ref_row(&step->in[set[c * step_of_mask] ? 1 : 2],
				r)[c];
	}
	return 0;
}
