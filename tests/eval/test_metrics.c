/* SPDX-License-Identifier: Apache-2.0
 * tests/eval/test_metrics.c - metrics, by cases counted by hand and by what seqeval and the
 * SQuAD scripts give (tests/golden/metrics/cases.json).
 */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "check_main.h"
#include "eval/answer.h"
#include "eval/gold.h"
#include "eval/spans.h"

static struct tn_call *call;

static void setup(void)
{
	call = tn_call_create();
}

static void teardown(void)
{
	ck_assert_str_eq(tn_error_text(call), "");
	tn_call_destroy(call);
}

static struct tn_text text_of(const char *s)
{
	return (struct tn_text){ s, strlen(s) };
}

/* "B-PER O" as tags. */
static size_t split(const char *s, struct tn_text *tags)
{
	size_t n = 0;

	for (s += strspn(s, " "); *s; s += strspn(s, " ")) {
		tags[n++] = (struct tn_text){ s, strcspn(s, " ") };
		s += strcspn(s, " ");
	}
	return n;
}

static struct eval_counts count(const char *gold, const char *found)
{
	struct tn_text a[32], b[32];
	struct eval_span left[32], right[32];
	size_t n = split(gold, a), n_left = eval_spans_of_tags(a, n, left);
	struct eval_counts c = { 0 };

	ck_assert_uint_eq(split(found, b), n);
	eval_count_spans(&c, left, n_left, right, eval_spans_of_tags(b, n, right));
	return c;
}

static void expect(struct eval_counts c, size_t gold, size_t found, size_t right)
{
	ck_assert_uint_eq(c.gold, gold);
	ck_assert_uint_eq(c.found, found);
	ck_assert_uint_eq(c.right, right);
}

START_TEST(test_spans_nothing)
{
	struct eval_counts c = count("", "");

	ck_assert(eval_precision(&c) == 0 && eval_recall(&c) == 0 && eval_f1(&c) == 0);
	expect(count("O O", "O O"), 0, 0, 0);
	c = count("B-A I-A O B-B", "O O O O");
	expect(c, 2, 0, 0);
	ck_assert(eval_precision(&c) == 0 && eval_recall(&c) == 0 && eval_f1(&c) == 0);
	expect(count("O O", "B-A O"), 0, 1, 0);
}
END_TEST

START_TEST(test_spans_type_and_boundary)
{
	struct eval_counts c;

	expect(count("B-A I-A O", "B-B I-B O"), 1, 1, 0);
	expect(count("B-A I-A I-A", "B-A I-A O"), 1, 1, 0);
	expect(count("O B-A I-A", "B-A I-A I-A"), 1, 1, 0);
	expect(count("B-A I-A I-A", "B-A I-A B-A"), 1, 2, 0);
	/* The span goes on under another type: both are spans. */
	expect(count("B-A I-B I-B", "B-A I-A I-B"), 2, 2, 0);
	expect(count("B-A B-A O B-B", "B-A B-A O B-A"), 3, 3, 2);
	c = count("B-A B-A O B-B O", "B-A O O B-B B-B");
	expect(c, 3, 3, 2);
	ck_assert_double_eq_tol(eval_f1(&c), 2.0 / 3, 1e-15);
}
END_TEST

START_TEST(test_spans_inside_without_begin)
{
	expect(count("O I-A I-A O", "O B-A I-A O"), 1, 1, 1);
	expect(count("I-A", "B-A"), 1, 1, 1);
	expect(count("B-A I-B", "B-A B-B"), 2, 2, 2);
	expect(count("I-A O I-A", "I-A I-A I-A"), 2, 1, 0);
}
END_TEST

START_TEST(test_spans_other_schemes)
{
	expect(count("B-A I-A E-A S-A S-A", "B-A I-A L-A U-A U-A"), 3, 3, 3);
	expect(count("B-A E-A I-A S-A I-A", "B-A L-A I-A U-A I-A"), 4, 4, 4);
	expect(count("B-A E-A I-A S-A I-A", "B-A I-A B-A B-A B-A"), 4, 4, 4);
	expect(count("B-A E-A E-A", "B-A I-A B-A"), 2, 2, 2);
	expect(count("PER PER O LOC", "B-PER I-PER O B-LOC"), 2, 2, 2);
	expect(count("B I O B", "B-_ I-_ O B-_"), 2, 2, 2);
	expect(count("B-a-b I-a-b I-a", "B-a-b I-a-b B-a"), 2, 2, 2);
}
END_TEST

START_TEST(test_spans_given_once)
{
	struct eval_span gold[] = { { { "A", 1 }, 4, 6 }, { { "A", 1 }, 0, 2 } };
	struct eval_span found[] = { { { "A", 1 }, 0, 2 }, { { "B", 1 }, 4, 6 },
		{ { "A", 1 }, 0, 2 }, { { "A", 1 }, 4, 6 } };
	struct eval_counts c = { 0 };

	eval_count_spans(&c, gold, 2, found, 4);
	expect(c, 2, 4, 2);
}
END_TEST

static const char *normal(const char *s)
{
	return eval_normal_answer(text_of(s), call).text;
}

