/* SPDX-License-Identifier: Apache-2.0
 * core/cli/bench_growth.c - tenon bench --growth: how time grows with the number of texts,
 * their length, the tokens of a batch and the threads.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "cli/bench.h"

#define LONGEST 8192		/* tokens, where the model has no limit */
#define PASS_TOKENS 2048	/* of texts of one length */
#define LIMIT 30		/* a pass may take so many times --time, or seconds */
#define MOST_POINTS 16

enum sweep_kind { BY_TEXTS, BY_LENGTH, BY_BUDGET, BY_THREADS, N_SWEEPS };

static const struct {
	const char *name, *title, *label;
} kinds[N_SWEEPS] = {
	{ "texts", "Number of texts", "texts" },
	{ "length", "Length of a text", "tokens" },
	{ "batch", "Tokens of a batch, at most", "tokens" },
	{ "threads", "Threads", "threads" },
};

/* Texts that are answered by one pipeline with batches of one size. */
struct point {
	double x;
	struct tn_pipeline *p;
	size_t budget;		/* tokens of a batch at most; 0: the pipeline's own */
	struct bench_work work;
	struct bench_run run;
};

/* Points of one kind, and what was measured there. */
struct sweep {
	struct point points[MOST_POINTS];
	double x[MOST_POINTS], tokens[MOST_POINTS], pass_s[MOST_POINTS], flops[MOST_POINTS];
	size_t n;
	bool cut;		/* further points would have taken too long */
};

struct growth {
	struct bench *b;
	struct sweep sweeps[N_SWEEPS];
	struct tn_pipeline *threads[MOST_POINTS];	/* opened for so many */
	size_t n_threads;
	double limit;		/* seconds of a pass */
};

static double per_token(const struct sweep *s, size_t i)
{
	return 1e6 * s->pass_s[i] / s->tokens[i];
}

static size_t fastest(const struct sweep *s)
{
	size_t best = 0;

	for (size_t i = 1; i < s->n; i++)
		if (per_token(s, i) < per_token(s, best))
			best = i;
	return best;
}

/* The point that others are compared with: the first; of lengths the fastest, as very short
 * texts pay for what every text costs. */
static size_t base_of(const struct sweep *s, enum sweep_kind kind)
{
	return kind == BY_LENGTH ? fastest(s) : 0;
}

/* The time per token at point i beside that at the base, as arithmetic alone would have it. */
static double predicted(const struct sweep *s, size_t base, size_t i)
{
	return s->flops[i] / s->tokens[i] / (s->flops[base] / s->tokens[base]);
}

static int pass(struct point *at, bool first, struct growth *g)
{
	const size_t usual = at->p->batch_tokens;
	int status;

	if (at->budget)
		at->p->batch_tokens = at->budget;
	status = first ? bench_run_begin(&at->run, g->b->arena, g->b->call) :
		bench_run_pass(&at->run, g->b->call);
	at->p->batch_tokens = usual;
	return status;
}

/* Adds a point and warms it up; false when that took so long that the next, larger one
 * would not end in time, or after an error. */
static bool add_point(struct growth *g, enum sweep_kind kind, double x, struct tn_pipeline *p,
	size_t budget, const struct bench_work *work)
{
	struct sweep *s = &g->sweeps[kind];
	struct point *at = &s->points[s->n];
	double start = bench_now();

	*at = (struct point){ .x = x, .p = p, .budget = budget, .work = *work };
	at->run = (struct bench_run){ .p = p, .work = &at->work, .encoded = g->b->a->encoded };
	s->n++;
	bench_progress(g->b, work, 0, 0);
	if (pass(at, true, g))
		return false;
	s->cut = 2 * (bench_now() - start) > g->limit;
	return !s->cut && s->n < MOST_POINTS;
}

/* Passes at all points by turns, so that what else the machine does falls on all of them:
 * for --time at each, at least --repeat times. */
