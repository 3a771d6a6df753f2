/* SPDX-License-Identifier: Apache-2.0
 * tests/tensor/test_grad.c - gradients of small nets against central differences, in
 * F64 on the backend reference.
 */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "tensor/grad.h"
#include "tensor/plan.h"

#define STEP 1e-6
#define TOLERANCE 1e-4		/* of the slope, or of 1e-3 where that is less */
#define MAX_WEIGHTS 16
#define ROWS 7

/* Weights that come into being when a net asks for them. */
struct weight {
	char name[32];
	struct tn_tensor tensor;
	struct tn_buffer buffer;
	double data[512];
};

struct net {
	struct weight weights[MAX_WEIGHTS];
	size_t n, n_fixed;	/* the last n_fixed are no parameters */
	tn_ref refs[MAX_WEIGHTS], grads[MAX_WEIGHTS];
	struct tn_weight_source source;
	struct tn_graph *g;
	struct tn_call *call;
	struct tn_backend backend;
	const struct tn_backend *chain[1];
	struct tn_plan *plan;
	struct tn_exec *exec;
};

static bool find(void *user, const char *name, size_t dims[4], uint32_t *n_dims)
{
	const struct net *net = user;

	for (size_t i = 0; i < net->n; i++)
		if (!strcmp(net->weights[i].name, name)) {
			memcpy(dims, net->weights[i].tensor.dims, 4 * sizeof(*dims));
			*n_dims = net->weights[i].tensor.n_dims;
			return true;
		}
	return false;
}

static const struct tn_tensor *load(void *user, const char *name, enum tn_dtype dtype,
	struct tn_call *call)
{
	const struct net *net = user;

	ck_assert_int_eq(dtype, TN_F64);
	for (size_t i = 0; i < net->n; i++)
		if (!strcmp(net->weights[i].name, name))
			return &net->weights[i].tensor;
	return NULL;
}

static void release(void *user, const struct tn_tensor *weight)
{
}

