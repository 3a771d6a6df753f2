/* SPDX-License-Identifier: Apache-2.0
 * tests/backends/test_reference.c - ops of the reference against closed forms.
 */
#include <math.h>

#include "ways.h"

/* z = (2, -1) and W = ((1,0),(0,1),(-1,1)) give (2, -1, -3): the first label. */
START_TEST(test_linear_textbook)
{
	struct rig *rig = open_way(_i);

	IN(rig, 1, 2, 0, 2, -1);
	IN(rig, 3, 2, 0, 1, 0, 0, 1, -1, 1);
	rig->node.attr.linear.parts = 1;
	rig_run(rig, TN_OP_LINEAR, 0);
	EXPECT(rig, 0, 2, -1, -3);
	rig_close(rig);
}
END_TEST

START_TEST(test_linear_in_parts)
{
	struct rig *rig = open_way(_i);

	IN(rig, 2, 2, 0, 2, -1, 1, 1);
	IN(rig, 1, 2, 0, 1, 3);
	IN(rig, 1, 0, 0, 0.5);
	IN(rig, 2, 2, 0, 1, 1, 2, 1);
	IN(rig, 2, 0, 0, 1, 2);
	IN(rig, 2, 3, 0, 1, 2, 3, 4, 5, 6);
	rig->node.attr.linear.parts = 2;
	rig->node.attr.linear.bias = 1;
	rig->node.attr.linear.act = TN_ACT_RELU;
	rig->node.attr.linear.residual = 1;
	rig_run(rig, TN_OP_LINEAR, 0);
	EXPECT(rig, 0, 0 + 1, 2 + 2, 5 + 3, 4.5 + 4, 3 + 5, 5 + 6);
	rig_close(rig);
}
END_TEST

/* Every product of odd sizes, with and without transposes, against a plain sum. */
START_TEST(test_products)
{
	enum { M = 19, N = 45, K = 37 };
	struct rig *rig = open_way(_i);
	static double expected[M * N];

	for (unsigned t = 0; t < 5; t++) {
		bool ta = t & 1, tb = t & 2 || t == 4;

		rig_clear(rig);
		rig_random(rig, 1, ta ? K : M, ta ? M : K, 0);
		rig_random(rig, 2, tb ? N : K, tb ? K : N, 0);
		for (size_t m = 0; m < M; m++)
			for (size_t n = 0; n < N; n++) {
				double sum = 0;

				for (size_t k = 0; k < K; k++)
					sum += rig_value(rig, 0, ta ? k * M + m : m * K + k) *
						rig_value(rig, 1, tb ? n * K + k : k * N + n);
				expected[m * N + n] = sum;
			}
		if (t == 4) {
			rig->node.attr.linear.parts = 1;
			rig_run(rig, TN_OP_LINEAR, 0);
		} else {
			rig->node.attr.matmul.transpose_a = ta;
			rig->node.attr.matmul.transpose_b = tb;
			rig_run(rig, TN_OP_MATMUL, 0);
		}
		rig_expect(rig, 0, expected, M * N);
	}
	rig_close(rig);
}
END_TEST

/* A row alone has the bits that it has among others. */
START_TEST(test_row_bits_do_not_depend_on_the_batch)
{
	enum { R = 19, I = 37, O = 45 };
	struct rig *rig = open_way(_i);
	static double batch[R * O];

	rig_random(rig, 1, R, I, 0);
	rig_random(rig, 2, O, I, 0);
	rig->node.attr.linear.parts = 1;
	rig->node.attr.linear.act = TN_ACT_GELU;
	rig_run(rig, TN_OP_LINEAR, 0);
	for (size_t i = 0; i < R * O; i++)
		batch[i] = rig_out(rig, 0, i);
	for (size_t r = 0; r < R; r++) {
		double row[I];

		rig_clear(rig);
		rig_random(rig, 1, R, I, 0);
		for (size_t i = 0; i < I; i++)
			row[i] = rig_value(rig, 0, r * I + i);
		rig_clear(rig);
		rig_in(rig, row, 1, I, 0);
		rig_random(rig, 2, O, I, 0);
		rig->node.attr.linear.parts = 1;
		rig->node.attr.linear.act = TN_ACT_GELU;
		rig_run(rig, TN_OP_LINEAR, 0);
		for (size_t o = 0; o < O; o++)
			ck_assert(rig_out(rig, 0, o) == batch[r * O + o]);
	}
	rig_close(rig);
}
END_TEST