static int measure(struct growth *g, enum sweep_kind kind)
{
	const struct bench_arguments *a = g->b->a;
	struct sweep *s = &g->sweeps[kind];
	double start = bench_now(), least = a->seconds * (double)s->n;

	for (size_t round = 0; round < a->repeat || bench_now() - start < least; round++)
		for (size_t i = 0; i < s->n; i++) {
			struct point *at = &s->points[(round + i) % s->n];

			if (pass(at, false, g))
				return tn_status(g->b->call);
			bench_progress(g->b, &at->work, least > 0 ?
				fmin(1, (bench_now() - start) / least) : 1,
				(double)at->run.counts.tokens /
				at->run.pass_s.items[at->run.pass_s.n - 1]);
		}
	progress_clear(&g->b->progress);
	for (size_t i = 0; i < s->n; i++) {
		struct bench_run *r = &s->points[i].run;

		s->x[i] = s->points[i].x;
		s->tokens[i] = (double)r->counts.tokens;
		s->flops[i] = (double)r->counts.flops;
		s->pass_s[i] = bench_quantile(&r->pass_s, 0.5);
	}
	return 0;
}

/* How many texts: fewer where no time is given. */
static size_t texts_of(const struct growth *g, size_t usual, size_t hurried)
{
	return g->b->a->seconds > 0 ? usual : hurried;
}

static int by_texts(struct growth *g, struct tn_pipeline *p)
{
	const size_t most = texts_of(g, 6400, 400);
	bool more = true;

	for (size_t n = 100; more && n <= most; n *= 2) {
		struct bench_work w = { .batch = n };

		if (bench_work_sentences(&w, p, n, g->b->arena, g->b->call))
			return tn_status(g->b->call);
		more = add_point(g, BY_TEXTS, (double)n, p, 0, &w);
	}
	return tn_status(g->b->call) ? tn_status(g->b->call) : measure(g, BY_TEXTS);
}

static int by_length(struct growth *g, struct tn_pipeline *p)
{
	size_t longest = p->max_tokens && p->max_tokens < LONGEST ? p->max_tokens : LONGEST;
	bool more = true;

	for (size_t length = longest < 16 ? longest : 16; more && length <= longest;) {
		size_t n = length < PASS_TOKENS ? PASS_TOKENS / length : 1;
		struct bench_work w = { .batch = n };

		if (bench_work_fixed(&w, p, length, n, g->b->arena, g->b->call))
			return tn_status(g->b->call);
		more = add_point(g, BY_LENGTH, (double)length, p, 0, &w);
		length = length < longest && 2 * length > longest ? longest : 2 * length;
	}
	return tn_status(g->b->call) ? tn_status(g->b->call) : measure(g, BY_LENGTH);
}

static int by_budget(struct growth *g, struct tn_pipeline *p)
{
	struct bench_work w = { .batch = texts_of(g, 256, 64) };

	if (bench_work_sentences(&w, p, w.batch, g->b->arena, g->b->call))
		return tn_status(g->b->call);
	for (size_t n = 32; n <= 4096 && !tn_status(g->b->call); n *= 2)
		add_point(g, BY_BUDGET, (double)n, p, n, &w);
	g->sweeps[BY_BUDGET].cut = false;
	return tn_status(g->b->call) ? tn_status(g->b->call) : measure(g, BY_BUDGET);
}

/* The same budget for each, so that backends and weights are shared. */
static struct tn_pipeline *open_threads(struct growth *g, size_t threads, size_t most)
{
	const char *settings[BENCH_MOST + 4] = { NULL };
	const struct bench_way *way = &g->b->ways[0];
	struct tn_pipeline *p;
	size_t n = 0;

	for (; way->settings[n]; n++)
		settings[n] = way->settings[n];
	settings[n++] = tn_printf(g->b->call, "threads=%zu", most);
	settings[n] = tn_printf(g->b->call, "threads_per_call=%zu", threads);
	if (tn_status(g->b->call))
		return NULL;
	p = tn_pipeline_open(g->b->a->pipeline, settings, g->b->call);
	if (p)
		g->threads[g->n_threads++] = p;
	return p;
}

