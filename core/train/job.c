/* SPDX-License-Identifier: Apache-2.0
 * core/train/job.c - reads a job's file.
 */
#include "train/job.h"

#include <math.h>
#include <string.h>

#include "base/config.h"
#include "eval/gold.h"

#define WHOLE(state, field, value, lo, about) TN_OPTION_INT(state, field, value, lo, 1e15, about)

static const char *const schedules[] = { "linear", "cosine", "constant", NULL };

static const char *const dtypes[] = { "float32", "float16", "bfloat16", NULL };

static const char *const precisions[] = { "fp32", "bf16", NULL };

static const char *const on_bad[] = { "error", "drop", NULL };

static const struct tn_option job_options[] = {
	TN_OPTION_PATH(struct tn_job_file, pipeline, "the pipeline whose heads are trained"),
	TN_OPTION_PATH(struct tn_job_file, output, "the directory to write"),
	TN_OPTION_STRINGS(struct tn_job_file, set, "settings that go over the pipeline's"),
	TN_OPTION_STRINGS(struct tn_job_file, heads, "the heads to train; default: all that can be"),
	TN_OPTION_STRINGS(struct tn_job_file, freeze, "globs of parameters that stay as they are"),
	WHOLE(struct tn_job_file, seed, 42, 0, "of shuffling, dropout and new weights"),
	TN_OPTION_CHOICE(struct tn_job_file, dtype, dtypes, "float32",
		"of the weights in the model directory that is written"),
	TN_OPTION_CHOICE(struct tn_job_file, precision, precisions, "fp32",
		"of the products of linear layers, forward and backward"),
	TN_OPTION_BOOL(struct tn_job_file, dropout, true, "the model's dropout"),
	TN_OPTION_BOOL(struct tn_job_file, frozen_features, false,
		"the model stays as it is and runs once for each example"),
	TN_OPTION_BOOL(struct tn_job_file, shuffle, true, "else examples come as in the files"),
	{ 0 }
};
static const struct tn_option data_options[] = {
	TN_OPTION_PATH(struct tn_job_data, train, "examples to learn from"),
	TN_OPTION_PATH(struct tn_job_data, dev, "examples to judge by"),
	TN_OPTION_STRING(struct tn_job_data, format, NULL, "of both files"),
	TN_OPTION_STRING(struct tn_job_data, head, NULL, "whose the answers are"),
	TN_OPTION_STRINGS(struct tn_job_data, columns, "what the columns are"),
	TN_OPTION_BOOL(struct tn_job_data, header, false, "the first line names the columns"),
	TN_OPTION_BOOL(struct tn_job_data, iob1, false, "tags are IOB1: they become BIO"),
	TN_OPTION_CHOICE(struct tn_job_data, on_bad, on_bad, "error", "examples that are wrong"),
	{ 0 }
};
static const struct tn_option optim_options[] = {
	TN_OPTION_REAL(struct tn_job_optim, lr, 3e-5, 0, 10, "the highest learning rate"),
	TN_OPTION_REAL(struct tn_job_optim, weight_decay, 0.01, 0, 10,
		"of matrices; biases and norms have none"),
	TN_OPTION_REAL(struct tn_job_optim, beta1, 0.9, 0, 0.9999999, "of the first moment"),
	TN_OPTION_REAL(struct tn_job_optim, beta2, 0.999, 0, 0.9999999, "of the second moment"),
	TN_OPTION_REAL(struct tn_job_optim, eps, 1e-8, 1e-30, 1, "beside the second moment's root"),
	TN_OPTION_REAL(struct tn_job_optim, clip, 1.0, 0, 1e30,
		"the largest norm of the gradient; 0: any"),
	TN_OPTION_REAL(struct tn_job_optim, warmup, 0.1, 0, 1e15,
		"steps in which the rate rises, or less than 1: their share"),
	TN_OPTION_REAL(struct tn_job_optim, layer_decay, 1.0, 1e-6, 1,
		"factor of the rate for each layer further from the heads"),
	TN_OPTION_CHOICE(struct tn_job_optim, schedule, schedules, "linear", "how the rate falls"),
	{ 0 }
};
static const struct tn_option group_options[] = {
	TN_OPTION_STRING(struct tn_job_group, match, NULL, "a glob of parameters' names"),
	TN_OPTION_REAL(struct tn_job_group, lr, NAN, 0, 10, "their highest learning rate"),
	TN_OPTION_REAL(struct tn_job_group, lr_scale, NAN, 0, 1e6, "factor of optim.lr for them"),
	TN_OPTION_REAL(struct tn_job_group, weight_decay, NAN, 0, 10, "their weight decay"),
	{ 0 }
};

static const struct tn_option masking_options[] = {
	TN_OPTION_REAL(struct tn_masking, probability, 0.15, 0, 1, "of a token to be hidden"),
	TN_OPTION_BOOL(struct tn_masking, whole_words, false, "all tokens of a word, or none"),
	{ 0 }
};

#define MEMBER(group, field) { .name = #field, .offset = offsetof(struct tn_job_file, group.field)
#define COUNT(group, field, value, lo, about) MEMBER(group, field), .type = TN_OPT_INT, \
	.number = (value), .min = (lo), .max = 1e15, .help = (about) }

