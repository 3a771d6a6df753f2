/* SPDX-License-Identifier: Apache-2.0
 * tests/heads/test_spans.c - the search for the best spans against all spans, one by one.
 */
#include <math.h>
#include <stdlib.h>

#include "../../heads/span-qa/spans.h"
#include "check_main.h"

#define N 40

struct problem {
	struct span_row row;
	double start[N], end[N];
	size_t best[N], queue[N];
};

static double number(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (double)(int64_t)(*state >> 11) / 4503599627370496.0 * 4 - 4;
}

/* Coarse scores have many ties. */
static void fill(struct problem *p, size_t n, size_t most, uint64_t seed, int coarse)
{
	p->row = (struct span_row){ p->start, p->end, n, n / 5, n - n / 5 - n / 7, most };
	for (size_t i = 0; i < n; i++) {
		p->start[i] = coarse ? floor(number(&seed)) : number(&seed);
		p->end[i] = coarse ? floor(number(&seed)) : number(&seed);
	}
	span_best_ends(&p->row, p->best, p->queue);
}

static int by_rank(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return x->last < y->last ? -1 : x->last > y->last;
}

/* All legal spans, best first. */
static size_t enumerate(const struct problem *p, struct span *all)
{
	size_t n = 0;

	for (size_t b = p->row.first; b < p->row.first + p->row.n_first; b++)
		for (size_t t = b; t < p->row.n && t - b < p->row.most; t++)
			all[n++] = (struct span){ b, t, p->start[b] + p->end[t] };
	qsort(all, n, sizeof(*all), by_rank);
	return n;
}

static void check(const struct problem *p, size_t k)
{
	static struct span all[N * N], found[N * N];
	static size_t tags[N * N];
	size_t n = enumerate(p, all), most = n < k ? n : k;

	ck_assert_uint_eq(span_nbest(&p->row, p->best, found, tags, 3, 0, k), most);
	for (size_t i = 0; i < most; i++) {
		ck_assert_uint_eq(found[i].begin, all[i].begin);
		ck_assert_uint_eq(found[i].last, all[i].last);
		ck_assert_double_eq(found[i].score, all[i].score);
		ck_assert_uint_eq(tags[i], 3);
	}
}

START_TEST(test_best_spans_equal_enumeration)
{
	struct problem p;

	for (size_t n = 0; n <= N; n += 1 + n / 6)
		for (size_t most = 1; most <= n + 2; most += 1 + most / 3)
			for (uint64_t seed = 1; seed <= 6; seed++) {
				fill(&p, n, most, seed * 31 + n, seed % 2 == 0);
				check(&p, 1);
				check(&p, 5);
				check(&p, N * N);
			}
}
END_TEST

START_TEST(test_log_sum_equals_enumeration)
{
	static struct span all[N * N];
	double sums[2 * N];
	struct problem p;

	for (size_t n = 1; n <= N; n++)
		for (size_t most = 1; most <= n + 2; most++) {
			double sum = 0, log_sum;
			size_t count;

			fill(&p, n, most, n * 50 + most, 0);
			count = enumerate(&p, all);
			for (size_t i = 0; i < count; i++)
				sum += exp(all[i].score);
			log_sum = span_log_sum(&p.row, sums);
			if (count)
				ck_assert_double_eq_tol(log_sum, log(sum), 1e-12);
			else
				ck_assert_double_eq(log_sum, -INFINITY);
		}
}
END_TEST

/* Ends of ten thousand where no answer may begin: no overflow, nothing lost. */
START_TEST(test_log_sum_of_extreme_scores)
{
	double start[6] = { 1e4, -1e4, -1e4, -1e4, -1e4, 1e4 };
	double end[6] = { -1e4, -1e4, 1e4, -1e4, -1e4, -1e4 }, sums[12];
	struct span_row row = { start, end, 6, 1, 2, 2 };

	/* Spans 1-2, 2-2: 0 each; 1-1, 2-3: -2e4. */
	ck_assert_double_eq_tol(span_log_sum(&row, sums), log(2), 1e-9);
}
END_TEST

START_TEST(test_spans_of_two_rows_are_merged)
{
	struct problem a, b;
	struct span out[4];
	size_t tags[4], n;

	fill(&a, 12, 4, 1, 0);
	fill(&b, 12, 4, 2, 0);
	a.start[3] = 30;
	b.start[4] = 60;
	n = span_nbest(&a.row, a.best, out, tags, 0, 0, 4);
	n = span_nbest(&b.row, b.best, out, tags, 1, n, 4);
	ck_assert_uint_eq(n, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_uint_eq(tags[i], 1);
	n = span_nbest(&b.row, b.best, out, tags, 1, 0, 2);
	n = span_nbest(&a.row, a.best, out, tags, 0, n, 4);
	ck_assert_uint_eq(tags[1], 1);
	ck_assert_uint_eq(tags[2], 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spans");

	TN_ADD(suite, test_best_spans_equal_enumeration);
	TN_ADD(suite, test_log_sum_equals_enumeration);
	TN_ADD(suite, test_log_sum_of_extreme_scores);
	TN_ADD(suite, test_spans_of_two_rows_are_merged);
	return tn_check_main(suite);
}
