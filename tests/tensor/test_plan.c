/* SPDX-License-Identifier: Apache-2.0
 * tests/tensor/test_plan.c - graph, plan and execution against the same layer written out
 * in double: joined nodes, merged linears, dead and constant nodes, shared buffers.
 */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "tensor/plan.h"

#define W 12			/* width */
#define I 20			/* inner width */
#define H 3			/* heads */
#define V 7			/* vocabulary */

/* --- weights by name, made up by a fixed sequence --- */

struct weight {
	char name[32];
	struct tn_buffer buffer;
	struct tn_tensor tensor;
	float values[(I + 1) * (I + 8)];
};
static struct weight weights[32];
static size_t n_weights, n_held;

static float *weight(const char *name, size_t rows, size_t cols)
{
	struct weight *w = &weights[n_weights];
	unsigned seed = 7;

	for (const char *c = name; *c; c++)
		seed = seed * 31 + (unsigned char)*c;
	snprintf(w->name, sizeof(w->name), "%s", name);
	for (size_t i = 0; i < rows * (cols ? cols : 1); i++) {
		seed = seed * 1664525u + 1013904223u;
		w->values[i] = ((float)(seed >> 8) / 16777216.0f - 0.5f) * 1.2f;
	}
	w->buffer = (struct tn_buffer){ w->values, sizeof(w->values), NULL };
	w->tensor = (struct tn_tensor){ .buffer = &w->buffer, .dtype = TN_F32,
		.n_dims = cols ? 2 : 1, .dims = { rows, cols ? cols : 1, 1, 1 },
		.row_stride = cols ? cols : 1 };
	n_weights++;
	return w->values;
}

static struct weight *find_weight(const char *name)
{
	for (size_t i = 0; i < n_weights; i++)
		if (!strcmp(weights[i].name, name))
			return &weights[i];
	return NULL;
}

static bool find(void *user, const char *name, size_t dims[4], uint32_t *n_dims)
{
	struct weight *w = find_weight(name);

	(void)user;
	if (!w)
		return false;
	memcpy(dims, w->tensor.dims, sizeof(w->tensor.dims));
	*n_dims = w->tensor.n_dims;
	return true;
}

static const struct tn_tensor *load(void *user, const char *name, enum tn_dtype dtype,
	struct tn_call *call)
{
	(void)user;
	(void)dtype;
	(void)call;
	n_held++;
	return &find_weight(name)->tensor;
}

static void release(void *user, const struct tn_tensor *t)
{
	(void)user;
	(void)t;
	n_held--;
}

static int read_part(void *user, const char *name, size_t first, size_t n, float *to,
	struct tn_call *call)
{
	(void)user;
	(void)call;
	memcpy(to, find_weight(name)->values + first, n * sizeof(*to));
	return 0;
}

static uint64_t version = 1;		/* of all of them */

static const void *identity(void *user, const char *name, uint64_t *of)
{
	*of = version;
	return find_weight(name);
}

static struct tn_weight_source source = { .find = find, .load = load, .release = release,
	.identity = identity, .where = "made-up" };

/* --- backends: the reference, and one that knows only the first version of each op --- */

static const struct tn_plugin *reference(void)
{
	const char *path = getenv("top_builddir");
	char file[4096];
	tn_plugin_function *get;
	void *library;

	snprintf(file, sizeof(file), "%s/backends/.libs/backend-reference.so", path ? path : ".");
	library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	ck_assert_msg(library != NULL, "%s", dlerror());
	*(void **)&get = dlsym(library, "tn_plugin_v1");
	return get();
}

/* --- a backend that packs: it keeps a copy of the weights of a linear --- */

static size_t n_packs, n_kept;
static uint32_t by_rows;
static const struct tn_backend_impl *reference_impl;

static int packer_supports(const struct tn_backend *self, const struct tn_node *node,
	struct tn_offer *offer)
{
	if (node->op == TN_OP_LINEAR)
		offer->pack = 1u << 1;
	offer->by_rows = by_rows;
	return 1;
}

