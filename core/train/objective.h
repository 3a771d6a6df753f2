/* SPDX-License-Identifier: Apache-2.0
 * core/train/objective.h - what training makes small: a pipeline's model and heads with
 * their losses, the parameters in memory of its own, and gradients by them.
 */
#ifndef TN_TRAIN_OBJECTIVE_H
#define TN_TRAIN_OBJECTIVE_H

#include "pipeline/batch.h"

struct tn_objective;

/** A weight that the losses depend on: one, whatever the names and heads that read it. */
struct tn_parameter {
	const char *name;		/* as the model or head asks for it first */
	const void *identity;		/* of the pipeline's weight store */
	struct tn_buffer buffer;
	struct tn_tensor tensor;	/* dense, of the objective's float type */
};

/** A source of weights whose tensors are the objective's. */
struct tn_parameter_source {
	struct tn_objective *objective;
	const struct tn_weight_source *from;
	struct tn_weight_source source;
};

/** Where a head's target goes. */
struct tn_target_input {
	const char *name;		/* "HEAD.WHAT" */
	int axis;			/* of the plan */
	size_t row_bytes;
};

/** One plan with buffers to run it in. */
struct tn_objective_plan {
	struct tn_plan *plan;
	struct tn_session session;
	struct tn_target_input *targets;
	size_t n_targets;
};

struct tn_objective {
	struct tn_pipeline *p;
	enum tn_dtype real;
	bool dropout;
	struct tn_backend *const *chain;
	size_t n_chain;
	struct tn_parameter *items;
	size_t n, room;
	struct tn_parameter_source *sources;	/* [n_heads + 1], the model's is last */
	/* Outputs: the sum of the losses; then loss and count of each head that can be trained;
	 * then, of `backward` only, the gradient by each parameter. */
	struct tn_objective_plan forward, backward;
	size_t n_trained;		/* heads that have a loss */
	bool *trained;			/* [n_heads] */
	struct tn_arena *arena;
};

/** Builds the graph of the model and of every head that can be trained, of floats of type
 *  `real`, with the model's dropout or without it, plans it on the chain, with gradients and without, and loads the parameters.  The
 *  pipeline and the chain outlive it.  To be closed also after an error.
 *  Errors: TN_ECONFIG, no head of the pipeline can be trained; TN_EINTERNAL, an op on the way
 *  has no gradient: it and its node are named; what weights and plans give. */
int tn_objective_open(struct tn_objective *o, struct tn_pipeline *p, enum tn_dtype real,
	bool dropout, struct tn_backend *const *chain, size_t n_chain, struct tn_call *call);
void tn_objective_close(struct tn_objective *o);

/** Binds one of its plans to a batch. */
int tn_objective_bind(struct tn_objective_plan *plan, const struct tn_batch_item *items, size_t n,
	struct tn_call *call);
/** Fills all inputs, golds[i] being what is right for item i, and runs the plan.  Errors:
 *  TN_EDATA, gold does not fit. */
int tn_objective_run(struct tn_objective *o, struct tn_objective_plan *plan,
	const struct tn_batch_item *items, size_t n, const struct tn_gold *golds,
	struct tn_call *call);
/** The gradient by parameter i after a run of `backward`; NULL when the losses do not depend
 *  on it. */
const struct tn_tensor *tn_objective_gradient(const struct tn_objective *o, size_t i);

#endif
