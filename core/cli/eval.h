/* SPDX-License-Identifier: Apache-2.0
 * core/cli/eval.h - what the files of the verb eval share.
 */
#ifndef TN_CLI_EVAL_H
#define TN_CLI_EVAL_H

#include "bench/report.h"
#include "cli/progress.h"
#include "eval/baseline.h"
#include "eval/calibration.h"
#include "eval/masked.h"
#include "eval/threshold.h"
#include "pipeline/pipeline_impl.h"

#define EVAL_MOST 64		/* values of one option */
#define EVAL_CURVE 20		/* points of a curve of thresholds */

struct eval_arguments {
	const char *pipeline, *answers, *no_answer, *html;
	const char *data[EVAL_MOST], *train[EVAL_MOST], *dev[EVAL_MOST], *heads[EVAL_MOST];
	const char *settings[EVAL_MOST + 1];
	size_t n_data, n_train, n_dev, n_heads, n_settings;
	int from;			/* -1: not given */
	enum bench_format format;
	struct tn_masking masking;
	uint64_t seed;
	bool no_pseudo;
	bool both;			/* the answers' file holds the data too */
};

/** What is had without a model. */
struct eval_floor {
	const char *name, *score;
	double value;
};

/** What is known of one head. */
struct eval_verdict {
	struct eval_records records;
	struct eval_score scores[EVAL_MOST_SCORES];
	size_t n_scores;
	struct eval_floor baselines[EVAL_N_BASELINES];
	size_t n_baselines;
	struct eval_calibration calibration, warmed;	/* as it is; at the temperature of --dev */
	double temperature;		/* NAN: not known */
	struct eval_thresholds thresholds;	/* NAN: there is nothing to choose */
	struct eval_threshold curve[EVAL_CURVE];
	size_t n_curve;
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
/** Prints the tables. */
int eval_print(struct eval_run *e);
/** Writes them, with pictures, as a page that needs nothing else. */
int eval_write_html(struct eval_run *e);
/** One table: of the kind given, over all heads. */
enum eval_table { EVAL_SCORES, EVAL_BASELINES, EVAL_CLASSES, EVAL_CALIBRATION, EVAL_THRESHOLDS,
	EVAL_CURVES, EVAL_TRANSITIONS, EVAL_N_TABLES };
int eval_make_table(struct eval_run *e, enum eval_table kind, struct bench_table *table);
const char *eval_table_title(enum eval_table kind);

#endif