static int packer_pack(const struct tn_backend *self, const struct tn_node *node,
	const struct tn_tensor *w, size_t n, void **packed, size_t *bytes, struct tn_call *call)
{
	static size_t at;

	ck_assert_uint_eq(n, 1);
	*bytes = node->in[1]->dims[0] * node->in[1]->dims[1] * sizeof(float);
	if (!*packed) {
		*packed = malloc(*bytes);
		at = 0;
		n_kept++;
	}
	memcpy((float *)*packed + at, tn_host_data(w), w->dims[0] * w->dims[1] * sizeof(float));
	at += w->dims[0] * w->dims[1];
	n_packs++;
	return 0;
}

static void packer_unpack(const struct tn_backend *self, void *packed)
{
	free(packed);
	n_kept--;
}

static int packer_run(const struct tn_backend *self, const struct tn_step *steps, size_t n,
	struct tn_call *call)
{
	for (size_t i = 0; i < n; i++) {
		struct tn_tensor in[TN_MAX_IN];
		struct tn_step step = steps[i];
		const struct tn_spec *w = step.packed ? step.node->in[1] : NULL;
		struct tn_buffer kept = { .data = (void *)step.packed };

		memcpy(in, step.in, step.node->n_in * sizeof(*in));
		if (w) {
			kept.bytes = w->dims[0] * w->dims[1] * sizeof(float);
			in[1] = (struct tn_tensor){ .buffer = &kept, .n_dims = 2,
				.dims = { w->dims[0], w->dims[1], 1, 1 },
				.row_stride = w->dims[1] };
			step.in = in;
		}
		if (reference_impl->run(self, &step, 1, call))
			return tn_status(call);
	}
	return 0;
}

static struct tn_backend full, simple, no_attention, packer;
static const struct tn_backend *const packer_chain[] = { &packer };
static const struct tn_backend *const full_chain[] = { &full };
static const struct tn_backend *const simple_chain[] = { &simple };
static const struct tn_backend *const mixed_chain[] = { &no_attention, &full };

static void open_backends(void)
{
	static struct tn_plugin simple_plugin, other_plugin, packer_plugin;
	static struct tn_backend_impl simple_impl, other_impl, packer_impl;
	static uint8_t ones[TN_N_OPS], most[TN_N_OPS];

	full.plugin = reference();
	reference_impl = full.plugin->impl.backend;
	simple_plugin = other_plugin = packer_plugin = *full.plugin;
	simple_impl = other_impl = packer_impl = *reference_impl;
	memset(ones, 1, sizeof(ones));
	memcpy(most, simple_impl.ops, sizeof(most));
	most[TN_OP_ATTENTION] = 0;
	simple_impl.ops = ones;
	other_impl.ops = most;
	simple_plugin.impl.backend = &simple_impl;
	other_plugin.impl.backend = &other_impl;
	packer_impl.supports = packer_supports;
	packer_impl.pack = packer_pack;
	packer_impl.unpack = packer_unpack;
	packer_impl.run = packer_run;
	packer_impl.ops = ones;
	packer_plugin.impl.backend = &packer_impl;
	packer.plugin = &packer_plugin;
	simple.plugin = &simple_plugin;
	no_attention.plugin = &other_plugin;
}

/* --- the layer as a graph --- */

static tn_ref norm(struct tn_graph *g, tn_ref x, const char *name)
{
	return tn_layer_norm(g, x, tn_weightf(g, W, 0, "%s.weight", name),
		tn_weightf(g, W, 0, "%s.bias", name), 1e-5);
}

static struct tn_graph *build(struct tn_call *call)
{
	struct tn_graph *g = tn_graph_create(TN_F32, false, call);
	struct tn_attention_attr attr = { .heads = H, .kv_heads = H, .head_size = W / H,
		.left = UINT32_MAX, .right = UINT32_MAX, .scale = 0.5f };
	int tokens = tn_axis(g, "tokens"), texts = tn_axis(g, "texts");
	tn_ref x, y, table, begin, end;

