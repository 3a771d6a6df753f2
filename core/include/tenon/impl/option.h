/* SPDX-License-Identifier: Apache-2.0
 * tenon/impl/option.h - a plugin's options.
 *
 * The table is the single source for checking a configuration, for `tenon
 * plugins show` and for the manual pages.  The core stores the checked values in
 * the plugin's state before `open` runs.
 */
#ifndef TN_IMPL_OPTION_H
#define TN_IMPL_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/export.h>

TN_BEGIN

/** What an option holds, and the type of its field in the state. */
enum tn_option_type {
	TN_OPT_END = 0,
	TN_OPT_BOOL,	/* bool */
	TN_OPT_INT,	/* int64_t */
	TN_OPT_REAL,	/* double */
	TN_OPT_STRING,	/* const char *, NULL when not given and without default */
	TN_OPT_PATH,	/* const char *, made relative to the file that states it */
	TN_OPT_CHOICE,	/* int32_t, the index in `choices` */
	TN_OPT_STRINGS	/* struct tn_strings */
};

/** A list of texts, owned by the core, living as long as the plugin's state.
 *  Frozen within an ABI major. */
struct tn_strings {
	const char *const *items;
	size_t n;
};

/** One option; a table ends with a zeroed one.  Frozen within an ABI major. */
struct tn_option {
	const char *name;
	uint32_t type;			/* enum tn_option_type */
	uint32_t offset;		/* of the field in the state */
	const char *text;		/* default of STRING, PATH, CHOICE; or NULL */
	double number;			/* default of BOOL, INT, REAL */
	double min, max;		/* of INT, REAL: both inclusive */
	const char *const *choices;	/* of CHOICE: ends with NULL */
	const char *help;		/* one line, no full stop */
};

#define TN_OPTION_(state, field, kind, txt, num, lo, hi, set, about)		\
	{ .name = #field, .type = (kind), .offset = offsetof(state, field),	\
	  .text = (txt), .number = (num), .min = (lo), .max = (hi),		\
	  .choices = (set), .help = (about) }
#define TN_OPTION_BOOL(state, field, value, about) \
	TN_OPTION_(state, field, TN_OPT_BOOL, NULL, value, 0, 1, NULL, about)
#define TN_OPTION_INT(state, field, value, lo, hi, about) \
	TN_OPTION_(state, field, TN_OPT_INT, NULL, value, lo, hi, NULL, about)
#define TN_OPTION_REAL(state, field, value, lo, hi, about) \
	TN_OPTION_(state, field, TN_OPT_REAL, NULL, value, lo, hi, NULL, about)
#define TN_OPTION_STRING(state, field, value, about) \
	TN_OPTION_(state, field, TN_OPT_STRING, value, 0, 0, 0, NULL, about)
#define TN_OPTION_PATH(state, field, about) \
	TN_OPTION_(state, field, TN_OPT_PATH, NULL, 0, 0, 0, NULL, about)
#define TN_OPTION_CHOICE(state, field, set, value, about) \
	TN_OPTION_(state, field, TN_OPT_CHOICE, value, 0, 0, 0, set, about)
#define TN_OPTION_STRINGS(state, field, about) \
	TN_OPTION_(state, field, TN_OPT_STRINGS, NULL, 0, 0, 0, NULL, about)

TN_END
#endif
