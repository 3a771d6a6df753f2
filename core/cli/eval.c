/* SPDX-License-Identifier: Apache-2.0
 * core/cli/eval.c - tenon eval: how good the answers of a pipeline, or of another system, are.
 */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/eval.h"
#include "eval/audit.h"

#define SEED 1
#define BATCH 32
#define MASKED 0.15		/* share of the tokens that are hidden together */

enum { KEY_ANSWERS = 256, KEY_DEV, KEY_FORMAT, KEY_FROM, KEY_HEAD, KEY_HTML, KEY_MASK,
	KEY_NO_ANSWER, KEY_NO_PSEUDO, KEY_SEED, KEY_SET, KEY_TRAIN, KEY_WHOLE_WORDS };

static const struct argp_option options[] = {
	{ "answers", KEY_ANSWERS, "FILE", 0, "what another system found, instead of a pipeline", 0 },
	{ "dev", KEY_DEV, "FILE", 0, "labelled data to fit the temperature on; may be given again", 0 },
	{ "format", KEY_FORMAT, "FORMAT", 0, "text, markdown, csv or jsonl", 0 },
	{ "from", KEY_FROM, "FORMAT", 0, "what the files are: " EVAL_FORMATS, 0 },
	{ "head", KEY_HEAD, "NAME", 0, "judge this head alone; may be given again", 0 },
	{ "html", KEY_HTML, "FILE", 0, "write a page with tables and pictures too", 0 },
	{ "mask", KEY_MASK, "SHARE", 0, "of the tokens to be hidden from a masked language model "
	  "(default 0.15)", 0 },
	{ "no-answer", KEY_NO_ANSWER, "FILE", 0, "beside --answers: how likely each question has no "
	  "answer", 0 },
	{ "no-pseudo-perplexity", KEY_NO_PSEUDO, NULL, 0, "of a masked language model: it takes a "
	  "run of the text for each of its tokens", 0 },
	{ "seed", KEY_SEED, "N", 0, "which tokens are hidden, which samples are drawn (default 1)",
	  0 },
	{ "set", KEY_SET, "PATH=VALUE", 0, "a setting that goes over the file; may be given again",
	  0 },
	{ "train", KEY_TRAIN, "FILE", 0, "labelled data for the baselines; may be given again", 0 },
	{ "whole-words", KEY_WHOLE_WORDS, NULL, 0, "hide all tokens of a word, or none", 0 },
	{ 0 }
};

static void append(struct argp_state *state, const char *option, const char **list, size_t *n,
	const char *arg)
{
	if (*n == EVAL_MOST)
		argp_error(state, "%s: given more than %d times", option, EVAL_MOST);
	list[(*n)++] = arg;
}

