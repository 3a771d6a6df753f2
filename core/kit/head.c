/* SPDX-License-Identifier: Apache-2.0
 * sample-name.c - a head: which of its labels fits a text.
 *
 * A head builds scores on a feature of the model, once, and turns the scores of a text into its
 * answer.  It can be trained, as it says what its loss is and what is right for an example.
 * <tenon/impl/head.h> describes each slot.
 */
#include <math.h>
#include <string.h>
#include <tenon/impl/head.h>

struct sample {
	struct tn_head base;		/* first in every head */
	double min_score;		/* the option: the core stores and checks it */
	const struct tn_head_env *env;	/* labels, the head's name, the model's config.json ... */
};

static int sample_open(struct tn_head *self, const struct tn_head_env *env, struct tn_call *call)
{
	((struct sample *)self)->env = env;
	return env->n_labels ? 0 : tn_fail(call, TN_ECONFIG, "head %s: no labels are known", env->name);
}

/* The formula: a linear layer over the mean of a text's tokens.  [texts][labels] */
static tn_ref sample_forward(const struct tn_head *self, struct tn_graph *g)
{
	const struct sample *h = (const struct sample *)self;
	int texts = tn_axis(g, "texts");
	tn_ref begin = tn_input(g, "text_begin", texts, TN_I32, 0);
	tn_ref end = tn_input(g, "text_end", texts, TN_I32, 0);
	tn_ref mean = tn_segment(g, tn_feature(g, "tokens"), begin, end, TN_MEAN);

	return tn_dense(g, mean, "sample-name", h->env->n_labels);
}

/* --- training: leave out both slots and the head only answers --- */

static tn_ref sample_loss(const struct tn_head *self, struct tn_graph *g, tn_ref scores,
	tn_ref *count)
{
	const struct sample *h = (const struct sample *)self;
	tn_ref target = tn_inputf(g, tn_axis(g, "texts"), TN_I32, 0, "%s.target", h->env->name);
	tn_ref loss = tn_cross_entropy(g, scores, target, TN_NONE, 0);

	*count = tn_output(g, loss, 1);
	return loss;
}

/* One text's row of the target: the number of its label, -1 where the example has none. */
static int sample_target(const struct tn_head *self, const struct tn_target *target,
	struct tn_call *call)
{
	const struct sample *h = (const struct sample *)self;
	const char *name = tn_string(target->gold->label, NULL);
	int64_t number = tn_int(target->gold->label, -1);
	int32_t *row = target->rows(target, "target");

	for (size_t i = 0; name && i < h->env->n_labels; i++)
		if (!strcmp(h->env->labels[i], name))
			number = (int64_t)i;
	if (target->gold->label && (number < 0 || (size_t)number >= h->env->n_labels))
		return tn_fail(call, TN_EDATA, "the label is none of head %s", h->env->name);
	if (row)
		*row = (int32_t)number;
	return 0;
}

/* --- the answer --- */

/* {"label": the best one, or null below min_score, "score": its probability} */
static int sample_decode(const struct tn_head *self, const struct tn_scores *scores,
	struct tn_value **answer, struct tn_call *call)
{
	const struct sample *h = (const struct sample *)self;
	struct tn_arena *arena = tn_call_arena(call);
	double sum = 0, score;
	size_t best = 0;

	for (size_t i = 1; i < scores->cols; i++)
		if (scores->joined[i] > scores->joined[best])
			best = i;
	for (size_t i = 0; i < scores->cols; i++)
		sum += exp((double)scores->joined[i] - (double)scores->joined[best]);
	score = 1 / sum;
	*answer = tn_new_object(arena);
	tn_set(arena, *answer, "label", score < h->min_score ? tn_new_null(arena) :
		tn_new_text(arena, h->env->labels[best]));
	return tn_set(arena, *answer, "score", tn_new_real(arena, score)) ? 0 :
		tn_fail(call, TN_ENOMEM, "out of memory");
}

static const struct tn_option options[] = {
	TN_OPTION_REAL(struct sample, min_score, 0, 0, 1, "a label that is less likely is not answered"),
	{ 0 }
};

static const struct tn_head_impl sample_impl = {
	.task = TN_TASK_LABEL, .on_overflow = TN_OVERFLOW_TRUNCATE,
	.open = sample_open, .forward = sample_forward, .loss = sample_loss,
	.target = sample_target, .decode = sample_decode,
};

TN_PLUGIN(sample, TN_HEAD, "sample-name",
	.version = "0.1.0", .licence = "Apache-2.0", .about = "a label for each text",
	.state = sizeof(struct sample), .options = options, .impl.head = &sample_impl);
