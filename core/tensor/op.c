/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/op.c - the op table, and what each op costs.
 */
#include "tensor/op_table.h"

#include "tensor/op_shape.h"

static size_t rows_of(const struct tn_spec *spec, const struct tn_axis *axis)
{
	if (spec->axis == TN_NO_AXIS || !axis)
		return spec->dims[0];
	return axis->rows;
}

static uint64_t size_of(const struct tn_spec *spec, const struct tn_axis *axis)
{
	return (uint64_t)rows_of(spec, axis) * spec->dims[1] * spec->dims[2] * spec->dims[3];
}

static uint64_t flops_none(const struct tn_node *node, const struct tn_axis *axis,
	const struct tn_axis *kv_axis)
{
	return 0;
}

/* One operation for each element of the first input. */
static uint64_t flops_each(const struct tn_node *node, const struct tn_axis *axis,
	const struct tn_axis *kv_axis)
{
	return size_of(node->in[0], axis);
}

/* Norms, softmax, activations: about eight for each element. */
static uint64_t flops_many(const struct tn_node *node, const struct tn_axis *axis,
	const struct tn_axis *kv_axis)
{
	return 8 * size_of(node->in[0], axis);
}

static uint64_t flops_linear(const struct tn_node *node, const struct tn_axis *axis,
	const struct tn_axis *kv_axis)
{
	return 2 * size_of(node->in[0], axis) * node->out[0]->dims[1];
}

static uint64_t flops_matmul(const struct tn_node *node, const struct tn_axis *axis,
	const struct tn_axis *kv_axis)
{
	const struct tn_spec *b = node->in[1];

	return 2 * size_of(node->in[0], axis) *
		(node->attr.matmul.transpose_b ? b->dims[0] : b->dims[1]);
}

/* Pairs of a query and a key that the window lets meet; a causal node counts as
 * if it saw all, as most engines compute it so. */
static uint64_t flops_attention(const struct tn_node *node, const struct tn_axis *axis,
	const struct tn_axis *kv_axis)
{
	const struct tn_attention_attr *a = &node->attr.attention;
	uint64_t window = (uint64_t)a->left + a->right + 1, pairs = 0;

	if (!axis || !kv_axis)
		return 0;
	for (size_t s = 0; s < axis->seqs; s++) {
		uint64_t keys = kv_axis->start[s + 1] - kv_axis->start[s];

		if (kv_axis->past)
			keys += kv_axis->past[s];
		pairs += (axis->start[s + 1] - axis->start[s]) * (keys < window ? keys : window);
	}
	return 4 * pairs * a->heads * a->head_size;
}

static uint64_t flops_attention_grad(const struct tn_node *node, const struct tn_axis *axis,
	const struct tn_axis *kv_axis)
{
	return flops_attention(node, axis, kv_axis) / 2 * 5;
}

