/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/heads.h - the heads of a pipeline: which, with what weights, labels and
 * options.
 */
#ifndef TN_PIPELINE_HEADS_H
#define TN_PIPELINE_HEADS_H

#include "pipeline/pipeline_impl.h"

/** Opens the heads of the configuration, or the one of the model's class, called
 *  "result".  The faults of all heads are recorded before an error is returned. */
int tn_heads_open(struct tn_pipeline *p, struct tn_call *call);
void tn_heads_close(struct tn_pipeline *p);
/** The store that a tensor of a head is in. */
TN_PRIVATE struct tn_weights *tn_head_store(const struct tn_head_source *s, const char *name);

#endif
