/* SPDX-License-Identifier: Apache-2.0
 * tests/backends/rig.c - runs one node on a backend plugin.
 */
#include "rig.h"

#include <check.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/impl/plugin.h>

void rig_open(struct rig *rig, const char *name)
{
	const char *top = getenv("top_builddir");
	tn_plugin_function *entry;
	char path[4096];
	void *library;

	snprintf(path, sizeof(path), "%s/backends/.libs/backend-%s.so", top ? top : ".", name);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ck_assert_msg(library != NULL, "%s", dlerror());
	entry = (tn_plugin_function *)dlsym(library, "tn_plugin_v1");
	ck_assert_ptr_nonnull(entry);
	rig->impl = entry()->impl.backend;
	rig->call = tn_call_create();
	rig->dtype = rig->dtype ? rig->dtype : TN_F32;
	rig_clear(rig);
}

void rig_close(struct rig *rig)
{
	tn_call_destroy(rig->call);
}

void rig_clear(struct rig *rig)
{
	struct rig kept = { .call = rig->call, .impl = rig->impl, .dtype = rig->dtype,
		.pad = rig->pad };

	tn_call_reset(rig->call);
	*rig = kept;
}

static struct tn_tensor new_tensor(struct rig *rig, uint32_t dtype, size_t pad,
	const struct tn_spec *spec)
{
	struct tn_tensor t = { .dtype = dtype, .n_dims = spec->n_dims };
	size_t bytes;

	for (int i = 0; i < 4; i++)
		t.dims[i] = spec->dims[i];
	t.row_stride = tn_row_size(&t) + (spec->n_dims > 1 ? pad : 0);
	t.buffer = tn_alloc(rig->call, sizeof(*t.buffer));
	bytes = (t.dims[0] + TN_ROW_SLACK) * t.row_stride * tn_dtype_size((enum tn_dtype)dtype);
	t.buffer->bytes = bytes;
	t.buffer->data = tn_alloc(rig->call, bytes);
	memset(t.buffer->data, 0xff, bytes);	/* NaN in every float type */
	return t;
}

static void put(const struct tn_tensor *t, size_t i, double value)
{
	size_t cols = tn_row_size(t), at = i / cols * t->row_stride + i % cols;
	void *data = tn_host_data(t);

	switch (t->dtype) {
	case TN_F64:
		((double *)data)[at] = value;
		break;
	case TN_I32:
		((int32_t *)data)[at] = (int32_t)value;
		break;
	case TN_U8:
		((uint8_t *)data)[at] = (uint8_t)value;
		break;
	default:
		((float *)data)[at] = (float)value;
	}
}

static double get(const struct tn_tensor *t, size_t i)
{
	size_t cols = tn_row_size(t), at = i / cols * t->row_stride + i % cols;
	const void *data = tn_host_data(t);

	return t->dtype == TN_F64 ? ((const double *)data)[at] : ((const float *)data)[at];
}

/* Adds an input without values; returns its number of elements. */
static size_t add_input(struct rig *rig, uint32_t dtype, size_t d0, size_t d1, size_t d2)
{
	uint32_t i = rig->node.n_in++;
	size_t dims[] = { d0, d1, d2 }, n = 1;
	struct tn_spec *spec = &rig->in_spec[i];

	*spec = (struct tn_spec){ dtype, TN_NO_AXIS, 0, { 1, 1, 1, 1 } };
	while (spec->n_dims < 3 && dims[spec->n_dims]) {
		spec->dims[spec->n_dims] = dims[spec->n_dims];
		n *= dims[spec->n_dims++];
	}
	rig->in[i] = new_tensor(rig, dtype, rig->pad, spec);
	rig->node.in[i] = spec;
	return n;
}

void rig_in(struct rig *rig, const double *values, size_t d0, size_t d1, size_t d2)
{
	size_t n = add_input(rig, rig->dtype, d0, d1, d2);

	for (size_t i = 0; i < n; i++)
		put(&rig->in[rig->node.n_in - 1], i, values[i]);
}

void rig_index(struct rig *rig, const int32_t *values, size_t n)
{
	add_input(rig, TN_I32, n, 0, 0);
	for (size_t i = 0; i < n; i++)
		put(&rig->in[rig->node.n_in - 1], i, values[i]);
}

void rig_mask(struct rig *rig, const uint8_t *values, size_t rows, size_t cols)
{
	add_input(rig, TN_U8, rows, cols, 0);
	for (size_t i = 0; i < rows * cols; i++)
		put(&rig->in[rig->node.n_in - 1], i, values[i]);
}

/* Source: Steele, Lea and Flood, Fast splittable pseudorandom number generators
 * (OOPSLA 2014), the mixing function of SplitMix64. */
