/* SPDX-License-Identifier: Apache-2.0
 * tests/tensor/test_op.c - the op table: names, versions, shape rules, costs.
 */
#include <math.h>
#include <string.h>

#include "check_main.h"
#include "tensor/op_table.h"

#define TOKENS 0
#define WORDS 1

static struct tn_spec spec(uint32_t dtype, int32_t axis, uint32_t n_dims, size_t rows, size_t cols)
{
	return (struct tn_spec){ dtype, axis, n_dims, { rows, cols, 1, 1 } };
}

struct fixture {
	struct tn_node node;
	struct tn_spec in[TN_MAX_IN], out[TN_MAX_OUT];
	struct tn_call *call;
};

/* The node with the inputs f->in[0..n-1]. */
static int infer(struct fixture *f, uint32_t op, uint32_t n)
{
	f->node.op = op;
	f->node.n_in = n;
	f->node.name = "layer.0";
	for (uint32_t i = 0; i < n; i++)
		f->node.in[i] = &f->in[i];
	tn_clear(f->call);
	return tn_op_infer(&f->node, f->out, f->call);
}

START_TEST(test_every_op_has_a_row)
{
	for (uint32_t op = 0; op < TN_N_OPS; op++) {
		const struct tn_op_info *info = tn_op_info(op);
		bool known = (op >= TN_OP_VIEW && op <= TN_OP_CUSTOM) ||
			(op >= TN_OP_ACT_GRAD && op <= TN_OP_CUSTOM_GRAD) ||
			op == TN_OP_SUM_SQUARES || op == TN_OP_ADAMW;

		ck_assert_int_eq(info != NULL, known);
		if (info) {
			ck_assert_ptr_nonnull(info->infer);
			ck_assert_ptr_nonnull(info->flops);
			ck_assert_uint_ge(info->version, 1);
			ck_assert_uint_le(info->n_out, TN_MAX_OUT);
		}
	}
	ck_assert_ptr_null(tn_op_info(1000));
	ck_assert_str_eq(tn_op_name(TN_OP_LAYER_NORM), "layer_norm");
	ck_assert_str_eq(tn_act_name(TN_ACT_GELU_TANH), "gelu_tanh");
	ck_assert_uint_eq(tn_op_version(0), 0);
	ck_assert_uint_eq(tn_dtype_size(TN_BF16), 2);
	ck_assert_str_eq(tn_dtype_name(TN_BOOL), "BOOL");
}
END_TEST

START_TEST(test_linear_in_parts)
{
	struct fixture f = { .call = tn_call_create() };

	f.in[0] = spec(TN_F32, TOKENS, 2, 0, 384);
	f.in[1] = spec(TN_F32, TN_NO_AXIS, 2, 384, 384);
	f.in[2] = spec(TN_F32, TN_NO_AXIS, 1, 384, 1);
	f.in[3] = spec(TN_F32, TN_NO_AXIS, 2, 128, 384);
	f.in[4] = spec(TN_F32, TN_NO_AXIS, 1, 128, 1);
	f.in[5] = spec(TN_F32, TOKENS, 2, 0, 512);
	f.node.attr.linear.parts = 2;
	f.node.attr.linear.bias = 1;
	f.node.attr.linear.residual = 1;
	ck_assert_int_eq(infer(&f, TN_OP_LINEAR, 6), 0);
	ck_assert_uint_eq(f.out[0].dims[1], 512);
	ck_assert_int_eq(f.out[0].axis, TOKENS);
	ck_assert_uint_eq(tn_op_lowest(&f.node), 3);
	f.in[3].dims[1] = 380;
	ck_assert_int_eq(infer(&f, TN_OP_LINEAR, 6), TN_EINTERNAL);
	ck_assert_str_eq(tn_error_text(f.call), "layer.0: linear: input 3 is [128][380] F32, "
		"expected [128][384] of the same type; input 0 is [axis 0][384] F32");
	ck_assert_int_eq(infer(&f, TN_OP_LINEAR, 5), TN_EINTERNAL);
	ck_assert_int_eq(infer(&f, TN_OP_LINEAR, 1), TN_EINTERNAL);
	tn_call_destroy(f.call);
}
END_TEST

