/* SPDX-License-Identifier: Apache-2.0
 * core/cli/progress.h - one line on the terminal that says how far a long work is.
 *
 * It stands on stderr, appears when the work has taken two seconds, changes at most ten times
 * a second and is taken away at the end.  Where stderr is no terminal or TERM is dumb there is
 * none.  It has no colours and needs no escape sequence.
 */
#ifndef TN_CLI_PROGRESS_H
#define TN_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <tenon/call.h>

struct progress {
	bool on;
	double begin, last;	/* seconds; when the work began, when the line was written */
	size_t width;		/* of the line on the terminal; 0: none */
};

/** The work begins now. */
void progress_begin(struct progress *p);
/** Says anything. */
void progress_say(struct progress *p, const char *format, ...) TN_PRINTF(2, 3);
/** Says "45 %, 1234 texts, 310/s, 5 s left": `done` texts so far, which are `share` (0 to 1)
 *  of the work. */
void progress_count(struct progress *p, size_t done, double share);
/** Takes the line away, before anything else is written to the terminal; NULL is allowed. */
void progress_clear(struct progress *p);

#endif