static error_t parse_rest(int key, char *arg, struct argp_state *state)
{
	struct eval_arguments *a = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		append(state, "DATA", a->data, &a->n_data, arg);
		return 0;
	case ARGP_KEY_END:
		/* Without --answers the first one is the pipeline. */
		if (!a->answers && a->n_data) {
			a->pipeline = a->data[0];
			memmove(a->data, a->data + 1, --a->n_data * sizeof(*a->data));
		}
		if (!a->answers && !a->pipeline)
			argp_error(state, "the pipeline is missing: a .cfg file or a model directory");
		if (a->answers && !a->n_data) {
			if (a->from >= 0 && a->from != EVAL_CONLL)
				argp_error(state, "the data are missing: only a file in columns holds "
					"both tags and what was found");
			a->both = true;
			append(state, "DATA", a->data, &a->n_data, a->answers);
		}
		if (!a->n_data)
			argp_error(state, "the data are missing");
		if (a->no_answer && !a->answers)
			argp_error(state, "--no-answer is for --answers");
		if (a->answers && (a->n_dev || a->n_heads || a->n_settings))
			argp_error(state, "--dev, --head and --set are for a pipeline, not for "
				"--answers");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct eval_arguments *a = state->input;
	char *end;

	switch (key) {
	case KEY_ANSWERS:
		a->answers = arg;
		return 0;
	case KEY_DEV:
		append(state, "--dev", a->dev, &a->n_dev, arg);
		return 0;
	case KEY_FORMAT:
		if (eval_row_format_of(arg) < 0)
			argp_error(state, "--format: found %s, expected text, markdown, csv or "
				"jsonl", arg);
		a->format = (enum eval_row_format)eval_row_format_of(arg);
		return 0;
	case KEY_FROM:
		a->from = eval_format_of(arg);
		if (a->from < 0)
			argp_error(state, "--from: found %s, expected " EVAL_FORMATS, arg);
		return 0;
	case KEY_HEAD:
		append(state, "--head", a->heads, &a->n_heads, arg);
		return 0;
	case KEY_HTML:
		a->html = arg;
		return 0;
	case KEY_MASK:
		a->masking.probability = strtod(arg, &end);
		if (*end || end == arg || !(a->masking.probability > 0 &&
				a->masking.probability <= 1))
			argp_error(state, "--mask: found %s, expected a share above 0, at most 1",
				arg);
		return 0;
	case KEY_NO_ANSWER:
		a->no_answer = arg;
		return 0;
	case KEY_NO_PSEUDO:
		a->no_pseudo = true;
		return 0;
	case KEY_SEED:
		a->seed = strtoull(arg, &end, 10);
		if (*end || end == arg)
			argp_error(state, "--seed: found %s, expected a number", arg);
		return 0;
	case KEY_WHOLE_WORDS:
		a->masking.whole_words = true;
		return 0;
	case KEY_SET:
		append(state, "--set", a->settings, &a->n_settings, arg);
		return 0;
	case KEY_TRAIN:
		append(state, "--train", a->train, &a->n_train, arg);
		return 0;
	}
	return parse_rest(key, arg, state);
}

int eval_read_file(struct eval_run *e, struct eval_data *data, const char *path, bool beside)
{
	const struct eval_source source = { .path = path, .format = e->a->from >= 0 ?
		(enum eval_format)e->a->from : e->a->both ? EVAL_CONLL : eval_format_of_path(path),
		.last_is_found = beside };

	return eval_read(data, &source, e->arena, e->call);
}

static int read_files(struct eval_run *e, struct eval_data *data, const char *const *paths,
	size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (eval_read_file(e, data, paths[i], false))
			return tn_status(e->call);
	return 0;
}

/* The scheme of the tags of the data. */
static int find_scheme(struct eval_run *e, enum eval_scheme *scheme)
{
	struct eval_audit audit;

	if (eval_audit(&audit, &e->data, e->arena, e->call))
		return tn_status(e->call);
	*scheme = audit.scheme;
	return 0;
}

static size_t count_gold(const struct eval_records *r, const struct eval_data *data)
{
	size_t n = 0;

	for (size_t i = 0; i < data->n; i++)
		n += eval_records_wants(r, &data->items[i]);
	return n;
}

/* --- a pipeline's answers --- */

static bool is_asked_for(const struct eval_arguments *a, const char *head)
{
	for (size_t i = 0; i < a->n_heads; i++)
		if (!strcmp(a->heads[i], head))
			return true;
	return !a->n_heads;
}

static int check_heads(struct eval_run *e)
{
	for (size_t i = 0; i < e->a->n_heads; i++) {
		size_t h = 0;

		while (h < e->p->n_heads && strcmp(e->p->heads[h].name, e->a->heads[i]))
			h++;
		if (h == e->p->n_heads)
			return tn_fail(e->call, TN_EUSAGE, "--head: the pipeline has no head \"%.60s\"",
				e->a->heads[i]);
	}
	return 0;
}

static int open_records(struct eval_run *e, struct eval_records *r, size_t h,
	enum eval_scheme scheme)
{
	const struct tn_pipeline_head *head = &e->p->heads[h];

	/* There is no other run to compare vectors with. */
	if (head->impl->task == TN_TASK_VECTOR)
		return tn_fail(e->call, TN_EDATA, "head %s: there are no scores for what it gives",
			head->name);
	return eval_records_open(r, head->name, (enum tn_task)head->impl->task, head->env.labels,
		head->env.n_labels, scheme, e->arena, e->call);
}

