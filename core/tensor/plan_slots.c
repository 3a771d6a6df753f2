/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/plan_slots.c - memory by lifetimes: values on one axis whose lifetimes do
 * not meet share a slot, so a run lays out its buffers in one pass over few slots.
 */
#include <stdlib.h>

#include "tensor/plan_impl.h"

static size_t row_bytes(const struct tn_spec *s)
{
	size_t bytes = tn_dtype_size(s->dtype) * s->dims[1] * s->dims[2] * s->dims[3];

	return s->axis == TN_NO_AXIS ? bytes * s->dims[0] : bytes;
}

static void mark_last(struct tn_plan *p, tn_ref x, int32_t step)
{
	struct plan_value *v = &p->values[p->g->values[x].root];

	if (v->last < step)
		v->last = step;
}

static void find_lifetimes(struct tn_plan *p)
{
	for (size_t i = 0; i < p->g->n_values; i++)
		p->values[i].last = -1;
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct plan_step *s = &p->steps[i];

		for (uint32_t k = 0; !s->gone && k < s->n.node.n_in; k++)
			mark_last(p, s->n.in[k], (int32_t)i);
		for (uint32_t k = 0; !s->gone && k < s->n.node.n_out; k++)
			mark_last(p, s->n.out[k], (int32_t)i);
	}
	for (size_t i = 0; i < p->g->n_outputs; i++)
		mark_last(p, p->g->outputs[i].value, INT32_MAX);
}

/* The free slot of the axis that fits best: the smallest that is large enough, else the
 * largest, which grows; else a new one. */
static uint32_t take_slot(struct tn_plan *p, int32_t axis, size_t bytes)
{
	uint32_t best = NO_SLOT;

	for (uint32_t i = 0; i < p->n_slots; i++) {
		const struct plan_slot *s = &p->slots[i], *b = &p->slots[best == NO_SLOT ? i : best];

		if (!s->free || s->axis != axis)
			continue;
		if (best == NO_SLOT || (b->bytes < bytes ? s->bytes > b->bytes :
				s->bytes >= bytes && s->bytes < b->bytes))
			best = i;
	}
	if (best == NO_SLOT) {
		best = (uint32_t)p->n_slots++;
		p->slots[best] = (struct plan_slot){ .axis = axis };
	}
	if (p->slots[best].bytes < bytes)
		p->slots[best].bytes = bytes;
	p->slots[best].free = false;
	return best;
}

static void give_slot(struct tn_plan *p, tn_ref root)
{
	const struct tn_spec *spec = &p->g->values[root].spec;

	p->values[root].slot = take_slot(p, spec->axis, row_bytes(spec));
}

int plan_slots(struct tn_plan *p, struct tn_call *call)
{
	struct tn_graph *g = p->g;

	p->slots = calloc(g->n_values + 1, sizeof(*p->slots));
	if (!p->slots)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	find_lifetimes(p);
	for (size_t i = 0; i < g->n_values; i++) {
		p->values[i].slot = NO_SLOT;
		/* Inputs are filled before the first step: they never take turns at the start. */
		if (g->values[i].origin == TN_FROM_INPUT && g->values[i].root == (tn_ref)i)
			give_slot(p, (tn_ref)i);
	}
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct plan_step *s = &p->steps[i];

		if (s->gone)
			continue;
		for (uint32_t k = 0; k < s->n.node.n_out; k++)
			give_slot(p, g->values[s->n.out[k]].root);
		for (size_t v = 0; v < g->n_values; v++)
			if (p->values[v].slot != NO_SLOT && p->values[v].last == (int32_t)i)
				p->slots[p->values[v].slot].free = true;
	}
	return 0;
}
