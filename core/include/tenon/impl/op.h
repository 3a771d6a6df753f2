/* SPDX-License-Identifier: Apache-2.0
 * tenon/impl/op.h - the operations of a graph: their numbers, attributes,
 * inputs and outputs.  Backends and custom ops include this.
 *
 * Legend: R rows (the first dimension, often a batch axis), C columns, H heads,
 * D size of a head.  A tensor on an axis has its row count only at run time.
 * "f" is the graph's float type (F32, or F64 in gradient checks).
 */
#ifndef TN_IMPL_OP_H
#define TN_IMPL_OP_H

#include <stddef.h>
#include <stdint.h>
#include <tenon/tensor.h>

TN_BEGIN

#define TN_MAX_IN 12
#define TN_MAX_OUT 4
#define TN_NO_AXIS (-1)

/** Numbers are part of the ABI: append only.  in / out as [shape]. */
enum tn_op {
	/* view: an alias; in x; out [R][cols] starting at column `first` (or, on a
	 * constant tensor, rows from `first_row`).  Never reaches a backend. */
	TN_OP_VIEW = 1,
	TN_OP_CONCAT = 2,	/* in a [R][A], b [R][B] ...; out [R][A+B+...] */
	TN_OP_GATHER = 3,	/* in table [V][C], index I32 [R]; out [R][C].  table may be
				 * an activation on another axis (rows of tokens picked
				 * for words); an index < 0 gives a row of zeros.
				 * Version 2: attr.gather.precision, rows of a table that is
				 * a weight, TN_I8: by tn_quantize_row, TN_BF16: by
				 * tn_round_bf16, and back */
	TN_OP_SEGMENT = 4,	/* in x [R][C], begin I32 [S], end I32 [S]; out [S][C]: rows
				 * begin..end-1 reduced by attr.reduce; empty gives zeros */
	TN_OP_CAST = 5,		/* in x; out x in attr.cast.dtype */
	TN_OP_ADD = 6,		/* in a [R][C], b [R][C] or [C] or [R][1] or []; out [R][C] */
	TN_OP_MUL = 7,		/* as add */
	TN_OP_SCALE = 8,	/* in x; out attr.scale.by * x + attr.scale.plus */
	TN_OP_ACT = 9,		/* in x; out attr.act.kind of each element */
	TN_OP_GLU = 10,		/* in x [R][2C]; out act(x[:, :C]) * x[:, C:] */
	/* dropout: in x; out x / (1 - rate), or 0 where the element's word is less than
	 * rate 2^32.  The word of element e (of the dense tensor) is word e % 4 of
	 * Philox4x32-10 with the counter (e / 4, 0) and the key attr.dropout.key; so the
	 * gradient is the same op on dy. */
	TN_OP_DROPOUT = 11,
	/* linear: in x [R][I], then for each of attr.linear.parts: weight [O][I] and,
	 * with attr.linear.bias, bias [O]; then with attr.linear.residual r [R][O].
	 * out y [R][sum of O] = act(x W^T + b) + r, parts side by side.
	 * Version 1: one part, no act, no residual.  2: act or residual.
	 * 3: more than one part.  4: attr.linear.precision TN_BF16 or TN_I8, of the
	 * factors of the products; 0: as x.  TN_BF16: x and W by tn_round_bf16, products
	 * and sums in single precision.  TN_I8: rows of x and rows of W by
	 * tn_quantize_row, products summed in 32 bits, x W^T = (float)sum * (scale of
	 * the row of x * scale of the row of W). */
	TN_OP_LINEAR = 12,
	TN_OP_MATMUL = 13,	/* in a, b; out op(a) op(b), op = transpose if asked.
				 * Version 2: attr.matmul.precision TN_BF16, as of linear */
	TN_OP_LAYER_NORM = 14,	/* in x [R][C], weight [C], bias [C] (attr.norm.bias) or none;
				 * out y, and in training mean [R], rstd [R].
				 * Version 2: attr.norm.residual, x2 [R][C] is last input
				 * and y = norm(x + x2) */
	TN_OP_RMS_NORM = 15,	/* in x [R][C], weight [C]; out y (, rstd [R]) */
	TN_OP_ROPE = 16,	/* in x [R][H*D], position I32 [R]; out x rotated.
				 * Version 2: attr.rope.inverse, rotated back */
	TN_OP_REL_TABLE = 17,	/* in table [buckets][H]; out [2*span-1][H], row (j-i)+span-1 */
	/* attention: in q [Rq][Hq*D], k [Rk][Hk*D], v [Rk][Hk*D], then by attr.bias:
	 *   TN_BIAS_REL: rel f [2*span-1][Hq]; score(i,j) += rel[clamp(j-i)+span-1][h]
	 *   TN_BIAS_ALIBI: slopes f [Hq]; score += slopes[h] * -(|i-j|)
	 *   TN_BIAS_DISENTANGLED: c2p f [P][Hq*D] (keys of positions; [0][0] when
	 *     attr.c2p is 0), p2c f [P][Hq*D] (queries of positions), bucket I32
	 *     [2*span-1], row (i-j)+span-1: p = bucket[...];
	 *     score += scale * (q_i . c2p[p] + k_j . p2c[p])
	 *   TN_BIAS_TENSOR: f [Rq][max kv rows][Hq] added as it stands
	 * then with attr.state: state k f [capacity][Hk*D], state v likewise.
	 * i and j are positions in the sequence, past rows counted.  Version 2: dropout, a
	 * probability becomes 0 where its word is less than dropout 2^32, else it is divided
	 * by 1 - dropout.  The word of key j of the sequence, of row r of q and of head h is
	 * word j % 4 of Philox4x32-10 with the counter (j / 4, r, h, 0) and the key attr.key.
	 * out y [Rq][Hq*D] (, row log-sum-exp [Rq][Hq] in training).
	 * score = scale * q_i . k_j (+ bias); masked by causal and window; softmax over j.
	 * With state the new k, v rows of sequence s are written behind its
	 * axis->past[s] rows at axis->slot[s] and attended together with them. */
	TN_OP_ATTENTION = 18,
	TN_OP_SOFTMAX = 19,	/* in x [R][C]; out softmax of each row; attr.softmax.log */
	TN_OP_REDUCE = 20,	/* in x [R][C]; out [R][1] (attr.reduce.over 1: each row) or
				 * [C] (0: over rows) or [] (2: all), sum, mean or max */
	TN_OP_WHERE = 21,	/* in mask U8 [R][C] or [R][1], a, b; out a where mask else b */
	TN_OP_L2NORM = 22,	/* in x [R][C]; out x / max(||x||, attr.norm.eps) by rows */
	TN_OP_CROSS_ENTROPY = 23, /* in logits [R][C], target I32 [R] (, class weights [C] with
				   * attr.loss.weighted); out loss [] and count [], summed
				   * over the rows with target >= 0; saved log-sum-exp [R] */
	TN_OP_BCE = 24,		/* in logits [R][C], target f [R][C]; out loss [], count [];
				 * attr.loss.mse: squared error instead */
	TN_OP_CUSTOM = 25,	/* a plugin's own: struct tn_custom_op */
	/* gradients; dy is the gradient of the first output */
	TN_OP_ACT_GRAD = 32,	/* in x, dy; out dx */
	TN_OP_LAYER_NORM_GRAD = 33, /* in x, weight, mean, rstd, dy; out dx, dweight, dbias */
	TN_OP_SOFTMAX_GRAD = 34, /* in y, dy; out dx; attr.softmax as forward */
	TN_OP_CROSS_ENTROPY_GRAD = 35, /* in logits, target, lse [R], dloss [] (, class weights);
					* out dlogits; attr.loss as forward */
	/* attention_grad: in q, k, v, y, lse [Rq][Hq], dy, then the bias inputs of the
	 * forward node; out dq, dk, dv, and with TN_BIAS_REL also drel.  No state, and
	 * no TN_BIAS_TENSOR.  attr.attention as forward.  Version 2: TN_BIAS_DISENTANGLED.
	 * 3: dropout */
	TN_OP_ATTENTION_GRAD = 36,
	TN_OP_SCATTER_ADD = 37,	/* in dy [R][C], index I32 [R]; out [V][C], row v the sum of the
				 * rows of dy with index v, in order.  V is attr.scatter.rows,
				 * or with 0 there the rows of the axis attr.scatter.axis */
	TN_OP_RMS_NORM_GRAD = 38, /* in x, weight, rstd, dy; out dx, dweight */
	TN_OP_SEGMENT_GRAD = 39, /* in x, begin, end, dy [S][C]; out dx; attr.reduce as forward.  Of
				  * equal maxima the first has the gradient */
	TN_OP_REDUCE_GRAD = 40,	/* in x, dy; out dx; attr.reduce as forward, maxima as above */
	TN_OP_REL_TABLE_GRAD = 41, /* in dy [2*span-1][H]; out dtable; attr.rel_table as forward */
	TN_OP_L2NORM_GRAD = 42,	/* in x, dy; out dx; attr.norm.eps as forward */
	/* place: in x [R][C] or [R], constant rows; out zeros of [attr.view.rows]
	 * [attr.view.cols], with x from row first_row and column first on */
	TN_OP_PLACE = 43,
	/* attention_bias_grad: in as attention_grad, with TN_BIAS_DISENTANGLED; out dc2p, dp2c,
	 * each [] when the attribute has not that part.  Version 2: dropout */
	TN_OP_ATTENTION_BIAS_GRAD = 44,
	TN_OP_CUSTOM_GRAD = 45,	/* in and out as backward of struct tn_custom_op has them */
	/* optimizer */
	TN_OP_SUM_SQUARES = 48,	/* in x of any shape; out [] */
	/* adamw: in p, dp, m, v, all of p's shape, and h f [8]: rate, beta1, beta2, eps,
	 * weight decay, 1 - beta1^t, 1 - beta2^t, factor of dp.  out p, m, v; each may
	 * lie in the buffer of its input. */
	TN_OP_ADAMW = 49,
	TN_N_OPS = 128		/* room, not a count */
};

