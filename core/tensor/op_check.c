/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/op_check.c - checks that the shape rules share.
 */
#include "tensor/op_check.h"

#include <stdio.h>

struct tn_shape_text tn_shape_text(const struct tn_spec *spec)
{
	const char *dtype = tn_dtype_name((enum tn_dtype)spec->dtype);
	struct tn_shape_text text;
	size_t n = 0;

	for (uint32_t i = 0; i < spec->n_dims && i < 4; i++) {
		if (i == 0 && spec->axis != TN_NO_AXIS)
			n += (size_t)snprintf(text.s + n, sizeof(text.s) - n, "[axis %d]",
				spec->axis);
		else
			n += (size_t)snprintf(text.s + n, sizeof(text.s) - n, "[%zu]",
				spec->dims[i]);
	}
	snprintf(text.s + n, sizeof(text.s) - n, "%s%s", n ? " " : "", dtype ? dtype : "?");
	return text;
}

int tn_misfit(const struct tn_node *node, uint32_t i, struct tn_call *call, const char *format,
	...)
{
	char expected[160];
	va_list args;

	va_start(args, format);
	vsnprintf(expected, sizeof(expected), format, args);
	va_end(args);
	if (i == 0)
		return tn_fail(call, TN_EINTERNAL, "%s: %s: input 0 is %s, expected %s",
			node->name ? node->name : "unnamed node", tn_op_name(node->op),
			tn_shape_text(node->in[0]).s, expected);
	return tn_fail(call, TN_EINTERNAL, "%s: %s: input %u is %s, expected %s; input 0 is %s",
		node->name ? node->name : "unnamed node", tn_op_name(node->op), i,
		tn_shape_text(node->in[i]).s, expected, tn_shape_text(node->in[0]).s);
}

bool tn_same_rows(const struct tn_spec *a, const struct tn_spec *b)
{
	return a->axis == b->axis && (a->axis != TN_NO_AXIS || a->dims[0] == b->dims[0]);
}

bool tn_same_shape(const struct tn_spec *a, const struct tn_spec *b)
{
	if (a->n_dims != b->n_dims || !tn_same_rows(a, b))
		return false;
	return a->dims[1] == b->dims[1] && a->dims[2] == b->dims[2] && a->dims[3] == b->dims[3];
}

int tn_want_float(const struct tn_node *node, uint32_t i, struct tn_call *call)
{
	switch (node->in[i]->dtype) {
	case TN_F32:
	case TN_F64:
	case TN_F16:
	case TN_BF16:
		return 0;
	default:
		return tn_misfit(node, i, call, "a float type");
	}
}

int tn_want_matrix(const struct tn_node *node, uint32_t i, struct tn_call *call)
{
	if (node->in[i]->n_dims != 2)
		return tn_misfit(node, i, call, "two dimensions");
	return tn_want_float(node, i, call);
}

int tn_want_constant(const struct tn_node *node, uint32_t i, size_t rows, size_t cols,
	struct tn_call *call)
{
	const struct tn_spec *in = node->in[i];

	if (in->axis == TN_NO_AXIS && in->n_dims == (cols ? 2 : 1) && in->dims[0] == rows &&
	    in->dims[1] == (cols ? cols : 1) && in->dtype == node->in[0]->dtype)
		return 0;
	if (cols)
		return tn_misfit(node, i, call, "[%zu][%zu] of the same type", rows, cols);
	return tn_misfit(node, i, call, "[%zu] of the same type", rows);
}

int tn_want_index(const struct tn_node *node, uint32_t i, const struct tn_spec *rows,
	struct tn_call *call)
{
	const struct tn_spec *in = node->in[i];

	if (in->dtype != TN_I32 || in->n_dims != 1)
		return tn_misfit(node, i, call, "I32 of one dimension");
	if (rows && !tn_same_rows(in, rows))
		return tn_misfit(node, i, call, "the rows of %s", tn_shape_text(rows).s);
	return 0;
}

int tn_want_column(const struct tn_node *node, uint32_t i, struct tn_call *call)
{
	const struct tn_spec *in = node->in[i];

	if (in->n_dims == 1 && in->dtype == node->in[0]->dtype && tn_same_rows(in, node->in[0]))
		return 0;
	return tn_misfit(node, i, call, "one value for each row");
}

int tn_want_like(const struct tn_node *node, uint32_t i, uint32_t k, struct tn_call *call)
{
	if (node->in[i]->dtype == node->in[k]->dtype && tn_same_shape(node->in[i], node->in[k]))
		return 0;
	return tn_misfit(node, i, call, "%s", tn_shape_text(node->in[k]).s);
}

int tn_want_scalar(const struct tn_node *node, uint32_t i, struct tn_call *call)
{
	if (node->in[i]->n_dims == 0 && node->in[i]->dtype == node->in[0]->dtype)
		return 0;
	return tn_misfit(node, i, call, "a single value of the same type");
}

int tn_want_inputs(const struct tn_node *node, uint32_t n, struct tn_call *call)
{
	if (node->n_in == n)
		return 0;
	return tn_fail(call, TN_EINTERNAL, "%s: %s has %u inputs, its attributes ask for %u",
		node->name ? node->name : "unnamed node", tn_op_name(node->op), node->n_in, n);
}

struct tn_spec tn_spec_scalar(uint32_t dtype)
{
	return (struct tn_spec){ .dtype = dtype, .axis = TN_NO_AXIS, .dims = { 1, 1, 1, 1 } };
}

struct tn_spec tn_spec_vector(uint32_t dtype, size_t n)
{
	struct tn_spec spec = tn_spec_scalar(dtype);

	spec.n_dims = 1;
	spec.dims[0] = n;
	return spec;
}

struct tn_spec tn_spec_rows(const struct tn_spec *like, uint32_t dtype, size_t cols)
{
	struct tn_spec spec = tn_spec_vector(dtype, like->dims[0]);

	spec.axis = like->axis;
	if (cols) {
		spec.n_dims = 2;
		spec.dims[1] = cols;
	}
	return spec;
}
