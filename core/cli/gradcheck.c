/* SPDX-License-Identifier: Apache-2.0
 * core/cli/gradcheck.c - tenon gradcheck: are the gradients that train a pipeline right?
 */
#include <argp.h>
#include <libsmartcols.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/plugins.h"
#include "train/gradcheck.h"

#define MOST_SETTINGS 64
#define FLOOR 1e-4
#define N_TEXTS 3

struct arguments {
	const char *pipeline;
	const char *settings[MOST_SETTINGS + 1];
	size_t n_settings, entries;
	double tolerance;
};

enum { KEY_ENTRIES = 256, KEY_SET, KEY_TOLERANCE };

static const struct argp_option options[] = {
	{ "entries", KEY_ENTRIES, "N", 0, "elements of each tensor to look at one by one (3)", 0 },
	{ "tolerance", KEY_TOLERANCE, "X", 0, "the largest relative error allowed (1e-4)", 0 },
	{ "set", KEY_SET, "PATH=VALUE", 0, "a setting; may be given again", 0 },
	{ 0 }
};

static const struct {
	const char *text, *pair;
} texts[N_TEXTS] = {
	{ "Ada moved to Oslo.", "She opened a shop there in May." },
	{ "It rained all week.", "The roof leaks." },
	{ "Who won?", "They did not say." },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	char *end;

	switch (key) {
	case KEY_ENTRIES:
		a->entries = strtoul(arg, &end, 10);
		if (*arg < '0' || *arg > '9' || *end || a->entries > 1000000)
			argp_error(state, "--entries: found %s, expected a number of at most 1000000",
				arg);
		return 0;
	case KEY_TOLERANCE:
		a->tolerance = strtod(arg, &end);
		if (end == arg || *end || !(a->tolerance >= 0) || isinf(a->tolerance))
			argp_error(state, "--tolerance: found %s, expected a number from 0", arg);
		return 0;
	case KEY_SET:
		if (a->n_settings == MOST_SETTINGS)
			argp_error(state, "--set: more than %d are given", MOST_SETTINGS);
		a->settings[a->n_settings++] = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (a->pipeline)
			return ARGP_ERR_UNKNOWN;
		a->pipeline = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->pipeline)
			argp_error(state, "the pipeline is missing");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* A batch of made-up examples. */
struct examples {
	struct tn_input inputs[N_TEXTS];
	struct tn_job jobs[N_TEXTS];
	struct tn_batch_item *items;	/* all windows of all jobs */
	struct tn_gold *golds;		/* of each */
	size_t n;
};

static struct tn_text text_of(const char *text)
{
	return (struct tn_text){ text, strlen(text) };
}

/* Hides every third token of a window's texts; the hidden ones are to be found. */
static int hide_tokens(struct tn_window *w, int32_t mask, struct tn_gold *gold,
	struct tn_call *call)
{
	struct tn_window_token *tokens = tn_alloc_n(call, w->n_tokens + 1, sizeof(*tokens));
	int32_t *ids = tn_alloc_n(call, w->n_tokens + 1, sizeof(*ids));

	if (!tokens || !ids)
		return tn_status(call);
	for (size_t t = 0; t < w->n_tokens; t++) {
		tokens[t] = w->tokens[t];
		ids[t] = t % 3 == 1 && tokens[t].sequence >= 0 ? tokens[t].id : -1;
		if (ids[t] >= 0)
			tokens[t].id = mask;
	}
	w->tokens = tokens;
	gold->ids = ids;
	return 0;
}

static int add_job(const struct tn_pipeline *p, struct examples *e, size_t i, bool pair,
	bool hidden, struct tn_call *call)
{
	struct tn_job *job = &e->jobs[i];

	e->inputs[i].text = text_of(texts[i].text);
	if (pair)
		e->inputs[i].pair = text_of(texts[i].pair);
	if (tn_job_prepare((struct tn_pipeline *)p, &e->inputs[i], job, call))
		return tn_status(call);
	if (job->error)
		return tn_fail(call, TN_EDATA, "%s", job->error);
	e->items = realloc(e->items, (e->n + job->windows.n) * sizeof(*e->items));
	e->golds = realloc(e->golds, (e->n + job->windows.n) * sizeof(*e->golds));
	if (!e->items || !e->golds)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	for (size_t w = 0; w < job->windows.n; w++, e->n++) {
		e->items[e->n] = (struct tn_batch_item){ job, w };
		e->golds[e->n] = (struct tn_gold){ 0 };
		if (hidden && hide_tokens(&job->windows.items[w], p->tokenizer_info->mask,
				&e->golds[e->n], call))
			return tn_status(call);
	}
	return 0;
}

/* Answers that fit any head of its task: labels by number, numbers, a span of the pair. */
static int make_answers(struct examples *e, size_t i, struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_gold *gold = &e->golds[i];
	struct tn_word *answer = tn_alloc(call, sizeof(*answer));
	size_t job = (size_t)(e->items[i].job - e->jobs);

	gold->label = tn_new_int(arena, (int64_t)(job % 2));
	if (!gold->label || !answer)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	*answer = (struct tn_word){ 0, (uint32_t)(e->inputs[job].pair.len / 2) };
	gold->has_answers = e->inputs[job].pair.text != NULL;
	gold->answers = answer;
	gold->n_answers = gold->has_answers && job != 1;
	return 0;
}

/* Numbers or labels for a classifier of n outputs. */
static int make_labels(struct examples *e, size_t i, size_t n, bool numbers, struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *list = tn_new_list(arena);

	if (!list)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	if (!numbers && n == 1)
		e->golds[i].label = tn_new_int(arena, 0);
	for (size_t k = 0; k < n; k++) {
		if (!numbers && (k + i) % 2)
			continue;
		if (!tn_append(arena, list, numbers ? tn_new_real(arena, 0.5 + (double)(k + i)) :
				tn_new_int(arena, (int64_t)k)))
			return tn_fail(call, TN_ENOMEM, "out of memory");
	}
	e->golds[i].labels = list;
	return 0;
}

/* Tags of each word: the labels in turn from `first` on, every `step`-th. */
static int make_tags(struct examples *e, const char *const *labels, size_t n, size_t first,
	size_t step, struct tn_call *call)
{
	for (size_t i = 0; i < e->n; i++) {
		size_t words = e->items[i].job->example.n_words;
		struct tn_text *tags = tn_alloc_n(call, words + 1, sizeof(*tags));

		if (!tags)
			return tn_status(call);
		for (size_t w = 0; w < words; w++)
			tags[w] = text_of(labels[(first + w * step) % n]);
		e->golds[i].tags = tags;
	}
	return 0;
}

/* Whether the targets fit; what is wrong with them is forgotten. */
static bool fits(struct tn_objective *o, struct examples *e, struct tn_call *call)
{
	if (!tn_objective_bind(&o->forward, e->items, e->n, call) &&
			!tn_objective_run(o, &o->forward, e->items, e->n, e->golds, call))
		return true;
	if (tn_status(call) == TN_EDATA)
		tn_clear(call);
	return false;
}

/* Tags that the head's scheme allows: all labels in turn, else each by itself. */
static int choose_tags(struct tn_objective *o, struct examples *e, const struct tn_head_env *env,
	struct tn_call *call)
{
	size_t n = env->n_labels;

	if (make_tags(e, env->labels, n, 0, 1, call) || fits(o, e, call))
		return tn_status(call);
	for (size_t first = 0; first < n && !tn_status(call); first++)
		if (make_tags(e, env->labels, n, first, 0, call) || fits(o, e, call))
			return tn_status(call);
	return tn_fail(call, TN_EDATA, "head %s: no tags are found that its scheme allows",
		env->name);
}

static int make_examples(struct tn_objective *o, struct examples *e, struct tn_call *call)
{
	const struct tn_pipeline *p = o->p;
	bool pair = false, hidden = false;

	for (size_t h = 0; h < p->n_heads; h++) {
		pair |= p->heads[h].impl->task == TN_TASK_ANSWER;
		hidden |= p->heads[h].impl->task == TN_TASK_TOKENS;
	}
	for (size_t i = 0; i < N_TEXTS; i++)
		if (add_job(p, e, i, pair, hidden, call))
			return tn_status(call);
	for (size_t i = 0; i < e->n; i++)
		if (make_answers(e, i, call))
			return tn_status(call);
	for (size_t h = 0; h < p->n_heads; h++) {
		const struct tn_pipeline_head *head = &p->heads[h];

		if (!o->trained[h])
			continue;
		if (head->impl->task == TN_TASK_SPANS && choose_tags(o, e, &head->env, call))
			return tn_status(call);
		/* Of a classifier only the head knows whether labels, several, or numbers. */
		for (int numbers = 0; head->impl->task == TN_TASK_LABEL && numbers < 2; numbers++) {
			if (fits(o, e, call))
				break;
			for (size_t i = 0; i < e->n && !tn_status(call); i++)
				make_labels(e, i, head->env.n_labels, numbers, call);
		}
	}
	return tn_status(call);
}

/* A parameter's group: its name with a star for each number. */
static void group_of(const char *name, char *group, size_t size)
{
	size_t n = 0;

	while (*name && n + 1 < size) {
		bool digit = *name >= '0' && *name <= '9';

		group[n++] = digit ? '*' : *name;
		while (digit && *name >= '0' && *name <= '9')
			name++;
		name += !digit;
	}
	group[n] = 0;
}

struct group {
	char name[200];
	size_t tensors, entries;
	double largest, error;
};

static size_t collect(const struct tn_objective *o, const struct tn_grad_error *errors,
	struct group *groups)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n; i++) {
		char name[sizeof(groups->name)];
		size_t k = 0;

		group_of(o->items[i].name, name, sizeof(name));
		while (k < n && strcmp(groups[k].name, name))
			k++;
		if (k == n)
			memcpy(groups[n++].name, name, sizeof(name));
		groups[k].tensors++;
		groups[k].entries += errors[i].n;
		groups[k].largest = fmax(groups[k].largest, errors[i].largest);
		if (!(errors[i].error <= groups[k].error))
			groups[k].error = errors[i].error;
	}
	return n;
}

