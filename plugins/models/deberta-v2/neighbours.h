/* SPDX-License-Identifier: Apache-2.0
 * deberta-v2/neighbours.h - an op that lays out rows for a convolution over the tokens.
 */
#ifndef DEBERTA_NEIGHBOURS_H
#define DEBERTA_NEIGHBOURS_H

#include <tenon/impl/backend.h>

/** Rows that a convolution looks at, an odd number; the data of neighbours_op. */
struct neighbours { size_t n; };

/** in x [R][C]; out y [R][C * n], y[r][c * n + t] = x[r + t - n / 2][c], zeros beyond the ends of
 *  a sequence: y times the kernel [out][C * n] is the convolution. */
extern const struct tn_custom_op neighbours_op;

#endif
