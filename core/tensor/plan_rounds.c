/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/plan_rounds.c - which weights a plan knows in bf16 alone.
 */
#include "tensor/plan_impl.h"

/* Whether input i of a node is the weight that `identity` stands for, or lies in it. */
static bool reads(const struct tn_plan *p, const struct tn_graph_node *n, uint32_t i,
	const void *identity)
{
	const struct tn_graph_value *v = &p->g->values[n->in[i]];
	const struct tn_weight_source *source = v->source;
	uint64_t version;

	return v->origin == TN_FROM_WEIGHT && source && source->identity &&
		source->identity(source->user, p->g->values[v->root].name, &version) == identity;
}

/* Whether another op than those with a precision reads it, be it once, of weights alone. */
static bool is_read_whole(const struct tn_plan *p, const void *identity)
{
	for (size_t i = 0; i < p->g->n_nodes; i++) {
		const struct tn_graph_node *n = &p->g->nodes[i];

		for (uint32_t k = 0; k < n->node.n_in; k++)
			if (n->node.op != TN_OP_LINEAR && n->node.op != TN_OP_GATHER &&
					reads(p, n, k, identity))
				return true;
	}
	return false;
}

bool tn_plan_rounds(const struct tn_plan *p, const void *identity)
{
	bool rounds = false;

	if (identity && is_read_whole(p, identity))
		return false;

	for (size_t i = 0; identity && i < p->n_steps; i++) {
		const struct tn_graph_node *n = &p->steps[i].n;

		for (uint32_t k = 0; k < n->node.n_in; k++) {
			if (!reads(p, n, k, identity))
				continue;
			/* A bias has one dimension: it is not rounded. */
			if (tn_node_precision(&n->node) != TN_BF16 || n->node.in[k]->n_dims < 2)
				return false;
			rounds = true;
		}
	}
	return rounds;
}
