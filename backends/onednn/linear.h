/* SPDX-License-Identifier: Apache-2.0
 * onednn/linear.h - linear layers as inner products: weights packed once, one
 * compiled primitive for each row count.
 */
#ifndef TN_ONEDNN_LINEAR_H
#define TN_ONEDNN_LINEAR_H

#include <tenon/impl/backend.h>

#include "api.h"

struct linear;

/** Packs the weights and biases of a TN_OP_LINEAR node (weights: as the node's
 *  inputs 1 onwards, without the residual).  *bytes: of the packed weights. */
int linear_create(struct linear **linear, dnnl_engine_t engine, const struct tn_node *node,
	const struct tn_tensor *weights, size_t n, size_t *bytes, struct tn_call *call);
/** NULL is allowed. */
void linear_destroy(struct linear *linear);
/** Runs one step; may be called by several threads at once. */
int linear_run(struct linear *linear, const struct tn_step *step, struct tn_call *call);
/** Bytes of workspace for each thread. */
size_t linear_workspace(const struct tn_node *node);
/** Records what oneDNN answered; returns TN_EINTERNAL, or TN_ENOMEM. */
int onednn_fail(struct tn_call *call, const char *name, const char *what, dnnl_status_t status);

#endif
