/* SPDX-License-Identifier: Apache-2.0
 * heads/span-qa/spans.c - the best spans of a row of tokens.
 */
#include "spans.h"

#include <math.h>

/* The queue holds the places of falling ends, from the window's greatest on. */
void span_best_ends(const struct span_row *row, size_t *best, size_t *queue)
{
	size_t head = 0, tail = 0, next = 0;

	for (size_t i = 0; i < row->n; i++) {
		for (; next < row->n && next - i < row->most; next++) {
			while (tail > head && row->end[queue[tail - 1]] < row->end[next])
				tail--;
			queue[tail++] = next;
		}
		best[i] = queue[head];
		head += queue[head] == i;
	}
}

static size_t insert(struct span *out, size_t *tags, size_t n, size_t k, struct span span,
	size_t tag)
{
	size_t at = n < k ? n++ : k;

	for (; at > 0 && span.score > out[at - 1].score; at--)
		if (at < k) {
			out[at] = out[at - 1];
			tags[at] = tags[at - 1];
		}
	if (at < k) {
		out[at] = span;
		tags[at] = tag;
	}
	return n;
}

size_t span_nbest(const struct span_row *row, const size_t *best, struct span *out, size_t *tags,
	size_t tag, size_t n, size_t k)
{
	for (size_t b = row->first; b < row->first + row->n_first; b++) {
		size_t stop = row->n - b < row->most ? row->n : b + row->most;
		struct span span = { b, best[b], row->start[b] + row->end[best[b]] };

		if (n == k && span.score <= out[k - 1].score)
			continue;
		if (k == 1) {
			n = insert(out, tags, n, k, span, tag);
			continue;
		}
		for (span.last = b; span.last < stop; span.last++) {
			span.score = row->start[b] + row->end[span.last];
			if (n < k || span.score > out[k - 1].score)
				n = insert(out, tags, n, k, span, tag);
		}
	}
	return n;
}

static double log_add(double a, double b)
{
	double max = fmax(a, b);

	return max == -INFINITY ? max : max + log1p(exp(fmin(a, b) - max));
}

double span_log_sum(const struct span_row *row, double *sums)
{
	double *left = sums, *right = sums + row->n, all = -INFINITY;
	size_t n = row->n, most = row->most;

	/* left[i]: ends from the beginning of i's block to i; right[i]: from i to its end. */
	for (size_t i = 0; i < n; i++)
		left[i] = i % most ? log_add(left[i - 1], row->end[i]) : row->end[i];
	for (size_t i = n; i-- > 0;)
		right[i] = i + 1 < n && (i + 1) % most ? log_add(right[i + 1], row->end[i]) :
			row->end[i];
	for (size_t b = row->first; b < row->first + row->n_first; b++) {
		size_t last = n - b < most ? n - 1 : b + most - 1;
		double ends = last / most == b / most ? right[b] :
			log_add(right[b], left[last]);

		all = log_add(all, row->start[b] + ends);
	}
	return all;
}
