/* SPDX-License-Identifier: Apache-2.0
 * tests/backends/test_reference_attention.c - the whole signature of attention
 * against closed forms.
 *
 * With queries of zero every key that is seen weighs the same, so y is the mean of
 * the values seen and the log-sum-exp the logarithm of their number.  Where scores
 * are logarithms of whole numbers, the weights are these numbers over their sum.
 */
#include <math.h>

#include "ways.h"

#define ALL UINT32_MAX

static const double zeros[64];

static struct tn_attention_attr *attr_of(struct rig *rig, uint32_t heads, uint32_t kv_heads,
	uint32_t size)
{
	struct tn_attention_attr *a = &rig->node.attr.attention;

	*a = (struct tn_attention_attr){ .heads = heads, .kv_heads = kv_heads, .head_size = size,
		.left = ALL, .right = ALL, .scale = 1 };
	return a;
}

/* One head of one column: v = 1, 2, 4, 8 in one sequence of four. */
static struct tn_attention_attr *four_keys(struct rig *rig, const double *q, const double *k)
{
	static const uint32_t start[] = { 0, 4 };

	rig_clear(rig);
	rig_in(rig, q, 4, 1, 0);
	rig_in(rig, k, 4, 1, 0);
	IN(rig, 4, 1, 0, 1, 2, 4, 8);
	rig_axis(rig, start, 1);
	return attr_of(rig, 1, 1, 1);
}

START_TEST(test_masks)
{
	struct rig *rig = open_way(_i);
	struct tn_attention_attr *a;

	four_keys(rig, zeros, zeros);
	rig_run(rig, TN_OP_ATTENTION, 2);
	EXPECT(rig, 0, 15 / 4.0, 15 / 4.0, 15 / 4.0, 15 / 4.0);
	EXPECT(rig, 1, log(4), log(4), log(4), log(4));

	four_keys(rig, zeros, zeros)->causal = 1;
	rig_run(rig, TN_OP_ATTENTION, 2);
	EXPECT(rig, 0, 1, 3 / 2.0, 7 / 3.0, 15 / 4.0);
	EXPECT(rig, 1, 0, log(2), log(3), log(4));

	a = four_keys(rig, zeros, zeros);
	a->left = 1;
	a->right = 0;
	rig_run(rig, TN_OP_ATTENTION, 2);
	EXPECT(rig, 0, 1, 3 / 2.0, 6 / 2.0, 12 / 2.0);

	a = four_keys(rig, zeros, zeros);
	a->left = 1;
	a->right = 1;
	rig_run(rig, TN_OP_ATTENTION, 2);
	EXPECT(rig, 0, 3 / 2.0, 7 / 3.0, 14 / 3.0, 12 / 2.0);

	a = four_keys(rig, zeros, zeros);
	a->left = 2;
	a->causal = 1;
	rig_run(rig, TN_OP_ATTENTION, 2);
	EXPECT(rig, 0, 1, 3 / 2.0, 7 / 3.0, 14 / 3.0);
	rig_close(rig);
}
END_TEST

/* q k = log 1, log 2, log 3, log 4 halved by the scale of the keys' doubles. */
START_TEST(test_scores_and_scale)
{
	const double q[] = { 1, 0, -1, 2 };
	const double k[] = { 2 * log(1), 2 * log(2), 2 * log(3), 2 * log(4) };
	struct rig *rig = open_way(_i);

	four_keys(rig, q, k)->scale = 0.5f;
	rig_run(rig, TN_OP_ATTENTION, 2);
	EXPECT(rig, 0, (1 * 1 + 2 * 2 + 3 * 4 + 4 * 8) / 10.0, 15 / 4.0,
		(1 + 2 / 2.0 + 4 / 3.0 + 8 / 4.0) / (1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0),
		(1 * 1 + 4 * 2 + 9 * 4 + 16 * 8) / 30.0);
	EXPECT(rig, 1, log(10), log(4), log(25 / 12.0), log(30));
	rig_close(rig);
}
END_TEST

/* Three packed sequences, the middle one empty, see themselves alone. */
START_TEST(test_packed_sequences)
{
	static const uint32_t start[] = { 0, 2, 2, 5 };
	struct rig *rig = open_way(_i);

	rig_in(rig, zeros, 5, 2, 0);
	rig_in(rig, zeros, 5, 2, 0);
	IN(rig, 5, 2, 0, 1, 10, 3, 30, 1, 10, 2, 20, 6, 60);
	rig_axis(rig, start, 3);
	attr_of(rig, 1, 1, 2);
	rig_run(rig, TN_OP_ATTENTION, 0);
	EXPECT(rig, 0, 2, 20, 2, 20, 3, 30, 3, 30, 3, 30);
	rig_close(rig);
}
END_TEST

