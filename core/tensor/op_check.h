/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/op_check.h - checks that the shape rules share.  Each returns 0, or
 * the error that it has set.
 */
#ifndef TN_TENSOR_OP_CHECK_H
#define TN_TENSOR_OP_CHECK_H

#include <stdbool.h>

#include "tensor/op_table.h"

/** Input i does not fit: says what was expected there and shows inputs i and 0. */
int tn_misfit(const struct tn_node *node, uint32_t i, struct tn_call *call, const char *format,
	...) TN_PRINTF(4, 5);
/** A float tensor of two dimensions. */
int tn_want_matrix(const struct tn_node *node, uint32_t i, struct tn_call *call);
/** [rows][cols] constant rows, or [rows] with cols 0, of the type of input 0. */
int tn_want_constant(const struct tn_node *node, uint32_t i, size_t rows, size_t cols,
	struct tn_call *call);
/** I32 [R]; with `rows`, as many as that has. */
int tn_want_index(const struct tn_node *node, uint32_t i, const struct tn_spec *rows,
	struct tn_call *call);
/** [R] with the rows of input 0, of its type. */
int tn_want_column(const struct tn_node *node, uint32_t i, struct tn_call *call);
/** The shape and type of input k. */
int tn_want_like(const struct tn_node *node, uint32_t i, uint32_t k, struct tn_call *call);
/** A single value of the type of input 0. */
int tn_want_scalar(const struct tn_node *node, uint32_t i, struct tn_call *call);
/** F32, F64, F16 or BF16. */
int tn_want_float(const struct tn_node *node, uint32_t i, struct tn_call *call);
/** How many inputs the node must have. */
int tn_want_inputs(const struct tn_node *node, uint32_t n, struct tn_call *call);

bool tn_same_rows(const struct tn_spec *a, const struct tn_spec *b);
bool tn_same_shape(const struct tn_spec *a, const struct tn_spec *b);

/* Specs put together. */
struct tn_spec tn_spec_scalar(uint32_t dtype);
/** [n]: constant. */
struct tn_spec tn_spec_vector(uint32_t dtype, size_t n);
/** The rows of `like` with `cols` columns; [R] with cols 0. */
struct tn_spec tn_spec_rows(const struct tn_spec *like, uint32_t dtype, size_t cols);

#endif
