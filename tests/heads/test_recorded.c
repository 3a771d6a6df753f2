/* SPDX-License-Identifier: Apache-2.0
 * tests/heads/test_recorded.c - the heads against recorded values: the CRF against
 * pytorch-crf, answers against those of the transformers pipelines.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tenon/pipeline.h>

#include "../../heads/bio-crf/crf.h"
#include "../../heads/bio-crf/tags.h"
#include "check_main.h"

#define MOST_TAGS 9
#define MOST_WORDS 150

static const char *golden(const char *name, struct tn_call *call)
{
	const char *top = getenv("top_srcdir");

	return tn_printf(call, "%s/tests/golden/%s", top ? top : ".", name);
}

static const struct tn_value *read_cases(const char *name, struct tn_call *call)
{
	FILE *f = fopen(golden(name, call), "rb");
	struct tn_value *v;
	char *text;
	long n;

	ck_assert_msg(f != NULL, "%s cannot be opened", golden(name, call));
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	text = tn_alloc(call, (size_t)n + 1);
	ck_assert_uint_eq(fread(text, 1, (size_t)n, f), (size_t)n);
	fclose(f);
	v = tn_json_parse(text, (size_t)n, name, tn_call_arena(call), call);
	ck_assert_str_eq(tn_error_text(call), "");
	return tn_get(v, "cases");
}

/* A recorded case: a row, or rows one behind the other. */
struct recorded {
	struct crf crf;
	double start[MOST_TAGS], end[MOST_TAGS], transition[MOST_TAGS * MOST_TAGS];
	double e[MOST_WORDS * MOST_TAGS];
	uint32_t tags[MOST_WORDS], viterbi[MOST_WORDS];
	size_t n;
};

static size_t numbers(const struct tn_value *list, double *out)
{
	size_t n = 0;

	for (size_t i = 0; i < tn_size(list); i++)
		if (tn_value_kind(tn_at(list, i)) == TN_VALUE_LIST)
			n += numbers(tn_at(list, i), out + n);
		else
			out[n++] = tn_real(tn_at(list, i), NAN);
	return n;
}

/* What was recorded as -10000 is what the scheme forbids. */
static void forbid(struct recorded *r, const struct tn_value *list)
{
	const char *labels[MOST_TAGS];
	struct tag tags[MOST_TAGS];
	size_t L = r->crf.tags, wrong;
	enum scheme scheme;

	for (size_t i = 0; i < tn_size(list); i++)
		labels[i] = tn_string(tn_at(list, i), "");
	scheme = tags_read(labels, tn_size(list), SCHEME_AUTO, tags, &wrong);
	for (size_t i = 0; i < tn_size(list); i++) {
		ck_assert_int_eq(tag_may_begin(scheme, &tags[i]), r->start[i] != -10000);
		if (!tag_may_begin(scheme, &tags[i]))
			r->start[i] = -INFINITY;
		ck_assert(tag_may_end(scheme, &tags[i]));
		for (size_t j = 0; j < L; j++) {
			bool legal = tag_may_follow(scheme, &tags[i], &tags[j]);

			ck_assert_int_eq(legal, r->transition[i * L + j] != -10000);
			if (!legal)
				r->transition[i * L + j] = -INFINITY;
		}
	}
}

static void read_crf(const struct tn_value *v, struct recorded *r)
{
	*r = (struct recorded){ .n = tn_size(tn_get(v, "emissions")) };
	ck_assert_uint_le(r->n, MOST_WORDS);
	r->crf = (struct crf){ numbers(tn_get(v, "start"), r->start), r->start, r->end,
		r->transition };
	numbers(tn_get(v, "end"), r->end);
	numbers(tn_get(v, "transitions"), r->transition);
	numbers(tn_get(v, "emissions"), r->e);
	for (size_t t = 0; t < r->n; t++) {
		r->tags[t] = (uint32_t)tn_int(tn_at(tn_get(v, "tags"), t), 0);
		r->viterbi[t] = (uint32_t)tn_int(tn_at(tn_get(v, "viterbi"), t), 0);
	}
	forbid(r, tn_get(v, "labels"));
}

static void near(const double *found, const struct tn_value *list, double sign)
{
	static double expected[MOST_WORDS * MOST_TAGS];
	size_t n = numbers(list, expected);

	for (size_t i = 0; i < n; i++)
		ck_assert_double_eq_tol(found[i], sign * expected[i], 1e-9);
}

