/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/plan.c - a graph made ready to run: dead nodes dropped, backends chosen,
 * weights loaded and packed, nodes of weights alone run once.
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "tensor/backend.h"
#include "tensor/op_table.h"
#include "tensor/plan_impl.h"

void plan_link(struct tn_plan *p, struct tn_graph_node *n)
{
	n->node.weight_in = 0;
	for (uint32_t i = 0; i < n->node.n_in; i++) {
		n->node.in[i] = &p->g->values[n->in[i]].spec;
		if (p->g->values[n->in[i]].origin == TN_FROM_WEIGHT)
			n->node.weight_in |= 1u << i;
	}
	for (uint32_t i = 0; i < n->node.n_out; i++)
		n->node.out[i] = &p->g->values[n->out[i]].spec;
}

/* Whether rows of x lie closer together than those of the value it is a view of. */
static bool is_strided(const struct tn_plan *p, tn_ref x)
{
	const struct tn_graph_value *v = &p->g->values[x];

	return v->spec.n_dims > 1 && v->spec.dims[1] != p->g->values[v->root].spec.dims[1];
}

int plan_offer(struct tn_plan *p, size_t backend, struct tn_graph_node *n,
	struct tn_offer *offer)
{
	const struct tn_backend_impl *impl = plan_backend(p, backend);

	plan_link(p, n);
	memset(offer, 0, sizeof(*offer));
	if (tn_backend_ready(p->chain[backend])) {
		const struct tn_backend_core *core = p->chain[backend]->core;

		snprintf(offer->reason, sizeof(offer->reason), "%.150s", core->why);
		return 0;
	}
	if (n->node.op >= TN_N_OPS || !impl->ops || impl->ops[n->node.op] < n->node.version) {
		snprintf(offer->reason, sizeof(offer->reason), "it knows %s up to version %d, "
			"the node needs %u", tn_op_name(n->node.op),
			impl->ops && n->node.op < TN_N_OPS ? impl->ops[n->node.op] : 0,
			(unsigned)n->node.version);
		return 0;
	}
	if (!impl->supports(p->chain[backend], &n->node, offer))
		return 0;
	for (uint32_t i = 0; i < n->node.n_in; i++) {
		if (is_strided(p, n->in[i]) && !(offer->strided & 1u << i)) {
			snprintf(offer->reason, sizeof(offer->reason),
				"input %u is a view of columns", (unsigned)i);
			return 0;
		}
	}
	offer->pack &= n->node.weight_in;
	return 1;
}

static void count_uses(struct tn_plan *p)
{
	struct tn_graph *g = p->g;

	for (size_t i = 0; i < g->n_outputs; i++)
		p->values[g->values[g->outputs[i].value].root].uses++;
	for (size_t i = g->n_nodes; i-- > 0;) {
		struct plan_step *s = &p->steps[i];
		bool live = false;

		s->n = g->nodes[i];
		for (uint32_t k = 0; k < s->n.node.n_out; k++)
			live |= p->values[s->n.out[k]].uses > 0;
		s->gone = !live;
		for (uint32_t k = 0; live && k < s->n.node.n_in; k++)
			p->values[g->values[s->n.in[k]].root].uses++;
	}
}

/* The first backend that supports the node, or false; why those before it did not is added
 * to what was said. */
static bool choose_backend(struct tn_plan *p, struct plan_step *s)
{
	for (s->backend = 0; s->backend < p->n_chain; s->backend++) {
		size_t said = strlen(s->why);

		if (plan_offer(p, s->backend, &s->n, &s->offer))
			return true;
		snprintf(s->why + said, sizeof(s->why) - said, "%s%s: %.120s", said ? "; " : "",
			p->chain[s->backend]->plugin->names[0], s->offer.reason);
	}
	return false;
}

/* A table of fewer rows is too small to matter. */
#define LARGE_TABLE 1024

/* Gives a node the graph's precision; false where that is not for it.  Products of a linear's
 * gradient have it from their rule. */
static bool lower_precision(const struct tn_plan *p, const struct plan_step *s, struct tn_node *n)
{
	if (n->op == TN_OP_LINEAR)
		n->attr.linear.precision = p->g->precision;
	else if (n->op == TN_OP_GATHER && n->weight_in & 1 && !p->g->training &&
	    p->g->values[s->n.in[0]].spec.dims[0] >= LARGE_TABLE)
		n->attr.gather.precision = p->g->precision;
	n->version = tn_op_lowest(n);
	return tn_node_precision(n);
}

/* A linear, its gradient, or a large table of weights, at the graph's precision, if some backend
 * runs it so; else as it was. */
