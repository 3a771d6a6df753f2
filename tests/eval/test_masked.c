/* SPDX-License-Identifier: Apache-2.0
 * tests/eval/test_masked.c - hidden tokens found again, against transformers
 * (tests/golden/masked.json); what is had without a model, against closed forms.
 */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "check_main.h"
#include "eval/masked.h"

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

static const char *golden_path(const char *name)
{
	const char *top = getenv("top_srcdir");

	return tn_printf(call, "%s/tests/golden/%s", top ? top : ".", name);
}

static const struct tn_value *golden(void)
{
	const char *path = golden_path("masked.json");
	size_t len;
	char *text = tn_file_read(path, 1 << 24, &len, arena, call);

	ck_assert_msg(text, "%s", tn_error_text(call));
	return tn_json_parse(text, len, path, arena, call);
}

static void add_text(struct eval_data *data, const char *text)
{
	struct eval_example *e = &data->items[data->n++];

	*e = (struct eval_example){ .where = "here", .input.text = { text, strlen(text) } };
}

/* Hides tokens of the data; the masker is to be closed, the pipeline too. */
static void hide(struct eval_masker *m, struct eval_records *r, const char *model, size_t batch,
	const struct eval_data *data)
{
	const struct eval_masker_options options = { .masking.probability = 0.15, .seed = 1,
		.alone = true };
	struct tn_pipeline *p = tn_pipeline_open(golden_path(model), NULL, call);

	ck_assert_msg(p, "%s", tn_error_text(call));
	p->batch_tokens = batch;
	ck_assert_int_eq(eval_records_open(r, "result", TN_TASK_TOKENS, NULL, 0, EVAL_LABELS, arena,
		call), 0);
	ck_assert_msg(!eval_masker_open(m, p, 0, &options, call), "%s", tn_error_text(call));
	ck_assert_msg(!eval_masker_run(m, r, data, call), "%s", tn_error_text(call));
}

static void close_all(struct eval_masker *m)
{
	struct tn_pipeline *p = m->p;

	eval_masker_close(m);
	tn_pipeline_close(p);
}

static double score(const struct eval_records *r, const char *name)
{
	struct eval_score scores[EVAL_MOST_SCORES];
	size_t n = eval_records_scores(r, NULL, scores);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(scores[i].name, name))
			return scores[i].value;
	return NAN;
}

static void close_to(double found, double right, const char *what)
{
	ck_assert_msg(fabs(found - right) <= 1e-5 * (1 + fabs(right)), "%s: %.9g, expected %.9g",
		what, found, right);
}

static void check_model(const struct tn_value *model, size_t batch)
{
	const struct tn_value *texts = tn_get(model, "texts");
	double together = 0, right = 0, nll = 0, alone = 0, alone_nll = 0;
	struct eval_example items[16];
	struct eval_data data = { .items = items };
	struct eval_records r;
	struct eval_masker m;

	for (size_t i = 0; i < tn_size(texts); i++)
		add_text(&data, tn_string(tn_get(tn_at(texts, i), "text"), ""));
	hide(&m, &r, tn_string(tn_get(model, "model"), ""), batch, &data);
	for (size_t i = 0; i < tn_size(texts); i++) {
		const struct tn_value *t = tn_at(texts, i);

		ck_assert_int_eq(r.hidden[i].together, tn_int(tn_get(t, "together"), -1));
		ck_assert_int_eq(r.hidden[i].right, tn_int(tn_get(t, "right"), -1));
		ck_assert_int_eq(r.hidden[i].alone, tn_int(tn_get(t, "alone"), -1));
		close_to(r.hidden[i].together_nll, tn_real(tn_get(t, "together_nll"), NAN), "nll");
		close_to(r.hidden[i].alone_nll, tn_real(tn_get(t, "alone_nll"), NAN), "alone");
		together += tn_real(tn_get(t, "together"), NAN);
		right += tn_real(tn_get(t, "right"), NAN);
		nll += tn_real(tn_get(t, "together_nll"), NAN);
		alone += tn_real(tn_get(t, "alone"), NAN);
		alone_nll += tn_real(tn_get(t, "alone_nll"), NAN);
	}
	close_to(score(&r, "masked_accuracy"), 100 * right / together, "masked_accuracy");
	close_to(score(&r, "masked_nll"), nll / together, "masked_nll");
	close_to(score(&r, "pseudo_perplexity"), exp(alone_nll / alone), "pseudo_perplexity");
	ck_assert_uint_eq(r.n_sure, (size_t)together);
	close_all(&m);
}

START_TEST(test_as_transformers)
{
	const struct tn_value *models = tn_get(golden(), "models");

	ck_assert_uint_ge(tn_size(models), 2);
	for (size_t i = 0; i < tn_size(models); i++)
		check_model(tn_at(models, i), i ? 7 : 512);
}
END_TEST

/* Tokens of "the cat the dog": the, cat, the, dog, of a vocabulary of 102. */
START_TEST(test_frequencies)
{
	struct eval_example items[2], others[1];
	struct eval_data data = { .items = items }, train = { .items = others };
	struct eval_masked_floor floor;
	struct eval_records r;
	struct eval_masker m;
	double n;

	add_text(&data, "the cat the dog");
	add_text(&data, "[MASK]");
	hide(&m, &r, "bert-mlm-tied-h40", 512, &data);
	ck_assert_uint_eq(m.vocabulary, 102);
	ck_assert_uint_eq(r.hidden[0].alone, 4);
	ck_assert_uint_eq(r.hidden[1].alone + r.hidden[1].together, 0);
	n = r.hidden[0].together;
	ck_assert_int_eq(eval_masker_floor(&m, NULL, &floor, call), 0);
	close_to(floor.perplexity, exp(-(2 * log(3 / 106.) + 2 * log(2 / 106.)) / 4), "own");
	add_text(&train, "dog dog dog");
	ck_assert_int_eq(eval_masker_floor(&m, &train, &floor, call), 0);
	close_to(floor.perplexity, exp(-(3 * log(1 / 105.) + log(4 / 105.)) / 4), "of train");
	ck_assert(n >= 1 && floor.accuracy * n <= 100.001);
	close_all(&m);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("eval/masked");
	TCase *tests = tcase_create("eval/masked");

	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_as_transformers);
	tcase_add_test(tests, test_frequencies);
	suite_add_tcase(suite, tests);
	return tn_check_main(suite);
}
