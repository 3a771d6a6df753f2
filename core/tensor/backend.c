/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/backend.c - opening a backend when it is first asked.
 */
#include <omp.h>
#include <stdio.h>

#include "tensor/backend.h"

static void open_now(struct tn_backend *b, struct tn_backend_core *core)
{
	int (*open)(struct tn_backend *, int, struct tn_call *) = b->plugin->impl.backend->open;
	struct tn_call *call = tn_call_create();
	int team = omp_get_max_threads();

	/* What a library tries out while it is opened wakes no team. */
	omp_set_num_threads(1);
	core->ready = TN_READY;
	if (!call || (open && open(b, core->threads, call))) {
		core->ready = TN_CANNOT;
		core->code = call ? (enum tn_error)tn_status(call) : TN_ENOMEM;
		snprintf(core->why, sizeof(core->why), "%s",
			call ? tn_error_text(call) : "out of memory");
	}
	tn_call_destroy(call);
	omp_set_num_threads(team);
}

int tn_backend_ready(const struct tn_backend *b)
{
	struct tn_backend_core *core = b->core;
	int status;

	if (!core)
		return 0;
	pthread_mutex_lock(&core->lock);
	if (core->ready == TN_NOT_ASKED)
		open_now((struct tn_backend *)b, core);
	status = core->ready == TN_CANNOT ? (int)core->code : 0;
	pthread_mutex_unlock(&core->lock);
	return status;
}