enum tn_act {
	TN_ACT_NONE = 0,
	TN_ACT_GELU = 1,	/* x/2 (1 + erf(x/sqrt 2)); Hendrycks & Gimpel, arXiv 1606.08415 */
	TN_ACT_GELU_TANH = 2,	/* x/2 (1 + tanh(sqrt(2/pi)(x + 0.044715 x^3))), same paper */
	TN_ACT_RELU = 3,
	TN_ACT_SILU = 4,
	TN_ACT_TANH = 5,
	TN_ACT_SIGMOID = 6
};

enum tn_reduce { TN_SUM = 0, TN_MEAN = 1, TN_MAX = 2 };

enum tn_bias {
	TN_BIAS_NONE = 0,
	TN_BIAS_REL = 1,
	TN_BIAS_ALIBI = 2,
	TN_BIAS_DISENTANGLED = 3,
	TN_BIAS_TENSOR = 4
};

struct tn_attention_attr {
	uint32_t heads, kv_heads;	/* heads is a multiple of kv_heads */
	uint32_t head_size;		/* D */
	uint32_t bias;			/* enum tn_bias */
	uint32_t causal;		/* position i sees j <= i */
	uint32_t left, right;		/* window: i sees i-left .. i+right; UINT32_MAX: all */
	uint32_t state;			/* keys and values of earlier calls come first */
	uint32_t span;			/* of the relative bias */
	uint32_t c2p, p2c;		/* parts of the disentangled bias */
	float scale;
	double dropout;			/* rate, in training */
	uint64_t key;			/* of its words; tn_attention makes one */
};

