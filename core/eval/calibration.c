/* SPDX-License-Identifier: Apache-2.0
 * core/eval/calibration.c - calibration errors and the temperature.
 */
#include "eval/calibration.h"

#include <math.h>
#include <stdlib.h>

#define LEAST 1e-12		/* a probability of 0 is one of this, of which there is a logarithm */
#define MASS_BINS 10

/* Probabilities of record i at a temperature. */
static void warm(const struct eval_records *r, size_t i, double temperature, double *p)
{
	double max = -INFINITY, sum = 0;

	for (size_t k = 0; k < r->n_labels; k++) {
		p[k] = log(fmax((double)r->p[i * r->n_labels + k], LEAST)) / temperature;
		max = fmax(max, p[k]);
	}
	for (size_t k = 0; k < r->n_labels; k++) {
		p[k] = exp(p[k] - max);
		sum += p[k];
	}
	for (size_t k = 0; k < r->n_labels; k++)
		p[k] /= sum;
}

static double mean_nll(const struct eval_records *r, double temperature, double *p)
{
	double sum = 0;

	for (size_t i = 0; i < r->n; i++) {
		warm(r, i, temperature, p);
		sum -= log(fmax(p[r->gold[i]], LEAST));
	}
	return sum / (double)r->n;
}

/* Golden section over the logarithm: the mean is convex in 1 / T.  Source: Kiefer 1953. */
double eval_temperature(const struct eval_records *r)
{
	const double ratio = (sqrt(5) - 1) / 2;
	double low = log(0.05), high = log(20), a, b, at_a, at_b;
	double *p = calloc(r->n_labels + 1, sizeof(*p));

	if (!p || !r->has_p || !r->n) {
		free(p);
		return NAN;
	}
	a = high - ratio * (high - low);
	b = low + ratio * (high - low);
	at_a = mean_nll(r, exp(a), p);
	at_b = mean_nll(r, exp(b), p);
	while (high - low > 1e-4) {
		if (at_a < at_b) {
			high = b;
			b = a;
			at_b = at_a;
			a = high - ratio * (high - low);
			at_a = mean_nll(r, exp(a), p);
		} else {
			low = a;
			a = b;
			at_a = at_b;
			b = low + ratio * (high - low);
			at_b = mean_nll(r, exp(b), p);
		}
	}
	free(p);
	return exp((low + high) / 2);
}

static int by_score(const void *a, const void *b)
{
	float x = ((const struct eval_sure *)a)->score, y = ((const struct eval_sure *)b)->score;

	return (x > y) - (x < y);
}

static void fill_bins(struct eval_calibration *c, struct eval_sure *sure, size_t n)
{
	c->n = n;
	c->ece = c->ece_mass = 0;
	for (size_t i = 0; i < n; i++) {
		double s = (double)sure[i].score;
		/* (0, 1/15], (1/15, 2/15] ... */
		double at = ceil(s * EVAL_BINS) - 1;
		struct eval_bin *b = &c->bins[at < 0 ? 0 : at >= EVAL_BINS ? EVAL_BINS - 1 :
			(size_t)at];

		b->n++;
		b->sure += s;
		b->right += sure[i].right;
	}
	for (size_t k = 0; k < EVAL_BINS; k++) {
		struct eval_bin *b = &c->bins[k];

		if (!b->n)
			continue;
		c->ece += fabs(b->right - b->sure) / (double)n;
		b->sure /= (double)b->n;
		b->right /= (double)b->n;
	}
	if (n)
		qsort(sure, n, sizeof(*sure), by_score);
	for (size_t k = 0; k < MASS_BINS; k++) {
		double gap = 0;

		for (size_t i = k * n / MASS_BINS; i < (k + 1) * n / MASS_BINS; i++)
			gap += (double)sure[i].right - (double)sure[i].score;
		c->ece_mass += n ? fabs(gap) / (double)n : 0;
	}
}

int eval_calibrate(struct eval_calibration *c, const struct eval_records *r, double temperature,
	struct tn_call *call)
{
	bool labels = r->task == TN_TASK_LABEL;
	size_t n = labels ? r->has_p ? r->n : 0 : r->n_sure;
	struct eval_sure *sure = calloc(n + 1, sizeof(*sure));
	double *p = calloc(r->n_labels + 1, sizeof(*p));
	double nll = 0, brier = 0;

	*c = (struct eval_calibration){ .nll = NAN, .brier = NAN };
	if (!sure || !p) {
		free(sure);
		free(p);
		return tn_fail(call, TN_ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < n; i++) {
		size_t best = 0;

		if (!labels) {
			sure[i] = r->sure[i];
			continue;
		}
		warm(r, i, temperature, p);
		nll -= log(fmax(p[r->gold[i]], LEAST));
		for (size_t k = 0; k < r->n_labels; k++) {
			best = p[k] > p[best] ? k : best;
			brier += pow(p[k] - (k == r->gold[i]), 2);
		}
		sure[i] = (struct eval_sure){ (float)p[best], best == r->gold[i] };
	}
	if (labels && n) {
		c->nll = nll / (double)n;
		c->brier = brier / (double)n;
	}
	fill_bins(c, sure, n);
	free(sure);
	free(p);
	return 0;
}