/* A new weight with values spread over -1 .. 1. */
static tn_ref weight(struct net *net, const char *name, size_t rows, size_t cols)
{
	struct weight *w = &net->weights[net->n];
	size_t n = rows * (cols ? cols : 1);

	ck_assert_uint_lt(net->n, MAX_WEIGHTS);
	ck_assert_uint_le(n, 512);
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

static struct net *open_net(void)
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

static void close_net(struct net *net)
{
	tn_exec_destroy(net->exec);
	tn_plan_destroy(net->plan);
	tn_call_destroy(net->call);
}

/* Runs the net: outputs are the loss, then the gradients. */
static double run(struct net *net)
{
	ck_assert_msg(!tn_exec_run(net->exec, net->call), "%s", tn_error_text(net->call));
	return *(double *)tn_host_data(tn_exec_output(net->exec, 0));
}

/* Builds the gradients by all weights and makes the net ready on one batch of two
 * sequences. */
static void prepare(struct net *net, tn_ref loss)
{
	size_t n = net->n - net->n_fixed;
	static const uint32_t start[] = { 0, 3, ROWS };
	static const int32_t ids[] = { 1, 4, 0, 1, 2, 2, 3 }, target[] = { 2, 0, -100, 1, 1, 2, 0 };
	const struct tn_axis axis = { .rows = ROWS, .seqs = 2, .start = start };

	tn_graph_output(net->g, "loss", loss);
	tn_graph_gradient(net->g, loss, net->refs, n, net->grads);
	ck_assert_msg(!tn_graph_status(net->g), "%s", tn_error_text(net->call));
	for (size_t i = 0; i < n; i++)
		tn_graph_output(net->g, net->weights[i].name, net->grads[i]);
	net->plan = tn_plan_create(net->g, net->chain, 1, 1, net->call);
	ck_assert_msg(net->plan != NULL, "%s", tn_error_text(net->call));
	net->exec = tn_exec_create(net->plan, net->call);
	ck_assert_int_eq(tn_exec_bind(net->exec, &axis, net->call), 0);
	memcpy(tn_exec_input(net->exec, "ids"), ids, sizeof(ids));
	memcpy(tn_exec_input(net->exec, "target"), target, sizeof(target));
}

/* Every element of every weight: its gradient against a central difference. */
static void check_gradients(struct net *net)
{
	for (size_t w = 0; w < net->n - net->n_fixed; w++) {
		struct weight *weight = &net->weights[w];
		size_t n = weight->tensor.dims[0] * weight->tensor.dims[1];
		const struct tn_tensor *out = tn_exec_output(net->exec, 1 + w);
		double found[512], largest = 0;

		run(net);
		ck_assert_uint_eq(out->dims[0] * tn_row_size(out), n);
		memcpy(found, tn_host_data(out), n * sizeof(*found));
		for (size_t i = 0; i < n; i++) {
			double x = weight->data[i], slope;

			weight->data[i] = x + STEP;
			slope = run(net);
			weight->data[i] = x - STEP;
			slope = (slope - run(net)) / (2 * STEP);
			weight->data[i] = x;
			largest = fmax(largest, fabs(slope));
			ck_assert_msg(fabs(slope - found[i]) <= TOLERANCE * fmax(fabs(slope), 1e-3),
				"%s: element %zu: %.10g, expected %.10g", weight->name, i,
				found[i], slope);
		}
		ck_assert_msg(largest > 1e-3, "%s: all slopes are 0", weight->name);
	}
}

static tn_ref tokens(struct net *net, const char *name)
{
	return tn_input(net->g, name, tn_axis(net->g, "tokens"), TN_I32, 0);
}

/* gather -> linear -> gelu -> layer norm -> linear -> cross entropy */
START_TEST(test_small_net)
{
	struct net *net = open_net();
	struct tn_graph *g = net->g;
	tn_ref x = tn_gather(g, weight(net, "table", 5, 6), tokens(net, "ids"));
	tn_ref w = weight(net, "up.weight", 8, 6), b = weight(net, "up.bias", 8, 0);

	x = tn_act(g, tn_linear(g, x, w, b), TN_ACT_GELU);
	w = weight(net, "norm.weight", 8, 0);
	b = weight(net, "norm.bias", 8, 0);
	x = tn_layer_norm(g, x, w, b, 1e-5);
	w = weight(net, "down.weight", 3, 8);
	b = weight(net, "down.bias", 3, 0);
	x = tn_linear(g, x, w, b);
	prepare(net, tn_cross_entropy(g, x, tokens(net, "target"), TN_NONE, 0));
	check_gradients(net);
	close_net(net);
}
END_TEST

/* One layer of an encoder: columns of one linear as query, key and value, a residual
 * with dropout, an RMS norm; the embedding is read twice. */
START_TEST(test_encoder_layer)
{
	struct tn_attention_attr attr = { .heads = 2, .kv_heads = 1, .head_size = 3,
		.left = UINT32_MAX, .right = UINT32_MAX, .scale = 0.6f, .bias = TN_BIAS_REL,
		.span = 3 };
	struct net *net = open_net();
	struct tn_graph *g = net->g;
	int axis = tn_axis(g, "tokens");
	tn_ref x = tn_gather(g, weight(net, "table", 5, 6), tokens(net, "ids"));
	tn_ref qkv = tn_linear(g, x, weight(net, "qkv.weight", 12, 6),
		weight(net, "qkv.bias", 12, 0));
	tn_ref rel = weight(net, "rel", 5, 2), scale = weight(net, "scale", 6, 0);
	tn_ref y = tn_attention(g, tn_view(g, qkv, 0, 6), tn_view(g, qkv, 6, 3),
		tn_view(g, qkv, 9, 3), axis, axis, &attr, &rel, 1);
	tn_ref parts[2];

	y = tn_dropout(g, tn_mul(g, y, scale), 0.25);
	x = tn_rms_norm(g, tn_add(g, x, tn_scale(g, y, 0.5, 1)),
		weight(net, "norm.weight", 6, 0), 1e-5);
	parts[0] = tn_softmax(g, tn_view(g, x, 1, 4), true);
	parts[1] = x;
	x = tn_add(g, tn_concat(g, parts, 2), weight(net, "shift", 10, 0));
	x = tn_matmul(g, x, weight(net, "out", 10, 3), false, false);
	x = tn_cross_entropy(g, x, tokens(net, "target"), weight(net, "class", 3, 0), 0.1);
	net->n_fixed = 1;
	prepare(net, x);
	check_gradients(net);
	close_net(net);
}
END_TEST

START_TEST(test_missing_rule_is_refused)
{
	struct net *net = open_net();
	struct tn_graph *g = net->g;
	tn_ref table = weight(net, "table", 5, 3), grad;
	tn_ref x = tn_l2norm(g, tn_gather(g, table, tokens(net, "ids")), 1e-6);
	tn_ref loss = tn_cross_entropy(g, x, tokens(net, "target"), TN_NONE, 0);

	ck_assert_int_eq(tn_graph_gradient(g, loss, &table, 1, &grad), TN_EINTERNAL);
	ck_assert_str_eq(tn_error_text(net->call), "l2norm.1: the op l2norm has no gradient rule");
	tn_graph_destroy(g);
	close_net(net);
}
END_TEST

/* What stands on no path to the loss has no gradient, and its ops need no rule. */
START_TEST(test_only_what_is_needed)
{
	struct net *net = open_net();
	struct tn_graph *g = net->g;
	tn_ref wrt[] = { weight(net, "table", 5, 3), weight(net, "other", 3, 0) }, grad[2];
	tn_ref x = tn_gather(g, wrt[0], tokens(net, "ids"));
	tn_ref fixed = tn_gather(g, weight(net, "fixed", 5, 3), tokens(net, "ids"));
	tn_ref loss;

	x = tn_add(g, tn_l2norm(g, fixed, 1e-6), x);
	loss = tn_cross_entropy(g, x, tokens(net, "target"), TN_NONE, 0);
	ck_assert_int_eq(tn_graph_gradient(g, loss, wrt, 2, grad), 0);
	ck_assert_int_ge(grad[0], 0);
	ck_assert_int_eq(grad[1], TN_NONE);
	tn_graph_destroy(g);
	close_net(net);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("grad");

	TN_ADD(suite, test_small_net);
	TN_ADD(suite, test_encoder_layer);
	TN_ADD(suite, test_missing_rule_is_refused);
	TN_ADD(suite, test_only_what_is_needed);
	return tn_check_main(suite);
}
