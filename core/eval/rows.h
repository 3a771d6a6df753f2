/* SPDX-License-Identifier: Apache-2.0
 * core/eval/rows.h - what was measured, as rows: flat objects, each written as a line
 * of JSON, a record of CSV or a line of a table.
 */
#ifndef TN_EVAL_ROWS_H
#define TN_EVAL_ROWS_H

#include <stdio.h>
#include <tenon/value.h>

enum eval_row_format { EVAL_ROWS_TEXT, EVAL_ROWS_MARKDOWN, EVAL_ROWS_CSV, EVAL_ROWS_JSONL };

/** The format of that name, or -1. */
int eval_row_format_of(const char *name);

/** A column of a table: a member of the rows, times `scale`, with so many digits behind
 *  the point (-1: a text or an integer as it stands; -2: three digits that count). */
struct eval_column {
	const char *key, *heading;
	double scale;
	int digits;
};

/** Rows of one kind.  The first member of each is "row", the kind's name; all rows of a
 *  kind have the same members, null where there is no value. */
struct eval_rows {
	const struct eval_column *columns;	/* of a table; JSON and CSV hold all members */
	size_t n_columns;
	const struct tn_value *const *rows;
	size_t n;
};

/** Writes a table: aligned, as Markdown, as CSV (RFC 4180, a heading first) or as JSON
 *  lines.  A column without any value is left out of an aligned or Markdown table.
 *  Errors: TN_ENOMEM. */
int eval_rows_print(FILE *out, enum eval_row_format format, const struct eval_rows *table,
	struct tn_call *call);

/** Sets members of a row; passing on NULL and giving NULL when memory ran out, as tn_set
 *  does.  A number that is not finite becomes null, and so does a NULL text. */
struct tn_value *eval_set_text(struct tn_arena *arena, struct tn_value *row, const char *key,
	const char *text);
struct tn_value *eval_set_int(struct tn_arena *arena, struct tn_value *row, const char *key,
	int64_t i);
struct tn_value *eval_set_real(struct tn_arena *arena, struct tn_value *row, const char *key,
	double x);

#endif
