/* SPDX-License-Identifier: Apache-2.0
 * core/conform/node.c - one node with inputs of its own.
 */
#include "conform/node.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "tensor/op_table.h"

double conform_number(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(int64_t)*seed / 9223372036854775808.0;
}

/* Dense memory for a tensor of the spec, slack rows included, of NaN. */
static int give_memory(const struct tn_spec *spec, size_t rows, struct tn_tensor *t,
	struct tn_call *call)
{
	*t = (struct tn_tensor){ .dtype = spec->dtype, .n_dims = spec->n_dims };
	for (int i = 0; i < 4; i++)
		t->dims[i] = spec->dims[i];
	if (spec->axis != TN_NO_AXIS)
		t->dims[0] = rows;
	t->row_stride = tn_row_size(t);
	t->buffer = tn_alloc(call, sizeof(*t->buffer));
	if (!t->buffer)
		return TN_ENOMEM;
	t->buffer->bytes = (t->dims[0] + TN_ROW_SLACK) * t->row_stride * 4;
	t->buffer->data = tn_alloc(call, t->buffer->bytes);
	if (!t->buffer->data)
		return TN_ENOMEM;
	memset(t->buffer->data, 0xff, t->buffer->bytes);
	return 0;
}

static struct tn_tensor *add_input(struct conform_node *n, uint32_t dtype, int axis, size_t rows,
	size_t cols)
{
	const uint32_t i = n->node.n_in++;
	struct tn_spec *spec = &n->in_spec[i];

	*spec = (struct tn_spec){ .dtype = dtype, .axis = axis, .n_dims = cols ? 2 : 1,
		.dims = { axis == TN_NO_AXIS ? rows : 0, cols ? cols : 1, 1, 1 } };
	n->node.in[i] = spec;
	return give_memory(spec, rows, &n->in[i], n->call) ? NULL : &n->in[i];
}

static void fill(struct conform_node *n, struct tn_tensor *t)
{
	float *x = t ? tn_host_data(t) : NULL;

	for (size_t i = 0; x && i < t->dims[0] * t->row_stride; i++)
		x[i] = (float)conform_number(&n->seed);
}

void conform_rows(struct conform_node *n, int axis, size_t rows, size_t cols)
{
	fill(n, add_input(n, TN_F32, axis, rows, cols));
}

void conform_weight(struct conform_node *n, size_t rows, size_t cols)
{
	n->node.weight_in |= 1u << n->node.n_in;
	fill(n, add_input(n, TN_F32, TN_NO_AXIS, rows, cols));
}

void conform_index(struct conform_node *n, int axis, const int32_t *values, size_t rows)
{
	struct tn_tensor *t = add_input(n, TN_I32, axis, rows, 0);

	if (t)
		memcpy(tn_host_data(t), values, rows * sizeof(*values));
}

void conform_tensor(struct conform_node *n, const struct tn_spec *spec, const struct tn_tensor *t)
{
	const uint32_t i = n->node.n_in++;

	n->in_spec[i] = *spec;
	n->node.in[i] = &n->in_spec[i];
	n->in[i] = *t;
}

struct tn_axis conform_axis(const uint32_t *lengths, size_t seqs, struct tn_call *call)
{
	uint32_t *start = tn_alloc_n(call, seqs + 1, sizeof(*start));
	struct tn_axis axis = { .seqs = seqs, .start = start };

	for (size_t s = 0; start && s < seqs; s++)
		start[s + 1] = start[s] + lengths[s];
	axis.rows = start ? start[seqs] : 0;
	return axis;
}

int conform_finish(struct conform_node *n, uint32_t op, size_t rows_out)
{
	const struct tn_op_info *info = tn_op_info(op);

	n->node.op = op;
	n->node.name = tn_op_name(op);
	n->node.version = tn_op_lowest(&n->node);
	if (!n->node.n_out)
		n->node.n_out = info->n_out - (n->training ? 0 : info->n_saved);
	if (tn_status(n->call) || tn_op_infer(&n->node, n->out_spec, n->call))
		return tn_status(n->call);
	for (uint32_t o = 0; o < n->node.n_out; o++) {
		const int keys = n->out_spec[o].axis == 1 && n->kv_axis.start;

		n->node.out[o] = &n->out_spec[o];
		if (give_memory(&n->out_spec[o], keys ? n->kv_axis.rows : rows_out, &n->out[o],
				n->call))
			return TN_ENOMEM;
	}
	return 0;
}

/* The copied node's pointers lead to its own specs. */
static void rebind(struct conform_node *n)
{
	for (uint32_t i = 0; i < n->node.n_in; i++)
		n->node.in[i] = &n->in_spec[i];
	for (uint32_t o = 0; o < n->node.n_out; o++)
		n->node.out[o] = &n->out_spec[o];
}