/* (1, 2, 3, 4) has the mean 5/2 and the variance 5/4. */
START_TEST(test_layer_norm)
{
	struct rig *rig = open_way(_i);
	double rstd = 2 / sqrt(5);

	IN(rig, 2, 4, 0, 1, 2, 3, 4, 0, 0, 0, 1);
	IN(rig, 4, 0, 0, 1, 1, 2, 2);
	IN(rig, 4, 0, 0, 0, 10, 0, 10);
	IN(rig, 2, 4, 0, 0, 0, 0, 0, 1, 2, 3, 3);
	rig->node.attr.norm.bias = 1;
	rig->node.attr.norm.residual = 1;
	rig_run(rig, TN_OP_LAYER_NORM, 3);
	EXPECT(rig, 0, -1.5 * rstd, 10 - 0.5 * rstd, 0.5 * 2 * rstd, 10 + 1.5 * 2 * rstd,
		-1.5 * rstd, 10 - 0.5 * rstd, 0.5 * 2 * rstd, 10 + 1.5 * 2 * rstd);
	EXPECT(rig, 1, 2.5, 2.5);
	EXPECT(rig, 2, rstd, rstd);
	rig_clear(rig);
	IN(rig, 1, 2, 0, 1, 3);
	IN(rig, 2, 0, 0, 1, 1);
	rig->node.attr.norm.eps = 3;
	rig_run(rig, TN_OP_LAYER_NORM, 0);
	EXPECT(rig, 0, -0.5, 0.5);
	rig_close(rig);
}
END_TEST

START_TEST(test_rms_and_l2_norm)
{
	struct rig *rig = open_way(_i);

	IN(rig, 1, 2, 0, 3, 4);
	IN(rig, 2, 0, 0, 1, 10);
	rig->node.attr.norm.eps = 3.5;
	rig_run(rig, TN_OP_RMS_NORM, 2);
	EXPECT(rig, 0, 3 / 4.0, 10.0);
	EXPECT(rig, 1, 1 / 4.0);
	rig_clear(rig);
	IN(rig, 3, 2, 0, 3, 4, 0, 0, 0, 0.25);
	rig->node.attr.norm.eps = 0.5;
	rig_run(rig, TN_OP_L2NORM, 0);
	EXPECT(rig, 0, 0.6, 0.8, 0, 0, 0, 0.5);
	rig_close(rig);
}
END_TEST

START_TEST(test_softmax)
{
	struct rig *rig = open_way(_i);

	for (uint32_t log_form = 0; log_form < 2; log_form++) {
		rig_clear(rig);
		IN(rig, 2, 3, 0, log(1), log(2), log(3), 1000, 1000, -1000);
		rig->node.attr.softmax.log = log_form;
		rig_run(rig, TN_OP_SOFTMAX, 0);
		if (log_form)
			EXPECT(rig, 0, log(1 / 6.0), log(2 / 6.0), log(3 / 6.0), -log(2), -log(2),
				-2000 - log(2));
		else
			EXPECT(rig, 0, 1 / 6.0, 2 / 6.0, 3 / 6.0, 0.5, 0.5, 0);
	}
	rig_close(rig);
}
END_TEST

/* p = 0.70 costs 0.357 nats, p = 0.01 costs 4.605; rows without a target cost nothing. */
START_TEST(test_cross_entropy_textbook)
{
	struct rig *rig = open_way(_i);

	for (int row = 0; row < 3; row++) {
		rig_clear(rig);
		IN(rig, 1, 2, 0, log(row ? 0.01 : 0.70), log(row ? 0.99 : 0.30));
		INDEX(rig, 1, row == 2 ? -100 : 0);
		rig_run(rig, TN_OP_CROSS_ENTROPY, 3);
		ck_assert_double_eq_tol(rig_out(rig, 0, 0), row == 2 ? 0 : row ? 4.605 : 0.357,
			5e-4);
		EXPECT(rig, 1, row != 2);
		EXPECT(rig, 2, 0);
	}
	rig_clear(rig);
	IN(rig, 2, 2, 0, log(0.70), log(0.30), log(0.01), log(0.99));
	INDEX(rig, 2, 0, 0);
	IN(rig, 2, 0, 0, 2, 5);
	rig->node.attr.loss.weighted = 1;
	rig->node.attr.loss.smoothing = 0.5;
	rig_run(rig, TN_OP_CROSS_ENTROPY, 0);
	EXPECT(rig, 0, -0.75 * 2 * log(0.70 * 0.01) - 0.25 * 5 * log(0.30 * 0.99));
	EXPECT(rig, 1, 4);
	rig_clear(rig);
	IN(rig, 1, 2, 0, 0, 0);
	INDEX(rig, 1, 2);
	ck_assert_int_eq(rig_run(rig, TN_OP_CROSS_ENTROPY, 0), TN_EINTERNAL);
	ck_assert_str_eq(tn_error_text(rig->call), "node: row 0 has the index 2 of 2");
	rig_close(rig);
}
END_TEST