static int print_groups(const struct group *groups, size_t n, double tolerance,
	struct tn_call *call)
{
	static const char *const names[] = { "TENSORS", "ENTRIES", "LARGEST", "ERROR", "PARAMETERS" };
	struct libscols_table *table = tn_cli_table(names, 5, call);

	for (size_t i = 0; table && i < n; i++) {
		const struct group *g = &groups[i];
		const char *cells[] = { tn_printf(call, "%zu", g->tensors),
			tn_printf(call, "%zu", g->entries), tn_printf(call, "%.2e", g->largest),
			tn_printf(call, "%.1e%s", g->error, g->error <= tolerance ? "" : " *"),
			g->name };

		if (tn_cli_line(table, cells, 5, call))
			break;
	}
	if (table && !tn_status(call) && scols_print_table(table))
		tn_fail(call, TN_ENOMEM, "out of memory");
	scols_unref_table(table);
	return tn_status(call);
}

static int report(const struct tn_objective *o, const struct tn_grad_error *errors,
	double tolerance, struct tn_call *call)
{
	struct group *groups = tn_alloc_n(call, o->n + 1, sizeof(*groups));
	size_t n;

	if (!groups)
		return tn_status(call);
	n = collect(o, errors, groups);
	if (print_groups(groups, n, tolerance, call))
		return tn_status(call);
	for (size_t i = 0; i < n; i++)
		if (!(groups[i].error <= tolerance))
			return 1;
	return 0;
}

