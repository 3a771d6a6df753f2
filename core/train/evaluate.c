/* SPDX-License-Identifier: Apache-2.0
 * core/train/evaluate.c - how good a run is so far, on the dev data.
 */
#include <math.h>
#include <string.h>

#include "eval/audit.h"
#include "eval/records.h"
#include "train/run.h"

#define AT_ONCE 64		/* inputs that are answered together */

/* Whether the examples of a source are for a head. */
static bool is_for(const struct run *r, size_t i, const char *head)
{
	const char *only = r->job.data[r->dev.source[i]].head;

	return !only || !strcmp(only, head);
}

static int open_records(struct run *r, size_t h, struct eval_records *records,
	struct tn_call *call)
{
	const struct tn_pipeline_head *head = &r->p->heads[h];

	return eval_records_open(records, head->name, (enum tn_task)head->impl->task,
		head->env.labels, head->env.n_labels, r->scheme, tn_call_arena(call), call);
}

/* Heads that are trained and have a metric. */
static bool is_judged(const struct run *r, size_t h)
{
	enum tn_task task = r->p->heads[h].impl->task;

	return r->objective.trained[h] && (task == TN_TASK_LABEL || task == TN_TASK_SPANS ||
		task == TN_TASK_ANSWER);
}

static bool any_judged(const struct run *r)
{
	for (size_t h = 0; h < r->p->n_heads; h++)
		if (is_judged(r, h))
			return true;
	return false;
}

int run_open_measures(struct run *r, struct tn_call *call)
{
	struct eval_audit audit;

	if (eval_audit(&audit, &r->train.data, tn_call_arena(call), call))
		return tn_status(call);
	r->scheme = audit.scheme;
	for (size_t h = 0; h < r->p->n_heads; h++) {
		struct eval_records m;
		size_t n = 0;

		if (!is_judged(r, h) || !r->dev.data.n)
			continue;
		if (open_records(r, h, &m, call))
			return tn_status(call);
		for (size_t i = 0; i < r->dev.data.n; i++) {
			int status = is_for(r, i, m.head) ?
				eval_records_check(&m, &r->dev.data.items[i], call) : 0;

			if (status < 0)
				return status;
			n += (size_t)status;
		}
		if (!n)
			tn_note(call, "no dev example has an answer for head %s", m.head);
	}
	return 0;
}

/* What one evaluation works in. */
struct evaluating {
	struct run *r;
	struct eval_records *records;	/* [n_heads]; their memory is in `arena` */
	struct tn_arena *arena;
	struct tn_train_metric *metrics;
	size_t n;
	double loss;
};

static int count_answers(struct evaluating *e, size_t first, size_t n,
	const struct tn_value *const *answers, struct tn_call *call)
{
	const struct run *r = e->r;

	for (size_t i = 0; i < n; i++)
		for (size_t h = 0; h < r->p->n_heads; h++) {
			const struct eval_example *example = &r->dev.data.items[first + i];

			if (is_judged(r, h) && is_for(r, first + i, r->p->heads[h].name) &&
					eval_records_wants(&e->records[h], example) &&
					eval_records_add(&e->records[h], example, answers[i], call))
				return tn_status(call);
		}
	return 0;
}

static int run_dev(struct evaluating *e, struct tn_call *call)
{
	const struct eval_data *data = &e->r->dev.data;

	for (size_t i = 0, n; i < data->n; i += n) {
		struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
		struct tn_input inputs[AT_ONCE];
		const struct tn_value *answers[AT_ONCE];

		n = data->n - i < AT_ONCE ? data->n - i : AT_ONCE;
		for (size_t k = 0; k < n; k++)
			inputs[k] = data->items[i + k].input;
		if (tn_pipeline_run(e->r->p, inputs, n, answers, call) ||
				count_answers(e, i, n, answers, call))
			return tn_status(call);
		tn_arena_rewind(tn_call_arena(call), mark);
	}
	return 0;
}

static int collect(struct evaluating *e, struct tn_call *call)
{
	const struct run *r = e->r;

	e->metrics = tn_alloc_n(call, r->p->n_heads * EVAL_MOST_SCORES + 1, sizeof(*e->metrics));
	if (!e->metrics)
		return tn_status(call);
	for (size_t h = 0; h < r->p->n_heads; h++) {
		struct eval_score found[EVAL_MOST_SCORES];
		size_t n = is_judged(r, h) ? eval_records_scores(&e->records[h], NULL, found) : 0;

		for (size_t i = 0; i < n; i++)
			e->metrics[e->n++] = (struct tn_train_metric){ r->p->heads[h].name,
				found[i].name, found[i].value };
	}
	return 0;
}

