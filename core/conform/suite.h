/* SPDX-License-Identifier: Apache-2.0
 * core/conform/suite.h - what the parts of the conformance suite of backends share.
 */
#ifndef TN_CONFORM_SUITE_H
#define TN_CONFORM_SUITE_H

#include "conform/backend.h"
#include "conform/node.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

struct suite {
	const struct tn_backend *tested, *reference;
	struct tn_conform *to;
	struct tn_call *call;
};

/** A node to be put together; all memory of the one before is gone. */
struct conform_node suite_node(struct suite *s);
/** Finishes a node, then compares it with the reference; a shape that the op table refuses is a
 *  fault too. */
void suite_compare(struct suite *s, struct conform_node *n, uint32_t op, size_t rows,
	const char *what);
/** Attention over several sequences, a bias and masks by variant; 0 when there is no more. */
int suite_attention(struct conform_node *n, int variant, size_t head_size);
/** Says what comes next. */
void suite_doing(struct suite *s, const struct conform_node *n, const char *what);
/** Counts and reports one result. */
void suite_result(struct suite *s, int ok, const char *format, ...) TN_PRINTF(3, 4);

/** Whether a row's bits depend on the rows beside it: other batches of the node's rows. */
void suite_rows_stay(struct suite *s, struct conform_node *n, size_t rows, const char *what);

/** Rotary embedding and attention. */
void suite_positions(struct suite *s);
/** Gradients, losses and the optimizer. */
void suite_gradients(struct suite *s);

#endif
