/* SPDX-License-Identifier: Apache-2.0
 * core/eval/measure.h - how good the answers of one head are, by the metrics of its task.
 *
 *	label	accuracy; macro_f1, the mean over labels that occur, in the data or the answers
 *		(of a head that gives several: f1, precision, recall, micro, over all labels)
 *	spans	f1, precision, recall: micro, over spans, as conlleval counts them
 *	answer	f1, exact: means over questions, as the SQuAD script has them
 *	vector	cosine: mean, to the vectors of another run
 *
 * The first of a task is the one that judges a head.
 */
#ifndef TN_EVAL_MEASURE_H
#define TN_EVAL_MEASURE_H

#include <tenon/impl/head.h>

#include "eval/gold.h"
#include "eval/spans.h"

#define EVAL_MOST_METRICS 3

/** What is counted so far; made by eval_measure_open. */
struct eval_measure {
	const char *head;		/* its name in answers; borrowed, as the labels */
	enum tn_task task;
	const char *const *labels;
	size_t n_labels;
	size_t n;			/* inputs so far */
	bool several;			/* its answers are lists of labels */
	struct eval_counts *by_label;	/* [n_labels] */
	struct eval_counts spans;
	double exact, f1, cosine;	/* sums */
};

/** In points: 0 to 100. */
struct eval_metric {
	const char *name;
	double value;
};

/** A measure without inputs; what it holds is in the arena.  Errors: TN_EDATA, the task has
 *  no metric; TN_ENOMEM. */
int eval_measure_open(struct eval_measure *m, const char *head, enum tn_task task,
	const char *const *labels, size_t n_labels, struct tn_arena *arena,
	struct tn_call *call);
/** 1: the example says what is right for this task; 0: it does not; TN_EDATA: the gold label
 *  is none of the head's. */
int eval_measure_check(const struct eval_measure *m, const struct eval_example *example,
	struct tn_call *call);
/** Counts the answer to one input, unless the example says nothing to this task.
 *  `reference` is another run's answer to it, for vectors.  Errors: TN_EDATA, the answer is
 *  an error, or the gold label is none of the head's; TN_ENOMEM. */
int eval_measure_add(struct eval_measure *m, const struct eval_example *example,
	const struct tn_value *answer, const struct tn_value *reference, struct tn_call *call);
/** The metrics so far; returns how many. */
size_t eval_measure_metrics(const struct eval_measure *m,
	struct eval_metric metrics[EVAL_MOST_METRICS]);

#endif
