/* SPDX-License-Identifier: Apache-2.0
 * core/cli/quantize.c - tenon quantize: whether a lower precision is good enough for a pipeline,
 * by labelled data.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/quantize.h"
#include "eval/audit.h"

#define DEFAULT_MAX_DROP 0.5

enum { KEY_DEV = 256, KEY_FROM, KEY_HEAD, KEY_MAX_DROP, KEY_PRECISION, KEY_OUT, KEY_MODEL, KEY_FORMAT,
	KEY_SET };

static const struct argp_option options[] = {
	{ "dev", KEY_DEV, "FILE", 0, "labelled data; may be given again", 0 },
	{ "from", KEY_FROM, "FORMAT", 0, "what the files are: " EVAL_FORMATS, 0 },
	{ "max-drop", KEY_MAX_DROP, "POINTS", 0, "what a head may lose at most (0.5)", 0 },
	{ "head", KEY_HEAD, "NAME", 0, "judge this head alone; may be given again", 0 },
	{ "precision", KEY_PRECISION, "int8|bf16", 0, "what is judged (int8)", 0 },
	{ "out", KEY_OUT, "FILE.cfg", 0, "write the configuration with that precision, if none "
	  "loses more", 0 },
	{ "model", KEY_MODEL, "DIR", 0, "with bf16 and --out: write the model, too, what is rounded "
	  "in two bytes", 0 },
	{ "format", KEY_FORMAT, "FORMAT", 0, "text, markdown, csv or jsonl", 0 },
	{ "set", KEY_SET, "PATH=VALUE", 0, "a setting that goes over the file; may be given again",
	  0 },
	{ 0 }
};

static void append(struct argp_state *state, const char *option, const char **list, size_t *n,
	const char *arg)
{
	if (*n == QUANTIZE_MOST)
		argp_error(state, "%s: given more than %d times", option, QUANTIZE_MOST);
	list[(*n)++] = arg;
}

static double parse_points(struct argp_state *state, const char *arg)
{
	char *end;
	double x = strtod(arg, &end);

	if (end == arg || *end || !(x >= 0 && x <= 100))
		argp_error(state, "--max-drop: found %s, expected points from 0 to 100", arg);
	return x;
}

static error_t parse_rest(int key, char *arg, struct argp_state *state)
{
	struct quantize_arguments *a = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (a->pipeline)
			return ARGP_ERR_UNKNOWN;
		a->pipeline = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->pipeline)
			argp_error(state, "the pipeline is missing: a .cfg file or a model "
				"directory");
		if (!a->n_dev)
			argp_error(state, "--dev FILE is missing: the data that judge");
		if (a->model && (!a->out || strcmp(a->precision, "bf16")))
			argp_error(state, "--model is for --precision bf16 and --out");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct quantize_arguments *a = state->input;

	switch (key) {
	case KEY_DEV:
		append(state, "--dev", a->dev, &a->n_dev, arg);
		return 0;
	case KEY_FROM:
		a->from = eval_format_of(arg);
		if (a->from < 0)
			argp_error(state, "--from: found %s, expected " EVAL_FORMATS, arg);
		return 0;
	case KEY_MAX_DROP:
		a->max_drop = parse_points(state, arg);
		return 0;
	case KEY_HEAD:
		append(state, "--head", a->heads, &a->n_heads, arg);
		return 0;
	case KEY_PRECISION:
		if (strcmp(arg, "int8") && strcmp(arg, "bf16"))
			argp_error(state, "--precision: found %s, expected int8 or bf16", arg);
		a->precision = arg;
		return 0;
	case KEY_OUT:
		a->out = arg;
		return 0;
	case KEY_MODEL:
		a->model = arg;
		return 0;
	case KEY_FORMAT:
		if (eval_row_format_of(arg) < 0)
			argp_error(state, "--format: found %s, expected text, markdown, csv or "
				"jsonl", arg);
		a->format = (enum eval_row_format)eval_row_format_of(arg);
		return 0;
	case KEY_SET:
		append(state, "--set", a->settings, &a->n_settings, arg);
		return 0;
	}
	return parse_rest(key, arg, state);
}

static int read_data(struct quantize *q)
{
	for (size_t i = 0; i < q->a->n_dev; i++) {
		struct eval_source source = { .path = q->a->dev[i], .format = q->a->from >= 0 ?
			(enum eval_format)q->a->from : eval_format_of_path(q->a->dev[i]) };

		if (eval_read(&q->data, &source, q->arena, q->call))
			return tn_status(q->call);
	}
	return 0;
}

/* Whether --out or --model can be written, before the work is done. */
static int check_out(struct quantize *q, const char *out)
{
	const char *slash = out ? strrchr(out, '/') : NULL;
	const char *directory = !slash ? "." : slash == out ? "/" :
		tn_printf(q->call, "%.*s", (int)(slash - out), out);

	if (!out || !directory)
		return tn_status(q->call);
	if (!access(out, F_OK))
		return tn_fail(q->call, TN_EIO, "%s: there is such a file, it is not overwritten",
			out);
	if (access(directory, W_OK))
		return tn_fail(q->call, TN_EIO, "%s: %s: %s", out, directory, strerror(errno));
	return 0;
}

