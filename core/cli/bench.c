/* SPDX-License-Identifier: Apache-2.0
 * core/cli/bench.c - tenon bench: how fast a pipeline is beside what the processor can do.
 */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/cli.h"

#define DEFAULT_BATCH 32	/* of texts as they come */
#define DEFAULT_FIXED_BATCH 8	/* of texts of a given length */

enum { KEY_INPUT = 256, KEY_FROM, KEY_LENGTHS, KEY_BATCH, KEY_TEXTS, KEY_TIME, KEY_REPEAT,
	KEY_FORMAT, KEY_BACKENDS, KEY_THREADS, KEY_ENCODED, KEY_SET, KEY_EXPLAIN, KEY_GROWTH, KEY_PLOT };

static const struct argp_option options[] = {
	{ "input", KEY_INPUT, "FILE", 0, "measure with the texts of FILE; - is standard input", 0 },
	{ "from", KEY_FROM, "FORMAT", 0, "what FILE is: text (a line each), jsonl or conll", 0 },
	{ "lengths", KEY_LENGTHS, "LIST|FILE", 0, "measure with made texts of these many tokens, "
	  "or of the lengths that texts of FILE have", 0 },
	{ "batch", KEY_BATCH, "LIST", 0, "texts that are given at a time (32; with --lengths 8)", 0 },
	{ "texts", KEY_TEXTS, "N", 0, "how many texts are made or drawn", 0 },
	{ "time", KEY_TIME, "SECONDS", 0, "how long each is measured, at least (3; with "
	  "--growth 1)", 0 },
	{ "repeat", KEY_REPEAT, "N", 0, "how many times, at least (5; with --growth 1)", 0 },
	{ "encoded", KEY_ENCODED, NULL, 0, "tokenize before the clock starts", 0 },
	{ "backends", KEY_BACKENDS, "LIST", 0, "compare these backends, or chains as A+B, by turns, "
	  "and their scores with those of the slowest", 0 },
	{ "explain", KEY_EXPLAIN, NULL, 0, "say for each op who ran it, its time, and why others did "
	  "not", 0 },
	{ "growth", KEY_GROWTH, NULL, 0, "measure how time grows with the number of texts, their "
	  "length, the tokens of a batch and the threads", 0 },
	{ "plot", KEY_PLOT, "FILE.svg", 0, "with --growth or --explain: draw it, too", 0 },
	{ "threads", KEY_THREADS, "LIST", 0, "compare these numbers of threads", 0 },
	{ "format", KEY_FORMAT, "FORMAT", 0, "text, markdown, csv or jsonl", 0 },
	{ "set", KEY_SET, "PATH=VALUE", 0, "a setting that goes over the file; may be given again",
	  0 },
	{ 0 }
};

/* A whole number from `least` on at the start of s, up to a comma or the end; false: it is
 * none. */
static bool take_count(const char **s, size_t least, size_t *n)
{
	unsigned long long x;
	char *end;

	if (**s < '0' || **s > '9')
		return false;
	errno = 0;
	x = strtoull(*s, &end, 10);
	if (errno || x < least || x > 1u << 30 || (*end && *end != ','))
		return false;
	*n = (size_t)x;
	*s = *end ? end + 1 : end;
	return !*end || **s;
}

static bool take_list(const char *s, size_t *list, size_t *n)
{
	for (*n = 0; *s; (*n)++)
		if (*n == BENCH_MOST || !take_count(&s, 1, &list[*n]))
			return false;
	return *n > 0;
}

static void parse_list(struct argp_state *state, const char *option, const char *arg, size_t *list,
	size_t *n)
{
	if (!take_list(arg, list, n))
		argp_error(state, "%s: found %s, expected whole numbers with commas between, at most "
			"%d", option, arg, BENCH_MOST);
}

static size_t parse_count(struct argp_state *state, const char *option, const char *arg)
{
	size_t n = 0;

	if (!take_count(&arg, 1, &n) || *arg)
		argp_error(state, "%s: found %s, expected a whole number from 1", option, arg);
	return n;
}

static void parse_lengths(struct bench_arguments *a, struct argp_state *state, char *arg)
{
	a->n_lengths = 0;
	a->lengths_file = NULL;
	if (arg[strspn(arg, "0123456789,")])
		a->lengths_file = arg;
	else
		parse_list(state, "--lengths", arg, a->lengths, &a->n_lengths);
}

