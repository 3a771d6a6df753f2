/* SPDX-License-Identifier: Apache-2.0
 * core/tensor/exec.c - running a plan: binding the counts of a batch lays out all
 * buffers in one pass, then each stretch of steps of one backend is one call.
 */
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/pages.h"
#include "tensor/plan_impl.h"

/* How a tensor of a step follows the batch. */
struct binding {
	uint32_t slot;			/* NO_SLOT: a constant, complete as it stands */
	int32_t axis;
	size_t first;			/* bytes from the start of the slot */
};

/* A row tensor that the caller fills. */
struct input {
	const char *name;
	uint32_t slot;
};

struct tn_exec {
	const struct tn_plan *plan;
	struct input *inputs;
	size_t n_inputs;
	struct tn_buffer buffer;
	size_t *slot_offset;		/* [n_slots] */
	struct tn_step *steps;		/* [n_steps] */
	struct tn_tensor *tensors;	/* [n_tensors + n_outputs] */
	struct binding *bindings;	/* as tensors */
	size_t n_tensors;
	struct tn_axis axes[TN_MAX_AXES];
	uint64_t step_ns;
	struct tn_profile *profile;	/* NULL: none */
};

static void add_tensor(struct tn_exec *e, tn_ref x)
{
	const struct tn_plan *p = e->plan;
	const struct tn_graph_value *v = &p->g->values[x];
	struct tn_tensor *t = &e->tensors[e->n_tensors];
	struct binding *b = &e->bindings[e->n_tensors++];

	plan_tensor(p, x, t);
	b->slot = p->values[v->root].constant ? NO_SLOT : p->values[v->root].slot;
	b->axis = v->spec.axis;
	b->first = t->offset;
	if (b->slot != NO_SLOT)
		t->buffer = &e->buffer;
}

static void make_step(struct tn_exec *e, size_t i)
{
	const struct plan_step *s = &e->plan->steps[i];
	const struct tn_node *n = &s->n.node;
	int32_t axis = n->n_in ? n->in[0]->axis : TN_NO_AXIS;
	int32_t kv = n->n_in > 1 ? n->in[1]->axis : TN_NO_AXIS;

	e->steps[i] = (struct tn_step){ .node = n,
		.in = e->tensors + e->n_tensors,
		.axis = axis == TN_NO_AXIS ? NULL : &e->axes[axis],
		.kv_axis = kv == TN_NO_AXIS ? NULL : &e->axes[kv] };
	for (uint32_t k = 0; k < n->n_in; k++)
		add_tensor(e, s->n.in[k]);
	e->steps[i].out = e->tensors + e->n_tensors;
	for (uint32_t k = 0; k < n->n_out; k++)
		add_tensor(e, s->n.out[k]);
}

static void find_inputs(struct tn_exec *e)
{
	const struct tn_graph *g = e->plan->g;

	for (size_t i = 0; i < g->n_values; i++)
		if (g->values[i].origin == TN_FROM_INPUT && g->values[i].root == (tn_ref)i)
			e->inputs[e->n_inputs++] = (struct input){ g->values[i].name,
				e->plan->values[i].slot };
}

struct tn_exec *tn_exec_create(const struct tn_plan *p, struct tn_call *call)
{
	struct tn_exec *e = calloc(1, sizeof(*e));
	size_t n = p->n_tensors + p->g->n_outputs + 1;

	if (!e)
		goto failed;
	e->plan = p;
	e->slot_offset = calloc(p->n_slots + 1, sizeof(*e->slot_offset));
	e->steps = calloc(p->n_steps + 1, sizeof(*e->steps));
	e->tensors = calloc(n, sizeof(*e->tensors));
	e->bindings = calloc(n, sizeof(*e->bindings));
	e->inputs = calloc(p->g->n_values + 1, sizeof(*e->inputs));
	if (!e->slot_offset || !e->steps || !e->tensors || !e->bindings || !e->inputs)
		goto failed;
	find_inputs(e);
	for (size_t i = 0; i < p->n_steps; i++)
		make_step(e, i);
	for (size_t i = 0; i < p->g->n_outputs; i++)
		add_tensor(e, p->g->outputs[i].value);
	return e;
failed:
	tn_exec_destroy(e);
	tn_fail(call, TN_ENOMEM, "out of memory");
	return NULL;
}

void tn_exec_destroy(struct tn_exec *e)
{
	if (!e)
		return;
	tn_pages_free(e->buffer.data, e->buffer.bytes);
	free(e->slot_offset);
	free(e->steps);
	free(e->tensors);
	free(e->bindings);
	free(e->inputs);
	free(e);
}