START_TEST(test_binary_losses)
{
	struct rig *rig = open_way(_i);

	IN(rig, 1, 3, 0, 0, 800, -800);
	IN(rig, 1, 3, 0, 0.25, 1, 1);
	rig_run(rig, TN_OP_BCE, 0);
	EXPECT(rig, 0, log(2) + 800);
	EXPECT(rig, 1, 3);
	rig_clear(rig);
	IN(rig, 1, 2, 0, 1, 5);
	IN(rig, 1, 2, 0, 3, 4);
	rig->node.attr.loss.mse = 1;
	rig_run(rig, TN_OP_BCE, 0);
	EXPECT(rig, 0, 5);
	rig_close(rig);
}
END_TEST

START_TEST(test_gather_and_scatter)
{
	struct rig *rig = open_way(_i);

	IN(rig, 3, 2, 0, 1, 2, 3, 4, 5, 6);
	INDEX(rig, 4, 2, -1, 0, 2);
	rig_run(rig, TN_OP_GATHER, 0);
	EXPECT(rig, 0, 5, 6, 0, 0, 1, 2, 5, 6);
	rig_clear(rig);
	IN(rig, 4, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8);
	INDEX(rig, 4, 2, -1, 0, 2);
	rig->node.attr.scatter.rows = 3;
	rig_run(rig, TN_OP_SCATTER_ADD, 0);
	EXPECT(rig, 0, 5, 6, 0, 0, 8, 10);
	for (int op = 0; op < 2; op++) {
		rig_clear(rig);
		IN(rig, 1, 2, 0, 1, 2);
		INDEX(rig, 1, 1);
		rig->node.attr.scatter.rows = !op;
		ck_assert_int_eq(rig_run(rig, op ? TN_OP_GATHER : TN_OP_SCATTER_ADD, 0),
			TN_EINTERNAL);
		ck_assert_str_eq(tn_error_text(rig->call), "node: row 0 has the index 1 of 1");
	}
	rig_close(rig);
}
END_TEST

START_TEST(test_segments)
{
	static const double expected[3][6] = {
		[TN_SUM] = { 4, 8, 0, 0, 5, -6 },
		[TN_MEAN] = { 2, 4, 0, 0, 5, -6 },
		[TN_MAX] = { 3, 6, 0, 0, 5, -6 },
	};
	struct rig *rig = open_way(_i);

	for (uint32_t kind = TN_SUM; kind <= TN_MAX; kind++) {
		rig_clear(rig);
		IN(rig, 3, 2, 0, 1, 6, 3, 2, 5, -6);
		INDEX(rig, 3, 0, 1, 2);
		INDEX(rig, 3, 2, 1, 3);
		rig->node.attr.reduce.kind = kind;
		rig_run(rig, TN_OP_SEGMENT, 0);
		rig_expect(rig, 0, expected[kind], 6);
	}
	rig_clear(rig);
	IN(rig, 3, 2, 0, 1, 6, 3, 2, 5, -6);
	INDEX(rig, 1, 2);
	INDEX(rig, 1, 4);
	ck_assert_int_eq(rig_run(rig, TN_OP_SEGMENT, 0), TN_EINTERNAL);
	rig_close(rig);
}
END_TEST

