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
};

/** Lays out the batch, fills the inputs, runs the plan and copies the scores into the
 *  jobs. */
int tn_batch_run(struct tn_pipeline *p, struct tn_session *s, const struct tn_batch_item *items,
	size_t n, struct tn_call *call);

#endif
