/* SPDX-License-Identifier: Apache-2.0
 * heads/cls/cls.c - one label for a text, several, or a number: a linear layer over one
 * row for the text.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/impl/head.h>

enum problem { AUTO, SINGLE_LABEL, MULTI_LABEL, REGRESSION };
enum pooling { OF_MODEL, FIRST, MEAN, MAX };

struct cls {
	struct tn_head base;
	int32_t problem, pooling;
	int64_t top_k;
	double temperature, min_score, threshold, label_smoothing;
	struct tn_strings class_weights;
	const struct tn_head_env *env;
	enum problem task;		/* never AUTO */
	float *weights;			/* [n_labels], or NULL: of class_weights */
};

/* As transformers names them. */
static const char *const problem_types[] = {
	[SINGLE_LABEL] = "single_label_classification",
	[MULTI_LABEL] = "multi_label_classification",
	[REGRESSION] = "regression",
};

/* What the examples to learn from have, or what config.json says; else as transformers guesses:
 * one output is a number. */
static enum problem problem_of(const struct tn_head_env *env)
{
	const char *type = tn_string(tn_get(env->config, "problem_type"), "");

	if (env->gold)
		return env->gold == TN_GOLD_NUMBERS ? REGRESSION :
			env->gold == TN_GOLD_LABELS ? MULTI_LABEL : SINGLE_LABEL;
	for (int i = SINGLE_LABEL; i <= REGRESSION; i++)
		if (!strcmp(type, problem_types[i]))
			return (enum problem)i;
	return env->n_labels == 1 ? REGRESSION : SINGLE_LABEL;
}

/* The number of a label by its name, n_labels when there is none. */
static size_t label_number(const struct tn_head_env *env, const char *name, size_t len)
{
	size_t i = 0;

	while (i < env->n_labels && (strlen(env->labels[i]) != len ||
			memcmp(env->labels[i], name, len)))
		i++;
	return i;
}

/* "LABEL=WEIGHT"; labels that are not named weigh 1. */
static int read_weights(struct cls *h, struct tn_call *call)
{
	if (!h->class_weights.n)
		return 0;
	if (h->task != SINGLE_LABEL)
		return tn_fail(call, TN_ECONFIG, "head %s: class_weights are for single_label",
			h->env->name);
	h->weights = malloc(h->env->n_labels * sizeof(*h->weights));
	if (!h->weights)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < h->env->n_labels; i++)
		h->weights[i] = 1;
	for (size_t i = 0; i < h->class_weights.n; i++) {
		const char *item = h->class_weights.items[i], *equals = strrchr(item, '=');
		size_t label = equals ? label_number(h->env, item, (size_t)(equals - item)) :
			h->env->n_labels;
		char *end = NULL;
		float weight = equals ? strtof(equals + 1, &end) : 0;

		if (label == h->env->n_labels || end == equals + 1 || *end || !(weight >= 0) ||
				isinf(weight))
			return tn_fail(call, TN_ECONFIG, "head %s: class_weights: found %s, expected "
				"LABEL=WEIGHT, a label of the head and a number from 0",
				h->env->name, tn_quote(call, item, strlen(item)));
		h->weights[label] = weight;
	}
	return 0;
}

static int cls_open(struct tn_head *self, const struct tn_head_env *env, struct tn_call *call)
{
	struct cls *h = (struct cls *)self;

	h->env = env;
	h->task = h->problem == AUTO ? problem_of(env) : (enum problem)h->problem;
	if (!env->n_labels)
		return tn_fail(call, TN_ECONFIG, "head %s: no labels are known; name them by `labels` "
			"in the configuration", env->name);
	return read_weights(h, call);
}

static void cls_close(struct tn_head *self)
{
	free(((struct cls *)self)->weights);
}

static tn_ref pool(const struct cls *h, struct tn_graph *g)
{
	int texts = tn_axis(g, "texts");
	tn_ref begin, x;

	if (h->pooling == OF_MODEL)
		return tn_feature(g, h->env->feature ? h->env->feature : "pooled");
	x = tn_feature(g, "tokens");
	begin = tn_input(g, "text_begin", texts, TN_I32, 0);
	if (h->pooling == FIRST)
		return tn_gather(g, x, begin);
	return tn_segment(g, x, begin, tn_input(g, "text_end", texts, TN_I32, 0),
		h->pooling == MEAN ? TN_MEAN : TN_MAX);
}

static tn_ref cls_forward(const struct tn_head *self, struct tn_graph *g)
{
	const struct cls *h = (const struct cls *)self;
	bool own = !h->env->weights || (h->env->untrained && h->pooling != OF_MODEL);

	return tn_dense(g, pool(h, g), own ? "classifier" : h->env->weights, h->env->n_labels);
}

