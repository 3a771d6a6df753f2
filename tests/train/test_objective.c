/* SPDX-License-Identifier: Apache-2.0
 * tests/train/test_objective.c - losses and gradients of models with heads against PyTorch's
 * (tests/golden/losses.json), in F64 on the reference and in F32 on a fast backend; targets
 * that do not fit are refused.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "check_main.h"
#include "train/objective.h"

#define MOST 8

static const char *golden(const char *name, struct tn_call *call)
{
	const char *top = getenv("top_srcdir");

	return tn_printf(call, "%s/tests/golden/%s", top ? top : ".", name);
}

static const struct tn_value *read_json(const char *path, struct tn_call *call)
{
	static char text[1 << 20];
	FILE *file = fopen(path, "r");
	size_t n;

	ck_assert_ptr_nonnull(file);
	n = fread(text, 1, sizeof(text), file);
	fclose(file);
	return tn_json_parse(text, n, path, tn_call_arena(call), call);
}

static struct tn_text text_of(const struct tn_value *v)
{
	return (struct tn_text){ tn_string(v, NULL), tn_string_length(v) };
}

static struct tn_text *texts_of(const struct tn_value *list, struct tn_call *call)
{
	struct tn_text *texts = tn_alloc_n(call, tn_size(list) + 1, sizeof(*texts));

	for (size_t i = 0; i < tn_size(list); i++)
		texts[i] = text_of(tn_at(list, i));
	return texts;
}

/* A pipeline, its objective, and a batch of the inputs of a case. */
struct setup {
	struct tn_call *call;
	struct tn_pipeline *p;
	struct tn_objective o;
	struct tn_input inputs[MOST];
	struct tn_job jobs[MOST];
	struct tn_batch_item items[MOST];
	struct tn_gold golds[MOST];
	size_t n;
};

static void hide(struct setup *s, struct tn_window *w, const struct tn_value *ids,
	struct tn_gold *gold)
{
	struct tn_window_token *tokens = tn_alloc_n(s->call, w->n_tokens, sizeof(*tokens));
	int32_t *hidden = tn_alloc_n(s->call, w->n_tokens, sizeof(*hidden));

	ck_assert_uint_eq(w->n_tokens, tn_size(ids));
	for (size_t t = 0; t < w->n_tokens; t++) {
		tokens[t] = w->tokens[t];
		hidden[t] = (int32_t)tn_int(tn_at(ids, t), -2);
		if (hidden[t] >= 0) {
			ck_assert_int_eq(hidden[t], tokens[t].id);
			tokens[t].id = s->p->tokenizer_info->mask;
		}
	}
	w->tokens = tokens;
	gold->ids = hidden;
}

static void add_input(struct setup *s, const struct tn_value *v)
{
	const struct tn_value *answer = tn_get(v, "answer");
	struct tn_word *span = tn_alloc(s->call, sizeof(*span));
	struct tn_input *in = &s->inputs[s->n];
	struct tn_gold *gold = &s->golds[s->n];
	struct tn_job *job = &s->jobs[s->n];

	ck_assert_uint_lt(s->n, MOST);
	in->text = text_of(tn_get(v, "text"));
	in->pair = text_of(tn_get(v, "pair"));
	if (tn_get(v, "words")) {
		in->words = texts_of(tn_get(v, "words"), s->call);
		in->n_words = tn_size(tn_get(v, "words"));
	}
	ck_assert_int_eq(tn_job_prepare(s->p, in, job, s->call), 0);
	ck_assert_msg(!job->error, "%s", job->error);
	ck_assert_uint_eq(job->windows.n, 1);
	*gold = (struct tn_gold){ .label = tn_get(v, "label"), .labels = tn_get(v, "labels"),
		.has_answers = answer != NULL, .answers = span, .n_answers = tn_size(answer) / 2 };
	if (tn_get(v, "tags"))
		gold->tags = texts_of(tn_get(v, "tags"), s->call);
	*span = (struct tn_word){ (uint32_t)tn_int(tn_at(answer, 0), 0),
		(uint32_t)tn_int(tn_at(answer, 1), 0) };
	if (tn_get(v, "ids"))
		hide(s, &job->windows.items[0], tn_get(v, "ids"), gold);
	s->items[s->n++] = (struct tn_batch_item){ job, 0 };
}

