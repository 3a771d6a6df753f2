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

/** Backends in the order of preference.  A backend is one for all chains of the process
 *  that want it with as many threads and no options of its own. */
struct tn_chain {
	struct tn_backend **items;
	size_t n;
};

/** Loads and opens the backends of the configuration: one that cannot work is an error.
 *  When it names none, all that are installed, by rank, each opened when a plan first
 *  asks it (tn_backend_ready); one that cannot be loaded is left out, with a note. */
TN_PRIVATE int tn_chain_open(struct tn_chain *chain, const struct tn_pipeline_config *config,
	size_t threads, struct tn_call *call);
/** Notes which backends were asked and cannot work here. */
TN_PRIVATE void tn_chain_note(const struct tn_chain *chain, struct tn_call *call);
TN_PRIVATE void tn_chain_close(struct tn_chain *chain);

#endif