	tn_graph_scope(g, &source, "the test");
	/* Of weights alone: runs once, when the plan is made. */
	table = tn_scale(g, tn_weight(g, "table", V, W), 2, 0);
	x = tn_gather(g, table, tn_input(g, "ids", tokens, TN_I32, 0));
	tn_act(g, tn_dense(g, x, "q", W), TN_ACT_RELU);		/* dead */
	y = tn_attention(g, tn_dense(g, x, "q", W), tn_dense(g, x, "k", W),
		tn_dense(g, x, "v", W), tokens, tokens, &attr, NULL, 0);
	x = norm(g, tn_add(g, tn_dense(g, y, "o", W), x), "n1");
	y = tn_act(g, tn_dense(g, x, "up", I), TN_ACT_GELU);
	x = tn_add(g, tn_dense(g, y, "down", W), x);
	begin = tn_input(g, "text_begin", texts, TN_I32, 0);
	end = tn_input(g, "text_end", texts, TN_I32, 0);
	tn_graph_output(g, "mean", tn_segment(g, x, begin, end, TN_MEAN));
	tn_graph_output(g, "rows", x);
	return g;
}

static void make_weights(void)
{
	static const char *const square[] = { "q", "k", "v", "o" };
	char name[32];

	if (n_weights)
		return;
	weight("table", V, W);
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s.weight", square[i]);
		weight(name, W, W);
		snprintf(name, sizeof(name), "%s.bias", square[i]);
		weight(name, W, 0);
	}
	weight("up.weight", I, W);
	weight("up.bias", I, 0);
	weight("down.weight", W, I);
	weight("down.bias", W, 0);
	weight("n1.weight", W, 0);
	weight("n1.bias", W, 0);
}

/* --- the layer written out --- */

static void dense(const double *x, size_t in, size_t out, const char *name, double *y)
{
	char full_name[32];
	const float *w, *b;

	snprintf(full_name, sizeof(full_name), "%s.weight", name);
	w = find_weight(full_name)->values;
	snprintf(full_name, sizeof(full_name), "%s.bias", name);
	b = find_weight(full_name)->values;
	for (size_t o = 0; o < out; o++) {
		y[o] = (double)b[o];
		for (size_t i = 0; i < in; i++)
			y[o] += x[i] * (double)w[o * in + i];
	}
}

static void expected(const int32_t *ids, size_t n, double rows[][W], double mean[W])
{
	double x[16][W], q[16][W], k[16][W], v[16][W];

	for (size_t t = 0; t < n; t++) {
		for (size_t c = 0; c < W; c++)
			x[t][c] = 2 * (double)find_weight("table")->values[ids[t] * W + (int)c];
		dense(x[t], W, W, "q", q[t]);
		dense(x[t], W, W, "k", k[t]);
		dense(x[t], W, W, "v", v[t]);
	}
	memset(mean, 0, W * sizeof(*mean));
	for (size_t t = 0; t < n; t++) {
		double y[W] = { 0 }, o[W], up[I], down[W], m = 0, var = 0;

		for (size_t h = 0; h < H; h++) {
			double p[16], sum = 0;

			for (size_t j = 0; j < n; j++) {
				double s = 0;

				for (size_t c = h * W / H; c < (h + 1) * W / H; c++)
					s += q[t][c] * k[j][c];
				sum += p[j] = exp(0.5 * s);
			}
			for (size_t j = 0; j < n; j++)
				for (size_t c = h * W / H; c < (h + 1) * W / H; c++)
					y[c] += p[j] / sum * v[j][c];
		}
		dense(y, W, W, "o", o);
		for (size_t c = 0; c < W; c++)
			m += (o[c] += x[t][c]) / W;
		for (size_t c = 0; c < W; c++)
			var += (o[c] - m) * (o[c] - m) / W;
		for (size_t c = 0; c < W; c++)
			o[c] = (o[c] - m) / sqrt(var + 1e-5) *
				(double)find_weight("n1.weight")->values[c] +
				(double)find_weight("n1.bias")->values[c];
		dense(o, W, I, "up", up);
		for (size_t c = 0; c < I; c++)
			up[c] = up[c] / 2 * (1 + erf(up[c] / sqrt(2)));
		dense(up, I, W, "down", down);
		for (size_t c = 0; c < W; c++)
			mean[c] += (rows[t][c] = down[c] + o[c]) / (double)n;
	}
}

