/* SPDX-License-Identifier: Apache-2.0
 * core/conform/run.h - the conformance suite of a plugin, each case in a process of its own.
 */
#ifndef TN_CONFORM_RUN_H
#define TN_CONFORM_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include "plugin/plugin.h"

/** What is to be tested. */
struct conform_plan {
	enum tn_plugin_kind kind;
	const char *name;		/* of the plugin */
	const char *pipeline;		/* one that uses it; NULL: one is made up */
	const char *const *settings;	/* over it, ending with NULL; or NULL */
	const char *only;		/* cases whose "SLOT: NAME" has this text; NULL: all */
	int patience;			/* seconds for a case */
	/** Compares gradients with differences: the exit code of `tenon gradcheck`. */
	int (*gradients)(const char *pipeline, const char *const *settings);
	void *user;
	/** A result, as it comes: `line` is "SLOT: CASE", for a failure followed by ": " and what
	 *  is wrong; for a skipped case `skipped` says why, else it is NULL. */
	void (*result)(void *user, bool ok, const char *line, const char *skipped);
	size_t passed, failed;		/* counted */
};

/** Runs all cases of the kind.  For a process of one thread that has not loaded the plugin.  What is
 *  wrong with the plugin is counted.  Errors: TN_ENOMEM, TN_EIO, TN_EINTERNAL (no process). */
int conform_run_plan(struct conform_plan *plan, struct tn_call *call);

#endif
