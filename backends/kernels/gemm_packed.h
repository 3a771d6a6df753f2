/* SPDX-License-Identifier: Apache-2.0
 * kernels/gemm_packed.h - linear layers and matrix products by the kernels' own gemm, with
 * factors in single precision or, where the node says so, in bf16.
 */
#ifndef TN_KERNELS_GEMM_PACKED_H
#define TN_KERNELS_GEMM_PACKED_H

#include "kernels.h"

/** A linear layer's weights in panels. */
struct packed_linear;

/** As struct tn_backend_impl's supports, pack, unpack and run for TN_OP_LINEAR. */
int packed_linear_supports(const struct kernels *kernels, const struct tn_node *node,
	struct tn_offer *offer);
int packed_linear_create(struct packed_linear **made, const struct kernels *kernels,
	const struct tn_node *node, const struct tn_tensor *weights, size_t *bytes,
	struct tn_call *call);
/** NULL is allowed. */
void packed_linear_destroy(struct packed_linear *linear);
void packed_linear_run(const struct packed_linear *linear, const struct tn_step *step);

/** As supports and run for TN_OP_MATMUL. */
int packed_matmul_supports(const struct kernels *kernels, const struct tn_node *node,
	struct tn_offer *offer);
void packed_matmul_run(const struct kernels *kernels, const struct tn_step *step);

#endif
