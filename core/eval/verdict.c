/* SPDX-License-Identifier: Apache-2.0
 * core/eval/verdict.c - scores, baselines, calibration and thresholds of one head.
 */
#include "eval/verdict.h"

#include <math.h>

#define DRAWS 1000
#define RMSE 2			/* its place among the scores of numbers */

static int run_baseline(struct eval_verdict *v, enum eval_baseline kind,
	const struct eval_judging *judging, struct tn_arena *arena, struct tn_call *call)
{
	struct eval_score scores[EVAL_MOST_SCORES];
	struct eval_records r;
	size_t k = v->records.numbers ? RMSE : 0;
	int status;

	if (eval_records_open(&r, v->records.head, v->records.task, v->records.labels,
			v->records.n_labels, v->records.scheme, arena, call))
		return tn_status(call);
	r.several = v->records.several;
	r.numbers = v->records.numbers;
	status = eval_baseline_run(kind, &r, judging->train ? judging->train : judging->data,
		judging->data, arena, call);
	/* A number that is always the same has no correlation, but an error. */
	if (status > 0 && eval_records_scores(&r, NULL, scores) > k)
		v->baselines[v->n_baselines++] = (struct eval_floor){ r.numbers ? "mean" :
			eval_baseline_name(kind), scores[k].name, scores[k].value };
	return status < 0 ? status : 0;
}

int eval_judge(struct eval_verdict *v, const struct eval_judging *judging, struct tn_arena *arena,
	struct tn_call *call)
{
	v->n_scores = eval_records_scores(&v->records, NULL, v->scores);
	v->thresholds.best_exact = NAN;
	if (eval_records_intervals(&v->records, v->scores, v->n_scores, DRAWS, judging->seed, call) ||
			eval_calibrate(&v->calibration, &v->records, 1, call) ||
			eval_calibrate(&v->warmed, &v->records, isnan(v->temperature) ? 1 :
			v->temperature, call))
		return tn_status(call);
	/* Where all questions have an answer there is nothing to choose. */
	if (v->records.task == TN_TASK_ANSWER && v->n_scores > 2) {
		v->n_curve = eval_threshold_curve(&v->records, v->curve, EVAL_CURVE, call);
		if (eval_best_thresholds(&v->records, &v->thresholds, call))
			return tn_status(call);
	}
	for (int kind = 0; kind < EVAL_N_BASELINES; kind++)
		if ((judging->train || eval_baseline_is_plain((enum eval_baseline)kind)) &&
				run_baseline(v, (enum eval_baseline)kind, judging, arena, call))
			return tn_status(call);
	return 0;
}
