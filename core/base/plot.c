/* SPDX-License-Identifier: Apache-2.0
 * core/base/plot.c - lines over axes as an SVG file.
 */
#include <math.h>

#include "base/plot.h"

/* Pixels. */
#define WIDE 460
#define HIGH 320
#define LEFT 66
#define RIGHT 18
#define TOP 56
#define BOTTOM 48
#define TITLE 34
#define BAR 18
#define BAR_NAME 200

#define MOST_POINTS 40		/* more are a line without them */

/* Distinct for the colour-blind.  Source: Okabe & Ito, "Color universal design", 2008. */
static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
	"#56b4e9", "#000000" };
#define N_COLOURS (sizeof(colours) / sizeof(colours[0]))

struct axis {
	double low, high;
	bool log;
	double from, to;	/* pixels of low and high */
};

struct panel {
	FILE *out;
	const struct tn_panel *p;
	struct axis x, y;
};

static void print_text(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '<')
			fputs("&lt;", out);
		else if (*s == '>')
			fputs("&gt;", out);
		else if (*s == '&')
			fputs("&amp;", out);
		else
			putc((unsigned char)*s < ' ' ? ' ' : *s, out);
	}
}

static void write_text(FILE *out, double x, double y, const char *anchor, const char *more,
	const char *s)
{
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>", x, y, anchor, more);
	print_text(out, s);
	fputs("</text>\n", out);
}

static double place(const struct axis *a, double v)
{
	double share = a->log ? log(v / a->low) / log(a->high / a->low) :
		(v - a->low) / (a->high - a->low);

	return a->from + share * (a->to - a->from);
}

static bool has_place(const struct panel *p, double x, double y)
{
	return isfinite(x) && isfinite(y) && (!p->x.log || x > 0) && (!p->y.log || y > 0);
}

/* The step of 1, 2 or 5 times a power of ten that divides the axis into at most six. */
static double nice_step(double range)
{
	double step = pow(10, floor(log10(range / 6)));

	if (range / step > 30)
		return 10 * step;
	return range / step > 12 ? 5 * step : range / step > 6 ? 2 * step : step;
}

static void find_range(struct panel *p)
{
	p->x.low = p->y.low = INFINITY;
	p->x.high = p->y.high = -INFINITY;
	for (size_t s = 0; s < p->p->n_series; s++) {
		const struct tn_series *l = &p->p->series[s];

		for (size_t i = 0; i < l->n; i++) {
			if (!has_place(p, l->x[i], l->y[i]))
				continue;
			p->x.low = fmin(p->x.low, l->x[i]);
			p->x.high = fmax(p->x.high, l->x[i]);
			p->y.low = fmin(p->y.low, l->y[i]);
			p->y.high = fmax(p->y.high, l->y[i]);
		}
	}
	/* One point alone still needs a range, and so do none. */
	if (!(p->x.low < p->x.high)) {
		p->x.low = isfinite(p->x.low) ? p->x.low / 2 : 1;
		p->x.high = p->x.low * 4;
	}
	if (!isfinite(p->y.low) || p->y.high <= 0) {
		p->y.low = 1;
		p->y.high = 10;
	}
	if (!p->x.log) {
		p->x.low = fmin(p->x.low, 0);
		p->x.high = p->x.high > 0 ? p->x.high : p->x.low < 0 ? 0 : 1;
	}
	if (p->y.log) {
		p->y.low = pow(10, floor(log10(p->y.low)));
		p->y.high = pow(10, ceil(log10(p->y.high * 1.0001)));
	} else {
		double step = nice_step(p->y.high);

		p->y.low = 0;
		p->y.high = step * ceil(p->y.high * 1.02 / step);
	}
}

static void y_tick(const struct panel *p, double v)
{
	double y = place(&p->y, v);
	char label[32];

	fprintf(p->out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n",
		p->x.from, y, p->x.to, y);
	snprintf(label, sizeof(label), "%.6g", v);
	write_text(p->out, p->x.from - 8, y + 4, "end", "", label);
}

static void x_tick(const struct panel *p, double v, bool named)
{
	double x = place(&p->x, v);
	char label[32];

	fprintf(p->out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#444\"/>\n",
		x, p->y.from, x, p->y.from + 5);
	snprintf(label, sizeof(label), v < 1000 ? "%.3g" : "%.6g", v);
	if (named)
		write_text(p->out, x, p->y.from + 19, "middle", "", label);
}

static void write_x_ticks(const struct panel *p)
{
	const struct tn_series *first = p->p->series;
	double step = nice_step(p->x.high - p->x.low);

	if (!p->x.log)
		for (int i = (int)ceil(p->x.low / step); i * step <= p->x.high + 0.001 * step; i++)
			x_tick(p, i * step, true);
	/* Every second one, when there are many. */
	for (size_t i = 0; p->x.log && p->p->n_series && i < first->n; i++)
		x_tick(p, first->x[i], first->n <= 8 || (first->n - 1 - i) % 2 == 0);
}