/* Queries on one axis, keys on another, of other lengths; a sequence without keys
 * gives zeros. */
START_TEST(test_cross)
{
	static const uint32_t start[] = { 0, 1, 3, 4 }, kv_start[] = { 0, 3, 5, 5 };
	struct rig *rig = open_way(_i);

	rig_in(rig, zeros, 4, 1, 0);
	rig_in(rig, zeros, 5, 1, 0);
	IN(rig, 5, 1, 0, 1, 2, 6, 10, 20);
	rig_axis(rig, start, 3);
	rig_kv_axis(rig, kv_start, 3);
	attr_of(rig, 1, 1, 1);
	rig_run(rig, TN_OP_ATTENTION, 2);
	EXPECT(rig, 0, 3, 15, 15, 0);
	EXPECT(rig, 1, log(3), log(2), log(2), -INFINITY);
	rig_close(rig);
}
END_TEST

/* The words of the counter 0 with the key 0 are 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8
 * (Random123, kat_vectors): at 0.7 the first and the last key are dropped.  The log-sum-exp is
 * that of all. */
START_TEST(test_dropout)
{
	static const uint32_t start[] = { 0, 1 }, kv_start[] = { 0, 4 };
	struct rig *rig = open_way(_i);

	rig_in(rig, zeros, 1, 1, 0);
	rig_in(rig, zeros, 4, 1, 0);
	IN(rig, 4, 1, 0, 1, 2, 4, 8);
	rig_axis(rig, start, 1);
	rig_kv_axis(rig, kv_start, 1);
	attr_of(rig, 1, 1, 1)->dropout = 0.7;
	rig_run(rig, TN_OP_ATTENTION, 2);
	EXPECT(rig, 0, (2 + 4) / 4.0 / 0.3);
	EXPECT(rig, 1, log(4));
	rig_close(rig);
}
END_TEST

/* Four heads share two: heads 0 and 1 read the first columns of v. */
START_TEST(test_grouped_queries)
{
	static const uint32_t start[] = { 0, 2 };
	struct rig *rig = open_way(_i);

	IN(rig, 2, 4, 0, 0, 1, 0, 1, 0, 1, 0, 1);
	IN(rig, 2, 2, 0, log(1), log(1), log(3), log(2));
	IN(rig, 2, 2, 0, 0, 0, 12, 120);
	rig_axis(rig, start, 1);
	attr_of(rig, 4, 2, 1);
	rig_run(rig, TN_OP_ATTENTION, 2);
	EXPECT(rig, 0, 6, 9, 60, 80, 6, 9, 60, 80);
	EXPECT(rig, 1, log(2), log(4), log(2), log(3), log(2), log(4), log(2), log(3));
	rig_close(rig);
}
END_TEST

/* Distances -2 .. 2 weigh 1, 2, 3, 4, 5; farther ones count as the farthest. */
START_TEST(test_bias_by_distance)
{
	struct rig *rig = open_way(_i);
	struct tn_attention_attr *a = four_keys(rig, zeros, zeros);

	IN(rig, 5, 1, 0, log(1), log(2), log(3), log(4), log(5));
	a->bias = TN_BIAS_REL;
	a->span = 3;
	rig_run(rig, TN_OP_ATTENTION, 0);
	EXPECT(rig, 0, (3 + 4 * 2 + 5 * 4 + 5 * 8) / 17.0, (2 + 3 * 2 + 4 * 4 + 5 * 8) / 14.0,
		(1 + 2 * 2 + 3 * 4 + 4 * 8) / 10.0, (1 + 1 * 2 + 2 * 4 + 3 * 8) / 7.0);
	rig_close(rig);
}
END_TEST

/* A slope of log 2 halves the weight with each place. */
START_TEST(test_bias_alibi)
{
	struct rig *rig = open_way(_i);
	struct tn_attention_attr *a = four_keys(rig, zeros, zeros);

	IN(rig, 1, 0, 0, log(2));
	a->bias = TN_BIAS_ALIBI;
	rig_run(rig, TN_OP_ATTENTION, 0);
	EXPECT(rig, 0, (8 + 4 * 2 + 2 * 4 + 8) / 15.0, (4 + 8 * 2 + 4 * 4 + 2 * 8) / 18.0,
		(2 + 4 * 2 + 8 * 4 + 4 * 8) / 18.0, (1 + 2 * 2 + 4 * 4 + 8 * 8) / 15.0);
	rig_close(rig);
}
END_TEST