START_TEST(test_concat_and_reduce)
{
	struct rig *rig = open_way(_i);

	IN(rig, 2, 2, 0, 1, 2, 3, 4);
	IN(rig, 2, 1, 0, 5, 6);
	IN(rig, 2, 1, 0, 7, 8);
	rig_run(rig, TN_OP_CONCAT, 0);
	EXPECT(rig, 0, 1, 2, 5, 7, 3, 4, 6, 8);
	for (uint32_t over = 0; over < 3; over++)
		for (uint32_t kind = TN_SUM; kind <= TN_MAX; kind++) {
			rig_clear(rig);
			IN(rig, 2, 3, 0, 1, -2, 3, -4, 8, 0);
			rig->node.attr.reduce.over = over;
			rig->node.attr.reduce.kind = kind;
			rig_run(rig, TN_OP_REDUCE, 0);
			if (over == 0 && kind == TN_MAX)
				EXPECT(rig, 0, 1, 8, 3);
			else if (over == 0)
				EXPECT(rig, 0, -3 / (1.0 + kind), 6 / (1.0 + kind),
					3 / (1.0 + kind));
			else if (over == 1 && kind == TN_MAX)
				EXPECT(rig, 0, 3, 8);
			else if (over == 1)
				EXPECT(rig, 0, 2 / (1.0 + 2 * kind), 4 / (1.0 + 2 * kind));
			else
				EXPECT(rig, 0, kind == TN_SUM ? 6 : kind == TN_MEAN ? 1 : 8);
		}
	rig_close(rig);
}
END_TEST

START_TEST(test_add_and_mul_spread)
{
	struct rig *rig = open_way(_i);

	for (int form = 0; form < 8; form++) {
		bool mul = form & 1;

		rig_clear(rig);
		IN(rig, 2, 2, 0, 1, 2, 3, 4);
		if (form / 2 == 0)
			IN(rig, 2, 2, 0, 10, 20, 30, 40);
		else if (form / 2 == 1)
			IN(rig, 2, 0, 0, 10, 20);
		else if (form / 2 == 2)
			IN(rig, 2, 1, 0, 10, 20);
		else
			IN(rig, 0, 0, 0, 10);
		rig_run(rig, mul ? TN_OP_MUL : TN_OP_ADD, 0);
		for (size_t i = 0; i < 4; i++) {
			const double b[4][4] = { { 10, 20, 30, 40 }, { 10, 20, 10, 20 },
				{ 10, 10, 20, 20 }, { 10, 10, 10, 10 } };
			double a = (double)i + 1, c = b[form / 2][i];

			ck_assert_double_eq(rig_out(rig, 0, i), mul ? a * c : a + c);
		}
	}
	rig_close(rig);
}
END_TEST

START_TEST(test_scale_where_glu)
{
	struct rig *rig = open_way(_i);

	IN(rig, 2, 1, 0, 1, 2);
	rig->node.attr.scale.by = -2;
	rig->node.attr.scale.plus = 0.5;
	rig_run(rig, TN_OP_SCALE, 0);
	EXPECT(rig, 0, -1.5, -3.5);
	for (size_t cols = 1; cols < 3; cols++) {
		rig_clear(rig);
		rig_mask(rig, (const uint8_t[]){ 1, 0, 1, 0 }, 2, cols);
		IN(rig, 2, 2, 0, 1, 2, 3, 4);
		IN(rig, 2, 2, 0, 10, 20, 30, 40);
		rig_run(rig, TN_OP_WHERE, 0);
		if (cols == 1)
			EXPECT(rig, 0, 1, 2, 30, 40);
		else
			EXPECT(rig, 0, 1, 20, 3, 40);
	}
	rig_clear(rig);
	IN(rig, 2, 4, 0, 1, -1, 5, 7, 2, 3, 2, 2);
	rig->node.attr.act.kind = TN_ACT_RELU;
	rig_run(rig, TN_OP_GLU, 0);
	EXPECT(rig, 0, 5, 0, 4, 6);
	rig_close(rig);
}
END_TEST

