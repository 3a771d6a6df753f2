/* SPDX-License-Identifier: Apache-2.0
 * kernels/grad.h - SIMD loops of training, and the gradient and optimizer nodes of a graph
 * run by them.
 *
 * Sums over rows have one order, whatever the number of threads: a thread has columns of
 * its own, rows of a table of its own, or sequences and heads of its own.
 */
#ifndef TN_KERNELS_GRAD_H
#define TN_KERNELS_GRAD_H

#include "kernels.h"

/** A step of AdamW: what the numbers of TN_OP_ADAMW come to. */
struct grad_adamw {
	float factor;			/* of the gradient */
	float keep_m, new_m;		/* beta1, 1 - beta1 */
	float keep_v, new_v;		/* beta2, 1 - beta2 */
	float by_m, by_v;		/* rate / c1, 1 / sqrt(c2) */
	float eps, decay;		/* decay: times the rate */
};

/** One (sequence, head) of the gradient of attention.  Of `forward`, q, y and lse stand at the
 *  sequence's first row, n_q is all of its queries, first is 0, and work has
 *  the gradient's attention_work(...) bytes.  Without dq there is no dk and dv. */
struct grad_attention {
	struct kernel_attention forward;
	struct kernel_rows dy, dq, dk, dv;	/* dk and dv are added to */
	struct kernel_rows drel;	/* as forward.rel, added to; or none */
	struct kernel_rows dc2p, dp2c;	/* as forward.c2p and p2c, added to; or none */
};

/** The loops of one ISA.  [rows][cols] are those of x. */
struct grad_kernels {
	/** dx = act'(x) dy; kind: enum tn_act. */
	void (*act)(int kind, struct kernel_rows dx, struct kernel_rows x, struct kernel_rows dy,
		size_t rows, size_t cols);
	/** dx of a layer norm, or with mean NULL of an RMS norm; mean and rstd [rows]. */
	void (*norm)(struct kernel_rows dx, struct kernel_rows x, struct kernel_rows dy,
		const float *weight, const float *mean, const float *rstd, size_t rows,
		size_t cols);
	/** dweight [cols] = sum of dy (x - mean) rstd, and dbias [cols] = sum of dy over the
	 *  rows; mean and dbias may be NULL. */
	void (*norm_weights)(float *dweight, float *dbias, struct kernel_rows x,
		struct kernel_rows dy, const float *mean, const float *rstd, size_t rows,
		size_t cols);
	/** dx of a softmax, or of its logarithm, that gave y. */
	void (*softmax)(int log, struct kernel_rows dx, struct kernel_rows y,
		struct kernel_rows dy, size_t rows, size_t cols);
	/** y [cols] = by * sum of the rows. */
	void (*sum_rows)(float *y, struct kernel_rows x, float by, size_t rows, size_t cols);
	double (*sum_squares)(const float *x, size_t n);
	/** New p, m and v of n elements, which may lie where the old ones do. */
	void (*adamw)(const struct grad_adamw *a, float *const *out, const float *p,
		const float *dp, const float *m, const float *v, size_t n);
	/** The logarithm of the sum of e^x over a row. */
	double (*log_sum_exp)(const float *x, size_t cols);
	/** dx = by * e^(x - lse) for one row. */
	void (*probabilities)(float *dx, const float *x, float lse, float by, size_t cols);
	/** y = x / (1 - rate), or 0 by the random words of the key: rows first .. of all. */
	void (*dropout)(struct kernel_rows y, struct kernel_rows x, double rate, uint64_t key,
		size_t first, size_t rows, size_t cols);
	void (*attention)(const struct grad_attention *g);
	/** Bytes that it works in; places: with c2p or p2c. */
	size_t (*attention_work)(size_t head_size, int places);
};

/** Whether an op is one of GRAD_OPS. */
bool grad_knows(uint32_t op);
/** As struct tn_backend_impl's supports and run, for one step. */
int grad_supports(const struct kernels *kernels, const struct tn_node *node,
	struct tn_offer *offer);
int grad_run(const struct kernels *kernels, const struct tn_step *step, struct tn_call *call);

#endif