static tn_ref cls_loss(const struct tn_head *self, struct tn_graph *g, tn_ref scores, tn_ref *count)
{
	const struct cls *h = (const struct cls *)self;
	bool single = h->task == SINGLE_LABEL;
	size_t n = h->env->n_labels;
	tn_ref target = tn_inputf(g, tn_axis(g, "texts"), single ? TN_I32 : TN_F32, single ? 0 : n,
		"%s.target", h->env->name);
	tn_ref weights = h->weights ? tn_constant(g, TN_F32, h->weights, n, 0) : TN_NONE;
	tn_ref loss = single ? tn_cross_entropy(g, scores, target, weights, h->label_smoothing) :
		tn_bce(g, scores, target, h->task == REGRESSION);

	*count = tn_output(g, loss, 1);
	return loss;
}

/* The number of a gold label, which is a name, or a number: one that is a label's name, else
 * that of a label from 0. */
static int gold_label(const struct cls *h, const struct tn_value *v, size_t *label,
	struct tn_call *call)
{
	const char *name = tn_string(v, NULL);
	int64_t number = tn_int(v, -1);
	char digits[32];

	if (name) {
		*label = label_number(h->env, name, tn_string_length(v));
	} else {
		snprintf(digits, sizeof(digits), "%lld", (long long)number);
		*label = label_number(h->env, digits, strlen(digits));
		if (*label == h->env->n_labels && number >= 0)
			*label = (size_t)number;
	}
	if (*label < h->env->n_labels)
		return 0;
	return name ? tn_fail(call, TN_EDATA, "the label %s is none of head %s",
			tn_quote(call, name, tn_string_length(v)), h->env->name) :
		tn_fail(call, TN_EDATA, "the label %lld is none of the %zu of head %s",
			(long long)number, h->env->n_labels, h->env->name);
}

/* The value of a number, or of a text that is one. */
static bool gold_number(const struct tn_value *v, float *number)
{
	const char *text = tn_string(v, NULL);
	char *end = NULL;

	*number = text ? strtof(text, &end) : (float)tn_real(v, NAN);
	return isfinite(*number) && (!text || (end != text && end == text + tn_string_length(v)));
}

/* A row of 0 and 1, or of numbers for regression. */
static int target_row(const struct cls *h, const struct tn_gold *gold, float *row,
	struct tn_call *call)
{
	size_t n = gold->labels ? tn_size(gold->labels) : gold->label != NULL, label;

	if (!gold->labels && !gold->label)
		return tn_fail(call, TN_EDATA, "the example has no %s for head %s",
			h->task == REGRESSION ? "number" : "labels", h->env->name);
	if (h->task == REGRESSION && n != h->env->n_labels)
		return tn_fail(call, TN_EDATA, "the example has %zu numbers, head %s gives %zu, one "
			"for each of its `labels`", n, h->env->name, h->env->n_labels);
	for (size_t i = 0; i < n; i++) {
		const struct tn_value *v = gold->labels ? tn_at(gold->labels, i) : gold->label;

		if (h->task == REGRESSION && !gold_number(v, &row[i]))
			return tn_fail(call, TN_EDATA, "what head %s should give is %s, expected a "
				"number", h->env->name, tn_string(v, NULL) ? tn_quote(call,
				tn_string(v, ""), tn_string_length(v)) :
				tn_value_kind_name(tn_value_kind(v)));
		if (h->task == REGRESSION)
			continue;
		if (gold_label(h, v, &label, call))
			return tn_status(call);
		row[label] = 1;
	}
	return 0;
}

static int cls_target(const struct tn_head *self, const struct tn_target *t, struct tn_call *call)
{
	const struct cls *h = (const struct cls *)self;
	void *row = t->rows(t, "target");
	size_t label;

	if (!row)
		return 0;
	if (h->task != SINGLE_LABEL)
		return target_row(h, t->gold, row, call);
	*(int32_t *)row = -1;
	if (!t->gold->label)
		return 0;
	if (gold_label(h, t->gold->label, &label, call))
		return tn_status(call);
	*(int32_t *)row = (int32_t)label;
	return 0;
}

/* Probabilities of scores z [n]: exp(z/T) over their sum, or 1 / (1 + exp(-z/T)) each. */
static void probabilities(const struct cls *h, const float *z, size_t n, double *p)
{
	double max = -INFINITY, sum = 0;

	for (size_t i = 0; i < n; i++)
		max = fmax(max, (double)z[i]);
	for (size_t i = 0; i < n; i++) {
		p[i] = h->task == MULTI_LABEL ? 1 / (1 + exp(-(double)z[i] / h->temperature)) :
			exp(((double)z[i] - max) / h->temperature);
		sum += p[i];
	}
	for (size_t i = 0; i < n && h->task == SINGLE_LABEL; i++)
		p[i] /= sum;
}

/* How many are greater, or equal and before it. */
static size_t rank_of(const double *p, size_t n, size_t i)
{
	size_t rank = 0;

	for (size_t k = 0; k < n; k++)
		rank += p[k] > p[i] || (p[k] == p[i] && k < i);
	return rank;
}

