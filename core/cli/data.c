/* SPDX-License-Identifier: Apache-2.0
 * core/cli/data.c - tenon data check: what labelled data hold, and what is suspect in them.
 */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/data.h"

enum { KEY_COLUMNS = 256, KEY_DEV, KEY_FORMAT, KEY_FROM, KEY_HEADER, KEY_IOB1, KEY_PIPELINE,
	KEY_SET };

static const struct argp_option options[] = {
	{ "dev", KEY_DEV, "FILE", 0, "data for judging what is trained on the others; may be given "
	  "again", 0 },
	{ "from", KEY_FROM, "FORMAT", 0, "what the files are: " EVAL_FORMATS, 0 },
	{ "columns", KEY_COLUMNS, "A,B,...", 0, "what the columns are: text, pair, label, id, word "
	  "or -, in order; or text=NAME,... by a header", 0 },
	{ "header", KEY_HEADER, NULL, 0, "the first line is a header", 0 },
	{ "iob1", KEY_IOB1, NULL, 0, "tags are IOB1", 0 },
	{ "pipeline", KEY_PIPELINE, "PIPELINE", 0, "measure texts in its tokens, too", 0 },
	{ "set", KEY_SET, "PATH=VALUE", 0, "a setting of the pipeline; may be given again", 0 },
	{ "format", KEY_FORMAT, "FORMAT", 0, "text or jsonl", 0 },
	{ 0 }
};

static void append(struct argp_state *state, const char *what, const char **list, size_t *n,
	const char *arg)
{
	if (*n == DATA_MOST)
		argp_error(state, "%s: given more than %d times", what, DATA_MOST);
	list[(*n)++] = arg;
}

/* Splits the argument, which is the process's own. */
static void parse_columns(struct argp_state *state, struct data_arguments *a, char *arg)
{
	a->n_columns = 0;
	for (char *comma; (comma = strchr(arg, ',')); arg = comma + 1) {
		*comma = '\0';
		append(state, "--columns", a->columns, &a->n_columns, arg);
	}
	append(state, "--columns", a->columns, &a->n_columns, arg);
}

static error_t parse_rest(int key, char *arg, struct argp_state *state)
{
	struct data_arguments *a = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (a->verb) {
			append(state, "FILE", a->files[DATA_TRAIN], &a->n_files[DATA_TRAIN], arg);
			return 0;
		}
		if (strcmp(arg, "check"))
			argp_error(state, "found %.60s, expected check", arg);
		a->verb = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->n_files[DATA_TRAIN])
			argp_error(state, "%s", a->verb ? "the file is missing" :
				"check and a file are missing");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct data_arguments *a = state->input;

	switch (key) {
	case KEY_COLUMNS:
		parse_columns(state, a, arg);
		return 0;
	case KEY_DEV:
		append(state, "--dev", a->files[DATA_DEV], &a->n_files[DATA_DEV], arg);
		return 0;
	case KEY_FORMAT:
		if (strcmp(arg, "text") && strcmp(arg, "jsonl"))
			argp_error(state, "--format: found %s, expected text or jsonl", arg);
		a->format = strcmp(arg, "text") ? EVAL_ROWS_JSONL : EVAL_ROWS_TEXT;
		return 0;
	case KEY_FROM:
		a->from = eval_format_of(arg);
		if (a->from < 0)
			argp_error(state, "--from: found %s, expected " EVAL_FORMATS, arg);
		return 0;
	case KEY_HEADER:
		a->header = true;
		return 0;
	case KEY_IOB1:
		a->iob1 = true;
		return 0;
	case KEY_PIPELINE:
		a->pipeline = arg;
		return 0;
	case KEY_SET:
		append(state, "--set", a->settings, &a->n_settings, arg);
		return 0;
	}
	return parse_rest(key, arg, state);
}

static int read_file(struct data_check *c, struct data_set *set, const char *path)
{
	const struct data_arguments *a = c->a;
	struct data_file *file = &set->files[set->n_files++];
	struct eval_source source = { .path = path, .format = a->from < 0 ?
		eval_format_of_path(path) : (enum eval_format)a->from, .columns = a->columns,
		.n_columns = a->n_columns, .header = a->header, .iob1 = a->iob1, .drop_bad = true };

	*file = (struct data_file){ path, source.format, set->data.n, set->data.dropped };
	if (eval_read(&set->data, &source, c->arena, c->call))
		return tn_status(c->call);
	file->examples = set->data.n - file->examples;
	file->dropped = set->data.dropped - file->dropped;
	return 0;
}

static void step(void *user, size_t done)
{
	struct data_check *c = user;
	size_t n = c->sets[DATA_TRAIN].data.n + c->sets[DATA_DEV].data.n;

	progress_count(&c->progress, done, (double)done / (double)n);
}

static void step_dev(void *user, size_t done)
{
	step(user, done + ((struct data_check *)user)->sets[DATA_TRAIN].data.n);
}

static int tokenize(struct data_check *c)
{
	struct tn_pipeline *p = tn_pipeline_open_tokens(c->a->pipeline, c->a->settings, c->call);

	progress_begin(&c->progress);
	for (size_t i = 0; p && i < c->n_sets; i++)
		if (eval_audit_tokens(&c->sets[i].tokens, p, &c->sets[i].data, i ? step_dev : step,
				c, c->arena, c->call))
			break;
	progress_clear(&c->progress);
	tn_pipeline_close(p);
	return tn_status(c->call);
}

static int check(struct data_check *c)
{
	static const char *const names[] = { "train", "dev" };

	for (size_t i = 0; i < c->n_sets; i++) {
		struct data_set *set = &c->sets[i];

		set->name = c->n_sets > 1 ? names[i] : "data";
		for (size_t k = 0; k < c->a->n_files[i]; k++)
			if (read_file(c, set, c->a->files[i][k]))
				return tn_status(c->call);
		if (eval_audit(&set->audit, &set->data, c->arena, c->call))
			return tn_status(c->call);
	}
	if (c->n_sets > 1 && eval_audit_beside(&c->beside, &c->sets[DATA_TRAIN].audit,
			&c->sets[DATA_DEV].audit, c->arena, c->call))
		return tn_status(c->call);
	if (c->a->pipeline && tokenize(c))
		return tn_status(c->call);
	if (data_print(c))
		return tn_status(c->call);
	return c->n_errors ? TN_EDATA : 0;
}

int tn_cli_data(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "check FILE [FILE ...]",
		"Says what labelled data hold and what is suspect in them: labels, tags that may not "
		"stand where they do, texts that are there twice, lengths.", NULL, NULL, NULL };
	struct data_arguments a = { .from = -1 };
	struct data_check *c;
	int status;

	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return -TN_EUSAGE;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -TN_ENOMEM;
	c->a = &a;
	c->n_sets = a.n_files[DATA_DEV] ? 2 : 1;
	c->call = tn_call_create();
	c->arena = tn_arena_create();
	if (!c->call || !c->arena) {
		status = -TN_ENOMEM;
	} else {
		tn_on_note(c->call, tn_cli_note, &c->progress);
		status = -check(c);
		if (tn_status(c->call))
			status = tn_cli_report(c->call);
	}
	for (size_t i = 0; i < DATA_SETS; i++)
		eval_data_finish(&c->sets[i].data);
	tn_arena_destroy(c->arena);
	tn_call_destroy(c->call);
	free(c);
	return status;
}
