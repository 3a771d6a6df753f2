/* SPDX-License-Identifier: Apache-2.0
 * core/train/job.h - a training job as its file says it, checked.
 */
#ifndef TN_TRAIN_JOB_H
#define TN_TRAIN_JOB_H

#include "eval/masking.h"
#include "plugin/plugin.h"

#define TN_MOST_GROUPS 64	/* of parameters, and of data */

enum tn_on_bad { TN_BAD_IS_ERROR, TN_BAD_IS_DROPPED };
enum tn_job_dtype { TN_STORE_F32, TN_STORE_F16, TN_STORE_BF16 };
enum tn_job_precision { TN_TRAIN_FP32, TN_TRAIN_BF16 };
enum tn_schedule { TN_LINEAR_RATE, TN_COSINE_RATE, TN_CONSTANT_RATE };

/** Where examples come from. */
struct tn_job_data {
	const char *train;
	const char *dev;		/* NULL: no evaluation */
	const char *format;		/* NULL: by the ending of the file */
	const char *head;		/* whose the answers are; NULL: every head's that can use
					 * them */
	struct tn_strings columns;	/* as struct eval_source has them */
	bool header, iob1;
	int32_t on_bad;			/* enum tn_on_bad */
};

/** Parameters whose names match; a later group wins.  NAN: as optim has it. */
struct tn_job_group {
	const char *match;		/* a glob */
	double lr, lr_scale, weight_decay;
};

struct tn_job_optim {
	double lr, weight_decay, beta1, beta2, eps, clip;
	double warmup;			/* steps, or less than 1: share of all steps */
	double layer_decay;		/* of the rate, for each layer further from the heads */
	int32_t schedule;		/* enum tn_schedule */
	struct tn_job_group groups[TN_MOST_GROUPS];
	size_t n_groups;
};

/** All of it lives in the arena it was read into. */
struct tn_job_file {
	const char *path;
	struct tn_value *tree;		/* as read, with settings applied */
	const char *pipeline, *output;
	struct tn_strings set, heads, freeze;
	int64_t seed;
	int32_t dtype;			/* enum tn_job_dtype: of what is written at the end */
	int32_t precision;		/* enum tn_job_precision: of the factors in products of
					 * linears; parameters are kept in single precision */
	bool dropout, shuffle;
	bool frozen_features;		/* the model stays as it is, and runs once for each example */
	struct tn_job_data data[TN_MOST_GROUPS];
	size_t n_data;
	struct tn_job_optim optim;
	struct tn_masking masking;
	struct {
		int64_t tokens, examples, accumulate;
	} batch;
	struct {
		int64_t epochs, steps, patience;
		const char *metric;	/* "HEAD.NAME" or "NAME"; NULL: the first head's first */
	} stop;
	struct {
		int64_t every;		/* steps; 0: at the end of each epoch */
	} eval;
	struct {
		int64_t every;		/* steps; 0: at each evaluation */
	} checkpoint;
};

/** Reads a job, applies settings (ends with NULL, or NULL) and checks all that can be without
 *  opening what it names.  Every fault is recorded with FILE:LINE.  Errors: TN_ECONFIG,
 *  TN_ENOINPUT, TN_ENOMEM. */
TN_PRIVATE int tn_job_file_read(struct tn_job_file *job, const char *path,
	const char *const *settings, struct tn_arena *arena, struct tn_call *call);

#endif
