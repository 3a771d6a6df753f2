/* SPDX-License-Identifier: Apache-2.0
 * kernels/kernels.h - SIMD loops that the fast backends share, and the nodes of a
 * graph run by them.
 *
 * Kernels are pure functions over rows of floats.  What they give for a row (or a
 * sequence) depends on that row (sequence) alone, bit for bit.  The output of an
 * elementwise kernel may be its first input.
 */
#ifndef TN_KERNELS_H
#define TN_KERNELS_H

#include <tenon/impl/backend.h>

/** Queries that one call of the attention kernel handles at most. */
#define KERNEL_CHUNK 128

/** Row r begins at at + r * stride.  at NULL: not there. */
struct kernel_rows {
	float *at;
	size_t stride;
};

/** One (sequence, head) of attention, queries first .. first + n_q - 1 of it.  q, y
 *  and lse stand at the first of these, k and v at the sequence's first row; all at
 *  the head's columns. */
struct kernel_attention {
	struct kernel_rows q, k, v, y, lse;
	size_t head_size;
	size_t first, n_q;		/* n_q <= KERNEL_CHUNK */
	size_t n_k;
	float scale;
	uint32_t causal, left, right;	/* as in struct tn_attention_attr */
	struct kernel_rows rel;		/* [2*span-1][1], or none */
	size_t span;
	float slope;			/* of ALiBi; 0: none */
	struct kernel_rows c2p, p2c;	/* tables of places, at the head's columns, or none */
	const int32_t *bucket;		/* [2*span-1]: the place of a distance */
	int fresh;			/* work holds nothing of this step yet */
	size_t head, row;		/* the head's number, and that of the sequence's first row */
	double dropout;			/* of probabilities, by the words that TN_OP_ATTENTION says */
	uint64_t key;
	size_t ahead;			/* columns from here to the head that comes next; 0: none */
	float *work;			/* attention_work(...) bytes, 64-byte aligned */
};

/** Rotary embedding of rows of heads: attributes as in union tn_attr. */
struct kernel_rope {
	size_t heads, head_size, rotary;
	double theta;
	int interleaved, inverse;
};

/** A product y [rows][outs] = act(x [rows][ins] w + bias) + residual.  The weights lie in
 *  blocks of `depth` of their rows (the last of what is left), a block in panels of columns,
 *  a panel row by row; columns behind the last one are zeros.  With bf16 x is rounded and w
 *  is: a word holds two rows, the later one in its upper half, zero where there is none. */
struct kernel_gemm {
	size_t rows, ins, outs;
	struct kernel_rows x, y, residual;	/* residual: or none */
	size_t x_step;		/* floats from a column of x to the next; 1, or x.stride is */
	const float *w;
	int bf16;		/* the factors of the products are; depth is even */
	const float *bias;	/* [outs rounded up to panels], or NULL */
	int act;		/* enum tn_act */
	int goes_on;		/* y is a sum begun before; there is no bias */
	int adds;		/* y += the product, summed by itself; one block, no bias */
	size_t depth, strip;	/* blocks by cache: rows of w, and of x, at a time */
	float *work;		/* [strip][depth] */
};

struct grad_kernels;

/** The kernels of one ISA.  [rows][cols] are those of the output unless stated. */
struct kernels {
	const char *isa;
	size_t lanes;
	/** kind: enum tn_act. */
	void (*act)(int kind, struct kernel_rows y, struct kernel_rows x, size_t rows,
		size_t cols);
	/** y = act(x[:, :cols]) * x[:, cols:]; x is [rows][2 * cols]. */
	void (*glu)(int kind, struct kernel_rows y, struct kernel_rows x, size_t rows,
		size_t cols);
	/** y = act(x + bias) + residual in one pass; bias [cols] and residual may be NULL. */
	void (*finish)(int kind, struct kernel_rows y, struct kernel_rows x, const float *bias,
		struct kernel_rows residual, size_t rows, size_t cols);
	/** y = a + b and y = a * b; b.stride 0: one row for all. */
	void (*add)(struct kernel_rows y, struct kernel_rows a, struct kernel_rows b,
		size_t rows, size_t cols);
	void (*mul)(struct kernel_rows y, struct kernel_rows a, struct kernel_rows b,
		size_t rows, size_t cols);
	/** y = by * x + plus. */
	void (*scale)(struct kernel_rows y, struct kernel_rows x, float by, float plus,
		size_t rows, size_t cols);
	/** y = (u - mean) / sqrt(variance + eps) * weight + bias, u = x + x2.  x2 and bias
	 *  may be NULL; mean and rstd [rows] are stored when they are not NULL. */
	void (*layer_norm)(struct kernel_rows y, struct kernel_rows x, struct kernel_rows x2,
		const float *weight, const float *bias, double eps, float *mean, float *rstd,
		size_t rows, size_t cols);
	/** y = x / sqrt(mean of squares + eps) * weight. */
	void (*rms_norm)(struct kernel_rows y, struct kernel_rows x, const float *weight,
		double eps, float *rstd, size_t rows, size_t cols);
	/** y = x / max(sqrt(sum of squares), eps). */
	void (*l2_norm)(struct kernel_rows y, struct kernel_rows x, double eps, size_t rows,
		size_t cols);
	/** Softmax of each row, or its logarithm. */
	void (*softmax)(int log, struct kernel_rows y, struct kernel_rows x, size_t rows,
		size_t cols);
	/** y [cols] = sum, mean or maximum (enum tn_reduce) of the rows of x; zeros
	 *  without rows. */
	void (*reduce_rows)(int kind, float *y, struct kernel_rows x, size_t rows, size_t cols);
	/** y[r] = x[r] . w[o] + bias[o] for each of the `outs` rows of w: for outputs too
	 *  narrow for a matrix product. */
	void (*narrow)(struct kernel_rows y, struct kernel_rows x, struct kernel_rows w,
		const float *bias, size_t rows, size_t cols, size_t outs);
	/** y: x with the pairs of each head turned by the row's position. */
	void (*rope)(const struct kernel_rope *rope, struct kernel_rows y, struct kernel_rows x,
		const int32_t *position, size_t rows);
	/** Softmax(scale q k^T + bias) v by blocks of keys.
	 *  Source: Dao et al., FlashAttention, arXiv 2205.14135, algorithm 1. */
	void (*attention)(const struct kernel_attention *a);
	/** Bytes that attention works in; places: with c2p or p2c. */
	size_t (*attention_work)(size_t head_size, int places);
	/** `panels` panels of a product's columns from `first` on.  Neither these nor depth
	 *  and strip matter to the bits. */
	void (*gemm)(const struct kernel_gemm *g, size_t first, size_t panels);
	size_t gemm_panel, gemm_tile;	/* columns of a panel; rows handled at once */
	/** Words of two rows of n columns as kernel_gemm's w has them; later NULL: there is none. */
	void (*round_pair)(float *words, const float *row, const float *later, size_t n);
	const struct grad_kernels *grad;	/* those of training: grad.h */
};

