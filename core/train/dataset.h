/* SPDX-License-Identifier: Apache-2.0
 * core/train/dataset.h - the examples of a job: read, checked, and put into batches.
 */
#ifndef TN_TRAIN_DATASET_H
#define TN_TRAIN_DATASET_H

#include "eval/gold.h"
#include "train/job.h"
#include "train/objective.h"

/** Labelled examples of one or several files. */
struct tn_dataset {
	struct eval_data data;
	size_t *source;			/* of each: the data group of the job that it is from */
	uint32_t *tokens, *windows;	/* of each, over all its windows; set by tn_dataset_scan */
	size_t n_truncated, n_windows;	/* examples that lose text; windows of all */
	uint64_t hash;			/* of texts and answers */
	const struct tn_job_file *job;
	struct tn_arena *arena;
};

/** Reads the train files (or the dev files) of all data groups.  Errors: those of eval_read. */
TN_PRIVATE int tn_dataset_read(struct tn_dataset *d, const struct tn_job_file *job, bool dev,
	struct tn_arena *arena, struct tn_call *call);
TN_PRIVATE void tn_dataset_finish(struct tn_dataset *d);
/** What answers to a task are in the data, and the labels that they have, in their order: names
 *  by their bytes, numbers by their value; tags begin with O, if there is one, and are complete
 *  (a B- with its I- and O).  Numbers with fractions are no labels: one called "value" stands for
 *  them.  In the arena.  `head`: only of data that are its own.  Errors: TN_EDATA, a label is too
 *  long; TN_ENOMEM. */
TN_PRIVATE int tn_dataset_labels(const struct tn_dataset *d, const struct tn_job_file *job,
	const char *head, enum tn_task task, struct tn_arena *arena, struct tn_gold_labels *found,
	struct tn_call *call);
/** Tokenizes all examples once, to know their tokens, and asks `check`, unless it is NULL, about each.  What is wrong
 *  (TN_EDATA) is dropped and counted where the job says so, else an error with FILE:LINE. */
TN_PRIVATE int tn_dataset_scan(struct tn_dataset *d, const struct tn_job_file *job,
	struct tn_pipeline *p, int (*check)(void *user, size_t example, struct tn_call *call),
	void *user, struct tn_call *call);

/** The order of one epoch, cut into batches. */
struct tn_epoch {
	uint32_t *order;		/* [n] examples */
	size_t n;
	size_t *begin;			/* [n_batches + 1] places in `order` */
	size_t n_batches;
};

/** The order that a job gives to an epoch (from 0): batches of at most batch.tokens tokens, or
 *  one example, and at most batch.examples examples (0: any).  Begin with a zeroed one, which
 *  may be filled again.  Errors: TN_ENOMEM. */
TN_PRIVATE int tn_epoch_make(struct tn_epoch *e, const struct tn_dataset *d,
	const struct tn_job_file *job, uint64_t epoch, struct tn_call *call);
TN_PRIVATE void tn_epoch_finish(struct tn_epoch *e);

/** A batch ready to be run: windows with what is right for them. */
struct tn_train_batch {
	struct tn_batch_item *items;
	struct tn_gold *golds;
	size_t n, tokens;
};

/** Tokenizes n examples; all of it is in the call's arena.  With `masking` tokens are hidden,
 *  by `draw`. */
TN_PRIVATE int tn_train_batch_make(struct tn_train_batch *b, const struct tn_dataset *d,
	struct tn_pipeline *p, const uint32_t *examples, size_t n,
	const struct tn_masking *masking, uint64_t draw, struct tn_call *call);

#endif
