/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/op_shape.c - shape rules of the forward ops.  The shapes stand in
 * tenon/impl/op.h; a rule checks the inputs from the first on and fills out.
 */
#include "tensor/op_shape.h"

#include "tensor/op_check.h"

#define RULE(name)									\
	int tn_shape_##name(const struct tn_node *node, struct tn_spec out[TN_MAX_OUT],	\
		struct tn_call *call)

RULE(same)
{
	out[0] = *node->in[0];
	return tn_want_float(node, 0, call);
}

RULE(view)
{
	const struct tn_spec *x = node->in[0];
	size_t first = node->attr.view.first, cols = node->attr.view.cols;
	size_t first_row = node->attr.view.first_row, rows = node->attr.view.rows;

	out[0] = *x;
	if (cols) {
		if (x->n_dims != 2 || first + cols > x->dims[1])
			return tn_misfit(node, 0, call, "columns %zu to %zu", first,
				first + cols - 1);
		out[0].dims[1] = cols;
	}
	if (rows) {
		if (x->n_dims == 0 || x->axis != TN_NO_AXIS || first_row + rows > x->dims[0])
			return tn_misfit(node, 0, call, "constant rows %zu to %zu", first_row,
				first_row + rows - 1);
		out[0].dims[0] = rows;
	}
	return 0;
}

RULE(concat)
{
	const struct tn_spec *x = node->in[0];
	size_t cols = 0;

	for (uint32_t i = 0; i < node->n_in; i++) {
		if (tn_want_matrix(node, i, call))
			return tn_status(call);
		if (node->in[i]->dtype != x->dtype || !tn_same_rows(node->in[i], x))
			return tn_misfit(node, i, call, "the same rows and type");
		cols += node->in[i]->dims[1];
	}
	out[0] = tn_spec_rows(x, x->dtype, cols);
	return 0;
}

RULE(gather)
{
	const struct tn_spec *table = node->in[0];

	if (tn_want_matrix(node, 0, call) || tn_want_index(node, 1, NULL, call))
		return tn_status(call);
	out[0] = tn_spec_rows(node->in[1], table->dtype, table->dims[1]);
	return 0;
}

RULE(segment)
{
	const struct tn_spec *x = node->in[0];

	if (tn_want_matrix(node, 0, call) || tn_want_index(node, 1, NULL, call) ||
	    tn_want_index(node, 2, node->in[1], call))
		return tn_status(call);
	out[0] = tn_spec_rows(node->in[1], x->dtype, x->dims[1]);
	return 0;
}

RULE(cast)
{
	struct tn_node as_output = *node;

	out[0] = *node->in[0];
	out[0].dtype = node->attr.cast.dtype;
	as_output.in[0] = &out[0];
	if (tn_want_float(node, 0, call))
		return tn_status(call);
	return tn_want_float(&as_output, 0, call);
}

RULE(broadcast)
{
	const struct tn_spec *a = node->in[0], *b = node->in[1];
	bool fits;

	if (tn_want_float(node, 0, call))
		return tn_status(call);
	fits = b->n_dims == 0 || tn_same_shape(a, b);
	if (a->n_dims == 2 && b->n_dims == 1)
		fits = b->axis == TN_NO_AXIS && b->dims[0] == a->dims[1];
	if (a->n_dims == 2 && b->n_dims == 2)
		fits = tn_same_rows(a, b) && (b->dims[1] == a->dims[1] || b->dims[1] == 1);
	if (!fits || a->dtype != b->dtype)
		return tn_misfit(node, 1, call, "that of input 0, [%zu], a column or one value",
			a->dims[1]);
	out[0] = *a;
	return 0;
}

RULE(glu)
{
	const struct tn_spec *x = node->in[0];

	if (tn_want_matrix(node, 0, call))
		return tn_status(call);
	if (x->dims[1] % 2)
		return tn_misfit(node, 0, call, "an even number of columns");
	out[0] = tn_spec_rows(x, x->dtype, x->dims[1] / 2);
	return 0;
}

