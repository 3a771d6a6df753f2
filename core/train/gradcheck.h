/* SPDX-License-Identifier: Apache-2.0
 * core/train/gradcheck.h - gradients against central differences.
 */
#ifndef TN_TRAIN_GRADCHECK_H
#define TN_TRAIN_GRADCHECK_H

#include "train/objective.h"

/** One parameter's verdict. */
struct tn_grad_error {
	size_t n;			/* elements looked at one by one */
	double largest;			/* magnitude of its gradient's largest element */
	double error;			/* the largest difference, see below */
};

/** Compares the gradient by each parameter of an F64 objective with central differences of
 *  the loss: of `entries` elements, the one with the largest gradient among them, and of one
 *  direction of random signs through all elements.  An error is the difference over the
 *  largest element of the tensor's gradient (over its Euclidean norm for the direction), or
 *  over `floor` of the largest of all parameters where that is more: below it differences are
 *  rounding.  errors: [o->n].  What the losses do not depend on has largest 0, error 0, if
 *  differences agree. */
int tn_gradcheck(struct tn_objective *o, const struct tn_batch_item *items, size_t n,
	const struct tn_gold *golds, size_t entries, double floor, struct tn_grad_error *errors,
	struct tn_call *call);

#endif
