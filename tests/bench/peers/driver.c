/* SPDX-License-Identifier: Apache-2.0
 * tests/bench/peers/driver.c - tenon as one of the engines that peers.py times:
 *
 *	bench_driver PIPELINE [PATH=VALUE ...]
 *
 * Opens the pipeline and obeys lines from standard input; each is answered by one line
 * of JSON:
 *
 *	load FILE	take the batches in FILE: a text each line, an empty line between batches
 *	vectors FILE	write the first head's vectors of all texts to FILE, as raw floats
 *	time ids S	run all batches, whole passes, until S seconds are over; seconds of each
 *			pass: on the clock, of all threads, and (with ids) in making answers
 *			of scores.  The texts are tokens already.
 *	time text S	the same from the texts on
 *	profile N	of N passes, for each op: seconds, operations, bytes
 *	machine N	what the processor does with N threads: 1e9 operations a second with
 *			each precision, 1e9 bytes read a second
 *	peak		peak memory in KiB
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench/peak.h"
#include "pipeline/pipeline_impl.h"

#define MOST_PASSES 100000

struct text_batch {
	size_t first, n;
};

struct driver {
	struct tn_pipeline *p;
	struct tn_call *load;		/* what lives as long as the texts */
	struct tn_call *pass;		/* emptied before each batch */
	struct tn_input *inputs;
	struct tn_job *prepared, *jobs;
	const struct tn_value **answers;
	size_t n_texts;
	struct text_batch *batches;
	size_t n_batches;
	double answering;		/* seconds of the pass behind the last scores */
};

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static char *read_whole(const char *path, struct tn_call *call)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	long len;

	if (!f || fseek(f, 0, SEEK_END) || (len = ftell(f)) < 0) {
		tn_fail(call, TN_EIO, "%s cannot be read", path);
	} else {
		rewind(f);
		text = tn_alloc(call, (size_t)len + 2);
		if (text && fread(text, 1, (size_t)len, f) != (size_t)len) {
			tn_fail(call, TN_EIO, "%s cannot be read", path);
			text = NULL;
		}
	}
	if (f)
		fclose(f);
	return text;
}

/* Cuts the file into texts and batches; room for both is the number of lines. */
static void cut(struct driver *d, char *at)
{
	bool fresh = true;

	for (char *end; *at; at = end + 1) {
		end = at + strcspn(at, "\n");
		if (end == at) {
			fresh = true;
			continue;
		}
		if (fresh)
			d->batches[d->n_batches++].first = d->n_texts;
		fresh = false;
		d->batches[d->n_batches - 1].n++;
		d->inputs[d->n_texts++].text = (struct tn_text){ at, (size_t)(end - at) };
		if (!*end)
			break;
	}
}

static int load(struct driver *d, const char *path)
{
	size_t lines = 2, tokens = 0;
	char *text;

	tn_call_reset(d->load);
	d->n_texts = d->n_batches = 0;
	text = read_whole(path, d->load);
	if (!text)
		return tn_status(d->load);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	d->inputs = tn_alloc_n(d->load, lines, sizeof(*d->inputs));
	d->prepared = tn_alloc_n(d->load, lines, sizeof(*d->prepared));
	d->jobs = tn_alloc_n(d->load, lines, sizeof(*d->jobs));
	d->answers = tn_alloc_n(d->load, lines, sizeof(*d->answers));
	d->batches = tn_alloc_n(d->load, lines, sizeof(*d->batches));
	if (tn_status(d->load))
		return tn_status(d->load);
	cut(d, text);
	for (size_t i = 0; i < d->n_texts; i++) {
		if (tn_job_prepare(d->p, &d->inputs[i], &d->prepared[i], d->load))
			return tn_status(d->load);
		for (size_t w = 0; w < d->prepared[i].windows.n; w++)
			tokens += d->prepared[i].windows.items[w].n_tokens;
	}
	printf("{\"texts\":%zu,\"batches\":%zu,\"tokens\":%zu}\n", d->n_texts, d->n_batches, tokens);
	return 0;
}

