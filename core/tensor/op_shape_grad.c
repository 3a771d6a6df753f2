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

RULE(segment_grad)
{
	const struct tn_spec *x = node->in[0], *dy = node->in[3];

	if (tn_want_matrix(node, 0, call) || tn_want_index(node, 1, NULL, call) ||
	    tn_want_index(node, 2, node->in[1], call))
		return tn_status(call);
	if (dy->dtype != x->dtype || dy->n_dims != 2 || dy->dims[1] != x->dims[1] ||
	    !tn_same_rows(dy, node->in[1]))
		return tn_misfit(node, 3, call, "the rows of input 1 and the columns of input 0");
	out[0] = *x;
	return 0;
}

RULE(reduce_grad)
{
	struct tn_spec y[TN_MAX_OUT];

	if (tn_shape_reduce(node, y, call))
		return tn_status(call);
	if (node->in[1]->dtype != y->dtype || !tn_same_shape(node->in[1], y))
		return tn_misfit(node, 1, call, "%s", tn_shape_text(y).s);
	out[0] = *node->in[0];
	return 0;
}

RULE(rel_table_grad)
{
	const struct tn_spec *dy = node->in[0];
	size_t span = node->attr.rel_table.span;

	if (tn_want_matrix(node, 0, call))
		return tn_status(call);
	if (!span || tn_want_constant(node, 0, 2 * span - 1, dy->dims[1], call))
		return tn_misfit(node, 0, call, "[%zu] rows", 2 * span - 1);
	out[0] = *dy;
	out[0].dims[0] = node->attr.rel_table.buckets;
	return 0;
}

RULE(place)
{
	const struct tn_spec *x = node->in[0];
	size_t rows = node->attr.view.rows, cols = node->attr.view.cols;
	size_t first_row = node->attr.view.first_row, first = node->attr.view.first;

	if (tn_want_float(node, 0, call))
		return tn_status(call);
	if (x->axis != TN_NO_AXIS || x->n_dims < 1 || x->n_dims > 2 ||
	    first_row + x->dims[0] > rows || first + x->dims[1] > cols)
		return tn_misfit(node, 0, call, "constant rows that fit in [%zu][%zu]", rows, cols);
	out[0] = *x;
	out[0].dims[0] = rows;
	out[0].dims[1] = cols;
	return 0;
}

/* The outputs are those of the forward node's inputs, which the sweep knows. */
RULE(custom_grad)
{
	if (!node->custom || !node->custom->backward)
		return tn_fail(call, TN_EINTERNAL, "%s: a custom op without a gradient",
			node->name ? node->name : "unnamed node");
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
