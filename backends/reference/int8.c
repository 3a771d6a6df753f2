/* SPDX-License-Identifier: Apache-2.0
 * backends/reference/int8.c - linear layers and tables in eight bits.
 */
#include <omp.h>

#include "ops.h"

/* A matrix in eight bits. */
struct quantized {
	int8_t *q;		/* [rows][cols] */
	float *scale;		/* [rows] */
	size_t cols;
};

static int quantize(const struct tn_tensor *t, struct quantized *to, struct tn_call *call)
{
	to->cols = t->dims[1];
	to->q = tn_alloc_n(call, t->dims[0] * t->dims[1] + 1, sizeof(*to->q));
	to->scale = tn_alloc_n(call, t->dims[0] + 1, sizeof(*to->scale));
	if (!to->q || !to->scale)
		return tn_status(call);
#pragma omp parallel for if (ref_big(t->dims[0] * t->dims[1]))
	for (size_t r = 0; r < t->dims[0]; r++)
		tn_quantize_row((const float *)tn_host_data(t) + r * t->row_stride, to->cols,
			to->q + r * to->cols, &to->scale[r]);
	return 0;
}

static float product(const struct quantized *x, size_t r, const struct quantized *w, size_t o)
{
	const int8_t *a = x->q + r * x->cols, *b = w->q + o * w->cols;
	int32_t sum = 0;

	for (size_t i = 0; i < x->cols; i++)
		sum += a[i] * b[i];
	return (float)sum * (x->scale[r] * w->scale[o]);
}

/* One part of a linear: columns y_first.. of y. */
static void part(const struct quantized *x, const struct quantized *w, const float *bias,
	const struct tn_tensor *y, size_t y_first, size_t outs)
{
#pragma omp parallel for if (ref_big(y->dims[0] * outs * x->cols / 8))
	for (size_t r = 0; r < y->dims[0]; r++) {
		float *out = (float *)tn_host_data(y) + r * y->row_stride + y_first;

		for (size_t o = 0; o < outs; o++)
			out[o] = product(x, r, w, o) + (bias ? bias[o] : 0.0f);
	}
}

int ref_linear_int8(const struct tn_step *step, struct tn_call *call)
{
	const union tn_attr *attr = &step->node->attr;
	const struct tn_tensor *y = &step->out[0];
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	struct quantized x, w;
	uint32_t i = 1;
	size_t first = 0;

	if (quantize(&step->in[0], &x, call))
		return tn_status(call);
	for (uint32_t p = 0; p < attr->linear.parts; p++) {
		size_t outs = step->in[i].dims[0];
		const float *bias = NULL;

		if (quantize(&step->in[i++], &w, call))
			return tn_status(call);
		if (attr->linear.bias)
			bias = tn_host_data(&step->in[i++]);
		part(&x, &w, bias, y, first, outs);
		first += outs;
	}
	tn_arena_rewind(tn_call_arena(call), mark);
	if (attr->linear.act || attr->linear.residual)
		linear_finish_f32(y, attr->linear.act,
			attr->linear.residual ? &step->in[i] : NULL);
	return 0;
}

int ref_gather_int8(const struct tn_step *step, struct tn_call *call)
{
	const struct tn_tensor *table = &step->in[0], *y = &step->out[0];
	const size_t cols = y->dims[1];
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	int8_t *q = tn_alloc(call, cols + 1);

	for (size_t r = 0; q && r < y->dims[0]; r++) {
		int32_t v = *ref_index(&step->in[1], r);
		float *to = (float *)tn_host_data(y) + r * y->row_stride, scale = 0;

		if (v >= 0 && (size_t)v >= table->dims[0])
			return ref_bad_index(step, r, v, table->dims[0], call);
		memset(q, 0, cols);
		if (v >= 0)
			tn_quantize_row((const float *)tn_host_data(table) +
				(size_t)v * table->row_stride, cols, q, &scale);
		for (size_t c = 0; c < cols; c++)
			to[c] = (float)q[c] * scale;
	}
	tn_arena_rewind(tn_call_arena(call), mark);
	return tn_status(call);
}