static int keep(void *user, struct tn_job *job, struct tn_call *call)
{
	struct driver *d = user;
	double begin = now(CLOCK_MONOTONIC);
	int status = tn_job_answer(d->p, job, &d->answers[job - d->jobs], call);

	d->answering += now(CLOCK_MONOTONIC) - begin;
	return status;
}

/* Answers one batch; the answers live until the next. */
static int run_batch(struct driver *d, const struct text_batch *b, bool ids)
{
	struct tn_job **jobs;

	tn_call_reset(d->pass);
	if (!ids)
		return tn_pipeline_run(d->p, d->inputs + b->first, b->n, d->answers + b->first, d->pass);
	jobs = tn_alloc_n(d->pass, b->n, sizeof(*jobs));
	for (size_t i = 0; jobs && i < b->n; i++) {
		jobs[i] = &d->jobs[b->first + i];
		*jobs[i] = d->prepared[b->first + i];
	}
	return jobs ? tn_jobs_run(d->p, jobs, b->n, keep, d, d->pass) : tn_status(d->pass);
}

struct pass {
	double wall, cpu, answering;
};

static void print_column(const char *name, const struct pass *passes, size_t n, size_t offset)
{
	printf("%s\":[", name);
	for (size_t i = 0; i < n; i++)
		printf("%s%.9f", i ? "," : "", *(const double *)((const char *)&passes[i] + offset));
	putchar(']');
}

static int time_passes(struct driver *d, bool ids, double seconds)
{
	struct pass *passes = calloc(MOST_PASSES, sizeof(*passes));
	double begin = now(CLOCK_MONOTONIC), end = begin + seconds;
	size_t n = 0;
	int status = passes ? 0 : tn_fail(d->pass, TN_ENOMEM, "out of memory");

	while (!status && n < MOST_PASSES && (n == 0 || begin < end)) {
		double cpu = now(CLOCK_PROCESS_CPUTIME_ID);

		d->answering = 0;
		for (size_t b = 0; b < d->n_batches && !status; b++)
			status = run_batch(d, &d->batches[b], ids);
		passes[n].cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		passes[n].wall = now(CLOCK_MONOTONIC) - begin;
		passes[n].answering = d->answering;
		begin += passes[n++].wall;
	}
	if (!status) {
		print_column("{\"seconds", passes, n, offsetof(struct pass, wall));
		print_column(",\"cpu", passes, n, offsetof(struct pass, cpu));
		print_column(",\"answering", passes, n, offsetof(struct pass, answering));
		puts("}");
	}
	free(passes);
	return status;
}

static int write_vectors(struct driver *d, const char *path)
{
	const char *head = tn_pipeline_head(d->p, 0);
	FILE *f = fopen(path, "wb");
	size_t width = 0;

	if (!f)
		return tn_fail(d->pass, TN_EIO, "%s cannot be written", path);
	for (size_t b = 0; b < d->n_batches; b++) {
		if (run_batch(d, &d->batches[b], true))
			break;
		for (size_t i = 0; i < d->batches[b].n; i++) {
			const struct tn_value *v = tn_get(d->answers[d->batches[b].first + i], head);

			width = tn_size(v);
			if (!tn_floats(v) || fwrite(tn_floats(v), sizeof(float), width, f) != width)
				tn_fail(d->pass, TN_EIO, "text %zu has no vector", i);
		}
	}
	if (fclose(f))
		tn_fail(d->pass, TN_EIO, "%s cannot be written", path);
	if (!tn_status(d->pass))
		printf("{\"width\":%zu}\n", width);
	return tn_status(d->pass);
}

static uint32_t step_op(const struct tn_plan *plan, size_t i)
{
	size_t backend;
	const char *why;

	return tn_plan_step(plan, i, &backend, &why)->op;
}

