/* SPDX-License-Identifier: Apache-2.0
 * heads/bio-crf/crf.c - a linear-chain conditional random field.
 */
#include "crf.h"

#include <math.h>

/* log sum_i exp(a[i] + b[i * stride]) over the i that `without` (NULL: none) leaves. */
static double log_dot(const double *a, const double *b, size_t stride, size_t n,
	const uint8_t *without)
{
	double max = -INFINITY, sum = 0;

	for (size_t i = 0; i < n; i++)
		if (!without || !without[i])
			max = fmax(max, a[i] + b[i * stride]);
	if (max == -INFINITY)
		return max;
	for (size_t i = 0; i < n; i++)
		if (!without || !without[i])
			sum += exp(a[i] + b[i * stride] - max);
	return max + log(sum);
}

/* log of the sum over all continuations into word t by an edge of edges [L]. */
static double log_after(const double *edges, const double *e, const double *beta, size_t L,
	const uint8_t *without)
{
	double max = -INFINITY, sum = 0;

	for (size_t j = 0; j < L; j++)
		if (!without || !without[j])
			max = fmax(max, edges[j] + e[j] + beta[j]);
	if (max == -INFINITY)
		return max;
	for (size_t j = 0; j < L; j++)
		if (!without || !without[j])
			sum += exp(edges[j] + e[j] + beta[j] - max);
	return max + log(sum);
}

double crf_forward(const struct crf *c, const double *e, size_t n, double *alpha)
{
	size_t L = c->tags;

	if (n == 0)
		return 0;
	for (size_t j = 0; j < L; j++)
		alpha[j] = c->start[j] + e[j];
	for (size_t t = 1; t < n; t++)
		for (size_t j = 0; j < L; j++)
			alpha[t * L + j] = e[t * L + j] +
				log_dot(alpha + (t - 1) * L, c->transition + j, L, L, NULL);
	return log_dot(alpha + (n - 1) * L, c->end, 1, L, NULL);
}

void crf_backward(const struct crf *c, const double *e, size_t n, double *beta)
{
	size_t L = c->tags;

	if (n == 0)
		return;
	for (size_t i = 0; i < L; i++)
		beta[(n - 1) * L + i] = c->end[i];
	for (size_t t = n - 1; t-- > 0;)
		for (size_t i = 0; i < L; i++)
			beta[t * L + i] = log_after(c->transition + i * L, e + (t + 1) * L,
				beta + (t + 1) * L, L, NULL);
}

void crf_marginals(const struct crf *c, const double *alpha, const double *beta, size_t n,
	double log_z, double *p)
{
	for (size_t i = 0; i < n * c->tags; i++)
		p[i] = exp(alpha[i] + beta[i] - log_z);
}

double crf_span(const struct crf *c, const double *alpha, const double *beta, const double *e,
	size_t n, double log_z, const struct crf_clamp *clamp)
{
	size_t L = c->tags, begin = clamp->begin, next = begin + clamp->len;
	const uint32_t *tags = clamp->tags;
	uint32_t first = tags[0], last = tags[clamp->len - 1];
	double inside = alpha[begin * L + first];

	if (begin && clamp->not_before)
		inside = e[begin * L + first] + log_dot(alpha + (begin - 1) * L,
			c->transition + first, L, L, clamp->not_before);
	for (size_t t = 1; t < clamp->len; t++)
		inside += c->transition[tags[t - 1] * L + tags[t]] + e[(begin + t) * L + tags[t]];
	return inside - log_z + (next == n ? c->end[last] :
		log_after(c->transition + last * L, e + next * L, beta + next * L, L,
			clamp->not_after));
}

double crf_score(const struct crf *c, const double *e, size_t n, const uint32_t *path)
{
	size_t L = c->tags;
	double s = n ? c->start[path[0]] + c->end[path[n - 1]] : 0;

	for (size_t t = 0; t < n; t++)
		s += e[t * L + path[t]] + (t ? c->transition[path[t - 1] * L + path[t]] : 0);
	return s;
}

size_t crf_best_doubles(const struct crf *c, size_t k)
{
	size_t most;

	return __builtin_mul_overflow(c->tags * 2 + 1, k, &most) ? SIZE_MAX : most;
}

