/* SPDX-License-Identifier: Apache-2.0
 * heads/bio-crf/crf_scaled.c - the likelihood of a path by probabilities that are scaled at
 * each word, instead of by logarithms: a multiplication where those take an exponential.
 */
#include "crf.h"

#include <math.h>

#define WIDEST 200.0	/* between finite scores of one row: e^-200 is 1e-87 */
#define LEAST 1e-100	/* of a forward probability; its next is at least 1e-274 */

/* y = exp(x - max x); returns the maximum, or NAN when the finite ones lie too far apart. */
static double scale_row(const double *x, size_t n, double *y)
{
	double max = -INFINITY, min = INFINITY;

	for (size_t i = 0; i < n; i++) {
		max = fmax(max, x[i]);
		if (x[i] != -INFINITY)
			min = fmin(min, x[i]);
	}
	if (!(max - min <= WIDEST))
		return NAN;
	for (size_t i = 0; i < n; i++)
		y[i] = exp(x[i] - max);
	return max;
}

double crf_scale(const struct crf *c, double *edges)
{
	return scale_row(c->transition, c->tags * c->tags, edges);
}

/* Makes the sum of a row 1; returns what it was, or NAN when that cannot be trusted. */
static double normalize(double *a, size_t n)
{
	double sum = 0;

	for (size_t j = 0; j < n; j++)
		sum += a[j];
	if (!(sum > 0))
		return NAN;
	for (size_t j = 0; j < n; j++) {
		a[j] /= sum;
		if (a[j] > 0 && a[j] < LEAST)
			return NAN;
	}
	return sum;
}

/* alpha of word t, of which p are the scaled emissions. */
static void forward_step(const double *before, const double *edges, const double *p, size_t L,
	double *alpha)
{
	for (size_t j = 0; j < L; j++)
		alpha[j] = 0;
	for (size_t i = 0; i < L; i++)
		for (size_t j = 0; j < L; j++)
			alpha[j] += before[i] * edges[i * L + j];
	for (size_t j = 0; j < L; j++)
		alpha[j] *= p[j];
}

/* log Z, with alpha scaled; p [n][L] the scaled emissions, scale [n] what alpha was divided
 * by; last [L] the scaled ends over their sum.  NAN: use logarithms. */
static double forward(const struct crf *c, const double *edges, double edges_max, const double *e,
	size_t n, double *alpha, double *p, double *scale, double *last)
{
	size_t L = c->tags;
	double log_z = scale_row(c->start, L, alpha) + scale_row(c->end, L, last), sum = 0;

	for (size_t t = 0; t < n; t++) {
		log_z += scale_row(e + t * L, L, p + t * L) + (t ? edges_max : 0);
		if (isnan(log_z))
			return NAN;
		if (t)
			forward_step(alpha + (t - 1) * L, edges, p + t * L, L, alpha + t * L);
		else
			for (size_t j = 0; j < L; j++)
				alpha[j] *= p[j];
		scale[t] = normalize(alpha + t * L, L);
		log_z += log(scale[t]);
	}
	for (size_t j = 0; j < L; j++)
		sum += alpha[(n - 1) * L + j] * last[j];
	for (size_t j = 0; j < L; j++)
		last[j] /= sum;
	return sum > 0 ? log_z + log(sum) : NAN;
}

/* From word t to the one before: in beta [L] and out before [L]; the edges' probabilities are
 * added to out. */
static void backward_step(const double *alpha, const double *edges, const double *p, double scale,
	size_t L, const double *beta, double *before, double *q, double *out)
{
	for (size_t j = 0; j < L; j++)
		q[j] = p[j] * beta[j] / scale;
	for (size_t i = 0; i < L; i++) {
		const double *row = edges + i * L;
		double sum = 0;

		for (size_t j = 0; j < L; j++) {
			double x = row[j] * q[j];

			sum += x;
			out[i * L + j] += alpha[i] * x;
		}
		before[i] = sum;
	}
}

double crf_loss_scaled(const struct crf *c, const double *edges, double edges_max,
	const double *e, size_t n, const uint32_t *path, double *work,
	const struct crf_gradient *gradient)
{
	size_t L = c->tags;
	double *alpha = work, *p = alpha + n * L, *scale = p + n * L, *beta = scale + n;
	double *before = beta + L, *q = before + L;
	double score = crf_score(c, e, n, path), log_z;

	if (n == 0)
		return 0;
	log_z = isnan(edges_max) || score == -INFINITY ? NAN :
		forward(c, edges, edges_max, e, n, alpha, p, scale, beta);
	if (isnan(log_z) || !gradient)
		return log_z - score;
	for (size_t t = n; t-- > 0;) {
		double *swap = before;

		for (size_t j = 0; j < L; j++) {
			double d = alpha[t * L + j] * beta[j] - (path[t] == j);

			gradient->e[t * L + j] += d;
			gradient->start[j] += t ? 0 : d;
			gradient->end[j] += t == n - 1 ? d : 0;
		}
		if (!t)
			break;
		backward_step(alpha + (t - 1) * L, edges, p + t * L, scale[t], L, beta, before, q,
			gradient->transition);
		gradient->transition[path[t - 1] * L + path[t]] -= 1;
		before = beta;
		beta = swap;
	}
	return log_z - score;
}
