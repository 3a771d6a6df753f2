/* SPDX-License-Identifier: Apache-2.0
 * core/train/objective.h - what training makes small: a pipeline's model and heads with
 * their losses, the parameters in the pipeline's weight stores, and gradients by them.
 */
#ifndef TN_TRAIN_OBJECTIVE_H
#define TN_TRAIN_OBJECTIVE_H

#include "train/features.h"

struct tn_objective;

/** A weight that the losses depend on: one, whatever the names and heads that read it. */
struct tn_parameter {
	const char *name;		/* as the model asks for it, or "heads.NAME." and what the
					 * head asks for first */
	const void *identity;		/* in its store */
	struct tn_weights *store;
	struct tn_tensor *tensor;	/* dense, of the objective's float type; to be changed
					 * between runs, see tn_objective_changed */
	bool frozen;			/* it stays as it is and has no gradient */
};

struct tn_objective_options {
	enum tn_dtype real;		/* TN_F32, or TN_F64 to check gradients */
	enum tn_dtype precision;	/* TN_BF16: of the factors in products of linears, with
					 * real TN_F32; else 0 */
	bool dropout;			/* the model's, else none */
	bool forward;			/* the plan without gradients is made too */
	bool forward_dropout;		/* it has dropout as well: to check gradients */
	uint64_t seed;			/* of weights that are made */
	const struct tn_features *features;	/* NULL: those of the model, which is trained too */
	/** Whether a parameter stays as it is; NULL: none does. */
	bool (*frozen)(void *user, const char *name);
	/** Whether a head is trained that can be; NULL: each is. */
	bool (*trains)(void *user, const char *head);
	void *user;
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
	struct tn_objective_options options;
	struct tn_parameter *items;
	size_t n, room;
	/* Outputs: the loss: of one head the sum over its targets, of several the sum of their
	 * means; then loss and count of each head that can be trained;
	 * then, of `backward` only, the gradient by each parameter. */
	struct tn_objective_plan forward, backward;	/* without and with gradients */
	const struct tn_feature_rows *rows;	/* of the examples of the next run */
	size_t n_trained;		/* heads that have a loss */
	bool *trained;			/* [n_heads] */
	struct tn_arena *arena;
};

/** Builds the graph of the model and of every head that can be trained, loads the parameters,
 *  plans the graph on the pipeline's backends with gradients, and without when asked.  Parameters of a
 *  pipeline for training may be changed; those that were made begin as numbers of a normal
 *  distribution with deviation 0.02, as far as they are the matrix of a linear layer, else
 *  as zeros.  The pipeline outlives it.  To be closed also after an error.
 *  Errors: TN_ECONFIG, no head of the pipeline can be trained; TN_EINTERNAL, an op on the way
 *  has no gradient: it and its node are named; what weights and plans give. */
int tn_objective_open(struct tn_objective *o, struct tn_pipeline *p,
	const struct tn_objective_options *options, struct tn_call *call);
void tn_objective_close(struct tn_objective *o);

/** Binds one of its plans to a batch. */
int tn_objective_bind(struct tn_objective_plan *plan, const struct tn_batch_item *items, size_t n,
	struct tn_call *call);
/** Fills all inputs, golds[i] being what is right for item i, and runs the plan.  Errors:
 *  TN_EDATA, gold does not fit. */
int tn_objective_run(struct tn_objective *o, struct tn_objective_plan *plan,
	const struct tn_batch_item *items, size_t n, const struct tn_gold *golds,
	struct tn_call *call);
/** The gradient by parameter i after a run of `backward`; NULL when it is frozen or the losses
 *  do not depend on it. */
const struct tn_tensor *tn_objective_gradient(const struct tn_objective *o, size_t i);
/** Loss and count of the k-th head that is trained, summed over the batch of the last run. */
void tn_objective_loss(const struct tn_objective *o, const struct tn_objective_plan *plan,
	size_t k, double *loss, double *count);
/** Whether what is right for an item fits the heads.  Errors: TN_EDATA. */
int tn_objective_check(struct tn_objective *o, const struct tn_batch_item *item,
	const struct tn_gold *gold, struct tn_call *call);
/** Parameters have changed: makes anew what `backward` made of them.  `forward` is to be
 *  refreshed before it is used (tn_plan_refresh), plans are to be bound anew. */
int tn_objective_changed(struct tn_objective *o, struct tn_call *call);

#endif
