/* SPDX-License-Identifier: Apache-2.0
 * tests/pipeline/test_pipeline.c - windows and words of a tagger, odd inputs, and what
 * opening leaves behind.
 */
#include <dirent.h>
#include <malloc.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "pipeline/pipeline_impl.h"

#define TAGS "tags = { use = \"bio-crf\"; aggregation = \"crf\"; };"
#define WORDS 8		/* each of them one token of the model */

static const char *const vocabulary[WORDS] = { "the", "cat", "sat", "on", "old", "film", "was",
	"dog" };

static struct tn_pipeline *open_tagger(const char *heads, const char *const *settings,
	struct tn_call *call)
{
	const char *top = getenv("top_srcdir");
	char path[] = "pipeline-XXXXXX.cfg", real[4096];
	int fd = mkstemps(path, 4);
	struct tn_pipeline *p;

	ck_assert(fd >= 0 && realpath(top ? top : ".", real));
	dprintf(fd, "model = \"%s/tests/golden/bert-tokcls-h40\"; heads = { %s }; threads = 1;\n",
		real, heads);
	close(fd);
	p = tn_pipeline_open(path, settings, call);
	unlink(path);
	ck_assert_msg(p != NULL, "%s", tn_error_text(call));
	return p;
}

/* n words that follow no short period. */
static struct tn_text make_text(size_t n, struct tn_call *call)
{
	char *text = tn_alloc(call, 6 * n + 1);
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		at += (size_t)sprintf(text + at, i ? " %s" : "%s",
			vocabulary[(i * i + i / 3) % WORDS]);
	return (struct tn_text){ text, at };
}

struct scored {
	struct tn_job job;
	struct tn_scores scores;
};

static const struct tn_pipeline *running;

/* The scores of the first head, copied: those of the job are freed behind it. */
static int keep_scores(void *user, struct tn_job *job, struct tn_call *call)
{
	struct scored *s = user;

	if (tn_job_scores(running, job, 0, &s->scores, call))
		return tn_status(call);
	for (size_t i = 0; i < s->scores.n_windows; i++) {
		struct tn_window *w = (struct tn_window *)&s->scores.windows[i];
		float *copy = tn_alloc_n(call, w->rows * w->cols + 1, sizeof(*copy));

		memcpy(copy, w->scores, w->rows * w->cols * sizeof(*copy));
		w->scores = copy;
	}
	return 0;
}

static void score(struct tn_pipeline *p, const struct tn_input *input, struct scored *s,
	struct tn_call *call)
{
	struct tn_job *job = &s->job;

	running = p;
	ck_assert_int_eq(tn_job_prepare(p, input, job, call), 0);
	ck_assert_msg(!job->error, "%s", job->error);
	ck_assert_int_eq(tn_jobs_run(p, &job, 1, keep_scores, s, call), 0);
}

static void expect_row(const struct tn_scores *s, size_t word, const struct tn_window *w,
	size_t row)
{
	ck_assert_uint_lt(word, s->rows);
	ck_assert_uint_lt(row, w->rows);
	ck_assert_mem_eq(s->joined + word * s->cols, w->scores + row * w->cols,
		s->cols * sizeof(float));
}

static const char *const small[] = { "window.tokens=22", "window.overlap=8", NULL };

/* A word's scores are those of the window that keeps it, to the last bit, and that window
 * run alone as a text gives the same. */
