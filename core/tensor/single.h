/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/single.h - one op run by itself on tensors in host memory.
 */
#ifndef TN_TENSOR_SINGLE_H
#define TN_TENSOR_SINGLE_H

#include <tenon/impl/backend.h>

/** An op with the backend that runs it. */
struct tn_single {
	struct tn_node node;
	struct tn_spec in[TN_MAX_IN], out[TN_MAX_OUT];
	const struct tn_backend *backend;
	int threads;
	void *workspace;
};

/** Gives s->node, whose op, version, attr, n_in and n_out are set, and its specs s->in and
 *  s->out to the first backend of the chain that runs it without packing.  s does not move
 *  afterwards.  Errors: TN_EINTERNAL, none does; TN_ENOMEM. */
TN_PRIVATE int tn_single_open(struct tn_single *s, const struct tn_backend *const *chain,
	size_t n_chain, int threads, struct tn_call *call);
/** Frees the workspace. */
TN_PRIVATE void tn_single_close(struct tn_single *s);
/** Runs it. */
TN_PRIVATE int tn_single_run(const struct tn_single *s, const struct tn_tensor *in,
	const struct tn_tensor *out, struct tn_call *call);

#endif
