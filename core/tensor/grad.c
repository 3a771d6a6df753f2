/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/grad.c - gradient rules: what a node sends back to its inputs.
 *
 * The sweep goes over the nodes from the last to the first.  Gradients are kept by
 * the root of a value: what comes back to a view of columns is put in its place in
 * the row of the root.  Several contributions to one value are added in the order in
 * which they come.
 * Source: Griewank and Walther, Evaluating Derivatives (SIAM 2008), section 3.2.
 */
#include "tensor/grad.h"

#include "tensor/op_table.h"

struct sweep {
	struct tn_graph *g;
	bool *needed;		/* by root: some wrt lies before it */
	tn_ref *grad;		/* by root: TN_NONE until something comes back */
};

/* dy: the gradient of the node's first output. */
typedef void gradient_rule(struct sweep *s, const struct tn_graph_node *n, tn_ref dy);

static const struct tn_spec *spec_of(const struct sweep *s, tn_ref x)
{
	return &s->g->values[x].spec;
}

/* Whether the gradient of input i is of use. */
static bool wants(const struct sweep *s, const struct tn_graph_node *n, uint32_t i)
{
	return i < n->node.n_in && s->needed[s->g->values[n->in[i]].root];
}

/* The gradient of a whole row when only columns of it were read: zeros beside d. */
static tn_ref widen(struct sweep *s, tn_ref view, tn_ref d)
{
	const struct tn_graph_value v = s->g->values[view];
	size_t cols = spec_of(s, v.root)->dims[1], after = v.first + v.spec.dims[1];
	tn_ref parts[3];
	size_t n = 0;

	if (v.spec.axis == TN_NO_AXIS && v.spec.dims[0] != spec_of(s, v.root)->dims[0])
		return tn_graph_fail(s->g, TN_EINTERNAL, "%s: a view of rows has no gradient",
			s->g->scope);
	if (v.first)
		parts[n++] = tn_scale(s->g, tn_view(s->g, v.root, 0, v.first), 0, 0);
	parts[n++] = d;
	if (after < cols)
		parts[n++] = tn_scale(s->g, tn_view(s->g, v.root, after, cols - after), 0, 0);
	return n == 1 ? d : tn_concat(s->g, parts, n);
}

/* d is a contribution to the gradient of input i. */
static void send(struct sweep *s, const struct tn_graph_node *n, uint32_t i, tn_ref d)
{
	tn_ref x = n->in[i], root = s->g->values[x].root;

	if (!s->needed[root])
		return;
	if (x != root)
		d = widen(s, x, d);
	s->grad[root] = s->grad[root] == TN_NONE ? d : tn_add(s->g, s->grad[root], d);
}

static tn_ref emit(struct sweep *s, uint32_t op, const union tn_attr *attr, const tn_ref *in,
	size_t n_in, size_t n_out)
{
	return tn_graph_emit(s->g, op, 1, attr, in, n_in, n_out);
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
	send(s, n, 0, dy);
	if (wants(s, n, 1))
		send(s, n, 1, gather_spread(s, n, dy));
}

/* y = a b */
static void grad_mul(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	if (wants(s, n, 0))
		send(s, n, 0, tn_mul(s->g, dy, n->in[1]));
	if (wants(s, n, 1))
		send(s, n, 1, gather_spread(s, n, tn_mul(s->g, dy, n->in[0])));
}

static void grad_scale(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	send(s, n, 0, tn_scale(s->g, dy, n->node.attr.scale.by, 0));
}

static void grad_act(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	send(s, n, 0, emit(s, TN_OP_ACT_GRAD, &n->node.attr, (tn_ref[]){ n->in[0], dy }, 2, 1));
}

/* The same elements are dropped: the random words belong to key and place. */
static void grad_dropout(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	send(s, n, 0, emit(s, TN_OP_DROPOUT, &n->node.attr, &dy, 1, 1));
}

static void grad_concat(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	size_t first = 0;

	for (uint32_t i = 0; i < n->node.n_in; i++) {
		size_t cols = spec_of(s, n->in[i])->dims[1];

		if (wants(s, n, i))
			send(s, n, i, tn_view(s->g, dy, first, cols));
		first += cols;
	}
}