/* Values at 1 and -2 from the definitions with 17 digits of erf, tanh and exp. */
START_TEST(test_activations)
{
	static const double expected[][2] = {
		[TN_ACT_NONE] = { 1, -2 },
		[TN_ACT_GELU] = { 0.84134474606854293, -0.045500263896358417 },
		[TN_ACT_GELU_TANH] = { 0.84119199060827676, -0.045402305912163405 },
		[TN_ACT_RELU] = { 1, 0 },
		[TN_ACT_SILU] = { 0.73105857863000488, -0.23840584404423515 },
		[TN_ACT_TANH] = { 0.76159415595576489, -0.96402758007581688 },
		[TN_ACT_SIGMOID] = { 0.73105857863000488, 0.11920292202211756 },
	};
	struct rig *rig = open_way(_i);

	for (uint32_t kind = TN_ACT_NONE; kind <= TN_ACT_SIGMOID; kind++) {
		rig_clear(rig);
		IN(rig, 2, 1, 0, 1, -2);
		rig->node.attr.act.kind = kind;
		rig_run(rig, TN_OP_ACT, 0);
		rig_expect(rig, 0, expected[kind], 2);
	}
	rig_close(rig);
}
END_TEST

/* The first words of Philox4x32-10 with counter and key 0, as its authors record
 * them (Random123, kat_vectors): each is found to the last bit by its threshold. */
START_TEST(test_dropout_words)
{
	static const uint32_t words[] = { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 };
	struct rig *rig = open_way(_i);

	for (size_t e = 0; e < 4; e++)
		for (uint32_t above = 0; above < 2; above++) {
			double rate = ((double)words[e] + above) / 4294967296.0;

			rig_clear(rig);
			IN(rig, 2, 3, 0, 1, 1, 1, 1, 1, 1);
			rig->node.attr.dropout.rate = rate;
			rig_run(rig, TN_OP_DROPOUT, 0);
			if (above)
				ck_assert(rig_out(rig, 0, e) == 0);
			else
				ck_assert_double_eq_tol(rig_out(rig, 0, e) * (1 - rate), 1, 1e-6);
		}
	rig_close(rig);
}
END_TEST

START_TEST(test_dropout_rate)
{
	struct rig *rig = open_way(_i);
	size_t dropped[2] = { 0 };

	for (uint64_t key = 0; key < 2; key++) {
		rig_clear(rig);
		rig_random(rig, 1, 100, 100, 0);
		rig->node.attr.dropout.rate = 0.1;
		rig->node.attr.dropout.key = key << 40;
		rig_run(rig, TN_OP_DROPOUT, 0);
		for (size_t i = 0; i < 10000; i++)
			dropped[key] += rig_out(rig, 0, i) == 0;
		ck_assert_uint_ge(dropped[key], 900);
		ck_assert_uint_le(dropped[key], 1100);
	}
	ck_assert_uint_ne(dropped[0], dropped[1]);
	rig_close(rig);
}
END_TEST

/* Position 1 with theta 1 turns each pair by one radian; the tail stays. */
START_TEST(test_rope)
{
	struct rig *rig = open_way(_i);
	double c = cos(1), s = sin(1);

	for (uint32_t interleaved = 0; interleaved < 2; interleaved++) {
		rig_clear(rig);
		IN(rig, 2, 10, 0, 1, 0, 0, 2, 9, 0, 0, 0, 0, 8, 1, 0, 0, 2, 9, 0, 0, 0, 0, 8);
		INDEX(rig, 2, 0, 1);
		rig->node.attr.rope.heads = 2;
		rig->node.attr.rope.head_size = 5;
		rig->node.attr.rope.rotary = 4;
		rig->node.attr.rope.theta = 1;
		rig->node.attr.rope.interleaved = interleaved;
		rig_run(rig, TN_OP_ROPE, 0);
		if (interleaved)
			EXPECT(rig, 0, 1, 0, 0, 2, 9, 0, 0, 0, 0, 8,
				c, s, -2 * s, 2 * c, 9, 0, 0, 0, 0, 8);
		else
			EXPECT(rig, 0, 1, 0, 0, 2, 9, 0, 0, 0, 0, 8,
				c, -2 * s, s, 2 * c, 9, 0, 0, 0, 0, 8);
	}
	rig_clear(rig);
	IN(rig, 1, 4, 0, 0, 1, 0, 0);
	INDEX(rig, 1, 300);
	rig->node.attr.rope.heads = 1;
	rig->node.attr.rope.head_size = rig->node.attr.rope.rotary = 4;
	rig->node.attr.rope.theta = 10000;
	rig_run(rig, TN_OP_ROPE, 0);
	EXPECT(rig, 0, 0, cos(3), 0, sin(3));
	rig_close(rig);
}
END_TEST