/** The kernels for this CPU: the best it has, capped by TENON_ISA=plain|avx2|avx512.
 *  NULL after an error: TENON_ISA names no ISA. */
const struct kernels *kernels_choose(struct tn_call *call);
/** The kernels of an ISA; NULL when this CPU or this build lacks it. */
const struct kernels *kernels_of(const char *isa);

/** The product of these kernels, in bf16 by the instruction that some CPUs have for it. */
void (*kernels_gemm(const struct kernels *kernels, int bf16))(const struct kernel_gemm *g,
	size_t first, size_t panels);

/** Those of them that grad.h is about. */
#define GRAD_OPS							\
	[TN_OP_DROPOUT] = 1, [TN_OP_REDUCE] = 1, [TN_OP_CROSS_ENTROPY] = 1, \
	[TN_OP_CROSS_ENTROPY_GRAD] = 1,					\
	[TN_OP_ACT_GRAD] = 1, [TN_OP_LAYER_NORM_GRAD] = 1,		\
	[TN_OP_RMS_NORM_GRAD] = 1, [TN_OP_SOFTMAX_GRAD] = 1,		\
	[TN_OP_ATTENTION_GRAD] = 3, [TN_OP_ATTENTION_BIAS_GRAD] = 2,	\
	[TN_OP_SCATTER_ADD] = 1,					\
	[TN_OP_SUM_SQUARES] = 1, [TN_OP_ADAMW] = 1
/** Versions of the ops that kernels_run runs, and lower_run from the precision of gather on:
 *  where a backend's table begins. */
#define KERNELS_OPS							\
	[TN_OP_CONCAT] = 1, [TN_OP_GATHER] = 2, [TN_OP_SEGMENT] = 1,	\
	[TN_OP_ADD] = 1, [TN_OP_MUL] = 1, [TN_OP_SCALE] = 1,		\
	[TN_OP_ACT] = 1, [TN_OP_GLU] = 1, [TN_OP_LAYER_NORM] = 2,	\
	[TN_OP_RMS_NORM] = 1, [TN_OP_ATTENTION] = 2, [TN_OP_SOFTMAX] = 1, \
	[TN_OP_ROPE] = 2, [TN_OP_L2NORM] = 1, GRAD_OPS
/** As struct tn_backend_impl's supports and run, for one step. */
int kernels_supports(const struct kernels *kernels, const struct tn_node *node,
	struct tn_offer *offer);
int kernels_run(const struct kernels *kernels, const struct tn_step *step,
	struct tn_call *call);

/** Rows of a tensor on the host. */
struct kernel_rows kernel_rows_of(const struct tn_tensor *t);
/** Rows of a tensor: 1 for a single value. */
size_t kernel_n_rows(const struct tn_tensor *t);
/** Whether the places of a disentangled bias, whose inputs begin at number `first`, lie inside its
 *  tables: they come from other parts of the graph.  Errors: TN_EINTERNAL. */
int kernel_check_places(const struct tn_step *step, uint32_t first, struct tn_call *call);
/** Refuses an offer with a reason; returns 0. */
int kernel_refuse(struct tn_offer *offer, const char *format, ...) TN_PRINTF(2, 3);

#endif