static void grad_gather(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	const struct tn_spec *table = spec_of(s, n->in[0]);
	union tn_attr attr = { .scatter = { .axis = table->axis } };

	if (table->axis == TN_NO_AXIS)
		attr.scatter.rows = (uint32_t)table->dims[0];
	send(s, n, 0, emit(s, TN_OP_SCATTER_ADD, &attr, (tn_ref[]){ dy, n->in[1] }, 2, 1));
}

/* y = x w^T + b: dx = dy w, dw = dy^T x, db = the sum of dy over rows */
static void grad_linear(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	if (n->node.version != 1) {
		tn_graph_fail(s->g, TN_EINTERNAL, "%s: a joined linear has no gradient",
			n->node.name);
		return;
	}
	if (wants(s, n, 0))
		send(s, n, 0, tn_matmul(s->g, dy, n->in[1], false, false));
	if (wants(s, n, 1))
		send(s, n, 1, tn_matmul(s->g, dy, n->in[0], true, false));
	if (wants(s, n, 2))
		send(s, n, 2, tn_reduce(s->g, dy, TN_SUM, 0));
}

/* y = op(a) op(b): d op(a) = dy op(b)^T and d op(b) = op(a)^T dy, each transposed
 * once more where op transposes. */
static void grad_matmul(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	bool ta = n->node.attr.matmul.transpose_a, tb = n->node.attr.matmul.transpose_b;
	tn_ref a = n->in[0], b = n->in[1];

	if (wants(s, n, 0))
		send(s, n, 0, ta ? tn_matmul(s->g, b, dy, tb, true) :
			tn_matmul(s->g, dy, b, false, !tb));
	if (wants(s, n, 1))
		send(s, n, 1, tb ? tn_matmul(s->g, dy, a, true, ta) :
			tn_matmul(s->g, a, dy, !ta, false));
}

static void grad_layer_norm(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	tn_ref in[] = { n->in[0], n->in[1], n->out[1], n->out[2], dy };
	tn_ref dx = emit(s, TN_OP_LAYER_NORM_GRAD, &n->node.attr, in, 5, 3);

	send(s, n, 0, dx);
	send(s, n, 1, tn_output(s->g, dx, 1));
	if (n->node.attr.norm.bias)
		send(s, n, 2, tn_output(s->g, dx, 2));
}

static void grad_rms_norm(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	tn_ref in[] = { n->in[0], n->in[1], n->out[1], dy };
	tn_ref dx = emit(s, TN_OP_RMS_NORM_GRAD, &n->node.attr, in, 4, 2);

	send(s, n, 0, dx);
	send(s, n, 1, tn_output(s->g, dx, 1));
}

static void grad_softmax(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	send(s, n, 0, emit(s, TN_OP_SOFTMAX_GRAD, &n->node.attr, (tn_ref[]){ n->out[0], dy }, 2,
		1));
}

static void grad_cross_entropy(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	uint32_t weighted = !!n->node.attr.loss.weighted;
	tn_ref in[] = { n->in[0], n->in[1], n->out[2], dy, weighted ? n->in[2] : TN_NONE };

	if (wants(s, n, 2))
		tn_graph_fail(s->g, TN_EINTERNAL, "%s: class weights have no gradient",
			n->node.name);
	send(s, n, 0, emit(s, TN_OP_CROSS_ENTROPY_GRAD, &n->node.attr, in, 4 + weighted, 1));
}

static void grad_attention(struct sweep *s, const struct tn_graph_node *n, tn_ref dy)
{
	tn_ref in[TN_MAX_IN] = { n->in[0], n->in[1], n->in[2], n->out[0], n->out[1], dy };
	uint32_t bias = n->node.attr.attention.bias, n_in = 6;
	tn_ref dq;

	if (bias == TN_BIAS_REL || bias == TN_BIAS_ALIBI)
		in[n_in++] = n->in[3];
	dq = emit(s, TN_OP_ATTENTION_GRAD, &n->node.attr, in, n_in, bias == TN_BIAS_REL ? 4 : 3);
	for (uint32_t i = 0; i < 3; i++)
		send(s, n, i, tn_output(s->g, dq, i));
	if (bias == TN_BIAS_REL)
		send(s, n, 3, tn_output(s->g, dq, 3));
	else if (wants(s, n, 3))
		tn_graph_fail(s->g, TN_EINTERNAL, "%s: the slopes of a bias have no gradient",
			n->node.name);
}