static const struct tn_option batch_options[] = {
	COUNT(batch, tokens, 4096, 1, "at most so many, unless one example has more"),
	COUNT(batch, examples, 0, 0, "at most so many; 0: any"),
	COUNT(batch, accumulate, 1, 1, "batches of one step"),
	{ 0 }
};
static const struct tn_option stop_options[] = {
	COUNT(stop, epochs, 3, 0, "passes over the data"),
	COUNT(stop, steps, 0, 0, "steps at most; 0: any"),
	COUNT(stop, patience, 0, 0, "evaluations without a better metric; 0: any"),
	MEMBER(stop, metric), .type = TN_OPT_STRING, .help = "what is to rise" },
	{ 0 }
};
static const struct tn_option eval_options[] = {
	COUNT(eval, every, 0, 0, "steps between evaluations; 0: an epoch"),
	{ 0 }
};
static const struct tn_option checkpoint_options[] = {
	COUNT(checkpoint, every, 0, 0, "steps between checkpoints; 0: at each evaluation"),
	{ 0 }
};
static const char *const groups[] = { "batch", "checkpoint", "data", "eval", "masking",
	"optim", "stop", NULL };
static const char *const optim_lists[] = { "groups", NULL };

/* What the functions below share. */
struct reading {
	struct tn_job_file *job;
	struct tn_arena *arena;
	struct tn_call *call;
};

static void read_group(const struct reading *r, const struct tn_option *options, void *fields,
	const struct tn_value *group, const char *const *reserved, const char *where)
{
	tn_options_read(options, "", fields, group, reserved, where, r->arena, r->call);
}

static void missing(const struct reading *r, const struct tn_value *place, const char *what)
{
	const char *where = place ? tn_value_where(place, r->call) : r->job->path;

	tn_fault(r->call, TN_ECONFIG, "%s: there is no setting %s", where, what);
}

static void read_data_group(const struct reading *r, const struct tn_value *v)
{
	struct tn_job_data *d = &r->job->data[r->job->n_data++];

	read_group(r, data_options, d, v, NULL, "data");
	if (!d->train)
		missing(r, v, "data.train, which names the examples to learn from");
	if (d->format && eval_format_of(d->format) < 0)
		tn_fault(r->call, TN_ECONFIG, "%s: data.format: found %s, expected " EVAL_FORMATS,
			tn_value_where(v, r->call), tn_quote(r->call, d->format, strlen(d->format)));
}

/* One group, or a list of them. */
static void read_data(const struct reading *r)
{
	const struct tn_value *v = tn_get(r->job->tree, "data");
	bool list = tn_value_kind(v) == TN_VALUE_LIST;

	if (!v || (list && !tn_size(v))) {
		missing(r, v, "data = { train = FILE; dev = FILE; }");
		return;
	}
	if (!list)
		read_data_group(r, v);
	for (size_t i = 0; list && i < tn_size(v) && i < TN_MOST_GROUPS; i++)
		read_data_group(r, tn_at(v, i));
	if (list && tn_size(v) > TN_MOST_GROUPS)
		tn_fault(r->call, TN_ECONFIG, "%s: data has %zu groups, expected at most %d",
			tn_value_where(v, r->call), tn_size(v), TN_MOST_GROUPS);
}

static void read_parameter_groups(const struct reading *r, const struct tn_value *v)
{
	struct tn_job_optim *o = &r->job->optim;

	if (v && (tn_value_kind(v) != TN_VALUE_LIST || tn_size(v) > TN_MOST_GROUPS)) {
		tn_fault(r->call, TN_ECONFIG, "%s: optim.groups: expected a list of at most %d "
			"groups: ( { match = GLOB; lr = RATE; } )", tn_value_where(v, r->call),
			TN_MOST_GROUPS);
		return;
	}
	for (size_t i = 0; i < tn_size(v); i++) {
		struct tn_job_group *g = &o->groups[o->n_groups++];

		read_group(r, group_options, g, tn_at(v, i), NULL, "optim.groups");
		if (!g->match)
			missing(r, tn_at(v, i), "optim.groups.match, a glob");
		if (!isnan(g->lr) && !isnan(g->lr_scale))
			tn_fault(r->call, TN_ECONFIG, "%s: optim.groups: lr and lr_scale are both "
				"given", tn_value_where(tn_at(v, i), r->call));
	}
}

static void read_tree(const struct reading *r)
{
	struct tn_job_file *job = r->job;
	const struct tn_value *optim = tn_get(job->tree, "optim");

	read_group(r, job_options, job, job->tree, groups, "");
	if (!job->pipeline)
		missing(r, NULL, "pipeline, which names a configuration file or a model directory");
	if (!job->output)
		missing(r, NULL, "output, which names the directory to write");
	read_data(r);
	read_group(r, optim_options, &job->optim, optim, optim_lists, "optim");
	read_parameter_groups(r, tn_get(optim, "groups"));
	read_group(r, masking_options, &job->masking, tn_get(job->tree, "masking"), NULL, "masking");
	read_group(r, batch_options, job, tn_get(job->tree, "batch"), NULL, "batch");
	read_group(r, stop_options, job, tn_get(job->tree, "stop"), NULL, "stop");
	read_group(r, eval_options, job, tn_get(job->tree, "eval"), NULL, "eval");
	read_group(r, checkpoint_options, job, tn_get(job->tree, "checkpoint"), NULL, "checkpoint");
	if (!job->stop.epochs && !job->stop.steps)
		tn_fault(r->call, TN_ECONFIG, "%s: stop.epochs is 0 and stop.steps is not given: the "
			"job would never end", job->path);
}

int tn_job_file_read(struct tn_job_file *job, const char *path, const char *const *settings,
	struct tn_arena *arena, struct tn_call *call)
{
	struct reading r = { job, arena, call };

	*job = (struct tn_job_file){ .path = path, .tree = tn_config_read(path, arena, call) };
	if (!job->tree)
		return tn_status(call);
	for (size_t i = 0; settings && settings[i]; i++)
		tn_config_set(job->tree, settings[i], arena, call);
	read_tree(&r);
	return tn_status(call);
}
