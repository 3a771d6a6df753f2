/* SPDX-License-Identifier: Apache-2.0
 * tests/heads/test_pooling.c - which rows of a model stand for a text or a word: the
 * scores of each pooling against those made here, in double, from the same run's rows.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "checkpoint/safetensors.h"
#include "pipeline/pipeline_impl.h"

enum pool { FIRST, MEAN, MAX, LAST };

/* A run of one text: the head's scores, and the rows of tokens beside them. */
struct rig {
	struct tn_call *call;
	struct tn_pipeline *p;
	struct tn_job job;
	size_t width, labels;
	float *weight, *bias;	/* of the classifier; NULL: the rows as they are */
	enum pool pool;
	void (*check)(struct rig *rig, const float *rows, const float *scores);
};

static const float *read_tensor(const char *dir, const char *name, struct tn_call *call)
{
	struct tn_safetensors *f = tn_st_open(tn_printf(call, "%s/model.safetensors", dir), call);
	const struct tn_st_tensor *t = f ? tn_st_find(f, name) : NULL;
	float *values;

	ck_assert_msg(t != NULL, "%s %s", name, tn_error_text(call));
	values = tn_alloc_n(call, tn_st_elements(t), sizeof(*values));
	ck_assert_int_eq(tn_st_read_float(f, t, TN_F32, values, call), 0);
	tn_st_close(f);
	return values;
}

/* Rows begin .. end-1 as one. */
static void pool_rows(const struct rig *rig, const float *rows, size_t begin, size_t end, double *x)
{
	for (size_t c = 0; c < rig->width; c++) {
		x[c] = (double)rows[(rig->pool == LAST ? end - 1 : begin) * rig->width + c];
		for (size_t t = begin + 1; t < end; t++) {
			double v = (double)rows[t * rig->width + c];

			x[c] = rig->pool == MAX ? fmax(x[c], v) : rig->pool == MEAN ? x[c] + v : x[c];
		}
		x[c] /= rig->pool == MEAN ? (double)(end - begin) : 1;
	}
}

static void expect_scores(const struct rig *rig, const float *rows, size_t begin, size_t end,
	const float *scores)
{
	double x[128];

	ck_assert_uint_le(rig->width, 128);
	pool_rows(rig, rows, begin, end, x);
	for (size_t i = 0; i < rig->labels; i++) {
		double y = rig->weight ? (double)rig->bias[i] : x[i];

		for (size_t c = 0; rig->weight && c < rig->width; c++)
			y += (double)rig->weight[i * rig->width + c] * x[c];
		ck_assert_double_eq_tol((double)scores[i], y, 1e-5);
	}
}

static void check_text(struct rig *rig, const float *rows, const float *scores)
{
	expect_scores(rig, rows, 0, rig->job.windows.items[0].n_tokens, scores);
}

/* The pooled rows, of length 1. */
static void check_direction(struct rig *rig, const float *rows, const float *scores)
{
	double x[128], sum = 0;

	ck_assert_uint_le(rig->width, 128);
	pool_rows(rig, rows, 0, rig->job.windows.items[0].n_tokens, x);
	for (size_t c = 0; c < rig->width; c++)
		sum += x[c] * x[c];
	for (size_t c = 0; c < rig->width; c++)
		ck_assert_double_eq_tol((double)scores[c], x[c] / sqrt(sum), 1e-6);
}

/* The tokens of each word stand side by side. */
static void check_words(struct rig *rig, const float *rows, const float *scores)
{
	const struct tn_window *w = &rig->job.windows.items[0];
	size_t n = 0, many = 0, end;

	for (size_t t = 1; t + 1 < w->n_tokens; t = end, n++) {
		for (end = t + 1; w->tokens[end].word == w->tokens[t].word; end++)
			many++;
		expect_scores(rig, rows, t, end, scores + n * rig->labels);
	}
	ck_assert_uint_eq(n, rig->job.example.n_words);
	ck_assert_uint_gt(many, 2);
}

