/* SPDX-License-Identifier: Apache-2.0
 * tests/train/test_optimizer.c - the schedule by its closed forms; what groups, decay by layers
 * and frozen parameters do to the rates of a model's parameters.
 */
#include <math.h>
#include <string.h>

#include "check_main.h"
#include "train/optimizer.h"

static struct tn_call *call;
static struct tn_pipeline *p;
static struct tn_objective objective;

START_TEST(test_schedules)
{
	struct tn_job_optim o = { .warmup = 0.1, .schedule = TN_LINEAR_RATE };

	/* transformers' get_linear_schedule_with_warmup(optimizer, 10, 100), step by step. */
	ck_assert_double_eq(tn_schedule_at(&o, 1, 100), 0);
	ck_assert_double_eq_tol(tn_schedule_at(&o, 6, 100), 0.5, 1e-15);
	ck_assert_double_eq(tn_schedule_at(&o, 11, 100), 1);
	ck_assert_double_eq_tol(tn_schedule_at(&o, 56, 100), 0.5, 1e-15);
	ck_assert_double_eq_tol(tn_schedule_at(&o, 100, 100), 1.0 / 90, 1e-15);
	o.schedule = TN_COSINE_RATE;
	ck_assert_double_eq(tn_schedule_at(&o, 11, 100), 1);
	ck_assert_double_eq_tol(tn_schedule_at(&o, 41, 100), 0.75, 1e-15);
	ck_assert_double_eq_tol(tn_schedule_at(&o, 56, 100), 0.5, 1e-15);
	o.schedule = TN_CONSTANT_RATE;
	ck_assert_double_eq(tn_schedule_at(&o, 100, 100), 1);
	/* A number of steps instead of a share; none at all. */
	o.warmup = 4;
	ck_assert_double_eq_tol(tn_schedule_at(&o, 4, 100), 0.75, 1e-15);
	o.warmup = 0;
	ck_assert_double_eq(tn_schedule_at(&o, 1, 100), 1);
}
END_TEST

static bool is_frozen(void *user, const char *name)
{
	return !strncmp(name, "embeddings.", 11);
}

static void setup(void)
{
	const struct tn_objective_options options = { .real = TN_F32, .frozen = is_frozen };
	const char *top = getenv("top_srcdir");

	call = tn_call_create();
	p = tn_pipeline_open(tn_printf(call, "%s/tests/golden/bert-seqcls-long-h40",
		top ? top : "."), NULL, call);
	ck_assert_msg(p && !tn_objective_open(&objective, p, &options, call), "%s",
		tn_error_text(call));
}

static void teardown(void)
{
	tn_objective_close(&objective);
	tn_pipeline_close(p);
	tn_call_destroy(call);
}

static const struct tn_moments *find(const struct tn_optimizer *o, const char *name)
{
	for (size_t i = 0; i < o->n; i++)
		if (!strcmp(objective.items[o->items[i].parameter].name, name))
			return &o->items[i];
	return NULL;
}

START_TEST(test_groups)
{
	struct tn_job_optim options = { .lr = 1e-4, .weight_decay = 0.1, .layer_decay = 0.5,
		.groups = { { "heads.*", 1e-3, NAN, NAN }, { "*.LayerNorm.*", NAN, 2, NAN },
			{ "*.query.weight", NAN, NAN, 0.3 } }, .n_groups = 3 };
	struct tn_optimizer o;
	size_t layers = p->info.layers;

	ck_assert_uint_ge(layers, 2);
	ck_assert_msg(!tn_optimizer_open(&o, &objective, &options, false, call), "%s",
		tn_error_text(call));
	ck_assert_ptr_null(find(&o, "embeddings.word_embeddings.weight"));
	ck_assert_double_eq_tol(find(&o, "heads.result.classifier.weight")->rate_scale, 10, 1e-12);
	ck_assert_double_eq(find(&o, "heads.result.classifier.weight")->decay, 0.1);
	ck_assert_double_eq(find(&o, "heads.result.classifier.bias")->decay, 0);
	ck_assert_double_eq(find(&o, "pooler.dense.weight")->rate_scale, 1);
	ck_assert_double_eq_tol(find(&o, "encoder.layer.0.output.dense.weight")->rate_scale,
		pow(0.5, (double)layers), 1e-12);
	ck_assert_double_eq_tol(find(&o, "encoder.layer.1.output.LayerNorm.weight")->rate_scale,
		2 * pow(0.5, (double)layers - 1), 1e-12);
	ck_assert_double_eq(find(&o, "encoder.layer.0.attention.self.query.weight")->decay, 0.3);
	tn_optimizer_close(&o);
	options.groups[1].match = "nothing.*";
	ck_assert_int_eq(tn_optimizer_open(&o, &objective, &options, false, call), TN_ECONFIG);
	ck_assert_ptr_nonnull(strstr(tn_error_text(call), "matches \"nothing.*\""));
	tn_optimizer_close(&o);
}
END_TEST

/* Names of several families. */
START_TEST(test_layers)
{
	static const struct { const char *name; size_t layer; } cases[] = {
		{ "embeddings.word_embeddings.weight", 0 },
		{ "encoder.layer.0.output.dense.weight", 1 },
		{ "transformer.layer.5.ffn.lin1.weight", 6 },
		{ "layers.11.attn.Wqkv.weight", 12 },
		{ "encoder.albert_layer_groups.0.albert_layers.0.ffn.weight", 13 },
		{ "pooler.dense.weight", 13 }, { "final_norm.weight", 13 },
		{ "heads.layer.layers.0.weight", 13 }, { "layer.x.weight", 13 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(tn_layer_of(cases[i].name, 12) == cases[i].layer, "%s: %zu",
			cases[i].name, tn_layer_of(cases[i].name, 12));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("optimizer");
	TCase *tests = tcase_create("optimizer");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_groups);
	suite_add_tcase(suite, tests);
	TN_ADD(suite, test_layers);
	TN_ADD(suite, test_schedules);
	return tn_check_main(suite);
}
