/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/plan.h - a graph made ready to run: each node with the backend that
 * runs it, weights packed, buffers planned by lifetimes; and the execution of it.
 *
 * A plan is immutable and shared by all threads.  Each thread runs it through an
 * exec of its own, which holds the buffers and allocates nothing once it has seen
 * its largest batch.
 */
#ifndef TN_TENSOR_PLAN_H
#define TN_TENSOR_PLAN_H

#include <stdbool.h>
#include <tenon/impl/backend.h>

#include "tensor/graph.h"

struct tn_plan;
struct tn_exec;

/** Makes the plan of a finished graph and takes the graph, also on failure.  `chain`
 *  are opened backends in the order of preference; each node goes to the first that
 *  supports it.  `threads` is the team of one call.  NULL after an error. */
TN_PRIVATE struct tn_plan *tn_plan_create(struct tn_graph *g, const struct tn_backend *const *chain,
	size_t n_chain, int threads, struct tn_call *call);
TN_PRIVATE void tn_plan_destroy(struct tn_plan *plan);
/** Remakes what was packed of weights that have changed since (their version is another).
 *  To be called by who changes weights, between runs; what is bound is to be bound anew.
 *  Other plans keep what they have until they are refreshed. */
TN_PRIVATE int tn_plan_refresh(struct tn_plan *plan, struct tn_call *call);

/** Other words for all that is dropped: the high half of the keys. */
TN_PRIVATE void tn_plan_draw(struct tn_plan *plan, uint32_t draw);
/** The team of each later run; at most that of tn_plan_create.  Before the first run. */
TN_PRIVATE void tn_plan_set_threads(struct tn_plan *plan, int threads);
/** Axes of the plan, by the index that tn_exec_bind expects. */
TN_PRIVATE size_t tn_plan_n_axes(const struct tn_plan *plan);
TN_PRIVATE const char *tn_plan_axis_name(const struct tn_plan *plan, size_t axis);
TN_PRIVATE size_t tn_plan_n_steps(const struct tn_plan *plan);
/** The i-th step: its node, its backend's index in the chain, and why each of the
 *  backends before that one refused it ("" when none did). */
TN_PRIVATE const struct tn_node *tn_plan_step(const struct tn_plan *plan, size_t i,
	size_t *backend, const char **why);
/** Whether a weight is known to the plan by nothing but what tn_round_bf16 makes of it: each
 *  step that reads it has that precision.  `identity`: as of its source. */
TN_PRIVATE bool tn_plan_rounds(const struct tn_plan *plan, const void *identity);
/** Floating-point operations of a run over the given axes, summed by backend of the
 *  chain into flops[n_chain]. */
TN_PRIVATE void tn_plan_flops(const struct tn_plan *plan, const struct tn_axis *axes,
	uint64_t *flops);
/** The same for one step, and the bytes that it must read and write at least: its weights
 *  once, its other inputs, its outputs. */
TN_PRIVATE void tn_plan_step_cost(const struct tn_plan *plan, size_t i,
	const struct tn_axis *axes, uint64_t *flops, uint64_t *bytes);
/** The team of a run. */
TN_PRIVATE int tn_plan_threads(const struct tn_plan *plan);
/** Bytes of packed weights, and of weights held unpacked, each counted once. */
TN_PRIVATE void tn_plan_memory(const struct tn_plan *plan, size_t *packed, size_t *held);

/** Buffers to run a plan with; one thread at a time.  NULL after TN_ENOMEM. */
TN_PRIVATE struct tn_exec *tn_exec_create(const struct tn_plan *plan, struct tn_call *call);
TN_PRIVATE void tn_exec_destroy(struct tn_exec *e);
/** Lays out the buffers for a batch: axes[n_axes], borrowed until the run ends. */
TN_PRIVATE int tn_exec_bind(struct tn_exec *e, const struct tn_axis *axes, struct tn_call *call);
/** Where the rows of an input go, after bind; NULL when the plan has no such input. */
TN_PRIVATE void *tn_exec_input(struct tn_exec *e, const char *name);
/** Runs all steps. */
TN_PRIVATE int tn_exec_run(struct tn_exec *e, struct tn_call *call);
/** The i-th output in the order of tn_graph_output calls; valid until the next bind. */
TN_PRIVATE const struct tn_tensor *tn_exec_output(const struct tn_exec *e, size_t i);
/** What runs cost, summed: the work of each step, and its time when `timed`. */
struct tn_profile {
	uint64_t runs;
	bool timed;			/* each step is run alone, for the clock to see it */
	struct {
		uint64_t ns, flops, bytes;
	} *steps;			/* [tn_plan_n_steps] */
};
/** Later runs add to the profile, until NULL is given; both are borrowed.  Without one a
 *  run costs nothing more. */
TN_PRIVATE void tn_exec_profile(struct tn_exec *e, struct tn_profile *profile);
/** Nanoseconds that backends have worked in all runs so far. */
TN_PRIVATE uint64_t tn_exec_step_ns(const struct tn_exec *e);

#endif