static void parse_backends(struct bench_arguments *a, struct argp_state *state, char *arg)
{
	char *rest = NULL;

	a->n_backends = 0;
	for (char *s = strtok_r(arg, ",", &rest); s; s = strtok_r(NULL, ",", &rest)) {
		if (a->n_backends == BENCH_MOST)
			argp_error(state, "--backends: more than %d are given", BENCH_MOST);
		a->backends[a->n_backends++] = s;
	}
	if (!a->n_backends)
		argp_error(state, "--backends: no name is given");
}

static double parse_seconds(struct argp_state *state, const char *arg)
{
	char *end;
	double x = strtod(arg, &end);

	if (end == arg || *end || !(x >= 0 && x <= 1e6))
		argp_error(state, "--time: found %s, expected seconds from 0", arg);
	return x;
}

/* What belongs together, once all is known. */
static void check(struct bench_arguments *a, struct argp_state *state)
{
	bool lengths = a->n_lengths || a->lengths_file;

	if ((a->n_texts > 0) + (a->input != NULL) + lengths > 1)
		argp_error(state, "a TEXT, --input and --lengths exclude one another");
	if (a->count && (a->n_texts || a->input))
		argp_error(state, "--texts is for made texts: not with a TEXT or --input");
	if (a->growth && (lengths || a->n_texts || a->input || a->count || a->n_batches ||
			a->n_threads || a->explain || a->n_backends > 1))
		argp_error(state, "--growth makes its texts, batches and threads itself, for one chain "
			"of backends");
	if (a->plot && !a->growth && !a->explain)
		argp_error(state, "--plot is for --growth and --explain");
	if (a->seconds < 0)
		a->seconds = a->growth ? 1 : 3;
	if (!a->repeat)
		a->repeat = a->growth ? 1 : 5;
	if (!a->n_batches) {
		a->batches[0] = lengths ? DEFAULT_FIXED_BATCH : DEFAULT_BATCH;
		a->n_batches = 1;
	}
}

