/* SPDX-License-Identifier: Apache-2.0
 * tests/pipeline/test_answers.c - answers do not depend on threads and hardly on the backend;
 * a cut is told; a question is answered from the last window of a text.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "pipeline/pipeline_impl.h"

#define TEXTS 12
#define MODELS 4

/* One for each head. */
static const char *const models[MODELS][2] = { { "bert-seqcls-long-h40", "heads.result=cls" },
	{ "bert-tokcls-h40", "heads.result=bio-crf" }, { "bert-qa-h40", "heads.result=span-qa" },
	{ "bert-model-h40", "heads.result=embed" } };

static const char *const vocabulary[] = { "the", "cat", "sat", "on", "old", "film", "was", "dog",
	"london", "mary", "very", "walk", "in", "good", "who", "york" };

static struct tn_pipeline *open_model(const char *model, const char *const *settings,
	struct tn_call *call)
{
	const char *top = getenv("top_srcdir");
	struct tn_pipeline *p = tn_pipeline_open(tn_printf(call, "%s/tests/golden/%s",
		top ? top : ".", model), settings, call);

	ck_assert_msg(p != NULL, "%s", tn_error_text(call));
	return p;
}

/* n words, each of them one token of the models. */
static struct tn_text make_text(size_t n, unsigned seed, struct tn_call *call)
{
	char *text = tn_alloc(call, 8 * n + 1);
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		at += (size_t)sprintf(text + at, i ? " %s" : "%s", vocabulary[seed >> 28]);
	}
	return (struct tn_text){ text, at };
}

static void make_inputs(struct tn_input *inputs, struct tn_call *call)
{
	for (unsigned i = 0; i < TEXTS; i++)
		inputs[i] = (struct tn_input){ .text = make_text(1 + 7 * i, i, call),
			.pair = make_text(90 - 7 * i, i + 99, call) };
}

/* A thread that asks for all texts again and again, from `first` on. */
struct caller {
	pthread_t thread;
	pthread_barrier_t *start;
	struct tn_pipeline *p;
	const struct tn_input *inputs;
	const char *const *expected;
	size_t first, n, differ;
};

static void *answer_all(void *user)
{
	struct caller *c = user;
	struct tn_call *call = tn_call_create();

	pthread_barrier_wait(c->start);
	for (size_t i = 0; i < c->n; i++) {
		size_t at = (c->first + i) % TEXTS;
		const struct tn_value *answer = NULL;

		tn_call_reset(call);
		c->differ += tn_pipeline_run(c->p, &c->inputs[at], 1, &answer, call) ||
			strcmp(tn_json_print(answer, NULL, call), c->expected[at]);
	}
	tn_call_destroy(call);
	return NULL;
}

