/* SPDX-License-Identifier: Apache-2.0
 * heads/bio-crf/crf.h - a linear-chain conditional random field: sums, best paths,
 * marginals, gradient.  Pure functions: no allocation, no state, no tenon.
 *
 * A path y of n words scores
 *	s(y) = start[y_0] + sum_t e_t[y_t] + sum_t transition[y_t-1][y_t] + end[y_n-1]
 * and has the probability exp(s(y) - log Z).  All in natural logarithms and double.
 * What is not allowed is -INFINITY: an edge that the scheme forbids, or the emission of
 * a tag that a word must not have; so legality, partial labels and clamped sums are all
 * one routine.  Other scores are finite.
 *
 * Shapes: L tags, n words, emissions e [n][L].  n may be 0: log Z is 0 then.
 * Source: Lafferty, McCallum, Pereira 2001, "Conditional Random Fields"; sums as in
 * Rabiner 1989, sections III.A and III.B, kept in logarithms.
 */
#ifndef BIO_CRF_CRF_H
#define BIO_CRF_CRF_H

#include <stddef.h>
#include <stdint.h>

struct crf {
	size_t tags;			/* L */
	const double *start, *end;	/* [L] */
	const double *transition;	/* [from L][to L] */
};

/** alpha [n][L]: log of the sum over all beginnings that end in a tag at a word, its
 *  emission included.  Returns log Z, -INFINITY when no path is allowed. */
double crf_forward(const struct crf *c, const double *e, size_t n, double *alpha);
/** beta [n][L]: log of the sum over all continuations behind a tag of a word. */
void crf_backward(const struct crf *c, const double *e, size_t n, double *beta);

/** p [n][L]: the probability of each tag at each word.  log_z is finite. */
void crf_marginals(const struct crf *c, const double *alpha, const double *beta, size_t n,
	double log_z, double *p);

/** A stretch of words with known tags: words begin .. begin+len-1, len >= 1. */
struct crf_clamp {
	const uint32_t *tags;		/* [len] */
	size_t begin, len;
	const uint8_t *not_before;	/* [L] tags that the word before must not have; NULL: any */
	const uint8_t *not_after;	/* likewise of the word behind */
};

/** log of the probability of a stretch: the sum over the paths that agree with it, less
 *  log Z. */
double crf_span(const struct crf *c, const double *alpha, const double *beta, const double *e,
	size_t n, double log_z, const struct crf_clamp *clamp);

/** Score of one path; -INFINITY when it is not allowed. */
double crf_score(const struct crf *c, const double *e, size_t n, const uint32_t *path);

/** The k best paths, best first; among equals the one with lower tags at the last place
 *  that differs.  paths [k][n], scores [k]; work: crf_best_doubles and crf_best_links
 *  elements.  Returns how many there are, at most k; k = 1 is the Viterbi search. */
size_t crf_best(const struct crf *c, const double *e, size_t n, size_t k, uint32_t *paths,
	double *scores, double *doubles, uint32_t *links);
/** 2 k L + k, and n k L; SIZE_MAX when that does not fit, or a link would not. */
size_t crf_best_doubles(const struct crf *c, size_t k);
size_t crf_best_links(const struct crf *c, size_t n, size_t k);

/** Where the gradient of -log p(path) is added; each may be NULL. */
struct crf_gradient {
	double *e;			/* [n][L] */
	double *start, *end;		/* [L] */
	double *transition;		/* [L][L] */
};

/** Returns -log p(path) and adds its gradient: probabilities less the counts of the
 *  path, so edges that are not allowed get 0.  alpha, beta [n][L] are filled.  +INFINITY,
 *  and nothing added, when the path is not allowed. */
double crf_loss(const struct crf *c, const double *e, size_t n, const uint32_t *path,
	double *alpha, double *beta, const struct crf_gradient *gradient);

/** For many paths over the same transitions: edges [L][L] are these, scaled.  Returns what
 *  they were scaled by, or NAN when they lie too far apart for crf_loss_scaled. */
double crf_scale(const struct crf *c, double *edges);
/** crf_loss by probabilities that are scaled at each word, about ten times as fast; start
 *  and end are the crf's, transitions also those that edges were made of.  work: 2 n L + n + 3 L
 *  elements.  gradient: all of it, or NULL.  NAN, and nothing added, when numbers could be lost
 *  or the path is not allowed: crf_loss says.
 *  Source: Rabiner 1989, section V.A. */
double crf_loss_scaled(const struct crf *c, const double *edges, double edges_max,
	const double *e, size_t n, const uint32_t *path, double *work,
	const struct crf_gradient *gradient);

#endif