START_TEST(test_words_over_windows)
{
	struct tn_call *call = tn_call_create();
	struct tn_pipeline *p = open_tagger(TAGS, small, call);
	struct tn_input input = { .text = make_text(100, call) };
	struct scored whole, alone;
	size_t word = 0;

	score(p, &input, &whole, call);
	ck_assert_uint_eq(whole.scores.rows, 100);
	/* 20 tokens beside the special ones, 12 on each time. */
	ck_assert_uint_eq(whole.scores.n_windows, 1 + (100 - 20 + 11) / 12);
	for (size_t i = 0; i < whole.scores.n_windows; i++) {
		const struct tn_window *w = &whole.scores.windows[i];
		uint32_t begin = w->tokens[1].begin, end = w->tokens[w->n_tokens - 2].end;
		struct tn_input part = { .text = { input.text.text + begin, end - begin } };

		score(p, &part, &alone, call);
		ck_assert_uint_eq(alone.scores.rows, w->n_tokens - 2);
		for (size_t t = w->keep_begin; t < w->keep_end; t++, word++)
			expect_row(&whole.scores, word, &alone.scores.windows[0], t - 1);
	}
	ck_assert_uint_eq(word, 100);
	tn_pipeline_close(p);
	tn_call_destroy(call);
}
END_TEST

static int note_order(void *user, struct tn_job *job, struct tn_call *call)
{
	struct tn_job **next = *(struct tn_job ***)user;

	*next = job;
	*(struct tn_job ***)user = next + 1;
	return 0;
}

/* Short texts are done first, whatever their place; equal ones in theirs.  Answers stand
 * where their inputs do. */
START_TEST(test_short_texts_run_first)
{
	static const size_t words[] = { 70, 3, 100, 12, 3 }, order[] = { 1, 4, 3, 0, 2 };
	struct tn_call *call = tn_call_create();
	struct tn_pipeline *p = open_tagger(TAGS, small, call);
	struct tn_job jobs[5], *list[5], *done[5] = { NULL }, **next = done;
	const struct tn_value *answers[5];
	struct tn_input inputs[5] = { { { 0 } } };

	for (int i = 0; i < 5; i++) {
		inputs[i].text = make_text(words[i], call);
		list[i] = &jobs[i];
		ck_assert_int_eq(tn_job_prepare(p, &inputs[i], &jobs[i], call), 0);
	}
	/* The first window of the longest ones is full: those stay in their order. */
	ck_assert_int_eq(tn_jobs_run(p, list, 5, note_order, &next, call), 0);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(done[i] - jobs, order[i]);
	ck_assert_int_eq(tn_pipeline_run(p, inputs, 5, answers, call), 0);
	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(tn_string_length(tn_get(answers[i], "text")), inputs[i].text.len);
	tn_pipeline_close(p);
	tn_call_destroy(call);
}
END_TEST

/* Windows over the second text hold the first one whole, and so its words. */
START_TEST(test_words_of_a_pair)
{
	static const char *const *const settings[] = { NULL, small };
	struct tn_call *call = tn_call_create();

	for (int i = 0; i < 2; i++) {
		struct tn_pipeline *p = open_tagger(TAGS, settings[i], call);
		struct tn_input input = { .text = make_text(5, call), .pair = make_text(60, call) };
		struct scored s;

		score(p, &input, &s, call);
		ck_assert_uint_eq(s.job.windows.long_sequence, 1);
		ck_assert_int_eq(s.scores.n_windows > 1, i == 1);
		ck_assert_uint_eq(s.scores.rows, 5);
		for (size_t word = 0; word < 5; word++)
			expect_row(&s.scores, word, &s.scores.windows[0], word);
		tn_pipeline_close(p);
	}
	tn_call_destroy(call);
}
END_TEST

/* A head that cuts has scores for the words before the cut and for no other, whether
 * other heads go on over windows or not. */
