/* SPDX-License-Identifier: Apache-2.0
 * examples/exact/exact.c - a backend: linear layers and products of matrices with sums in double
 * precision.  How far an answer is rounding and how far it is the model:
 *
 *	tenon run ner.cfg "Ada lives in Oslo." --set 'backends=("exact","reference")'
 */
#include <stdio.h>
#include <tenon/impl/backend.h>

static int exact_supports(const struct tn_backend *self, const struct tn_node *node,
	struct tn_offer *offer)
{
	for (uint32_t i = 0; i < node->n_in; i++)
		if (node->in[i]->dtype != TN_F32) {
			snprintf(offer->reason, sizeof(offer->reason), "only single precision");
			return 0;
		}
	return 1;
}

/* A matrix or its transpose: element (row, col) lies at row * down + col * right. */
struct view {
	const float *data;
	size_t down, right;
};

static struct view view(const struct tn_tensor *t, bool transposed)
{
	const size_t cols = tn_row_size(t);

	return (struct view){ tn_host_data(t), transposed ? 1 : cols, transposed ? cols : 1 };
}

/* y [R][C] = a [R][K] b [K][C] + bias [C], which may be NULL.  A row's sums have one order whatever
 * the rows beside it and the threads. */
static void product(size_t R, size_t K, size_t C, struct view a, struct view b, const float *bias,
	float *y)
{
#pragma omp parallel for
	for (size_t r = 0; r < R; r++)
		for (size_t c = 0; c < C; c++) {
			double sum = bias ? (double)bias[c] : 0;

			for (size_t k = 0; k < K; k++)
				sum += (double)a.data[r * a.down + k * a.right] *
					(double)b.data[k * b.down + c * b.right];
			y[r * C + c] = (float)sum;
		}
}

static void run_one(const struct tn_step *s)
{
	const struct tn_tensor *a = &s->in[0], *b = &s->in[1], *y = &s->out[0];
	const bool linear = s->node->op == TN_OP_LINEAR;
	const bool ta = !linear && s->node->attr.matmul.transpose_a;
	const bool tb = linear || s->node->attr.matmul.transpose_b;
	const float *bias = linear && s->node->attr.linear.bias ? tn_host_data(&s->in[2]) : NULL;

	product(y->dims[0], ta ? a->dims[0] : tn_row_size(a), tn_row_size(y), view(a, ta), view(b, tb),
		bias, tn_host_data(y));
}

static int exact_run(const struct tn_backend *self, const struct tn_step *steps, size_t n,
	struct tn_call *call)
{
	for (size_t i = 0; i < n; i++)
		run_one(&steps[i]);
	return 0;
}

/* Version 1 of each: activations, residuals and other precisions come as nodes of their own. */
static const uint8_t ops[TN_N_OPS] = { [TN_OP_LINEAR] = 1, [TN_OP_MATMUL] = 1 };

static const struct tn_backend_impl exact_impl = {
	.supports = exact_supports, .run = exact_run, .ops = ops,
};

TN_PLUGIN(exact, TN_BACKEND, "exact",
	.version = "0.1.0", .licence = "Apache-2.0", .about = "products with sums in double precision",
	.state = sizeof(struct tn_backend), .rank = -1, .impl.backend = &exact_impl);
