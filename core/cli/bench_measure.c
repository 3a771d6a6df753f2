/* SPDX-License-Identifier: Apache-2.0
 * core/cli/bench_measure.c - tenon bench: each work in all ways by turns, and what was
 * measured as rows.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "cli/bench.h"

#define COMPARED_TOKENS 1024	/* of each work */

int bench_works(struct bench *b, struct tn_pipeline *p)
{
	const struct bench_arguments *a = b->a;
	size_t n_lengths = a->n_lengths ? a->n_lengths : 1;

	if (b->works)
		return 0;
	b->n_works = n_lengths * a->n_batches;
	b->works = tn_arena_alloc(b->arena, b->n_works * sizeof(*b->works));
	if (!b->works)
		return tn_fail(b->call, TN_ENOMEM, "out of memory");
	for (size_t i = 0; i < b->n_works; i++) {
		struct bench_work *w = &b->works[i];
		size_t batch = a->batches[i % a->n_batches];

		w->batch = batch;
		if (a->n_lengths)
			bench_work_fixed(w, p, a->lengths[i / a->n_batches], a->count ? a->count :
				batch, b->arena, b->call);
		else if (a->lengths_file)
			bench_work_drawn(w, p, a->lengths_file, a->from < 0 ? TN_INPUT_TEXT :
				(enum tn_input_format)a->from, a->count ? a->count : 256, b->arena,
				b->call);
		else
			bench_work_sentences(w, p, a->count ? a->count : 128, b->arena, b->call);
		if (tn_status(b->call))
			return tn_status(b->call);
	}
	return 0;
}

void bench_measure_peaks(struct bench *b)
{
	for (size_t i = 0; i < b->n_ways; i++) {
		struct bench_peaks *peaks = &b->peaks[i];

		peaks->threads = bench_way_threads(&b->ways[i]);
		for (size_t k = 0; k < i; k++)
			if (b->peaks[k].threads == peaks->threads)
				*peaks = b->peaks[k];
		if (!(peaks->read > 0) && b->a->seconds > 0)
			bench_peak_read(peaks);
		bench_peak_loops(peaks);
	}
}

double bench_peak_of(const struct bench *b, size_t way)
{
	const char *precision = b->ways[way].p->config->precision;
	const struct bench_peaks *peaks = &b->peaks[way];

	if (!strcmp(precision, "bf16") && peaks->bf16 > 0)
		return peaks->bf16;
	return !strcmp(precision, "int8") && peaks->int8 > 0 ? peaks->int8 : peaks->fp32;
}

/* Seconds that a pass takes at least: arithmetic at its peak, or memory at its. */
static double least_seconds(const struct bench *b, size_t way, const struct bench_counts *c)
{
	double work = (double)c->flops / bench_peak_of(b, way) / 1e9;
	double read = b->peaks[way].read > 0 ? (double)c->bytes / b->peaks[way].read / 1e9 : 0;

	return work > read ? work : read;
}

static void set_latency(struct tn_arena *arena, struct tn_value *row, const char *what,
	struct bench_samples *s)
{
	static const struct {
		const char *name;
		double q;
	} points[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 } };
	char key[32];

	for (size_t i = 0; i < 3; i++) {
		snprintf(key, sizeof(key), "%s_ms_%s", what, points[i].name);
		eval_set_real(arena, row, key, 1e3 * bench_quantile(s, points[i].q));
	}
}

static void set_speed(const struct bench *b, size_t way, struct bench_run *r,
	struct tn_value *row)
{
	const struct bench_counts *c = &r->counts;
	double pass = bench_quantile(&r->pass_s, 0.5), peak = bench_peak_of(b, way);

	eval_set_int(b->arena, row, "passes", (int64_t)r->pass_s.n);
	eval_set_real(b->arena, row, "seconds", r->wall_s);
	eval_set_real(b->arena, row, "tokens_per_s", (double)c->tokens / pass);
	eval_set_real(b->arena, row, "tokens_per_s_low", (double)c->tokens /
		bench_quantile(&r->pass_s, 0.75));
	eval_set_real(b->arena, row, "tokens_per_s_high", (double)c->tokens /
		bench_quantile(&r->pass_s, 0.25));
	eval_set_real(b->arena, row, "texts_per_s", (double)c->texts / pass);
	set_latency(b->arena, row, "batch", &r->batch_s);
	set_latency(b->arena, row, "text", &r->text_s);
	eval_set_int(b->arena, row, "flop", (int64_t)c->flops);
	eval_set_int(b->arena, row, "bytes", (int64_t)c->bytes);
	eval_set_real(b->arena, row, "gflop_per_s", (double)c->flops / pass / 1e9);
	eval_set_real(b->arena, row, "peak_share", (double)c->flops / pass / 1e9 / peak);
	eval_set_real(b->arena, row, "roofline_share", least_seconds(b, way, c) / pass);
	eval_set_real(b->arena, row, "cpus_used", r->cpu_s / r->wall_s);
}

static void set_machine(const struct bench *b, size_t way, struct tn_value *row)
{
	const struct bench_peaks *p = &b->peaks[way];

	eval_set_text(b->arena, row, "isa", p->isa);
	eval_set_real(b->arena, row, "peak_fp32", p->fp32);
	eval_set_real(b->arena, row, "peak_bf16", p->bf16 > 0 ? p->bf16 : NAN);
	eval_set_real(b->arena, row, "peak_int8", p->int8 > 0 ? p->int8 : NAN);
	eval_set_real(b->arena, row, "peak_int8_exact", p->int8_exact > 0 ? p->int8_exact : NAN);
	eval_set_real(b->arena, row, "read_gb_per_s", p->read > 0 ? p->read : NAN);
}