static void setup_open(struct setup *s, const char *model, enum tn_dtype real)
{
	static const char *const chains[][2] = { { "backends=(\"reference\")", NULL },
		{ "backends=(\"native\",\"reference\")", NULL } };

	const struct tn_objective_options options = { .real = real, .forward = true };

	*s = (struct setup){ .call = tn_call_create() };
	s->p = tn_pipeline_open(golden(model, s->call), chains[real == TN_F32], s->call);
	ck_assert_msg(s->p && !tn_objective_open(&s->o, s->p, &options, s->call), "%s",
		tn_error_text(s->call));
}

static void setup_close(struct setup *s)
{
	tn_objective_close(&s->o);
	tn_pipeline_close(s->p);
	tn_call_destroy(s->call);
}

static double number(const struct tn_tensor *t, size_t i)
{
	return t->dtype == TN_F64 ? ((const double *)tn_host_data(t))[i] :
		(double)((const float *)tn_host_data(t))[i];
}

/* Norm and product of each gradient; key biases, whose gradient is zero, are left out. */
static void compare_gradients(const struct setup *s, const struct tn_value *grads, double tolerance)
{
	size_t compared = 0;

	for (size_t i = 0; i < s->o.n; i++) {
		const struct tn_tensor *t = tn_objective_gradient(&s->o, i);
		const char *name = s->o.items[i].name;
		const struct tn_value *expected = tn_get(grads, strncmp(name, "heads.", 6) ? name :
			strchr(name + 6, '.') + 1);
		double squares = 0, product = 0, norm = tn_real(tn_at(expected, 0), NAN);

		ck_assert_msg(t && expected, "%s", s->o.items[i].name);
		for (size_t k = 0; k < t->dims[0] * tn_row_size(t); k++) {
			squares += number(t, k) * number(t, k);
			product += number(t, k) * cos(1 + 0.7 * (double)k);
		}
		compared++;
		if (norm < 1e-9) {
			ck_assert_msg(sqrt(squares) < tolerance, "%s: %g", s->o.items[i].name,
				sqrt(squares));
			continue;
		}
		ck_assert_msg(fabs(sqrt(squares) - norm) <= tolerance * norm,
			"%s: norm %.12g, expected %.12g", s->o.items[i].name, sqrt(squares), norm);
		ck_assert_msg(fabs(product - tn_real(tn_at(expected, 1), NAN)) <= tolerance * norm,
			"%s: product %.12g, expected %.12g", s->o.items[i].name, product,
			tn_real(tn_at(expected, 1), NAN));
	}
	ck_assert_uint_eq(compared, tn_size(grads));
}

static void check_case(const struct tn_value *c, enum tn_dtype real, double tolerance)
{
	const char *model = tn_string(tn_get(c, "model"), "");
	const struct tn_value *inputs = tn_get(c, "inputs");
	double loss = tn_real(tn_get(c, "loss"), NAN);
	const struct tn_tensor *out;
	struct setup s;

	setup_open(&s, model, real);
	for (size_t i = 0; i < tn_size(inputs); i++)
		add_input(&s, tn_at(inputs, i));
	ck_assert_int_eq(tn_objective_bind(&s.o.backward, s.items, s.n, s.call), 0);
	ck_assert_msg(!tn_objective_run(&s.o, &s.o.backward, s.items, s.n, s.golds, s.call), "%s",
		tn_error_text(s.call));
	out = tn_exec_output(s.o.backward.session.exec, 0);
	ck_assert_msg(fabs(number(out, 0) - loss) <= tolerance * loss, "%s: loss %.12g, expected "
		"%.12g", model, number(out, 0), loss);
	out = tn_exec_output(s.o.backward.session.exec, 2);
	ck_assert_double_eq(number(out, 0), tn_real(tn_get(c, "count"), NAN));
	compare_gradients(&s, tn_get(c, "grads"), tolerance);
	setup_close(&s);
}

static void check_all(enum tn_dtype real, double tolerance)
{
	struct tn_call *call = tn_call_create();
	const struct tn_value *cases = tn_get(read_json(golden("losses.json", call), call), "cases");

	ck_assert_uint_eq(tn_size(cases), 22);
	for (size_t i = 0; i < tn_size(cases); i++)
		check_case(tn_at(cases, i), real, tolerance);
	tn_call_destroy(call);
}

/* The scale of attention is a float, and transformers turns by angles in single precision, so
 * not all digits agree. */
START_TEST(test_losses_in_f64)
{
	check_all(TN_F64, 1e-5);
}
END_TEST

