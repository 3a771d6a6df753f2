/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/grad_rules.c - gradient rules: what a node sends back to its inputs, as nodes
 * of the same op table; products and elementwise ops wherever the formula has them, as all
 * backends run these.
 */
#include "tensor/grad_impl.h"
#include "tensor/op_table.h"

static const struct tn_spec *spec_of(const struct sweep *s, tn_ref x)
{
	return &s->g->values[x].spec;
}

/* A node at the lowest version that expresses it. */
static tn_ref emit(struct sweep *s, uint32_t op, const union tn_attr *attr, const tn_ref *in,
	size_t n_in, size_t n_out)
{
	const struct tn_node node = { .op = op, .attr = *attr };

	return tn_graph_emit(s->g, op, tn_op_lowest(&node), attr, in, n_in, n_out);
}

/* d has the shape of input 0; what an input that was spread over it gets. */
static tn_ref gather_spread(struct sweep *s, const struct tn_graph_node *n, tn_ref d)
{
	const struct tn_spec *a = spec_of(s, n->in[0]), *b = spec_of(s, n->in[1]);

	if (b->n_dims == a->n_dims && b->dims[1] == a->dims[1])
		return d;
	return tn_reduce(s->g, d, TN_SUM, b->n_dims == 0 ? 2 : b->n_dims == 1 ? 0 : 1);
}

/* y = a + b */
static void grad_add(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	sweep_send(s, n, 0, dy);
	if (sweep_wants(s, n, 1))
		sweep_send(s, n, 1, gather_spread(s, n, dy));
}

/* y = a b */
static void grad_mul(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	if (sweep_wants(s, n, 0))
		sweep_send(s, n, 0, tn_mul(s->g, dy, n->in[1]));
	if (sweep_wants(s, n, 1))
		sweep_send(s, n, 1, gather_spread(s, n, tn_mul(s->g, dy, n->in[0])));
}

static void grad_scale(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	sweep_send(s, n, 0, tn_scale(s->g, dy, n->node.attr.scale.by, 0));
}

static void grad_act(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	sweep_send(s, n, 0, emit(s, TN_OP_ACT_GRAD, &n->node.attr, (tn_ref[]){ n->in[0], dy }, 2, 1));
}

/* The same elements are dropped: the random words belong to key and place. */
static void grad_dropout(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	sweep_send(s, n, 0, emit(s, TN_OP_DROPOUT, &n->node.attr, &dy, 1, 1));
}

static void grad_concat(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	size_t first = 0;

	for (uint32_t i = 0; i < n->node.n_in; i++) {
		size_t cols = spec_of(s, n->in[i])->dims[1];

		if (sweep_wants(s, n, i))
			sweep_send(s, n, i, tn_view(s->g, dy, first, cols));
		first += cols;
	}
}

static void grad_gather(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	const struct tn_spec *table = spec_of(s, n->in[0]);
	union tn_attr attr = { .scatter = { .axis = table->axis } };

	if (table->axis == TN_NO_AXIS)
		attr.scatter.rows = (uint32_t)table->dims[0];
	sweep_send(s, n, 0, emit(s, TN_OP_SCATTER_ADD, &attr, (tn_ref[]){ dy, n->in[1] }, 2, 1));
}

/* A product at the precision of the graph's linears. */
static tn_ref product_of_linear(struct sweep *s, tn_ref a, tn_ref b, bool transpose_a)
{
	const union tn_attr attr = { .matmul = { .transpose_a = transpose_a,
		.precision = s->g->precision } };

	return emit(s, TN_OP_MATMUL, &attr, (tn_ref[]){ a, b }, 2, 1);
}

/* y = x w^T + b: dx = dy w, dw = dy^T x, db = the sum of dy over rows */
static void grad_linear(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	if (n->node.version != 1) {
		tn_graph_fail(s->g, TN_EINTERNAL, "%s: a joined linear has no gradient",
			n->node.name);
		return;
	}
	if (sweep_wants(s, n, 0))
		sweep_send(s, n, 0, product_of_linear(s, dy, n->in[1], false));
	if (sweep_wants(s, n, 1))
		sweep_send(s, n, 1, product_of_linear(s, dy, n->in[0], true));
	if (sweep_wants(s, n, 2))
		sweep_send(s, n, 2, tn_reduce(s->g, dy, TN_SUM, 0));
}

/* y = op(a) op(b): d op(a) = dy op(b)^T and d op(b) = op(a)^T dy, each transposed
 * once more where op transposes. */
static void grad_matmul(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	bool ta = n->node.attr.matmul.transpose_a, tb = n->node.attr.matmul.transpose_b;
	tn_ref a = n->in[0], b = n->in[1];

	if (sweep_wants(s, n, 0))
		sweep_send(s, n, 0, ta ? tn_matmul(s->g, b, dy, tb, true) :
			tn_matmul(s->g, dy, b, false, !tb));
	if (sweep_wants(s, n, 1))
		sweep_send(s, n, 1, tb ? tn_matmul(s->g, dy, a, true, ta) :
			tn_matmul(s->g, a, dy, !ta, false));
}