RULE(linear)
{
	uint32_t parts = node->attr.linear.parts, bias = node->attr.linear.bias, i = 1;
	const struct tn_spec *x = node->in[0];
	size_t cols = 0;

	if (!parts || parts > TN_MAX_IN)
		return tn_misfit(node, 0, call, "1 to %d parts, not %u", TN_MAX_IN, parts);
	if (tn_want_matrix(node, 0, call) ||
	    tn_want_inputs(node, 1 + parts * (bias ? 2 : 1) + !!node->attr.linear.residual, call))
		return tn_status(call);
	for (uint32_t p = 0; p < parts; p++) {
		size_t width = node->in[i]->dims[0];

		if (tn_want_constant(node, i++, width, x->dims[1], call) ||
		    (bias && tn_want_constant(node, i++, width, 0, call)))
			return tn_status(call);
		cols += width;
	}
	out[0] = tn_spec_rows(x, x->dtype, cols);
	if (node->attr.linear.residual &&
	    (node->in[i]->dtype != x->dtype || !tn_same_shape(node->in[i], &out[0])))
		return tn_misfit(node, i, call, "%s", tn_shape_text(&out[0]).s);
	return 0;
}

/* The inner dimension is rows of an input that is transposed on the left or plain
 * on the right, else columns; it must be the same axis or the same number. */
RULE(matmul)
{
	bool ta = node->attr.matmul.transpose_a, tb = node->attr.matmul.transpose_b;
	const struct tn_spec *a = node->in[0], *b = node->in[1];
	bool fits;

	if (tn_want_matrix(node, 0, call) || tn_want_matrix(node, 1, call))
		return tn_status(call);
	if (ta && !tb)
		fits = tn_same_rows(a, b);
	else if (!ta && tb)
		fits = a->dims[1] == b->dims[1];
	else if (ta)
		fits = a->axis == TN_NO_AXIS && a->dims[0] == b->dims[1];
	else
		fits = b->axis == TN_NO_AXIS && a->dims[1] == b->dims[0];
	if (!fits || a->dtype != b->dtype)
		return tn_misfit(node, 1, call, "the same inner dimension and type");
	if (tb && b->axis != TN_NO_AXIS)
		return tn_misfit(node, 1, call, "constant rows, as they become columns");
	out[0] = ta ? tn_spec_vector(a->dtype, a->dims[1]) : tn_spec_rows(a, a->dtype, 1);
	out[0].n_dims = 2;
	out[0].dims[1] = tb ? b->dims[0] : b->dims[1];
	return 0;
}

RULE(layer_norm)
{
	uint32_t bias = !!node->attr.norm.bias, residual = !!node->attr.norm.residual;
	const struct tn_spec *x = node->in[0];

	if (tn_want_matrix(node, 0, call) || tn_want_inputs(node, 2 + bias + residual, call) ||
	    tn_want_constant(node, 1, x->dims[1], 0, call) ||
	    (bias && tn_want_constant(node, 2, x->dims[1], 0, call)) ||
	    (residual && tn_want_like(node, 2 + bias, 0, call)))
		return tn_status(call);
	out[0] = *x;
	out[1] = out[2] = tn_spec_rows(x, x->dtype, 0);
	return 0;
}

RULE(rms_norm)
{
	const struct tn_spec *x = node->in[0];

	if (tn_want_matrix(node, 0, call) || tn_want_constant(node, 1, x->dims[1], 0, call))
		return tn_status(call);
	out[0] = *x;
	out[1] = tn_spec_rows(x, x->dtype, 0);
	return 0;
}

RULE(rope)
{
	size_t heads = node->attr.rope.heads, size = node->attr.rope.head_size;
	size_t rotary = node->attr.rope.rotary;

	if (tn_want_matrix(node, 0, call) || tn_want_index(node, 1, node->in[0], call))
		return tn_status(call);
	if (node->in[0]->dims[1] != heads * size || rotary > size || rotary % 2)
		return tn_misfit(node, 0, call,
			"%zu heads of %zu columns with an even %zu of them turned", heads, size,
			rotary);
	out[0] = *node->in[0];
	return 0;
}

