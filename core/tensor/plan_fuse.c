/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/plan_fuse.c - joins nodes: a linear with its activation or residual, a
 * sum with the norm behind it, linears of one input (query, key, value).  A backend is
 * offered the joined node first, then the parts, before the next backend is asked.
 */
#include <stdlib.h>
#include <string.h>

#include "tensor/plan_impl.h"

/* The live step that makes x, if x is read once and x is no view. */
static struct plan_step *single_maker(struct tn_plan *p, tn_ref x)
{
	const struct tn_graph_value *v = &p->g->values[x];
	struct plan_step *s;

	if (v->origin != TN_FROM_NODE || v->root != x || p->values[x].uses != 1)
		return NULL;
	s = &p->steps[v->node];
	return s->gone ? NULL : s;
}

/* Whether some backend takes `joined` before one that takes both parts. */
static bool joined_is_wanted(struct tn_plan *p, struct tn_graph_node *joined,
	struct tn_graph_node *a, struct tn_graph_node *b)
{
	struct tn_offer offer;

	for (size_t i = 0; i < p->n_chain; i++) {
		if (plan_offer(p, i, joined, &offer))
			return true;
		if (plan_offer(p, i, a, &offer) && plan_offer(p, i, b, &offer))
			return false;
	}
	return false;
}

/* The joined node stands where the second part stood. */
static void join(struct tn_plan *p, const struct tn_graph_node *joined, struct plan_step *first,
	struct plan_step *second)
{
	first->gone = true;
	second->n = *joined;
	p->g->values[joined->out[0]].node = (int32_t)(second - p->steps);
}

static bool same_shape(const struct tn_plan *p, tn_ref a, tn_ref b)
{
	return tn_spec_equal(&p->g->values[a].spec, &p->g->values[b].spec);
}

/* linear -> act */
static void fuse_act(struct tn_plan *p, struct plan_step *act)
{
	struct plan_step *linear = single_maker(p, act->n.in[0]);
	struct tn_graph_node joined;

	if (!linear || linear->n.node.op != TN_OP_LINEAR || linear->n.node.version != 1)
		return;
	joined = linear->n;
	joined.node.version = 2;
	joined.node.attr.linear.act = act->n.node.attr.act.kind;
	joined.out[0] = act->n.out[0];
	if (joined_is_wanted(p, &joined, &linear->n, &act->n))
		join(p, &joined, linear, act);
}

/* add -> layer norm */
static void fuse_norm(struct tn_plan *p, struct plan_step *norm)
{
	struct plan_step *add = single_maker(p, norm->n.in[0]);
	struct tn_graph_node joined;

	if (!add || add->n.node.op != TN_OP_ADD || norm->n.node.n_out != 1 ||
			norm->n.node.version != 1 || !same_shape(p, add->n.in[0], add->n.in[1]))
		return;
	joined = norm->n;
	joined.node.version = 2;
	joined.node.attr.norm.residual = 1;
	joined.in[0] = add->n.in[0];
	joined.in[joined.node.n_in++] = add->n.in[1];
	if (joined_is_wanted(p, &joined, &add->n, &norm->n))
		join(p, &joined, add, norm);
}

/* linear -> add, in either place of the sum */
static void fuse_residual(struct tn_plan *p, struct plan_step *add)
{
	for (int i = 0; i < 2; i++) {
		struct plan_step *linear = single_maker(p, add->n.in[i]);
		struct tn_graph_node joined;

		if (!linear || linear->n.node.op != TN_OP_LINEAR || linear->n.node.version > 2 ||
				linear->n.node.attr.linear.residual ||
				!same_shape(p, add->n.in[0], add->n.in[1]))
			continue;
		joined = linear->n;
		joined.node.version = 2;
		joined.node.attr.linear.residual = 1;
		joined.in[joined.node.n_in++] = add->n.in[1 - i];
		joined.out[0] = add->n.out[0];
		if (joined_is_wanted(p, &joined, &linear->n, &add->n)) {
			join(p, &joined, linear, add);
			return;
		}
	}
}

/* Whether x is read by attention alone, which takes columns of a wider row. */
static bool only_attention_reads(const struct tn_plan *p, tn_ref x)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct plan_step *s = &p->steps[i];

		if (s->gone)
			continue;
		for (uint32_t k = 0; k < s->n.node.n_in; k++)
			if (p->g->values[s->n.in[k]].root == x && s->n.node.op != TN_OP_ATTENTION)
				return false;
	}
	for (size_t i = 0; i < p->g->n_outputs; i++)
		if (p->g->values[p->g->outputs[i].value].root == x)
			return false;
	return true;
}