/** Attributes by op; unused ones are zero. */
union tn_attr {
	struct { uint32_t first, cols, first_row, rows; } view;
	struct { uint32_t kind; } act;			/* also glu */
	struct { uint32_t kind, over; } reduce;		/* enum tn_reduce; also segment */
	struct { uint32_t dtype; } cast;
	struct { double by, plus; } scale;
	struct { uint32_t precision; } gather;
	struct { uint32_t parts, bias, act, residual, precision; } linear;
	struct { uint32_t transpose_a, transpose_b, precision; } matmul;
	struct { double eps; uint32_t bias, residual; } norm;
	struct { double theta; uint32_t heads, head_size, rotary, interleaved, inverse; } rope;
	struct { uint32_t buckets, max_distance, span, bidirectional; } rel_table;
	struct tn_attention_attr attention;
	struct { uint32_t log; } softmax;
	struct { double smoothing; uint32_t weighted, mse; } loss;
	struct { double rate; uint64_t key; } dropout;
	struct { uint32_t rows; int32_t axis; } scatter;
	uint64_t bytes_[16];
};

/** What is known of a value before there is a batch.  dims[0] is 0 when the row
 *  count is that of an axis.  Frozen within an ABI major. */
struct tn_spec {
	uint32_t dtype;
	int32_t axis;		/* index of the axis of the rows, or TN_NO_AXIS */
	uint32_t n_dims;
	size_t dims[4];		/* unused ones are 1 */
};

/** A batch axis: `rows` rows in `seqs` sequences, sequence s being rows start[s]
 *  to start[s+1]-1.  past and slot are NULL without state: past[s] rows of
 *  earlier calls lie at row slot[s] of the state. */
struct tn_axis {
	size_t rows, seqs;
	const uint32_t *start;
	const uint32_t *past;
	const uint32_t *slot;
};

struct tn_custom_op;

/** A node as a backend sees it. */
struct tn_node {
	uint32_t op, version;		/* the lowest version that expresses it */
	uint32_t n_in, n_out;
	union tn_attr attr;
	const struct tn_spec *in[TN_MAX_IN];
	const struct tn_spec *out[TN_MAX_OUT];
	uint32_t weight_in;		/* bit i: input i is a weight (constant between steps
					 * of an optimizer), so it can be packed */
	const struct tn_custom_op *custom; /* of TN_OP_CUSTOM, with its own data */
	const void *custom_data;
	const char *name;		/* for messages: "encoder.layer.3.attention" */
};

/** The rule of eight bits: q[i] = round(x[i] * (127 / m)), half to even, and scale =
 *  m / 127 with m the largest magnitude of the n numbers, all in single precision; zeros for
 *  m = 0.  A NaN or an infinity among them makes the scale one. */
TN_API void tn_quantize_row(const float *x, size_t n, int8_t *q, float *scale);
/** The rule of bf16: the upper half of each number's bits, rounded to the nearest, half to even.
 *  What is then too large is infinite; a NaN stays one. */
TN_API void tn_round_bf16(const float *x, size_t n, uint16_t *to);
/** The precision that a node was given in place of its inputs' own: TN_BF16, TN_I8 or 0. */
TN_API uint32_t tn_node_precision(const struct tn_node *node);

/** The name of an op ("layer_norm"), NULL for an unknown number. */
TN_API const char *tn_op_name(uint32_t op);
/** The highest version of an op that this core knows, 0 for an unknown one. */
TN_API uint32_t tn_op_version(uint32_t op);
TN_API const char *tn_act_name(uint32_t act);

TN_END
#endif