static void grad_layer_norm(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	tn_ref in[] = { n->in[0], n->in[1], n->out[1], n->out[2], dy };
	tn_ref dx = emit(s, TN_OP_LAYER_NORM_GRAD, &n->node.attr, in, 5, 3);

	sweep_send(s, n, 0, dx);
	sweep_send(s, n, 1, tn_output(s->g, dx, 1));
	if (n->node.attr.norm.bias)
		sweep_send(s, n, 2, tn_output(s->g, dx, 2));
}

static void grad_rms_norm(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	tn_ref in[] = { n->in[0], n->in[1], n->out[1], dy };
	tn_ref dx = emit(s, TN_OP_RMS_NORM_GRAD, &n->node.attr, in, 4, 2);

	sweep_send(s, n, 0, dx);
	sweep_send(s, n, 1, tn_output(s->g, dx, 1));
}

static void grad_softmax(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	sweep_send(s, n, 0, emit(s, TN_OP_SOFTMAX_GRAD, &n->node.attr, (tn_ref[]){ n->out[0], dy }, 2,
		1));
}

static void grad_cross_entropy(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	uint32_t weighted = !!n->node.attr.loss.weighted;
	tn_ref in[] = { n->in[0], n->in[1], n->out[2], dy, weighted ? n->in[2] : TN_NONE };

	if (sweep_wants(s, n, 2))
		tn_graph_fail(s->g, TN_EINTERNAL, "%s: class weights have no gradient",
			n->node.name);
	sweep_send(s, n, 0, emit(s, TN_OP_CROSS_ENTROPY_GRAD, &n->node.attr, in, 4 + weighted, 1));
}

/* A bias that is a tensor, a state and the slopes of ALiBi have no gradient. */
static void grad_attention(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	tn_ref in[TN_MAX_IN] = { n->in[0], n->in[1], n->in[2], n->out[0], n->out[1], dy };
	uint32_t bias = n->node.attr.attention.bias, n_in = 6;
	tn_ref dq;

	for (uint32_t i = 3; i < n->node.n_in && n_in < TN_MAX_IN; i++)
		in[n_in++] = n->in[i];
	if (bias == TN_BIAS_TENSOR || n->node.attr.attention.state ||
	    (bias == TN_BIAS_ALIBI && sweep_wants(s, n, 3))) {
		tn_graph_fail(s->g, TN_EINTERNAL, "%s: attention with %s has no gradient",
			n->node.name, n->node.attr.attention.state ? "a state" :
			bias == TN_BIAS_ALIBI ? "slopes that are trained" : "a bias tensor");
		return;
	}
	dq = emit(s, TN_OP_ATTENTION_GRAD, &n->node.attr, in, n_in, bias == TN_BIAS_REL ? 4 : 3);
	for (uint32_t i = 0; i < 3; i++)
		sweep_send(s, n, i, tn_output(s->g, dq, i));
	if (bias == TN_BIAS_REL)
		sweep_send(s, n, 3, tn_output(s->g, dq, 3));
	if (bias != TN_BIAS_DISENTANGLED || (!sweep_wants(s, n, 3) && !sweep_wants(s, n, 4)))
		return;
	dq = emit(s, TN_OP_ATTENTION_BIAS_GRAD, &n->node.attr, in, n_in, 2);
	if (n->node.attr.attention.c2p)
		sweep_send(s, n, 3, dq);
	if (n->node.attr.attention.p2c)
		sweep_send(s, n, 4, tn_output(s->g, dq, 1));
}

/* y = act(a) b, a and b being the halves of x */
static void grad_glu(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	size_t cols = spec_of(s, n->in[0])->dims[1] / 2;
	tn_ref a = tn_view(s->g, n->in[0], 0, cols), b = tn_view(s->g, n->in[0], cols, cols);
	tn_ref parts[] = { tn_mul(s->g, dy, b), tn_act(s->g, a, n->node.attr.act.kind) };

	parts[0] = emit(s, TN_OP_ACT_GRAD, &n->node.attr, (tn_ref[]){ a, parts[0] }, 2, 1);
	parts[1] = tn_mul(s->g, dy, parts[1]);
	sweep_send(s, n, 0, tn_concat(s->g, parts, 2));
}

static void grad_cast(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	sweep_send(s, n, 0, tn_cast(s->g, dy, spec_of(s, n->in[0])->dtype));
}

static void grad_segment(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	sweep_send(s, n, 0, emit(s, TN_OP_SEGMENT_GRAD, &n->node.attr,
		(tn_ref[]){ n->in[0], n->in[1], n->in[2], dy }, 4, 1));
}

static void grad_reduce(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	sweep_send(s, n, 0, emit(s, TN_OP_REDUCE_GRAD, &n->node.attr, (tn_ref[]){ n->in[0], dy },
		2, 1));
}

static void grad_l2norm(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	sweep_send(s, n, 0, emit(s, TN_OP_L2NORM_GRAD, &n->node.attr, (tn_ref[]){ n->in[0], dy },
		2, 1));
}