static void check_crf(const struct tn_value *v)
{
	static double alpha[MOST_WORDS * MOST_TAGS], beta[MOST_WORDS * MOST_TAGS];
	static double p[MOST_WORDS * MOST_TAGS], e[MOST_WORDS * MOST_TAGS];
	double start[MOST_TAGS] = { 0 }, end[MOST_TAGS] = { 0 };
	double transition[MOST_TAGS * MOST_TAGS] = { 0 }, doubles[2 * MOST_TAGS + 1], score;
	const struct tn_value *grad = tn_get(v, "grad");
	static uint32_t path[MOST_WORDS], links[MOST_WORDS * MOST_TAGS];
	struct recorded r;
	double loss;

	read_crf(v, &r);
	memset(e, 0, sizeof(e));
	loss = crf_loss(&r.crf, r.e, r.n, r.tags, alpha, beta,
		&(struct crf_gradient){ e, start, end, transition });
	ck_assert_double_eq_tol(loss, -tn_real(tn_get(v, "log_likelihood"), 0), 1e-8);
	near(e, tn_get(grad, "emissions"), -1);
	near(start, tn_get(grad, "start"), -1);
	near(end, tn_get(grad, "end"), -1);
	near(transition, tn_get(grad, "transitions"), -1);
	crf_marginals(&r.crf, alpha, beta, r.n, tn_real(tn_get(v, "log_partition"), 0), p);
	near(p, tn_get(v, "marginals"), 1);
	ck_assert_uint_eq(crf_best(&r.crf, r.e, r.n, 1, path, &score, doubles, links), 1);
	ck_assert_mem_eq(path, r.viterbi, r.n * sizeof(*path));
	ck_assert_double_eq_tol(score, tn_real(tn_get(v, "viterbi_score"), 0), 1e-8);
}

START_TEST(test_crf_equals_pytorch_crf)
{
	struct tn_call *call = tn_call_create();
	const struct tn_value *cases = read_cases("crf/cases.json", call);

	ck_assert_uint_ge(tn_size(cases), 20);
	for (size_t i = 0; i < tn_size(cases); i++)
		check_crf(tn_at(cases, i));
	tn_call_destroy(call);
}
END_TEST

static struct tn_pipeline *open_model(const char *name, const char *heads, const char *window,
	struct tn_call *call)
{
	const char *settings[] = { tn_printf(call, "heads={result={%s};}", heads), window, NULL };
	struct tn_pipeline *p = tn_pipeline_open(golden(name, call), settings, call);

	ck_assert_msg(p != NULL, "%s", tn_error_text(call));
	return p;
}

/* The recorded answers less those of probability 0, which are no spans of the text. */
static size_t n_answers(const struct tn_value *recorded)
{
	size_t n = tn_size(recorded);

	while (n && tn_real(tn_get(tn_at(recorded, n - 1), "score"), 0) == 0)
		n--;
	return n;
}

static const struct tn_value *run(struct tn_pipeline *p, const char *text, const char *pair,
	struct tn_call *call)
{
	struct tn_input input = { .text = { text, strlen(text) },
		.pair = { pair, pair ? strlen(pair) : 0 } };
	const struct tn_value *answer;

	ck_assert_msg(!tn_pipeline_run(p, &input, 1, &answer, call), "%s", tn_error_text(call));
	ck_assert_msg(tn_get(answer, "result") != NULL, "%s", tn_json_print(answer, NULL, call));
	return tn_get(answer, "result");
}

/* One span or answer against a recorded one, whose text is `key`. */
static void check_place(const struct tn_value *found, const struct tn_value *recorded)
{
	ck_assert_int_eq(tn_int(tn_at(tn_get(found, "chars"), 0), 0),
		tn_int(tn_get(recorded, "start"), -1));
	ck_assert_int_eq(tn_int(tn_at(tn_get(found, "chars"), 1), 0),
		tn_int(tn_get(recorded, "end"), -1));
	ck_assert_double_eq_tol(tn_real(tn_get(found, "score"), 0),
		tn_real(tn_get(recorded, "score"), -1), 1e-5);
}

static const char *const token_models[] = { "bert-tokcls-h40", "bert-tokcls-h72" };
static const char *const strategies[] = { "none", "simple", "first", "average", "max" };

