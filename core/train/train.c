/* SPDX-License-Identifier: Apache-2.0
 * core/train/train.c - the training loop.
 */
#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "train/run.h"

/* --- opening --- */

static int find_labels(void *user, const char *head, enum tn_task task,
	struct tn_gold_labels *found, struct tn_call *call)
{
	struct run *r = user;

	if (tn_dataset_labels(&r->train, &r->job, head, task, r->arena, found, call))
		return tn_status(call);
	if (found->kind == TN_GOLD_LABEL && found->n == 1)
		return tn_fail(call, TN_EDATA, "%s: all train examples have the same label, %s, so "
			"head %s has nothing to learn", r->job.path, found->items[0], head);
	return 0;
}

static bool is_frozen(void *user, const char *name)
{
	const struct run *r = user;

	return run_matches(&r->job.freeze, name);
}

static bool is_trained(void *user, const char *head)
{
	const struct run *r = user;

	for (size_t i = 0; i < r->job.heads.n; i++)
		if (!strcmp(r->job.heads.items[i], head))
			return true;
	return !r->job.heads.n;
}

/* The heads that the job names must be there and have a loss. */
static int check_heads(struct run *r, struct tn_call *call)
{
	const struct tn_pipeline_head *heads = r->p->heads;

	for (size_t i = 0; i < r->job.heads.n; i++) {
		const char *name = r->job.heads.items[i];
		size_t h = 0;

		while (h < r->p->n_heads && strcmp(heads[h].name, name))
			h++;
		if (h == r->p->n_heads)
			tn_fault(call, TN_ECONFIG, "%s: heads: %s has no head %s", r->job.path,
				r->job.pipeline, tn_quote(call, name, strlen(name)));
		else if (!heads[h].impl->loss || !heads[h].impl->target)
			tn_fault(call, TN_ECONFIG, "%s: heads: head %s cannot be trained: %s has no "
				"loss", r->job.path, name, heads[h].plugin->names[0]);
	}
	return tn_status(call);
}

static int open_objective(struct run *r, struct tn_call *call)
{
	const struct tn_objective_options options = { .real = TN_F32,
		.precision = r->job.precision == TN_TRAIN_BF16 ? TN_BF16 : 0,
		.dropout = r->job.dropout,
		.forward = r->dev.data.n, .seed = (uint64_t)r->job.seed, .frozen = is_frozen,
		.features = r->job.frozen_features ? &r->features : NULL,
		.trains = is_trained, .user = r };
	const char **settings = tn_arena_alloc(r->arena, (r->job.set.n + 1) * sizeof(*settings));

	if (!settings)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < r->job.set.n; i++)
		settings[i] = r->job.set.items[i];
	r->training = (struct tn_training){ .labels = find_labels,
		.frozen_features = r->job.frozen_features, .user = r };
	r->p = tn_pipeline_open_training(r->job.pipeline, settings, &r->training, call);
	if (!r->p)
		return tn_status(call);
	if (check_heads(r, call))
		return tn_status(call);
	r->opened = true;
	if (r->job.frozen_features &&
			tn_features_open(&r->features, r->p, is_trained, r, call))
		return tn_status(call);
	if (tn_objective_open(&r->objective, r->p, &options, call))
		return tn_status(call);
	for (size_t h = 0; h < r->p->n_heads; h++)
		if (r->objective.trained[h] && r->p->heads[h].impl->task == TN_TASK_TOKENS)
			r->masking = &r->job.masking;
	return tn_pipeline_plan(r->p, call);
}

/* Whether what an example says fits the heads; errors begin with its place. */
static int check_example(void *user, size_t i, struct tn_call *call)
{
	struct run *r = user;
	uint32_t number = (uint32_t)i;
	struct tn_train_batch b;

	if (tn_train_batch_make(&b, &r->train, r->p, &number, 1, r->masking, 0, call))
		return tn_status(call);
	for (size_t k = 0; k < b.n; k++)
		if (tn_objective_check(&r->objective, &b.items[k], &b.golds[k], call))
			return run_place_error(r, i, call);
	return 0;
}

static int check_data(struct run *r, struct tn_call *call)
{
	if (tn_dataset_scan(&r->train, &r->job, r->p, check_example, r, call))
		return tn_status(call);
	if (r->train.data.dropped)
		tn_note(call, "%zu train examples are wrong and dropped, the first: %s",
			r->train.data.dropped, r->train.data.bad[0] ? r->train.data.bad[0] : "");
	if (r->train.n_truncated)
		tn_note(call, "%zu of %zu examples are longer than the model takes and lose text",
			r->train.n_truncated, r->train.data.n);
	return 0;
}

static int make_epoch(struct run *r, uint64_t epoch, struct tn_call *call)
{
	return tn_epoch_make(&r->epoch, &r->train, &r->job, epoch, call);
}