/* Sums the steps of each op; a step is timed alone, so the sum is more than a pass takes. */
static void print_profile(const struct tn_plan *plan, const struct tn_profile *profile)
{
	const size_t n = tn_plan_n_steps(plan);
	const char *comma = "";

	putchar('{');
	for (size_t i = 0; i < n; i++) {
		const uint32_t op = step_op(plan, i);
		uint64_t ns = 0, flops = 0, bytes = 0;
		bool seen = false;

		for (size_t k = 0; k < n; k++) {
			if (step_op(plan, k) != op)
				continue;
			seen |= k < i;
			ns += profile->steps[k].ns;
			flops += profile->steps[k].flops;
			bytes += profile->steps[k].bytes;
		}
		if (seen)
			continue;
		printf("%s\"%s\":[%.9f,%" PRIu64 ",%" PRIu64 "]", comma, tn_op_name(op),
			1e-9 * (double)ns, flops, bytes);
		comma = ",";
	}
	puts("}");
}

static int profile_passes(struct driver *d, int n)
{
	struct tn_profile profile = { .timed = true };
	int status;

	profile.steps = calloc(tn_plan_n_steps(d->p->plan) + 1, sizeof(*profile.steps));
	if (!profile.steps)
		return tn_fail(d->pass, TN_ENOMEM, "out of memory");
	status = tn_pipeline_profile(d->p, &profile, d->pass);
	for (int i = 0; i < n; i++)
		for (size_t b = 0; b < d->n_batches && !status; b++)
			status = run_batch(d, &d->batches[b], true);
	tn_pipeline_profile(d->p, NULL, d->pass);
	if (!status)
		print_profile(d->p->plan, &profile);
	free(profile.steps);
	return status;
}

static int print_machine(int threads)
{
	struct bench_peaks peaks = { .threads = threads };

	bench_peak_loops(&peaks);
	bench_peak_read(&peaks);
	printf("{\"isa\":\"%s\",\"fp32\":%.1f,\"bf16\":%.1f,\"int8\":%.1f,\"read\":%.2f}\n",
		peaks.isa, peaks.fp32, peaks.bf16, peaks.int8, peaks.read);
	return 0;
}

static int obey(struct driver *d, char *line)
{
	struct rusage usage;
	char path[4096], what[8];
	double seconds;
	int n;

	if (sscanf(line, "load %4095[^\n]", path) == 1)
		return load(d, path);
	if (sscanf(line, "vectors %4095[^\n]", path) == 1)
		return write_vectors(d, path);
	if (sscanf(line, "time %7s %lf", what, &seconds) == 2)
		return time_passes(d, !strcmp(what, "ids"), seconds);
	if (sscanf(line, "profile %d", &n) == 1)
		return profile_passes(d, n);
	if (sscanf(line, "machine %d", &n) == 1)
		return print_machine(n);
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"peak\":%ld}\n", usage.ru_maxrss);
	return 0;
}

int main(int argc, char **argv)
{
	struct driver d = { .load = tn_call_create(), .pass = tn_call_create() };
	char line[8192];
	double begin = now(CLOCK_MONOTONIC);
	int status = 64;

	if (argc < 2) {
		fprintf(stderr, "usage: %s PIPELINE [PATH=VALUE ...]\n", argv[0]);
		return status;
	}
	d.p = tn_pipeline_open(argv[1], (const char *const *)argv + 2, d.pass);
	status = d.p ? 0 : tn_status(d.pass);
	if (d.p)
		printf("{\"opened\":%.6f}\n", now(CLOCK_MONOTONIC) - begin);
	fflush(stdout);
	while (!status && fgets(line, sizeof(line), stdin)) {
		status = obey(&d, line);
		fflush(stdout);
	}
	if (status)
		fprintf(stderr, "%s\n", tn_error_text(tn_status(d.load) ? d.load : d.pass));
	tn_pipeline_close(d.p);
	tn_call_destroy(d.load);
	tn_call_destroy(d.pass);
	return -status;
}