START_TEST(test_words_before_a_cut)
{
	static const char *const heads[] = {
		"tags = { use = \"bio-crf\"; aggregation = \"crf\"; on_overflow = \"truncate\"; };",
		"tags = { use = \"bio-crf\"; aggregation = \"crf\"; on_overflow = \"truncate\"; };"
		"all = { use = \"bio-crf\"; aggregation = \"crf\"; };" };
	struct tn_call *call = tn_call_create();

	for (int i = 0; i < 2; i++) {
		struct tn_pipeline *p = open_tagger(heads[i], small, call);
		struct tn_input input = { .text = make_text(100, call) };
		const struct tn_value *answer, *spans;
		struct scored s;

		score(p, &input, &s, call);
		ck_assert_uint_eq(s.scores.n_windows, 1);
		ck_assert_uint_eq(s.scores.rows, 20);
		for (size_t word = 0; word < 20; word++)
			expect_row(&s.scores, word, &s.scores.windows[0], word);
		ck_assert_int_eq(tn_pipeline_run(p, &input, 1, &answer, call), 0);
		ck_assert(tn_bool(tn_get(answer, "truncated"), false));
		spans = tn_get(answer, "tags");
		for (size_t k = 0; k < tn_size(spans); k++)
			ck_assert_int_le(tn_int(tn_at(tn_get(tn_at(spans, k), "bytes"), 1), -1),
				s.job.example.words[19].end);
		tn_pipeline_close(p);
	}
	tn_call_destroy(call);
}
END_TEST

static const char *answer_text(struct tn_pipeline *p, const struct tn_input *input,
	struct tn_call *call)
{
	const struct tn_value *answer;

	ck_assert_int_eq(tn_pipeline_run(p, input, 1, &answer, call), 0);
	return tn_json_print(answer, NULL, call);
}

/* Odd texts are answered, an input that is wrong is an error of its own, and neither
 * changes what is answered beside them. */
START_TEST(test_odd_inputs)
{
	struct tn_call *call = tn_call_create();
	struct tn_pipeline *p = open_tagger(TAGS, NULL, call);
	struct tn_text words[] = { { "the", 3 }, { "", 0 }, { "\xe2\x80\x8b", 3 }, { "cat", 3 } };
	struct tn_text endless[] = { { "the", SIZE_MAX }, { "cat", 3 } };
	struct tn_text too_long[] = { { "the", UINT32_MAX } };
	struct tn_input inputs[] = {
		{ .text = { "John was in London.", 19 } }, { .text = { "", 0 } },
		{ .words = endless, .n_words = 2 }, { .text = { " \t\r\n ", 5 } },
		{ .text = { "cat\0dog", 7 } }, { .words = too_long, .n_words = 1 },
		{ .text = { "\xff\xc3 \xe2\x80 cat\xf0", 10 } }, { .words = words, .n_words = 4 },
		{ .text = { "\xe2\x80\x8b \xe2\x80\x8b", 7 } }, { .words = words, .n_words = 0 },
		{ .text = make_text(5000, call) }, { .text = { "Mary sat", 8 } } };
	size_t n = sizeof(inputs) / sizeof(inputs[0]);
	const struct tn_value *answers[sizeof(inputs) / sizeof(inputs[0])];

	ck_assert_int_eq(tn_pipeline_run(p, inputs, n, answers, call), 0);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(tn_get(answers[i], "error") != NULL, i == 2 || i == 5 || i == 6);
		ck_assert_str_eq(tn_json_print(answers[i], NULL, call),
			answer_text(p, &inputs[i], call));
	}
	tn_pipeline_close(p);
	tn_call_destroy(call);
}
END_TEST

static size_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* Pipelines that were closed leave nothing behind: no file, and no memory but what the first
 * ones needed. */
START_TEST(test_closing_gives_all_back)
{
	struct tn_call *call = tn_call_create();
	size_t files = 0, memory = 0;

	for (int i = 0; i < 400; i++) {
		struct tn_pipeline *p = open_tagger(TAGS, NULL, call);

		ck_assert_ptr_nonnull(tn_run_text(p, "the cat", call));
		tn_pipeline_close(p);
		tn_call_reset(call);
		if (i == 99) {	/* libraries stay loaded */
			files = open_files();
			memory = mallinfo2().uordblks;
		}
	}
	ck_assert_uint_eq(open_files(), files);
	/* 300 times the smallest block would be more. */
	ck_assert_uint_le(mallinfo2().uordblks, memory + 9000);
	tn_call_destroy(call);
}
END_TEST

static void keep_note(void *user, const char *text)
{
	snprintf(user, 300, "%s", text);
}

