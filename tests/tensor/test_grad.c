/* SPDX-License-Identifier: Apache-2.0
 * tests/tensor/test_grad.c - gradients of small nets against central differences, in
 * F64 on the backend reference.
 */
#include "check_main.h"
#include "net.h"

#define TOLERANCE 1e-4		/* of the slope, or of 1e-3 where that is less */

static const uint32_t start[] = { 0, 3, 7 };
static const int32_t ids[] = { 1, 4, 0, 1, 2, 2, 3 }, target[] = { 2, 0, -100, 1, 1, 2, 0 };
static const struct net_batch batch = { .seqs = 2, .start = start, .n_inputs = 2, .inputs = {
	{ "ids", ids, sizeof(*ids) }, { "target", target, sizeof(*target) } } };

static void check_gradients(struct net *net, tn_ref loss)
{
	net_plan(net, loss);
	net_bind(net, &batch);
	ck_assert_double_gt(net_check(net, TOLERANCE, 1e-3), 1e-3);
	net_close(net);
}

/* gather -> linear -> gelu -> layer norm -> linear -> cross entropy */
START_TEST(test_small_net)
{
	struct net *net = net_open();
	struct tn_graph *g = net->g;
	tn_ref x = tn_gather(g, net_weight(net, "table", 5, 6), net_index(net, "ids"));
	tn_ref w = net_weight(net, "up.weight", 8, 6), b = net_weight(net, "up.bias", 8, 0);

	x = tn_act(g, tn_linear(g, x, w, b), TN_ACT_GELU);
	w = net_weight(net, "norm.weight", 8, 0);
	b = net_weight(net, "norm.bias", 8, 0);
	x = tn_layer_norm(g, x, w, b, 1e-5);
	w = net_weight(net, "down.weight", 3, 8);
	b = net_weight(net, "down.bias", 3, 0);
	x = tn_linear(g, x, w, b);
	check_gradients(net, tn_cross_entropy(g, x, net_index(net, "target"), TN_NONE, 0));
}
END_TEST

/* One layer of an encoder: columns of one linear as query, key and value, a residual
 * with dropout, an RMS norm; the embedding is read twice. */
START_TEST(test_encoder_layer)
{
	struct tn_attention_attr attr = { .heads = 2, .kv_heads = 1, .head_size = 3,
		.left = UINT32_MAX, .right = UINT32_MAX, .scale = 0.6f, .bias = TN_BIAS_REL,
		.span = 3 };
	struct net *net = net_open();
	struct tn_graph *g = net->g;
	int axis = tn_axis(g, "tokens");
	tn_ref x = tn_gather(g, net_weight(net, "table", 5, 6), net_index(net, "ids"));
	tn_ref qkv = tn_linear(g, x, net_weight(net, "qkv.weight", 12, 6),
		net_weight(net, "qkv.bias", 12, 0));
	tn_ref rel = net_weight(net, "rel", 5, 2), scale = net_weight(net, "scale", 6, 0);
	tn_ref y = tn_attention(g, tn_view(g, qkv, 0, 6), tn_view(g, qkv, 6, 3),
		tn_view(g, qkv, 9, 3), axis, axis, &attr, &rel, 1);
	tn_ref parts[2];

	y = tn_dropout(g, tn_mul(g, y, scale), 0.25);
	x = tn_rms_norm(g, tn_add(g, x, tn_scale(g, y, 0.5, 1)),
		net_weight(net, "norm.weight", 6, 0), 1e-5);
	parts[0] = tn_softmax(g, tn_view(g, x, 1, 4), true);
	parts[1] = x;
	x = tn_add(g, tn_concat(g, parts, 2), net_weight(net, "shift", 10, 0));
	x = tn_matmul(g, x, net_weight(net, "out", 10, 3), false, false);
	x = tn_cross_entropy(g, x, net_index(net, "target"), net_weight(net, "class", 3, 0), 0.1);
	net->n_fixed = 1;
	check_gradients(net, x);
}
END_TEST