int conform_copy(const struct conform_node *n, struct conform_node *copy)
{
	*copy = *n;
	rebind(copy);
	for (uint32_t o = 0; o < n->node.n_out; o++)
		if (give_memory(&n->out_spec[o], n->out[o].dims[0], &copy->out[o], n->call))
			return TN_ENOMEM;
	return 0;
}

int conform_pick(const struct conform_node *n, const size_t *rows, size_t n_rows,
	struct conform_node *picked)
{
	*picked = *n;
	rebind(picked);
	for (uint32_t i = 0; i < n->node.n_in; i++) {
		const struct tn_tensor *from = &n->in[i];
		struct tn_tensor *to = &picked->in[i];

		if (n->in_spec[i].axis != 0)
			continue;
		if (give_memory(&n->in_spec[i], n_rows, to, n->call))
			return TN_ENOMEM;
		for (size_t r = 0; r < n_rows; r++)
			memcpy((float *)tn_host_data(to) + r * to->row_stride,
				(float *)tn_host_data(from) + rows[r] * from->row_stride,
				tn_row_size(from) * sizeof(float));
	}
	for (uint32_t o = 0; o < n->node.n_out; o++)
		if (give_memory(&n->out_spec[o], n_rows, &picked->out[o], n->call))
			return TN_ENOMEM;
	return 0;
}

int conform_offered(const struct tn_backend *b, const struct conform_node *n,
	struct tn_offer *offer)
{
	const struct tn_backend_impl *impl = b->plugin->impl.backend;

	memset(offer, 0, sizeof(*offer));
	return impl->ops[n->node.op] >= n->node.version && impl->supports(b, &n->node, offer);
}

int conform_pack(const struct tn_backend *b, const struct conform_node *n,
	const struct tn_offer *offer, void **packed)
{
	struct tn_tensor weights[TN_MAX_IN];
	size_t n_weights = 0, bytes;

	*packed = NULL;
	for (uint32_t i = 0; i < n->node.n_in; i++)
		if (offer->pack >> i & 1)
			weights[n_weights++] = n->in[i];
	return n_weights ? b->plugin->impl.backend->pack(b, &n->node, weights, n_weights, packed,
		&bytes, n->call) : 0;
}

int conform_run(const struct tn_backend *b, struct conform_node *n,
	const struct tn_offer *offer, const void *packed, struct tn_call *call)
{
	struct tn_step step = { .node = &n->node, .packed = packed, .in = n->in, .out = n->out,
		.axis = n->axis.start ? &n->axis : NULL,
		.kv_axis = n->kv_axis.start ? &n->kv_axis : NULL };

	for (uint32_t o = 0; o < n->node.n_out; o++)
		memset(n->out[o].buffer->data, 0xff, n->out[o].buffer->bytes);
	step.workspace = tn_alloc_n(call, (size_t)omp_get_max_threads(),
		(offer->workspace + 63) / 64 * 64);
	if (!step.workspace)
		return TN_ENOMEM;
	return b->plugin->impl.backend->run(b, &step, 1, call);
}

void conform_widen(struct conform_node *n, uint32_t i)
{
	const struct tn_tensor dense = n->in[i];
	struct tn_spec wide = n->in_spec[i];
	struct tn_tensor *t = &n->in[i];
	const size_t cols = tn_row_size(&dense);

	wide.dims[1] += 5;
	if (give_memory(&wide, dense.dims[0], t, n->call))
		return;
	t->dims[1] = dense.dims[1];
	t->offset = 2 * sizeof(float);
	for (size_t r = 0; r < dense.dims[0]; r++)
		memcpy((float *)tn_host_data(t) + r * t->row_stride,
			(float *)tn_host_data(&dense) + r * cols, cols * sizeof(float));
}

double conform_distance(const struct conform_node *a, const struct conform_node *b, uint32_t o)
{
	const struct tn_tensor *t = &a->out[o];
	const float *x = tn_host_data(t), *y = tn_host_data(&b->out[o]);
	const size_t count = (t->n_dims ? t->dims[0] : 1) * tn_row_size(t);
	double worst = 0;

	for (size_t i = 0; i < count; i++) {
		double d = fabs((double)x[i] - (double)y[i]) / fmax(1, fabs((double)y[i]));

		if (isnan(d))
			return INFINITY;
		worst = fmax(worst, d);
	}
	return worst;
}

int conform_same_row(const struct conform_node *a, size_t row, const struct conform_node *b,
	size_t other)
{
	const size_t cols = tn_row_size(&a->out[0]);

	return !memcmp((float *)tn_host_data(&a->out[0]) + row * cols,
		(float *)tn_host_data(&b->out[0]) + other * cols, cols * sizeof(float));
}
