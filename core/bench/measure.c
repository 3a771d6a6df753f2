/* SPDX-License-Identifier: Apache-2.0
 * core/bench/measure.c - answers texts with an open pipeline, again and again, and takes
 * the time.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "bench/measure.h"

static int prepare(struct tn_pipeline *p, const struct tn_input *input, struct tn_job *job,
	struct tn_call *call)
{
	if (tn_job_prepare(p, input, job, call))
		return tn_status(call);
	return job->error ? tn_fail(call, TN_EDATA, "a text is refused: %s", job->error) : 0;
}

/* What a batch on its way holds. */
struct batch {
	struct bench_run *r;
	double start;
	bool measured;
};

static int answered(void *user, struct tn_job *job, struct tn_call *call)
{
	struct batch *b = user;
	const struct tn_value *answer, *error;

	if (tn_job_answer(b->r->p, job, &answer, call))
		return tn_status(call);
	error = tn_get(answer, "error");
	if (error)
		return tn_fail(call, TN_EDATA, "a text is refused: %s", tn_string(error, ""));
	return b->measured ? bench_samples_add(&b->r->text_s, bench_now() - b->start, call) : 0;
}

/* Texts first .. first + n - 1, from text to answer. */
static int run_batch(struct bench_run *r, size_t first, size_t n, bool measured,
	struct tn_call *call)
{
	struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
	struct batch b = { .r = r, .start = bench_now(), .measured = measured };
	struct tn_job **list = tn_alloc_n(call, n, sizeof(*list));
	struct tn_job *jobs = r->encoded ? r->jobs + first : tn_alloc_n(call, n, sizeof(*jobs));

	if (!list || !jobs)
		return tn_status(call);
	for (size_t i = 0; i < n; i++) {
		list[i] = &jobs[i];
		if (r->encoded)
			jobs[i].windows_left = jobs[i].windows.n;
		else if (prepare(r->p, &r->work->inputs[first + i], &jobs[i], call))
			return tn_status(call);
	}
	if (tn_jobs_run(r->p, list, n, answered, &b, call))
		return tn_status(call);
	if (measured && bench_samples_add(&r->batch_s, bench_now() - b.start, call))
		return tn_status(call);
	tn_arena_rewind(tn_call_arena(call), mark);
	return 0;
}

static int run_pass(struct bench_run *r, bool measured, struct tn_call *call)
{
	for (size_t i = 0; i < r->work->n; i += r->work->batch) {
		size_t left = r->work->n - i;

		if (run_batch(r, i, left < r->work->batch ? left : r->work->batch, measured, call))
			return tn_status(call);
	}
	return 0;
}

int bench_run_pass(struct bench_run *r, struct tn_call *call)
{
	double wall = bench_now(), cpu = bench_cpu();

	if (run_pass(r, true, call))
		return tn_status(call);
	wall = bench_now() - wall;
	r->wall_s += wall;
	r->cpu_s += bench_cpu() - cpu;
	return bench_samples_add(&r->pass_s, wall, call);
}

static int run_profiled(struct bench_run *r, double seconds, bool timed, struct tn_call *call)
{
	struct bench_counts *c = &r->counts;
	double start;
	int status;

	memset(c->profile.steps, 0, tn_plan_n_steps(r->p->plan) * sizeof(*c->profile.steps));
	c->profile.runs = 0;
	c->profile.timed = timed;
	if (tn_pipeline_profile(r->p, &c->profile, call))
		return tn_status(call);
	c->profiled = 0;
	start = bench_now();
	do {
		status = run_pass(r, false, call);
		c->profiled++;
		c->profiled_s = bench_now() - start;
	} while (!status && c->profiled_s < seconds);
	tn_pipeline_profile(r->p, NULL, call);
	return status;
}

int bench_run_profile(struct bench_run *r, double seconds, struct tn_call *call)
{
	return run_profiled(r, seconds, true, call);
}

