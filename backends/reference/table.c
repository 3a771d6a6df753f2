/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/table.c - the ops of one float type by number.
 */
#include "ops.h"

ref_op *const REF(ref_ops)[TN_N_OPS] = {
	[TN_OP_CONCAT] = REF(concat),
	[TN_OP_GATHER] = REF(gather),
	[TN_OP_SEGMENT] = REF(segment),
	[TN_OP_CAST] = ref_cast,
	[TN_OP_ADD] = REF(add),
	[TN_OP_MUL] = REF(mul),
	[TN_OP_SCALE] = REF(scale),
	[TN_OP_ACT] = REF(act),
	[TN_OP_GLU] = REF(glu),
	[TN_OP_DROPOUT] = REF(dropout),
	[TN_OP_LINEAR] = REF(linear),
	[TN_OP_MATMUL] = REF(matmul),
	[TN_OP_LAYER_NORM] = REF(layer_norm),
	[TN_OP_RMS_NORM] = REF(rms_norm),
	[TN_OP_ROPE] = REF(rope),
	[TN_OP_REL_TABLE] = REF(rel_table),
	[TN_OP_ATTENTION] = REF(attention),
	[TN_OP_SOFTMAX] = REF(softmax),
	[TN_OP_REDUCE] = REF(reduce),
	[TN_OP_WHERE] = REF(where),
	[TN_OP_L2NORM] = REF(l2norm),
	[TN_OP_CROSS_ENTROPY] = REF(cross_entropy),
	[TN_OP_BCE] = REF(bce),
	[TN_OP_ACT_GRAD] = REF(act_grad),
	[TN_OP_LAYER_NORM_GRAD] = REF(layer_norm_grad),
	[TN_OP_SOFTMAX_GRAD] = REF(softmax_grad),
	[TN_OP_CROSS_ENTROPY_GRAD] = REF(cross_entropy_grad),
	[TN_OP_ATTENTION_GRAD] = REF(attention_grad),
	[TN_OP_SCATTER_ADD] = REF(scatter_add),
	[TN_OP_RMS_NORM_GRAD] = REF(rms_norm_grad),
	[TN_OP_SUM_SQUARES] = REF(sum_squares),
	[TN_OP_ADAMW] = REF(adamw),
};
