/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/backend.h - a backend that is opened when it is first asked for a node:
 * one that stands last in a chain costs nothing as long as those before it take all.
 */
#ifndef TN_TENSOR_BACKEND_H
#define TN_TENSOR_BACKEND_H

#include <pthread.h>
#include <tenon/impl/backend.h>

enum tn_ready { TN_NOT_ASKED, TN_READY, TN_CANNOT };

/** What the core knows of a backend, its `core`; by whom it was made. */
struct tn_backend_core {
	pthread_mutex_t lock;
	int threads;			/* for open */
	enum tn_ready ready;
	enum tn_error code;		/* with TN_CANNOT: why */
	char why[256];
};

/** Opens the backend on the first call.  0, or the code of open's error, its reason in
 *  core->why.  A backend without `core` was opened by who made it. */
TN_PRIVATE int tn_backend_ready(const struct tn_backend *b);

#endif