/* Runs sequences of ids and compares all outputs. */
static void run_and_compare(struct tn_exec *e, const struct tn_plan *plan, const int32_t *ids,
	const uint32_t *start, size_t seqs, struct tn_call *call)
{
	struct tn_axis axes[2] = { { start[seqs], seqs, start, NULL, NULL },
		{ seqs, seqs, start, NULL, NULL } };
	int32_t *begin, *end;

	ck_assert_uint_eq(tn_plan_n_axes(plan), 2);
	ck_assert_str_eq(tn_plan_axis_name(plan, 0), "tokens");
	ck_assert_int_eq(tn_exec_bind(e, axes, call), 0);
	memcpy(tn_exec_input(e, "ids"), ids, start[seqs] * sizeof(*ids));
	begin = tn_exec_input(e, "text_begin");
	end = tn_exec_input(e, "text_end");
	for (size_t s = 0; s < seqs; s++) {
		begin[s] = (int32_t)start[s];
		end[s] = (int32_t)start[s + 1];
	}
	ck_assert_int_eq(tn_exec_run(e, call), 0);
	for (size_t s = 0; s < seqs; s++) {
		const float *got_mean = (const float *)tn_host_data(tn_exec_output(e, 0)) + s * W;
		const float *got = (const float *)tn_host_data(tn_exec_output(e, 1)) + start[s] * W;
		double rows[16][W], mean[W];

		expected(ids + start[s], start[s + 1] - start[s], rows, mean);
		for (size_t c = 0; c < W; c++)
			ck_assert_double_le(fabs((double)got_mean[c] - mean[c]), 1e-5);
		for (size_t i = 0; i < (start[s + 1] - start[s]) * W; i++)
			ck_assert_double_le(fabs((double)got[i] - rows[i / W][i % W]), 1e-5);
	}
}

static void check_chain(const struct tn_backend *const *chain, size_t n_chain, size_t steps)
{
	static const int32_t ids[] = { 3, 1, 6, 0, 2, 2, 5, 4, 1, 3, 0, 6 };
	static const uint32_t one[] = { 0, 4 }, three[] = { 0, 1, 8, 12 };
	struct tn_call *call = tn_call_create();
	struct tn_plan *plan;
	struct tn_exec *e;

	make_weights();
	open_backends();
	plan = tn_plan_create(build(call), chain, n_chain, 1, call);
	ck_assert_str_eq(tn_error_text(call), "");
	ck_assert_uint_eq(tn_plan_n_steps(plan), steps);
	e = tn_exec_create(plan, call);
	run_and_compare(e, plan, ids, one, 1, call);
	run_and_compare(e, plan, ids, three, 3, call);
	run_and_compare(e, plan, ids, one, 1, call);
	tn_exec_destroy(e);
	tn_plan_destroy(plan);
	ck_assert_uint_eq(n_held, 0);
	tn_call_destroy(call);
}

/* gather, qkv, attention, o, add + norm, up + gelu, down + add, mean */
START_TEST(test_joined_nodes_give_the_layer)
{
	check_chain(full_chain, 1, 8);
}
END_TEST

/* gather, q, k, v, attention, o, add, norm, up, gelu, down, add, mean */
START_TEST(test_a_backend_of_simple_nodes_is_offered_the_parts)
{
	check_chain(simple_chain, 1, 13);
}
END_TEST

