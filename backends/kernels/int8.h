/* SPDX-License-Identifier: Apache-2.0
 * kernels/int8.h - linear layers and tables in eight bits: nodes whose tn_node_precision is
 * TN_I8 (their rule is in tenon/impl/op.h).
 *
 * Sums of products are exact, so all ISAs give the same integers, and a row's bits do not
 * depend on the rows beside it.
 */
#ifndef TN_KERNELS_INT8_H
#define TN_KERNELS_INT8_H

#include "kernels.h"

/** Rows that are quantized at a time and stay in the cache while the weights pass; a
 *  multiple of each ISA's rows of a tile. */
#define INT8_BLOCK 60

/** Rows of quantized x against a panel of `cols` outputs. */
struct int8_panel {
	const void *x;			/* as quantize left it */
	size_t x_stride;		/* bytes from row to row */
	const float *x_scale;		/* of each row */
	const int8_t *w;		/* [groups][cols][group]; what lies behind comes into the cache */
	const float *w_scale, *bias;	/* of each column */
	const int32_t *w_sum;		/* of each column: the sum of its weights */
	size_t groups;
	struct kernel_rows y;		/* [rows][n] */
	size_t rows, n;			/* n <= cols columns are stored */
	int act;			/* enum tn_act */
	struct kernel_rows residual;	/* [rows][n], or none */
	const struct kernels *kernels;
};

/** The loops of one ISA. */
struct int8_kernels {
	size_t group;			/* products that a lane sums at once */
	size_t cols;			/* of a panel */
	size_t x_bytes;			/* of a quantized number */
	/** One row of n floats, padded with zeros to `padded`. */
	void (*quantize)(void *q, float *scale, const float *x, size_t n, size_t padded);
	/** y = act((float)sum * (x_scale * w_scale) + bias) + residual. */
	void (*panel)(const struct int8_panel *p);
};

/** The loops for the CPU on which `kernels` were chosen. */
const struct int8_kernels *int8_choose(const struct kernels *kernels);

/** As the slots of struct tn_backend_impl, for nodes whose tn_node_precision is TN_I8. */
int int8_supports(const struct int8_kernels *int8, const struct tn_node *node,
	struct tn_offer *offer);
int int8_pack(const struct int8_kernels *int8, const struct tn_node *node,
	const struct tn_tensor *weights, void **packed, size_t *bytes, struct tn_call *call);
/** Frees a packing, if it is one of int8_pack. */
bool int8_unpack(void *packed);
void int8_run(const void *packed, const struct kernels *kernels, const struct tn_step *step);

#endif