static int by_threads(struct growth *g)
{
	size_t most = tn_machine_threads();
	struct bench_work w = { .batch = texts_of(g, 128, 64) };

	if (bench_work_sentences(&w, g->b->ways[0].p, w.batch, g->b->arena, g->b->call))
		return tn_status(g->b->call);
	for (size_t t = 1; t <= most && g->n_threads < MOST_POINTS;
			t = t < most && 2 * t > most ? most : 2 * t) {
		struct tn_pipeline *p = open_threads(g, t, most);

		if (!p)
			return tn_status(g->b->call);
		add_point(g, BY_THREADS, (double)t, p, 0, &w);
		if (tn_status(g->b->call))
			return tn_status(g->b->call);
	}
	g->sweeps[BY_THREADS].cut = false;
	return measure(g, BY_THREADS);
}

static void close_all(struct growth *g)
{
	for (int k = 0; k < N_SWEEPS; k++)
		for (size_t i = 0; i < g->sweeps[k].n; i++)
			bench_run_end(&g->sweeps[k].points[i].run);
	for (size_t i = 0; i < g->n_threads; i++)
		tn_pipeline_close(g->threads[i]);
}

static struct tn_value *point_row(struct growth *g, enum sweep_kind kind, size_t i)
{
	const struct sweep *s = &g->sweeps[kind];
	struct bench *b = g->b;
	size_t base = base_of(s, kind);
	double peak = bench_peak_of(b, 0), speed = s->flops[i] / s->pass_s[i] / 1e9;
	struct tn_value *row = tn_new_object(b->arena);

	eval_set_text(b->arena, row, "row", "growth");
	eval_set_text(b->arena, row, "pipeline", b->a->pipeline);
	eval_set_text(b->arena, row, "backends", bench_way_chain(&b->ways[0], b->call));
	eval_set_text(b->arena, row, "by", kinds[kind].name);
	eval_set_int(b->arena, row, "at", (int64_t)s->x[i]);
	eval_set_int(b->arena, row, "tokens", (int64_t)s->tokens[i]);
	eval_set_real(b->arena, row, "seconds", s->pass_s[i]);
	eval_set_real(b->arena, row, "us_per_token", per_token(s, i));
	eval_set_real(b->arena, row, "tokens_per_s", s->tokens[i] / s->pass_s[i]);
	eval_set_real(b->arena, row, "gflop_per_s", speed);
	/* The peak is that of the pipeline's own threads. */
	eval_set_real(b->arena, row, "peak_share", kind == BY_THREADS ? NAN : speed / peak);
	eval_set_real(b->arena, row, "relative", per_token(s, i) / per_token(s, base));
	return eval_set_real(b->arena, row, "predicted", kind == BY_THREADS ? s->x[base] / s->x[i] :
		predicted(s, base, i)) ? row : NULL;
}

/* How many times slower the slowest point is than the fastest, in time per token. */
static double spread(const struct sweep *s)
{
	double low = INFINITY, high = 0;

	for (size_t i = 0; i < s->n; i++) {
		low = fmin(low, per_token(s, i));
		high = fmax(high, per_token(s, i));
	}
	return high / low;
}

/* What a sweep says, in one sentence. */
static const char *sentence(const struct growth *g, enum sweep_kind kind)
{
	const struct sweep *s = &g->sweeps[kind];
	size_t base = base_of(s, kind), last = s->n - 1, best = fastest(s);
	double to_last = per_token(s, last) / per_token(s, base);
	struct tn_call *call = g->b->call;

	switch (kind) {
	case BY_TEXTS:
		return tn_printf(call, "from %.0f to %.0f texts the time per token %s: %.2f times that "
			"of the first; slowest over fastest %.2f%s", s->x[0], s->x[last],
			to_last <= 1.1 ? "does not grow" : "grows", to_last, spread(s),
			s->cut ? "; more would take too long (--time)" : "");
	case BY_LENGTH:
		return tn_printf(call, "from %.0f to %.0f tokens the time per token grows %.2f times; "
			"the attention term says %.2f%s", s->x[base], s->x[last], to_last,
			predicted(s, base, last), s->cut ?
			"; longer ones would take too long (--time)" : "");
	case BY_BUDGET:
		return tn_printf(call, "batches of %.0f tokens are the fastest; the pipeline's own take "
			"up to %zu", s->x[best], g->b->ways[0].p->batch_tokens);
	default:
		return tn_printf(call, "%.0f thread%s: %.2f times as fast as one", s->x[last],
			s->x[last] > 1 ? "s" : "", per_token(s, 0) / per_token(s, last));
	}
}

