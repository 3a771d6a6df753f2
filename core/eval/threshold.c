/* SPDX-License-Identifier: Apache-2.0
 * core/eval/threshold.c - when to give no answer.
 */
#include "eval/threshold.h"

#include <math.h>
#include <stdlib.h>

/* By rising margin, equals as they stand. */
static int by_margin(const void *a, const void *b)
{
	const struct eval_asked *x = *(const struct eval_asked *const *)a;
	const struct eval_asked *y = *(const struct eval_asked *const *)b;

	if (x->margin != y->margin)
		return x->margin > y->margin ? 1 : -1;
	return (x > y) - (x < y);
}

/* The questions in their order; *none: how many are right without any answer.  NULL: not all
 * margins are known, or TN_ENOMEM. */
static const struct eval_asked **in_order(const struct eval_records *r, double *none,
	struct tn_call *call)
{
	const struct eval_asked **order = tn_alloc_n(call, r->n + 1, sizeof(*order));

	*none = 0;
	for (size_t i = 0; order && i < r->n; i++) {
		order[i] = &r->asked[i];
		if (isnan(order[i]->margin))
			return NULL;
		*none += !order[i]->answerable;
	}
	if (order && r->n)
		qsort(order, r->n, sizeof(struct eval_asked *), by_margin);
	return r->n ? order : NULL;
}

/* What answering a question adds to the score of saying nothing. */
static double gain(const struct eval_asked *a, double score)
{
	return a->answerable ? score : a->spoke ? -1 : 0;
}

int eval_best_thresholds(const struct eval_records *r, struct eval_thresholds *best,
	struct tn_call *call)
{
	double exact, f1, n = (double)r->n, none;
	const struct eval_asked **order = in_order(r, &none, call);

	*best = (struct eval_thresholds){ NAN, NAN, NAN, NAN };
	if (!order)
		return tn_status(call);
	exact = f1 = none;
	*best = (struct eval_thresholds){ exact, 0, f1, 0 };
	for (size_t i = 0; i < r->n; i++) {
		exact += gain(order[i], order[i]->best_exact);
		f1 += gain(order[i], order[i]->best_f1);
		if (exact > best->best_exact) {
			best->best_exact = exact;
			best->best_exact_thresh = order[i]->margin;
		}
		if (f1 > best->best_f1) {
			best->best_f1 = f1;
			best->best_f1_thresh = order[i]->margin;
		}
	}
	best->best_exact *= 100 / n;
	best->best_f1 *= 100 / n;
	return 0;
}

size_t eval_threshold_curve(const struct eval_records *r, struct eval_threshold *curve,
	size_t parts, struct tn_call *call)
{
	double exact, f1, n = (double)r->n, none;
	const struct eval_asked **order = in_order(r, &none, call);
	size_t found = 0;

	exact = f1 = none;
	for (size_t i = 0; order && i < r->n; i++) {
		bool end = (i + 1) * parts / r->n > i * parts / r->n;

		exact += gain(order[i], order[i]->best_exact);
		f1 += gain(order[i], order[i]->best_f1);
		if (end)
			curve[found++] = (struct eval_threshold){ order[i]->margin, 100 * exact / n,
				100 * f1 / n };
		/* Equal margins are answered together. */
		if (found > 1 && curve[found - 1].threshold == curve[found - 2].threshold) {
			curve[found - 2] = curve[found - 1];
			found--;
		}
	}
	return found;
}
