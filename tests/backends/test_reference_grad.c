/* SPDX-License-Identifier: Apache-2.0
 * tests/backends/test_reference_grad.c - gradient ops of the reference against
 * central differences of the forward ops, in F64, on dense and on strided rows.
 */
#include <math.h>

#include "ways.h"

#define STEP 1e-6
#define TOLERANCE 1e-7

/* sum of weight_i y_i with fixed weights, y being output 0 of the forward node. */
static double objective(struct rig *rig, uint32_t op, uint32_t n_out, const double *weights)
{
	double sum = 0;

	ck_assert_int_eq(rig_run(rig, op, n_out), 0);
	for (size_t i = 0; i < rig_out_size(rig, 0); i++)
		sum += weights[i] * rig_out(rig, 0, i);
	return sum;
}

/* Output o of `grad` is the gradient by input k of `forward`. */
static void compare(struct rig *forward, uint32_t n_out, const double *weights,
	const struct rig *grad, uint32_t o, uint32_t k)
{
	uint32_t op = forward->node.op;

	ck_assert_msg(!tn_status(grad->call), "%s", tn_error_text(grad->call));
	for (size_t i = 0; i < rig_out_size(grad, o); i++) {
		double x = rig_value(forward, k, i), high, low, slope;

		rig_set(forward, k, i, x + STEP);
		high = objective(forward, op, n_out, weights);
		rig_set(forward, k, i, x - STEP);
		low = objective(forward, op, n_out, weights);
		rig_set(forward, k, i, x);
		slope = (high - low) / (2 * STEP);
		ck_assert_msg(fabs(slope - rig_out(grad, o, i)) <= TOLERANCE * fmax(1, fabs(slope)),
			"%s: input %u, element %zu: %.12g, expected %.12g", tn_op_name(grad->node.op),
			k, i, rig_out(grad, o, i), slope);
	}
}

/* A forward rig, one for its gradient, and the weights of the objective. */
static struct rig forward, grad;
static double weights[4096];

static void open_pair(int way)
{
	uint64_t state = 99;

	memset(&forward, 0, sizeof(forward));
	forward.dtype = TN_F64;
	forward.pad = way ? 3 : 0;
	grad = forward;
	rig_open(&forward, "reference");
	rig_open(&grad, "reference");
	for (size_t i = 0; i < sizeof(weights) / sizeof(*weights); i++)
		weights[i] = rig_number(&state);
}

static void close_pair(void)
{
	rig_close(&forward);
	rig_close(&grad);
}

static void take_in(uint32_t k)
{
	rig_take(&grad, &forward.in[k], &forward.in_spec[k]);
}

static void take_out(uint32_t o)
{
	rig_take(&grad, &forward.out[o], &forward.out_spec[o]);
}

START_TEST(test_act_grad)
{
	open_pair(_i);
	for (uint32_t kind = TN_ACT_NONE; kind <= TN_ACT_SIGMOID; kind++) {
		rig_clear(&forward);
		rig_clear(&grad);
		rig_random(&forward, kind, 7, 5, 0);
		for (size_t i = 0; i < 35; i++)
			rig_set(&forward, 0, i, 3 * rig_value(&forward, 0, i));
		forward.node.attr.act.kind = grad.node.attr.act.kind = kind;
		objective(&forward, TN_OP_ACT, 0, weights);
		take_in(0);
		rig_in(&grad, weights, 7, 5, 0);
		rig_run(&grad, TN_OP_ACT_GRAD, 0);
		compare(&forward, 0, weights, &grad, 0, 0);
	}
	close_pair();
}
END_TEST

START_TEST(test_layer_norm_grad)
{
	open_pair(_i);
	rig_random(&forward, 1, 6, 9, 0);
	rig_random(&forward, 2, 9, 0, 0);
	rig_random(&forward, 3, 9, 0, 0);
	forward.node.attr.norm.bias = 1;
	forward.node.attr.norm.eps = grad.node.attr.norm.eps = 1e-3;
	objective(&forward, TN_OP_LAYER_NORM, 3, weights);
	take_in(0);
	take_in(1);
	take_out(1);
	take_out(2);
	rig_in(&grad, weights, 6, 9, 0);
	rig_run(&grad, TN_OP_LAYER_NORM_GRAD, 0);
	for (uint32_t k = 0; k < 3; k++)
		compare(&forward, 3, weights, &grad, k, k);
	close_pair();
}
END_TEST

START_TEST(test_rms_norm_grad)
{
	open_pair(_i);
	rig_random(&forward, 1, 6, 9, 0);
	rig_random(&forward, 2, 9, 0, 0);
	forward.node.attr.norm.eps = grad.node.attr.norm.eps = 1e-3;
	objective(&forward, TN_OP_RMS_NORM, 2, weights);
	take_in(0);
	take_in(1);
	take_out(1);
	rig_in(&grad, weights, 6, 9, 0);
	rig_run(&grad, TN_OP_RMS_NORM_GRAD, 0);
	compare(&forward, 2, weights, &grad, 0, 0);
	compare(&forward, 2, weights, &grad, 1, 1);
	close_pair();
}
END_TEST

