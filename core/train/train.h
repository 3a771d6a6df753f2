/* SPDX-License-Identifier: Apache-2.0
 * core/train/train.h - running a training job from its file to a model directory.
 */
#ifndef TN_TRAIN_TRAIN_H
#define TN_TRAIN_TRAIN_H

#include <tenon/call.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a step did. */
struct tn_train_step {
	uint64_t step, steps;		/* the one just done, from 1; of how many */
	uint64_t epoch;			/* from 0 */
	size_t examples, tokens;
	double loss;			/* its mean over the step's targets */
	double rate, norm;
};

/** One metric of one head on the dev data. */
struct tn_train_metric {
	const char *head, *name;
	double value;			/* in points */
};

/** What an evaluation found. */
struct tn_train_evaluation {
	uint64_t step, epoch;
	double loss;			/* mean since the last evaluation, on the train data */
	double dev_loss;		/* NAN: there are no dev data */
	const struct tn_train_metric *metrics;
	size_t n;
	double judged;			/* the one that chooses the best; a loss is negated */
	bool best;			/* so far */
};

struct tn_train_events {
	void *user;
	/** After each step; true: stop here. */
	bool (*step)(void *user, const struct tn_train_step *step);
	void (*evaluated)(void *user, const struct tn_train_evaluation *evaluation);
	/** Before the first step, while the model runs over the examples: the share that is done. */
	void (*encoding)(void *user, double share);
};

enum tn_train_end { TN_TRAIN_DONE = 0, TN_TRAIN_STOPPED = 1 };

struct tn_train_options {
	const char *job;
	const char *const *settings;	/* ends with NULL; or NULL */
	bool resume;			/* go on from the checkpoint in the output directory */
	bool overwrite;			/* begin anew where a run lies already */
};

/** What came of it. */
struct tn_train_result {
	enum tn_train_end end;
	const char *output;		/* in the call's arena */
	uint64_t step, steps, best_step;
	double best;			/* NAN: there are no dev data */
};

/** Runs a job to its end, or until `step` says stop: then the state is saved, for a later call
 *  with `resume`.  Errors: TN_ECONFIG and TN_EDATA, the job or its data are wrong; TN_EDATA, the
 *  loss is not finite; TN_EIO, saving failed (the checkpoint before it stays); what opening a
 *  pipeline gives. */
TN_PRIVATE int tn_train_run(const struct tn_train_options *options,
	const struct tn_train_events *events, struct tn_train_result *result,
	struct tn_call *call);

#endif
