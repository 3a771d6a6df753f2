/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/op_shape.h - the shape rules of the op table, one for each kind of
 * op.  Each has the signature of tn_op_info.infer.
 */
#ifndef TN_TENSOR_OP_SHAPE_H
#define TN_TENSOR_OP_SHAPE_H

#include "tensor/op_table.h"

typedef int tn_shape_rule(const struct tn_node *node, struct tn_spec out[TN_MAX_OUT],
	struct tn_call *call);

tn_shape_rule tn_shape_same;		/* out like the first input */
tn_shape_rule tn_shape_view, tn_shape_concat, tn_shape_gather, tn_shape_segment, tn_shape_cast,
	tn_shape_broadcast, tn_shape_glu, tn_shape_linear, tn_shape_matmul, tn_shape_layer_norm,
	tn_shape_rms_norm, tn_shape_rope, tn_shape_rel_table, tn_shape_attention,
	tn_shape_rows, tn_shape_reduce, tn_shape_where, tn_shape_cross_entropy, tn_shape_bce,
	tn_shape_custom;
tn_shape_rule tn_shape_pair, tn_shape_layer_norm_grad, tn_shape_rms_norm_grad,
	tn_shape_cross_entropy_grad, tn_shape_attention_grad, tn_shape_scatter_add,
	tn_shape_segment_grad, tn_shape_reduce_grad, tn_shape_rel_table_grad, tn_shape_place,
	tn_shape_attention_bias_grad, tn_shape_custom_grad,
	tn_shape_sum_squares, tn_shape_adamw;

#endif
