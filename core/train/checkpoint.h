/* SPDX-License-Identifier: Apache-2.0
 * core/train/checkpoint.h - the state of a run in one file, which is the old or the new one
 * whole at any time.
 */
#ifndef TN_TRAIN_CHECKPOINT_H
#define TN_TRAIN_CHECKPOINT_H

#include "train/optimizer.h"

/** How far a run is. */
struct tn_train_state {
	uint64_t step;			/* done so far */
	uint64_t epoch, batch;		/* the next batch: of which epoch, and its place in it */
	uint64_t draws;			/* batches run, for dropout */
	double best;			/* the metric's, NAN: there was no evaluation */
	uint64_t best_step;
	uint64_t worse;			/* evaluations since then */
	uint64_t log_bytes;		/* of the log that belong to it */
	double loss;			/* since the last line of the log: sums */
	double count;
};

/** Writes parameters, moments and state; `job` says what they belong to.  Errors: TN_EIO,
 *  the file before it stays. */
TN_PRIVATE int tn_checkpoint_write(const char *path, const struct tn_optimizer *o,
	const struct tn_train_state *state, const struct tn_value *job, struct tn_call *call);
/** Reads them back.  Errors: TN_EDATA, the file is none, or of another job: which setting
 *  differs is said; what tn_st_open gives. */
TN_PRIVATE int tn_checkpoint_read(const char *path, struct tn_optimizer *o,
	struct tn_train_state *state, const struct tn_value *job, struct tn_call *call);
/** Writes the parameters that are trained, without moments, and reads them back. */
TN_PRIVATE int tn_parameters_write(const char *path, const struct tn_optimizer *o,
	struct tn_call *call);
TN_PRIVATE int tn_parameters_read(const char *path, struct tn_optimizer *o, struct tn_call *call);

#endif
