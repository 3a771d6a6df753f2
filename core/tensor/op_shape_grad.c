/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/op_shape_grad.c - shape rules of gradient and optimizer ops.
 */
#include "tensor/op_check.h"
#include "tensor/op_shape.h"

#define RULE(name)									\
	int tn_shape_##name(const struct tn_node *node, struct tn_spec out[TN_MAX_OUT],	\
		struct tn_call *call)

/* Two inputs alike, and an output like them. */
RULE(pair)
{
	out[0] = *node->in[0];
	if (tn_want_float(node, 0, call))
		return tn_status(call);
	return tn_want_like(node, 1, 0, call);
}

RULE(layer_norm_grad)
{
	const struct tn_spec *x = node->in[0];

	if (tn_want_matrix(node, 0, call) || tn_want_constant(node, 1, x->dims[1], 0, call) ||
	    tn_want_column(node, 2, call) || tn_want_column(node, 3, call) ||
	    tn_want_like(node, 4, 0, call))
		return tn_status(call);
	out[0] = *x;
	out[1] = out[2] = *node->in[1];
	return 0;
}

RULE(rms_norm_grad)
{
	const struct tn_spec *x = node->in[0];

	if (tn_want_matrix(node, 0, call) || tn_want_constant(node, 1, x->dims[1], 0, call) ||
	    tn_want_column(node, 2, call) || tn_want_like(node, 3, 0, call))
		return tn_status(call);
	out[0] = *x;
	out[1] = *node->in[1];
	return 0;
}

RULE(cross_entropy_grad)
{
	const struct tn_spec *x = node->in[0];
	uint32_t weighted = !!node->attr.loss.weighted;

	if (tn_want_matrix(node, 0, call) || tn_want_index(node, 1, x, call) ||
	    tn_want_column(node, 2, call) || tn_want_scalar(node, 3, call) ||
	    tn_want_inputs(node, 4 + weighted, call) ||
	    (weighted && tn_want_constant(node, 4, x->dims[1], 0, call)))
		return tn_status(call);
	out[0] = *x;
	return 0;
}

RULE(scatter_add)
{
	const struct tn_spec *dy = node->in[0];

	if (tn_want_matrix(node, 0, call) || tn_want_index(node, 1, dy, call))
		return tn_status(call);
	out[0] = *dy;
	out[0].dims[0] = node->attr.scatter.rows;
	out[0].axis = node->attr.scatter.rows ? TN_NO_AXIS : node->attr.scatter.axis;
	return 0;
}

RULE(sum_squares)
{
	out[0] = tn_spec_scalar(node->in[0]->dtype);
	return tn_want_float(node, 0, call);
}

RULE(adamw)
{
	if (tn_want_float(node, 0, call) || tn_want_like(node, 1, 0, call) ||
	    tn_want_like(node, 2, 0, call) || tn_want_like(node, 3, 0, call) ||
	    tn_want_constant(node, 4, 8, 0, call))
		return tn_status(call);
	out[0] = out[1] = out[2] = *node->in[0];
	return 0;
}