static int answer_labels(const struct cls *h, const double *p, struct tn_value *answer,
	struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *labels = tn_new_list(arena), *scores = tn_new_object(arena);
	size_t n = h->env->n_labels, most = h->top_k ? (size_t)h->top_k : n;

	for (size_t i = 0; i < n; i++) {
		const char *label = h->env->labels[i];
		size_t rank = h->task == SINGLE_LABEL || most < n ? rank_of(p, n, i) : 0;

		if (h->task == SINGLE_LABEL && rank == 0) {
			tn_set(arena, answer, "label", p[i] < h->min_score ? tn_new_null(arena) :
				tn_new_text(arena, label));
			tn_set(arena, answer, "score", tn_new_real(arena, p[i]));
		}
		if (h->task == MULTI_LABEL && p[i] >= h->threshold)
			tn_append(arena, labels, tn_new_text(arena, label));
		if (rank < most && !tn_set(arena, scores, label, tn_new_real(arena, p[i])))
			return tn_fail(call, TN_ENOMEM, "out of memory");
	}
	if (h->task == MULTI_LABEL)
		tn_set(arena, answer, "labels", labels);
	return tn_set(arena, answer, "scores", scores) ? 0 :
		tn_fail(call, TN_ENOMEM, "out of memory");
}

static int answer_values(const struct cls *h, const float *z, struct tn_value *answer,
	struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *values = tn_new_object(arena);

	if (h->env->n_labels == 1)
		return tn_set(arena, answer, "value", tn_new_real(arena, (double)z[0])) ? 0 :
			tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < h->env->n_labels; i++)
		tn_set(arena, values, h->env->labels[i], tn_new_real(arena, (double)z[i]));
	return tn_set(arena, answer, "values", values) ? 0 :
		tn_fail(call, TN_ENOMEM, "out of memory");
}

static int cls_decode(const struct tn_head *self, const struct tn_scores *scores,
	struct tn_value **answer, struct tn_call *call)
{
	const struct cls *h = (const struct cls *)self;
	size_t n = h->env->n_labels;
	double *p = tn_alloc_n(call, n, sizeof(*p));

	*answer = tn_new_object(tn_call_arena(call));
	if (!p || !*answer)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		if (!isfinite(scores->joined[i]))
			return tn_fail(call, TN_EDATA, "head %s: label %s has the score %g",
				h->env->name, h->env->labels[i], (double)scores->joined[i]);
	if (h->task == REGRESSION)
		return answer_values(h, scores->joined, *answer, call);
	probabilities(h, scores->joined, n, p);
	return answer_labels(h, p, *answer, call);
}

static int cls_save(const struct tn_head *self, struct tn_value *options, struct tn_value *config,
	struct tn_call *call)
{
	static const char *const names[] = { [SINGLE_LABEL] = "single_label",
		[MULTI_LABEL] = "multi_label", [REGRESSION] = "regression" };
	const struct cls *h = (const struct cls *)self;
	struct tn_arena *arena = tn_call_arena(call);

	if (tn_set(arena, options, "problem", tn_new_text(arena, names[h->task])) &&
			tn_set(arena, config, "problem_type",
			tn_new_text(arena, problem_types[h->task])))
		return 0;
	return tn_fail(call, TN_ENOMEM, "out of memory");
}

static const char *const problems[] = { "auto", "single_label", "multi_label", "regression", NULL };
static const char *const poolings[] = { "model", "cls", "mean", "max", NULL };

static const struct tn_option options[] = {
	TN_OPTION_STRINGS(struct cls, class_weights,
		"training, single label: how much labels weigh in the loss, as \"LABEL=2.5\"; others 1"),
	TN_OPTION_REAL(struct cls, label_smoothing, 0.0, 0.0, 1.0,
		"training, single label: the share of the target that goes to all labels evenly"),
	TN_OPTION_REAL(struct cls, min_score, 0.0, 0.0, 1.0,
		"single label: the label is null when the best is less likely"),
	TN_OPTION_CHOICE(struct cls, pooling, poolings, "model",
		"the row for the text: the model's own, its first token, mean or max of all tokens"),
	TN_OPTION_CHOICE(struct cls, problem, problems, "auto",
		"auto: what the examples have that a new head learns from, or config.json's "
		"problem_type, else regression for one label, single_label for more"),
	TN_OPTION_REAL(struct cls, temperature, 1.0, 1e-3, 1e3,
		"scores are divided by it: above 1 flattens the probabilities"),
	TN_OPTION_REAL(struct cls, threshold, 0.5, 0.0, 1.0,
		"multi_label: labels that are at least this likely are given"),
	TN_OPTION_INT(struct cls, top_k, 0, 0, 1e9,
		"how many of the best scores to give, 0: all"),
	{ 0 }
};

static const struct tn_head_impl cls_impl = {
	.task = TN_TASK_LABEL, .on_overflow = TN_OVERFLOW_TRUNCATE,
	.open = cls_open, .forward = cls_forward, .loss = cls_loss, .target = cls_target,
	.decode = cls_decode, .close = cls_close, .save = cls_save,
};

TN_PLUGIN(cls, TN_HEAD, "cls",
	.version = "0.1.0", .licence = "Apache-2.0",
	.about = "a label for a text, several labels, or a number",
	.state = sizeof(struct cls), .options = options, .impl.head = &cls_impl);