START_TEST(test_spans_equal_those_of_transformers)
{
	struct tn_call *call = tn_call_create();
	const char *model = token_models[_i / 5], *strategy = strategies[_i % 5];
	struct tn_pipeline *p = open_model(model, tn_printf(call, "use=\"bio-crf\"; "
		"aggregation=\"%s\";", strategy), NULL, call);
	const struct tn_value *cases = read_cases(tn_printf(call,
		"pipelines/token-classification-%s.json", model), call);

	ck_assert_uint_gt(tn_size(cases), 0);
	for (size_t i = 0; i < tn_size(cases); i++) {
		const struct tn_value *recorded = tn_get(tn_at(cases, i), strategy);
		const struct tn_value *found = run(p, tn_string(tn_get(tn_at(cases, i), "text"), ""),
			NULL, call);

		ck_assert_uint_eq(tn_size(found), tn_size(recorded));
		for (size_t s = 0; s < tn_size(found); s++) {
			const struct tn_value *span = tn_at(recorded, s);
			const struct tn_value *label = tn_get(span, "entity_group");

			ck_assert_str_eq(tn_string(tn_get(tn_at(found, s), "label"), ""),
				tn_string(label ? label : tn_get(span, "entity"), "?"));
			check_place(tn_at(found, s), span);
		}
	}
	tn_pipeline_close(p);
	tn_call_destroy(call);
}
END_TEST

/* The options of a recorded case as ours. */
static struct tn_pipeline *open_answers(const char *model, int tokens, const struct tn_value *o,
	struct tn_call *call)
{
	const char *head = tn_printf(call, "use=\"span-qa\"; decode=\"hf\"; nbest=%d; "
		"max_answer_tokens=%d; null_answer=%s;", (int)tn_int(tn_get(o, "top_k"), 1),
		(int)tn_int(tn_get(o, "max_answer_len"), 15),
		tn_bool(tn_get(o, "handle_impossible_answer"), false) ? "true" : "false");

	return open_model(model, head, tn_printf(call, "window={tokens=%d; overlap=%d;}",
		(int)tn_int(tn_get(o, "max_seq_len"), tokens),
		(int)tn_int(tn_get(o, "doc_stride"), tokens / 2 < 128 ? tokens / 2 : 128)), call);
}

static void check_answer(const struct tn_value *found, const struct tn_value *recorded)
{
	const char *text = tn_string(tn_get(recorded, "answer"), NULL);

	if (*text) {
		ck_assert_str_eq(tn_string(tn_get(found, "text"), "(none)"), text);
		check_place(found, recorded);
		return;
	}
	ck_assert_int_eq(tn_value_kind(tn_get(found, "text")), TN_VALUE_NULL);
	ck_assert_double_eq_tol(tn_real(tn_get(found, "score"), 0),
		tn_real(tn_get(recorded, "score"), -1), 1e-5);
}

/* With the pipeline's limit: 384, or what the model takes. */
static const struct {
	const char *name;
	int tokens;
} answer_models[] = { { "bert-qa-h40", 384 }, { "bert-qa-h100", 128 } };

START_TEST(test_answers_equal_those_of_transformers)
{
	struct tn_call *call = tn_call_create();
	const char *model = answer_models[_i].name;
	const struct tn_value *cases = read_cases(tn_printf(call,
		"pipelines/question-answering-%s.json", model), call);
	size_t n = 0;

	for (size_t i = 0; i < tn_size(cases); i++) {
		const struct tn_value *c = tn_at(cases, i), *recorded = tn_get(c, "answer");
		const struct tn_value *options = tn_get(c, "options"), *found;
		struct tn_pipeline *p;

		/* Answers here are whole words always. */
		if (tn_get(options, "align_to_words"))
			continue;
		p = open_answers(model, answer_models[_i].tokens, options, call);
		found = run(p, tn_string(tn_get(c, "question"), ""),
			tn_string(tn_get(c, "context"), ""), call);
		if (tn_value_kind(recorded) == TN_VALUE_OBJECT) {
			check_answer(found, recorded);
		} else {
			ck_assert_msg(tn_size(tn_get(found, "nbest")) == n_answers(recorded),
				"case %zu: found %s, recorded %s", i,
				tn_json_print(found, NULL, call),
				tn_json_print(recorded, NULL, call));
			for (size_t k = 0; k < n_answers(recorded); k++)
				check_answer(tn_at(tn_get(found, "nbest"), k), tn_at(recorded, k));
		}
		tn_pipeline_close(p);
		n++;
	}
	ck_assert_uint_ge(n, 36);
	tn_call_destroy(call);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("recorded");
	TCase *spans = tcase_create("spans"), *answers = tcase_create("answers");

	TN_ADD(suite, test_crf_equals_pytorch_crf);
	tcase_set_timeout(spans, 120);
	tcase_set_timeout(answers, 120);
	tcase_add_loop_test(spans, test_spans_equal_those_of_transformers, 0, 10);
	tcase_add_loop_test(answers, test_answers_equal_those_of_transformers, 0, 2);
	suite_add_tcase(suite, spans);
	suite_add_tcase(suite, answers);
	return tn_check_main(suite);
}
