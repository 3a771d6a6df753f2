/* SPDX-License-Identifier: Apache-2.0
 * core/eval/report.h - verdicts as tables, and as one page with pictures that needs nothing else.
 */
#ifndef TN_EVAL_REPORT_H
#define TN_EVAL_REPORT_H

#include "base/plot.h"
#include "eval/rows.h"
#include "eval/verdict.h"

enum eval_table {
	EVAL_SCORES, EVAL_BASELINES, EVAL_CLASSES, EVAL_CALIBRATION, EVAL_THRESHOLDS, EVAL_CURVES,
	EVAL_TRANSITIONS, EVAL_N_TABLES
};

const char *eval_table_title(enum eval_table kind);
/** The table of one kind over n verdicts, in the call's arena; it may have no rows.
 *  Errors: TN_ENOMEM. */
int eval_table_make(struct eval_rows *table, enum eval_table kind, const struct eval_verdict *v,
	size_t n, struct tn_call *call);
/** Writes all tables that have rows, an empty line between them.  Errors: TN_ENOMEM. */
int eval_report_print(FILE *out, enum eval_row_format format, const struct eval_verdict *v,
	size_t n, struct tn_call *call);

/** A page: its heading, what it is about, what was found, and curves of how it came about. */
struct eval_page {
	const char *title, *about;
	const struct eval_verdict *verdicts;
	size_t n;
	const struct tn_panel *curves;
	size_t n_curves;		/* may be 0 */
};

/** Writes it as HTML with SVG: the tables; of each head bars of its classes, the curve of
 *  thresholds, and how often answers were right by how sure they were.  Errors: TN_EIO,
 *  TN_ENOMEM. */
int eval_page_write(const char *path, const struct eval_page *page, struct tn_call *call);

#endif