static void grad_where(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	tn_ref zero = tn_scale(s->g, dy, 0, 0);

	if (sweep_wants(s, n, 1))
		sweep_send(s, n, 1, tn_where(s->g, n->in[0], dy, zero));
	if (sweep_wants(s, n, 2))
		sweep_send(s, n, 2, tn_where(s->g, n->in[0], zero, dy));
}

/* A rotation's transpose is the rotation back. */
static void grad_rope(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	union tn_attr attr = n->node.attr;

	attr.rope.inverse = !attr.rope.inverse;
	sweep_send(s, n, 0, emit(s, TN_OP_ROPE, &attr, (tn_ref[]){ dy, n->in[1] }, 2, 1));
}

static void grad_rel_table(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	sweep_send(s, n, 0, emit(s, TN_OP_REL_TABLE_GRAD, &n->node.attr, &dy, 1, 1));
}

/* With mse d = 2 (x - t) dloss, else d = (s(x) - t) dloss, s the logistic function; t gets
 * -d, else -x dloss. */
static void grad_bce(struct sweep *s, const struct tn_graph_node *n, tn_ref dloss)
{
	bool mse = n->node.attr.loss.mse;
	tn_ref x = mse ? n->in[0] : tn_act(s->g, n->in[0], TN_ACT_SIGMOID);
	tn_ref d = tn_add(s->g, x, tn_scale(s->g, n->in[1], -1, 0));

	d = tn_mul(s->g, mse ? tn_scale(s->g, d, 2, 0) : d, dloss);
	sweep_send(s, n, 0, d);
	if (sweep_wants(s, n, 1))
		sweep_send(s, n, 1, tn_scale(s->g, mse ? d : tn_mul(s->g, n->in[0], dloss), -1,
			0));
}

static bool is_float(uint32_t dtype)
{
	return dtype == TN_F32 || dtype == TN_F64 || dtype == TN_F16 || dtype == TN_BF16;
}

/* The node's backward, given what it asked to keep and the gradients of the outputs. */
static void grad_custom(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	const struct tn_custom_op *op = n->node.custom;
	tn_ref in[TN_MAX_IN + 2 * TN_MAX_OUT], dx;
	struct tn_spec out[TN_MAX_IN];
	size_t n_in = 0, n_out = 0, sent = 0;

	for (uint32_t i = 0; i < n->node.n_in; i++) {
		if (op->keep_in >> i & 1)
			in[n_in++] = n->in[i];
		if (is_float(spec_of(s, n->in[i])->dtype))
			out[n_out++] = *spec_of(s, n->in[i]);
	}
	for (uint32_t i = 0; i < n->node.n_out; i++)
		if (op->keep_out >> i & 1)
			in[n_in++] = n->out[i];
	for (uint32_t i = 0; i < op->n_out; i++) {
		tn_ref d = i ? s->grad[n->out[i]] : dy;

		in[n_in++] = d == TN_NONE ? tn_scale(s->g, n->out[i], 0, 0) : d;
	}
	if (n_out > TN_MAX_OUT || n_in > TN_MAX_IN) {
		tn_graph_fail(s->g, TN_EINTERNAL, "%s: the gradient of %s has %zu inputs and %zu "
			"outputs, expected at most %d and %d", n->node.name, op->name, n_in, n_out,
			TN_MAX_IN, TN_MAX_OUT);
		return;
	}
	dx = tn_graph_custom_grad(s->g, &n->node, in, n_in, out, n_out);
	for (uint32_t i = 0; i < n->node.n_in && !s->g->status; i++)
		if (is_float(spec_of(s, n->in[i])->dtype))
			sweep_send(s, n, i, tn_output(s->g, dx, (unsigned)sent++));
}

gradient_rule *const gradient_rules[TN_N_OPS] = {
	[TN_OP_CONCAT] = grad_concat,
	[TN_OP_GATHER] = grad_gather,
	[TN_OP_SEGMENT] = grad_segment,
	[TN_OP_CAST] = grad_cast,
	[TN_OP_ADD] = grad_add,
	[TN_OP_MUL] = grad_mul,
	[TN_OP_SCALE] = grad_scale,
	[TN_OP_ACT] = grad_act,
	[TN_OP_GLU] = grad_glu,
	[TN_OP_DROPOUT] = grad_dropout,
	[TN_OP_LINEAR] = grad_linear,
	[TN_OP_MATMUL] = grad_matmul,
	[TN_OP_LAYER_NORM] = grad_layer_norm,
	[TN_OP_RMS_NORM] = grad_rms_norm,
	[TN_OP_ROPE] = grad_rope,
	[TN_OP_REL_TABLE] = grad_rel_table,
	[TN_OP_ATTENTION] = grad_attention,
	[TN_OP_SOFTMAX] = grad_softmax,
	[TN_OP_REDUCE] = grad_reduce,
	[TN_OP_WHERE] = grad_where,
	[TN_OP_L2NORM] = grad_l2norm,
	[TN_OP_CROSS_ENTROPY] = grad_cross_entropy,
	[TN_OP_BCE] = grad_bce,
	[TN_OP_CUSTOM] = grad_custom,
};
