/* SPDX-License-Identifier: Apache-2.0
 * core/cli/train.c - tenon train: fine-tunes a pipeline as a job's file says.
 */
#include <argp.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bench/clock.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "train/train.h"

#define MOST_SETTINGS 64
#define MOST_SHOWN 3

enum { KEY_OVERWRITE = 256, KEY_RESUME, KEY_SET };

static const struct argp_option options[] = {
	{ "overwrite", KEY_OVERWRITE, NULL, 0, "begin anew where a run or its model lies", 0 },
	{ "resume", KEY_RESUME, NULL, 0, "go on from the checkpoint in the output directory", 0 },
	{ "set", KEY_SET, "PATH=VALUE", 0, "a setting that goes over the job's; may be given again",
	  0 },
	{ 0 }
};

struct arguments {
	const char *job;
	const char *settings[MOST_SETTINGS + 1];
	size_t n_settings;
	bool resume, overwrite;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case KEY_OVERWRITE:
		a->overwrite = true;
		return 0;
	case KEY_RESUME:
		a->resume = true;
		return 0;
	case KEY_SET:
		if (a->n_settings == MOST_SETTINGS)
			argp_error(state, "--set: more than %d are given", MOST_SETTINGS);
		a->settings[a->n_settings++] = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (a->job)
			return ARGP_ERR_UNKNOWN;
		a->job = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->job)
			argp_error(state, "the job is missing");
		if (a->resume && a->overwrite)
			argp_error(state, "--resume and --overwrite do not go together");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	interrupted = signal;
}

/* What the events need. */
struct watch {
	struct progress progress;
	double begin;
	uint64_t first;			/* the first step of this process */
	size_t titled;			/* 1 and the metrics of the last title */
};

static bool on_step(void *user, const struct tn_train_step *s)
{
	struct watch *w = user;
	double now = bench_now(), left;

	if (!w->first) {
		w->first = s->step;
		w->begin = now;
	}
	left = s->step > w->first ? (now - w->begin) / (double)(s->step - w->first) *
		(double)(s->steps - s->step) : 0;
	progress_say(&w->progress, "step %llu of %llu, loss %.4f, rate %.2e, %.0f s left",
		(unsigned long long)s->step, (unsigned long long)s->steps, s->loss, s->rate, left);
	return interrupted;
}

static void print_loss(double loss)
{
	if (isnan(loss))
		printf(" %10s", "-");
	else
		printf(" %10.4f", loss);
}

static void on_encoding(void *user, double share)
{
	struct watch *w = user;

	progress_say(&w->progress, "features: %.0f %%", 100 * share);
}

/* The first three metrics of each head; the log has all. */
static bool is_shown(const struct tn_train_evaluation *e, size_t i)
{
	return i < MOST_SHOWN || strcmp(e->metrics[i].head, e->metrics[i - MOST_SHOWN].head);
}

static void on_evaluation(void *user, const struct tn_train_evaluation *e)
{
	struct watch *w = user;

	progress_clear(&w->progress);
	if (w->titled != e->n + 1) {
		printf("%8s %6s %10s %10s", "step", "epoch", "loss", "dev loss");
		for (size_t i = 0; i < e->n; i++)
			if (is_shown(e, i))
				printf("  %s.%s", e->metrics[i].head, e->metrics[i].name);
		putchar('\n');
		w->titled = e->n + 1;
	}
	printf("%8llu %6llu", (unsigned long long)e->step, (unsigned long long)e->epoch);
	print_loss(e->loss);
	print_loss(e->dev_loss);
	for (size_t i = 0; i < e->n; i++) {
		int width = (int)(strlen(e->metrics[i].head) + strlen(e->metrics[i].name) + 3);

		if (is_shown(e, i))
			printf("%*.2f", width, e->metrics[i].value);
	}
	puts(!isnan(e->dev_loss) && e->best ? "  best" : "");
	fflush(stdout);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = interrupt };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void conclude(const struct arguments *a, const struct tn_train_result *r)
{
	if (r->end == TN_TRAIN_STOPPED)
		fprintf(stderr, "tenon: stopped after step %llu of %llu; `tenon train %s --resume` "
			"goes on\n", (unsigned long long)r->step, (unsigned long long)r->steps, a->job);
	else if (isnan(r->best))
		printf("%s: step %llu\n", r->output, (unsigned long long)r->step);
	else
		printf("%s: step %llu, %.2f\n", r->output, (unsigned long long)r->best_step, r->best);
}

int tn_cli_train(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "JOB.cfg",
		"Trains the heads of a pipeline, and its model, as a job's file says; writes a model "
		"directory. SIGINT and SIGTERM save the state of the run first.", NULL, NULL, NULL };
	struct arguments a = { .job = NULL };
	struct watch w = { .first = 0 };
	const struct tn_train_events events = { &w, on_step, on_evaluation, on_encoding };
	struct tn_train_options o;
	struct tn_train_result result;
	struct tn_call *call;
	int code;

	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return -TN_EUSAGE;
	call = tn_call_create();
	if (!call)
		return -TN_ENOMEM;
	tn_on_note(call, tn_cli_note, &w.progress);
	o = (struct tn_train_options){ .job = a.job, .settings = a.settings, .resume = a.resume,
		.overwrite = a.overwrite };
	catch_signals();
	progress_begin(&w.progress);
	if (!tn_train_run(&o, &events, &result, call)) {
		progress_clear(&w.progress);
		conclude(&a, &result);
	}
	progress_clear(&w.progress);
	code = tn_cli_report(call);
	tn_call_destroy(call);
	return code;
}
