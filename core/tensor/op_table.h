/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/op_table.h - what the core knows of each op: name, version, shape
 * rule, cost.  The ops themselves are described in tenon/impl/op.h.
 */
#ifndef TN_TENSOR_OP_TABLE_H
#define TN_TENSOR_OP_TABLE_H

#include <tenon/impl/backend.h>

/** One op.  `infer` fills the specs of all n_out outputs from the inputs and the
 *  attributes of the node, and refuses what does not fit.  `flops` counts the
 *  arithmetic of a node (a multiply-add as two), given the axes of its first
 *  input and, for attention, of the keys; an axis is NULL for constant rows. */
struct tn_op_info {
	const char *name;
	uint32_t version;		/* the highest one */
	uint32_t min_in, max_in;
	uint32_t n_out;			/* outputs, saved ones counted; custom: at most */
	uint32_t n_saved;		/* the last ones: made in training plans only */
	int (*infer)(const struct tn_node *node, struct tn_spec out[TN_MAX_OUT],
		struct tn_call *call);
	uint64_t (*flops)(const struct tn_node *node, const struct tn_axis *axis,
		const struct tn_axis *kv_axis);
};

/** NULL for an unknown number. */
TN_PRIVATE const struct tn_op_info *tn_op_info(uint32_t op);
/** Checks the op's number and the count of its inputs, then calls its shape rule.
 *  Errors: TN_EINTERNAL naming the node, the input at fault and both shapes. */
TN_PRIVATE int tn_op_infer(const struct tn_node *node, struct tn_spec out[TN_MAX_OUT],
	struct tn_call *call);
/** The lowest version that expresses the node's attributes. */
TN_PRIVATE uint32_t tn_op_lowest(const struct tn_node *node);
/** How many inputs the bias and the state of an attention add to q, k, v. */
TN_PRIVATE uint32_t tn_attention_extra(const struct tn_attention_attr *attr);

/** A shape as text, "[axis 0][384] F32". */
struct tn_shape_text {
	char s[112];
};
TN_PRIVATE struct tn_shape_text tn_shape_text(const struct tn_spec *spec);

#endif
