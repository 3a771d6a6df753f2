/* SPDX-License-Identifier: Apache-2.0
 * core/pipeline/runtime.h - the machine's threads and the chain of backends.
 */
#ifndef TN_PIPELINE_RUNTIME_H
#define TN_PIPELINE_RUNTIME_H

#include <tenon/impl/backend.h>

#include "pipeline/config.h"

/** Processors that this process may use: the affinity mask or the control group's
 *  quota, whichever is less; at least 1. */
TN_PRIVATE size_t tn_machine_threads(void);

/** Opened backends in the order of preference; the pipeline owns them. */
struct tn_chain {
	struct tn_backend **items;
	size_t n;
};

/** Loads and opens the backends of the configuration, or all that are installed, by
 *  rank, when it names none (those that cannot work here are left out then, with a
 *  note).  A backend that is named and cannot work is an error. */
TN_PRIVATE int tn_chain_open(struct tn_chain *chain, const struct tn_pipeline_config *config,
	size_t threads, struct tn_call *call);
TN_PRIVATE void tn_chain_close(struct tn_chain *chain);

#endif
