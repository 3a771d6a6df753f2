/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/op_shape_attention.c - shape rules of attention and its gradient.
 */
#include "tensor/op_check.h"
#include "tensor/op_shape.h"

/* q, k and v: widths by heads, k and v on the same rows, all on axes. */
static int check_qkv(const struct tn_node *node, struct tn_call *call)
{
	const struct tn_attention_attr *a = &node->attr.attention;
	const struct tn_spec *q = node->in[0], *k = node->in[1];

	if (tn_want_matrix(node, 0, call) || tn_want_matrix(node, 1, call) ||
	    tn_want_like(node, 2, 1, call))
		return tn_status(call);
	if (!a->heads || !a->kv_heads || a->heads % a->kv_heads || !a->head_size)
		return tn_misfit(node, 0, call, "heads as a multiple of key heads, not %u and %u",
			a->heads, a->kv_heads);
	if (q->axis == TN_NO_AXIS || q->dims[1] != (size_t)a->heads * a->head_size)
		return tn_misfit(node, 0, call, "rows on an axis and %u heads of %u columns",
			a->heads, a->head_size);
	if (k->axis == TN_NO_AXIS || k->dtype != q->dtype ||
	    k->dims[1] != (size_t)a->kv_heads * a->head_size)
		return tn_misfit(node, 1, call, "rows on an axis and %u heads of %u columns",
			a->kv_heads, a->head_size);
	return 0;
}

static int check_disentangled(const struct tn_node *node, uint32_t i, struct tn_call *call)
{
	const struct tn_attention_attr *a = &node->attr.attention;
	size_t width = (size_t)a->heads * a->head_size;

	if (!a->span || a->heads != a->kv_heads)
		return tn_misfit(node, 0, call, "a span, and as many key heads as heads");
	if (a->c2p && tn_want_constant(node, i, node->in[i]->dims[0], width, call))
		return tn_status(call);
	if (a->p2c && tn_want_constant(node, i + 1, node->in[i + 1]->dims[0], width, call))
		return tn_status(call);
	if (tn_want_index(node, i + 2, NULL, call))
		return tn_status(call);
	if (node->in[i + 2]->axis != TN_NO_AXIS || node->in[i + 2]->dims[0] != 2 * (size_t)a->span - 1)
		return tn_misfit(node, i + 2, call, "[%zu] I32", 2 * (size_t)a->span - 1);
	return 0;
}

/* The inputs of the bias, from input i on. */
static int check_bias(const struct tn_node *node, uint32_t i, struct tn_call *call)
{
	const struct tn_attention_attr *a = &node->attr.attention;
	const struct tn_spec *in = node->in[i];

	switch (a->bias) {
	case TN_BIAS_NONE:
		return 0;
	case TN_BIAS_REL:
		if (!a->span)
			return tn_misfit(node, i, call, "a span");
		return tn_want_constant(node, i, 2 * (size_t)a->span - 1, a->heads, call);
	case TN_BIAS_ALIBI:
		return tn_want_constant(node, i, a->heads, 0, call);
	case TN_BIAS_DISENTANGLED:
		return check_disentangled(node, i, call);
	case TN_BIAS_TENSOR:
		if (in->n_dims != 3 || in->dims[2] != a->heads ||
		    in->dtype != node->in[0]->dtype || !tn_same_rows(in, node->in[0]))
			return tn_misfit(node, i, call, "[rows of queries][keys][%u]", a->heads);
		return 0;
	default:
		return tn_misfit(node, 0, call, "a known kind of bias, not %u", a->bias);
	}
}

int tn_shape_attention(const struct tn_node *node, struct tn_spec out[TN_MAX_OUT],
	struct tn_call *call)
{
	const struct tn_attention_attr *a = &node->attr.attention;
	const struct tn_spec *q = node->in[0], *k = node->in[1];
	uint32_t extra = tn_attention_extra(a);

	if (check_qkv(node, call) || tn_want_inputs(node, 3 + extra, call) ||
	    check_bias(node, 3, call))
		return tn_status(call);
	for (uint32_t i = 1 + extra; a->state && i < 3 + extra; i++)
		if (node->in[i]->n_dims != 2 || node->in[i]->dtype != k->dtype ||
		    node->in[i]->dims[1] != k->dims[1])
			return tn_misfit(node, i, call, "rows of %zu columns", k->dims[1]);
	out[0] = *q;
	out[1] = tn_spec_rows(q, q->dtype, a->heads);
	return 0;
}

/* The inputs of the gradients: those of the forward node with y, lse and dy between. */
static int check_grad(const struct tn_node *node, struct tn_call *call)
{
	const struct tn_attention_attr *a = &node->attr.attention;
	const struct tn_spec *q = node->in[0];
	struct tn_spec lse = tn_spec_rows(q, q->dtype, a->heads);

	if (check_qkv(node, call))
		return tn_status(call);
	if (a->state || a->bias > TN_BIAS_DISENTANGLED)
		return tn_misfit(node, 0, call, "no state, and no bias that is a tensor");
	if (tn_want_inputs(node, 6 + tn_attention_extra(a), call) ||
	    tn_want_like(node, 3, 0, call) || tn_want_like(node, 5, 0, call) ||
	    check_bias(node, 6, call))
		return tn_status(call);
	if (node->in[4]->dtype != q->dtype || !tn_same_shape(node->in[4], &lse))
		return tn_misfit(node, 4, call, "%s", tn_shape_text(&lse).s);
	return 0;
}

int tn_shape_attention_grad(const struct tn_node *node, struct tn_spec out[TN_MAX_OUT],
	struct tn_call *call)
{
	const struct tn_spec *q = node->in[0];

	if (check_grad(node, call))
		return tn_status(call);
	out[0] = *q;
	out[1] = out[2] = *node->in[1];
	out[3] = node->attr.attention.bias == TN_BIAS_REL ? *node->in[6] : tn_spec_scalar(q->dtype);
	return 0;
}

int tn_shape_attention_bias_grad(const struct tn_node *node, struct tn_spec out[TN_MAX_OUT],
	struct tn_call *call)
{
	const struct tn_attention_attr *a = &node->attr.attention;

	if (check_grad(node, call))
		return tn_status(call);
	if (a->bias != TN_BIAS_DISENTANGLED)
		return tn_misfit(node, 0, call, "a disentangled bias, not %u", a->bias);
	out[0] = a->c2p ? *node->in[6] : tn_spec_scalar(node->in[0]->dtype);
	out[1] = a->p2c ? *node->in[7] : tn_spec_scalar(node->in[0]->dtype);
	return 0;
}
