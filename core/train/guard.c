/* SPDX-License-Identifier: Apache-2.0
 * core/train/guard.c - what usually spoils a training run, said before it begins or behind it.
 */
#include <math.h>
#include <string.h>

#include "eval/audit.h"
#include "train/run.h"

#define DEEP 12			/* layers */
#define HIGH_RATE 1e-4
#define UNMOVED 1e-3

/* Whether a parameter is the model's and is trained. */
static bool is_of_model(const struct run *r, const struct tn_moments *k)
{
	return strncmp(r->objective.items[k->parameter].name, "heads.", 6) != 0;
}

static void check_rate(const struct run *r, struct tn_call *call)
{
	double highest = 0;

	for (size_t i = 0; i < r->optimizer.n; i++)
		if (is_of_model(r, &r->optimizer.items[i]))
			highest = fmax(highest, r->job.optim.lr * r->optimizer.items[i].rate_scale);
	if (r->p->info.layers >= DEEP && highest > HIGH_RATE)
		tn_note(call, "a learning rate of %g for a model of %zu layers often destroys what it "
			"knows: 1e-5 to 5e-5 is usual", highest, r->p->info.layers);
}

static void check_head(const struct run *r, const struct tn_pipeline_head *h, struct tn_call *call)
{
	const char *pooling = tn_string(tn_get(r->p->dir->head_options, "pooling"), "");
	const char *class = r->p->dir->class ? r->p->dir->class : "";

	if (h->impl->task == TN_TASK_SPANS && r->p->info.kind == TN_CAUSAL)
		tn_note(call, "head %s tags words of which the model has only seen what stands before "
			"them: a bidirectional model does better", h->name);
	if (h->plain_feature && !strcmp(h->plain_feature, "pooled") &&
			!strcmp(class, "SentenceTransformer") &&
			(!strcmp(pooling, "mean") || !strcmp(pooling, "max")))
		tn_note(call, "head %s reads the first token through the pooler, which this model was "
			"not trained to use: it was trained with pooling = \"%s\"", h->name, pooling);
}

static void check_overlap(struct run *r, const struct eval_audit *train, struct tn_call *call)
{
	struct eval_audit dev;
	struct eval_beside beside;

	if (!r->dev.data.n || eval_audit(&dev, &r->dev.data, tn_call_arena(call), call) ||
			eval_audit_beside(&beside, train, &dev, tn_call_arena(call), call))
		return;
	if (beside.shared.n)
		tn_note(call, "%zu of %zu dev texts are train texts too, which flatters the figures: "
			"%s is %s", beside.shared.n, r->dev.data.n,
			r->dev.data.items[beside.shared.first[0].example].where,
			r->train.data.items[beside.shared.first[0].other].where);
}

static void check_texts(struct run *r, struct tn_call *call)
{
	struct eval_audit train;
	struct eval_token_audit tokens;

	if (eval_audit(&train, &r->train.data, tn_call_arena(call), call))
		return;
	if (train.differing.n)
		tn_note(call, "%zu train texts stand there again with another answer, the first at %s",
			train.differing.n, r->train.data.items[train.differing.first[0].example].where);
	check_overlap(r, &train, call);
	if (r->train.n_truncated && !eval_audit_tokens(&tokens, r->p, &r->train.data, NULL, NULL,
			tn_call_arena(call), call) && tokens.lost_inputs)
		tn_note(call, "cutting texts to the model's length loses %zu labelled words and %zu "
			"answers: on_overflow = \"window\" keeps them", tokens.lost_words,
			tokens.lost_spans);
}

int run_guard(struct run *r, struct tn_call *call)
{
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));

	check_rate(r, call);
	for (size_t h = 0; h < r->p->n_heads; h++)
		if (r->objective.trained[h])
			check_head(r, &r->p->heads[h], call);
	check_texts(r, call);
	if (!tn_status(call))
		tn_arena_rewind(tn_call_arena(call), mark);
	return tn_status(call);
}

void run_guard_end(const struct run *r, struct tn_call *call)
{
	for (size_t i = 0; i < r->optimizer.n; i++) {
		const struct tn_parameter *p =
			&r->objective.items[r->optimizer.items[i].parameter];
		const float *x = tn_host_data(p->tensor);
		size_t n = p->tensor->dims[0] * tn_row_size(p->tensor);
		float largest = 0;

		for (size_t k = 0; k < n; k++)
			largest = fmaxf(largest, fabsf(x[k]));
		if (tn_weight_made(p->tensor) && p->tensor->n_dims > 1 && largest < UNMOVED)
			tn_note(call, "%s began at zero and has hardly moved (at most %.1e): give it a "
				"higher rate, optim.groups = ( { match = \"%s\"; lr_scale = 100; } )",
				p->name, (double)largest, p->name);
	}
}
