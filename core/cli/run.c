/* SPDX-License-Identifier: Apache-2.0
 * core/cli/run.c - tenon run: texts in, answers out.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/answer_table.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/tensors.h"
#include "data/input.h"
#include "pipeline/pipeline_impl.h"
#include "pipeline/writer.h"

#define MOST_SETTINGS 64
#define AT_ONCE 64		/* inputs that are answered together */

struct arguments {
	const char *pipeline;
	char **texts;
	int n_texts;
	const char *input, *pair, *pair_file, *tensors;
	const char *settings[MOST_SETTINGS + 1];
	size_t n_settings;
	int from, format;	/* -1: not given */
};

enum { KEY_INPUT = 256, KEY_FROM, KEY_PAIR, KEY_PAIR_FILE, KEY_FORMAT, KEY_SET, KEY_TENSORS };

static const struct argp_option options[] = {
	{ "input", KEY_INPUT, "FILE", 0, "read texts from FILE; - is standard input", 0 },
	{ "from", KEY_FROM, "FORMAT", 0, "what the input is: text (a line each), jsonl or conll", 0 },
	{ "pair", KEY_PAIR, "TEXT", 0, "the second text; of a question, its context", 0 },
	{ "pair-file", KEY_PAIR_FILE, "FILE", 0, "the second text is the content of FILE", 0 },
	{ "format", KEY_FORMAT, "FORMAT", 0,
	  "text (on a terminal), jsonl (else), table or conll", 0 },
	{ "set", KEY_SET, "PATH=VALUE", 0, "a setting that goes over the file; may be given again",
	  0 },
	{ "tensors", KEY_TENSORS, "OUT.safetensors", 0,
	  "write hidden.I and the raw scores HEAD.I of each input I", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case KEY_INPUT:
		a->input = arg;
		return 0;
	case KEY_FROM:
		a->from = tn_input_format(arg);
		if (a->from < 0)
			argp_error(state, "--from: found %s, expected text, jsonl or conll", arg);
		return 0;
	case KEY_PAIR:
		a->pair = arg;
		return 0;
	case KEY_PAIR_FILE:
		a->pair_file = arg;
		return 0;
	case KEY_FORMAT:
		a->format = tn_output_format(arg);
		if (a->format < 0)
			argp_error(state, "--format: found %s, expected text, table, jsonl or conll", arg);
		return 0;
	case KEY_SET:
		if (a->n_settings == MOST_SETTINGS)
			argp_error(state, "--set: given more than %d times", MOST_SETTINGS);
		a->settings[a->n_settings++] = arg;
		return 0;
	case KEY_TENSORS:
		a->tensors = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (a->pipeline)
			return ARGP_ERR_UNKNOWN;
		a->pipeline = arg;
		return 0;
	case ARGP_KEY_ARGS:
		a->texts = state->argv + state->next;
		a->n_texts = state->argc - state->next;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		if (!a->pipeline)
			argp_error(state, "the pipeline is missing: a .cfg file or a model directory");
		return 0;
	case ARGP_KEY_END:
		if (a->pair && a->pair_file)
			argp_error(state, "--pair and --pair-file are given both");
		if (a->texts && a->n_texts && a->input)
			argp_error(state, "a TEXT and --input are given both");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* What the loop over the inputs holds. */
struct run {
	const struct arguments *a;
	struct tn_pipeline *p;
	struct tn_call *call;
	struct tn_writer writer;
	struct tn_table *table;		/* NULL: answers are written one by one */
	struct tn_tensors_file *tensors;
	struct tn_reader *reader;	/* NULL: the arguments are the texts */
	struct progress progress;
	struct tn_text pair;
	int next_text;
	long long n_done;
	bool bad, gone;			/* an input was wrong; nobody reads the answers */
};

/* One input and its answer. */
struct entry {
	struct tn_input input;
	struct tn_job job;
	const char *error;		/* of the reader */
	size_t line;			/* where it begins; 0: it was an argument */
	const struct tn_value *answer;
	long long number;
	struct run *run;
};

/* The next input: 1, 0 at the end, or an error. */
static int next_input(struct run *r, struct entry *e)
{
	struct tn_item item;
	int status;

	memset(e, 0, sizeof(*e));
	e->run = r;
	if (!r->reader) {
		if (r->next_text == r->a->n_texts)
			return 0;
		e->input.text.text = r->a->texts[r->next_text++];
		e->input.text.len = strlen(e->input.text.text);
		e->input.pair = r->pair;
		return 1;
	}
	status = tn_reader_next(r->reader, &item, tn_call_arena(r->call), r->call);
	if (status <= 0)
		return status;
	e->input = (struct tn_input){ .text = item.text, .words = item.words,
		.n_words = item.n_words, .id = item.id,
		.pair = item.pair.text ? item.pair : r->pair };
	e->error = item.error;
	e->line = item.line;
	return 1;
}

static int keep(void *user, struct tn_job *job, struct tn_call *call)
{
	struct run *r = user;
	struct entry *e = (struct entry *)((char *)job - offsetof(struct entry, job));

	if (r->tensors && tn_tensors_add(r->tensors, r->p, job, e->number, call))
		return tn_status(call);
	return tn_job_answer(r->p, job, &e->answer, call);
}

/* What is wrong with an input, with its place; NULL: nothing. */
static const char *error_of(const struct entry *e, struct tn_call *call)
{
	const char *error = tn_string(tn_get(e->answer, "error"), NULL);

	if (e->error || !error || !e->line)
		return e->error ? e->error : error;
	return tn_printf(call, "%s:%zu: %s", tn_reader_name(e->run->reader), e->line, error);
}

/* The answer with its number in front. */
static const struct tn_value *numbered(const struct entry *e, struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *object = tn_new_object(arena), *v = object;
	const char *error = error_of(e, call);

	tn_set(arena, object, "input", tn_new_int(arena, e->number));
	if (error) {
		if (e->input.id)
			tn_set(arena, object, "id", (struct tn_value *)e->input.id);
		v = tn_set(arena, object, "error", tn_new_text(arena, error));
	}
	for (size_t i = 0; !error && v && i < tn_size(e->answer); i++)
		v = tn_set(arena, object, tn_key(e->answer, i), (struct tn_value *)tn_at(e->answer, i));
	if (!v)
		tn_fail(call, TN_ENOMEM, "out of memory");
	return v ? object : NULL;
}

static int write_one(struct run *r, struct entry *e)
{
	const struct tn_value *answer = numbered(e, r->call);
	int status;

	if (!answer)
		return tn_status(r->call);
	if (tn_get(answer, "error"))
		r->bad = true;
	if (r->table)
		return tn_table_add(r->table, answer, r->call);
	status = tn_write_answer(&r->writer, answer, e->job.example.words, e->job.example.n_words,
		r->call);
	if (status != 1)
		return status;
	r->gone = true;
	return 0;
}

/* Answers the inputs that were read, in their order. */
static int answer(struct run *r, struct entry *entries, size_t n)
{
	struct tn_job *jobs[AT_ONCE];
	size_t n_jobs = 0;

	for (size_t i = 0; i < n; i++) {
		entries[i].number = r->n_done + (long long)i;
		if (entries[i].error)
			continue;
		if (tn_job_prepare(r->p, &entries[i].input, &entries[i].job, r->call))
			return tn_status(r->call);
		jobs[n_jobs++] = &entries[i].job;
	}
	if (tn_jobs_run(r->p, jobs, n_jobs, keep, r, r->call))
		return tn_status(r->call);
	for (size_t i = 0; i < n && !r->gone; i++)
		if (write_one(r, &entries[i]))
			return tn_status(r->call);
	r->n_done += (long long)n;
	return 0;
}

/* Reads as many inputs as there are without waiting and answers them before it waits for
 * more. */
static int loop(struct run *r)
{
	struct entry *entries = calloc(AT_ONCE, sizeof(*entries));
	int status = entries ? 1 : tn_fail(r->call, TN_ENOMEM, "out of memory");

	while (status > 0 && !r->gone) {
		char trouble[512] = "";
		int failed;
		size_t n = 0;

		while (n < AT_ONCE && (n == 0 || !r->reader || tn_reader_ready(r->reader)) &&
				(status = next_input(r, &entries[n])) > 0)
			n++;
		if (status < 0) {
			/* What was read before the trouble is still answered. */
			snprintf(trouble, sizeof(trouble), "%s", tn_error_text(r->call));
			tn_clear(r->call);
		}
		failed = answer(r, entries, n);
		if (failed)
			status = failed;
		if (r->progress.on)
			progress_count(&r->progress, (size_t)r->n_done, tn_reader_share(r->reader));
		if (status > 0)
			tn_call_reset(r->call);
		else if (*trouble)
			tn_fail(r->call, (enum tn_error)status, "%s", trouble);
	}
	progress_clear(&r->progress);
	free(entries);
	return status;
}

static int open_output(struct run *r)
{
	int terminal = isatty(STDOUT_FILENO);
	int format = r->a->format >= 0 ? r->a->format :
		terminal ? (int)TN_OUTPUT_TEXT : (int)TN_OUTPUT_JSONL;
	const char *no_color = getenv("NO_COLOR");

	/* An answer is written whole: a signal between two leaves no half line. */
	setvbuf(stdout, NULL, _IONBF, 0);
	r->writer = (struct tn_writer){ .out = stdout, .format = (enum tn_output_format)format,
		.colour = terminal && !(no_color && *no_color) };
	if (format == TN_OUTPUT_TABLE)
		r->table = tn_table_create(r->call);
	if (r->a->tensors)
		r->tensors = tn_tensors_open(r->a->tensors, r->call);
	return tn_status(r->call);
}

static int open_input(struct run *r, struct tn_arena *arena)
{
	struct tn_reader_options o = { .format = TN_INPUT_TEXT };
	const char *input = r->a->input ? r->a->input : "-", *dot = strrchr(input, '.');

	if (r->a->pair)
		r->pair = (struct tn_text){ r->a->pair, strlen(r->a->pair) };
	if (r->a->pair_file) {
		r->pair.text = tn_file_read(r->a->pair_file, (size_t)1 << 30, &r->pair.len, arena,
			r->call);
		if (!r->pair.text)
			return tn_status(r->call);
	}
	if (r->a->n_texts)
		return 0;
	if (r->a->from >= 0)
		o.format = (enum tn_input_format)r->a->from;
	else if (dot && tn_input_format(dot + 1) >= 0)
		o.format = (enum tn_input_format)tn_input_format(dot + 1);
	r->reader = tn_reader_open(input, &o, r->call);
	return tn_status(r->call);
}

static int run(struct run *r, struct tn_arena *arena)
{
	int status;

	if (open_input(r, arena) || open_output(r))
		return tn_status(r->call);
	r->p = tn_pipeline_open_with(r->a->pipeline, r->a->settings, r->tensors != NULL, r->call);
	if (!r->p)
		return tn_status(r->call);
	tn_clear(r->call);
	progress_begin(&r->progress);
	/* Answers that stand on a terminal themselves say how far it is. */
	r->progress.on &= r->reader && (r->table || !isatty(STDOUT_FILENO));
	status = loop(r);
	if (!status && r->table)
		status = tn_table_print(r->table, r->call);
	if (status >= 0 && r->tensors)
		status = tn_tensors_write(r->tensors, r->call);
	return status == 1 ? 0 : status;
}

int tn_cli_run(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "PIPELINE [TEXT ...]",
		"Answers texts with a pipeline: a .cfg file or a model directory.  Without TEXT and "
		"--input, texts are read from standard input, one a line.", NULL, NULL, NULL };
	struct arguments a = { .from = -1, .format = -1 };
	struct run r = { .a = &a };
	struct tn_arena *arena;
	int code;

	code = argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (code && code != ENOMEM)
		return -TN_EUSAGE;
	r.call = code ? NULL : tn_call_create();
	arena = code ? NULL : tn_arena_create();
	if (!r.call || !arena) {
		fputs("tenon: out of memory\n", stderr);
		tn_call_destroy(r.call);
		tn_arena_destroy(arena);
		return -TN_ENOMEM;
	}
	tn_on_note(r.call, tn_cli_note, &r.progress);
	code = run(&r, arena) ? tn_cli_report(r.call) : r.bad ? -TN_EDATA : 0;
	tn_reader_close(r.reader);
	tn_table_destroy(r.table);
	tn_tensors_close(r.tensors);
	tn_pipeline_close(r.p);
	tn_call_destroy(r.call);
	tn_arena_destroy(arena);
	return code;
}
