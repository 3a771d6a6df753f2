/* SPDX-License-Identifier: Apache-2.0
 * kernels/lower.h - nodes that have a tn_node_precision, lower than that of their inputs: in
 * eight bits by int8.h, in bf16 by gemm_packed.h, and tables in bf16.
 */
#ifndef TN_KERNELS_LOWER_H
#define TN_KERNELS_LOWER_H

#include <stdbool.h>

#include "kernels.h"

/** As the slots of struct tn_backend_impl. */
int lower_supports(const struct kernels *kernels, const struct tn_node *node,
	struct tn_offer *offer);
int lower_pack(const struct kernels *kernels, const struct tn_node *node,
	const struct tn_tensor *weights, void **packed, size_t *bytes, struct tn_call *call);
/** Frees a packing, if it is one of lower_pack or of packed_linear_create. */
bool lower_unpack(void *packed);
int lower_run(const struct kernels *kernels, const struct tn_step *step, struct tn_call *call);

#endif