static int add_rows(struct growth *g, enum sweep_kind kind)
{
	struct bench *b = g->b;
	const struct sweep *s = &g->sweeps[kind];
	size_t base = base_of(s, kind);
	struct tn_value *row = tn_new_object(b->arena);

	for (size_t i = 0; i < s->n; i++)
		if (bench_add_row(b, &b->points, point_row(g, kind, i)))
			return tn_status(b->call);
	eval_set_text(b->arena, row, "row", "finding");
	eval_set_text(b->arena, row, "by", kinds[kind].name);
	eval_set_int(b->arena, row, "from", (int64_t)s->x[base]);
	eval_set_int(b->arena, row, "to", (int64_t)s->x[s->n - 1]);
	eval_set_real(b->arena, row, "relative", per_token(s, s->n - 1) / per_token(s, base));
	eval_set_real(b->arena, row, "predicted", kind == BY_THREADS ?
		s->x[base] / s->x[s->n - 1] : predicted(s, base, s->n - 1));
	eval_set_real(b->arena, row, "spread", spread(s));
	return bench_add_row(b, &b->findings, eval_set_text(b->arena, row, "text",
		sentence(g, kind)) ? row : NULL);
}

/* A panel for each sweep: the time of a token, and what arithmetic alone would have it be. */
static int save_plot(struct growth *g)
{
	struct tn_panel panels[N_SWEEPS];
	struct tn_series series[N_SWEEPS][2];
	double measured[N_SWEEPS][MOST_POINTS], expected[N_SWEEPS][MOST_POINTS];
	char title[256];

	for (int k = 0; k < N_SWEEPS; k++) {
		const struct sweep *s = &g->sweeps[k];
		size_t base = base_of(s, (enum sweep_kind)k);

		for (size_t i = 0; i < s->n; i++) {
			measured[k][i] = per_token(s, i);
			expected[k][i] = per_token(s, base) * (k == BY_THREADS ? s->x[base] / s->x[i] :
				predicted(s, base, i));
		}
		series[k][0] = (struct tn_series){ "measured", s->x, measured[k], s->n, false };
		series[k][1] = (struct tn_series){ k == BY_THREADS ? "one thread's share" :
			"by arithmetic", s->x, expected[k], s->n, true };
		panels[k] = (struct tn_panel){ .title = kinds[k].title, .x_label = kinds[k].label,
			.y_label = "microseconds a token", .series = series[k], .n_series = 2 };
	}
	snprintf(title, sizeof(title), "%s: %s, %s", g->b->a->pipeline,
		bench_way_chain(&g->b->ways[0], g->b->call), g->b->ways[0].p->config->precision);
	return bench_save_plot(g->b, title, panels, N_SWEEPS, 2);
}

static int measure_all(struct growth *g)
{
	struct tn_pipeline *p = g->b->ways[0].p;

	if (by_texts(g, p) || by_length(g, p) || by_budget(g, p) || by_threads(g))
		return tn_status(g->b->call);
	bench_measure_peaks(g->b);
	for (int k = 0; k < N_SWEEPS; k++)
		if (add_rows(g, (enum sweep_kind)k))
			return tn_status(g->b->call);
	return 0;
}

int bench_growth(struct bench *b)
{
	struct growth *g = tn_arena_alloc(b->arena, sizeof(*g));

	if (!g)
		return tn_fail(b->call, TN_ENOMEM, "out of memory");
	g->b = b;
	g->limit = LIMIT * (b->a->seconds > 1 ? b->a->seconds : 1);
	if (!measure_all(g) && b->a->plot)
		save_plot(g);
	close_all(g);
	return tn_status(b->call);
}
