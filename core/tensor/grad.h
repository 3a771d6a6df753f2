/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/grad.h - gradients: a backward sweep over a graph that emits nodes of
 * the same op table.
 */
#ifndef TN_TENSOR_GRAD_H
#define TN_TENSOR_GRAD_H

#include "tensor/graph.h"

/** Adds to a training graph the nodes that compute the gradients of `loss`, a single
 *  value, by wrt[0..n-1], which are no views, and stores them in grad[0..n-1]: of the
 *  shape of wrt[i], or TN_NONE when the loss does not depend on it.
 *  Errors: TN_EINTERNAL, a node on the way has no gradient rule (it and its op are
 *  named) or was built without its saved outputs. */
TN_PRIVATE int tn_graph_gradient(struct tn_graph *g, tn_ref loss, const tn_ref *wrt, size_t n,
	tn_ref *grad);
/** Whether nodes of an op can be on the way.  Those that cannot: views, which are no nodes;
 *  the gradient ops; the optimizer's. */
TN_PRIVATE bool tn_op_has_gradient(uint32_t op);

#endif
