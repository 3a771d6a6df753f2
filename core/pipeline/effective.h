/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/effective.h - the configuration that a pipeline really has.
 */
#ifndef TN_PIPELINE_EFFECTIVE_H
#define TN_PIPELINE_EFFECTIVE_H

#include "pipeline/pipeline_impl.h"

/** The effective configuration as a tree: all settings and all options of the heads with
 *  their values, files by their full paths, so that it is a valid configuration wherever
 *  it is written.  In the call's arena; NULL after TN_ENOMEM. */
TN_PRIVATE struct tn_value *tn_pipeline_effective(const struct tn_pipeline *p,
	struct tn_call *call);

#endif