static int make_room(struct tn_exec *e, size_t bytes, struct tn_call *call)
{
	if (bytes <= e->buffer.bytes)
		return 0;
	tn_pages_free(e->buffer.data, e->buffer.bytes);
	e->buffer.bytes = 0;
	e->buffer.data = tn_pages_alloc(bytes);
	if (!e->buffer.data)
		return tn_fail(call, TN_ENOMEM, "out of memory: a batch needs %zu bytes", bytes);
	e->buffer.bytes = bytes;
	return 0;
}

int tn_exec_bind(struct tn_exec *e, const struct tn_axis *axes, struct tn_call *call)
{
	const struct tn_plan *p = e->plan;
	size_t bytes = 0;

	memcpy(e->axes, axes, (size_t)p->g->n_axes * sizeof(*axes));
	for (size_t i = 0; i < p->n_slots; i++) {
		const struct plan_slot *s = &p->slots[i];
		size_t rows = s->axis == TN_NO_AXIS ? 1 : axes[s->axis].rows + TN_ROW_SLACK;
		size_t size;

		e->slot_offset[i] = bytes;
		if (__builtin_mul_overflow(rows, s->bytes, &size) ||
				__builtin_add_overflow(bytes, ALIGN_UP(size), &bytes))
			return tn_fail(call, TN_ENOMEM, "a batch of %zu rows does not fit in memory",
				rows);
	}
	if (make_room(e, bytes + ALIGN_UP(p->workspace) * (size_t)p->threads, call))
		return tn_status(call);
	for (size_t i = 0; i < e->n_tensors; i++) {
		const struct binding *b = &e->bindings[i];

		if (b->slot == NO_SLOT)
			continue;
		e->tensors[i].offset = e->slot_offset[b->slot] + b->first;
		if (b->axis != TN_NO_AXIS)
			e->tensors[i].dims[0] = axes[b->axis].rows;
	}
	for (size_t i = 0; i < p->n_steps; i++) {
		e->steps[i].packed = p->steps[i].packed;
		e->steps[i].workspace = (char *)e->buffer.data + bytes;
	}
	return 0;
}

void *tn_exec_input(struct tn_exec *e, const char *name)
{
	for (size_t i = 0; i < e->n_inputs; i++)
		if (!strcmp(e->inputs[i].name, name))
			return (char *)e->buffer.data + e->slot_offset[e->inputs[i].slot];
	return NULL;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void tn_exec_profile(struct tn_exec *e, struct tn_profile *profile)
{
	e->profile = profile;
}

static void count_work(const struct tn_exec *e)
{
	for (size_t i = 0; i < e->plan->n_steps; i++) {
		uint64_t flops, bytes;

		tn_plan_step_cost(e->plan, i, e->axes, &flops, &bytes);
		e->profile->steps[i].flops += flops;
		e->profile->steps[i].bytes += bytes;
	}
	e->profile->runs++;
}

/* Runs n steps of one backend. */
static int run_steps(struct tn_exec *e, size_t i, size_t n, struct tn_call *call)
{
	const struct tn_plan *p = e->plan;
	size_t backend = p->steps[i].backend;

	return plan_backend(p, backend)->run(p->chain[backend], &e->steps[i], n, call);
}

static int run_timed(struct tn_exec *e, struct tn_call *call)
{
	uint64_t before = now_ns();
	int status = 0;

	for (size_t i = 0; i < e->plan->n_steps && !status; i++) {
		uint64_t after;

		status = run_steps(e, i, 1, call);
		after = now_ns();
		e->profile->steps[i].ns += after - before;
		before = after;
	}
	return status;
}

static int run_all(struct tn_exec *e, struct tn_call *call)
{
	const struct tn_plan *p = e->plan;
	int status = 0;

	for (size_t i = 0, n; i < p->n_steps && !status; i += n) {
		for (n = 1; i + n < p->n_steps && p->steps[i + n].backend == p->steps[i].backend; n++)
			;
		status = run_steps(e, i, n, call);
	}
	return status;
}

int tn_exec_run(struct tn_exec *e, struct tn_call *call)
{
	const struct tn_plan *p = e->plan;
	uint64_t start = now_ns();
	int status, team = omp_get_max_threads();

	omp_set_num_threads(p->threads);
	if (e->profile)
		count_work(e);
	status = e->profile && e->profile->timed ? run_timed(e, call) : run_all(e, call);
	omp_set_num_threads(team);
	e->step_ns += now_ns() - start;
	return status;
}

const struct tn_tensor *tn_exec_output(const struct tn_exec *e, size_t i)
{
	return &e->tensors[e->n_tensors - e->plan->g->n_outputs + i];
}

uint64_t tn_exec_step_ns(const struct tn_exec *e)
{
	return e->step_ns;
}