START_TEST(test_add_spreads)
{
	struct fixture f = { .call = tn_call_create() };

	f.in[0] = spec(TN_F32, TOKENS, 2, 0, 8);
	f.in[1] = f.in[0];
	ck_assert_int_eq(infer(&f, TN_OP_ADD, 2), 0);
	f.in[1] = spec(TN_F32, TN_NO_AXIS, 1, 8, 1);
	ck_assert_int_eq(infer(&f, TN_OP_ADD, 2), 0);
	f.in[1] = spec(TN_F32, TOKENS, 2, 0, 1);
	ck_assert_int_eq(infer(&f, TN_OP_ADD, 2), 0);
	f.in[1] = spec(TN_F32, TN_NO_AXIS, 0, 1, 1);
	ck_assert_int_eq(infer(&f, TN_OP_ADD, 2), 0);
	f.in[1] = spec(TN_F32, WORDS, 2, 0, 8);
	ck_assert_int_eq(infer(&f, TN_OP_ADD, 2), TN_EINTERNAL);
	f.in[1] = spec(TN_F32, TN_NO_AXIS, 1, 7, 1);
	ck_assert_int_eq(infer(&f, TN_OP_ADD, 2), TN_EINTERNAL);
	f.in[1] = spec(TN_F64, TOKENS, 2, 0, 8);
	ck_assert_int_eq(infer(&f, TN_OP_ADD, 2), TN_EINTERNAL);
	tn_call_destroy(f.call);
}
END_TEST

START_TEST(test_gather_moves_to_the_axis_of_the_index)
{
	struct fixture f = { .call = tn_call_create() };

	f.in[0] = spec(TN_F32, TOKENS, 2, 0, 16);
	f.in[1] = spec(TN_I32, WORDS, 1, 0, 1);
	ck_assert_int_eq(infer(&f, TN_OP_GATHER, 2), 0);
	ck_assert_int_eq(f.out[0].axis, WORDS);
	ck_assert_uint_eq(f.out[0].dims[1], 16);
	f.in[1].dtype = TN_I64;
	ck_assert_int_eq(infer(&f, TN_OP_GATHER, 2), TN_EINTERNAL);
	tn_call_destroy(f.call);
}
END_TEST

START_TEST(test_matmul_transposed)
{
	struct fixture f = { .call = tn_call_create() };

	f.in[0] = spec(TN_F64, TOKENS, 2, 0, 5);
	f.in[1] = spec(TN_F64, TOKENS, 2, 0, 7);
	f.node.attr.matmul.transpose_a = 1;
	ck_assert_int_eq(infer(&f, TN_OP_MATMUL, 2), 0);
	ck_assert_int_eq(f.out[0].axis, TN_NO_AXIS);
	ck_assert_uint_eq(f.out[0].dims[0], 5);
	ck_assert_uint_eq(f.out[0].dims[1], 7);
	f.node.attr.matmul.transpose_a = 0;
	ck_assert_int_eq(infer(&f, TN_OP_MATMUL, 2), TN_EINTERNAL);
	f.in[1] = spec(TN_F64, TN_NO_AXIS, 2, 3, 5);
	f.node.attr.matmul.transpose_b = 1;
	ck_assert_int_eq(infer(&f, TN_OP_MATMUL, 2), 0);
	ck_assert_int_eq(f.out[0].axis, TOKENS);
	ck_assert_uint_eq(f.out[0].dims[1], 3);
	tn_call_destroy(f.call);
}
END_TEST

START_TEST(test_attention_with_bias_and_state)
{
	struct fixture f = { .call = tn_call_create() };
	struct tn_attention_attr *a = &f.node.attr.attention;

	*a = (struct tn_attention_attr){ .heads = 4, .kv_heads = 2, .head_size = 8, .scale = 1,
		.left = UINT32_MAX, .right = UINT32_MAX, .bias = TN_BIAS_REL, .span = 10,
		.state = 1 };
	f.in[0] = spec(TN_F32, TOKENS, 2, 0, 32);
	f.in[1] = f.in[2] = spec(TN_F32, TOKENS, 2, 0, 16);
	f.in[3] = spec(TN_F32, TN_NO_AXIS, 2, 19, 4);
	f.in[4] = f.in[5] = spec(TN_F32, TN_NO_AXIS, 2, 100, 16);
	ck_assert_int_eq(infer(&f, TN_OP_ATTENTION, 6), 0);
	ck_assert_uint_eq(f.out[1].dims[1], 4);
	ck_assert_int_eq(infer(&f, TN_OP_ATTENTION, 5), TN_EINTERNAL);
	f.in[5].dims[1] = 15;
	ck_assert_int_eq(infer(&f, TN_OP_ATTENTION, 6), TN_EINTERNAL);
	f.in[5].dims[1] = 16;
	f.in[3].dims[0] = 20;
	ck_assert_int_eq(infer(&f, TN_OP_ATTENTION, 6), TN_EINTERNAL);
	a->kv_heads = 3;
	ck_assert_int_eq(infer(&f, TN_OP_ATTENTION, 6), TN_EINTERNAL);
	tn_call_destroy(f.call);
}
END_TEST