static bool choose_precision(struct tn_plan *p, struct plan_step *s)
{
	struct tn_node plain = s->n.node, lower = plain;

	if (!p->g->precision || !lower_precision(p, s, &lower))
		return false;
	s->n.node = lower;
	if (choose_backend(p, s))
		return true;
	if (plain.op == TN_OP_MATMUL)
		plain.attr.matmul.precision = 0;
	plain.version = tn_op_lowest(&plain);
	s->n.node = plain;
	return false;
}

static int choose_backends(struct tn_plan *p, struct tn_call *call)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		struct plan_step *s = &p->steps[i];

		if (s->gone)
			continue;
		if (!choose_precision(p, s) && !choose_backend(p, s))
			return tn_fail(call, TN_EPLUGIN, "no backend of the chain runs %s (%s): %s",
				s->n.node.name, tn_op_name(s->n.node.op),
				p->n_chain ? s->why : "the chain is empty");
		if (s->offer.workspace > p->workspace)
			p->workspace = s->offer.workspace;
		p->n_tensors += s->n.node.n_in + s->n.node.n_out;
	}
	return 0;
}

int plan_load(const struct tn_plan *p, tn_ref x, const struct tn_tensor **t, struct tn_call *call)
{
	const struct tn_graph_value *v = &p->g->values[p->g->values[x].root];

	*t = v->source->load(v->source->user, v->name, v->spec.dtype, call);
	return *t ? 0 : tn_status(call);
}

static int pack_step(const struct tn_plan *p, struct plan_step *s, struct tn_call *call)
{
	return s->gone || !s->offer.pack || s->packing ? 0 : plan_pack(p, s, call);
}

/* Packs what backends want packed, one weight on each thread of the team.  Before that the
 * tables, which are the largest weights and become much smaller: where one must be whole in
 * memory for a moment, little else should be. */
static int pack_weights(struct tn_plan *p, struct tn_call *call)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].n.node.op == TN_OP_GATHER && pack_step(p, &p->steps[i], call))
			return tn_status(call);
	plan_each_step(p, pack_step, call);
#ifdef __GLIBC__
	malloc_trim(0);		/* what the weights were read into */
#endif
	return tn_status(call);
}

/* The bytes of a value and its slack rows; false when there is no such size. */
static bool constant_bytes(const struct tn_spec *spec, size_t *bytes)
{
	bool large = __builtin_add_overflow(spec->dims[0], (size_t)TN_ROW_SLACK, bytes);

	for (int i = 1; i < 4; i++)
		large |= __builtin_mul_overflow(*bytes, spec->dims[i], bytes);
	large |= __builtin_mul_overflow(*bytes, tn_dtype_size(spec->dtype), bytes);
	if (large || *bytes > PTRDIFF_MAX)
		return false;
	*bytes = ALIGN_UP(*bytes);
	return true;
}

/* Gives a constant memory of its own, zeroed. */
static int make_constant(struct tn_plan *p, tn_ref x, const char *what, struct tn_call *call)
{
	const struct tn_spec *spec = &p->g->values[x].spec;
	struct plan_value *v = &p->values[x];
	size_t bytes;

	if (!constant_bytes(spec, &bytes))
		return tn_fail(call, TN_ENOMEM, "%s of [%zu,%zu,%zu,%zu] does not fit in memory", what,
			spec->dims[0], spec->dims[1], spec->dims[2], spec->dims[3]);
	v->buffer.data = aligned_alloc(64, bytes);
	if (!v->buffer.data)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	memset(v->buffer.data, 0, bytes);
	v->buffer.bytes = bytes;
	v->constant = true;
	p->held_bytes += bytes;
	return 0;
}

/* Numbers of the graph, when they are read first. */
static int hold_numbers(struct tn_plan *p, tn_ref x, struct tn_call *call)
{
	const struct tn_graph_value *v = &p->g->values[x];

	if (p->values[x].constant)
		return 0;
	if (make_constant(p, x, "a constant", call))
		return tn_status(call);
	memcpy(p->values[x].buffer.data, v->numbers, tn_dtype_size(v->spec.dtype) *
		v->spec.dims[0] * v->spec.dims[1]);
	return 0;
}

/* Holds the weights that are not packed. */
static int hold_weights(struct tn_plan *p, struct tn_call *call)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		struct plan_step *s = &p->steps[i];

		if (s->gone)
			continue;
		for (uint32_t k = 0; k < s->n.node.n_in; k++) {
			tn_ref root = p->g->values[s->n.in[k]].root;
			struct plan_value *v = &p->values[root];

			if (p->g->values[root].origin == TN_FROM_NUMBERS &&
					hold_numbers(p, root, call))
				return tn_status(call);
			if (p->g->values[root].origin != TN_FROM_WEIGHT || v->weight ||
					s->offer.pack & 1u << k)
				continue;
			if (plan_load(p, root, &v->weight, call))
				return tn_status(call);
			v->constant = true;
			p->held_bytes += v->weight->buffer->bytes;
		}
	}
	return 0;
}

