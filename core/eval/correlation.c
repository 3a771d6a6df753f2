/* SPDX-License-Identifier: Apache-2.0
 * core/eval/correlation.c - Pearson's correlation, and ranks for Spearman's.
 */
#define _GNU_SOURCE		/* qsort_r */
#include "eval/correlation.h"

#include <math.h>
#include <stdlib.h>

static double weight_of(const uint32_t *weights, size_t i)
{
	return weights ? weights[i] : 1;
}

double eval_pearson(const double *x, const double *y, const uint32_t *weights, size_t n)
{
	double total = 0, mx = 0, my = 0, xx = 0, yy = 0, xy = 0;

	for (size_t i = 0; i < n; i++) {
		total += weight_of(weights, i);
		mx += weight_of(weights, i) * x[i];
		my += weight_of(weights, i) * y[i];
	}
	mx /= total;
	my /= total;
	for (size_t i = 0; i < n; i++) {
		double w = weight_of(weights, i), dx = x[i] - mx, dy = y[i] - my;

		xx += w * dx * dx;
		yy += w * dy * dy;
		xy += w * dx * dy;
	}
	return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

static int by_value(const void *a, const void *b, void *values)
{
	const double *x = values;
	double p = x[*(const size_t *)a], q = x[*(const size_t *)b];

	return (p > q) - (p < q);
}

void eval_ranks(const double *x, const uint32_t *weights, size_t n, size_t *order, double *ranks)
{
	double before = 0;

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof(*order), by_value, (void *)(uintptr_t)x);
	for (size_t i = 0, end; i < n; i = end) {
		double here = 0;

		for (end = i; end < n && x[order[end]] == x[order[i]]; end++)
			here += weight_of(weights, order[end]);
		for (size_t k = i; k < end; k++)
			ranks[order[k]] = before + (here + 1) / 2;
		before += here;
	}
}
