/* SPDX-License-Identifier: Apache-2.0
 * core/cli/check.c - tenon check: opens a pipeline without running it, names every fault,
 * and says what would run where.
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "cli/cli.h"
#include "pipeline/effective.h"
#include "pipeline/pipeline_impl.h"

struct arguments {
	const char *path;
	const char *settings[65];
	size_t n_settings;
	bool print, verbose;
};

enum { KEY_PRINT = 256, KEY_SET };

static const struct argp_option options[] = {
	{ "print", KEY_PRINT, NULL, 0, "print the effective configuration, itself a valid one", 0 },
	{ "set", KEY_SET, "PATH=VALUE", 0, "a setting that goes over the file; may be given again",
	  0 },
	{ "verbose", 'v', NULL, 0, "also list every operation and every unused tensor", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case KEY_PRINT:
		a->print = true;
		return 0;
	case KEY_SET:
		if (a->n_settings == 64)
			argp_error(state, "--set: given more than 64 times");
		a->settings[a->n_settings++] = arg;
		return 0;
	case 'v':
		a->verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->path)
			return ARGP_ERR_UNKNOWN;
		a->path = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "the pipeline is missing: a .cfg file or a model directory");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Per op and backend: how many nodes, and why a backend before it refused. */
static void print_ops(const struct tn_pipeline *p, bool verbose)
{
	for (size_t b = 0; b < p->chain.n; b++) {
		size_t counts[TN_N_OPS] = { 0 };
		const char *comma = "";

		printf("  %-10s", p->chain.items[b]->plugin->names[0]);
		for (size_t i = 0; i < tn_plan_n_steps(p->plan); i++) {
			const char *why;
			size_t backend;
			const struct tn_node *node = tn_plan_step(p->plan, i, &backend, &why);

			if (backend == b && node->op < TN_N_OPS)
				counts[node->op]++;
		}
		for (uint32_t op = 0; op < TN_N_OPS; op++) {
			if (!counts[op])
				continue;
			printf("%s %zu %s", comma, counts[op], tn_op_name(op));
			comma = ",";
		}
		puts(*comma ? "" : " nothing");
	}
	for (size_t i = 0; i < tn_plan_n_steps(p->plan); i++) {
		const char *why;
		size_t backend;
		const struct tn_node *node = tn_plan_step(p->plan, i, &backend, &why);

		if (verbose || *why)
			printf("  %s (%s): %s%s%s\n", node->name, tn_op_name(node->op),
				p->chain.items[backend]->plugin->names[0], *why ? ", not " : "", why);
	}
}

static void print_flops(const struct tn_pipeline *p)
{
	uint32_t start[2] = { 0, 128 };
	struct tn_axis axes[TN_MAX_AXES] = { { 0 } };
	uint64_t flops[TN_MOST_BACKENDS] = { 0 }, total = 0;

	for (size_t i = 0; i < tn_plan_n_axes(p->plan); i++)
		axes[i] = (struct tn_axis){ .rows = 128, .seqs = 1, .start = start };
	if (p->texts_axis >= 0)
		axes[p->texts_axis].rows = 1;
	tn_plan_flops(p->plan, axes, flops);
	for (size_t b = 0; b < p->chain.n; b++)
		total += flops[b];
	printf("work for 128 tokens: %.3g GFLOP", (double)total / 1e9);
	for (size_t b = 0; b < p->chain.n; b++)
		printf("%s %s %.1f %%", b ? "," : ";", p->chain.items[b]->plugin->names[0],
			total ? 100.0 * (double)flops[b] / (double)total : 0.0);
	puts("");
}

/* Tensors of the model that no head needs: harmless, said once. */
static void print_unused(const struct tn_pipeline *p, bool verbose)
{
	size_t n = 0;

	for (size_t i = 0; i < tn_weights_count(p->weights); i++) {
		if (tn_weights_used(p->weights, i))
			continue;
		if (n < 4 || verbose)
			printf("%s%s", n ? ", " : "unused tensors: ", tn_weights_at(p->weights, i)->name);
		n++;
	}
	if (n > 4 && !verbose)
		printf(" and %zu more", n - 4);
	if (n)
		puts("");
}

/* Tensors with numbers that no trained model has: said, not refused. */
static void print_nonfinite(const struct tn_pipeline *p, struct tn_call *call)
{
	for (size_t i = 0; i < tn_weights_count(p->weights); i++) {
		const struct tn_st_tensor *t = tn_weights_at(p->weights, i);
		uint64_t n = 0;

		if (tn_st_count_nonfinite(tn_weights_file(p->weights, i), t, &n, call))
			return;
		if (n)
			printf("tensor %s: %llu of %llu values are infinite or NaN\n", tn_quote(call,
				t->name, strlen(t->name)), (unsigned long long)n,
				(unsigned long long)tn_st_elements(t));
	}
}

static void print_report(const struct tn_pipeline *p, bool verbose, struct tn_call *call)
{
	size_t packed, held;

	printf("model: %s, %s%s%s, %zu layers, width %zu, windows of %zu tokens, overlap %zu\n",
		p->dir->path, p->model->plugin->names[0], p->dir->class ? " " : "",
		p->dir->class ? p->dir->class : "", p->info.layers, p->info.width, p->max_tokens,
		p->overlap);
	printf("tokenizer: %s, %zu tokens\n", p->tokenizer->plugin->names[0],
		p->tokenizer_info->vocab_size);
	for (size_t i = 0; i < p->n_heads; i++)
		printf("head %s: %s, %zu labels, weights from %s\n", p->heads[i].name,
			p->heads[i].plugin->names[0], p->heads[i].env.n_labels,
			p->heads[i].weights.source.where);
	printf("threads: %zu, %zu for each call\n", p->threads, p->threads_per_call);
	puts("operations by backend:");
	print_ops(p, verbose);
	print_flops(p);
	tn_plan_memory(p->plan, &packed, &held);
	printf("weights: %.1f MB packed, %.1f MB as they stand\n", (double)packed / 1e6,
		(double)held / 1e6);
	print_unused(p, verbose);
	print_nonfinite(p, call);
	if (!tn_status(call))
		puts("ok");
}

static int check(const struct arguments *a, struct tn_call *call)
{
	struct tn_pipeline *p = tn_pipeline_open(a->path, a->settings, call);
	struct tn_value *tree;
	char *text;

	if (!p)
		return tn_cli_report(call);
	if (a->print) {
		tree = tn_pipeline_effective(p, call);
		text = tree ? tn_config_print(tree, NULL, call) : NULL;
		if (text)
			fputs(text, stdout);
	} else {
		print_report(p, a->verbose, call);
	}
	tn_pipeline_close(p);
	return tn_cli_report(call);
}

int tn_cli_check(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "PIPELINE",
		"Opens a pipeline (a .cfg file or a model directory) without running it: names all "
		"that is wrong, each with FILE:LINE, or says what runs where.", NULL, NULL, NULL };
	struct arguments a = { 0 };
	struct tn_call *call;
	int code;

	if (argp_parse(&argp, argc, argv, 0, NULL, &a))
		return -TN_EUSAGE;
	call = tn_call_create();
	if (!call)
		return -TN_ENOMEM;
	tn_on_note(call, tn_cli_note, NULL);
	code = check(&a, call);
	tn_call_destroy(call);
	return code;
}