START_TEST(test_bias_tensor)
{
	static const uint32_t start[] = { 0, 1, 3 };
	struct rig *rig = open_way(_i);
	struct tn_attention_attr *a;

	rig_in(rig, zeros, 3, 2, 0);
	rig_in(rig, zeros, 3, 2, 0);
	IN(rig, 3, 2, 0, 5, 50, 0, 0, 12, 120);
	IN(rig, 3, 2, 2, 7, 7, 9, 9, log(1), log(1), log(2), log(3), log(1), log(5), log(1), log(1));
	rig_axis(rig, start, 2);
	a = attr_of(rig, 2, 2, 1);
	a->bias = TN_BIAS_TENSOR;
	rig_run(rig, TN_OP_ATTENTION, 2);
	EXPECT(rig, 0, 5, 50, 8, 90, 6, 20);
	EXPECT(rig, 1, 7, 7, log(3), log(4), log(2), log(6));
	rig_close(rig);
}
END_TEST

/* The bucket of a distance i - j picks the row: content to position by the query,
 * position to content by the key; both are scaled. */
START_TEST(test_bias_disentangled)
{
	const double ones[] = { 1, 1, 1, 1 };
	struct rig *rig = open_way(_i);

	for (int part = 0; part < 3; part++) {
		struct tn_attention_attr *a = four_keys(rig, part == 1 ? zeros : ones,
			part == 0 ? zeros : ones);

		a->bias = TN_BIAS_DISENTANGLED;
		a->c2p = part != 1;
		a->p2c = part != 0;
		a->span = 3;
		a->scale = 0.5f;
		IN(rig, 3, 1, 0, 2 * log(1), 2 * log(2), 2 * log(4));
		IN(rig, 3, 1, 0, 2 * log(1), 2 * log(3), 2 * log(9));
		INDEX(rig, 5, 0, 1, 0, 2, 1);
		rig_run(rig, TN_OP_ATTENTION, 0);
		for (int i = 0; i < 4; i++) {
			static const int bucket[] = { 0, 1, 0, 2, 1 };
			static const double c2p[] = { 1, 2, 4 }, p2c[] = { 1, 3, 9 };
			double sum = 0, y = 0;

			for (int j = 0; j < 4; j++) {
				int d = i - j < -2 ? -2 : i - j > 2 ? 2 : i - j;
				double w = (part != 1 ? c2p[bucket[d + 2]] : 1) *
					(part != 0 ? p2c[bucket[d + 2]] : 1);

				sum += w;
				y += w * (1 << j);
			}
			ck_assert_double_eq_tol(rig_out(rig, 0, (size_t)i), y / sum, 1e-6);
		}
	}
	rig_close(rig);
}
END_TEST

/* Two sequences one token at a time, in slots of a shared state, give what one causal
 * pass gives, to the bit. */
START_TEST(test_state)
{
	enum { N = 5, H = 2, D = 3, W = H * D, SLOTS = 16 };
	static const uint32_t whole[] = { 0, N, 2 * N }, one[] = { 0, 1, 2 };
	static const uint32_t slot[] = { 1, 9 };
	struct rig *rig = open_way(_i);
	double in[3][2 * N * W], expected[2 * N * W], state[2][SLOTS * W] = { { 0 } };
	struct tn_attention_attr *a;

	for (uint64_t k = 0; k < 3; k++) {
		rig_random(rig, k + 1, 2 * N, W, 0);
		for (size_t i = 0; i < 2 * N * W; i++)
			in[k][i] = rig_value(rig, (uint32_t)k, i);
	}
	IN(rig, 3, H, 0, 0.5, -0.25, 1, 2, -1, 0.125);
	rig_axis(rig, whole, 2);
	a = attr_of(rig, H, H, D);
	a->causal = 1;
	a->bias = TN_BIAS_REL;
	a->span = 2;
	rig_run(rig, TN_OP_ATTENTION, 0);
	for (size_t i = 0; i < 2 * N * W; i++)
		expected[i] = rig_out(rig, 0, i);
	for (uint32_t t = 0; t < N; t++) {
		const uint32_t past[] = { t, t };

		rig_clear(rig);
		for (int k = 0; k < 3; k++) {
			double rows[2 * W];

			memcpy(rows, in[k] + t * W, W * sizeof(*rows));
			memcpy(rows + W, in[k] + (N + t) * W, W * sizeof(*rows));
			rig_in(rig, rows, 2, W, 0);
		}
		IN(rig, 3, H, 0, 0.5, -0.25, 1, 2, -1, 0.125);
		rig_in(rig, state[0], SLOTS, W, 0);
		rig_in(rig, state[1], SLOTS, W, 0);
		rig_axis(rig, one, 2);
		rig->axis.past = past;
		rig->axis.slot = slot;
		a = attr_of(rig, H, H, D);
		a->causal = 1;
		a->bias = TN_BIAS_REL;
		a->span = 2;
		a->state = 1;
		ck_assert_int_eq(rig_run(rig, TN_OP_ATTENTION, 0), 0);
		for (size_t i = 0; i < 2 * W; i++)
			ck_assert(rig_out(rig, 0, i) ==
				expected[(i / W * N + t) * W + i % W]);
		for (size_t i = 0; i < SLOTS * W; i++) {
			state[0][i] = rig_value(rig, 4, i);
			state[1][i] = rig_value(rig, 5, i);
		}
	}
	for (size_t i = 0; i < SLOTS * W; i++) {
		bool used = (i / W >= 1 && i / W < 1 + N) || (i / W >= 9 && i / W < 9 + N);

		ck_assert_int_eq(state[0][i] != 0, used);
	}
	rig_close(rig);
}
END_TEST