START_TEST(test_a_node_falls_to_the_next_backend)
{
	struct tn_call *call = tn_call_create();
	static const uint32_t start[] = { 0, 4 };
	struct tn_axis axes[2] = { { 4, 1, start, NULL, NULL }, { 1, 1, start, NULL, NULL } };
	struct tn_plan *plan;
	uint64_t flops[2], alone[1];
	size_t other = 0;

	check_chain(mixed_chain, 2, 8);
	plan = tn_plan_create(build(call), mixed_chain, 2, 1, call);
	for (size_t i = 0; i < tn_plan_n_steps(plan); i++) {
		const char *why;
		size_t backend;
		const struct tn_node *node = tn_plan_step(plan, i, &backend, &why);

		other += backend;
		ck_assert_int_eq(backend == 1, node->op == TN_OP_ATTENTION);
		ck_assert_int_eq(*why != 0, node->op == TN_OP_ATTENTION);
	}
	ck_assert_uint_eq(other, 1);
	tn_plan_flops(plan, axes, flops);
	tn_plan_destroy(plan);
	plan = tn_plan_create(build(call), full_chain, 1, 1, call);
	tn_plan_flops(plan, axes, alone);
	ck_assert_uint_gt(flops[1], 0);
	ck_assert_uint_eq(flops[0] + flops[1], alone[0]);
	tn_plan_destroy(plan);
	tn_call_destroy(call);
}
END_TEST

/* A profiled run gives the same rows; it adds up the work of the steps, and their times when
 * they are asked for. */
START_TEST(test_a_profile_counts_the_steps)
{
	static const int32_t ids[] = { 3, 1, 6, 0, 2, 2, 5 };
	static const uint32_t start[] = { 0, 2, 7 };
	struct tn_axis axes[2] = { { 7, 2, start, NULL, NULL }, { 2, 2, start, NULL, NULL } };
	struct tn_call *call = tn_call_create();
	struct tn_profile profile = { 0 };
	uint64_t flops[2], work = 0, ns = 0;
	struct tn_plan *plan;
	struct tn_exec *e;

	make_weights();
	open_backends();
	plan = tn_plan_create(build(call), mixed_chain, 2, 1, call);
	e = tn_exec_create(plan, call);
	profile.steps = calloc(tn_plan_n_steps(plan), sizeof(*profile.steps));
	tn_exec_profile(e, &profile);
	run_and_compare(e, plan, ids, start, 2, call);
	for (size_t i = 0; i < tn_plan_n_steps(plan); i++)
		ns += profile.steps[i].ns;
	ck_assert_uint_eq(ns, 0);
	profile.timed = true;
	run_and_compare(e, plan, ids, start, 2, call);
	tn_exec_profile(e, NULL);
	run_and_compare(e, plan, ids, start, 2, call);
	ck_assert_uint_eq(profile.runs, 2);
	for (size_t i = 0; i < tn_plan_n_steps(plan); i++) {
		uint64_t of, bytes;

		ck_assert_uint_gt(profile.steps[i].ns, 0);
		work += profile.steps[i].flops;
		tn_plan_step_cost(plan, i, axes, &of, &bytes);
		ck_assert_uint_eq(profile.steps[i].flops, 2 * of);
		ck_assert_uint_eq(profile.steps[i].bytes, 2 * bytes);
	}
	tn_plan_flops(plan, axes, flops);
	ck_assert_uint_eq(work, 2 * (flops[0] + flops[1]));
	free(profile.steps);
	tn_exec_destroy(e);
	tn_plan_destroy(plan);
	tn_call_destroy(call);
}
END_TEST

