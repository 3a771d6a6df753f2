/* SPDX-License-Identifier: Apache-2.0
 * tests/eval/test_masking.c - which tokens are hidden from a masked language model, and how.
 */
#include <math.h>
#include <string.h>

#include "check_main.h"
#include "eval/masking.h"

#define N 1000
#define VOCABULARY 30000
#define MASK 103

static struct tn_window_token tokens[N];
static struct tn_tokenizer_info info;
static struct tn_pipeline pipeline;
static struct tn_call *call;

/* Two pieces of each word, a special token at both ends. */
static void setup(void)
{
	info = (struct tn_tokenizer_info){ .mask = MASK, .vocab_size = VOCABULARY };
	pipeline.tokenizer_info = &info;
	call = tn_call_create();
	for (int i = 0; i < N; i++)
		tokens[i] = (struct tn_window_token){ .id = 1000 + i, .word = (i - 1) / 2,
			.sequence = i == 0 || i == N - 1 ? -1 : 0 };
	tokens[0].word = tokens[N - 1].word = -1;
}

static void teardown(void)
{
	tn_call_destroy(call);
}

/* Shares of the tokens that are chosen, and of these masked, other and the same. */
START_TEST(test_shares)
{
	const struct tn_masking masking = { .probability = 0.15 };
	size_t chosen = 0, masked = 0, same = 0, draws = 200;
	double n = (double)(N - 2) * (double)draws;

	for (uint64_t draw = 0; draw < draws; draw++) {
		struct tn_window w = { .tokens = tokens, .n_tokens = N };
		struct tn_gold gold = { .ids = NULL };

		tn_call_reset(call);
		ck_assert_int_eq(tn_mask_window(&pipeline, &masking, draw, &w, &gold, call), 0);
		for (int i = 0; i < N; i++) {
			if (gold.ids[i] < 0) {
				ck_assert_int_eq(w.tokens[i].id, tokens[i].id);
				continue;
			}
			ck_assert_int_eq(gold.ids[i], tokens[i].id);
			ck_assert_int_ge(tokens[i].sequence, 0);
			chosen++;
			masked += w.tokens[i].id == MASK;
			same += w.tokens[i].id == tokens[i].id;
			ck_assert_int_ge(w.tokens[i].id, 0);
			ck_assert_int_lt(w.tokens[i].id, VOCABULARY);
		}
	}
	/* Within four standard deviations of binomials. */
	ck_assert_double_eq_tol((double)chosen / n, 0.15, 4 * sqrt(0.15 * 0.85 / n));
	ck_assert_double_eq_tol((double)masked / (double)chosen, 0.8,
		4 * sqrt(0.16 / (double)chosen));
	ck_assert_double_eq_tol((double)same / (double)chosen, 0.1,
		4 * sqrt(0.09 / (double)chosen) + 1.0 / VOCABULARY);
}
END_TEST

START_TEST(test_a_draw_says_all)
{
	const struct tn_masking masking = { .probability = 0.3 };
	const struct tn_window whole = { .tokens = tokens, .n_tokens = N };
	struct tn_window a = whole, b = whole, c = whole;
	struct tn_gold gold = { .ids = NULL };
	size_t differ = 0;

	tn_mask_window(&pipeline, &masking, 7, &a, &gold, call);
	tn_mask_window(&pipeline, &masking, 7, &b, &gold, call);
	tn_mask_window(&pipeline, &masking, 8, &c, &gold, call);
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(a.tokens[i].id, b.tokens[i].id);
		differ += a.tokens[i].id != c.tokens[i].id;
	}
	ck_assert_uint_gt(differ, N / 4);
}
END_TEST

START_TEST(test_whole_words)
{
	const struct tn_masking masking = { .probability = 0.15, .whole_words = true };
	struct tn_window w = { .tokens = tokens, .n_tokens = N };
	struct tn_gold gold = { .ids = NULL };
	size_t chosen = 0;

	tn_mask_window(&pipeline, &masking, 3, &w, &gold, call);
	for (int i = 1; i + 1 < N - 1; i += 2) {
		ck_assert_int_eq(gold.ids[i] < 0, gold.ids[i + 1] < 0);
		chosen += gold.ids[i] >= 0;
	}
	ck_assert_uint_gt(chosen, 30);
	ck_assert_uint_lt(chosen, 130);
}
END_TEST

START_TEST(test_something_is_hidden)
{
	const struct tn_masking masking = { .probability = 0 };
	struct tn_window w = { .tokens = tokens, .n_tokens = 4 };
	struct tn_gold gold = { .ids = NULL };

	tn_mask_window(&pipeline, &masking, 3, &w, &gold, call);
	ck_assert_int_lt(gold.ids[0], 0);
	ck_assert_int_eq(gold.ids[1], tokens[1].id);
	ck_assert_int_lt(gold.ids[2], 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("masking");
	TCase *tests = tcase_create("masking");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_shares);
	tcase_add_test(tests, test_a_draw_says_all);
	tcase_add_test(tests, test_whole_words);
	tcase_add_test(tests, test_something_is_hidden);
	suite_add_tcase(suite, tests);
	return tn_check_main(suite);
}