/* 0 or 1, the verdict; or an error. */
static int check(const struct arguments *a, struct tn_pipeline *p, struct tn_call *call)
{
	struct tn_objective o;
	struct examples e = { 0 };
	struct tn_grad_error *errors;
	const struct tn_objective_options as = { .real = TN_F64, .dropout = true,
		.forward = true, .forward_dropout = true };
	int status = tn_objective_open(&o, p, &as, call);

	for (size_t h = 0; !status && h < p->n_heads; h++)
		if (!o.trained[h])
			tn_note(call, "head %s is left out: %s has no loss", p->heads[h].name,
				p->heads[h].plugin->names[0]);
	if (!status)
		status = make_examples(&o, &e, call);
	if (!status) {
		errors = tn_alloc_n(call, o.n + 1, sizeof(*errors));
		status = errors ? tn_gradcheck(&o, e.items, e.n, e.golds, a->entries, FLOOR, errors,
			call) : tn_status(call);
		if (!status)
			status = report(&o, errors, a->tolerance, call);
	}
	free(e.items);
	free(e.golds);
	tn_objective_close(&o);
	return status;
}

int tn_cli_gradcheck(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "PIPELINE",
		"Compares the gradients that would train a pipeline's model and heads with central "
		"differences of their losses, in double precision on made-up examples: a row for each "
		"group of parameters. Exit code 1: some are wrong.", NULL, NULL, NULL };
	static const struct tn_training training = { NULL, NULL };
	struct arguments a = { .entries = 3, .tolerance = 1e-4 };
	struct tn_pipeline *p;
	struct tn_call *call;
	int code = -TN_ENOMEM, status = 0;

	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return -TN_EUSAGE;
	call = tn_call_create();
	if (!call)
		return code;
	tn_on_note(call, tn_cli_note, NULL);
	p = tn_pipeline_open_training(a.pipeline, a.settings, &training, call);
	if (p)
		status = check(&a, p, call);
	code = tn_cli_report(call);
	tn_pipeline_close(p);
	tn_call_destroy(call);
	return code ? code : status;
}
