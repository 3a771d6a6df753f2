/* SPDX-License-Identifier: Apache-2.0
 * tests/eval/test_records.c - scores against scikit-learn and seqeval (tests/golden/scores.json),
 * SciPy (values.json), closed forms, intervals, baselines; thresholds for no answer against the
 * rules of SQuAD's script (tests/golden/thresholds.json).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "check_main.h"
#include "eval/baseline.h"
#include "eval/calibration.h"
#include "eval/threshold.h"

static struct tn_call *call;
static struct tn_arena *arena;

static void setup(void)
{
	call = tn_call_create();
	arena = tn_arena_create();
}

static void teardown(void)
{
	tn_arena_destroy(arena);
	tn_call_destroy(call);
}

static const struct tn_value *golden(const char *name)
{
	const char *top = getenv("top_srcdir");
	const char *path = tn_printf(call, "%s/tests/golden/%s", top ? top : ".", name);
	size_t len;
	char *text = tn_file_read(path, 1 << 24, &len, arena, call);

	ck_assert_msg(text, "%s", tn_error_text(call));
	return tn_json_parse(text, len, path, arena, call);
}

static double score(const struct eval_records *r, const char *name)
{
	struct eval_score scores[EVAL_MOST_SCORES];
	size_t n = eval_records_scores(r, NULL, scores);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(scores[i].name, name))
			return scores[i].value / 100;
	return NAN;
}

static void check(const char *what, double found, const struct tn_value *expected, double tolerance)
{
	double right = tn_real(expected, NAN);

	ck_assert_msg(fabs(found - right) <= tolerance, "%s: %.9g, expected %.9g", what, found, right);
}

/* An answer of a classifier. */
static const struct tn_value *answer_of(const struct tn_value *p, const char *const *labels)
{
	struct tn_value *answer = tn_new_object(arena), *head = tn_new_object(arena), *scores;
	size_t best = 0;

	for (size_t i = 0; i < tn_size(p); i++)
		if (tn_real(tn_at(p, i), 0) > tn_real(tn_at(p, best), 0))
			best = i;
	tn_set(arena, answer, "h", head);
	tn_set(arena, head, "label", tn_new_text(arena, labels[best]));
	scores = tn_set(arena, head, "scores", tn_new_object(arena));
	for (size_t i = 0; i < tn_size(p); i++)
		tn_set(arena, scores, labels[i], (struct tn_value *)tn_at(p, i));
	return answer;
}

