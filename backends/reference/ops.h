/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/ops.h - what the ops of the reference share.
 *
 * Each op is one function, written once and compiled twice: `real` is float in
 * the files built without REF_F64 and double in those built with it, and REF(x) is
 * x_f32 or x_f64.  Every function takes strided rows, reads shapes from the
 * tensors of the step and returns 0 or the error that it set.
 *
 * Legend as in tenon/impl/op.h: R rows, C columns, H heads, D size of a head.
 */
#ifndef REF_OPS_H
#define REF_OPS_H

#include <stdbool.h>
#include <string.h>
#include <tenon/impl/backend.h>

#ifdef REF_F64
typedef double real;
#define REF(name) name##_f64
#else
typedef float real;
#define REF(name) name##_f32
#endif

typedef int ref_op(const struct tn_step *step, struct tn_call *call);

/** The functions of one float type, indexed by enum tn_op; NULL: not there. */
extern ref_op *const ref_ops_f32[TN_N_OPS], *const ref_ops_f64[TN_N_OPS];
/** Casts between all float types. */
ref_op ref_cast;
/** In eight bits, and with factors in bf16. */
ref_op ref_linear_int8, ref_gather_int8, ref_product_bf16, ref_gather_bf16;
/** y = act(y) + residual; either may be missing (act 0, residual NULL). */
void REF(linear_finish)(const struct tn_tensor *y, uint32_t act, const struct tn_tensor *residual);
void linear_finish_f32(const struct tn_tensor *y, uint32_t act,
	const struct tn_tensor *residual);

ref_op REF(concat), REF(gather), REF(segment), REF(add), REF(mul), REF(scale), REF(act), REF(glu),
	REF(dropout), REF(linear), REF(matmul), REF(layer_norm), REF(rms_norm), REF(rope),
	REF(rel_table), REF(attention), REF(softmax), REF(reduce), REF(where), REF(l2norm),
	REF(cross_entropy), REF(bce);
ref_op REF(act_grad), REF(layer_norm_grad), REF(rms_norm_grad), REF(softmax_grad),
	REF(cross_entropy_grad), REF(attention_grad), REF(attention_bias_grad), REF(scatter_add),
	REF(segment_grad), REF(reduce_grad), REF(rel_table_grad), REF(l2norm_grad), REF(place),
	REF(sum_squares), REF(adamw);

/** Row r of a float tensor. */
static inline real *ref_row(const struct tn_tensor *t, size_t r)
{
	return (real *)tn_host_data(t) + r * t->row_stride;
}

/** Row r of an I32 tensor. */
static inline const int32_t *ref_index(const struct tn_tensor *t, size_t r)
{
	return (const int32_t *)tn_host_data(t) + r * t->row_stride;
}

/** Whether work of about so many nanoseconds is worth a team of threads. */
static inline bool ref_big(size_t ns)
{
	return ns >= 50000;
}

/** The error of a value that is out of range at run time. */
static inline int ref_bad_index(const struct tn_step *step, size_t r, int64_t found, size_t limit,
	struct tn_call *call)
{
	return tn_fail(call, TN_EINTERNAL, "%s: row %zu has the index %lld of %zu",
		step->node->name ? step->node->name : tn_op_name(step->node->op), r,
		(long long)found, limit);
}

#endif