/* Two sequences of 3 and 2 rows: 2 * 5 * 4 * 6 for a linear, 4 * (9 + 4) * 4 for
 * attention over one head of 4 columns, 4 * (3 * 1 + 2 * 1) * 4 when each row sees itself. */
START_TEST(test_flops)
{
	static const uint32_t start[] = { 0, 3, 5 };
	const struct tn_axis axis = { .rows = 5, .seqs = 2, .start = start };
	struct fixture f = { .call = tn_call_create() };
	struct tn_attention_attr *a = &f.node.attr.attention;

	f.in[0] = spec(TN_F32, TOKENS, 2, 0, 4);
	f.in[1] = spec(TN_F32, TN_NO_AXIS, 2, 6, 4);
	f.node.attr.linear.parts = 1;
	f.node.out[0] = &f.out[0];
	ck_assert_int_eq(infer(&f, TN_OP_LINEAR, 2), 0);
	ck_assert_uint_eq(tn_op_info(TN_OP_LINEAR)->flops(&f.node, &axis, NULL), 240);
	f.in[1] = f.in[2] = f.in[0];
	*a = (struct tn_attention_attr){ .heads = 1, .kv_heads = 1, .head_size = 4,
		.left = UINT32_MAX, .right = UINT32_MAX };
	ck_assert_int_eq(infer(&f, TN_OP_ATTENTION, 3), 0);
	ck_assert_uint_eq(tn_op_info(TN_OP_ATTENTION)->flops(&f.node, &axis, &axis), 208);
	a->left = a->right = 0;
	ck_assert_uint_eq(tn_op_info(TN_OP_ATTENTION)->flops(&f.node, &axis, &axis), 80);
	tn_call_destroy(f.call);
}
END_TEST

/* By hand: with 127 as the largest magnitude the numbers are rounded as they stand. */
START_TEST(test_rows_in_eight_bits)
{
	static const float x[] = { 127, -127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 3.49f, -3.51f, 0 };
	static const int8_t expected[] = { 127, -127, 0, 2, 2, 0, -2, 3, -4, 0 };
	static const float zeros[] = { 0, -0.0f, 0 }, odd[] = { 1, NAN, 3 };
	int8_t q[10];
	float scale;

	tn_quantize_row(x, 10, q, &scale);
	ck_assert_mem_eq(q, expected, sizeof(q));
	ck_assert_float_eq(scale, 1.0f);
	tn_quantize_row(zeros, 3, q, &scale);
	ck_assert(!q[0] && !q[1] && !q[2] && scale == 0.0f);
	tn_quantize_row(odd, 3, q, &scale);
	ck_assert_float_nan(scale);
}
END_TEST

static float of_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* A finite number in bf16, as a double; beyond the largest goes on with the same step. */
static double of_bf16(uint32_t half)
{
	return (half & 0x7fff) == 0x7f80 ? copysign(0x1p128, half & 0x8000 ? -1 : 1) :
		(double)of_bits(half << 16);
}

/* What lies between two neighbours goes to the nearer, the middle to the even one: for all
 * numbers, of them as they are, and for the floats at and beside the middle. */
START_TEST(test_numbers_in_bf16)
{
	static const uint32_t parts[] = { 0, 1, 0x7fff, 0x8000, 0x8001, 0xffff };

	for (uint32_t half = 0; half < 0x10000; half++)
		for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
			const float x = of_bits(half << 16 | parts[i]);
			uint32_t expected = half;
			uint16_t found;

			tn_round_bf16(&x, 1, &found);
			if (isnan(x)) {
				ck_assert_uint_eq(found, half | 0x40);
				continue;
			}
			if (!isinf(x)) {
				const double below = fabs((double)x - of_bf16(half));
				const double above = fabs(of_bf16(half + 1) - (double)x);

				expected += above < below || (above == below && half % 2);
			}
			ck_assert_uint_eq(found, expected);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("op");

	TN_ADD(suite, test_every_op_has_a_row);
	TN_ADD(suite, test_linear_in_parts);
	TN_ADD(suite, test_add_spreads);
	TN_ADD(suite, test_gather_moves_to_the_axis_of_the_index);
	TN_ADD(suite, test_matmul_transposed);
	TN_ADD(suite, test_attention_with_bias_and_state);
	TN_ADD(suite, test_flops);
	TN_ADD(suite, test_rows_in_eight_bits);
	TN_ADD(suite, test_numbers_in_bf16);
	return tn_check_main(suite);
}