START_TEST(test_softmax_grad)
{
	open_pair(_i);
	for (uint32_t log_form = 0; log_form < 2; log_form++) {
		rig_clear(&forward);
		rig_clear(&grad);
		rig_random(&forward, 1, 5, 7, 0);
		forward.node.attr.softmax.log = grad.node.attr.softmax.log = log_form;
		objective(&forward, TN_OP_SOFTMAX, 0, weights);
		take_out(0);
		rig_in(&grad, weights, 5, 7, 0);
		rig_run(&grad, TN_OP_SOFTMAX_GRAD, 0);
		compare(&forward, 0, weights, &grad, 0, 0);
	}
	close_pair();
}
END_TEST

START_TEST(test_cross_entropy_grad)
{
	open_pair(_i);
	for (int form = 0; form < 4; form++) {
		rig_clear(&forward);
		rig_clear(&grad);
		rig_random(&forward, 1, 4, 6, 0);
		INDEX(&forward, 4, 5, 0, -100, 2);
		if (form & 1)
			IN(&forward, 6, 0, 0, 1, 2, 0.5, 1, 3, 0.25);
		forward.node.attr.loss.weighted = grad.node.attr.loss.weighted = form & 1;
		forward.node.attr.loss.smoothing = grad.node.attr.loss.smoothing =
			form & 2 ? 0.1 : 0;
		objective(&forward, TN_OP_CROSS_ENTROPY, 3, weights);
		take_in(0);
		take_in(1);
		take_out(2);
		rig_in(&grad, weights, 0, 0, 0);
		if (form & 1)
			take_in(2);
		rig_run(&grad, TN_OP_CROSS_ENTROPY_GRAD, 0);
		compare(&forward, 3, weights, &grad, 0, 0);
	}
	close_pair();
}
END_TEST

/* Adding up rows by index is the gradient of picking them. */
START_TEST(test_scatter_add_is_the_gradient_of_gather)
{
	open_pair(_i);
	rig_random(&forward, 1, 4, 3, 0);
	INDEX(&forward, 5, 1, 3, 1, -1, 0);
	objective(&forward, TN_OP_GATHER, 0, weights);
	rig_in(&grad, weights, 5, 3, 0);
	take_in(1);
	grad.node.attr.scatter.rows = 4;
	rig_run(&grad, TN_OP_SCATTER_ADD, 0);
	compare(&forward, 0, weights, &grad, 0, 0);
	close_pair();
}
END_TEST

/* One way of attention: forward, gradient, comparison of q, k, v and the bias. */
static void check_attention(const struct tn_attention_attr *attr)
{
	static const uint32_t start[] = { 0, 3, 7 }, kv_start[] = { 0, 5, 7 };
	size_t width = (size_t)attr->heads * attr->head_size;
	size_t kv_width = (size_t)attr->kv_heads * attr->head_size;

	rig_clear(&forward);
	rig_clear(&grad);
	rig_random(&forward, 1, 7, width, 0);
	rig_random(&forward, 2, 7, kv_width, 0);
	rig_random(&forward, 3, 7, kv_width, 0);
	if (attr->bias == TN_BIAS_REL)
		rig_random(&forward, 4, 2 * attr->span - 1, attr->heads, 0);
	if (attr->bias == TN_BIAS_ALIBI)
		rig_random(&forward, 4, attr->heads, 0, 0);
	rig_axis(&forward, start, 2);
	rig_axis(&grad, start, 2);
	if (!attr->causal) {
		rig_kv_axis(&forward, kv_start, 2);
		rig_kv_axis(&grad, kv_start, 2);
	}
	forward.node.attr.attention = grad.node.attr.attention = *attr;
	objective(&forward, TN_OP_ATTENTION, 2, weights);
	for (uint32_t k = 0; k < 3; k++)
		take_in(k);
	take_out(0);
	take_out(1);
	rig_in(&grad, weights, 7, width, 0);
	if (attr->bias)
		take_in(3);
	rig_run(&grad, TN_OP_ATTENTION_GRAD, attr->bias == TN_BIAS_REL ? 4 : 3);
	for (uint32_t k = 0; k < grad.node.n_out; k++)
		compare(&forward, 2, weights, &grad, k, k);
}

START_TEST(test_attention_grad)
{
	struct tn_attention_attr attr = { .heads = 4, .kv_heads = 2, .head_size = 3,
		.left = UINT32_MAX, .right = UINT32_MAX, .scale = 0.7f, .span = 3 };

	open_pair(_i);
	check_attention(&attr);
	attr.causal = 1;
	check_attention(&attr);
	attr.bias = TN_BIAS_REL;
	check_attention(&attr);
	attr.causal = 0;
	attr.bias = TN_BIAS_ALIBI;
	attr.left = attr.right = 2;
	check_attention(&attr);
	close_pair();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reference gradients");

	ADD_TIMES(suite, test_act_grad, 2);
	ADD_TIMES(suite, test_layer_norm_grad, 2);
	ADD_TIMES(suite, test_rms_norm_grad, 2);
	ADD_TIMES(suite, test_softmax_grad, 2);
	ADD_TIMES(suite, test_cross_entropy_grad, 2);
	ADD_TIMES(suite, test_scatter_add_is_the_gradient_of_gather, 2);
	ADD_TIMES(suite, test_attention_grad, 2);
	return tn_check_main(suite);
}