/* A custom op that cannot be trained through: twice its input. */
static int infer_twice(const void *data, const struct tn_spec *in, size_t n_in,
	struct tn_spec *out, struct tn_call *call)
{
	out[0] = in[0];
	return 0;
}

static int run_twice(const void *data, const struct tn_step *step, struct tn_call *call)
{
	return 0;
}

static const struct tn_custom_op twice = { .size = sizeof(twice), .n_out = 1, .name = "twice",
	.infer = infer_twice, .forward = run_twice };

START_TEST(test_missing_rule_is_refused)
{
	struct net *net = net_open();
	struct tn_graph *g = net->g;
	tn_ref table = net_weight(net, "table", 5, 3), grad;
	tn_ref x = tn_gather(g, table, net_index(net, "ids"));
	tn_ref loss;

	x = tn_custom(g, &twice, NULL, &x, 1);
	loss = tn_cross_entropy(g, x, net_index(net, "target"), TN_NONE, 0);
	ck_assert_int_eq(tn_graph_gradient(g, loss, &table, 1, &grad), TN_EINTERNAL);
	ck_assert_str_eq(tn_error_text(net->call), "custom.1: the op twice has no gradient rule");
	tn_graph_destroy(g);
	net_close(net);
}
END_TEST

/* What only training plans have is no way for a gradient. */
START_TEST(test_saved_outputs_have_no_gradient)
{
	struct net *net = net_open();
	struct tn_graph *g = net->g;
	tn_ref table = net_weight(net, "table", 5, 3), grad;
	tn_ref x = tn_gather(g, table, net_index(net, "ids"));
	tn_ref count = tn_output(g, tn_cross_entropy(g, x, net_index(net, "target"), TN_NONE, 0), 1);

	ck_assert_int_eq(tn_graph_gradient(g, count, &table, 1, &grad), 0);
	ck_assert_int_eq(grad, TN_NONE);
	x = tn_rms_norm(g, x, net_weight(net, "scale", 3, 0), 1e-5);
	x = tn_reduce(g, tn_output(g, x, 1), TN_SUM, 2);
	ck_assert_int_eq(tn_graph_gradient(g, x, &table, 1, &grad), TN_EINTERNAL);
	ck_assert_str_eq(tn_error_text(net->call),
		"scale: only the first output of rms_norm has a gradient");
	tn_graph_destroy(g);
	net_close(net);
}
END_TEST

/* What stands on no path to the loss has no gradient, and its ops need no rule. */
START_TEST(test_only_what_is_needed)
{
	struct net *net = net_open();
	struct tn_graph *g = net->g;
	tn_ref wrt[] = { net_weight(net, "table", 5, 3), net_weight(net, "other", 3, 0) }, grad[2];
	tn_ref x = tn_gather(g, wrt[0], net_index(net, "ids"));
	tn_ref fixed = tn_gather(g, net_weight(net, "fixed", 5, 3), net_index(net, "ids"));
	tn_ref loss;

	x = tn_add(g, tn_custom(g, &twice, NULL, &fixed, 1), x);
	loss = tn_cross_entropy(g, x, net_index(net, "target"), TN_NONE, 0);
	ck_assert_int_eq(tn_graph_gradient(g, loss, wrt, 2, grad), 0);
	ck_assert_int_ge(grad[0], 0);
	ck_assert_int_eq(grad[1], TN_NONE);
	tn_graph_destroy(g);
	net_close(net);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("grad");

	TN_ADD(suite, test_small_net);
	TN_ADD(suite, test_encoder_layer);
	TN_ADD(suite, test_missing_rule_is_refused);
	TN_ADD(suite, test_saved_outputs_have_no_gradient);
	TN_ADD(suite, test_only_what_is_needed);
	return tn_check_main(suite);
}
