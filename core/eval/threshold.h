/* SPDX-License-Identifier: Apache-2.0
 * core/eval/threshold.h - when to give no answer: a threshold for the score of no answer over that
 * of the best answer, above which there is none.
 *
 * Source: Rajpurkar et al. 2018 (evaluate-v2.0.py, find_best_thresh).
 */
#ifndef TN_EVAL_THRESHOLD_H
#define TN_EVAL_THRESHOLD_H

#include "eval/records.h"

/** What a threshold gives, in points. */
struct eval_threshold {
	double threshold, exact, f1;
};

/** As the script finds them: of thresholds that are the margin of a question, the first of the
 *  best, by rising margins, equals in the order of the records; 0 where answering nothing is
 *  best.  An answer of no letter to a question that has none counts as wrong here. */
struct eval_thresholds {
	double best_exact, best_exact_thresh, best_f1, best_f1_thresh;
};

/** NAN when some answer does not say its scores.  Errors: TN_ENOMEM. */
int eval_best_thresholds(const struct eval_records *r, struct eval_thresholds *best,
	struct tn_call *call);
/** The curve, by rising thresholds: what is got when each of the n questions with the lowest
 *  margins, of n / parts, 2 n / parts ... all, has its best answer.  Room for `parts`.  Returns how
 *  many, 0 when some answer does not say its scores.  Errors: TN_ENOMEM. */
size_t eval_threshold_curve(const struct eval_records *r, struct eval_threshold *curve,
	size_t parts, struct tn_call *call);

#endif
