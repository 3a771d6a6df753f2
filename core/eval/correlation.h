/* SPDX-License-Identifier: Apache-2.0
 * core/eval/correlation.h - how far two rows of numbers rise and fall together.
 */
#ifndef TN_EVAL_CORRELATION_H
#define TN_EVAL_CORRELATION_H

#include <stddef.h>
#include <stdint.h>

/** Pearson's r of x and y [n], -1 to 1; pair i counts weights[i] times (NULL: once).  0 where one
 *  of them does not vary.  Two passes: the means first. */
double eval_pearson(const double *x, const double *y, const uint32_t *weights, size_t n);

/** The ranks of x, 1 for the least; equal numbers share their mean rank.  `order` has room for n
 *  places. */
void eval_ranks(const double *x, const uint32_t *weights, size_t n, size_t *order, double *ranks);

#endif