static const struct tn_op_info ops[TN_N_OPS] = {
	/* name, version, min_in, max_in, n_out, n_saved, infer, flops */
	[TN_OP_VIEW] = { "view", 1, 1, 1, 1, 0, tn_shape_view, flops_none },
	[TN_OP_CONCAT] = { "concat", 1, 1, TN_MAX_IN, 1, 0, tn_shape_concat, flops_none },
	[TN_OP_GATHER] = { "gather", 2, 2, 2, 1, 0, tn_shape_gather, flops_none },
	[TN_OP_SEGMENT] = { "segment", 1, 3, 3, 1, 0, tn_shape_segment, flops_each },
	[TN_OP_CAST] = { "cast", 1, 1, 1, 1, 0, tn_shape_cast, flops_none },
	[TN_OP_ADD] = { "add", 1, 2, 2, 1, 0, tn_shape_broadcast, flops_each },
	[TN_OP_MUL] = { "mul", 1, 2, 2, 1, 0, tn_shape_broadcast, flops_each },
	[TN_OP_SCALE] = { "scale", 1, 1, 1, 1, 0, tn_shape_same, flops_each },
	[TN_OP_ACT] = { "act", 1, 1, 1, 1, 0, tn_shape_same, flops_many },
	[TN_OP_GLU] = { "glu", 1, 1, 1, 1, 0, tn_shape_glu, flops_many },
	[TN_OP_DROPOUT] = { "dropout", 1, 1, 1, 1, 0, tn_shape_same, flops_each },
	[TN_OP_LINEAR] = { "linear", 4, 2, TN_MAX_IN, 1, 0, tn_shape_linear, flops_linear },
	[TN_OP_MATMUL] = { "matmul", 2, 2, 2, 1, 0, tn_shape_matmul, flops_matmul },
	[TN_OP_LAYER_NORM] = { "layer_norm", 2, 2, 4, 3, 2, tn_shape_layer_norm, flops_many },
	[TN_OP_RMS_NORM] = { "rms_norm", 1, 2, 2, 2, 1, tn_shape_rms_norm, flops_many },
	[TN_OP_ROPE] = { "rope", 2, 2, 2, 1, 0, tn_shape_rope, flops_many },
	[TN_OP_REL_TABLE] = { "rel_table", 1, 1, 1, 1, 0, tn_shape_rel_table, flops_none },
	[TN_OP_ATTENTION] = { "attention", 2, 3, 8, 2, 1, tn_shape_attention, flops_attention },
	[TN_OP_SOFTMAX] = { "softmax", 1, 1, 1, 1, 0, tn_shape_rows, flops_many },
	[TN_OP_REDUCE] = { "reduce", 1, 1, 1, 1, 0, tn_shape_reduce, flops_each },
	[TN_OP_WHERE] = { "where", 1, 3, 3, 1, 0, tn_shape_where, flops_none },
	[TN_OP_L2NORM] = { "l2norm", 1, 1, 1, 1, 0, tn_shape_rows, flops_each },
	[TN_OP_CROSS_ENTROPY] = { "cross_entropy", 1, 2, 3, 3, 1, tn_shape_cross_entropy,
		flops_many },
	[TN_OP_BCE] = { "bce", 1, 2, 2, 2, 0, tn_shape_bce, flops_many },
	[TN_OP_CUSTOM] = { "custom", 1, 0, TN_MAX_IN, TN_MAX_OUT, 0, tn_shape_custom, flops_none },
	[TN_OP_ACT_GRAD] = { "act_grad", 1, 2, 2, 1, 0, tn_shape_pair, flops_many },
	[TN_OP_LAYER_NORM_GRAD] = { "layer_norm_grad", 1, 5, 5, 3, 0, tn_shape_layer_norm_grad,
		flops_many },
	[TN_OP_SOFTMAX_GRAD] = { "softmax_grad", 1, 2, 2, 1, 0, tn_shape_pair, flops_many },
	[TN_OP_CROSS_ENTROPY_GRAD] = { "cross_entropy_grad", 1, 4, 5, 1, 0,
		tn_shape_cross_entropy_grad, flops_many },
	[TN_OP_ATTENTION_GRAD] = { "attention_grad", 3, 6, 9, 4, 0, tn_shape_attention_grad,
		flops_attention_grad },
	[TN_OP_SCATTER_ADD] = { "scatter_add", 1, 2, 2, 1, 0, tn_shape_scatter_add, flops_each },
	[TN_OP_RMS_NORM_GRAD] = { "rms_norm_grad", 1, 4, 4, 2, 0, tn_shape_rms_norm_grad,
		flops_many },
	[TN_OP_SEGMENT_GRAD] = { "segment_grad", 1, 4, 4, 1, 0, tn_shape_segment_grad, flops_each },
	[TN_OP_REDUCE_GRAD] = { "reduce_grad", 1, 2, 2, 1, 0, tn_shape_reduce_grad, flops_each },
	[TN_OP_REL_TABLE_GRAD] = { "rel_table_grad", 1, 1, 1, 1, 0, tn_shape_rel_table_grad,
		flops_each },
	[TN_OP_L2NORM_GRAD] = { "l2norm_grad", 1, 2, 2, 1, 0, tn_shape_pair, flops_many },
	[TN_OP_PLACE] = { "place", 1, 1, 1, 1, 0, tn_shape_place, flops_none },
	[TN_OP_ATTENTION_BIAS_GRAD] = { "attention_bias_grad", 2, 9, 9, 2, 0,
		tn_shape_attention_bias_grad, flops_attention_grad },
	[TN_OP_CUSTOM_GRAD] = { "custom_grad", 1, 1, TN_MAX_IN, TN_MAX_OUT, 0,
		tn_shape_custom_grad, flops_none },
	[TN_OP_SUM_SQUARES] = { "sum_squares", 1, 1, 1, 1, 0, tn_shape_sum_squares, flops_each },
	[TN_OP_ADAMW] = { "adamw", 1, 5, 5, 3, 0, tn_shape_adamw, flops_many },
};

