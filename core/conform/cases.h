/* SPDX-License-Identifier: Apache-2.0
 * core/conform/cases.h - what the cases of all kinds share.  A case runs in a process of its own.
 */
#ifndef TN_CONFORM_CASES_H
#define TN_CONFORM_CASES_H

#include <tenon/impl/head.h>

#include "conform/run.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/** A running case. */
struct conform_subject {
	const struct conform_plan *plan;
	const char *model;		/* a directory made up for it, in `folder` */
	const char *folder;		/* to write into */
	struct tn_call *call;
	size_t n_checks, n_failed;
};

struct conform_case {
	const char *slot, *name;
	/** Reports what is wrong by conform_check; an error left in the call counts, too. */
	void (*run)(struct conform_subject *s);
};

/** The cases of a kind, ending with a zeroed one. */
const struct conform_case *conform_cases_tokenizer(void);
const struct conform_case *conform_cases_backend(void);
const struct conform_case *conform_cases_model(void);
const struct conform_case *conform_cases_head(void);

/** What is being done: named when the process ends or hangs.  `slot` NULL: that of the case. */
void conform_now(const char *slot, const char *format, ...) TN_PRINTF(2, 3);
/** One check: the first that fails is the case's failure.  Returns ok. */
bool conform_check(struct conform_subject *s, bool ok, const char *format, ...) TN_PRINTF(3, 4);
/** A result of its own beside that of the case. */
void conform_result(bool ok, const char *slot, const char *format, ...) TN_PRINTF(3, 4);
/** The case does not apply; it ends. */
void conform_skip(const char *why) __attribute__((noreturn));

/** Does something often and looks for memory and open files that each time leaves. */
void conform_leaks(struct conform_subject *s, void (*once)(struct conform_subject *s));

/** Texts of all sorts, by number; false behind the last. */
struct conform_text {
	const char *what;
	struct tn_text text;
	bool valid;			/* UTF-8 */
};
bool conform_text(size_t i, struct conform_text *text, struct tn_call *call);
/** A copy of a text whose last byte is the last before memory that cannot be read; lives until
 *  the process ends.  In place of an empty text: a pointer that cannot be read. */
struct tn_text conform_guarded(struct tn_text text);

#endif
