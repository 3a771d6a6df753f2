/* SPDX-License-Identifier: Apache-2.0
 * core/train/run.h - what the files of the training loop share.
 */
#ifndef TN_TRAIN_RUN_H
#define TN_TRAIN_RUN_H

#include <stdio.h>

#include "eval/verdict.h"
#include "train/checkpoint.h"
#include "train/dataset.h"
#include "train/train.h"

struct run {
	struct tn_arena *arena;		/* what lives to the end */
	struct tn_job_file job;
	struct tn_dataset train, dev;
	struct tn_training training;
	struct tn_pipeline *p;
	struct tn_objective objective;
	struct tn_features features;	/* with frozen_features, and their rows */
	struct tn_feature_rows train_rows, dev_rows;
	struct tn_optimizer optimizer;
	bool opened, optimizer_opened;
	const struct tn_masking *masking;	/* NULL: no head has masks to fill */
	uint64_t steps;
	struct tn_train_state state;
	struct tn_epoch epoch;
	enum eval_scheme scheme;	/* of the tags of the data */
	struct eval_verdict *verdicts;	/* on the best parameters, of the heads that have scores; at
					 * the end, in an arena of theirs */
	size_t n_verdicts;
	struct tn_arena *verdict_arena;
	bool finished;			/* the checkpoint is that of the last step */
	int log;			/* descriptor, or -1 */
	const char *log_path, *checkpoint_path, *best_path;
	const struct tn_value *identity;	/* what a checkpoint must agree with */
};

/* Whether one of the globs matches. */
/* Adds up losses and counts over a plan's last run: of one head its sums, of several the sum of
 * their means and 1. */
void run_add_losses(const struct run *r, const struct tn_objective_plan *plan, double *loss,
	double *count);
bool run_matches(const struct tn_strings *globs, const char *name);
/* Puts the place of train example i before the error; returns its code. */
int run_place_error(const struct run *r, size_t i, struct tn_call *call);

/* output.c: the directory of a run. */
/* Makes it, or finds that a run lies there. */
int run_open_output(struct run *r, const struct tn_train_options *options, struct tn_call *call);
/* Begins the log, or reads the checkpoint and goes on. */
int run_begin(struct run *r, bool resume, struct tn_call *call);
int run_log_step(struct run *r, const struct tn_train_step *step, struct tn_call *call);
int run_log_evaluation(struct run *r, const struct tn_train_evaluation *e, struct tn_call *call);
void run_close_log(struct run *r);
/* Writes the checkpoint; `last`: no step follows. */
int run_save(struct run *r, bool last, struct tn_call *call);
/* Writes the model directory and removes what is only needed to go on. */
int run_finish(struct run *r, const struct tn_train_events *events, struct tn_call *call);

/* guard.c */
/* Notes what usually spoils a run. */
int run_guard(struct run *r, struct tn_call *call);
/* Notes what did not learn. */
void run_guard_end(const struct run *r, struct tn_call *call);

/* evaluate.c */
/* Checks the dev data against the heads and the metric that the job names. */
int run_open_measures(struct run *r, struct tn_call *call);
/* Judges the parameters as they are, and keeps them if they are the best. */
int run_evaluate(struct run *r, const struct tn_train_events *events, struct tn_call *call);
/* Judges the best parameters at the end, which are in place, for the report; it is an evaluation
 * of its own where those before it knew the loss alone. */
int run_evaluate_best(struct run *r, const struct tn_train_events *events, struct tn_call *call);

#endif