/* The features of a dataset, some examples at a time. */
static int encode(struct run *r, const struct tn_dataset *d, struct tn_feature_rows *rows,
	const struct tn_train_events *events, struct tn_call *call)
{
	enum { AT_ONCE = 32 };
	uint32_t examples[AT_ONCE];

	if (tn_feature_rows_make(rows, &r->features, d->data.n, d->tokens, d->windows, call))
		return tn_status(call);
	for (size_t i = 0, n; i < d->data.n; i += n) {
		struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
		struct tn_train_batch b;

		n = d->data.n - i < AT_ONCE ? d->data.n - i : AT_ONCE;
		for (size_t k = 0; k < n; k++)
			examples[k] = (uint32_t)(i + k);
		if (tn_train_batch_make(&b, d, r->p, examples, n, NULL, 0, call) ||
				tn_features_compute(&r->features, rows, b.items, b.n, call))
			return tn_status(call);
		if (events && events->encoding)
			events->encoding(events->user, (double)(i + n) / (double)d->data.n);
		tn_arena_rewind(tn_call_arena(call), mark);
	}
	return 0;
}

static int encode_all(struct run *r, const struct tn_train_events *events, struct tn_call *call)
{
	if (!r->job.frozen_features)
		return 0;
	if (r->masking)
		return tn_fail(call, TN_ECONFIG, "%s: frozen_features: a masked language model has "
			"other features each time", r->job.path);
	if (encode(r, &r->train, &r->train_rows, events, call))
		return tn_status(call);
	r->objective.rows = &r->train_rows;
	if (!r->dev.data.n)
		return 0;
	return tn_dataset_scan(&r->dev, &r->job, r->p, NULL, NULL, call) ||
		encode(r, &r->dev, &r->dev_rows, events, call) ? tn_status(call) : 0;
}

/* How many steps there are in all. */
static int count_steps(struct run *r, struct tn_call *call)
{
	size_t per_step = (size_t)r->job.batch.accumulate;
	uint64_t most = r->job.stop.steps ? (uint64_t)r->job.stop.steps : UINT64_MAX;
	uint64_t epochs = r->job.stop.epochs ? (uint64_t)r->job.stop.epochs : UINT64_MAX;

	r->steps = 0;
	for (uint64_t e = 0; e < epochs && r->steps < most; e++) {
		if (make_epoch(r, e, call))
			return tn_status(call);
		r->steps += (r->epoch.n_batches + per_step - 1) / per_step;
	}
	if (r->steps > most)
		r->steps = most;
	return 0;
}

static int open_run(struct run *r, const struct tn_train_options *options,
	const struct tn_train_events *events, struct tn_call *call)
{
	r->arena = tn_arena_create();
	if (!r->arena)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	if (tn_job_file_read(&r->job, options->job, options->settings, r->arena, call) ||
			run_open_output(r, options, call) ||
			tn_dataset_read(&r->train, &r->job, false, r->arena, call) ||
			tn_dataset_read(&r->dev, &r->job, true, r->arena, call) ||
			open_objective(r, call) || check_data(r, call) ||
			run_open_measures(r, call) || encode_all(r, events, call) ||
			count_steps(r, call))
		return tn_status(call);
	r->optimizer_opened = true;
	if (tn_optimizer_open(&r->optimizer, &r->objective, &r->job.optim,
			r->job.batch.accumulate > 1, call))
		return tn_status(call);
	if (!options->resume && run_guard(r, call))
		return tn_status(call);
	r->state = (struct tn_train_state){ .best = NAN };
	return run_begin(r, options->resume, call);
}

static void close_run(struct run *r)
{
	run_close_log(r);
	if (r->optimizer_opened)
		tn_optimizer_close(&r->optimizer);
	if (r->opened)
		tn_objective_close(&r->objective);
	tn_features_close(&r->features);
	tn_feature_rows_finish(&r->train_rows);
	tn_feature_rows_finish(&r->dev_rows);
	tn_pipeline_close(r->p);
	tn_epoch_finish(&r->epoch);
	tn_dataset_finish(&r->train);
	tn_dataset_finish(&r->dev);
	tn_arena_destroy(r->verdict_arena);
	tn_arena_destroy(r->arena);
}

/* --- the loop --- */

void run_add_losses(const struct run *r, const struct tn_objective_plan *plan, double *loss,
	double *count)
{
	const struct tn_objective *o = &r->objective;
	double head_loss, head_count;

	for (size_t k = 0; k < o->n_trained; k++) {
		tn_objective_loss(o, plan, k, &head_loss, &head_count);
		if (o->n_trained == 1) {
			*loss += head_loss;
			*count += head_count;
			return;
		}
		*loss += head_count > 0 ? head_loss / head_count : 0;
	}
	*count += 1;
}

/* Runs the next batch; its gradients are in the objective, or added up. */
static int run_batch(struct run *r, struct tn_train_step *step, double *loss, double *count,
	struct tn_call *call)
{
	struct tn_objective *o = &r->objective;
	size_t begin = r->epoch.begin[r->state.batch], end = r->epoch.begin[r->state.batch + 1];
	struct tn_train_batch b;
	uint64_t draw;

