/* SPDX-License-Identifier: Apache-2.0
 * core/cli/eval.h - what the files of the verb eval share.
 */
#ifndef TN_CLI_EVAL_H
#define TN_CLI_EVAL_H

#include "cli/progress.h"
#include "eval/masked.h"
#include "eval/report.h"
#include "pipeline/pipeline_impl.h"

#define EVAL_MOST 64		/* values of one option */

struct eval_arguments {
	const char *pipeline, *answers, *no_answer, *html;
	const char *data[EVAL_MOST], *train[EVAL_MOST], *dev[EVAL_MOST], *heads[EVAL_MOST];
	const char *settings[EVAL_MOST + 1];
	size_t n_data, n_train, n_dev, n_heads, n_settings;
	int from;			/* -1: not given */
	enum eval_row_format format;
	struct tn_masking masking;
	uint64_t seed;
	bool no_pseudo;
	bool both;			/* the answers' file holds the data too */
};

/** What the verb holds. */
struct eval_run {
	const struct eval_arguments *a;
	struct tn_call *call;
	struct tn_arena *arena;		/* what lives to the end */
	struct eval_data data, train, dev;
	struct tn_pipeline *p;
	struct eval_verdict *verdicts;
	size_t n;
	struct progress progress;
};

/** Appends a file to data, as --from or its ending says.  `beside`: its last column is what
 *  another system found. */
int eval_read_file(struct eval_run *e, struct eval_data *data, const char *path, bool beside);
/** Fills the one verdict on what another system found. */
int eval_take_answers(struct eval_run *e, enum eval_scheme scheme);

#endif
