/* SPDX-License-Identifier: Apache-2.0
 * tests/bench/train.c - time of training steps:
 *
 *	bench_train PIPELINE DATA.tsv [STEPS [dropout [SETTING ...]]]
 *
 * A batch is 32 lines "text<TAB>label" (0 or 1).  Prints a line for each step with its wall
 * time, then the time of each op, the optimizer's and the greatest resident memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "train/objective.h"
#include "train/optimizer.h"

#define BATCH 32

static const char *const names[] = { "0", "1" };

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int labels(void *user, const char *head, enum tn_task task, struct tn_gold_labels *found,
	struct tn_call *call)
{
	*found = (struct tn_gold_labels){ TN_GOLD_LABEL, names, 2 };
	return 0;
}

struct batch {
	struct tn_input inputs[BATCH];
	struct tn_job jobs[BATCH];
	struct tn_batch_item items[BATCH];
	struct tn_gold golds[BATCH];
	char text[BATCH][4096];
	size_t n, tokens;
};

static int read_batch(struct batch *b, struct tn_pipeline *p, FILE *data, struct tn_call *call)
{
	b->tokens = 0;
	for (b->n = 0; b->n < BATCH; b->n++) {
		char *line = b->text[b->n], *tab;

		if (!fgets(line, sizeof(b->text[0]), data) || !(tab = strchr(line, '\t')))
			return 0;
		b->inputs[b->n] = (struct tn_input){ .text = { line, (size_t)(tab - line) } };
		if (tn_job_prepare(p, &b->inputs[b->n], &b->jobs[b->n], call))
			return -1;
		b->golds[b->n] = (struct tn_gold){
			.label = tn_new_text(tn_call_arena(call), tab[1] == '1' ? "1" : "0") };
		b->items[b->n] = (struct tn_batch_item){ &b->jobs[b->n], 0 };
		b->tokens += b->jobs[b->n].windows.items[0].n_tokens;
	}
	return 1;
}

static void print_ops(const struct tn_plan *plan, const struct tn_profile *profile,
	struct tn_pipeline *p)
{
	for (uint32_t op = 0; op < TN_N_OPS; op++)
		for (size_t b = 0; b < p->chain.n; b++) {
			const char *why;
			size_t n = 0, backend;
			uint64_t ns = 0;

			for (size_t i = 0; i < tn_plan_n_steps(plan); i++) {
				if (tn_plan_step(plan, i, &backend, &why)->op != op || backend != b)
					continue;
				n++;
				ns += profile->steps[i].ns;
			}
			if (n)
				printf("%-20s %-10s %3zu nodes %8.2f ms\n", tn_op_name(op),
					p->chain.items[b]->plugin->names[0], n,
					1e-6 * (double)ns / (double)profile->runs);
		}
}

static int ascending(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double median(double *x, int n)
{
	qsort(x, (size_t)n, sizeof(*x), ascending);
	return x[n / 2];
}

int main(int argc, char **argv)
{
	const struct tn_training training = { .labels = labels };
	struct tn_objective_options options = { .real = TN_F32 };
	const struct tn_job_optim optim = { .lr = 2e-5, .weight_decay = 0.01, .beta1 = 0.9,
		.beta2 = 0.999, .eps = 1e-8, .clip = 1, .layer_decay = 1 };
	struct tn_call *call = tn_call_create(), *mine = tn_call_create();
	int steps = argc > 3 ? atoi(argv[3]) : 30;
	FILE *data = argc > 2 ? fopen(argv[2], "r") : NULL;
	static struct batch b;
	struct tn_pipeline *p;
	struct tn_objective o;
	struct tn_optimizer adamw;
	struct tn_profile profile = { .timed = true };
	struct rusage usage;
	double *wall, *cpu;
	int done = 0;

	if (!data) {
		fprintf(stderr, "usage: bench_train PIPELINE DATA.tsv [STEPS [dropout [SETTING "
			"...]]]\n");
		return 64;
	}
	options.dropout = argc > 4 && atoi(argv[4]);
	p = tn_pipeline_open_training(argv[1], argc > 5 ? (const char *const *)argv + 5 : NULL,
		&training, call);
	if (!p || tn_objective_open(&o, p, &options, call) ||
			tn_optimizer_open(&adamw, &o, &optim, false, call)) {
		fprintf(stderr, "%s\n", tn_error_text(call));
		return 70;
	}
	profile.steps = calloc(tn_plan_n_steps(o.backward.plan), sizeof(*profile.steps));
	wall = calloc((size_t)steps + 1, sizeof(*wall));
	cpu = calloc((size_t)steps + 1, sizeof(*cpu));
	for (int i = 0; i < steps; i++) {
		double t, used, update, loss, count;

		tn_call_reset(mine);
		if (read_batch(&b, p, data, mine) <= 0)
			break;
		if (i == 3)
			tn_exec_profile(o.backward.session.exec, &profile);
		t = now(CLOCK_MONOTONIC);
		used = now(CLOCK_PROCESS_CPUTIME_ID);
		tn_plan_draw(o.backward.plan, (uint32_t)i);
		if (tn_objective_bind(&o.backward, b.items, b.n, mine) ||
				tn_objective_run(&o, &o.backward, b.items, b.n, b.golds, mine))
			break;
		tn_objective_loss(&o, &o.backward, 0, &loss, &count);
		update = now(CLOCK_MONOTONIC);
		if (tn_optimizer_step(&adamw, (uint64_t)i + 1, optim.lr, count, mine) < 0)
			break;
		wall[done] = now(CLOCK_MONOTONIC) - t;
		cpu[done] = now(CLOCK_PROCESS_CPUTIME_ID) - used;
		printf("step %d tokens %zu ms %.2f, optimizer %.2f, loss %.9g\n", i, b.tokens,
			wall[done], wall[done] + t - update, loss / count);
		done += i >= 3;
	}
	if (tn_status(mine))
		fprintf(stderr, "%s\n", tn_error_text(mine));
	print_ops(o.backward.plan, &profile, p);
	getrusage(RUSAGE_SELF, &usage);
	printf("median %.2f ms, of the CPU %.2f ms, peak %ld KiB\n", median(wall, done),
		median(cpu, done), usage.ru_maxrss);
	free(profile.steps);
	free(wall);
	free(cpu);
	tn_optimizer_close(&adamw);
	tn_objective_close(&o);
	tn_pipeline_close(p);
	tn_call_destroy(mine);
	tn_call_destroy(call);
	fclose(data);
	return done ? 0 : 1;
}
