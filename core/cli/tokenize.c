/* SPDX-License-Identifier: Apache-2.0
 * core/cli/tokenize.c - tenon tokenize: the tokens of texts.
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "data/input.h"
#include "pipeline/pipeline_impl.h"

#define MOST_SETTINGS 64

struct arguments {
	const char *pipeline, *pair;
	char **texts;
	int n_texts;
	const char *settings[MOST_SETTINGS + 1];
	size_t n_settings;
	bool jsonl;
};

enum { KEY_FORMAT = 256, KEY_PAIR, KEY_SET };

static const struct argp_option options[] = {
	{ "format", KEY_FORMAT, "FORMAT", 0, "text (on a terminal) or jsonl (else)", 0 },
	{ "pair", KEY_PAIR, "TEXT", 0, "the second text", 0 },
	{ "set", KEY_SET, "PATH=VALUE", 0, "a setting that goes over the file; may be given again",
	  0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case KEY_FORMAT:
		if (strcmp(arg, "text") && strcmp(arg, "jsonl"))
			argp_error(state, "--format: found %s, expected text or jsonl", arg);
		a->jsonl = !strcmp(arg, "jsonl");
		return 0;
	case KEY_PAIR:
		a->pair = arg;
		return 0;
	case KEY_SET:
		if (a->n_settings == MOST_SETTINGS)
			argp_error(state, "--set: given more than %d times", MOST_SETTINGS);
		a->settings[a->n_settings++] = arg;
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
		argp_error(state, "the pipeline is missing: a .cfg file or a model directory");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static struct tn_value *token_value(const struct tn_pipeline *p, const struct tn_window_token *t,
	struct tn_arena *arena)
{
	const char *piece = p->tokenizer->plugin->impl.tokenizer->piece(p->tokenizer, t->id);
	struct tn_value *v = tn_new_object(arena), *bytes;

	tn_set(arena, v, "id", tn_new_int(arena, t->id));
	tn_set(arena, v, "piece", piece ? tn_new_text(arena, piece) : tn_new_null(arena));
	if (t->sequence < 0)
		return tn_set(arena, v, "special", tn_new_bool(arena, true)) ? v : NULL;
	bytes = tn_set(arena, v, "bytes", tn_new_list(arena));
	tn_append(arena, bytes, tn_new_int(arena, t->begin));
	tn_append(arena, bytes, tn_new_int(arena, t->end));
	tn_set(arena, v, "word", tn_new_int(arena, t->word));
	return tn_set(arena, v, "text", tn_new_int(arena, t->sequence)) ? v : NULL;
}

static int print_json(const struct tn_pipeline *p, const struct tn_job *job, long long number,
	struct tn_call *call)
{
	struct tn_arena *arena = tn_call_arena(call);
	struct tn_value *v = tn_new_object(arena), *list;
	char *text;

	tn_set(arena, v, "input", tn_new_int(arena, number));
	list = tn_set(arena, v, "tokens", tn_new_list(arena));
	for (size_t i = 0; i < job->windows.items[0].n_tokens; i++)
		if (!tn_append(arena, list, token_value(p, &job->windows.items[0].tokens[i], arena)))
			return tn_fail(call, TN_ENOMEM, "out of memory");
	text = tn_json_print(v, NULL, call);
	return text ? (puts(text), 0) : tn_status(call);
}

/* ID, bytes, word and piece; special tokens have neither bytes nor a word. */
static void print_text(const struct tn_pipeline *p, const struct tn_job *job)
{
	const struct tn_window *w = &job->windows.items[0];

	for (size_t i = 0; i < w->n_tokens; i++) {
		const struct tn_window_token *t = &w->tokens[i];
		const char *piece = p->tokenizer->plugin->impl.tokenizer->piece(p->tokenizer, t->id);

		if (t->sequence < 0)
			printf("%6d  %13s %5s  %s\n", t->id, "-", "-", piece ? piece : "");
		else
			printf("%6d  %6u-%-6u %5d  %s\n", t->id, t->begin, t->end, t->word,
				piece ? piece : "");
	}
	putchar('\n');
}

static int tokenize(struct tn_pipeline *p, const struct arguments *a, struct tn_text text,
	long long number, struct tn_call *call)
{
	struct tn_input input = { .text = text };
	struct tn_job job;

	if (a->pair)
		input.pair = (struct tn_text){ a->pair, strlen(a->pair) };
	if (tn_job_prepare(p, &input, &job, call))
		return tn_status(call);
	if (job.error)
		return tn_fail(call, TN_EDATA, "%s", job.error);
	if (a->jsonl)
		return print_json(p, &job, number, call);
	print_text(p, &job);
	return 0;
}

/* Lines of standard input; a bad one is said and passed over. */
static int tokenize_lines(struct tn_pipeline *p, const struct arguments *a, struct tn_call *call)
{
	struct tn_reader_options o = { .format = TN_INPUT_TEXT };
	struct tn_reader *reader = tn_reader_open("-", &o, call);
	struct tn_item item;
	int status = tn_status(call), bad = 0;

	for (long long n = 0; reader && (status = tn_reader_next(reader, &item,
			tn_call_arena(call), call)) > 0; n++) {
		if (item.error) {
			fprintf(stderr, "tenon: %s\n", item.error);
			bad = 1;
		} else {
			status = tokenize(p, a, item.text, n, call);
		}
		if (status < 0)
			break;
		if (!tn_reader_ready(reader))
			fflush(stdout);
		tn_call_reset(call);
	}
	tn_reader_close(reader);
	return status < 0 ? status : bad ? TN_EDATA : 0;
}

int tn_cli_tokenize(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "PIPELINE [TEXT ...]",
		"Prints the tokens of texts with their ids, bytes and words.  Without TEXT, lines are "
		"read from standard input.", NULL, NULL, NULL };
	struct arguments a = { .jsonl = !isatty(STDOUT_FILENO) };
	struct tn_pipeline *p;
	struct tn_call *call;
	int status = 0;

	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return -TN_EUSAGE;
	call = tn_call_create();
	if (!call)
		return -TN_ENOMEM;
	tn_on_note(call, tn_cli_note, NULL);
	p = tn_pipeline_open_tokens(a.pipeline, a.settings, call);
	for (int i = 0; p && i < a.n_texts && !status; i++)
		status = tokenize(p, &a, (struct tn_text){ a.texts[i], strlen(a.texts[i]) }, i, call);
	if (p && !a.n_texts)
		status = tokenize_lines(p, &a, call);
	tn_pipeline_close(p);
	status = tn_status(call) ? tn_cli_report(call) : -status;
	tn_call_destroy(call);
	return status;
}