/* The jobs of all texts; kept in the call's arena when they are encoded. */
static int count_texts(struct bench_run *r, struct tn_arena *arena, struct tn_call *call)
{
	if (r->encoded) {
		r->jobs = tn_arena_alloc(arena, r->work->n * sizeof(*r->jobs));
		if (!r->jobs)
			return tn_fail(call, TN_ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < r->work->n; i++) {
		struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
		struct tn_job one, *job = r->encoded ? &r->jobs[i] : &one;

		if (prepare(r->p, &r->work->inputs[i], job, call))
			return tn_status(call);
		r->counts.windows += job->windows.n;
		for (size_t k = 0; k < job->windows.n; k++)
			r->counts.tokens += job->windows.items[k].n_tokens;
		if (!r->encoded)
			tn_arena_rewind(tn_call_arena(call), mark);
	}
	r->counts.texts = r->work->n;
	return 0;
}

int bench_run_begin(struct bench_run *r, struct tn_arena *arena, struct tn_call *call)
{
	struct bench_counts *c = &r->counts;
	size_t n = tn_plan_n_steps(r->p->plan);

	c->profile.steps = calloc(n + 1, sizeof(*c->profile.steps));
	if (!c->profile.steps)
		return tn_fail(call, TN_ENOMEM, "out of memory");
	if (count_texts(r, arena, call) || run_profiled(r, 0, false, call))
		return tn_status(call);
	c->runs = c->profile.runs;
	for (size_t i = 0; i < n; i++) {
		c->flops += c->profile.steps[i].flops;
		c->bytes += c->profile.steps[i].bytes;
	}
	return 0;
}

void bench_run_end(struct bench_run *r)
{
	free(r->counts.profile.steps);
	bench_samples_free(&r->batch_s);
	bench_samples_free(&r->text_s);
	bench_samples_free(&r->pass_s);
}

/* The raw scores of a text. */
struct scores {
	const struct tn_pipeline *p;
	float *items;
	size_t n;
};

static int keep_scores(void *user, struct tn_job *job, struct tn_call *call)
{
	struct scores *s = user;
	size_t at = 0;

	s->n = 0;
	for (size_t h = 0; h < s->p->n_heads; h++)
		s->n += job->n_scores[h];
	s->items = tn_alloc_n(call, s->n + 1, sizeof(*s->items));
	if (!s->items)
		return tn_status(call);
	for (size_t h = 0; h < s->p->n_heads; h++) {
		memcpy(s->items + at, job->scores[h], job->n_scores[h] * sizeof(float));
		at += job->n_scores[h];
	}
	return 0;
}

static int score(struct tn_pipeline *p, const struct tn_input *input, struct scores *s,
	size_t *tokens, struct tn_call *call)
{
	struct tn_job job, *list = &job;

	*s = (struct scores){ .p = p };
	if (prepare(p, input, &job, call) || tn_jobs_run(p, &list, 1, keep_scores, s, call))
		return tn_status(call);
	for (size_t k = 0; k < job.windows.n; k++)
		*tokens += job.windows.items[k].n_tokens;
	return 0;
}

int bench_difference(struct tn_pipeline *a, struct tn_pipeline *b, const struct bench_work *work,
	size_t tokens, double *largest, struct tn_call *call)
{
	size_t done = 0, twice = 0;

	*largest = 0;
	for (size_t i = 0; i < work->n && done < tokens; i++) {
		struct tn_mark mark = tn_arena_mark(tn_call_arena(call));
		struct scores x, y;

		if (score(a, &work->inputs[i], &x, &done, call) ||
				score(b, &work->inputs[i], &y, &twice, call))
			return tn_status(call);
		if (x.n != y.n)
			return tn_fail(call, TN_EINTERNAL, "two pipelines gave %zu and %zu scores",
				x.n, y.n);
		for (size_t k = 0; k < x.n; k++) {
			double d = fabs((double)x.items[k] - (double)y.items[k]);

			/* A NaN on one side alone is the largest difference there is. */
			if (!(d <= *largest) && !(isnan(x.items[k]) && isnan(y.items[k])))
				*largest = isnan(d) ? INFINITY : d;
		}
		tn_arena_rewind(tn_call_arena(call), mark);
	}
	return 0;
}