void plan_tensor(const struct tn_plan *p, tn_ref x, struct tn_tensor *t)
{
	const struct tn_graph_value *v = &p->g->values[x];
	const struct plan_value *root = &p->values[v->root];
	const struct tn_spec *whole = &p->g->values[v->root].spec;

	*t = (struct tn_tensor){ .dtype = v->spec.dtype, .n_dims = v->spec.n_dims,
		.offset = v->first * tn_dtype_size(v->spec.dtype),
		.row_stride = whole->dims[1] * whole->dims[2] * whole->dims[3] };
	memcpy(t->dims, v->spec.dims, sizeof(t->dims));
	if (root->weight) {
		t->buffer = root->weight->buffer;
		t->offset += root->weight->offset;
	} else if (root->constant) {
		t->buffer = (struct tn_buffer *)&root->buffer;
	}
}

static int run_constant(struct tn_plan *p, struct plan_step *s, struct tn_call *call)
{
	struct tn_tensor in[TN_MAX_IN], out[TN_MAX_OUT];
	struct tn_step step = { .node = &s->n.node, .packed = s->packed, .in = in, .out = out };
	int status, team = omp_get_max_threads();

	for (uint32_t i = 0; i < s->n.node.n_out; i++) {
		if (make_constant(p, s->n.out[i], tn_op_name(s->n.node.op), call))
			return tn_status(call);
		plan_tensor(p, s->n.out[i], &out[i]);
	}
	for (uint32_t i = 0; i < s->n.node.n_in; i++)
		plan_tensor(p, s->n.in[i], &in[i]);
	step.workspace = aligned_alloc(64, ALIGN_UP(s->offer.workspace * (size_t)p->threads + 1));
	if (!step.workspace)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	omp_set_num_threads(p->threads);
	status = plan_backend(p, s->backend)->run(p->chain[s->backend], &step, 1, call);
	omp_set_num_threads(team);
	free(step.workspace);
	return status;
}

/* Nodes fed by weights alone run once, now. */
static int run_constants(struct tn_plan *p, struct tn_call *call)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		struct plan_step *s = &p->steps[i];
		bool constant = !s->gone && !p->g->training;

		for (uint32_t k = 0; constant && k < s->n.node.n_in; k++) {
			tn_ref root = p->g->values[s->n.in[k]].root;

			constant = p->values[root].constant || s->offer.pack & 1u << k;
		}
		if (!constant)
			continue;
		if (run_constant(p, s, call))
			return tn_status(call);
		s->gone = true;
		p->n_tensors -= s->n.node.n_in + s->n.node.n_out;
	}
	return 0;
}

/* Steps that are gone leave the list. */
static void squeeze(struct tn_plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_steps; i++) {
		struct plan_step *s = &p->steps[i];

		if (s->gone) {
			plan_unpack(s);
			continue;
		}
		if (n != i)
			p->steps[n] = *s;
		n++;
	}
	p->n_steps = n;
}

struct tn_plan *tn_plan_create(struct tn_graph *g, const struct tn_backend *const *chain,
	size_t n_chain, int threads, struct tn_call *call)
{
	struct tn_plan *p = calloc(1, sizeof(*p));
	struct tn_graph_value *grown;

	if (!p) {
		tn_graph_destroy(g);
		tn_fail(call, TN_ENOMEM, "out of memory");
		return NULL;
	}
	p->g = g;
	p->chain = chain;
	p->n_chain = n_chain;
	p->threads = threads;
	/* Merging linears makes at most one value for each node. */
	p->values_room = g->n_values + g->n_nodes;
	p->n_steps = g->n_nodes;
	p->values = calloc(p->values_room + 1, sizeof(*p->values));
	p->steps = calloc(p->n_steps + 1, sizeof(*p->steps));
	grown = realloc(g->values, (p->values_room + 1) * sizeof(*g->values));
	if (grown) {
		g->values = grown;
		g->values_room = p->values_room;
	}
	if (!p->values || !p->steps || !grown)
		tn_fail(call, TN_ENOMEM, "out of memory");
	if (tn_status(call) || g->status)
		goto failed;
	count_uses(p);
	if (plan_fuse(p, call) || choose_backends(p, call) || pack_weights(p, call) ||
			hold_weights(p, call) || run_constants(p, call))
		goto failed;
	squeeze(p);
	if (plan_slots(p, call))
		goto failed;
	return p;
failed:
	tn_plan_destroy(p);
	return NULL;
}

