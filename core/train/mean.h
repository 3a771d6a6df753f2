/* SPDX-License-Identifier: Apache-2.0
 * core/train/mean.h - a sum over its count.
 */
#ifndef TN_TRAIN_MEAN_H
#define TN_TRAIN_MEAN_H

#include <tenon/impl/graph.h>

/** sum / count, both single values; 0 where the count is. */
tn_ref tn_mean_loss(struct tn_graph *g, tn_ref sum, tn_ref count);

#endif
