/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/reference.c - the backend that runs every op in plain C, and
 * against which the others are tested.
 */
#include <stdio.h>

#include "ops.h"

static const uint8_t versions[TN_N_OPS] = {
	[TN_OP_CONCAT] = 1,
	[TN_OP_GATHER] = 2,
	[TN_OP_SEGMENT] = 1,
	[TN_OP_CAST] = 1,
	[TN_OP_ADD] = 1,
	[TN_OP_MUL] = 1,
	[TN_OP_SCALE] = 1,
	[TN_OP_ACT] = 1,
	[TN_OP_GLU] = 1,
	[TN_OP_DROPOUT] = 1,
	[TN_OP_LINEAR] = 4,
	[TN_OP_MATMUL] = 2,
	[TN_OP_LAYER_NORM] = 2,
	[TN_OP_RMS_NORM] = 1,
	[TN_OP_ROPE] = 2,
	[TN_OP_REL_TABLE] = 1,
	[TN_OP_ATTENTION] = 2,
	[TN_OP_SOFTMAX] = 1,
	[TN_OP_REDUCE] = 1,
	[TN_OP_WHERE] = 1,
	[TN_OP_L2NORM] = 1,
	[TN_OP_CROSS_ENTROPY] = 1,
	[TN_OP_BCE] = 1,
	[TN_OP_CUSTOM] = 1,
	[TN_OP_ACT_GRAD] = 1,
	[TN_OP_LAYER_NORM_GRAD] = 1,
	[TN_OP_SOFTMAX_GRAD] = 1,
	[TN_OP_CROSS_ENTROPY_GRAD] = 1,
	[TN_OP_ATTENTION_GRAD] = 3,
	[TN_OP_SCATTER_ADD] = 1,
	[TN_OP_RMS_NORM_GRAD] = 1,
	[TN_OP_SEGMENT_GRAD] = 1,
	[TN_OP_REDUCE_GRAD] = 1,
	[TN_OP_REL_TABLE_GRAD] = 1,
	[TN_OP_L2NORM_GRAD] = 1,
	[TN_OP_PLACE] = 1,
	[TN_OP_ATTENTION_BIAS_GRAD] = 2,
	[TN_OP_CUSTOM_GRAD] = 1,
	[TN_OP_SUM_SQUARES] = 1,
	[TN_OP_ADAMW] = 1,
};

static int run_custom(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_custom_op *op = step->node->custom;
	const void *data = step->node->custom_data;
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	struct tn_step with = *step;
	size_t bytes = op->workspace ? op->workspace(data, step->node->n_in ?
		step->in[0].dims[0] : 0) : 0;
	int status;

	with.workspace = bytes ? tn_alloc(call, bytes) : NULL;
	if (bytes && !with.workspace)
		return tn_status(call);
	status = (step->node->op == TN_OP_CUSTOM ? op->forward : op->backward)(data, &with, call);
	tn_arena_rewind(tn_call_arena(call), mark);
	return status;
}

/* The function for a node of single precision whose factors, or whose table, have less. */
static ref_op *lower_function_of(const struct tn_node *node)
{
	switch (node->out[0]->dtype == TN_F32 ? tn_node_precision(node) : 0) {
	case TN_I8:
		return node->op == TN_OP_LINEAR ? ref_linear_int8 :
			node->op == TN_OP_GATHER ? ref_gather_int8 : NULL;
	case TN_BF16:
		return node->op == TN_OP_GATHER ? ref_gather_bf16 : ref_product_bf16;
	default:
		return NULL;
	}
}

/* The function for a node; NULL when the node's type is none of the reference's. */
static ref_op *function_of(const struct tn_node *node)
{
	if (node->op >= TN_N_OPS)
		return NULL;
	if (node->op == TN_OP_CUSTOM || node->op == TN_OP_CUSTOM_GRAD)
		return run_custom;
	if (node->op == TN_OP_CAST)
		return ref_cast;
	if (tn_node_precision(node))
		return lower_function_of(node);
	switch (node->out[0]->dtype) {
	case TN_F32:
		return ref_ops_f32[node->op];
	case TN_F64:
		return ref_ops_f64[node->op];
	default:
		return NULL;
	}
}

static int reference_supports(const struct tn_backend *self, const struct tn_node *node,
	struct tn_offer *offer)
{
	const char *dtype = node->n_out ? tn_dtype_name((enum tn_dtype)node->out[0]->dtype) : NULL;

	if (function_of(node)) {
		offer->strided = UINT32_MAX;
		return 1;
	}
	snprintf(offer->reason, sizeof(offer->reason), "no %s of %s", tn_op_name(node->op),
		dtype ? dtype : "an unknown type");
	return 0;
}

static int reference_run(const struct tn_backend *self, const struct tn_step *steps, size_t n,
	struct tn_call *call)
{
	for (size_t i = 0; i < n; i++) {
		ref_op *run = function_of(steps[i].node);

		if (!run)
			return tn_fail(call, TN_EINTERNAL, "%s: op %u was never offered",
				steps[i].node->name, steps[i].node->op);
		if (run(&steps[i], call))
			return tn_status(call);
	}
	return 0;
}

static const struct tn_backend_impl reference_impl = {
	.supports = reference_supports,
	.run = reference_run,
	.ops = versions,
};

TN_PLUGIN(reference, TN_BACKEND, "reference",
	.version = "0.1.0",
	.licence = "Apache-2.0",
	.about = "every op in plain C, in single and double precision",
	.state = sizeof(struct tn_backend),
	.rank = 0,
	.impl.backend = &reference_impl);
