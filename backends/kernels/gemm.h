/* SPDX-License-Identifier: Apache-2.0
 * kernels/gemm.h - linear layers and matrix products over somebody's sgemm.
 *
 * Columns of the output are cut into slices, rows into chunks; one thread runs one
 * chunk of one slice, so the work does not depend on the team.  Chunks are
 * multiples of a library's grain, the row count from which on it computes each row
 * alike, so a row's bits do not depend on the rows beside it.
 */
#ifndef TN_KERNELS_GEMM_H
#define TN_KERNELS_GEMM_H

#include <stdbool.h>

#include "kernels.h"

/** A library's matrix product and how it likes to be called. */
struct gemm {
	/** y [m][n] = op(a) op(b) [k][n] in the calling thread alone; ta and tb: the matrix
	 *  lies transposed.  Without ta m is a multiple of the grain and at most `rows`, n at
	 *  most `width` (or what `small` asks for).  work: work_floats(n, k) of them.  0, or
	 *  the library's error. */
	int (*run)(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
		const float *b, size_t ldb, float *y, size_t ldy, float *work);
	size_t (*work_floats)(size_t n, size_t k);	/* NULL: none */
	size_t grain;		/* rows; at most TN_ROW_SLACK + 1 */
	size_t rows;		/* at most, in one call */
	size_t width;		/* columns of a slice */
	size_t small;		/* products m n k up to this run by other kernels, which give
				 * other bits; 0: there are none */
	const char *name;	/* for messages */
};

/** Copies to `chosen` the first of n ways in which a row's bits do not depend on the rows
 *  beside it, found by trying equal rows; the last one is taken untried.  TN_ENOMEM. */
int gemm_choose(struct gemm *chosen, const struct gemm *ways, size_t n, struct tn_call *call);

/** What a backend made of weights; every packing begins with it. */
enum linear_kind { LINEAR_GEMM, LINEAR_INT8, TABLE_INT8, TABLE_BF16, LINEAR_PACKED, LINEAR_OTHER };

/** A linear layer's weights, packed. */
struct gemm_linear;

/** Packs the weights and biases of a TN_OP_LINEAR node, as struct tn_backend_impl's
 *  pack.  gemm is borrowed and outlives the packing. */
int gemm_linear_create(struct gemm_linear **made, const struct gemm *gemm,
	const struct tn_node *node, const struct tn_tensor *weights, size_t *bytes,
	struct tn_call *call);
/** NULL is allowed. */
void gemm_linear_destroy(struct gemm_linear *linear);
int gemm_linear_run(const struct gemm_linear *linear, const struct kernels *kernels,
	const struct tn_step *step, struct tn_call *call);

/** The answer to an offer of TN_OP_LINEAR run by gemm_linear_run. */
int gemm_linear_supports(const struct gemm *gemm, const struct tn_node *node,
	struct tn_offer *offer);
/** The same for whoever runs it by linear_by_rows with a grain: F32, weights that can be
 *  packed, workspace for the last rows. */
int linear_supports(const struct tn_node *node, size_t grain, struct tn_offer *offer);
/** All parts' weights one below the other [outs][ins], biases side by side [outs] (NULL
 *  without); malloc'd for the caller.  TN_ENOMEM. */
int linear_collect(const struct tn_node *node, const struct tn_tensor *weights, float **w,
	float **bias, size_t *outs, size_t *ins, struct tn_call *call);
/** Calls `run` for the rows of a linear step, `padded` rows at a time, a multiple of the
 *  grain, of which `rows` count: where the buffers lack slack the last ones are run in
 *  copies.  residual is NULL when the node has none.  0, or what run gave. */
int linear_by_rows(const struct tn_step *step, size_t grain,
	int (*run)(void *user, float *y, float *x, float *residual, size_t padded,
		size_t rows), void *user);

/** TN_OP_MATMUL. */
int gemm_matmul_supports(const struct gemm *gemm, const struct tn_node *node,
	struct tn_offer *offer);
int gemm_matmul_run(const struct gemm *gemm, const struct tn_step *step, struct tn_call *call);

#endif
