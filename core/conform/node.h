/* SPDX-License-Identifier: Apache-2.0
 * core/conform/node.h - one node with inputs of its own, to be run by a backend.
 */
#ifndef TN_CONFORM_NODE_H
#define TN_CONFORM_NODE_H

#include <tenon/impl/backend.h>

#include "conform/backend.h"

/** A node being put together; zeroed at first.  All memory is the call's. */
struct conform_node {
	struct tn_call *call;
	uint64_t seed;			/* of the values */
	struct tn_node node;
	struct tn_spec in_spec[TN_MAX_IN], out_spec[TN_MAX_OUT];
	struct tn_tensor in[TN_MAX_IN], out[TN_MAX_OUT];
	struct tn_axis axis, kv_axis;	/* seqs 0: not there */
	bool training;			/* the node has its saved outputs too */
};

/** A number in [-1, 1). */
double conform_number(uint64_t *seed);
/** Adds F32 rows on an axis (0: tokens, 1: the second) of `cols` columns. */
void conform_rows(struct conform_node *n, int axis, size_t rows, size_t cols);
/** Adds a constant F32 tensor that counts as a weight; cols 0: [rows]. */
void conform_weight(struct conform_node *n, size_t rows, size_t cols);
/** Adds I32 rows on an axis, copied from values. */
void conform_index(struct conform_node *n, int axis, const int32_t *values, size_t rows);
/** Adds a tensor that is there; the spec is copied. */
void conform_tensor(struct conform_node *n, const struct tn_spec *spec, const struct tn_tensor *t);
/** Axes from the lengths of their sequences. */
struct tn_axis conform_axis(const uint32_t *lengths, size_t seqs, struct tn_call *call);
/** Infers the outputs, all of the op's if n_out is not set, and gives them memory; rows_out: of an output on an axis. */
int conform_finish(struct conform_node *n, uint32_t op, size_t rows_out);
/** The same node and inputs with outputs of its own. */
int conform_copy(const struct conform_node *n, struct conform_node *copy);
/** A copy of row inputs on axis 0 as [rows] picked by `rows`, of the outputs with
 *  fresh memory; constants are shared. */
int conform_pick(const struct conform_node *n, const size_t *rows, size_t n_rows,
	struct conform_node *picked);
/** Whether the backend takes the node at all, and the offer. */
int conform_offered(const struct tn_backend *b, const struct conform_node *n,
	struct tn_offer *offer);
/** The packing that the offer asks for, or NULL. */
int conform_pack(const struct tn_backend *b, const struct conform_node *n,
	const struct tn_offer *offer, void **packed);
/** Runs the node; the outputs are filled with NaN before. */
int conform_run(const struct tn_backend *b, struct conform_node *n,
	const struct tn_offer *offer, const void *packed, struct tn_call *call);
/** Copies the row input i into a wider matrix with NaN around it. */
void conform_widen(struct conform_node *n, uint32_t i);
/** The greatest |a - b| / max(1, |b|) over output o; infinite where one is NaN. */
double conform_distance(const struct conform_node *a, const struct conform_node *b, uint32_t o);
/** Whether row `row` of a's output 0 has the bits of row `other` of b's. */
int conform_same_row(const struct conform_node *a, size_t row, const struct conform_node *b,
	size_t other);

#endif
