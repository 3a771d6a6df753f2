/* SPDX-License-Identifier: Apache-2.0
 * core/bench/samples.h - measured values and their quantiles.
 */
#ifndef TN_BENCH_SAMPLES_H
#define TN_BENCH_SAMPLES_H

#include <tenon/call.h>

/** Values in the order they came; zeroed at first. */
struct bench_samples {
	double *items;
	size_t n, room;
};

/** Errors: TN_ENOMEM. */
int bench_samples_add(struct bench_samples *s, double value, struct tn_call *call);
/** The smallest value that at least the share q (0 to 1) of all values do not exceed: the
 *  nearest rank, so it is a value that was measured.  Sorts the values.  NAN of none. */
double bench_quantile(struct bench_samples *s, double q);
void bench_samples_free(struct bench_samples *s);

#endif