/* So do two products of a plan; what they share is counted once. */
START_TEST(test_steps_share_a_packing)
{
	struct tn_call *call = tn_call_create();
	struct tn_graph *g = tn_graph_create(TN_F32, false, call);
	struct tn_plan *plan;
	size_t packed, held;
	tn_ref x;

	make_weights();
	open_backends();
	n_packs = 0;
	tn_graph_scope(g, &source, "the test");
	x = tn_input(g, "x", tn_axis(g, "tokens"), TN_F32, W);
	x = tn_dense(g, tn_act(g, tn_dense(g, x, "q", W), TN_ACT_RELU), "q", W);
	tn_graph_output(g, "rows", x);
	plan = tn_plan_create(g, packer_chain, 1, 1, call);
	ck_assert_msg(plan != NULL, "%s", tn_error_text(call));
	tn_plan_memory(plan, &packed, &held);
	ck_assert_uint_eq(n_packs, 1);
	ck_assert_uint_eq(packed, W * W * sizeof(float));
	tn_plan_destroy(plan);
	tn_call_destroy(call);
}
END_TEST

/* Plans of the same weights share what was packed of them. */
START_TEST(test_packings_are_shared)
{
	struct tn_call *call = tn_call_create();
	struct tn_plan *plans[2];
	size_t packed[2], held, kept;

	make_weights();
	open_backends();
	n_packs = 0;
	for (int i = 0; i < 2; i++) {
		plans[i] = tn_plan_create(build(call), packer_chain, 1, 1, call);
		ck_assert_msg(plans[i] != NULL, "%s", tn_error_text(call));
		tn_plan_memory(plans[i], &packed[i], &held);
		ck_assert_uint_eq(n_packs, 6);		/* q k v o up down */
	}
	ck_assert_uint_eq(packed[0], packed[1]);
	ck_assert_uint_eq(packed[0], (4 * W * W + 2 * I * W) * sizeof(float));
	kept = n_kept;
	tn_plan_destroy(plans[0]);
	ck_assert_uint_eq(n_kept, kept);
	tn_plan_destroy(plans[1]);
	ck_assert_uint_eq(n_kept, 0);
	ck_assert_uint_eq(n_held, 0);
	tn_call_destroy(call);
}
END_TEST

/* A source that can read parts gives the rows of a weight as the backend wants them. */
START_TEST(test_weights_are_packed_by_rows)
{
	static const int32_t ids[] = { 3, 1, 6, 0 };
	static const uint32_t start[] = { 0, 4 };
	struct tn_call *call = tn_call_create();
	struct tn_plan *plan;
	struct tn_exec *e;

	make_weights();
	open_backends();
	n_packs = 0;
	by_rows = 3;
	source.read = read_part;
	plan = tn_plan_create(build(call), packer_chain, 1, 1, call);
	source.read = NULL;
	by_rows = 0;
	ck_assert_msg(plan != NULL, "%s", tn_error_text(call));
	ck_assert_uint_eq(n_packs, 5 * ((W + 2) / 3) + (I + 2) / 3);
	ck_assert_uint_eq(n_kept, 6);
	e = tn_exec_create(plan, call);
	run_and_compare(e, plan, ids, start, 1, call);
	tn_exec_destroy(e);
	tn_plan_destroy(plan);
	ck_assert_uint_eq(n_kept, 0);
	tn_call_destroy(call);
}
END_TEST

/* A weight that has changed is packed anew by a refresh, for this plan alone. */
START_TEST(test_changed_weights_are_packed_anew)
{
	static const int32_t ids[] = { 3, 1, 6, 0 };
	static const uint32_t start[] = { 0, 4 };
	struct tn_call *call = tn_call_create();
	struct tn_plan *plan, *other;
	struct tn_exec *e;
	float *up;

	make_weights();
	open_backends();
	plan = tn_plan_create(build(call), packer_chain, 1, 1, call);
	other = tn_plan_create(build(call), packer_chain, 1, 1, call);
	e = tn_exec_create(plan, call);
	run_and_compare(e, plan, ids, start, 1, call);
	n_packs = 0;
	ck_assert_int_eq(tn_plan_refresh(plan, call), 0);
	ck_assert_uint_eq(n_packs, 0);
	up = find_weight("up.weight")->values;
	for (size_t i = 0; i < W * I; i++)
		up[i] = -up[i];
	version++;
	ck_assert_int_eq(tn_plan_refresh(plan, call), 0);
	ck_assert_uint_eq(n_packs, 6);
	run_and_compare(e, plan, ids, start, 1, call);
	tn_exec_destroy(e);
	tn_plan_destroy(plan);
	ck_assert_uint_eq(n_kept, 6);
	tn_plan_destroy(other);
	ck_assert_uint_eq(n_kept, 0);
	tn_call_destroy(call);
}
END_TEST