static gradient_rule *const rules[TN_N_OPS] = {
	[TN_OP_CONCAT] = grad_concat,
	[TN_OP_GATHER] = grad_gather,
	[TN_OP_ADD] = grad_add,
	[TN_OP_MUL] = grad_mul,
	[TN_OP_SCALE] = grad_scale,
	[TN_OP_ACT] = grad_act,
	[TN_OP_DROPOUT] = grad_dropout,
	[TN_OP_LINEAR] = grad_linear,
	[TN_OP_MATMUL] = grad_matmul,
	[TN_OP_LAYER_NORM] = grad_layer_norm,
	[TN_OP_RMS_NORM] = grad_rms_norm,
	[TN_OP_ATTENTION] = grad_attention,
	[TN_OP_SOFTMAX] = grad_softmax,
	[TN_OP_CROSS_ENTROPY] = grad_cross_entropy,
};

/* Sends back through one node.  The node is copied: emitting moves the list. */
static void back_through(struct sweep *s, size_t i)
{
	struct tn_graph_node n = s->g->nodes[i];
	const struct tn_op_info *info = tn_op_info(n.node.op);
	tn_ref dy = s->grad[n.out[0]];

	if (dy == TN_NONE || s->g->status)
		return;
	if (!rules[n.node.op])
		tn_graph_fail(s->g, TN_EINTERNAL, "%s: the op %s has no gradient rule",
			n.node.name, n.node.custom ? n.node.custom->name : info->name);
	else if (n.node.n_out < info->n_out)
		tn_graph_fail(s->g, TN_EINTERNAL, "%s: %s was not built for training",
			n.node.name, info->name);
	else
		rules[n.node.op](s, &n, dy);
}

/* Marks what depends on wrt, nodes being in the order of use. */
static void mark_needed(struct sweep *s, const tn_ref *wrt, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->needed[s->g->values[wrt[i]].root] = true;
	for (size_t i = 0; i < s->g->n_nodes; i++) {
		const struct tn_graph_node *node = &s->g->nodes[i];
		bool needed = false;

		for (uint32_t k = 0; k < node->node.n_in; k++)
			needed |= wants(s, node, k);
		for (uint32_t k = 0; needed && k < node->node.n_out; k++)
			s->needed[node->out[k]] = true;
	}
}

int tn_graph_gradient(struct tn_graph *g, tn_ref loss, const tn_ref *wrt, size_t n, tn_ref *grad)
{
	size_t n_nodes = g->n_nodes, n_values = g->n_values;
	struct sweep s = { .g = g };

	if (g->status)
		return g->status;
	if (loss < 0 || g->values[loss].spec.n_dims)
		tn_graph_fail(g, TN_EINTERNAL, "%s: a gradient is of a single value", g->scope);
	for (size_t i = 0; i < n && !g->status; i++)
		if (wrt[i] < 0 || g->values[wrt[i]].root != wrt[i])
			tn_graph_fail(g, TN_EINTERNAL, "%s: a gradient by a view", g->scope);
	if (g->status)
		return g->status;
	s.needed = tn_alloc_n(g->call, n_values, sizeof(*s.needed));
	s.grad = tn_alloc_n(g->call, n_values, sizeof(*s.grad));
	if (!s.needed || !s.grad)
		return g->status = TN_ENOMEM;
	for (size_t i = 0; i < n_values; i++)
		s.grad[i] = TN_NONE;
	mark_needed(&s, wrt, n);
	if (s.needed[loss])
		s.grad[loss] = tn_scale(g, loss, 0, 1);
	for (size_t i = n_nodes; i-- > 0;)
		back_through(&s, i);
	for (size_t i = 0; i < n; i++)
		grad[i] = s.grad[wrt[i]];
	return g->status;
}
