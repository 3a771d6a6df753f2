/* SPDX-License-Identifier: Apache-2.0
 * kernels/linear.c - what every backend's linear layers share: the offer, the
 * weights in one matrix, rows rounded up to the grain.
 */
#include <stdlib.h>
#include <string.h>

#include "gemm.h"

static size_t columns(const struct tn_spec *spec)
{
	return spec->dims[1] * spec->dims[2] * spec->dims[3];
}

int linear_supports(const struct tn_node *node, size_t grain, struct tn_offer *offer)
{
	const uint32_t step = node->attr.linear.bias ? 2 : 1;
	const uint32_t weights = ((1u << (node->attr.linear.parts * step)) - 1) << 1;

	for (uint32_t i = 0; i < node->n_in; i++)
		if (node->in[i]->dtype != TN_F32)
			return kernel_refuse(offer, "input %u is not F32", i);
	if ((node->weight_in & weights) != weights)
		return kernel_refuse(offer, "its weights are computed, they cannot be packed");
	offer->pack = weights;
	offer->workspace = grain * (columns(node->in[0]) + 2 * columns(node->out[0])) *
		sizeof(float);
	return 1;
}

int linear_collect(const struct tn_node *node, const struct tn_tensor *weights, float **w,
	float **bias, size_t *outs, size_t *ins, struct tn_call *call)
{
	const size_t step = node->attr.linear.bias ? 2 : 1, parts = node->attr.linear.parts;
	size_t at = 0;

	*outs = 0;
	*ins = tn_row_size(&weights[0]);
	for (size_t p = 0; p < parts; p++)
		*outs += weights[p * step].dims[0];
	*w = malloc((*outs * *ins + 1) * sizeof(float));
	*bias = step == 2 ? malloc((*outs + 1) * sizeof(float)) : NULL;
	if (!*w || (step == 2 && !*bias)) {
		free(*w);
		free(*bias);
		return tn_fail(call, TN_ENOMEM, "out of memory for the weights of %s", node->name);
	}
	for (size_t p = 0; p < parts; p++) {
		const struct tn_tensor *part = &weights[p * step];

		memcpy(*w + at * *ins, tn_host_data(part), part->dims[0] * *ins * sizeof(float));
		if (step == 2)
			memcpy(*bias + at, tn_host_data(part + 1), part->dims[0] * sizeof(float));
		at += part->dims[0];
	}
	return 0;
}

/* Rows behind the last one that a kernel may use: only those of rows on an axis are ours,
 * behind a constant lies something else. */
static size_t slack(const struct tn_spec *spec, const struct tn_tensor *t)
{
	const size_t row = t->row_stride * sizeof(float), end = t->offset + t->dims[0] * row;

	return spec->axis != TN_NO_AXIS && t->buffer->bytes > end ? (t->buffer->bytes - end) / row : 0;
}

/* Stale rows could hold what is slow (denormals) or noisy (NaN). */
static void clear_slack(const struct tn_tensor *t, size_t rows)
{
	memset((float *)tn_host_data(t) + t->dims[0] * t->row_stride, 0,
		rows * t->row_stride * sizeof(float));
}

int linear_by_rows(const struct tn_step *step, size_t grain,
	int (*run)(void *user, float *y, float *x, float *residual, size_t padded,
		size_t rows), void *user)
{
	const struct tn_tensor *x = &step->in[0], *y = &step->out[0];
	const struct tn_node *node = step->node;
	const uint32_t last = node->n_in - 1;
	const struct tn_tensor *r = node->attr.linear.residual ? &step->in[last] : NULL;
	const size_t ins = tn_row_size(x), outs = tn_row_size(y), rows = y->dims[0];
	const size_t over = rows % grain, missing = over ? grain - over : 0;
	float *xs = tn_host_data(x), *ys = tn_host_data(y), *rs = r ? tn_host_data(r) : NULL;
	float *in = step->workspace, *out = in + grain * ins, *add = out + grain * outs;
	int status = 0;

	if (slack(node->in[0], x) >= missing && slack(node->out[0], y) >= missing &&
	    (!r || slack(node->in[last], r) >= missing)) {
		clear_slack(x, missing);
		if (r)
			clear_slack(r, missing);
		return rows ? run(user, ys, xs, rs, rows + missing, rows) : 0;
	}
	if (rows > over)
		status = run(user, ys, xs, rs, rows - over, rows - over);
	if (status || !over)
		return status;
	memset(in, 0, grain * (ins + 2 * outs) * sizeof(*in));
	memcpy(in, xs + (rows - over) * ins, over * ins * sizeof(*in));
	if (r)
		memcpy(add, rs + (rows - over) * outs, over * outs * sizeof(*add));
	status = run(user, out, in, r ? add : NULL, grain, over);
	memcpy(ys + (rows - over) * outs, out, over * outs * sizeof(*out));
	return status;
}