static int open_pipelines(struct quantize *q)
{
	const char *precisions[] = { "precision=fp32",
		tn_printf(q->call, "precision=%s", q->a->precision) };
	const char *settings[QUANTIZE_MOST + 2];

	if (!precisions[1])
		return tn_status(q->call);
	memcpy(settings, q->a->settings, sizeof(settings));
	for (size_t i = 0; i < QUANTIZE_WAYS; i++) {
		settings[q->a->n_settings] = precisions[i];
		q->p[i] = tn_pipeline_open(q->a->pipeline, settings, q->call);
		if (!q->p[i])
			return tn_status(q->call);
		tn_clear(q->call);
	}
	return 0;
}

/* Says so when not all runs in the precision that is judged. */
static void check_precision(struct quantize *q)
{
	const struct tn_plan *plan = q->p[QUANTIZE_LOW]->plan;
	size_t linear = 0, low = 0, backend;
	const char *why;

	for (size_t i = 0; i < tn_plan_n_steps(plan); i++) {
		const struct tn_node *node = tn_plan_step(plan, i, &backend, &why);

		if (node->op != TN_OP_LINEAR)
			continue;
		linear++;
		low += node->attr.linear.precision != 0;
	}
	if (low < linear)
		tn_note(q->call, "%zu of %zu linear operations run in %s", low, linear,
			q->a->precision);
}

static bool is_asked_for(const struct quantize_arguments *a, const char *head)
{
	for (size_t i = 0; i < a->n_heads; i++)
		if (!strcmp(a->heads[i], head))
			return true;
	return !a->n_heads;
}

static int check_heads(struct quantize *q)
{
	const struct tn_pipeline *p = q->p[QUANTIZE_FP32];
	const char *known = "";

	for (size_t h = 0; h < p->n_heads && known; h++)
		known = tn_printf(q->call, "%s%s%s", known, h ? ", " : "", p->heads[h].name);
	for (size_t i = 0; i < q->a->n_heads && known; i++) {
		size_t h = 0;

		while (h < p->n_heads && strcmp(p->heads[h].name, q->a->heads[i]))
			h++;
		if (h == p->n_heads)
			return tn_fail(q->call, TN_EUSAGE, "--head: the pipeline has no head "
				"\"%.60s\", it has %s", q->a->heads[i], known);
	}
	return tn_status(q->call);
}

/* How many examples the head is judged by. */
static int count_examples(struct quantize *q, const struct eval_records *r)
{
	size_t n = 0;

	for (size_t i = 0; i < q->data.n; i++) {
		int gold = eval_records_check(r, &q->data.items[i], q->call);

		if (gold < 0)
			return gold;
		n += (size_t)gold;
	}
	if (!n)
		return tn_fail(q->call, TN_EDATA, "head %s: the data hold nothing to judge it by; "
			"give more by --dev, or name the heads to judge by --head", r->head);
	return 0;
}