START_TEST(test_labels_as_scikit_learn)
{
	static const char *const labels[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i" };
	const struct tn_value *cases = tn_get(golden("scores.json"), "labels");

	for (size_t c = 0; c < tn_size(cases); c++) {
		const struct tn_value *one = tn_at(cases, c);
		struct eval_calibration found;
		struct eval_records r;

		eval_records_open(&r, "h", TN_TASK_LABEL, labels,
			(size_t)tn_int(tn_get(one, "labels"), 0), EVAL_LABELS, arena, call);
		for (size_t i = 0; i < tn_size(tn_get(one, "gold")); i++) {
			struct eval_example e = { .where = "x:1" };

			e.gold.label = tn_at(tn_get(one, "gold"), i);
			ck_assert_int_eq(eval_records_add(&r, &e, answer_of(tn_at(tn_get(one, "p"), i),
				labels), call), 0);
		}
		check("accuracy", score(&r, "accuracy"), tn_get(one, "accuracy"), 1e-12);
		check("macro_f1", score(&r, "macro_f1"), tn_get(one, "macro_f1"), 1e-12);
		check("mcc", score(&r, "mcc"), tn_get(one, "mcc"), 1e-12);
		eval_calibrate(&found, &r, 1, call);
		check("nll", found.nll, tn_get(one, "nll"), 1e-9);
		check("brier", found.brier, tn_get(one, "brier"), 1e-9);
		/* Scores are floats. */
		check("ece", found.ece, tn_get(one, "ece"), 1e-6);
		check("ece_mass", found.ece_mass, tn_get(one, "ece_mass"), 1e-6);
		check("temperature", eval_temperature(&r), tn_get(one, "temperature"), 1e-3);
	}
}
END_TEST

/* Weights count as repetitions do. */
START_TEST(test_values_as_scipy)
{
	static const char *const labels[] = { "value" };
	static const char *const names[] = { "pearson", "spearman", "rmse", "mae" };
	const struct tn_value *cases = tn_get(golden("values.json"), "cases");

	for (size_t c = 0; c < tn_size(cases); c++) {
		const struct tn_value *one = tn_at(cases, c), *gold = tn_get(one, "gold");
		struct eval_score weighted[EVAL_MOST_SCORES];
		struct eval_records r, twice;
		uint32_t weights[200];

		eval_records_open(&r, "h", TN_TASK_LABEL, labels, 1, EVAL_LABELS, arena, call);
		eval_records_open(&twice, "h", TN_TASK_LABEL, labels, 1, EVAL_LABELS, arena, call);
		for (size_t i = 0; i < tn_size(gold); i++) {
			struct eval_example e = { .where = "x:1", .gold.label = tn_at(gold, i) };
			struct tn_value *answer = tn_new_object(arena);
			struct tn_value *head = tn_set(arena, answer, "h", tn_new_object(arena));

			tn_set(arena, head, "value", (struct tn_value *)tn_at(tn_get(one, "found"), i));
			ck_assert_int_eq(eval_records_check(&r, &e, call), 1);
			ck_assert_int_eq(eval_records_add(&r, &e, answer, call), 0);
			weights[i] = (uint32_t)(i * 7 % 4);
			for (uint32_t k = 0; k < weights[i]; k++)
				ck_assert_int_eq(eval_records_add(&twice, &e, answer, call), 0);
		}
		ck_assert_uint_eq(eval_records_scores(&r, weights, weighted), 4);
		for (int k = 0; k < 4; k++) {
			double unit = k < 2 ? 1 : 100;

			check(names[k], unit * score(&r, names[k]), tn_get(one, names[k]), 1e-9);
			ck_assert_str_eq(weighted[k].name, names[k]);
			ck_assert_double_eq_tol(weighted[k].value / 100, score(&twice, names[k]), 1e-9);
		}
	}
}
END_TEST

START_TEST(test_what_is_no_number)
{
	static const char *const labels[] = { "value" };
	struct eval_example e = { .where = "x:1", .gold.label = tn_new_text(arena, "1.5e") };
	struct eval_records r;

	eval_records_open(&r, "h", TN_TASK_LABEL, labels, 1, EVAL_LABELS, arena, call);
	ck_assert_int_eq(eval_records_check(&r, &e, call), TN_EDATA);
	ck_assert_str_eq(tn_error_text(call), "x:1: the label \"1.5e\" is no number, which head h "
		"gives");
	tn_clear(call);
	e.gold.label = tn_new_text(arena, "-1.5e1");
	ck_assert_int_eq(eval_records_check(&r, &e, call), 1);
}
END_TEST

/* The tags of a line. */
static struct tn_text *split(const struct tn_value *line, size_t *n)
{
	struct tn_text *tags = tn_arena_alloc(arena, 100 * sizeof(*tags));
	const char *at = tn_string(line, "");

	for (*n = 0; *at; ++*n) {
		tags[*n] = (struct tn_text){ at, strcspn(at, " ") };
		at += tags[*n].len;
		at += *at == ' ';
	}
	return tags;
}

START_TEST(test_tags_as_seqeval)
{
	static const char *const loose[] = { "f1", "precision", "recall" };
	static const char *const strict[] = { "strict_f1", "strict_precision", "strict_recall" };
	static const char *const surface[] = { "surface_f1", "surface_precision", "surface_recall" };
	const struct tn_value *cases = tn_get(golden("scores.json"), "tags");

	for (size_t c = 0; c < tn_size(cases); c++) {
		const struct tn_value *one = tn_at(cases, c);
		bool bio = !strcmp(tn_string(tn_get(one, "scheme"), ""), "BI");
		struct eval_records r;

		eval_records_open(&r, "h", TN_TASK_SPANS, NULL, 0, bio ? EVAL_BIO : EVAL_BIOES, arena,
			call);
		for (size_t i = 0; i < tn_size(tn_get(one, "gold")); i++) {
			struct eval_example e = { .where = "x:1" };
			size_t n;
			struct tn_text *found = split(tn_at(tn_get(one, "found"), i), &n);

			e.gold.tags = split(tn_at(tn_get(one, "gold"), i), &n);
			e.input.words = split(tn_at(tn_get(one, "words"), i), &e.input.n_words);
			ck_assert_uint_eq(e.input.n_words, n);
			ck_assert_int_eq(eval_records_add_tags(&r, &e, found, call), 0);
		}
		for (size_t k = 0; k < 3; k++) {
			check(loose[k], score(&r, loose[k]), tn_at(tn_get(one, "loose"), k), 1e-12);
			check(strict[k], score(&r, strict[k]), tn_at(tn_get(one, "strict"), k),
				1e-12);
			check(surface[k], score(&r, surface[k]), tn_at(tn_get(one, "surface"), k),
				1e-12);
		}
		check("token_accuracy", score(&r, "token_accuracy"), tn_get(one, "token_accuracy"),
			1e-12);
	}
}
END_TEST

/* Of n examples the first `right` are right: accuracy has the binomial's deviation. */
START_TEST(test_intervals)
{
	static const char *const labels[] = { "no", "yes" };
	struct eval_score scores[EVAL_MOST_SCORES];
	struct eval_records r;
	double n = 400, deviation = 100 * sqrt(0.8 * 0.2 / n);
	size_t n_scores;

	eval_records_open(&r, "h", TN_TASK_LABEL, labels, 2, EVAL_LABELS, arena, call);
	for (int i = 0; i < 400; i++) {
		struct eval_example e = { .where = "x:1" };

		e.gold.label = tn_new_int(arena, i % 2);
		eval_records_add_label(&r, &e, tn_new_int(arena, i < 320 ? i % 2 : 1 - i % 2), call);
	}
	n_scores = eval_records_scores(&r, NULL, scores);
	ck_assert_int_eq(eval_records_intervals(&r, scores, n_scores, 2000, 7, call), 0);
	ck_assert_double_eq_tol(scores[0].value, 80, 1e-9);
	ck_assert_double_eq_tol(scores[0].low, 80 - 1.96 * deviation, 0.5);
	ck_assert_double_eq_tol(scores[0].high, 80 + 1.96 * deviation, 0.5);
}
END_TEST

static struct eval_example text_example(const char *text, const char *label)
{
	struct eval_example e = { .where = "x:1", .input.text = { text, strlen(text) } };

	e.gold.label = tn_new_text(arena, label);
	return e;
}

START_TEST(test_label_baselines)
{
	static const char *const labels[] = { "ham", "spam" };
	/* p(ham) = 3/5; "win" occurs three times in spam, never in ham. */
	struct eval_example learn[] = { text_example("win now", "spam"),
		text_example("win win", "spam"), text_example("see you", "ham"),
		text_example("see me", "ham"), text_example("you and me", "ham") };
	struct eval_example ask[] = { text_example("Win", "spam"), text_example("see", "ham"),
		text_example("nothing known", "ham"), text_example("now", "spam"),
		/* Each label lacks a word of it. */
		text_example("win see see see me you", "ham") };
	struct eval_data train = { .items = learn, .n = 5 }, data = { .items = ask, .n = 5 };
	struct eval_records majority, bayes;

	eval_records_open(&majority, "h", TN_TASK_LABEL, labels, 2, EVAL_LABELS, arena, call);
	ck_assert_int_eq(eval_baseline_run(EVAL_MAJORITY, &majority, &train, &data, arena, call), 1);
	ck_assert_double_eq_tol(score(&majority, "accuracy"), 0.6, 1e-12);
	eval_records_open(&bayes, "h", TN_TASK_LABEL, labels, 2, EVAL_LABELS, arena, call);
	ck_assert_int_eq(eval_baseline_run(EVAL_NAIVE_BAYES, &bayes, &train, &data, arena, call), 1);
	ck_assert_double_eq(score(&bayes, "accuracy"), 1);
	ck_assert_int_eq(eval_baseline_run(EVAL_GAZETTEER, &bayes, &train, &data, arena, call), 0);
}
END_TEST

static struct eval_example tag_example(const char *words, const char *tags)
{
	struct eval_example e = { .where = "x:1" };
	size_t n;

	e.input.words = split(tn_new_text(arena, words), &n);
	e.input.n_words = n;
	e.gold.tags = split(tn_new_text(arena, tags), &n);
	ck_assert_uint_eq(n, e.input.n_words);
	return e;
}

START_TEST(test_tag_baselines)
{
	struct eval_example learn[] = { tag_example("New York is in America", "B-LOC I-LOC O O B-LOC"),
		tag_example("Ada is new", "B-PER O O"), tag_example("York", "B-LOC") };
	struct eval_example ask[] = { tag_example("Ada saw New York", "B-PER O B-LOC I-LOC"),
		tag_example("in York", "O B-LOC") };
	struct eval_data train = { .items = learn, .n = 3 }, data = { .items = ask, .n = 2 };
	struct eval_records all, word, list;

	eval_records_open(&all, "h", TN_TASK_SPANS, NULL, 0, EVAL_BIO, arena, call);
	ck_assert_int_eq(eval_baseline_run(EVAL_MAJORITY, &all, &train, &data, arena, call), 1);
	ck_assert_double_eq(score(&all, "f1"), 0);
	ck_assert_double_eq_tol(score(&all, "token_accuracy"), 2 / 6.0, 1e-12);
	/* "York" is I-LOC and B-LOC once each: the first that was seen. */
	eval_records_open(&word, "h", TN_TASK_SPANS, NULL, 0, EVAL_BIO, arena, call);
	ck_assert_int_eq(eval_baseline_run(EVAL_FREQUENT_TAG, &word, &train, &data, arena, call), 1);
	ck_assert_double_gt(score(&word, "recall"), 0.3);
	eval_records_open(&list, "h", TN_TASK_SPANS, NULL, 0, EVAL_BIO, arena, call);
	ck_assert_int_eq(eval_baseline_run(EVAL_GAZETTEER, &list, &train, &data, arena, call), 1);
	ck_assert_double_eq(score(&list, "f1"), 1);
}
END_TEST

/* The best thresholds of the script of SQuAD 2.0, and where the curve ends: every question has its
 * answer. */
START_TEST(test_thresholds_as_squad)
{
	const struct tn_value *cases = tn_get(golden("thresholds.json"), "cases");

	ck_assert_uint_ge(tn_size(cases), 8);
	for (size_t c = 0; c < tn_size(cases); c++) {
		const struct tn_value *one = tn_at(cases, c), *list = tn_get(one, "questions");
		struct eval_thresholds best;
		struct eval_threshold curve[20];
		struct eval_records r;
		size_t n, answered = 0;

		eval_records_open(&r, "h", TN_TASK_ANSWER, NULL, 0, EVAL_LABELS, arena, call);
		for (size_t i = 0; i < tn_size(list); i++) {
			const struct tn_value *q = tn_at(list, i), *found = tn_get(q, "found");
			struct eval_example e = { .where = "x:1", .gold.has_answers = true };

			e.gold.answers = eval_answer_texts(tn_get(q, "gold"), "x:1", &e.gold.n_answers,
				arena, call);
			eval_records_add_text(&r, &e, (struct tn_text){ tn_string(found, ""),
				tn_string_length(found) }, call);
			eval_records_set_margin(&r, tn_real(tn_get(q, "margin"), NAN));
			answered += e.gold.n_answers > 0 || !r.asked[i].spoke || !r.asked[i].exact;
		}
		check("exact", 100 * score(&r, "exact"), tn_get(one, "exact"), 1e-9);
		check("f1", 100 * score(&r, "f1"), tn_get(one, "f1"), 1e-9);
		ck_assert_int_eq(eval_best_thresholds(&r, &best, call), 0);
		check("best_exact", best.best_exact, tn_get(one, "best_exact"), 1e-9);
		check("best_exact_thresh", best.best_exact_thresh, tn_get(one, "best_exact_thresh"), 0);
		check("best_f1", best.best_f1, tn_get(one, "best_f1"), 1e-9);
		check("best_f1_thresh", best.best_f1_thresh, tn_get(one, "best_f1_thresh"), 0);
		n = eval_threshold_curve(&r, curve, 20, call);
		ck_assert_uint_ge(n, 1);
		for (size_t i = 0; i < n; i++) {
			ck_assert_double_le(curve[i].exact, best.best_exact + 1e-9);
			ck_assert(!i || curve[i].threshold > curve[i - 1].threshold);
		}
		/* But for answers of no letter, which the thresholds count otherwise. */
		if (answered == tn_size(list))
			check("end", curve[n - 1].exact, tn_get(one, "exact"), 1e-9);
		r.asked[0].margin = NAN;
		ck_assert_uint_eq(eval_threshold_curve(&r, curve, 20, call), 0);
		ck_assert_int_eq(eval_best_thresholds(&r, &best, call), 0);
		ck_assert(isnan(best.best_f1));
	}
}
END_TEST

static const struct tn_value *span(const char *text, double score)
{
	struct tn_value *v = tn_new_object(arena);

	tn_set(arena, v, "text", text ? tn_new_text(arena, text) : tn_new_null(arena));
	tn_set(arena, v, "score", tn_new_real(arena, score));
	return v;
}

/* An answer of span-qa: what it says, and the best span behind it. */
static const struct tn_value *qa_answer(const struct tn_value *says, const struct tn_value *best,
	double none)
{
	struct tn_value *answer = tn_new_object(arena), *head = (struct tn_value *)says;
	struct tn_value *list = tn_set(arena, head, "nbest", tn_new_list(arena));

	if (best)
		tn_append(arena, list, (struct tn_value *)best);
	tn_set(arena, head, "null_score", tn_new_real(arena, none));
	tn_set(arena, answer, "h", head);
	return answer;
}

START_TEST(test_answers_of_a_head)
{
	const struct tn_text oslo = { "Oslo", 4 };
	const struct eval_example asked = { .where = "x:1", .gold = { .has_answers = true,
		.answers = &oslo, .n_answers = 1 } };
	struct eval_calibration c;
	struct eval_records r;

	eval_records_open(&r, "h", TN_TASK_ANSWER, NULL, 0, EVAL_LABELS, arena, call);
	eval_records_add(&r, &asked, qa_answer(span("Oslo", 0.8), span("Oslo", 0.8), 0.1), call);
	eval_records_add(&r, &asked, qa_answer(span(NULL, 0.6), span("the Oslo", 0.3), 0.6), call);
	eval_records_add(&r, &asked, qa_answer(span("x", 0), span("x", 0), 0), call);
	eval_records_add(&r, &asked, qa_answer(span(NULL, 1), NULL, 1), call);
	ck_assert_int_eq(tn_status(call), 0);
	ck_assert_double_eq_tol(r.asked[0].margin, log(0.1 / 0.8), 1e-12);
	ck_assert_double_eq_tol(r.asked[1].margin, log(2), 1e-12);
	ck_assert_double_eq(r.asked[1].exact, 0);
	ck_assert_double_eq(r.asked[1].best_exact, 1);
	/* Scores that have become 0 say nothing, and no span at all says there is none. */
	ck_assert_double_eq(r.asked[2].margin, 0);
	ck_assert(isfinite(r.asked[3].margin) && r.asked[3].margin > 700);
	ck_assert(!r.asked[3].spoke);
	/* How sure: 0.8 right; 0.6, 0 and 1 wrong. */
	ck_assert_int_eq(eval_calibrate(&c, &r, 1, call), 0);
	ck_assert_uint_eq(c.n, 4);
	ck_assert_double_eq_tol(c.ece, (0.2 + 0.6 + 0 + 1) / 4, 1e-6);
}
END_TEST

/* Words of the question: "Who", "lives", "in", "Oslo". */
START_TEST(test_sliding_window)
{
	static const struct {
		const char *context, *answer;
	} cases[] = {
		{ "The old king Harald lives in Oslo.", "old king Harald" },
		{ "Bergen is wet. Ada Lovelace, who lives in Oslo, counts.", "Ada Lovelace," },
		{ "", "" }, { "Oslo lives", "" }, { "nothing of this", "nothing" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eval_example e = { .where = "x:1", .input = { .text = { "Who lives in Oslo?", 18 },
			.pair = { cases[i].context, strlen(cases[i].context) } } };
		struct tn_text found;

		ck_assert_int_eq(eval_window_answer(&e, &found, call), 0);
		ck_assert_msg(found.len == strlen(cases[i].answer) &&
			!memcmp(found.text, cases[i].answer, found.len), "%.*s, expected %s",
			(int)found.len, found.text, cases[i].answer);
	}
}
END_TEST

static const char *const moods[] = { "bad", "good", "1" };

static int add(struct eval_records *r, const char *gold, const char *found)
{
	struct tn_value *answer = tn_new_object(arena), *head;
	struct eval_example e = { .where = "f:1" };

	e.gold.label = tn_json_parse(gold, strlen(gold), "t", arena, call);
	head = tn_set(arena, answer, "h", tn_new_object(arena));
	tn_set(arena, head, "label", found ? tn_new_text(arena, found) : tn_new_null(arena));
	return eval_records_add(r, &e, answer, call);
}

START_TEST(test_names_and_numbers)
{
	struct eval_records r;

	eval_records_open(&r, "h", TN_TASK_LABEL, moods, 3, EVAL_LABELS, arena, call);
	add(&r, "\"bad\"", "bad");
	add(&r, "0", "good");
	add(&r, "\"good\"", "good");
	add(&r, "\"0\"", NULL);
	ck_assert_uint_eq(r.n, 4);
	ck_assert_double_eq(score(&r, "accuracy"), 0.5);
	/* bad: 1 of 3 gold, 1 found: 1/2; good: 2/3; the third label does not occur. */
	ck_assert_double_eq_tol(score(&r, "macro_f1"), (0.5 + 2.0 / 3) / 2, 1e-12);
	/* A label's name goes before its number. */
	add(&r, "\"1\"", "1");
	ck_assert_uint_eq(eval_records_of_label(&r, 2).right, 1);
	ck_assert_int_eq(add(&r, "\"fine\"", "good"), TN_EDATA);
	ck_assert_str_eq(tn_error_text(call),
		"f:1: the label \"fine\" is none of head h, which has bad, good, 1");
	tn_clear(call);
	ck_assert_int_eq(add(&r, "3", "good"), TN_EDATA);
	tn_clear(call);
}
END_TEST

START_TEST(test_several_labels)
{
	static const char *const golds[] = { "[\"bad\",2]", "[]", "[1,\"good\"]" };
	static const char *const founds[] = { "{\"labels\":[\"bad\",\"good\"]}",
		"{\"labels\":[]}", "{\"labels\":[\"good\",\"1\"]}" };
	struct eval_example e = { .where = "f:1" };
	struct eval_records r;

	eval_records_open(&r, "h", TN_TASK_LABEL, moods, 3, EVAL_LABELS, arena, call);
	for (size_t i = 0; i < 3; i++) {
		struct tn_value *answer = tn_new_object(arena);

		e.gold.labels = tn_json_parse(golds[i], strlen(golds[i]), "t", arena, call);
		tn_set(arena, answer, "h", tn_json_parse(founds[i], strlen(founds[i]), "t", arena,
			call));
		ck_assert_int_eq(eval_records_add(&r, &e, answer, call), 0);
	}
	/* 4 labels in the data, 4 in the answers, 3 in both; two of three lists are right. */
	ck_assert_double_eq_tol(score(&r, "f1"), 3.0 / 4, 1e-12);
	ck_assert_double_eq_tol(score(&r, "exact"), 2.0 / 3, 1e-12);
	e.gold.labels = tn_json_parse("[3]", 3, "t", arena, call);
	ck_assert_int_eq(eval_records_check(&r, &e, call), TN_EDATA);
	tn_clear(call);
}
END_TEST

/* The mean of 1, 2 and 6 misses 1, 4 and 5 by 2, 1 and 2; of lists half have "good". */
START_TEST(test_one_answer_for_all)
{
	static const double learn[] = { 1, 2, 6 }, ask[] = { 1, 4, 5 };
	static const char *const lists[] = { "[\"bad\",\"good\"]", "[]", "[\"good\"]", "[\"1\"]" };
	struct eval_example a[3], b[3], c[4];
	struct eval_data train = { .items = a, .n = 3 }, data = { .items = b, .n = 3 };
	struct eval_data both = { .items = c, .n = 4 };
	struct eval_records r, s;

	for (int i = 0; i < 3; i++) {
		a[i] = b[i] = (struct eval_example){ .where = "x:1" };
		a[i].gold.label = tn_new_real(arena, learn[i]);
		b[i].gold.label = tn_new_real(arena, ask[i]);
	}
	eval_records_open(&r, "h", TN_TASK_LABEL, moods, 1, EVAL_LABELS, arena, call);
	r.numbers = true;
	ck_assert_int_eq(eval_baseline_run(EVAL_NAIVE_BAYES, &r, &train, &data, arena, call), 0);
	ck_assert_int_eq(eval_baseline_run(EVAL_MAJORITY, &r, &train, &data, arena, call), 1);
	ck_assert_double_eq_tol(100 * score(&r, "rmse"), sqrt((4 + 1 + 4) / 3.0), 1e-12);
	ck_assert_double_eq_tol(100 * score(&r, "mae"), 5 / 3.0, 1e-12);
	for (int i = 0; i < 4; i++) {
		c[i] = (struct eval_example){ .where = "x:1" };
		c[i].gold.labels = tn_json_parse(lists[i], strlen(lists[i]), "t", arena, call);
	}
	eval_records_open(&s, "h", TN_TASK_LABEL, moods, 3, EVAL_LABELS, arena, call);
	s.several = true;
	ck_assert_int_eq(eval_baseline_run(EVAL_MAJORITY, &s, &both, &both, arena, call), 1);
	ck_assert_double_eq_tol(score(&s, "precision"), 2 / 4.0, 1e-12);
	ck_assert_double_eq_tol(score(&s, "recall"), 2 / 4.0, 1e-12);
}
END_TEST

START_TEST(test_vectors)
{
	static const float a[] = { 3, 4 }, b[] = { 4, 3 }, zero[] = { 0, 0 };
	const struct tn_value *one = tn_new_floats(arena, a, 2), *two = tn_new_floats(arena, b, 2);
	struct eval_records r;

	eval_records_open(&r, "h", TN_TASK_VECTOR, NULL, 0, EVAL_LABELS, arena, call);
	eval_records_add_vector(&r, one, one, call);
	eval_records_add_vector(&r, one, two, call);
	ck_assert_double_eq_tol(score(&r, "cosine"), (1 + 24.0 / 25) / 2, 1e-12);
	eval_records_add_vector(&r, one, tn_new_floats(arena, zero, 2), call);
	ck_assert_double_eq_tol(score(&r, "cosine"), (1 + 24.0 / 25) / 3, 1e-12);
	ck_assert_int_eq(eval_records_add_vector(&r, one, tn_new_floats(arena, a, 1), call), TN_EDATA);
	tn_clear(call);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("records");
	TCase *tests = tcase_create("records");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_labels_as_scikit_learn);
	tcase_add_test(tests, test_values_as_scipy);
	tcase_add_test(tests, test_what_is_no_number);
	tcase_add_test(tests, test_tags_as_seqeval);
	tcase_add_test(tests, test_intervals);
	tcase_add_test(tests, test_label_baselines);
	tcase_add_test(tests, test_tag_baselines);
	tcase_add_test(tests, test_thresholds_as_squad);
	tcase_add_test(tests, test_answers_of_a_head);
	tcase_add_test(tests, test_sliding_window);
	tcase_add_test(tests, test_names_and_numbers);
	tcase_add_test(tests, test_several_labels);
	tcase_add_test(tests, test_one_answer_for_all);
	tcase_add_test(tests, test_vectors);
	suite_add_tcase(suite, tests);
	return tn_check_main(suite);
}