/* Distances and buckets of T5: 32 buckets up to distance 128, with the table's row b
 * holding b. */
START_TEST(test_rel_table)
{
	static const int bidirectional[][2] = { { 0, 0 }, { -1, 1 }, { 1, 17 }, { -7, 7 },
		{ -8, 8 }, { 8, 24 }, { -11, 8 }, { -12, 9 }, { -16, 10 }, { -32, 12 },
		{ 90, 30 }, { 91, 31 }, { -127, 15 }, { 127, 31 }, { 199, 31 } };
	static const int one_way[][2] = { { 0, 0 }, { 5, 0 }, { -15, 15 }, { -16, 16 },
		{ -32, 21 }, { -127, 31 }, { -199, 31 } };
	struct rig *rig = open_way(_i);
	double table[32];

	for (int b = 0; b < 32; b++)
		table[b] = b;
	for (uint32_t both = 0; both < 2; both++) {
		size_t n = both ? sizeof(bidirectional) / 8 : sizeof(one_way) / 8;

		rig_clear(rig);
		rig_in(rig, table, 32, 1, 0);
		rig->node.attr.rel_table.buckets = 32;
		rig->node.attr.rel_table.max_distance = 128;
		rig->node.attr.rel_table.span = 200;
		rig->node.attr.rel_table.bidirectional = both;
		rig_run(rig, TN_OP_REL_TABLE, 0);
		ck_assert_uint_eq(rig_out_size(rig, 0), 399);
		for (size_t i = 0; i < n; i++) {
			const int *at = both ? bidirectional[i] : one_way[i];

			ck_assert_msg(rig_out(rig, 0, (size_t)(at[0] + 199)) == at[1],
				"distance %d: bucket %g, expected %d", at[0],
				rig_out(rig, 0, (size_t)(at[0] + 199)), at[1]);
		}
	}
	rig_close(rig);
}
END_TEST

/* Ties go to even, subnormals are kept, what is too large becomes infinite. */
START_TEST(test_cast_rounds)
{
	static const double in[] = { 65504, 65519.9, 65520, 1e-8, 0x1p-24, 0x1p-25, 0x3p-25,
		1 + 0x1p-11, 1 + 0x3p-11, -0.1, 0x1.ffcp-15, 1 + 0x1p-8, 1 + 0x3p-8 };
	static const uint16_t f16[] = { 0x7bff, 0x7bff, 0x7c00, 0, 1, 0, 2,
		0x3c00, 0x3c02, 0xae66, 0x0400, 0x3c04, 0x3c0c };
	static const uint16_t bf16[] = { 0x4780, 0x4780, 0x4780, 0x322c, 0x3380, 0x3300, 0x33c0,
		0x3f80, 0x3f80, 0xbdcd, 0x3880, 0x3f80, 0x3f82 };
	enum { N = sizeof(in) / sizeof(in[0]) };
	struct rig *rig = open_way(_i);

	for (int brain = 0; brain < 2; brain++) {
		rig_clear(rig);
		rig_in(rig, in, N, 1, 0);
		rig->node.attr.cast.dtype = brain ? TN_BF16 : TN_F16;
		ck_assert_int_eq(rig_run(rig, TN_OP_CAST, 0), 0);
		for (size_t i = 0; i < N; i++) {
			uint16_t bits = ((uint16_t *)tn_host_data(&rig->out[0]))[i];

			ck_assert_msg(bits == (brain ? bf16[i] : f16[i]), "%a: %#x", in[i], bits);
		}
	}
	rig_close(rig);
}
END_TEST