double rig_number(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (double)((z ^ z >> 31) >> 40) * 0x1p-23 - 1;
}

void rig_random(struct rig *rig, uint64_t seed, size_t d0, size_t d1, size_t d2)
{
	size_t n = add_input(rig, rig->dtype, d0, d1, d2);

	for (size_t i = 0; i < n; i++)
		put(&rig->in[rig->node.n_in - 1], i, rig_number(&seed));
}

void rig_take(struct rig *rig, const struct tn_tensor *tensor, const struct tn_spec *spec)
{
	uint32_t i = rig->node.n_in++;

	rig->in[i] = *tensor;
	rig->in_spec[i] = *spec;
	rig->node.in[i] = &rig->in_spec[i];
}

double rig_value(const struct rig *rig, uint32_t i, size_t k)
{
	return get(&rig->in[i], k);
}

void rig_set(struct rig *rig, uint32_t i, size_t k, double value)
{
	put(&rig->in[i], k, value);
}

void rig_axis(struct rig *rig, const uint32_t *start, size_t seqs)
{
	rig->axis = (struct tn_axis){ .rows = start[seqs], .seqs = seqs, .start = start };
}

void rig_kv_axis(struct rig *rig, const uint32_t *start, size_t seqs)
{
	rig->kv_axis = (struct tn_axis){ .rows = start[seqs], .seqs = seqs, .start = start };
}

/* Attention wants its rows on axes: queries on 0, keys on 0 or, if they have their
 * own, on 1. */
static void set_axes(struct rig *rig)
{
	bool own = rig->kv_axis.start != NULL, grad = rig->node.op == TN_OP_ATTENTION_GRAD;

	rig->step.axis = &rig->axis;
	rig->step.kv_axis = own ? &rig->kv_axis : &rig->axis;
	rig->in_spec[0].axis = 0;
	rig->in_spec[1].axis = rig->in_spec[2].axis = own;
	for (uint32_t i = 3; grad && i < 6; i++)
		rig->in_spec[i].axis = 0;
	if (rig->node.attr.attention.bias == TN_BIAS_TENSOR)
		rig->in_spec[3].axis = 0;
}

int rig_run(struct rig *rig, uint32_t op, uint32_t n_out)
{
	const struct tn_op_info *info = tn_op_info(op);
	struct tn_backend self = { 0 };
	struct tn_offer offer = { 0 };

	rig->node.op = op;
	rig->node.name = "node";
	rig->node.n_out = n_out ? n_out : info->n_out - info->n_saved;
	rig->node.version = tn_op_lowest(&rig->node);
	if (op == TN_OP_ATTENTION || op == TN_OP_ATTENTION_GRAD)
		set_axes(rig);
	ck_assert_msg(!tn_op_infer(&rig->node, rig->out_spec, rig->call), "%s",
		tn_error_text(rig->call));
	for (uint32_t o = 0; o < rig->node.n_out; o++) {
		struct tn_spec spec = rig->out_spec[o];

		if (spec.axis == 0)
			spec.dims[0] = rig->in[0].dims[0];
		if (spec.axis == 1)
			spec.dims[0] = rig->in[1].dims[0];
		rig->out[o] = new_tensor(rig, spec.dtype, 0, &spec);
		rig->node.out[o] = &rig->out_spec[o];
	}
	rig->step.node = &rig->node;
	rig->step.in = rig->in;
	rig->step.out = rig->out;
	ck_assert_uint_ge(rig->impl->ops[op], rig->node.version);
	ck_assert_msg(rig->impl->supports(&self, &rig->node, &offer), "%s", offer.reason);
	return rig->impl->run(&self, &rig->step, 1, rig->call);
}

double rig_out(const struct rig *rig, uint32_t o, size_t i)
{
	return get(&rig->out[o], i);
}

size_t rig_out_size(const struct rig *rig, uint32_t o)
{
	return rig->out[o].dims[0] * tn_row_size(&rig->out[o]);
}

void rig_expect(const struct rig *rig, uint32_t o, const double *values, size_t n)
{
	double tolerance = rig->dtype == TN_F64 ? 1e-12 : 1e-6, largest = 1;

	ck_assert_msg(!tn_status(rig->call), "%s", tn_error_text(rig->call));
	ck_assert_uint_eq(rig_out_size(rig, o), n);
	for (size_t i = 0; i < n; i++)
		if (isfinite(values[i]))
			largest = fmax(largest, fabs(values[i]));
	for (size_t i = 0; i < n; i++) {
		double found = rig_out(rig, o, i);

		ck_assert_msg(found == values[i] || fabs(found - values[i]) <= tolerance * largest,
			"%s: output %u, element %zu: %.17g, expected %.17g",
			tn_op_name(rig->node.op), o, i, found, values[i]);
	}
}
