/* SPDX-License-Identifier: Apache-2.0
 * core/train/optimizer.h - AdamW over the parameters of an objective.
 *
 * Source: Loshchilov and Hutter, arXiv 1711.05101, algorithm 2, with the bias correction of
 * Kingma and Ba, arXiv 1412.6980, section 2.
 */
#ifndef TN_TRAIN_OPTIMIZER_H
#define TN_TRAIN_OPTIMIZER_H

#include "tensor/single.h"
#include "train/job.h"
#include "train/objective.h"

/** What is kept of one parameter that is trained. */
struct tn_moments {
	size_t parameter;		/* its index in the objective */
	struct tn_buffer buffers[3];
	struct tn_tensor m, v;
	struct tn_tensor sum;		/* of the gradients of a step's batches; buffer NULL where
					 * a step has one batch */
	double rate_scale;		/* of the rate that the schedule gives */
	double decay;
	struct tn_single adamw, squares, add;
};

struct tn_optimizer {
	struct tn_objective *objective;
	const struct tn_job_optim *options;
	struct tn_moments *items;
	size_t n;
	bool first;			/* of a step's batches */
	double norm;			/* of the gradient of the last step, before clipping */
};

/** Memory for the moments, zeros; with `accumulate` for sums of gradients too.  To be closed
 *  also after an error.  Errors: TN_ECONFIG, a group matches no parameter; TN_ENOMEM. */
TN_PRIVATE int tn_optimizer_open(struct tn_optimizer *o, struct tn_objective *objective,
	const struct tn_job_optim *options, bool accumulate, struct tn_call *call);
TN_PRIVATE void tn_optimizer_close(struct tn_optimizer *o);
/** Adds the gradients of the last run to those of this step; only with `accumulate`. */
TN_PRIVATE int tn_optimizer_add(struct tn_optimizer *o, struct tn_call *call);
/** Changes the parameters by the gradients of a step, which are sums over `count`: the t-th
 *  step, from 1, at the given rate.  1: done.  0: the gradient is not finite, nothing has
 *  changed.  Negative: an error. */
TN_PRIVATE int tn_optimizer_step(struct tn_optimizer *o, uint64_t t, double rate, double count,
	struct tn_call *call);
/** The share of optim.lr for a step (from 1) of `steps` in all. */
TN_PRIVATE double tn_schedule_at(const struct tn_job_optim *options, uint64_t step, uint64_t steps);

/** The layer that a parameter of a model of so many layers belongs to, from 1, by its name
 *  ("layer.0.", "layers.0."); 0 for embeddings, layers + 1 for what stands behind or is shared. */
TN_PRIVATE size_t tn_layer_of(const char *name, size_t layers);

#endif