START_TEST(test_losses_in_f32_on_a_fast_backend)
{
	check_all(TN_F32, 1e-4);
}
END_TEST

/* One input of a model whose target is refused. */
static void refused(const char *model, const char *input, const char *message)
{
	struct setup s;

	setup_open(&s, model, TN_F64);
	add_input(&s, tn_json_parse(input, strlen(input), "input", tn_call_arena(s.call), s.call));
	ck_assert_int_eq(tn_objective_bind(&s.o.forward, s.items, s.n, s.call), 0);
	ck_assert_int_eq(tn_objective_run(&s.o, &s.o.forward, s.items, s.n, s.golds, s.call),
		TN_EDATA);
	ck_assert_msg(strstr(tn_error_text(s.call), message) != NULL, "%s",
		tn_error_text(s.call));
	setup_close(&s);
}

START_TEST(test_targets_that_do_not_fit)
{
	refused("bert-seqcls-long-h40", "{\"text\":\"cat\",\"label\":7}", "the label 7 is none of");
	refused("bert-seqcls-long-h40", "{\"text\":\"cat\",\"label\":\"dog\"}", "is none of head");
	refused("bert-seqcls-multi-h48", "{\"text\":\"cat\"}", "the example has no labels");
	refused("bert-seqcls-regression-h72", "{\"text\":\"cat\",\"label\":\"x\"}", "is \"x\", expected a number");
	refused("bert-tokcls-h40", "{\"words\":[\"cat\"],\"tags\":[\"B-DOG\"]}",
		"is none of the labels of head");
	refused("losses-crf.cfg", "{\"words\":[\"cat\"],\"tags\":[\"I-PER\"]}",
		"word 1 has the tag I-PER, which may not stand behind the beginning of the text");
	refused("losses-crf.cfg", "{\"words\":[\"a\",\"cat\"],\"tags\":[\"B-LOC\",\"I-PER\"]}",
		"word 2 has the tag I-PER, which may not stand behind B-LOC");
	refused("bert-qa-h40", "{\"text\":\"who?\",\"pair\":\"cat\",\"answer\":[1,9]}",
		"bytes 1 to 9 of a text of 3");
}
END_TEST

/* The products of the backward pass, most of its work, do not fall to the reference. */
START_TEST(test_backward_runs_on_the_fast_backend)
{
	static const uint32_t start[] = { 0, 64 };
	struct tn_axis axes[TN_MAX_AXES];
	uint64_t flops[2];
	struct setup s;

	setup_open(&s, "bert-seqcls-long-h40", TN_F32);
	for (size_t i = 0; i < TN_MAX_AXES; i++)
		axes[i] = (struct tn_axis){ .rows = 64, .seqs = 1, .start = start };
	tn_plan_flops(s.o.backward.plan, axes, flops);
	ck_assert_msg(flops[0] > 2 * flops[1], "%g against %g", (double)flops[0],
		(double)flops[1]);
	setup_close(&s);
}
END_TEST

/* What gold says nothing about counts nothing. */
START_TEST(test_without_gold)
{
	static const char *const models[] = { "bert-seqcls-long-h40", "bert-qa-h40",
		"bert-mlm-tied-h40", "bert-tokcls-h40", "losses-crf.cfg" };

	for (size_t i = 0; i < 5; i++) {
		const char *input = "{\"text\":\"cat\",\"pair\":\"dog\"}";
		struct setup s;

		setup_open(&s, models[i], TN_F64);
		add_input(&s, tn_json_parse(input, strlen(input), "input", tn_call_arena(s.call),
			s.call));
		ck_assert_int_eq(tn_objective_bind(&s.o.forward, s.items, 1, s.call), 0);
		ck_assert_int_eq(tn_objective_run(&s.o, &s.o.forward, s.items, 1, s.golds, s.call),
			0);
		for (size_t k = 0; k < 3; k++)
			ck_assert_double_eq(number(tn_exec_output(s.o.forward.session.exec, k), 0),
				0);
		setup_close(&s);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("objective");

	TN_ADD(suite, test_losses_in_f64);
	TN_ADD(suite, test_losses_in_f32_on_a_fast_backend);
	TN_ADD(suite, test_backward_runs_on_the_fast_backend);
	TN_ADD(suite, test_targets_that_do_not_fit);
	TN_ADD(suite, test_without_gold);
	return tn_check_main(suite);
}