/* Two calls that run at once, a thread each, answer as one alone, to the last bit. */
START_TEST(test_two_calls_answer_as_one)
{
	struct tn_call *call = tn_call_create();
	const char *settings[] = { models[_i][1], "threads=1", NULL, NULL }, *expected[TEXTS];
	struct tn_pipeline *p = open_model(models[_i][0], settings, call);
	struct tn_input inputs[TEXTS];
	const struct tn_value *answers[TEXTS];
	pthread_barrier_t start;
	struct caller callers[2];

	make_inputs(inputs, call);
	ck_assert_int_eq(tn_pipeline_run(p, inputs, TEXTS, answers, call), 0);
	for (int i = 0; i < TEXTS; i++)
		expected[i] = tn_json_print(answers[i], NULL, call);
	tn_pipeline_close(p);
	settings[1] = "threads=2";
	settings[2] = "threads_per_call=1";
	p = open_model(models[_i][0], settings, call);
	pthread_barrier_init(&start, NULL, 2);
	for (size_t i = 0; i < 2; i++) {
		callers[i] = (struct caller){ .start = &start, .p = p, .inputs = inputs,
			.expected = expected, .first = i * TEXTS / 2,
			.n = getenv("SANITIZED") ? TEXTS : 20 * TEXTS };
		ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, answer_all,
			&callers[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(callers[i].thread, NULL);
		ck_assert_uint_eq(callers[i].differ, 0);
	}
	pthread_barrier_destroy(&start);
	tn_pipeline_close(p);
	tn_call_destroy(call);
}
END_TEST

/* The largest difference of two values whose numbers alone may differ. */
static double difference(const struct tn_value *a, const struct tn_value *b)
{
	double most = 0;

	ck_assert_int_eq(tn_value_kind(a), tn_value_kind(b));
	ck_assert_uint_eq(tn_size(a), tn_size(b));
	ck_assert_str_eq(tn_string(a, ""), tn_string(b, ""));
	ck_assert_int_eq(tn_int(a, 0), tn_int(b, 0));
	ck_assert_int_eq(tn_bool(a, false), tn_bool(b, false));
	for (size_t i = 0; i < tn_size(a); i++) {
		if (tn_key(a, i))
			ck_assert_str_eq(tn_key(a, i), tn_key(b, i));
		most = fmax(most, tn_floats(a) ? fabs((double)tn_floats(a)[i] -
			(double)tn_floats(b)[i]) : difference(tn_at(a, i), tn_at(b, i)));
	}
	return fmax(most, fabs(tn_real(a, 0) - tn_real(b, 0)));
}

/* Whether a backend was configured. */
static bool is_built(const char *backend)
{
	const char *top = getenv("top_builddir");
	char path[4200];

	snprintf(path, sizeof(path), "%s/backends/.libs/backend-%s.so", top ? top : ".", backend);
	return !access(path, R_OK);
}

static void keep_note(void *user, const char *text)
{
	snprintf(user, 300, "%s", text);
}

/* Every backend gives the labels, spans and vectors of the reference. */
START_TEST(test_backends_answer_alike)
{
	static const char *const backends[] = { "reference", "native", "onednn", "openblas" };
	struct tn_call *call = tn_call_create();
	struct tn_input inputs[TEXTS];
	const struct tn_value *expected[TEXTS], *answers[TEXTS];
	char note[300] = "";

	make_inputs(inputs, call);
	tn_on_note(call, keep_note, note);
	for (int b = 0; b < 4; b++) {
		const char *settings[] = { models[_i][1],
			tn_printf(call, "backends=\"%s\"", backends[b]), "threads=1", NULL };
		struct tn_pipeline *p;

		if (!is_built(backends[b]))
			continue;
		p = open_model(models[_i][0], settings, call);
		/* No work fell to the reference. */
		ck_assert_str_eq(note, "");
		ck_assert_int_eq(tn_pipeline_run(p, inputs, TEXTS, b ? answers : expected, call), 0);
		for (int i = 0; b && i < TEXTS; i++)
			ck_assert_double_le(difference(expected[i], answers[i]), 1e-4);
		tn_pipeline_close(p);
	}
	ck_assert_ptr_nonnull(tn_get(expected[TEXTS - 1], "result"));
	tn_call_destroy(call);
}
END_TEST

/* A text that is one token too long is answered as what is left of it, and that is said. */
START_TEST(test_a_cut_is_told)
{
	struct tn_call *call = tn_call_create();
	const char *settings[] = { "window.tokens=22", NULL };
	struct tn_pipeline *p = open_model(models[0][0], settings, call);
	struct tn_input inputs[2] = { { .text = make_text(20, 3, call) },
		{ .text = make_text(21, 3, call) } };
	const struct tn_value *answers[2];

	ck_assert_mem_eq(inputs[0].text.text, inputs[1].text.text, inputs[0].text.len);
	ck_assert_int_eq(tn_pipeline_run(p, inputs, 2, answers, call), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(tn_value_kind(tn_get(answers[i], "truncated")), TN_VALUE_BOOL);
		ck_assert_int_eq(tn_bool(tn_get(answers[i], "truncated"), i == 0), i == 1);
		ck_assert_str_eq(tn_string(tn_get(answers[i], "text"), ""), inputs[i].text.text);
	}
	ck_assert_str_eq(tn_json_print(tn_get(answers[0], "result"), NULL, call),
		tn_json_print(tn_get(answers[1], "result"), NULL, call));
	tn_pipeline_close(p);
	tn_call_destroy(call);
}
END_TEST

/* The best span of a job's windows, by trying each one that begins at a token that its
 * window keeps. */
struct best {
	const struct tn_pipeline *p;
	double score;
	size_t window, n_windows;
	uint32_t begin, end, seen;	/* bytes of the pair; where the window before ends */
};

static void try_span(struct best *b, const struct tn_window *w, size_t i, size_t first, size_t last)
{
	double score = (double)w->scores[2 * first] + (double)w->scores[2 * last + 1];

	if (score <= b->score)
		return;
	b->score = score;
	b->window = i;
	b->begin = w->tokens[first].begin;
	b->end = w->tokens[last].end;
}

static int find_best(void *user, struct tn_job *job, struct tn_call *call)
{
	struct best *b = user;
	struct tn_scores s;

	if (tn_job_scores(b->p, job, 0, &s, call))
		return tn_status(call);
	b->score = -INFINITY;
	b->n_windows = s.n_windows;
	for (size_t i = 0; i < s.n_windows; i++) {
		const struct tn_window *w = &s.windows[i];

		for (size_t first = w->keep_begin; first < w->keep_end; first++)
			for (size_t last = first; last < first + 8 && last < w->n_tokens; last++)
				if (w->tokens[first].sequence == 1 && w->tokens[last].sequence == 1)
					try_span(b, w, i, first, last);
		if (i + 2 == s.n_windows)
			b->seen = w->tokens[w->n_tokens - 2].end;
	}
	return 0;
}

/* Texts are tried until one has its best span behind all that the last window but one sees. */
START_TEST(test_answer_in_the_last_window)
{
	struct tn_call *call = tn_call_create();
	const char *settings[] = { "heads={result={use=\"span-qa\"; null_answer=false; "
		"max_answer_tokens=8;};}", "window.tokens=32", "window.overlap=8", NULL };
	struct tn_pipeline *p = open_model(models[2][0], settings, call);
	int found = 0;

	for (unsigned seed = 0; seed < 64 && found < 3; seed++) {
		struct tn_input input = { .text = make_text(4, seed, call),
			.pair = make_text(70, seed + 64, call) };
		struct best b = { .p = p };
		struct tn_job job, *jobs[] = { &job };
		const struct tn_value *answer, *bytes;

		ck_assert_int_eq(tn_job_prepare(p, &input, &job, call), 0);
		ck_assert_int_eq(tn_jobs_run(p, jobs, 1, find_best, &b, call), 0);
		ck_assert_uint_ge(b.n_windows, 4);
		if (b.window + 1 < b.n_windows || b.begin < b.seen)
			continue;
		found++;
		ck_assert_int_eq(tn_pipeline_run(p, &input, 1, &answer, call), 0);
		bytes = tn_get(tn_get(answer, "result"), "bytes");
		ck_assert_int_eq(tn_int(tn_at(bytes, 0), -1), b.begin);
		ck_assert_int_eq(tn_int(tn_at(bytes, 1), -1), b.end);
	}
	ck_assert_int_eq(found, 3);
	tn_pipeline_close(p);
	tn_call_destroy(call);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("answers");
	TCase *each = tcase_create("each head");

	setenv("CK_FORK", "no", 1);
	tcase_set_timeout(each, 120);
	tcase_add_loop_test(each, test_two_calls_answer_as_one, 0, MODELS);
	tcase_add_loop_test(each, test_backends_answer_alike, 0, MODELS);
	suite_add_tcase(s, each);
	TN_ADD(s, test_a_cut_is_told);
	TN_ADD(s, test_answer_in_the_last_window);
	return tn_check_main(s);
}