static const char *const acts[] = {
	[TN_ACT_NONE] = "none",
	[TN_ACT_GELU] = "gelu",
	[TN_ACT_GELU_TANH] = "gelu_tanh",
	[TN_ACT_RELU] = "relu",
	[TN_ACT_SILU] = "silu",
	[TN_ACT_TANH] = "tanh",
	[TN_ACT_SIGMOID] = "sigmoid",
};

const struct tn_op_info *tn_op_info(uint32_t op)
{
	return op < TN_N_OPS && ops[op].name ? &ops[op] : NULL;
}

const char *tn_op_name(uint32_t op)
{
	return op < TN_N_OPS ? ops[op].name : NULL;
}

uint32_t tn_op_version(uint32_t op)
{
	return op < TN_N_OPS ? ops[op].version : 0;
}

const char *tn_act_name(uint32_t act)
{
	return act < sizeof(acts) / sizeof(acts[0]) ? acts[act] : NULL;
}

uint32_t tn_node_precision(const struct tn_node *node)
{
	return node->op == TN_OP_LINEAR ? node->attr.linear.precision :
		node->op == TN_OP_MATMUL ? node->attr.matmul.precision :
		node->op == TN_OP_GATHER ? node->attr.gather.precision : 0;
}

uint32_t tn_op_lowest(const struct tn_node *node)
{
	const union tn_attr *a = &node->attr;

	switch (node->op) {
	case TN_OP_GATHER:
		return a->gather.precision ? 2 : 1;
	case TN_OP_LINEAR:
		if (a->linear.precision)
			return 4;
		if (a->linear.parts > 1)
			return 3;
		return a->linear.act || a->linear.residual ? 2 : 1;
	case TN_OP_MATMUL:
		return a->matmul.precision ? 2 : 1;
	case TN_OP_LAYER_NORM:
		return a->norm.residual ? 2 : 1;
	case TN_OP_ROPE:
		return a->rope.inverse ? 2 : 1;
	case TN_OP_ATTENTION_GRAD:
		return a->attention.dropout > 0 ? 3 :
			a->attention.bias == TN_BIAS_DISENTANGLED ? 2 : 1;
	case TN_OP_ATTENTION:
	case TN_OP_ATTENTION_BIAS_GRAD:
		return a->attention.dropout > 0 ? 2 : 1;
	default:
		return 1;
	}
}

uint32_t tn_attention_extra(const struct tn_attention_attr *attr)
{
	static const uint32_t inputs[] = {
		[TN_BIAS_NONE] = 0,
		[TN_BIAS_REL] = 1,
		[TN_BIAS_ALIBI] = 1,
		[TN_BIAS_DISENTANGLED] = 3,
		[TN_BIAS_TENSOR] = 1,
	};
	uint32_t bias = attr->bias <= TN_BIAS_TENSOR ? inputs[attr->bias] : 0;

	return bias + (attr->state ? 2 : 0);
}

int tn_op_infer(const struct tn_node *node, struct tn_spec out[TN_MAX_OUT], struct tn_call *call)
{
	const struct tn_op_info *info = tn_op_info(node->op);
	const char *name = node->name ? node->name : "unnamed node";

	if (!info)
		return tn_fail(call, TN_EINTERNAL, "%s: op %u is unknown", name, node->op);
	if (node->n_in < info->min_in || node->n_in > info->max_in)
		return tn_fail(call, TN_EINTERNAL, "%s: %s has %u inputs, expected %u to %u", name,
			info->name, node->n_in, info->min_in, info->max_in);
	return info->infer(node, out, call);
}