static int open_records(struct quantize *q)
{
	const struct tn_pipeline *p = q->p[QUANTIZE_FP32];
	struct eval_audit audit;

	if (check_heads(q) || eval_audit(&audit, &q->data, q->arena, q->call))
		return tn_status(q->call);
	for (size_t w = 0; w < QUANTIZE_WAYS; w++) {
		q->records[w] = tn_arena_alloc(q->arena, p->n_heads * sizeof(*q->records[w]));
		if (!q->records[w])
			return tn_fail(q->call, TN_ENOMEM, "out of memory");
	}
	for (size_t h = 0; h < p->n_heads; h++) {
		const struct tn_pipeline_head *head = &p->heads[h];

		if (!is_asked_for(q->a, head->name))
			continue;
		if (head->impl->task == TN_TASK_TOKENS)
			return tn_fail(q->call, TN_EDATA, "head %s: there is no metric for what it "
				"gives", head->name);
		for (size_t w = 0; w < QUANTIZE_WAYS; w++)
			if (eval_records_open(&q->records[w][q->n_records], head->name,
					(enum tn_task)head->impl->task, head->env.labels,
					head->env.n_labels, audit.scheme, q->arena, q->call))
				return tn_status(q->call);
		if (count_examples(q, &q->records[0][q->n_records++]))
			return tn_status(q->call);
	}
	return 0;
}

/* Each head that loses too much is a fault.  What is wrong from the start cannot lose: such
 * data judge nothing. */
static int judge(struct quantize *q)
{
	for (size_t i = 0; i < q->n_records; i++) {
		struct quantize_metrics m = quantize_metrics(q, i);

		if (m.items[0].fp32 <= 0)
			return tn_fail(q->call, TN_EDATA, "head %s: %s is 0 in fp32: the data do "
				"not fit it", q->records[0][i].head, m.items[0].name);
	}
	for (size_t i = 0; i < q->n_records; i++) {
		struct quantize_metrics m = quantize_metrics(q, i);
		double fp32 = m.items[0].fp32, low = m.items[0].low;

		/* Rounding is no drop: one answer of a million is worth a thousand times this. */
		if (fp32 - low > q->a->max_drop + 1e-7)
			tn_fault(q->call, TN_ECONFIG, "head %s: %s drops by %.4g points, from %.2f "
				"in fp32 to %.2f in %s; at most %.4g are allowed",
				q->records[0][i].head, m.items[0].name, fp32 - low, fp32, low,
				q->a->precision, q->a->max_drop);
	}
	return tn_status(q->call);
}

static int quantize(struct quantize *q)
{
	if (check_out(q, q->a->out) || check_out(q, q->a->model) || read_data(q) || open_pipelines(q) || open_records(q))
		return tn_status(q->call);
	check_precision(q);
	if (quantize_measure(q) || quantize_print(q) || judge(q))
		return tn_status(q->call);
	if (q->a->model && quantize_write_model(q))
		return tn_status(q->call);
	return q->a->out ? quantize_write(q) : 0;
}

int tn_cli_quantize(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "PIPELINE --dev FILE",
		"Runs labelled data in fp32 and in a lower precision, and says what that costs each "
		"head and how much faster it is.  Exit status: 0, no head loses more than --max-drop; 78, "
		"one does.", NULL, NULL, NULL };
	struct quantize_arguments a = { .from = -1, .max_drop = DEFAULT_MAX_DROP,
		.precision = "int8" };
	struct quantize q = { .a = &a };
	int code;

	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return -TN_EUSAGE;
	q.call = tn_call_create();
	q.arena = tn_arena_create();
	if (!q.call || !q.arena) {
		fputs("tenon: out of memory\n", stderr);
		return -TN_ENOMEM;
	}
	tn_on_note(q.call, tn_cli_note, &q.progress);
	code = quantize(&q) ? tn_cli_report(q.call) : 0;
	eval_data_finish(&q.data);
	for (size_t i = 0; i < QUANTIZE_WAYS; i++)
		tn_pipeline_close(q.p[i]);
	tn_call_destroy(q.call);
	tn_arena_destroy(q.arena);
	return code;
}
