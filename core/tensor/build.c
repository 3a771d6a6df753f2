/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/build.c - the builders of the ops: attributes and inputs in order.
 */
#include <stdio.h>
#include <string.h>

#include "tensor/graph.h"

static tn_ref emit1(struct tn_graph *g, uint32_t op, const union tn_attr *attr, tn_ref x)
{
	return tn_graph_emit(g, op, 1, attr, &x, 1, 1);
}

static tn_ref emit2(struct tn_graph *g, uint32_t op, const union tn_attr *attr, tn_ref a, tn_ref b)
{
	return tn_graph_emit(g, op, 1, attr, (tn_ref[]){ a, b }, 2, 1);
}

tn_ref tn_concat(struct tn_graph *g, const tn_ref *x, size_t n)
{
	return tn_graph_emit(g, TN_OP_CONCAT, 1, NULL, x, n, 1);
}

tn_ref tn_gather(struct tn_graph *g, tn_ref table, tn_ref index)
{
	return emit2(g, TN_OP_GATHER, NULL, table, index);
}

tn_ref tn_segment(struct tn_graph *g, tn_ref x, tn_ref begin, tn_ref end, enum tn_reduce kind)
{
	union tn_attr attr = { .reduce.kind = kind };

	return tn_graph_emit(g, TN_OP_SEGMENT, 1, &attr, (tn_ref[]){ x, begin, end }, 3, 1);
}

tn_ref tn_cast(struct tn_graph *g, tn_ref x, enum tn_dtype dtype)
{
	union tn_attr attr = { .cast.dtype = dtype };

	return emit1(g, TN_OP_CAST, &attr, x);
}

tn_ref tn_add(struct tn_graph *g, tn_ref a, tn_ref b)
{
	return emit2(g, TN_OP_ADD, NULL, a, b);
}

tn_ref tn_mul(struct tn_graph *g, tn_ref a, tn_ref b)
{
	return emit2(g, TN_OP_MUL, NULL, a, b);
}

tn_ref tn_scale(struct tn_graph *g, tn_ref x, double by, double plus)
{
	union tn_attr attr = { .scale = { by, plus } };

	return emit1(g, TN_OP_SCALE, &attr, x);
}

tn_ref tn_act(struct tn_graph *g, tn_ref x, enum tn_act kind)
{
	union tn_attr attr = { .act.kind = kind };

	return kind == TN_ACT_NONE ? x : emit1(g, TN_OP_ACT, &attr, x);
}

tn_ref tn_glu(struct tn_graph *g, tn_ref x, enum tn_act kind)
{
	union tn_attr attr = { .act.kind = kind };

	return emit1(g, TN_OP_GLU, &attr, x);
}

static bool drops(const struct tn_graph *g)
{
	return g->training && !g->no_dropout;
}

tn_ref tn_dropout(struct tn_graph *g, tn_ref x, double rate)
{
	union tn_attr attr = { .dropout = { .rate = rate, .key = g->n_nodes } };

	return drops(g) && rate > 0 ? emit1(g, TN_OP_DROPOUT, &attr, x) : x;
}

tn_ref tn_linear(struct tn_graph *g, tn_ref x, tn_ref weight, tn_ref bias)
{
	union tn_attr attr = { .linear = { .parts = 1, .bias = bias != TN_NONE } };

	return tn_graph_emit(g, TN_OP_LINEAR, 1, &attr, (tn_ref[]){ x, weight, bias },
		bias != TN_NONE ? 3 : 2, 1);
}

tn_ref tn_dense(struct tn_graph *g, tn_ref x, const char *name, size_t out)
{
	tn_ref weight = tn_weightf(g, out, tn_width(g, x), "%s.weight", name);

	return tn_linear(g, x, weight, tn_weightf(g, out, 0, "%s.bias", name));
}

tn_ref tn_matmul(struct tn_graph *g, tn_ref a, tn_ref b, bool transpose_a, bool transpose_b)
{
	union tn_attr attr = { .matmul = { transpose_a, transpose_b } };

	return emit2(g, TN_OP_MATMUL, &attr, a, b);
}

tn_ref tn_layer_norm(struct tn_graph *g, tn_ref x, tn_ref weight, tn_ref bias, double eps)
{
	union tn_attr attr = { .norm = { .eps = eps, .bias = bias != TN_NONE } };

	return tn_graph_emit(g, TN_OP_LAYER_NORM, 1, &attr, (tn_ref[]){ x, weight, bias },
		bias != TN_NONE ? 3 : 2, g->training ? 3 : 1);
}

tn_ref tn_rms_norm(struct tn_graph *g, tn_ref x, tn_ref weight, double eps)
{
	union tn_attr attr = { .norm.eps = eps };

	return tn_graph_emit(g, TN_OP_RMS_NORM, 1, &attr, (tn_ref[]){ x, weight }, 2,
		g->training ? 2 : 1);
}

