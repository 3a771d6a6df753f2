/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/grad.c - the backward sweep: what comes back to each value.
 *
 * The sweep goes over the nodes from the last to the first.  Gradients are kept by
 * the root of a value: what comes back to a view is put in its place in the root.
 * Several contributions to one value are added in the order in which they come.
 * Source: Griewank and Walther, Evaluating Derivatives (SIAM 2008), section 3.2.
 */
#include "tensor/grad_impl.h"
#include "tensor/op_table.h"

bool sweep_wants(const struct sweep *s, const struct tn_graph_node *n, uint32_t i)
{
	return i < n->node.n_in && s->needed[s->g->values[n->in[i]].root];
}

/* Constant rows of which only some were read: zeros around d. */
static tn_ref place(struct sweep *s, const struct tn_graph_value *view, tn_ref d)
{
	const struct tn_spec *whole = &s->g->values[view->root].spec;
	union tn_attr attr = { .view = { .rows = (uint32_t)whole->dims[0],
		.cols = (uint32_t)whole->dims[1],
		.first_row = (uint32_t)(view->first / whole->dims[1]),
		.first = (uint32_t)(view->first % whole->dims[1]) } };

	return tn_graph_emit(s->g, TN_OP_PLACE, 1, &attr, &d, 1, 1);
}

/* The gradient of a whole row when only columns of it were read: zeros beside d. */
static tn_ref widen(struct sweep *s, tn_ref view, tn_ref d)
{
	const struct tn_graph_value v = s->g->values[view];
	const struct tn_spec whole = s->g->values[v.root].spec;
	size_t cols = whole.dims[1], after = v.first + v.spec.dims[1];
	tn_ref parts[3];
	size_t n = 0;

	if (v.spec.axis == TN_NO_AXIS && v.spec.dims[0] != whole.dims[0])
		return place(s, &v, d);
	if (v.first)
		parts[n++] = tn_scale(s->g, tn_view(s->g, v.root, 0, v.first), 0, 0);
	parts[n++] = d;
	if (after < cols)
		parts[n++] = tn_scale(s->g, tn_view(s->g, v.root, after, cols - after), 0, 0);
	return n == 1 ? d : tn_concat(s->g, parts, n);
}

void sweep_send(struct sweep *s, const struct tn_graph_node *n, uint32_t i, tn_ref d)
{
	tn_ref x = n->in[i], root = s->g->values[x].root;

	if (!s->needed[root])
		return;
	if (x != root)
		d = widen(s, x, d);
	s->grad[root] = s->grad[root] == TN_NONE ? d : tn_add(s->g, s->grad[root], d);
}

bool tn_op_has_gradient(uint32_t op)
{
	return op < TN_N_OPS && gradient_rules[op];
}

/* Whether something came back to an output behind the first; the counts of losses do not
 * depend on what is trained. */
static bool others_used(const struct sweep *s, const struct tn_graph_node *n)
{
	bool used = false;

	for (uint32_t i = 1; i < n->node.n_out; i++)
		used |= s->grad[n->out[i]] != TN_NONE;
	return used && n->node.op != TN_OP_CROSS_ENTROPY && n->node.op != TN_OP_BCE;
}

/* Sends back through one node.  The node is copied: emitting moves the list. */
static void back_through(struct sweep *s, size_t i)
{
	struct tn_graph_node n = s->g->nodes[i];
	const struct tn_op_info *info = tn_op_info(n.node.op);
	const struct tn_custom_op *custom = n.node.custom;
	tn_ref dy = s->grad[n.out[0]];
	bool others = others_used(s, &n);

	if ((dy == TN_NONE && !others) || s->g->status)
		return;
	if (!gradient_rules[n.node.op] || (custom && !custom->backward))
		tn_graph_fail(s->g, TN_EINTERNAL, "%s: the op %s has no gradient rule",
			n.node.name, custom ? custom->name : info->name);
	else if (others && !custom)
		tn_graph_fail(s->g, TN_EINTERNAL, "%s: only the first output of %s has a gradient",
			n.node.name, info->name);
	else if (n.node.n_out < (custom ? custom->n_out + custom->n_saved : info->n_out))
		tn_graph_fail(s->g, TN_EINTERNAL, "%s: %s was not built for training",
			n.node.name, custom ? custom->name : info->name);
	else
		gradient_rules[n.node.op](s, &n, dy);
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
			needed |= sweep_wants(s, node, k);
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
