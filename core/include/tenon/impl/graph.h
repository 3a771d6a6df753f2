/* SPDX-License-Identifier: Apache-2.0
 * tenon/impl/graph.h - building a graph; models and heads include this.
 *
 * A graph is built once, when a pipeline opens.  It knows axes and widths, never
 * counts or values.  Builders return a reference to a value; after a first fault
 * they return TN_BAD and do nothing, so that a forward pass reads like its
 * formula and only the end is checked.  One thread builds a graph.
 */
#ifndef TN_IMPL_GRAPH_H
#define TN_IMPL_GRAPH_H

#include <stdbool.h>
#include <tenon/impl/op.h>

TN_BEGIN

struct tn_graph;

/** A value of a graph. */
typedef int32_t tn_ref;
#define TN_BAD ((tn_ref)-1)	/* what a failed builder returns */
#define TN_NONE ((tn_ref)-2)	/* "not there", for optional inputs */

/** The axes that the core fills, by name: "tokens" (all tokens of the batch, one
 *  sequence for each window), "words" (words that begin in a window), "texts" (one
 *  row for each window), "source" (tokens of the encoder's side). */
TN_API int tn_axis(struct tn_graph *g, const char *name);
/** A row tensor that the core or a head's `target` fills.  Known to the core, all
 *  I32: on tokens "ids", "position" (from 0 in each window), "segment"; on words
 *  "word_first", "word_begin", "word_end" (rows of tokens; last = end - 1),
 *  "word_last"; on texts "text_begin", "text_end" (rows of tokens).  cols 0: [R],
 *  else [R][cols]. */
TN_API tn_ref tn_input(struct tn_graph *g, const char *name, int axis, enum tn_dtype dtype,
	size_t cols);
/** tn_input with a name put together by a format. */
TN_API tn_ref tn_inputf(struct tn_graph *g, int axis, enum tn_dtype dtype, size_t cols,
	const char *format, ...) TN_PRINTF(5, 6);
/** Numbers that stand in the graph itself, copied: TN_I32, or TN_F32, which become the
 *  graph's float type.  [rows][cols], or [rows] with cols 0. */
TN_API tn_ref tn_constant(struct tn_graph *g, enum tn_dtype dtype, const void *numbers,
	size_t rows, size_t cols);
/** A weight by its name in the checkpoint, of the shape [rows][cols], or [rows] with
 *  cols 0; of a tensor of more dimensions a row is all that follows the first one (the
 *  kernel of a convolution).  A missing one or another shape is the graph's fault, naming
 *  the file, the tensor and both shapes.  The same name gives the same value. */
TN_API tn_ref tn_weight(struct tn_graph *g, const char *name, size_t rows, size_t cols);
/** tn_weight with a name put together by a format. */
TN_API tn_ref tn_weightf(struct tn_graph *g, size_t rows, size_t cols, const char *format, ...)
	TN_PRINTF(4, 5);
/** Whether the checkpoint has a tensor of that name. */
TN_API bool tn_has_weight(const struct tn_graph *g, const char *name);
/** Rows kept between calls by a session, `width` columns. */
TN_API tn_ref tn_state(struct tn_graph *g, const char *name, int axis, size_t width);

/* The ops; shapes, formulas and sources as in op.h.  x of another width than an op needs, or on
 * another axis, is the graph's fault. */

/** Columns first to first + cols - 1 of x: an alias. */
TN_API tn_ref tn_view(struct tn_graph *g, tn_ref x, size_t first, size_t cols);
/** Rows first to first + rows - 1 of a weight or a constant: an alias. */
TN_API tn_ref tn_view_rows(struct tn_graph *g, tn_ref weight, size_t first, size_t rows);
/** Values of the same rows, side by side. */
TN_API tn_ref tn_concat(struct tn_graph *g, const tn_ref *x, size_t n);
/** Row index[r] of the table for each r; zeros where index[r] < 0. */
TN_API tn_ref tn_gather(struct tn_graph *g, tn_ref table, tn_ref index);
/** Rows begin[s] to end[s] - 1 of x reduced to one, for each s. */
TN_API tn_ref tn_segment(struct tn_graph *g, tn_ref x, tn_ref begin, tn_ref end,
	enum tn_reduce kind);
/** x in another element type. */
TN_API tn_ref tn_cast(struct tn_graph *g, tn_ref x, enum tn_dtype dtype);
/** a + b and a * b, element by element; b may be a row, a column or a single value. */
TN_API tn_ref tn_add(struct tn_graph *g, tn_ref a, tn_ref b);
TN_API tn_ref tn_mul(struct tn_graph *g, tn_ref a, tn_ref b);
/** by * x + plus */
TN_API tn_ref tn_scale(struct tn_graph *g, tn_ref x, double by, double plus);
/** The activation of each element. */
TN_API tn_ref tn_act(struct tn_graph *g, tn_ref x, enum tn_act kind);
/** act(left half of the columns) * right half.  Source: Shazeer, arXiv 2002.05202. */
TN_API tn_ref tn_glu(struct tn_graph *g, tn_ref x, enum tn_act kind);
/** In training elements are dropped at this rate (0 to 1), the others divided by 1 - rate; else x.
 *  Source: Srivastava et al., JMLR 15 (2014). */