tn_ref tn_rope(struct tn_graph *g, tn_ref x, tn_ref position, size_t heads, size_t rotary,
	double theta, bool interleaved)
{
	union tn_attr attr = { .rope = { .theta = theta, .heads = (uint32_t)heads,
		.head_size = (uint32_t)(heads ? tn_width(g, x) / heads : 0),
		.rotary = (uint32_t)rotary, .interleaved = interleaved } };

	return emit2(g, TN_OP_ROPE, &attr, x, position);
}

tn_ref tn_rel_table(struct tn_graph *g, tn_ref table, size_t max_distance, size_t span,
	bool bidirectional)
{
	union tn_attr attr = { .rel_table = { .max_distance = (uint32_t)max_distance,
		.span = (uint32_t)span, .bidirectional = bidirectional } };

	if (!g->status && table >= 0)
		attr.rel_table.buckets = (uint32_t)g->values[table].spec.dims[0];
	return emit1(g, TN_OP_REL_TABLE, &attr, table);
}

tn_ref tn_attention(struct tn_graph *g, tn_ref q, tn_ref k, tn_ref v, int q_axis, int kv_axis,
	const struct tn_attention_attr *attr, const tn_ref *extra, size_t n_extra)
{
	union tn_attr a = { .attention = *attr };
	tn_ref in[TN_MAX_IN] = { q, k, v };

	if (n_extra > TN_MAX_IN - 3)
		return tn_graph_fail(g, TN_EINTERNAL, "attention with %zu more inputs", n_extra);
	a.attention.dropout = drops(g) ? attr->dropout : 0;
	a.attention.key = a.attention.dropout > 0 ? g->n_nodes : 0;
	if (n_extra)
		memcpy(in + 3, extra, n_extra * sizeof(*extra));
	if (!g->status && q >= 0 && k >= 0 && (g->values[q].spec.axis != q_axis ||
			g->values[k].spec.axis != kv_axis))
		return tn_graph_fail(g, TN_EINTERNAL, "%s: attention over other axes than those of "
			"its queries and keys", g->scope);
	return tn_graph_emit(g, TN_OP_ATTENTION, 1, &a, in, 3 + n_extra, g->training ? 2 : 1);
}

tn_ref tn_softmax(struct tn_graph *g, tn_ref x, bool log)
{
	union tn_attr attr = { .softmax.log = log };

	return emit1(g, TN_OP_SOFTMAX, &attr, x);
}

tn_ref tn_reduce(struct tn_graph *g, tn_ref x, enum tn_reduce kind, int over)
{
	union tn_attr attr = { .reduce = { .kind = kind, .over = (uint32_t)over } };

	return emit1(g, TN_OP_REDUCE, &attr, x);
}

tn_ref tn_where(struct tn_graph *g, tn_ref mask, tn_ref a, tn_ref b)
{
	return tn_graph_emit(g, TN_OP_WHERE, 1, NULL, (tn_ref[]){ mask, a, b }, 3, 1);
}

tn_ref tn_l2norm(struct tn_graph *g, tn_ref x, double eps)
{
	union tn_attr attr = { .norm.eps = eps };

	return emit1(g, TN_OP_L2NORM, &attr, x);
}

tn_ref tn_cross_entropy(struct tn_graph *g, tn_ref logits, tn_ref target, tn_ref class_weights,
	double smoothing)
{
	bool weighted = class_weights != TN_NONE;
	union tn_attr attr = { .loss = { .smoothing = smoothing, .weighted = weighted } };

	return tn_graph_emit(g, TN_OP_CROSS_ENTROPY, 1, &attr,
		(tn_ref[]){ logits, target, class_weights }, weighted ? 3 : 2,
		g->training ? 3 : 2);
}

tn_ref tn_bce(struct tn_graph *g, tn_ref logits, tn_ref target, bool mse)
{
	union tn_attr attr = { .loss.mse = mse };

	if (!g->status && logits >= 0 && target >= 0 &&
			g->values[logits].spec.dtype != g->values[target].spec.dtype)
		target = tn_cast(g, target, (enum tn_dtype)g->values[logits].spec.dtype);
	return tn_graph_emit(g, TN_OP_BCE, 1, &attr, (tn_ref[]){ logits, target }, 2, 2);
}

size_t tn_width(const struct tn_graph *g, tn_ref x)
{
	const struct tn_spec *s;

	if (g->status || x < 0 || (size_t)x >= g->n_values)
		return 0;
	s = &g->values[x].spec;
	return s->dims[1] * s->dims[2] * s->dims[3];
}

bool tn_training(const struct tn_graph *g)
{
	return g->training;
}
