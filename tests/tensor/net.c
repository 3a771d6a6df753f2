/* SPDX-License-Identifier: Apache-2.0
 * tests/tensor/net.c - small nets in F64 on the backend reference.
 */
#include "net.h"

#include <check.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP 1e-6

static struct net_weight *weight_of(void *user, const char *name)
{
	struct net *net = user;

	for (size_t i = 0; i < net->n; i++)
		if (!strcmp(net->weights[i].name, name))
			return &net->weights[i];
	return NULL;
}

static bool find(void *user, const char *name, size_t dims[4], uint32_t *n_dims)
{
	const struct net_weight *w = weight_of(user, name);

	if (!w)
		return false;
	memcpy(dims, w->tensor.dims, 4 * sizeof(*dims));
	*n_dims = w->tensor.n_dims;
	return true;
}

static const struct tn_tensor *load(void *user, const char *name, enum tn_dtype dtype,
	struct tn_call *call)
{
	const struct net_weight *w = weight_of(user, name);

	ck_assert_int_eq(dtype, TN_F64);
	return w ? &w->tensor : NULL;
}

static void release(void *user, const struct tn_tensor *weight)
{
}

tn_ref net_weight(struct net *net, const char *name, size_t rows, size_t cols)
{
	struct net_weight *w = &net->weights[net->n];
	size_t n = rows * (cols ? cols : 1);

	ck_assert_uint_lt(net->n, NET_WEIGHTS);
	ck_assert_uint_le(n, NET_ELEMENTS);
	snprintf(w->name, sizeof(w->name), "%s", name);
	w->buffer = (struct tn_buffer){ .data = w->data, .bytes = sizeof(w->data) };
	w->tensor = (struct tn_tensor){ .buffer = &w->buffer, .dtype = TN_F64,
		.n_dims = cols ? 2 : 1, .dims = { rows, cols ? cols : 1, 1, 1 },
		.row_stride = cols ? cols : 1 };
	for (size_t i = 0; i < n; i++)
		w->data[i] = sin(1 + 1.7 * (double)i + 31 * (double)net->n);
	net->n++;
	net->refs[net->n - 1] = tn_weight(net->g, name, rows, cols);
	return net->refs[net->n - 1];
}

tn_ref net_index(struct net *net, const char *name)
{
	return tn_input(net->g, name, tn_axis(net->g, "tokens"), TN_I32, 0);
}

struct net *net_open(void)
{
	static struct net net;
	const char *top = getenv("top_builddir");
	tn_plugin_function *entry;
	char path[4096];
	void *library;

	memset(&net, 0, sizeof(net));
	snprintf(path, sizeof(path), "%s/backends/.libs/backend-reference.so", top ? top : ".");
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ck_assert_msg(library != NULL, "%s", dlerror());
	entry = (tn_plugin_function *)dlsym(library, "tn_plugin_v1");
	net.backend.plugin = entry();
	net.chain[0] = &net.backend;
	net.call = tn_call_create();
	net.source = (struct tn_weight_source){ .user = &net, .find = find, .load = load,
		.release = release, .where = "the test" };
	net.g = tn_graph_create(TN_F64, true, net.call);
	tn_graph_scope(net.g, &net.source, "the net");
	return &net;
}

void net_close(struct net *net)
{
	tn_exec_destroy(net->exec);
	tn_plan_destroy(net->plan);
	tn_call_destroy(net->call);
}

void net_plan(struct net *net, tn_ref loss)
{
	size_t n = net->n - net->n_fixed;

	tn_graph_output(net->g, "loss", loss);
	tn_graph_gradient(net->g, loss, net->refs, n, net->grads);
	ck_assert_msg(!tn_graph_status(net->g), "%s", tn_error_text(net->call));
	for (size_t i = 0; i < n; i++)
		tn_graph_output(net->g, net->weights[i].name, net->grads[i]);
	net->plan = tn_plan_create(net->g, net->chain, 1, 1, net->call);
	ck_assert_msg(net->plan != NULL, "%s", tn_error_text(net->call));
	net->exec = tn_exec_create(net->plan, net->call);
	ck_assert_ptr_nonnull(net->exec);
}

void net_bind(struct net *net, const struct net_batch *batch)
{
	const struct tn_axis axis = { .rows = batch->start[batch->seqs], .seqs = batch->seqs,
		.start = batch->start };

	ck_assert_int_eq(tn_exec_bind(net->exec, &axis, net->call), 0);
	net->batch = batch;
}

/* A run may write over its inputs once they are read. */
static void fill_inputs(struct net *net)
{
	const struct net_batch *b = net->batch;

	for (size_t i = 0; i < b->n_inputs; i++) {
		void *to = tn_exec_input(net->exec, b->inputs[i].name);

		if (to)
			memcpy(to, b->inputs[i].data, b->start[b->seqs] * b->inputs[i].size);
	}
}

double net_run(struct net *net)
{
	fill_inputs(net);
	ck_assert_msg(!tn_exec_run(net->exec, net->call), "%s", tn_error_text(net->call));
	return *(double *)tn_host_data(tn_exec_output(net->exec, 0));
}

double net_check(struct net *net, double tolerance, double least)
{
	double largest = 0;

	for (size_t k = 0; k < net->n - net->n_fixed; k++) {
		struct net_weight *w = &net->weights[k];
		size_t n = w->tensor.dims[0] * w->tensor.dims[1];
		const struct tn_tensor *out = tn_exec_output(net->exec, 1 + k);
		double found[NET_ELEMENTS];

		net_run(net);
		ck_assert_uint_eq(out->dims[0] * tn_row_size(out), n);
		memcpy(found, tn_host_data(out), n * sizeof(*found));
		for (size_t i = 0; i < n; i++) {
			double x = w->data[i], slope;

			w->data[i] = x + STEP;
			slope = net_run(net);
			w->data[i] = x - STEP;
			slope = (slope - net_run(net)) / (2 * STEP);
			w->data[i] = x;
			largest = fmax(largest, fabs(slope));
			ck_assert_msg(fabs(slope - found[i]) <= tolerance * fmax(fabs(slope), least),
				"%s: element %zu: %.10g, expected %.10g", w->name, i, found[i],
				slope);
		}
	}
	return largest;
}