/* A constant whose bytes do not fit in size_t: with slack rows they wrap around to 56. */
START_TEST(test_a_constant_that_is_too_large_is_refused)
{
	struct tn_call *call = tn_call_create();
	struct tn_graph *g = tn_graph_create(TN_F32, false, call);
	size_t rows = (SIZE_MAX >> 3) + 1;

	make_weights();
	open_backends();
	if (!find_weight("huge")) {
		weight("huge", 1, 2);
		find_weight("huge")->tensor.dims[0] = rows;
	}
	tn_graph_scope(g, &source, "the test");
	tn_graph_output(g, "x", tn_gather(g, tn_scale(g, tn_weight(g, "huge", rows, 2), 2, 0),
		tn_input(g, "ids", tn_axis(g, "tokens"), TN_I32, 0)));
	ck_assert_ptr_null(tn_plan_create(g, full_chain, 1, 1, call));
	ck_assert_int_eq(tn_status(call), TN_ENOMEM);
	ck_assert_str_eq(tn_error_text(call),
		"scale of [2305843009213693952,2,1,1] does not fit in memory");
	tn_call_destroy(call);
}
END_TEST

START_TEST(test_the_first_fault_of_a_graph_stays)
{
	struct tn_call *call = tn_call_create();
	struct tn_graph *g = tn_graph_create(TN_F32, false, call);
	tn_ref x;

	make_weights();
	tn_graph_scope(g, &source, "head x");
	x = tn_input(g, "x", tn_axis(g, "texts"), TN_F32, W);
	ck_assert_int_eq(tn_dense(g, x, "missing", 4), TN_BAD);
	ck_assert_str_eq(tn_error_text(call),
		"made-up: there is no tensor \"missing.weight\", which head x needs");
	ck_assert_int_eq(tn_weight(g, "q.weight", W, W), TN_BAD);
	ck_assert_int_eq(tn_graph_status(g), TN_EDATA);
	tn_graph_destroy(g);
	tn_call_reset(call);
	g = tn_graph_create(TN_F32, false, call);
	tn_graph_scope(g, &source, "head x");
	tn_weight(g, "up.weight", I, W + 1);
	ck_assert_str_eq(tn_error_text(call),
		"made-up: tensor \"up.weight\" has the shape [20,12], head x needs [20,13]");
	tn_graph_destroy(g);
	tn_call_destroy(call);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plan");

	setenv("CK_FORK", "no", 1);	/* the backends use OpenMP */
	TN_ADD(s, test_joined_nodes_give_the_layer);
	TN_ADD(s, test_a_backend_of_simple_nodes_is_offered_the_parts);
	TN_ADD(s, test_a_node_falls_to_the_next_backend);
	TN_ADD(s, test_a_profile_counts_the_steps);
	TN_ADD(s, test_packings_are_shared);
	TN_ADD(s, test_steps_share_a_packing);
	TN_ADD(s, test_weights_are_packed_by_rows);
	TN_ADD(s, test_changed_weights_are_packed_anew);
	TN_ADD(s, test_a_constant_that_is_too_large_is_refused);
	TN_ADD(s, test_the_first_fault_of_a_graph_stays);
	return tn_check_main(s);
}
