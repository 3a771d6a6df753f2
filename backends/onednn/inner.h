/* SPDX-License-Identifier: Apache-2.0
 * onednn/inner.h - linear layers as inner products: weights packed once, one
 * compiled primitive for each row count.
 */
#ifndef TN_ONEDNN_INNER_H
#define TN_ONEDNN_INNER_H

#include <tenon/impl/backend.h>

#include "../kernels/gemm.h"
#include "api.h"

/** Rows are run in multiples of this. */
#define INNER_GRAIN (TN_ROW_SLACK + 1)

struct inner;

/** Whether inner products are those of oneDNN 2.x by AVX-512 brgemm, whose bits for a row
 *  do not depend on the row count. */
int inner_by_brgemm(dnnl_engine_t engine);
/** Packs the weights and biases of a TN_OP_LINEAR node.  *bytes: of the packed weights. */
int inner_create(struct inner **made, dnnl_engine_t engine, const struct tn_node *node,
	const struct tn_tensor *weights, size_t *bytes, struct tn_call *call);
/** NULL is allowed. */
void inner_destroy(struct inner *inner);
/** Runs one step; may be called by several threads at once. */
int inner_run(struct inner *inner, const struct tn_step *step, struct tn_call *call);
/** Records what oneDNN answered; returns TN_EINTERNAL, or TN_ENOMEM. */
int onednn_fail(struct tn_call *call, const char *name, const char *what, dnnl_status_t status);

#endif