static bool can_merge(const struct tn_plan *p, const struct plan_step *a, const struct plan_step *b)
{
	return !b->gone && b->n.node.op == TN_OP_LINEAR && b->n.node.version == 1 &&
		b->n.in[0] == a->n.in[0] && b->n.node.attr.linear.bias ==
		a->n.node.attr.linear.bias && only_attention_reads(p, b->n.out[0]);
}

/* Some backend must take the merged node, and the attention on columns of its output;
 * the attention is asked again when steps get their backends. */
static bool merged_is_wanted(struct tn_plan *p, struct tn_graph_node *merged,
	struct tn_graph_node *part)
{
	struct tn_offer offer;

	for (size_t i = 0; i < p->n_chain; i++) {
		if (plan_offer(p, i, merged, &offer))
			return true;
		if (plan_offer(p, i, part, &offer))
			return false;
	}
	return false;
}

/* linear, linear, linear of one input -> one linear; the outputs become its columns. */
static int merge_linears(struct tn_plan *p, size_t at, struct tn_call *call)
{
	struct plan_step *group[3], *first = &p->steps[at];
	struct tn_graph *g = p->g;
	struct tn_graph_value wide;
	struct tn_graph_node merged;
	size_t n = 0, cols = 0;
	uint32_t per = 1 + first->n.node.attr.linear.bias;
	tn_ref out;

	for (size_t i = at; i < p->n_steps && n < 3; i++)
		if (can_merge(p, first, &p->steps[i]))
			group[n++] = &p->steps[i];
	if (n < 2 || g->training)
		return 0;
	merged = first->n;
	merged.node.version = 3;
	merged.node.attr.linear.parts = (uint32_t)n;
	merged.node.n_in = 1 + (uint32_t)n * per;
	for (size_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < per; k++)
			merged.in[1 + i * per + k] = group[i]->n.in[1 + k];
		cols += g->values[group[i]->n.out[0]].spec.dims[1];
	}
	if (g->n_values == p->values_room || g->n_values == g->values_room)
		return tn_fail(call, TN_EINTERNAL, "the plan has no room for a merged value");
	wide = g->values[first->n.out[0]];
	wide.spec.dims[1] = cols;
	wide.node = (int32_t)at;
	out = (tn_ref)g->n_values;
	wide.root = out;
	g->values[g->n_values++] = wide;
	merged.out[0] = out;
	if (!merged_is_wanted(p, &merged, &first->n)) {
		g->n_values--;
		return 0;
	}
	memset(&p->values[out], 0, sizeof(p->values[out]));
	cols = 0;
	for (size_t i = 0; i < n; i++) {
		struct tn_graph_value *v = &g->values[group[i]->n.out[0]];

		p->values[out].uses += p->values[group[i]->n.out[0]].uses;
		for (size_t k = 0; k < g->n_values; k++)
			if (g->values[k].root == group[i]->n.out[0]) {
				g->values[k].root = out;
				g->values[k].first += cols;
			}
		cols += v->spec.dims[1];
		group[i]->gone = true;
	}
	first->gone = false;
	first->n = merged;
	return 0;
}

int plan_fuse(struct tn_plan *p, struct tn_call *call)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (!p->steps[i].gone && p->steps[i].n.node.op == TN_OP_ACT)
			fuse_act(p, &p->steps[i]);
	for (size_t i = 0; i < p->n_steps; i++)
		if (!p->steps[i].gone && p->steps[i].n.node.op == TN_OP_LAYER_NORM)
			fuse_norm(p, &p->steps[i]);
	for (size_t i = 0; i < p->n_steps; i++)
		if (!p->steps[i].gone && p->steps[i].n.node.op == TN_OP_ADD)
			fuse_residual(p, &p->steps[i]);
	for (size_t i = 0; i < p->n_steps; i++) {
		struct plan_step *s = &p->steps[i];

		if (!s->gone && s->n.node.op == TN_OP_LINEAR && s->n.node.version == 1 &&
				only_attention_reads(p, s->n.out[0]) && merge_linears(p, i, call))
			return tn_status(call);
	}
	return 0;
}