static void write_axes(const struct panel *p)
{
	double step = p->y.log ? 10 : nice_step(p->y.high);

	if (p->y.log)
		for (double v = p->y.low; v <= p->y.high * 1.001; v *= step)
			y_tick(p, v);
	else
		for (int i = 0; i * step <= p->y.high * 1.001; i++)
			y_tick(p, i * step);
	write_x_ticks(p);
	fprintf(p->out, "<path d=\"M%.1f %.1fV%.1fH%.1f\" fill=\"none\" stroke=\"#444\"/>\n",
		p->x.from, p->y.to, p->y.from, p->x.to);
	write_text(p->out, (p->x.from + p->x.to) / 2, p->y.from + 38, "middle", "", p->p->x_label);
	write_text(p->out, p->x.from - LEFT + 10, p->y.to - 10, "start", "", p->p->y_label);
	write_text(p->out, p->x.from - LEFT + 10, p->y.to - 30, "start", " font-weight=\"bold\"",
		p->p->title);
}

static void write_series(const struct panel *p, size_t at)
{
	const struct tn_series *s = &p->p->series[at];
	const char *colour = s->dashed ? "#777" : colours[at % N_COLOURS];
	const char *how = s->dashed ? " stroke-dasharray=\"6 4\"" : "";
	bool below = p->p->legend_below;
	double legend = below ? p->x.from : p->x.to - 130;
	double y = (below ? p->y.from + BOTTOM + 6 : p->y.to - 30) + 16 * (double)at;
	char move = 'M';

	fprintf(p->out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s d=\"", colour, how);
	for (size_t i = 0; i < s->n; i++) {
		if (!has_place(p, s->x[i], s->y[i]))
			continue;
		fprintf(p->out, "%c%.1f %.1f", move, place(&p->x, s->x[i]), place(&p->y, s->y[i]));
		move = 'L';
	}
	fputs("\"/>\n", p->out);
	for (size_t i = 0; !s->dashed && s->n <= MOST_POINTS && i < s->n; i++)
		if (has_place(p, s->x[i], s->y[i]))
			fprintf(p->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n",
				place(&p->x, s->x[i]), place(&p->y, s->y[i]), colour);
	fprintf(p->out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
		"stroke-width=\"2\"%s/>\n", legend, y - 4, legend + 24, y - 4, colour, how);
	write_text(p->out, legend + 30, y, "start", "", s->name);
}

static void begin(FILE *out, size_t wide, size_t high, const char *title)
{
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%zu\" height=\"%zu\" "
		"viewBox=\"0 0 %zu %zu\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", wide, high, wide, high);
	write_text(out, 10, 22, "start", " font-size=\"15\"", title);
}

void tn_plot(FILE *out, const char *title, const struct tn_panel *panels, size_t n,
	size_t columns)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
	tn_plot_inline(out, title, panels, n, columns);
}

void tn_plot_inline(FILE *out, const char *title, const struct tn_panel *panels, size_t n,
	size_t columns)
{
	size_t rows = (n + columns - 1) / columns;
	size_t wide = WIDE * (n < columns ? n : columns), below = 0, high;

	for (size_t i = 0; i < n; i++)
		if (panels[i].legend_below && panels[i].n_series > below)
			below = panels[i].n_series;
	high = TITLE + (HIGH + 16 * below) * rows;

	begin(out, wide, high, title);
	for (size_t i = 0; i < n; i++) {
		double left = (double)(i % columns * WIDE), top = (double)(TITLE +
			i / columns * (HIGH + 16 * below));
		struct panel p = { .out = out, .p = &panels[i],
			.x = { .log = !panels[i].linear_x, .from = left + LEFT, .to = left + WIDE - RIGHT },
			.y = { .log = panels[i].log_y, .from = top + HIGH - BOTTOM, .to = top + TOP } };

		find_range(&p);
		fputs("<g>\n", out);
		write_axes(&p);
		for (size_t s = 0; s < panels[i].n_series; s++)
			write_series(&p, s);
		fputs("</g>\n", out);
	}
	fputs("</svg>\n", out);
}

void tn_bars(FILE *out, const char *title, const struct tn_bar *bars, size_t n, double full)
{
	begin(out, BAR_NAME + WIDE, TITLE + BAR * n + 10, title);
	for (size_t i = 0; i < n; i++) {
		double y = (double)(TITLE + BAR * i), v = bars[i].value;
		double wide = isfinite(v) && v > 0 ? (WIDE - LEFT) * fmin(v / full, 1) : 0;
		char value[32];

		write_text(out, BAR_NAME - 8, y + 13, "end", "", bars[i].name);
		fprintf(out, "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n",
			BAR_NAME, y + 2, wide, BAR - 4, colours[0]);
		snprintf(value, sizeof(value), "%.2f", v);
		write_text(out, BAR_NAME + wide + 6, y + 13, "start", "", value);
	}
	fputs("</svg>\n", out);
}