TN_API tn_ref tn_dropout(struct tn_graph *g, tn_ref x, double rate);
/** x weight^T + bias; bias may be TN_NONE. */
TN_API tn_ref tn_linear(struct tn_graph *g, tn_ref x, tn_ref weight, tn_ref bias);
/** tn_linear of the weights NAME.weight [out][columns of x] and NAME.bias [out]. */
TN_API tn_ref tn_dense(struct tn_graph *g, tn_ref x, const char *name, size_t out);
/** The product of two matrices, each transposed first if asked. */
TN_API tn_ref tn_matmul(struct tn_graph *g, tn_ref a, tn_ref b, bool transpose_a,
	bool transpose_b);
/** Each row less its mean, by its deviation, times weight, plus bias, which may be TN_NONE.
 *  Source: Ba et al., arXiv 1607.06450. */
TN_API tn_ref tn_layer_norm(struct tn_graph *g, tn_ref x, tn_ref weight, tn_ref bias,
	double eps);
/** Each row by its root mean square, times weight.  Source: Zhang & Sennrich, arXiv 1910.07467. */
TN_API tn_ref tn_rms_norm(struct tn_graph *g, tn_ref x, tn_ref weight, double eps);
/** rotary: how many of each head's columns are turned; interleaved: pairs (0,1),
 *  (2,3) ... instead of halves.  Source: Su et al., arXiv 2104.09864, section 3.2. */
TN_API tn_ref tn_rope(struct tn_graph *g, tn_ref x, tn_ref position, size_t heads,
	size_t rotary, double theta, bool interleaved);
/** T5's buckets (Raffel et al., arXiv 1910.10683, section 2.1) by distance. */
TN_API tn_ref tn_rel_table(struct tn_graph *g, tn_ref table, size_t max_distance, size_t span,
	bool bidirectional);
/** `extra`: bias inputs, then state inputs, as TN_OP_ATTENTION lists them. */
TN_API tn_ref tn_attention(struct tn_graph *g, tn_ref q, tn_ref k, tn_ref v, int q_axis,
	int kv_axis, const struct tn_attention_attr *attr, const tn_ref *extra,
	size_t n_extra);
/** The softmax of each row, or its logarithm. */
TN_API tn_ref tn_softmax(struct tn_graph *g, tn_ref x, bool log);
/** Sum, mean or maximum of each row (over 1), over the rows (0) or of all (2). */
TN_API tn_ref tn_reduce(struct tn_graph *g, tn_ref x, enum tn_reduce kind, int over);
/** a where the mask is not 0, else b. */
TN_API tn_ref tn_where(struct tn_graph *g, tn_ref mask, tn_ref a, tn_ref b);
/** Each row by its length, or by eps when that is more. */
TN_API tn_ref tn_l2norm(struct tn_graph *g, tn_ref x, double eps);
/** The summed loss; its count is the second output, see tn_output. */
TN_API tn_ref tn_cross_entropy(struct tn_graph *g, tn_ref logits, tn_ref target,
	tn_ref class_weights, double smoothing);
/** The summed binary cross entropy of logits and targets in 0..1, or their squared difference; its
 *  count is the second output.  A target of another float type is cast to that of the logits. */
TN_API tn_ref tn_bce(struct tn_graph *g, tn_ref logits, tn_ref target, bool mse);
/** data is given to the op's functions and outlives the graph. */
TN_API tn_ref tn_custom(struct tn_graph *g, const struct tn_custom_op *op, const void *data,
	const tn_ref *in, size_t n_in);

/** The i-th output of the node that made x. */
TN_API tn_ref tn_output(struct tn_graph *g, tn_ref x, unsigned i);
/** Columns of a value: the product of its dims from the second on. */
TN_API size_t tn_width(const struct tn_graph *g, tn_ref x);
/** A feature of the model ("tokens", "pooled", "tagged", "mlm", "source"), or "head:NAME",
 *  the scores of another head of the pipeline; built when it is first asked for. */
TN_API tn_ref tn_feature(struct tn_graph *g, const char *name);
/** Whether the graph is for training: dropout and saved outputs exist then. */
TN_API bool tn_training(const struct tn_graph *g);
/** Sets the graph's fault; returns TN_BAD. */
TN_API tn_ref tn_graph_fail(struct tn_graph *g, enum tn_error code, const char *format, ...)
	TN_PRINTF(3, 4);

TN_END
#endif