	draw = tn_mix(tn_mix((uint64_t)r->job.seed) ^ ++r->state.draws);
	if (tn_train_batch_make(&b, &r->train, r->p, r->epoch.order + begin, end - begin,
			r->masking, draw, call))
		return tn_status(call);
	tn_plan_draw(o->backward.plan, (uint32_t)draw);
	if (tn_objective_bind(&o->backward, b.items, b.n, call) ||
			tn_objective_run(o, &o->backward, b.items, b.n, b.golds, call))
		return tn_status(call);
	run_add_losses(r, &o->backward, loss, count);
	step->examples += end - begin;
	step->tokens += b.tokens;
	r->state.batch++;
	return r->job.batch.accumulate > 1 ? tn_optimizer_add(&r->optimizer, call) : 0;
}

static int not_finite(struct run *r, const struct tn_train_step *step, uint64_t first,
	struct tn_call *call)
{
	size_t at = r->epoch.begin[first];
	const char *where = r->train.data.items[r->epoch.order[at]].where;

	return tn_fail(call, TN_EDATA, "step %llu: the loss is %g, the gradient's norm %g (epoch %llu, "
		"batch %llu, %zu examples, the first is %s); the checkpoint before it stays",
		(unsigned long long)step->step, step->loss, step->norm,
		(unsigned long long)step->epoch + 1, (unsigned long long)first + 1, step->examples,
		where);
}

static int run_step(struct run *r, struct tn_train_step *step, struct tn_call *call)
{
	uint64_t first = r->state.batch;
	double loss = 0, count = 0;
	int status = 1;

	*step = (struct tn_train_step){ .step = r->state.step + 1, .steps = r->steps,
		.epoch = r->state.epoch };
	step->rate = r->job.optim.lr * tn_schedule_at(&r->job.optim, step->step, r->steps);
	for (int64_t i = 0; i < r->job.batch.accumulate && r->state.batch < r->epoch.n_batches; i++)
		if (run_batch(r, step, &loss, &count, call))
			return tn_status(call);
	r->state.step++;
	if (count > 0)
		status = tn_optimizer_step(&r->optimizer, step->step, step->rate, count, call);
	if (status < 0)
		return status;
	step->norm = r->optimizer.norm;
	step->loss = count > 0 ? loss / count : 0;
	if (!status || !isfinite(step->loss))
		return not_finite(r, step, first, call);
	r->state.loss += loss;
	r->state.count += count;
	return run_log_step(r, step, call);
}

static bool is_time(const struct run *r, int64_t every, bool otherwise)
{
	return every ? r->state.step % (uint64_t)every == 0 : otherwise;
}

/* Evaluates and saves when it is time.  1: the job is done. */
static int finish_step(struct run *r, const struct tn_train_events *events, struct tn_call *call)
{
	bool last_batch = r->state.batch == r->epoch.n_batches, last, evaluated;

	if (last_batch) {
		r->state.epoch++;
		r->state.batch = 0;
	}
	last = r->state.step == r->steps;
	evaluated = last || is_time(r, r->job.eval.every, last_batch);
	if (evaluated && run_evaluate(r, events, call))
		return tn_status(call);
	if (r->job.stop.patience && r->state.worse >= (uint64_t)r->job.stop.patience)
		last = true;
	if ((last || is_time(r, r->job.checkpoint.every, evaluated)) && run_save(r, last, call))
		return tn_status(call);
	if (!last && last_batch && make_epoch(r, r->state.epoch, call))
		return tn_status(call);
	return last;
}

static int loop(struct run *r, const struct tn_train_events *events, struct tn_train_result *result,
	struct tn_call *call)
{
	struct tn_train_step step;
	int done = r->finished;

	if (!done && make_epoch(r, r->state.epoch, call))
		return tn_status(call);
	while (!done) {
		struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
		bool stop;

		if (run_step(r, &step, call))
			return tn_status(call);
		done = finish_step(r, events, call);
		if (done < 0)
			return done;
		stop = events && events->step && events->step(events->user, &step);
		tn_arena_rewind(tn_call_arena(call), mark);
		if (!stop || done)
			continue;
		result->end = TN_TRAIN_STOPPED;
		return run_save(r, false, call);
	}
	return run_finish(r, events, call);
}

int tn_train_run(const struct tn_train_options *options, const struct tn_train_events *events,
	struct tn_train_result *result, struct tn_call *call)
{
	struct run *r = calloc(1, sizeof(*r));

	*result = (struct tn_train_result){ .best = NAN };
	if (!r)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	if (!open_run(r, options, events, call))
		loop(r, events, result, call);
	result->step = r->state.step;
	result->steps = r->steps;
	result->best = r->state.best;
	result->best_step = r->state.best_step;
	result->output = r->job.output ? tn_printf(call, "%s", r->job.output) : NULL;
	close_run(r);
	free(r);
	return tn_status(call);
}
