/* SPDX-License-Identifier: Apache-2.0
 * core/eval/verdict.h - all that is known of how good one head is.
 */
#ifndef TN_EVAL_VERDICT_H
#define TN_EVAL_VERDICT_H

#include "eval/baseline.h"
#include "eval/calibration.h"
#include "eval/threshold.h"

#define EVAL_CURVE 20		/* points of a curve of thresholds */

/** What is had without a model. */
struct eval_floor {
	const char *name, *score;
	double value;
};

/** Its records and its temperature (NAN: not known) are given, the rest is found by eval_judge,
 *  which adds to the baselines. */
struct eval_verdict {
	struct eval_records records;
	double temperature;
	struct eval_score scores[EVAL_MOST_SCORES];
	size_t n_scores;
	struct eval_floor baselines[EVAL_N_BASELINES];
	size_t n_baselines;
	struct eval_calibration calibration, warmed;	/* as it is; at the temperature */
	struct eval_thresholds thresholds;	/* NAN: there is nothing to choose */
	struct eval_threshold curve[EVAL_CURVE];
	size_t n_curve;
};

/** What the records are of, and where baselines learn; train NULL: from the data, as far as they
 *  may. */
struct eval_judging {
	const struct eval_data *data, *train;
	uint64_t seed;			/* of the samples of intervals */
};

/** Fills a verdict; memory is in the arena.  Errors: TN_ENOMEM, TN_EDATA. */
int eval_judge(struct eval_verdict *v, const struct eval_judging *judging, struct tn_arena *arena,
	struct tn_call *call);

#endif
