/* SPDX-License-Identifier: Apache-2.0
 * core/eval/baseline.h - what can be had for nothing: simple answers, scored on the same data.
 */
#ifndef TN_EVAL_BASELINE_H
#define TN_EVAL_BASELINE_H

#include "eval/records.h"

enum eval_baseline {
	EVAL_MAJORITY,		/* the most frequent label, or tag, for all; of several labels those
				 * of at least half of the examples with the most frequent; of
				 * numbers their mean; of questions, where some have none, no
				 * answer */
	EVAL_NAIVE_BAYES,	/* of labels: multinomial, over the words of the text in lower case,
				 * one added to each count.  Source: McCallum and Nigam 1998 */
	EVAL_FREQUENT_TAG,	/* the most frequent tag of a word; of an unknown one, of all */
	EVAL_GAZETTEER,		/* the longest spans that train has, word by word, with the label
				 * that they have most often there */
	EVAL_SLIDING_WINDOW,	/* of questions: see eval_window_answer */
	EVAL_N_BASELINES
};

const char *eval_baseline_name(enum eval_baseline kind);
/** Whether a baseline learns nothing but what is most frequent, so that it may learn from the data
 *  that it is judged by. */
bool eval_baseline_is_plain(enum eval_baseline kind);
/** Learns from `train` and answers `data`, into records that are opened, and know if it is several
 *  labels or numbers.  1: done; 0: that kind
 *  is for another task; negative: TN_ENOMEM, TN_EDATA. */
int eval_baseline_run(enum eval_baseline kind, struct eval_records *r,
	const struct eval_data *train, const struct eval_data *data, struct tn_arena *arena,
	struct tn_call *call);

/** Up to four words of the context, none of them of the question and no phrase ending among them,
 *  around which the words of the question stand closest: log(1 + 1/c) over the distance in words
 *  for each that is no farther than the question has words and stands c times in the context; the
 *  first of equals.  `answer` is part of the context.  Errors: TN_ENOMEM.
 *  Source: Richardson, Burges and Renshaw 2013, algorithms 1 and 2 (sliding window, distance). */
int eval_window_answer(const struct eval_example *e, struct tn_text *answer, struct tn_call *call);

#endif
