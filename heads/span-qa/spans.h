/* SPDX-License-Identifier: Apache-2.0
 * heads/span-qa/spans.h - the best spans of a row of tokens.  Pure functions: no
 * allocation, no tenon.
 *
 * A span of tokens b..t (t included) scores start[b] + end[t].  It is legal when
 * first <= b < first + n_first and b <= t < n and t - b < most.
 */
#ifndef SPAN_QA_SPANS_H
#define SPAN_QA_SPANS_H

#include <stddef.h>

/** The tokens that answers may stand in, and which of them an answer may begin at. */
struct span_row {
	const double *start, *end;	/* [n], finite */
	size_t n;
	size_t first, n_first;
	size_t most;			/* tokens of an answer, at least 1 */
};

struct span {
	size_t begin, last;		/* tokens */
	double score;
};

/** best[i]: where end is greatest in i .. min(i + most, n) - 1, the first of equals.
 *  best, queue [n].  Linear in n: Lemire, arXiv cs/0610046. */
void span_best_ends(const struct span_row *row, size_t *best, size_t *queue);

/** The k best legal spans, best first, among equals the one that begins, then ends
 *  first; best as span_best_ends leaves it.  Adds to the n spans that `out` [k] holds
 *  already, each keeping its `tag`; returns how many there are then.  A begin whose best
 *  end does not get in costs nothing more, so k = 1 is linear in n. */
size_t span_nbest(const struct span_row *row, const size_t *best, struct span *out, size_t *tags,
	size_t tag, size_t n, size_t k);

/** log of the sum of exp(score) over all legal spans; -INFINITY when there is none.
 *  sums [2 n].  Linear in n: van Herk 1992, sums in blocks of `most` from both sides. */
double span_log_sum(const struct span_row *row, double *sums);

#endif
