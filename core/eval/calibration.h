/* SPDX-License-Identifier: Apache-2.0
 * core/eval/calibration.h - whether probabilities mean what they say.
 *
 * Sources: Brier 1950; Guo et al., arXiv 1706.04599, section 3 (expected calibration error) and
 * 4.2 (temperature); Nguyen and O'Connor, arXiv 1508.05154 (bins of equal mass).
 */
#ifndef TN_EVAL_CALIBRATION_H
#define TN_EVAL_CALIBRATION_H

#include "eval/records.h"

#define EVAL_BINS 15

struct eval_bin {
	size_t n;
	double sure, right;		/* means */
};

struct eval_calibration {
	size_t n;			/* 0: nothing is known */
	double nll, brier;		/* NAN for spans, of which only the chosen ones are known */
	double ece, ece_mass;		/* 15 bins of equal width; 10 of equal mass */
	struct eval_bin bins[EVAL_BINS];	/* of equal width */
};

/** Of a classifier's probabilities, after dividing their logarithms by `temperature` and making
 *  them sum to 1 again; or of the scores of spans.  Errors: TN_ENOMEM. */
int eval_calibrate(struct eval_calibration *c, const struct eval_records *r, double temperature,
	struct tn_call *call);
/** The temperature with the lowest mean negative log-likelihood, 0.05 to 20; NAN when the records
 *  have no probabilities. */
double eval_temperature(const struct eval_records *r);

#endif
