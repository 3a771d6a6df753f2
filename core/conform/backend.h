/* SPDX-License-Identifier: Apache-2.0
 * core/conform/backend.h - the conformance suite of backends.
 */
#ifndef TN_CONFORM_BACKEND_H
#define TN_CONFORM_BACKEND_H

#include <tenon/impl/backend.h>

/** Receives one result: ok 1 or 0, and one line about it. */
struct tn_conform {
	void (*receive)(void *user, int ok, const char *line);
	/** What comes next: an op and its sizes; NULL: nobody asks. */
	void (*doing)(void *user, const char *op, const char *what);
	void *user;
	size_t passed, failed;
};

/** Runs every op that `tested` claims on random inputs of odd shapes and compares it
 *  with `reference` (both opened) within a stated tolerance for each op; then
 *  checks that the bits of a row (of a sequence) do not depend on the batch around
 *  it, on views or on other threads.  The suite gives each node threads 1 and 2.
 *  Errors: TN_ENOMEM, and whatever the reference gave; what is wrong with `tested`
 *  is counted in `to`. */
int tn_conform_backend(const struct tn_backend *tested, const struct tn_backend *reference,
	struct tn_conform *to, struct tn_call *call);

#endif