size_t crf_best_links(const struct crf *c, size_t n, size_t k)
{
	size_t states, most;

	if (__builtin_mul_overflow(c->tags, k, &states) || states > UINT32_MAX ||
			__builtin_mul_overflow(states, n, &most))
		return SIZE_MAX;
	return most;
}

/* Puts a score with its link into a list of at most k, best first, behind its equals.
 * Returns whether it got in. */
static int insert(double *scores, uint32_t *links, size_t k, double score, uint32_t link)
{
	size_t i = k;

	if (score == -INFINITY || score <= scores[k - 1])
		return 0;
	while (i > 0 && score > scores[i - 1])
		i--;
	for (size_t m = k - 1; m > i; m--) {
		scores[m] = scores[m - 1];
		links[m] = links[m - 1];
	}
	scores[i] = score;
	links[i] = link;
	return 1;
}

static void clear(double *scores, size_t n)
{
	for (size_t i = 0; i < n; i++)
		scores[i] = -INFINITY;
}

/* Each state keeps its k best beginnings; a link is (tag before) * k + its rank there. */
size_t crf_best(const struct crf *c, const double *e, size_t n, size_t k, uint32_t *paths,
	double *scores, double *doubles, uint32_t *links)
{
	size_t L = c->tags, found = 0;
	double *before = doubles, *now = doubles + L * k;
	uint32_t *last = links;		/* word 0 has no links: the last states stand there */

	if (n == 0 || k == 0) {
		if (k)
			scores[0] = 0;
		return k != 0;
	}
	clear(now, L * k);
	for (size_t j = 0; j < L; j++)
		now[j * k] = c->start[j] + e[j];
	for (size_t t = 1; t < n; t++) {
		double *swap = before;

		before = now;
		now = swap;
		clear(now, L * k);
		for (size_t j = 0; j < L; j++)
			for (size_t i = 0; i < L; i++)
				for (size_t r = 0; r < k; r++)
					if (!insert(now + j * k, links + (t * L + j) * k, k,
							before[i * k + r] +
							c->transition[i * L + j] + e[t * L + j],
							(uint32_t)(i * k + r)))
						break;
	}
	clear(scores, k);
	for (size_t i = 0; i < L; i++)
		for (size_t r = 0; r < k; r++)
			if (!insert(scores, last, k, now[i * k + r] + c->end[i],
					(uint32_t)(i * k + r)))
				break;
	for (; found < k && scores[found] != -INFINITY; found++) {
		size_t link = last[found];

		for (size_t t = n; t-- > 0;) {
			paths[found * n + t] = (uint32_t)(link / k);
			link = t ? links[t * L * k + link] : 0;
		}
	}
	return found;
}

/* Expected counts of the edges into word t, less those of the path. */
static void edge_gradient(const struct crf *c, const double *e, size_t t, const uint32_t *path,
	const double *alpha, const double *beta, double log_z, double *out)
{
	size_t L = c->tags;

	for (size_t i = 0; i < L; i++)
		for (size_t j = 0; j < L; j++)
			out[i * L + j] += exp(alpha[(t - 1) * L + i] + c->transition[i * L + j] +
				e[t * L + j] + beta[t * L + j] - log_z);
	out[path[t - 1] * L + path[t]] -= 1;
}

double crf_loss(const struct crf *c, const double *e, size_t n, const uint32_t *path,
	double *alpha, double *beta, const struct crf_gradient *gradient)
{
	size_t L = c->tags;
	double log_z = crf_forward(c, e, n, alpha), score = crf_score(c, e, n, path);

	if (score == -INFINITY)
		return INFINITY;
	crf_backward(c, e, n, beta);
	for (size_t t = 0; t < n; t++) {
		for (size_t j = 0; j < L; j++) {
			double d = exp(alpha[t * L + j] + beta[t * L + j] - log_z) -
				(path[t] == j);

			if (gradient->e)
				gradient->e[t * L + j] += d;
			if (t == 0 && gradient->start)
				gradient->start[j] += d;
			if (t == n - 1 && gradient->end)
				gradient->end[j] += d;
		}
		if (t && gradient->transition)
			edge_gradient(c, e, t, path, alpha, beta, log_z, gradient->transition);
	}
	return log_z - score;
}