START_TEST(test_answer_normal)
{
	ck_assert_str_eq(normal("The  Quick, (brown) FOX!"), "quick brown fox");
	ck_assert_str_eq(normal("an apple a day"), "apple day");
	ck_assert_str_eq(normal("A"), "");
	ck_assert_str_eq(normal("theory of another man"), "theory of another man");
	/* Punctuation goes first: what it parted is one word. */
	ck_assert_str_eq(normal("the-end"), "theend");
	ck_assert_str_eq(normal("a_b"), "ab");
	ck_assert_str_eq(normal("U.S.A."), "usa");
	ck_assert_str_eq(normal("\t\x1f x\xc2\xa0y\xe2\x80\x83"), "x y");
	ck_assert_str_eq(normal("\xc3\x89\x54\xc3\x89 \xce\x91\xce\x92 \xd0\x96"),
		"\xc3\xa9t\xc3\xa9 \xce\xb1\xce\xb2 \xd0\xb6");
	ck_assert_str_eq(normal("\xc4\xb0"), "i\xcc\x87");
	/* Not ASCII: it stays, and parts words. */
	ck_assert_str_eq(normal("\xe2\x80\x9cthe\xe2\x80\x9d end"),
		"\xe2\x80\x9c \xe2\x80\x9d end");
	ck_assert_str_eq(normal("a\xc3\xa9 a\xcc\x81"), "a\xc3\xa9 \xcc\x81");
	ck_assert_str_eq(normal(""), "");
}
END_TEST

static double f1_of(const char *found, const char *gold, double exact)
{
	struct tn_text g = text_of(gold);
	double e, f;

	ck_assert_int_eq(eval_answer(text_of(found), &g, 1, &e, &f, call), 0);
	ck_assert(e == exact);
	return f;
}

START_TEST(test_answer_scores)
{
	struct tn_text golds[] = { text_of("in Oslo"), text_of("the city of Oslo") };
	double exact, f1;

	ck_assert(f1_of("the Denver Broncos.", "Denver Broncos", 1) == 1);
	ck_assert_double_eq_tol(f1_of("Denver", "Denver Broncos", 0), 2.0 / 3, 1e-15);
	/* Words count as often as both have them. */
	ck_assert_double_eq_tol(f1_of("b b c", "b b b d", 0), 4.0 / 7, 1e-15);
	ck_assert(f1_of("", "Oslo", 0) == 0);
	/* As the script of 1.1: equal, but without a common word. */
	ck_assert(f1_of("a", "the", 1) == 0);
	eval_answer(text_of("city of Oslo"), golds, 2, &exact, &f1, call);
	ck_assert(exact == 1 && f1 == 1);
	eval_answer((struct tn_text){ NULL, 0 }, golds, 2, &exact, &f1, call);
	ck_assert(exact == 0 && f1 == 0);
	eval_answer((struct tn_text){ NULL, 0 }, NULL, 0, &exact, &f1, call);
	ck_assert(exact == 1 && f1 == 1);
	eval_answer(text_of("Oslo"), NULL, 0, &exact, &f1, call);
	ck_assert(exact == 0 && f1 == 0);
}
END_TEST

/* A case of the recorded file: what its scripts were given and gave. */
static void check_tags(const struct tn_value *c)
{
	struct eval_counts sum = { 0 };
	const struct tn_value *gold = tn_get(c, "gold"), *found = tn_get(c, "found");

	for (size_t i = 0; i < tn_size(gold); i++) {
		struct eval_counts one = count(tn_string(tn_at(gold, i), ""),
			tn_string(tn_at(found, i), ""));

		sum.gold += one.gold;
		sum.found += one.found;
		sum.right += one.right;
	}
	ck_assert_double_eq_tol(eval_precision(&sum), tn_real(tn_get(c, "precision"), -1), 1e-12);
	ck_assert_double_eq_tol(eval_recall(&sum), tn_real(tn_get(c, "recall"), -1), 1e-12);
	ck_assert_double_eq_tol(eval_f1(&sum), tn_real(tn_get(c, "f1"), -1), 1e-12);
}

static void check_answer(const struct tn_value *c)
{
	struct tn_text found = { tn_string(tn_get(c, "found"), ""),
		tn_string_length(tn_get(c, "found")) };
	struct tn_text normal_text = eval_normal_answer(found, call);
	size_t n;
	const struct tn_text *gold = eval_answer_texts(tn_get(c, "gold"), "case", &n,
		tn_call_arena(call), call);
	double exact, f1;

	ck_assert_str_eq(normal_text.text, tn_string(tn_get(c, "normal"), "-"));
	ck_assert_int_eq(eval_answer(found, gold, n, &exact, &f1, call), 0);
	ck_assert_double_eq_tol(exact, tn_real(tn_get(c, "exact"), -1), 1e-12);
	ck_assert_double_eq_tol(f1, tn_real(tn_get(c, "f1"), -1), 1e-12);
}

START_TEST(test_recorded)
{
	char *path = tn_printf(call, "%s/tests/golden/metrics/cases.json", getenv("top_srcdir"));
	size_t len;
	char *text = tn_file_read(path, 1 << 24, &len, tn_call_arena(call), call);
	const struct tn_value *all = text ? tn_json_parse(text, len, path, tn_call_arena(call),
		call) : NULL, *tags = tn_get(all, "tags"), *answers = tn_get(all, "answers");

	ck_assert_uint_gt(tn_size(tags), 10);
	ck_assert_uint_gt(tn_size(answers), 100);
	for (size_t i = 0; i < tn_size(tags); i++)
		check_tags(tn_at(tags, i));
	for (size_t i = 0; i < tn_size(answers); i++)
		check_answer(tn_at(answers, i));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tests = tcase_create("metrics");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_spans_nothing);
	tcase_add_test(tests, test_spans_type_and_boundary);
	tcase_add_test(tests, test_spans_inside_without_begin);
	tcase_add_test(tests, test_spans_other_schemes);
	tcase_add_test(tests, test_spans_given_once);
	tcase_add_test(tests, test_answer_normal);
	tcase_add_test(tests, test_answer_scores);
	tcase_add_test(tests, test_recorded);
	suite_add_tcase(suite, tests);
	return tn_check_main(suite);
}