void tn_plan_destroy(struct tn_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; p->steps && i < p->n_steps; i++)
		plan_unpack(&p->steps[i]);
	for (size_t i = 0; p->values && i < p->g->n_values; i++) {
		const struct tn_graph_value *v = &p->g->values[i];

		if (p->values[i].weight)
			v->source->release(v->source->user, p->values[i].weight);
		free(p->values[i].buffer.data);
	}
	free(p->values);
	free(p->steps);
	free(p->slots);
	tn_graph_destroy(p->g);
	free(p);
}

void tn_plan_draw(struct tn_plan *p, uint32_t draw)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		struct tn_node *n = &p->steps[i].n.node;
		uint64_t *key = NULL;

		if (n->op == TN_OP_DROPOUT)
			key = &n->attr.dropout.key;
		else if (n->op == TN_OP_ATTENTION || n->op == TN_OP_ATTENTION_GRAD ||
				n->op == TN_OP_ATTENTION_BIAS_GRAD)
			key = &n->attr.attention.key;
		if (key)
			*key = (uint64_t)draw << 32 | (uint32_t)*key;
	}
}

void tn_plan_set_threads(struct tn_plan *p, int threads)
{
	p->threads = threads;
}

size_t tn_plan_n_axes(const struct tn_plan *p)
{
	return (size_t)p->g->n_axes;
}

const char *tn_plan_axis_name(const struct tn_plan *p, size_t axis)
{
	return p->g->axes[axis];
}

size_t tn_plan_n_steps(const struct tn_plan *p)
{
	return p->n_steps;
}

const struct tn_node *tn_plan_step(const struct tn_plan *p, size_t i, size_t *backend,
	const char **why)
{
	*backend = p->steps[i].backend;
	*why = p->steps[i].why;
	return &p->steps[i].n.node;
}

static uint64_t bytes_of(const struct tn_spec *spec, const struct tn_axis *axes)
{
	size_t rows = spec->axis == TN_NO_AXIS ? spec->dims[0] : axes[spec->axis].rows;

	return (uint64_t)tn_dtype_size(spec->dtype) * rows * spec->dims[1] * spec->dims[2] *
		spec->dims[3];
}

/* How many times smaller a weight is in the precision that it is kept in. */
static uint64_t narrowing(const struct tn_node *node, uint32_t k)
{
	uint32_t precision = tn_node_precision(node);

	if (!precision || !(node->weight_in & 1u << k) || node->in[k]->n_dims < 2)
		return 1;
	return tn_dtype_size(node->in[k]->dtype) / tn_dtype_size((enum tn_dtype)precision);
}

void tn_plan_step_cost(const struct tn_plan *p, size_t i, const struct tn_axis *axes,
	uint64_t *flops, uint64_t *bytes)
{
	const struct tn_node *node = &p->steps[i].n.node;
	const struct tn_op_info *info = tn_op_info(node->op);
	int32_t axis = node->n_in ? node->in[0]->axis : TN_NO_AXIS;
	int32_t kv = node->n_in > 1 ? node->in[1]->axis : TN_NO_AXIS;

	/* A gather's rows are those of its index, a segment's too. */
	if (axis == TN_NO_AXIS && kv != TN_NO_AXIS)
		axis = kv;
	*flops = info->flops ? info->flops(node, axis == TN_NO_AXIS ? NULL : &axes[axis],
		kv == TN_NO_AXIS ? NULL : &axes[kv]) : 0;
	*bytes = 0;
	/* Of a table only the rows that are gathered are read. */
	for (uint32_t k = 0; k < node->n_in; k++)
		*bytes += bytes_of(node->op == TN_OP_GATHER && !k ? node->out[0] : node->in[k],
			axes) / narrowing(node, k);
	for (uint32_t k = 0; k < node->n_out; k++)
		*bytes += bytes_of(node->out[k], axes);
}

void tn_plan_flops(const struct tn_plan *p, const struct tn_axis *axes, uint64_t *flops)
{
	memset(flops, 0, p->n_chain * sizeof(*flops));
	for (size_t i = 0; i < p->n_steps; i++) {
		uint64_t work, bytes;

		tn_plan_step_cost(p, i, axes, &work, &bytes);
		flops[p->steps[i].backend] += work;
	}
}

int tn_plan_threads(const struct tn_plan *p)
{
	return p->threads;
}

void tn_plan_memory(const struct tn_plan *p, size_t *packed, size_t *held)
{
	*packed = 0;
	for (size_t i = 0; i < p->n_steps; i++) {
		size_t k = 0;

		while (p->steps[k].packing != p->steps[i].packing)
			k++;
		if (k == i)	/* steps may share a packing */
			*packed += plan_packed_bytes(&p->steps[i]);
	}
	*held = p->held_bytes;
}