/* "NAME", "HEAD.NAME", or "TASK_NAME" as in span_f1. */
static bool is_wanted(const char *wanted, const struct tn_train_metric *m)
{
	size_t head = strlen(m->head);
	const char *bar = strchr(wanted, '_');

	if (!strcmp(wanted, m->name))
		return true;
	if (!strncmp(wanted, m->head, head) && wanted[head] == '.')
		return !strcmp(wanted + head + 1, m->name);
	return bar && (!strncmp(wanted, "span_", 5) || !strncmp(wanted, "answer_", 7) ||
		!strncmp(wanted, "label_", 6)) && !strcmp(bar + 1, m->name);
}

/* A head without a metric is judged by the loss. */
static bool wants_loss(const struct run *r)
{
	const char *wanted = r->job.stop.metric;

	for (size_t h = 0; h < r->p->n_heads && !wanted; h++)
		if (r->objective.trained[h] && !is_judged(r, h))
			return true;
	return r->job.frozen_features || (wanted && !strcmp(wanted, "loss"));
}

/* The mean loss of the dev examples, without dropout, and with the same tokens hidden each time. */
static int dev_loss(struct run *r, double *mean, struct tn_call *call)
{
	struct tn_objective *o = &r->objective;
	double loss = 0, count = 0;

	if (tn_plan_refresh(o->forward.plan, call))
		return tn_status(call);
	o->rows = &r->dev_rows;
	for (size_t i = 0, n; i < r->dev.data.n; i += n) {
		struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
		uint32_t examples[AT_ONCE];
		struct tn_train_batch b;

		n = r->dev.data.n - i < AT_ONCE ? r->dev.data.n - i : AT_ONCE;
		for (size_t k = 0; k < n; k++)
			examples[k] = (uint32_t)(i + k);
		if (tn_train_batch_make(&b, &r->dev, r->p, examples, n, r->masking, i, call) ||
				tn_objective_bind(&o->forward, b.items, b.n, call) ||
				tn_objective_run(o, &o->forward, b.items, b.n, b.golds, call))
			return tn_status(call);
		run_add_losses(r, &o->forward, &loss, &count);
		tn_arena_rewind(tn_call_arena(call), mark);
	}
	o->rows = &r->train_rows;
	*mean = count > 0 ? loss / count : 0;
	return 0;
}

/* The metric that the job names, or the first of each head, as a mean over heads. */
static int judge(const struct evaluating *e, double *judged, struct tn_call *call)
{
	const char *wanted = e->r->job.stop.metric, *last = NULL, *all = "loss";
	double sum = 0;
	size_t n = 0;

	if (wants_loss(e->r)) {
		*judged = -e->loss;
		return 0;
	}
	for (size_t i = 0; i < e->n; i++) {
		const struct tn_train_metric *m = &e->metrics[i];
		bool first = !last || strcmp(last, m->head);

		last = m->head;
		all = tn_printf(call, "%s, %s.%s", all, m->head, m->name);
		if (!all)
			return tn_status(call);
		if (wanted ? !is_wanted(wanted, m) : !first)
			continue;
		sum += m->value;
		n++;
	}
	if (!n && wanted)
		return tn_fail(call, TN_ECONFIG, "%s: stop.metric is %s, expected one of: %s",
			e->r->job.path, wanted, all);
	*judged = n ? sum / (double)n : -e->loss;
	return 0;
}

static int judge_answers(struct evaluating *e, struct tn_call *call)
{
	struct run *r = e->r;

	e->arena = tn_arena_create();
	e->records = tn_alloc_n(call, r->p->n_heads + 1, sizeof(*e->records));
	if (!e->arena || !e->records)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t h = 0; h < r->p->n_heads; h++) {
		if (!is_judged(r, h))
			continue;
		if (open_records(r, h, &e->records[h], call))
			return tn_status(call);
		e->records[h].arena = e->arena;
	}
	return tn_pipeline_refresh(r->p, call) || run_dev(e, call) || collect(e, call) ?
		tn_status(call) : 0;
}

/* `full`: also by the answers of the whole pipeline. */
static int judge_parameters(struct evaluating *e, bool full, double *judged,
	struct tn_call *call)
{
	int status = 0;

