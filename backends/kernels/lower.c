/* SPDX-License-Identifier: Apache-2.0
 * kernels/lower.c - which kernels run a node in a lower precision; tables in bf16.
 */
#include "lower.h"

#include <stdlib.h>
#include <string.h>

#include "gemm.h"
#include "gemm_packed.h"
#include "int8.h"

/* The weights of a table. */
struct table {
	enum linear_kind kind;
	size_t cols;
	size_t filled;			/* rows so far */
	uint16_t *rows;			/* [rows][cols] */
};

static int table_supports(const struct tn_node *node, struct tn_offer *offer)
{
	if (node->in[0]->dtype != TN_F32)
		return kernel_refuse(offer, "the table is not F32");
	offer->pack = 1;
	offer->by_rows = 256;
	return 1;
}

static struct table *table_create(size_t rows, size_t cols)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct table){ TABLE_BF16, cols, 0, tn_pack_alloc(rows * cols * sizeof(*t->rows)) };
	if (t->rows)
		return t;
	free(t);
	return NULL;
}

/* The next rows of the table. */
static int table_pack(void **made, const struct tn_node *node, const struct tn_tensor *weights,
	size_t *bytes, struct tn_call *call)
{
	const size_t rows = node->in[0]->dims[0], cols = node->in[0]->dims[1];
	const float *w = tn_host_data(weights);
	struct table *t = *made ? *made : table_create(rows, cols);

	if (!t)
		return tn_fail(call, TN_ENOMEM, "out of memory for the weights of %s", node->name);
	*made = t;
	for (size_t r = 0; r < weights->dims[0] && t->filled < rows; r++, t->filled++)
		tn_round_bf16(w + r * weights->row_stride, cols, t->rows + t->filled * cols);
	*bytes = rows * cols * sizeof(*t->rows);
	return 0;
}

static void table_run(const struct table *t, const struct tn_step *step)
{
	const struct kernel_rows y = kernel_rows_of(&step->out[0]);
	const int32_t *index = tn_host_data(&step->in[1]);

	for (size_t r = 0; r < kernel_n_rows(&step->out[0]); r++) {
		const uint16_t *from = index[r] < 0 ? NULL : t->rows + (size_t)index[r] * t->cols;
		float *to = y.at + r * y.stride;

		for (size_t c = 0; c < t->cols; c++) {
			const uint32_t bits = from ? (uint32_t)from[c] << 16 : 0;

			memcpy(&to[c], &bits, sizeof(bits));
		}
	}
}

int lower_supports(const struct kernels *kernels, const struct tn_node *node,
	struct tn_offer *offer)
{
	if (tn_node_precision(node) == TN_I8 && node->op != TN_OP_MATMUL)
		return int8_supports(int8_choose(kernels), node, offer);
	if (tn_node_precision(node) != TN_BF16)
		return kernel_refuse(offer, "nothing in %s",
			tn_dtype_name((enum tn_dtype)tn_node_precision(node)));
	return node->op == TN_OP_LINEAR ? packed_linear_supports(kernels, node, offer) :
		node->op == TN_OP_MATMUL ? packed_matmul_supports(kernels, node, offer) :
		table_supports(node, offer);
}

int lower_pack(const struct kernels *kernels, const struct tn_node *node,
	const struct tn_tensor *weights, void **packed, size_t *bytes, struct tn_call *call)
{
	if (tn_node_precision(node) == TN_I8)
		return int8_pack(int8_choose(kernels), node, weights, packed, bytes, call);
	return node->op == TN_OP_LINEAR ? packed_linear_create((struct packed_linear **)packed,
		kernels, node, weights, bytes, call) : table_pack(packed, node, weights, bytes, call);
}

bool lower_unpack(void *packed)
{
	struct table *t = packed;

	if (t->kind == TABLE_BF16) {
		tn_pack_free(t->rows);
		free(t);
	} else if (t->kind == LINEAR_PACKED) {
		packed_linear_destroy(packed);
	} else {
		return int8_unpack(packed);
	}
	return true;
}

/* Indexes come from elsewhere; a wrong one must not read astray. */
static int check_indexes(const struct tn_step *step, struct tn_call *call)
{
	const size_t limit = step->node->in[0]->dims[0];
	const int32_t *index = tn_host_data(&step->in[1]);

	for (size_t r = 0; r < kernel_n_rows(&step->out[0]); r++)
		if (index[r] >= 0 && (size_t)index[r] >= limit)
			return tn_fail(call, TN_EINTERNAL, "%s: index %d of %zu rows",
				step->node->name, (int)index[r], limit);
	return 0;
}

int lower_run(const struct kernels *kernels, const struct tn_step *step, struct tn_call *call)
{
	if (step->node->op == TN_OP_GATHER && check_indexes(step, call))
		return tn_status(call);
	if (tn_node_precision(step->node) == TN_I8)
		int8_run(step->packed, kernels, step);
	else if (step->node->op == TN_OP_LINEAR)
		packed_linear_run(step->packed, step);
	else if (step->node->op == TN_OP_MATMUL)
		packed_matmul_run(kernels, step);
	else
		table_run(step->packed, step);
	return 0;
}
