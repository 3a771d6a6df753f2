/* SPDX-License-Identifier: Apache-2.0
 * core/cli/verify.c - tenon verify: does a model give what was recorded from it elsewhere?
 */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/verify.h"

#define MOST_SETTINGS 64
#define AT_ONCE 16	/* cases that are run together */

struct arguments {
	const char *model, *against;
	const char *settings[MOST_SETTINGS + 1];
	size_t n_settings;
	char backends[512];		/* a setting */
	double tolerance;
};

enum { KEY_AGAINST = 256, KEY_BACKENDS, KEY_TOLERANCE, KEY_SET };

static const struct argp_option options[] = {
	{ "against", KEY_AGAINST, "FILE", 0, "values recorded by examples/record.py", 0 },
	{ "backends", KEY_BACKENDS, "NAME,...", 0, "the backends to use, in this order", 0 },
	{ "tolerance", KEY_TOLERANCE, "X", 0, "the largest difference allowed (1e-4)", 0 },
	{ "set", KEY_SET, "PATH=VALUE", 0, "a setting; may be given again", 0 },
	{ 0 }
};

static void add_setting(struct arguments *a, const char *setting, struct argp_state *state)
{
	if (a->n_settings == MOST_SETTINGS)
		argp_error(state, "settings: more than %d are given", MOST_SETTINGS);
	a->settings[a->n_settings++] = setting;
}

/* "a,b" as the setting backends=("a","b"). */
static void add_backends(struct arguments *a, const char *list, struct argp_state *state)
{
	size_t n = (size_t)snprintf(a->backends, sizeof(a->backends), "backends=(\"");

	for (const char *p = list; *p; p++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_,", *p))
			argp_error(state, "--backends: found %s, expected names with commas "
				"between", list);
		if (n + 8 > sizeof(a->backends))
			argp_error(state, "--backends: the list is too long");
		n += (size_t)snprintf(a->backends + n, sizeof(a->backends) - n, *p == ',' ?
			"\",\"" : "%c", *p);
	}
	snprintf(a->backends + n, sizeof(a->backends) - n, "\")");
	add_setting(a, a->backends, state);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	char *end;

	switch (key) {
	case KEY_AGAINST:
		a->against = arg;
		return 0;
	case KEY_BACKENDS:
		add_backends(a, arg, state);
		return 0;
	case KEY_TOLERANCE:
		a->tolerance = strtod(arg, &end);
		if (end == arg || *end || !(a->tolerance >= 0) || isinf(a->tolerance))
			argp_error(state, "--tolerance: found %s, expected a number from 0", arg);
		return 0;
	case KEY_SET:
		add_setting(a, arg, state);
		return 0;
	case ARGP_KEY_ARG:
		if (a->model)
			return ARGP_ERR_UNKNOWN;
		a->model = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->model)
			argp_error(state, "the model directory is missing");
		if (!a->against)
			argp_error(state, "--against FILE is missing");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* What was recorded, and how far it reaches. */
struct recorded {
	struct tn_safetensors *file;
	const struct tn_value *cases;
	size_t n_kept;			/* features that the pipeline must keep for it */
	size_t limit;			/* tokens of a case that was truncated; 0: none was */
	bool has[TN_N_REC];
};

static const struct tn_value *read_cases(const struct tn_safetensors *f, struct tn_arena *arena,
	struct tn_call *call)
{
	const struct tn_value *text = tn_get(tn_st_metadata(f), "cases"), *cases;

	if (!text) {
		tn_fail(call, TN_EDATA, "%s: its metadata have no \"cases\"; examples/record.py "
			"writes such files", tn_st_path(f));
		return NULL;
	}
	cases = tn_json_parse(tn_string(text, ""), tn_string_length(text), "cases", arena, call);
	if (cases && (tn_value_kind(cases) != TN_VALUE_LIST || !tn_size(cases))) {
		tn_fail(call, TN_EDATA, "%s: \"cases\" in its metadata is no list of cases",
			tn_st_path(f));
		return NULL;
	}
	return cases;
}

/* Every tensor must belong to a case, so that nothing is left out unseen. */
static int survey(struct recorded *r, struct tn_call *call)
{
	for (size_t i = 0; i < tn_st_count(r->file); i++) {
		const struct tn_st_tensor *t = tn_st_at(r->file, i);
		enum tn_recorded kind;
		size_t number;

		if (!tn_recorded_parse(t->name, &kind, &number) || number >= tn_size(r->cases))
			return tn_fail(call, TN_EDATA, "%s: tensor %s belongs to none of its %zu "
				"cases", tn_st_path(r->file),
				tn_quote(call, t->name, strlen(t->name)), tn_size(r->cases));
		r->has[kind] = true;
		if (kind == TN_REC_IDS &&
				tn_bool(tn_get(tn_at(r->cases, number), "truncated"), false))
			r->limit = (size_t)tn_st_elements(t);
	}
	r->n_kept = r->has[TN_REC_POOLED] ? 2 : r->has[TN_REC_HIDDEN];
	return 0;
}

/* Truncates as the recorded tokenizer did, with no windows, and takes its words. */
static int follow_recording(struct tn_pipeline *p, const struct recorded *r, struct tn_call *call)
{
	p->windows = false;
	p->pair_is_long = false;
	p->max_tokens = r->limit ? r->limit : p->info.max_positions;
	if (p->words_mode != TN_WORDS_NONE)
		p->words_mode = TN_WORDS_PRETOKENIZER;
	if (p->info.max_positions && p->max_tokens > p->info.max_positions)
		return tn_fail(call, TN_EDATA, "%s: a case has %zu tokens, the model takes at most "
			"%zu", tn_st_path(r->file), p->max_tokens, p->info.max_positions);
	return 0;
}

static struct tn_text text_of(const struct tn_value *v)
{
	return (struct tn_text){ tn_string(v, NULL), tn_string_length(v) };
}

static int make_input(const struct tn_value *c, struct tn_input *input, struct tn_call *call)
{
	const struct tn_value *list = tn_get(c, "words");
	struct tn_text *words;

	input->text = text_of(tn_get(c, "text"));
	/* transformers takes an empty second text for none. */
	if (tn_string_length(tn_get(c, "pair")))
		input->pair = text_of(tn_get(c, "pair"));
	if (tn_value_kind(list) != TN_VALUE_LIST)
		return input->text.text ? 0 : tn_fail(call, TN_EDATA, "a case has neither a text "
			"nor words");
	words = tn_alloc_n(call, tn_size(list) + 1, sizeof(*words));
	if (!words)
		return tn_status(call);
	for (size_t i = 0; i < tn_size(list); i++) {
		words[i] = text_of(tn_at(list, i));
		if (!words[i].text)
			return tn_fail(call, TN_EDATA, "a word of a case is no string");
	}
	input->words = words;
	input->n_words = tn_size(list);
	return 0;
}

/* One group of cases. */
struct group {
	struct tn_verify *verify;
	struct tn_job jobs[AT_ONCE];
	size_t first;
};

static int compare(void *user, struct tn_job *job, struct tn_call *call)
{
	struct group *g = user;

	return tn_verify_case(g->verify, job, g->first + (size_t)(job - g->jobs), call);
}

static int run_group(struct tn_pipeline *p, struct group *g, const struct tn_value *cases, size_t n,
	struct tn_call *call)
{
	struct tn_input inputs[AT_ONCE] = { { { 0 } } };
	struct tn_job *jobs[AT_ONCE];

	for (size_t i = 0; i < n; i++) {
		jobs[i] = &g->jobs[i];
		if (make_input(tn_at(cases, g->first + i), &inputs[i], call) ||
				tn_job_prepare(p, &inputs[i], jobs[i], call))
			return tn_status(call);
	}
	return tn_jobs_run(p, jobs, n, compare, g, call);
}

static int run_all(struct tn_pipeline *p, struct tn_verify *v, const struct tn_value *cases,
	struct tn_call *call)
{
	struct group g = { .verify = v };
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));

	for (size_t n; g.first < tn_size(cases); g.first += n) {
		n = tn_size(cases) - g.first < AT_ONCE ? tn_size(cases) - g.first : AT_ONCE;
		if (run_group(p, &g, cases, n, call))
			return tn_status(call);
		tn_arena_rewind(tn_call_arena(call), mark);
	}
	return 0;
}