/* A backend that takes no node leaves all of them to the reference, and that is said. */
START_TEST(test_fallback_is_said)
{
	struct tn_call *call = tn_call_create();
	const char *top = getenv("top_builddir");
	char note[300] = "", mocks[4096], path[4200];
	const char *settings[] = { path, "backends = (\"picky\", \"reference\")", NULL };

	ck_assert_ptr_nonnull(realpath(top ? top : ".", mocks));
	snprintf(path, sizeof(path), "plugin_path = (\"%s/tests/mock\")", mocks);
	tn_on_note(call, keep_note, note);
	tn_pipeline_close(open_tagger(TAGS, settings, call));
	ck_assert_ptr_nonnull(strstr(note, "100 % of the work runs on backend reference"));
	note[0] = '\0';
	settings[1] = "backends = \"reference\"";
	tn_pipeline_close(open_tagger(TAGS, settings, call));
	ck_assert_str_eq(note, "");
	tn_call_destroy(call);
}
END_TEST

/* Whether a backend was configured. */
static bool is_built(const char *backend)
{
	const char *top = getenv("top_builddir");
	char path[4200];

	snprintf(path, sizeof(path), "%s/backends/.libs/backend-%s.so", top ? top : ".", backend);
	return !access(path, R_OK);
}

/* The linears of a pipeline in a lower precision: near those of fp32 and yet others, on every
 * backend. */
START_TEST(test_lower_precision)
{
	static const struct { const char *setting; double least, most; } precisions[] = {
		{ "precision = \"int8\"", 1e-3, 0.1 }, { "precision = \"bf16\"", 1e-4, 0.03 } };
	static const char *const backends[] = { "reference", "openblas", "onednn", "native" };
	char chain[64] = "backends = \"reference\"";
	struct tn_call *call = tn_call_create();
	struct tn_input input = { .text = make_text(60, call) };
	const char *settings[] = { chain, NULL, NULL };
	struct tn_pipeline *p = open_tagger(TAGS, settings, call);
	struct scored exact, rough;

	score(p, &input, &exact, call);
	tn_pipeline_close(p);
	settings[1] = precisions[_i].setting;
	for (int b = 0; b < 4; b++) {
		double most = 0;

		if (!is_built(backends[b]))
			continue;
		snprintf(chain, sizeof(chain), "backends = \"%s\"", backends[b]);
		p = open_tagger(TAGS, settings, call);
		score(p, &input, &rough, call);
		tn_pipeline_close(p);
		for (size_t i = 0; i < exact.scores.rows * exact.scores.cols; i++)
			most = fmax(most, fabs((double)exact.scores.joined[i] -
				(double)rough.scores.joined[i]));
		ck_assert_double_gt(most, precisions[_i].least);
		ck_assert_double_lt(most, precisions[_i].most);
	}
	tn_call_destroy(call);
}
END_TEST

/* The caller's own teams are as large as before. */
START_TEST(test_team_of_the_caller)
{
	struct tn_call *call = tn_call_create();
	struct tn_pipeline *p = open_tagger(TAGS, NULL, call);

	omp_set_num_threads(3);
	ck_assert_ptr_nonnull(tn_run_text(p, "the cat", call));
	ck_assert_int_eq(omp_get_max_threads(), 3);
	tn_pipeline_close(p);
	tn_call_destroy(call);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pipeline");
	TCase *lower = tcase_create("test_lower_precision");

	setenv("CK_FORK", "no", 1);
	TN_ADD(s, test_words_over_windows);
	TN_ADD(s, test_short_texts_run_first);
	TN_ADD(s, test_words_of_a_pair);
	TN_ADD(s, test_words_before_a_cut);
	TN_ADD(s, test_odd_inputs);
	TN_ADD(s, test_closing_gives_all_back);
	TN_ADD(s, test_fallback_is_said);
	tcase_add_loop_test(lower, test_lower_precision, 0, 2);
	suite_add_tcase(s, lower);
	TN_ADD(s, test_team_of_the_caller);
	return tn_check_main(s);
}
