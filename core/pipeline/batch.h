/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/batch.h - windows of jobs as one packed batch.
 */
#ifndef TN_PIPELINE_BATCH_H
#define TN_PIPELINE_BATCH_H

#include "pipeline/pipeline_impl.h"

/** A window of a job. */
struct tn_batch_item {
	struct tn_job *job;
	size_t window;
	const char *head;		/* training: whose the answers are; NULL: every head's */
};

/** Counts the rows of each axis and binds the session's plan to them. */
TN_PRIVATE int tn_batch_bind(struct tn_session *s, const struct tn_batch_item *items, size_t n,
	struct tn_call *call);
/** Fills the inputs of the model: before each run, which may write over them. */
TN_PRIVATE void tn_batch_fill(struct tn_session *s, const struct tn_batch_item *items, size_t n);
/** Lays out the batch, fills the inputs, runs the plan and copies the scores into the
 *  jobs. */
int tn_batch_run(struct tn_pipeline *p, struct tn_session *s, const struct tn_batch_item *items,
	size_t n, struct tn_call *call);

#endif
