/* SPDX-License-Identifier: Apache-2.0
 * core/cli/bench_roofline.c - tenon bench --explain --plot: each op under what the processor can
 * do.  Source: Williams, Waterman & Patterson, "Roofline: an insightful visual performance
 * model for multicore architectures", CACM 52(4), 2009.
 */
#include <math.h>
#include <string.h>

#include "cli/bench.h"

#define MOST_OPS 6		/* in a panel: those that take most of the time */
#define MOST_TICKS 12
#define MOST_NAME 28

/* A line: what reading allows up to the ridge, the arithmetic from there on. */
struct roof {
	double x[MOST_TICKS + 1], y[MOST_TICKS + 1];
	char name[40];
};

struct picture {
	struct tn_panel panel;
	struct tn_series series[MOST_OPS + 2];
	struct roof roofs[2];		/* of single precision, of the others */
	double x[MOST_OPS], y[MOST_OPS];
	char names[MOST_OPS][80], title[120];
};

static double real(const struct tn_value *row, const char *key)
{
	return tn_real(tn_get(row, key), NAN);
}

/* One tick for each power of ten around the ops, and the ridge. */
static struct tn_series draw_roof(struct roof *r, double low, double high, double peak,
	double read, const char *precision)
{
	const double ridge = peak / read;
	double x = pow(10, floor(log10(fmin(low, ridge))));
	size_t n = 0;

	for (; n < MOST_TICKS && (!n || r->x[n - 1] < fmax(high, ridge)); x *= 10) {
		if (n && r->x[n - 1] < ridge && ridge < x)
			r->x[n++] = ridge;
		r->x[n++] = x;
	}
	for (size_t i = 0; i < n; i++)
		r->y[i] = fmin(peak, r->x[i] * read);
	snprintf(r->name, sizeof(r->name), "%s: %.0f GFLOP/s, %.1f GB/s", precision, peak, read);
	return (struct tn_series){ r->name, r->x, r->y, n, true };
}

/* What fits the panel: the end of a name says more than its beginning. */
static const char *tail(const char *where)
{
	while (strlen(where) > MOST_NAME && strchr(where, '.'))
		where = strchr(where, '.') + 1;
	return where;
}

static void draw_ops(struct picture *p, const struct tn_value *const *rows, size_t n)
{
	for (size_t i = 0, k = 0; i < n && k < MOST_OPS; i++) {
		const char *joined = tn_string(tn_get(rows[i], "joined"), NULL);

		if (!(real(rows[i], "flop_per_byte") > 0))
			continue;
		p->x[k] = real(rows[i], "flop_per_byte");
		p->y[k] = real(rows[i], "gflop_per_s");
		snprintf(p->names[k], sizeof(p->names[k]), "%4.1f %% %s%s%s, %s",
			100 * real(rows[i], "time_share"), tn_string(tn_get(rows[i], "op"), ""),
			joined ? " + " : "", joined ? joined : "",
			tail(tn_string(tn_get(rows[i], "where"), "")));
		p->series[p->panel.n_series++] = (struct tn_series){ p->names[k], &p->x[k],
			&p->y[k], 1, false };
		k++;
	}
}

static void draw_roofs(struct picture *p, const struct bench_peaks *peaks,
	const struct tn_value *const *rows, size_t n)
{
	double low = 1, high = 1, other = 0;
	const char *name = "";

	for (size_t i = 0; i < n; i++) {
		double x = real(rows[i], "flop_per_byte");
		const char *precision = tn_string(tn_get(rows[i], "precision"), "fp32");

		if (!(x > 0))
			continue;
		low = fmin(low, x);
		high = fmax(high, x);
		if (strcmp(precision, "fp32")) {
			name = precision;
			other = strcmp(precision, "int8") ? peaks->bf16 : peaks->int8;
		}
	}
	if (other > 0)
		p->series[p->panel.n_series++] = draw_roof(&p->roofs[1], low, high, other,
			peaks->read, name);
	p->series[p->panel.n_series++] = draw_roof(&p->roofs[0], low, high, peaks->fp32, peaks->read,
		"fp32");
}

static void draw(struct picture *p, const struct bench_peaks *peaks,
	const struct tn_value *const *rows, size_t n)
{
	const struct tn_value *length = tn_get(rows[0], "length");
	char each[40] = "";

	if (tn_int(length, 0))
		snprintf(each, sizeof(each), " of %d tokens", (int)tn_int(length, 0));
	snprintf(p->title, sizeof(p->title), "%d at a time%s; %d thread%s",
		(int)tn_int(tn_get(rows[0], "batch"), 0), each, peaks->threads,
		peaks->threads == 1 ? "" : "s");
	p->panel = (struct tn_panel){ .title = p->title,
		.x_label = "operations for each byte read and written",
		.y_label = "1e9 operations a second", .log_y = true, .legend_below = true,
		.series = p->series };
	if (peaks->read > 0)
		draw_roofs(p, peaks, rows, n);
	draw_ops(p, rows, n);
}

int bench_roofline(struct bench *b)
{
	const size_t n = b->n_ways * b->n_works;
	struct picture *pictures = tn_alloc_n(b->call, n, sizeof(*pictures));
	struct tn_panel *panels = tn_alloc_n(b->call, n, sizeof(*panels));

	for (size_t i = 0, first = 0, rows; pictures && panels && i < n; i++, first += rows) {
		rows = bench_same_work(&b->ops, first);
		draw(&pictures[i], &b->peaks[i % b->n_ways], b->ops.items + first, rows);
		panels[i] = pictures[i].panel;
	}
	return tn_status(b->call) ? tn_status(b->call) :
		bench_save_plot(b, b->a->pipeline, panels, n, n > 1 ? 2 : 1);
}