	if (dev_loss(e->r, &e->loss, call))
		return tn_status(call);
	if (full && any_judged(e->r))
		status = judge_answers(e, call);
	return status ? status : judge(e, judged, call);
}

/* What a head is trained or judged by, its own and everyone's. */
static int select_data(struct eval_data *own, const struct run *r, const struct tn_dataset *d,
	const char *head, struct tn_arena *arena, struct tn_call *call)
{
	*own = (struct eval_data){ .items = tn_arena_alloc(arena, (d->data.n + 1) *
		sizeof(*own->items)) };
	if (!own->items)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < d->data.n; i++) {
		const char *only = r->job.data[d->source[i]].head;

		if (!only || !strcmp(only, head))
			own->items[own->n++] = d->data.items[i];
	}
	return 0;
}

/* Judges the heads by the records, which are taken with their arena. */
static int keep_verdicts(struct evaluating *e, struct tn_call *call)
{
	struct run *r = e->r;

	r->verdict_arena = e->arena;
	e->arena = NULL;
	r->verdicts = tn_arena_alloc(r->verdict_arena, (r->p->n_heads + 1) * sizeof(*r->verdicts));
	if (!r->verdicts)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t h = 0; h < r->p->n_heads; h++) {
		struct eval_verdict *v = &r->verdicts[r->n_verdicts];
		struct eval_data data, train;

		if (!is_judged(r, h) || !e->records[h].n)
			continue;
		v->records = e->records[h];
		v->temperature = eval_temperature(&v->records);
		if (select_data(&data, r, &r->dev, v->records.head, r->verdict_arena, call) ||
				select_data(&train, r, &r->train, v->records.head, r->verdict_arena,
				call) || eval_judge(v, &(struct eval_judging){ &data, &train,
				(uint64_t)r->job.seed }, r->verdict_arena, call))
			return tn_status(call);
		r->n_verdicts++;
	}
	return 0;
}

static int evaluate(struct evaluating *e, const struct tn_train_events *events, struct tn_call *call)
{
	struct run *r = e->r;
	struct tn_train_evaluation found = { .step = r->state.step, .epoch = r->state.epoch,
		.loss = r->state.count > 0 ? r->state.loss / r->state.count : 0, .dev_loss = NAN,
		.judged = NAN };

	r->state.loss = r->state.count = 0;
	if (r->dev.data.n && judge_parameters(e, !r->job.frozen_features,
			&found.judged, call))
		return tn_status(call);
	found.dev_loss = e->loss;
	found.metrics = e->metrics;
	found.n = e->n;
	found.best = !r->dev.data.n || !(found.judged <= r->state.best);
	if (found.best) {
		r->state.best = found.judged;
		r->state.best_step = r->state.step;
		r->state.worse = 0;
		if (r->dev.data.n && tn_parameters_write(r->best_path, &r->optimizer, call))
			return tn_status(call);
	} else {
		r->state.worse++;
	}
	if (events && events->evaluated)
		events->evaluated(events->user, &found);
	return run_log_evaluation(r, &found, call);
}

int run_evaluate(struct run *r, const struct tn_train_events *events, struct tn_call *call)
{
	struct evaluating e = { .r = r, .loss = NAN };
	int status = evaluate(&e, events, call);

	tn_arena_destroy(e.arena);
	return status;
}

static int evaluate_best(struct evaluating *e, const struct tn_train_events *events,
	struct tn_call *call)
{
	struct run *r = e->r;
	struct tn_train_evaluation found = { .step = r->state.best_step, .epoch = r->state.epoch,
		.loss = NAN, .best = true };

	if (!r->job.frozen_features)
		return judge_answers(e, call);
	if (judge_parameters(e, true, &found.judged, call))
		return tn_status(call);
	found.dev_loss = e->loss;
	found.metrics = e->metrics;
	found.n = e->n;
	if (events && events->evaluated)
		events->evaluated(events->user, &found);
	return run_log_evaluation(r, &found, call);
}

int run_evaluate_best(struct run *r, const struct tn_train_events *events, struct tn_call *call)
{
	struct evaluating e = { .r = r };
	int status;

	if (!r->dev.data.n || (!r->job.frozen_features && !any_judged(r)))
		return 0;
	status = evaluate_best(&e, events, call);
	if (!status && e.arena)
		status = keep_verdicts(&e, call);
	tn_arena_destroy(e.arena);
	return status;
}