static int done(void *user, struct tn_job *job, struct tn_call *call)
{
	struct rig *rig = user;

	(void)call;
	rig->check(rig, job->scores[1], job->scores[0]);
	return 0;
}

static void run(struct rig *rig, const char *model, const char *head)
{
	static const char text[] = "The dogs walked newly in London and John was playing @ Paris!";
	struct tn_call *call = rig->call = tn_call_create();
	const char *top = getenv("top_srcdir");
	const char *dir = tn_printf(call, "%s/tests/golden/%s", top ? top : ".", model);
	const char *settings[] = { tn_printf(call, "heads={x={%s};}", head), NULL };
	struct tn_input input = { .text = { text, strlen(text) } };
	struct tn_job *jobs[1] = { &rig->job };

	rig->p = tn_pipeline_open_with(dir, settings, 1, call);
	ck_assert_msg(rig->p != NULL, "%s", tn_error_text(call));
	rig->width = rig->p->info.width;
	rig->labels = tn_pipeline_cols(rig->p, 0);
	if (strstr(head, "embed") == NULL) {
		rig->weight = (float *)read_tensor(dir, "classifier.weight", call);
		rig->bias = (float *)read_tensor(dir, "classifier.bias", call);
	}
	ck_assert_int_eq(tn_job_prepare(rig->p, &input, &rig->job, call), 0);
	ck_assert_msg(!tn_jobs_run(rig->p, jobs, 1, done, rig, call), "%s", tn_error_text(call));
	tn_pipeline_close(rig->p);
	tn_call_destroy(call);
}

static const char *const names[] = { "cls", "mean", "max" };

START_TEST(test_embed_pools_texts)
{
	struct rig rig = { .pool = (enum pool)_i, .check = check_text };
	char head[96];

	snprintf(head, sizeof(head), "use=\"embed\"; normalize=false; pooling=\"%s\";", names[_i]);
	run(&rig, "bert-model-h96", head);
}
END_TEST

START_TEST(test_embed_normalizes)
{
	struct rig rig = { .pool = (enum pool)_i, .check = check_direction };
	char head[96];

	snprintf(head, sizeof(head), "use=\"embed\"; pooling=\"%s\";", names[_i]);
	run(&rig, "bert-model-h96", head);
}
END_TEST

START_TEST(test_cls_pools_texts)
{
	struct rig rig = { .pool = (enum pool)_i, .check = check_text };
	char head[96];

	snprintf(head, sizeof(head), "use=\"cls\"; pooling=\"%s\";", names[_i]);
	run(&rig, "bert-seqcls-h100", head);
}
END_TEST

static const struct {
	enum pool pool;
	const char *head;
} words[] = {
	{ FIRST, "use=\"bio-crf\"; aggregation=\"crf\"; words=\"pretokenizer\";" },
	{ MEAN, "use=\"bio-crf\"; aggregation=\"crf\"; words=\"pretokenizer\"; word_pool=\"mean\";" },
	{ LAST, "use=\"bio-crf\"; aggregation=\"crf\"; words=\"pretokenizer\"; word_pool=\"last\";" },
	{ MEAN, "use=\"bio-crf\"; aggregation=\"crf\"; word_pool=\"mean\";" },
};

START_TEST(test_bio_crf_pools_words)
{
	struct rig rig = { .pool = words[_i].pool, .check = check_words };

	run(&rig, "bert-tokcls-h72", words[_i].head);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pooling");
	TCase *c = tcase_create("pooling");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, test_embed_pools_texts, 0, 3);
	tcase_add_loop_test(c, test_embed_normalizes, 0, 3);
	tcase_add_loop_test(c, test_cls_pools_texts, 0, 3);
	tcase_add_loop_test(c, test_bio_crf_pools_words, 0, 4);
	suite_add_tcase(suite, c);
	return tn_check_main(suite);
}
