/* SPDX-License-Identifier: Apache-2.0
 * tests/bench/test_bench.c - quantiles by nearest rank, rows as CSV and JSON, and peaks of
 * the processor that are within reason.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peak.h"
#include "eval/rows.h"
#include "bench/samples.h"
#include "check_main.h"

START_TEST(test_quantiles_are_nearest_ranks)
{
	struct tn_call *call = tn_call_create();
	struct bench_samples s = { 0 };

	ck_assert(isnan(bench_quantile(&s, 0.5)));
	/* 37 is prime to 100: each of 1 .. 100 comes once. */
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(bench_samples_add(&s, (i * 37) % 100 + 1, call), 0);
	ck_assert_double_eq(bench_quantile(&s, 0), 1);
	ck_assert_double_eq(bench_quantile(&s, 0.5), 50);
	ck_assert_double_eq(bench_quantile(&s, 0.9), 90);
	ck_assert_double_eq(bench_quantile(&s, 0.901), 91);
	ck_assert_double_eq(bench_quantile(&s, 0.99), 99);
	ck_assert_double_eq(bench_quantile(&s, 1), 100);
	bench_samples_free(&s);
	ck_assert_int_eq(bench_samples_add(&s, 7, call), 0);
	ck_assert_double_eq(bench_quantile(&s, 0.01), 7);
	bench_samples_free(&s);
	tn_call_destroy(call);
}
END_TEST

static const char *print(enum eval_row_format format, const struct eval_rows *t,
	struct tn_call *call)
{
	char *text, *copy;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_int_eq(eval_rows_print(out, format, t, call), 0);
	fclose(out);
	copy = tn_arena_dup(tn_call_arena(call), text, len);
	free(text);
	return copy;
}

START_TEST(test_rows_as_csv_json_and_tables)
{
	static const struct eval_column columns[] = {
		{ "name", "name", 1, -1 }, { "share", "%", 100, 1 }, { "none", "none", 1, -1 } };
	struct tn_call *call = tn_call_create();
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *rows[2];
	struct eval_rows t = { columns, 3, (const struct tn_value *const *)rows, 2 };

	for (int i = 0; i < 2; i++) {
		rows[i] = tn_new_object(arena);
		eval_set_text(arena, rows[i], "name", i ? "a \"b\", c" : "d");
		eval_set_real(arena, rows[i], "share", i ? 0.5 : 0.25);
		eval_set_real(arena, rows[i], "none", NAN);
	}
	/* RFC 4180, section 2. */
	ck_assert_str_eq(print(EVAL_ROWS_CSV, &t, call),
		"name,share,none\r\nd,0.25,\r\n\"a \"\"b\"\", c\",0.5,\r\n");
	ck_assert_str_eq(print(EVAL_ROWS_JSONL, &t, call),
		"{\"name\":\"d\",\"share\":0.25,\"none\":null}\n"
		"{\"name\":\"a \\\"b\\\", c\",\"share\":0.5,\"none\":null}\n");
	ck_assert_str_eq(print(EVAL_ROWS_MARKDOWN, &t, call),
		"| name     |    % |\n|---|--:|\n| d        | 25.0 |\n| a \"b\", c | 50.0 |\n");
	ck_assert_str_eq(print(EVAL_ROWS_TEXT, &t, call),
		"name         %\nd         25.0\na \"b\", c  50.0\n");
	tn_call_destroy(call);
}
END_TEST

/* No core reaches 1 THz of 64 products, or is slower than 10 MHz of 4. */
static void expect_peak(double found, double products)
{
	ck_assert_double_ge(found, 2 * 4 * 0.01);
	ck_assert_double_le(found, 2 * products * 1000);
}

START_TEST(test_peaks_are_within_reason)
{
	struct bench_peaks plain = { .threads = 1 }, best = { .threads = 1 };

	setenv("TENON_ISA", "plain", 1);
	bench_peak_loops(&plain);
	ck_assert_str_eq(plain.isa, "plain");
	expect_peak(plain.fp32, 8);
	ck_assert_double_eq(plain.bf16, 0);
	unsetenv("TENON_ISA");
	bench_peak_loops(&best);
	expect_peak(best.fp32, 32);
	ck_assert_double_ge(best.fp32, 0.8 * plain.fp32);
	/* Eight bits are four times narrower, but may take three instructions. */
	if (best.int8 > 0)
		ck_assert_double_ge(best.int8, best.fp32);
	/* Exact ones are as fast, or take an instruction more. */
	ck_assert_double_ge(best.int8_exact, 0.4 * best.int8);
	ck_assert_double_le(best.int8_exact, 1.1 * best.int8);
	if (best.bf16 > 0)
		ck_assert_double_ge(best.bf16, best.fp32);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bench");

	setenv("CK_FORK", "no", 1);	/* the loops use OpenMP */
	TN_ADD(s, test_quantiles_are_nearest_ranks);
	TN_ADD(s, test_rows_as_csv_json_and_tables);
	TN_ADD(s, test_peaks_are_within_reason);
	return tn_check_main(s);
}
