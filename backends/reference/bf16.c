/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/bf16.c - products of factors in bf16, and tables: the same in single
 * precision of what was rounded.
 */
#include "ops.h"

static void round_row(const float *x, size_t n, float *to)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t half;
		uint32_t bits;

		tn_round_bf16(x + i, 1, &half);
		bits = (uint32_t)half << 16;
		memcpy(to + i, &bits, sizeof(bits));
	}
}

/* Makes *t a rounded copy of itself. */
static int round_matrix(struct tn_tensor *t, struct tn_call *call)
{
	const size_t rows = t->dims[0], cols = tn_row_size(t);
	struct tn_buffer *buffer = tn_alloc(call, sizeof(*buffer));
	float *to = tn_alloc_n(call, rows * cols + 1, sizeof(*to));

	if (!buffer || !to)
		return tn_status(call);
#pragma omp parallel for if (ref_big(rows * cols))
	for (size_t r = 0; r < rows; r++)
		round_row((const float *)tn_host_data(t) + r * t->row_stride, cols, to + r * cols);
	*buffer = (struct tn_buffer){ .data = to, .bytes = rows * cols * sizeof(*to) };
	t->buffer = buffer;
	t->offset = 0;
	t->row_stride = cols;
	return 0;
}

/* Whether input i is a factor: both of a matmul, the rows and the weights of a linear. */
static bool is_factor(const struct tn_node *node, uint32_t i)
{
	const uint32_t step = node->attr.linear.bias ? 2 : 1;

	if (node->op == TN_OP_MATMUL || i == 0)
		return true;
	return i <= step * node->attr.linear.parts && (i - 1) % step == 0;
}

int ref_product_bf16(const struct tn_step *step, struct tn_call *call)
{
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	struct tn_tensor in[TN_MAX_IN];
	struct tn_step rounded = *step;

	memcpy(in, step->in, step->node->n_in * sizeof(*in));
	for (uint32_t i = 0; i < step->node->n_in; i++)
		if (is_factor(step->node, i) && round_matrix(&in[i], call))
			return tn_status(call);
	rounded.in = in;
	if (ref_ops_f32[step->node->op](&rounded, call))
		return tn_status(call);
	tn_arena_rewind(tn_call_arena(call), mark);
	return 0;
}

int ref_gather_bf16(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *y = &step->out[0];

	if (ref_ops_f32[TN_OP_GATHER](step, call))
		return tn_status(call);
	for (size_t r = 0; r < y->dims[0]; r++) {
		float *row = (float *)tn_host_data(y) + r * y->row_stride;

		round_row(row, y->dims[1], row);
	}
	return 0;
}
