/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/act.h - activations and their derivatives, in double.
 */
#ifndef REF_ACT_H
#define REF_ACT_H

#include <stdint.h>

/** The activation `kind` (enum tn_act) of x. */
double ref_act_value(uint32_t kind, double x);
/** Its derivative at x. */
double ref_act_slope(uint32_t kind, double x);

#endif