RULE(rel_table)
{
	const struct tn_spec *table = node->in[0];
	size_t buckets = node->attr.rel_table.buckets, span = node->attr.rel_table.span;
	size_t exact = buckets / (node->attr.rel_table.bidirectional ? 4 : 2);

	if (tn_want_matrix(node, 0, call) ||
	    tn_want_constant(node, 0, buckets, table->dims[1], call))
		return tn_status(call);
	if (!span || !exact || node->attr.rel_table.max_distance <= exact)
		return tn_misfit(node, 0, call, "a span, and a distance above %zu buckets",
			exact);
	out[0] = tn_spec_rows(table, table->dtype, table->dims[1]);
	out[0].dims[0] = 2 * span - 1;
	return 0;
}

RULE(rows)
{
	out[0] = *node->in[0];
	return tn_want_matrix(node, 0, call);
}

RULE(reduce)
{
	const struct tn_spec *x = node->in[0];

	if (tn_want_float(node, 0, call))
		return tn_status(call);
	if (x->n_dims > 2 || (x->n_dims < 2 && node->attr.reduce.over != 2))
		return tn_misfit(node, 0, call, "two dimensions");
	switch (node->attr.reduce.over) {
	case 0:
		out[0] = tn_spec_vector(x->dtype, x->dims[1]);
		return 0;
	case 1:
		out[0] = tn_spec_rows(x, x->dtype, 1);
		return 0;
	case 2:
		out[0] = tn_spec_scalar(x->dtype);
		return 0;
	default:
		return tn_misfit(node, 0, call, "a reduction over 0 (rows), 1 (columns) or 2 (all)");
	}
}

RULE(where)
{
	const struct tn_spec *mask = node->in[0], *a = node->in[1];

	if ((mask->dtype != TN_U8 && mask->dtype != TN_BOOL) || mask->n_dims != 2)
		return tn_misfit(node, 0, call, "U8 or BOOL of two dimensions");
	if (tn_want_matrix(node, 1, call) || tn_want_like(node, 2, 1, call))
		return tn_status(call);
	if (!tn_same_rows(mask, a) || (mask->dims[1] != a->dims[1] && mask->dims[1] != 1))
		return tn_misfit(node, 1, call, "the rows of the mask, and its columns if not 1");
	out[0] = *a;
	return 0;
}

RULE(cross_entropy)
{
	const struct tn_spec *x = node->in[0];
	uint32_t weighted = !!node->attr.loss.weighted;

	if (tn_want_matrix(node, 0, call) || tn_want_index(node, 1, x, call) ||
	    tn_want_inputs(node, 2 + weighted, call) ||
	    (weighted && tn_want_constant(node, 2, x->dims[1], 0, call)))
		return tn_status(call);
	out[0] = out[1] = tn_spec_scalar(x->dtype);
	out[2] = tn_spec_rows(x, x->dtype, 0);
	return 0;
}

RULE(bce)
{
	if (tn_want_matrix(node, 0, call) || tn_want_like(node, 1, 0, call))
		return tn_status(call);
	out[0] = out[1] = tn_spec_scalar(node->in[0]->dtype);
	return 0;
}

#define SHORTEST_CUSTOM_OP (offsetof(struct tn_custom_op, keep_out) + sizeof(uint32_t))

RULE(custom)
{
	struct tn_spec in[TN_MAX_IN];

	if (!node->custom || node->custom->size < SHORTEST_CUSTOM_OP || !node->custom->infer ||
	    !node->custom->forward ||
	    node->custom->n_out + node->custom->n_saved > TN_MAX_OUT)
		return tn_fail(call, TN_EINTERNAL, "%s: a custom op needs infer, forward and at "
			"most %d outputs", node->name ? node->name : "unnamed node", TN_MAX_OUT);
	for (uint32_t i = 0; i < node->n_in; i++)
		in[i] = *node->in[i];
	return node->custom->infer(node->custom_data, in, node->n_in, out, call);
}