START_TEST(test_state_refuses_what_does_not_fit)
{
	static const uint32_t start[] = { 0, 2 }, slot[] = { 1 }, past[] = { 2 };
	struct rig *rig = open_way(_i);

	for (int lacking = 0; lacking < 3; lacking++) {
		rig_clear(rig);
		for (int k = 0; k < 3; k++)
			rig_in(rig, zeros, 2, 1, 0);
		rig_in(rig, zeros, lacking == 1 ? 4 : 5, 1, 0);
		rig_in(rig, zeros, lacking == 2 ? 4 : 5, 1, 0);
		rig_axis(rig, start, 1);
		rig->axis.past = past;
		rig->axis.slot = slot;
		attr_of(rig, 1, 1, 1)->state = 1;
		ck_assert_int_eq(rig_run(rig, TN_OP_ATTENTION, 0),
			lacking ? TN_EINTERNAL : 0);
	}
	rig_close(rig);
}
END_TEST

/* A sequence alone has the bits that it has among others. */
START_TEST(test_bits_do_not_depend_on_the_batch)
{
	enum { H = 3, D = 8, W = H * D, R = 23 };
	static const uint32_t start[] = { 0, 5, 6, 23 };
	struct rig *rig = open_way(_i);
	double in[3][R * W], batch[R * W];

	for (uint32_t k = 0; k < 3; k++) {
		rig_random(rig, k + 1, R, W, 0);
		for (size_t i = 0; i < R * W; i++)
			in[k][i] = rig_value(rig, k, i);
	}
	rig_axis(rig, start, 3);
	attr_of(rig, H, H, D);
	rig_run(rig, TN_OP_ATTENTION, 0);
	for (size_t i = 0; i < R * W; i++)
		batch[i] = rig_out(rig, 0, i);
	for (int s = 0; s < 3; s++) {
		const uint32_t alone[] = { 0, start[s + 1] - start[s] };

		rig_clear(rig);
		for (int k = 0; k < 3; k++)
			rig_in(rig, in[k] + start[s] * W, alone[1], W, 0);
		rig_axis(rig, alone, 1);
		attr_of(rig, H, H, D);
		rig_run(rig, TN_OP_ATTENTION, 0);
		for (size_t i = 0; i < alone[1] * W; i++)
			ck_assert(rig_out(rig, 0, i) == batch[start[s] * W + i]);
	}
	rig_close(rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reference attention");

	ADD_WAYS(suite, test_masks);
	ADD_WAYS(suite, test_scores_and_scale);
	ADD_WAYS(suite, test_packed_sequences);
	ADD_WAYS(suite, test_cross);
	ADD_WAYS(suite, test_dropout);
	ADD_WAYS(suite, test_grouped_queries);
	ADD_WAYS(suite, test_bias_by_distance);
	ADD_WAYS(suite, test_bias_alibi);
	ADD_WAYS(suite, test_bias_tensor);
	ADD_WAYS(suite, test_bias_disentangled);
	ADD_WAYS(suite, test_state);
	ADD_WAYS(suite, test_state_refuses_what_does_not_fit);
	ADD_WAYS(suite, test_bits_do_not_depend_on_the_batch);
	return tn_check_main(suite);
}