static int open_verdicts(struct eval_run *e, enum eval_scheme scheme)
{
	e->p = tn_pipeline_open(e->a->pipeline, e->a->settings, e->call);
	if (!e->p || check_heads(e))
		return tn_status(e->call);
	e->verdicts = tn_arena_alloc(e->arena, e->p->n_heads * sizeof(*e->verdicts));
	if (!e->verdicts)
		return tn_fail(e->call, TN_ENOMEM, "out of memory");
	for (size_t h = 0; h < e->p->n_heads; h++) {
		const struct tn_pipeline_head *head = &e->p->heads[h];
		struct eval_records *r = &e->verdicts[e->n].records;

		if (!is_asked_for(e->a, head->name))
			continue;
		if (open_records(e, r, h, scheme)) {
			if (e->a->n_heads)
				return tn_status(e->call);
			tn_note(e->call, "head %s is left out: there are no scores for what it "
				"gives", head->name);
			tn_clear(e->call);
		} else if (count_gold(r, &e->data)) {
			e->n++;
		} else {
			tn_note(e->call, "head %s is left out: the data hold nothing to judge it by",
				head->name);
		}
	}
	return e->n ? 0 : tn_fail(e->call, TN_EDATA, "no head can be judged by these data");
}

/* Whether some head is judged by what it answers. */
static bool any_answers(const struct eval_run *e)
{
	for (size_t v = 0; v < e->n; v++)
		if (e->verdicts[v].records.task != TN_TASK_TOKENS)
			return true;
	return false;
}

/* Runs the pipeline over data and fills the records of these heads. */
static int run(struct eval_run *e, const struct eval_data *data,
	struct eval_records *const *records)
{
	struct tn_input inputs[BATCH];
	const struct tn_value *answers[BATCH] = { NULL };

	if (!any_answers(e))
		return 0;
	progress_begin(&e->progress);
	for (size_t i = 0, n; i < data->n; i += n) {
		tn_call_reset(e->call);
		n = data->n - i < BATCH ? data->n - i : BATCH;
		for (size_t k = 0; k < n; k++)
			inputs[k] = data->items[i + k].input;
		if (tn_pipeline_run(e->p, inputs, n, answers, e->call))
			return tn_status(e->call);
		for (size_t k = 0; k < n; k++)
			for (size_t v = 0; v < e->n; v++)
				if (records[v]->task != TN_TASK_TOKENS &&
						eval_records_wants(records[v], &data->items[i + k]) &&
						eval_records_add(records[v], &data->items[i + k],
						answers[k], e->call))
					return tn_status(e->call);
		progress_count(&e->progress, i + n, (double)(i + n) / (double)data->n);
	}
	progress_clear(&e->progress);
	return 0;
}

static void count_texts(void *user, size_t done)
{
	struct eval_run *e = user;

	progress_count(&e->progress, done, (double)done / (double)e->data.n);
}

/* Hides tokens from a masked language model. */
static int run_masked(struct eval_run *e, struct eval_verdict *v)
{
	struct eval_masker m;
	struct eval_masker_options how = { e->a->masking, e->a->seed, !e->a->no_pseudo,
		count_texts, e };
	struct eval_masked_floor floor;
	size_t h = 0;

	while (strcmp(e->p->heads[h].name, v->records.head))
		h++;
	progress_begin(&e->progress);
	if (!eval_masker_open(&m, e->p, h, &how, e->call) &&
			!eval_masker_run(&m, &v->records, &e->data, e->call) &&
			!eval_masker_floor(&m, e->train.n ? &e->train : NULL, &floor, e->call)) {
		v->baselines[v->n_baselines++] = (struct eval_floor){ "frequent token",
			"masked_accuracy", floor.accuracy };
		if (!e->a->no_pseudo)
			v->baselines[v->n_baselines++] = (struct eval_floor){ "frequencies",
				"pseudo_perplexity", floor.perplexity };
	}
	eval_masker_close(&m);
	progress_clear(&e->progress);
	return tn_status(e->call);
}

