/* SPDX-License-Identifier: Apache-2.0
 * tests/tensor/net.h - small nets in F64 on the backend reference, whose gradients are
 * compared with central differences.
 */
#ifndef TN_TESTS_NET_H
#define TN_TESTS_NET_H

#include <tenon/impl/plugin.h>

#include "tensor/grad.h"
#include "tensor/plan.h"

#define NET_WEIGHTS 16
#define NET_ELEMENTS 512

struct net_batch;

/** A weight that comes into being when a net asks for it. */
struct net_weight {
	char name[32];
	struct tn_tensor tensor;
	struct tn_buffer buffer;
	double data[NET_ELEMENTS];
};

struct net {
	struct net_weight weights[NET_WEIGHTS];
	size_t n, n_fixed;	/* the last n_fixed are no parameters */
	tn_ref refs[NET_WEIGHTS], grads[NET_WEIGHTS];
	struct tn_weight_source source;
	struct tn_graph *g;
	struct tn_call *call;
	struct tn_backend backend;
	const struct tn_backend *chain[1];
	struct tn_plan *plan;
	struct tn_exec *exec;
	const struct net_batch *batch;
};

/** A batch of one axis, "tokens", and row tensors on it by name. */
struct net_batch {
	size_t seqs;
	const uint32_t *start;		/* [seqs + 1] */
	size_t n_inputs;
	struct {
		const char *name;
		const void *data;
		size_t size;		/* bytes of a row */
	} inputs[8];
};

/** An empty net; one at a time. */
struct net *net_open(void);
void net_close(struct net *net);
/** A new weight with values spread over -1 .. 1; cols 0: [rows]. */
tn_ref net_weight(struct net *net, const char *name, size_t rows, size_t cols);
/** An I32 input on "tokens". */
tn_ref net_index(struct net *net, const char *name);
/** Ends the graph with the gradients of the loss by all weights but the fixed ones, and
 *  plans it. */
void net_plan(struct net *net, tn_ref loss);
/** Takes a batch, borrowed until the next one. */
void net_bind(struct net *net, const struct net_batch *batch);
/** The loss. */
double net_run(struct net *net);
/** Each element of each weight: its gradient against a central difference, within
 *  `tolerance` of the slope, or of `least` where that is less.  Returns the largest slope. */
double net_check(struct net *net, double tolerance, double least);

#endif