/* All numbers of a short type survive the way to a long one and back. */
START_TEST(test_cast_round_trip)
{
	struct rig *rig = open_way(_i);

	for (int brain = 0; brain < 2; brain++) {
		struct tn_tensor wide;
		uint16_t *bits;

		rig_clear(rig);
		rig_random(rig, 1, 65536, 1, 0);
		rig->node.attr.cast.dtype = brain ? TN_BF16 : TN_F16;
		ck_assert_int_eq(rig_run(rig, TN_OP_CAST, 0), 0);
		bits = tn_host_data(&rig->out[0]);
		for (size_t i = 0; i < 65536; i++)
			bits[i] = (uint16_t)i;
		rig->in[0] = rig->out[0];
		rig->in_spec[0] = rig->out_spec[0];
		rig->node.attr.cast.dtype = rig->dtype;
		ck_assert_int_eq(rig_run(rig, TN_OP_CAST, 0), 0);
		wide = rig->out[0];
		rig->in_spec[0].dtype = rig->dtype;
		rig->in[0] = wide;
		rig->node.attr.cast.dtype = brain ? TN_BF16 : TN_F16;
		ck_assert_int_eq(rig_run(rig, TN_OP_CAST, 0), 0);
		bits = tn_host_data(&rig->out[0]);
		for (size_t i = 0; i < 65536; i++)
			if ((i & 0x7fff) <= (brain ? 0x7f80 : 0x7c00))
				ck_assert_uint_eq(bits[i], i);
	}
	rig_close(rig);
}
END_TEST

START_TEST(test_adamw_and_sum_squares)
{
	struct rig *rig = open_way(_i);

	IN(rig, 1, 3, 0, 1, -2, 3);
	rig_run(rig, TN_OP_SUM_SQUARES, 0);
	EXPECT(rig, 0, 14);
	rig_clear(rig);
	IN(rig, 1, 1, 0, 2);
	IN(rig, 1, 1, 0, 6);
	IN(rig, 1, 1, 0, 1);
	IN(rig, 1, 1, 0, 3);
	IN(rig, 8, 0, 0, 0.5, 0.75, 0.25, 1, 0.125, 0.5, 0.25, 0.5);
	rig_run(rig, TN_OP_ADAMW, 0);
	/* g = 3, m = 0.75 + 0.75, v = 0.75 + 6.75, both corrected: 3 and 30 */
	EXPECT(rig, 0, 2 - 0.5 * (0.125 * 2 + 3 / (sqrt(30) + 1)));
	EXPECT(rig, 1, 1.5);
	EXPECT(rig, 2, 7.5);
	rig_close(rig);
}
END_TEST

static int infer_twice(const void *data, const struct tn_spec *in, size_t n_in,
	struct tn_spec *out, struct tn_call *call)
{
	out[0] = in[0];
	return 0;
}

static int forward_twice(const void *data, const struct tn_step *step, struct tn_call *call)
{
	float by = *(const float *)data;

	*(float *)tn_host_data(&step->out[0]) = by * *(const float *)tn_host_data(&step->in[0]);
	return 0;
}

START_TEST(test_custom)
{
	static const struct tn_custom_op twice = { .size = sizeof(twice), .n_out = 1,
		.name = "twice", .infer = infer_twice, .forward = forward_twice };
	struct rig *rig = open_way(0);
	float by = 2;

	IN(rig, 1, 1, 0, 21);
	rig->node.custom = &twice;
	rig->node.custom_data = &by;
	ck_assert_int_eq(rig_run(rig, TN_OP_CUSTOM, 1), 0);
	EXPECT(rig, 0, 42);
	rig_close(rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reference");

	ADD_WAYS(suite, test_linear_textbook);
	ADD_WAYS(suite, test_linear_in_parts);
	ADD_WAYS(suite, test_products);
	ADD_WAYS(suite, test_row_bits_do_not_depend_on_the_batch);
	ADD_WAYS(suite, test_layer_norm);
	ADD_WAYS(suite, test_rms_and_l2_norm);
	ADD_WAYS(suite, test_softmax);
	ADD_WAYS(suite, test_cross_entropy_textbook);
	ADD_WAYS(suite, test_binary_losses);
	ADD_WAYS(suite, test_gather_and_scatter);
	ADD_WAYS(suite, test_segments);
	ADD_WAYS(suite, test_concat_and_reduce);
	ADD_WAYS(suite, test_add_and_mul_spread);
	ADD_WAYS(suite, test_scale_where_glu);
	ADD_WAYS(suite, test_activations);
	ADD_WAYS(suite, test_dropout_words);
	ADD_WAYS(suite, test_dropout_rate);
	ADD_WAYS(suite, test_rope);
	ADD_WAYS(suite, test_rel_table);
	ADD_WAYS(suite, test_cast_rounds);
	ADD_WAYS(suite, test_cast_round_trip);
	ADD_WAYS(suite, test_adamw_and_sum_squares);
	TN_ADD(suite, test_custom);
	return tn_check_main(suite);
}