/* Fits the temperature of each classifier on the dev data. */
static int fit_temperatures(struct eval_run *e)
{
	struct eval_records *fits = tn_arena_alloc(e->arena, e->n * sizeof(*fits));
	struct eval_records **list = tn_arena_alloc(e->arena, e->n * sizeof(*list));

	if (!fits || !list)
		return tn_fail(e->call, TN_ENOMEM, "out of memory");
	for (size_t v = 0; v < e->n; v++) {
		const struct eval_records *r = &e->verdicts[v].records;

		e->verdicts[v].temperature = NAN;
		list[v] = &fits[v];
		if (eval_records_open(list[v], r->head, r->task, r->labels, r->n_labels, r->scheme,
				e->arena, e->call))
			return tn_status(e->call);
	}
	if (!e->dev.n)
		return 0;
	if (run(e, &e->dev, list))
		return tn_status(e->call);
	for (size_t v = 0; v < e->n; v++)
		e->verdicts[v].temperature = eval_temperature(list[v]);
	return 0;
}

static int run_pipeline(struct eval_run *e, enum eval_scheme scheme)
{
	struct eval_records **list;

	if (open_verdicts(e, scheme))
		return tn_status(e->call);
	list = tn_arena_alloc(e->arena, e->n * sizeof(*list));
	if (!list)
		return tn_fail(e->call, TN_ENOMEM, "out of memory");
	for (size_t v = 0; v < e->n; v++)
		list[v] = &e->verdicts[v].records;
	if (run(e, &e->data, list))
		return tn_status(e->call);
	for (size_t v = 0; v < e->n; v++)
		if (e->verdicts[v].records.task == TN_TASK_TOKENS &&
				run_masked(e, &e->verdicts[v]))
			return tn_status(e->call);
	return fit_temperatures(e);
}

/* --- the verdict --- */

static int write_page(struct eval_run *e)
{
	const char *about = "On";

	for (size_t i = 0; i < e->a->n_data && about; i++)
		about = tn_printf(e->call, "%s%s %s", about, i ? "," : "", e->a->data[i]);
	about = about ? tn_printf(e->call, "%s: %zu examples.", about, e->data.n) : NULL;
	return about ? eval_page_write(e->a->html, &(struct eval_page){
		.title = e->a->pipeline ? e->a->pipeline : e->a->answers, .about = about,
		.verdicts = e->verdicts, .n = e->n }, e->call) : tn_status(e->call);
}

static int evaluate(struct eval_run *e)
{
	const struct eval_judging judging = { &e->data, e->a->n_train ? &e->train : NULL, e->a->seed };
	enum eval_scheme scheme = EVAL_LABELS;

	if ((e->a->both ? eval_read_file(e, &e->data, e->a->answers, true) :
			read_files(e, &e->data, e->a->data, e->a->n_data)) ||
			read_files(e, &e->train, e->a->train, e->a->n_train) ||
			read_files(e, &e->dev, e->a->dev, e->a->n_dev) || find_scheme(e, &scheme))
		return tn_status(e->call);
	if (e->a->answers ? eval_take_answers(e, scheme) : run_pipeline(e, scheme))
		return tn_status(e->call);
	for (size_t v = 0; v < e->n; v++)
		if (eval_judge(&e->verdicts[v], &judging, e->arena, e->call))
			return tn_status(e->call);
	if (eval_report_print(stdout, e->a->format, e->verdicts, e->n, e->call))
		return tn_status(e->call);
	return e->a->html ? write_page(e) : 0;
}

int tn_cli_eval(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "PIPELINE DATA ...\n--answers FILE [DATA ...]",
		"Says how good a pipeline's answers to labelled data are, or those of another system: "
		"the scores of each head's task with 95 % intervals, trivial baselines on the same "
		"data, each class, and whether probabilities mean what they say.", NULL, NULL, NULL };
	struct eval_arguments a = { .from = -1, .seed = SEED, .masking.probability = MASKED };
	struct eval_run e = { .a = &a };
	int code;

	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return -TN_EUSAGE;
	e.call = tn_call_create();
	e.arena = tn_arena_create();
	if (!e.call || !e.arena) {
		fputs("tenon: out of memory\n", stderr);
		return -TN_ENOMEM;
	}
	tn_on_note(e.call, tn_cli_note, &e.progress);
	code = evaluate(&e) ? tn_cli_report(e.call) : 0;
	progress_clear(&e.progress);
	eval_data_finish(&e.data);
	eval_data_finish(&e.train);
	eval_data_finish(&e.dev);
	tn_pipeline_close(e.p);
	tn_call_destroy(e.call);
	tn_arena_destroy(e.arena);
	return code;
}