int bench_add_row(struct bench *b, struct bench_rows *rows, const struct tn_value *row)
{
	if (row && rows->n == rows->room) {
		size_t room = rows->room ? rows->room * 2 : 32;
		const struct tn_value **grown = realloc(rows->items, room * sizeof(*grown));

		if (grown) {
			rows->items = grown;
			rows->room = room;
		}
	}
	if (!row || rows->n == rows->room)
		return tn_fail(b->call, TN_ENOMEM, "out of memory");
	rows->items[rows->n++] = row;
	return 0;
}

struct tn_value *bench_new_row(const struct bench *b, const char *kind, const struct bench_way *w,
	const struct bench_work *work)
{
	struct tn_value *row = tn_new_object(b->arena);

	eval_set_text(b->arena, row, "row", kind);
	eval_set_text(b->arena, row, "pipeline", b->a->pipeline);
	eval_set_text(b->arena, row, "backends", bench_way_chain(w, b->call));
	eval_set_text(b->arena, row, "precision", w->p->config->precision);
	eval_set_int(b->arena, row, "threads", bench_way_threads(w));
	eval_set_text(b->arena, row, "source", work->source);
	if (work->length)
		eval_set_int(b->arena, row, "length", (int64_t)work->length);
	else
		tn_set(b->arena, row, "length", tn_new_null(b->arena));
	return eval_set_int(b->arena, row, "batch", (int64_t)work->batch) ? row : NULL;
}

/* What was measured of one work in one way; NULL after TN_ENOMEM. */
static struct tn_value *make_row(const struct bench *b, size_t work, size_t way,
	struct bench_run *r, double first_pass, double difference)
{
	const struct bench_way *w = &b->ways[way];
	struct tn_value *row = bench_new_row(b, "work", w, r->work);
	double pass = bench_quantile(&r->pass_s, 0.5);

	eval_set_int(b->arena, row, "texts", (int64_t)r->counts.texts);
	eval_set_int(b->arena, row, "windows", (int64_t)r->counts.windows);
	eval_set_int(b->arena, row, "tokens", (int64_t)r->counts.tokens);
	tn_set(b->arena, row, "tokenizing", tn_new_bool(b->arena, !r->encoded));
	set_speed(b, way, r, row);
	eval_set_real(b->arena, row, "open_ms", w->open_s * 1e3);
	eval_set_real(b->arena, row, "first_ms", w->first_s * 1e3);
	eval_set_real(b->arena, row, "peak_mb", w->memory ? w->memory[work] : NAN);
	set_machine(b, way, row);
	eval_set_real(b->arena, row, "ratio", first_pass / pass);
	return eval_set_real(b->arena, row, "largest_difference", difference) ? row : NULL;
}

/* Passes of all ways by turns, each round beginning with another, until there are enough of
 * them and the time is spent. */
static int take_turns(struct bench *b, struct bench_run *runs)
{
	double start = bench_now(), least = b->a->seconds * (double)b->n_ways;

	for (size_t round = 0; round < b->a->repeat || bench_now() - start < least; round++) {
		double by_time = least > 0 ? (bench_now() - start) / least : 1;
		double by_count = (double)round / (double)b->a->repeat;

		for (size_t i = 0; i < b->n_ways; i++)
			if (bench_run_pass(&runs[(round + i) % b->n_ways], b->call))
				return tn_status(b->call);
		bench_progress(b, runs[0].work, by_time < by_count ? by_time : by_count,
			(double)runs[0].counts.tokens / runs[0].pass_s.items[runs[0].pass_s.n - 1]);
	}
	progress_clear(&b->progress);
	return 0;
}

static int add_rows(struct bench *b, size_t work, struct bench_run *runs)
{
	double first = bench_quantile(&runs[0].pass_s, 0.5);

	for (size_t i = 0; i < b->n_ways; i++) {
		double difference = NAN;

		if (b->reference && bench_difference(b->ways[i].p, b->reference, &b->works[work],
				COMPARED_TOKENS, &difference, b->call))
			return tn_status(b->call);
		if (bench_add_row(b, &b->works_done, make_row(b, work, i, &runs[i], first,
				difference)) || (b->a->explain && bench_explain(b, i, &runs[i])))
			return tn_status(b->call);
	}
	return 0;
}

static int measure_work(struct bench *b, size_t work)
{
	struct bench_run *runs = calloc(b->n_ways, sizeof(*runs));
	int status = runs ? 0 : tn_fail(b->call, TN_ENOMEM, "out of memory");

	for (size_t i = 0; i < b->n_ways && !status; i++) {
		runs[i] = (struct bench_run){ .p = b->ways[i].p, .work = &b->works[work],
			.encoded = b->a->encoded };
		status = bench_run_begin(&runs[i], b->arena, b->call);
	}
	if (!status)
		status = take_turns(b, runs);
	if (!status) {
		bench_measure_peaks(b);
		status = add_rows(b, work, runs);
	}
	for (size_t i = 0; runs && i < b->n_ways; i++)
		bench_run_end(&runs[i]);
	free(runs);
	return status;
}

int bench_measure(struct bench *b)
{
	if (bench_works(b, b->ways[0].p))
		return tn_status(b->call);
	bench_measure_peaks(b);
	for (size_t i = 0; i < b->n_works; i++)
		if (measure_work(b, i))
			return tn_status(b->call);
	return 0;
}