/* A row for each kind; 0 or TN_EDATA. */
static int report(const struct tn_verify *v, const struct recorded *r, double tolerance,
	struct tn_call *call)
{
	printf("%-9s %12s %12s  %s\n", "KIND", "COMPARED", "MAX DIFF", "WHERE");
	for (int k = 0; k < TN_N_REC; k++) {
		const struct tn_comparison *c = &v->of[k];
		int len;
		const char *name = tn_recorded_name((enum tn_recorded)k, &len);

		if (!r->has[k])
			continue;
		printf("%-9.*s %12llu %12.3g  %s\n", len, name, (unsigned long long)c->n, c->max,
			c->where);
		if (c->max > (k <= TN_REC_OFFSETS ? 0 : tolerance))
			tn_fault(call, TN_EDATA, "%s: %.*s differ: %s", tn_st_path(r->file), len,
				name, c->where);
	}
	if (tn_status(call))
		return tn_status(call);
	printf("%zu cases agree within %g on", tn_size(r->cases), tolerance);
	for (size_t i = 0; i < v->p->chain.n; i++)
		printf("%s %s", i ? "," : "", v->p->chain.items[i]->plugin->names[0]);
	puts("");
	return 0;
}

static int verify(const struct arguments *a, struct recorded *r, struct tn_arena *arena,
	struct tn_call *call)
{
	struct tn_verify v = { 0 };
	struct tn_pipeline *p;
	int status;

	r->file = tn_st_open(a->against, call);
	r->cases = r->file ? read_cases(r->file, arena, call) : NULL;
	if (!r->cases || survey(r, call))
		return tn_status(call);
	p = tn_pipeline_open_with(a->model, a->settings, r->n_kept, call);
	if (!p)
		return tn_status(call);
	v.p = p;
	v.file = r->file;
	status = follow_recording(p, r, call);
	if (!status)
		status = run_all(p, &v, r->cases, call);
	if (!status)
		status = report(&v, r, a->tolerance, call);
	tn_pipeline_close(p);
	return status;
}

int tn_cli_verify(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "DIR --against FILE",
		"Runs a model on recorded cases and compares token ids, offsets, hidden rows and "
		"scores with what was recorded from it elsewhere: `python3 examples/record.py DIR "
		"--out FILE` records it from transformers.", NULL, NULL, NULL };
	struct arguments a = { .tolerance = 1e-4 };
	struct recorded r = { 0 };
	struct tn_arena *arena;
	struct tn_call *call;
	int code = -TN_ENOMEM;

	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return -TN_EUSAGE;
	arena = tn_arena_create();
	call = tn_call_create();
	if (call && arena) {
		tn_on_note(call, tn_cli_note, NULL);
		verify(&a, &r, arena, call);
		code = tn_cli_report(call);
	}
	tn_st_close(r.file);
	tn_arena_destroy(arena);
	tn_call_destroy(call);
	return code;
}
