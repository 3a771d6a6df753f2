/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/grad_impl.h - the backward sweep from inside, for the rules of the ops.
 */
#ifndef TN_TENSOR_GRAD_IMPL_H
#define TN_TENSOR_GRAD_IMPL_H

#include "tensor/grad.h"

struct sweep {
	struct tn_graph *g;
	bool *needed;		/* by root: some wrt lies before it */
	tn_ref *grad;		/* by root: TN_NONE until something comes back */
};

/** Sends back through a node of which something is needed.  dy: the gradient of its first
 *  output, TN_NONE when there is none (of a custom op, another output has one then). */
typedef void gradient_rule(struct sweep *s, const struct tn_graph_node *n, tn_ref dy);

/** By op; NULL: it has none. */
extern gradient_rule *const gradient_rules[TN_N_OPS];

/** Whether the gradient of input i is of use. */
bool sweep_wants(const struct sweep *s, const struct tn_graph_node *n, uint32_t i);
/** d is a contribution to the gradient of input i. */
void sweep_send(struct sweep *s, const struct tn_graph_node *n, uint32_t i, tn_ref d);

#endif