static error_t parse_rest(int key, char *arg, struct argp_state *state)
{
	struct bench_arguments *a = state->input;

	switch (key) {
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
		check(a, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct bench_arguments *a = state->input;

	switch (key) {
	case KEY_INPUT:
		a->input = arg;
		return 0;
	case KEY_FROM:
		a->from = tn_input_format(arg);
		if (a->from < 0)
			argp_error(state, "--from: found %s, expected text, jsonl or conll", arg);
		return 0;
	case KEY_LENGTHS:
		parse_lengths(a, state, arg);
		return 0;
	case KEY_BATCH:
		parse_list(state, "--batch", arg, a->batches, &a->n_batches);
		return 0;
	case KEY_TEXTS:
		a->count = parse_count(state, "--texts", arg);
		return 0;
	case KEY_TIME:
		a->seconds = parse_seconds(state, arg);
		return 0;
	case KEY_REPEAT:
		a->repeat = parse_count(state, "--repeat", arg);
		return 0;
	case KEY_FORMAT:
		if (eval_row_format_of(arg) < 0)
			argp_error(state, "--format: found %s, expected text, markdown, csv or jsonl",
				arg);
		a->format = (enum eval_row_format)eval_row_format_of(arg);
		return 0;
	case KEY_BACKENDS:
		parse_backends(a, state, arg);
		return 0;
	case KEY_THREADS:
		parse_list(state, "--threads", arg, a->threads, &a->n_threads);
		return 0;
	case KEY_GROWTH:
		a->growth = true;
		return 0;
	case KEY_PLOT:
		a->plot = arg;
		return 0;
	case KEY_EXPLAIN:
		a->explain = true;
		return 0;
	case KEY_ENCODED:
		a->encoded = true;
		return 0;
	case KEY_SET:
		if (a->n_settings == BENCH_MOST)
			argp_error(state, "--set: given more than %d times", BENCH_MOST);
		a->settings[a->n_settings++] = arg;
		return 0;
	}
	return parse_rest(key, arg, state);
}

void bench_progress(struct bench *b, const struct bench_work *work, double done, double rate)
{
	if (work->length)
		progress_say(&b->progress, "%zu tokens x %zu: %.0f %%, %.0f tokens/s", work->length,
			work->batch, 100 * done, rate);
	else
		progress_say(&b->progress, "%s, %zu at a time: %.0f %%, %.0f tokens/s",
			work->source, work->batch, 100 * done, rate);
}

/* Texts that are given, for each size of a batch. */
static int read_texts(struct bench *b)
{
	const struct bench_arguments *a = b->a;
	const char *dot = a->input ? strrchr(a->input, '.') : NULL;
	int format = a->from >= 0 ? a->from : dot ? tn_input_format(dot + 1) : -1;
	struct bench_work given = { 0 };

	if (a->input && bench_work_read(&given, a->input, format < 0 ? TN_INPUT_TEXT :
			(enum tn_input_format)format, b->arena, b->call))
		return tn_status(b->call);
	if (a->n_texts) {
		given.source = "arguments";
		given.n = (size_t)a->n_texts;
		given.inputs = tn_arena_alloc(b->arena, given.n * sizeof(*given.inputs));
		for (size_t i = 0; given.inputs && i < given.n; i++)
			given.inputs[i].text = (struct tn_text){ a->texts[i], strlen(a->texts[i]) };
	}
	if (!a->input && !a->n_texts)
		return 0;
	b->n_works = a->n_batches;
	b->works = tn_arena_alloc(b->arena, b->n_works * sizeof(*b->works));
	if (!b->works || !given.inputs)
		return tn_fail(b->call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < b->n_works; i++) {
		b->works[i] = given;
		b->works[i].batch = a->batches[i];
	}
	return 0;
}

/* The first opening of each way happens in a process of its own, while this one has no
 * threads yet. */
static int open_ways(struct bench *b)
{
	const char *settings[BENCH_MOST + 2] = { NULL }, *name;

	for (size_t i = 0; i < b->n_ways; i++)
		if (bench_way_probe(b, &b->ways[i]))
			return tn_status(b->call);
	for (size_t i = 0; i < b->n_ways; i++) {
		struct bench_way *w = &b->ways[i];
		double open_s = w->open_s, first_s = w->first_s;

		if (bench_way_open(b, w))
			return tn_status(b->call);
		if (w->memory) {
			w->open_s = open_s;
			w->first_s = first_s;
		}
	}
	if (!b->a->n_backends)
		return 0;
	name = bench_reference(b);
	memcpy(settings, b->a->settings, sizeof(b->a->settings));
	settings[b->a->n_settings] = name ? tn_printf(b->call, "backends=[\"%s\"]", name) : NULL;
	if (settings[b->a->n_settings])
		b->reference = tn_pipeline_open(b->a->pipeline, settings, b->call);
	return tn_status(b->call);
}

static int grow(struct bench *b)
{
	if (bench_ways(b) || bench_way_open(b, &b->ways[0]) || bench_growth(b))
		return tn_status(b->call);
	return bench_write(b);
}

static int bench(struct bench *b)
{
	/* A plot that cannot be written is said before all is measured. */
	if (b->a->plot && tn_file_create(&b->plot, b->a->plot, b->call))
		return tn_status(b->call);
	if (b->a->growth)
		return grow(b);
	if (read_texts(b) || bench_ways(b) || open_ways(b) || bench_measure(b) ||
	    (b->a->plot && bench_roofline(b)))
		return tn_status(b->call);
	return bench_write(b);
}

int tn_cli_bench(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "PIPELINE [TEXT ...]",
		"Measures a pipeline: latency, speed, its share of what the processor can do, memory. "
		"Without TEXT, --input and --lengths, built-in sentences are answered.", NULL, NULL,
		NULL };
	struct bench_arguments a = { .from = -1, .seconds = -1 };
	struct bench b = { .a = &a };
	int code;

	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return -TN_EUSAGE;
	b.call = tn_call_create();
	b.arena = tn_arena_create();
	if (!b.call || !b.arena) {
		fputs("tenon: out of memory\n", stderr);
		return -TN_ENOMEM;
	}
	progress_begin(&b.progress);
	tn_on_note(b.call, tn_cli_note, &b.progress);
	code = bench(&b);
	progress_clear(&b.progress);
	code = code ? tn_cli_report(b.call) : 0;
	tn_file_abandon(&b.plot);
	for (size_t i = 0; i < b.n_ways && b.ways; i++)
		tn_pipeline_close(b.ways[i].p);
	tn_pipeline_close(b.reference);
	free(b.works_done.items);
	free(b.ops.items);
	free(b.points.items);
	free(b.findings.items);
	tn_call_destroy(b.call);
	tn_arena_destroy(b.arena);
	return code;
}
